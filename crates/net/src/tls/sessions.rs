//! Which control connection does a TLS session belong to?
//!
//! ```text
//!   ticket = id (16) | mark (16) | nonce (12) | session, sealed with the connection's own key
//! ```
//! The id is the control connection's, random; the mark says that this process gave that id out. So three things can be
//! told apart: a ticket of this connection, a ticket of another one (living or gone), and no ticket of ours. Only the
//! first can be opened, as each connection has its own key, which goes with it.
//!
//! What a control connection is given cannot be resumed by another control connection, only by data connections. A data
//! connection is given tickets after it has proven that it knows a session of that control connection, and not before:
//! a stranger that is turned away takes nothing along with which it could come again.
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use rustls::server::{ProducesTickets, StoresServerSessions};
use tokio::time::Instant;

use super::error::TlsConfigError;
use super::kin::{Kin, Pools};
use super::owner::Flow;
use crate::session_id::SessionId;

const ID: usize = 16;
const MARK: usize = 16;
const NONCE: usize = 12;

/// How long clients may keep a ticket: the longest that TLS 1.3 allows (RFC 8446 4.6.1). It dies with the control
/// connection in any case.
const LIFETIME: u32 = 7 * 24 * 60 * 60;

/// Tickets given at a TLS 1.3 login. Clients that use a ticket once, as they should, live on these as long as they only
/// upload and never read what comes back. No client is relied on to keep more than these: after many downloads, which
/// bring two each, the oldest are gone.
pub(crate) const AT_LOGIN: usize = 8;

/// Tickets given on a data connection, at most: one more than it has cost, so that a stock that ran low recovers.
pub(crate) const ON_DATA: usize = 2;

/// A client that has this many unused tickets or fewer is given another on the control connection.
const LOW: usize = 2;

/// Tickets that are remembered as used, to find out whether a client uses them again.
const REMEMBERED: usize = 32;

/// All control connections of a process that speak TLS. One for all listeners, so that a session of one listener is known
/// at the passive ports of another. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Registry>);

pub(crate) struct Registry {
    marker: hmac::Key,
    known: Mutex<Known>,
    pub(crate) pools: Pools<Owned>,
}

/// Both shrink when a control connection ends, so they are as large as there are connections.
#[derive(Default)]
struct Known {
    live: HashMap<[u8; ID], Weak<Owned>>,
    /// By session id (TLS 1.2 without tickets).
    stored: HashMap<Vec<u8>, [u8; ID]>,
}

/// What belongs to one control connection.
pub(crate) struct Owned {
    session: SessionId,
    id: [u8; ID],
    mark: [u8; MARK],
    key: LessSafeKey,
    pub(crate) registry: Arc<Registry>,
    state: Mutex<State>,
    learned: AtomicBool,
    /// An upload has ended with close_notify.
    notifies: AtomicBool,
    pub(crate) kin: Kin,
}

#[derive(Default)]
struct State {
    /// The session of TLS 1.2 by its id: there is one, the login's.
    session: Option<(Vec<u8>, Vec<u8>)>,
    /// What the tickets of the login are for.
    login: Option<Vec<u8>>,
    issued: u32,
    /// Tickets that the client has not used yet and has most likely kept.
    stock: usize,
    /// The nonce of the ticket that was given last.
    newest: Option<[u8; NONCE]>,
    newest_used: bool,
    /// This client has more than the newest ticket.
    keeps: bool,
    /// Nonces of tickets that were used.
    recent: VecDeque<[u8; NONCE]>,
    /// This client uses tickets more than once.
    reuses: bool,
    /// This client has shown none.
    owes: bool,
}

impl Sessions {
    /// None yet.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn new() -> Result<Self, TlsConfigError> {
        let marker = hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()?);
        Ok(Self(Arc::new(Registry { marker, known: Mutex::default(), pools: Pools::default() })))
    }

    pub(crate) fn open(&self, address: IpAddr) -> Result<Arc<Owned>, TlsConfigError> {
        let id = random::<ID>()?;
        let key = UnboundKey::new(&AES_256_GCM, &random::<32>()?).map_err(|_| TlsConfigError::Random)?;
        let owned = Arc::new(Owned {
            session: SessionId::fresh(),
            id,
            mark: self.0.mark(&id),
            key: LessSafeKey::new(key),
            registry: Arc::clone(&self.0),
            state: Mutex::default(),
            learned: AtomicBool::new(false),
            notifies: AtomicBool::new(false),
            kin: Kin::new(address),
        });
        self.0.known().live.insert(id, Arc::downgrade(&owned));
        Ok(owned)
    }

    /// Control connections that live.
    pub fn live(&self) -> usize {
        let known: Vec<_> = self.0.known().live.values().filter_map(Weak::upgrade).collect();
        known.iter().filter(|owned| !owned.kin.has_ended()).count()
    }

    /// The same, and those that have ended and whose sessions are kept for others that share them.
    pub fn kept(&self) -> usize {
        self.0.known().live.len()
    }

    /// Of a data connection whose session may be any that is known.
    pub(crate) fn any(&self) -> Arc<Gate> {
        Arc::new(Gate { registry: Arc::clone(&self.0), only: None, state: Mutex::default() })
    }

    /// Of one whose session must be this one's, or that of its kin where those count.
    pub(crate) fn only(&self, owned: &Arc<Owned>, kin: bool) -> Arc<Gate> {
        let only = Some((Arc::clone(owned), kin));
        Arc::new(Gate { registry: Arc::clone(&self.0), only, state: Mutex::default() })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("live", &self.live()).finish()
    }
}

impl Registry {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, id: &[u8; ID]) -> [u8; MARK] {
        let tag = hmac::sign(&self.marker, id);
        let mut mark = [0; MARK];
        mark.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        mark
    }

    fn find(&self, id: &[u8; ID]) -> Option<Arc<Owned>> {
        self.known().live.get(id).and_then(Weak::upgrade)
    }

    /// The name in a ticket of ours, and what is behind it.
    fn named<'a>(&self, ticket: &'a [u8]) -> Option<(&'a [u8; ID], &'a [u8])> {
        let (id, rest) = ticket.split_first_chunk::<ID>()?;
        let (mark, rest) = rest.split_first_chunk::<MARK>()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mark, &self.mark(id)).ok()?;
        Some((id, rest))
    }
}

impl Owned {
    pub(crate) fn id(&self) -> SessionId {
        self.session
    }

    /// See [`Kin::shares`].
    pub(crate) fn shares(&self) -> bool {
        self.kin.shares()
    }

    /// See [`Kin::left`].
    pub(crate) fn left(&self, port: u16, now: Instant) {
        self.kin.left(port, now);
    }

    pub(crate) fn has_learned(&self) -> bool {
        self.learned.load(Ordering::Relaxed)
    }

    /// Its client resumes.
    pub(crate) fn learn(&self) {
        self.learned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn notifies(&self) -> bool {
        self.notifies.load(Ordering::Relaxed)
    }

    /// An upload has ended with close_notify.
    pub(crate) fn notified(&self) {
        self.notifies.store(true, Ordering::Relaxed);
    }

    /// It has not resumed where it must: it may have thrown its tickets away, and is given another.
    pub(crate) fn owe(&self) {
        self.state().owes = true;
    }

    /// The client may have no ticket left: it has used the newest one, and was never seen with another. curl (to 7.88 at
    /// least) keeps one ticket, OpenSSL uses it once, and an upload brings no other. It is one connection that may be so:
    /// whoever keeps more of the tickets of a login shows it with the next. A session of TLS 1.2 is never used up.
    pub(crate) fn is_spent(&self) -> bool {
        self.state().is_spent()
    }

    /// Another ticket of the login's session, for a client that may be short of them.
    pub(crate) fn another(&self) -> Option<Vec<u8>> {
        let plain = {
            let mut state = self.state();
            let owes = std::mem::take(&mut state.owes);
            let short = owes || state.is_spent() || (!state.reuses && state.stock <= LOW);
            state.login.clone().filter(|_| short)?
        };
        self.seal(&plain)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let nonce = random::<NONCE>().ok()?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(self.id);
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        let mut state = self.state();
        state.issued += 1;
        state.stock = (state.stock + 1).min(AT_LOGIN);
        state.newest = Some(nonce);
        state.newest_used = false;
        drop(state);
        Some([&self.id[..], &self.mark, &nonce, &sealed].concat())
    }

    fn open(&self, nonce: [u8; NONCE], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut plain = sealed.to_vec();
        let aad = Aad::from(self.id);
        let length = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }

    /// A ticket was used by somebody who has proven to know its session. (Whoever has overheard one can show it, and is not
    /// to change what is thought of the client.)
    fn used(&self, nonce: [u8; NONCE]) {
        let mut state = self.state();
        if state.recent.contains(&nonce) {
            state.reuses = true;
            return;
        }
        if state.newest == Some(nonce) {
            state.newest_used = true;
        } else {
            state.keeps = true;
        }
        state.stock = state.stock.saturating_sub(1);
        state.recent.push_front(nonce);
        state.recent.truncate(REMEMBERED);
    }

    /// How many tickets may be given on a data connection, which uses one itself.
    ///
    /// A download ends when the client has read everything, the tickets too. An upload is different: many clients never
    /// read from it, and close it with the tickets unread, whereupon their kernel sends a reset and throws away the end of
    /// the file. So there is one only for a client that would have none left, which is one that could not be given any on
    /// its control connection (see [`Owned::another`]): that has gone on in clear.
    pub(crate) fn allowance(&self, flow: Flow) -> usize {
        let state = self.state();
        match flow {
            Flow::Sends => ON_DATA,
            Flow::Receives if !state.reuses && state.stock <= 1 => 1,
            Flow::Receives => 0,
        }
    }
}

impl State {
    fn is_spent(&self) -> bool {
        self.issued > 1 && self.newest_used && !self.keeps && !self.reuses
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let session = self.state().session.take();
        let mut known = self.registry.known();
        known.live.remove(&self.id);
        if let Some((id, _)) = session {
            known.stored.remove(&id);
        }
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Owned").field(&self.id()).finish()
    }
}

/// The control connection's side: gives, and takes nothing back.
#[derive(Debug)]
pub(crate) struct Issuer(pub(crate) Arc<Owned>);

impl ProducesTickets for Issuer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.state().login = Some(plain.to_vec());
        self.0.seal(plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        // No control connection goes on with another's session. But who shows one has one cache for both.
        let (id, _) = self.0.registry.named(ticket)?;
        self.saw(id);
        None
    }
}

impl Issuer {
    fn saw(&self, id: &[u8; ID]) {
        if let Some(other) = self.0.registry.find(id) {
            self.0.kin.share(&other.kin);
        }
    }
}

impl StoresServerSessions for Issuer {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let before = self.0.state().session.replace((key.clone(), value));
        let mut known = self.0.registry.known();
        if let Some((id, _)) = before {
            known.stored.remove(&id);
        }
        known.stored.insert(key, self.0.id);
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let id = self.0.registry.known().stored.get(key).copied()?;
        self.saw(&id);
        None
    }

    fn take(&self, _key: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// A data connection's side: takes a session back, remembers whose it was, and gives tickets only once it is told to.
pub(crate) struct Gate {
    registry: Arc<Registry>,
    /// The only control connection whose sessions are taken, and whether those of its kin are; none: any that is known.
    only: Option<(Arc<Owned>, bool)>,
    state: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    offered: Offered,
    ticket: Vec<u8>,
    gives: Gives,
}

/// What the client has shown.
#[derive(Clone, Default)]
pub(crate) enum Offered {
    /// Nothing that we have given out.
    #[default]
    Nothing,
    /// A session of ours that is not to be had here: another control connection's, or one that is gone.
    Another,
    /// A session that could be opened. The proof that the client knows it is the handshake's.
    Known(Arc<Owned>),
}

#[derive(Clone, Copy, Default)]
enum Gives {
    /// The ticket that came, back. TLS 1.2 answers a resumption with a ticket before anything is decided; this one is
    /// worth what the client has already.
    #[default]
    Same,
    Nothing,
    Tickets(usize),
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn offered(&self) -> Offered {
        self.state().offered.clone()
    }

    /// From now on nothing is given.
    pub(crate) fn shut(&self) {
        self.state().gives = Gives::Nothing;
    }

    /// The handshake that is under way resumes the owner's session: so many tickets may follow its end.
    pub(crate) fn open(&self, owner: &Arc<Owned>, allowance: usize) {
        let mut state = self.state();
        state.offered = Offered::Known(Arc::clone(owner));
        state.gives = Gives::Tickets(allowance);
    }

    /// The handshake is over: who resumed the session knows it.
    pub(crate) fn proven(&self) {
        let (offered, ticket) = {
            let mut state = self.state();
            (state.offered.clone(), std::mem::take(&mut state.ticket))
        };
        if let Offered::Known(owner) = offered {
            owner.learn();
            // None where it was resumed by its id.
            if let Some(nonce) = ticket.get(ID + MARK..).and_then(<[u8]>::first_chunk) {
                owner.used(*nonce);
            }
        }
    }

    fn owner(&self, id: &[u8; ID]) -> Offered {
        let owner = match &self.only {
            Some((only, _)) if only.id == *id => Some(Arc::clone(only)),
            Some((only, kin)) => self.registry.find(id).filter(|other| *kin && only.kin.is_of(&other.kin)),
            None => self.registry.find(id),
        };
        owner.map_or(Offered::Another, Offered::Known)
    }

    /// Remembers what was shown; an opened session counts more than one that could not be.
    fn saw(&self, offered: Offered, ticket: &[u8]) {
        let mut state = self.state();
        if !matches!((&state.offered, &offered), (Offered::Known(_), Offered::Another)) {
            state.offered = offered;
            state.ticket = ticket.to_vec();
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.only).finish()
    }
}

impl ProducesTickets for Gate {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let owner = {
            let mut state = self.state();
            let Offered::Known(owner) = state.offered.clone() else { return None };
            match &mut state.gives {
                Gives::Same => return Some(state.ticket.clone()),
                Gives::Nothing | Gives::Tickets(0) => return None,
                Gives::Tickets(left) => *left -= 1,
            }
            owner
        };
        owner.seal(plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (id, rest) = self.registry.named(ticket)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let offered = self.owner(id);
        let Offered::Known(owner) = &offered else {
            self.saw(offered, &[]);
            return None;
        };
        let plain = owner.open(*nonce, sealed)?;
        self.saw(offered, ticket);
        Some(plain)
    }
}

impl StoresServerSessions for Gate {
    fn put(&self, _key: Vec<u8>, _value: Vec<u8>) -> bool {
        false
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let id = *self.registry.known().stored.get(key)?;
        let offered = self.owner(&id);
        let value = match &offered {
            Offered::Known(owner) => {
                owner.state().session.as_ref().filter(|(id, _)| id == key).map(|(_, value)| value.clone())
            }
            _ => None,
        };
        self.saw(offered, &[]);
        value
    }

    fn take(&self, _key: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        false
    }
}

fn random<const N: usize>() -> Result<[u8; N], TlsConfigError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| TlsConfigError::Random)?;
    Ok(bytes)
}
