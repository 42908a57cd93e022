//! How often may a login fail?
//!
//! Failed logins count for one user at one address: a device with an old password locks out itself, and
//! nobody else of its address. The address as a whole is refused when many different users of it have failed,
//! or very many in all.
//!
//! [`LoginLimits`] is what the server asks; [`InMemory`] is the one of a single process, a lock around the
//! pure [`FailedLogins`].
use std::collections::HashMap;
use std::future::ready;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use config::Limits;
use storage::gate::Answer;

/// Decides how often a login may fail. Servers that share one have its limits in common.
pub trait LoginLimits: Send + Sync {
    /// Decides what becomes of this user's next attempt from an address.
    fn allow<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, Decision>;
    /// The login of this user was wrong.
    fn failed<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, ()>;
    /// The password of this user was right.
    fn succeeded<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, ()>;
}

/// What becomes of a login attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Is it decided, and when?
    pub ruling: Ruling,
    /// What is known of the user and of the address; it orders those that wait for a password check.
    pub history: History,
    /// How often this user may still fail at this address. No more attempts than that are answered at the
    /// same moment.
    pub left: u32,
}

/// Is a login attempt decided, and when?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// At once.
    Allow,
    /// If it fails, it is told so after this time.
    Delay(Duration),
    /// It is refused, unless its password is remembered.
    RememberedOnly,
    /// It is refused unseen.
    Refuse,
}

/// What is known of a user at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// The user has logged in from there of late.
    Known,
    /// Nothing.
    New,
    /// A login from there has failed of late.
    Failed,
}

/// The limits of one process, in its memory.
#[derive(Debug)]
pub struct InMemory {
    limits: Limits,
    failed: Mutex<FailedLogins>,
}

impl InMemory {
    /// As the settings say.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, failed: Mutex::default() }
    }

    /// Nothing panics under the lock.
    fn table(&self) -> MutexGuard<'_, FailedLogins> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoginLimits for InMemory {
    fn allow<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, Decision> {
        Box::pin(ready(self.table().decide(address, user, Instant::now(), &self.limits)))
    }

    fn failed<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, ()> {
        self.table().failed(address, user, Instant::now(), &self.limits);
        Box::pin(ready(()))
    }

    fn succeeded<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, ()> {
        self.table().succeeded(address, user, Instant::now(), &self.limits);
        Box::pin(ready(()))
    }
}

/// Where a login comes from: an IPv4 address, or the /64 of an IPv6 address, as a host has all of it to
/// choose from.
pub(crate) fn origin(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
    }
}

/// The failed logins by address and user. Pure: time is an argument.
#[derive(Debug, Default)]
pub struct FailedLogins {
    addresses: HashMap<IpAddr, Address>,
    tries: HashMap<(IpAddr, u64), Tries>,
    /// Names may be of any length, so their hashes stand for them: with a key of its own, so that nobody can
    /// choose names that count as one.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Address {
    failures: Failures,
    /// Different users that have failed since the first of these failures.
    users: u32,
}

/// What one user at one address has tried.
#[derive(Debug, Default)]
struct Tries {
    failures: Failures,
    last: Option<Instant>,
    succeeded: Option<Instant>,
}

/// Failures since the first of them; once that is a window ago they count no more.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    since: Option<Instant>,
}

impl Failures {
    fn within(&self, now: Instant, window: Duration) -> u32 {
        if self.since.is_some_and(|since| now - since < window) { self.count } else { 0 }
    }

    /// True: it is the first of a new window.
    fn add(&mut self, now: Instant, window: Duration) -> bool {
        let first = self.within(now, window) == 0;
        if first {
            (self.count, self.since) = (0, Some(now));
        }
        self.count = self.count.saturating_add(1);
        first
    }
}

impl FailedLogins {
    /// Addresses, and users at them, that are remembered at the most; each costs some 100 bytes. Past it,
    /// those whose time is over are forgotten, then new ones are not remembered.
    const MOST: usize = 100_000;

    /// How long a user who has logged in from an address is known there.
    const KNOWN: Duration = Duration::from_secs(24 * 3600);

    /// How many times the limit a known user may be tried with passwords that turn out not to be the
    /// remembered one.
    const MISSES: u32 = 10;

    /// What becomes of this user's next attempt from an address.
    #[must_use]
    pub fn decide(&self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) -> Decision {
        let (address, window) = (origin(address), limits.failure_window);
        let (failures, users) = match self.addresses.get(&address) {
            Some(of) => match of.failures.within(now, window) {
                0 => (0, 0),
                failures => (failures, of.users),
            },
            None => (0, 0),
        };
        let tries = self.tries.get(&(address, self.hasher.hash_one(user)));
        let own = tries.map_or(0, |tries| tries.failures.within(now, window));
        let known = tries.and_then(|tries| tries.succeeded).is_some_and(|at| now - at < Self::KNOWN);
        let most = limits.failures_before_refusal;
        let whole = users >= most || failures >= limits.failures_of_address;
        let ruling = if own >= most || whole && !known {
            let patient = known && own < most.saturating_mul(Self::MISSES);
            if patient { Ruling::RememberedOnly } else { Ruling::Refuse }
        } else if own.max(users) >= limits.failures_before_delay {
            Ruling::Delay(limits.failure_delay)
        } else {
            Ruling::Allow
        };
        let history = match () {
            () if known => History::Known,
            () if failures > 0 => History::Failed,
            () => History::New,
        };
        Decision { ruling, history, left: most.saturating_sub(own) }
    }

    /// The login of this user was wrong. One that would have been refused counts against the user alone.
    pub fn failed(&mut self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) {
        let ruling = self.decide(address, user, now, limits).ruling;
        let (address, window) = (origin(address), limits.failure_window);
        let Some(tries) = self.tries_of(address, user, now, limits) else { return };
        tries.failures.add(now, window);
        if matches!(ruling, Ruling::RememberedOnly | Ruling::Refuse) {
            return;
        }
        let last = tries.last.replace(now);
        let of = self.addresses.entry(address).or_default();
        let begun = of.failures.since;
        if of.failures.add(now, window) {
            of.users = 1;
        } else if last.is_none_or(|last| begun.is_some_and(|begun| last < begun)) {
            of.users = of.users.saturating_add(1);
        }
    }

    /// The password of this user was right.
    pub fn succeeded(&mut self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) {
        if let Some(tries) = self.tries_of(origin(address), user, now, limits) {
            tries.succeeded = Some(now);
        }
    }

    /// None: there is no room to remember it.
    fn tries_of(
        &mut self,
        address: IpAddr,
        user: &[u8],
        now: Instant,
        limits: &Limits,
    ) -> Option<&mut Tries> {
        let (key, window) = ((address, self.hasher.hash_one(user)), limits.failure_window);
        if self.addresses.len() >= Self::MOST {
            self.addresses.retain(|_, of| of.failures.within(now, window) > 0);
        }
        if self.tries.len() >= Self::MOST {
            let known = |at: Instant| now - at < Self::KNOWN;
            self.tries.retain(|_, t| t.failures.within(now, window) > 0 || t.succeeded.is_some_and(known));
        }
        let (full, room) = (self.addresses.len() >= Self::MOST, self.tries.len() < Self::MOST);
        if full && !self.addresses.contains_key(&address) || !room && !self.tries.contains_key(&key) {
            return None;
        }
        Some(self.tries.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// Fails so often; the ruling after it.
    fn fail(failed: &mut FailedLogins, user: &str, times: u32, now: Instant, limits: &Limits) -> Ruling {
        for _ in 0..times {
            failed.failed(HERE, user.as_bytes(), now, limits);
        }
        failed.decide(HERE, user.as_bytes(), now, limits).ruling
    }

    #[test]
    fn failures_delay_then_refuse_then_lapse() {
        let (mut failed, limits, now) = (FailedLogins::default(), Limits::default(), Instant::now());
        assert_eq!(fail(&mut failed, "ann", 2, now, &limits), Ruling::Allow);
        assert_eq!(fail(&mut failed, "ann", 1, now, &limits), Ruling::Delay(limits.failure_delay));
        assert_eq!(fail(&mut failed, "ann", 46, now, &limits), Ruling::Delay(limits.failure_delay));
        assert_eq!(fail(&mut failed, "ann", 1, now, &limits), Ruling::Refuse);
        let later = now + limits.failure_window;
        assert_eq!(failed.decide(HERE, b"ann", later, &limits).ruling, Ruling::Allow);
    }

    #[test]
    fn a_device_with_an_old_password_locks_out_itself_and_nobody_else() {
        let (mut failed, limits, now) = (FailedLogins::default(), Limits::default(), Instant::now());
        assert_eq!(fail(&mut failed, "cam1", 200, now, &limits), Ruling::Refuse);
        assert_eq!(failed.decide(HERE, b"cam2", now, &limits).ruling, Ruling::Allow);
        let elsewhere = [10, 0, 0, 1].into();
        assert_eq!(failed.decide(elsewhere, b"cam1", now, &limits).ruling, Ruling::Allow);
        // Its failures never reach those of the whole address, as those that are refused are not counted.
        assert!(limits.failures_of_address > 2 * limits.failures_before_refusal);
    }

    #[test]
    fn many_different_users_that_fail_close_the_address_but_to_who_is_known_there() {
        let (mut failed, limits, now) = (FailedLogins::default(), Limits::default(), Instant::now());
        failed.succeeded(HERE, b"ann", now, &limits);
        for n in 0..limits.failures_before_refusal {
            assert_ne!(failed.decide(HERE, b"bob", now, &limits).ruling, Ruling::Refuse, "{n}");
            fail(&mut failed, &n.to_string(), 1, now, &limits);
            // The same user again is no other one.
            fail(&mut failed, &n.to_string(), 1, now, &limits);
        }
        assert_eq!(failed.decide(HERE, b"bob", now, &limits).ruling, Ruling::Refuse);
        assert_eq!(failed.decide(HERE, b"7", now, &limits).ruling, Ruling::Refuse);
        assert_eq!(failed.decide(HERE, b"ann", now, &limits).ruling, Ruling::Delay(limits.failure_delay));
        let later = now + limits.failure_window;
        assert_eq!(failed.decide(HERE, b"bob", later, &limits).ruling, Ruling::Allow);
        // In a new window they are counted from one again, also those that are remembered from the last one.
        for n in 0..limits.failures_before_refusal - 1 {
            fail(&mut failed, &n.to_string(), 1, later, &limits);
        }
        assert_ne!(failed.decide(HERE, b"bob", later, &limits).ruling, Ruling::Refuse);
        fail(&mut failed, "one more", 1, later, &limits);
        assert_eq!(failed.decide(HERE, b"bob", later, &limits).ruling, Ruling::Refuse);
    }

    #[test]
    fn very_many_failures_of_few_users_close_the_address_too() {
        let (mut failed, now) = (FailedLogins::default(), Instant::now());
        let limits = Limits { failures_of_address: 100, ..Limits::default() };
        fail(&mut failed, "ann", 49, now, &limits);
        fail(&mut failed, "bob", 49, now, &limits);
        assert_eq!(failed.decide(HERE, b"zoe", now, &limits).ruling, Ruling::Allow);
        fail(&mut failed, "carl", 2, now, &limits);
        assert_eq!(failed.decide(HERE, b"zoe", now, &limits).ruling, Ruling::Refuse);
    }

    /// Somebody behind her address guesses at her password, while she has logged in there before: hers is
    /// still looked for among the remembered ones, and guessing that way has an end too.
    #[test]
    fn who_is_known_may_come_with_a_remembered_password_for_a_while() {
        let (mut failed, limits, now) = (FailedLogins::default(), Limits::default(), Instant::now());
        failed.succeeded(HERE, b"ann", now, &limits);
        assert_eq!(fail(&mut failed, "ann", 50, now, &limits), Ruling::RememberedOnly);
        for _ in 50..500 {
            assert_eq!(failed.decide(HERE, b"ann", now, &limits).ruling, Ruling::RememberedOnly);
            failed.failed(HERE, b"ann", now, &limits);
        }
        assert_eq!(failed.decide(HERE, b"ann", now, &limits).ruling, Ruling::Refuse);
        assert_eq!(
            failed.decide(HERE, b"bob", now, &limits).ruling,
            Ruling::Allow,
            "these count for nobody else"
        );
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let (mut failed, now) = (FailedLogins::default(), Instant::now());
        let limits = Limits { failures_before_refusal: 1, ..Limits::default() };
        failed.failed("2001:db8::1".parse().unwrap(), b"ann", now, &limits);
        let neighbour = "2001:db8::2".parse().unwrap();
        assert_eq!(failed.decide(neighbour, b"ann", now, &limits).ruling, Ruling::Refuse);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (mut failed, limits, now) = (FailedLogins::default(), Limits::default(), Instant::now());
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..FailedLogins::MOST as u32 + 10 {
            failed.failed(address(n), b"ann", now, &limits);
        }
        assert_eq!((failed.addresses.len(), failed.tries.len()), (FailedLogins::MOST, FailedLogins::MOST));
        failed.failed(HERE, b"ann", now + limits.failure_window, &limits);
        assert_eq!((failed.addresses.len(), failed.tries.len()), (1, 1));
    }
}
