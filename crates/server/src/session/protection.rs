//! What is protected, and from when on? AUTH, PBSZ, PROT, CCC (RFC 4217, RFC 2228 3).
//!
//! ```text
//!   control:  Clear --AUTH, 234, handshake--> Protected --CCC, 200--> Cleared
//!   data:     Clear --PBSZ, PROT P--> Private --PROT C--> Clear          (AUTH TLS-P and SSL: Private at once)
//! ```
use std::time::Instant;

use config::Tls;
use storage::Certificate;
use wire::command::Mechanism;
use wire::{Command, Protection, Reply, Verb};

use super::Session;
use super::state::{Agreed, Busy, Level, Parameters, Phase};
use crate::effect::{DataPlan, Effect};
use crate::reason::Reason;

impl Session {
    /// What the listener demands before a command.
    pub(super) fn demands(&self, command: &Command) -> Result<(), Reason> {
        let tls = self.settings.listener.tls;
        let logs_in = matches!(command, Command::User(_) | Command::Pass(_) | Command::Acct(_));
        let demands_login = matches!(tls, Tls::RequiredForLogin | Tls::RequiredForData);
        if logs_in && demands_login && self.agreed.control != Level::Protected {
            return Err(Reason::TlsForLogin);
        }
        let moves = command.verb().row().direction.is_some();
        if moves && tls == Tls::RequiredForData && self.agreed.data != Protection::Private {
            return Err(Reason::TlsForData);
        }
        Ok(())
    }

    pub(super) fn authenticate(&mut self, mechanism: Mechanism) {
        if self.settings.listener.tls == Tls::Off {
            return self.refuse(Some(Verb::Auth), None, Reason::TlsOff);
        }
        if self.agreed.control != Level::Clear {
            return self.refuse(Some(Verb::Auth), None, Reason::ProtectedAlready);
        }
        if !self.queue.is_empty() {
            return self.secured(mechanism, Err(Reason::ClearBehindAuth), self.begun);
        }
        self.busy = Busy::Securing(mechanism);
        self.effect(Effect::Secure(Reply::new(234, "Starting TLS.")));
    }

    /// The handshake is complete, and nothing that was said unencrypted counts any more; or unencrypted bytes
    /// followed AUTH.
    pub(super) fn secured(
        &mut self,
        mechanism: Mechanism,
        outcome: Result<Option<Certificate>, Reason>,
        now: Instant,
    ) {
        self.busy = Busy::Nothing;
        self.certificate = match outcome {
            Ok(certificate) => certificate,
            Err(reason) => {
                self.event(Some(Verb::Auth), None, Err(reason));
                return self.close(reason.reply());
            }
        };
        if matches!(self.phase, Phase::Ready { .. }) {
            self.begun = now;
        }
        self.phase = Phase::AwaitUser;
        self.parameters = Parameters::default();
        self.idle = self.settings.site.deadlines.idle;
        let data = if mechanism.protects_data() { Protection::Private } else { Protection::Clear };
        self.agreed = Agreed { control: Level::Protected, buffer: false, data };
        if self.data != DataPlan::None {
            self.data = DataPlan::None;
            self.effect(Effect::Unlisten);
        }
    }

    pub(super) fn protection_buffer(&mut self) {
        match self.agreed.control {
            _ if self.settings.listener.tls == Tls::Off => {
                self.refuse(Some(Verb::Pbsz), None, Reason::TlsOff)
            }
            Level::Clear => self.refuse(Some(Verb::Pbsz), None, Reason::AuthFirst),
            // TLS needs no buffer, whatever the client asks for (RFC 4217 9).
            Level::Protected | Level::Cleared => {
                self.agreed.buffer = true;
                self.reply(200, "PBSZ=0");
            }
        }
    }

    pub(super) fn protection_level(&mut self, level: Protection) {
        let refused = if self.settings.listener.tls == Tls::Off {
            Some(Reason::TlsOff)
        } else if self.agreed.control == Level::Clear {
            Some(Reason::AuthFirst)
        } else if !self.agreed.buffer {
            Some(Reason::BufferFirst)
        } else {
            match level {
                Protection::Safe | Protection::Confidential => Some(Reason::NoSuchLevel),
                Protection::Clear if self.settings.listener.tls == Tls::RequiredForData => {
                    Some(Reason::LevelDenied)
                }
                Protection::Clear | Protection::Private => None,
            }
        };
        if let Some(reason) = refused {
            return self.refuse(Some(Verb::Prot), None, reason);
        }
        if level != self.agreed.data && self.data == DataPlan::Listening {
            // The claim was made for the other level.
            self.data = DataPlan::None;
            self.effect(Effect::Unlisten);
        }
        self.agreed.data = level;
        let text = if level == Protection::Private {
            "Data connections will be encrypted."
        } else {
            "Data connections will not be encrypted."
        };
        self.reply(200, text);
    }

    pub(super) fn clear_control(&mut self) {
        let listener = &self.settings.listener;
        let refused = match self.agreed.control {
            _ if listener.tls == Tls::Off => Some(Reason::TlsOff),
            Level::Clear | Level::Cleared => Some(Reason::AuthFirst),
            Level::Protected if !listener.allow_ccc => Some(Reason::ClearDenied),
            Level::Protected => None,
        };
        if let Some(reason) = refused {
            return self.refuse(Some(Verb::Ccc), None, reason);
        }
        self.agreed.control = Level::Cleared;
        // From now on anybody in between can speak for the client.
        self.certificate = None;
        self.effect(Effect::Unsecure(Reply::new(200, "The control connection is now unencrypted.")));
    }
}
