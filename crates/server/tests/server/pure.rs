//! Do the stories come true with the Session alone? No sockets: what it asks for is done here, on a real
//! folder.
//!
//! Time is made up. It passes when a story waits for a reply and nothing else can happen: then the next
//! deadline falls due, be it the data connection's, the transfer's or the session's own.
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use config::{Reuse, TlsEnd};
use server::effect::{DataPlan, Effect, Input, Opened, Outcome, Output};
use server::limits::{FailedLogins, Ruling};
use server::registry::{Registration, Registry};
use server::{Reason, Session, Settings, files};
use storage::{Certificate, Denied, Gate};
use wire::{LineDecoder, Reply};

use crate::ground::{Doorkeeper, Ground};
use crate::play::{Failure, Stage, play};
use crate::story::{self, Manner, Runner};

mod coverage;
mod model;
mod moving;

use moving::{Transfer, Wire};

/// The site, the clients, and all between them.
pub(crate) struct Pure {
    settings: Settings,
    gate: Arc<Doorkeeper>,
    registry: Registry,
    failed: FailedLogins,
    clients: BTreeMap<usize, Client>,
    now: Instant,
    ports: usize,
    peer: IpAddr,
    local: IpAddr,
    /// What the clients show under TLS.
    shown: Option<Certificate>,
    /// Every reason that was given.
    reasons: HashSet<Reason>,
}

struct Client {
    /// `None` where the site let nobody in.
    session: Option<Session>,
    registration: Option<Registration>,
    decoder: LineDecoder,
    /// What the client has said and the server has not read.
    input: Vec<u8>,
    /// What the server has said and the client has not heard.
    output: Vec<u8>,
    closed: bool,
    claim: bool,
    listening: Option<u16>,
    wire: Option<Wire>,
    transfer: Option<Transfer>,
    /// An upload has ended with close_notify.
    notifies: bool,
}

impl Pure {
    pub(crate) fn new(ground: &Ground) -> Self {
        let local: IpAddr = if ground.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        Self {
            settings: ground.settings.clone().into(),
            gate: Arc::clone(&ground.gate),
            registry: Registry::default(),
            failed: FailedLogins::default(),
            clients: BTreeMap::new(),
            now: Instant::now(),
            ports: ground.ports,
            peer: ground.peer.unwrap_or(local),
            local,
            shown: ground.shown.as_ref().map(|identity| Certificate {
                fingerprint: *identity.fingerprint().as_bytes(),
                subject: None,
            }),
            reasons: HashSet::new(),
        }
    }

    fn client(&mut self, who: usize) -> &mut Client {
        let Self { settings, registry, peer, local, now, reasons, .. } = self;
        self.clients.entry(who).or_insert_with(|| {
            let mut client = Client {
                session: None,
                registration: None,
                decoder: LineDecoder::new(settings.site.limits.line),
                input: Vec::new(),
                output: Vec::new(),
                closed: false,
                claim: false,
                listening: None,
                wire: None,
                transfer: None,
                notifies: false,
            };
            let (peer, local) = (SocketAddr::new(*peer, 50_000), SocketAddr::new(*local, 21));
            match registry.enter(peer, local, local, &settings.site.limits) {
                Ok(registration) => {
                    client.registration = Some(registration);
                    client.session = Some(Session::new(settings.clone(), peer, local, *now));
                }
                Err(reason) => {
                    reasons.insert(reason);
                    Reply::new(reason.code(), reason.text()).encode(&mut client.output);
                    client.closed = true;
                }
            }
            client
        })
    }

    /// Lets a session hear something, and all that follows from it happen.
    fn tell(&mut self, who: usize, input: Input) {
        let now = self.now;
        if let Some(session) = &mut self.client(who).session {
            session.handle(input, now);
        }
    }

    /// Does what a session asks for and reads what it was sent, until nothing is left to do.
    async fn settle(&mut self, who: usize) {
        loop {
            let client = self.client(who);
            let Some(session) = &mut client.session else { return };
            if let Some(output) = session.poll() {
                match output {
                    Output::Reply(reply) => reply.encode(&mut client.output),
                    Output::Part(reply, part) => reply.encode_part(part, &mut client.output),
                    Output::Event(event) => self.reasons.extend(event.reason),
                    Output::Effect(effect) => self.effect(who, effect).await,
                    Output::Close => {
                        client.closed = true;
                        client.session = None;
                        client.claim = false;
                        client.transfer = None;
                        if let Some(wire) = &mut client.wire {
                            wire.ended = true;
                        }
                        client.registration = None;
                        return;
                    }
                }
                continue;
            }
            if !session.wants_line() || client.input.is_empty() {
                return;
            }
            let mut rest = client.input.as_slice();
            let line = client.decoder.decode(&mut rest);
            client.input = rest.to_vec();
            if let Some(line) = line {
                self.tell(who, Input::Line(line));
            }
        }
    }

    async fn effect(&mut self, who: usize, effect: Effect) {
        match effect {
            Effect::Greet(user, certificate) => {
                let prompt = self.gate.greet(&user, certificate.as_ref()).await;
                self.tell(who, Input::Greeted(prompt));
            }
            Effect::Admit { attempt, .. } => {
                let input = self.admit(attempt).await;
                self.tell(who, input);
            }
            Effect::File(pass, op) => {
                let done = files::run(&pass, op).await;
                self.tell(who, Input::File(done));
            }
            Effect::Secure(answer) => {
                let shown = self.shown.clone();
                let client = self.client(who);
                let behind = !client.input.is_empty() || !client.decoder.is_empty();
                let outcome = if behind { Err(Reason::ClearBehindAuth) } else { Ok(shown) };
                // A handshake takes no time here, and leaves its place at once.
                let limits = self.settings.site.limits.clone();
                let client = self.client(who);
                let turn = client.registration.as_ref().map_or(Ok(()), |r| r.handshake(&limits).map(drop));
                let outcome = turn.and(outcome);
                if outcome.is_ok() {
                    answer.encode(&mut client.output);
                }
                self.tell(who, Input::Secured(outcome));
            }
            Effect::Unsecure(answer) => answer.encode(&mut self.client(who).output),
            Effect::Listen(_) => {
                self.unlisten(who);
                let claims = self.clients.values().filter(|c| c.claim).count();
                let free = claims < self.ports;
                self.client(who).claim = free;
                let told = self.settings.listener.announced(self.local, self.peer);
                let port = 60_000 + u16::try_from(claims).expect("stories have few ports");
                let answer = if free { Ok((told, port)) } else { Err(Reason::NoPort) };
                self.tell(who, Input::Listening(answer));
            }
            Effect::Unlisten => self.unlisten(who),
            Effect::Transfer(plan) => self.begin(who, plan).await,
            Effect::Abort => {
                let moved = self.client(who).transfer.take().map_or(0, |t| t.moved());
                self.unlisten(who);
                self.tell(
                    who,
                    Input::Transferred(Outcome { bytes: moved, ..moving::ended(Some(Reason::Aborted)) }),
                );
            }
            Effect::Progress => {
                let moved = self.client(who).transfer.as_ref().map_or(0, Transfer::moved);
                self.tell(who, Input::Progress(moved));
            }
        }
    }

    async fn admit(&mut self, attempt: storage::Attempt) -> Input {
        let (peer, user) = (attempt.peer, attempt.user.clone());
        let (now, limits) = (self.now, &self.settings.site.limits);
        if self.failed.decide(peer, &user, now, limits).ruling == Ruling::Refuse {
            return Input::Banned;
        }
        let answer = self.gate.admit(attempt).await;
        if matches!(answer, Err(Denied::UnknownUser | Denied::WrongPassword | Denied::NoCertificate)) {
            self.failed.failed(peer, &user, now, limits);
        }
        Input::Admitted(answer)
    }

    fn unlisten(&mut self, who: usize) {
        let client = self.client(who);
        client.claim = false;
        if let Some(wire) = &mut client.wire {
            wire.ended = true;
        }
    }

    /// The next deadline falls due. False: there is none.
    async fn time_passes(&mut self, who: usize) -> bool {
        let client = self.client(who);
        let broken = match &client.transfer {
            Some(Transfer::Waiting { data: DataPlan::Listening, .. }) => Some(Reason::DataNotMade),
            Some(Transfer::Moving { .. }) => Some(Reason::Stalled),
            _ => None,
        };
        if let Some(reason) = broken {
            self.break_off(who, reason).await;
            return true;
        }
        let Some(due) = client.session.as_ref().and_then(Session::deadline) else { return false };
        self.now = self.now.max(due);
        self.tell(who, Input::Tick);
        self.settle(who).await;
        true
    }

    fn transferred(&mut self, who: usize, end: Outcome) {
        let client = self.client(who);
        client.claim = false;
        client.transfer = None;
        if let Some(wire) = &mut client.wire {
            wire.ended = true;
        }
        self.tell(who, Input::Transferred(end));
    }

    fn opened(&mut self, who: usize, opened: Opened) {
        self.client(who).claim = false;
        self.tell(who, Input::Opened(opened));
    }
}

impl Stage for Pure {
    async fn say(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.client(who).input.extend_from_slice(bytes);
        self.settle(who).await;
        Ok(())
    }

    async fn urgent(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.say(who, bytes).await
    }

    async fn hear(&mut self, who: usize) -> Result<Option<Vec<u8>>, String> {
        self.client(who);
        self.settle(who).await;
        loop {
            let client = self.client(who);
            if let Some(at) = client.output.windows(2).position(|w| w == b"\r\n") {
                let rest = client.output.split_off(at + 2);
                let mut line = std::mem::replace(&mut client.output, rest);
                line.truncate(at);
                return Ok(Some(line));
            }
            if client.closed {
                return Ok(None);
            }
            let before = client.session.as_ref().and_then(Session::deadline);
            if !self.time_passes(who).await {
                return Err("expected a reply; nothing is said, and no deadline is left".to_owned());
            }
            let client = self.client(who);
            if client.output.is_empty()
                && !client.closed
                && before == client.session.as_ref().and_then(Session::deadline)
            {
                return Err("expected a reply; time passes and nothing happens".to_owned());
            }
        }
    }

    async fn hang_up(&mut self, who: usize) {
        self.settle(who).await;
        let client = self.client(who);
        client.closed = true;
        if client.transfer.is_none() {
            client.session = None;
            client.claim = false;
        }
    }

    async fn connect(&mut self, who: usize, how: Manner) -> Result<(), String> {
        let client = self.client(who);
        let waiting = matches!(client.transfer, Some(Transfer::Waiting { .. }));
        match (&mut client.wire, client.listening) {
            // Dialled already by the server; the client accepts.
            (Some(wire), Some(_)) if !wire.taken => wire.taken = true,
            (_, Some(_)) => return Err("the server does not dial".to_owned()),
            (Some(wire), None) if client.claim && !wire.ended => wire.connections += 1,
            _ => {
                // Where nobody waits, the connection is taken and closed.
                client.wire = Some(Wire { ended: !client.claim && !waiting, ..Wire::default() });
            }
        }
        // There is no TLS here, so what the driver would find of it is said.
        let refused = match how {
            Manner::Unbound if self.settings.listener.data_reuse == Reuse::Require => {
                Some(Reason::NotResumed)
            }
            Manner::Clear => Some(Reason::DataTlsFailed),
            Manner::Own | Manner::Unbound => None,
        };
        match refused {
            Some(_) if !waiting => return Err("such a D+ stands behind the command".to_owned()),
            Some(reason) => self.connected_in_vain(who, reason).await,
            None if waiting => self.connected(who).await,
            None => {}
        }
        Ok(())
    }

    async fn listen(&mut self, who: usize) -> Result<SocketAddr, String> {
        let peer = self.peer;
        let client = self.client(who);
        client.wire = None;
        client.listening = Some(51_000);
        Ok(SocketAddr::new(peer, 51_000))
    }

    async fn close(&mut self, who: usize) {
        let client = self.client(who);
        client.listening = None;
        if let Some(wire) = &mut client.wire {
            wire.sent_end = true;
            self.push(who).await;
        }
    }

    async fn send(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        let wire = self.client(who).wire.as_mut().ok_or("there is no data connection (D+)")?;
        wire.sent.extend_from_slice(bytes);
        self.push(who).await;
        Ok(())
    }

    async fn end_sending(&mut self, who: usize) -> Result<(), String> {
        let client = self.client(who);
        client.wire.as_mut().ok_or("there is no data connection (D+)")?.sent_end = true;
        client.notifies = true;
        self.push(who).await;
        Ok(())
    }

    async fn cut(&mut self, who: usize) -> Result<(), String> {
        let notifies = self.client(who).notifies;
        let believed = match self.settings.listener.tls_end {
            TlsEnd::Strict => false,
            TlsEnd::Learn => !notifies,
            TlsEnd::Lenient => true,
        };
        if !believed {
            self.break_off(who, Reason::Truncated).await;
            return Ok(());
        }
        self.end_sending(who).await?;
        self.client(who).notifies = notifies;
        Ok(())
    }

    async fn reset(&mut self, who: usize) -> Result<(), String> {
        self.client(who).wire.take().ok_or("there is no data connection (D+)")?;
        self.break_off(who, Reason::PeerBroke).await;
        Ok(())
    }

    async fn receive(&mut self, who: usize) -> Result<Vec<u8>, String> {
        self.pull(who).await;
        let client = self.client(who);
        let wire = client.wire.take().ok_or("there is no data connection (D+)")?;
        client.listening = None;
        if wire.ended { Ok(wire.got) } else { Err("the server does not end the data connection".to_owned()) }
    }

    async fn stop(&mut self) {
        let all: Vec<usize> = self.clients.keys().copied().collect();
        for who in all {
            self.settle(who).await;
            self.tell(who, Input::Stop(Reason::Stopping));
            self.settle(who).await;
        }
    }

    async fn leave(&mut self) {
        let all: Vec<usize> = self.clients.keys().copied().collect();
        for who in all {
            self.close(who).await;
            self.break_off(who, Reason::PeerBroke).await;
        }
        self.clients.clear();
    }
}

/// Plays every story that can be played so; the reasons that were given on the way.
pub(crate) async fn tell_all() -> (HashSet<Reason>, Vec<Failure>) {
    let (mut reasons, mut failures) = (HashSet::new(), Vec::new());
    for story in story::all() {
        if story.only.as_ref().is_some_and(|(runner, _)| *runner != Runner::Pure) {
            continue;
        }
        let ground = match Ground::lay(&story) {
            Ok(ground) => ground,
            Err(why) => {
                failures.push(Failure(why));
                continue;
            }
        };
        let mut stage = Pure::new(&ground);
        failures.extend(play(&story, &ground, &mut stage).await.err());
        reasons.extend(stage.reasons);
    }
    (reasons, failures)
}

#[tokio::test]
async fn stories_come_true() {
    let (_, failures) = tell_all().await;
    let all: Vec<String> = failures.into_iter().map(|f| f.0).collect();
    assert!(all.is_empty(), "{} stories fail:\n\n{}\n", all.len(), all.join("\n\n"));
}
