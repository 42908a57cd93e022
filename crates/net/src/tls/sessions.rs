//! Which control connection does a TLS session belong to?
//!
//! ```text
//!   ticket = id (16) | mark (16) | nonce (12) | session, sealed with the connection's own key
//! ```
//! The id is the control connection's, random; the mark says that this process gave that id out. So three
//! things can be told apart: a ticket of this connection, a ticket of another one (living or gone), and no
//! ticket of ours. Only the first can be opened, as each connection has its own key, which goes with it.
//!
//! What a control connection is given cannot be resumed by another control connection, only by data
//! connections. A data connection is given tickets after it has proven that it knows a session of that
//! control connection, and not before: a stranger that is turned away takes nothing along with which it could
//! come again.
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

use super::error::TlsConfigError;
use super::owner::Flow;
use super::provider::random;
use super::siblings::{Pools, Sibling};
use super::tickets::{NONCE, Tickets};
use crate::session_id::SessionId;

const ID: usize = 16;
const MARK: usize = 16;

/// Names one control connection in tickets.
pub(super) type Id = [u8; ID];

/// All control connections of a process that speak TLS. One for all listeners, so that a session of one
/// listener is known at the passive ports of another. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Registry>);

pub(crate) struct Registry {
    marker: hmac::Key,
    known: Mutex<Known>,
    pub(crate) pools: Pools<ControlSession>,
}

/// Both shrink when a control connection ends, so they are as large as there are connections.
#[derive(Default)]
struct Known {
    live: HashMap<Id, Weak<ControlSession>>,
    /// By session id (TLS 1.2 without tickets).
    stored: HashMap<Vec<u8>, Id>,
}

/// What belongs to one control connection.
pub(crate) struct ControlSession {
    number: SessionId,
    id: Id,
    mark: [u8; MARK],
    key: LessSafeKey,
    pub(crate) registry: Arc<Registry>,
    state: Mutex<State>,
    learned: AtomicBool,
    /// An upload has ended with close_notify.
    notifies: AtomicBool,
    pub(crate) sibling: Sibling,
}

#[derive(Default)]
struct State {
    /// The session of TLS 1.2 by its id: there is one, the login's.
    session: Option<(Vec<u8>, Vec<u8>)>,
    /// What the tickets of the login are for.
    login: Option<Vec<u8>>,
    tickets: Tickets,
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

    pub(crate) fn open(&self, address: IpAddr) -> Result<Arc<ControlSession>, TlsConfigError> {
        let id = random::<ID>()?;
        let key = UnboundKey::new(&AES_256_GCM, &random::<32>()?).map_err(|_| TlsConfigError::Random)?;
        let session = Arc::new(ControlSession {
            number: SessionId::fresh(),
            id,
            mark: self.0.mark(&id),
            key: LessSafeKey::new(key),
            registry: Arc::clone(&self.0),
            state: Mutex::default(),
            learned: AtomicBool::new(false),
            notifies: AtomicBool::new(false),
            sibling: Sibling::new(address),
        });
        self.0.known().live.insert(id, Arc::downgrade(&session));
        Ok(session)
    }

    /// Control connections that live.
    pub fn live(&self) -> usize {
        let known: Vec<_> = self.0.known().live.values().filter_map(Weak::upgrade).collect();
        known.iter().filter(|session| !session.sibling.has_ended()).count()
    }

    /// The same, and those that have ended and whose sessions are kept for others that share them.
    pub fn kept(&self) -> usize {
        self.0.known().live.len()
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.0
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

    fn mark(&self, id: &Id) -> [u8; MARK] {
        // An HMAC of SHA-256 is longer.
        hmac::sign(&self.marker, id).as_ref().first_chunk().copied().unwrap_or([0; MARK])
    }

    pub(super) fn find(&self, id: &Id) -> Option<Arc<ControlSession>> {
        self.known().live.get(id).and_then(Weak::upgrade)
    }

    /// Whose session has this id (TLS 1.2).
    pub(super) fn stored(&self, session: &[u8]) -> Option<Id> {
        self.known().stored.get(session).copied()
    }

    /// The name in a ticket of ours, and what is behind it.
    pub(super) fn named<'a>(&self, ticket: &'a [u8]) -> Option<(&'a Id, &'a [u8])> {
        let (id, rest) = ticket.split_first_chunk::<ID>()?;
        let (mark, rest) = rest.split_first_chunk::<MARK>()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mark, &self.mark(id)).ok()?;
        Some((id, rest))
    }
}

impl ControlSession {
    pub(crate) fn id(&self) -> SessionId {
        self.number
    }

    /// Is this its name in tickets?
    pub(super) fn is_named(&self, id: &Id) -> bool {
        self.id == *id
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

    /// It has not resumed where it must: it may have discarded its tickets, and is given another.
    pub(super) fn owe(&self) {
        self.state().tickets.owe();
    }

    /// See [`Tickets::are_spent`].
    pub(super) fn is_spent(&self) -> bool {
        self.state().tickets.are_spent()
    }

    /// See [`Tickets::allowance`].
    pub(crate) fn allowance(&self, flow: Flow) -> usize {
        self.state().tickets.allowance(flow)
    }

    /// Another ticket of the login's session, for a client that may be short of them.
    pub(crate) fn another(&self) -> Option<Vec<u8>> {
        let plain = {
            let mut state = self.state();
            let short = state.tickets.are_short();
            state.login.clone().filter(|_| short)?
        };
        self.seal(&plain)
    }

    /// A ticket of the login's session; the others will be for the same.
    pub(super) fn issue(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.state().login = Some(plain.to_vec());
        self.seal(plain)
    }

    /// Keeps the session of TLS 1.2, by its id.
    pub(super) fn store(&self, id: Vec<u8>, session: Vec<u8>) {
        let before = self.state().session.replace((id.clone(), session));
        let mut known = self.registry.known();
        if let Some((id, _)) = before {
            known.stored.remove(&id);
        }
        known.stored.insert(id, self.id);
    }

    /// The session of TLS 1.2, if this is its id.
    pub(super) fn stored(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.state().session.as_ref().filter(|(known, _)| known == id).map(|(_, session)| session.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let nonce = random::<NONCE>().ok()?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(self.id);
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        self.state().tickets.issued(nonce);
        Some([&self.id[..], &self.mark, &nonce, &sealed].concat())
    }

    /// Opens what is behind the name in a ticket of ours.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let mut plain = sealed.to_vec();
        let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(self.id));
        let length = self.key.open_in_place(nonce, aad, &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }

    /// A data connection has proven to know this session; by this ticket, or where it is empty, by the
    /// session's id.
    pub(super) fn resumed(&self, ticket: &[u8]) {
        self.learn();
        if let Some(nonce) = ticket.get(ID + MARK..).and_then(<[u8]>::first_chunk) {
            self.state().tickets.used(*nonce);
        }
    }
}

impl Drop for ControlSession {
    fn drop(&mut self) {
        let session = self.state().session.take();
        let mut known = self.registry.known();
        known.live.remove(&self.id);
        if let Some((id, _)) = session {
            known.stored.remove(&id);
        }
    }
}

impl fmt::Debug for ControlSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ControlSession").field(&self.id()).finish()
    }
}
