//! What has a firewall to know of a server?

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::ops::RangeInclusive;

use config::{Listener, SiteConfig};

/// The ports of a server and what it allows: taken from its running configuration, so that the rules fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The ports at which control connections are taken, 21 by the book. At least one; with none, rules 1
    /// and 2 name no port.
    pub control_ports: Vec<u16>,
    /// Those of them at which TLS is spoken at once (implicit TLS, `ftps://`, 990 by the book). For a
    /// firewall they are like the others.
    pub implicit_ports: Vec<u16>,
    /// The ports at which passive data connections are taken. Empty: the server offers no passive mode.
    pub passive_ports: Vec<RangeInclusive<u16>>,
    /// Does the server connect to its clients when they ask for it (PORT and EPRT), and from which port?
    pub active: Active,
    /// The families of addresses it is reached by.
    pub families: Families,
}

impl From<&SiteConfig> for Exposure {
    fn from(site: &SiteConfig) -> Self {
        // Loopback addresses need no firewall's leave, unless there are no others.
        let reached = site.is_reached();
        let counts = |listener: &&Listener| !reached || !listener.address.is_loopback();
        let listeners: Vec<&Listener> = site.listeners.iter().filter(counts).collect();
        let any = |is: fn(&Listener) -> bool| listeners.iter().any(|listener| is(listener));
        let both = any(|l| l.address == IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let mut passive_ports: Vec<RangeInclusive<u16>> = Vec::new();
        for listener in listeners.iter().filter(|listener| listener.passive) {
            if !passive_ports.contains(&listener.passive_ports) {
                passive_ports.push(listener.passive_ports.clone());
            }
        }
        Self {
            control_ports: listeners.iter().map(|l| l.port).collect(),
            implicit_ports: listeners.iter().filter(|l| l.implicit).map(|l| l.port).collect(),
            passive_ports,
            active: match listeners.iter().find(|l| l.active) {
                None => Active::Off,
                Some(_) if any(|l| l.active && l.active_port.is_none()) => Active::FromAnyPort,
                Some(listener) => listener.active_port.map_or(Active::FromAnyPort, Active::FromPort),
            },
            families: match (both || any(|l| l.address.is_ipv4()), any(|l| l.address.is_ipv6())) {
                (true, true) => Families::Both,
                (false, true) => Families::Ipv6,
                _ => Families::Ipv4,
            },
        }
    }
}

/// Active mode: the server's side of PORT and EPRT (RFC 959 4.1.2, RFC 2428 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// Not allowed.
    Off,
    /// Allowed, and the data connection comes from this port: by the book 20, the one beside the control port
    /// (RFC 959 5.2).
    FromPort(u16),
    /// Allowed, and the data connection comes from whatever port the system gives: ports below 1024 are for
    /// the privileged only.
    FromAnyPort,
}

/// The families of addresses a server is reached by. The rules are the same in both; each is written once for
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
    /// Both.
    Both,
}

impl fmt::Display for Families {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Both => "IPv4 and IPv6",
        })
    }
}

/// What the tests of this crate expose.
#[cfg(test)]
pub(crate) fn usual() -> Exposure {
    Exposure {
        control_ports: vec![21],
        implicit_ports: vec![],
        passive_ports: vec![61000..=61009],
        active: Active::FromPort(20),
        families: Families::Both,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_open_nothing_unless_there_are_no_others() {
        let at = |address: &str, port, implicit| Listener {
            address: address.parse().unwrap(),
            port,
            implicit,
            ..Listener::default()
        };
        let exposure = |listeners| Exposure::from(&SiteConfig { listeners, ..SiteConfig::default() });
        let some =
            exposure(vec![at("192.0.2.1", 21, false), at("::1", 2121, false), at("127.0.0.1", 990, true)]);
        assert_eq!((some.control_ports, some.implicit_ports), (vec![21], vec![]));
        assert_eq!(some.families, Families::Ipv4);
        let all = exposure(vec![at("::", 21, false), at("::", 990, true)]);
        assert_eq!((all.control_ports, all.implicit_ports), (vec![21, 990], vec![990]));
        assert_eq!((all.families, all.passive_ports), (Families::Both, vec![61210..=61219]));
        assert_eq!(exposure(vec![at("127.0.0.1", 2121, false)]).control_ports, [2121]);
    }
}
