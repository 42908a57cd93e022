//! Can the site call its clients: has it the port that its calls are to leave from?
//!
//! Whether this machine's firewall lets them out is judged with the other rules.

use config::SiteConfig;
use net::reserve::Reserved;

use super::findings::Findings;
use super::ports::{self, Why};

/// What is so on this machine.
#[derive(Debug)]
pub(super) struct Here {
    /// From where calls leave, where that is chosen.
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
        return findings.fine(
            "active-any-port",
            "active mode connects from any free port",
            "--active-port is not given; a client's firewall that expects port 20 blocks these connections",
        );
    };
    let says = format!("active mode cannot connect from port {port}");
    const OTHER: &str = "use another --active-port, or none: then any free port is used";
    match &here.unbound {
        None => findings.fine("active-port", format!("active mode connects from port {port}"), "it is free"),
        Some(Why::Privilege) => findings.wrong(
            "active-port-needs-privilege",
            says,
            "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            "give the server that right (AmbientCapabilities=CAP_NET_BIND_SERVICE in the service), or remove --active-port; run this check as the user who runs the server",
        ),
        Some(Why::Held(Some(holder))) => findings.wrong("active-port-taken", says, format!("{holder} listens there"), OTHER),
        Some(Why::Held(None)) => findings.wrong("active-port-taken", says, "a program of another user listens there", OTHER),
        Some(Why::Elsewhere) => findings.wrong("active-port-taken", says, "the address does not belong to this machine", "give --listen an address of this machine"),
        Some(Why::Other(why)) => findings.wrong("active-port-taken", says, why, OTHER),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::super::findings::Weight;
    use super::super::tests::site;
    use super::*;

    fn found(here: &Here) -> Findings {
        let mut findings = Findings::default();
        judge(here, &mut findings);
        findings
    }

    #[test]
    fn the_port_of_the_calls_is_tried() {
        assert!(gather(&site("--no-active")).is_none());
        assert_eq!(found(&gather(&site("")).unwrap()).names(), [("active-any-port", Weight::Fine)]);
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let line = format!("--listen 127.0.0.1:2121 --active-port {port}");
        let taken = found(&gather(&site(&line)).unwrap());
        assert_eq!(taken.names(), [("active-port-taken", Weight::Wrong)], "{}", taken.text());
        // Held, and not listened on: calls may leave from it.
        let (held, _beside) = Reserved::pair(Ipv4Addr::LOCALHOST.into()).unwrap();
        let line = format!("--listen 127.0.0.1:2121 --active-port {}", held.port());
        let free = found(&gather(&site(&line)).unwrap());
        assert_eq!(free.names(), [("active-port", Weight::Fine)], "{}", free.text());
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        let found = found(&Here { port: Some(20), unbound: Some(Why::Privilege) });
        assert!(found.is_wrong() && found.text().contains("CAP_NET_BIND_SERVICE"), "{}", found.text());
    }
}
