//! Which tests run, and how are several run at once?
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::cases::Case;
use crate::pace::Pace;
use crate::report::Done;
use crate::rows::Due;
use crate::tools::Tools;
use crate::trial::run_one;

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
