//! How many connections were turned away at the passive ports, and why? For the log, and for the
//! administrator.
use std::iter::Sum;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// At most one line of log for each cause in this time; it says how many there were since the last.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(1);

/// Why a connection was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No claim is for its address at its port.
    Stranger,
    /// It or another of the same address is the client's, and which cannot be known.
    Ambiguous,
    /// It resumes the TLS session of a control connection that has no claim at its port.
    Foreign,
    /// It resumes no TLS session, and all claims at its port ask for that.
    Unbound,
    /// It does not get as far as a TLS hello.
    NoHello,
}

/// Connections that were turned away since the ports were bound, by [`Cause`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnedAway {
    /// Those that no claim was for.
    pub strangers: u64,
    /// Those of one address of which one was the client's; all of them are counted.
    pub ambiguous: u64,
    /// Those that resumed another control connection's session.
    pub foreign: u64,
    /// Those that resumed nothing, and had to.
    pub unbound: u64,
    /// Those that did not speak TLS, or broke off.
    pub no_hello: u64,
}

impl Sum for TurnedAway {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |all, one| Self {
            strangers: all.strangers + one.strangers,
            ambiguous: all.ambiguous + one.ambiguous,
            foreign: all.foreign + one.foreign,
            unbound: all.unbound + one.unbound,
            no_hello: all.no_hello + one.no_hello,
        })
    }
}

/// Reads the counts of some passive ports, at any time. Cheap to clone; the default one stays at 0.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<[AtomicU64; 5]>);

impl Refusals {
    /// The counts now.
    pub fn read(&self) -> TurnedAway {
        let of = |cause: Cause| self.of(cause).load(Ordering::Relaxed);
        TurnedAway {
            strangers: of(Cause::Stranger),
            ambiguous: of(Cause::Ambiguous),
            foreign: of(Cause::Foreign),
            unbound: of(Cause::Unbound),
            no_hello: of(Cause::NoHello),
        }
    }

    fn of(&self, cause: Cause) -> &AtomicU64 {
        let [stranger, ambiguous, foreign, unbound, no_hello] = &*self.0;
        match cause {
            Cause::Stranger => stranger,
            Cause::Ambiguous => ambiguous,
            Cause::Foreign => foreign,
            Cause::Unbound => unbound,
            Cause::NoHello => no_hello,
        }
    }
}

/// Counts, and knows when a line of log is due.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Refusals,
    logged: Vec<(Cause, u64, Instant)>,
}

/// A line of log that is due.
#[must_use]
#[derive(Debug)]
pub(super) struct Line {
    cause: Cause,
    count: u64,
    from: SocketAddr,
    port: u16,
}

impl Tally {
    pub(super) fn counts(&self) -> &Refusals {
        &self.counts
    }

    /// Counts so many connections.
    pub(super) fn note(
        &mut self,
        cause: Cause,
        many: u64,
        from: SocketAddr,
        port: u16,
        now: Instant,
    ) -> Option<Line> {
        let total = self.counts.of(cause).fetch_add(many, Ordering::Relaxed) + many;
        let count = match self.logged.iter_mut().find(|(known, ..)| *known == cause) {
            Some((_, logged, quiet)) if now >= *quiet => {
                *quiet = now + BETWEEN_WARNINGS;
                total - std::mem::replace(logged, total)
            }
            Some(_) => return None,
            None => {
                self.logged.push((cause, total, now + BETWEEN_WARNINGS));
                total
            }
        };
        Some(Line { cause, count, from, port })
    }
}

impl Line {
    /// Writes it; not to be called under a lock.
    pub(super) fn write(self) {
        let Self { cause, count, from, port } = self;
        let (peer, from) = (from.ip(), from.port());
        match cause {
            Cause::Stranger => {
                tracing::warn!(%peer, port, count, "a data connection that no session waits for was closed");
            }
            Cause::Ambiguous => tracing::warn!(
                %peer, port, count,
                "closed data connections: could not tell which of them is the client's"
            ),
            Cause::Foreign => tracing::warn!(
                %peer, from, port, count,
                "refused a data connection: it resumes the TLS session of another control connection"
            ),
            Cause::Unbound => tracing::warn!(
                %peer, from, port, count,
                "refused a data connection: it does not resume the TLS session of its control connection"
            ),
            Cause::NoHello => tracing::warn!(
                %peer, from, port, count,
                "closed a data connection: it did not start TLS"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_counted_and_logged_once_a_second() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        let from = SocketAddr::from(([192, 0, 2, 1], 4000));
        let mut note = |cause, many, seconds| {
            let line = tally.note(cause, many, from, 7001, now + Duration::from_secs(seconds));
            line.map(|line| line.count)
        };
        assert_eq!(note(Cause::Foreign, 1, 0), Some(1));
        assert_eq!(note(Cause::Foreign, 1, 0), None);
        assert_eq!(note(Cause::Ambiguous, 2, 0), Some(2), "another cause has a line of its own");
        assert_eq!(note(Cause::Foreign, 3, 1), Some(4), "with those that were not logged");
        let read = TurnedAway { foreign: 5, ambiguous: 2, ..TurnedAway::default() };
        assert_eq!(tally.counts().read(), read);
    }
}
