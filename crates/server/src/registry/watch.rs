//! What is told of a session, and of what happens to it?
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use storage::VPath;
use tokio::sync::broadcast;
use wire::Verb;

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
pub struct Watcher(pub(super) broadcast::Receiver<Arc<Change>>);

/// What a [`Watcher`] hears.
#[derive(Clone, Debug)]
pub enum Watched {
    /// A change.
    Change(Arc<Change>),
    /// So many changes were lost, since the watcher was too slow:
    /// [`Registry::sessions`](super::Registry::sessions) tells how things stand.
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
