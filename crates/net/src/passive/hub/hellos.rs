//! Which claim gets a connection after its ClientHello, and who is notified?
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::super::claims::{ClaimId, Stamp};
use super::super::demand::Refused;
use super::super::readings::{Reading, ReadingId};
use super::super::refusals::{Cause, Line};
use super::{Awaits, Hub, Inbox, Mailbox, News, State, unlock};
use crate::data::Data;
use crate::data::{Hello, Shown};
use crate::session_id::SessionId;
use crate::tls::HandshakeError;
use crate::tls::server::ServerTls;

/// Hellos that wait in a claim, and stay. One is the client's; more are such as resume its session as well,
/// or resume nothing where that will do, and they are the claim's to choose from.
const FIRST_HELLOS: usize = 4;

/// Those that came last, beside them. An overheard hello that is sent again and again neither keeps out the
/// client's own, which comes later, nor drives out one that was there before.
const LAST_HELLOS: usize = 2;

/// A hello is waited for as long as there is a claim that it may be for.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The address of a peer, and the port that it has come to.
type Slot = (IpAddr, u16);

/// What happens at a protected claim before its transfer is said to begin.
#[derive(Debug)]
pub(in super::super) enum ArrivalEvent {
    /// A connection is there: one that says that it is the claim's, or one that has said nothing yet, as
    /// clients do that begin TLS after the reply.
    Comes,
    /// One was turned away.
    Refused(Refused),
    /// The claim's time has passed.
    Expired,
    /// It was not used for long, and another claim that waited has its port.
    Yielded,
}

/// What happens at a protected claim whose connection is to be protected.
#[derive(Debug)]
pub(in super::super) enum HelloEvent {
    /// A connection that resumes the claim's own session, or nothing where that will do. There may be
    /// several.
    Hello(Box<Hello>),
    /// One was turned away.
    Refused(Refused),
    /// No other connection may be the claim's; only where that is awaited.
    Alone,
    /// The claim's time has passed.
    Expired,
}

/// A connection whose hello is to be read.
pub(super) struct Listened {
    slot: Slot,
    stamp: Stamp,
    reading_id: ReadingId,
    tls: Arc<ServerTls>,
    /// What had to make room for it.
    out: Option<Reading>,
}

impl Hub {
    /// Begins to wait for a connection's hello.
    pub(super) fn read(self: &Arc<Self>, listened: Listened, data: Data) {
        let Listened { slot, stamp, reading_id, tls, out } = listened;
        if let Some(out) = out {
            out.end();
        }
        // Without a runtime, at its end, there is no task to read it.
        let Ok(runtime) = Handle::try_current() else {
            self.lock().readings.take(slot, reading_id);
            return data.drain_and_close();
        };
        let hub = Arc::clone(self);
        let task = runtime.spawn(async move {
            let peer = data.peer();
            let mut hello = pin!(data.hello(&tls, FOREVER));
            let read = loop {
                let Some(until) = hub.latest(slot, stamp) else { return hub.give_up(slot, reading_id) };
                if let Ok(read) = timeout_at(until, hello.as_mut()).await {
                    break read;
                }
            };
            if let Ok(hello) = &read
                && !hub.is_for_its_own(slot, stamp, hello)
                && let Some(mut standing) = hello.awaits_login(slot.0)
            {
                // Whose it is shows in a moment. Until then it counts as silent.
                while let Some(until) = hub.latest(slot, stamp) {
                    if timeout_at(until, standing.wait_for(|standing| !standing.is_open())).await.is_ok() {
                        break;
                    }
                }
            }
            if let Some(hello) = hub.settle(slot, reading_id, peer, read) {
                hello.refuse().await;
                hub.lock().readings.take(slot, reading_id);
            }
        });
        let task = task.abort_handle();
        if !self.lock().readings.begun(slot, reading_id, &task) {
            task.abort();
        }
    }

    /// Does it resume the session of a claim's own control connection? Who is logged in there now does not
    /// matter: USER may come while a transfer begins.
    fn is_for_its_own(&self, slot: Slot, stamp: Stamp, hello: &Hello) -> bool {
        let Shown::Session(binding) = hello.shown() else { return false };
        self.lock().claims.whose(slot, stamp, Some(binding), Instant::now()).is_some()
    }

    /// When the last of the claims lapses that a connection may be for; it may be put off until then.
    fn latest(&self, slot: Slot, stamp: Stamp) -> Option<Instant> {
        self.lock().claims.meant(slot, stamp, Instant::now()).map(|live| live.until).max()
    }

    /// No claim is left that could be waiting for it.
    fn give_up(&self, slot: Slot, reading_id: ReadingId) {
        let mut state = self.lock();
        let reading = state.readings.take(slot, reading_id);
        state.fell_silent(slot);
        unlock(state);
        if let Some(reading) = reading {
            reading.end();
        }
    }

    /// A hello was read, or not. What comes back belongs to no claim, and is to be refused.
    fn settle(
        &self,
        slot: Slot,
        reading_id: ReadingId,
        peer: SocketAddr,
        read: Result<Hello, HandshakeError>,
    ) -> Option<Hello> {
        let mut state = self.lock();
        let taken = state.readings.take(slot, reading_id);
        let given = match (taken, read) {
            (Some(reading), Ok(hello)) => state.give(slot, reading, hello, peer),
            (Some(reading), Err(error)) => {
                let detail = error.to_string().into();
                Given::Closed(state.turn_away(slot, reading.stamp, Cause::NoHello, detail, peer))
            }
            (None, Ok(hello)) => Given::Late(hello),
            (None, Err(_)) => Given::Closed(None),
        };
        state.fell_silent(slot);
        unlock(state);
        let (refused, line) = match given {
            Given::Taken => (None, None),
            Given::Late(hello) => {
                hello.drain_and_close();
                (None, None)
            }
            Given::Refused(hello, line) => (Some(hello), line),
            Given::Closed(line) => (None, line),
        };
        line.into_iter().for_each(Line::write);
        refused
    }

    /// See [`ProtectedClaim::dismiss`](super::super::ProtectedClaim::dismiss).
    pub(in super::super) fn dismiss(&self, id: ClaimId) {
        self.lock().dismiss(id);
    }

    /// What there is before 150. When there is nothing, the waker is kept.
    pub(in super::super) fn arrival_event(
        &self,
        id: ClaimId,
        slot: Slot,
        waker: &Waker,
    ) -> Option<ArrivalEvent> {
        let mut state = self.lock();
        state.claims.yields(id, None);
        if state.has_candidates(id, slot) {
            return Some(ArrivalEvent::Comes);
        }
        if state.mailboxes.get(&id).is_some_and(|mailbox| matches!(mailbox.news, News::Yielded)) {
            return Some(ArrivalEvent::Yielded);
        }
        let Some((mailbox, inbox)) = state.open(id) else { return Some(ArrivalEvent::Expired) };
        if let Some(refused) = inbox.refused.take() {
            return Some(ArrivalEvent::Refused(refused));
        }
        inbox.awaits = Awaits::Arrival;
        keep(mailbox, waker);
        None
    }

    /// What there is behind it. When there is nothing, the waker is kept.
    pub(in super::super) fn hello_event(
        &self,
        id: ClaimId,
        slot: Slot,
        awaits: Awaits,
        waker: &Waker,
    ) -> Option<HelloEvent> {
        let mut state = self.lock();
        let others = state.has_candidates(id, slot);
        let Some((mailbox, inbox)) = state.open(id) else { return Some(HelloEvent::Expired) };
        if let Some(hello) = inbox.hellos.pop_front() {
            return Some(HelloEvent::Hello(hello));
        }
        if let Some(refused) = inbox.refused.take() {
            return Some(HelloEvent::Refused(refused));
        }
        if awaits == Awaits::Silence && !others {
            return Some(HelloEvent::Alone);
        }
        inbox.awaits = awaits;
        keep(mailbox, waker);
        None
    }

    /// Does a connection wait that may be the claim's, in its mailbox or silent at its slot?
    pub(in super::super) fn has_candidates(&self, id: ClaimId, slot: Slot) -> bool {
        self.lock().has_candidates(id, slot)
    }

    /// A claim is used, and lapses at this time and not before.
    pub(in super::super) fn extend(&self, id: ClaimId, until: Instant) {
        self.lock().claims.extend(id, until);
    }

    /// Counts a connection that a claim has not taken.
    pub(in super::super) fn note(&self, cause: Cause, from: SocketAddr, port: u16) {
        let line = self.lock().tally.note(cause, 1, from, port, Instant::now());
        line.into_iter().for_each(Line::write);
    }
}

/// What became of a hello.
enum Given {
    Taken,
    /// Its claim has gone, or has enough of them. (It may be another than the one that has come.)
    Late(Hello),
    Refused(Hello, Option<Line>),
    Closed(Option<Line>),
}

impl State {
    /// A connection has come to a protected slot. None: there is no claim at it after all.
    pub(super) fn listen(&mut self, slot: Slot, stamp: Stamp, data: &Data) -> Option<Listened> {
        let Self { claims, mailboxes, readings, woken, .. } = self;
        let ids: Vec<ClaimId> = claims.meant(slot, stamp, Instant::now()).map(|live| live.id).collect();
        // A peer that does not resume a session sees the certificate of the claim that it would be taken for.
        let first = claims.lone(slot).or_else(|| ids.first().copied())?;
        let tls = Arc::clone(mailboxes.get(&first)?.inbox.as_ref()?.terms.tls());
        let (reading_id, out) = readings.add(slot, stamp, ids.len(), data.share());
        for id in ids {
            wake_for(mailboxes.get_mut(&id), Awaits::Arrival, woken);
        }
        Some(Listened { slot, stamp, reading_id, tls, out })
    }

    /// A protected claim has gone from its slot. What can be for no other claim comes back, to be ended.
    pub(super) fn leave(&mut self, slot: Slot, unused: Option<SessionId>) -> Vec<Reading> {
        let Self { claims, readings, .. } = self;
        let now = Instant::now();
        let meant = |stamp| claims.meant(slot, stamp, now).next().is_some();
        let ended = readings.leave(slot, unused, meant);
        if !ended.is_empty() {
            self.fell_silent(slot);
        }
        ended
    }

    /// Finds the claim that a hello is for.
    fn give(&mut self, slot: Slot, reading: Reading, hello: Hello, peer: SocketAddr) -> Given {
        let shown = hello.shown();
        let says = if let Shown::Session(binding) = shown { Some(binding) } else { None };
        let own = self.claims.whose(slot, reading.stamp, says, Instant::now());
        let id = own.or_else(|| self.only(slot, &reading));
        if let Some((mailbox, inbox)) = id.and_then(|id| self.open(id))
            && inbox.terms.takes(&hello, slot.1)
        {
            let full = inbox.hellos.len() >= FIRST_HELLOS + LAST_HELLOS;
            let out = if full { inbox.hellos.remove(FIRST_HELLOS) } else { None };
            inbox.hellos.push_back(Box::new(hello));
            let waker = mailbox.take();
            self.woken.extend(waker);
            if let Some(id) = id {
                // Its client is there.
                self.claims.yields(id, None);
            }
            return out.map_or(Given::Taken, |out| Given::Late(*out));
        }
        if says.is_some_and(|binding| reading.is_late_for(binding)) {
            return Given::Late(hello);
        }
        let (cause, detail) = match shown {
            Shown::Nothing => (Cause::Unbound, crate::tls::DataTlsError::Unbound),
            Shown::Session(_) | Shown::Lost => (Cause::Foreign, crate::tls::DataTlsError::Foreign),
        };
        let line = self.turn_away(slot, reading.stamp, cause, detail.to_string().into(), peer);
        self.readings.refuse(slot, reading);
        Given::Refused(hello, line)
    }

    /// The claim that a connection is for which is none of those by what it says: there is no other, nor was
    /// there one since it came.
    fn only(&self, slot: Slot, reading: &Reading) -> Option<ClaimId> {
        let mut meant = self.claims.meant(slot, reading.stamp, Instant::now());
        let only = meant.next().filter(|_| meant.next().is_none() && !reading.has_seen_others_go());
        only.map(|live| live.id)
    }

    /// Notifies the claims that may be waiting for a connection that it was turned away.
    fn turn_away(
        &mut self,
        slot: Slot,
        stamp: Stamp,
        cause: Cause,
        detail: Arc<str>,
        peer: SocketAddr,
    ) -> Option<Line> {
        let now = Instant::now();
        let ids: Vec<ClaimId> = self.claims.meant(slot, stamp, now).map(|live| live.id).collect();
        let alone = ids.len() == 1;
        let mut awaited = false;
        for id in ids {
            let Some((mailbox, inbox)) = self.open(id) else { continue };
            awaited |= !inbox.dismissed;
            inbox.refused = Some(Refused { cause, detail: Arc::clone(&detail), alone });
            let waker = mailbox.take();
            self.woken.extend(waker);
        }
        // A client that was refused closes without a word, and rightly.
        if cause == Cause::NoHello && !awaited {
            return None;
        }
        self.tally.note(cause, 1, peer, slot.1, now)
    }

    fn has_candidates(&self, id: ClaimId, slot: Slot) -> bool {
        let inbox = self.mailboxes.get(&id).and_then(|mailbox| mailbox.inbox.as_ref());
        inbox.is_some_and(|inbox| !inbox.hellos.is_empty())
            || self.readings.silent(slot, |stamp| self.claims.precedes(id, stamp))
    }

    /// A claim that waits for the silent ones at a slot looks whether there is still one.
    fn fell_silent(&mut self, slot: Slot) {
        // Only a claim that is given what resumes nothing holds that back.
        let lone = self.claims.lone(slot).and_then(|id| self.mailboxes.get_mut(&id));
        wake_for(lone, Awaits::Silence, &mut self.woken);
    }

    /// The client of a claim is about to get a reply that nothing comes of it.
    fn dismiss(&mut self, id: ClaimId) {
        if let Some((_, inbox)) = self.open(id) {
            inbox.dismissed = true;
        }
    }

    /// The mailbox of a protected claim whose time has not passed: what wakes it, and what has come for it.
    fn open(&mut self, id: ClaimId) -> Option<(&mut Option<Waker>, &mut Inbox)> {
        let Mailbox { news, waker, inbox } = self.mailboxes.get_mut(&id)?;
        if matches!(news, News::Expired | News::Yielded) {
            return None;
        }
        Some((waker, inbox.as_deref_mut()?))
    }
}

fn wake_for(mailbox: Option<&mut Mailbox>, what: Awaits, woken: &mut Vec<Waker>) {
    let Some(Mailbox { waker, inbox: Some(inbox), .. }) = mailbox else { return };
    if inbox.awaits == what {
        woken.extend(waker.take());
    }
}

pub(super) fn keep(mailbox: &mut Option<Waker>, waker: &Waker) {
    match mailbox {
        Some(kept) => kept.clone_from(waker),
        none => *none = Some(waker.clone()),
    }
}
