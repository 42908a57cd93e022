//! Which changes to the rules of this machine let the server through, and which remove those again?

use core::net::IpAddr;
use core::ops::RangeInclusive;

use crate::check::check;
use crate::packets::Packets;
use crate::ruleset::{End, Line, Listed, Ruleset, Step, Test};
use crate::walk::{Fate, decisions};
use firewall::nftables::{self, TABLE};
use firewall::tag;
use firewall::{Direction, Ports, Role, Rule};
use firewall::{Family, Output, Request, Tracking};

/// What is to be done. A script goes to `nft -f` and is done as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The server gets what it needs already.
    Nothing {
        /// Is it by rules of ours?
        ours: bool,
    },
    /// Nothing drops what comes in, so a table of our own is made, which does.
    Own {
        /// For nft.
        script: String,
        /// Chains of others that drop what the server needs elsewhere, and that get rules too.
        chains: Vec<String>,
    },
    /// Chains of others drop what the server needs, so rules are put into them.
    Insert {
        /// For nft.
        script: String,
        /// The chains, as `inet filter input`.
        chains: Vec<String>,
    },
    /// It cannot be done without harm to what others have made. In words.
    Refused(String),
}

/// What has to be done for `request`, where `ruleset` is followed now.
pub fn plan(ruleset: &Ruleset, request: &Request) -> Plan {
    if let Some(chain) = ruleset.chains.iter().find(|chain| is_own(chain) && !is_ours(ruleset, chain)) {
        return Plan::Refused(format!(
            "the table inet {TABLE} is not what pasv makes on a host: its chain {} is another's",
            chain.name
        ));
    }
    let now = check(ruleset, request);
    let ours_fit = !now.wide.iter().any(|wide| wide.ours);
    let others = ruleset.without_ours(request);
    let filtered = check(&others, request).filtered;
    let own = ruleset.chains.iter().any(is_own);
    let ours = ruleset.chains.iter().any(|chain| chain.lines.iter().any(Line::is_ours));
    let fits = now.missing.is_empty() && ours_fit;
    // The table drops by itself, so that it has to be there, and as asked.
    if !filtered && own && fits && keeps(ruleset, request) && guards_output(ruleset, request) {
        return Plan::Nothing { ours: true };
    }
    if filtered && fits && !own {
        return Plan::Nothing { ours };
    }
    let mut script = gone(ruleset, &|line| is_of(line, request)).unwrap_or_default();
    if !filtered {
        script.push_str(&nftables::own_table(request));
    }
    let mut chains = Vec::new();
    for (rule, request) in request.needs() {
        for chain in others.chains.iter().filter(|chain| chain.base.is_some()) {
            let lines = insertions(&others, &request, &rule, chain);
            if !lines.is_empty() && !chain.has_plain_names() {
                return Plan::Refused(format!(
                    "the chain {} has a name that cannot be written for nft",
                    chain.place()
                ));
            }
            for line in lines {
                script.push_str(&line);
                script.push('\n');
                if !chains.contains(&chain.place()) {
                    chains.push(chain.place());
                }
            }
        }
    }
    match (filtered, script.is_empty()) {
        (false, _) => Plan::Own { script, chains },
        (true, true) => Plan::Nothing { ours },
        (true, false) => Plan::Insert { script, chains },
    }
}

/// The script for nft that takes away all that is ours; None where there is nothing.
pub fn removal(ruleset: &Ruleset) -> Option<String> {
    gone(ruleset, &Line::is_ours)
}

/// The ports that rules of ours let clients in to now, for whatever server.
pub fn opened(ruleset: &Ruleset) -> Ports {
    let ours = ruleset.chains.iter().flat_map(|chain| &chain.lines).filter(|line| line.is_ours());
    Ports::of(ours.flat_map(destinations))
}

/// Takes away our table, and of our lines those that `which` picks.
fn gone(ruleset: &Ruleset, which: &dyn Fn(&Line) -> bool) -> Option<String> {
    let mut script = String::new();
    if ruleset.chains.iter().any(|chain| is_ours(ruleset, chain)) {
        script.push_str(&format!("delete table inet {TABLE}\n"));
    }
    let others = ruleset.chains.iter().filter(|chain| !is_own(chain) && chain.has_plain_names());
    for chain in others {
        for line in chain.lines.iter().filter(|line| which(line)) {
            script.push_str(&format!("delete rule {} handle {}\n", chain.place(), line.handle));
        }
    }
    (!script.is_empty()).then_some(script)
}

/// Is it in the table whose name is ours?
fn is_own(chain: &Listed) -> bool {
    chain.family == "inet" && chain.table == TABLE
}

/// Is it in a table that we made, for a host or (as printed) for a router? Others may have given theirs the
/// same name.
fn is_ours(ruleset: &Ruleset, chain: &Listed) -> bool {
    let own = || ruleset.chains.iter().filter(|chain| is_own(chain));
    is_own(chain)
        && own().any(|chain| chain.lines.iter().any(Line::is_ours))
        && own().all(|chain| {
            let hook = chain.base.as_ref().map(|base| base.hook.as_str());
            hook == Some(chain.name.as_str()) && matches!(hook, Some("input" | "output"))
        })
}

/// Is it a line of ours that this request decides about? What is kept open for others is theirs: a second
/// server's.
fn is_of(line: &Line, request: &Request) -> bool {
    let mut ports = destinations(line).peekable();
    let kept = ports.peek().is_some() && ports.all(|span| request.keeps(&span));
    line.is_ours() && !kept
}

fn destinations(line: &Line) -> impl Iterator<Item = RangeInclusive<u16>> {
    line.steps.iter().flat_map(|step| match step {
        Step::Test(Test::Port(End::Destination, spans)) => spans.clone(),
        _ => Vec::new(),
    })
}

impl Ruleset {
    /// What is there without what pasv has put there for this server.
    fn without_ours(&self, request: &Request) -> Self {
        let mut others = self.clone();
        others.chains.retain(|chain| !is_own(chain));
        for chain in &mut others.chains {
            chain.lines.retain(|line| !is_of(line, request));
        }
        others
    }
}

impl Listed {
    /// Can its names stand in a script? The kernel takes any; nft takes these.
    fn has_plain_names(&self) -> bool {
        let plain = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        };
        [&self.family, &self.table, &self.name].into_iter().all(|name| plain(name))
    }
}

/// Does our table leave open what the request keeps, and nothing else?
fn keeps(ruleset: &Ruleset, request: &Request) -> bool {
    let lines = ruleset.chains.iter().filter(|chain| is_own(chain)).flat_map(|chain| &chain.lines);
    let kept = lines.filter(|line| line.comment.as_deref() == Some(nftables::KEPT));
    let open = Ports::of(kept.flat_map(destinations));
    open == request.kept()
}

/// Does our table drop what goes out, where it is asked to and only there?
fn guards_output(ruleset: &Ruleset, request: &Request) -> bool {
    let asked = request.output == Output::Dropped || request.tracking == Tracking::Stateless;
    let does =
        |chain: &Listed| is_own(chain) && chain.base.as_ref().is_some_and(|base| base.hook == "output");
    ruleset.chains.iter().any(does) == asked
}

/// The lines that `chain` lacks for `rule`.
fn insertions(others: &Ruleset, request: &Request, rule: &Rule, chain: &Listed) -> Vec<String> {
    let (mut dropped, mut all, mut before) = (false, false, None::<usize>);
    for packets in Packets::of(rule, request, others) {
        for decision in decisions(others, &packets) {
            if !core::ptr::eq(decision.chain, chain) || decision.fate != Fate::Dropped {
                continue;
            }
            dropped = true;
            // A chain that does not let pass what belongs to a connection gets that too.
            all |= !packets.opens;
            let place =
                decision.at.and_then(|at| chain.lines.iter().position(|line| line.handle == at.handle));
            before = match (before, place) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }
    if !dropped {
        return Vec::new();
    }
    let handle = before.and_then(|index| chain.lines.get(index)).map(|line| line.handle);
    let place = match handle {
        Some(handle) => format!("insert rule {} handle {handle}", chain.place()),
        None => format!("add rule {}", chain.place()),
    };
    let mut lines = Vec::new();
    for who in peers(request, rule.direction, chain) {
        for packets in packets(rule, all, chain) {
            lines.push(format!("{place} {who}{packets} accept comment \"{}\"", tag(rule)));
        }
    }
    lines
}

/// One network at a time: a table that iptables also reads must not have sets in it.
fn peers(request: &Request, direction: Direction, chain: &Listed) -> Vec<String> {
    let side = if direction == Direction::In { "saddr" } else { "daddr" };
    let families: Vec<Family> =
        request.families().into_iter().filter(|family| family.is_in(&chain.family)).collect();
    if request.from.is_empty() {
        return match (chain.family.as_str(), &families[..]) {
            (_, []) => Vec::new(),
            ("inet", [Family::V4]) => vec!["meta nfproto ipv4 ".into()],
            ("inet", [Family::V6]) => vec!["meta nfproto ipv6 ".into()],
            _ => vec![String::new()],
        };
    }
    let mut peers = Vec::new();
    for family in families {
        for net in request.networks(family) {
            // iptables writes a single address without its length.
            let net = if net.prefix_len() == net.max_prefix_len() {
                IpAddr::to_string(&net.addr())
            } else {
                net.to_string()
            };
            peers.push(format!("{} {side} {net} ", nftables::word(family)));
        }
    }
    peers
}

/// In the words that iptables understands as well: it calls a table with others "incompatible" and shows none
/// of it.
fn packets(rule: &Rule, all: bool, chain: &Listed) -> Vec<String> {
    let (ours, here, there) =
        rule.direction.either((&rule.to, "dport", "sport"), (&rule.from, "sport", "dport"));
    let far = match (rule.direction, all) {
        (Direction::In, false) => String::new(),
        _ => format!("tcp {there} 1024-65535 "),
    };
    let opens = match (rule.role, all) {
        (Role::Opens, false) if chain.family == "inet" => " ct state new",
        (Role::Opens, false) => " tcp flags & (fin|syn|rst|ack) == syn",
        (Role::Opens, true) => "",
        (Role::Answers, _) => " tcp flags & (syn|ack) != syn",
    };
    ours.spans()
        .into_iter()
        .map(|span| format!("{far}tcp {here} {}{opens}", Ports::of([span]).written("-", ",")))
        .collect()
}
