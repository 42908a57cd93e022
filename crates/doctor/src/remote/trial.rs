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

/// The bytes of an job.
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
        let (tickets, segments) = (Tickets::Shown, None);
        Self { command, restart: None, bytes: Bytes::Here(into, limit), tickets, segments }
    }

    /// A command whose bytes go there.
    pub(super) fn store(command: Command, bytes: &'a [u8]) -> Self {
        let (tickets, segments) = (Tickets::Shown, None);
        Self { command, restart: None, bytes: Bytes::From(bytes), tickets, segments }
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

/// Does a job by a method, and tells how it went. The call may be of no use afterwards: see [`is_usable`].
pub(super) async fn follow(call: &mut Call<'_>, method: DataMethod, job: Job<'_>) -> Trial {
    let begun = Instant::now();
    let (cover, peer) = (if call.tls().is_some() { Cover::Tls } else { Cover::Clear }, call.peer());
    let mut trial = Trial {
        cover,
        method,
        peer,
        announced: None,
        end: End::Unanswered,
        resumed: None,
        small_segments: call.segments().is_some(),
        elapsed: Duration::ZERO,
    };
    let segments = job.segments.or(call.segments());
    trial.end = match open(call, method, &mut trial.announced, segments).await {
        Ok(opened) => carry(call, opened, job, &mut trial.resumed).await,
        Err(end) => end,
    };
    trial.elapsed = begun.elapsed();
    call.note(format!("* {method}: {:?}", trial.end));
    trial
}

/// Can the call go on, or is a reply still owed to it?
pub(super) fn is_usable(end: &End) -> bool {
    match end {
        End::Works { .. }
        | End::Cut { answered: true, .. }
        | End::Refused(_)
        | End::Unreadable(_)
        | End::NotReached(_)
        | End::CommandRefused(_)
        | End::DataRefused(_)
        | End::NeverCame { said: Some(_), .. } => true,
        End::Unanswered
        | End::Cut { answered: false, .. }
        | End::HungUp(_)
        | End::NeverCame { said: None, .. }
        | End::Stalled { .. }
        | End::NoLastWord
        | End::Broken(_) => false,
    }
}

/// What the server says of a data connection that does not come: its 425, or another refusal of that kind.
pub(super) async fn silence(call: &mut Call<'_>, within: Duration) -> Option<String> {
    match first_word(&call.last(within).await.ok()?) {
        First::Refused(End::DataRefused(said)) => Some(said),
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
    let peer = call.peer();
    let command = if method == DataMethod::Epsv { Command::Epsv(Epsv::Any) } else { Command::Pasv };
    let reply = agreed(call, &command).await?;
    let found = match method {
        DataMethod::Epsv => port_from_229(reply.text()).map(|port| SocketAddr::new(peer.ip(), port)),
        _ => HostPort::from_227(reply.text()).map(HostPort::socket),
    };
    let Some(found) = found else { return Err(End::Unreadable(line(&reply))) };
    *announced = Some(found);
    let mut target = peer;
    target.set_port(found.port());
    Ok(target)
}

/// The answer to the verb of a method, where it is yes.
async fn agreed(call: &mut Call<'_>, command: &Command) -> Result<Reply, End> {
    let reply = match call.ask(command, VERB).await {
        Ok(reply) => reply,
        Err(NoReply::Silent) => return Err(End::Unanswered),
        Err(NoReply::Ended(why)) => return Err(End::HungUp(why)),
        Err(NoReply::Nonsense(what) | NoReply::WantsCertificate(what)) => return Err(End::Broken(what)),
    };
    if reply.code.get() == 421 {
        return Err(End::HungUp(line(&reply)));
    }
    if reply.code.severity() != Severity::Completion {
        return Err(End::Refused(line(&reply)));
    }
    Ok(reply)
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

async fn carry(call: &mut Call<'_>, opened: Opened, job: Job<'_>, resumed: &mut Option<bool>) -> End {
    if let Some(marker) = job.restart {
        match call.ask(&Command::Rest(marker), ANSWER).await {
            Ok(reply) if reply.code.severity() == Severity::Intermediate => {}
            Ok(reply) => return End::CommandRefused(line(&reply)),
            Err(no_reply) => return ended(&no_reply),
        }
    }
    if let Err(no_reply) = call.say(&job.command).await {
        return ended(&no_reply);
    }
    // Pure-FTPd dials, sends a small file and says 226 before it has said 150 to be read.
    let (data, mut last) = match opened {
        Opened::Here(data) => match call.hear(ANSWER).await {
            Ok(reply) => match first_word(&reply) {
                First::Begins => (data, None),
                First::Ended => (data, Some(reply)),
                First::Refused(end) => return end,
            },
            Err(no_reply) => return ended(&no_reply),
        },
        Opened::Coming(awaited) => match coming(call, &awaited).await {
            Ok(data) => data,
            Err(end) => return end,
        },
    };
    let mut data = data;
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
                return match (error, end) {
                    (HandshakeError::Late(_), End::Broken(_)) => End::Stalled { bytes: 0 },
                    (_, end) => end,
                };
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
        Ok(Whole::Part) => {
            // Whatever it says to that.
            if last.is_none() {
                last = call.last(WORD).await.ok();
            }
            End::Cut { bytes, answered: last.is_some() }
        }
        Ok(Whole::All) => {
            if last.is_none() {
                last = match call.last(ANSWER).await {
                    Ok(reply) => Some(reply),
                    Err(NoReply::Silent) => return End::NoLastWord,
                    Err(no_reply) => return End::Broken(no_reply.words()),
                };
            }
            let Some(reply) = last else { return End::NoLastWord };
            if reply.code.severity() == Severity::Completion {
                End::Works { bytes }
            } else {
                End::DataRefused(line(&reply))
            }
        }
        Err(PumpError::Stalled(_)) => End::Stalled { bytes },
        Err(other) => after_failure(call, last, &other.to_string(), WORD).await,
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

enum First {
    Begins,
    /// The server has done it all already.
    Ended,
    Refused(End),
}

fn first_word(reply: &Reply) -> First {
    match (reply.code.get(), reply.code.severity()) {
        (_, Severity::Preliminary) => First::Begins,
        (_, Severity::Completion) => First::Ended,
        // Can't open the data connection; needs TLS for it; broken; wants the session to be resumed.
        (425 | 426 | 521 | 522, _) => First::Refused(End::DataRefused(line(reply))),
        _ => First::Refused(End::CommandRefused(line(reply))),
    }
}

/// The server's call and its words, in either order.
async fn coming(call: &mut Call<'_>, awaited: &ActivePort) -> Result<(Data, Option<Reply>), End> {
    let peer = call.peer().ip();
    let until = Instant::now() + CALL;
    let (mut data, mut words) = (None, None);
    while data.is_none() || words.is_none() {
        let left = until.saturating_duration_since(Instant::now());
        tokio::select! {
            came = awaited.connection(peer), if data.is_none() => match came {
                Ok(came) => data = Some(came),
                Err(error) => return Err(End::Broken(client::error::words(&error))),
            },
            // `hear` has an end of its own, which is not after this one's.
            heard = call.hear(left) => match heard.map(|reply| (first_word(&reply), reply)) {
                Ok((First::Begins, _)) if words.is_none() => words = Some(None),
                Ok((First::Begins, _)) => {}
                Ok((First::Ended, reply)) => words = Some(Some(reply)),
                Ok((First::Refused(End::DataRefused(why)), _)) if data.is_none() => {
                    return Err(never_came(Some(why), awaited, peer).await);
                }
                Ok((First::Refused(end), _)) => return Err(end),
                Err(NoReply::Silent) => break,
                Err(no_reply) => return Err(ended(&no_reply)),
            },
        }
    }
    match (data, words) {
        (Some(data), Some(last)) => Ok((data, last)),
        _ => Err(never_came(None, awaited, peer).await),
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

fn ended(no_reply: &NoReply) -> End {
    match no_reply {
        NoReply::Silent => End::Stalled { bytes: 0 },
        NoReply::Ended(why) | NoReply::Nonsense(why) | NoReply::WantsCertificate(why) => {
            End::Broken(why.clone())
        }
    }
}
