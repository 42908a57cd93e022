//! What does a verb with several arguments come to when some of them fail?
//!
//! All are tried, and each failure is printed when it happens. The exit code of one argument is its
//! failure's; of several, 1 if one worked or they failed differently, else the one that all failures have.
use wire::url::FtpUrl;

use crate::client_flags::SessionFlags;
use crate::progress::Meter;
use crate::site::{self, Sessions};
use crate::talk::{Exit, Failure};

/// Does the same for each URL, in sessions that show no progress.
pub(crate) async fn each_url(
    urls: &[String],
    session: &SessionFlags,
    one: impl AsyncFnMut(&mut Sessions<'_>, &FtpUrl) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let urls = site::urls(urls)?;
    each(Sessions::new(session, Meter::new(true)), &urls, one).await
}

/// Does the same for each argument, and ends the sessions.
pub(crate) async fn each<T>(
    sessions: Sessions<'_>,
    arguments: &[T],
    one: impl AsyncFnMut(&mut Sessions<'_>, &T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    Several::of(arguments.len()).each(sessions, arguments, one).await
}

/// How the arguments of a verb went so far.
pub(crate) struct Several {
    arguments: usize,
    ends: Vec<Exit>,
}

impl Several {
    /// Of a verb with so many arguments.
    pub(crate) fn of(arguments: usize) -> Self {
        Self { arguments, ends: Vec::new() }
    }

    /// Notes how one argument went, and prints its failure where others are to follow.
    ///
    /// # Errors
    /// When the verb is to end: it has one argument, or nobody reads its output any more.
    pub(crate) fn add(&mut self, done: Result<(), Failure>, meter: &Meter) -> Result<(), Failure> {
        let Err(failure) = done else {
            self.ends.push(Exit::Done);
            return Ok(());
        };
        if failure.exit == Exit::Done || self.arguments == 1 {
            return Err(failure);
        }
        self.ends.push(failure.exit);
        meter.failed(failure);
        Ok(())
    }

    /// Does the same for each of the arguments that are left, and ends the sessions.
    pub(crate) async fn each<T>(
        mut self,
        mut sessions: Sessions<'_>,
        arguments: &[T],
        mut one: impl AsyncFnMut(&mut Sessions<'_>, &T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut last = Ok(());
        for argument in arguments {
            let done = one(&mut sessions, argument).await;
            last = self.add(done, &sessions.meter);
            if last.is_err() {
                break;
            }
        }
        sessions.end().await;
        last?;
        self.end()
    }

    /// What it came to.
    fn end(self) -> Result<(), Failure> {
        let first = self.ends.first().copied().unwrap_or(Exit::Done);
        if self.ends.iter().any(|end| *end != first) {
            return Err(Failure::told(Exit::Refused));
        }
        if first == Exit::Done { Ok(()) } else { Err(Failure::told(first)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_of(ends: &[Exit]) -> Exit {
        let mut several = Several::of(ends.len());
        for end in ends {
            let done = if *end == Exit::Done { Ok(()) } else { Err(Failure::told(*end)) };
            if let Err(failure) = several.add(done, &Meter::new(true)) {
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
        assert!(Several::of(9).add(Err(Failure::told(Exit::Done)), &Meter::new(true)).is_err());
    }
}
