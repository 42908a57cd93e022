//! How many sessions are there, and how often has somebody failed to log in? Pure: time is an argument.
//!
//! Failed logins count for one user at one address: a device with an old password locks out itself, and nobody else of its
//! address. The address as a whole is refused when many different users of it have failed, or very many in all.
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::reason::Reason;
use crate::settings::Limits;

/// The count of sessions and of failed logins, by address.
#[derive(Debug, Default)]
pub struct Addresses {
    sessions: usize,
    of: HashMap<Who, Count>,
    tries: HashMap<(Who, User), Tries>,
    /// With a key of its own, so that nobody can choose names that count as one.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Count {
    sessions: usize,
    handshakes: usize,
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

/// Where a login comes from: an IPv4 address, or the /64 of an IPv6 address, as a host has all of it to choose from.
pub(crate) type Who = IpAddr;

/// Stands for a user's name as sent, which may be of any length.
pub(crate) type User = u64;

pub(crate) fn who(address: IpAddr) -> Who {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
    }
}

/// What becomes of a login attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is decided at once.
    Fine,
    /// It is decided, and the answer held back so long.
    Delayed(Duration),
    /// It is refused, unless its password is remembered: then the user is let in. [`Addresses::missed`] counts one that is
    /// not.
    OnlyRemembered,
    /// It is refused unseen.
    Refused,
}

impl Addresses {
    /// Addresses, and users at them, that are remembered at the most; each costs some 100 bytes. Past it, those whose time
    /// is over are forgotten, then new ones are not remembered.
    const MOST: usize = 100_000;

    /// How long a user who has logged in from an address is known there.
    const KNOWN: Duration = Duration::from_secs(24 * 3600);

    /// How many times the limit a known user may be tried with passwords that turn out not to be the remembered one.
    const MISSES: u32 = 10;

    /// A session begins; [`Addresses::leave`] must follow its end.
    pub fn enter(&mut self, address: IpAddr, limits: &Limits) -> Result<(), Reason> {
        if self.sessions >= limits.sessions {
            return Err(Reason::SiteFull);
        }
        let count = self.of.entry(who(address)).or_default();
        if count.sessions >= limits.sessions_per_address {
            return Err(Reason::AddressFull);
        }
        count.sessions += 1;
        self.sessions += 1;
        Ok(())
    }

    /// A session begins a TLS handshake; [`Addresses::shaken`] must follow its end.
    pub fn shakes(&mut self, address: IpAddr, limits: &Limits) -> Result<(), Reason> {
        let count = self.of.entry(who(address)).or_default();
        if count.handshakes >= limits.handshakes_per_address {
            return Err(Reason::TooManyHandshakes);
        }
        count.handshakes += 1;
        Ok(())
    }

    /// A handshake has ended, one way or the other.
    pub fn shaken(&mut self, address: IpAddr) {
        if let Some(count) = self.of.get_mut(&who(address)) {
            count.handshakes = count.handshakes.saturating_sub(1);
        }
    }

    /// A session has ended.
    pub fn leave(&mut self, address: IpAddr) {
        let key = who(address);
        if let Some(count) = self.of.get_mut(&key) {
            count.sessions = count.sessions.saturating_sub(1);
            self.sessions = self.sessions.saturating_sub(1);
            if count.sessions == 0 && count.failures.count == 0 {
                self.of.remove(&key);
            }
        }
    }

    /// Sessions now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// What a user's name counts as.
    pub(crate) fn user(&self, name: &[u8]) -> User {
        self.hasher.hash_one(name)
    }

    /// The login of this user was wrong.
    pub fn failed(&mut self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) {
        let (who, window) = (who(address), limits.failure_window);
        let Some(tries) = self.tries_of(who, user, now, limits) else { return };
        let last = tries.last.replace(now);
        tries.failures.add(now, window);
        let count = self.of.entry(who).or_default();
        let begun = count.failures.since;
        if count.failures.add(now, window) {
            count.users = 1;
        } else if last.is_none_or(|last| begun.is_some_and(|begun| last < begun)) {
            count.users = count.users.saturating_add(1);
        }
    }

    /// A login that is refused unless its password is remembered had another one.
    pub fn missed(&mut self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) {
        if let Some(tries) = self.tries_of(who(address), user, now, limits) {
            tries.failures.add(now, limits.failure_window);
        }
    }

    /// The password of this user was verified.
    pub fn succeeded(&mut self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) {
        if let Some(tries) = self.tries_of(who(address), user, now, limits) {
            tries.succeeded = Some(now);
        }
    }

    /// None: there is no room to remember it.
    fn tries_of(&mut self, who: Who, user: &[u8], now: Instant, limits: &Limits) -> Option<&mut Tries> {
        let (key, window) = ((who, self.user(user)), limits.failure_window);
        if self.of.len() >= Self::MOST {
            self.of.retain(|_, count| count.sessions > 0 || count.failures.within(now, window) > 0);
        }
        if self.tries.len() >= Self::MOST {
            let known = |at: Instant| now - at < Self::KNOWN;
            self.tries.retain(|_, t| t.failures.within(now, window) > 0 || t.succeeded.is_some_and(known));
        }
        let (full, room) = (self.of.len() >= Self::MOST, self.tries.len() < Self::MOST);
        if full && !self.of.contains_key(&who) || !room && !self.tries.contains_key(&key) {
            return None;
        }
        Some(self.tries.entry(key).or_default())
    }

    /// Failed logins of this user at this address that count now.
    #[must_use]
    pub fn failures(&self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) -> u32 {
        let tries = self.tries.get(&(who(address), self.user(user)));
        tries.map_or(0, |tries| tries.failures.within(now, limits.failure_window))
    }

    /// Has any login from this address failed of late?
    #[must_use]
    pub fn has_failed(&self, address: IpAddr, now: Instant, limits: &Limits) -> bool {
        let count = self.of.get(&who(address));
        count.is_some_and(|count| count.failures.within(now, limits.failure_window) > 0)
    }

    /// Has this user logged in from this address within a day?
    #[must_use]
    pub fn is_known(&self, address: IpAddr, user: &[u8], now: Instant) -> bool {
        let tries = self.tries.get(&(who(address), self.user(user)));
        tries.and_then(|tries| tries.succeeded).is_some_and(|at| now - at < Self::KNOWN)
    }

    /// What becomes of this user's next attempt from an address.
    #[must_use]
    pub fn verdict(&self, address: IpAddr, user: &[u8], now: Instant, limits: &Limits) -> Verdict {
        let (who, window) = (who(address), limits.failure_window);
        let (failures, users) = match self.of.get(&who) {
            Some(count) => match count.failures.within(now, window) {
                0 => (0, 0),
                failures => (failures, count.users),
            },
            None => (0, 0),
        };
        let tries = self.tries.get(&(who, self.user(user)));
        let own = tries.map_or(0, |tries| tries.failures.within(now, window));
        let known = self.is_known(address, user, now);
        let most = limits.failures_before_refusal;
        let whole = users >= most || failures >= limits.failures_of_address;
        if own >= most || whole && !known {
            let patient = known && own < most.saturating_mul(Self::MISSES);
            if patient { Verdict::OnlyRemembered } else { Verdict::Refused }
        } else if own.max(users) >= limits.failures_before_delay {
            Verdict::Delayed(limits.failure_delay)
        } else {
            Verdict::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn handshakes_of_one_address_take_turns() {
        let (mut addresses, limits) =
            (Addresses::default(), Limits { handshakes_per_address: 2, ..Limits::default() });
        addresses.enter(HERE, &limits).unwrap();
        assert!(addresses.shakes(HERE, &limits).is_ok() && addresses.shakes(HERE, &limits).is_ok());
        assert_eq!(addresses.shakes(HERE, &limits), Err(Reason::TooManyHandshakes));
        assert!(addresses.shakes([10, 0, 0, 1].into(), &limits).is_ok());
        addresses.shaken(HERE);
        assert!(addresses.shakes(HERE, &limits).is_ok());
    }

    #[test]
    fn fifty_people_with_eight_connections_behind_one_address_are_let_in() {
        let (mut addresses, limits) = (Addresses::default(), Limits::default());
        assert!((0..400).all(|_| addresses.enter(HERE, &limits).is_ok()));
        let tight = Limits { sessions_per_address: 400, ..limits };
        assert_eq!(addresses.enter(HERE, &tight), Err(Reason::AddressFull));
        addresses.leave(HERE);
        assert_eq!(addresses.enter(HERE, &tight), Ok(()));
        assert_eq!(
            addresses.enter([10, 0, 0, 1].into(), &Limits { sessions: 400, ..tight }),
            Err(Reason::SiteFull)
        );
    }

    /// Fails so often; the verdict after it.
    fn fail(addresses: &mut Addresses, user: &str, times: u32, now: Instant, limits: &Limits) -> Verdict {
        for _ in 0..times {
            addresses.failed(HERE, user.as_bytes(), now, limits);
        }
        addresses.verdict(HERE, user.as_bytes(), now, limits)
    }

    #[test]
    fn failures_delay_then_refuse_then_lapse() {
        let (mut addresses, limits, now) = (Addresses::default(), Limits::default(), Instant::now());
        assert_eq!(fail(&mut addresses, "ann", 2, now, &limits), Verdict::Fine);
        assert_eq!(fail(&mut addresses, "ann", 1, now, &limits), Verdict::Delayed(limits.failure_delay));
        assert_eq!(fail(&mut addresses, "ann", 46, now, &limits), Verdict::Delayed(limits.failure_delay));
        assert_eq!(fail(&mut addresses, "ann", 1, now, &limits), Verdict::Refused);
        let later = now + limits.failure_window;
        assert_eq!(addresses.verdict(HERE, b"ann", later, &limits), Verdict::Fine);
    }

    #[test]
    fn a_device_with_an_old_password_locks_out_itself_and_nobody_else() {
        let (mut addresses, limits, now) = (Addresses::default(), Limits::default(), Instant::now());
        assert_eq!(fail(&mut addresses, "cam1", 200, now, &limits), Verdict::Refused);
        assert_eq!(addresses.verdict(HERE, b"cam2", now, &limits), Verdict::Fine);
        let elsewhere = [10, 0, 0, 1].into();
        assert_eq!(addresses.verdict(elsewhere, b"cam1", now, &limits), Verdict::Fine);
        // Its failures never reach those of the whole address, as those that are refused are not counted.
        assert!(limits.failures_of_address > 2 * limits.failures_before_refusal);
    }

    #[test]
    fn many_different_users_that_fail_close_the_address_but_to_who_is_known_there() {
        let (mut addresses, limits, now) = (Addresses::default(), Limits::default(), Instant::now());
        addresses.succeeded(HERE, b"ann", now, &limits);
        for n in 0..limits.failures_before_refusal {
            assert_ne!(addresses.verdict(HERE, b"bob", now, &limits), Verdict::Refused, "{n}");
            fail(&mut addresses, &n.to_string(), 1, now, &limits);
            // The same user again is no other one.
            fail(&mut addresses, &n.to_string(), 1, now, &limits);
        }
        assert_eq!(addresses.verdict(HERE, b"bob", now, &limits), Verdict::Refused);
        assert_eq!(addresses.verdict(HERE, b"7", now, &limits), Verdict::Refused);
        assert_eq!(addresses.verdict(HERE, b"ann", now, &limits), Verdict::Delayed(limits.failure_delay));
        let later = now + limits.failure_window;
        assert_eq!(addresses.verdict(HERE, b"bob", later, &limits), Verdict::Fine);
        // In a new window they are counted from one again, also those that are remembered from the last one.
        for n in 0..limits.failures_before_refusal - 1 {
            fail(&mut addresses, &n.to_string(), 1, later, &limits);
        }
        assert_ne!(addresses.verdict(HERE, b"bob", later, &limits), Verdict::Refused);
        fail(&mut addresses, "one more", 1, later, &limits);
        assert_eq!(addresses.verdict(HERE, b"bob", later, &limits), Verdict::Refused);
    }

    #[test]
    fn very_many_failures_of_few_users_close_the_address_too() {
        let (mut addresses, now) = (Addresses::default(), Instant::now());
        let limits = Limits { failures_of_address: 100, ..Limits::default() };
        fail(&mut addresses, "ann", 49, now, &limits);
        fail(&mut addresses, "bob", 49, now, &limits);
        assert_eq!(addresses.verdict(HERE, b"zoe", now, &limits), Verdict::Fine);
        fail(&mut addresses, "carl", 2, now, &limits);
        assert_eq!(addresses.verdict(HERE, b"zoe", now, &limits), Verdict::Refused);
    }

    /// Somebody behind her address guesses at her password, while she has logged in there before: hers is still looked for
    /// among the remembered ones, and guessing that way has an end too.
    #[test]
    fn who_is_known_may_come_with_a_remembered_password_for_a_while() {
        let (mut addresses, limits, now) = (Addresses::default(), Limits::default(), Instant::now());
        addresses.succeeded(HERE, b"ann", now, &limits);
        assert_eq!(fail(&mut addresses, "ann", 50, now, &limits), Verdict::OnlyRemembered);
        for _ in 50..500 {
            assert_eq!(addresses.verdict(HERE, b"ann", now, &limits), Verdict::OnlyRemembered);
            addresses.missed(HERE, b"ann", now, &limits);
        }
        assert_eq!(addresses.verdict(HERE, b"ann", now, &limits), Verdict::Refused);
        assert_eq!(
            addresses.verdict(HERE, b"bob", now, &limits),
            Verdict::Fine,
            "these count for nobody else"
        );
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let (mut addresses, now) = (Addresses::default(), Instant::now());
        let limits = Limits { failures_before_refusal: 1, ..Limits::default() };
        addresses.failed("2001:db8::1".parse().unwrap(), b"ann", now, &limits);
        let neighbour = "2001:db8::2".parse().unwrap();
        assert_eq!(addresses.verdict(neighbour, b"ann", now, &limits), Verdict::Refused);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (mut addresses, limits, now) = (Addresses::default(), Limits::default(), Instant::now());
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..Addresses::MOST as u32 + 10 {
            addresses.failed(address(n), b"ann", now, &limits);
        }
        assert_eq!((addresses.of.len(), addresses.tries.len()), (Addresses::MOST, Addresses::MOST));
        addresses.failed(HERE, b"ann", now + limits.failure_window, &limits);
        assert_eq!((addresses.of.len(), addresses.tries.len()), (1, 1));
    }
}
