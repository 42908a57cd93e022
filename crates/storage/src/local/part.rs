//! Where do the bytes of an upload live until it is whole?
//!
//! In a *part*: a hidden file in the directory of its target, so that publishing is one rename. There are
//! three kinds of names of one shape, `.pasv.<32 hex digits>.part`, and `.temp` for what nobody can come back
//! to:
//!
//! - the *named* part, whose digits are made from the target's name, so that a broken upload is found again
//!   (also for a name of 255 bytes, which leaves no room for a suffix);
//! - a *spare* one with random digits, for an upload that finds the named part in use: two never mix; and for
//!   what is to be added to a file;
//! - a *journal*, whose digits are made from the inode of the file that its bytes are being added to (see
//!   `append`).
//!
//! Who writes a part holds it with `flock`; the kernel lets go of that when the process ends, however it
//! ends. So a part without a lock is a broken upload's. A part may be cut, renamed or removed only under its
//! lock, and only after
//! [`hold`] has seen that the name still leads to the file that was locked.
//!
//! The name of a part can be worked out, so that another user of the machine who may write in the directory
//! can put a file of that name there. Nobody but the superuser can make a file that belongs to somebody else,
//! though, so a part that does not belong to this process's user is never taken.
use std::fs::{File, TryLockError};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, chmod, fstat, openat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use sha2::{Digest, Sha256};

use super::open::open_name;
use crate::{Kind, Result};

const PREFIX: &[u8] = b".pasv.";
/// Of a part that is kept when its upload breaks off.
const NAMED: &[u8] = b".part";
/// Of one that is of no use without its upload: as long.
const PASSING: &[u8] = b".temp";
const DIGITS: usize = 32;
const LENGTH: usize = PREFIX.len() + DIGITS + NAMED.len();

/// Others that may come between opening a part and locking it, one after the other, before we give it up as
/// in use.
const TRIES: usize = 64;

/// Between two tries to lock. Only who asks is waited for, and only as long as the scheduler keeps it from
/// going on.
const PAUSE: Duration = Duration::from_millis(1);

/// The name of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartName(Vec<u8>);

impl PartName {
    /// The one part in which a broken upload to `target` is kept.
    pub(super) fn named(target: &[u8]) -> Self {
        Self::spell(&Sha256::digest(target), NAMED)
    }

    /// The one that says what is being added to the file with this inode.
    pub(super) fn journal(inode: u64) -> Self {
        Self::spell(&Sha256::digest([b"append/", inode.to_string().as_bytes()].concat()), PASSING)
    }

    /// A name nobody has.
    pub(super) fn spare() -> Result<Self> {
        let mut random = [0; DIGITS / 2];
        getrandom::fill(&mut random).map_err(|_| Kind::Io)?;
        Ok(Self::spell(&random, PASSING))
    }

    /// A name that was read from a directory, if it is a part's.
    pub(super) fn found(name: &[u8]) -> Option<Self> {
        is_part(name).then(|| Self(name.to_vec()))
    }

    fn spell(bytes: &[u8], suffix: &[u8]) -> Self {
        let mut name = Vec::with_capacity(LENGTH);
        name.extend_from_slice(PREFIX);
        for byte in bytes.iter().take(DIGITS / 2) {
            for nibble in [byte >> 4, byte & 15] {
                name.push(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
            }
        }
        name.extend_from_slice(suffix);
        Self(name)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Is it of no use to anybody when nobody holds it?
    pub(super) fn is_passing(&self) -> bool {
        self.0.ends_with(PASSING)
    }
}

/// Is it the name of a part, named or spare? Such names are not seen and not reached through the tree.
pub(super) fn is_part(name: &[u8]) -> bool {
    name.len() == LENGTH
        && name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.strip_suffix(NAMED).or_else(|| rest.strip_suffix(PASSING)))
            .is_some_and(|digits| digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// What to do where there is no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Make one.
    Make,
    /// Say so.
    Leave,
}

/// A part that is ours alone, until this is dropped or taken apart.
#[derive(Debug)]
pub(super) struct Locked {
    file: Arc<File>,
    /// It has been given to somebody who keeps it locked.
    given: bool,
}

impl Locked {
    /// The file, which stays locked as long as it is open.
    pub(super) fn into_file(mut self) -> Arc<File> {
        self.given = true;
        Arc::clone(&self.file)
    }

    /// The file, to be looked at.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if !self.given {
            release(&self.file);
        }
    }
}

/// Lets go of a part at once. Closing it does too, but not while a child that is just being started by this
/// process still has its copy of the descriptor.
pub(super) fn release(part: &File) {
    // Where even this fails, closing is what is left.
    let _ = part.unlock();
}

/// What became of taking hold of a part.
#[derive(Debug)]
pub(super) enum Held {
    /// It was made just now, and is ours.
    Made(Locked),
    /// A broken upload's, of so many bytes, and now ours.
    Kept(Locked, u64),
    /// Somebody is writing it (or something that is no part has its name).
    InUse,
    /// There is none.
    Absent,
}

/// Takes hold of a part for writing; the lock goes with the file.
pub(super) fn hold(dir: BorrowedFd<'_>, name: &PartName, absent: Absent) -> Result<Held> {
    let name = name.as_bytes();
    for _ in 0..TRIES {
        let made = match absent {
            Absent::Leave => None,
            Absent::Make => match make(dir, name, OFlags::RDWR) {
                Ok(file) => Some(file),
                Err(Errno::EXIST) => None,
                Err(errno) => return Err(errno.into()),
            },
        };
        let (file, new) = match made {
            Some(file) => (file, true),
            None => match open_name(dir, name, OFlags::RDWR) {
                Ok(file) => (file, false),
                Err(Errno::NOENT) if absent == Absent::Make => continue,
                Err(Errno::NOENT) => return Ok(Held::Absent),
                // A link, a directory, a pipe, or another user's: not ours to touch.
                Err(Errno::ACCESS) if open_up(dir, name)? => continue,
                Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::ACCESS | Errno::PERM) => {
                    return Ok(Held::InUse);
                }
                Err(errno) => return Err(errno.into()),
            },
        };
        if !lock(&file)? {
            return Ok(Held::InUse);
        }
        let file = Locked { file: Arc::new(file), given: false };
        let stat = fstat(&file.file)?;
        match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) if (now.st_dev, now.st_ino) == (stat.st_dev, stat.st_ino) => {}
            // Published, removed or swept between our opening and our locking it.
            Ok(_) | Err(Errno::NOENT) => continue,
            Err(errno) => return Err(errno.into()),
        }
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
            return Ok(Held::InUse);
        }
        if !new && !is_ours(dir, stat.st_uid)? {
            return Ok(Held::InUse);
        }
        return Ok(if new {
            Held::Made(file)
        } else {
            Held::Kept(file, u64::try_from(stat.st_size).unwrap_or(0))
        });
    }
    Ok(Held::InUse)
}

fn make(dir: BorrowedFd<'_>, name: &[u8], access: OFlags) -> rustix::io::Result<File> {
    let flags = access | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

/// Gives its owner's permissions back to a part of our own that was about to be published with a mode without
/// them when the process was killed. False where it is no such part.
fn open_up(dir: BorrowedFd<'_>, name: &[u8]) -> Result<bool> {
    let fd = match open_name(dir, name, OFlags::PATH) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(true),
        Err(errno) => return Err(errno.into()),
    };
    let stat = fstat(&fd)?;
    let ours = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_nlink == 1
        && stat.st_uid == geteuid().as_raw();
    if !ours || stat.st_mode & 0o600 == 0o600 {
        return Ok(false);
    }
    // Not by its name, which may have become a link.
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    Ok(chmod(link.as_str(), Mode::RUSR | Mode::WUSR).is_ok())
}

/// Does a file of this owner in this directory belong to us?
fn is_ours(dir: BorrowedFd<'_>, owner: u32) -> Result<bool> {
    if owner == geteuid().as_raw() {
        return Ok(true);
    }
    // Some network file systems give all that we make to another user.
    let probe = PartName::spare()?;
    let made = fstat(make(dir, probe.as_bytes(), OFlags::WRONLY)?);
    unlinkat(dir, probe.as_bytes(), AtFlags::empty())?;
    Ok(made?.st_uid == owner)
}

/// Removes a part, if there is one that nobody writes.
pub(super) fn discard(dir: BorrowedFd<'_>, name: &PartName) -> Result<Discarded> {
    match hold(dir, name, Absent::Leave)? {
        Held::Made(_file) | Held::Kept(_file, _) => {
            unlinkat(dir, name.as_bytes(), AtFlags::empty())?;
            Ok(Discarded::Removed)
        }
        Held::InUse => Ok(Discarded::InUse),
        Held::Absent => Ok(Discarded::Absent),
    }
}

/// What became of discarding a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Discarded {
    /// It is gone.
    Removed,
    /// It is being written, and stays.
    InUse,
    /// There was none.
    Absent,
}

/// Is a part, opened for reading, the work of a broken upload, that is: does nobody hold it?
pub(super) fn is_kept(part: &File) -> bool {
    // A shared lock, so that any number may ask at once.
    let kept = part.try_lock_shared().is_ok();
    release(part);
    kept
}

/// Locks a part for writing; false where another writer has it. One who only asks [`is_kept`] is waited out:
/// that is a matter of microseconds.
fn lock(part: &File) -> Result<bool> {
    for _ in 0..TRIES {
        match part.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        match part.try_lock_shared() {
            Ok(()) => release(part),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_shape() {
        let long = [b'x'; 255];
        for name in [PartName::named(b"a"), PartName::named(&long), PartName::spare().unwrap()] {
            assert!(is_part(name.as_bytes()), "{name:?}");
        }
        assert_eq!(PartName::named(b"a"), PartName::named(b"a"));
        assert_ne!(PartName::named(b"a"), PartName::named(b"b"));
        assert_ne!(PartName::spare().unwrap(), PartName::spare().unwrap());
    }

    #[test]
    fn other_names_are_nobodys_business() {
        for name in [
            &b".pasv.toml"[..],
            b".pasv..part",
            b".pasv.0123456789abcdef0123456789abcdeF.part",
            b".part",
            b"",
        ] {
            assert!(!is_part(name), "{}", name.escape_ascii());
        }
    }
}
