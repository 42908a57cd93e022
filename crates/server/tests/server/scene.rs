//! How is a whole site set up for what no story can tell: clients that misbehave, and ends in the middle of
//! things?
use std::future::{Future, ready};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use config::{SiteConfig, Tls};
use server::limits::LoginLimits;
use server::xferlog::Xferlog;
use storage::local::{Local, LocalOptions, Sync};
use storage::{Admission, Answer, Attempt, Denied, Gate, Rights, Tree};

use crate::client::{Client, setup};
use crate::loopback::Loopback;
use crate::setup::Setup;
use crate::tls_mode::TlsMode;

/// A running site and the folder it shares.
pub(crate) struct Scene {
    setup: Setup,
    site: Loopback,
}

impl Deref for Scene {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        &self.site
    }
}

/// Lets everybody in, to write.
pub(crate) struct Open(pub(crate) Arc<dyn Tree>);

impl Gate for Open {
    fn admit(&self, _attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        Box::pin(ready(Ok(self.admission())))
    }
}

impl Open {
    pub(crate) fn admission(&self) -> Admission {
        Admission::new("somebody", Rights::Write, Arc::clone(&self.0))
    }
}

impl Scene {
    pub(crate) fn open(settings: SiteConfig, tls_mode: TlsMode) -> Self {
        Self::with(settings, tls_mode, |tree| Arc::new(Open(tree)))
    }

    /// A site whose gate is made for its folder.
    pub(crate) fn with(
        settings: SiteConfig,
        tls_mode: TlsMode,
        gate: impl FnOnce(Arc<dyn Tree>) -> Arc<dyn Gate>,
    ) -> Self {
        Self::with_limits(settings, tls_mode, None, gate)
    }

    pub(crate) fn with_limits(
        settings: SiteConfig,
        tls_mode: TlsMode,
        limits: Option<Arc<dyn LoginLimits>>,
        gate: impl FnOnce(Arc<dyn Tree>) -> Arc<dyn Gate>,
    ) -> Self {
        let mut setup = setup("");
        let options = LocalOptions { read_only: false, sync: Sync::Never, ..LocalOptions::default() };
        setup.gate = gate(Arc::new(Local::open(&setup.at("/"), options).expect("a tree")));
        setup.settings = settings;
        if tls_mode == TlsMode::Clear {
            setup.settings.listeners[0].tls = Tls::Off;
        }
        let log = setup.folder.path().join("xferlog");
        let build = |builder: server::Builder| {
            builder.xferlog(Xferlog::open(&log).expect("a transfer log")).login_limits(limits.clone())
        };
        let site = Loopback::built(&setup, tls_mode, |_| {}, build);
        Self { setup, site }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.setup.at(name)
    }

    /// The classic transfer log so far.
    pub(crate) fn xferlog(&self) -> String {
        std::fs::read_to_string(self.setup.folder.path().join("xferlog")).expect("the transfer log")
    }

    /// A client that has heard the greeting.
    pub(crate) async fn client(&self) -> Client {
        Client::greeted(&self.door).await
    }

    /// Waits until the site lets another client in.
    pub(crate) async fn room(&self) -> Client {
        loop {
            let mut client = Client::connect(&self.door).await.expect("the site listens");
            if client.line().await.is_some_and(|greeting| greeting.starts_with("220 ")) {
                return client;
            }
        }
    }

    /// A client that has logged in and set TYPE I.
    pub(crate) async fn member(&self) -> Client {
        self.client().await.logged_in("somebody").await
    }

    /// The same, where others may have to leave first.
    pub(crate) async fn member_in_turn(&self) -> Client {
        patiently(self.room()).await.logged_in("somebody").await
    }

    /// Waits for the site's end; its transfer log.
    pub(crate) async fn ended(mut self) -> String {
        patiently(self.site.running.take().expect("it runs")).await.expect("it ends");
        self.xferlog()
    }
}

/// What hangs for ever fails.
pub(crate) async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it takes no twenty seconds")
}
