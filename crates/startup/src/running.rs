//! How does a server run, from its ports to its end?
use std::path::Path;
use std::sync::Arc;

use config::SiteConfig;
use server::{Registry, Server};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::binding::{self, show_ports};
use crate::error::Error;
use crate::log::Log;
use crate::ready::Ready;
use crate::signals::Signals;
use crate::{Generated, Opened, Shown};

/// A server whose ports are bound, and which signals stop from now on: SIGINT and SIGTERM end it once its
/// transfers have finished, a second one at once; SIGHUP has its log files opened again and its certificates
/// read again.
pub struct Running {
    opened: Opened,
    server: Server,
    log: Arc<Log>,
    signals: Signals,
    ready: Option<Ready>,
}

impl Opened {
    /// Binds the addresses and ports, and catches signals. `by_address`: the listeners were given by their
    /// addresses, so that hints about them are too.
    ///
    /// # Errors
    /// When an address, all passive ports, or a signal cannot be had: why, and what to do.
    pub fn start(self, site: &SiteConfig, log: Arc<Log>, by_address: bool) -> Result<Running, Error> {
        let server =
            self.bind(site, log.xferlog()).map_err(|error| binding::failed(site, by_address, &error))?;
        binding::warn_of_taken_ports(&server);
        let signals = Signals::catch()?;
        Ok(Running { opened: self, server, log, signals, ready: None })
    }
}

impl Running {
    /// Its configuration, as it is obeyed: with the ports the kernel gave.
    #[must_use]
    pub fn config(&self) -> SiteConfig {
        self.server.config()
    }

    /// The passive ports of all listeners, without those that another program uses.
    #[must_use]
    pub fn passive(&self) -> Vec<u16> {
        self.server.passive()
    }

    /// The certificate that clients see who ask for no name; `None`: there is no TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&Shown> {
        self.opened.certificate()
    }

    /// Users with the passwords that were generated for them.
    #[must_use]
    pub fn generated(&self) -> &[Generated] {
        &self.opened.generated
    }

    /// The table of its sessions.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.server.registry()
    }

    /// Writes `{"control":["127.0.0.1:2121"],"implicit":[],"passive":[61000]}` to a file, which is removed
    /// when the server ends.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_ready_file(&mut self, path: &Path) -> Result<(), Error> {
        let ready = Ready::write(path, &self.server).map_err(|error| Error::unwritable(path, &error))?;
        self.ready = Some(ready);
        Ok(())
    }

    /// Serves until a signal, or its [`registry`](Self::registry), has stopped it.
    pub async fn run(self) {
        let Self { opened, server, log, signals, ready: _ready } = self;
        let (control, implicit) = (server.control(), server.implicit());
        tracing::info!(?control, ?implicit, passive = %show_ports(&server.passive()), "serving");
        let (registry, patience) = (server.registry(), server.config().deadlines.drain);
        let reload = Arc::new(Notify::new());
        // A task of its own: a certificate on a disk that hangs must not keep signals waiting.
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let (reload, log) = (Arc::clone(&reload), Arc::clone(&log));
            async move {
                let reopen = || {
                    log.reopen();
                    reload.notify_one();
                };
                signals.follow(&registry, patience, reopen).await;
            }
        });
        tokio::select! {
            () = server.run() => {}
            () = opened.maintain(&reload) => {}
            _ = tasks.join_next() => {}
        }
        tracing::info!("stopped");
    }
}
