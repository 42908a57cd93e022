//! Do a site's own settings go together, whatever the machine is like?
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use config::{Limits, Listener, SiteConfig};
use rustix::fs::Access;

use crate::finding::Findings;
use crate::verdict::Verdict;
use net::os_error::words;

/// Fewer passive ports than this, and a few clients that never connect to the port they were given keep it
/// from all others behind the same NAT, each for `--claim-timeout`.
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
    let unusable = |folder: &Path| match std::fs::metadata(folder) {
        Ok(about) if !about.is_dir() => Some("it is not a folder".to_owned()),
        Ok(_) => rustix::fs::access(folder, access).err().map(|e| words(&std::io::Error::from(e))),
        Err(error) => Some(words(&error)),
    };
    Here {
        folder: site.root.folder().and_then(unusable),
        descriptors: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
    }
}

/// Pure: the same settings, the same findings.
pub(super) fn judge(site: &SiteConfig, here: &Here, findings: &mut Findings) {
    let before = findings.found.len();
    if let Some(why) = &here.folder {
        let doing = if site.changes_files() { "written to" } else { "read" };
        let fix = "share a folder that the user who runs the server may use; run this check as that user";
        let says = format!("{} cannot be {doing}", site.root);
        findings.error(Verdict::Folder, says, why, fix);
    }
    if let Some(why) = site.conflict() {
        let evidence = "`pasv serve` does not start with both";
        findings.error(Verdict::Settings, why, evidence, "remove one of the two");
    }
    let sockets: Vec<SocketAddr> = site.listeners.iter().map(Listener::socket).collect();
    for (nth, at) in sockets.iter().enumerate() {
        if at.port() != 0 && sockets.iter().take(nth).any(|other| overlap(*at, *other)) {
            let evidence = "a port can be listened on once, with or without implicit TLS";
            let fix = "give --listen and --listen-tls different ports";
            findings.error(Verdict::Settings, format!("{at} is listened on twice"), evidence, fix);
        }
    }
    for listener in &site.listeners {
        modes(listener, &sockets, findings);
    }
    if findings.found.len() == before {
        let evidence = "each was compared with the others";
        findings.ok(Verdict::Settings, "the settings fit together", evidence);
    }
    limits(site, here, findings);
}

/// Do the ports and addresses of passive and active mode go with those of the control connections?
fn modes(listener: &Listener, sockets: &[SocketAddr], findings: &mut Findings) {
    let passive = listener.passive.then_some(&listener.passive_ports);
    let is_passive = |port| passive.is_some_and(|ports| ports.contains(&port));
    for port in sockets.iter().map(SocketAddr::port).filter(|port| is_passive(*port)) {
        let (low, high) = (listener.passive_ports.start(), listener.passive_ports.end());
        findings.error(
            Verdict::Settings,
            format!("port {port} is both a control port and a passive port"),
            format!("the passive ports are {low}-{high}"),
            "use --passive-ports without that port, or another --listen",
        );
    }
    match listener.active_port {
        Some(_) if !listener.active => {
            let fix = "remove --active-port, or --no-active";
            let evidence = "--no-active refuses EPRT and PORT";
            findings.warn(Verdict::Settings, "--active-port has no effect", evidence, fix);
        }
        Some(port) if is_passive(port) || sockets.iter().any(|at| at.port() == port) => findings.error(
            Verdict::Settings,
            format!("active mode cannot use port {port}, on which the server listens"),
            "--active-port is one of the server's own ports",
            "use --active-port 20, or none",
        ),
        _ => {}
    }
    if let Some(external) = listener.external {
        let four = sockets.iter().any(|at| at.is_ipv4() || at.ip().is_unspecified());
        if passive.is_none() || !four {
            let why = if passive.is_none() {
                "--no-passive refuses it"
            } else {
                "the server has no IPv4, and EPSV announces no address"
            };
            let says = format!("--external {external} has no effect: only PASV announces an address");
            findings.warn(Verdict::Settings, says, why, "remove it");
        }
    }
    for net in listener.proxy_from.iter().filter(|net| net.prefix_len() == 0) {
        findings.error(
            Verdict::Settings,
            format!("--proxy-from {net} accepts PROXY headers from anyone"),
            "any client can pretend to be another, and clients without the header are refused",
            "give --proxy-from the addresses of the balancer only",
        );
    }
}

/// Has the site as many ports and descriptors as its own limits promise?
fn limits(site: &SiteConfig, here: &Here, findings: &mut Findings) {
    let (all, each) = (site.limits.sessions, site.limits.sessions_per_address);
    if each > all && all > 1 {
        let evidence = format!("--max-sessions is {all}, --max-sessions-per-address {each}");
        let fix = "set --max-sessions-per-address below --max-sessions";
        findings.warn(Verdict::Limits, "a single address may use all sessions", evidence, fix);
    }
    let need = u64::try_from(all).unwrap_or(u64::MAX).saturating_mul(DESCRIPTORS);
    if let Some(most) = here.descriptors.filter(|most| *most < need) {
        let room = most / DESCRIPTORS;
        let evidence = format!("{DESCRIPTORS} open files per session, and the system allows {most}");
        // With the limit that nobody has chosen it is the system that decides, and the server copes.
        if all == Limits::default().sessions {
            findings.ok(Verdict::Limits, format!("there is room for {room} sessions"), evidence);
        } else {
            let fix = format!(
                "set LimitNOFILE={need} in the service (or `ulimit -n {need}`), or a smaller --max-sessions"
            );
            let says = format!("the system allows {room} sessions, not the {all} of --max-sessions");
            findings.warn(Verdict::Limits, says, evidence, fix);
        }
    }
    let Some(listener) = site.listeners.iter().find(|listener| listener.passive) else { return };
    let ports = listener.passive_ports.len();
    let few = format!("{ports} passive port{}", if ports == 1 { "" } else { "s" });
    if ports < FEW_PORTS && each > ports {
        let evidence = format!(
            "unencrypted, each waits for one client; one address may have up to {each} sessions (--max-sessions-per-address)"
        );
        let fix = "use ten --passive-ports; or --tls required-data, with which one port serves any number";
        findings.warn(
            Verdict::PassivePorts,
            format!("{few} can be used up by a few clients behind one NAT"),
            evidence,
            fix,
        );
    } else {
        let evidence = format!(
            "clients with different addresses share a port; those with the same address take turns when unencrypted, and PASV waits up to {} s",
            site.deadlines.port.as_secs_f64()
        );
        findings.ok(Verdict::PassivePorts, format!("{few} serve {all} sessions"), evidence);
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
    use super::super::tests::{names, site, text};
    use super::*;
    use crate::verdict::Weight;

    fn found(site: &SiteConfig) -> Findings {
        let mut findings = Findings::default();
        judge(site, &Here { folder: None, descriptors: None }, &mut findings);
        findings
    }

    fn at(socket: &str) -> Listener {
        let socket: SocketAddr = socket.parse().unwrap();
        Listener { address: socket.ip(), port: socket.port(), ..Listener::default() }
    }

    fn limited(sessions: usize, sessions_per_address: usize) -> SiteConfig {
        SiteConfig {
            limits: Limits { sessions, sessions_per_address, ..Limits::default() },
            ..SiteConfig::default()
        }
    }

    #[test]
    fn settings_that_go_together_are_fine() {
        let both = SiteConfig { listeners: vec![at("0.0.0.0:21"), at("[::]:21")], ..SiteConfig::default() };
        for site in
            [SiteConfig::default(), both, site(Listener { active_port: Some(20), ..Listener::default() })]
        {
            let wanted = [(Verdict::Settings, Weight::Fine), (Verdict::PassivePorts, Weight::Fine)];
            assert_eq!(names(&found(&site)), wanted, "{site:?}");
        }
    }

    #[test]
    fn settings_that_exclude_each_other_are_told() {
        let two = |one, other| SiteConfig { listeners: vec![at(one), at(other)], ..SiteConfig::default() };
        let one = |set: fn(&mut Listener)| {
            let mut listener = Listener::default();
            set(&mut listener);
            site(listener)
        };
        let mut no_tls = one(|it| it.tls = config::Tls::Off);
        no_tls.tls.acme.names = vec!["ftp.example.net".to_owned()];
        let external = Some([203, 0, 113, 7].into());
        let only_v6 = Listener { external, ..at("[::1]:21") };
        for (site, weight, words) in [
            (two("[::]:21", "[::]:21"), Weight::Hinders, "[::]:21 is listened on twice"),
            (two("0.0.0.0:21", "127.0.0.1:21"), Weight::Hinders, "127.0.0.1:21 is listened on twice"),
            (one(|it| it.passive_ports = 2120..=2130), Weight::Hinders, "port 2121 is both"),
            (one(|it| it.active_port = Some(61215)), Weight::Hinders, "active mode cannot use port 61215"),
            (one(|it| it.active_port = Some(2121)), Weight::Hinders, "active mode cannot use port 2121"),
            (
                one(|it| (it.active_port, it.active) = (Some(20), false)),
                Weight::Note,
                "--active-port has no effect",
            ),
            (
                site(Listener { external, passive: false, ..Listener::default() }),
                Weight::Note,
                "only PASV announces",
            ),
            (site(only_v6), Weight::Note, "only PASV announces"),
            (
                one(|it| it.proxy_from = vec!["0.0.0.0/0".parse().unwrap()]),
                Weight::Hinders,
                "accepts PROXY headers from anyone",
            ),
            (no_tls, Weight::Hinders, "--acme gets a certificate for TLS"),
        ] {
            let found = found(&site);
            let first = names(&found).first().map(|(_, weight)| *weight);
            assert_eq!(first, Some(weight), "{site:?}: {}", text(&found));
            assert!(text(&found).contains(words), "{site:?}: {}", text(&found));
        }
    }

    #[test]
    fn limits_that_cannot_be_kept_are_told() {
        let two_ports = Listener { passive_ports: 61210..=61211, ..Listener::default() };
        let few = found(&site(two_ports.clone()));
        assert!(text(&few).contains("2 passive ports can be used up"), "{}", text(&few));
        let each = SiteConfig { listeners: vec![two_ports], ..limited(20_000, 2) };
        assert_eq!(names(&found(&each)).len(), 2);
        let one = found(&limited(100, 1_000));
        assert!(text(&one).contains("a single address may use all sessions"), "{}", text(&one));
        let mut findings = Findings::default();
        judge(&limited(1_000, 1_000), &Here { folder: None, descriptors: Some(2999) }, &mut findings);
        assert!(text(&findings).contains("allows 999 sessions, not the 1000"), "{}", text(&findings));
        // What nobody has asked for is no fault of the machine.
        let mut findings = Findings::default();
        judge(&SiteConfig::default(), &Here { folder: None, descriptors: Some(1024) }, &mut findings);
        assert!(names(&findings).iter().all(|(_, weight)| *weight == Weight::Fine), "{}", text(&findings));
    }

    #[test]
    fn a_folder_that_is_none_is_told() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        let of = |root: std::path::PathBuf| SiteConfig { root: root.into(), ..SiteConfig::default() };
        for root in [file, place.path().join("missing")] {
            let site = of(root);
            let mut findings = Findings::default();
            judge(&site, &gather(&site), &mut findings);
            let first = names(&findings).first().copied();
            assert_eq!(first, Some((Verdict::Folder, Weight::Hinders)), "{}", text(&findings));
        }
        assert_eq!(gather(&of(place.path().to_owned())).folder, None);
    }
}
