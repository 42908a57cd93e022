//! Can active mode work: is the port free that its connections are to leave from?
//!
//! Whether this machine's firewall lets them out is judged with the other rules.
use config::SiteConfig;
use net::reserve::Reserved;

use super::ports::{self, Why};
use crate::finding::Findings;
use crate::verdict::Verdict;

/// What is so on this machine.
#[derive(Debug)]
pub(super) struct Here {
    /// The port that connections leave from, where one is chosen.
    port: Option<u16>,
    /// Why none can leave from there.
    unbound: Option<Why>,
}

/// None: active mode is refused, or nobody comes from outside.
pub(super) fn gather(site: &SiteConfig) -> Option<Here> {
    let listener = site.listeners.iter().find(|listener| listener.active)?;
    let port = listener.active_port;
    let unbound = port.and_then(|port| Reserved::at(listener.address, port).err());
    let mut unbound = unbound.map(|error| ports::why(&error));
    ports::name_holders(unbound.iter_mut().filter_map(|why| Some((port?, why))));
    Some(Here { port, unbound })
}

/// Pure: the same facts, the same findings.
pub(super) fn judge(here: &Here, findings: &mut Findings) {
    let Some(port) = here.port else {
        return findings.ok(
            Verdict::ActivePort,
            "active mode connects from any free port",
            "--active-port is not given; a client's firewall that expects port 20 blocks these connections",
        );
    };
    let says = format!("active mode cannot connect from port {port}");
    const OTHER: &str = "use another --active-port, or none: then any free port is used";
    match &here.unbound {
        None => findings.ok(Verdict::ActivePort, format!("active mode connects from port {port}"), "it is free"),
        Some(Why::Privilege) => findings.error(
            Verdict::ActivePort,
            says,
            "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            "give the server that right (AmbientCapabilities=CAP_NET_BIND_SERVICE in the service), or remove --active-port; run this check as the user who runs the server",
        ),
        Some(Why::Held(Some(holder))) => findings.error(Verdict::ActivePort, says, format!("{holder} listens there"), OTHER),
        Some(Why::Held(None)) => findings.error(Verdict::ActivePort, says, "a program of another user listens there", OTHER),
        Some(Why::Elsewhere) => findings.error(Verdict::ActivePort, says, "the address does not belong to this machine", "give --listen an address of this machine"),
        Some(Why::Other(why)) => findings.error(Verdict::ActivePort, says, why, OTHER),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use config::Listener;

    use super::super::tests::{names, site, text};
    use super::*;
    use crate::verdict::Weight;

    fn found(here: &Here) -> Findings {
        let mut findings = Findings::default();
        judge(here, &mut findings);
        findings
    }

    #[test]
    fn the_port_of_the_calls_is_tried() {
        assert!(gather(&site(Listener { active: false, ..Listener::default() })).is_none());
        assert_eq!(
            names(&found(&gather(&site(Listener::default())).unwrap())),
            [(Verdict::ActivePort, Weight::Fine)]
        );
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let at = |port| Listener {
            address: Ipv4Addr::LOCALHOST.into(),
            active_port: Some(port),
            ..Listener::default()
        };
        let taken = found(&gather(&site(at(port))).unwrap());
        assert_eq!(names(&taken), [(Verdict::ActivePort, Weight::Hinders)], "{}", text(&taken));
        // Held, and not listened on: connections may leave from it.
        let (held, _beside) = Reserved::pair(Ipv4Addr::LOCALHOST.into()).unwrap();
        let free = found(&gather(&site(at(held.port()))).unwrap());
        assert_eq!(names(&free), [(Verdict::ActivePort, Weight::Fine)], "{}", text(&free));
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        let found = found(&Here { port: Some(20), unbound: Some(Why::Privilege) });
        assert!(found.is_wrong() && text(&found).contains("CAP_NET_BIND_SERVICE"), "{}", text(&found));
    }
}
