//! How do we come to a data connection?
//!
//! ```text
//!             229              connected
//!   AwaitEpsv ---> Dial(EPSV) ----------> ready, and we dialled
//!     | |silent,      | 2 s silent               ^ connected, and PASV refused
//!     | |reset        v                          |
//!     | |       AwaitPasvBesideDial -------------+
//!     | |             | 227: the server has closed the port of EPSV
//!     | |             v             connected
//!     | |         Dial(PASV) ------------> ready, and we dialled
//!     | |             ^ 227   | dead
//!     | |refused, dead|       v our port       200
//!     | '-----> AwaitPasv --> AwaitSocket --> AwaitEprt, AwaitPort --> ready, and the server will dial
//!     '-> a new session, without EPSV; so from every verb that is swallowed, cuts the session, or is answered
//!         out of step
//! ```
//! A server has one data port at a time: PASV closes the port that EPSV told (RFC 959 5.1.1 has one DTP;
//! vsftpd, Pure-FTPd, ProFTPD and our own do so). So the first dial can win only until a 227 comes: before
//! PASV is said, or where PASV is refused.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wire::command::Epsv;
use wire::host_port::port_from_229;
use wire::pathname::show;
use wire::{Command, HostPort, Reply, Severity, Verb};

use super::answer::belongs_to_another;
use super::approach::Approach;
use super::{Input, Outbox, Output, Patience};
use crate::error::{Attempt, CUT, Error, Unreachable, words};
use crate::event::Event;
use crate::method::DataMethod;

/// What the opening has come to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It goes on.
    Pending,
    /// A data connection stands to this port of the server's, or the server will dial us at this port of
    /// ours.
    Ready(DataMethod, Socket),
    /// This control connection cannot be trusted with another verb, and another method is left.
    NewSession,
    /// No method is left, or the session is lost.
    Failed(Error),
}

/// What the opening leaves behind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Socket {
    /// A connection to a port of the server's.
    Connected(SocketAddr),
    /// A port of ours.
    Listening(SocketAddr),
}

impl Socket {
    /// Where the connection goes: a port of the server's, or one of ours.
    pub(super) fn port(self) -> SocketAddr {
        match self {
            Self::Connected(at) | Self::Listening(at) => at,
        }
    }
}

/// The dial of EPSV beside a PASV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Silent,
    Connected,
}

#[derive(Clone, Copy, Debug)]
enum State {
    AwaitEpsv,
    AwaitPasv,
    AwaitPasvBesideDial { first: First, to: SocketAddr, since: Instant },
    Dial(DataMethod, SocketAddr),
    AwaitSocket(DataMethod),
    AwaitEprt(SocketAddr),
    AwaitPort(SocketAddr),
}

/// The search for a data connection.
#[derive(Debug)]
pub(super) struct Opening {
    approach: Approach,
    patience: Patience,
    state: State,
    since: Instant,
    by: Instant,
}

impl Opening {
    /// Starts with the approach's first method.
    pub(super) fn new<T>(approach: Approach, patience: Patience, now: Instant, out: &mut Outbox<T>) -> Self {
        let first = approach.first;
        // `start` sets the state; this one only gives the field a value.
        let mut opening = Self { approach, patience, state: State::AwaitEpsv, since: now, by: now };
        opening.start(first, now, out);
        opening
    }

    pub(super) fn deadline(&self) -> Instant {
        self.by
    }

    /// With the attempts that failed, for an error that is found later.
    pub(super) fn into_approach(self) -> Approach {
        self.approach
    }

    fn start<T>(&mut self, method: DataMethod, now: Instant, out: &mut Outbox<T>) {
        self.since = now;
        let patience = match method {
            DataMethod::Epsv => {
                out.push(Output::Send(Command::Epsv(Epsv::Any)));
                self.state = State::AwaitEpsv;
                self.verb_patience(method)
            }
            DataMethod::Pasv => {
                out.push(Output::Send(Command::Pasv));
                self.state = State::AwaitPasv;
                self.verb_patience(method)
            }
            DataMethod::Eprt | DataMethod::Port => {
                out.push(Output::Listen);
                self.state = State::AwaitSocket(method);
                self.patience.reply
            }
        };
        self.by = now + patience;
    }

    /// How long the answer to a verb is waited for. Where EPSV is left, a verb that is swallowed is not worth
    /// more time than EPSV itself; where EPSV was not answered either, the server may just be slow.
    fn verb_patience(&self, method: DataMethod) -> Duration {
        let short = method == DataMethod::Epsv || self.approach.has_left(DataMethod::Epsv);
        if short { self.patience.epsv } else { self.patience.reply }
    }

    pub(super) fn handle<T>(&mut self, input: Input, now: Instant, out: &mut Outbox<T>) -> Outcome {
        if let (Input::Reply(reply), Some(verb)) = (&input, self.unanswered())
            && is_out_of_step(reply, verb.0)
        {
            let error = Error::out_of_step(&verb.0.to_string(), reply);
            return self.swallowed(verb, answered(reply), error, now, out);
        }
        match (self.state, input) {
            (_, Input::Lost(error)) => self.lost(error, now, out),
            (_, Input::Reply(reply)) if reply.code.get() == 421 => {
                // The server's own word that the session ends: no middlebox, and no fault of the verb's.
                Outcome::Failed(Error::refused("a data connection", reply))
            }
            (_, Input::Reply(reply)) if reply.code.severity() == Severity::Preliminary => Outcome::Pending,
            (State::AwaitEpsv, Input::Reply(reply)) => match port_from_229(reply.text()) {
                Some(port) if reply.code.get() == 229 => self.dial(DataMethod::Epsv, self.at(port), now, out),
                _ => self.fall(DataMethod::Epsv, None, answered(&reply), now, out),
            },
            (State::AwaitPasv, Input::Reply(reply)) => match self.told(&reply, out) {
                Some(used) => self.dial(DataMethod::Pasv, used, now, out),
                None => self.fall(DataMethod::Pasv, None, answered(&reply), now, out),
            },
            (State::AwaitPasvBesideDial { first, to, since }, Input::Reply(reply)) => {
                let pasv_since = std::mem::replace(&mut self.since, since);
                if let Some(used) = self.told(&reply, out) {
                    self.fail(DataMethod::Epsv, Some(to), "no answer".to_owned(), now);
                    self.since = pasv_since;
                    out.push(Output::CloseData);
                    return self.dial(DataMethod::Pasv, used, now, out);
                }
                let attempt = Attempt {
                    method: DataMethod::Pasv,
                    target: None,
                    why: answered(&reply),
                    elapsed: now.saturating_duration_since(pasv_since),
                };
                self.approach.failed.push(attempt);
                // The port of EPSV is still the one that counts.
                self.state = State::Dial(DataMethod::Epsv, to);
                self.by = (since + self.patience.data).max(now);
                match first {
                    First::Connected => Outcome::Ready(DataMethod::Epsv, Socket::Connected(to)),
                    First::Silent => Outcome::Pending,
                }
            }
            (State::AwaitPasvBesideDial { to, since, .. }, Input::Connected) => {
                self.state = State::AwaitPasvBesideDial { first: First::Connected, to, since };
                Outcome::Pending
            }
            (State::AwaitPasvBesideDial { to, since, .. }, Input::NotConnected(error)) => {
                let pasv_since = std::mem::replace(&mut self.since, since);
                self.fail(DataMethod::Epsv, Some(to), words(&error), now);
                self.since = pasv_since;
                self.state = State::AwaitPasv;
                Outcome::Pending
            }
            (State::Dial(method, to), Input::Connected) => Outcome::Ready(method, Socket::Connected(to)),
            (State::Dial(method, target), Input::NotConnected(error)) => {
                self.fall(method, Some(target), words(&error), now, out)
            }
            (State::Dial(method, target), Input::TimePassed) if now >= self.by => {
                if self.may_race(method) {
                    return self.race(target, now, out);
                }
                out.push(Output::CloseData);
                self.fall(method, Some(target), "no answer".to_owned(), now, out)
            }
            (State::AwaitSocket(method), Input::Listening(ours)) => {
                if let Some(why) = self.approach.cannot_be_dialled(ours.ip()) {
                    out.push(Output::CloseData);
                    if method == DataMethod::Eprt && ours.is_ipv4() {
                        self.approach.skipped.push(DataMethod::Port);
                    }
                    return self.fall(method, Some(ours), why, now, out);
                }
                self.by = now + self.verb_patience(method);
                if let (DataMethod::Port, Some(host_port)) = (method, host_port(ours)) {
                    out.push(Output::Send(Command::Port(host_port)));
                    self.state = State::AwaitPort(ours);
                } else {
                    out.push(Output::Send(Command::Eprt(ours)));
                    self.state = State::AwaitEprt(ours);
                }
                Outcome::Pending
            }
            (State::AwaitSocket(method), Input::NotListening(error)) => {
                self.fail(method, None, words(&error), now);
                self.give_up()
            }
            (State::AwaitEprt(ours), Input::Reply(reply)) => {
                self.asked(DataMethod::Eprt, ours, &reply, now, out)
            }
            (State::AwaitPort(ours), Input::Reply(reply)) => {
                self.asked(DataMethod::Port, ours, &reply, now, out)
            }
            (_, Input::TimePassed) if now >= self.by => self.late(now, out),
            _ => Outcome::Pending,
        }
    }

    /// The port that a 227 tells, at the address of the control connection.
    fn told<T>(&self, reply: &Reply, out: &mut Outbox<T>) -> Option<SocketAddr> {
        let told =
            HostPort::from_227(reply.text()).filter(|told| reply.code.get() == 227 && told.port > 0)?;
        let used = self.at(told.port);
        // 0.0.0.0 is a server's way to say "where you reached me".
        if told.socket() != used && !told.address.is_unspecified() {
            out.push(Output::Tell(Event::AddressNotFollowed { told: told.socket(), used }));
        }
        Some(used)
    }

    fn asked<T>(
        &mut self,
        method: DataMethod,
        ours: SocketAddr,
        reply: &Reply,
        now: Instant,
        out: &mut Outbox<T>,
    ) -> Outcome {
        if reply.code.severity() == Severity::Completion {
            return Outcome::Ready(method, Socket::Listening(ours));
        }
        out.push(Output::CloseData);
        self.fall(method, Some(ours), answered(reply), now, out)
    }

    /// Is PASV worth a try beside this dial?
    fn may_race(&self, method: DataMethod) -> bool {
        method == DataMethod::Epsv && self.approach.next_after(DataMethod::Epsv) == Some(DataMethod::Pasv)
    }

    fn dial<T>(&mut self, method: DataMethod, to: SocketAddr, now: Instant, out: &mut Outbox<T>) -> Outcome {
        out.push(Output::Dial(to));
        self.state = State::Dial(method, to);
        let patience = if self.may_race(method) { self.patience.race } else { self.patience.data };
        self.by = now + patience.min(self.patience.data);
        Outcome::Pending
    }

    /// The port of EPSV is silent: PASV is said while its dial goes on.
    fn race<T>(&mut self, to: SocketAddr, now: Instant, out: &mut Outbox<T>) -> Outcome {
        let elapsed = now.saturating_duration_since(self.since);
        let why = format!("data port {}: no answer for {:.1} s", to.port(), elapsed.as_secs_f64());
        out.push(Output::Tell(Event::Fallback { from: DataMethod::Epsv, to: DataMethod::Pasv, why }));
        let since = self.since;
        self.start(DataMethod::Pasv, now, out);
        // EPSV was answered a moment ago, and so would PASV be, were it not swallowed.
        self.by = now + self.patience.epsv;
        self.state = State::AwaitPasvBesideDial { first: First::Silent, to, since };
        Outcome::Pending
    }

    /// The control connection was lost. While a verb is unanswered that is a middlebox's way to refuse it.
    fn lost<T>(&mut self, error: Error, now: Instant, out: &mut Outbox<T>) -> Outcome {
        match (self.unanswered(), &error) {
            (Some(verb), Error::Broken { .. } | Error::Nonsense { .. }) => {
                self.swallowed(verb, CUT.to_owned(), error, now, out)
            }
            _ => Outcome::Failed(error),
        }
    }

    fn late<T>(&mut self, now: Instant, out: &mut Outbox<T>) -> Outcome {
        let Some((method, ours)) = self.unanswered() else { return Outcome::Pending };
        let waited = now.saturating_duration_since(self.since);
        let why = format!("not answered within {} s", waited.as_secs());
        self.swallowed((method, ours), why, Error::silent(&method.to_string(), waited), now, out)
    }

    /// The verb whose answer is waited for, with our port where that is what it tells.
    fn unanswered(&self) -> Option<(DataMethod, Option<SocketAddr>)> {
        match self.state {
            State::AwaitEpsv => Some((DataMethod::Epsv, None)),
            State::AwaitPasv | State::AwaitPasvBesideDial { .. } => Some((DataMethod::Pasv, None)),
            State::AwaitEprt(ours) => Some((DataMethod::Eprt, Some(ours))),
            State::AwaitPort(ours) => Some((DataMethod::Port, Some(ours))),
            State::Dial(..) | State::AwaitSocket(_) => None,
        }
    }

    /// Was the verb swallowed, or the answer? The dialogue is in doubt, and what is left is tried in a new
    /// session. `error` is what it comes to where nothing is.
    fn swallowed<T>(
        &mut self,
        (method, ours): (DataMethod, Option<SocketAddr>),
        why: String,
        error: Error,
        now: Instant,
        out: &mut Outbox<T>,
    ) -> Outcome {
        // The port of EPSV that answered in the end is the method of the new session.
        if let State::AwaitPasvBesideDial { first: First::Silent, to, since } = self.state {
            let pasv_since = std::mem::replace(&mut self.since, since);
            self.fail(DataMethod::Epsv, Some(to), "no answer".to_owned(), now);
            self.since = pasv_since;
        }
        match self.in_new_session(method, ours, why, now, out) {
            Outcome::Failed(_) => Outcome::Failed(error),
            other => other,
        }
    }

    /// A port of the server's, at the control connection's address, with its scope where that is link-local.
    fn at(&self, port: u16) -> SocketAddr {
        let mut at = self.approach.server;
        at.set_port(port);
        at
    }

    fn fail(&mut self, method: DataMethod, target: Option<SocketAddr>, why: String, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        self.approach.failed.push(Attempt { method, target, why, elapsed });
    }

    fn fall<T>(
        &mut self,
        method: DataMethod,
        target: Option<SocketAddr>,
        why: String,
        now: Instant,
        out: &mut Outbox<T>,
    ) -> Outcome {
        self.fail(method, target, why.clone(), now);
        match self.approach.next() {
            Some(to) => {
                let why = match target {
                    Some(target) if method.is_passive() => format!("data port {}: {why}", target.port()),
                    _ => why,
                };
                out.push(Output::Tell(Event::Fallback { from: method, to, why }));
                self.start(to, now, out);
                Outcome::Pending
            }
            None => self.give_up(),
        }
    }

    /// The server's connection has not come to the port that `method` announced. PORT has failed with EPRT,
    /// as what stops the connection does not ask for the verb. Where a reply is still owed, another method
    /// needs another session.
    pub(super) fn not_called<T>(
        mut approach: Approach,
        patience: Patience,
        (method, ours, since): (DataMethod, SocketAddr, Instant),
        (why, owed): (String, bool),
        now: Instant,
        out: &mut Outbox<T>,
    ) -> (Self, Outcome) {
        if method == DataMethod::Eprt && ours.is_ipv4() {
            approach.skipped.push(DataMethod::Port);
        }
        let mut opening = Self { approach, patience, state: State::AwaitSocket(method), since, by: now };
        let outcome = if owed {
            opening.in_new_session(method, Some(ours), why, now, out)
        } else {
            opening.fall(method, Some(ours), why, now, out)
        };
        (opening, outcome)
    }

    fn in_new_session<T>(
        &mut self,
        method: DataMethod,
        target: Option<SocketAddr>,
        why: String,
        now: Instant,
        out: &mut Outbox<T>,
    ) -> Outcome {
        self.fail(method, target, why.clone(), now);
        match self.approach.next() {
            Some(to) => {
                self.approach.first = to;
                out.push(Output::Tell(Event::NewSession { from: method, to, why }));
                Outcome::NewSession
            }
            None => self.give_up(),
        }
    }

    fn give_up(&mut self) -> Outcome {
        let attempts = std::mem::take(&mut self.approach.failed);
        Outcome::Failed(Error::Unreachable(Unreachable::Data { server: self.approach.server, attempts }))
    }
}

/// Is a 2yz the answer to another command? A port is named by 227 and 229 alone.
fn is_out_of_step(reply: &Reply, method: DataMethod) -> bool {
    let code = reply.code.get();
    let is_another = match method {
        DataMethod::Epsv => code != 229,
        DataMethod::Pasv => code != 227,
        DataMethod::Eprt | DataMethod::Port => belongs_to_another(code, Verb::Eprt),
    };
    is_another && reply.code.severity() == Severity::Completion
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
