//! What is requested: rules for which server, for which clients, in what kind of firewall?

use core::net::{IpAddr, Ipv4Addr};
use core::ops::RangeInclusive;

use ipnet::IpNet;

use crate::exposure::{Active, Exposure, Families};
use crate::rules::{Direction, Mode, Ports, Role, Rule, Rules};

/// All that decides which lines are written, whatever the firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The server's ports and modes.
    pub exposure: Exposure,
    /// Which of its modes the firewall is to let through.
    pub modes: Modes,
    /// Does the firewall follow connections?
    pub tracking: Tracking,
    /// What the firewall does with what goes out.
    pub output: Output,
    /// The networks of the clients. Empty: from everywhere.
    pub from: Vec<IpNet>,
    /// Ports of other services that a whole rule set of ours leaves open: 22, so that nobody locks himself
    /// out.
    pub keep: Ports,
    /// Does the authority of the server's certificate ask the server something?
    pub authority: Authority,
    /// The addresses of the server behind a router or a balancer, one for each server.
    pub inside: Vec<IpAddr>,
    /// The address that the server tells its clients where NAT stands before it.
    pub external: Option<Ipv4Addr>,
    /// The chain into which rules are inserted.
    pub chain: Chain,
    /// The ports that the server's system gives to its own outgoing connections.
    pub ephemeral: Ephemeral,
}

/// Which modes are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modes {
    /// Passive only.
    Passive,
    /// Active only.
    Active,
    /// Both.
    Both,
}

/// Does a firewall follow connections, or does it look at single packets?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// It does: only what opens a connection has to be told.
    Stateful,
    /// Single packets: all four rules have to be told.
    Stateless,
}

/// What is done with packets that leave the server and that no rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// They pass.
    Open,
    /// They are dropped too.
    Dropped,
}

/// The authority that signs the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// There is none, or it asks nothing.
    Absent,
    /// It asks at port 80 of the name, from anywhere, whether it is the server's (RFC 8555 8.3). The server
    /// answers at this port, to which something before it may lead.
    AsksAt(u16),
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A chain of nftables that already decides about what comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// `inet`, `ip` or `ip6`.
    pub family: String,
    /// The name of its table.
    pub table: String,
    /// Its own name.
    pub name: String,
}

/// The ports from which a system opens connections when nobody names one (on Linux `ip_local_port_range` and
/// `ip_local_reserved_ports`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ephemeral {
    /// The range.
    pub range: RangeInclusive<u16>,
    /// Those that are left out of it.
    pub reserved: Ports,
}

impl Request {
    /// A request for `exposure`, with what is usual: passive where the server offers it, connections
    /// followed, output open, clients from everywhere, ssh kept, no NAT.
    pub fn of(exposure: Exposure) -> Self {
        let modes = if exposure.passive_ports.is_empty() { Modes::Active } else { Modes::Passive };
        Self {
            exposure,
            modes,
            tracking: Tracking::Stateful,
            output: Output::Open,
            from: Vec::new(),
            keep: Ports::of([22..=22]),
            authority: Authority::Absent,
            inside: Vec::new(),
            external: None,
            chain: Chain::default(),
            ephemeral: Ephemeral::default(),
        }
    }

    /// The rules that the request is about: all four of each of its modes that the server offers, each once.
    pub fn rules(&self) -> Vec<Rule> {
        let rules = Rules::of(&self.asked());
        let data = [Mode::Passive, Mode::Active].into_iter().filter_map(|mode| rules.data(mode)).flatten();
        rules.control().iter().chain(data).cloned().collect()
    }

    /// The server without the modes that are not asked for.
    pub(crate) fn asked(&self) -> Exposure {
        let mut exposure = self.exposure.clone();
        if self.modes == Modes::Active {
            exposure.passive_ports.clear();
        }
        if self.modes == Modes::Passive {
            exposure.active = Active::Off;
        }
        exposure.families = match self.families()[..] {
            [Family::V4] => Families::Ipv4,
            [Family::V6] => Families::Ipv6,
            _ => exposure.families,
        };
        exposure
    }

    /// Those of one direction that have to be written: only what opens where connections are followed, and
    /// nothing outward where everything may leave.
    pub(crate) fn written(&self, direction: Direction) -> Vec<Rule> {
        self.written_as(direction, self.output)
    }

    /// The same, where `output` is done with what no rule names.
    pub(crate) fn written_as(&self, direction: Direction, output: Output) -> Vec<Rule> {
        let mut rules = self.rules();
        rules.retain(|rule| {
            rule.direction == direction
                && (self.tracking == Tracking::Stateless
                    || rule.role == Role::Opens && (direction == Direction::In || output == Output::Dropped))
        });
        rules
    }

    /// The ports clients open connections to.
    pub fn inward(&self) -> Ports {
        let opening = self.rules();
        let opening = opening.iter().filter(|r| r.direction == Direction::In && r.role == Role::Opens);
        Ports::of(opening.flat_map(|rule| rule.to.spans()))
    }

    /// Does the server open connections to its clients?
    pub(crate) fn calls_back(&self) -> bool {
        self.rules().iter().any(|rule| rule.direction == Direction::Out && rule.role == Role::Opens)
    }

    /// The families of addresses that rules are written for.
    pub fn families(&self) -> Vec<Family> {
        let offered: &[Family] = match self.exposure.families {
            Families::Ipv4 => &[Family::V4],
            Families::Ipv6 => &[Family::V6],
            Families::Both => &[Family::V4, Family::V6],
        };
        let asked = |family: &Family| self.from.is_empty() || self.from.iter().any(|net| family.has(net));
        offered.iter().copied().filter(asked).collect()
    }

    /// The rules, each with the request that it is of: clients come from their networks, and who asks for the
    /// certificate from anywhere.
    pub fn needs(&self) -> Vec<(Rule, Self)> {
        let mut needs: Vec<(Rule, Self)> =
            self.rules().into_iter().map(|rule| (rule, self.clone())).collect();
        if let Authority::AsksAt(port) = self.authority {
            let exposure = Exposure {
                control_ports: vec![port],
                passive_ports: vec![],
                active: Active::Off,
                ..self.exposure.clone()
            };
            let anybody = Self { from: Vec::new(), ..self.clone() };
            for rule in Rules::of(&exposure).control() {
                needs.push((
                    Rule { why: "the certificate's authority asks", ..rule.clone() },
                    anybody.clone(),
                ));
            }
        }
        needs
    }

    /// The ports of others that a whole rule set leaves open, that of the certificate's authority among them.
    pub fn kept(&self) -> Ports {
        let asked = match self.authority {
            Authority::AsksAt(port) => Some(port..=port),
            Authority::Absent => None,
        };
        Ports::of(self.keep.spans().into_iter().chain(asked))
    }

    /// Are these ports of others, which stay as they are?
    pub fn keeps(&self, ports: &RangeInclusive<u16>) -> bool {
        self.kept().spans().iter().any(|kept| kept.start() <= ports.start() && ports.end() <= kept.end())
    }

    /// What a whole rule set leaves open beside the server, as a sentence.
    pub(crate) fn left_open(&self) -> String {
        let kept = self.kept();
        if kept.is_empty() {
            return "Open: the server's ports only, not even ssh (--keep 22 keeps it open). Everything else is closed, UDP too.".into();
        }
        format!(
            "Open: the server's ports and TCP {} (--keep changes that). Everything else is closed, UDP too.",
            kept.written("-", ", ")
        )
    }

    /// The networks of the clients in one family, each once; all of its addresses where none are given.
    pub fn networks(&self, family: Family) -> Vec<IpNet> {
        if self.from.is_empty() {
            return vec![family.whole()];
        }
        let nets: Vec<IpNet> = self.from.iter().filter(|net| family.has(net)).map(IpNet::trunc).collect();
        // Some firewalls refuse networks that overlap.
        IpNet::aggregate(&nets)
    }

    /// The same as words, with `between` between them.
    pub(crate) fn networks_written(&self, family: Family, between: &str) -> String {
        self.networks(family).iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
    }

    /// The networks of both families.
    pub(crate) fn all_networks(&self) -> Vec<IpNet> {
        self.families().into_iter().flat_map(|family| self.networks(family)).collect()
    }

    /// The request for these families alone.
    pub(crate) fn only(&self, families: Families) -> Self {
        Self { exposure: Exposure { families, ..self.exposure.clone() }, ..self.clone() }
    }

    /// The address of the server behind a router, in one family.
    pub(crate) fn inside(&self, family: Family) -> Option<IpAddr> {
        self.inside.iter().copied().find(|address| address.is_ipv4() == (family == Family::V4))
    }
}

impl Family {
    /// The first for IPv4, the second for IPv6.
    pub(crate) fn either<T>(self, v4: T, v6: T) -> T {
        match self {
            Self::V4 => v4,
            Self::V6 => v6,
        }
    }

    /// The families that are this one only.
    pub(crate) fn alone(self) -> Families {
        match self {
            Self::V4 => Families::Ipv4,
            Self::V6 => Families::Ipv6,
        }
    }

    /// All of its addresses.
    pub fn whole(self) -> IpNet {
        match self {
            Self::V4 => IpNet::V4(ipnet::Ipv4Net::default()),
            Self::V6 => IpNet::V6(ipnet::Ipv6Net::default()),
        }
    }

    fn has(self, net: &IpNet) -> bool {
        matches!((self, net), (Self::V4, IpNet::V4(_)) | (Self::V6, IpNet::V6(_)))
    }

    /// Does a table of nftables that is called `inet`, `ip` or `ip6` see packets of this family?
    pub fn is_in(self, table: &str) -> bool {
        matches!((table, self), ("inet", _) | ("ip", Self::V4) | ("ip6", Self::V6))
    }

    /// 4 or 6.
    pub fn number(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }
}

/// The chain of the example that most hosts have copied.
impl Default for Chain {
    fn default() -> Self {
        Self { family: "inet".into(), table: "filter".into(), name: "input".into() }
    }
}

/// Linux, as it comes.
impl Default for Ephemeral {
    fn default() -> Self {
        Self { range: 32768..=60999, reserved: Ports::of([]) }
    }
}

impl Ephemeral {
    /// From what Linux tells in `/proc/sys/net/ipv4/ip_local_port_range` and `ip_local_reserved_ports`. What
    /// cannot be read is as it comes.
    pub fn read(range: &str, reserved: &str) -> Self {
        let port = |word: &str| word.trim().parse::<u16>().ok();
        let mut ends = range.split_whitespace().map(port);
        let range = match (ends.next().flatten(), ends.next().flatten()) {
            (Some(low), Some(high)) => low..=high,
            _ => Self::default().range,
        };
        let spans = reserved.split(',').filter_map(|word| {
            let (low, high) = word.split_once('-').unwrap_or((word, word));
            Some(port(low)?..=port(high)?)
        });
        Self { range, reserved: Ports::of(spans) }
    }

    /// The ports of `passive` that an outgoing connection may take first.
    pub fn overlap(&self, passive: &[RangeInclusive<u16>]) -> Ports {
        let mut left = Vec::new();
        for span in Ports::of(passive.iter().cloned()).spans() {
            let (mut low, high) =
                ((*span.start()).max(*self.range.start()), (*span.end()).min(*self.range.end()));
            // What is reserved is cut out, from below.
            for reserved in self.reserved.spans() {
                if low > high || *reserved.end() < low || *reserved.start() > high {
                    continue;
                }
                if *reserved.start() > low {
                    left.push(low..=*reserved.start() - 1);
                }
                match reserved.end().checked_add(1) {
                    Some(next) => low = next,
                    None => low = u16::MAX,
                }
                if *reserved.end() == u16::MAX {
                    return Ports::of(left);
                }
            }
            if low <= high {
                left.push(low..=high);
            }
        }
        Ports::of(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::of(crate::exposure::usual())
    }

    #[test]
    fn what_opens_is_enough_where_connections_are_followed() {
        let numbers = |request: &Request, direction| -> Vec<u8> {
            request.written(direction).iter().map(|rule| rule.number).collect()
        };
        let mut request = request();
        assert_eq!(numbers(&request, Direction::In), [1, 3]);
        assert!(numbers(&request, Direction::Out).is_empty());
        request.modes = Modes::Both;
        assert!(numbers(&request, Direction::Out).is_empty());
        request.output = Output::Dropped;
        assert_eq!(numbers(&request, Direction::Out), [4]);
        request.tracking = Tracking::Stateless;
        assert_eq!(numbers(&request, Direction::In), [1, 3, 3]);
        assert_eq!(numbers(&request, Direction::Out), [2, 4, 4]);
    }

    #[test]
    fn networks_of_one_family_leave_the_other_out() {
        let mut request = request();
        request.from = vec!["192.0.2.7/24".parse().expect("a network")];
        assert_eq!(request.families(), [Family::V4]);
        assert_eq!(
            request.networks(Family::V4).first().map(ToString::to_string),
            Some("192.0.2.0/24".into())
        );
        assert_eq!(request.asked().families, Families::Ipv4);
    }

    #[test]
    fn networks_that_overlap_are_told_once() {
        let from = ["192.0.2.0/25", "192.0.2.128/25", "192.0.2.7/32", "198.51.100.7/32", "2001:db8::/32"];
        let from = from.iter().map(|net| net.parse().expect("a network")).collect();
        let request = Request { from, ..request() };
        let told: Vec<String> = request.networks(Family::V4).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["192.0.2.0/24", "198.51.100.7/32"]);
    }

    #[test]
    fn the_port_of_the_certificates_authority_is_kept_beside_others() {
        let request = Request { authority: Authority::AsksAt(80), ..request() };
        assert_eq!(request.kept().to_string(), "22,80");
    }

    #[test]
    fn what_linux_tells_is_read() {
        let read = Ephemeral::read("32768\t60999\n", "50000-50009,8080\n");
        assert_eq!((read.range, read.reserved.to_string()), (32768..=60999, "8080,50000-50009".into()));
        assert_eq!(Ephemeral::read("", "\n"), Ephemeral::default());
    }

    #[test]
    fn the_overlap_leaves_out_what_is_reserved() {
        let overlap = |passive: RangeInclusive<u16>, reserved: &[RangeInclusive<u16>]| {
            Ephemeral { reserved: Ports::of(reserved.iter().cloned()), ..Ephemeral::default() }
                .overlap(&[passive])
                .to_string()
        };
        assert_eq!(overlap(50000..=50009, &[]), "50000-50009");
        assert_eq!(overlap(60990..=61010, &[]), "60990-60999");
        assert_eq!(overlap(61210..=61219, &[]), "none");
        assert_eq!(overlap(50000..=50009, &[50000..=50009]), "none");
        assert_eq!(overlap(50000..=50009, &[50002..=50003, 50009..=65535]), "50000-50001,50004-50008");
    }
}
