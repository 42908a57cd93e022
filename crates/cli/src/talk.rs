//! How does the program talk to a person? Data to stdout, talk to stderr, `hint:` after errors, meaning in
//! exit codes.
use std::fmt;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use client::Error;
use wire::pathname::show;
use wire::url::masked;

use crate::columns::{fold, terminal_columns};

/// What the exit code says, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: everything was done.
    Done = 0,
    /// 1: the server refused, or the work could not be done, or something of a tree was left out.
    Refused = 1,
    /// 2: the command line, or a file it names, is wrong.
    Usage = 2,
    /// 3: no connection could be made.
    Unreachable = 3,
    /// 4: it broke off in the middle.
    Broken = 4,
}

/// Why the program ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Nothing, when all has been said already or nobody listens.
    pub(crate) text: Option<String>,
    hint: Option<String>,
    /// What can be done besides, whatever the hint is.
    further: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, text: Some(text.to_string()), hint: None, further: None }
    }

    /// The command line cannot be followed.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// A file of ours cannot be used.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let failure = Self::usage(format_args!("{}: {}", show_path(path), words(error)));
        match path.parent() {
            _ if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                failure.hint("the disk of this computer is full: free some space and try again")
            }
            // Where a shell finds no file for a pattern, or the pattern is quoted, it arrives as it is.
            _ if error.kind() == io::ErrorKind::NotFound && show_path(path).contains(['*', '?']) => {
                failure.hint("no file has this name; the shell expands patterns such as *.txt, where they are not quoted")
            }
            Some(folder) if error.kind() == io::ErrorKind::NotFound && is_missing(folder) => {
                failure.hint(format_args!("there is no folder {}", show_path(folder)))
            }
            _ => failure,
        }
    }

    /// Output to `name` cannot be written. A pipe whose reader went away is the reader's decision, and
    /// silence.
    pub(crate) fn output(name: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::told(Exit::Done);
        }
        let mut words = words(error);
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        Self::usage(format_args!("cannot write to {name}: {words}"))
    }

    /// Of a verb whose data goes to `name` as it comes: what is wrong on this side is wrong there.
    pub(crate) fn while_writing(name: &str, error: Error) -> Self {
        match &error {
            Error::Local { source, .. } if !error.is_about_a_name() => Self::output(name, source),
            _ => error.into(),
        }
    }

    /// All has been said already.
    pub(crate) fn told(exit: Exit) -> Self {
        Self { exit, text: None, hint: None, further: None }
    }

    /// Says this in place of what it said.
    pub(crate) fn saying(self, text: impl fmt::Display) -> Self {
        Self { text: Some(text.to_string()), ..self }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Adds what to do about it, where nothing is said yet.
    pub(crate) fn or_hint(self, hint: impl fmt::Display) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// Only what went wrong.
    pub(crate) fn without_hint(self) -> Self {
        Self { hint: None, further: None, ..self }
    }

    /// Adds what can be done besides; it is said last.
    pub(crate) fn and_then(mut self, further: impl fmt::Display) -> Self {
        self.further = Some(further.to_string());
        self
    }

    /// Prints it, where the verb goes on.
    pub(crate) fn print(self) {
        // Where stderr is closed there is nobody to tell.
        let _ = io::stderr().write_all(for_terminal(self.to_string()).as_bytes());
    }

    /// Prints it, and gives the exit code.
    pub(crate) fn say(self) -> ExitCode {
        let exit = self.exit;
        self.print();
        ExitCode::from(exit as u8)
    }
}

impl fmt::Display for Failure {
    /// The lines that a person sees.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            writeln!(f, "error: {text}")?;
        }
        [&self.hint, &self.further].into_iter().flatten().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

/// Writing to stdout failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::output("stdout", &error)
    }
}

/// Writes a line to stderr.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    // Where stderr is closed there is nobody to tell.
    let _ = io::stderr().write_all(for_terminal(format!("{line}\n")).as_bytes());
}

/// Text as stderr takes it: a terminal would break lines in the middle of a word.
fn for_terminal(text: String) -> String {
    match terminal_columns(io::stderr()) {
        Some(width @ 40..) => fold(&text, width),
        _ => text,
    }
}

pub(crate) use net::os_error::words;

/// The parent of a bare name is the empty path, which is the current folder.
fn is_missing(folder: &Path) -> bool {
    !folder.as_os_str().is_empty() && !folder.exists()
}

/// A path of ours for people. What does not exist may be a URL in the place of a path, and is shown without
/// its password.
pub(crate) fn show_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    if path.symlink_metadata().is_ok() {
        return show(bytes);
    }
    show(&masked(bytes))
}
