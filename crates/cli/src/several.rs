//! What does a verb with several arguments come to when some of them fail?
//!
//! All are tried, and each failure is printed when it happens. The exit code of one argument is its
//! failure's; of several, 1 if one worked or they failed differently, else the one that all failures have.
use crate::site::Sessions;
use crate::talk::{Exit, Failure};

/// Does the same for each argument, and ends the sessions.
pub(crate) async fn each<T>(
    mut sessions: Sessions<'_>,
    arguments: &[T],
    mut one: impl AsyncFnMut(&mut Sessions<'_>, &T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut all = Several::of(arguments.len());
    let mut last = Ok(());
    for argument in arguments {
        let done = one(&mut sessions, argument).await;
        last = all.add(done, |failure| sessions.meter.failed(failure));
        if last.is_err() {
            break;
        }
    }
    sessions.end().await;
    last?;
    all.end()
}

/// How the arguments of a verb went so far.
pub(crate) struct Several {
    arguments: usize,
    worked: bool,
    failed: Option<Exit>,
}

impl Several {
    /// Of a verb with so many arguments.
    pub(crate) fn of(arguments: usize) -> Self {
        Self { arguments, worked: false, failed: None }
    }

    /// Is there more than one?
    pub(crate) fn many(&self) -> bool {
        self.arguments > 1
    }

    /// Notes how one argument went. `print` writes a failure to stderr where others are to follow.
    ///
    /// # Errors
    /// When the verb is to end: it has one argument, or nobody reads its output any more.
    pub(crate) fn add(
        &mut self,
        done: Result<(), Failure>,
        print: impl FnOnce(Failure),
    ) -> Result<(), Failure> {
        match done {
            Ok(()) => self.worked = true,
            // The reader of our output went away.
            Err(failure) if failure.exit == Exit::Done || !self.many() => return Err(failure),
            Err(failure) => {
                self.failed = Some(match self.failed {
                    Some(other) if other != failure.exit => Exit::Refused,
                    _ => failure.exit,
                });
                print(failure);
            }
        }
        Ok(())
    }

    /// What it came to.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.failed {
            None => Ok(()),
            Some(_) if self.worked => Err(Failure::told(Exit::Refused)),
            Some(exit) => Err(Failure::told(exit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_of(ends: &[Exit]) -> Exit {
        let mut several = Several::of(ends.len());
        for end in ends {
            let done = if *end == Exit::Done { Ok(()) } else { Err(Failure::told(*end)) };
            if let Err(failure) = several.add(done, drop) {
                return failure.exit;
            }
        }
        several.end().map_or_else(|failure| failure.exit, |()| Exit::Done)
    }

    #[test]
    fn one_failure_among_several_is_1_and_failures_alike_keep_their_code() {
        use Exit::{Broken, Done, Refused, Unreachable, Usage};
        for (ends, exit) in [
            (&[Done][..], Done),
            (&[Unreachable], Unreachable),
            (&[Done, Done], Done),
            (&[Unreachable, Done], Refused),
            (&[Done, Broken], Refused),
            (&[Unreachable, Unreachable], Unreachable),
            (&[Usage, Usage, Usage], Usage),
            (&[Unreachable, Broken, Broken], Refused),
            (&[Refused, Refused], Refused),
        ] {
            assert_eq!(exit_of(ends), exit, "{ends:?}");
        }
    }

    #[test]
    fn when_nobody_reads_the_rest_is_not_tried() {
        assert!(Several::of(9).add(Err(Failure::told(Exit::Done)), drop).is_err());
    }
}
