//! What file does a path lead to?
//!
//! The kernel answers, not string work: `openat2` with `RESOLVE_IN_ROOT` from a descriptor of the root. An
//! absolute link then starts at the tree's root and `..` stops there, so that nothing leads out, also not a
//! link swapped in meanwhile.
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::links;
use super::part::{self, PartName};
use crate::{Error, Kind, Result, VPath};

/// How far a look-up may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only what memory holds: never waits for a disk, so that it may run on the event loop.
    Memory,
    /// All the way.
    Disk,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// Memory does not hold it: ask again with [`Reach::Disk`].
    NotInMemory,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno.into())
    }
}

impl From<Kind> for Fault {
    fn from(kind: Kind) -> Self {
        Self::Failed(kind.into())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            // Not reached from a look-up that may go to the disk.
            Fault::NotInMemory => Kind::Busy.into(),
            Fault::Failed(error) => error,
        }
    }
}

/// A look-up's answer.
pub(super) type Found<T> = std::result::Result<T, Fault>;

/// Times a look-up is begun again when renames elsewhere disturb it (the kernel's EAGAIN): each try is
/// microseconds, and a disturbance that outlives this many is somebody's purpose.
const TRIES: usize = 64;

/// What every look-up is bound by. `/proc`'s magic links would jump out of any root.
const BOUND: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// The directory a tree starts at.
#[derive(Debug)]
pub(super) struct Root {
    fd: OwnedFd,
    /// Does the kernel know RESOLVE_CACHED (Linux 5.12)?
    memory: bool,
}

impl Root {
    /// Takes hold of a directory. [`Kind::Unsupported`] where the kernel has no `openat2` (before Linux 5.6).
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fd = openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let memory = match openat2(&fd, ".", flags, Mode::empty(), BOUND | ResolveFlags::CACHED) {
            Ok(_) | Err(Errno::AGAIN) => true,
            Err(Errno::INVAL) => {
                openat2(&fd, ".", flags, Mode::empty(), BOUND)?;
                false
            }
            Err(errno) => return Err(errno.into()),
        };
        Ok(Self { fd, memory })
    }

    /// The root itself, opened to be read.
    pub(super) fn directory(&self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(openat(&self.fd, ".", flags, Mode::empty())?)
    }

    /// Can look-ups be answered from memory alone?
    pub(super) fn has_memory(&self) -> bool {
        self.memory
    }

    /// Makes it as on a kernel before 5.12.
    #[cfg(test)]
    pub(super) fn forget(&mut self) {
        self.memory = false;
    }

    /// Opens what a path leads to, links followed beneath the root.
    pub(super) fn open_at(&self, path: &VPath, flags: OFlags, reach: Reach) -> Found<OwnedFd> {
        allowed(path)?;
        let relative = if path.is_root() { b".".as_slice() } else { path.relative() };
        let flags = flags | OFlags::CLOEXEC;
        if reach == Reach::Memory {
            return match openat2(&self.fd, relative, flags, Mode::empty(), BOUND | ResolveFlags::CACHED) {
                // Why a link is refused is looked up on the disk.
                Err(Errno::AGAIN | Errno::LOOP) => Err(Fault::NotInMemory),
                done => Ok(done?),
            };
        }
        for _ in 0..TRIES {
            match openat2(&self.fd, relative, flags, Mode::empty(), BOUND) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::LOOP) => return Err(self.why_refused(path).into()),
                done => return Ok(done?),
            }
        }
        Err(Errno::AGAIN.into())
    }

    /// The kernel has one number for links that lead in a circle and for the magic ones of `/proc`, which
    /// lead out.
    fn why_refused(&self, path: &VPath) -> Error {
        let kind = match links::physical(self, path) {
            Err(error) if error.kind == Kind::Loop => Kind::Loop,
            _ => Kind::Outside,
        };
        Error { kind, source: Some(Errno::LOOP.into()) }
    }

    /// Opens a name itself, a link at it not followed, where no name before it is a link either.
    /// [`Kind::Outside`] where one is.
    pub(super) fn open_unfollowed(&self, path: &VPath) -> Result<OwnedFd> {
        allowed(path)?;
        let relative = if path.is_root() { b".".as_slice() } else { path.relative() };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..TRIES {
            match openat2(&self.fd, relative, flags, Mode::empty(), BOUND | ResolveFlags::NO_SYMLINKS) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::LOOP) => {
                    return Err(Error { kind: Kind::Outside, source: Some(Errno::LOOP.into()) });
                }
                done => return Ok(done?),
            }
        }
        Err(Errno::AGAIN.into())
    }

    /// The directory that a path's last component is in, held open, and that component. What is done to it
    /// with the `*at` calls cannot leave: it is one name, and no link behind it is followed. `None` for the
    /// root itself.
    pub(super) fn parent<'p>(&self, path: &'p VPath, reach: Reach) -> Found<Option<(OwnedFd, &'p [u8])>> {
        let Some((parent, name)) = path.split() else { return Ok(None) };
        allowed(path)?;
        let fd = self.open_at(&parent, OFlags::PATH | OFlags::DIRECTORY, reach)?;
        Ok(Some((fd, name)))
    }
}

/// Opens a part to see what a broken upload has left; nothing where there is none that we may read.
pub(super) fn kept_part(dir: &OwnedFd, part: &PartName, reach: Reach) -> Found<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let cached = if reach == Reach::Memory { ResolveFlags::CACHED } else { ResolveFlags::empty() };
    match openat2(dir, part.as_bytes(), flags, Mode::empty(), ResolveFlags::BENEATH | cached) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::AGAIN) if reach == Reach::Memory => Err(Fault::NotInMemory),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS | Errno::PERM) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// [`Kind::BadName`] for a path through a name that the store keeps for itself.
fn allowed(path: &VPath) -> Result<()> {
    if path.relative().split(|b| *b == b'/').any(part::is_part) { Err(Kind::BadName.into()) } else { Ok(()) }
}
