//! How is a password file made?
use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use storage::accounts;

use crate::talk::{Exit, Failure};

/// Make the line of a password file from a password.
///
/// `pasv passwd > alice.password`, then `pasv serve --user alice:alice.password`.
#[derive(Debug, Args)]
pub(crate) struct Flags {}

pub(crate) fn run(_flags: &Flags) -> Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::new(Exit::Usage, format!("cannot read a password: {e}"));
    let password = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(unreadable)?;
        let second = rpassword::prompt_password("Again: ").map_err(unreadable)?;
        if first != second {
            return Err(Failure::new(Exit::Usage, "the two differ").hint("run it again"));
        }
        first
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err(Failure::new(Exit::Usage, "an empty password lets everybody in")
            .hint("for a site without passwords use `pasv serve --anonymous`"));
    }
    let hash = accounts::hash(password.as_bytes())
        .map_err(|e| Failure::new(Exit::Refused, format!("the password cannot be hashed: {e}")))?;
    writeln!(io::stdout(), "{hash}").map_err(|e| Failure::new(Exit::Refused, format!("cannot write: {e}")))
}
