//! How does the program talk to a person? Data to stdout, talk to stderr, `hint:` after errors, meaning in exit codes.
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 1: the site refused, or the work could not be done.
    Refused,
    /// 2: the command line, or a file it names, is wrong.
    Usage,
}

/// Why the program ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    text: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, text: text.to_string(), hint: None }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says it, and gives the exit code.
    pub(crate) fn say(self) -> ExitCode {
        let mut text = format!("error: {}\n", self.text);
        if let Some(hint) = self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        // Where stderr is closed there is nobody to tell.
        let _ = io::stderr().write_all(text.as_bytes());
        ExitCode::from(match self.exit {
            Exit::Refused => 1,
            Exit::Usage => 2,
        })
    }
}
