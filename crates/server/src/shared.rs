//! What do the sessions of a server share?
use std::sync::Arc;

use net::passive::PassivePorts;
use net::tls::server::ServerTls;
use storage::Gate;
use tokio::sync::mpsc;

use crate::limits::LoginLimits;
use crate::log_rate::LogRate;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::turns::Logins;
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
    pub(crate) registry: Registry,
    pub(crate) login_limits: Arc<dyn LoginLimits>,
    /// The logins that wait for their passwords to be checked.
    pub(crate) logins: Logins,
    pub(crate) log_rate: LogRate,
    /// Every session holds the whole of this; when the last has gone, so has the sender, and the site has drained.
    pub(crate) _alive: mpsc::Sender<()>,
}
