//! Can a site have its ports on this machine: from the kernel, from other programs, from outgoing
//! connections?
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use ::firewall::Ephemeral;
use config::{Listener, SiteConfig};
use firewall_host::listeners::{self, Program};
use firewall_host::machine;

use super::few;
use crate::finding::Findings;
use crate::verdict::Verdict;

/// What is so on this machine.
#[derive(Debug, Default)]
pub(super) struct Here {
    passive: Option<RangeInclusive<u16>>,
    /// From where the kernel takes ports for outgoing connections; None: not known.
    ephemeral: Option<Ephemeral>,
    /// Where it cannot be listened now.
    unbound: Vec<Unbound>,
}

/// A place that cannot be listened on.
#[derive(Debug)]
struct Unbound {
    at: SocketAddr,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody has it; who, where that is told.
    Held(Option<Program>),
    /// This user may not.
    Privilege,
    /// The address is none of this machine's.
    Elsewhere,
    Other(String),
}

pub(super) fn gather(site: &SiteConfig) -> Here {
    let passive = site.listeners.iter().find(|listener| listener.passive);
    let control = site.listeners.iter().map(Listener::socket);
    let data = site.listeners.iter().filter(|listener| listener.passive).flat_map(|listener| {
        listener.passive_ports.clone().map(|port| SocketAddr::new(listener.address, port))
    });
    let mut all: Vec<SocketAddr> = Vec::new();
    for at in control.chain(data) {
        if !all.contains(&at) {
            all.push(at);
        }
    }
    let mut unbound: Vec<_> = all.into_iter().filter_map(try_to_listen).collect();
    let passive = passive.map(|listener| listener.passive_ports.clone());
    name_holders(unbound.iter_mut().map(|unbound| (unbound.at.port(), &mut unbound.why)));
    Here { passive, ephemeral: machine::ephemeral(), unbound }
}

fn try_to_listen(at: SocketAddr) -> Option<Unbound> {
    TcpListener::bind(at).err().map(|error| Unbound { at, why: why(&error) })
}

/// What an error of bind(2) means.
pub(super) fn why(error: &io::Error) -> Why {
    match error.kind() {
        io::ErrorKind::AddrInUse => Why::Held(None),
        io::ErrorKind::PermissionDenied => Why::Privilege,
        io::ErrorKind::AddrNotAvailable => Why::Elsewhere,
        _ => Why::Other(net::os_error::words(error)),
    }
}

/// Looks up who has the ports, where somebody has any.
pub(super) fn name_holders<'w>(places: impl Iterator<Item = (u16, &'w mut Why)>) {
    let mut held: Vec<_> = places
        .filter_map(|(port, why)| if let Why::Held(who) = why { Some((port, who)) } else { None })
        .collect();
    if held.is_empty() {
        return;
    }
    let holders = listeners::holders();
    for (port, who) in &mut held {
        **who = holders.get(port).cloned();
    }
}

/// Pure: the same facts, the same findings.
pub(super) fn judge(here: &Here, findings: &mut Findings) {
    let is_passive = |at: &SocketAddr| here.passive.as_ref().is_some_and(|range| range.contains(&at.port()));
    // Places that fare alike are told once.
    let mut kinds: Vec<(Why, bool, Vec<String>)> = Vec::new();
    for Unbound { at, why } in &here.unbound {
        let passive = is_passive(at);
        match kinds.iter_mut().find(|(known, of, _)| known == why && *of == passive) {
            Some((_, _, places)) => places.push(at.to_string()),
            None => kinds.push((why.clone(), passive, vec![at.to_string()])),
        }
    }
    if kinds.is_empty() {
        findings.ok(Verdict::Ports, "all ports of the server are free", "each was tried");
    }
    // Of several addresses the same port counts once for each.
    let tried = here.unbound.iter().filter(|unbound| is_passive(&unbound.at)).count();
    let all_gone = here.passive.as_ref().is_some_and(|range| tried >= range.len());
    for (why, passive, places) in kinds {
        unbound(&why, passive && !all_gone, &places, findings);
    }
    ephemeral(here, findings);
}

fn unbound(why: &Why, spared: bool, places: &[String], findings: &mut Findings) {
    let shown = few(places);
    match why {
        Why::Held(Some(holder)) if holder.is_this() => {
            findings.ok(Verdict::Ports, format!("pasv listens at {shown}"), format!("{holder}: the server itself, if it is running"));
        }
        Why::Held(Some(holder)) => {
            let says = format!("another program uses {shown}");
            let fix = "stop that program, or use other ports (--listen, --passive-ports)";
            if spared {
                findings.warn(Verdict::Ports, says, format!("{holder}; the server uses its other passive ports"), fix);
            } else {
                findings.error(Verdict::Ports, says, holder.to_string(), fix);
            }
        }
        Why::Held(None) => findings.ask(
            format!("whether the server itself or another program uses {shown}"),
            "as root, run `ss -ltnp`, or this again",
        ),
        Why::Privilege => findings.error(
            Verdict::Ports,
            format!("this user may not listen on {shown}"),
            "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            "give the server that right (AmbientCapabilities=CAP_NET_BIND_SERVICE in the service), or use --listen 2121; run this check as the user who runs the server",
        ),
        Why::Elsewhere => findings.error(
            Verdict::Ports,
            format!("{shown} cannot be listened on"),
            "the address does not belong to this machine",
            "give --listen an address of this machine; behind NAT the inner one, and the outer one to --external",
        ),
        Why::Other(why) => findings.error(
            Verdict::Ports,
            format!("{shown} cannot be listened on"),
            why,
            "use other ports (--listen, --passive-ports)",
        ),
    }
}

fn ephemeral(here: &Here, findings: &mut Findings) {
    let (passive, ephemeral) = match (&here.passive, &here.ephemeral) {
        (Some(passive), Some(ephemeral)) => (passive, ephemeral),
        (Some(_), None) => {
            return findings.ask(
                "whether outgoing connections use passive ports: the kernel does not show its ephemeral ports",
                "run `sysctl net.ipv4.ip_local_port_range`: it must not contain the --passive-ports",
            );
        }
        (None, _) => return,
    };
    let (low, high) = (passive.start(), passive.end());
    let (from, to) = (ephemeral.range.start(), ephemeral.range.end());
    let shown = format!("the passive ports are {low}-{high}, the ephemeral ones {from}-{to}");
    if ephemeral.overlap(std::slice::from_ref(passive)).is_empty() {
        let says = "no outgoing connection of this machine uses a passive port";
        findings.ok(Verdict::EphemeralPorts, says, shown);
    } else {
        let says = "outgoing connections of this machine may use a passive port";
        let fix = format!(
            "use --passive-ports above {to}, or run `sysctl net.ipv4.ip_local_reserved_ports={low}-{high}`"
        );
        findings.error(Verdict::EphemeralPorts, says, shown, fix);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::tests::{names, text};
    use super::*;
    use crate::verdict::Weight;

    fn found(here: &Here) -> Findings {
        let mut findings = Findings::default();
        judge(here, &mut findings);
        findings
    }

    fn here() -> Here {
        Here { passive: Some(61210..=61219), ephemeral: Some(Ephemeral::default()), unbound: vec![] }
    }

    fn taken(ports: RangeInclusive<u16>, why: &Why) -> Vec<Unbound> {
        let at = |port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        ports.map(|port| Unbound { at: at(port), why: why.clone() }).collect()
    }

    #[test]
    fn ports_that_outgoing_connections_take_are_wrong_unless_reserved() {
        let names = |here: &Here| names(&found(here)).last().copied();
        assert_eq!(names(&here()), Some((Verdict::EphemeralPorts, Weight::Fine)));
        let overlap = Here { passive: Some(50000..=50009), ..here() };
        assert_eq!(names(&overlap), Some((Verdict::EphemeralPorts, Weight::Hinders)));
        let part = Here { passive: Some(60990..=61009), ..here() };
        assert_eq!(names(&part), Some((Verdict::EphemeralPorts, Weight::Hinders)));
        let ephemeral = Some(Ephemeral::read("32768 60999", "50000-50004,50005-50009\n"));
        assert_eq!(names(&Here { ephemeral, ..overlap }), Some((Verdict::EphemeralPorts, Weight::Fine)));
        assert_eq!(found(&Here { ephemeral: None, ..here() }).unknown().len(), 1);
    }

    #[test]
    fn ports_that_are_taken_are_one_finding() {
        let found = found(&Here { unbound: taken(1..=5, &Why::Privilege), ..here() });
        let shown = "127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3 and 2 more";
        assert_eq!(text(&found).matches(shown).count(), 1, "{}", text(&found));
        assert_eq!(names(&found).first(), Some(&(Verdict::Ports, Weight::Hinders)));
    }

    #[test]
    fn passive_ports_are_only_wrong_where_none_is_left() {
        let other = Why::Other("somebody".into());
        let program = Why::Held(Some(Program { name: "vsftpd".to_owned(), process: 7 }));
        for (ports, why, weight) in [
            (61210..=61219, &other, Weight::Hinders),
            (2121..=2121, &other, Weight::Hinders),
            (2121..=2121, &Why::Elsewhere, Weight::Hinders),
            (2121..=2121, &program, Weight::Hinders),
            (61210..=61211, &program, Weight::Note),
            (61210..=61219, &program, Weight::Hinders),
        ] {
            let found = found(&Here { unbound: taken(ports, why), ..here() });
            assert_eq!(names(&found)[0], (Verdict::Ports, weight), "{}", text(&found));
            assert!(*why != program || text(&found).contains("vsftpd (process 7)"), "{}", text(&found));
        }
        let unknown = found(&Here { unbound: taken(2121..=2121, &Why::Held(None)), ..here() });
        assert!(unknown.unknown()[0].contains("127.0.0.1:2121") && !unknown.is_wrong(), "{}", text(&unknown));
    }

    /// Ports that are held, of this very machine: by ourselves, which is taken for the site.
    #[test]
    fn what_is_listened_on_already_is_found_with_its_holder() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut unbound: Vec<_> = try_to_listen(held.local_addr().unwrap()).into_iter().collect();
        assert!(try_to_listen((Ipv4Addr::LOCALHOST, 0).into()).is_none());
        assert_eq!(unbound[0].why, Why::Held(None));
        name_holders(unbound.iter_mut().map(|unbound| (unbound.at.port(), &mut unbound.why)));
        let found = found(&Here { unbound, ..here() });
        assert_eq!(names(&found)[0], (Verdict::Ports, Weight::Fine), "{}", text(&found));
        assert_eq!(why(&io::ErrorKind::AddrNotAvailable.into()), Why::Elsewhere);
        assert_eq!(why(&io::ErrorKind::PermissionDenied.into()), Why::Privilege);
    }
}
