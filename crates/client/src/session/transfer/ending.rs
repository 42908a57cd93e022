//! What does a transfer come to when the data, or the control connection, has ended?
use std::time::{Duration, Instant};

use wire::pathname::show;
use wire::{Command, Reply, Severity};

use super::{Flow, State, Transfer, Transferred};
use crate::error::{DataConnection, Error, words};
use crate::security::insecure;
use crate::session::{MoveError, Output};

impl Transfer {
    /// A 4yz or 5yz where bytes should move or have moved: so many, if that is known.
    pub(super) fn ended_by(&mut self, reply: Reply, moved: Option<u64>) {
        let refused = match reply.code.severity() {
            // The server's no to an upload is one whenever it comes: its disk is full after the first byte or
            // the last. Of a download some bytes are here, and are kept.
            Severity::Permanent => self.flow == Flow::Up || moved.unwrap_or(0) == 0,
            Severity::Transient if self.flow == Flow::Up => reply.code.get() == 452,
            // The same of a file that cannot be read just now. 425 and 426 are about the connection.
            Severity::Transient => {
                self.flow == Flow::Down && moved == Some(0) && !matches!(reply.code.get(), 425 | 426)
            }
            _ => false,
        };
        if refused {
            let error = Error::refused(&self.said, reply);
            self.end(Err(error));
        } else {
            let what = self.broken_off_by(&reply);
            self.break_off(what, moved.unwrap_or(0));
        }
    }

    pub(super) fn broken_off_by(&self, reply: &Reply) -> String {
        format!("the server broke off {}: {} {}", self.said, reply.code, show(reply.text()))
    }

    /// The transfer has failed while bytes move. A download's last bytes are taken for a moment more, so that
    /// as much as possible is there to go on from.
    pub(super) fn fail_moving(&mut self, error: Error, now: Instant) {
        match self.flow {
            Flow::Up => self.end(Err(error)),
            Flow::Down => {
                self.state = State::MovingAfterFailure(error);
                self.by = Some(now + self.patience.data);
            }
        }
    }

    pub(super) fn moved_error(&mut self, error: MoveError, also: &str) {
        let blank = if also.is_empty() { "" } else { " " };
        match error {
            MoveError::Local(source) => self.end(Err(Error::Local { doing: self.said.clone(), source })),
            MoveError::Peer(error) => {
                let what =
                    format!("the data connection of {} broke: {}{blank}{also}", self.said, words(&error));
                self.break_off(what, 0);
            }
            MoveError::Stranger(why) => {
                let what = format!("the data connection of {} is not the server's: {why}", self.said);
                let todo = "somebody may be in between, and nothing that came is kept; try another network";
                self.out.push(Output::HangUp);
                self.end(Err(insecure(what, todo)));
            }
            MoveError::Stalled(after) => {
                let connection = Box::new(DataConnection {
                    said: self.said.clone(),
                    method: self.method,
                    server: self.approach.server,
                    data: self.data,
                });
                let also = also.to_owned();
                self.out.push(Output::HangUp);
                self.end(Err(Error::Stalled { connection, also, after, moved: 0 }));
            }
        }
    }

    pub(super) fn moved(&mut self, moved: Result<u64, MoveError>, now: Instant) {
        match (std::mem::replace(&mut self.state, State::Ended), moved) {
            (State::MovingAfterFailure(Error::Broken { what, .. }), Ok(bytes)) => self.break_off(what, bytes),
            (State::MovingAfterLoss(_), Ok(bytes)) => {
                let method = self.method;
                self.end(Ok(Transferred::Unconfirmed { bytes, method }));
            }
            (State::MovingAfterFailure(error) | State::MovingAfterLoss(error), _) => self.end(Err(error)),
            (State::MovingAfterFinal(last), Ok(bytes)) => self.whole(bytes, last),
            (State::MovingAfterRefusal(reply), Ok(bytes)) => self.ended_by(reply, Some(bytes)),
            (State::MovingAfterRefusal(reply), Err(_)) => {
                let what = self.broken_off_by(&reply);
                self.break_off(what, 0);
            }
            // Of an empty directory some servers say 226 at once, and leave the data connection alone.
            // The caller knows whether bytes came.
            (State::MovingAfterFinal(last), Err(MoveError::Stalled(_) | MoveError::Peer(_)))
                if self.is_listing() && !self.started =>
            {
                self.whole(0, last);
            }
            (State::MovingAfterFinal(_), Err(error)) => {
                self.moved_error(error, "although the server said it was done");
            }
            (State::Moving, Err(error @ MoveError::Stranger(_))) => self.moved_error(error, ""),
            (State::Moving, Err(MoveError::Stalled(after))) => {
                // The control connection may be as dead as the data; nothing is waited for.
                self.moved_error(MoveError::Stalled(after), "");
            }
            (State::Moving, Err(MoveError::Local(source))) if self.flow == Flow::Up => {
                // The reset that ends the data connection may become an ordinary end on its way through a
                // proxy: a server that hears commands meanwhile is told first.
                self.out.push(Output::Send(Command::Abor));
                let error = Error::Local { doing: self.said.clone(), source };
                self.state = State::AwaitAborted(error);
                self.by = Some(now + self.patience.data);
            }
            (State::Moving, Err(error)) => {
                // The server's last word may say why (452: its disk is full). It comes soon or not at all.
                self.out.push(Output::CloseData);
                self.state = State::AwaitFinal(Err(error));
                self.by = Some(now + self.patience.data);
            }
            (State::Moving, Ok(bytes)) => {
                self.out.push(Output::CloseData);
                self.state = State::AwaitFinal(Ok(bytes));
                self.by = Some(now + self.patience.last + syncing(bytes));
            }
            (state, _) => self.state = state,
        }
    }

    pub(super) fn lost(&mut self, error: Error, now: Instant) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Moving if matches!(error, Error::Broken { .. }) => {
                self.state = State::MovingAfterLoss(error);
                self.by = Some(now + self.patience.data);
            }
            State::Moving => self.fail_moving(error, now),
            state @ (State::MovingAfterFailure(_)
            | State::MovingAfterRefusal(_)
            | State::MovingAfterLoss(_)) => self.state = state,
            // Both ends are known to be fine; that the server hung up after its last word is its affair.
            state @ (State::MovingAfterFinal(_) | State::AwaitPeerAfterFinal(..)) => self.state = state,
            State::AwaitFinal(Err(MoveError::Local(source))) => {
                self.end(Err(Error::Local { doing: self.said.clone(), source }));
            }
            State::AwaitFinal(Ok(moved)) => match error {
                Error::Broken { .. } => {
                    let method = self.method;
                    self.end(Ok(Transferred::Unconfirmed { bytes: moved, method }));
                }
                other => self.end(Err(other)),
            },
            _ => self.end(Err(error)),
        }
    }
}

/// How much longer a server may take to bring so many bytes to its disk: 32 MiB a second is a slow one.
fn syncing(bytes: u64) -> Duration {
    Duration::from_secs(bytes >> 25)
}
