//! Who talks to the site? A client of few words, that does exactly what it is told.
use std::fmt::Display;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use net::tls::Versions;

use crate::control::{Address, ClientControl};
use crate::data::{ClientData, End};
use crate::loopback::{Loopback, announced};
use crate::setup::Setup;
use crate::story::Story;
use crate::tls_mode::TlsMode;

/// How long anything may take before it counts as hanging.
const BOUND: Duration = Duration::from_secs(60);

/// A site of these `@` lines, and its folder.
pub(crate) fn house(site: &str, tls_mode: TlsMode) -> (Setup, Loopback) {
    let setup = setup(site);
    let site = Loopback::open(&setup, tls_mode);
    (setup, site)
}

/// The setup of a site of these `@` lines.
pub(crate) fn setup(site: &str) -> Setup {
    let told = format!("# A site.\n{site}\nC: NOOP\n");
    Setup::lay(&Story::parse("a test", &told).expect("a site that can be told")).expect("its setup")
}

/// Runs a test within its bound.
pub(crate) async fn within_bound<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, test).await.expect("nothing hangs")
}

pub(crate) const BOTH: [Versions; 2] = [Versions::Tls12, Versions::Tls13];

/// Runs a test under both versions of TLS, within its bound.
pub(crate) async fn in_both(test: impl AsyncFn(Versions)) {
    within_bound(async {
        for versions in BOTH {
            test(versions).await;
        }
    })
    .await;
}

/// Runs a test in every TLS mode that makes a difference, each time within its bound.
pub(crate) async fn in_each_tls_mode(test: impl AsyncFn(TlsMode)) {
    for tls_mode in TlsMode::KINDS {
        // Shown when it fails.
        println!("in {tls_mode:?}:");
        within_bound(Box::pin(test(tls_mode))).await;
    }
}

pub(crate) struct Client {
    pub(crate) control: ClientControl,
}

impl Client {
    /// Connects, and does not wait for the greeting.
    pub(crate) async fn connect(to: &Address) -> std::io::Result<Self> {
        Ok(Self { control: ClientControl::connect(to).await? })
    }

    /// Connects, and hears the greeting.
    pub(crate) async fn greeted(to: &Address) -> Self {
        let mut client = Self::connect(to).await.expect("a site that listens");
        client.expect(220).await;
        client
    }

    /// Connects and logs in, for files of bytes.
    pub(crate) async fn login(to: &Address) -> Self {
        Self::login_as(to, None, "anonymous").await
    }

    /// The same as a user whose password is `x`, from this address.
    pub(crate) async fn login_as(to: &Address, from: Option<IpAddr>, user: &str) -> Self {
        let control = ClientControl::connect_from(to, from).await.expect("a site that listens");
        let mut client = Self { control };
        client.expect(220).await;
        client.logged_in(user).await
    }

    /// Logs in, for files of bytes.
    pub(crate) async fn logged_in(mut self, user: &str) -> Self {
        for (line, code) in [(format!("USER {user}").as_str(), 331), ("PASS x", 230), ("TYPE I", 200)] {
            self.command(line, code).await;
        }
        self
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.write(format!("{line}\r\n")).await;
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.control.write(bytes.as_ref()).await.expect("the server reads");
    }

    /// Says a line and hears one reply, as [`Self::expect`].
    pub(crate) async fn command(&mut self, line: &str, reply: impl Display) -> String {
        self.say(line).await;
        self.expect(reply).await
    }

    /// The next line; `None` when the connection has ended, or broken.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let line = self.control.line().await.ok()??;
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// The last line of the next reply; `None` when the connection has ended, or broken.
    pub(crate) async fn reply(&mut self) -> Option<String> {
        loop {
            let line = self.line().await?;
            if line.get(3..4) == Some(" ") && line.as_bytes()[0] != b' ' {
                return Some(line);
            }
        }
    }

    /// Hears one reply to its end; its last line, which must begin so.
    pub(crate) async fn expect(&mut self, start: impl Display) -> String {
        let start = start.to_string();
        let reply = self.reply().await.unwrap_or_else(|| panic!("expected {start}, the server closed"));
        assert!(reply.starts_with(&start), "expected {start}, got {reply}");
        reply
    }

    /// The server has closed, and said nothing more.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(self.line().await, None);
    }

    /// Asks for a passive port, and which it is.
    pub(crate) async fn port(&mut self) -> u16 {
        announced(self.command("EPSV", 229).await.as_bytes()).expect("a port in the 229")
    }

    /// A data connection by EPSV.
    pub(crate) async fn data(&mut self) -> ClientData {
        let port = self.port().await;
        self.dial(port).await
    }

    pub(crate) async fn dial(&self, port: u16) -> ClientData {
        let to = (self.control.ip(), port).into();
        ClientData::dial(to, self.control.protection()).await.expect("the passive port listens")
    }

    /// A whole download.
    pub(crate) async fn retrieve(&mut self, path: &str) -> Vec<u8> {
        let data = self.data().await;
        self.retrieve_on(path, data).await
    }

    /// The same on this data connection.
    pub(crate) async fn retrieve_on(&mut self, path: &str, data: ClientData) -> Vec<u8> {
        self.command(&format!("RETR {path}"), 150).await;
        let bytes = all(data).await;
        self.expect(226).await;
        bytes
    }

    /// A whole upload.
    pub(crate) async fn store(&mut self, path: &str, bytes: &[u8]) {
        let mut data = self.data().await;
        self.command(&format!("STOR {path}"), 150).await;
        data.send(bytes).await.expect("the server reads");
        data.end().await.expect("the server reads");
        self.expect(226).await;
    }
}

/// Everything up to the server's end, which says that it is everything.
pub(crate) async fn all(data: ClientData) -> Vec<u8> {
    let (bytes, end) = data.all().await.expect("an end in order");
    assert_ne!(end, End::Cut);
    bytes
}

/// A connection from another address of this machine.
pub(crate) async fn stranger(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(from, 0)).expect("an address of this machine");
    socket.connect(to).await.expect("the port listens")
}

/// Is this process the test's own? If not, one is started that runs nothing but this test, and must succeed;
/// then there is nothing left to do in this one.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "SERVER_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let me = std::env::current_exe().expect("a test has a file");
    let done = Command::new(me).args([test, "--exact"]).env(ALONE, "1").output().expect("a process");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    false
}
