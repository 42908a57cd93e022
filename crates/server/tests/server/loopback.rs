//! Do the stories come true with the whole server, over real sockets?
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as Probe};
use std::ops::RangeInclusive;
use std::sync::Arc;

use server::{Builder, Reason, Refusals, Registry, Server};
use testbed::need;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use config::{Listener, SiteConfig, Tls as Policy};
use net::tls::Versions;
use net::tls::server::ServerTls;

use crate::control::{Address, ClientControl};
use crate::data::{ClientData, DataListener, End};
use crate::play::{Failure, play};
use crate::setup::Setup;
use crate::story::{self, Manner, Story};
use crate::tls_mode::{Tls, TlsMode};

/// Stories that run at a time: enough that those which wait for a deadline do not hold the others up.
const AT_ONCE: usize = 12;

/// The replies to what is refused in other words than the reason's own.
const OTHER_WORDS: [(Reason, &str); 9] = [
    (Reason::BadArgument, "501 "),
    (Reason::BadParameter, "504 STRU: "),
    (Reason::BadSequence, "503 Send USER first."),
    (Reason::DataNotMade, "425 No connection attempt from "),
    (Reason::DialFailed, " refused the connection: "),
    (Reason::ForeignAddress, "504 Your address is "),
    (Reason::LineTooLong, "500 Line longer than "),
    (Reason::Unserved, " is not supported."),
    (Reason::WrongFamily, "522 Network protocol not supported, use "),
];

/// A running site and its clients.
pub(crate) struct Loopback {
    pub(crate) door: Address,
    pub(crate) passive: Vec<u16>,
    pub(crate) registry: Registry,
    pub(crate) refusals: Refusals,
    pub(crate) running: Option<JoinHandle<()>>,
    clients: BTreeMap<usize, Client>,
    /// Every reason that was given.
    reasons: HashSet<Reason>,
}

struct Client {
    control: ClientControl,
    announced: Option<u16>,
    ear: Option<DataListener>,
    data: Option<ClientData>,
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
    pub(crate) fn open(setup: &Setup, tls_mode: TlsMode) -> Self {
        Self::changed(setup, tls_mode, |_| {})
    }

    /// With settings that the TLS mode would have otherwise.
    pub(crate) fn changed(setup: &Setup, tls_mode: TlsMode, change: impl FnOnce(&mut SiteConfig)) -> Self {
        Self::built(setup, tls_mode, change, |builder| builder)
    }

    /// And with what else a server is made of.
    pub(crate) fn built(
        setup: &Setup,
        tls_mode: TlsMode,
        change: impl FnOnce(&mut SiteConfig),
        build: impl Fn(Builder) -> Builder,
    ) -> Self {
        let address: IpAddr =
            if setup.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let mut settings = setup.settings.clone();
        // A story of TLS begins it itself.
        let tls = match tls_mode {
            TlsMode::Clear => (settings.listeners[0].tls != Policy::Off)
                .then(|| Tls::showing(Versions::Both, setup.shown.clone())),
            _ => Tls::of(tls_mode),
        };
        tls_mode.put_on(&mut settings);
        change(&mut settings);
        let site = site(address, setup.ports, |range| {
            let (config, tls) = at(&settings, address, range, tls.as_ref());
            build(Server::builder(config, Arc::clone(&setup.gate)).tls(tls)).bind()
        });
        let door =
            Address { clear: site.control()[0], implicit: site.implicit().first().copied(), tls, tls_mode };
        let (passive, registry, refusals) = (site.passive(), site.registry(), site.refusals());
        let running = Some(tokio::spawn(site.run()));
        Self { door, passive, registry, refusals, running, clients: BTreeMap::new(), reasons: HashSet::new() }
    }

    /// Has it drain, and waits for its end.
    pub(crate) async fn stopped(&mut self) {
        self.registry.stop_further();
        if let Some(running) = self.running.take() {
            // A panic of the server's is the test's.
            running.await.expect("the site runs to its end");
        }
    }

    async fn client(&mut self, who: usize) -> Result<&mut Client, String> {
        if !self.clients.contains_key(&who) {
            let control = ClientControl::connect(&self.door).await.map_err(said)?;
            let client = Client { control, announced: None, ear: None, data: None, transfer: Transfer::None };
            self.clients.insert(who, client);
        }
        Ok(self.clients.get_mut(&who).expect("just put there"))
    }

    async fn data(&mut self, who: usize) -> Result<&mut ClientData, String> {
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
fn at(
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

/// The clients of a story. `who` numbers the client; it connects when it is first named. An error tells what
/// was seen in place of what was expected.
impl Loopback {
    pub(crate) async fn say(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.client(who).await?.control.write(bytes).await
    }

    /// As TCP urgent data.
    pub(crate) async fn urgent(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.client(who).await?.control.urgent(bytes).await
    }

    /// A line of a reply without its end; `None` when the server has closed.
    pub(crate) async fn hear(&mut self, who: usize) -> Result<Option<Vec<u8>>, String> {
        let line = self.client(who).await?.control.line().await?;
        if let Some(line) = &line {
            let text = String::from_utf8_lossy(line);
            let words = Reason::ALL.iter().map(|reason| (*reason, reason.text())).chain(OTHER_WORDS);
            let given = words.filter(|(_, words)| text.contains(words)).map(|(reason, _)| reason);
            self.reasons.extend(given);
            let client = self.client(who).await?;
            client.announced = announced(line).or(client.announced);
            client.transfer.told(line)?;
        }
        Ok(line)
    }

    pub(crate) async fn hang_up(&mut self, who: usize) {
        if let Some(client) = self.clients.get_mut(&who) {
            client.control.shutdown().await;
        }
    }

    /// Opens the data connection: to the port last announced, or by accepting where the client listens.
    pub(crate) async fn connect(&mut self, who: usize, how: Manner) -> Result<(), String> {
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
            (None, Some(port)) => ClientData::dial((client.control.ip(), port).into(), session).await,
            (None, None) => return Err("no port was announced".to_owned()),
        };
        (client.data, client.transfer) = (Some(way.map_err(said)?), Transfer::None);
        Ok(())
    }

    pub(crate) async fn listen(&mut self, who: usize) -> Result<SocketAddr, String> {
        let client = self.client(who).await?;
        let ear = DataListener::open(client.control.ip(), client.control.protection().is_some())
            .await
            .map_err(said)?;
        let at = ear.local().map_err(said)?;
        client.ear = Some(ear);
        Ok(at)
    }

    /// Closes what the client has of a data connection, or its listening port.
    pub(crate) async fn close(&mut self, who: usize) {
        if let Some(client) = self.clients.get_mut(&who) {
            client.ear = None;
            if let Some(way) = client.data.take() {
                way.close().await;
            }
        }
    }

    pub(crate) async fn send(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.data(who).await?.send(bytes).await
    }

    pub(crate) async fn end_sending(&mut self, who: usize) -> Result<(), String> {
        self.data(who).await?.end().await
    }

    /// Ends an upload without the end of TLS.
    pub(crate) async fn cut(&mut self, who: usize) -> Result<(), String> {
        self.client(who).await?.data.take().ok_or_else(no_data)?.cut().await
    }

    /// Resets the data connection.
    pub(crate) async fn reset(&mut self, who: usize) -> Result<(), String> {
        self.client(who).await?.data.take().ok_or_else(no_data)?.reset().await
    }

    /// All that comes on the data connection until the server ends it.
    pub(crate) async fn receive(&mut self, who: usize) -> Result<Vec<u8>, String> {
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

    /// The administrator stops the server: it drains.
    pub(crate) fn stop(&self) {
        self.registry.stop_further();
    }

    /// All clients leave; comes back when the server has ended.
    pub(crate) async fn leave(&mut self) {
        self.clients.clear();
        self.stopped().await;
    }
}

async fn tell(story: Story, tls_mode: TlsMode) -> Result<HashSet<Reason>, Failure> {
    let setup = Setup::lay(&story).map_err(Failure)?;
    if setup.ipv6 && !need::has_ipv6() {
        return Ok(HashSet::new());
    }
    let mut stage = Loopback::open(&setup, tls_mode);
    play(&story, &setup, &mut stage).await?;
    Ok(stage.reasons)
}

/// Plays every story that can be played so; the reasons that were given on the way.
async fn tell_all(tls_mode: TlsMode) -> HashSet<Reason> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for story in story::all() {
        if tls_mode.spares(&story).is_some() {
            continue;
        }
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire().await;
            tell(story, tls_mode).await
        });
    }
    let (mut all, mut reasons) = (Vec::new(), HashSet::new());
    for told in playing.join_all().await {
        match told {
            Ok(given) => reasons.extend(given),
            Err(failure) => all.push(failure.0),
        }
    }
    all.sort();
    // Some stories want it. Said here: in their own tasks the name of the test is not known.
    let _ = need::ipv6();
    assert!(all.is_empty(), "{tls_mode:?}: {} stories fail:\n\n{}\n", all.len(), all.join("\n\n"));
    reasons
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_and_give_every_reason() {
    let given = tell_all(TlsMode::Clear).await;
    // Said before there is a session, where claims are shared by several, and when the client has gone:
    // `balanced`, `turns`, `registry`, `rights` and `hangups` have these.
    let elsewhere =
        [Reason::NoProxyHeader, Reason::PortYielded, Reason::Ended, Reason::UserFull, Reason::HungUp];
    let said = |reason: &&Reason| given.contains(reason) || elsewhere.contains(reason);
    let missing: BTreeSet<_> = Reason::ALL.iter().filter(|r| !said(r)).map(|r| r.name()).collect();
    assert!(missing.is_empty(), "no story is refused for {missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_explicit_tls_1_2() {
    tell_all(TlsMode::Explicit(Versions::Tls12)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_explicit_tls_1_3() {
    tell_all(TlsMode::Explicit(Versions::Tls13)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_implicit_tls_1_2() {
    tell_all(TlsMode::Implicit(Versions::Tls12)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true_under_implicit_tls_1_3() {
    tell_all(TlsMode::Implicit(Versions::Tls13)).await;
}
