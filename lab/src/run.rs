//! Which tests run, and how are several run at once?
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::doctor::LOOKS;
use crate::report::{DOCTOR_ASKED, Done};
use crate::rows::{Due, Pace, ROWS};
use crate::rules::{Rules, Shape, proof};
use crate::trial::{Pair, Test, Tools, run_one};

/// One test: a row and a pair, or a rule set and a line of it.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) pair: Pair,
    pub(crate) due: Due,
    pub(crate) pace: Pace,
    test: Box<Test>,
}

/// What it is a test of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The network of this number.
    Row(usize),
    /// What the doctor says of the network of this number.
    Doctor(usize),
    /// The rule sets.
    Rules,
}

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// The slow ones too, and what others do.
    pub(crate) nightly: bool,
    /// Only those whose name contains one of these.
    pub(crate) names: Vec<String>,
    /// How many at once.
    pub(crate) jobs: usize,
}

impl Choice {
    fn takes(&self, case: &Case) -> bool {
        if !self.names.is_empty() {
            return self.names.iter().any(|name| case.name.contains(name.as_str()));
        }
        let due = match case.due {
            Due::Holds => true,
            Due::Theirs => self.nightly,
            Due::Nothing => false,
        };
        due && (self.nightly || case.pace == Pace::Ordinary)
    }
}

/// All tests there are.
pub(crate) fn cases(tools: &Tools) -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, row) in ROWS.iter().enumerate() {
        for pair in Pair::ALL {
            let due = row.due(pair);
            if due != Due::Nothing {
                let name = format!("{} {}", row.name, pair.name());
                let test = Box::new(row.test);
                cases.push(Case { kind: Kind::Row(n), name, pair, due, pace: row.pace, test });
            }
        }
    }
    for (n, look) in LOOKS.iter().enumerate() {
        cases.push(Case {
            kind: Kind::Doctor(n),
            name: format!("doctor {} {}", look.name, look.pair.name()),
            pair: look.pair,
            due: Due::Holds,
            pace: look.pace,
            test: Box::new(|trial| look.test(trial)),
        });
    }
    let case = |name: String, pace, test: Box<Test>| Case {
        kind: Kind::Rules,
        name: format!("rules {name} {}", Pair::Ours.name()),
        pair: Pair::Ours,
        due: Due::Holds,
        pace,
        test,
    };
    for shape in Shape::ALL {
        let rules = Rules::of(tools, shape);
        let set = rules.clone();
        let pace = Pace::Ordinary;
        cases.push(case(shape.to_string(), pace, Box::new(move |trial| proof::complete(trial, &set))));
        for n in rules.rules() {
            let (set, pace) = (rules.clone(), rules.pace(n));
            let name = format!("{shape} without {}: {}", rules.chain(n), rules.line(n));
            if proof::takes_long(&rules, n) {
                let (set, name) = (rules.clone(), format!("{name}{DOCTOR_ASKED}"));
                cases.push(case(name, pace, Box::new(move |trial| proof::named(trial, &set, n))));
            }
            cases.push(case(name, pace, Box::new(move |trial| proof::without(trial, &set, n))));
        }
    }
    cases
}

/// Runs those chosen, several at once: mostly they wait. Prints each as it ends; the others are in the result
/// too.
pub(crate) fn run(cases: Vec<Case>, choice: &Choice, tools: &Tools) -> Vec<Done> {
    let done = Mutex::new(Vec::new());
    let queue: Mutex<VecDeque<(usize, Case)>> = Mutex::new(cases.into_iter().enumerate().collect());
    std::thread::scope(|scope| {
        for _ in 0..choice.jobs {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((n, case)) = next else { return };
                    let begun = Instant::now();
                    let end = choice.takes(&case).then(|| run_one(case.pair, tools, &*case.test));
                    let ended = Done::of(&case, end, begun.elapsed());
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    ended.print();
                    done.push((n, ended));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, done)| done).collect()
}
