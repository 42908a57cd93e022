//! Does a match of a firewall rule hold for all of these packets, for some, or for none?

use core::net::IpAddr;
use core::ops::RangeInclusive;

use firewall::IpNet;

use crate::ruleset::{ACK, End, Ruleset, SYN, Step, Test};
use firewall::{Direction, Ports, Role, Rule};
use firewall::{Family, Request};

/// Packets that are alike for a firewall: a piece of what one rule lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packets {
    pub(crate) family: Family,
    pub(crate) direction: Direction,
    /// The clients' addresses.
    pub(crate) clients: IpNet,
    pub(crate) from: RangeInclusive<u16>,
    pub(crate) to: RangeInclusive<u16>,
    /// Do they open a connection, or belong to one?
    pub(crate) opens: bool,
    pub(crate) flags: u8,
}

/// How many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    All,
    /// All but those of some addresses that a rule leaves out.
    Most,
    Some,
    None,
}

impl Packets {
    /// All kinds that `rule` has to let through, cut so that a port of the server is in the same tests as its
    /// neighbours.
    pub(crate) fn of(rule: &Rule, request: &Request, ruleset: &Ruleset) -> Vec<Self> {
        let cuts = cuts(ruleset);
        let (ours, theirs) = rule.direction.either((&rule.to, &rule.from), (&rule.from, &rule.to));
        let theirs = theirs.spans().into_iter().next().unwrap_or(1024..=u16::MAX);
        // A SYN, then whatever follows; where only answers pass, the answer to a SYN and what follows it.
        let kinds: &[(bool, u8)] = match rule.role {
            Role::Opens => &[(true, SYN), (false, ACK)],
            Role::Answers => &[(false, SYN | ACK), (false, ACK)],
        };
        let mut all = Vec::new();
        for family in request.families() {
            for clients in request.networks(family) {
                for span in pieces(ours, &cuts) {
                    let (from, to) = match rule.direction {
                        Direction::In => (theirs.clone(), span),
                        Direction::Out => (span, theirs.clone()),
                    };
                    for &(opens, flags) in kinds {
                        all.push(Self {
                            family,
                            direction: rule.direction,
                            clients,
                            from: from.clone(),
                            to: to.clone(),
                            opens,
                            flags,
                        });
                    }
                }
            }
        }
        all
    }

    /// The first packet of anybody, to a port of no service in particular.
    pub(crate) fn stranger(family: Family) -> Self {
        Self {
            family,
            direction: Direction::In,
            clients: family.whole(),
            from: 1024..=u16::MAX,
            to: 0..=u16::MAX,
            opens: true,
            flags: SYN,
        }
    }

    /// The ports at the server's end.
    pub(crate) fn ours(&self) -> RangeInclusive<u16> {
        self.direction.either(self.to.clone(), self.from.clone())
    }

    pub(crate) fn meet(&self, test: &Test) -> Holds {
        match test {
            Test::Always => Holds::All,
            Test::Never => Holds::None,
            Test::Unclear(_) => Holds::Some,
            Test::LocalTarget => yes(self.direction == Direction::In),
            Test::Port(end, spans) => {
                let ports = match end {
                    End::Source => &self.from,
                    End::Destination => &self.to,
                };
                share(ports, &Ports::of(spans.iter().cloned()))
            }
            Test::Address { end, among, not } => match self.address(*end, among) {
                Holds::Some if *not => Holds::Most,
                holds => turned(holds, *not),
            },
            Test::State { among, not } => {
                let state = if self.opens { "new" } else { "established" };
                yes(among.iter().any(|word| word == state) != *not)
            }
            Test::Protocol { among, not } => {
                yes(among.iter().any(|word| word == "tcp" || word == "6" || word == "all") != *not)
            }
            Test::Version { v6, not } => yes((*v6 == (self.family == Family::V6)) != *not),
            Test::Flags { mask, among, not, any } => {
                let flags = self.flags & mask;
                let met =
                    if *any { among.iter().any(|bits| flags & bits != 0) } else { among.contains(&flags) };
                yes(met != *not)
            }
            Test::Interface { end, among, not } => {
                // Clients are elsewhere: their packets pass by some interface, and never by the loopback one.
                let theirs = self.direction.either(End::Source, End::Destination);
                let only_lo = among.iter().all(|name| name == "lo");
                if only_lo && *end == theirs { turned(Holds::None, *not) } else { Holds::Some }
            }
        }
    }

    fn address(&self, end: End, among: &[(IpAddr, IpAddr)]) -> Holds {
        let clients = self.direction.either(End::Source, End::Destination);
        let (low, high) = crate::ruleset::ends(self.clients);
        let same = |address: &IpAddr| address.is_ipv4() == low.is_ipv4();
        let mut among = among.iter().filter(|(from, _)| same(from)).peekable();
        if among.peek().is_none() {
            return Holds::None;
        }
        if end != clients {
            // Our own address is not known here.
            let (low, high) = crate::ruleset::ends(self.family.whole());
            return if among.any(|(from, to)| *from <= low && high <= *to) {
                Holds::All
            } else {
                Holds::Some
            };
        }
        let mut touched = false;
        for (from, to) in among {
            if *from <= low && high <= *to {
                return Holds::All;
            }
            touched |= *from <= high && low <= *to;
        }
        if touched { Holds::Some } else { Holds::None }
    }
}

fn yes(holds: bool) -> Holds {
    if holds { Holds::All } else { Holds::None }
}

fn turned(holds: Holds, not: bool) -> Holds {
    match holds {
        Holds::All if not => Holds::None,
        Holds::None if not => Holds::All,
        other => other,
    }
}

fn share(ports: &RangeInclusive<u16>, among: &Ports) -> Holds {
    let spans = among.spans();
    if spans.iter().any(|span| span.start() <= ports.start() && ports.end() <= span.end()) {
        return Holds::All;
    }
    let touched = spans.iter().any(|span| span.start() <= ports.end() && ports.start() <= span.end());
    if touched { Holds::Some } else { Holds::None }
}

/// Every port at which some test begins to hold or ends to.
fn cuts(ruleset: &Ruleset) -> Vec<u16> {
    let mut cuts = Vec::new();
    let mut cut = |test: &Test| {
        if let Test::Port(_, spans) = test {
            for span in spans {
                cuts.push(*span.start());
                cuts.extend(span.end().checked_add(1));
            }
        }
    };
    for step in ruleset.chains.iter().flat_map(|chain| &chain.lines).flat_map(|line| &line.steps) {
        match step {
            Step::Test(test) => cut(test),
            Step::Map(ways) => ways.iter().for_each(|(test, _)| cut(test)),
            Step::End(_) => {}
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// `ports`, cut at every one of `cuts` that lies inside.
fn pieces(ports: &Ports, cuts: &[u16]) -> Vec<RangeInclusive<u16>> {
    let mut pieces = Vec::new();
    for span in ports.spans() {
        let mut low = *span.start();
        for cut in cuts.iter().filter(|cut| **cut > *span.start() && **cut <= *span.end()) {
            pieces.push(low..=cut - 1);
            low = *cut;
        }
        pieces.push(low..=*span.end());
    }
    pieces
}
