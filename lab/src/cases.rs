//! Which tests are there?
use crate::doctor::LOOKS;
use crate::pace::Pace;
use crate::rows::{Due, ROWS};
use crate::rules::{Rules, Shape, proof};
use crate::tools::Tools;
use crate::trial::{Pair, Test};

/// The end of the name of a test in which the doctor alone is asked.
const DOCTOR_ASKED: &str = ", the doctor";

/// One test: a row and a pair, or a rule set and a line of it.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) pair: Pair,
    pub(crate) due: Due,
    pub(crate) pace: Pace,
    pub(crate) test: Box<Test>,
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

/// All tests there are.
pub(crate) fn all(tools: &Tools) -> Vec<Case> {
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
