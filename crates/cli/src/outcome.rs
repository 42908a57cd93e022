//! What does an error of the client mean to a person: which exit code, and what can be done?
use std::io;

use client::{Attempt, Error, Unreachable};
use firewall::Name;
use wire::Reply;
use wire::pathname::show;

use crate::file_size;
use crate::talk::{Exit, Failure};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Local { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
                return Self::told(Exit::Done);
            }
            Error::Refused { .. } => Exit::Refused,
            Error::Unreachable(_)
            | Error::NoTls { .. }
            | Error::Insecure { .. }
            | Error::HandshakeStalled { .. } => Exit::Unreachable,
            Error::Nonsense { .. } | Error::Broken { .. } | Error::Stalled { .. } | Error::Local { .. } => {
                Exit::Broken
            }
        };
        let failure = Self::new(exit, &error);
        match hint(&error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Refused { said, reply } if wants_tls(said, reply) => {
            "the site wants TLS: leave out --tls off, or write ftpes://".to_owned()
        }
        Error::Refused { said, reply } => match reply.code.get() {
            530 | 332 => {
                "is it the right user and password? Name the user in the URL, ftp://user@host/, and pasv asks for the password".to_owned()
            }
            // Most servers pass on the system's words; where they do, what is there is not the question.
            550 if show(reply.text()).contains("ermission denied") => {
                "this user may not do that there; ftp://user@host/ names another".to_owned()
            }
            550 => said.split(' ').next().and_then(about_a_path)?.to_owned(),
            552 | 452 => "the site has no room for it".to_owned(),
            _ => return None,
        },
        Error::Unreachable(Unreachable::Name { .. }) => "is the host spelled right?".to_owned(),
        Error::Unreachable(Unreachable::Control { port, .. }) => format!(
            "is an FTP server running there, and does its firewall let clients reach port {port}?"
        ),
        Error::Unreachable(Unreachable::Data { attempts, .. }) => no_data(attempts),
        Error::Stalled { place, .. } if place.way.is_passive() => format!(
            "the data connection stood and then nothing passed: a firewall has {} and not {}, or the other way round, or large packets get lost on the way",
            Name::PassiveIn, Name::PassiveOut
        ),
        Error::Stalled { .. } => {
            "the data connection stood and then nothing passed: a firewall or a NAT on the way has lost it; try --mode passive".to_owned()
        }
        Error::HandshakeStalled { .. } => {
            "in small packets it stood still too: a firewall may swallow TLS, or the server is overloaded; `pasv doctor` says what is known. --tls off does without, in clear text".to_owned()
        }
        Error::NoTls { .. } => "--tls off sends the password and the files in clear text".to_owned(),
        Error::Insecure { todo, .. } => todo.clone(),
        Error::Nonsense { .. } => return None,
        Error::Local { source, .. } => return file_size::hint(source).map(str::to_owned),
        Error::Broken { .. } => return None,
    };
    Some(hint)
}

/// Which of the four rules (docs/passive-and-active.md) is likely to be missing where no data connection came to stand.
fn no_data(attempts: &[Attempt]) -> String {
    let dialled = attempts.iter().filter(|a| a.way.is_passive()).filter_map(|a| a.target);
    let mut ports: Vec<u16> = dialled.map(|target| target.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let called = attempts.iter().any(|a| !a.way.is_passive());
    let passive = format!(
        "{} is likely to be missing in the server's firewall, for {} among others; or {}",
        Name::PassiveIn,
        ports.join(", "),
        Name::PassiveOut
    );
    match (ports.is_empty(), called) {
        (false, false) => format!("{passive}; --mode auto tries active mode too"),
        (false, true) => {
            format!(
                "{passive}; active mode fails where a firewall or a NAT on this side stops the server's call"
            )
        }
        (true, _) => format!(
            "a firewall or a NAT on this side stops the server from calling us, or its own has not {}: use --mode passive",
            Name::ActiveOut
        ),
    }
}

/// Is a login refused since it is not protected? Servers have different codes for that and, as people must read it, one word.
fn wants_tls(said: &str, reply: &Reply) -> bool {
    let words = show(reply.text()).to_ascii_uppercase();
    matches!(said.split(' ').next(), Some("USER" | "PASS"))
        && (words.contains("TLS") || words.contains("SSL"))
}

/// What may help where a command for a path was refused for good: the words of servers differ, so by the verb alone.
fn about_a_path(verb: &str) -> Option<&'static str> {
    match verb {
        "MLSD" | "LIST" | "NLST" | "MLST" | "CWD" | "RNFR" => {
            Some("`pasv ls` on the directory above shows what is there")
        }
        "RETR" => Some(
            "`pasv ls` on the directory above shows what is there; a directory is fetched by `pasv get -r`",
        ),
        "DELE" => {
            Some("`pasv ls` on the directory above shows what is there; a directory needs `pasv rm -r`")
        }
        "RMD" => {
            Some("only an empty directory can be removed; `pasv rm -r` removes it with all that is in it")
        }
        "MKD" | "XMKD" => {
            Some("directories are made one by one: is the one above there, and is the name free?")
        }
        "STOR" | "STOU" | "APPE" | "RNTO" => Some(
            "the directory that it goes into must be there; a URL that ends in a slash means into a directory",
        ),
        _ => None,
    }
}
