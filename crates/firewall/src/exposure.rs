//! What does a firewall have to know of a server?

use core::fmt;
use core::ops::RangeInclusive;

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
