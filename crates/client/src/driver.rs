//! How does a goal meet the sockets?
//!
//! The thin side of `session`: it does what a [`Goal`] decides, and tells it what came of it. Everything is
//! done in one task; what runs beside the control connection is the one future in [`Beside`], and while bytes
//! move the caller's work.
use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::active::ActivePort;
use net::control::Control;
use net::data::Data;
use net::dial::{Source, dial};
use net::reserve::Reserved;
use net::tls::client::{ClientTls, Session, Settings, Trust};
use net::tls::{HandshakeError, UpgradeError, is_about_our_certificate};
use tokio::sync::Notify;
use wire::{Command, Reply};

use crate::charset::Charset;
use crate::control_line::{ControlLine, Lost};
use crate::error::{Error, words};
use crate::event::{Dialled, Event, Watcher, said};
use crate::secrets::Secrets;
use crate::security::{Security, Start, explain, insecure, judged, not_us};
use crate::session::{Flow, Goal, Input, MoveError, Output, TlsAtOnce};

/// How long a port that says nothing may take to answer TLS.
const PROBE: Duration = Duration::from_secs(3);

/// What following a goal has come to.
pub(crate) enum Step<G, T> {
    /// The goal is reached.
    Reached(G),
    /// The data connection is established: the bytes are to be moved.
    Move(Data),
    /// The work beside the control connection is done.
    Done(T),
}

/// A control connection and the replies that come on it.
pub(crate) struct Driver {
    line: ControlLine,
    /// The host as it was named, and the port.
    host: (String, u16),
    security: Option<Arc<Security>>,
    /// The TLS of the control connection, once there is one; every data connection goes on with it.
    tls: Option<Session>,
    /// TLS was begun, whatever came of it.
    agreed: bool,
    state: State,
    /// It was idle, and nothing was heard since: the server may have ended it meanwhile.
    idle: bool,
    /// A goal is being followed. Set when the next one begins: the future of the last one was dropped in its
    /// middle.
    busy: bool,
    beside: Beside,
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
    handshake_limit: Duration,
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
enum Beside {
    Nothing,
    Probing(Pin<Box<dyn Future<Output = TlsAtOnce> + Send + Sync>>),
    Connecting(Dialled, Pin<Box<dyn Future<Output = io::Result<Data>> + Send + Sync>>),
    Listening(ActivePort),
    Connected(Data),
}

impl Driver {
    pub(crate) fn new(
        (control, data_port): (Control, Option<Reserved>),
        host: (String, u16),
        security: Option<Arc<Security>>,
        (patience, handshake_limit): (Duration, Duration),
        watch: Watcher,
    ) -> Self {
        watch(&Event::ControlOpened { local: control.local(), peer: control.peer() });
        Self {
            line: ControlLine::new(control),
            host,
            security,
            tls: None,
            agreed: false,
            state: State::Open,
            idle: false,
            busy: false,
            beside: Beside::Nothing,
            watch,
            data_port,
            segment: None,
            uploading: false,
            confirmed: Arc::default(),
            patience,
            handshake_limit,
            charset: None,
            secrets: Secrets::default(),
        }
    }

    /// The same, where what is said is encoded, and what is heard decoded.
    pub(crate) fn writing_in(self, charset: Option<Charset>) -> Self {
        Self { charset, ..self }
    }

    /// From now on these are not shown, neither what we say nor what the server does.
    pub(crate) fn hide(&mut self, secrets: Secrets) {
        self.secrets = secrets;
    }

    /// The server's end of the control connection.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.line.control().peer()
    }

    /// No data connection can resume the control connection's session any more, though they did.
    pub(crate) fn ran_dry(&self) -> bool {
        self.state == State::Open && self.tls.as_ref().is_some_and(Session::ran_dry)
    }

    /// Our end of the control connection.
    pub(crate) fn local(&self) -> SocketAddr {
        self.line.control().local()
    }

    /// Is it under TLS?
    pub(crate) fn is_protected(&self) -> bool {
        self.tls.is_some()
    }

    /// Has the server agreed to TLS, whether the handshake completed or not?
    pub(crate) fn has_agreed(&self) -> bool {
        self.agreed
    }

    /// From now on data connections ask for segments of this size at most, and send no larger ones.
    pub(crate) fn limit_segments(&mut self, segment: Option<u16>, handshake_limit: Duration) {
        (self.segment, self.handshake_limit) = (segment, handshake_limit);
    }

    /// Is what the next data connection carries an upload, and who is told when the server has confirmed
    /// that?
    pub(crate) fn carry(&mut self, flow: Flow, confirmed: &Arc<Notify>) {
        self.uploading = flow == Flow::Up;
        self.confirmed = Arc::clone(confirmed);
    }

    /// Ends the connection for us: nothing is said or heard on it any more.
    pub(crate) fn give_up(&mut self) {
        if self.state == State::Open {
            self.state = State::GivenUp;
        }
        self.line.control().shutdown();
    }

    /// It is taken up again after it was idle. False: the server has ended it meanwhile.
    pub(crate) fn resume_idle(&mut self) -> bool {
        self.idle = true;
        !self.line.control().has_ended()
    }

    /// Had it ended before the first command since it was idle was read?
    pub(crate) fn ended_idle(&self) -> bool {
        self.idle && self.state == State::Lost
    }

    /// Can another command be said?
    pub(crate) fn is_usable(&self) -> bool {
        self.state == State::Open && !self.busy
    }

    /// Begins a goal, which is then [followed](Self::follow) to its end.
    ///
    /// # Errors
    /// The session is over, or in doubt since the last goal.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        if self.busy {
            self.give_up();
        }
        match self.state {
            State::Open => {}
            State::Lost => return Err(hung_up()),
            State::GivenUp => {
                let what = "the session was given up after the last failure".to_owned();
                return Err(Error::Broken { what, moved: 0 });
            }
        }
        self.beside = Beside::Nothing;
        self.busy = true;
        Ok(())
    }

    /// Follows a goal that moves no bytes to its end.
    pub(crate) async fn pursue<G: Goal>(&mut self, goal: &mut G) -> Result<G::Gain, Error> {
        self.begin()?;
        loop {
            match self.follow(goal, pending::<Infallible>()).await? {
                Step::Reached(gain) => return Ok(gain),
                Step::Move(_) => goal.handle(Input::Moved(Ok(0)), now()),
                Step::Done(never) => match never {},
            }
        }
    }

    /// Follows `goal`, while `work` goes on: until the goal is reached, bytes are to be moved, or the work is
    /// done.
    pub(crate) async fn follow<G: Goal, T>(
        &mut self,
        goal: &mut G,
        work: impl Future<Output = T>,
    ) -> Result<Step<G::Gain, T>, Error> {
        let mut work = pin!(work);
        loop {
            while let Some(output) = goal.poll() {
                let answer = match output {
                    Output::Move => match std::mem::replace(&mut self.beside, Beside::Nothing) {
                        Beside::Connected(data) => return Ok(Step::Move(data)),
                        _ => None,
                    },
                    Output::Done(result) => {
                        self.busy = false;
                        return result.map(Step::Reached).map_err(|error| self.secrets.error(error));
                    }
                    output => self.act(output).await,
                };
                if let Some(input) = answer {
                    goal.handle(input, now());
                }
            }
            let deadline = goal.deadline();
            let input = tokio::select! {
                done = &mut work => return Ok(Step::Done(done)),
                input = self.beside.work(&self.watch, self.uploading) => input,
                reply = next_reply(&mut self.line, self.state) => match reply {
                    Ok(reply) => {
                        let reply = self.decoded(reply);
                        if self.idle && reply.code.get() == 421 {
                            // Said before our command came.
                            self.state = State::Lost;
                        } else {
                            self.idle = false;
                        }
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

    /// Does what a goal has decided. What came of it, where that is known at once.
    async fn act<T>(&mut self, output: Output<T>) -> Option<Input> {
        match output {
            Output::Send(command) => {
                (self.watch)(&Event::Said(said(&command)));
                match self.encoded(&command) {
                    Ok(bytes) => return self.write(&bytes).await.err().map(Input::Lost),
                    // Nothing was said, so nothing is in doubt.
                    Err(error) => return Some(Input::Lost(error)),
                }
            }
            Output::Protect(start) => {
                return Some(match Box::pin(self.protect(start)).await {
                    Ok(()) => Input::Protected,
                    Err(error) => Input::NotProtected(error),
                });
            }
            Output::Probe => self.beside = Beside::Probing(self.probing()),
            Output::Dial(to) => self.beside = Beside::Connecting(Dialled::ByClient, self.dialling(to)),
            Output::Listen => {
                return Some(match self.listen() {
                    Ok(port) => {
                        let at = port.local();
                        self.beside = Beside::Listening(port);
                        Input::Listening(at)
                    }
                    Err(error) => Input::NotListening(error),
                });
            }
            Output::Accept => {
                if let Beside::Listening(port) = std::mem::replace(&mut self.beside, Beside::Nothing) {
                    let peer = self.line.control().peer().ip();
                    let coming = async move { port.connection(peer).await };
                    self.beside = Beside::Connecting(Dialled::ByServer, Box::pin(coming));
                }
            }
            Output::Confirmed => self.confirmed.notify_one(),
            Output::CloseData => self.beside = Beside::Nothing,
            Output::HangUp => self.give_up(),
            Output::Tell(event) => (self.watch)(&self.secrets.event(event)),
            // Of those `follow` takes care.
            Output::Move | Output::Done(_) => {}
        }
        None
    }

    /// Keeps a data connection open until the goal says otherwise.
    pub(crate) fn hold(&mut self, data: Data) {
        self.beside = Beside::Connected(data);
    }

    /// Begins TLS on the control connection, and has the certificate judged.
    async fn protect(&mut self, start: Start) -> Result<(), Error> {
        self.agreed = true;
        (self.watch)(&Event::TlsAgreed { peer: self.line.control().peer() });
        let Some(security) = self.security.clone() else {
            return Err(insecure(
                "TLS is asked for, and nobody says whom to trust",
                "this is a fault of the program",
            ));
        };
        let (host, port) = &self.host;
        let tls = ClientTls::new(security.settings.clone());
        let session = self.line.start_tls(&tls, host, start == Start::AfterAuth, self.handshake_limit).await;
        let done = match session {
            Ok(session) => judged(&security, host, *port, &session).await.map(|print| (session, print)),
            Err(UpgradeError::Handshake(HandshakeError::Late(after))) => {
                let unacknowledged = self.line.control().unacknowledged();
                Err(Error::HandshakeStalled { host: host.clone(), port: *port, after, unacknowledged })
            }
            Err(error) => Err(explain(error, start)),
        };
        let (session, fingerprint) = done.inspect_err(|_| self.give_up())?;
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
    fn probing(&self) -> Pin<Box<dyn Future<Output = TlsAtOnce> + Send + Sync>> {
        let settings = match &self.security {
            Some(security) => security.settings.clone(),
            None => Security::by_roots().settings,
        };
        // Whose certificate it is does not matter, as nothing follows.
        let settings = match settings.trust {
            Trust::Roots(roots) => Settings { trust: Trust::Report(roots), identity: None, ..settings },
            _ => Settings { identity: None, ..settings },
        };
        let (peer, host) = (self.line.control().peer(), self.host.0.clone());
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

    /// Begins TLS on a data connection, where the control connection has it. Not before the server's 1yz:
    /// many servers say that first.
    pub(crate) fn protecting(
        &self,
        data: Data,
    ) -> impl Future<Output = Result<Data, MoveError>> + Send + use<> {
        let (tls, within, watch) = (self.tls.clone(), self.handshake_limit, self.watch.clone());
        async move {
            let Some(tls) = tls else { return Ok(data) };
            let data = match data.connect_tls(&tls, within).await {
                Ok(data) => data,
                Err(HandshakeError::Late(after)) => return Err(MoveError::Stalled(after)),
                Err(error) => return Err(not_protected(error)),
            };
            if let Some(established) = data.established() {
                let (version, resumed) = (established.version, established.resumed);
                watch(&Event::DataSecured { version, resumed });
            }
            Ok(data)
        }
    }

    /// The line of a command. A password is said as it is.
    fn encoded(&self, command: &Command) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        command.encode(&mut line);
        match self.charset {
            Some(charset) if !matches!(command, Command::User(_) | Command::Pass(_) | Command::Acct(_)) => {
                charset.encode(&line).ok_or_else(|| Error::local(said(command), charset.unwritable()))
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
        self.line.write(bytes, self.patience).await.map_err(|what| {
            self.state = State::Lost;
            Error::Broken { what, moved: 0 }
        })
    }

    fn dialling(&self, to: SocketAddr) -> Pin<Box<dyn Future<Output = io::Result<Data>> + Send + Sync>> {
        let port = self.data_port.as_ref().map(Reserved::port);
        let address = self.line.control().local().ip();
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
        let address = self.line.control().local().ip();
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

impl Beside {
    /// Does what there is to do, and says what came of it. Cancel-safe: the work itself is kept in `self`.
    async fn work(&mut self, watch: &Watcher, uploading: bool) -> Input {
        match self {
            Self::Nothing | Self::Listening(_) | Self::Connected(_) => pending().await,
            Self::Probing(probe) => {
                let found = probe.await;
                *self = Self::Nothing;
                Input::Probed(found)
            }
            Self::Connecting(dialled, coming) => match coming.await {
                Ok(data) => {
                    if uploading {
                        // Also where not a byte follows: its end would be taken for that of an empty file.
                        data.reset_unless_ended();
                    }
                    watch(&Event::DataOpened { dialled: *dialled, local: data.local(), peer: data.peer() });
                    *self = Self::Connected(data);
                    Input::Connected
                }
                Err(error) => {
                    *self = Self::Nothing;
                    Input::NotConnected(error)
                }
            },
        }
    }
}

/// The next reply. Cancel-safe, as [`ControlLine::next`] is.
async fn next_reply(line: &mut ControlLine, state: State) -> Result<Reply, Error> {
    if state != State::Open {
        // Said once already.
        return pending().await;
    }
    line.next().await.map_err(|lost| match lost {
        Lost::Closed => hung_up(),
        Lost::Nonsense(error) => error.into(),
        Lost::Broken(error) if is_about_our_certificate(&error) => not_us(&error),
        Lost::Broken(error) => {
            let what = format!("the control connection broke: {}", words(&error));
            Error::Broken { what, moved: 0 }
        }
    })
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
