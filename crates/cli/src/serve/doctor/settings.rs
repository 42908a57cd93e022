//! Do a site's own settings go together, whatever the machine is like?
use std::net::{IpAddr, SocketAddr};

use config::{Listener, SiteConfig};
use rustix::fs::Access;

use super::findings::Findings;
use crate::talk::{show_path, words};

/// Fewer passive ports than this, and a few clients that never call the port they were given keep it from all others behind
/// the same NAT, each for `--claim-timeout`.
const FEW_PORTS: usize = 4;

/// One for the control connection, one for the data connection, one for the file.
const DESCRIPTORS: u64 = 3;

/// What the machine says to some of them.
#[derive(Debug)]
pub(super) struct Here {
    /// Why the folder cannot be shared, if it cannot.
    folder: Option<String>,
    /// How many descriptors a process may have; None: as many as it likes.
    descriptors: Option<u64>,
}

pub(super) fn gather(site: &SiteConfig) -> Here {
    let access = if site.changes_files() { Access::READ_OK | Access::WRITE_OK } else { Access::READ_OK }
        | Access::EXEC_OK;
    let usable = match std::fs::metadata(&site.root) {
        Ok(about) if !about.is_dir() => Err("it is not a folder".to_owned()),
        Ok(_) => rustix::fs::access(&site.root, access).map_err(|e| words(&std::io::Error::from(e))),
        Err(error) => Err(words(&error)),
    };
    Here {
        folder: usable.err(),
        descriptors: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
    }
}

/// Pure: the same settings, the same findings.
pub(super) fn judge(site: &SiteConfig, here: &Here, findings: &mut Findings) {
    const CONFLICT: &str = "settings-conflict";
    let before = findings.count();
    if let Some(why) = &here.folder {
        let doing = if site.changes_files() { "written to" } else { "read" };
        let fix = "share a folder that the user who runs the server may use; run this check as that user";
        findings.wrong("folder", format!("{} cannot be {doing}", show_path(&site.root)), why, fix);
    }
    if let Some(why) = site.conflict() {
        findings.wrong(CONFLICT, why, "`pasv serve` does not start with both", "remove one of the two");
    }
    let all: Vec<SocketAddr> = site.listeners.iter().map(Listener::socket).collect();
    // All listeners have the same: there are no flags for each.
    let Some(first) = site.listeners.first() else { return };
    for (nth, at) in all.iter().enumerate() {
        if at.port() != 0 && all.iter().take(nth).any(|other| overlap(*at, *other)) {
            let evidence = "a port can be listened on once, with or without implicit TLS";
            let fix = "give --listen and --listen-tls different ports";
            findings.wrong(CONFLICT, format!("{at} is listened on twice"), evidence, fix);
        }
        if first.passive && first.passive_ports.contains(&at.port()) {
            let (low, high) = (first.passive_ports.start(), first.passive_ports.end());
            let evidence = format!("the passive ports are {low}-{high}");
            let fix = "use --passive-ports without that port, or another --listen";
            findings.wrong(
                CONFLICT,
                format!("port {} is both a control port and a passive port", at.port()),
                evidence,
                fix,
            );
        }
    }
    if let Some(port) = first.active_port.filter(|_| first.active) {
        let listened = all.iter().any(|at| at.port() == port);
        if listened || first.passive && first.passive_ports.contains(&port) {
            let says = format!("active mode cannot use port {port}, on which the server listens");
            findings.wrong(
                CONFLICT,
                says,
                "--active-port is one of the server's own ports",
                "use --active-port 20, or none",
            );
        }
    }
    if first.active_port.is_some() && !first.active {
        let fix = "remove --active-port, or --no-active";
        findings.look(CONFLICT, "--active-port has no effect", "--no-active refuses EPRT and PORT", fix);
    }
    if let Some(external) = first.external {
        let four = all.iter().any(|at| at.is_ipv4() || at.ip().is_unspecified());
        if !first.passive || !four {
            let why = if !first.passive {
                "--no-passive refuses it"
            } else {
                "the server has no IPv4, and EPSV announces no address"
            };
            let says = format!("--external {external} has no effect: only PASV announces an address");
            findings.look(CONFLICT, says, why, "remove it");
        }
    }
    for net in first.proxy_from.iter().filter(|net| net.prefix_len() == 0) {
        let says = format!("--proxy-from {net} accepts PROXY headers from anyone");
        let evidence = "any client can pretend to be another, and clients without the header are refused";
        findings.wrong(CONFLICT, says, evidence, "give --proxy-from the addresses of the balancer only");
    }
    if findings.count() == before {
        findings.fine("settings-agree", "the settings fit together", "each was compared with the others");
    }
    limits(site, here, findings);
}

/// Has the site as many ports and descriptors as its own limits promise?
fn limits(site: &SiteConfig, here: &Here, findings: &mut Findings) {
    let (all, each) = (site.limits.sessions, site.limits.sessions_per_address);
    if each > all && all > 1 {
        let evidence = format!("--max-sessions is {all}, --max-sessions-per-address {each}");
        let fix = "set --max-sessions-per-address below --max-sessions";
        findings.look("limits", "a single address may use all sessions", evidence, fix);
    }
    let need = u64::try_from(all).unwrap_or(u64::MAX).saturating_mul(DESCRIPTORS);
    if let Some(most) = here.descriptors.filter(|most| *most < need) {
        let room = most / DESCRIPTORS;
        let evidence = format!("{DESCRIPTORS} open files per session, and the system allows {most}");
        // With the limit that nobody has chosen it is the system that decides, and the server copes.
        if all == config::Limits::default().sessions {
            findings.fine("limits", format!("there is room for {room} sessions"), evidence);
        } else {
            let fix = format!(
                "set LimitNOFILE={need} in the service (or `ulimit -n {need}`), or a smaller --max-sessions"
            );
            let says = format!("the system allows {room} sessions, not the {all} of --max-sessions");
            findings.look("limits", says, evidence, fix);
        }
    }
    let Some(first) = site.listeners.iter().find(|listener| listener.passive) else { return };
    let ports = first.passive_ports.len();
    let few = format!("{ports} passive port{}", if ports == 1 { "" } else { "s" });
    if ports < FEW_PORTS && each > ports {
        let evidence = format!(
            "unencrypted, each waits for one client; one address may have up to {each} sessions (--max-sessions-per-address)"
        );
        let fix = "use ten --passive-ports; or --tls required-data, with which one port serves any number";
        findings.look(
            "few-ports",
            format!("{few} can be used up by a few clients behind one NAT"),
            evidence,
            fix,
        );
    } else {
        let evidence = format!(
            "clients with different addresses share a port; those with the same address take turns when unencrypted, and PASV waits up to {} s",
            site.deadlines.port.as_secs_f64()
        );
        findings.fine("ports-enough", format!("{few} serve {all} sessions"), evidence);
    }
}

/// Would one be in the way of the other? `[::]` takes IPv4 too, unless `0.0.0.0` is there for it.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let wide = |ip: IpAddr| ip.is_unspecified();
    one.port() == other.port()
        && (one.ip() == other.ip()
            || one.is_ipv4() == other.is_ipv4() && (wide(one.ip()) || wide(other.ip())))
}

#[cfg(test)]
mod tests {
    use super::super::findings::Weight;
    use super::super::tests::site;
    use super::*;

    fn found(line: &str) -> Findings {
        let mut findings = Findings::default();
        judge(&site(line), &Here { folder: None, descriptors: None }, &mut findings);
        findings
    }

    #[test]
    fn settings_that_go_together_are_fine() {
        for line in
            ["", "--listen 0.0.0.0:21 --listen [::]:21", "--listen 21 --listen-tls 990 --active-port 20"]
        {
            let names = found(line).names();
            assert_eq!(names, [("settings-agree", Weight::Fine), ("ports-enough", Weight::Fine)], "{line}");
        }
    }

    #[test]
    fn settings_that_exclude_each_other_are_told() {
        for (line, weight, words) in [
            ("--listen 21 --listen-tls 21", Weight::Wrong, "[::]:21 is listened on twice"),
            ("--listen 0.0.0.0:21 --listen 127.0.0.1:21", Weight::Wrong, "127.0.0.1:21 is listened on twice"),
            ("--passive-ports 2120-2130", Weight::Wrong, "port 2121 is both"),
            ("--active-port 61215", Weight::Wrong, "active mode cannot use port 61215"),
            ("--active-port 2121", Weight::Wrong, "active mode cannot use port 2121"),
            ("--active-port 20 --no-active", Weight::Look, "--active-port has no effect"),
            ("--external 203.0.113.7 --no-passive", Weight::Look, "only PASV announces"),
            ("--external 203.0.113.7 --listen [::1]:21", Weight::Look, "only PASV announces"),
            ("--proxy-from 0.0.0.0/0", Weight::Wrong, "accepts PROXY headers from anyone"),
            ("--tls off --acme ftp.example.net", Weight::Wrong, "--acme gets a certificate for TLS"),
            ("--tls off --client-cert require", Weight::Wrong, "client certificates are part of TLS"),
        ] {
            let found = found(line);
            assert_eq!(
                found.names().first().map(|(_, weight)| *weight),
                Some(weight),
                "{line}: {}",
                found.text()
            );
            assert!(found.text().contains(words), "{line}: {}", found.text());
        }
    }

    #[test]
    fn limits_that_cannot_be_kept_are_told() {
        let few = found("--passive-ports 61210-61211");
        assert!(few.text().contains("2 passive ports can be used up"), "{}", few.text());
        assert_eq!(found("--passive-ports 61210-61211 --max-sessions-per-address 2").names().len(), 2);
        let one = found("--max-sessions 100");
        assert!(one.text().contains("a single address may use all sessions"), "{}", one.text());
        let mut findings = Findings::default();
        judge(&site("--max-sessions 1000"), &Here { folder: None, descriptors: Some(2999) }, &mut findings);
        assert!(findings.text().contains("allows 999 sessions, not the 1000"), "{}", findings.text());
        // What nobody has asked for is no fault of the machine.
        let mut findings = Findings::default();
        judge(&site(""), &Here { folder: None, descriptors: Some(1024) }, &mut findings);
        assert!(findings.names().iter().all(|(_, weight)| *weight == Weight::Fine), "{}", findings.text());
    }

    #[test]
    fn a_folder_that_is_none_is_told() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        for root in [file, place.path().join("missing")] {
            let site = site(&format!("--root {}", root.display()));
            let mut findings = Findings::default();
            judge(&site, &gather(&site), &mut findings);
            assert_eq!(findings.names().first(), Some(&("folder", Weight::Wrong)), "{}", findings.text());
        }
        assert_eq!(gather(&site(&format!("--root {}", place.path().display()))).folder, None);
    }
}
