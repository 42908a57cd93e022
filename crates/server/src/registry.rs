//! Which sessions does a server have now, what do they do, and how is one of them ended?
//!
//! One table. A session enters it when it is accepted, notes what it comes to (TLS, a user, a transfer), and
//! leaves it when it is dropped. A transfer counts its bytes in an atomic that is read here only when
//! somebody asks, so that moving them takes no lock.
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use config::Limits;
use net::data::WeakData;
use net::pump::Progress;
use storage::VPath;
use tokio::sync::broadcast;
use wire::Verb;
use wire::verb::Direction;

use crate::limits::origin;
use crate::reason::Reason;

mod ending;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use ending::Ending;
pub use ending::Stop;
pub use watch::{Change, Happened, SessionInfo, TransferInfo, Watched, Watcher};

/// Changes kept for a watcher that is slow; it misses what is older.
const CHANGES: usize = 256;

/// From so many sessions on their memory is given back to the system when most have ended: some megabytes.
const MANY: usize = 200;

/// The sessions of a server. Cheap to clone, and usable as long as anybody holds it.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    table: Mutex<Table>,
    server: Ending,
    changes: broadcast::Sender<Arc<Change>>,
}

#[derive(Debug, Default)]
struct Table {
    sessions: BTreeMap<u64, Arc<Entry>>,
    addresses: HashMap<IpAddr, Address>,
    users: HashMap<Arc<str>, usize>,
    /// The number of the last session.
    last: u64,
    /// The most sessions at one time since memory was given back to the system.
    most: usize,
}

#[derive(Debug, Default)]
struct Address {
    sessions: usize,
    handshakes: usize,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    peer: SocketAddr,
    local: SocketAddr,
    listener: SocketAddr,
    since: SystemTime,
    ending: Ending,
    state: Mutex<State>,
}

/// Changes with the session's commands, never with the bytes of a transfer.
#[derive(Debug, Default)]
struct State {
    tls: Option<&'static str>,
    user: Option<Arc<str>>,
    transfer: Option<Box<Transfer>>,
    sent: u64,
    received: u64,
}

#[derive(Debug)]
struct Transfer {
    verb: Verb,
    path: VPath,
    user: Arc<str>,
    since: SystemTime,
    track: Arc<Track>,
}

/// What is seen of a running transfer from beside it.
#[derive(Debug, Default)]
pub(crate) struct Track {
    pub(crate) progress: Progress,
    /// The data connection and its peer, as soon as bytes may move on it.
    pub(crate) data: OnceLock<(WeakData, SocketAddr)>,
}

impl Default for Registry {
    fn default() -> Self {
        let changes = broadcast::Sender::new(CHANGES);
        Self(Arc::new(Inner { table: Mutex::default(), server: Ending::default(), changes }))
    }
}

impl Registry {
    /// All sessions as they are now, the oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.table().sessions.values().map(|entry| entry.info()).collect()
    }

    /// Tells the watchers, if there are any.
    fn tell(&self, what: Happened, session: impl FnOnce() -> SessionInfo) {
        let changes = &self.0.changes;
        if changes.receiver_count() > 0 {
            // The last watcher may go at this moment.
            let _ = changes.send(Arc::new(Change { what, session: session() }));
        }
    }

    /// Tells of every change from now on. A session that ends makes room for the next one before it is told
    /// of, so that the beginning of that may come first.
    #[must_use]
    pub fn watch(&self) -> Watcher {
        Watcher(self.0.changes.subscribe())
    }

    /// Ends a session: it is told 421, after its transfer or in the middle of it. False: there is none of
    /// this number.
    pub fn end(&self, id: u64, how: Stop) -> bool {
        let table = self.table();
        let entry = table.sessions.get(&id);
        entry.inspect(|entry| entry.ending.raise(how)).is_some()
    }

    /// Ends the server, and with it every session.
    pub fn stop(&self, how: Stop) {
        let table = self.table();
        self.0.server.raise(how);
        table.sessions.values().for_each(|entry| entry.ending.raise(how));
    }

    /// Goes one step further in ending the server: first draining, then at once. Returns what it is now.
    pub fn stop_further(&self) -> Stop {
        let next = self.next_stop();
        self.stop(next);
        next
    }

    /// What [`Registry::stop_further`] would make of it.
    #[must_use]
    pub fn next_stop(&self) -> Stop {
        if self.0.server.get() == Stop::No { Stop::Drain } else { Stop::Now }
    }

    /// How the server is to end.
    pub(crate) fn stopping(&self) -> &Ending {
        &self.0.server
    }

    /// Adds a session, or says why there can be no other one.
    pub fn enter(
        &self,
        peer: SocketAddr,
        local: SocketAddr,
        listener: SocketAddr,
        limits: &Limits,
    ) -> Result<Registration, Reason> {
        let mut table = self.table();
        if self.0.server.get() != Stop::No {
            return Err(Reason::Stopping);
        }
        if table.sessions.len() >= limits.sessions {
            return Err(Reason::SiteFull);
        }
        let address = origin(peer.ip());
        if table.addresses.get(&address).map_or(0, |of| of.sessions) >= limits.sessions_per_address {
            return Err(Reason::AddressFull);
        }
        table.addresses.entry(address).or_default().sessions += 1;
        table.last += 1;
        let entry = Arc::new(Entry {
            id: table.last,
            peer,
            local,
            listener,
            since: SystemTime::now(),
            ending: Ending::default(),
            state: Mutex::default(),
        });
        table.sessions.insert(entry.id, Arc::clone(&entry));
        table.most = table.most.max(table.sessions.len());
        drop(table);
        let registration = Registration { registry: self.clone(), entry };
        registration.changed(Happened::Connected);
        Ok(registration)
    }

    /// Nothing panics under the lock.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// One less of what `count` counts at an address.
    fn release(&mut self, address: IpAddr, count: impl FnOnce(&mut Address) -> &mut usize) {
        let Some(of) = self.addresses.get_mut(&address) else { return };
        let count = count(of);
        *count = count.saturating_sub(1);
        if (of.sessions, of.handshakes) == (0, 0) {
            self.addresses.remove(&address);
        }
    }

    fn log_out(&mut self, user: &Arc<str>) {
        if let Some(count) = self.users.get_mut(user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.users.remove(user);
            }
        }
    }
}

impl Entry {
    /// Nothing panics under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn info(&self) -> SessionInfo {
        let state = self.state();
        let mut info = SessionInfo {
            id: self.id,
            peer: self.peer,
            local: self.local,
            listener: self.listener,
            since: self.since,
            tls: state.tls,
            user: state.user.clone(),
            transfer: state.transfer.as_deref().map(Transfer::info),
            sent: state.sent,
            received: state.received,
        };
        if let Some(TransferInfo { verb, bytes, .. }) = info.transfer {
            count(verb, bytes, &mut info.sent, &mut info.received);
        }
        info
    }
}

impl State {
    /// Is it one of this user's sessions? It is also while a transfer runs that the user began before REIN or
    /// another login.
    fn is_counted_for(&self, user: &Arc<str>) -> bool {
        self.user.as_ref() == Some(user) || self.transfer.as_ref().is_some_and(|t| t.user == *user)
    }
}

impl Transfer {
    fn info(&self) -> TransferInfo {
        let data = self.track.data.get().and_then(|(data, peer)| Some((data.local()?, *peer)));
        TransferInfo {
            verb: self.verb,
            path: self.path.clone(),
            user: Arc::clone(&self.user),
            since: self.since,
            bytes: self.track.progress.bytes(),
            data,
        }
    }
}

fn count(verb: Verb, bytes: u64, sent: &mut u64, received: &mut u64) {
    match verb.row().direction {
        Some(Direction::Down) => *sent += bytes,
        Some(Direction::Up) => *received += bytes,
        None => {}
    }
}

/// A session's place in the table, given back when it is dropped.
#[derive(Debug)]
pub struct Registration {
    registry: Registry,
    entry: Arc<Entry>,
}

impl Registration {
    /// The session's number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.entry.id
    }

    pub(crate) fn info(&self) -> SessionInfo {
        self.entry.info()
    }

    /// How it is to end.
    pub(crate) fn ending(&self) -> &Ending {
        &self.entry.ending
    }

    /// Why, where it is to end.
    pub(crate) fn ending_reason(&self) -> Reason {
        if self.registry.0.server.get() == Stop::No { Reason::Ended } else { Reason::Stopping }
    }

    /// Begins a TLS handshake, within the address's budget; it is over when what is returned is dropped.
    pub fn handshake(&self, limits: &Limits) -> Result<Handshake, Reason> {
        let mut table = self.registry.table();
        let address = origin(self.entry.peer.ip());
        let of = table.addresses.entry(address).or_default();
        if of.handshakes >= limits.handshakes_per_address {
            return Err(Reason::TooManyHandshakes);
        }
        of.handshakes += 1;
        drop(table);
        Ok(Handshake { registry: self.registry.clone(), address })
    }

    /// Notes how the control connection is protected.
    pub(crate) fn secured(&self, version: Option<&'static str>) {
        self.entry.state().tls = version;
        self.changed(Happened::Secured);
    }

    /// Notes who is logged in. False: this user has `most` sessions already, and nothing is changed.
    pub fn set_user(&self, user: Option<&Arc<str>>, most: Option<usize>) -> bool {
        {
            let mut table = self.registry.table();
            let mut state = self.entry.state();
            if state.user.as_ref() == user {
                return true;
            }
            if let Some(user) = user
                && !state.is_counted_for(user)
            {
                let sessions = table.users.get(user).copied().unwrap_or_default();
                if most.is_some_and(|most| sessions >= most) {
                    return false;
                }
                table.users.insert(Arc::clone(user), sessions + 1);
            }
            if let Some(before) = std::mem::replace(&mut state.user, user.cloned())
                && !state.is_counted_for(&before)
            {
                table.log_out(&before);
            }
        }
        self.changed(if user.is_some() { Happened::LoggedIn } else { Happened::LoggedOut });
        true
    }

    /// Notes a transfer of the user who is logged in, until what is returned is dropped.
    pub(crate) fn begin(&self, verb: Verb, path: VPath, user: Arc<str>, track: Arc<Track>) -> Listed {
        let transfer = Transfer { verb, path, user, since: SystemTime::now(), track };
        self.entry.state().transfer = Some(Box::new(transfer));
        self.changed(Happened::TransferBegan);
        Listed { registry: self.registry.clone(), entry: Arc::clone(&self.entry) }
    }

    fn changed(&self, what: Happened) {
        self.registry.tell(what, || self.entry.info());
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut table = self.registry.table();
        table.sessions.remove(&self.entry.id);
        table.release(origin(self.entry.peer.ip()), |of| &mut of.sessions);
        if let Some(user) = &self.entry.state().user {
            table.log_out(user);
        }
        let left = table.sessions.len();
        if table.most >= MANY && left <= table.most / 4 {
            table.most = left;
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn_blocking(net::memory::give_back_the_rest);
            }
        }
        drop(table);
        self.changed(Happened::Disconnected);
    }
}

/// A transfer's place in the table.
#[derive(Debug)]
pub(crate) struct Listed {
    registry: Registry,
    entry: Arc<Entry>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        // As it was with its transfer; told when its place is free.
        let session = self.entry.info();
        {
            let mut table = self.registry.table();
            let state = &mut *self.entry.state();
            if let Some(transfer) = state.transfer.take() {
                let bytes = transfer.track.progress.bytes();
                count(transfer.verb, bytes, &mut state.sent, &mut state.received);
                if state.user.as_ref() != Some(&transfer.user) {
                    table.log_out(&transfer.user);
                }
            }
        }
        self.registry.tell(Happened::TransferEnded, || session);
    }
}

/// A TLS handshake's place in the budget of its address.
#[derive(Debug)]
pub struct Handshake {
    registry: Registry,
    address: IpAddr,
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.registry.table().release(self.address, |of| &mut of.handshakes);
    }
}
