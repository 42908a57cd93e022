//! What does a session hold of a passive port?
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, timeout_at};

use super::acceptor::{self, ListeningPort};
use super::claims::ClaimId;
use super::hub::{Hub, News};
use crate::data::Data;
use crate::half_open::{self, Attempt};

/// A claim that ended without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No connection came in time. Also the answer after a claim has resolved.
    #[error("no data connection was made in time")]
    Expired,
    /// A second connection came from the peer's address before the first was taken up. One of the two is a
    /// stranger that shares the address (a NAT, a shared machine), and which cannot be known: both are
    /// closed. Guessing would hand a file to the stranger, or take one from it.
    #[error("two data connections came from the same address")]
    Ambiguous,
    /// Its owner had not asked for the connection for as long as [`Options::yields`](super::Options::yields)
    /// says, and another claim of the address waited: that one has the port.
    #[error("the port was given to another claim, as it had not been used")]
    Yielded,
}

/// A port reserved for one connection. Dropping it frees the port, and closes a connection that waits in it
/// (with FIN).
#[derive(Debug)]
pub struct Claim(pub(super) Reservation);

/// Where a connection is waited for, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedPort {
    /// Whose.
    pub peer: IpAddr,
    /// The port.
    pub port: u16,
    /// The ports that it was chosen from, lowest and highest: what a firewall has to let in.
    pub ports: RangeInclusive<u16>,
    /// Balancers may be between, whose connection attempts are not the peer's.
    balanced: bool,
    /// Since when the port is the peer's.
    since: Instant,
}

impl ClaimedPort {
    /// Where no connection has come: had a connection attempt of the peer's begun since the port was claimed
    /// for it? Reads the kernel's table of connections, in the blocking pool and one claim at a time. Where
    /// balancers may be between, the table has only their attempts, and nothing is concluded. Cancel-safe.
    pub async fn half_open(&self) -> Attempt {
        if self.balanced {
            return Attempt::Unknown;
        }
        half_open::look(self.peer, self.port, Some(self.since.elapsed())).await
    }
}

/// What is held, of whatever kind. Dropped, it is given back.
#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) hub: Arc<Hub>,
    pub(super) listening: Arc<[Arc<ListeningPort>]>,
    pub(super) id: ClaimId,
    pub(super) port: u16,
    pub(super) until: Instant,
    pub(super) peer: IpAddr,
    /// When it got its port.
    pub(super) since: Instant,
    /// It has its connection.
    pub(super) served: bool,
}

impl Claim {
    /// The port to announce to the client.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Where it is waited for, and whose connection.
    pub fn claimed_port(&self) -> ClaimedPort {
        self.0.claimed_port()
    }

    /// The peer's connection, if it is there: accepted now if it still waits in the kernel. Never waits and
    /// never allocates for it; None means that there is nothing yet.
    ///
    /// # Errors
    /// As [`Claim::connection`].
    pub fn arrived(&mut self) -> Option<Result<Data, ClaimError>> {
        // The peer connects before it sends the command that uses the connection, so that it is often in the
        // kernel's queue before the acceptor's task has had its turn. So may be a second one behind the
        // first, which makes both of them ambiguous.
        self.0.take_waiting();
        resolved(self.0.hub.look(self.0.id, None))
    }

    /// The peer's connection, waiting for it. Cancel-safe; resolves once.
    ///
    /// # Errors
    /// [`ClaimError::Expired`] when its time has passed; [`ClaimError::Ambiguous`] when a second connection
    /// from the peer's address came before this was called.
    pub async fn connection(&mut self) -> Result<Data, ClaimError> {
        let Reservation { hub, id, until, peer, .. } = &self.0;
        hub.yields(*id, None);
        self.0.take_waiting();
        if let Some(result) = resolved(hub.look(*id, None)) {
            return result;
        }
        let arrival = std::future::poll_fn(|context| {
            resolved(hub.look(*id, Some(context.waker()))).map_or(Poll::Pending, Poll::Ready)
        });
        if let Ok(result) = timeout_at(*until, arrival).await {
            return result;
        }
        hub.expire(*peer);
        // A connection that came in the last moment is still given; otherwise the hub says `Expired` now.
        resolved(hub.look(*id, None)).unwrap_or(Err(ClaimError::Expired))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A client that waits at the port when its command is refused is accepted and closed with FIN: left
        // in the kernel's queue it would be taken for a stranger. A claim that has resolved has nothing here,
        // and costs nothing.
        let known = resolved(self.0.hub.look(self.0.id, None));
        if let Some(Ok(data)) = known.or_else(|| self.arrived()) {
            data.drain_and_close();
        }
    }
}

impl Reservation {
    pub(super) fn claimed_port(&self) -> ClaimedPort {
        let ports = || self.listening.iter().map(|listening| listening.port);
        let (low, high) = (ports().min().unwrap_or(self.port), ports().max().unwrap_or(self.port));
        let balanced = self.listening.iter().any(|listening| listening.is_balanced());
        ClaimedPort { peer: self.peer, port: self.port, ports: low..=high, balanced, since: self.since }
    }

    /// Accepts what waits in the kernel at its port.
    pub(super) fn take_waiting(&self) {
        for listening in self.listening.iter().filter(|listening| listening.port == self.port) {
            acceptor::take_waiting(&self.hub, listening);
        }
    }

    /// The port that a queued claim gets, or None at the deadline.
    pub(super) async fn granted(&self, deadline: Instant) -> Option<u16> {
        loop {
            // Claims that no task waits on lapse unseen; those that wait for their port look.
            let next = self.hub.expire(self.peer).map_or(deadline, |next| next.min(deadline));
            let grant = std::future::poll_fn(|context| match self.hub.look(self.id, Some(context.waker())) {
                News::Queued => Poll::Pending,
                News::Port(port) => Poll::Ready(Some(port)),
                // Impossible for a claim without a port; gone is gone.
                News::Arrived(_) | News::Ambiguous | News::Expired | News::Yielded => Poll::Ready(None),
            });
            match timeout_at(next, grant).await {
                Ok(port) => return port,
                Err(_) if Instant::now() >= deadline => return None,
                Err(_) => {}
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.hub.release(self.id, (self.peer, self.port), self.served);
    }
}

fn resolved(news: News) -> Option<Result<Data, ClaimError>> {
    match news {
        News::Queued | News::Port(_) => None,
        News::Arrived(data) => Some(Ok(data)),
        News::Ambiguous => Some(Err(ClaimError::Ambiguous)),
        News::Expired => Some(Err(ClaimError::Expired)),
        News::Yielded => Some(Err(ClaimError::Yielded)),
    }
}
