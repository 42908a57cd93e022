//! Which address does PASV tell those who come from outside, and does it lead here?
use std::net::{IpAddr, Ipv4Addr};

use super::findings::Findings;
use config::SiteConfig;

/// What decides it.
#[derive(Debug, Default)]
pub(super) struct Here {
    /// Is PASV answered at all, to others than this machine?
    tells: bool,
    external: Option<Ipv4Addr>,
    /// Does a balancer tell by PROXY headers which address a client has dialled?
    balanced: bool,
    /// This machine's address towards the network.
    own: Option<Ipv4Addr>,
}

pub(super) fn gather(site: &SiteConfig) -> Here {
    let four = |at: IpAddr| (at.is_ipv4() || at.is_unspecified()) && !at.is_loopback();
    let own = net::own::addresses().into_iter().find_map(|own| match own {
        IpAddr::V4(own) => Some(own),
        IpAddr::V6(_) => None,
    });
    Here {
        tells: site.listeners.iter().any(|listener| listener.passive && four(listener.address)),
        external: site.listeners.iter().find_map(|listener| listener.external),
        balanced: site.listeners.iter().any(|listener| !listener.proxy_from.is_empty()),
        own,
    }
}

/// Can it be reached from everywhere, as far as its number tells?
fn is_of_everybody(address: Ipv4Addr) -> bool {
    let special = address.is_unspecified() || address.is_multicast() || address.is_broadcast();
    !special && !wire::host_port::is_private(address.into())
}

/// Pure: the same facts, the same findings.
pub(super) fn judge(here: &Here, findings: &mut Findings) {
    if !here.tells {
        return;
    }
    match (here.external, here.own) {
        (Some(external), own) if !is_of_everybody(external) => {
            let own = own.map_or_else(|| "none of IPv4".to_owned(), |own| own.to_string());
            findings.wrong(
                "address-useless",
                format!("--external {external} is not reachable from outside"),
                format!("this machine's own address is {own}"),
                "give --external the address at which clients reach the server from outside",
            );
        }
        (Some(external), own) => {
            let same = own == Some(external);
            let own = own.map_or_else(|| "not known".to_owned(), |own| own.to_string());
            let says = format!("PASV announces {external} to clients from outside");
            findings.fine("address-told", says, format!("--external; this machine's own address is {own}"));
            if !same {
                findings.open(
                    format!("whether {external} leads to this machine: its own address is {own}"),
                    format!("run `pasv doctor ftp://{external}/` from another network"),
                );
            }
        }
        (None, _) if here.balanced => {
            let says = "PASV announces the address that the balancer passes on";
            findings.fine(
                "address-told",
                says,
                "--proxy-from: the PROXY header has the address that the client used",
            );
        }
        (None, Some(own)) if !is_of_everybody(own) => findings.look(
            "address-private",
            "PASV announces a private address to clients from outside",
            format!("this machine is {own}, and --external is not given"),
            "behind a router that forwards to this server, give --external the router's address; EPSV needs none",
        ),
        (None, Some(own)) => {
            findings.fine("address-told", format!("PASV announces {own}"), "the address of this machine")
        }
        (None, None) => findings.open(
            "which address PASV announces: this machine has no IPv4 address to the outside now",
            "run this again when the network is up",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::Weight;
    use super::super::tests::site;
    use super::*;

    fn found(external: Option<[u8; 4]>, own: Option<[u8; 4]>) -> Findings {
        let mut findings = Findings::default();
        let here = Here {
            tells: true,
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
        let name = |external, own| found(external, own).names().first().copied();
        assert_eq!(name(None, Some(public)), Some(("address-told", Weight::Fine)));
        assert_eq!(name(None, Some(private)), Some(("address-private", Weight::Look)));
        for useless in
            [[10, 0, 0, 1], [100, 64, 0, 1], [169, 254, 1, 1], [127, 0, 0, 1], [0, 0, 0, 0], [224, 0, 0, 1]]
        {
            assert_eq!(name(Some(useless), Some(private)), Some(("address-useless", Weight::Wrong)));
        }
    }

    #[test]
    fn whether_another_address_leads_here_is_not_known() {
        let (public, private) = ([203, 0, 113, 7], [192, 168, 1, 2]);
        let behind = found(Some(public), Some(private));
        assert!(!behind.is_wrong() && behind.unknown()[0].contains("203.0.113.7 leads"), "{}", behind.text());
        assert!(found(Some(public), Some(public)).unknown().is_empty());
        assert_eq!(found(None, None).unknown().len(), 1);
    }

    #[test]
    fn where_nobody_is_told_there_is_nothing_to_judge() {
        for line in ["--no-passive", "--listen 127.0.0.1:21", "--listen [2001:db8::1]:21"] {
            let mut findings = Findings::default();
            judge(&gather(&site(line)), &mut findings);
            assert!(findings.names().is_empty() && findings.unknown().is_empty(), "{line}");
        }
        let mut findings = Findings::default();
        let own = Some(Ipv4Addr::new(10, 0, 0, 2));
        judge(&Here { tells: true, balanced: true, own, external: None }, &mut findings);
        assert_eq!(findings.names(), [("address-told", Weight::Fine)]);
    }
}
