//! Why can a server not start, and what can the administrator do?
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use net::os_error::words;

/// Why a server cannot start.
#[derive(Debug)]
pub struct Error {
    /// Whose fault it is.
    pub fault: Fault,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The configuration, or a file or folder that it names.
    Config,
    /// The system.
    System,
}

impl Error {
    /// The configuration, or something that it names, cannot be used.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self { fault: Fault::Config, text: text.to_string(), hint: None }
    }

    /// The system refuses what the server needs.
    pub(crate) fn system(text: impl fmt::Display) -> Self {
        Self { fault: Fault::System, ..Self::new(text) }
    }

    /// A file cannot be read.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let this = Self::new(format_args!("{}: {}", show(path), words(error)));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        match folder {
            Some(folder) if error.kind() == io::ErrorKind::NotFound => {
                this.hint(format_args!("there is no folder {}", show(folder)))
            }
            _ => this,
        }
    }

    /// A file cannot be written.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::new(format_args!("cannot write {}: {}", show(path), words(error)))
    }

    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// TLS cannot be set up.
pub(crate) fn cannot(error: impl fmt::Display) -> Error {
    Error::new(format_args!("cannot set up TLS: {error}")).hint("use --tls off to serve without TLS")
}

/// Reads a file that the configuration names.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|e| Error::file(path, &e))
}

/// A path for people.
pub(crate) fn show(path: &Path) -> String {
    wire::pathname::show(path.as_os_str().as_encoded_bytes())
}
