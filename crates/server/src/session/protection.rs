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

use super::{Busy, Parameters, Phase, Session};
use crate::effect::{DataPlan, Effect};
use crate::reason::Reason;

/// How the control connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Level {
    #[default]
    Clear,
    Protected,
    /// It was, until CCC.
    Cleared,
}

/// What has been agreed on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreed {
    pub(super) control: Level,
    /// PBSZ was sent.
    pub(super) buffer: bool,
    pub(super) data: Protection,
}

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

    /// TLS stands, and nothing of what was said in clear counts any more; or bytes in clear came where it was to begin.
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

/// Is it a line of HTTP? A page somewhere has made a browser talk to us, and every further line is somebody else's text.
/// A request line ends with the version (RFC 9112 3), whatever its method; the usual ones are known without it.
pub(super) fn is_http(line: &[u8]) -> bool {
    const METHODS: [&[u8]; 10] = [
        b"GET",
        b"POST",
        b"HEAD",
        b"PUT",
        b"OPTIONS",
        b"CONNECT",
        b"DELETE",
        b"PATCH",
        b"TRACE",
        b"PROPFIND",
    ];
    let line = line.trim_ascii_end();
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let (method, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // The name of a file may look like a version.
    let version = |word: &[u8]| word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"));
    let request = Verb::parse(method).is_none()
        && method.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && rest.rsplit(|byte| *byte == b' ').next().is_some_and(version);
    request || METHODS.contains(&method) && rest.contains(&b'/')
}

/// Is it a header of the PROXY protocol, or the third line of version 2's signature (CR LF CR LF NUL CR LF)? Whoever may
/// speak for others has had it taken before the session began.
pub(super) fn is_proxy(line: &[u8]) -> bool {
    line == b"\0"
        || line
            .strip_prefix(b"PROXY ")
            .is_some_and(|rest| rest.starts_with(b"TCP") || rest.starts_with(b"UNKNOWN"))
}

/// Does TLS begin here? A client that starts it at once has the wrong port or the wrong mode, and is told so.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    // A handshake record of any version 3.x.
    matches!(bytes, [0x16, 0x03, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_told_from_a_command() {
        assert!(is_tls(&[0x16, 3, 1, 2, 0, 1]));
        assert!(!is_tls(b"USER anna\r\n") && !is_tls(b"\x16") && !is_tls(b""));
    }

    #[test]
    fn http_is_told_from_ftp() {
        for line in ["GET / HTTP/1.1", "POST /x", "CONNECT h:21 HTTP/1.0", "OPTIONS */x"]
            .into_iter()
            .chain(["PATCH /x HTTP/1.1", "DELETE /x", "PROPFIND / HTTP/1.1", "M-SEARCH * HTTP/1.1"])
            .chain(["get / HTTP/1.1", "Delete /x http/1.0", "PRI * HTTP/2.0", "GET / HTTP/1.1\r"])
        {
            assert!(is_http(line.as_bytes()), "{line}");
        }
        for line in [
            "GET",
            "GET x",
            "RETR /x",
            "get /x",
            "PUTX /x",
            "",
            "HTTP/1.1",
            "RETR a HTTP/1.1",
            "stor HTTP/1.1",
        ] {
            assert!(!is_http(line.as_bytes()), "{line}");
        }
    }
}
