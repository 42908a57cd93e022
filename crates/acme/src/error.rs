//! Why did an order fail, and what can the administrator do about it?
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use instant_acme::{Error, Problem};

use super::https::Unreachable;
use net::os_error::words;
use wire::pathname::show;

/// Characters of an authority's message that go into the log.
const WORDS: usize = 1000;

/// An order that failed.
#[derive(Debug)]
pub(crate) enum OrderError {
    /// The authority refuses: what it says (RFC 8555 6.7), and of which name.
    Refused { problem: Problem, name: Option<String> },
    /// The authority cannot be reached, or its answers make no sense.
    Conversation(Error),
    /// Port 80 cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// What was obtained, or is needed for it, cannot be stored.
    Keep(PathBuf, io::Error),
    /// The authority does not prove names as we can.
    NoHttp01(String),
    /// The order took longer than this.
    Late(Duration),
    /// A certificate has come that is of no use.
    Useless(String),
}

/// The conversation failed, or was refused.
impl From<Error> for OrderError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => Self::Refused { problem, name: None },
            other => Self::Conversation(other),
        }
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { problem, name: Some(name) } => {
                write!(
                    f,
                    "the authority could not verify that {name} leads to this server: {}",
                    shown(problem)
                )
            }
            Self::Refused { problem, name: None } => write!(f, "the authority answered: {}", shown(problem)),
            Self::Conversation(error) => f.write_str(&shown(error)),
            Self::Listen(at, error) => write!(f, "cannot listen on {at}: {}", words(error)),
            Self::Keep(path, error) => {
                write!(f, "cannot write {}: {}", show(path.as_os_str().as_encoded_bytes()), words(error))
            }
            Self::NoHttp01(name) => write!(f, "the authority offers no HTTP-01 challenge for {name}"),
            Self::Late(within) => write!(f, "the order did not finish within {within:?}"),
            Self::Useless(why) => write!(f, "cannot use the certificate that was received: {why}"),
        }
    }
}

impl OrderError {
    /// What to do, where that can be known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Refused { problem, .. } => return advice(kind(problem)),
            Self::Conversation(Error::Other(error)) if error.is::<Unreachable>() => {
                "the --acme-directory must be reachable from this machine, with a certificate that the system or --acme-ca trusts"
            }
            Self::Listen(_, error) => match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "another program uses that port: have it forward /.well-known/acme-challenge/ to another --acme-listen"
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need root or CAP_NET_BIND_SERVICE; or forward port 80 to another --acme-listen"
                }
                io::ErrorKind::AddrNotAvailable => "--acme-listen must be an address of this machine",
                _ => return None,
            },
            Self::Keep(..) => {
                "without saved files every start would order again, and authorities limit the number of orders"
            }
            Self::NoHttp01(_) => {
                "try another --acme-directory; wildcards and IP addresses need other challenges"
            }
            Self::Conversation(_) | Self::Late(_) => return None,
            Self::Useless(_) => "check the clock of this machine",
        })
    }

    /// The least time before it makes sense to ask again.
    pub(crate) fn rest(&self) -> Duration {
        match self {
            // The authority counts in hours and in weeks, and counts the orders that it refuses too.
            Self::Refused { problem, .. } if kind(problem) == "rateLimited" => Duration::from_secs(3 * 3600),
            _ => Duration::ZERO,
        }
    }
}

/// The kinds of RFC 8555 6.7 about which its reader can do something.
fn advice(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "connection" => {
            "port 80 of the name must reach --acme-listen from the internet; check the firewall, port forwarding on the NAT, and AAAA records"
        }
        "dns" => "the name needs an A or AAAA record that points to this machine",
        "unauthorized" | "incorrectResponse" => {
            "something else answers on port 80 of the name: another web server, or another machine that the name points to"
        }
        "caa" => "a CAA record of the domain does not allow this authority: add it there",
        "rejectedIdentifier" => "this authority does not issue certificates for such a name",
        "rateLimited" => "too many orders recently; retrying later. Use a staging directory for tests",
        "invalidContact" | "unsupportedContact" => "use an --acme-contact that the authority accepts",
        "externalAccountRequired" => {
            "this authority requires external account binding, which pasv does not support yet"
        }
        "userActionRequired" => {
            "the authority's terms have changed: read them, then delete account.json to agree to them"
        }
        _ => return None,
    })
}

/// `urn:ietf:params:acme:error:dns` is `dns`.
fn kind(problem: &Problem) -> &str {
    problem.r#type.as_deref().unwrap_or_default().rsplit(':').next().unwrap_or_default()
}

/// Does the authority not know the account that we keep?
pub(crate) fn is_unknown_account(error: &Error) -> bool {
    matches!(error, Error::Api(problem) if kind(problem) == "accountDoesNotExist")
}

/// Somebody else's text, escaped and cut for the log.
fn shown(words: &impl fmt::Display) -> String {
    let words: String = words.to_string().chars().take(WORDS).collect();
    show(words.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: &str, detail: &str) -> Problem {
        Problem {
            r#type: Some(format!("urn:ietf:params:acme:error:{kind}")),
            detail: Some(detail.to_owned()),
            status: Some(403),
            subproblems: Vec::new(),
        }
    }

    #[test]
    fn a_refusal_tells_whose_words_they_are_and_what_to_do() {
        let name = Some("ftp.example".to_owned());
        let told = OrderError::Refused { problem: problem("connection", "192.0.2.7: Timeout"), name };
        assert!(told.to_string().contains("ftp.example") && told.to_string().contains("192.0.2.7: Timeout"));
        assert!(told.hint().is_some_and(|hint| hint.contains("port 80")));
        assert_eq!(told.rest(), Duration::ZERO);
        let told = OrderError::from(Error::Api(problem("rateLimited", "too many")));
        assert!(told.rest() >= Duration::from_secs(3600));
        assert!(OrderError::from(Error::Api(problem("malformed", "?"))).hint().is_none());
        assert!(is_unknown_account(&Error::Api(problem("accountDoesNotExist", ""))));
    }

    #[test]
    fn an_authority_forges_no_log_line() {
        let told =
            OrderError::from(Error::Api(problem("dns", &format!("no\nERROR {}", "x".repeat(100_000)))));
        let text = told.to_string();
        assert!(!text.contains('\n') && text.len() < 2 * WORDS);
    }

    #[test]
    fn a_port_that_is_taken_is_told() {
        let at = "0.0.0.0:80".parse().unwrap();
        let told = OrderError::Listen(at, io::ErrorKind::PermissionDenied.into());
        assert!(told.hint().is_some_and(|hint| hint.contains("CAP_NET_BIND_SERVICE")));
        assert!(told.to_string().contains("0.0.0.0:80"));
    }
}
