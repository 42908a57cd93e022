//! Which settings does a session read? Those of its server, and those of the listener that it came through.
use std::sync::Arc;

use config::{Listener, SiteConfig};

/// The settings of a session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Those of the server.
    pub site: Arc<SiteConfig>,
    /// Those of the listener.
    pub listener: Arc<Listener>,
}

impl Settings {
    /// Whether data connections must resume the TLS session of their control connection, in the words of
    /// `net`.
    #[must_use]
    pub fn reuse(&self) -> net::tls::Reuse {
        match self.listener.data_reuse {
            config::Reuse::Require => net::tls::Reuse::Require,
            config::Reuse::Learn => net::tls::Reuse::Learn,
            config::Reuse::Off => net::tls::Reuse::Off,
        }
    }
}

/// The settings of sessions that come through the first listener, or through a default one where there is
/// none.
impl From<SiteConfig> for Settings {
    fn from(site: SiteConfig) -> Self {
        let listener = Arc::new(site.listeners.first().cloned().unwrap_or_default());
        Self { site: Arc::new(site), listener }
    }
}
