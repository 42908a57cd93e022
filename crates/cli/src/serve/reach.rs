//! By what is a site reached, and what has a firewall to know of that?
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::listen::Listen;
use super::{Flags, PORT};

impl Flags {
    /// What a firewall has to know of the site that these flags make: where it listens, and its passive ports.
    pub(super) fn firewall_site(
        &self,
        control: &[SocketAddr],
        implicit: &[SocketAddr],
        passive: Vec<RangeInclusive<u16>>,
    ) -> firewall::Exposure {
        // What only this machine itself reaches needs no firewall's leave, unless there is nothing else.
        let reached = control.iter().chain(implicit).any(|at| !at.ip().is_loopback());
        let counts = move |at: &&SocketAddr| !reached || !at.ip().is_loopback();
        let all = || control.iter().chain(implicit).filter(counts);
        let both = all().any(|at| at.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let (v4, v6) = (all().any(SocketAddr::is_ipv4), all().any(SocketAddr::is_ipv6));
        firewall::Exposure {
            control_ports: all().map(SocketAddr::port).collect(),
            implicit_ports: implicit.iter().filter(counts).map(SocketAddr::port).collect(),
            passive_ports: passive,
            active: match (self.no_active, self.active_port) {
                (true, _) => firewall::Active::Off,
                (false, Some(port)) => firewall::Active::FromPort(port),
                (false, None) => firewall::Active::FromAnyPort,
            },
            families: match (v4 || both, v6) {
                (true, true) => firewall::Families::Both,
                (false, true) => firewall::Families::Ipv6,
                _ => firewall::Families::Ipv4,
            },
        }
    }

    /// The same before anything is bound.
    pub(crate) fn firewall_plan(&self) -> firewall::Exposure {
        let passive = if self.no_passive { vec![] } else { vec![self.passive_ports.clone()] };
        self.firewall_site(&self.listens(), self.tls.listens(), passive)
    }

    pub(crate) fn external(&self) -> Option<Ipv4Addr> {
        self.external
    }

    /// Does anybody but this machine reach the site?
    pub(crate) fn is_reached(&self) -> bool {
        self.listens().iter().chain(self.tls.listens()).any(|at| !at.ip().is_loopback())
    }

    /// At which port does an authority ask for the certificate, where it does not ask somebody of this machine first?
    pub(crate) fn asked_at(&self) -> Option<u16> {
        self.tls.asked_at().filter(|at| !at.ip().is_loopback()).map(|at| at.port())
    }

    /// Has an authority to reach port 80, for the certificate?
    pub(crate) fn wants_port_80(&self) -> bool {
        self.asked_at() == Some(80)
    }

    /// Was the banner to tell the firewall's rules in full?
    pub(crate) fn explain(&self) -> bool {
        self.explain
    }

    /// The folder to share.
    pub(super) fn root(&self) -> &Path {
        self.dir.as_deref().or(self.root.as_deref()).unwrap_or(Path::new("."))
    }

    /// Shares this folder, where none is named.
    pub(crate) fn share(&mut self, dir: Option<PathBuf>) {
        self.dir = self.dir.take().or(dir);
    }

    /// Was `--write` given?
    pub(crate) fn write(&self) -> bool {
        self.write
    }

    /// The certificates that are given, each with its key.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = (&PathBuf, &PathBuf)> {
        self.tls.pairs()
    }

    pub(super) fn listens(&self) -> Vec<SocketAddr> {
        let port = self.port.unwrap_or(PORT);
        match self.listen.as_slice() {
            [] => Listen::everywhere(None).sockets(port).collect(),
            given => given.iter().flat_map(|listen| listen.sockets(port)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn site(words: &str) -> firewall::Exposure {
        Line::parse_from(std::iter::once("serve").chain(words.split(' '))).flags.firewall_plan()
    }

    #[test]
    fn addresses_that_nobody_else_reaches_open_nothing() {
        let site_of = |words| {
            let site = site(words);
            (site.control_ports, site.implicit_ports, site.families)
        };
        let (v4, both) = (firewall::Families::Ipv4, firewall::Families::Both);
        assert_eq!(
            site_of("--listen 192.0.2.1:21 --listen [::1]:2121 --listen-tls 127.0.0.1:990"),
            (vec![21], vec![], v4)
        );
        assert_eq!(site_of("--listen 21 --listen-tls 990"), (vec![21, 990], vec![990], both));
        assert_eq!(site_of("--listen 127.0.0.1:2121").0, [2121]);
    }

    #[test]
    fn an_authority_asks_where_the_server_answers() {
        let asked_at =
            |words: &str| Line::parse_from(std::iter::once("serve").chain(words.split(' '))).flags.asked_at();
        assert_eq!(asked_at("--listen 21"), None);
        assert_eq!(asked_at("--acme ftp.example.org"), Some(80));
        assert_eq!(asked_at("--acme ftp.example.org --acme-listen 8080"), Some(8080));
        // A web server of this machine leads there, and is open already.
        assert_eq!(asked_at("--acme ftp.example.org --acme-listen 127.0.0.1:8080"), None);
    }
}
