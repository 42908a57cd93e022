//! What do the sessions of a server share?
use std::sync::Arc;

use config::SiteConfig;
use net::passive::PassivePorts;
use net::proxy::Proxies;
use net::tls::server::ServerTls;
use storage::Gate;
use tokio::sync::mpsc;

use crate::limits::LoginLimits;
use crate::log_rate::LogRate;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::turns::Logins;
use crate::xferlog::Xferlog;

/// What all sessions of a server share.
pub(crate) struct Shared {
    pub(crate) site: Arc<SiteConfig>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) xferlog: Option<Xferlog>,
    pub(crate) registry: Registry,
    pub(crate) login_limits: Arc<dyn LoginLimits>,
    /// The logins that wait for their passwords to be checked.
    pub(crate) logins: Logins,
    pub(crate) log_rate: LogRate,
    /// Every session holds the whole of this; when the last has gone, so has the sender, and the server has
    /// drained.
    pub(crate) _alive: mpsc::Sender<()>,
}

/// What the sessions of one listener share.
pub(crate) struct BoundListener {
    pub(crate) settings: Settings,
    /// The passive ports, which other listeners may share.
    pub(crate) ports: Option<Arc<PassivePorts>>,
    /// The load balancers in front of it.
    pub(crate) proxies: Option<Proxies>,
}
