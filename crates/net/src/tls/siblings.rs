//! Which control connections belong to one client, so that each may lend its session to the others?
//!
//! A Go program, rclone for one, keeps one cache of TLS sessions for all its connections to a host, so that a
//! data connection resumes whichever session came last. Two control connections are *siblings* when they come
//! from one address and the same user is logged in on both; the session of one is then good enough for a data
//! connection of the other, wherever only one claim can be meant. The names of anonymous users prove nothing,
//! so theirs are siblings only once they have been seen to *share* sessions.
//!
//! ```text
//!   control hello with a ticket of another control connection --+
//!   data connection that resumes another's session, proven -----+--> both share --> ports of their own
//!                                                                      '--> a Pool keeps sessions that end
//! ```
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::owner::Flow;

/// Sessions of control connections that have ended, which a client that shares them may still hold as its
/// newest.
const ENDED: usize = 8;

/// Ports at which a control connection lately had a claim that was not used.
const LEFT: usize = 8;

/// How long a connection may still come for such a claim: as long as a claim lasts.
const LATELY: Duration = Duration::from_secs(60);

/// Who is logged in on a control connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name; the same for all anonymous users.
    pub name: Arc<str>,
    /// Needs no password: different clients may be this user.
    pub anonymous: bool,
}

/// What one control connection has in common with others.
#[derive(Debug)]
pub(crate) struct Sibling {
    address: IpAddr,
    shares: AtomicBool,
    standing: watch::Sender<Standing>,
    left: Mutex<VecDeque<(u16, Instant)>>,
}

/// How far a control connection is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    user: Option<User>,
    ended: bool,
}

impl Standing {
    /// Nobody is logged in yet.
    pub(crate) fn is_open(&self) -> bool {
        self.user.is_none() && !self.ended
    }
}

/// Where control connections are looked for that share their sessions.
type Party = (IpAddr, Arc<str>);

impl Sibling {
    pub(crate) fn new(address: IpAddr) -> Self {
        let standing = watch::Sender::new(Standing::default());
        Self {
            address: address.to_canonical(),
            shares: AtomicBool::new(false),
            standing,
            left: Mutex::default(),
        }
    }

    fn user(&self) -> Option<User> {
        self.standing.borrow().user.clone()
    }

    pub(crate) fn belongs(&self, user: Option<User>) {
        self.standing.send_modify(|standing| standing.user = user);
    }

    /// The control connection is gone.
    pub(crate) fn end(&self) {
        self.standing.send_modify(|standing| standing.ended = true);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.standing.borrow().ended
    }

    /// Where nobody is logged in yet, on a control connection from this address: when somebody is. A client
    /// that shares sessions has this one as its newest, and goes on with its transfers meanwhile.
    pub(crate) fn awaited(&self, address: IpAddr) -> Option<watch::Receiver<Standing>> {
        let open = self.address == address && self.standing.borrow().is_open();
        open.then(|| self.standing.subscribe())
    }

    /// Is it known that its client shares sessions among its control connections?
    pub(crate) fn shares(&self) -> bool {
        self.shares.load(Ordering::Relaxed)
    }

    /// A client has shown on one of two control connections what it was given on the other.
    pub(crate) fn share(&self, other: &Self) {
        if self.address == other.address {
            self.shares.store(true, Ordering::Relaxed);
            other.shares.store(true, Ordering::Relaxed);
        }
    }

    /// Of the same user and the same address.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.address == other.address
            && self.user().is_some_and(|user| {
                other.user().as_ref() == Some(&user) && (!user.anonymous || (self.shares() && other.shares()))
            })
    }

    /// May another's session do for a transfer? Different clients may be anonymous; what one of them stores
    /// is not to be another's.
    pub(crate) fn lends(&self, flow: Flow) -> bool {
        flow == Flow::Sends || self.user().is_some_and(|user| !user.anonymous)
    }

    /// A claim at this port was not used: its connection may still come.
    pub(crate) fn left(&self, port: u16, now: Instant) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|(other, _)| *other != port);
        left.push_front((port, now));
        left.truncate(LEFT);
    }

    /// May a connection that comes to this port be for an earlier claim of ours?
    pub(crate) fn has_left(&self, port: u16, now: Instant) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.iter().any(|(other, when)| *other == port && now < *when + LATELY)
    }

    fn party(&self) -> Option<Party> {
        self.user().map(|user| (self.address, user.name))
    }
}

/// The pools of a process.
#[derive(Debug)]
pub(crate) struct Pools<S>(Mutex<HashMap<Party, Weak<Pool<S>>>>);

/// Keeps the sessions of control connections that have ended, as long as one lives that shares them. No
/// client gains by that: one that knows such a session could have stayed logged in.
#[derive(Debug)]
pub(crate) struct Pool<S>(Mutex<VecDeque<Arc<S>>>);

impl<S> Default for Pools<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S> Pools<S> {
    fn pools(&self) -> MutexGuard<'_, HashMap<Party, Weak<Pool<S>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool of a control connection whose client shares sessions.
    pub(crate) fn of(&self, sibling: &Sibling) -> Option<Arc<Pool<S>>> {
        let party = sibling.shares().then(|| sibling.party()).flatten()?;
        let mut pools = self.pools();
        if let Some(pool) = pools.get(&party).and_then(Weak::upgrade) {
            return Some(pool);
        }
        pools.retain(|_, pool| pool.strong_count() > 0);
        let pool = Arc::new(Pool(Mutex::default()));
        pools.insert(party, Arc::downgrade(&pool));
        Some(pool)
    }
}

impl<S> Pool<S> {
    /// Keeps a session whose control connection has ended.
    pub(crate) fn keep(&self, ended: Arc<S>) {
        let eldest = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(ended);
            if kept.len() > ENDED { kept.pop_front() } else { None }
        };
        // Not under the lock: its end takes others.
        drop(eldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [u8; 4] = [192, 0, 2, 1];

    fn of(address: [u8; 4], name: &str) -> Sibling {
        let sibling = Sibling::new(address.into());
        sibling.belongs(Some(User { name: name.into(), anonymous: name == "anonymous" }));
        sibling
    }

    #[test]
    fn kin_have_one_user_and_one_address() {
        let anna = of(HERE, "anna");
        assert!(anna.is_of(&of(HERE, "anna")));
        assert!(anna.is_of(&{
            let mapped = Sibling::new("::ffff:192.0.2.1".parse().unwrap());
            mapped.belongs(anna.user());
            mapped
        }));
        assert!(!anna.is_of(&of(HERE, "bert")) && !anna.is_of(&of([192, 0, 2, 2], "anna")));
        // Before the login, and behind it.
        let nobody = Sibling::new(HERE.into());
        assert!(!nobody.is_of(&Sibling::new(HERE.into())) && !anna.is_of(&nobody) && !nobody.is_of(&anna));
        let other = of(HERE, "anna");
        other.belongs(None);
        assert!(!anna.is_of(&other));
        // A name that looks the same, with a password and without one.
        let account = Sibling::new(HERE.into());
        account.belongs(Some(User { name: "anonymous".into(), anonymous: false }));
        assert!(!account.is_of(&of(HERE, "anonymous")));
    }

    #[test]
    fn anonymous_users_are_kin_only_where_they_share_sessions_and_only_for_downloads() {
        let (one, other, third) = (of(HERE, "anonymous"), of(HERE, "anonymous"), of(HERE, "anonymous"));
        assert!(!one.is_of(&other));
        one.share(&of([192, 0, 2, 2], "anonymous"));
        assert!(!one.shares(), "a ticket that is shown elsewhere says nothing of this client");
        one.share(&other);
        assert!(one.is_of(&other) && other.is_of(&one) && !one.is_of(&third));
        assert!(one.lends(Flow::Sends) && !one.lends(Flow::Receives));
        let anna = of(HERE, "anna");
        assert!(anna.lends(Flow::Sends) && anna.lends(Flow::Receives));
    }

    #[test]
    fn a_port_that_was_left_is_remembered_for_a_while() {
        let (anna, now) = (of(HERE, "anna"), Instant::now());
        for port in 1..=10 {
            anna.left(port, now);
        }
        assert!(anna.has_left(10, now) && anna.has_left(3, now) && !anna.has_left(2, now));
        assert!(!anna.has_left(10, now + LATELY));
        assert!(anna.left.lock().unwrap().len() <= LEFT);
    }
}
