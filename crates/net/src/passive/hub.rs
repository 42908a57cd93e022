//! How does a session learn what became of its claim?
//!
//! The claims table decides; a *mailbox* per claim carries the decision to the one task that waits for it.
//! One short lock guards both. Nothing is awaited under it, and no other task is woken.
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::time::Instant;

use super::claims::{Answer, ClaimId, Claims, Grant, Kind, Lapsed, Outcome, Wish};
use super::demand::{Refused, Terms};
use super::readings::Readings;
use super::refusals::{Cause, Line, Refusals, Tally};
use crate::data::{Data, Hello};

mod hellos;

use hellos::keep;
pub(super) use hellos::{ArrivalEvent, HelloEvent};

/// What is known of a claim. Left in the mailbox until its task looks.
#[derive(Debug)]
pub(super) enum News {
    /// It waits for a port.
    Queued,
    /// It has this port and waits for its connection.
    Port(u16),
    /// Its connection is there.
    Arrived(Data),
    /// So was another from the same address: neither can be trusted.
    Ambiguous,
    /// Its time has passed.
    Expired,
    /// It was not used, and others waited.
    Yielded,
}

#[derive(Debug)]
struct Mailbox {
    news: News,
    waker: Option<Waker>,
    inbox: Option<Box<Inbox>>,
}

/// What has come for a protected claim.
#[derive(Debug)]
struct Inbox {
    terms: Terms,
    hellos: VecDeque<Box<Hello>>,
    /// What was turned away and may have been the client's own: the last of it that was not reported yet.
    refused: Option<Refused>,
    awaits: Awaits,
    /// Its client has had a reply that nothing comes of it.
    dismissed: bool,
}

/// What the task of a protected claim is to be woken for, beside a hello and a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// A connection at its place, even a silent one.
    Arrival,
    Nothing,
    /// That no connection at its place is silent any more.
    Silence,
}

#[derive(Debug)]
struct State {
    claims: Claims,
    mailboxes: HashMap<ClaimId, Mailbox>,
    readings: Readings,
    next_owner: u64,
    tally: Tally,
    /// To be woken when the lock is free.
    woken: Vec<Waker>,
}

/// The meeting point of sessions and acceptors.
#[derive(Debug)]
pub(super) struct Hub {
    state: Mutex<State>,
    // A keyed hash of a counter: unpredictable from outside, and no system call for each claim.
    random: RandomState,
    /// Connections may wait in the kernel for claims that are gone: there were no descriptors to accept them
    /// with.
    left_waiting: AtomicBool,
}

/// Which address a claim is for, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) peer: IpAddr,
    pub(super) group: usize,
    pub(super) until: Instant,
}

impl Hub {
    pub(super) fn new(groups: Vec<Vec<u16>>, protected: bool) -> Self {
        let state = State {
            claims: Claims::new(groups, protected),
            mailboxes: HashMap::new(),
            readings: Readings::default(),
            next_owner: 0,
            tally: Tally::default(),
            woken: Vec::new(),
        };
        Self { state: Mutex::new(state), random: RandomState::new(), left_waiting: AtomicBool::new(false) }
    }

    /// A connection could not be accepted for want of descriptors.
    pub(super) fn leave_waiting(&self) {
        self.left_waiting.store(true, Ordering::Relaxed);
    }

    /// Whether that was so since it was last asked.
    pub(super) fn has_left_waiting(&self) -> bool {
        self.left_waiting.load(Ordering::Relaxed) && self.left_waiting.swap(false, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics half-way through a change; if it ever did, serving on is better than
        // ending every session.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of what was turned away.
    pub(super) fn refusals(&self) -> Refusals {
        self.lock().tally.counts().clone()
    }

    /// A new claim and its port, if there is one already. Without a demand it is an unencrypted one.
    pub(super) fn claim(&self, wanted: Wanted, terms: Option<Terms>) -> (ClaimId, Option<u16>) {
        let Wanted { peer, group, until } = wanted;
        let now = Instant::now();
        let mut state = self.lock();
        let id = ClaimId(state.next_owner);
        state.next_owner += 1;
        let kind = terms.as_ref().map_or(Kind::Clear, Terms::kind);
        let wish = Wish { id, peer, group, kind, until };
        let mut tries = 0u8;
        let answer = state.claims.claim(wish, |below| {
            tries = tries.wrapping_add(1);
            self.random.hash_one((id.0, tries)) as usize % below.max(1)
        });
        let port = match answer {
            Answer::Port(port) => Some(port),
            Answer::Queued => None,
        };
        let inbox = terms.map(|terms| {
            Box::new(Inbox {
                terms,
                hellos: VecDeque::new(),
                refused: None,
                awaits: Awaits::Nothing,
                dismissed: false,
            })
        });
        let mailbox = Mailbox { news: port.map_or(News::Queued, News::Port), waker: None, inbox };
        state.mailboxes.insert(id, mailbox);
        if port.is_none() {
            // A forgotten claim of the same peer may have lapsed unseen.
            let lapsed = state.claims.expire(peer, now);
            state.post_lapsed(lapsed);
        }
        let port = port.or_else(|| match state.mailboxes.get(&id).map(|mailbox| &mailbox.news) {
            Some(News::Port(port)) => Some(*port),
            _ => None,
        });
        unlock(state);
        (id, port)
    }

    /// A connection has come in.
    pub(super) fn deliver(self: &Arc<Self>, port: u16, data: Data) {
        let peer = data.peer();
        let now = Instant::now();
        let mut state = self.lock();
        // What is to be closed is closed after the lock is free.
        let mut closing = Vec::new();
        let mut line = None;
        match state.claims.arrive(peer.ip(), port, now) {
            Outcome::Handed(id, grants) => {
                closing.extend(state.post(id, News::Arrived(data)));
                state.post_grants(grants);
            }
            Outcome::Protected(stamp) => {
                let listened = state.listen((peer.ip(), port), stamp, &data);
                unlock(state);
                return match listened {
                    Some(listened) => self.read(listened, data),
                    None => data.drain_and_close(),
                };
            }
            // The session logs it as well, and knows its user.
            Outcome::Ambiguous(ids) => {
                closing.push(data);
                line = state.tally.note(Cause::Ambiguous, 1 + ids.len() as u64, peer, port, now);
                for id in ids {
                    closing.extend(state.post(id, News::Ambiguous));
                }
            }
            Outcome::Stranger => {
                closing.push(data);
                line = state.tally.note(Cause::Stranger, 1, peer, port, now);
            }
        }
        unlock(state);
        line.into_iter().for_each(Line::write);
        closing.into_iter().for_each(Data::drain_and_close);
    }

    /// What is known of a claim. A final word (anything but `Queued` and `Port`) is given once and ends the
    /// claim; after it, and for a claim that is unknown, it is `Expired`. When there is no final word, the
    /// waker is kept.
    pub(super) fn look(&self, id: ClaimId, waker: Option<&Waker>) -> News {
        let mut state = self.lock();
        let Some(mailbox) = state.mailboxes.get_mut(&id) else { return News::Expired };
        match mailbox.news {
            News::Queued | News::Port(_) => {
                if let Some(waker) = waker {
                    keep(&mut mailbox.waker, waker);
                }
                if let News::Port(port) = mailbox.news { News::Port(port) } else { News::Queued }
            }
            News::Arrived(_) | News::Ambiguous | News::Expired | News::Yielded => {
                state.claims.take(id);
                state.mailboxes.remove(&id).map_or(News::Expired, |mailbox| mailbox.news)
            }
        }
    }

    /// From when on a claim makes room for one that waits; with none it does not.
    pub(super) fn yields(&self, id: ClaimId, from: Option<Instant>) {
        self.lock().claims.yields(id, from);
    }

    /// Ends the claims of a peer whose time has passed, and says when the next one does.
    pub(super) fn expire(&self, peer: IpAddr) -> Option<Instant> {
        let mut state = self.lock();
        let now = Instant::now();
        let lapsed = state.claims.expire(peer, now);
        state.post_lapsed(lapsed);
        let next = state.claims.next_expiry(peer, now);
        unlock(state);
        next
    }

    /// The owner is gone, with or without its connection.
    pub(super) fn release(&self, id: ClaimId, (peer, port): (IpAddr, u16), served: bool) {
        let mut state = self.lock();
        let grants = state.claims.release(id);
        state.post_grants(grants);
        let mailbox = state.mailboxes.remove(&id);
        let mut ended = Vec::new();
        if let Some(inbox) = mailbox.as_ref().and_then(|mailbox| mailbox.inbox.as_ref()) {
            let unused = (!served).then_some(inbox.terms.id());
            if !served {
                inbox.terms.left(port, Instant::now());
            }
            ended = state.leave((peer, port), unused);
        }
        unlock(state);
        ended.into_iter().for_each(super::readings::Reading::end);
        if let Some(Mailbox { news, inbox, .. }) = mailbox {
            inbox.into_iter().flat_map(|inbox| inbox.hellos).for_each(|hello| hello.drain_and_close());
            if let News::Arrived(data) = news {
                data.drain_and_close();
            }
        }
    }
}

impl State {
    /// Puts news into a mailbox; a connection that lay there before comes back, to be closed.
    fn post(&mut self, id: ClaimId, news: News) -> Option<Data> {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else {
            // A claim in the table has a mailbox: both are made and removed under the same lock.
            return if let News::Arrived(data) = news { Some(data) } else { None };
        };
        self.woken.extend(mailbox.waker.take());
        match std::mem::replace(&mut mailbox.news, news) {
            News::Arrived(data) => Some(data),
            _ => None,
        }
    }

    fn post_grants(&mut self, grants: Vec<Grant>) {
        for Grant { id, port } in grants {
            // A queued claim holds no connection.
            let _ = self.post(id, News::Port(port));
        }
    }

    fn post_lapsed(&mut self, lapsed: Lapsed) {
        for id in lapsed.expired {
            // Only claims without a connection lapse.
            let _ = self.post(id, News::Expired);
        }
        for id in lapsed.yielded {
            let _ = self.post(id, News::Yielded);
        }
        self.post_grants(lapsed.granted);
    }
}

/// Frees the lock, and then wakes those for whom there is news.
fn unlock(mut state: MutexGuard<'_, State>) {
    let woken = std::mem::take(&mut state.woken);
    drop(state);
    woken.into_iter().for_each(Waker::wake);
}
