//! How does the data connection of a transfer end that has failed? Behind its reply.
//!
//! A client that watches both connections takes the end of the data connection for a broken transfer where it
//! comes before the reply, or just behind it, and reports that in place of what the reply says. So whatever a
//! failed transfer holds is handed to the driver with its outcome, and is closed a moment after the reply has
//! been written.
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use net::data::Data;
use net::passive::{Claim, ProtectedClaim};
use tokio::time::sleep;

use crate::effect::Outcome;
use crate::reason::Reason;

/// How long the data connection stays behind the reply: longer than a client takes from the one to the other
/// where both have come to it by the time that it looks, and bearable for one that waits for the end of the
/// data first. A client that says something else meanwhile has heard the reply.
const MOMENT: Duration = Duration::from_millis(100);

/// How long a data connection on which everything has moved may take to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// A passive port that is held for the next transfer.
pub(crate) enum Held {
    Clear(Claim),
    Protected(ProtectedClaim),
}

/// The outcome of a transfer, and what is to be closed behind its reply.
pub(crate) struct Ended {
    pub(crate) end: Outcome,
    pub(crate) left_open: Option<LeftOpen>,
}

/// What a failed transfer has left open.
pub(crate) enum LeftOpen {
    /// A passive port. A connection that waits there is accepted and closed with FIN.
    Claim(Held),
    /// A data connection on which nothing was cut off: it ends in order, under TLS with close_notify.
    Refused(Data),
    /// One on which not everything has moved: it is just closed, so that under TLS what came is not taken for
    /// the whole. What the client still sends makes that a reset.
    Cut(Data),
}

impl LeftOpen {
    /// Of a transfer that broke off, or that was refused when the connection was there.
    pub(super) fn of(data: Data, end: &Outcome) -> Self {
        if end.bytes == 0 && is_refusal(end) { Self::Refused(data) } else { Self::Cut(data) }
    }

    /// Closes it in a moment. May be dropped at any time, which closes it at once.
    pub(crate) fn end(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            sleep(MOMENT).await;
            match self {
                Self::Claim(held) => drop(held),
                Self::Cut(data) => drop(data),
                Self::Refused(data) => data.finish(PATIENCE).await,
            }
        })
    }
}

/// Was it not the connection itself that failed?
fn is_refusal(end: &Outcome) -> bool {
    !matches!(
        end.broken,
        Some(Reason::PeerBroke | Reason::Stalled | Reason::Truncated | Reason::Aborted | Reason::HungUp)
    )
}

impl From<Outcome> for Ended {
    fn from(end: Outcome) -> Self {
        Self { end, left_open: None }
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        Outcome::from(reason).into()
    }
}
