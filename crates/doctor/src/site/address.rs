//! Which address does PASV announce to clients from outside, and does it lead here?
use std::net::{IpAddr, Ipv4Addr};

use config::SiteConfig;

use crate::finding::Findings;
use crate::verdict::Verdict;

/// What decides it.
#[derive(Debug, Default)]
pub(super) struct Here {
    /// Is PASV answered at all, to others than this machine?
    announced: bool,
    external: Option<Ipv4Addr>,
    /// Does a balancer say by PROXY headers which address a client has connected to?
    balanced: bool,
    /// This machine's address towards the network.
    own: Option<Ipv4Addr>,
}

pub(super) fn gather(site: &SiteConfig) -> Here {
    let four = |at: IpAddr| (at.is_ipv4() || at.is_unspecified()) && !at.is_loopback();
    let listener = site.listeners.iter().find(|listener| listener.passive && four(listener.address));
    let own = net::own::addresses().into_iter().find_map(|own| match own {
        IpAddr::V4(own) => Some(own),
        IpAddr::V6(_) => None,
    });
    Here {
        announced: listener.is_some(),
        external: listener.and_then(|listener| listener.external),
        balanced: listener.is_some_and(|listener| !listener.proxy_from.is_empty()),
        own,
    }
}

/// Can it be reached from everywhere, as far as its number tells?
fn is_global(address: Ipv4Addr) -> bool {
    let special = address.is_unspecified() || address.is_multicast() || address.is_broadcast();
    !special && !wire::host_port::is_private(address.into())
}

/// Pure: the same facts, the same findings.
pub(super) fn judge(here: &Here, findings: &mut Findings) {
    if !here.announced {
        return;
    }
    match (here.external, here.own) {
        (Some(external), own) if !is_global(external) => {
            let own = own.map_or_else(|| "none of IPv4".to_owned(), |own| own.to_string());
            findings.error(
                Verdict::Address,
                format!("--external {external} is not reachable from outside"),
                format!("this machine's own address is {own}"),
                "give --external the address at which clients reach the server from outside",
            );
        }
        (Some(external), own) => {
            let same = own == Some(external);
            let own = own.map_or_else(|| "not known".to_owned(), |own| own.to_string());
            let says = format!("PASV announces {external} to clients from outside");
            findings.ok(Verdict::Address, says, format!("--external; this machine's own address is {own}"));
            if !same {
                findings.ask(
                    format!("whether {external} leads to this machine: its own address is {own}"),
                    format!("run `pasv doctor ftp://{external}/` from another network"),
                );
            }
        }
        (None, _) if here.balanced => {
            let says = "PASV announces the address that the balancer passes on";
            findings.ok(
                Verdict::Address,
                says,
                "--proxy-from: the PROXY header has the address that the client used",
            );
        }
        (None, Some(own)) if !is_global(own) => findings.warn(
            Verdict::Address,
            "PASV announces a private address to clients from outside",
            format!("this machine is {own}, and --external is not given"),
            "behind a router that forwards to this server, give --external the router's address; EPSV needs none",
        ),
        (None, Some(own)) => {
            findings.ok(Verdict::Address, format!("PASV announces {own}"), "the address of this machine")
        }
        (None, None) => findings.ask(
            "which address PASV announces: this machine has no IPv4 address to the outside now",
            "run this again when the network is up",
        ),
    }
}

#[cfg(test)]
mod tests {
    use config::Listener;

    use super::super::tests::{names, site, text};
    use super::*;
    use crate::verdict::Weight;

    fn found(external: Option<[u8; 4]>, own: Option<[u8; 4]>) -> Findings {
        let mut findings = Findings::default();
        let here = Here {
            announced: true,
            external: external.map(Ipv4Addr::from),
            balanced: false,
            own: own.map(Ipv4Addr::from),
        };
        judge(&here, &mut findings);
        findings
    }

    #[test]
    fn a_private_address_is_only_wrong_where_it_was_said() {
        let (public, private) = ([203, 0, 113, 7], [192, 168, 1, 2]);
        let name = |external, own| names(&found(external, own)).first().copied();
        assert_eq!(name(None, Some(public)), Some((Verdict::Address, Weight::Fine)));
        assert_eq!(name(None, Some(private)), Some((Verdict::Address, Weight::Note)));
        for useless in
            [[10, 0, 0, 1], [100, 64, 0, 1], [169, 254, 1, 1], [127, 0, 0, 1], [0, 0, 0, 0], [224, 0, 0, 1]]
        {
            assert_eq!(name(Some(useless), Some(private)), Some((Verdict::Address, Weight::Hinders)));
        }
    }

    #[test]
    fn whether_another_address_leads_here_is_not_known() {
        let (public, private) = ([203, 0, 113, 7], [192, 168, 1, 2]);
        let behind = found(Some(public), Some(private));
        assert!(!behind.is_wrong() && behind.unknown()[0].contains("203.0.113.7 leads"), "{}", text(&behind));
        assert!(found(Some(public), Some(public)).unknown().is_empty());
        assert_eq!(found(None, None).unknown().len(), 1);
    }

    #[test]
    fn where_nobody_is_told_there_is_nothing_to_judge() {
        let at = |address: &str| Listener { address: address.parse().unwrap(), ..Listener::default() };
        let no_passive = Listener { passive: false, ..Listener::default() };
        for listener in [no_passive, at("127.0.0.1"), at("2001:db8::1")] {
            let mut findings = Findings::default();
            judge(&gather(&site(listener)), &mut findings);
            assert!(names(&findings).is_empty() && findings.unknown().is_empty());
        }
        let mut findings = Findings::default();
        let own = Some(Ipv4Addr::new(10, 0, 0, 2));
        judge(&Here { announced: true, balanced: true, own, external: None }, &mut findings);
        assert_eq!(names(&findings), [(Verdict::Address, Weight::Fine)]);
    }
}
