//! Whose session does a connection resume, and what is it given? The answers to what rustls asks.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::server::{ProducesTickets, StoresServerSessions};

use super::sessions::{ControlSession, Id, Registry, Sessions};

/// How long clients may keep a ticket: the longest that TLS 1.3 allows (RFC 8446 4.6.1). It dies with the
/// control connection in any case.
const LIFETIME: u32 = 7 * 24 * 60 * 60;

/// The control connection's side: gives, and takes nothing back.
#[derive(Debug)]
pub(super) struct Issuer(pub(super) Arc<ControlSession>);

impl Issuer {
    fn saw(&self, id: &Id) {
        if let Some(other) = self.0.registry.find(id) {
            self.0.sibling.share(&other.sibling);
        }
    }
}

impl ProducesTickets for Issuer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.issue(plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        // No control connection resumes another's session. But a client that shows one has one cache for
        // both.
        let (id, _) = self.0.registry.named(ticket)?;
        self.saw(id);
        None
    }
}

impl StoresServerSessions for Issuer {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.0.store(key, value);
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.saw(&self.0.registry.stored(key)?);
        None
    }

    fn take(&self, _key: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// A data connection's side: takes a session back, remembers whose it was, and gives tickets only once that
/// is allowed.
pub(crate) struct Resumption {
    registry: Arc<Registry>,
    /// The only control connection whose sessions are taken, and whether those of its siblings are; none: any
    /// that is known.
    only: Option<(Arc<ControlSession>, bool)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
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
    Known(Arc<ControlSession>),
}

#[derive(Clone, Copy, Default)]
enum Gives {
    /// The ticket that came, back. TLS 1.2 answers a resumption with a ticket before anything is decided;
    /// this one is worth what the client has already.
    #[default]
    Same,
    Nothing,
    Tickets(usize),
}

impl Resumption {
    /// Of a data connection whose session may be any that is known.
    pub(super) fn any(sessions: &Sessions) -> Arc<Self> {
        Arc::new(Self { registry: Arc::clone(sessions.registry()), only: None, state: Mutex::default() })
    }

    /// Of one whose session must be this one's, or that of its siblings where those count.
    pub(super) fn only(session: &Arc<ControlSession>, siblings: bool) -> Arc<Self> {
        let only = Some((Arc::clone(session), siblings));
        Arc::new(Self { registry: Arc::clone(&session.registry), only, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn offered(&self) -> Offered {
        self.state().offered.clone()
    }

    /// From now on nothing is given.
    pub(crate) fn give_nothing(&self) {
        self.state().gives = Gives::Nothing;
    }

    /// The handshake that is under way resumes the owner's session: so many tickets may follow its end.
    pub(crate) fn give(&self, owner: &Arc<ControlSession>, allowance: usize) {
        let mut state = self.state();
        state.offered = Offered::Known(Arc::clone(owner));
        state.gives = Gives::Tickets(allowance);
    }

    /// The handshake is over: a client that resumed the session knows it.
    pub(crate) fn proven(&self) {
        let (offered, ticket) = {
            let mut state = self.state();
            (state.offered.clone(), std::mem::take(&mut state.ticket))
        };
        if let Offered::Known(owner) = offered {
            owner.resumed(&ticket);
        }
    }

    fn owner(&self, id: &Id) -> Offered {
        let owner = match &self.only {
            Some((only, _)) if only.is_named(id) => Some(Arc::clone(only)),
            Some((only, siblings)) => {
                self.registry.find(id).filter(|other| *siblings && only.sibling.is_of(&other.sibling))
            }
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

impl fmt::Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resumption").field(&self.only).finish()
    }
}

impl ProducesTickets for Resumption {
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
        let (id, sealed) = self.registry.named(ticket)?;
        let offered = self.owner(id);
        let Offered::Known(owner) = &offered else {
            self.saw(offered, &[]);
            return None;
        };
        let plain = owner.open(sealed)?;
        self.saw(offered, ticket);
        Some(plain)
    }
}

impl StoresServerSessions for Resumption {
    fn put(&self, _key: Vec<u8>, _value: Vec<u8>) -> bool {
        false
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let offered = self.owner(&self.registry.stored(key)?);
        let value = if let Offered::Known(owner) = &offered { owner.stored(key) } else { None };
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
