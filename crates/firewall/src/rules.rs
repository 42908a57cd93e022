//! Which packets must pass, between which ports, and why?

use core::fmt;
use core::ops::RangeInclusive;

use crate::exposure::{Active, Exposure, Families};
use crate::name::Name;

/// The rules of a server: two for the control connection, and two more for each mode the server offers.
///
/// With the two of its mode, a client needs four. The numbers are those of the classic description: 1 and 2
/// the control connection, 3 and 4 the data connection, the odd one towards the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    control: [Rule; 2],
    passive: Option<[Rule; 2]>,
    active: Option<[Rule; 2]>,
    families: Families,
}

/// One rule: packets of TCP that must pass, seen from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// 1 to 4. Rules 3 and 4 of passive and of active mode share their numbers and differ in their ports.
    pub number: u8,
    /// Towards the server or away from it.
    pub direction: Direction,
    /// The ports they come from.
    pub from: Ports,
    /// The ports they go to.
    pub to: Ports,
    /// May it carry the first packet of a connection (the lone SYN), or answers only? A firewall that
    /// follows connections needs only the rules that open.
    pub role: Role,
    /// What it is for, in a few words.
    pub why: &'static str,
}

/// Towards the server or away from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the clients to the server.
    In,
    /// From the server to the clients.
    Out,
}

impl Direction {
    /// The first towards the server, the second away from it.
    pub fn either<T>(self, inward: T, outward: T) -> T {
        match self {
            Self::In => inward,
            Self::Out => outward,
        }
    }
}

/// What a rule carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// New connections, and all that follows on them.
    Opens,
    /// Only what belongs to a connection that the other direction has opened.
    Answers,
}

/// Who opens the data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The client, as it opened the control connection.
    Passive,
    /// The server, towards a port the client named.
    Active,
}

/// A set of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Above 1023: the ports from which a client's system opens connections.
    Unprivileged,
    /// These: ascending, without overlaps, neighbours joined.
    Of(Vec<RangeInclusive<u16>>),
}

impl Rules {
    /// The rules that `exposure` needs.
    pub fn of(exposure: &Exposure) -> Self {
        let listening = Ports::of(exposure.control_ports.iter().map(|&port| port..=port));
        let passive = Ports::of(exposure.passive_ports.iter().cloned());
        Self {
            control: [opens(Name::ControlIn, listening.clone()), answers(Name::ControlOut, listening)],
            passive: (!passive.is_empty())
                .then(|| [opens(Name::PassiveIn, passive.clone()), answers(Name::PassiveOut, passive)]),
            active: match exposure.active {
                Active::Off => None,
                Active::FromPort(port) => Some(Ports::of([port..=port])),
                Active::FromAnyPort => Some(Ports::Unprivileged),
            }
            .map(|ports| [answers(Name::ActiveIn, ports.clone()), opens(Name::ActiveOut, ports)]),
            families: exposure.families,
        }
    }

    /// Rules 1 and 2, which every client needs.
    pub fn control(&self) -> &[Rule; 2] {
        &self.control
    }

    /// Rules 3 and 4 of `mode`, where the server offers it.
    pub fn data(&self, mode: Mode) -> Option<&[Rule; 2]> {
        match mode {
            Mode::Passive => self.passive.as_ref(),
            Mode::Active => self.active.as_ref(),
        }
    }

    /// The four rules of a client that uses `mode`, in order, where the server offers it.
    pub fn four(&self, mode: Mode) -> Option<[&Rule; 4]> {
        let [first, second] = &self.control;
        self.data(mode).map(|[third, fourth]| [first, second, third, fourth])
    }

    /// The families of addresses each rule has to be written for.
    pub fn families(&self) -> Families {
        self.families
    }
}

impl Ports {
    /// The ports of `ranges`, sorted and joined. An empty range adds nothing.
    pub fn of(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        sorted.sort_by_key(|range| *range.start());
        let mut joined: Vec<RangeInclusive<u16>> = Vec::new();
        for range in sorted {
            match joined.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=*last.end().max(range.end());
                }
                _ => joined.push(range),
            }
        }
        Self::Of(joined)
    }

    /// The ports as ranges: ascending, without overlaps.
    pub fn spans(&self) -> Vec<RangeInclusive<u16>> {
        match self {
            Self::Unprivileged => vec![1024..=u16::MAX],
            Self::Of(ranges) => ranges.clone(),
        }
    }

    /// Each range as a firewall writes it: `LO<to>HI`, or one port.
    pub fn words(&self, to: &str) -> Vec<String> {
        let word = |span: RangeInclusive<u16>| match span.into_inner() {
            (low, high) if low == high => low.to_string(),
            (low, high) => format!("{low}{to}{high}"),
        };
        self.spans().into_iter().map(word).collect()
    }

    /// The ranges with `between` between them.
    pub fn written(&self, to: &str, between: &str) -> String {
        self.words(to).join(between)
    }

    /// Is there no port in it?
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Of(ranges) if ranges.is_empty())
    }

    /// Is `port` in it?
    pub fn contains(&self, port: u16) -> bool {
        match self {
            Self::Unprivileged => port > 1023,
            Self::Of(ranges) => ranges.iter().any(|range| range.contains(&port)),
        }
    }
}

/// `> 1023`, or `21`, or `21,40000-40009`.
impl fmt::Display for Ports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unprivileged => out.pad("> 1023"),
            Self::Of(ranges) if ranges.is_empty() => out.pad("none"),
            Self::Of(_) => out.pad(&self.written("-", ",")),
        }
    }
}

fn opens(name: Name, server: Ports) -> Rule {
    rule(name, server, Role::Opens)
}

fn answers(name: Name, server: Ports) -> Rule {
    rule(name, server, Role::Answers)
}

fn rule(name: Name, server: Ports, role: Role) -> Rule {
    // The odd ones lead towards the server.
    let (direction, from, to) = match name.number() % 2 {
        1 => (Direction::In, Ports::Unprivileged, server),
        _ => (Direction::Out, server, Ports::Unprivileged),
    };
    Rule { number: name.number(), direction, from, to, role, why: name.why() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposure::usual as exposure;

    #[test]
    fn the_four_of_passive_mode_are_the_classic_ones() {
        let rules = Rules::of(&exposure());
        let four = rules.four(Mode::Passive).expect("the site offers passive mode");
        let drawn: Vec<_> = four
            .iter()
            .map(|rule| (rule.number, rule.direction, rule.from.to_string(), rule.to.to_string(), rule.role))
            .collect();
        let (above, range) = ("> 1023".to_owned(), "61000-61009".to_owned());
        assert_eq!(
            drawn,
            [
                (1, Direction::In, above.clone(), "21".to_owned(), Role::Opens),
                (2, Direction::Out, "21".to_owned(), above.clone(), Role::Answers),
                (3, Direction::In, above.clone(), range.clone(), Role::Opens),
                (4, Direction::Out, range, above, Role::Answers),
            ]
        );
    }

    #[test]
    fn active_mode_turns_the_data_connection_round() {
        let rules = Rules::of(&exposure());
        let [_, _, third, fourth] = rules.four(Mode::Active).expect("the site offers active mode");
        assert_eq!((third.direction, third.role), (Direction::In, Role::Answers));
        assert_eq!((fourth.direction, fourth.role), (Direction::Out, Role::Opens));
        assert_eq!((&third.to, &fourth.from), (&Ports::of([20..=20]), &Ports::of([20..=20])));
    }

    #[test]
    fn active_mode_without_privilege_opens_from_any_high_port() {
        let rules = Rules::of(&Exposure { active: Active::FromAnyPort, ..exposure() });
        let [_, fourth] = rules.data(Mode::Active).expect("the site offers active mode");
        assert!(fourth.from.contains(40000) && !fourth.from.contains(20));
    }

    #[test]
    fn a_mode_that_is_not_offered_asks_for_nothing() {
        let rules = Rules::of(&Exposure { passive_ports: vec![], active: Active::Off, ..exposure() });
        assert_eq!((rules.four(Mode::Passive), rules.four(Mode::Active)), (None, None));
    }

    #[test]
    fn ports_are_sorted_and_joined() {
        #[expect(clippy::reversed_empty_ranges, reason = "an empty range is what is tested")]
        let ports = Ports::of([50..=60, 1..=2, 3..=4, 55..=70, 9..=8, 65535..=65535]);
        assert_eq!(ports.to_string(), "1-4,50-70,65535");
        assert!(ports.contains(70) && !ports.contains(9));
        assert_eq!(Ports::of([]).to_string(), "none");
    }
}
