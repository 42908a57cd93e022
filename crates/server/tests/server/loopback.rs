//! Do the stories come true with the whole server, over real sockets?
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as Probe};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use server::xferlog::Xferlog;
use server::{Refusals, Registry, Server};
use storage::Gate;
use testbed::need;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use config::{Listener, SiteConfig, Tls as Policy};
use net::tls::Versions;
use net::tls::server::ServerTls;

use crate::dress::{Dress, Tls};
use crate::ground::Ground;
use crate::line::{Door, Line};
use crate::play::{Failure, Stage, play};
use crate::story::{self, Manner, Runner, Story};
use crate::way::{Ear, End, Way};

/// Stories that run at a time: enough that those which wait for a deadline do not hold the others up.
const AT_ONCE: usize = 12;

/// A running site and its clients.
pub(crate) struct Loopback {
    pub(crate) door: Door,
    pub(crate) passive: Vec<u16>,
    pub(crate) registry: Registry,
    pub(crate) refusals: Refusals,
    pub(crate) running: Option<JoinHandle<()>>,
    clients: BTreeMap<usize, Client>,
}

struct Client {
    control: Line,
    announced: Option<u16>,
    ear: Option<Ear>,
    data: Option<Way>,
    /// Does the transfer end as its data connection does?
    transfer: Transfer,
}

/// Where a client's transfer is.
#[derive(Clone, Copy)]
enum Transfer {
    None,
    /// 150 was said.
    Running,
    /// The data connection has ended, the reply is to come.
    Ended(End),
    /// The reply has come: it is whole, or not.
    Told(bool),
}

impl Transfer {
    /// A line of a reply.
    fn told(&mut self, line: &[u8]) -> Result<(), String> {
        let whole = match line {
            [b'1', b'5', b'0', b' ', ..] => {
                *self = Self::Running;
                return Ok(());
            }
            [b'2', b'2', b'6', b' ', ..] => true,
            [b'4' | b'5', _, _, b' ', ..] => false,
            _ => return Ok(()),
        };
        match *self {
            Self::Running => *self = Self::Told(whole),
            Self::Ended(end) => {
                *self = Self::Told(whole);
                return agree(end, whole);
            }
            Self::None | Self::Told(_) => {}
        }
        Ok(())
    }

    /// The data connection has ended.
    fn ended(&mut self, end: End) -> Result<(), String> {
        match *self {
            Self::Running => *self = Self::Ended(end),
            Self::Told(whole) => return agree(end, whole),
            Self::None if end == End::Cut => {
                return Err("the data connection did not end with FIN".to_owned());
            }
            Self::None | Self::Ended(_) => {}
        }
        Ok(())
    }
}

/// Under TLS what is whole ends with close_notify, and nothing else does (RFC 8446 6.1).
fn agree(end: End, whole: bool) -> Result<(), String> {
    match (end, whole) {
        (End::Cut, true) => Err("the server ended without close_notify what it says is whole".to_owned()),
        (End::Notified, false) => Err("the server says close_notify to what is not whole".to_owned()),
        _ => Ok(()),
    }
}

impl Loopback {
    pub(crate) fn open(ground: &Ground, dress: Dress) -> Self {
        Self::bind(ground, dress, None, |_| {})
    }

    /// With settings that the dress would have otherwise.
    pub(crate) fn changed(ground: &Ground, dress: Dress, change: impl FnOnce(&mut SiteConfig)) -> Self {
        Self::bind(ground, dress, None, change)
    }

    /// With the classic transfer log at a path.
    pub(crate) fn logging(ground: &Ground, dress: Dress, xferlog: &Path) -> Self {
        Self::bind(ground, dress, Some(xferlog), |_| {})
    }

    fn bind(
        ground: &Ground,
        dress: Dress,
        xferlog: Option<&Path>,
        change: impl FnOnce(&mut SiteConfig),
    ) -> Self {
        let address: IpAddr =
            if ground.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let gate: Arc<dyn Gate> = Arc::clone(&ground.gate) as _;
        let mut settings = ground.settings.clone();
        // A story of TLS begins it itself.
        let tls = match dress {
            Dress::Clear => (settings.listeners[0].tls != Policy::Off)
                .then(|| Tls::showing(Versions::Both, ground.shown.clone())),
            _ => Tls::of(dress),
        };
        dress.put_on(&mut settings);
        change(&mut settings);
        let site = site(address, ground.ports, |range| {
            let xferlog = xferlog.map(|at| Xferlog::open(at).expect("a log that can be written"));
            let (config, tls) = at(&settings, address, range, tls.as_ref());
            Server::builder(config, Arc::clone(&gate)).tls(tls).xferlog(xferlog).bind()
        });
        let door = Door { clear: site.control()[0], implicit: site.implicit().first().copied(), tls, dress };
        let (passive, registry, refusals) = (site.passive(), site.registry(), site.refusals());
        let running = Some(tokio::spawn(site.run()));
        Self { door, passive, registry, refusals, running, clients: BTreeMap::new() }
    }

    async fn client(&mut self, who: usize) -> Result<&mut Client, String> {
        if !self.clients.contains_key(&who) {
            let control = Line::connect(&self.door).await.map_err(said)?;
            let client = Client { control, announced: None, ear: None, data: None, transfer: Transfer::None };
            self.clients.insert(who, client);
        }
        Ok(self.clients.get_mut(&who).expect("just put there"))
    }

    async fn data(&mut self, who: usize) -> Result<&mut Way, String> {
        self.client(who).await?.data.as_mut().ok_or_else(no_data)
    }
}

fn no_data() -> String {
    "there is no data connection (D+)".to_owned()
}

/// The default configuration without TLS.
pub(crate) fn plain() -> SiteConfig {
    let mut config = SiteConfig::default();
    config.listeners[0].tls = Policy::Off;
    config
}

/// The configuration with its first listener at this address, and one with implicit TLS where there is TLS.
pub(crate) fn at(
    settings: &SiteConfig,
    address: IpAddr,
    ports: RangeInclusive<u16>,
    tls: Option<&Tls>,
) -> (SiteConfig, Option<Arc<ServerTls>>) {
    let mut config = settings.clone();
    let first = &mut config.listeners[0];
    (first.address, first.port, first.passive_ports) = (address, 0, ports);
    let implicit = tls.map(|_| Listener { implicit: true, ..first.clone() });
    config.listeners.extend(implicit);
    (config, tls.map(|tls| Arc::clone(&tls.server)))
}

/// A site with so many passive ports. The kernel says which are free; another process may take one before the
/// site does, and then there are others.
pub(crate) fn site(
    address: IpAddr,
    ports: usize,
    bind: impl Fn(RangeInclusive<u16>) -> Result<Server, server::BindError>,
) -> Server {
    for _ in 0..200 {
        let probe = Probe::bind((address, 0)).expect("loopback has free ports");
        let low = probe.local_addr().expect("a bound socket has an address").port();
        drop(probe);
        let Some(high) = low.checked_add(u16::try_from(ports - 1).expect("few ports")) else { continue };
        if let Ok(site) = bind(low..=high)
            && site.taken().is_empty()
        {
            return site;
        }
    }
    panic!("no {ports} free ports side by side on {address}");
}

/// The port of a 227 or 229.
pub(crate) fn announced(reply: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(reply).ok()?;
    let inner = &text[text.find('(')? + 1..text.find(')')?];
    match text.get(..3)? {
        "229" => inner.trim_matches('|').parse().ok(),
        "227" => {
            let numbers: Vec<u16> = inner.split(',').filter_map(|n| n.parse().ok()).collect();
            Some(numbers.get(4)? * 256 + numbers.get(5)?)
        }
        _ => None,
    }
}

fn said(error: io::Error) -> String {
    error.to_string()
}

impl Stage for Loopback {
    async fn say(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.client(who).await?.control.write(bytes).await
    }

    async fn urgent(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.client(who).await?.control.urgent(bytes).await
    }

    async fn hear(&mut self, who: usize) -> Result<Option<Vec<u8>>, String> {
        let client = self.client(who).await?;
        let line = client.control.line().await?;
        if let Some(line) = &line {
            client.announced = announced(line).or(client.announced);
            client.transfer.told(line)?;
        }
        Ok(line)
    }

    async fn hang_up(&mut self, who: usize) {
        if let Some(client) = self.clients.get_mut(&who) {
            client.control.shutdown().await;
        }
    }

    async fn connect(&mut self, who: usize, how: Manner) -> Result<(), String> {
        let client = self.client(who).await?;
        let stranger = match how {
            Manner::Unbound => Some(client.control.unknown_session().await?),
            Manner::Own | Manner::Clear => None,
        };
        let session = match how {
            Manner::Clear => None,
            Manner::Own | Manner::Unbound => stranger.as_ref().or(client.control.protection()),
        };
        let way = match (&client.ear, client.announced) {
            (Some(ear), _) => ear.accept(session).await,
            (None, Some(port)) => Way::dial((client.control.ip(), port).into(), session).await,
            (None, None) => return Err("no port was announced".to_owned()),
        };
        (client.data, client.transfer) = (Some(way.map_err(said)?), Transfer::None);
        Ok(())
    }

    async fn listen(&mut self, who: usize) -> Result<SocketAddr, String> {
        let client = self.client(who).await?;
        let ear =
            Ear::open(client.control.ip(), client.control.protection().is_some()).await.map_err(said)?;
        let at = ear.local().map_err(said)?;
        client.ear = Some(ear);
        Ok(at)
    }

    async fn close(&mut self, who: usize) {
        if let Some(client) = self.clients.get_mut(&who) {
            client.ear = None;
            if let Some(way) = client.data.take() {
                way.close().await;
            }
        }
    }

    async fn send(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.data(who).await?.send(bytes).await
    }

    async fn end_sending(&mut self, who: usize) -> Result<(), String> {
        self.data(who).await?.end().await
    }

    async fn cut(&mut self, who: usize) -> Result<(), String> {
        self.client(who).await?.data.take().ok_or_else(no_data)?.cut().await
    }

    async fn reset(&mut self, who: usize) -> Result<(), String> {
        self.client(who).await?.data.take().ok_or_else(no_data)?.reset().await
    }

    async fn receive(&mut self, who: usize) -> Result<Vec<u8>, String> {
        let client = self.client(who).await?;
        client.ear = None;
        let (bytes, end) = client.data.take().ok_or_else(no_data)?.all().await?;
        // Where not a byte was sent nothing is taken for the whole, and an end in order lets the client hear
        // why.
        if !bytes.is_empty() || end != End::Notified {
            client.transfer.ended(end)?;
        }
        Ok(bytes)
    }

    async fn stop(&mut self) {
        self.registry.stop_further();
    }

    async fn leave(&mut self) {
        self.clients.clear();
        self.registry.stop_further();
        if let Some(running) = self.running.take() {
            // A panic of the server's is the test's.
            running.await.expect("the site runs to its end");
        }
    }
}

async fn tell(story: Story, dress: Dress) -> Result<(), Failure> {
    let ground = Ground::lay(&story).map_err(Failure)?;
    if ground.ipv6 && !need::has_ipv6() {
        return Ok(());
    }
    let mut stage = Loopback::open(&ground, dress);
    play(&story, &ground, &mut stage).await
}

async fn tell_all(dress: Dress) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for story in story::all() {
        if story.only.as_ref().is_some_and(|(runner, _)| *runner != Runner::Loopback) {
            continue;
        }
        if dress.spares(&story).is_some() {
            continue;
        }
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire().await;
            tell(story, dress).await
        });
    }
    let mut all: Vec<String> =
        playing.join_all().await.into_iter().filter_map(Result::err).map(|failure| failure.0).collect();
    all.sort();
    // Some stories want it. Said here: in their own tasks the name of the test is not known.
    let _ = need::ipv6();
    assert!(all.is_empty(), "{dress:?}: {} stories fail:\n\n{}\n", all.len(), all.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true() {
    tell_all(Dress::Clear).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_explicit_tls_1_2() {
    tell_all(Dress::Explicit(Versions::Tls12)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_explicit_tls_1_3() {
    tell_all(Dress::Explicit(Versions::Tls13)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_implicit_tls_1_2() {
    tell_all(Dress::Implicit(Versions::Tls12)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_implicit_tls_1_3() {
    tell_all(Dress::Implicit(Versions::Tls13)).await;
}
