//! How many sessions are there, and how often has an address failed to log in? Pure: time is an argument.
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::reason::Reason;
use crate::settings::Limits;

/// The count of sessions and of failed logins, by address.
#[derive(Debug, Default)]
pub struct Addresses {
    sessions: usize,
    of: HashMap<Who, Count>,
}

#[derive(Debug, Default)]
struct Count {
    sessions: usize,
    handshakes: usize,
    failures: u32,
    last_failure: Option<Instant>,
}

/// Whose login is it? An IPv4 address, or the /64 of an IPv6 address: a host has all of it to choose from.
type Who = IpAddr;

fn who(address: IpAddr) -> Who {
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
    /// It is refused unseen.
    Refused,
}

impl Addresses {
    /// Addresses that failures are remembered of at the most; each costs some 80 bytes. Past it, the failures that
    /// have lapsed are forgotten, then new addresses are not remembered.
    const MOST: usize = 100_000;

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
            if count.sessions == 0 && count.failures == 0 {
                self.of.remove(&key);
            }
        }
    }

    /// Sessions now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// A login was wrong.
    pub fn failed(&mut self, address: IpAddr, now: Instant, limits: &Limits) {
        if self.of.len() >= Self::MOST {
            let window = limits.failure_window;
            self.of.retain(|_, c| c.sessions > 0 || c.last_failure.is_some_and(|at| now - at < window));
        }
        let known = self.of.len();
        let lapsed = |at: Instant| now - at >= limits.failure_window;
        if known >= Self::MOST && !self.of.contains_key(&who(address)) {
            return;
        }
        let count = self.of.entry(who(address)).or_default();
        if count.last_failure.is_some_and(lapsed) {
            count.failures = 0;
        }
        count.failures = count.failures.saturating_add(1);
        count.last_failure = Some(now);
    }

    /// What becomes of the next attempt from an address.
    #[must_use]
    pub fn verdict(&self, address: IpAddr, now: Instant, limits: &Limits) -> Verdict {
        let Some(count) = self.of.get(&who(address)) else { return Verdict::Fine };
        match count.last_failure {
            Some(at) if now - at < limits.failure_window => {
                if count.failures >= limits.failures_before_refusal {
                    Verdict::Refused
                } else if count.failures >= limits.failures_before_delay {
                    Verdict::Delayed(limits.failure_delay)
                } else {
                    Verdict::Fine
                }
            }
            _ => Verdict::Fine,
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

    #[test]
    fn failures_delay_then_refuse_then_lapse() {
        let (mut addresses, limits, now) = (Addresses::default(), Limits::default(), Instant::now());
        let verdicts: Vec<_> = (0..limits.failures_before_refusal)
            .map(|_| {
                let verdict = addresses.verdict(HERE, now, &limits);
                addresses.failed(HERE, now, &limits);
                verdict
            })
            .collect();
        assert_eq!(verdicts[2], Verdict::Fine);
        assert_eq!(verdicts[3], Verdict::Delayed(limits.failure_delay));
        assert_eq!(addresses.verdict(HERE, now, &limits), Verdict::Refused);
        assert_eq!(addresses.verdict(HERE, now + limits.failure_window, &limits), Verdict::Fine);
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let (mut addresses, now) = (Addresses::default(), Instant::now());
        let limits = Limits { failures_before_refusal: 1, ..Limits::default() };
        addresses.failed("2001:db8::1".parse().unwrap(), now, &limits);
        assert_eq!(addresses.verdict("2001:db8::2".parse().unwrap(), now, &limits), Verdict::Refused);
    }
}
