//! Which session does a client's next data connection resume?
//!
//! One store for each control connection. TLS 1.3 tickets are for one use: they lie on a stack, and each data
//! connection takes one and puts back those that it is given. The library's own store, shared by all
//! connections to a server, would mix the sessions of parallel logins, which a server that binds data
//! connections must refuse.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// Tickets that are kept; servers give two at a time, and a hostile one could give any number.
const KEPT: usize = 16;

/// The sessions of one control connection.
#[derive(Default)]
pub(super) struct Store(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    group: Option<NamedGroup>,
    session: Option<Tls12ClientSessionValue>,
    tickets: Vec<Tls13ClientSessionValue>,
    /// Data connections have resumed.
    resumed: bool,
}

impl Store {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Data connections that could resume now; a session of TLS 1.2 serves any number.
    pub(super) fn left(&self) -> usize {
        let kept = self.kept();
        if kept.session.is_some() { usize::MAX } else { kept.tickets.len() }
    }

    /// There was something to resume, and it is used up.
    pub(super) fn ran_dry(&self) -> bool {
        let kept = self.kept();
        kept.resumed && kept.session.is_none() && kept.tickets.is_empty()
    }
}

/// One connection's view of the store.
pub(crate) struct View {
    store: Arc<Store>,
    state: Mutex<ViewState>,
}

enum ViewState {
    /// The control connection, and a data connection that has resumed: what it is given is kept.
    Keeps,
    /// A data connection that has not said yet whether it resumes.
    Waits(Option<Tls12ClientSessionValue>, Vec<Tls13ClientSessionValue>),
    /// A data connection that did not resume: its session is not the control connection's, and to keep it
    /// would put it in that one's place.
    Drops,
}

impl View {
    pub(super) fn control(store: &Arc<Store>) -> Self {
        Self { store: Arc::clone(store), state: Mutex::new(ViewState::Keeps) }
    }

    pub(super) fn data(store: &Arc<Store>) -> Self {
        Self { store: Arc::clone(store), state: Mutex::new(ViewState::Waits(None, Vec::new())) }
    }

    fn state(&self) -> MutexGuard<'_, ViewState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handshake is over.
    pub(crate) fn decide(&self, resumed: bool) {
        let next = if resumed { ViewState::Keeps } else { ViewState::Drops };
        let before = std::mem::replace(&mut *self.state(), next);
        if let (true, ViewState::Waits(session, tickets)) = (resumed, before) {
            let mut kept = self.store.kept();
            kept.resumed = true;
            kept.session = session.or(kept.session.take());
            for ticket in tickets {
                kept.push(ticket);
            }
        }
    }
}

impl Kept {
    fn push(&mut self, ticket: Tls13ClientSessionValue) {
        if self.tickets.len() >= KEPT {
            self.tickets.remove(0);
        }
        self.tickets.push(ticket);
    }
}

impl ClientSessionStore for View {
    fn set_kx_hint(&self, _name: ServerName<'static>, group: NamedGroup) {
        self.store.kept().group = Some(group);
    }

    fn kx_hint(&self, _name: &ServerName<'_>) -> Option<NamedGroup> {
        self.store.kept().group
    }

    fn set_tls12_session(&self, _name: ServerName<'static>, value: Tls12ClientSessionValue) {
        match &mut *self.state() {
            ViewState::Keeps => self.store.kept().session = Some(value),
            ViewState::Waits(session, _) => *session = Some(value),
            ViewState::Drops => {}
        }
    }

    fn tls12_session(&self, _name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.store.kept().session.clone()
    }

    fn remove_tls12_session(&self, _name: &ServerName<'static>) {
        // A data connection that failed says nothing of the control connection's session.
    }

    fn insert_tls13_ticket(&self, _name: ServerName<'static>, value: Tls13ClientSessionValue) {
        match &mut *self.state() {
            ViewState::Keeps => self.store.kept().push(value),
            ViewState::Waits(_, tickets) if tickets.len() < KEPT => tickets.push(value),
            ViewState::Waits(..) | ViewState::Drops => {}
        }
    }

    fn take_tls13_ticket(&self, _name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        // The newest: it lives longest.
        self.store.kept().tickets.pop()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.store).finish()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept();
        f.debug_struct("Store")
            .field("session", &kept.session.is_some())
            .field("tickets", &kept.tickets.len())
            .finish_non_exhaustive()
    }
}
