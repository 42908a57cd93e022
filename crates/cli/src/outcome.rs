//! What does an error of the client mean to a person: which exit code, and what can be done?
//!
//! ```text
//!   Error --exit code, text--> Failure      a refusal --> the first hint that fits its words, code and verb
//!                                           a connection that failed --> its own hint, and `pasv doctor URL`
//! ```
use std::io;
use std::sync::{Mutex, PoisonError};

use client::{Attempt, Error, Unreachable};
use rustix::io::Errno;
use wire::Reply;
use wire::pathname::show;
use wire::url::{Ending, FtpUrl};

use crate::talk::{Exit, Failure};

/// Whom the program talks to: errors of the client do not know how the server was named.
#[derive(Clone, Debug)]
struct Peer {
    /// The server's URL without path and password.
    url: String,
    anonymous: bool,
}

/// The server of the newest session. There is one at a time, and hints may be about nothing else.
static PEER: Mutex<Option<Peer>> = Mutex::new(None);

/// From now on, errors are about this server and user.
pub(crate) fn talks_to(url: &FtpUrl, anonymous: bool) {
    let peer = Peer { url: for_shell(&root_of(url)), anonymous };
    *PEER.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer);
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let peer = PEER.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure(&error, peer.as_ref())
    }
}

fn failure(error: &Error, peer: Option<&Peer>) -> Failure {
    let exit = match &error {
        Error::Local { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
            return Failure::told(Exit::Done);
        }
        error if error.is_about_a_name() => Exit::Refused,
        Error::Refused { .. } => Exit::Refused,
        Error::Unreachable(_)
        | Error::NoTls { .. }
        | Error::Insecure { .. }
        | Error::HandshakeStalled { .. } => Exit::Unreachable,
        Error::Nonsense { .. } | Error::Broken { .. } | Error::Stalled { .. } | Error::Local { .. } => {
            Exit::Broken
        }
    };
    let mut failure = Failure::new(exit, text(error));
    if let Some(hint) = hint(error, peer) {
        failure = failure.hint(hint);
    }
    match peer {
        Some(peer) if is_about_the_connection(error) => {
            failure.and_then(format_args!("run `pasv doctor {}` to find the cause", peer.url))
        }
        _ => failure,
    }
}

/// Could the doctor say more?
fn is_about_the_connection(error: &Error) -> bool {
    match error {
        Error::Unreachable(Unreachable::OtherProtocol { .. }) => false,
        Error::Unreachable(_)
        | Error::HandshakeStalled { .. }
        | Error::Stalled { .. }
        | Error::Nonsense { .. } => true,
        Error::Broken { what, .. } => !is_full_there(what),
        Error::Refused { .. } | Error::NoTls { .. } | Error::Insecure { .. } | Error::Local { .. } => false,
    }
}

/// The error in words; where several connections were tried, one on a line.
fn text(error: &Error) -> String {
    match error {
        Error::Unreachable(Unreachable::Data { server, attempts }) => {
            let (address, port) = (server.ip(), server.port());
            let mut text =
                format!("no data connection to {address}, although its control port {port} answers");
            for attempt in attempts {
                text.push_str(&line_of(attempt));
            }
            text
        }
        Error::Refused { said, reply } if is_login(said) => {
            format!("the server refused the login: {} {}", reply.code, show(reply.text()))
        }
        Error::Local { doing, source } if is_full(source) => {
            format!("{doing}: no space left on this computer's disk")
        }
        other => other.to_string(),
    }
}

/// `  EPSV (passive), port 24299: Connection refused (after 0.0 s)`
fn line_of(attempt: &Attempt) -> String {
    let target = match attempt.target {
        Some(target) if attempt.method.is_passive() => format!(", server's port {}", target.port()),
        Some(target) => format!(", our port {}", target.port()),
        None => String::new(),
    };
    let (method, why, after) = (attempt.method, &attempt.why, attempt.elapsed.as_secs_f64());
    format!("\n  {method} ({}){target}: {why} (after {after:.1} s)", method.mode())
}

fn hint(error: &Error, peer: Option<&Peer>) -> Option<String> {
    Some(match error {
        Error::Refused { said, reply } => {
            let anonymous = peer.is_some_and(|peer| peer.anonymous);
            return refusal(said, reply, anonymous).map(str::to_owned);
        }
        Error::Unreachable(Unreachable::Name { .. }) => "check the spelling of the host name".to_owned(),
        Error::Unreachable(Unreachable::Control { port, .. }) => format!(
            "check that an FTP server is running there and that its firewall lets clients reach port {port}"
        ),
        Error::Unreachable(Unreachable::NoGreeting { .. }) => {
            "this may not be an FTP server: web servers, for example, wait for the client to speak first; or the server is \
             overloaded"
                .to_owned()
        }
        Error::Unreachable(Unreachable::OtherProtocol { .. }) => return None,
        Error::Unreachable(Unreachable::Data { attempts, .. }) => no_data(attempts),
        Error::Stalled { connection, .. } => {
            let cause = if connection.method.is_passive() {
                "a firewall may block one direction, or large packets are lost on the way"
            } else {
                "a firewall or NAT may have dropped it; try --mode passive"
            };
            format!("the data connection was opened and then no data passed: {cause}")
        }
        Error::HandshakeStalled { .. } => {
            "it stalled with small packets too: a firewall may block TLS, or the server is overloaded; --tls off connects \
             without TLS, unencrypted"
                .to_owned()
        }
        Error::NoTls { .. } => "--tls off sends the password and the files unencrypted".to_owned(),
        Error::Insecure { what, todo } => other_protocol(what).unwrap_or(todo).to_owned(),
        Error::Local { source, .. } if is_full(source) => {
            "free some space on this computer; the same command with -c then resumes a download".to_owned()
        }
        Error::Local { source, .. } if Errno::from_io_error(source) == Some(Errno::FBIG) => {
            "this file system, or a limit of this process, has no larger files: `ulimit -f` shows the limit. What came is kept"
                .to_owned()
        }
        Error::Local { .. } => return None,
        Error::Broken { what, .. } if is_full_there(what) => SERVER_FULL.to_owned(),
        Error::Nonsense { what } => return other_protocol(what).map(str::to_owned),
        Error::Broken { .. } => return None,
    })
}

/// Of a port where something that is neither TLS nor FTP answers: the client repeats its first line.
fn other_protocol(what: &str) -> Option<&'static str> {
    const PROTOCOLS: [(&[&str], &str); 5] = [
        (
            &["SSH-"],
            "an SSH server answers at this port, not FTP: use sftp or scp; FTP servers are usually at port 21",
        ),
        (
            &["HTTP/", "<html", "<HTML"],
            "a web server answers at this port, not FTP: use http:// or https:// with curl or a browser",
        ),
        (&["SMTP"], "a mail server (SMTP) answers at this port, not FTP; FTP servers are usually at port 21"),
        (&["+OK"], "a mail server (POP3) answers at this port, not FTP; FTP servers are usually at port 21"),
        (
            &["* OK", "IMAP"],
            "a mail server (IMAP) answers at this port, not FTP; FTP servers are usually at port 21",
        ),
    ];
    let row = PROTOCOLS.iter().find(|(signs, _)| signs.iter().any(|sign| what.contains(sign)));
    row.map(|(_, hint)| *hint)
}

const FULL_HOUSE: &str = "the server accepts no more users at the moment; try again later";
const WRONG_LOGIN: &str = "check the user and the password; the user is given as ftp://user@host/ or with --user, and pasv asks for the password";
const SERVER_FULL: &str =
    "the server's disk is full or the quota is used up: free some space on the server before you try again";
const LOOK_ABOVE: &str = "run `pasv ls` on the parent directory to see what exists";

/// What to do about a refusal by a server. Servers have different codes and words for one thing, so the words
/// that most of them have in common come first, and then the code and the verb. The first arm that fits
/// counts.
fn refusal(said: &str, reply: &Reply, anonymous: bool) -> Option<&'static str> {
    let (verb, path) = said.split_once(' ').unwrap_or((said, ""));
    let code = reply.code.get();
    let text = show(reply.text()).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (login, store) = (is_login(said), matches!(verb, "STOR" | "STOU" | "APPE"));
    let (make, remove) = (matches!(verb, "MKD" | "XMKD"), matches!(verb, "RMD" | "XRMD"));
    let look = matches!(verb, "MLSD" | "LIST" | "NLST" | "MLST" | "CWD" | "STAT" | "SIZE" | "MDTM" | "RNFR");
    let (missing, directory) = (matches!(code, 550 | 450), says(&["is a dir", "is a folder"]));
    let no_file = directory || says(&["not a plain file", "not a regular file"]);
    let by_path = look && !matches!(verb, "STAT" | "RNFR") || matches!(verb, "RETR" | "DELE" | "RMD");
    let pattern = by_path && path.contains(['*', '?', '[']);
    Some(match verb {
        _ if login && says(&["tls", "ssl"]) => {
            "this server requires TLS: leave out --tls off, or write ftpes://"
        }
        _ if login && says(&["too many", "maximum", "max ", "limit", "try again later", "try later"]) => {
            FULL_HOUSE
        }
        _ if code == 421 => FULL_HOUSE,
        _ if matches!(code, 332 | 532) => {
            "the server wants an account as well: write `account NAME` behind the login in ~/.netrc"
        }
        _ if login && anonymous && matches!(code, 530 | 430) => {
            "this server does not accept anonymous logins: give a user as ftp://user@host/ or with --user, and pasv asks for the \
             password"
        }
        _ if login && matches!(code, 530 | 430 | 331 | 501 | 550) => WRONG_LOGIN,
        _ if code == 530 => {
            "the server wants another login for this: give a user as ftp://user@host/ or with --user"
        }
        _ if matches!(code, 452 | 552) || says(&["no space", "disk full", "quota"]) => SERVER_FULL,
        _ if says(&["read-only", "read only", "readonly"]) => {
            "the server is read-only for this user; a user who may write is given as ftp://user@host/"
        }
        _ if says(&["permission denied", "access denied", "access is denied", "not permitted"])
            || says(&["no permission", "not authorized", "forbidden", "privilege"]) =>
        {
            "this user may not do that there; another user is given as ftp://user@host/"
        }
        _ if store && directory => "to upload into a directory, end the URL with a slash",
        "RNTO" if directory => "to move into a directory, end the new URL with a slash",
        "RETR" if no_file => "`pasv get -r` downloads a directory with its contents, `pasv ls` lists it",
        "DELE" if no_file => "`pasv rm -r` deletes a directory with its contents, `pasv rmdir` an empty one",
        _ if remove && says(&["not empty"]) => "`pasv rm -r` deletes a directory with its contents",
        _ if (make || verb == "RNTO") && says(&["already exist", "file exists", "directory exists"]) => {
            "the name is in use already; `pasv stat` shows by what"
        }
        _ if says(&["busy", "in use", "locked", "being used"]) => {
            "the file is in use on the server; try again later"
        }
        _ if remove && says(&["no such", "not found", "not exist"]) => LOOK_ABOVE,
        _ if code == 550 && pattern => {
            "patterns such as *.txt are not supported yet: name each file, or use `pasv get -r` for a whole directory"
        }
        _ if look && (missing || code == 553) => LOOK_ABOVE,
        "RETR" if missing => {
            "run `pasv ls` on the parent directory to see what exists; `pasv get -r` downloads a directory"
        }
        "DELE" if missing => {
            "run `pasv ls` on the parent directory to see what exists; `pasv rm -r` deletes a directory"
        }
        _ if remove && missing => {
            "only an empty directory can be removed; `pasv rm -r` deletes it with its contents"
        }
        _ if make && matches!(code, 550 | 521) => {
            "`pasv mkdir -p` makes missing parent directories too; or the name is in use already"
        }
        _ if store && code == 550 => {
            "the directory of the target must exist; to upload into a directory, end the URL with a slash"
        }
        "RNTO" if code == 550 => {
            "the directory of the target must exist; to move into a directory, end the new URL with a slash"
        }
        _ if code == 553 => "the server does not accept this name: try another one or another directory",
        _ if matches!(code, 500 | 502 | 504) => "the server does not support this command",
        _ if matches!(code, 450 | 451) => "the server calls this problem temporary: try again later",
        _ => return None,
    })
}

/// Is the login refused for the password, as far as the server's words show?
pub(crate) fn is_wrong_password(error: &Error) -> bool {
    matches!(error, Error::Refused { said, reply }
        if said.starts_with("PASS") && refusal(said, reply, false) == Some(WRONG_LOGIN))
}

fn is_login(said: &str) -> bool {
    matches!(said.split(' ').next(), Some("USER" | "PASS" | "ACCT"))
}

/// What is likely to be missing where no data connection could be made.
fn no_data(attempts: &[Attempt]) -> String {
    let dialled = attempts.iter().filter(|a| a.method.is_passive()).filter_map(|a| a.target);
    let mut ports: Vec<u16> = dialled.map(|target| target.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    // A server that refuses active mode says so, and no firewall is to blame.
    let active = || attempts.iter().filter(|a| !a.method.is_passive());
    let blocked = active().any(|a| !a.why.starts_with("answered"));
    if ports.is_empty() && !blocked {
        return "the server refuses these kinds of data connections; try another --mode".to_owned();
    }
    let ours = "a firewall or NAT on this side must let the server connect to this computer";
    if ports.is_empty() {
        return format!("{ours}; --mode passive needs no such rule");
    }
    let more = match active().next() {
        _ if blocked => format!("; or, for active mode, {ours}"),
        None => "; --mode auto tries active mode too".to_owned(),
        Some(_) => String::new(),
    };
    format!("the server's firewall must let clients reach its passive ports (tried: {ports}){more}")
}

/// Has a transfer ended with one of the replies for a full disk (RFC 959 4.2.2)?
fn is_full_there(what: &str) -> bool {
    [": 452 ", ": 552 "].iter().any(|reply| what.contains(reply))
}

/// Is it the disk, or a quota?
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The URL of the server itself, with the user and without the password.
fn root_of(url: &FtpUrl) -> FtpUrl {
    FtpUrl { password: None, segments: Vec::new(), ending: Ending::Slash, type_code: None, ..url.clone() }
}

/// A URL as a shell reads it.
fn for_shell(url: &FtpUrl) -> String {
    let text = url.to_string().replace('\'', "%27");
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/@%._-~+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{text}'") }
}

#[cfg(test)]
mod tests;
