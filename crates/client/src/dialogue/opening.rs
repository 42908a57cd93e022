//! How do we come to a data connection?
//!
//! ```text
//!             229                 connected
//!   AwaitEpsv ----> Dial(EPSV) --------------> ready, and we dialled
//!     | silent: a new session      | dead
//!     | refused, unreadable        |
//!     v            227             v connected
//!   AwaitPasv <---------------- Dial(PASV) --> ready, and we dialled
//!     | refused, IPv6, dead
//!     v           our port       200
//!   AwaitSocket ----------> AwaitEprt ----> ready, and the server will dial
//!                             | refused     200
//!                             +-> AwaitPort ----> ready, and the server will dial
//! ```
//! `--mode auto` walks the whole way; `passive` only its upper half and `active` only its lower.
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use wire::command::Epsv;
use wire::host_port::port_from_229;
use wire::pathname::show;
use wire::{Command, HostPort, Reply, Severity};

use super::transfer::Transferred;
use super::{Input, Outbox, Output, Patience};
use crate::error::{Attempt, Error, Unreachable, words};
use crate::event::Event;

/// Who opens data connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// We do, where that works, else the server.
    #[default]
    Auto,
    /// We do.
    Passive,
    /// The server does.
    Active,
}

/// A way to a data connection, named by its verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// RFC 2428: passive, the server tells a port only.
    Epsv,
    /// RFC 959: passive, IPv4 only.
    Pasv,
    /// RFC 2428: active.
    Eprt,
    /// RFC 959: active, IPv4 only.
    Port,
}

impl Way {
    /// Do we dial?
    #[must_use]
    pub fn is_passive(self) -> bool {
        matches!(self, Self::Epsv | Self::Pasv)
    }

    /// The word for it.
    #[must_use]
    pub fn mode(self) -> &'static str {
        if self.is_passive() { "passive" } else { "active" }
    }

    /// The first way of a mode.
    #[must_use]
    pub fn first(mode: Mode) -> Self {
        match mode {
            Mode::Auto | Mode::Passive => Self::Epsv,
            Mode::Active => Self::Eprt,
        }
    }

    /// The way to try after this one, if the mode allows one. PASV and PORT cannot name an IPv6 address.
    pub(crate) fn next(self, mode: Mode, server: IpAddr) -> Option<Self> {
        match self {
            Self::Epsv if server.is_ipv4() => Some(Self::Pasv),
            Self::Epsv | Self::Pasv if mode == Mode::Auto => Some(Self::Eprt),
            Self::Eprt if server.is_ipv4() => Some(Self::Port),
            _ => None,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epsv => "EPSV",
            Self::Pasv => "PASV",
            Self::Eprt => "EPRT",
            Self::Port => "PORT",
        })
    }
}

/// What the opening has come to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It goes on.
    Pending,
    /// A data connection stands (`None`), or the server will dial us at this port.
    Ready(Way, Option<SocketAddr>),
    /// EPSV was swallowed on the way: this control connection cannot be trusted with another verb.
    Anew,
    /// There is no way, or the session is lost.
    Failed(Error),
}

#[derive(Clone, Copy, Debug)]
enum State {
    AwaitEpsv,
    AwaitPasv,
    Dial(Way, SocketAddr),
    AwaitSocket(Way),
    AwaitEprt(SocketAddr),
    AwaitPort(SocketAddr),
}

/// The search for a data connection.
#[derive(Debug)]
pub(super) struct Opening {
    mode: Mode,
    /// The control connection's peer: data connections go to no other address, and come from no other.
    server: SocketAddr,
    patience: Patience,
    attempts: Vec<Attempt>,
    state: State,
    since: Instant,
    by: Instant,
}

impl Opening {
    /// Starts with `way`.
    pub(super) fn new(
        mode: Mode,
        way: Way,
        server: SocketAddr,
        patience: Patience,
        now: Instant,
        out: &mut Outbox<Transferred>,
    ) -> Self {
        // `start` sets the state; this one only gives the field a value.
        let mut opening = Self {
            mode,
            server,
            patience,
            attempts: Vec::new(),
            state: State::AwaitEpsv,
            since: now,
            by: now,
        };
        opening.start(way, now, out);
        opening
    }

    pub(super) fn deadline(&self) -> Instant {
        self.by
    }

    /// The attempts that failed, for an error that is found later.
    pub(super) fn into_attempts(self) -> Vec<Attempt> {
        self.attempts
    }

    fn start(&mut self, way: Way, now: Instant, out: &mut Outbox<Transferred>) {
        self.since = now;
        let patience = match way {
            Way::Epsv => {
                out.push(Output::Send(Command::Epsv(Epsv::Any)));
                self.state = State::AwaitEpsv;
                self.patience.epsv
            }
            Way::Pasv => {
                out.push(Output::Send(Command::Pasv));
                self.state = State::AwaitPasv;
                self.patience.reply
            }
            Way::Eprt | Way::Port => {
                out.push(Output::Listen);
                self.state = State::AwaitSocket(way);
                self.patience.reply
            }
        };
        self.by = now + patience;
    }

    pub(super) fn handle(&mut self, input: Input, now: Instant, out: &mut Outbox<Transferred>) -> Verdict {
        match (self.state, input) {
            (_, Input::Lost(error)) => self.lost(error),
            (_, Input::Reply(reply)) if reply.code.get() == 421 => {
                Verdict::Failed(Error::refused("a data connection", reply))
            }
            (_, Input::Reply(reply)) if reply.code.severity() == Severity::Preliminary => Verdict::Pending,
            (State::AwaitEpsv, Input::Reply(reply)) => match port_from_229(reply.text()) {
                Some(port) if reply.code.get() == 229 => self.dial(Way::Epsv, self.at(port), now, out),
                _ => self.fall(Way::Epsv, None, answered(&reply), now, out),
            },
            (State::AwaitPasv, Input::Reply(reply)) => match HostPort::from_227(reply.text()) {
                Some(told) if reply.code.get() == 227 && told.port > 0 => {
                    let used = self.at(told.port);
                    // 0.0.0.0 is a server's way to say "where you reached me".
                    if told.socket() != used && !told.address.is_unspecified() {
                        out.push(Output::Tell(Event::AddressNotFollowed { told: told.socket(), used }));
                    }
                    self.dial(Way::Pasv, used, now, out)
                }
                _ => self.fall(Way::Pasv, None, answered(&reply), now, out),
            },
            (State::Dial(way, _), Input::Connected) => Verdict::Ready(way, None),
            (State::Dial(way, target), Input::NotConnected(error)) => {
                self.fall(way, Some(target), words(&error), now, out)
            }
            (State::Dial(way, target), Input::TimePassed) if now >= self.by => {
                out.push(Output::CloseData);
                self.fall(way, Some(target), "no answer".to_owned(), now, out)
            }
            (State::AwaitSocket(way), Input::Listening(ours)) => {
                self.by = now + self.patience.reply;
                if let (Way::Port, Some(host_port)) = (way, host_port(ours)) {
                    out.push(Output::Send(Command::Port(host_port)));
                    self.state = State::AwaitPort(ours);
                } else {
                    out.push(Output::Send(Command::Eprt(ours)));
                    self.state = State::AwaitEprt(ours);
                }
                Verdict::Pending
            }
            (State::AwaitSocket(way), Input::NotListening(error)) => {
                self.fail(way, None, words(&error), now);
                self.give_up()
            }
            (State::AwaitEprt(ours), Input::Reply(reply)) => self.asked(Way::Eprt, ours, &reply, now, out),
            (State::AwaitPort(ours), Input::Reply(reply)) => self.asked(Way::Port, ours, &reply, now, out),
            (State::AwaitEpsv, Input::TimePassed) if now >= self.by => {
                // A middlebox that swallows one verb leaves the dialogue in doubt: was it the verb or the answer?
                if Way::Epsv.next(self.mode, self.server.ip()).is_some() {
                    Verdict::Anew
                } else {
                    Verdict::Failed(Error::silent("EPSV", self.patience.epsv))
                }
            }
            (State::AwaitPasv, Input::TimePassed) if now >= self.by => {
                Verdict::Failed(Error::silent("PASV", self.patience.reply))
            }
            (State::AwaitEprt(_) | State::AwaitPort(_), Input::TimePassed) if now >= self.by => {
                Verdict::Failed(Error::silent("PORT", self.patience.reply))
            }
            _ => Verdict::Pending,
        }
    }

    fn asked(
        &mut self,
        way: Way,
        ours: SocketAddr,
        reply: &Reply,
        now: Instant,
        out: &mut Outbox<Transferred>,
    ) -> Verdict {
        if reply.code.severity() == Severity::Completion {
            return Verdict::Ready(way, Some(ours));
        }
        out.push(Output::CloseData);
        self.fall(way, Some(ours), answered(reply), now, out)
    }

    fn dial(&mut self, way: Way, to: SocketAddr, now: Instant, out: &mut Outbox<Transferred>) -> Verdict {
        out.push(Output::Dial(to));
        self.state = State::Dial(way, to);
        self.by = now + self.patience.data;
        Verdict::Pending
    }

    /// The control connection was lost. While EPSV is unanswered that is a middlebox's way to refuse it.
    fn lost(&self, error: Error) -> Verdict {
        match self.state {
            State::AwaitEpsv if Way::Epsv.next(self.mode, self.server.ip()).is_some() => Verdict::Anew,
            _ => Verdict::Failed(error),
        }
    }

    /// A port of the server's, at the control connection's address, with its scope where that is link-local.
    fn at(&self, port: u16) -> SocketAddr {
        let mut at = self.server;
        at.set_port(port);
        at
    }

    fn fail(&mut self, way: Way, target: Option<SocketAddr>, why: String, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        self.attempts.push(Attempt { way, target, why, elapsed });
    }

    fn fall(
        &mut self,
        way: Way,
        target: Option<SocketAddr>,
        why: String,
        now: Instant,
        out: &mut Outbox<Transferred>,
    ) -> Verdict {
        self.fail(way, target, why.clone(), now);
        match way.next(self.mode, self.server.ip()) {
            Some(to) => {
                let why = match target {
                    Some(target) if way.is_passive() => format!("data port {}: {why}", target.port()),
                    _ => why,
                };
                out.push(Output::Tell(Event::Fallback { from: way, to, why }));
                self.start(to, now, out);
                Verdict::Pending
            }
            None => self.give_up(),
        }
    }

    fn give_up(&mut self) -> Verdict {
        let attempts = std::mem::take(&mut self.attempts);
        Verdict::Failed(Error::Unreachable(Unreachable::Data { server: self.server, attempts }))
    }
}

impl Attempt {
    /// The attempt to be dialled by the server, which failed.
    pub(super) fn active(way: Way, ours: SocketAddr, why: String, elapsed: Duration) -> Self {
        Self { way, target: Some(ours), why, elapsed }
    }
}

fn answered(reply: &Reply) -> String {
    format!("answered {} {}", reply.code, show(reply.text()))
}

/// A port of our own as PORT tells it; IPv6 cannot be told so.
fn host_port(ours: SocketAddr) -> Option<HostPort> {
    match ours {
        SocketAddr::V4(v4) => Some(HostPort { address: *v4.ip(), port: v4.port() }),
        SocketAddr::V6(_) => None,
    }
}
