//! What can go wrong with files, and whose fault is it?
use std::{fmt, io};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No such file or directory.
    NotFound,
    /// The site's own permissions forbid it.
    Denied,
    /// The tree is read-only.
    ReadOnly,
    /// The name is taken.
    Exists,
    /// A directory was needed.
    NotADirectory,
    /// A file was needed.
    IsADirectory,
    /// The directory holds something.
    NotEmpty,
    /// A pipe, socket or device was asked for.
    NotRegular,
    /// A link leads out of the tree.
    Outside,
    /// Links lead in a circle, or there are too many of them on the way.
    Loop,
    /// A component is longer than 255 bytes, or the path longer than 4096.
    TooLong,
    /// A name that the store keeps for itself, or that cannot be one.
    BadName,
    /// Resuming past the end of what is there.
    BadOffset,
    /// Another upload to this name is under way.
    Busy,
    /// The file that an upload continues was changed, moved or removed meanwhile.
    Changed,
    /// No space, or no quota, is left.
    Full,
    /// The process, or the machine, has too many files open.
    TooManyFiles,
    /// The store does not do this.
    Unsupported,
    /// The disk, the network behind the store, or a bug of ours.
    Io,
}

/// An error of a store: its kind and, for the log, what the system said.
#[derive(Debug)]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// What the system said, for the administrator; never sent to a client.
    pub source: Option<io::Error>,
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        if let Some(source) = &self.source { write!(f, ": {source}") } else { Ok(()) }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}
