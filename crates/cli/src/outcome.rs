//! What does an error of the client mean to a person: which exit code, and what can be done?
//!
//! ```text
//!   Error --exit code, text--> Failure      a refusal --REFUSALS, first row that fits--> hint
//!                                           a greeting of another protocol --PROTOCOLS--> hint
//!                                           a connection that failed --> its own hint, and `pasv doctor URL`
//! ```
use std::io;
use std::sync::{Mutex, PoisonError};

use client::{Attempt, Error, Unreachable};
use wire::Reply;
use wire::pathname::show;
use wire::url::{Ending, FtpUrl};

use crate::file_size;
use crate::talk::{Exit, Failure};

/// Whom the program talks to: errors of the client do not know how the server was named.
#[derive(Clone, Debug)]
struct Peer {
    /// The server's URL without path and password.
    url: String,
    anonymous: bool,
    /// What the server said first.
    greeting: Option<String>,
}

/// The server of the newest session. There is one at a time, and hints may be about nothing else.
static PEER: Mutex<Option<Peer>> = Mutex::new(None);

/// From now on, errors are about this server and user.
pub(crate) fn talks_to(url: &FtpUrl, anonymous: bool) {
    let peer = Peer { url: for_shell(&root_of(url)), anonymous, greeting: None };
    *PEER.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer);
}

/// The server has said something: the first time this is its greeting.
pub(crate) fn heard(reply: &Reply) {
    if let Some(peer) = &mut *PEER.lock().unwrap_or_else(PoisonError::into_inner)
        && peer.greeting.is_none()
    {
        peer.greeting = Some(show(reply.text()));
    }
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
    if let Some(hint) = other_protocol(error, peer) {
        return Some(hint.to_owned());
    }
    let hint = match error {
        Error::Refused { said, reply } => return refusal(said, reply, peer).map(str::to_owned),
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
        Error::Stalled { connection, .. } if connection.method.is_passive() => {
            "the data connection was opened and then no data passed: a firewall may block one direction, or large packets are \
             lost on the way"
                .to_owned()
        }
        Error::Stalled { .. } => {
            "the data connection was opened and then no data passed: a firewall or NAT may have dropped it; try --mode passive"
                .to_owned()
        }
        Error::HandshakeStalled { .. } => {
            "it stalled with small packets too: a firewall may block TLS, or the server is overloaded; --tls off connects \
             without TLS, unencrypted"
                .to_owned()
        }
        Error::NoTls { .. } => "--tls off sends the password and the files unencrypted".to_owned(),
        Error::Insecure { todo, .. } => todo.clone(),
        Error::Local { source, .. } if is_full(source) => {
            "free some space on this computer; the same command with -c then resumes a download".to_owned()
        }
        Error::Local { source, .. } => return file_size::hint(source).map(str::to_owned),
        Error::Broken { what, .. } if is_full_there(what) => SERVER_FULL.to_owned(),
        Error::Nonsense { .. } | Error::Broken { .. } => return None,
    };
    Some(hint)
}

/// What another kind of server says first, and what to do about it.
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

fn other_protocol(error: &Error, peer: Option<&Peer>) -> Option<&'static str> {
    let greeting = peer.and_then(|peer| peer.greeting.as_deref()).unwrap_or_default();
    let said = match error {
        Error::Nonsense { what } | Error::Insecure { what, .. } => what,
        Error::Refused { said, .. } if is_login(said) => greeting,
        Error::Broken { moved: 0, .. } | Error::NoTls { .. } => greeting,
        _ => return None,
    };
    let row = PROTOCOLS.iter().find(|(signs, _)| signs.iter().any(|sign| said.contains(sign)));
    row.map(|(_, hint)| *hint)
}

/// A refusal by a server, and what to do about it. What a row does not name may be anything.
struct Row {
    codes: &'static [u16],
    verbs: &'static [&'static str],
    /// In lower case; one of them is in the server's words.
    words: &'static [&'static str],
    hint: &'static str,
}

const fn row(
    codes: &'static [u16],
    verbs: &'static [&'static str],
    words: &'static [&'static str],
    hint: &'static str,
) -> Row {
    Row { codes, verbs, words, hint }
}

const LOGIN: &[&str] = &["USER", "PASS", "ACCT"];
const LOOK: &[&str] = &["MLSD", "LIST", "NLST", "MLST", "CWD", "STAT", "SIZE", "MDTM", "RNFR"];
const STORE: &[&str] = &["STOR", "STOU", "APPE"];
const MAKE: &[&str] = &["MKD", "XMKD"];
const REMOVE: &[&str] = &["RMD", "XRMD"];

const SERVER_FULL: &str =
    "the server's disk is full or the quota is used up: free some space on the server before you try again";

/// Servers have different codes and words for one thing, so the words that most of them have in common come
/// first, and then the code and the verb. The first row that fits counts.
const REFUSALS: &[Row] = &[
    row(&[], LOGIN, &["tls", "ssl"], "this server requires TLS: leave out --tls off, or write ftpes://"),
    row(
        &[],
        LOGIN,
        &["too many", "maximum", "max ", "limit", "try again later", "try later"],
        "the server accepts no more users at the moment; try again later",
    ),
    row(&[421], &[], &[], "the server accepts no more users at the moment; try again later"),
    row(
        &[332, 532],
        &[],
        &[],
        "the server wants an account as well: write `account NAME` behind the login in ~/.netrc",
    ),
    row(
        WRONG_LOGIN,
        LOGIN,
        &[],
        "check the user and the password; the user is given as ftp://user@host/ or with --user, and pasv asks for the password",
    ),
    row(
        &[530],
        &[],
        &[],
        "the server wants another login for this: give a user as ftp://user@host/ or with --user",
    ),
    row(&[452, 552], &[], &[], SERVER_FULL),
    row(&[], &[], &["no space", "disk full", "quota"], SERVER_FULL),
    row(
        &[],
        &[],
        &["read-only", "read only", "readonly"],
        "the server is read-only for this user; a user who may write is given as ftp://user@host/",
    ),
    row(
        &[],
        &[],
        &[
            "permission denied",
            "access denied",
            "access is denied",
            "not permitted",
            "no permission",
            "not authorized",
            "forbidden",
            "privilege",
        ],
        "this user may not do that there; another user is given as ftp://user@host/",
    ),
    row(&[], STORE, &["is a dir", "is a folder"], "to upload into a directory, end the URL with a slash"),
    row(
        &[],
        &["RNTO"],
        &["is a dir", "is a folder"],
        "to move into a directory, end the new URL with a slash",
    ),
    row(
        &[],
        &["RETR"],
        &["is a dir", "is a folder", "not a plain file", "not a regular file"],
        "`pasv get -r` downloads a directory with its contents, `pasv ls` lists it",
    ),
    row(
        &[],
        &["DELE"],
        &["is a dir", "is a folder", "not a plain file", "not a regular file"],
        "`pasv rm -r` deletes a directory with its contents, `pasv rmdir` an empty one",
    ),
    row(&[], REMOVE, &["not empty"], "`pasv rm -r` deletes a directory with its contents"),
    row(
        &[],
        &["MKD", "XMKD", "RNTO"],
        &["already exist", "file exists", "directory exists"],
        "the name is in use already; `pasv stat` shows by what",
    ),
    row(
        &[],
        &[],
        &["busy", "in use", "locked", "being used"],
        "the file is in use on the server; try again later",
    ),
    row(&[550, 450, 553], LOOK, &[], "run `pasv ls` on the parent directory to see what exists"),
    row(
        &[550, 450],
        &["RETR"],
        &[],
        "run `pasv ls` on the parent directory to see what exists; `pasv get -r` downloads a directory",
    ),
    row(
        &[550, 450],
        &["DELE"],
        &[],
        "run `pasv ls` on the parent directory to see what exists; `pasv rm -r` deletes a directory",
    ),
    row(
        &[],
        REMOVE,
        &["no such", "not found", "not exist"],
        "run `pasv ls` on the parent directory to see what exists",
    ),
    row(
        &[550, 450],
        REMOVE,
        &[],
        "only an empty directory can be removed; `pasv rm -r` deletes it with its contents",
    ),
    row(
        &[550, 521],
        MAKE,
        &[],
        "`pasv mkdir -p` makes missing parent directories too; or the name is in use already",
    ),
    row(
        &[550],
        STORE,
        &[],
        "the directory of the target must exist; to upload into a directory, end the URL with a slash",
    ),
    row(
        &[550],
        &["RNTO"],
        &[],
        "the directory of the target must exist; to move into a directory, end the new URL with a slash",
    ),
    row(&[553], &[], &[], "the server does not accept this name: try another one or another directory"),
    row(&[500, 502, 504], &[], &[], "the server does not support this command"),
    row(&[450, 451], &[], &[], "the server calls this problem temporary: try again later"),
];

/// The verbs whose path a person may have written as a pattern.
const PATTERNS: &[&str] = &["RETR", "DELE", "MLSD", "LIST", "NLST", "MLST", "CWD", "SIZE", "MDTM", "RMD"];

/// Is the login refused for the password, as far as the server's words show?
pub(crate) fn is_wrong_password(error: &Error) -> bool {
    match error {
        Error::Refused { said, reply } => {
            said.starts_with("PASS") && row_of(said, reply).is_some_and(|row| row.codes == WRONG_LOGIN)
        }
        _ => false,
    }
}

/// Of a login that is refused for the user or the password.
const WRONG_LOGIN: &[u16] = &[530, 430, 331, 501, 550];

fn row_of(said: &str, reply: &Reply) -> Option<&'static Row> {
    let verb = said.split(' ').next().unwrap_or(said);
    let code = reply.code.get();
    let words = show(reply.text()).to_lowercase();
    let fits = |row: &&Row| {
        (row.codes.is_empty() || row.codes.contains(&code))
            && (row.verbs.is_empty() || row.verbs.contains(&verb))
            && (row.words.is_empty() || row.words.iter().any(|word| words.contains(word)))
    };
    REFUSALS.iter().find(fits)
}

fn refusal(said: &str, reply: &Reply, peer: Option<&Peer>) -> Option<&'static str> {
    let (verb, path) = said.split_once(' ').unwrap_or((said, ""));
    let code = reply.code.get();
    let row = row_of(said, reply)?;
    // These two need more than the reply.
    if matches!(code, 530 | 430)
        && LOGIN.contains(&verb)
        && row.words.is_empty()
        && peer.is_some_and(|p| p.anonymous)
    {
        return Some(
            "this server does not accept anonymous logins: give a user as ftp://user@host/ or with --user, and pasv asks for the \
             password",
        );
    }
    if code == 550 && row.words.is_empty() && PATTERNS.contains(&verb) && path.contains(['*', '?', '[']) {
        return Some(
            "patterns such as *.txt are not supported yet: name each file, or use `pasv get -r` for a whole directory",
        );
    }
    Some(row.hint)
}

fn is_login(said: &str) -> bool {
    said.split(' ').next().is_some_and(|verb| LOGIN.contains(&verb))
}

/// What is likely to be missing where no data connection could be made.
fn no_data(attempts: &[Attempt]) -> String {
    let dialled = attempts.iter().filter(|a| a.method.is_passive()).filter_map(|a| a.target);
    let mut ports: Vec<u16> = dialled.map(|target| target.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    // A server that refuses active mode says so, and no firewall is to blame.
    let active = || attempts.iter().filter(|a| !a.method.is_passive());
    let blocked = active().any(|a| !a.why.starts_with("answered"));
    match (ports.is_empty(), blocked) {
        (false, false) if active().next().is_none() => format!(
            "the server's firewall must let clients reach its passive ports (tried: {}); --mode auto tries active mode too",
            ports.join(", ")
        ),
        (false, false) => format!(
            "the server's firewall must let clients reach its passive ports (tried: {})",
            ports.join(", ")
        ),
        (false, true) => format!(
            "the server's firewall must let clients reach its passive ports (tried: {}); or, for active mode, a firewall or \
             NAT on this side must let the server connect to this computer",
            ports.join(", ")
        ),
        (true, true) => {
            "a firewall or NAT on this side must let the server connect to this computer; --mode passive needs no such rule"
                .to_owned()
        }
        (true, false) => "the server refuses these kinds of data connections; try another --mode".to_owned(),
    }
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
