//! What can be watched while it happens?
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use net::pump::Progress;
use wire::pathname::show;
use wire::{Command, Pathname, Reply};

use crate::method::DataMethod;

/// A function that is told what happens. Called from the task that drives the session; it should not block
/// for long.
pub type Watcher = Arc<dyn Fn(&Event) + Send + Sync>;

/// A watcher that ignores all events.
#[must_use]
pub fn no_watcher() -> Watcher {
    Arc::new(|_| {})
}

/// Something that happened in a session. No event ever holds a secret.
#[derive(Clone, Debug)]
pub enum Event {
    /// The control connection is open: we dialled, from `local` to `peer`.
    ControlOpened {
        /// Our end.
        local: SocketAddr,
        /// The server's end.
        peer: SocketAddr,
    },
    /// The server has agreed to TLS, which now begins: nothing may be said to it unencrypted in this run any
    /// more, whether the handshake and the login succeed or not.
    TlsAgreed {
        /// The server's end of the control connection.
        peer: SocketAddr,
    },
    /// The control connection is under TLS, and its certificate was taken.
    Secured {
        /// As `1.3`.
        version: &'static str,
        /// The cipher suite.
        suite: String,
        /// Of the server's certificate, as `sha256:` and hexadecimal digits.
        fingerprint: String,
    },
    /// The session goes on unencrypted, since the server does not offer TLS.
    Clear {
        /// The host as it was named.
        host: String,
        /// The control port.
        port: u16,
        /// There is no password to be read by others.
        anonymous: bool,
        /// What the server said to it.
        why: String,
    },
    /// A data connection is under TLS.
    DataSecured {
        /// As `1.3`.
        version: &'static str,
        /// It resumes the control connection's session.
        resumed: bool,
    },
    /// We said this; passwords and accounts are `***`.
    Said(String),
    /// The server said this.
    Answered(Reply),
    /// A data connection is open.
    DataOpened {
        /// Who dialled whom.
        dialled: Dialled,
        /// Our end.
        local: SocketAddr,
        /// The server's end.
        peer: SocketAddr,
    },
    /// The data connection has done its work.
    DataEnded {
        /// How many bytes went over it.
        bytes: u64,
    },
    /// One data connection method failed, and the next is tried.
    Fallback {
        /// The method that failed.
        from: DataMethod,
        /// The method that is tried next.
        to: DataMethod,
        /// Why.
        why: String,
    },
    /// One data connection method failed so that this session is in doubt: the next is tried in a new one.
    NewSession {
        /// The method that failed.
        from: DataMethod,
        /// The method that is tried next.
        to: DataMethod,
        /// Why.
        why: String,
    },
    /// A file or listing came through, by another method than the one that was tried first.
    MethodFound {
        /// The method.
        method: DataMethod,
        /// Our end of the control connection, which says in which network this is true.
        local: SocketAddr,
    },
    /// No method of any mode led to a data connection.
    NoMethod {
        /// Our end of the control connection.
        local: SocketAddr,
    },
    /// Large packets got lost on the way, and small ones came through.
    SmallSegmentsFound {
        /// Our end of the control connection, which says in which network this is true.
        local: SocketAddr,
    },
    /// A login worked only without FEAT: the server does not answer it, or hangs up.
    FeaturesUnasked {
        /// Our end of the control connection, which says in which network this is true.
        local: SocketAddr,
    },
    /// A 227 named an address that is not the control connection's peer: it was not followed.
    AddressNotFollowed {
        /// What the server told.
        told: SocketAddr,
        /// What is dialled.
        used: SocketAddr,
    },
    /// Whether this is the right server is not proven, or not remembered; the work goes on.
    Identity {
        /// What a person should know.
        text: String,
        /// An attacker may read everything: to be shown also where only errors are.
        insecure: bool,
    },
    /// Bytes of a file begin to move. May happen several times for one file, each time followed by
    /// [`Event::FileStopped`].
    FileStarted {
        /// The file's path at the server.
        path: Pathname,
        /// Which way.
        direction: Direction,
        /// From which byte on.
        start: u64,
        /// How many bytes were there before: those behind `start` are sent once more, to be compared.
        have: u64,
        /// How many there will be, as far as is known.
        total: Option<u64>,
        /// Counts them.
        progress: Arc<Progress>,
    },
    /// They move no more.
    FileStopped {
        /// The file's path at the server.
        path: Pathname,
    },
    /// A file has been copied, or found to be there already. Once for each.
    FileDone {
        /// The file's path at the server.
        path: Pathname,
        /// Its length, as far as is known.
        length: u64,
        /// False: it was there already.
        copied: bool,
    },
    /// Something of a tree is not copied.
    Skipped {
        /// Its path, from where the copy starts, for people.
        what: String,
        /// Why not.
        why: String,
    },
    /// Something that only a person who watches wants to know.
    Note(String),
    /// Something a person should know; the work goes on.
    Warning(String),
}

/// Which way a file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the server to us.
    Download {
        /// The partial file that is kept if the download ends early; none: nothing is kept.
        part: Option<PathBuf>,
    },
    /// From us to the server.
    Upload {
        /// An upload that ends early can be resumed.
        resumable: bool,
    },
}

/// Who opened a data connection: the difference between passive and active mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// The client dialled the server: passive mode.
    ByClient,
    /// The server dialled the client: active mode.
    ByServer,
}

impl fmt::Display for Event {
    /// One line, as `-v` shows it: `>` is what we say, `<` what the server says, `*` what happens beside
    /// that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlOpened { local, peer } => {
                write!(f, "* control: client {local} --> server {peer}")
            }
            Self::TlsAgreed { .. } => f.write_str("* control: TLS begins"),
            Self::Secured { version, suite, fingerprint } => {
                write!(f, "* control: TLS {version}, {suite}, certificate {fingerprint}")
            }
            Self::Clear { host, anonymous, .. } => {
                let what = if *anonymous { "files" } else { "the password and files" };
                write!(f, "warning: {host} has no TLS: {what} are sent unencrypted")
            }
            Self::DataSecured { version, resumed } => {
                let how = if *resumed {
                    "resumes the control connection's session"
                } else {
                    "a session of its own"
                };
                write!(f, "* data:    TLS {version}, {how}")
            }
            Self::Said(line) => write!(f, "> {line}"),
            Self::Answered(reply) => {
                let last = reply.lines.len().saturating_sub(1);
                for (n, line) in reply.lines.iter().enumerate() {
                    match n {
                        0 if last == 0 => write!(f, "< {} {}", reply.code, show(line))?,
                        0 => write!(f, "< {}-{}", reply.code, show(line))?,
                        n if n == last => write!(f, "\n< {} {}", reply.code, show(line))?,
                        _ => write!(f, "\n<     {}", show(line).trim_start())?,
                    }
                }
                Ok(())
            }
            Self::DataOpened { dialled: Dialled::ByClient, local, peer } => {
                write!(f, "* data:    client {local} --> server {peer}  (passive: the client dialled)")
            }
            Self::DataOpened { dialled: Dialled::ByServer, local, peer } => {
                write!(f, "* data:    client {local} <-- server {peer}  (active: the server dialled)")
            }
            Self::DataEnded { bytes } => write!(f, "* data:    ended after {bytes} bytes"),
            Self::Fallback { from, to, why } => {
                write!(f, "* {from} failed ({why}), trying {to} ({})", to.mode())
            }
            Self::NewSession { from, to, why } => {
                write!(f, "* {from} failed ({why}), trying {to} ({}) in a new session", to.mode())
            }
            Self::MethodFound { method, .. } => {
                write!(f, "* data:    {method} ({}) is the way here", method.mode())
            }
            Self::NoMethod { .. } => f.write_str("* data:    there is no way here"),
            Self::SmallSegmentsFound { .. } => f.write_str("* small segments get through here"),
            Self::FeaturesUnasked { .. } => {
                f.write_str("* the server is not asked for its features (FEAT) here")
            }
            Self::AddressNotFollowed { told, used } => {
                write!(f, "* the server told the data address {told}, which is not its own; dialling {used}")
            }
            Self::FileStarted { path, start: 0, .. } => write!(f, "* copying {path}"),
            Self::FileStarted { path, start, .. } => write!(f, "* copying {path} from byte {start}"),
            Self::FileStopped { path } => write!(f, "* no more bytes of {path}"),
            Self::FileDone { path, copied: true, length } => {
                write!(f, "* {path} is complete: {length} bytes")
            }
            Self::FileDone { path, copied: false, .. } => write!(f, "* {path} is complete already"),
            Self::Skipped { what, why } => write!(f, "skipped: \"{what}\": {why}"),
            Self::Identity { text, .. } => write!(f, "warning: {text}"),
            Self::Warning(text) | Self::Note(text) => write!(f, "* {text}"),
        }
    }
}

/// A command as it may be shown: on one line, control characters escaped, secrets as `***`.
#[must_use]
pub fn said(command: &Command) -> String {
    match command {
        Command::Pass(_) => "PASS ***".to_owned(),
        Command::Acct(_) => "ACCT ***".to_owned(),
        other => {
            let mut line = Vec::new();
            other.encode(&mut line);
            show(line.strip_suffix(b"\r\n").unwrap_or(&line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Secret;

    #[test]
    fn secrets_are_masked_and_names_cannot_forge_lines() {
        assert_eq!(said(&Command::Pass(Secret::new("hunter2"))), "PASS ***");
        assert_eq!(said(&Command::Acct(Secret::new("hunter2"))), "ACCT ***");
        let name = Pathname::new(b"a\x1b[2Jb".to_vec()).unwrap();
        assert_eq!(said(&Command::Retr(name)), "RETR a\\x1b[2Jb");
    }
}
