//! How does one file, or one listing, come over?
//!
//! ```text
//!   Opening --we dialled-----------> [AwaitRest] --> AwaitStart ----1yz----> Moving --data ended--> AwaitFinal
//!     |                                                 | 2yz (down)           | 2yz                  | 2yz
//!     |  ^                                              v                      v                      v
//!     |  |                                           MovingAfterFinal <--------+                     done
//!     |  |425                                           +-- data ended --> done
//!     +-----the server will dial---> [AwaitRest] --> AwaitStartAndPeer --both, in either order--> Moving
//!                                                       +-- silence --> another method in a new session
//!
//!   Moving --4yz, 5yz--> MovingAfterFailure (down) --data ended--> broken
//!   Moving --the control connection lost--> MovingAfterLoss --data ended--> unconfirmed
//!   AwaitFinal --silence, or the control connection lost--> unconfirmed: a new session can tell whether it is whole
//! ```
//! The end of the data and the last reply come in either order; both are waited for. A 4yz or 5yz at any
//! point is the end: bytes without a 2yz prove nothing, and only SIZE, asked for in a new session, is as good
//! as one.
mod ending;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wire::pathname::show;
use wire::{Command, Marker, Reply, Severity, Verb};

use super::answer::belongs_to_another;
use super::approach::Approach;
use super::opening::{Opening, Outcome, Socket};
use super::{Goal, Input, MoveError, Outbox, Output, Patience};
use crate::error::{Attempt, Error, Unreachable, words};
use crate::event::{Event, said};
use crate::method::DataMethod;

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From the server to us.
    Down,
    /// From us to the server.
    Up,
}

/// What a transfer came to.
#[derive(Debug)]
pub enum Transferred {
    /// The bytes were moved and the server confirmed it.
    Whole {
        /// How many.
        bytes: u64,
        /// The server's last word.
        last: Reply,
        /// The method that led to a data connection, to begin with next time.
        method: DataMethod,
    },
    /// The bytes were moved, and the server has not said a word about it: its control connection is lost.
    /// Only a new session can tell what has become of them.
    Unconfirmed {
        /// How many.
        bytes: u64,
        /// The method that led to a data connection.
        method: DataMethod,
    },
    /// This session is in doubt, and a method is left: try again in a new one. Nothing was moved.
    NewSession {
        /// Where to go on from, with what has failed.
        approach: Approach,
    },
}

#[derive(Debug)]
enum State {
    Opening(Box<Opening>),
    AwaitRest(Socket),
    AwaitStart,
    AwaitStartAndPeer(SocketAddr),
    /// The server has said 1yz, its connection has not come.
    AwaitPeer(SocketAddr),
    /// The server has said all, 2yz too, and its connection has come or will at once: of two sockets that are
    /// ready, either may be seen first.
    AwaitPeerAfterFinal(SocketAddr, Reply),
    /// The server's connection has come, 1yz has not.
    AwaitStartHavingPeer,
    Moving,
    MovingAfterFinal(Reply),
    /// It has failed, but what is on its way to us is worth keeping.
    MovingAfterFailure(Error),
    /// The server has said 4yz or 5yz; what is on its way to us is worth keeping, and says whether there was
    /// anything.
    MovingAfterRefusal(Reply),
    /// The control connection is lost; what is on its way may be whole all the same, and is given a moment to
    /// end.
    MovingAfterLoss(Error),
    AwaitFinal(Result<u64, MoveError>),
    /// Our own file failed in mid upload: ABOR has been said, so that what was sent is not taken for the
    /// whole.
    AwaitAborted(Error),
    Ended,
}

/// One transfer: a data connection, REST, the verb, the bytes, the last reply.
#[derive(Debug)]
pub struct Transfer {
    out: Outbox<Transferred>,
    command: Command,
    said: String,
    flow: Flow,
    restart: Option<Marker>,
    patience: Patience,
    method: DataMethod,
    /// What has failed until a data connection stood, or was promised: the server may still not come.
    approach: Approach,
    /// Where the data connection goes: a port of the server's, in active mode one of ours.
    data: Option<SocketAddr>,
    state: State,
    /// The server has said 1yz.
    started: bool,
    since: Instant,
    by: Option<Instant>,
}

impl Transfer {
    /// Moves bytes by `command`, after REST `restart` where there is one.
    #[must_use]
    pub fn new(
        command: Command,
        flow: Flow,
        restart: Option<Marker>,
        approach: Approach,
        patience: Patience,
        now: Instant,
    ) -> Self {
        let mut out = Outbox::new();
        let opening = Opening::new(approach.clone(), patience, now, &mut out);
        Self {
            out,
            said: said(&command),
            command,
            flow,
            restart,
            patience,
            method: approach.first,
            approach,
            data: None,
            by: Some(opening.deadline()),
            state: State::Opening(Box::new(opening)),
            started: false,
            since: now,
        }
    }

    /// A directory, and not a file: one with nothing in it has no bytes.
    fn is_listing(&self) -> bool {
        matches!(self.command, Command::List(_) | Command::ListAll | Command::Mlsd(_) | Command::Nlst(_))
    }

    fn end(&mut self, result: Result<Transferred, Error>) {
        self.state = State::Ended;
        self.by = None;
        self.out.push(Output::CloseData);
        self.out.push(Output::Done(result));
    }

    /// Ends it while a reply is still to come: the session cannot go on.
    fn end_in_doubt(&mut self, error: Error) {
        self.out.push(Output::HangUp);
        self.end(Err(error));
    }

    fn break_off(&mut self, what: String, moved: u64) {
        self.end(Err(Error::Broken { what, moved }));
    }

    fn whole(&mut self, bytes: u64, last: Reply) {
        self.out.push(Output::Tell(Event::DataEnded { bytes }));
        self.end(Ok(Transferred::Whole { bytes, last, method: self.method }));
    }

    fn await_reply(&mut self, state: State, now: Instant) {
        self.state = state;
        self.by = Some(now + self.patience.reply);
    }

    /// The data connection stands, or our port does: REST, or the verb at once.
    fn opened(&mut self, socket: Socket, now: Instant) {
        if let Some(marker) = self.restart {
            self.out.push(Output::Send(Command::Rest(marker)));
            self.await_reply(State::AwaitRest(socket), now);
        } else {
            self.verb(socket, now);
        }
    }

    fn verb(&mut self, socket: Socket, now: Instant) {
        self.out.push(Output::Send(self.command.clone()));
        match socket {
            Socket::Connected(_) => self.await_reply(State::AwaitStart, now),
            Socket::Listening(ours) => {
                self.out.push(Output::Accept);
                self.since = now;
                self.state = State::AwaitStartAndPeer(ours);
                self.by = Some(now + self.until_called());
            }
        }
    }

    /// How long the server's call is waited for. Where nothing is left that could work in its place, twice as
    /// long: a call through a busy firewall may need its third SYN, 7 s after the first.
    fn until_called(&self) -> Duration {
        if self.approach.has_more_than_calls(self.method) {
            self.patience.data
        } else {
            self.patience.data * 2
        }
    }

    fn start(&mut self) {
        self.state = State::Moving;
        // From here on the mover watches for a stall.
        self.by = None;
        self.out.push(Output::Move);
    }

    fn no_data(&mut self, ours: SocketAddr, why: String, now: Instant) -> Error {
        let elapsed = now.saturating_duration_since(self.since);
        let mut attempts = std::mem::take(&mut self.approach.failed);
        attempts.push(Attempt { method: self.method, target: Some(ours), why, elapsed });
        Error::Unreachable(Unreachable::Data { server: self.approach.server, attempts })
    }

    /// The server could not call us, and says so: another method in the same session.
    fn not_called(&mut self, ours: SocketAddr, why: String, now: Instant) {
        self.out.push(Output::CloseData);
        let tried = (self.method, ours, self.since);
        let (opening, outcome) = Opening::not_called(
            self.approach.clone(),
            self.patience,
            tried,
            (why, false),
            now,
            &mut self.out,
        );
        self.state = State::Opening(Box::new(opening));
        self.follow(outcome, now);
    }

    /// The server has not called us, and still owes us a reply: another method in another session.
    fn never_called(&mut self, ours: SocketAddr, now: Instant) {
        let tried = (self.method, ours, self.since);
        let why = format!("the server did not connect to our port {}", ours.port());
        let (opening, outcome) =
            Opening::not_called(self.approach.clone(), self.patience, tried, (why, true), now, &mut self.out);
        match outcome {
            Outcome::NewSession => {
                self.end(Ok(Transferred::NewSession { approach: opening.into_approach() }))
            }
            _ => {
                let error = self.no_data(ours, "the server did not connect".to_owned(), now);
                self.end_in_doubt(error);
            }
        }
    }

    fn heard(&mut self, reply: Reply, now: Instant) {
        use Severity::{Completion, Intermediate, Permanent, Preliminary, Transient};
        let severity = reply.code.severity();
        self.started |= severity == Preliminary;
        if severity == Completion && self.is_out_of_step(&reply) {
            let error = Error::out_of_step(&self.said, &reply);
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Moving => self.fail_moving(error, now),
                State::AwaitFinal(moved) => self.end(Err(error.after_bytes(moved.unwrap_or(0)))),
                _ => self.end(Err(error)),
            }
            return;
        }
        match (std::mem::replace(&mut self.state, State::Ended), severity) {
            (State::AwaitRest(socket), Intermediate | Completion) => self.verb(socket, now),
            (State::AwaitRest(_), Transient | Permanent) => self.end(Err(Error::refused("REST", reply))),

            (State::AwaitStart | State::AwaitStartHavingPeer, Preliminary) => self.start(),
            (State::AwaitStartAndPeer(ours), Preliminary) => {
                self.state = State::AwaitPeer(ours);
                self.by = Some(now + self.until_called());
            }
            // Some servers leave out the 1yz of a download and say 226 at once; the data still counts.
            (State::AwaitStart | State::AwaitStartHavingPeer, Completion) if self.flow == Flow::Down => {
                self.start();
                self.state = State::MovingAfterFinal(reply);
            }
            (State::AwaitStartAndPeer(ours) | State::AwaitPeer(ours), Completion)
                if self.flow == Flow::Down =>
            {
                self.state = State::AwaitPeerAfterFinal(ours, reply);
                self.by = Some(now + self.patience.data);
            }
            // The server could not open the data connection: how active mode fails.
            (State::AwaitStartAndPeer(ours) | State::AwaitPeer(ours), Transient)
                if reply.code.get() == 425 =>
            {
                self.not_called(ours, format!("the server answered 425 {}", show(reply.text())), now);
            }
            (
                State::AwaitStart
                | State::AwaitStartHavingPeer
                | State::AwaitStartAndPeer(_)
                | State::AwaitPeer(_),
                Transient | Permanent,
            ) => self.end(Err(Error::refused(&self.said, reply))),

            (State::Moving, Completion) => {
                if self.flow == Flow::Up {
                    self.out.push(Output::Confirmed);
                }
                self.state = State::MovingAfterFinal(reply);
            }
            (State::Moving, Transient | Permanent) if self.flow == Flow::Down => {
                self.state = State::MovingAfterRefusal(reply);
                self.by = Some(now + self.patience.data);
            }
            (State::Moving, Transient | Permanent) => self.ended_by(reply, None),
            (State::AwaitFinal(Ok(bytes)), Completion) => self.whole(bytes, reply),
            (State::AwaitFinal(Err(MoveError::Local(source))), Completion | Transient | Permanent) => {
                self.end(Err(Error::Local { doing: self.said.clone(), source }));
            }
            (State::AwaitFinal(moved), Transient | Permanent) => self.ended_by(reply, moved.ok()),
            (State::AwaitFinal(Err(error)), Completion) => {
                // The server believes in an end that we did not see.
                self.moved_error(error, "although the server said it was done");
            }
            // The transfer's own end; that of ABOR is still to come, or will never.
            (State::AwaitAborted(error), Transient | Permanent | Completion) => self.end_in_doubt(error),
            (state @ (State::AwaitFinal(_) | State::AwaitAborted(_)), Intermediate) => {
                self.state = state;
            }
            // A second 1yz, or a stray word after the last one, changes nothing.
            (state, Preliminary) => self.state = state,
            (
                state @ (State::MovingAfterFinal(_)
                | State::MovingAfterFailure(_)
                | State::MovingAfterRefusal(_)
                | State::MovingAfterLoss(_)
                | State::AwaitPeerAfterFinal(..)
                | State::Opening(_)
                | State::Ended),
                _,
            ) => {
                self.state = state;
            }
            (_, Completion | Intermediate) => {
                let error = Error::nonsense(&self.said, &reply);
                self.end(Err(error));
            }
        }
    }

    /// Is a 2yz the answer to another command than the one that waits for it?
    fn is_out_of_step(&self, reply: &Reply) -> bool {
        let verb = match self.state {
            State::AwaitRest(_) => Verb::Rest,
            State::AwaitStart
            | State::AwaitStartAndPeer(_)
            | State::AwaitPeer(_)
            | State::AwaitStartHavingPeer
            | State::Moving
            | State::AwaitFinal(_) => self.command.verb(),
            _ => return false,
        };
        belongs_to_another(reply.code.get(), verb)
    }

    fn late(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::AwaitRest(_) => self.end(Err(Error::silent("REST", self.patience.reply))),
            State::AwaitStart | State::AwaitStartHavingPeer => {
                let error = Error::silent(&self.said, self.patience.reply);
                self.end(Err(error));
            }
            State::AwaitStartAndPeer(ours) | State::AwaitPeer(ours) => self.never_called(ours, now),
            // An empty directory: the server has nothing to call us for. That says nothing about methods.
            // (Behind a 1yz something was sent, and did not reach us.)
            State::AwaitPeerAfterFinal(_, last) if self.is_listing() && !self.started => {
                self.method = self.approach.first;
                self.whole(0, last);
            }
            State::AwaitPeerAfterFinal(ours, _) => {
                let error = self.no_data(ours, "the server did not connect".to_owned(), now);
                self.end_in_doubt(error);
            }
            State::AwaitFinal(Ok(bytes)) => {
                self.out.push(Output::HangUp);
                let method = self.method;
                self.end(Ok(Transferred::Unconfirmed { bytes, method }));
            }
            State::AwaitFinal(Err(error)) => {
                self.out.push(Output::HangUp);
                self.moved_error(error, "");
            }
            State::AwaitAborted(error) | State::MovingAfterFailure(error) | State::MovingAfterLoss(error) => {
                self.end_in_doubt(error);
            }
            State::MovingAfterRefusal(reply) => {
                let what = self.broken_off_by(&reply);
                self.end_in_doubt(Error::Broken { what, moved: 0 });
            }
            state @ (State::Moving | State::MovingAfterFinal(_) | State::Opening(_) | State::Ended) => {
                self.state = state;
            }
        }
    }

    fn open(&mut self, input: Input, now: Instant) {
        let State::Opening(opening) = &mut self.state else { return };
        let outcome = opening.handle(input, now, &mut self.out);
        self.follow(outcome, now);
    }

    fn follow(&mut self, outcome: Outcome, now: Instant) {
        let State::Opening(opening) = std::mem::replace(&mut self.state, State::Ended) else { return };
        match outcome {
            Outcome::Pending => {
                self.by = Some(opening.deadline());
                self.state = State::Opening(opening);
            }
            Outcome::Ready(method, socket) => {
                self.method = method;
                self.data = Some(socket.port());
                self.approach = opening.into_approach();
                self.opened(socket, now);
            }
            Outcome::NewSession => {
                self.end(Ok(Transferred::NewSession { approach: opening.into_approach() }))
            }
            Outcome::Failed(error) => self.end(Err(error)),
        }
    }
}

impl Goal for Transfer {
    type Gain = Transferred;

    fn handle(&mut self, input: Input, now: Instant) {
        if matches!(self.state, State::Opening(_)) {
            self.open(input, now);
            return;
        }
        if matches!(self.state, State::Ended) {
            return;
        }
        match input {
            Input::Reply(reply) => self.heard(reply, now),
            Input::Lost(error) => self.lost(error, now),
            Input::Moved(moved) => self.moved(moved, now),
            Input::Connected => match std::mem::replace(&mut self.state, State::Ended) {
                State::AwaitStartAndPeer(_) => self.state = State::AwaitStartHavingPeer,
                State::AwaitPeer(_) => self.start(),
                State::AwaitPeerAfterFinal(_, reply) => {
                    self.start();
                    self.state = State::MovingAfterFinal(reply);
                }
                state => self.state = state,
            },
            Input::NotConnected(error) => match self.state {
                State::AwaitStartAndPeer(ours)
                | State::AwaitPeer(ours)
                | State::AwaitPeerAfterFinal(ours, _) => {
                    let error = self.no_data(ours, words(&error), now);
                    self.end_in_doubt(error);
                }
                _ => {}
            },
            Input::TimePassed if self.by.is_some_and(|by| now >= by) => self.late(now),
            Input::TimePassed
            | Input::Listening(_)
            | Input::NotListening(_)
            | Input::Protected
            | Input::Probed(_)
            | Input::NotProtected(_) => {}
        }
    }

    fn poll(&mut self) -> Option<Output<Transferred>> {
        self.out.pop()
    }

    fn deadline(&self) -> Option<Instant> {
        self.by
    }
}

#[cfg(test)]
mod tests {
    use wire::Pathname;

    use super::*;
    use crate::method::Mode;

    /// Pure-FTPd over loopback: it dials, sends a small file and says 226 before we have looked at our port.
    #[test]
    fn the_last_word_may_be_heard_before_the_servers_connection_is_seen() {
        let (now, server) = (Instant::now(), SocketAddr::from(([192, 0, 2, 1], 21)));
        let path = Pathname::new("small.bin").expect("a pathname");
        let approach = Approach::new(Mode::Active, DataMethod::first(Mode::Active), server);
        let mut transfer =
            Transfer::new(Command::Retr(path), Flow::Down, None, approach, Patience::default(), now);
        let ours = SocketAddr::from(([192, 0, 2, 2], 50_000));
        transfer.handle(Input::Listening(ours), now);
        for code in [200, 150, 226] {
            transfer.handle(Input::Reply(Reply::new(code, "as it should be")), now);
        }
        transfer.handle(Input::Connected, now);
        transfer.handle(Input::Moved(Ok(7)), now);
        let last = std::iter::from_fn(|| transfer.poll()).last();
        assert!(matches!(last, Some(Output::Done(Ok(Transferred::Whole { bytes: 7, .. })))), "{last:?}");
    }
}
