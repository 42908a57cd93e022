//! What happens to packets in the chains of a kernel?
//!
//! ```text
//!   packets --> base chain --> rule --> rule --> ... --> policy
//!                               |  some: both ways, and what the condition was
//!                               +--> jump --> rule --> ...
//! ```
//!
//! Every base chain of a hook decides for itself: one that drops is enough, and no other can save the packet.

use crate::packets::{Holds, Packets};
use crate::ruleset::{Base, Line, Listed, Ruleset, Step, Verdict};
use firewall::Direction;

/// The kernel's own limit of jumps within jumps.
const DEEPEST: usize = 16;

/// The most rules that are looked at on one way. The longest sets in use have some ten thousand; chains that
/// jump into each other many times over can make more of them than anybody waits for, and then the answer is
/// that it is not known.
const MOST: usize = 200_000;

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
        .filter(|chain| packets.family.is_in(&chain.family) && chain.base.as_ref().is_some_and(on_the_way));
    chains.map(|chain| decide(ruleset, chain, packets)).collect()
}

fn is_on_the_way(hook: &str, direction: Direction) -> bool {
    direction.either(matches!(hook, "prerouting" | "input"), matches!(hook, "output" | "postrouting"))
}

/// What those chains do that see what comes in by one device, before anything else does.
pub(crate) fn at_devices<'r>(ruleset: &'r Ruleset, packets: &Packets) -> Vec<Decision<'r>> {
    let sees = |chain: &&Listed| {
        packets.direction == Direction::In
            && (chain.family == "netdev" || packets.family.is_in(&chain.family))
            && chain.base.as_ref().is_some_and(|base| base.hook == "ingress")
    };
    ruleset.chains.iter().filter(sees).map(|chain| decide(ruleset, chain, packets)).collect()
}

/// The chains that packets of this direction come through, those that are only jumped to among them.
pub(crate) fn reached(ruleset: &Ruleset, direction: Direction) -> Vec<&Listed> {
    let ours = |chain: &&Listed| matches!(chain.family.as_str(), "inet" | "ip" | "ip6");
    let base = |base: &Base| base.kind != "nat" && is_on_the_way(&base.hook, direction);
    let mut reached: Vec<&Listed> =
        ruleset.chains.iter().filter(ours).filter(|chain| chain.base.as_ref().is_some_and(base)).collect();
    let mut next = 0;
    while let Some(chain) = reached.get(next).copied() {
        next += 1;
        for step in chain.lines.iter().flat_map(|line| &line.steps) {
            let verdicts: Vec<&Verdict> = match step {
                Step::End(verdict) => vec![verdict],
                Step::Map(ways) => ways.iter().map(|(_, verdict)| verdict).collect(),
                Step::Test(_) => continue,
            };
            for verdict in verdicts {
                if let Verdict::Jump(name) | Verdict::Goto(name) = verdict
                    && let Some(target) = ruleset.chain(chain, name)
                    && !reached.iter().any(|known| core::ptr::eq(*known, target))
                {
                    reached.push(target);
                }
            }
        }
    }
    reached
}

fn decide<'r>(ruleset: &'r Ruleset, chain: &'r Listed, packets: &Packets) -> Decision<'r> {
    let mut walk = Walk { ruleset, packets, exceptions: Vec::new(), left: MOST };
    let (mut fate, mut at) =
        (if chain.base.as_ref().is_some_and(|base| base.drops) { Fate::Dropped } else { Fate::Passes }, None);
    for line in &chain.lines {
        match walk.follow(chain, line, 0) {
            Flow::On => {}
            Flow::Back => break,
            Flow::End(end) => {
                (fate, at) = (end, Some(line));
                break;
            }
        }
    }
    walk.exceptions.retain(|exception| exception.fate != fate);
    Decision { chain, fate, at, exceptions: walk.exceptions }
}

/// One way through one base chain.
struct Walk<'r> {
    ruleset: &'r Ruleset,
    packets: &'r Packets,
    exceptions: Vec<Exception>,
    /// Rules that may still be looked at.
    left: usize,
}

/// What comes after a rule, for packets whose way is sure.
enum Flow {
    On,
    Back,
    End(Fate),
}

impl Walk<'_> {
    fn follow(&mut self, chain: &Listed, line: &Line, depth: usize) -> Flow {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Flow::End(Fate::Unclear),
        }
        let (mut sure, mut left_out) = (true, false);
        for step in &line.steps {
            match step {
                Step::Test(test) => match self.packets.meet(test) {
                    Holds::All => {}
                    Holds::Most => left_out = true,
                    Holds::Some => sure = false,
                    Holds::None => return Flow::On,
                },
                Step::Map(ways) => {
                    for (test, verdict) in ways {
                        let holds = self.packets.meet(test);
                        if holds == Holds::None {
                            continue;
                        }
                        let sure = sure && matches!(holds, Holds::All | Holds::Most);
                        let flow = self.obey(chain, line, verdict, depth, sure);
                        if sure {
                            return flow;
                        }
                    }
                }
                Step::End(verdict) => {
                    let flow = self.obey(chain, line, verdict, depth, sure);
                    if sure && left_out && !matches!(flow, Flow::On) {
                        self.except(Fate::Unclear, format!("left out of: {}", line.text));
                    }
                    return if sure { flow } else { Flow::On };
                }
            }
        }
        Flow::On
    }

    fn obey(&mut self, chain: &Listed, line: &Line, verdict: &Verdict, depth: usize, sure: bool) -> Flow {
        let flow = match verdict {
            Verdict::Accept => Flow::End(Fate::Passes),
            Verdict::Drop => Flow::End(Fate::Dropped),
            Verdict::Unclear => Flow::End(Fate::Unclear),
            Verdict::Return => Flow::Back,
            Verdict::Jump(name) => self.enter(chain, name, depth).unwrap_or(Flow::On),
            Verdict::Goto(name) => self.enter(chain, name, depth).unwrap_or(Flow::Back),
        };
        if let (Flow::End(fate), false) = (&flow, sure) {
            self.except(*fate, line.text.clone());
        }
        flow
    }

    /// What a chain that is jumped to decides, if it does.
    fn enter(&mut self, chain: &Listed, name: &str, depth: usize) -> Option<Flow> {
        let target = self.ruleset.chain(chain, name).filter(|_| depth < DEEPEST)?;
        for line in &target.lines {
            match self.follow(target, line, depth + 1) {
                Flow::On => {}
                Flow::Back => return None,
                Flow::End(end) => return Some(Flow::End(end)),
            }
        }
        None
    }

    fn except(&mut self, fate: Fate, when: String) {
        let exception = Exception { fate, when };
        if !self.exceptions.contains(&exception) {
            self.exceptions.push(exception);
        }
    }
}
