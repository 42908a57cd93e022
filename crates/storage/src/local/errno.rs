//! What does the system's error number mean to a user of the tree?
use std::io;

use rustix::io::Errno;

use crate::{Error, Kind};

/// The one table. What is not in it is the disk's or our own fault: [`Kind::Io`].
pub(super) fn kind(errno: Errno) -> Kind {
    match errno {
        Errno::NOENT => Kind::NotFound,
        Errno::ACCESS | Errno::PERM => Kind::Denied,
        Errno::ROFS => Kind::ReadOnly,
        Errno::EXIST => Kind::Exists,
        Errno::NOTDIR => Kind::NotADirectory,
        Errno::ISDIR => Kind::IsADirectory,
        Errno::NOTEMPTY => Kind::NotEmpty,
        // A socket, or a device with nothing behind it.
        Errno::NXIO | Errno::NODEV => Kind::NotRegular,
        Errno::LOOP => Kind::Loop,
        Errno::XDEV => Kind::Outside,
        Errno::NAMETOOLONG => Kind::TooLong,
        // A name the file system cannot hold, or a directory moved into itself.
        Errno::INVAL | Errno::ILSEQ => Kind::BadName,
        // A mount point, a running program, a lease, or renames that never stop racing with us.
        Errno::BUSY | Errno::TXTBSY | Errno::AGAIN => Kind::Busy,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::MLINK => Kind::Full,
        Errno::MFILE | Errno::NFILE => Kind::TooManyFiles,
        Errno::OPNOTSUPP | Errno::NOSYS => Kind::Unsupported,
        _ => Kind::Io,
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self { kind: kind(errno), source: Some(errno.into()) }
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        let kind = Errno::from_io_error(&source).map_or(Kind::Io, kind);
        Self { kind, source: Some(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_number_has_its_kind_by_whichever_way_it_comes() {
        let table = [
            (Errno::PERM, Kind::Denied),
            (Errno::DQUOT, Kind::Full),
            (Errno::XDEV, Kind::Outside),
            (Errno::IO, Kind::Io),
        ];
        for (errno, expected) in table {
            assert_eq!(Error::from(errno).kind, expected, "{errno:?}");
            assert_eq!(Error::from(io::Error::from(errno)).kind, expected, "{errno:?} by way of std");
        }
        assert_eq!(Error::from(io::Error::other("no number")).kind, Kind::Io);
    }
}
