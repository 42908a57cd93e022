//! In which order does it all happen, and is it right?
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use client::session::{
    Approach, Credentials, Exchange, Flow, Goal, Input, Login, Patience, Transfer, Transferred, Want,
};
use client::{DataMethod, Mode};
use client::{Error, TlsMode};
use config::{SiteConfig, Tls};
use server::Settings;
use storage::Create;
use testbed::memory::Memory;
use testbed::tree;
use wire::{Command, Marker, Pathname, Protection, Secret};

use super::client::Client;
use super::net::{Chance, Connection, End};
use super::server::{Record, Server, at_once};

pub(crate) const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 50_000);
pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 21);
pub(crate) const PASSWORD: &str = "hunter2";

/// Faults in one life.
pub(crate) const FAULTS: u32 = 4;
/// Steps of one task: some hundred bytes at a time, and the waits between.
const STEPS: u32 = 5_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A reply comes twice.
    Doubled,
    /// The gate cannot tell.
    Unavailable,
    /// The server has no passive port.
    NoPort,
    /// A dial is refused.
    Refused,
    /// A dial is not answered.
    SynLost,
    /// Our own file, in the middle of a transfer.
    Local,
    /// The server's disk.
    Full,
}

/// What both sides have to do with.
pub(crate) struct Shared {
    pub(crate) control: Connection,
    pub(crate) data: Vec<Connection>,
    /// The server has connected to the client's port.
    pub(crate) dialled: Option<usize>,
    /// Where the client listens.
    listening: Option<SocketAddr>,
    /// Where the server listens, and what has come there.
    pub(crate) claimed: Option<u16>,
    pub(crate) arrived: Option<usize>,
    pub(crate) records: Vec<Record>,
    /// What the client is sending.
    sending: Vec<u8>,
    /// What it has sent to its end.
    pub(crate) sent: Vec<Vec<u8>>,
    port: u16,
    chance: Chance,
    /// One step in so many goes wrong.
    rate: usize,
    faults: u32,
    doubled: bool,
    tells: bool,
    story: Vec<String>,
    wrong: Option<String>,
}

impl Shared {
    /// Does this go wrong now?
    pub(crate) fn fault(&mut self, fault: Fault) -> bool {
        if self.faults == 0 || !self.chance.once_in(self.rate) {
            return false;
        }
        self.faults -= 1;
        self.doubled |= fault == Fault::Doubled;
        self.note(|| format!("! {fault:?}"));
        true
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if self.tells {
            self.story.push(what());
        }
    }

    pub(crate) fn wrong(&mut self, what: &str) {
        self.wrong.get_or_insert_with(|| what.to_owned());
    }

    pub(crate) fn shows_no_secret(&mut self, what: &impl Debug) {
        if format!("{what:?}").contains(PASSWORD) {
            self.wrong("an event shows the password");
        }
    }

    pub(crate) fn next_port(&mut self) -> u16 {
        self.port += 1;
        self.port
    }

    pub(crate) fn data_is_protected(&mut self, is_secured: bool, protection: Protection) {
        if is_secured && protection != Protection::Private {
            self.wrong("a data connection without TLS, though the control connection has it");
        }
    }

    /// The client connects to a port of the server's.
    pub(crate) fn dial_server(&mut self, to: SocketAddr) -> Option<usize> {
        if to.ip() != SERVER.ip() {
            self.wrong("the client connects to somebody else");
        }
        if self.claimed != Some(to.port()) || self.arrived.is_some() {
            return None;
        }
        self.data.push(Connection::default());
        self.arrived = Some(self.data.len() - 1);
        self.arrived
    }

    /// The server connects to a port of the client's.
    pub(crate) fn dial_client(&mut self, to: SocketAddr) -> Option<usize> {
        if self.listening != Some(to) || self.dialled.is_some() {
            return None;
        }
        self.data.push(Connection::default());
        self.dialled = Some(self.data.len() - 1);
        self.dialled
    }

    /// The server has published an upload.
    pub(crate) fn stored(&mut self, record: usize) {
        if !self.sent.contains(&self.records[record].bytes) {
            self.wrong("the server believes an upload that the client has not sent to its end");
        }
    }
}

/// How much was tried.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) downloads: u64,
    pub(crate) uploads: u64,
    pub(crate) failures: u64,
    steps: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.downloads += other.downloads;
        self.uploads += other.uploads;
        self.failures += other.failures;
        self.steps += other.steps;
    }
}

/// One life.
pub(crate) struct World {
    shared: Shared,
    chance: Chance,
    now: Instant,
    tree: Memory,
    settings: Settings,
    server: Server,
    client: Client,
    tls: TlsMode,
    mode: Mode,
    method: DataMethod,
    patience: Patience,
    pub(crate) counts: Counts,
}

/// Why a life does not go on.
enum Stop {
    /// Something is wrong with one of the two.
    Wrong(String),
    /// The site does not let it in any more.
    End,
}

type Goes<T> = Result<T, Stop>;

impl World {
    pub(crate) fn new(seed: u64, faults: u32, tells: bool) -> Self {
        let mut chance = Chance::new(seed);
        let mut shared = Shared {
            control: Connection::default(),
            data: Vec::new(),
            dialled: None,
            listening: None,
            claimed: None,
            arrived: None,
            records: Vec::new(),
            sending: Vec::new(),
            sent: Vec::new(),
            port: 40_000,
            chance: Chance::new(!seed),
            rate: [10, 60, 300][chance.below(3)],
            faults,
            doubled: false,
            tells,
            story: Vec::new(),
            wrong: None,
        };
        let (policy, tls) = [
            (Tls::Off, TlsMode::Off),
            (Tls::Off, TlsMode::Off),
            (Tls::Off, TlsMode::Offered),
            (Tls::Offered, TlsMode::Offered),
            (Tls::Offered, TlsMode::Off),
            (Tls::RequiredForData, TlsMode::Required),
            (Tls::RequiredForData, TlsMode::Offered),
            // They cannot agree.
            [(Tls::Off, TlsMode::Required), (Tls::RequiredForLogin, TlsMode::Off)][chance.below(2)],
        ][chance.below(8)];
        let mode = [Mode::Auto, Mode::Passive, Mode::Active][chance.below(3)];
        let mut config = SiteConfig::default();
        config.listeners[0].tls = policy;
        let (tree, settings, now) = (Memory::default(), Settings::from(config), Instant::now());
        let server = Server::new(&settings, &tree, now, &mut shared);
        let (client, method, patience) = (Client::new(tls), DataMethod::first(mode), Patience::default());
        let counts = Counts::default();
        let mut world =
            Self { shared, chance, now, tree, settings, server, client, tls, mode, method, patience, counts };
        for name in ["a", "b"] {
            let length = [0, 1, 3000][world.chance.below(3)];
            let content = world.chance.bytes(length);
            world.put(name, &content);
        }
        world
    }

    pub(crate) fn into_story(self) -> Vec<String> {
        self.shared.story
    }

    fn put(&self, name: &str, content: &[u8]) {
        at_once(tree::upload(&self.tree, &tree::at(name), Create::Replace, content)).expect("a file");
    }

    fn content(&self, name: &str) -> Option<Vec<u8>> {
        at_once(tree::read(&self.tree, &tree::at(name))).ok()
    }

    pub(crate) fn live(&mut self) -> Result<(), String> {
        match self.tasks() {
            Ok(()) | Err(Stop::End) => Ok(()),
            Err(Stop::Wrong(wrong)) => Err(wrong),
        }
    }

    fn tasks(&mut self) -> Goes<()> {
        self.login()?;
        for _ in 0..2 + self.chance.below(6) {
            if self.client.is_lost {
                self.reconnect()?;
            }
            match self.chance.below(8) {
                0..=2 => self.download()?,
                3..=5 => self.upload()?,
                6 => self.list()?,
                _ => {
                    let path = Pathname::new("a").expect("a pathname");
                    let ask = Exchange::new(Command::Size(path), Want::Completion, self.patience, self.now);
                    let answer = self.pursue(ask)?;
                    if let (Ok(reply), false) = (answer, self.shared.doubled) {
                        let size = self.content("a").map(|bytes| bytes.len().to_string());
                        ensure(size == String::from_utf8(reply.text().to_vec()).ok(), "SIZE")?;
                    }
                }
            }
        }
        let quit = Exchange::new(Command::Quit, Want::Completion, self.patience, self.now);
        if !self.client.is_lost {
            let _ = self.pursue(quit)?;
        }
        Ok(())
    }

    fn reconnect(&mut self) -> Goes<()> {
        self.client.hang_up(&mut self.shared);
        // What the server still does about the old session, it does before the new one, or never.
        for _ in 0..self.chance.below(40) {
            self.server_goes_on();
        }
        self.shared.note(|| "--- a new session".to_owned());
        self.shared.control = Connection::default();
        (self.shared.dialled, self.shared.claimed, self.shared.arrived) = (None, None, None);
        self.client = Client::new(self.tls);
        self.server = Server::new(&self.settings, &self.tree, self.now, &mut self.shared);
        self.login()
    }

    fn login(&mut self) -> Goes<()> {
        let password = if self.chance.once_in(20) { "wrong" } else { PASSWORD };
        let credentials =
            Credentials { user: b"ada".to_vec(), password: Secret::new(password), account: None };
        let login = Login::new(credentials, None, self.patience, self.now).under(self.tls);
        let done = self.pursue(login)?;
        if done.is_ok() && !self.shared.doubled {
            ensure(password == PASSWORD, "a login with a wrong password")?;
            let protected = self.tls == TlsMode::Required
                || self.tls == TlsMode::Offered && self.settings.listener.tls != Tls::Off;
            ensure(!protected || self.client.is_protected, "a login without the TLS that there is")?;
        }
        done.map(|_| ()).map_err(|_| Stop::End)
    }

    fn transfer(
        &mut self,
        command: Command,
        flow: Flow,
        restart: Option<u64>,
        content: &[u8],
    ) -> Goes<Option<u64>> {
        let mut approach = Approach::new(self.mode, self.method, SERVER);
        loop {
            self.client.prepare(flow, content.to_vec());
            self.shared.sending = content.to_vec();
            approach.sealed = self.client.is_protected;
            let restart = restart.map(Marker);
            let transfer = Transfer::new(command.clone(), flow, restart, approach, self.patience, self.now);
            match self.pursue(transfer)? {
                Ok(Transferred::Whole { bytes, method, .. }) => {
                    self.method = method;
                    return Ok(Some(bytes));
                }
                Ok(Transferred::Unconfirmed { .. }) | Err(_) => {
                    self.counts.failures += 1;
                    return Ok(None);
                }
                Ok(Transferred::NewSession { approach: next }) => {
                    approach = next;
                    self.reconnect()?;
                }
            }
        }
    }

    fn download(&mut self) -> Goes<()> {
        let name = ["a", "b", "none"][self.chance.below(3)];
        let start = self.chance.once_in(3).then(|| self.chance.below(3500) as u64);
        let path = Pathname::new(name).expect("a pathname");
        let Some(bytes) = self.transfer(Command::Retr(path), Flow::Down, start, b"")? else { return Ok(()) };
        self.counts.downloads += 1;
        let file = self.content(name).unwrap_or_default();
        let expected = file.get(start.unwrap_or(0) as usize..);
        let got = &self.client.received;
        ensure(bytes == got.len() as u64, "as many bytes as were counted")?;
        ensure(expected == Some(got), "the client believes a download that is not the file")
    }

    fn upload(&mut self) -> Goes<()> {
        let name = ["a", "new"][self.chance.below(2)];
        let length = [0, 1, 2500][self.chance.below(3)];
        let content = self.chance.bytes(length);
        let before = self.content(name);
        let start = before.as_ref().filter(|_| self.chance.below(4) == 0).map(|bytes| bytes.len() as u64 / 2);
        let path = Pathname::new(name).expect("a pathname");
        if self.transfer(Command::Stor(path), Flow::Up, start, &content)?.is_none() {
            return Ok(());
        }
        self.counts.uploads += 1;
        let kept = before.unwrap_or_default();
        let expected = [&kept[..start.unwrap_or(0) as usize], &content].concat();
        ensure(self.content(name) == Some(expected), "the client believes an upload that is not in the tree")
    }

    fn list(&mut self) -> Goes<()> {
        if self.transfer(Command::List(None), Flow::Down, None, b"")?.is_none() {
            return Ok(());
        }
        let record = self.shared.records.last();
        let is_equal = record.is_some_and(|record| record.is_whole && record.bytes == self.client.received);
        ensure(is_equal, "the client believes a listing that is another one")
    }

    /// Lets everything happen, in any order, until the goal is reached or given up.
    fn pursue<G: Goal>(&mut self, mut goal: G) -> Goes<Result<G::Gain, Error>>
    where
        G::Gain: Debug,
    {
        for _ in 0..STEPS {
            self.counts.steps += 1;
            let end = self.client.follow(&mut goal, self.now, &mut self.shared);
            if let Some(wrong) = self.shared.wrong.take() {
                return Err(Stop::Wrong(wrong));
            }
            if let Some(end) = end {
                // As `Client::after` does.
                if end.as_ref().err().is_some_and(|error| !error.leaves_session_usable()) {
                    self.client.hang_up(&mut self.shared);
                }
                return Ok(end);
            }
            self.network();
            if self.client.protecting && (self.server.securing || self.client.is_lost || self.is_cut()) {
                self.handshake(&mut goal);
                continue;
            }
            let (client, server) = (self.client.can_go_on(&self.shared), self.server.can_go_on(&self.shared));
            if client && (!server || self.chance.once_in(2)) {
                self.shared.listening = self.client.listens_at();
                let input = self.client.go_on(self.now, &mut self.shared, &mut self.chance);
                if let Some(input) = input {
                    goal.handle(input, self.now);
                }
            } else if server {
                self.server_goes_on();
            } else if !self.time_passes(&mut goal) {
                return Err(Stop::Wrong("both wait, and for nothing".to_owned()));
            }
        }
        Err(Stop::Wrong(format!("no end after {STEPS} steps")))
    }

    fn server_goes_on(&mut self) {
        self.shared.listening = self.client.listens_at();
        self.server.go_on(self.now, &mut self.shared, &mut self.chance);
    }

    fn is_cut(&self) -> bool {
        self.shared.control.to_client.ended().is_some()
    }

    fn handshake(&mut self, goal: &mut impl Goal) {
        self.client.protecting = false;
        let stands = self.server.securing && !self.is_cut();
        self.server.secured(stands, self.now, &mut self.shared);
        self.client.is_protected = stands;
        self.client.is_lost |= !stands;
        let what = "the handshake failed".to_owned();
        let input =
            if stands { Input::Protected } else { Input::NotProtected(Error::Broken { what, moved: 0 }) };
        goal.handle(input, self.now);
    }

    /// What only happens to what is between them.
    fn network(&mut self) {
        if self.shared.faults == 0 || !self.chance.once_in(self.shared.rate * 10) {
            return;
        }
        self.shared.faults -= 1;
        let data = self.shared.data.last_mut();
        let what = match (self.chance.below(7), data) {
            (0, _) => {
                self.shared.control.cut();
                "the control connection is cut"
            }
            (1, _) => {
                self.shared.control.to_client.cut_with_fin();
                self.shared.control.to_server.end(End::Reset);
                "the control connection ends in the middle of a reply"
            }
            (2, Some(data)) => {
                data.cut();
                "the data connection is cut"
            }
            // Somebody on the way ends it for both: what the client sees looks like an orderly end.
            (3, Some(data)) if data.to_client.ended().is_none() && self.shared.sending.is_empty() => {
                data.to_client.cut_with_fin();
                data.to_server.end(End::Reset);
                "the data connection is cut, and its end looks orderly"
            }
            (4, _) => {
                self.server.stop(self.now, &mut self.shared);
                "the site is stopped"
            }
            _ => {
                self.now += Duration::from_millis(self.chance.below(40_000) as u64);
                "time passes"
            }
        };
        self.shared.note(|| format!("! {what}"));
    }

    /// Nothing can happen before the next deadline. False: there is none.
    fn time_passes(&mut self, goal: &mut impl Goal) -> bool {
        let deadlines = [goal.deadline(), self.client.deadline(), self.server.deadline()];
        let Some(next) = deadlines.into_iter().flatten().min() else { return false };
        self.now = self.now.max(next);
        self.shared.note(|| "... time passes".to_owned());
        if goal.deadline().is_some_and(|at| at <= self.now) {
            goal.handle(Input::TimePassed, self.now);
        } else if let Some(input) = self.client.time_passes(self.now) {
            goal.handle(input, self.now);
        } else {
            self.server.time_passes(self.now, &mut self.shared);
        }
        true
    }
}

fn ensure(is_so: bool, what: &str) -> Goes<()> {
    if is_so { Ok(()) } else { Err(Stop::Wrong(what.to_owned())) }
}
