//! Which sessions does a server have now, what do they do, and how is one of them ended?
//!
//! One table. A session enters it when it is accepted, notes what it comes to (TLS, a user, a transfer), and leaves it
//! when it is dropped. A transfer counts its bytes in an atomic that is read here only when somebody asks, so that moving
//! them takes no lock.
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use config::Limits;
use net::data::WeakData;
use net::pump::Progress;
use storage::VPath;
use tokio::sync::{Notify, broadcast};
use wire::Verb;
use wire::verb::Direction;

use crate::limits::origin;
use crate::reason::Reason;

/// Changes kept for a watcher that is slow; it misses what is older.
const CHANGES: usize = 256;

/// From so many sessions on their memory is given back to the system when most have ended: some megabytes.
const MANY: usize = 200;

/// How a server, or one session, is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not yet.
    #[default]
    No,
    /// When the running transfer has finished; a server takes no new sessions.
    Drain,
    /// At once.
    Now,
}

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

/// A session as it is at one moment.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Its number, as in the log.
    pub id: u64,
    /// The client's end of the control connection.
    pub peer: SocketAddr,
    /// The server's end.
    pub local: SocketAddr,
    /// The address that it was accepted on.
    pub listener: SocketAddr,
    /// When it was accepted.
    pub since: SystemTime,
    /// The version of TLS on the control connection, if any.
    pub tls: Option<&'static str>,
    /// Who is logged in.
    pub user: Option<Arc<str>>,
    /// The transfer that runs.
    pub transfer: Option<TransferInfo>,
    /// Bytes of files and listings that it has sent, those of the running transfer among them.
    pub sent: u64,
    /// The same of those that it has received.
    pub received: u64,
}

/// A transfer as it is at one moment.
#[derive(Clone, Debug)]
pub struct TransferInfo {
    /// The command that began it.
    pub verb: Verb,
    /// The file or directory.
    pub path: VPath,
    /// Whose it is: another user may have logged in since it began.
    pub user: Arc<str>,
    /// When its command came.
    pub since: SystemTime,
    /// Bytes moved so far.
    pub bytes: u64,
    /// The server's end of its data connection and the client's, once bytes may move.
    pub data: Option<(SocketAddr, SocketAddr)>,
}

/// Something that has happened to a session.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it was.
    pub what: Happened,
    /// The session right after it; before it for [`Happened::TransferEnded`] and [`Happened::Disconnected`].
    pub session: SessionInfo,
}

/// What has happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was accepted.
    Connected,
    /// TLS began or ended on its control connection.
    Secured,
    /// A user logged in.
    LoggedIn,
    /// The login ended, by REIN or for another one.
    LoggedOut,
    /// A transfer began.
    TransferBegan,
    /// It ended, one way or the other.
    TransferEnded,
    /// The session has ended.
    Disconnected,
}

/// Hears of all changes from its making on.
#[derive(Debug)]
pub struct Watcher(broadcast::Receiver<Arc<Change>>);

/// What a [`Watcher`] hears.
#[derive(Clone, Debug)]
pub enum Watched {
    /// A change.
    Change(Arc<Change>),
    /// So many changes were lost, since the watcher was too slow: [`Registry::sessions`] tells how things stand.
    Missed(u64),
}

impl Watcher {
    /// Waits for the next change. None: the server is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Watched> {
        match self.0.recv().await {
            Ok(change) => Some(Watched::Change(change)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Watched::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
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

    /// Tells of every change from now on.
    #[must_use]
    pub fn watch(&self) -> Watcher {
        Watcher(self.0.changes.subscribe())
    }

    /// Ends a session: it is told 421, after its transfer or in the middle of it. False: there is none of this number.
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
            if let Some(user) = user {
                let sessions = table.users.get(user).copied().unwrap_or_default();
                if most.is_some_and(|most| sessions >= most) {
                    return false;
                }
                table.users.insert(Arc::clone(user), sessions + 1);
            }
            if let Some(before) = std::mem::replace(&mut state.user, user.cloned()) {
                table.log_out(&before);
            }
        }
        self.changed(if user.is_some() { Happened::LoggedIn } else { Happened::LoggedOut });
        true
    }

    /// Notes a transfer, until what is returned is dropped.
    pub(crate) fn begin(&self, verb: Verb, path: VPath, user: Arc<str>, track: Arc<Track>) -> Listed {
        let transfer = Transfer { verb, path, user, since: SystemTime::now(), track };
        self.entry.state().transfer = Some(Box::new(transfer));
        self.changed(Happened::TransferBegan);
        Listed { registry: self.registry.clone(), entry: Arc::clone(&self.entry) }
    }

    fn changed(&self, what: Happened) {
        changed(&self.registry, &self.entry, what);
    }
}

/// Tells whoever watches.
fn changed(registry: &Registry, entry: &Entry, what: Happened) {
    let changes = &registry.0.changes;
    if changes.receiver_count() > 0 {
        // The last watcher may go at this moment.
        let _ = changes.send(Arc::new(Change { what, session: entry.info() }));
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.changed(Happened::Disconnected);
        let mut table = self.registry.table();
        table.sessions.remove(&self.entry.id);
        table.release(origin(self.entry.peer.ip()), |of| &mut of.sessions);
        if let Some(user) = self.entry.state().user.take() {
            table.log_out(&user);
        }
        let left = table.sessions.len();
        if table.most >= MANY && left <= table.most / 4 {
            table.most = left;
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn_blocking(net::memory::give_back_the_rest);
            }
        }
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
        changed(&self.registry, &self.entry, Happened::TransferEnded);
        let state = &mut *self.entry.state();
        if let Some(transfer) = state.transfer.take() {
            let bytes = transfer.track.progress.bytes();
            count(transfer.verb, bytes, &mut state.sent, &mut state.received);
        }
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

/// How something is to end, and a way to wait for that.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    how: AtomicU8,
    raised: Notify,
}

impl Ending {
    pub(crate) fn get(&self) -> Stop {
        match self.how.load(Ordering::Acquire) {
            0 => Stop::No,
            1 => Stop::Drain,
            _ => Stop::Now,
        }
    }

    /// What has been asked for is not taken back.
    fn raise(&self, how: Stop) {
        self.how.fetch_max(how as u8, Ordering::Release);
        self.raised.notify_waiters();
    }

    /// Waits until it is beyond `known`. Cancel-safe.
    pub(crate) async fn beyond(&self, known: Stop) {
        loop {
            let mut raised = std::pin::pin!(self.raised.notified());
            // Before the look, so that no change falls between the two.
            raised.as_mut().enable();
            if self.get() > known {
                return;
            }
            raised.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> SocketAddr {
        ([10, 0, 0, last], 4000).into()
    }

    fn enter(registry: &Registry, last: u8, limits: &Limits) -> Result<Registration, Reason> {
        registry.enter(at(last), at(0), at(0), limits)
    }

    #[test]
    fn sessions_are_counted_in_all_and_by_address() {
        let registry = Registry::default();
        let limits = Limits { sessions: 3, sessions_per_address: 2, ..Limits::default() };
        let first = enter(&registry, 1, &limits).unwrap();
        let _second = enter(&registry, 1, &limits).unwrap();
        assert_eq!(enter(&registry, 1, &limits).err(), Some(Reason::AddressFull));
        let _other = enter(&registry, 2, &limits).unwrap();
        assert_eq!(enter(&registry, 3, &limits).err(), Some(Reason::SiteFull));
        drop(first);
        let again = enter(&registry, 1, &limits).unwrap();
        assert_eq!(again.id(), 4, "no number is given twice");
        assert_eq!(registry.sessions().iter().map(|s| s.id).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn fifty_people_with_eight_connections_behind_one_address_are_let_in() {
        let (registry, limits) = (Registry::default(), Limits::default());
        let all: Vec<_> = (0..400).map(|_| enter(&registry, 1, &limits).unwrap()).collect();
        drop(all);
        assert!(registry.table().addresses.is_empty() && registry.sessions().is_empty());
    }

    #[test]
    fn handshakes_of_one_address_have_a_limit() {
        let registry = Registry::default();
        let limits = Limits { handshakes_per_address: 2, ..Limits::default() };
        let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
        let first = one.handshake(&limits).unwrap();
        let _second = one.handshake(&limits).unwrap();
        assert_eq!(one.handshake(&limits).err(), Some(Reason::TooManyHandshakes));
        assert!(other.handshake(&limits).is_ok());
        drop(first);
        assert!(one.handshake(&limits).is_ok());
    }

    #[test]
    fn a_user_has_as_many_sessions_as_may_be_and_one_who_logs_in_again_is_not_one_more() {
        let (registry, limits) = (Registry::default(), Limits::default());
        let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
        let (ann, bob): (Arc<str>, Arc<str>) = ("ann".into(), "bob".into());
        assert!(one.set_user(Some(&ann), Some(1)) && one.set_user(Some(&ann), Some(1)));
        assert!(!other.set_user(Some(&ann), Some(1)));
        assert!(other.set_user(Some(&bob), Some(1)) && other.set_user(None, None));
        assert!(one.set_user(Some(&bob), Some(1)));
        assert!(other.set_user(Some(&ann), Some(1)), "the place of who logged in as another is free");
        drop((one, other));
        assert!(registry.table().users.is_empty());
    }

    #[test]
    fn a_transfer_is_listed_as_long_as_it_runs_and_its_bytes_stay() {
        let (registry, limits) = (Registry::default(), Limits::default());
        let session = enter(&registry, 1, &limits).unwrap();
        let track = Arc::new(Track::default());
        let listed = session.begin(Verb::Retr, VPath::root(), "ann".into(), Arc::clone(&track));
        track.progress.add(5);
        let info = session.info();
        assert_eq!((info.transfer.map(|t| (t.verb, t.bytes)), info.sent), (Some((Verb::Retr, 5)), 5));
        drop(listed);
        let info = session.info();
        assert_eq!((info.transfer.is_none(), info.sent, info.received), (true, 5, 0));
    }

    #[tokio::test]
    async fn a_slow_watcher_is_told_how_much_it_has_missed() {
        let (registry, limits) = (Registry::default(), Limits::default());
        let mut watcher = registry.watch();
        for _ in 0..CHANGES {
            drop(enter(&registry, 1, &limits).unwrap());
        }
        let Some(Watched::Missed(missed)) = watcher.next().await else { panic!("it has missed some") };
        assert_eq!(missed, CHANGES as u64);
        let Some(Watched::Change(change)) = watcher.next().await else { panic!("the others are there") };
        assert_eq!((change.what, change.session.id), (Happened::Connected, CHANGES as u64 / 2 + 1));
    }

    #[tokio::test]
    async fn one_session_is_ended_or_all_are_and_no_other_comes() {
        let (registry, limits) = (Registry::default(), Limits::default());
        let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
        assert!(registry.end(one.id(), Stop::Drain) && !registry.end(99, Stop::Now));
        one.ending().beyond(Stop::No).await;
        assert_eq!((one.ending().get(), one.ending_reason()), (Stop::Drain, Reason::Ended));
        assert_eq!(other.ending().get(), Stop::No);
        assert_eq!((registry.stop_further(), registry.stop_further()), (Stop::Drain, Stop::Now));
        other.ending().beyond(Stop::Drain).await;
        assert_eq!(other.ending_reason(), Reason::Stopping);
        assert_eq!(enter(&registry, 1, &limits).err(), Some(Reason::Stopping));
    }
}
