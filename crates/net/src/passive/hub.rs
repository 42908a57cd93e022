//! How does a session learn what became of its claim?
//!
//! The claims table decides; a *seat* per claim carries the decision to the one task that waits for it. One short
//! lock guards both. Nothing is awaited under it, and no other task is woken.
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::claims::{Answer, Claims, Grant, Lapsed, Outcome, Owner, Wish};
use crate::Data;

/// Connections that wait in a claim that is kept open: one is the client's, the others are strangers' who share its address.
const MOST_KEPT: usize = 8;

/// At most one line of log about strangers in this time; the line tells how many there were since the last.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(1);

/// What is known of a claim. Left in the seat until its task looks.
#[derive(Debug)]
pub(super) enum News {
    /// It waits for a port.
    Queued,
    /// It has this port and waits for its connection.
    Port(u16),
    /// Its connection is there.
    Arrived(Data),
    /// So was another from the same address: neither can be trusted.
    Contested,
    /// Its time has passed.
    Expired,
}

#[derive(Debug)]
struct Seat {
    news: News,
    waker: Option<Waker>,
    /// Connections for a claim that is kept open.
    more: VecDeque<Data>,
}

#[derive(Debug)]
struct State {
    claims: Claims,
    seats: HashMap<Owner, Seat>,
    /// The claims that are kept open, by their places.
    kept: HashMap<(IpAddr, u16), Owner>,
    next_owner: u64,
    strangers: u64,
    strangers_told: u64,
    quiet_until: Option<Instant>,
}

/// The meeting point of sessions and acceptors.
#[derive(Debug)]
pub(super) struct Hub {
    state: Mutex<State>,
    // A keyed hash of a counter: unpredictable from outside, and no system call for each claim.
    random: RandomState,
}

impl Hub {
    pub(super) fn new(groups: Vec<Vec<u16>>) -> Self {
        let state = State {
            claims: Claims::new(groups),
            seats: HashMap::new(),
            kept: HashMap::new(),
            next_owner: 0,
            strangers: 0,
            strangers_told: 0,
            quiet_until: None,
        };
        Self { state: Mutex::new(state), random: RandomState::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics half-way through a change; if it ever did, serving on is better than
        // ending every session.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections of wrong peers so far.
    pub(super) fn strangers(&self) -> u64 {
        self.lock().strangers
    }

    /// A new claim and its port, if there is one already.
    pub(super) fn claim(&self, peer: IpAddr, group: usize, until: Instant) -> (Owner, Option<u16>) {
        let now = Instant::now();
        let mut woken = Vec::new();
        let mut state = self.lock();
        let owner = Owner(state.next_owner);
        state.next_owner += 1;
        let wish = Wish { owner, peer, group, until };
        let mut throw = 0u8;
        let answer = state.claims.claim(wish, |below| {
            throw = throw.wrapping_add(1);
            self.random.hash_one((owner.0, throw)) as usize % below.max(1)
        });
        let port = match answer {
            Answer::Port(port) => Some(port),
            Answer::Queued => None,
        };
        state.seats.insert(
            owner,
            Seat { news: port.map_or(News::Queued, News::Port), waker: None, more: VecDeque::new() },
        );
        if port.is_none() {
            // A forgotten claim of the same peer may have lapsed unseen.
            let lapsed = state.claims.expire(peer, now);
            state.tell_lapsed(lapsed, &mut woken);
        }
        let port = port.or_else(|| match state.seats.get(&owner).map(|seat| &seat.news) {
            Some(News::Port(port)) => Some(*port),
            _ => None,
        });
        drop(state);
        wake(woken);
        (owner, port)
    }

    /// A connection has come in.
    pub(super) fn deliver(&self, port: u16, data: Data) {
        let peer = data.peer();
        let mut woken = Vec::new();
        let mut state = self.lock();
        // What is to be closed is closed after the lock is free.
        let mut closing = Vec::new();
        let data = match state.keep(port, data, &mut woken) {
            Kept::Yes => {
                drop(state);
                return wake(woken);
            }
            Kept::Full(data) => {
                drop(state);
                return data.decline();
            }
            Kept::No(data) => data,
        };
        let mut strangers = None;
        match state.claims.arrive(peer.ip(), port, Instant::now()) {
            Outcome::Handed(owner, grant) => {
                closing.extend(state.tell(owner, News::Arrived(data), &mut woken));
                state.tell_grant(grant, &mut woken);
            }
            // The session logs it: it is told, and knows its user.
            Outcome::Contested(owners) => {
                closing.push(data);
                for owner in owners {
                    closing.extend(state.tell(owner, News::Contested, &mut woken));
                }
            }
            Outcome::Stranger => {
                closing.push(data);
                strangers = state.note_stranger();
            }
        }
        drop(state);
        if let Some(count) = strangers {
            tracing::warn!(peer = %peer.ip(), port, count, "a data connection that nobody waits for was closed");
        }
        wake(woken);
        closing.into_iter().for_each(Data::decline);
    }

    /// What is known of a claim. A final word (anything but `Queued` and `Port`) is given once and ends the claim;
    /// after it, and for a claim that is unknown, it is `Expired`. When there is no final word, the waker is kept.
    pub(super) fn look(&self, owner: Owner, waker: Option<&Waker>) -> News {
        let mut state = self.lock();
        let Some(seat) = state.seats.get_mut(&owner) else { return News::Expired };
        match seat.news {
            News::Queued | News::Port(_) => {
                if let Some(waker) = waker {
                    match &mut seat.waker {
                        Some(kept) => kept.clone_from(waker),
                        none => *none = Some(waker.clone()),
                    }
                }
                if let News::Port(port) = seat.news { News::Port(port) } else { News::Queued }
            }
            News::Arrived(_) | News::Contested | News::Expired => {
                state.claims.take(owner);
                state.seats.remove(&owner).map_or(News::Expired, |seat| seat.news)
            }
        }
    }

    /// Keeps a claim open: it takes every connection of its peer's at its place, until it is released.
    pub(super) fn keep_open(&self, owner: Owner, place: (IpAddr, u16)) {
        self.lock().kept.insert(place, owner);
    }

    /// The next connection of a claim that is kept open. When there is none, the waker is kept.
    pub(super) fn next(&self, owner: Owner, waker: &Waker) -> Option<Data> {
        let mut state = self.lock();
        let seat = state.seats.get_mut(&owner)?;
        if let Some(data) = seat.more.pop_front() {
            return Some(data);
        }
        seat.waker = Some(waker.clone());
        // One that came before the claim was kept open.
        if !matches!(seat.news, News::Arrived(_)) {
            return None;
        }
        match std::mem::replace(&mut seat.news, News::Expired) {
            News::Arrived(data) => Some(data),
            _ => None,
        }
    }

    /// Ends the claims of a peer whose time has passed, and says when the next one does.
    pub(super) fn expire(&self, peer: IpAddr) -> Option<Instant> {
        let mut woken = Vec::new();
        let mut state = self.lock();
        let lapsed = state.claims.expire(peer, Instant::now());
        state.tell_lapsed(lapsed, &mut woken);
        let next = state.claims.next_expiry(peer);
        drop(state);
        wake(woken);
        next
    }

    /// The owner is gone.
    pub(super) fn release(&self, owner: Owner, place: (IpAddr, u16)) {
        let mut woken = Vec::new();
        let mut state = self.lock();
        if state.kept.get(&place) == Some(&owner) {
            state.kept.remove(&place);
        }
        let grant = state.claims.release(owner);
        state.tell_grant(grant, &mut woken);
        let seat = state.seats.remove(&owner);
        drop(state);
        wake(woken);
        if let Some(Seat { news, more, .. }) = seat {
            more.into_iter().for_each(Data::decline);
            if let News::Arrived(data) = news {
                data.decline();
            }
        }
    }
}

/// What became of a connection, as far as claims that are kept open are concerned.
enum Kept {
    Yes,
    /// As many wait as may.
    Full(Data),
    /// There is none at its place.
    No(Data),
}

impl State {
    fn keep(&mut self, port: u16, data: Data, woken: &mut Vec<Waker>) -> Kept {
        let owner = self.kept.get(&(data.peer().ip(), port));
        let Some(seat) = owner.and_then(|owner| self.seats.get_mut(owner)) else { return Kept::No(data) };
        if seat.more.len() >= MOST_KEPT {
            return Kept::Full(data);
        }
        seat.more.push_back(data);
        woken.extend(seat.waker.take());
        Kept::Yes
    }

    /// Puts news into a seat; a connection that lay there before comes back, to be closed.
    fn tell(&mut self, owner: Owner, news: News, woken: &mut Vec<Waker>) -> Option<Data> {
        let Some(seat) = self.seats.get_mut(&owner) else {
            // A claim in the table has a seat: both are made and removed under the same lock.
            return if let News::Arrived(data) = news { Some(data) } else { None };
        };
        woken.extend(seat.waker.take());
        match std::mem::replace(&mut seat.news, news) {
            News::Arrived(data) => Some(data),
            _ => None,
        }
    }

    fn tell_grant(&mut self, grant: Option<Grant>, woken: &mut Vec<Waker>) {
        if let Some(Grant { owner, port }) = grant {
            // A queued seat holds no connection.
            let _ = self.tell(owner, News::Port(port), woken);
        }
    }

    fn tell_lapsed(&mut self, lapsed: Lapsed, woken: &mut Vec<Waker>) {
        for owner in lapsed.expired {
            // Only claims without a connection lapse.
            let _ = self.tell(owner, News::Expired, woken);
        }
        for grant in lapsed.granted {
            self.tell_grant(Some(grant), woken);
        }
    }

    /// Counts a stranger; the number since the last time when it is time to tell the log again.
    fn note_stranger(&mut self) -> Option<u64> {
        self.strangers += 1;
        let now = Instant::now();
        if self.quiet_until.is_some_and(|until| now < until) {
            return None;
        }
        let count = self.strangers - self.strangers_told;
        self.strangers_told = self.strangers;
        self.quiet_until = Some(now + BETWEEN_WARNINGS);
        Some(count)
    }
}

fn wake(woken: Vec<Waker>) {
    woken.into_iter().for_each(Waker::wake);
}
