//! What becomes of packets in the chains of a kernel?
//!
//! ```text
//!   packets --> base chain --> rule --> rule --> ... --> policy
//!                               |  some: both ways, and what the condition was
//!                               +--> jump --> rule --> ...
//! ```
//!
//! Every base chain of a hook decides for itself: one that drops is enough, and no other can save the packet.

use crate::packets::{Holds, Packets};
use crate::request::Family;
use crate::rules::Direction;
use crate::ruleset::{Base, Line, Listed, Ruleset, Step, Verdict};

/// The kernel's own limit of jumps within jumps.
const DEEPEST: usize = 16;

/// The most conditions that are noted on one way: a report of more is read by nobody, and copies of the same chain must
/// not multiply.
const MOST: usize = 64;

/// What one base chain does with packets.
#[derive(Clone, Debug)]
pub(crate) struct Decision<'r> {
    pub(crate) chain: &'r Listed,
    pub(crate) fate: Fate,
    /// The rule of the base chain where it was decided; None: its policy.
    pub(crate) at: Option<&'r Line>,
    /// Some of the packets fare otherwise.
    pub(crate) exceptions: Vec<Exception>,
}

/// What becomes of those packets for which no condition is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    Dropped,
    Unclear,
}

/// Packets that meet a condition fare thus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) fate: Fate,
    pub(crate) when: String,
}

/// What the base chains on the way of these packets do, one by one.
pub(crate) fn decisions<'r>(ruleset: &'r Ruleset, packets: &Packets) -> Vec<Decision<'r>> {
    let on_the_way = |base: &Base| base.kind != "nat" && is_on_the_way(&base.hook, packets.direction);
    let chains = ruleset
        .chains
        .iter()
        .filter(|chain| serves(&chain.family, packets.family) && chain.base.as_ref().is_some_and(on_the_way));
    chains.map(|chain| decide(ruleset, chain, packets)).collect()
}

pub(crate) fn is_on_the_way(hook: &str, direction: Direction) -> bool {
    match direction {
        Direction::In => matches!(hook, "prerouting" | "input"),
        Direction::Out => matches!(hook, "output" | "postrouting"),
    }
}

/// Does a table of this family see such packets?
pub(crate) fn serves(table: &str, family: Family) -> bool {
    matches!((table, family), ("inet", _) | ("ip", Family::V4) | ("ip6", Family::V6))
}

fn decide<'r>(ruleset: &'r Ruleset, chain: &'r Listed, packets: &Packets) -> Decision<'r> {
    let mut exceptions = Vec::new();
    let mut at = None;
    let mut fate =
        if chain.base.as_ref().is_some_and(|base| base.drops) { Fate::Dropped } else { Fate::Passes };
    for line in &chain.lines {
        match follow(ruleset, chain, line, packets, 0, &mut exceptions) {
            Flow::On => {}
            Flow::Back => break,
            Flow::End(end) => {
                (fate, at) = (end, Some(line));
                break;
            }
        }
    }
    exceptions.truncate(MOST);
    exceptions.retain(|exception| exception.fate != fate);
    Decision { chain, fate, at, exceptions }
}

/// What comes after a rule, for packets whose way is sure.
enum Flow {
    On,
    Back,
    End(Fate),
}

fn follow(
    ruleset: &Ruleset,
    chain: &Listed,
    line: &Line,
    packets: &Packets,
    depth: usize,
    exceptions: &mut Vec<Exception>,
) -> Flow {
    let (mut sure, mut left_out) = (true, false);
    for step in &line.steps {
        match step {
            Step::Test(test) => match packets.meet(test) {
                Holds::All => {}
                Holds::Most => left_out = true,
                Holds::Some => sure = false,
                Holds::None => return Flow::On,
            },
            Step::Map(ways) => {
                for (test, verdict) in ways {
                    let holds = packets.meet(test);
                    if holds == Holds::None {
                        continue;
                    }
                    let sure = sure && matches!(holds, Holds::All | Holds::Most);
                    let flow = obey(ruleset, chain, (line, verdict), packets, depth, sure, exceptions);
                    if sure {
                        return flow;
                    }
                }
            }
            Step::End(verdict) => {
                let flow = obey(ruleset, chain, (line, verdict), packets, depth, sure, exceptions);
                if sure && left_out && !matches!(flow, Flow::On) {
                    exceptions
                        .push(Exception { fate: Fate::Unclear, when: format!("left out of: {}", line.text) });
                }
                return if sure { flow } else { Flow::On };
            }
        }
    }
    Flow::On
}

fn obey(
    ruleset: &Ruleset,
    chain: &Listed,
    (line, verdict): (&Line, &Verdict),
    packets: &Packets,
    depth: usize,
    sure: bool,
    exceptions: &mut Vec<Exception>,
) -> Flow {
    let flow = match verdict {
        Verdict::Accept => Flow::End(Fate::Passes),
        Verdict::Drop => Flow::End(Fate::Dropped),
        Verdict::Unclear => Flow::End(Fate::Unclear),
        Verdict::Return => Flow::Back,
        Verdict::Jump(name) | Verdict::Goto(name) => {
            let mut flow = if matches!(verdict, Verdict::Goto(_)) { Flow::Back } else { Flow::On };
            // The condition of the jump is that of whatever decides in there.
            let mut inside = Vec::new();
            if let (Some(target), true) =
                (ruleset.chain(chain, name), depth < DEEPEST && exceptions.len() < MOST)
            {
                for line in &target.lines {
                    match follow(ruleset, target, line, packets, depth + 1, &mut inside) {
                        Flow::On => {}
                        Flow::Back => break,
                        Flow::End(end) => {
                            flow = Flow::End(end);
                            break;
                        }
                    }
                }
            }
            exceptions.append(&mut inside);
            flow
        }
    };
    if let (Flow::End(fate), false) = (&flow, sure)
        && exceptions.len() < MOST
    {
        exceptions.push(Exception { fate: *fate, when: line.text.clone() });
    }
    flow
}
