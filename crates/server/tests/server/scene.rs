//! How is a whole site set up for what no story can tell: clients that misbehave, and ends in the middle of things?
use std::future::{Future, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use server::site::Stopper;
use server::xferlog::Xferlog;
use server::{Settings, Site};
use storage::local::{Local, LocalOptions, Sync};
use storage::{Admission, Attempt, Denied, Gate, Rights, Tree, VPath};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::loopback::{announced, site};

/// A site on loopback and the folder it shares.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) at: SocketAddr,
    pub(crate) stopper: Stopper,
    pub(crate) running: JoinHandle<()>,
}

/// Lets everybody in, to write.
pub(crate) struct Open(pub(crate) Arc<dyn Tree>);

impl Gate for Open {
    fn wants_password(&self, _user: &[u8]) -> bool {
        true
    }

    fn admit<'a>(
        &'a self,
        _attempt: Attempt,
    ) -> Pin<Box<dyn Future<Output = Result<Admission, Denied>> + Send + 'a>> {
        Box::pin(ready(Ok(self.admission())))
    }
}

impl Open {
    pub(crate) fn admission(&self) -> Admission {
        Admission {
            user: "somebody".into(),
            rights: Rights { write: true },
            tree: Arc::clone(&self.0),
            home: VPath::root(),
        }
    }
}

impl Scene {
    pub(crate) fn open(settings: Settings) -> Self {
        Self::with(settings, |tree| Arc::new(Open(tree)))
    }

    /// A site whose gate is made for its folder.
    pub(crate) fn with(settings: Settings, gate: impl FnOnce(Arc<dyn Tree>) -> Arc<dyn Gate>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("root")).expect("a root");
        let options = LocalOptions { read_only: false, sync: Sync::Never, ..LocalOptions::default() };
        let tree = Local::open(&folder.path().join("root"), options).expect("a tree");
        let gate = gate(Arc::new(tree));
        let log = folder.path().join("xferlog");
        let site = site(Ipv4Addr::LOCALHOST.into(), 2, |range| {
            let log = Xferlog::open(&log).expect("a transfer log");
            let listen = [(Ipv4Addr::LOCALHOST, 0).into()];
            Site::bind(settings.clone(), Arc::clone(&gate), &listen, Some(range), Some(log))
        });
        let (at, stopper) = (site.control()[0], site.stopper());
        Self { folder, at, stopper, running: tokio::spawn(site.run()) }
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
        let control = TcpStream::connect(self.at).await.expect("the site listens");
        let mut client = Client { control: BufReader::new(control) };
        client.hear("220").await;
        client
    }

    /// Waits until the site lets another client in.
    pub(crate) async fn room(&self) {
        loop {
            let mut control = BufReader::new(TcpStream::connect(self.at).await.expect("the site listens"));
            let mut greeting = String::new();
            if control.read_line(&mut greeting).await.is_ok() && greeting.starts_with("220") {
                return;
            }
        }
    }

    /// A client that has logged in and set TYPE I.
    pub(crate) async fn member(&self) -> Client {
        let mut client = self.client().await;
        client.ask("USER somebody", "331").await;
        client.ask("PASS x", "230").await;
        client.ask("TYPE I", "200").await;
        client
    }
}

/// A client's control connection.
pub(crate) struct Client {
    pub(crate) control: BufReader<TcpStream>,
}

impl Client {
    pub(crate) async fn say(&mut self, text: &str) {
        self.control.get_mut().write_all(text.as_bytes()).await.expect("the site reads");
    }

    /// The last line of the next reply; `None` when the site has closed.
    pub(crate) async fn reply(&mut self) -> Option<String> {
        patiently(async {
            loop {
                let mut line = String::new();
                // A reset is an end too.
                if self.control.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return None;
                }
                if line.len() > 3 && line.as_bytes()[3] == b' ' && line.as_bytes()[0].is_ascii_digit() {
                    return Some(line.trim_end().to_owned());
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
    pub(crate) async fn passive(&mut self) -> TcpStream {
        let port = announced(self.ask("EPSV", "229").await.as_bytes()).expect("a port");
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("the port is open")
    }
}

/// What hangs for ever fails.
pub(crate) async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it takes no twenty seconds")
}
