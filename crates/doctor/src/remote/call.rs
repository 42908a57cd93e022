//! How does a probe talk on a control connection of its own?
//!
//! A `Call` is nearer to the wire than a session: a probe wants to know whether an answer was silence, a
//! hang-up or nonsense, and goes on where a session would give up. Every wait has an end.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use net::control::Control;
use net::icmp::Rejection;
use net::tls::client::{ClientTls, Session};
use net::tls::{HandshakeError, UpgradeError, is_about_our_certificate};
use tokio::time::timeout;
use wire::pathname::show;
use wire::{Command, Reply, Severity};

use super::facts::{Dial, Handshake};
use super::notebook::Notebook;
use client::control_line::{ControlLine, Lost};
use client::error::words;
use client::event::said;

/// For an ordinary answer: some round trips to the other end of the world, and a busy server.
pub(super) const ANSWER: Duration = Duration::from_secs(4);
/// For a control connection to stand. A lost SYN is sent again after 1 s and after 3 s.
pub(super) const CONNECT: Duration = Duration::from_millis(4500);
/// For a greeting. A server that looks up our name first may need this long.
pub(super) const GREETING: Duration = Duration::from_millis(3500);
/// A server that counts sessions per address may have let one go after this.
pub(super) const FULL: Duration = Duration::from_millis(1200);
/// And so often: what is full for longer is so for another reason than we.
pub(super) const TRIES: usize = 3;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// None came in time.
    Silent,
    /// The connection ended, in order or not.
    Ended(String),
    /// What came is no reply.
    Nonsense(String),
    /// The server demands a certificate of ours: under TLS 1.3 it says so only now.
    WantsCertificate(String),
}

impl NoReply {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Silent => "no answer".to_owned(),
            Self::Ended(why) | Self::Nonsense(why) | Self::WantsCertificate(why) => why.clone(),
        }
    }
}

/// Why TLS does not stand.
pub(super) struct HandshakeFailed {
    pub(super) error: UpgradeError,
    pub(super) handshake: Handshake,
}

/// A control connection of a probe.
pub(super) struct Call<'n> {
    line: ControlLine,
    tls: Option<Session>,
    notebook: &'n Notebook,
    /// Which probe speaks, for the transcript.
    lane: &'static str,
    /// The largest segment of this connection and of its data connections; None: the kernel chooses.
    segments: Option<u16>,
}

impl<'n> Call<'n> {
    /// Connects to the control port, with segments of this size at most where one is given.
    pub(super) async fn dial(
        to: SocketAddr,
        lane: &'static str,
        notebook: &'n Notebook,
        segments: Option<u16>,
    ) -> Result<Self, Dial> {
        let control = match timeout(CONNECT, Control::connect(to, None, segments)).await {
            Ok(Ok(control)) => control,
            Ok(Err(error)) => return Err(dial_of(&error)),
            Err(_) => return Err(Dial::Silent),
        };
        notebook.say(lane, format!("* client {} --> server {to}", control.local()));
        Ok(Self { line: ControlLine::new(control), tls: None, notebook, lane, segments })
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.line.control().peer()
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.line.control().local()
    }

    pub(super) fn segments(&self) -> Option<u16> {
        self.segments
    }

    pub(super) fn note(&self, line: String) {
        self.notebook.say(self.lane, line);
    }

    /// The TLS of the control connection.
    pub(super) fn tls(&self) -> Option<&Session> {
        self.tls.as_ref()
    }

    /// What has come and was not taken as a reply.
    pub(super) fn unread(&self) -> &[u8] {
        self.line.last_read()
    }

    /// The next reply, of any kind.
    pub(super) async fn hear(&mut self, within: Duration) -> Result<Reply, NoReply> {
        match timeout(within, self.next()).await {
            Ok(Ok(reply)) => {
                self.notebook.hear(self.lane, &reply);
                Ok(self.notebook.masked(reply))
            }
            Ok(Err(no_reply)) => {
                self.note(format!("* {}", no_reply.words()));
                Err(no_reply)
            }
            Err(_) => {
                self.note(format!("* no answer within {:.1} s", within.as_secs_f64()));
                Err(NoReply::Silent)
            }
        }
    }

    /// Cancel-safe, as [`ControlLine::next`] is.
    async fn next(&mut self) -> Result<Reply, NoReply> {
        self.line.next().await.map_err(|lost| match lost {
            Lost::Closed => NoReply::Ended("the server closed the control connection".to_owned()),
            Lost::Nonsense(error) => NoReply::Nonsense(self.notebook.quoted(error.to_string())),
            Lost::Broken(error) if is_about_our_certificate(&error) => {
                NoReply::WantsCertificate(words(&error))
            }
            Lost::Broken(error) => NoReply::Ended(format!("the control connection broke: {}", words(&error))),
        })
    }

    /// The first bytes, as they are: the port may not speak FTP at all. None: silence.
    pub(super) async fn first_bytes(&mut self, within: Duration) -> Result<Option<()>, NoReply> {
        match timeout(within, self.line.read()).await {
            Ok(Ok(0)) => Err(NoReply::Ended("it closed the connection without a word".to_owned())),
            Ok(Ok(_)) => Ok(Some(())),
            Ok(Err(error)) => Err(NoReply::Ended(words(&error))),
            Err(_) => Ok(None),
        }
    }

    /// Has the peer's machine acknowledged all that we have said? A program that is silent leaves that to its
    /// kernel.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.line.control().unacknowledged() == Some(0)
    }

    /// Says a command.
    pub(super) async fn say(&mut self, command: &Command) -> Result<(), NoReply> {
        self.note(format!("> {}", said(command)));
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        self.write(&bytes).await
    }

    /// Says bytes that are no command.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), NoReply> {
        self.line.write(bytes, ANSWER).await.map_err(NoReply::Ended)
    }

    /// Says a command and hears its last answer: 1yz are passed over, four at most.
    pub(super) async fn ask(&mut self, command: &Command, within: Duration) -> Result<Reply, NoReply> {
        self.say(command).await?;
        self.last(within).await
    }

    /// The next reply that is not a 1yz.
    pub(super) async fn last(&mut self, within: Duration) -> Result<Reply, NoReply> {
        for _ in 0..4 {
            let reply = self.hear(within).await?;
            if reply.code.severity() != Severity::Preliminary {
                return Ok(reply);
            }
        }
        Err(NoReply::Nonsense("it says that it begins, and never ends".to_owned()))
    }

    /// Begins TLS: after AUTH's 234, or at once.
    pub(super) async fn protect(
        &mut self,
        tls: &ClientTls,
        host: &str,
        after_auth: bool,
    ) -> Result<(), HandshakeFailed> {
        match self.line.start_tls(tls, host, after_auth, ANSWER).await {
            Ok(session) => {
                let established = session.established();
                self.note(format!("* TLS {}, {}", established.version, established.suite));
                self.tls = Some(session);
                Ok(())
            }
            Err(error) => {
                self.note(format!("* TLS failed: {error}"));
                let handshake = self.handshake(&error);
                Err(HandshakeFailed { error, handshake })
            }
        }
    }

    fn handshake(&self, error: &UpgradeError) -> Handshake {
        let UpgradeError::Handshake(error) = error else { return Handshake::Failed(error.to_string()) };
        match error {
            HandshakeError::Late(_) => Handshake::Stalled(self.line.control().unacknowledged()),
            HandshakeError::Closed | HandshakeError::Io(_) => Handshake::Cut(error.to_string()),
            HandshakeError::NotTls(bytes) => {
                let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
                Handshake::Clear(show(line))
            }
            error if error.is_about_ours() => Handshake::WantsCertificate(error.to_string()),
            error => Handshake::Failed(error.to_string()),
        }
    }

    /// Says goodbye, and does not wait for long: the server's log is to show a clean end.
    pub(super) async fn quit(mut self) {
        if self.say(&Command::Quit).await.is_ok() {
            // The session is over either way.
            let _ = self.hear(Duration::from_millis(500)).await;
        }
    }
}

/// A reply in one line, to stand inside a sentence: without a full stop of its own.
pub(super) fn line(reply: &Reply) -> String {
    format!("{} {}", reply.code, show(reply.text()).trim_end_matches(['.', ' ']))
}

/// What a failed call means, with the ICMP message that ended it, if one did.
pub(super) fn explained((error, rejection): &(io::Error, Option<Rejection>)) -> Dial {
    match rejection {
        Some(rejection) => Dial::Rejected { by: rejection.by, says: rejection.to_string() },
        None => dial_of(error),
    }
}

/// What a failed call means.
pub(super) fn dial_of(error: &io::Error) -> Dial {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    match error.kind() {
        ConnectionRefused => Dial::Refused,
        TimedOut => Dial::Silent,
        HostUnreachable | NetworkUnreachable | AddrNotAvailable => Dial::NoRoute(words(error)),
        _ => Dial::Failed(words(error)),
    }
}
