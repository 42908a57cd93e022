//! Do the stories come true with the whole server, over real sockets?
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as Probe};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use server::Site;
use server::site::Stopper;
use server::xferlog::Xferlog;
use socket2::SockRef;
use storage::Gate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use net::tls::Versions;
use server::settings::Tls as Policy;
use server::site::Protected;

use crate::ground::Ground;
use crate::play::{Failure, Stage, play};
use crate::story::{self, Runner, Story};
use crate::wrapped::{Line, Talk, Tls, Way};

/// Stories that run at a time: enough that those which wait for a deadline do not hold the others up.
const AT_ONCE: usize = 12;

/// A running site and its clients.
pub(crate) struct Loopback {
    pub(crate) at: SocketAddr,
    pub(crate) passive: Vec<u16>,
    pub(crate) stopper: Stopper,
    pub(crate) running: Option<JoinHandle<()>>,
    clients: BTreeMap<usize, Client>,
    tls: Option<Tls>,
}

struct Client {
    control: Line,
    heard: Vec<u8>,
    announced: Option<u16>,
    listener: Option<TcpListener>,
    data: Option<Way>,
}

impl Loopback {
    pub(crate) fn open(ground: &Ground) -> Self {
        Self::logging(ground, None)
    }

    /// With the classic transfer log at a path.
    pub(crate) fn logging(ground: &Ground, xferlog: Option<&Path>) -> Self {
        let address: IpAddr =
            if ground.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let gate: Arc<dyn Gate> = Arc::clone(&ground.gate) as _;
        let tls = (ground.settings.security.tls != Policy::Off)
            .then(|| Tls::showing(Versions::Both, ground.shown.clone()));
        let site = site(address, ground.ports, |range| {
            let xferlog = xferlog.map(|at| Xferlog::open(at).expect("a log that can be written"));
            let listen = [SocketAddr::new(address, 0)];
            let protected =
                tls.as_ref().map(|tls| Protected { tls: Arc::clone(&tls.server), implicit: Vec::new() });
            let settings = ground.settings.clone();
            Site::bind_protected(settings, Arc::clone(&gate), &listen, Some(range), xferlog, protected)
        });
        let (at, passive, stopper) = (site.control()[0], site.passive().to_vec(), site.stopper());
        let running = Some(tokio::spawn(site.run()));
        Self { at, passive, stopper, running, clients: BTreeMap::new(), tls }
    }

    async fn client(&mut self, who: usize) -> Result<&mut Client, String> {
        if !self.clients.contains_key(&who) {
            let control = match &self.tls {
                None => Line::Clear(TcpStream::connect(self.at).await.map_err(said)?),
                Some(_) => Line::Tls(Box::new(Talk::connect(self.at).await?)),
            };
            let client = Client { control, heard: Vec::new(), announced: None, listener: None, data: None };
            self.clients.insert(who, client);
        }
        Ok(self.clients.get_mut(&who).expect("just put there"))
    }

    async fn data(&mut self, who: usize) -> Result<&mut Way, String> {
        self.client(who).await?.data.as_mut().ok_or_else(|| "there is no data connection (D+)".to_owned())
    }
}

/// A site with so many passive ports. The kernel says which are free; another process may take one before the site
/// does, and then there are others.
pub(crate) fn site(
    address: IpAddr,
    ports: usize,
    bind: impl Fn(RangeInclusive<u16>) -> Result<Site, server::SiteError>,
) -> Site {
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

/// A reset, not an end.
pub(crate) fn reset(stream: TcpStream) -> io::Result<()> {
    SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO))
}

fn said(error: io::Error) -> String {
    error.to_string()
}

impl Stage for Loopback {
    async fn say(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        match &mut self.client(who).await?.control {
            Line::Clear(control) => control.write_all(bytes).await.map_err(said),
            Line::Tls(talk) => talk.control.write_all(bytes).await.map_err(said),
        }
    }

    async fn urgent(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        let Line::Clear(control) = &self.client(who).await?.control else {
            return Err("urgent data is told of clear connections".to_owned());
        };
        SockRef::from(control).send_out_of_band(bytes).map(drop).map_err(said)
    }

    async fn hear(&mut self, who: usize) -> Result<Option<Vec<u8>>, String> {
        let tls = self.tls.clone();
        let client = self.client(who).await?;
        loop {
            if let Some(at) = client.heard.windows(2).position(|w| w == b"\r\n") {
                let rest = client.heard.split_off(at + 2);
                let mut line = std::mem::replace(&mut client.heard, rest);
                line.truncate(at);
                client.announced = announced(&line).or(client.announced);
                if let (Line::Tls(talk), Some(tls)) = (&mut client.control, &tls) {
                    talk.told(&line, tls, &client.heard).await?;
                }
                return Ok(Some(line));
            }
            let read = match &mut client.control {
                Line::Clear(control) => control.read_buf(&mut client.heard).await.map_err(said)?,
                Line::Tls(talk) => talk.control.read(&mut client.heard).await.map_err(said)?,
            };
            if read == 0 {
                return Ok(None);
            }
        }
    }

    async fn hang_up(&mut self, who: usize) {
        if let Some(client) = self.clients.get_mut(&who) {
            // The transfer, if one runs, keeps its data connection.
            match &mut client.control {
                Line::Clear(control) => drop(control.shutdown().await),
                Line::Tls(talk) => talk.control.shutdown(),
            }
        }
    }

    async fn connect(&mut self, who: usize) -> Result<(), String> {
        let ip = self.at.ip();
        let client = self.client(who).await?;
        let data = match (&client.listener, client.announced) {
            (Some(listener), _) => Way::Clear(listener.accept().await.map_err(said)?.0),
            (None, Some(port)) => match &client.control {
                Line::Tls(talk) if talk.private => Way::dial(SocketAddr::new(ip, port), talk).await?,
                _ => Way::Clear(TcpStream::connect((ip, port)).await.map_err(said)?),
            },
            (None, None) => return Err("no port was announced".to_owned()),
        };
        client.data = Some(data);
        Ok(())
    }

    async fn listen(&mut self, who: usize) -> Result<SocketAddr, String> {
        let ip = self.at.ip();
        let listener = TcpListener::bind((ip, 0)).await.map_err(said)?;
        let at = listener.local_addr().map_err(said)?;
        self.client(who).await?.listener = Some(listener);
        Ok(at)
    }

    async fn close(&mut self, who: usize) {
        if let Some(client) = self.clients.get_mut(&who) {
            (client.listener, client.data) = (None, None);
        }
    }

    async fn send(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.data(who).await?.send(bytes).await
    }

    async fn end_sending(&mut self, who: usize) -> Result<(), String> {
        self.data(who).await?.end().await
    }

    async fn reset(&mut self, who: usize) -> Result<(), String> {
        let data = self.client(who).await?.data.take().ok_or("there is no data connection (D+)")?;
        match data {
            Way::Clear(data) => reset(data).map_err(said),
            _ => Err("resets are told of clear connections".to_owned()),
        }
    }

    async fn receive(&mut self, who: usize) -> Result<Vec<u8>, String> {
        let client = self.client(who).await?;
        let data = client.data.take().ok_or("there is no data connection (D+)")?;
        client.listener = None;
        data.all().await
    }

    async fn stop(&mut self) {
        self.stopper.further();
    }

    async fn leave(&mut self) {
        self.clients.clear();
        self.stopper.further();
        if let Some(running) = self.running.take() {
            // A panic of the server's is the test's.
            running.await.expect("the site runs to its end");
        }
    }
}

async fn tell(story: Story) -> Result<(), Failure> {
    let ground = Ground::lay(&story).map_err(Failure)?;
    if ground.ipv6 && Probe::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("skipped: {}: this machine has no IPv6", story.name);
        return Ok(());
    }
    let mut stage = Loopback::open(&ground);
    play(&story, &ground, &mut stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_come_true() {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for story in story::all() {
        if story.only.as_ref().is_some_and(|(runner, _)| *runner != Runner::Loopback) {
            continue;
        }
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire().await;
            tell(story).await
        });
    }
    let mut all: Vec<String> =
        playing.join_all().await.into_iter().filter_map(Result::err).map(|failure| failure.0).collect();
    all.sort();
    assert!(all.is_empty(), "{} stories fail:\n\n{}\n", all.len(), all.join("\n\n"));
}
