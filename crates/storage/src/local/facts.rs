//! What does the system know of a file?
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType as Kind, Statx, StatxFlags, statx};

use crate::{Access, FileType, Posix, Result, Stat, Time};

/// Only what [`Facts`] holds: what is not asked for need not be computed.
const WANTED: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::MODE)
    .union(StatxFlags::NLINK)
    .union(StatxFlags::UID)
    .union(StatxFlags::GID)
    .union(StatxFlags::MTIME)
    .union(StatxFlags::BTIME)
    .union(StatxFlags::INO)
    .union(StatxFlags::SIZE);

/// What the system says of one file.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) kind: FileType,
    pub(super) size: u64,
    pub(super) modified: Time,
    pub(super) created: Option<Time>,
    pub(super) posix: Posix,
    /// Device and inode.
    pub(super) unique: (u64, u64),
}

impl Facts {
    /// The same for callers of the tree.
    pub(super) fn stat(self, access: Access, target: Option<Vec<u8>>) -> Stat {
        let Self { kind, size, modified, created, posix, unique } = self;
        Stat { kind, target, access, size, modified, created, posix: Some(posix), unique: Some(unique) }
    }
}

/// Of what a descriptor holds.
pub(super) fn of(fd: impl AsFd) -> Result<Facts> {
    Ok(translate(&statx(fd, c"", AtFlags::EMPTY_PATH, WANTED)?))
}

/// Of one name in a directory; a link's own.
pub(super) fn of_name(dir: impl AsFd, name: &[u8]) -> Result<Facts> {
    Ok(translate(&statx(dir, name, AtFlags::SYMLINK_NOFOLLOW, WANTED)?))
}

/// Of one name in a directory as the kernel hands it out.
pub(super) fn of_entry(dir: impl AsFd, name: &std::ffi::CStr) -> rustix::io::Result<Facts> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
    statx(dir, name, flags, WANTED).map(|stat| translate(&stat))
}

/// The system's kind as ours.
pub(super) fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::RegularFile => FileType::File,
        Kind::Directory => FileType::Directory,
        Kind::Symlink => FileType::Link,
        _ => FileType::Other,
    }
}

fn translate(stat: &Statx) -> Facts {
    let mode = u32::from(stat.stx_mode);
    let born = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    Facts {
        kind: file_type(Kind::from_raw_mode(mode)),
        size: stat.stx_size,
        modified: time(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        created: born.then(|| time(stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec)),
        posix: Posix {
            mode: mode & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            links: u64::from(stat.stx_nlink),
        },
        unique: (u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor), stat.stx_ino),
    }
}

fn time(seconds: i64, nanos: u32) -> Time {
    Time { seconds, nanos }
}
