//! Whose is a connection that has said hello, and who hears of it?
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::super::claims::{Owner, Stamp};
use super::super::protected::{Next, Refused, Stir};
use super::super::readings::{Reading, ReadingId};
use super::super::refusals::{Cause, Line};
use super::{Awaits, Hub, Inbox, News, Seat, State, wake};
use crate::data::Data;
use crate::data::{Hello, Shown};
use crate::tls::HandshakeError;
use crate::tls::server::ServerTls;
use crate::tls::sessions::BindingId;

/// Hellos that wait in a claim, and stay. One is the client's; more are such as resume its session as well, or resume nothing
/// where that will do, and they are the claim's to choose from.
const FIRST_HELLOS: usize = 4;

/// Those that came last, beside them. Whoever says an overheard hello again and again neither keeps out the client's own, which
/// comes later, nor drives out one that was there before.
const LAST_HELLOS: usize = 2;

/// A hello is waited for as long as there is a claim that it may be for.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

type Place = (IpAddr, u16);

/// A connection whose hello is to be read.
pub(super) struct Listened {
    place: Place,
    stamp: Stamp,
    id: ReadingId,
    tls: Arc<ServerTls>,
    /// What had to make room for it.
    out: Option<Reading>,
}

impl Hub {
    /// Begins to wait for a connection's first words.
    pub(super) fn read(self: &Arc<Self>, listened: Listened, data: Data) {
        let Listened { place, stamp, id, tls, out } = listened;
        if let Some(out) = out {
            out.end();
        }
        // Without a runtime, at its end, nobody could read it.
        let Ok(runtime) = Handle::try_current() else {
            self.lock().readings.take(place, id);
            return data.drain_and_close();
        };
        let hub = Arc::clone(self);
        let task = runtime.spawn(async move {
            let peer = data.peer();
            let mut hello = pin!(data.hello(&tls, FOREVER));
            let read = loop {
                let Some(until) = hub.latest(place, stamp) else { return hub.give_up(place, id) };
                if let Ok(read) = timeout_at(until, hello.as_mut()).await {
                    break read;
                }
            };
            if let Ok(hello) = &read
                && !hub.is_for_its_own(place, stamp, hello)
                && let Some(mut standing) = hello.awaits_login(place.0)
            {
                // Whose it is shows in a moment. Until then it is as if it had said nothing.
                while let Some(until) = hub.latest(place, stamp) {
                    if timeout_at(until, standing.wait_for(|standing| !standing.is_open())).await.is_ok() {
                        break;
                    }
                }
            }
            if let Some(hello) = hub.settle(place, id, peer, read) {
                hello.refuse().await;
                hub.lock().readings.take(place, id);
            }
        });
        let task = task.abort_handle();
        if !self.lock().readings.begun(place, id, &task) {
            task.abort();
        }
    }

    /// Does it resume the session of a claim's own control connection? Who is logged in there now does not matter: USER may come
    /// while a transfer begins.
    fn is_for_its_own(&self, place: Place, stamp: Stamp, hello: &Hello) -> bool {
        let Shown::Session(binding) = hello.shown() else { return false };
        self.lock().claims.whose(place, stamp, Some(binding), Instant::now()).is_some()
    }

    /// When the last of the claims lapses that a connection may be for; it may be put off until then.
    fn latest(&self, place: Place, stamp: Stamp) -> Option<Instant> {
        self.lock().claims.meant(place, stamp, Instant::now()).map(|live| live.until).max()
    }

    /// Nobody is left who could be waiting for it.
    fn give_up(&self, place: Place, id: ReadingId) {
        let mut woken = Vec::new();
        let mut state = self.lock();
        let reading = state.readings.take(place, id);
        state.fell_silent(place, &mut woken);
        drop(state);
        wake(woken);
        if let Some(reading) = reading {
            reading.end();
        }
    }

    /// A connection has spoken, or failed to. What comes back is nobody's, and to be refused.
    fn settle(
        &self,
        place: Place,
        id: ReadingId,
        peer: SocketAddr,
        read: Result<Hello, HandshakeError>,
    ) -> Option<Hello> {
        let mut woken = Vec::new();
        let mut state = self.lock();
        let taken = state.readings.take(place, id);
        let given = match (taken, read) {
            (Some(reading), Ok(hello)) => state.give(place, reading, hello, peer, &mut woken),
            (Some(reading), Err(error)) => {
                let detail = error.to_string().into();
                Given::Closed(state.turn_away(
                    place,
                    reading.stamp,
                    Cause::Unspoken,
                    detail,
                    peer,
                    &mut woken,
                ))
            }
            (None, Ok(hello)) => Given::Late(hello),
            (None, Err(_)) => Given::Closed(None),
        };
        state.fell_silent(place, &mut woken);
        drop(state);
        wake(woken);
        match given {
            Given::Taken => None,
            Given::Late(hello) => {
                hello.drain_and_close();
                None
            }
            Given::Refused(hello, line) => {
                line.into_iter().for_each(Line::write);
                Some(hello)
            }
            Given::Closed(line) => {
                line.into_iter().for_each(Line::write);
                None
            }
        }
    }

    /// See [`ProtectedClaim::dismiss`](super::super::ProtectedClaim::dismiss).
    pub(in super::super) fn dismiss(&self, owner: Owner) {
        self.lock().dismiss(owner);
    }

    /// What there is before 150. When there is nothing, the waker is kept.
    pub(in super::super) fn stir(&self, owner: Owner, place: Place, waker: &Waker) -> Option<Stir> {
        let mut state = self.lock();
        state.claims.yields(owner, None);
        if state.is_contended(owner, place) {
            return Some(Stir::Comes);
        }
        if state.seats.get(&owner).is_some_and(|seat| matches!(seat.news, News::Yielded)) {
            return Some(Stir::Yielded);
        }
        let Some((seat, inbox)) = state.open(owner) else { return Some(Stir::Expired) };
        if let Some(refused) = inbox.refused.take() {
            return Some(Stir::Refused(refused));
        }
        inbox.awaits = Awaits::Arrival;
        keep(seat, waker);
        None
    }

    /// What there is behind it. When there is nothing, the waker is kept.
    pub(in super::super) fn next(
        &self,
        owner: Owner,
        place: Place,
        awaits: Awaits,
        waker: &Waker,
    ) -> Option<Next> {
        let mut state = self.lock();
        let contended = state.is_contended(owner, place);
        let Some((seat, inbox)) = state.open(owner) else { return Some(Next::Expired) };
        if let Some(hello) = inbox.hellos.pop_front() {
            return Some(Next::Hello(hello));
        }
        if let Some(refused) = inbox.refused.take() {
            return Some(Next::Refused(refused));
        }
        if awaits == Awaits::Silence && !contended {
            return Some(Next::Alone);
        }
        inbox.awaits = awaits;
        keep(seat, waker);
        None
    }

    /// Does a connection wait that may be the claim's, in its seat or silent at its place?
    pub(in super::super) fn is_contended(&self, owner: Owner, place: Place) -> bool {
        self.lock().is_contended(owner, place)
    }

    /// A claim is used, and lapses at this time and not before.
    pub(in super::super) fn extend(&self, owner: Owner, until: Instant) {
        self.lock().claims.extend(owner, until);
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
    /// A connection has come to a protected place. None: there is nobody at it after all.
    pub(super) fn listen(
        &mut self,
        place: Place,
        stamp: Stamp,
        data: &Data,
        woken: &mut Vec<Waker>,
    ) -> Option<Listened> {
        let Self { claims, seats, readings, .. } = self;
        let owners: Vec<Owner> = claims.meant(place, stamp, Instant::now()).map(|live| live.owner).collect();
        // Whoever does not resume a session sees the certificate of the claim that it would be taken for.
        let first = claims.lone(place).or_else(|| owners.first().copied())?;
        let tls = Arc::clone(seats.get(&first)?.inbox.as_ref()?.demand.tls());
        let (id, out) = readings.add(place, stamp, owners.len(), data.share());
        for owner in owners {
            wake_for(seats.get_mut(&owner), Awaits::Arrival, woken);
        }
        Some(Listened { place, stamp, id, tls, out })
    }

    /// A protected claim has gone from its place. What can be nobody else's comes back, to be ended.
    pub(super) fn leave(
        &mut self,
        place: Place,
        unused: Option<BindingId>,
        woken: &mut Vec<Waker>,
    ) -> Vec<Reading> {
        let Self { claims, readings, .. } = self;
        let now = Instant::now();
        let meant = |stamp| claims.meant(place, stamp, now).next().is_some();
        let ended = readings.leave(place, unused, meant);
        if !ended.is_empty() {
            self.fell_silent(place, woken);
        }
        ended
    }

    /// Finds the claim that a hello is for.
    fn give(
        &mut self,
        place: Place,
        reading: Reading,
        hello: Hello,
        peer: SocketAddr,
        woken: &mut Vec<Waker>,
    ) -> Given {
        let shown = hello.shown();
        let says = if let Shown::Session(binding) = shown { Some(binding) } else { None };
        let own = self.claims.whose(place, reading.stamp, says, Instant::now());
        let owner = own.or_else(|| self.only(place, &reading));
        if let Some((seat, inbox)) = owner.and_then(|owner| self.open(owner))
            && (inbox.demand.takes(shown) || (own.is_none() && inbox.demand.takes_kin(&hello, place.1)))
        {
            let full = inbox.hellos.len() >= FIRST_HELLOS + LAST_HELLOS;
            let out = if full { inbox.hellos.remove(FIRST_HELLOS) } else { None };
            inbox.hellos.push_back(Box::new(hello));
            woken.extend(seat.take());
            if let Some(owner) = owner {
                // Its client is there.
                self.claims.yields(owner, None);
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
        let line = self.turn_away(place, reading.stamp, cause, detail.to_string().into(), peer, woken);
        self.readings.refuse(place, reading);
        Given::Refused(hello, line)
    }

    /// The claim that a connection is for which is none of those by what it says: there is no other, nor was there one since it
    /// came.
    fn only(&self, place: Place, reading: &Reading) -> Option<Owner> {
        let mut meant = self.claims.meant(place, reading.stamp, Instant::now());
        let only = meant.next().filter(|_| meant.next().is_none() && !reading.has_seen_others_go());
        only.map(|live| live.owner)
    }

    /// Tells those who may be waiting for a connection that it was turned away.
    fn turn_away(
        &mut self,
        place: Place,
        stamp: Stamp,
        cause: Cause,
        detail: Arc<str>,
        peer: SocketAddr,
        woken: &mut Vec<Waker>,
    ) -> Option<Line> {
        let now = Instant::now();
        let owners: Vec<Owner> = self.claims.meant(place, stamp, now).map(|live| live.owner).collect();
        let alone = owners.len() == 1;
        let mut awaited = false;
        for owner in owners {
            let Some((seat, inbox)) = self.open(owner) else { continue };
            awaited |= !inbox.dismissed;
            inbox.refused = Some(Refused { cause, detail: Arc::clone(&detail), alone });
            woken.extend(seat.take());
        }
        // A client that was refused closes without a word, and rightly.
        if cause == Cause::Unspoken && !awaited {
            return None;
        }
        self.tally.note(cause, 1, peer, place.1, now)
    }

    fn is_contended(&self, owner: Owner, place: Place) -> bool {
        let inbox = self.seats.get(&owner).and_then(|seat| seat.inbox.as_ref());
        inbox.is_some_and(|inbox| !inbox.hellos.is_empty())
            || self.readings.silent(place, |stamp| self.claims.precedes(owner, stamp))
    }

    /// Whoever waits for the silent ones at a place looks whether there is still one.
    fn fell_silent(&mut self, place: Place, woken: &mut Vec<Waker>) {
        // Only a claim that is given what resumes nothing holds that back.
        let lone = self.claims.lone(place).and_then(|owner| self.seats.get_mut(&owner));
        wake_for(lone, Awaits::Silence, woken);
    }

    /// The client of a claim is about to hear that nothing comes of it.
    fn dismiss(&mut self, owner: Owner) {
        if let Some((_, inbox)) = self.open(owner) {
            inbox.dismissed = true;
        }
    }

    /// The seat of a protected claim whose time has not passed: what wakes it, and what has come for it.
    fn open(&mut self, owner: Owner) -> Option<(&mut Option<Waker>, &mut Inbox)> {
        let Seat { news, waker, inbox } = self.seats.get_mut(&owner)?;
        if matches!(news, News::Expired | News::Yielded) {
            return None;
        }
        Some((waker, inbox.as_deref_mut()?))
    }
}

fn wake_for(seat: Option<&mut Seat>, what: Awaits, woken: &mut Vec<Waker>) {
    let Some(Seat { waker, inbox: Some(inbox), .. }) = seat else { return };
    if inbox.awaits == what {
        woken.extend(waker.take());
    }
}

fn keep(seat: &mut Option<Waker>, waker: &Waker) {
    match seat {
        Some(kept) => kept.clone_from(waker),
        none => *none = Some(waker.clone()),
    }
}
