//! How is a password file made?
use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use storage::accounts;

use crate::interrupt;
use crate::talk::{Exit, Failure};

/// Hash a password for a password file
///
/// Asks for a password twice (or reads one line from standard input) and prints its hash (argon2id), the one
/// line of a password file for `pasv serve --user NAME:FILE`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pasv passwd > alice.password
  pasv serve -w --user alice:alice.password
  pwgen 20 1 | tee /dev/tty | pasv passwd > bob.password

Exit codes: 0 done, 1 cannot hash or write, 2 no password, or two different ones")]
pub(crate) struct Flags {}

pub(crate) fn run(_flags: &Flags) -> Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::usage(format!("cannot read a password: {e}"));
    let password = if io::stdin().is_terminal() {
        let first = interrupt::password("Password: ").map_err(unreadable)?;
        let second = interrupt::password("Repeat password: ").map_err(unreadable)?;
        if first != second {
            return Err(Failure::usage("passwords do not match; try again"));
        }
        first
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err(Failure::usage("empty passwords are not allowed").hint(
            "to share a folder without a password, use `pasv serve` without --user, or with --anonymous",
        ));
    }
    let hash = accounts::hash(password.as_bytes())
        .map_err(|e| Failure::new(Exit::Refused, format!("cannot hash the password: {e}")))?;
    writeln!(io::stdout(), "{hash}").map_err(|e| Failure::new(Exit::Refused, format!("cannot write: {e}")))
}
