//! How is a whole site set up for what no story can tell: clients that misbehave, and ends in the middle of
//! things?
use std::future::{Future, ready};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use config::SiteConfig;
use server::limits::LoginLimits;
use server::xferlog::Xferlog;
use server::{Registry, Server};
use storage::local::{Local, LocalOptions, Sync};
use storage::{Admission, Answer, Attempt, Denied, Gate, Rights, Tree};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::dress::{Dress, Tls};
use crate::line::{Door, Line};
use crate::loopback::{announced, at, site};
use crate::way::Way;

/// A site on loopback and the folder it shares.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) door: Door,
    pub(crate) registry: Registry,
    pub(crate) running: JoinHandle<()>,
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
    pub(crate) fn open(settings: SiteConfig, dress: Dress) -> Self {
        Self::with(settings, dress, |tree| Arc::new(Open(tree)))
    }

    /// A site whose gate is made for its folder.
    pub(crate) fn with(
        settings: SiteConfig,
        dress: Dress,
        gate: impl FnOnce(Arc<dyn Tree>) -> Arc<dyn Gate>,
    ) -> Self {
        Self::with_limits(settings, dress, None, gate)
    }

    pub(crate) fn with_limits(
        mut settings: SiteConfig,
        dress: Dress,
        limits: Option<Arc<dyn LoginLimits>>,
        gate: impl FnOnce(Arc<dyn Tree>) -> Arc<dyn Gate>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("root")).expect("a root");
        let options = LocalOptions { read_only: false, sync: Sync::Never, ..LocalOptions::default() };
        let tree = Local::open(&folder.path().join("root"), options).expect("a tree");
        let gate = gate(Arc::new(tree));
        let log = folder.path().join("xferlog");
        let tls = Tls::of(dress);
        dress.put_on(&mut settings);
        let site = site(Ipv4Addr::LOCALHOST.into(), 2, |range| {
            let log = Xferlog::open(&log).expect("a transfer log");
            let (config, tls) = at(&settings, Ipv4Addr::LOCALHOST.into(), range, tls.as_ref());
            Server::builder(config, Arc::clone(&gate))
                .tls(tls)
                .xferlog(log)
                .login_limits(limits.clone())
                .bind()
        });
        let door = Door { clear: site.control()[0], implicit: site.implicit().first().copied(), tls, dress };
        let registry = site.registry();
        Self { folder, door, registry, running: tokio::spawn(site.run()) }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("root").join(name)
    }

    /// The classic transfer log so far.
    pub(crate) fn xferlog(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("xferlog")).expect("the transfer log")
    }

    /// A client that has heard the greeting.
    pub(crate) async fn client(&self) -> Client {
        let mut client = Client { control: Line::connect(&self.door).await.expect("the site listens") };
        client.hear("220").await;
        client
    }

    /// Waits until the site lets another client in.
    pub(crate) async fn room(&self) -> Client {
        loop {
            let mut control = Line::connect(&self.door).await.expect("the site listens");
            if matches!(control.line().await, Ok(Some(greeting)) if greeting.starts_with(b"220 ")) {
                return Client { control };
            }
        }
    }

    /// A client that has logged in and set TYPE I.
    pub(crate) async fn member(&self) -> Client {
        self.client().await.logged_in().await
    }

    /// The same, where others may have to leave first.
    pub(crate) async fn member_in_turn(&self) -> Client {
        patiently(self.room()).await.logged_in().await
    }
}

/// A client's control connection.
pub(crate) struct Client {
    pub(crate) control: Line,
}

impl Client {
    async fn logged_in(mut self) -> Self {
        self.ask("USER somebody", "331").await;
        self.ask("PASS x", "230").await;
        self.ask("TYPE I", "200").await;
        self
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.control.write(text.as_bytes()).await.expect("the site reads");
    }

    /// The last line of the next reply; `None` when the site has closed.
    pub(crate) async fn reply(&mut self) -> Option<String> {
        patiently(async {
            loop {
                // A reset is an end too.
                let line = self.control.line().await.ok()??;
                if line.len() > 3 && line[3] == b' ' && line[0].is_ascii_digit() {
                    return Some(String::from_utf8_lossy(&line).into_owned());
                }
            }
        })
        .await
    }

    pub(crate) async fn hear(&mut self, code: &str) -> String {
        let reply = self.reply().await.expect("a reply, not the end");
        assert!(reply.starts_with(code), "expected {code}, heard {reply}");
        reply
    }

    pub(crate) async fn ask(&mut self, command: &str, code: &str) -> String {
        self.say(&format!("{command}\r\n")).await;
        self.hear(code).await
    }

    /// A data connection to a passive port.
    pub(crate) async fn passive(&mut self) -> Way {
        let port = announced(self.ask("EPSV", "229").await.as_bytes()).expect("a port");
        let to = (self.control.ip(), port).into();
        Way::dial(to, self.control.protection()).await.expect("the port is open")
    }
}

/// What hangs for ever fails.
pub(crate) async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it takes no twenty seconds")
}
