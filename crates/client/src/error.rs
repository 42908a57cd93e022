//! What went wrong, and whose fault was it?
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use wire::pathname::show;
use wire::{Reply, ReplyError, Severity};

use crate::charset::is_unwritable;
use crate::method::DataMethod;

/// Why a data connection method failed whose verb was answered with the end of the session.
pub(crate) const CUT: &str = "the session was cut";

/// Why something was not done. The variants say whose fault it was; a program maps them to its exit code.
#[derive(Debug)]
pub enum Error {
    /// The site understood and said no.
    Refused {
        /// What was asked, secrets masked.
        said: String,
        /// The answer.
        reply: Reply,
    },
    /// The peer does not speak FTP as anybody would understand it.
    Nonsense {
        /// What came, in words.
        what: String,
    },
    /// No connection could be made.
    Unreachable(Unreachable),
    /// The session or the transfer ended before its work was done.
    Broken {
        /// What ended, and how.
        what: String,
        /// How many bytes of data had been moved by then.
        moved: u64,
    },
    /// Nothing moved on a data connection for too long.
    Stalled {
        /// Which data connection.
        connection: Box<DataConnection>,
        /// What is strange about it, if anything.
        also: String,
        /// How long nothing moved.
        after: Duration,
        /// How many bytes of data had been moved by then.
        moved: u64,
    },
    /// The handshake of TLS was agreed on and stood still on the control connection. Nothing secret was said.
    HandshakeStalled {
        /// The host as it was named.
        host: String,
        /// The control port.
        port: u16,
        /// For how long.
        after: Duration,
        /// How many bytes of ours the server has not acknowledged by then, where that is known.
        unacknowledged: Option<u64>,
    },
    /// TLS was wanted, and the server does not offer it. Nothing secret was said.
    NoTls {
        /// What it answered.
        answer: String,
    },
    /// TLS failed, or the server is not the one that it was or should be. Nothing secret was said.
    Insecure {
        /// What is wrong.
        what: String,
        /// What a person can do about it.
        todo: String,
    },
    /// Our own side: a file, a pipe, an argument.
    Local {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Which connection could not be made.
#[derive(Debug)]
pub enum Unreachable {
    /// The host's name has no address.
    Name {
        /// The name.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// The control connection.
    Control {
        /// The host as it was named.
        host: String,
        /// The control port.
        port: u16,
        /// One line per address tried.
        why: String,
        /// How long it was tried.
        elapsed: Duration,
    },
    /// Connected, and no greeting of an FTP server came (RFC 959 5.4). Nothing was said to it.
    NoGreeting {
        /// Where, and what came or did not.
        what: String,
    },
    /// Connected, and the first line is another protocol's. Nothing was said to it.
    OtherProtocol {
        /// Where, which protocol, and the line.
        what: String,
    },
    /// The data connection, though the control connection works.
    Data {
        /// The server.
        server: SocketAddr,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
}

/// A data connection that stood, for people.
#[derive(Clone, Debug)]
pub struct DataConnection {
    /// The transfer's command.
    pub said: String,
    /// The method that led to it.
    pub method: DataMethod,
    /// The control connection's peer.
    pub server: SocketAddr,
    /// Where the data connection went: a port of the server's, or in active mode one of ours.
    pub data: Option<SocketAddr>,
}

/// One data connection method that failed.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The method.
    pub method: DataMethod,
    /// Where the connection should have gone: a port of the server's, or in active mode one of ours.
    pub target: Option<SocketAddr>,
    /// Why it failed.
    pub why: String,
    /// How long it took to fail.
    pub elapsed: Duration,
}

impl Error {
    pub(crate) fn refused(said: &str, reply: Reply) -> Self {
        if reply.code.get() == 421 {
            let what = format!("the server ended the session: 421 {}", show(reply.text()));
            return Self::Broken { what, moved: 0 };
        }
        Self::Refused { said: said.to_owned(), reply }
    }

    pub(crate) fn nonsense(said: &str, reply: &Reply) -> Self {
        let what = format!(
            "{said} was answered with {} {}, which is no answer to it",
            reply.code,
            show(reply.text())
        );
        Self::Nonsense { what }
    }

    /// The reply is the answer to another command, so that nothing more that is heard means anything.
    pub(crate) fn out_of_step(said: &str, reply: &Reply) -> Self {
        let what = format!(
            "the session is out of step: {said} was answered with {} {}",
            reply.code,
            show(reply.text())
        );
        Self::Broken { what, moved: 0 }
    }

    pub(crate) fn silent(said: &str, after: Duration) -> Self {
        let what = format!("no answer to {said} within {} s", after.as_secs());
        Self::Broken { what, moved: 0 }
    }

    /// The data has come or gone, the server's last word has not come, and nothing else proves that it was
    /// all.
    pub(crate) fn unconfirmed(what: &str, moved: u64) -> Self {
        let what = format!("the server did not confirm {what}, though its data ended in order");
        Self::Broken { what, moved }
    }

    pub(crate) fn local(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Local { doing: doing.into(), source }
    }

    /// Did the site say no for good (5yz), so that another verb may be worth a try?
    #[must_use]
    pub fn is_permanent_refusal(&self) -> bool {
        matches!(self, Self::Refused { reply, .. } if reply.code.severity() == Severity::Permanent)
    }

    /// Does the site have as many sessions as it allows, so that it may let us in a little later? See
    /// [`is_full`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Refused { said, reply }
            if matches!(said.split(' ').next(), Some("USER" | "PASS" | "ACCT" | "AUTH" | "the")) && is_full(reply))
    }

    /// Has the session ended, by the server's will or the network's, or is it in doubt, so that a new one may
    /// do what this one could not?
    #[must_use]
    pub fn calls_for_a_new_session(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Stalled { .. } => true,
            // No data connection, as what was asked for it was cut off, and nothing else is on offer.
            Self::Refused { said, .. } => matches!(said.as_str(), "EPSV" | "PASV"),
            Self::Unreachable(Unreachable::Data { attempts, .. }) => attempts.iter().any(|a| a.why == CUT),
            _ => false,
        }
    }

    /// Could a command not be said, as its name has characters that the server's charset does not have? Other
    /// names can.
    #[must_use]
    pub fn is_about_a_name(&self) -> bool {
        matches!(self, Self::Local { source, .. } if is_unwritable(source))
    }

    /// Is the session still good for another command? Where a goal gave it up beside such an error, the next
    /// command says so.
    #[must_use]
    pub fn leaves_session_usable(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Local { .. } | Self::Unreachable(Unreachable::Data { .. })
        )
    }
}

/// Does a reply to a greeting, USER or PASS mean that there are too many sessions, of this address or user or
/// of all? 421 where the code is used as it is meant, and words where it is not (`530 Sorry, the maximum
/// number of connections (10) ...`). What counts wrong passwords does not count: to try again would make that
/// worse.
#[must_use]
pub fn is_full(reply: &Reply) -> bool {
    reply.code.get() == 421 && !counts_failures(&words_of(reply)) || says_full(reply)
}

/// The same by the words alone, whatever the code of the refusal.
#[must_use]
pub fn says_full(reply: &Reply) -> bool {
    let words = words_of(reply);
    let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let refuses = matches!(reply.code.severity(), Severity::Transient | Severity::Permanent);
    let counted =
        has(&["connect", "session", "client", "user", "login", "logged", "log in", "process", "host"]);
    let limited =
        has(&["too many", "maximum", "max ", "max.", "limit", "no more", "exceed", "already", "full"]);
    let busy = has(&["busy", "overload", "try again later", "try later", "resources"]);
    refuses && !counts_failures(&words) && (busy || limited && counted)
}

fn counts_failures(words: &str) -> bool {
    const WORDS: [&str; 8] =
        ["attempt", "fail", "incorrect", "invalid", "wrong", "banned", "blocked", "password"];
    WORDS.iter().any(|word| words.contains(word))
}

/// All lines of a reply in lower case.
fn words_of(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.lines.join(&b' ')).to_ascii_lowercase()
}

impl From<ReplyError> for Error {
    fn from(error: ReplyError) -> Self {
        Self::Nonsense { what: error.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { said, reply } => {
                write!(f, "the server refused {said}: {} {}", reply.code, show(reply.text()))
            }
            Self::Nonsense { what } | Self::Insecure { what, .. } => f.write_str(what),
            Self::HandshakeStalled { host, port, after, unacknowledged } => {
                let how = match unacknowledged {
                    Some(0) => ": what we said has arrived, and no answer comes",
                    Some(_) => ": what we said is not acknowledged",
                    None => "",
                };
                write!(
                    f,
                    "the TLS handshake with {host}, control port {port}, stood still for {} s{how}",
                    after.as_secs()
                )
            }
            Self::NoTls { answer } => write!(f, "the server does not offer TLS: {answer}"),
            Self::Unreachable(Unreachable::Name { host, why }) => {
                write!(f, "no address for {host}: {why}")
            }
            Self::Unreachable(Unreachable::Control { host, port, why, elapsed }) => {
                write!(
                    f,
                    "could not connect to {host}, control port {port}: {why} (after {:.1} s)",
                    elapsed.as_secs_f64()
                )
            }
            Self::Unreachable(Unreachable::NoGreeting { what } | Unreachable::OtherProtocol { what }) => {
                f.write_str(what)
            }
            Self::Unreachable(Unreachable::Data { server, attempts }) => {
                write!(
                    f,
                    "no data connection with {}, though its control port {} answers",
                    server.ip(),
                    server.port()
                )?;
                for attempt in attempts {
                    write!(f, "; {attempt}")?;
                }
                Ok(())
            }
            Self::Broken { what, moved: 0 } => f.write_str(what),
            // The number is there already.
            Self::Broken { what, moved } if what.contains(&format!(" after {moved} of ")) => {
                f.write_str(what)
            }
            Self::Broken { what, moved } => write!(f, "{what} (after {moved} bytes)"),
            Self::Stalled { connection, also, after, moved } => {
                let blank = if also.is_empty() { "" } else { " " };
                write!(
                    f,
                    "nothing moved on the data connection of {} for {} s{blank}{also}: {connection}, after {moved} bytes",
                    connection.said,
                    after.as_secs()
                )
            }
            Self::Local { doing, source } => write!(f, "{doing}: {}", words(source)),
        }
    }
}

impl fmt::Display for DataConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {}, {}", self.server.ip(), At(self.method, self.data))
    }
}

/// A method, and the port that it came to.
struct At(DataMethod, Option<SocketAddr>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(method, target) = self;
        write!(f, "{method} ({})", method.mode())?;
        if let Some(target) = target {
            let whose = if method.is_passive() { "server's" } else { "our" };
            write!(f, ", {whose} data port {}", target.port())?;
        }
        Ok(())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        At(self.method, self.target).fmt(f)?;
        write!(f, ": {} after {:.1} s", self.why, self.elapsed.as_secs_f64())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Local { source, .. } => Some(source),
            _ => None,
        }
    }
}

pub use net::os_error::words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_site_is_told_from_a_wrong_password_by_its_words() {
        for (code, text) in [
            (530, "Sorry, the maximum number of connections (10) for your host are already connected."),
            (530, "Sorry, the maximum number of clients (3) for this user are already connected."),
            (530, "Too many users, please try again later."),
            (500, "too many connections"),
            (530, "No more users allowed."),
            (530, "User limit reached"),
            (530, "Server is busy"),
            (421, "There are too many connected users, please try later."),
            (421, "Service not available, closing control connection"),
            (530, "Connection limit exceeded for ada"),
            (550, "max. sessions per IP"),
            (434, "Host is busy"),
        ] {
            assert!(is_full(&Reply::new(code, text)), "{code} {text}");
        }
        for (code, text) in [
            (530, "Login incorrect."),
            (530, "Too many failed login attempts, you are banned"),
            (421, "Too many login failures"),
            (530, "Maximum login attempts reached"),
            (530, "User cannot log in, home directory inaccessible."),
            (530, "This FTP server is anonymous only."),
            (530, "Please login with USER and PASS."),
            (331, "too many users, but go on"),
            (421, "Your IP is blocked"),
        ] {
            assert!(!is_full(&Reply::new(code, text)), "{code} {text}");
        }
        let lines =
            vec![b"Sorry,".as_slice().into(), b"too many sessions".as_slice().into(), b"".as_slice().into()];
        assert!(is_full(&Reply::from_lines(530, lines)));
    }
}
