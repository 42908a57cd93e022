//! What do the sessions of a server share?
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use net::passive::PassivePorts;
use net::tls::server::ServerTls;
use storage::Gate;
use tokio::sync::{mpsc, watch};

use crate::limits::Addresses;
use crate::log_rate::LogRate;
use crate::settings::Settings;
use crate::turns::Logins;
use crate::under_way::Transfers;
use crate::xferlog::Xferlog;

/// Everything that the sessions of a site share.
pub(crate) struct Shared {
    /// Those of the listeners that speak clear first.
    pub(crate) settings: Arc<Settings>,
    pub(crate) implicit: Arc<Settings>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) ports: Option<PassivePorts>,
    pub(crate) xferlog: Option<Xferlog>,
    pub(crate) stop: watch::Receiver<Stop>,
    pub(crate) addresses: Mutex<Addresses>,
    /// The logins that wait for their passwords to be checked.
    pub(crate) logins: Logins,
    pub(crate) log_rate: LogRate,
    pub(crate) transfers: Transfers,
    pub(crate) sessions: AtomicU64,
    /// The most sessions at one time since memory was given back to the system.
    pub(crate) most: AtomicUsize,
    /// Every session holds the whole of this; when the last has gone, so has the sender, and the site has drained.
    pub(crate) _alive: mpsc::Sender<()>,
}

impl Shared {
    /// Short critical sections without a panic in them; a poisoned lock would hold counts that are still right.
    pub(crate) fn addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a server ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not yet.
    #[default]
    No,
    /// No new sessions, running transfers finish.
    Drain,
    /// At once.
    Now,
}
