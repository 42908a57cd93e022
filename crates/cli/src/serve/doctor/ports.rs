//! Can a site have its ports on this machine: from the kernel, from other programs, from outgoing connections?
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use ::firewall::Ephemeral;
use config::{Listener, SiteConfig};
use firewall_host::listeners::{self, Program};
use firewall_host::machine;

use super::findings::{Findings, few};

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
    let passive = site.listeners.iter().find(|l| l.passive).map(|listener| listener.passive_ports.clone());
    let control: Vec<_> = site.listeners.iter().map(Listener::socket).collect();
    let mut addresses: Vec<IpAddr> = control.iter().map(SocketAddr::ip).collect();
    addresses.dedup();
    let data = addresses.iter().flat_map(|address| {
        passive.clone().into_iter().flatten().map(|port| SocketAddr::new(*address, port))
    });
    let mut unbound: Vec<_> = control.iter().copied().chain(data).filter_map(try_to_listen).collect();
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
        _ => Why::Other(crate::talk::words(error)),
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
        findings.fine("ports-free", "all ports of the server are free", "each was tried");
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
            findings.fine("site-runs", format!("pasv listens at {shown}"), format!("{holder}: the server itself, if it is running"));
        }
        Why::Held(Some(holder)) => {
            let says = format!("another program uses {shown}");
            let fix = "stop that program, or use other ports (--listen, --passive-ports)";
            if spared {
                findings.look("port-taken", says, format!("{holder}; the server uses its other passive ports"), fix);
            } else {
                findings.wrong("port-taken", says, holder.to_string(), fix);
            }
        }
        Why::Held(None) => findings.open(
            format!("whether the server itself or another program uses {shown}"),
            "as root, run `ss -ltnp`, or this again",
        ),
        Why::Privilege => findings.wrong(
            "port-needs-privilege",
            format!("this user may not listen on {shown}"),
            "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            "give the server that right (AmbientCapabilities=CAP_NET_BIND_SERVICE in the service), or use --listen 2121; run this check as the user who runs the server",
        ),
        Why::Elsewhere => findings.wrong(
            "address-not-here",
            format!("{shown} cannot be listened on"),
            "the address does not belong to this machine",
            "give --listen an address of this machine; behind NAT the inner one, and the outer one to --external",
        ),
        Why::Other(why) => findings.wrong(
            "port-fails",
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
            return findings.open(
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
        findings.fine("ephemeral-apart", says, shown);
    } else {
        let says = "outgoing connections of this machine may use a passive port";
        let fix = format!(
            "use --passive-ports above {to}, or run `sysctl net.ipv4.ip_local_reserved_ports={low}-{high}`"
        );
        findings.wrong("ephemeral-overlap", says, shown, fix);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::findings::Weight;
    use super::*;

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
        let names = |here: &Here| found(here).names().last().copied();
        assert_eq!(names(&here()), Some(("ephemeral-apart", Weight::Fine)));
        let overlap = Here { passive: Some(50000..=50009), ..here() };
        assert_eq!(names(&overlap), Some(("ephemeral-overlap", Weight::Wrong)));
        let part = Here { passive: Some(60990..=61009), ..here() };
        assert_eq!(names(&part), Some(("ephemeral-overlap", Weight::Wrong)));
        let ephemeral = Some(Ephemeral::read("32768 60999", "50000-50004,50005-50009\n"));
        assert_eq!(names(&Here { ephemeral, ..overlap }), Some(("ephemeral-apart", Weight::Fine)));
        assert_eq!(found(&Here { ephemeral: None, ..here() }).unknown().len(), 1);
    }

    #[test]
    fn ports_that_are_taken_are_one_finding() {
        let found = found(&Here { unbound: taken(1..=5, &Why::Privilege), ..here() });
        let shown = "127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3 and 2 more";
        assert_eq!(found.text().matches(shown).count(), 2, "{}", found.text());
        assert_eq!(found.names().first(), Some(&("port-needs-privilege", Weight::Wrong)));
    }

    #[test]
    fn passive_ports_are_only_wrong_where_none_is_left() {
        let other = Why::Other("somebody".into());
        let held = |ports, who: Why| found(&Here { unbound: taken(ports, &who), ..here() }).names()[0];
        assert_eq!(held(61210..=61219, other.clone()), ("port-fails", Weight::Wrong));
        assert_eq!(held(2121..=2121, other), ("port-fails", Weight::Wrong));
        assert_eq!(held(2121..=2121, Why::Elsewhere), ("address-not-here", Weight::Wrong));
        let unknown = found(&Here { unbound: taken(2121..=2121, &Why::Held(None)), ..here() });
        assert!(unknown.unknown()[0].contains("127.0.0.1:2121") && !unknown.is_wrong(), "{}", unknown.text());
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
        assert_eq!(found.names()[0], ("site-runs", Weight::Fine), "{}", found.text());
        assert_eq!(why(&io::ErrorKind::AddrNotAvailable.into()), Why::Elsewhere);
        assert_eq!(why(&io::ErrorKind::PermissionDenied.into()), Why::Privilege);
    }

    #[test]
    fn another_program_is_named_and_is_wrong_where_nothing_else_is_left() {
        let other = Why::Held(Some(Program { name: "vsftpd".to_owned(), process: 7 }));
        let names = |ports| found(&Here { unbound: taken(ports, &other), ..here() }).names()[0];
        assert_eq!(names(2121..=2121), ("port-taken", Weight::Wrong));
        assert_eq!(names(61210..=61211), ("port-taken", Weight::Look));
        assert_eq!(names(61210..=61219), ("port-taken", Weight::Wrong));
        let text = found(&Here { unbound: taken(2121..=2121, &other), ..here() }).text();
        assert!(text.contains("vsftpd (process 7)"), "{text}");
    }
}
