//! Who talks to the site? A client of few words, that does exactly what it is told.
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use net::tls::Versions;

use crate::dress::Dress;
use crate::ground::Ground;
use crate::line::{Door, Line};
use crate::loopback::{Loopback, announced};
use crate::story::Story;
use crate::way::{End, Way};

/// How long anything may take before it counts as hanging.
const BOUND: Duration = Duration::from_secs(60);

/// A site of these `@` lines, and its folder.
pub(crate) fn house(site: &str, dress: Dress) -> (Ground, Loopback) {
    let ground = ground(site);
    let site = Loopback::open(&ground, dress);
    (ground, site)
}

/// The ground of a site of these `@` lines.
pub(crate) fn ground(site: &str) -> Ground {
    let told = format!("# A site.\n{site}\nC: NOOP\n");
    Ground::lay(&Story::parse("a test", &told).expect("a site that can be told")).expect("its ground")
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

/// Runs a test in every dress that makes a difference, each time within its bound.
pub(crate) async fn in_each_dress(test: impl AsyncFn(Dress)) {
    for dress in Dress::KINDS {
        // Shown when it fails.
        println!("in {dress:?}:");
        within_bound(Box::pin(test(dress))).await;
    }
}

pub(crate) struct Client {
    pub(crate) control: Line,
    /// The last line heard.
    pub(crate) last: String,
}

impl Client {
    /// Connects, and does not wait for the greeting.
    pub(crate) async fn connect(to: &Door) -> std::io::Result<Self> {
        Ok(Self { control: Line::connect(to).await?, last: String::new() })
    }

    /// Connects and logs in, for files of bytes.
    pub(crate) async fn login(to: &Door) -> Self {
        Self::login_as(to, None, "anonymous").await
    }

    /// The same as a user whose password is `x`, from this address.
    pub(crate) async fn login_as(to: &Door, from: Option<IpAddr>, user: &str) -> Self {
        let control = Line::connect_from(to, from).await.expect("a site that listens");
        let mut client = Self { control, last: String::new() };
        client.expect(220).await;
        for (line, code) in [(format!("USER {user}").as_str(), 331), ("PASS x", 230), ("TYPE I", 200)] {
            client.command(line, code).await;
        }
        client
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.write(format!("{line}\r\n").as_bytes()).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.control.write(bytes).await.expect("the server reads");
    }

    pub(crate) async fn command(&mut self, line: &str, code: u16) {
        self.say(line).await;
        self.expect(code).await;
    }

    pub(crate) async fn urgent(&mut self, bytes: &[u8]) {
        self.control.urgent(bytes).await.expect("the server reads");
    }

    /// The next line; `None` when the connection has ended, or broken.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let line = self.control.line().await.ok()??;
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// Hears one reply to its end; it must have this code.
    pub(crate) async fn expect(&mut self, code: u16) {
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("expected {code}, the server closed"));
            if line.get(3..4) == Some(" ") && line.as_bytes()[0] != b' ' {
                assert_eq!(line[..3], code.to_string(), "{line}");
                self.last = line;
                return;
            }
        }
    }

    /// The server has closed, and said nothing more.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(self.line().await, None);
    }

    /// Asks for a passive port, and which it is.
    pub(crate) async fn port(&mut self) -> u16 {
        self.command("EPSV", 229).await;
        announced(self.last.as_bytes()).expect("a port in the 229")
    }

    /// A data connection by EPSV.
    pub(crate) async fn data(&mut self) -> Way {
        let port = self.port().await;
        self.dial(port).await
    }

    pub(crate) async fn dial(&self, port: u16) -> Way {
        let to = (self.control.ip(), port).into();
        Way::dial(to, self.control.protection()).await.expect("the passive port listens")
    }

    /// A whole download.
    pub(crate) async fn retrieve(&mut self, path: &str) -> Vec<u8> {
        let data = self.data().await;
        self.command(&format!("RETR {path}"), 150).await;
        let bytes = all(data).await;
        self.expect(226).await;
        bytes
    }
}

/// Everything up to the server's end, which says that it is everything.
pub(crate) async fn all(data: Way) -> Vec<u8> {
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
