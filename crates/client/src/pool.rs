//! How do several tasks share a few sessions, and how many does the server allow?
//!
//! ```text
//!   get --an idle session-----------------------------> it, asked NOOP if it was idle for long
//!    |                                                     (one that the server ends just then is replaced)
//!    |--fewer than there may be--> open one -----------> it
//!    |                              '--"too many", and others are open--> so many are allowed: wait for one
//!    '--as many as there may be--> wait until one comes back
//! ```
//! The first session is opened alone: what it learns, the others begin with.
use std::borrow::{Borrow, BorrowMut};
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use wire::Command;

use crate::client::Client;
use crate::error::Error;
use crate::event::Watcher;
use crate::spec::{Known, SessionSpec};

/// A session that was idle for longer may have been ended by the server, or forgotten by a NAT.
const DOUBTFUL: Duration = Duration::from_secs(15);

/// An idle session is closed after this: servers end one after a minute or more, and others may wait for its
/// place.
const IDLE: Duration = Duration::from_secs(45);

/// Sessions with one server, as one user. Its clones are one pool.
///
/// ```no_run
/// # async fn example(spec: client::SessionSpec, files: Vec<wire::Pathname>) -> Result<(), client::Error> {
/// let pool = client::Pool::new(spec, client::no_watcher(), 4);
/// let mut tasks = tokio::task::JoinSet::new();
/// for file in files {
///     let pool = pool.clone();
///     tasks.spawn(async move { pool.get().await?.size(&file).await });
/// }
/// while let Some(size) = tasks.join_next().await {
///     println!("{size:?}");
/// }
/// pool.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    spec: SessionSpec,
    watch: Watcher,
    state: Mutex<State>,
    /// A session came back or ended, or there may be more of them.
    changed: Notify,
}

struct State {
    slots: Slots,
    /// With the time since when; the longest first.
    idle: VecDeque<(Client, Instant)>,
    known: Known,
}

/// A session of a pool. Dropped, it goes back, unless it is not usable any more.
pub struct Pooled {
    /// There until it is dropped.
    client: Option<Client>,
    pool: Pool,
}

enum Turn {
    Idle(Box<Pooled>, Duration),
    Open(Opening),
    Wait,
}

impl Pool {
    /// At most so many sessions as `spec` describes. None is opened yet.
    #[must_use]
    pub fn new(spec: SessionSpec, watch: Watcher, most: usize) -> Self {
        let state = State { slots: Slots::new(most), idle: VecDeque::new(), known: spec.known };
        Self(Arc::new(Shared { spec, watch, state: Mutex::new(state), changed: Notify::new() }))
    }

    /// A session of one's own: an idle one, a new one, or the next that comes back.
    ///
    /// # Errors
    /// Those of [`Client::open`]. That the server has as many sessions as it allows is none as long as one of
    /// this pool is
    /// open.
    pub async fn get(&self) -> Result<Pooled, Error> {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            match self.turn() {
                Turn::Idle(mut session, since) => {
                    let is_there = session.driver.resume_idle();
                    if is_there && (since < DOUBTFUL || session.ask(Command::Noop).await.is_ok()) {
                        return Ok(*session);
                    }
                    session.give_up();
                }
                Turn::Open(opening) => {
                    if let Some(session) = self.open(opening).await? {
                        return Ok(session);
                    }
                }
                Turn::Wait => changed.await,
            }
        }
    }

    /// How many sessions the server allows, where it has refused one more.
    #[must_use]
    pub fn allowed(&self) -> Option<usize> {
        self.0.state().slots.allowed
    }

    /// What the sessions have found out so far.
    #[must_use]
    pub fn learned(&self) -> Known {
        self.0.state().known
    }

    /// Ends the idle sessions in order. Those in use end when they are dropped and the pool with them.
    pub async fn close(&self) {
        self.0.quit(Duration::ZERO).await;
    }

    fn turn(&self) -> Turn {
        let mut state = self.0.state();
        // The one that came back last is the least likely to be over.
        if let Some((client, since)) = state.idle.pop_back() {
            let session = Pooled { client: Some(client), pool: self.clone() };
            return Turn::Idle(Box::new(session), since.elapsed());
        }
        if state.slots.reserve() { Turn::Open(Opening(Arc::clone(&self.0), false)) } else { Turn::Wait }
    }

    /// None: the server allows no more than there are.
    async fn open(&self, mut opening: Opening) -> Result<Option<Pooled>, Error> {
        let mut spec = self.0.spec.clone();
        {
            let state = self.0.state();
            spec.known = state.known;
            if state.slots.has_others() {
                // One of ours is over sooner than somebody else's.
                spec.options.patience.full = Duration::ZERO;
            }
        }
        let opened = Client::open(spec, Arc::clone(&self.0.watch)).await;
        let mut state = self.0.state();
        opening.1 = true;
        let done = match opened {
            Ok(client) => {
                state.slots.opened();
                state.known = client.learned().and(state.known);
                Ok(Some(Pooled { client: Some(client), pool: self.clone() }))
            }
            Err(error) if is_full(&error) && state.slots.refused() => Ok(None),
            Err(error) => {
                state.slots.failed();
                Err(error)
            }
        };
        drop(state);
        // Those that wait for the first one all have their turn; after a failure each of them tries by
        // itself.
        self.0.changed.notify_waiters();
        done
    }
}

/// Are there too many sessions, however the server says so?
fn is_full(error: &Error) -> bool {
    error.is_full() || matches!(error, Error::Broken { what, moved: 0 } if what.contains("421 "))
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the sessions that have been idle for this long.
    async fn quit(&self, idle: Duration) {
        loop {
            let client = {
                let mut state = self.state();
                if state.idle.front().is_none_or(|(_, since)| since.elapsed() < idle) {
                    return;
                }
                state.slots.closed();
                state.idle.pop_front()
            };
            self.changed.notify_one();
            if let Some((client, _)) = client {
                client.quit().await;
            }
        }
    }
}

/// A session is being opened; dropped before that is done, it is not.
struct Opening(Arc<Shared>, bool);

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.1 {
            self.0.state().slots.failed();
            self.0.changed.notify_waiters();
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let shared = &self.pool.0;
        let mut state = shared.state();
        state.known = client.learned().and(state.known);
        if client.is_usable() {
            state.idle.push_back((client, Instant::now()));
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let weak: Weak<Shared> = Arc::downgrade(shared);
                runtime.spawn(async move {
                    tokio::time::sleep(IDLE).await;
                    if let Some(shared) = weak.upgrade() {
                        shared.quit(IDLE).await;
                    }
                });
            }
        } else {
            state.slots.closed();
        }
        drop(state);
        shared.changed.notify_one();
    }
}

impl Borrow<Client> for Pooled {
    fn borrow(&self) -> &Client {
        self
    }
}

impl BorrowMut<Client> for Pooled {
    fn borrow_mut(&mut self) -> &mut Client {
        self
    }
}

impl Deref for Pooled {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.as_ref().expect("only drop takes it")
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Client {
        self.client.as_mut().expect("only drop takes it")
    }
}

impl fmt::Debug for Pooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pooled").field(&self.client).finish()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("spec", &self.0.spec).field("slots", &self.0.state().slots).finish()
    }
}

/// How many sessions there are, and how many there may be. Pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slots {
    most: usize,
    /// The server's limit, where it is known.
    allowed: Option<usize>,
    open: usize,
    opening: usize,
    /// A session has been open.
    proven: bool,
}

impl Slots {
    fn new(most: usize) -> Self {
        Self { most: most.max(1), allowed: None, open: 0, opening: 0, proven: false }
    }

    /// Reserves a place for a session that is to be opened; false: wait.
    fn reserve(&mut self) -> bool {
        let limit = self.allowed.map_or(self.most, |allowed| allowed.min(self.most));
        let first = !self.proven && self.opening > 0;
        let may = !first && self.open + self.opening < limit;
        self.opening += usize::from(may);
        may
    }

    /// Are there sessions beside the one that is being opened?
    fn has_others(&self) -> bool {
        self.open + self.opening > 1
    }

    fn opened(&mut self) {
        self.opening -= 1;
        self.open += 1;
        self.proven = true;
        // It was refused while this one was being opened.
        self.allowed = self.allowed.map(|allowed| allowed.max(self.open));
    }

    /// The server has refused one as too many. False: there is none of ours to wait for.
    fn refused(&mut self) -> bool {
        let others = self.has_others();
        if others {
            self.opening -= 1;
            self.allowed = Some(self.open.max(1));
        }
        others
    }

    fn failed(&mut self) {
        self.opening -= 1;
    }

    fn closed(&mut self) {
        self.open -= 1;
        if self.open == 0 {
            // What the server allowed then need not be what it allows now.
            self.allowed = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_session_is_opened_alone_and_then_as_many_as_there_may_be() {
        let mut slots = Slots::new(3);
        assert!(slots.reserve() && !slots.reserve() && !slots.has_others());
        slots.opened();
        assert!(slots.reserve() && slots.reserve() && !slots.reserve());
        slots.opened();
        slots.failed();
        assert!(slots.reserve() && !slots.reserve());
        slots.opened();
        slots.closed();
        assert!(slots.reserve() && !slots.reserve());
        assert_eq!(Slots::new(0).most, 1);
    }

    #[test]
    fn a_first_session_that_fails_leaves_its_turn_to_another() {
        let mut slots = Slots::new(3);
        assert!(slots.reserve() && !slots.reserve());
        assert!(!slots.refused(), "there is none to wait for");
        slots.failed();
        assert!(slots.reserve());
    }

    #[test]
    fn what_the_server_refuses_is_the_limit_until_more_are_open() {
        let mut slots = Slots::new(8);
        assert!(slots.reserve());
        slots.opened();
        assert_eq!((0..9).filter(|_| slots.reserve()).count(), 7);
        // The server allows two: six are refused, some before the second has come through its login.
        assert!((0..3).all(|_| slots.refused()));
        assert_eq!(slots.allowed, Some(1));
        slots.opened();
        assert!((0..3).all(|_| slots.refused()));
        assert_eq!((slots.allowed, slots.open, slots.opening), (Some(2), 2, 0));
        assert!(!slots.reserve());
        slots.closed();
        assert!(slots.reserve() && !slots.reserve());
    }
}
