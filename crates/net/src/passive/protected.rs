//! What does a session hold of a passive port under TLS, where connections say whose they are?
//!
//! ```text
//!              Stir::Comes (150)                     Next::Hello   resumes its session, or nothing where that will do
//!   claim --+-------------------------> keep_until --+-> Next::Refused  turned away: it may have been the client's
//!           '- Stir::Refused, goes on                '-> Next::Alone    nobody else is silent at the place any more
//! ```
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::claim::{ClaimedPort, Stake};
use super::claims::Kind;
use super::hub::Awaits;
use super::refusals::Cause;
use crate::data::{Hello, Shown};
use crate::tls::Reuse;
use crate::tls::server::{Binding, ServerTls};
use crate::tls::sessions::{BindingId, Owned};

/// Connections of one claim that are being told at once why they are refused. A client has made two at most; each takes
/// a descriptor for up to a second, of which there are few.
const FAREWELLS: usize = 8;

/// What a protected claim asks of its connection.
#[derive(Clone, Debug)]
pub struct Demand {
    tls: Arc<ServerTls>,
    owned: Arc<Owned>,
    takes: Takes,
    /// The session of one that is kin does, where nobody else's claim can be meant.
    kin: bool,
    /// At a port of its own.
    alone: bool,
}

/// What is taken beside what resumes the claim's own session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Nothing.
    Bound,
    /// What resumes nothing.
    Unbound,
    /// What resumes nothing, or would go on with a session that is no more.
    Anything,
}

impl Demand {
    /// That a connection belongs to a control connection, as far as the policy says so; its hello is read by the
    /// listener's TLS.
    pub fn new(tls: Arc<ServerTls>, binding: &Binding, reuse: Reuse) -> Self {
        let takes = match reuse {
            Reuse::Require => Takes::Bound,
            Reuse::Learn if binding.must_resume() => Takes::Bound,
            Reuse::Learn => Takes::Unbound,
            Reuse::Off => Takes::Anything,
        };
        let (owned, kin) = (Arc::clone(binding.owned()), reuse != Reuse::Require);
        let alone = takes != Takes::Bound || (kin && owned.shares());
        Self { tls, owned, takes, kin, alone }
    }

    pub(super) fn kind(&self) -> Kind {
        if self.alone { Kind::Lone(self.binding()) } else { Kind::Bound(self.binding()) }
    }

    /// The same at a port that others use as well, where what comes tells them apart.
    pub(super) fn shared(&self) -> Option<Self> {
        (self.alone && self.takes == Takes::Bound).then(|| Self { alone: false, ..self.clone() })
    }

    pub(super) fn binding(&self) -> BindingId {
        self.owned.id()
    }

    /// It was not used, and its connection may still come.
    pub(super) fn left(&self, port: u16, now: Instant) {
        self.owned.left(port, now);
    }

    pub(super) fn tls(&self) -> &Arc<ServerTls> {
        &self.tls
    }

    /// Is this hello good enough?
    pub(super) fn takes(&self, shown: Shown) -> bool {
        match shown {
            Shown::Session(binding) => binding == self.binding(),
            Shown::Nothing => self.takes != Takes::Bound,
            Shown::Lost => self.takes == Takes::Anything,
        }
    }

    /// Does it resume the session of one that is kin, and is that good enough for a claim that alone can be meant at this port?
    pub(super) fn takes_kin(&self, hello: &Hello, port: u16) -> bool {
        self.kin && hello.is_lent(&self.owned, port)
    }
}

/// A connection that was turned away and may have been the client's own. The claim goes on.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub cause: Cause,
    /// The same for the log.
    pub detail: Arc<str>,
    /// It can have been for no other claim, so that it most likely was the client's only one.
    pub alone: bool,
}

/// What happens at a protected claim before its transfer is said to begin.
#[derive(Debug)]
pub enum Stir {
    /// A connection is there: one that says that it is the claim's, or one that has said nothing yet, as clients do that
    /// begin TLS when they are told to.
    Comes,
    /// One was turned away.
    Refused(Refused),
    /// The claim's time has passed.
    Expired,
    /// It was not used for long, and another claim that waited has its place.
    Yielded,
}

/// What happens at a protected claim whose connection is to be protected.
#[derive(Debug)]
pub enum Next {
    /// A connection that resumes the claim's own session, or nothing where that will do. There may be several.
    Hello(Box<Hello>),
    /// One was turned away.
    Refused(Refused),
    /// No other connection may be the claim's; only told to whoever asks for it.
    Alone,
    /// The claim's time has passed.
    Expired,
}

/// A port where one connection is waited for that says whose it is. The port is shared with other such claims of the same
/// address, but each connection is given to the claim whose session it resumes. Dropping the claim gives up its place, and
/// closes (with FIN) what has come for it.
#[derive(Debug)]
pub struct ProtectedClaim {
    stake: Stake,
    farewells: Arc<Semaphore>,
}

impl ProtectedClaim {
    pub(super) fn new(stake: Stake) -> Self {
        Self { stake, farewells: Arc::new(Semaphore::new(FAREWELLS)) }
    }

    /// The port to tell the client.
    pub fn port(&self) -> u16 {
        self.stake.port
    }

    /// Where it is waited for, and whose connection.
    pub fn claimed_port(&self) -> ClaimedPort {
        self.stake.claimed_port()
    }

    /// Its client is about to be told that nothing comes of it, and need not begin TLS: that is no news for the log.
    pub fn dismiss(&self) {
        self.stake.hub.dismiss(self.stake.owner);
    }

    /// Waits until there is something to be said of it. Cancel-safe.
    pub async fn stirs(&mut self) -> Stir {
        self.stake.take_waiting();
        let Stake { hub, owner, peer, port, until, .. } = &self.stake;
        let stir = poll_fn(|context| {
            hub.stir(*owner, (*peer, *port), context.waker()).map_or(Poll::Pending, Poll::Ready)
        });
        if let Ok(stir) = timeout_at(*until, stir).await {
            return stir;
        }
        hub.expire(*peer);
        Stir::Expired
    }

    /// Its transfer has begun: it lapses at this time, and not before it.
    pub fn keep_until(&mut self, until: impl Into<Instant>) {
        self.stake.until = self.stake.until.max(until.into());
        self.stake.hub.extend(self.stake.owner, self.stake.until);
    }

    /// Does another connection wait that may be this claim's? It is looked for in the kernel, too.
    pub fn is_contended(&self) -> bool {
        self.stake.take_waiting();
        self.stake.hub.is_contended(self.stake.owner, (self.stake.peer, self.stake.port))
    }

    /// What comes next, however long it takes. Cancel-safe.
    pub async fn next(&mut self) -> Next {
        self.next_for(Awaits::Nothing).await
    }

    /// The same, or [`Next::Alone`] as soon as the claim is not contended. Cancel-safe.
    pub async fn next_unless_alone(&mut self) -> Next {
        self.next_for(Awaits::Silence).await
    }

    async fn next_for(&self, awaits: Awaits) -> Next {
        let Stake { hub, owner, peer, port, .. } = &self.stake;
        poll_fn(|context| {
            hub.next(*owner, (*peer, *port), awaits, context.waker()).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Counts a connection of this claim's that was not taken in the end.
    pub fn note(&self, cause: Cause, from: std::net::SocketAddr) {
        self.stake.hub.note(cause, from, self.stake.port);
    }

    /// Turns a connection of this claim's away, and counts it. It hears why unless there are too many of them.
    pub fn refuse(&self, hello: Hello, cause: Cause) {
        self.note(cause, hello.data().peer());
        match (Handle::try_current(), Arc::clone(&self.farewells).try_acquire_owned()) {
            // It has a second to take it.
            (Ok(runtime), Ok(turn)) => drop(runtime.spawn(async move {
                hello.refuse().await;
                drop(turn);
            })),
            _ => hello.drain_and_close(),
        }
    }

    /// Gives the claim up because its connection has been taken.
    pub fn served(mut self) {
        self.stake.served = true;
    }
}

impl Drop for ProtectedClaim {
    fn drop(&mut self) {
        // As with an unencrypted claim: whoever sits at the port already is sent off as a guest.
        if !self.stake.served {
            self.stake.take_waiting();
        }
    }
}
