//! How does a goal meet the sockets?
//!
//! The thin side of `session`: it does what a [`Goal`] decides, and tells it what came of it. Everything is done
//! in one task; what runs beside the control connection is the one future in [`Hands`].
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::active::ActivePort;
use net::control::{Control, Explicit};
use net::data::Data;
use net::dial::{Source, dial};
use net::reserve::Reserved;
use net::tls::client::{ClientTls, Session, Settings, Trust};
use net::tls::{HandshakeError, UpgradeError, is_about_our_certificate};
use tokio::sync::Notify;
use wire::{Command, Reply, ReplyDecoder};

use crate::charset::Charset;
use crate::error::{Error, words};
use crate::event::{Dialled, Event, Watcher, said};
use crate::secrets::Secrets;
use crate::security::{Security, Start, explain, insecure, judged, not_us};
use crate::session::{Flow, Goal, Input, MoveError, Output, TlsAtOnce};

/// How long a port that says nothing may take to answer TLS.
const PROBE: Duration = Duration::from_secs(3);

/// What moving bytes came to, and the data connection if it is to be kept open until the goal says otherwise.
pub(crate) type Moved = (Result<u64, MoveError>, Option<Data>);
/// Bytes on their way.
pub(crate) type Moving<'m> = Pin<Box<dyn Future<Output = Moved> + Send + 'm>>;
/// What moves the bytes once the data connection stands.
pub(crate) type Mover<'m> = Box<dyn FnOnce(Data) -> Moving<'m> + Send + 'm>;

/// A control connection and the replies that come on it.
pub(crate) struct Driver {
    control: Control,
    /// The host as it was named, and the port.
    host: (String, u16),
    security: Option<Arc<Security>>,
    /// The TLS of the control connection, once there is one; every data connection goes on with it.
    tls: Option<Session>,
    /// TLS was begun, whatever came of it.
    agreed: bool,
    decoder: ReplyDecoder,
    /// What was read and not decoded yet: at most one read's worth.
    unread: Vec<u8>,
    /// How much of `unread` has been decoded.
    decoded: usize,
    state: State,
    /// A goal is being followed, or was dropped in its middle.
    pursuing: bool,
    watch: Watcher,
    /// Our port for data connections, where the caller wants a certain one.
    data_port: Option<Reserved>,
    /// The largest segment of data connections, where it is not the network's affair.
    segment: Option<u16>,
    /// Data connections carry an upload: they end with a reset until it has been ended in order.
    uploading: bool,
    /// Told when the server has confirmed an upload.
    confirmed: Arc<Notify>,
    /// How long a command may take to be written.
    patience: Duration,
    /// How long a TLS handshake may take.
    shaking: Duration,
    /// How the server writes names.
    charset: Option<Charset>,
    /// What is shown as stars, also where the server repeats it.
    secrets: Secrets,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The server, or the network.
    Lost,
    /// We, after a failure that left the dialogue in doubt.
    GivenUp,
}

/// What is being done beside the control connection.
enum Hands<'m> {
    Empty,
    Probing(Pin<Box<dyn Future<Output = TlsAtOnce> + Send>>),
    Connecting(Dialled, Pin<Box<dyn Future<Output = io::Result<Data>> + Send>>),
    Port(ActivePort),
    Holding(Data),
    Moving(Moving<'m>),
}

impl Driver {
    pub(crate) fn new(
        (control, data_port): (Control, Option<Reserved>),
        host: (String, u16),
        security: Option<Arc<Security>>,
        (patience, shaking): (Duration, Duration),
        watch: Watcher,
    ) -> Self {
        watch(&Event::ControlOpened { local: control.local(), peer: control.peer() });
        Self {
            control,
            host,
            security,
            tls: None,
            agreed: false,
            decoder: ReplyDecoder::new(),
            unread: Vec::new(),
            decoded: 0,
            state: State::Open,
            pursuing: false,
            watch,
            data_port,
            segment: None,
            uploading: false,
            confirmed: Arc::default(),
            patience,
            shaking,
            charset: None,
            secrets: Secrets::default(),
        }
    }

    /// The same, where what is said is encoded, and what is heard decoded.
    pub(crate) fn writing_in(self, charset: Option<Charset>) -> Self {
        Self { charset, ..self }
    }

    /// From now on these are not shown, whoever says them.
    pub(crate) fn hide(&mut self, secrets: Secrets) {
        self.secrets = secrets;
    }

    /// The server's end of the control connection.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.control.peer()
    }

    /// No data connection can resume the control connection's session any more, though they did.
    pub(crate) fn ran_dry(&self) -> bool {
        self.state == State::Open && self.tls.as_ref().is_some_and(Session::ran_dry)
    }

    /// Our end of the control connection.
    pub(crate) fn local(&self) -> SocketAddr {
        self.control.local()
    }

    /// Is it under TLS?
    pub(crate) fn is_protected(&self) -> bool {
        self.tls.is_some()
    }

    /// Has the server agreed to TLS, whether it came to stand or not?
    pub(crate) fn has_agreed(&self) -> bool {
        self.agreed
    }

    /// From now on data connections ask for segments of this size at most, and send no larger ones.
    pub(crate) fn limit_segments(&mut self, segment: Option<u16>, shaking: Duration) {
        (self.segment, self.shaking) = (segment, shaking);
    }

    /// Is what the next data connection carries an upload, and who is told when the server has confirmed that?
    pub(crate) fn carry(&mut self, flow: Flow, confirmed: &Arc<Notify>) {
        self.uploading = flow == Flow::Up;
        self.confirmed = Arc::clone(confirmed);
    }

    /// Ends the connection for us: nothing is said or heard on it any more.
    pub(crate) fn give_up(&mut self) {
        if self.state == State::Open {
            self.state = State::GivenUp;
        }
        self.control.shutdown();
    }

    /// Can more be said?
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open && !self.pursuing
    }

    /// Follows `goal` to its end. `mover` is taken when the goal says `Move`.
    pub(crate) async fn pursue<G: Goal>(
        &mut self,
        goal: &mut G,
        mover: &mut Option<Mover<'_>>,
    ) -> Result<G::Gain, Error> {
        // The last goal was dropped in its middle: what comes would be taken for the answer to another command.
        if self.pursuing {
            self.give_up();
        }
        self.pursuing = true;
        let done = self.follow(goal, mover).await;
        self.pursuing = false;
        done
    }

    async fn follow<G: Goal>(
        &mut self,
        goal: &mut G,
        mover: &mut Option<Mover<'_>>,
    ) -> Result<G::Gain, Error> {
        match self.state {
            State::Open => {}
            State::Lost => return Err(hung_up()),
            State::GivenUp => {
                let what = "the session was given up after the last failure".to_owned();
                return Err(Error::Broken { what, moved: 0 });
            }
        }
        let mut hands = Hands::Empty;
        loop {
            while let Some(output) = goal.poll() {
                let answer = match output {
                    Output::Send(command) => {
                        (self.watch)(&Event::Said(said(&command)));
                        match self.encoded(&command) {
                            Ok(bytes) => self.write(&bytes).await.err().map(Input::Lost),
                            // Nothing was said, so nothing is in doubt.
                            Err(error) => Some(Input::Lost(error)),
                        }
                    }
                    Output::Protect(start) => Some(match self.protect(start).await {
                        Ok(()) => Input::Protected,
                        Err(error) => Input::NotProtected(error),
                    }),
                    Output::Probe => {
                        hands = Hands::Probing(self.probing());
                        None
                    }
                    Output::Dial(to) => {
                        hands = Hands::Connecting(Dialled::ByClient, self.dialling(to));
                        None
                    }
                    Output::Listen => match self.listen() {
                        Ok(port) => {
                            let at = port.local();
                            hands = Hands::Port(port);
                            Some(Input::Listening(at))
                        }
                        Err(error) => Some(Input::NotListening(error)),
                    },
                    Output::Accept => {
                        if let Hands::Port(port) = hands {
                            let peer = self.control.peer().ip();
                            let coming = async move { port.connection(peer).await };
                            hands = Hands::Connecting(Dialled::ByServer, Box::pin(coming));
                        }
                        None
                    }
                    Output::Move => {
                        hands = match (hands, mover.take()) {
                            (Hands::Holding(data), Some(mover)) => Hands::Moving(self.moving(data, mover)),
                            (other, _) => other,
                        };
                        None
                    }
                    Output::Confirmed => {
                        self.confirmed.notify_one();
                        None
                    }
                    Output::CloseData => {
                        hands = Hands::Empty;
                        None
                    }
                    Output::HangUp => {
                        self.give_up();
                        None
                    }
                    Output::Tell(event) => {
                        (self.watch)(&self.secrets.event(event));
                        None
                    }
                    Output::Done(result) => return result.map_err(|error| self.secrets.error(error)),
                };
                if let Some(input) = answer {
                    goal.handle(input, now());
                }
            }
            let deadline = goal.deadline();
            let input = tokio::select! {
                input = hands.work(&self.watch, self.uploading) => input,
                reply = next_reply(&self.control, &mut self.decoder, &mut self.unread, &mut self.decoded, self.state) => match reply {
                    Ok(reply) => {
                        let reply = self.decoded(reply);
                        (self.watch)(&self.secrets.event(Event::Answered(reply.clone())));
                        Input::Reply(reply)
                    }
                    Err(error) => {
                        self.state = State::Lost;
                        Input::Lost(error)
                    }
                },
                () = until(deadline) => Input::TimePassed,
            };
            goal.handle(input, now());
        }
    }

    /// Begins TLS on the control connection, and has the certificate judged.
    async fn protect(&mut self, start: Start) -> Result<(), Error> {
        self.agreed = true;
        (self.watch)(&Event::TlsAgreed { peer: self.control.peer() });
        let Some(security) = self.security.clone() else {
            return Err(insecure(
                "TLS is asked for, and nobody says whom to trust",
                "this is a fault of the program",
            ));
        };
        let explicit = match start {
            Start::AfterAuth => {
                let read_ahead = self.unread.get(self.decoded..).unwrap_or_default();
                Some(Explicit { read_ahead, answer: b"" })
            }
            Start::AtOnce => None,
        };
        let (host, port) = &self.host;
        // A zone is this machine's own affair, and no part of a name.
        let name = host.split('%').next().unwrap_or_default();
        let tls = ClientTls::new(security.settings.clone());
        let session = self.control.connect_tls(&tls, name, explicit, self.shaking).await;
        let done = match session {
            Ok(session) => judged(&security, host, *port, &session).await.map(|print| (session, print)),
            Err(UpgradeError::Handshake(HandshakeError::Late(after))) => {
                let unacknowledged = self.control.unacknowledged();
                Err(Error::HandshakeStalled { host: host.clone(), port: *port, after, unacknowledged })
            }
            Err(error) => Err(explain(error, start)),
        };
        let (session, fingerprint) = done.inspect_err(|_| self.give_up())?;
        self.unread.clear();
        self.decoded = 0;
        self.decoder = ReplyDecoder::new();
        let established = session.established();
        (self.watch)(&Event::Secured {
            version: established.version,
            suite: established.suite.clone(),
            fingerprint: fingerprint.to_string(),
        });
        self.tls = Some(session);
        Ok(())
    }

    /// Does the control port answer a TLS handshake? On a connection of its own; nothing is said on it.
    fn probing(&self) -> Pin<Box<dyn Future<Output = TlsAtOnce> + Send>> {
        let settings = match &self.security {
            Some(security) => security.settings.clone(),
            None => Security::by_roots().settings,
        };
        // Whose certificate it is does not matter, as nothing follows.
        let settings = match settings.trust {
            Trust::Roots(roots) => Settings { trust: Trust::Report(roots), identity: None, ..settings },
            _ => Settings { identity: None, ..settings },
        };
        let (peer, host) = (self.control.peer(), self.host.0.clone());
        Box::pin(async move {
            let Ok(Ok(control)) = tokio::time::timeout(PROBE, Control::connect(peer, None, None)).await
            else {
                return TlsAtOnce::No;
            };
            let name = host.split('%').next().unwrap_or_default();
            match control.connect_tls(&ClientTls::new(settings), name, None, PROBE).await {
                // An alert is an answer too.
                Ok(_) | Err(UpgradeError::Handshake(HandshakeError::Tls(_))) => TlsAtOnce::Yes,
                Err(_) => TlsAtOnce::No,
            }
        })
    }

    /// Moves the bytes, under TLS where the control connection is. The handshake comes behind the server's 1yz: many
    /// servers say that first.
    fn moving<'m>(&self, data: Data, mover: Mover<'m>) -> Moving<'m> {
        let Some(tls) = self.tls.clone() else { return mover(data) };
        let (within, watch) = (self.shaking, self.watch.clone());
        Box::pin(async move {
            match data.connect_tls(&tls, within).await {
                Ok(data) => {
                    if let Some(established) = data.established() {
                        let (version, resumed) = (established.version, established.resumed);
                        watch(&Event::DataSecured { version, resumed });
                    }
                    mover(data).await
                }
                Err(HandshakeError::Late(after)) => (Err(MoveError::Stalled(after)), None),
                Err(error) => (Err(not_protected(error)), None),
            }
        })
    }

    /// The line of a command. A password is said as it is.
    fn encoded(&self, command: &Command) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        command.encode(&mut line);
        match self.charset {
            Some(charset) if !matches!(command, Command::User(_) | Command::Pass(_) | Command::Acct(_)) => {
                charset.encode(&line).ok_or_else(|| charset.unwritable(&said(command)))
            }
            _ => Ok(line),
        }
    }

    fn decoded(&self, mut reply: Reply) -> Reply {
        if let Some(charset) = self.charset {
            for line in &mut reply.lines {
                *line = charset.decode(line).into();
            }
        }
        reply
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let why = match tokio::time::timeout(self.patience, self.control.write_all(bytes)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => {
                // A server that hung up may have said why; that is a better answer than "broken pipe".
                if error.kind() == io::ErrorKind::BrokenPipe {
                    return Ok(());
                }
                words(&error)
            }
            Err(_) => "it takes no more".to_owned(),
        };
        self.state = State::Lost;
        Err(Error::Broken { what: format!("the control connection broke: {why}"), moved: 0 })
    }

    fn dialling(&self, to: SocketAddr) -> Pin<Box<dyn Future<Output = io::Result<Data>> + Send>> {
        let port = self.data_port.as_ref().map(Reserved::port);
        let address = self.control.local().ip();
        let (watch, segment) = (self.watch.clone(), self.segment);
        Box::pin(async move {
            let Some(port) = port else { return dial(to, None, segment).await };
            match dial(to, Some(Source { address, port: Some(port) }), segment).await {
                // The same four numbers were in use a moment ago, and the system still remembers them.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable) =>
                {
                    watch(&Event::Warning(format!(
                        "local port {port} to {to} is still taken by the last transfer, using another one"
                    )));
                    dial(to, None, segment).await
                }
                other => other,
            }
        })
    }

    fn listen(&self) -> io::Result<ActivePort> {
        let address = self.control.local().ip();
        let bind = |port| ActivePort::bind(address, port, self.segment);
        let Some(port) = self.data_port.as_ref().map(Reserved::port) else {
            return bind(None);
        };
        bind(Some(port)).or_else(|error| {
            (self.watch)(&Event::Warning(format!("local port {port} is taken ({error}), using another one")));
            bind(None)
        })
    }
}

impl Hands<'_> {
    /// Does what there is to do, and says what came of it. Cancel-safe: the work itself is kept in `self`.
    async fn work(&mut self, watch: &Watcher, uploading: bool) -> Input {
        match self {
            Self::Empty | Self::Port(_) | Self::Holding(_) => pending().await,
            Self::Probing(probe) => {
                let found = probe.await;
                *self = Self::Empty;
                Input::Probed(found)
            }
            Self::Connecting(dialled, coming) => match coming.await {
                Ok(data) => {
                    if uploading {
                        // Also where not a byte follows: its end would be taken for that of an empty file.
                        data.reset_unless_ended();
                    }
                    watch(&Event::DataOpened { dialled: *dialled, local: data.local(), peer: data.peer() });
                    *self = Self::Holding(data);
                    Input::Connected
                }
                Err(error) => {
                    *self = Self::Empty;
                    Input::NotConnected(error)
                }
            },
            Self::Moving(moving) => {
                let (moved, data) = moving.await;
                *self = data.map_or(Self::Empty, Self::Holding);
                Input::Moved(moved)
            }
        }
    }
}

/// The next reply. Cancel-safe: what was read is in `unread`, what was decoded in `decoder`.
async fn next_reply(
    control: &Control,
    decoder: &mut ReplyDecoder,
    unread: &mut Vec<u8>,
    decoded: &mut usize,
    state: State,
) -> Result<Reply, Error> {
    if state != State::Open {
        // Said once already.
        return pending().await;
    }
    loop {
        let mut rest = unread.get(*decoded..).unwrap_or_default();
        let reply = decoder.decode(&mut rest);
        *decoded = unread.len() - rest.len();
        if let Some(reply) = reply {
            return Ok(reply?);
        }
        unread.clear();
        *decoded = 0;
        match control.read(unread).await {
            Ok(0) => return Err(hung_up()),
            Ok(_) => {}
            Err(error) if is_about_our_certificate(&error) => return Err(not_us(&error)),
            Err(error) => {
                let what = format!("the control connection broke: {}", words(&error));
                return Err(Error::Broken { what, moved: 0 });
            }
        }
    }
}

fn not_protected(error: HandshakeError) -> MoveError {
    match error {
        HandshakeError::Io(error) => MoveError::Peer(error),
        error if error.is_certificate() => MoveError::Stranger(error.to_string()),
        other => MoveError::Peer(io::Error::other(other.to_string())),
    }
}

fn hung_up() -> Error {
    Error::Broken { what: "the server closed the control connection".to_owned(), moved: 0 }
}

/// The clock of the runtime, so that a test that pauses it pauses the dialogue too.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}
