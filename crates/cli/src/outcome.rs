//! What does an error of the client mean to a person: which exit code, and what can be done?
use std::io;

use client::{Error, Unreachable};

use crate::talk::{Exit, Failure};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Local { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
                return Self::told(Exit::Done);
            }
            Error::Refused { .. } => Exit::Refused,
            Error::Unreachable(_) => Exit::Unreachable,
            Error::Nonsense { .. } | Error::Broken { .. } | Error::Local { .. } => Exit::Broken,
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
        Error::Refused { said, reply } => match reply.code.get() {
            530 | 332 => {
                "is it the right user and password? Name the user in the URL, ftp://user@host/, and pasv asks for the password".to_owned()
            }
            550 if reads(said) => "`pasv ls` on the directory above shows what is there".to_owned(),
            552 | 452 => "the site has no room for it".to_owned(),
            _ => return None,
        },
        Error::Unreachable(Unreachable::Name { .. }) => "is the host spelled right?".to_owned(),
        Error::Unreachable(Unreachable::Control { port, .. }) => format!(
            "is an FTP server running there, and does its firewall let clients reach port {port}?"
        ),
        Error::Unreachable(Unreachable::Data { attempts, .. }) => {
            if attempts.iter().all(|a| a.way.is_passive()) {
                "the server's firewall must let clients reach its passive ports; --mode active is another try"
                    .to_owned()
            } else if attempts.iter().any(|a| a.way.is_passive()) {
                "the server's firewall must let clients reach its passive ports; active mode only helps where nothing stops the server from calling us"
                    .to_owned()
            } else {
                "a firewall or a NAT on this side stops the server from calling us: use --mode passive".to_owned()
            }
        }
        Error::Nonsense { .. } => return None,
        Error::Broken { .. } | Error::Local { .. } => return None,
    };
    Some(hint)
}

/// Does the command look for something that may not be there?
fn reads(said: &str) -> bool {
    ["RETR ", "MLSD ", "MLST ", "CWD ", "DELE ", "RMD ", "RNFR "].iter().any(|verb| said.starts_with(verb))
}
