//! How is one thing asked and answered?
//!
//! ```text
//!   AwaitReply --2yz (or 3yz, where that is wanted)--> done
//!              --1yz--> AwaitReply, on the same deadline
//!              --another command's 2yz--> out of step
//!              --else--> refused
//! ```
use std::time::Instant;

use wire::{Command, Reply, Severity, Verb};

use super::answer::belongs_to_another;
use super::{Goal, Input, Outbox, Output, Patience};
use crate::error::Error;
use crate::event::said;

/// Which answer is a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// 2yz.
    Completion,
    /// 3yz: RNFR and REST are half a command.
    Intermediate,
}

/// One command and its answer.
#[derive(Debug)]
pub struct Exchange {
    out: Outbox<Reply>,
    said: String,
    verb: Verb,
    want: Want,
    patience: Patience,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitReply { by: Instant },
    Ended,
}

impl Exchange {
    /// Asks `command`.
    #[must_use]
    pub fn new(command: Command, want: Want, patience: Patience, now: Instant) -> Self {
        let mut out = Outbox::new();
        let (said, verb) = (said(&command), command.verb());
        out.push(Output::Send(command));
        Self { out, said, verb, want, patience, state: State::AwaitReply { by: now + patience.reply } }
    }

    fn end(&mut self, result: Result<Reply, Error>) {
        self.state = State::Ended;
        self.out.push(Output::Done(result));
    }
}

impl Goal for Exchange {
    type Gain = Reply;

    fn handle(&mut self, input: Input, now: Instant) {
        let State::AwaitReply { by } = self.state else { return };
        match input {
            Input::Reply(reply) => match (reply.code.severity(), self.want) {
                (Severity::Preliminary, _) => {}
                (Severity::Completion, _) if belongs_to_another(reply.code.get(), self.verb) => {
                    let error = Error::out_of_step(&self.said, &reply);
                    self.end(Err(error));
                }
                (Severity::Completion, Want::Completion) | (Severity::Intermediate, Want::Intermediate) => {
                    self.end(Ok(reply));
                }
                (Severity::Completion | Severity::Intermediate, _) => {
                    let error = Error::nonsense(&self.said, &reply);
                    self.end(Err(error));
                }
                (Severity::Transient | Severity::Permanent, _) => {
                    let error = Error::refused(&self.said, reply);
                    self.end(Err(error));
                }
            },
            Input::Lost(error) => self.end(Err(error)),
            _ if now >= by => {
                let error = Error::silent(&self.said, self.patience.reply);
                self.end(Err(error));
            }
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Output<Reply>> {
        self.out.pop()
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::AwaitReply { by } => Some(by),
            State::Ended => None,
        }
    }
}
