//! What does a refusal of the other server mean for an operation on its files?
use std::io;

use storage::Kind;
use wire::Reply;
use wire::pathname::show;

use crate::directory::Unread;
use crate::error::Error;

/// The error of the operation. What the server said is for the log.
pub(super) fn failed(error: Error) -> storage::Error {
    let kind = match &error {
        Error::Refused { reply, .. } => kind(reply),
        _ => Kind::Io,
    };
    storage::Error { kind, source: Some(io::Error::other(error.to_string())) }
}

/// A listing of which lines could not be read is not known to be whole.
pub(super) fn unreadable(unread: &Unread) -> storage::Error {
    storage::Error { kind: Kind::Io, source: Some(io::Error::other(unread.to_string())) }
}

/// By its code, and where that says little by the words that servers use.
fn kind(reply: &Reply) -> Kind {
    let words = show(reply.text()).to_ascii_lowercase();
    let says = |some: &[&str]| some.iter().any(|phrase| words.contains(phrase));
    match reply.code.get() {
        450 => Kind::Busy,
        452 | 552 => Kind::Full,
        500 | 502 | 504 => Kind::Unsupported,
        530 | 532 | 534 => Kind::Denied,
        550 | 553 if says(&["not empty", "notempty"]) => Kind::NotEmpty,
        550 | 553 if says(&["not a directory"]) => Kind::NotADirectory,
        550 | 553 if says(&["is a directory", "not a plain file", "not a regular file", "not a file"]) => {
            Kind::IsADirectory
        }
        550 | 553 if says(&["no such", "not found", "does not exist", "doesn't exist", "cannot find"]) => {
            Kind::NotFound
        }
        550 | 553 if says(&["exists", "already exist"]) => Kind::Exists,
        550 | 553 if says(&["read-only", "read only"]) => Kind::ReadOnly,
        550 | 553 if says(&["denied", "permi", "not allowed", "prohibited"]) => Kind::Denied,
        550 | 553 if says(&["space", "quota"]) => Kind::Full,
        550 => Kind::NotFound,
        551 | 554 => Kind::BadOffset,
        553 => Kind::Denied,
        _ => Kind::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_is_understood() {
        for (code, words, wanted) in [
            (550, "Failed to open file.", Kind::NotFound),
            (550, "notes.txt: No such file or directory", Kind::NotFound),
            (550, "Can't check for file existence", Kind::NotFound),
            (550, "Permission denied.", Kind::Denied),
            (550, "Create directory operation failed.", Kind::NotFound),
            (550, "Can't remove directory: Directory not empty", Kind::NotEmpty),
            (550, "Can't create directory: File exists", Kind::Exists),
            (550, "x: not a plain file.", Kind::IsADirectory),
            (550, "x: Not a directory", Kind::NotADirectory),
            (552, "Disk full", Kind::Full),
            (553, "Could not create file.", Kind::Denied),
            (450, "File busy", Kind::Busy),
            (421, "Bye", Kind::Io),
            (502, "Command not implemented.", Kind::Unsupported),
        ] {
            assert_eq!(kind(&Reply::new(code, words)), wanted, "{code} {words}");
        }
    }
}
