//! How is a program run, and what did it print?

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a program that ran to its end has said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Did it end with success?
    pub(crate) good: bool,
    /// Its standard output and then its standard error.
    pub(crate) text: String,
}

/// Runs a program to its end, without input. One that does not start has failed, and its text says why.
pub(crate) fn run(command: &mut Command) -> Said {
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            Said { good: output.status.success(), text }
        }
        Err(error) => Said { good: false, text: format!("{}: {error}", command.get_program().display()) },
    }
}

/// Does this call end with success?
pub(crate) fn answers(mut command: Command) -> bool {
    run(&mut command).good
}

/// Where is the program `name`? In `PATH`, or where Debian keeps what is root's.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The last line of a text that says something: why a program failed, in short.
pub(crate) fn last_words(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing")
}
