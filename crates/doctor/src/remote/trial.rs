//! Does one data connection method work, from its verb to the server's last word?
//!
//! ```text
//!   EPSV, PASV --port--> dial ---+                          +--> TLS --> bytes --> 226
//!   our port --EPRT, PORT--------+--> LIST, RETR, STOR --1yz+    (active: the server's call comes here)
//! ```
//! A data connection goes to the control connection's peer and nowhere else, whatever a 227 says: a server
//! could send us to somebody else's machine.
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use net::active::ActivePort;
use net::data::Data;
use net::dial::{dial, dial_explained};
use net::pump::{self, Progress, PumpError};
use net::tls::HandshakeError;
use tokio::time::{Instant, timeout};
use wire::command::Epsv;
use wire::host_port::port_from_229;
use wire::{Command, HostPort, Marker, Reply, Severity};

use super::call::{ANSWER, Call, NoReply, explained, line};
use super::facts::{Cover, Dial, End, Trial};
use client::DataMethod;
use client::error::words;

/// For the answer to EPSV and PASV: servers give it from memory, at once.
const VERB: Duration = Duration::from_secs(3);
/// For a data connection: the control connection has just shown how fast the way is, and a lost SYN is sent
/// again after a second.
pub(super) const DATA: Duration = Duration::from_millis(2500);
/// For the server's own call, and its word where it cannot call: a machine that holds its own call back knows
/// so after two more tries, the second of which is due after three seconds (RFC 6298), or two.
const CALL: Duration = Duration::from_millis(3800);
/// For bytes to go on.
const STALL: Duration = Duration::from_secs(3);
/// For a transfer that goes on and on: what has come by then shows that the method works, however slowly.
const LONG: Duration = Duration::from_secs(4);
/// For what comes at the end of a failure.
const WORD: Duration = Duration::from_millis(800);

/// What to do by a method.
pub(super) struct Job<'a> {
    /// The service command.
    pub(super) command: Command,
    /// REST before it.
    pub(super) restart: Option<Marker>,
    /// Which way the bytes go.
    pub(super) bytes: Bytes<'a>,
    /// Does a data connection under TLS show a ticket?
    pub(super) tickets: Tickets,
    /// Small segments on a data connection of ours.
    pub(super) segments: Option<u16>,
}

/// The bytes of a job.
pub(super) enum Bytes<'a> {
    /// To here, at most so many: a longer file is broken off.
    Here(&'a mut Vec<u8>, usize),
    /// From here.
    From(&'a [u8]),
}

/// Does a data connection resume the control connection's TLS session?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tickets {
    Shown,
    Withheld,
}

impl<'a> Job<'a> {
    /// LIST, to here.
    pub(super) fn list(into: &'a mut Vec<u8>) -> Self {
        Self::fetch(Command::List(None), into, LISTING)
    }

    /// A command whose bytes come here, at most so many.
    pub(super) fn fetch(command: Command, into: &'a mut Vec<u8>, limit: usize) -> Self {
        Self::new(command, Bytes::Here(into, limit))
    }

    /// A command whose bytes go there.
    pub(super) fn store(command: Command, bytes: &'a [u8]) -> Self {
        Self::new(command, Bytes::From(bytes))
    }

    fn new(command: Command, bytes: Bytes<'a>) -> Self {
        Self { command, restart: None, bytes, tickets: Tickets::Shown, segments: None }
    }
}

/// Passes wherever IPv6's least packet does.
pub(super) const SEGMENTS: u16 = 1200;

/// A directory of some thousand entries; of a larger one the beginning will do.
pub(super) const LISTING: usize = 256 * 1024;

/// What a method has come to, before its command.
enum Opened {
    Here(Data),
    Coming(ActivePort),
}

/// Does a job by a method, and tells how it went. The session may be of no use afterwards: see [`is_usable`].
pub(super) async fn follow(call: &mut Call<'_>, method: DataMethod, job: Job<'_>) -> Trial {
    let begun = Instant::now();
    let mut trial = Trial {
        cover: if call.tls().is_some() { Cover::Tls } else { Cover::Clear },
        method,
        peer: call.peer(),
        announced: None,
        end: End::Unanswered,
        resumed: None,
        small_segments: call.segments().is_some(),
        elapsed: Duration::ZERO,
    };
    let segments = job.segments.or(call.segments());
    let came = match open(call, method, &mut trial.announced, segments).await {
        Ok(opened) => carry(call, opened, job, &mut trial.resumed).await,
        Err(end) => Err(end),
    };
    trial.end = came.unwrap_or_else(|end| end);
    trial.elapsed = begun.elapsed();
    call.note(format!("* {method}: {:?}", trial.end));
    trial
}

/// Can the session go on, or is a reply still owed to it?
pub(super) fn is_usable(end: &End) -> bool {
    match end {
        End::Unanswered
        | End::Cut { answered: false, .. }
        | End::HungUp(_)
        | End::NeverCame { said: None, .. }
        | End::Stalled { .. }
        | End::NoLastWord
        | End::Broken(_) => false,
        End::Works { .. }
        | End::Cut { .. }
        | End::Refused(_)
        | End::Unreadable(_)
        | End::NotReached(_)
        | End::CommandRefused(_)
        | End::DataRefused(_)
        | End::NeverCame { .. } => true,
    }
}

/// What the server says of a data connection that does not come: its 425, or another refusal of that kind.
pub(super) async fn silence(call: &mut Call<'_>, within: Duration) -> Option<String> {
    match started(call.last(within).await.ok()?) {
        Err(End::DataRefused(said)) => Some(said),
        _ => None,
    }
}

/// Says EPSV or PASV: where is our data connection to go? `announced` is the address and port as the answer
/// has them; what is returned is that port at the control connection's peer.
pub(super) async fn port_of(
    call: &mut Call<'_>,
    method: DataMethod,
    announced: &mut Option<SocketAddr>,
) -> Result<SocketAddr, End> {
    let mut target = call.peer();
    let command = if method == DataMethod::Epsv { Command::Epsv(Epsv::Any) } else { Command::Pasv };
    let reply = agreed(call, &command).await?;
    let found = match method {
        DataMethod::Epsv => port_from_229(reply.text()).map(|port| SocketAddr::new(target.ip(), port)),
        _ => HostPort::from_227(reply.text()).map(HostPort::socket),
    };
    let found = found.ok_or_else(|| End::Unreadable(line(&reply)))?;
    *announced = Some(found);
    target.set_port(found.port());
    Ok(target)
}

/// The answer to the verb of a method, where it is yes.
async fn agreed(call: &mut Call<'_>, command: &Command) -> Result<Reply, End> {
    let reply = call.ask(command, VERB).await.map_err(|no_reply| match no_reply {
        NoReply::Silent => End::Unanswered,
        NoReply::Ended(why) => End::HungUp(why),
        other => other.into(),
    })?;
    match reply.code.severity() {
        Severity::Completion => Ok(reply),
        _ if reply.code.get() == 421 => Err(End::HungUp(line(&reply))),
        _ => Err(End::Refused(line(&reply))),
    }
}

async fn open(
    call: &mut Call<'_>,
    method: DataMethod,
    announced: &mut Option<SocketAddr>,
    segments: Option<u16>,
) -> Result<Opened, End> {
    if !method.is_passive() {
        let awaited = ActivePort::bind(call.local().ip(), None, segments)
            .map_err(|error| End::Broken(format!("no port of ours: {}", words(&error))))?;
        let ours = awaited.local();
        *announced = Some(ours);
        let command = match (method, ours.ip()) {
            (DataMethod::Port, IpAddr::V4(address)) => Command::Port(HostPort { address, port: ours.port() }),
            _ => Command::Eprt(ours),
        };
        agreed(call, &command).await?;
        return Ok(Opened::Coming(awaited));
    }
    let target = port_of(call, method, announced).await?;
    call.note(format!("* dialling {target}"));
    let dialled = async {
        match segments {
            Some(mss) => dial(target, None, Some(mss)).await.map_err(|error| (error, None)),
            None => dial_explained(target).await,
        }
    };
    match timeout(DATA, dialled).await {
        Ok(Ok(data)) => Ok(Opened::Here(data)),
        Ok(Err(error)) => Err(End::NotReached(explained(&error))),
        Err(_) => Err(End::NotReached(Dial::Silent)),
    }
}

async fn carry(
    call: &mut Call<'_>,
    opened: Opened,
    job: Job<'_>,
    resumed: &mut Option<bool>,
) -> Result<End, End> {
    if let Some(marker) = job.restart {
        let reply = call.ask(&Command::Rest(marker), ANSWER).await?;
        if reply.code.severity() != Severity::Intermediate {
            return Err(End::CommandRefused(line(&reply)));
        }
    }
    call.say(&job.command).await?;
    // Pure-FTPd dials, sends a small file and says 226 before it has said 150 to be read.
    let (mut data, last) = match opened {
        Opened::Here(data) => (data, started(call.hear(ANSWER).await?)?),
        Opened::Coming(awaited) => coming(call, &awaited).await?,
    };
    if let Some(session) = call.tls() {
        let session = match job.tickets {
            Tickets::Shown => session.clone(),
            Tickets::Withheld => session.without_tickets(),
        };
        match data.connect_tls(&session, STALL).await {
            Ok(protected) => data = protected,
            Err(error) => {
                // An alert is a decision, and its reply is sure to come; a broken connection may say nothing
                // more.
                let decided = matches!(error, HandshakeError::Tls(_));
                let within = if decided { ANSWER } else { WORD };
                let end = after_failure(call, last, &error.to_string(), within).await;
                // Silence is no refusal.
                return Err(match (error, end) {
                    (HandshakeError::Late(_), End::Broken(_)) => End::Stalled { bytes: 0 },
                    (_, end) => end,
                });
            }
        }
        *resumed = data.established().map(|established| established.resumed);
    }
    let progress = Progress::default();
    let moved = match job.bytes {
        Bytes::Here(into, limit) => receive(data, into, limit, &progress).await,
        Bytes::From(bytes) => match pump::send(&mut data, bytes, STALL, &progress).await {
            Ok(()) => {
                drop(data.end_upload(ANSWER).await);
                Ok(Whole::All)
            }
            Err(error) => Err(error),
        },
    };
    let bytes = progress.bytes();
    match moved {
        // Whatever it says to that.
        Ok(Whole::Part) => Ok(End::Cut { bytes, answered: last.is_some() || call.last(WORD).await.is_ok() }),
        Ok(Whole::All) => {
            let last = match last {
                Some(last) => last,
                None => call.last(ANSWER).await.map_err(|no_reply| match no_reply {
                    NoReply::Silent => End::NoLastWord,
                    other => other.into(),
                })?,
            };
            let completed = last.code.severity() == Severity::Completion;
            if completed { Ok(End::Works { bytes }) } else { Err(End::DataRefused(line(&last))) }
        }
        Err(PumpError::Stalled(_)) => Err(End::Stalled { bytes }),
        Err(other) => Err(after_failure(call, last, &other.to_string(), WORD).await),
    }
}

enum Whole {
    All,
    /// We have seen enough.
    Part,
}

async fn receive(
    mut data: Data,
    into: &mut Vec<u8>,
    limit: usize,
    progress: &Progress,
) -> Result<Whole, PumpError> {
    let until = Instant::now() + LONG;
    while into.len() < limit && Instant::now() < until {
        match pump::receive(&mut data, into, STALL, progress).await {
            Ok(0) => {
                data.finish(WORD).await;
                return Ok(Whole::All);
            }
            Ok(_) => {}
            // Many servers end so, and what came is enough to know that the method works.
            Err(PumpError::Truncated) if !into.is_empty() => return Ok(Whole::All),
            Err(error) => return Err(error),
        }
    }
    Ok(Whole::Part)
}

/// The first reply to the command of a transfer, where it is yes: the reply itself if it is the last one too,
/// as the server has done it all already.
fn started(reply: Reply) -> Result<Option<Reply>, End> {
    match (reply.code.get(), reply.code.severity()) {
        (_, Severity::Preliminary) => Ok(None),
        (_, Severity::Completion) => Ok(Some(reply)),
        // Can't open the data connection; needs TLS for it; broken; wants the session to be resumed.
        (425 | 426 | 521 | 522, _) => Err(End::DataRefused(line(&reply))),
        _ => Err(End::CommandRefused(line(&reply))),
    }
}

/// The server's connection and its reply, in either order.
async fn coming(call: &mut Call<'_>, awaited: &ActivePort) -> Result<(Data, Option<Reply>), End> {
    let peer = call.peer().ip();
    let until = Instant::now() + CALL;
    let (mut data, mut said) = (None, None);
    loop {
        if let Some(last) = &mut said
            && let Some(data) = data.take()
        {
            return Ok((data, Option::take(last)));
        }
        let left = until.saturating_duration_since(Instant::now());
        tokio::select! {
            came = awaited.connection(peer), if data.is_none() => {
                data = Some(came.map_err(|error| End::Broken(words(&error)))?);
            }
            // `hear` has an end of its own, which is not after this one's.
            heard = call.hear(left) => match heard {
                Err(NoReply::Silent) => return Err(never_came(None, awaited, peer).await),
                heard => match started(heard?) {
                    Ok(None) => _ = said.get_or_insert(None),
                    Ok(last) => said = Some(last),
                    Err(End::DataRefused(why)) if data.is_none() => {
                        return Err(never_came(Some(why), awaited, peer).await);
                    }
                    Err(end) => return Err(end),
                },
            },
        }
    }
}

async fn never_came(said: Option<String>, awaited: &ActivePort, peer: IpAddr) -> End {
    End::NeverCame { said, call: awaited.half_open(peer).await, stranger: awaited.stranger() }
}

/// The data connection failed; the server may say why.
async fn after_failure(call: &mut Call<'_>, last: Option<Reply>, why: &str, within: Duration) -> End {
    let reply = match last {
        Some(reply) => Some(reply),
        None => call.last(within).await.ok(),
    };
    match reply {
        Some(reply) if reply.code.severity() != Severity::Completion => {
            End::DataRefused(format!("{}; {why}", line(&reply)))
        }
        Some(_) => End::DataRefused(why.to_owned()),
        None => End::Broken(why.to_owned()),
    }
}

impl From<NoReply> for End {
    fn from(no_reply: NoReply) -> Self {
        match no_reply {
            NoReply::Silent => Self::Stalled { bytes: 0 },
            other => Self::Broken(other.words()),
        }
    }
}
