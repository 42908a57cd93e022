//! In which order are the methods for a data connection tried?
use std::net::{IpAddr, SocketAddr};

use wire::host_port::is_private;

use crate::error::Attempt;
use crate::method::{Mode, Way};

/// How the search for a data connection begins, and what is known before it.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Who may open it.
    pub mode: Mode,
    /// What is tried first.
    pub first: Way,
    /// The control connection's peer: data connections go to no other address, and come from no other.
    pub server: SocketAddr,
    /// The control connection is under TLS, so that nobody on the way can translate an address that we tell.
    pub sealed: bool,
    /// What has failed already, in sessions before this one. These ways are not tried again.
    pub failed: Vec<Attempt>,
    /// What need not be tried, since what failed would fail it too.
    pub skipped: Vec<Way>,
}

impl Approach {
    /// In clear, and nothing has failed yet.
    #[must_use]
    pub fn new(mode: Mode, first: Way, server: SocketAddr) -> Self {
        Self { mode, first, server, sealed: false, failed: Vec::new(), skipped: Vec::new() }
    }

    /// The next way, if the mode allows one that has not failed. So the search ends after four.
    pub(super) fn next(&self) -> Option<Way> {
        self.left().next()
    }

    /// The next way, if `way` fails too.
    pub(super) fn next_after(&self, way: Way) -> Option<Way> {
        self.left().find(|left| *left != way)
    }

    /// Is there anything to try after a call of the server's that has not come? PORT is not: what stops the
    /// call does not ask for the verb.
    pub(super) fn has_more_than_calls(&self, way: Way) -> bool {
        self.left().any(|left| left != way && left != Way::Port)
    }

    /// Is this way still to be tried?
    pub(super) fn has_left(&self, way: Way) -> bool {
        self.left().any(|left| left == way)
    }

    fn left(&self) -> impl Iterator<Item = Way> {
        let untried =
            |way: &Way| !self.skipped.contains(way) && !self.failed.iter().any(|attempt| attempt.way == *way);
        let ways = self.mode.ways().iter().copied();
        ways.filter(move |way| way.can_reach(self.server.ip()) && untried(way))
    }

    /// Why a server cannot dial an address of ours, where that is certain.
    ///
    /// A private address of ours and a public one of the server's mean that somebody between translates
    /// addresses. In clear that somebody may translate the one in PORT too (an FTP helper); under TLS nobody
    /// can.
    pub(super) fn cannot_be_dialled(&self, ours: IpAddr) -> Option<String> {
        let behind_nat = self.sealed && is_private(ours) && !is_private(self.server.ip());
        behind_nat.then(|| {
            format!("our address {ours} means nothing to a server at a public one, and no NAT can translate it under TLS: not tried")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn failed(way: Way) -> Attempt {
        Attempt { way, target: None, why: String::new(), elapsed: Duration::ZERO }
    }

    /// The ways from `first` on, where each fails.
    fn tried(mode: Mode, first: Way, server: &str) -> Vec<Way> {
        let mut approach = Approach::new(mode, first, SocketAddr::new(server.parse().unwrap(), 21));
        let mut tried = vec![first];
        approach.failed.push(failed(first));
        while let Some(way) = approach.next() {
            tried.push(way);
            approach.failed.push(failed(way));
        }
        tried
    }

    #[test]
    fn every_way_of_a_mode_is_tried_once_wherever_it_begins() {
        use Way::{Eprt, Epsv, Pasv, Port};
        assert_eq!(tried(Mode::Auto, Epsv, "192.0.2.1"), [Epsv, Pasv, Eprt, Port]);
        assert_eq!(tried(Mode::Auto, Eprt, "192.0.2.1"), [Eprt, Epsv, Pasv, Port]);
        assert_eq!(tried(Mode::Passive, Pasv, "192.0.2.1"), [Pasv, Epsv]);
        assert_eq!(tried(Mode::Active, Eprt, "192.0.2.1"), [Eprt, Port, Epsv, Pasv]);
        assert_eq!(tried(Mode::Auto, Epsv, "2001:db8::1"), [Epsv, Eprt]);
    }

    #[test]
    fn only_what_is_certain_keeps_us_from_active_mode() {
        let mut approach = Approach::new(Mode::Auto, Way::Epsv, "203.0.113.1:21".parse().unwrap());
        let private = "192.168.1.2".parse().unwrap();
        assert_eq!(approach.cannot_be_dialled(private), None, "a helper may translate it");
        approach.sealed = true;
        assert!(approach.cannot_be_dialled(private).is_some());
        assert_eq!(approach.cannot_be_dialled("203.0.113.9".parse().unwrap()), None);
        approach.server = "192.168.7.7:21".parse().unwrap();
        assert_eq!(approach.cannot_be_dialled(private), None, "a network of their own");
    }
}
