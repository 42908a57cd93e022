//! What file does a path lead to?
//!
//! The kernel answers, not string work: `openat2` with `RESOLVE_IN_ROOT` from a descriptor of the root. An
//! absolute link then starts at the tree's root and `..` stops there, so that nothing leads out, also not a
//! link swapped in meanwhile.
use std::ffi::CString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat};
use rustix::io::Errno;

use super::open::{AS_IT_IS, open_name};
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

/// Links followed on one path: as many as the kernel follows.
const MOST: usize = 40;

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
    pub(super) fn directory(&self) -> Result<File> {
        Ok(open_name(&self.fd, b".", OFlags::RDONLY | OFlags::DIRECTORY)?)
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
        match self.on_disk(relative, flags, BOUND) {
            Err(Errno::LOOP) => Err(self.why_refused(path).into()),
            done => Ok(done?),
        }
    }

    /// `openat2`, tried again while renames race with it.
    fn on_disk(&self, path: &[u8], flags: OFlags, resolve: ResolveFlags) -> rustix::io::Result<OwnedFd> {
        for _ in 0..TRIES {
            match openat2(&self.fd, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                done => return done,
            }
        }
        Err(Errno::AGAIN)
    }

    /// The kernel has one number for links that lead in a circle and for the magic ones of `/proc`, which
    /// lead out.
    fn why_refused(&self, path: &VPath) -> Error {
        let kind = match physical(self, path) {
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
        match self.on_disk(relative, flags, BOUND | ResolveFlags::NO_SYMLINKS) {
            Err(Errno::LOOP) => Err(Error { kind: Kind::Outside, source: Some(Errno::LOOP.into()) }),
            done => Ok(done?),
        }
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

/// A path without links.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Physical {
    /// The path; its last name may be missing, all before it are directories.
    pub(super) path: VPath,
    /// A link on the way was absolute, or had more `..` than there are directories above it. The tree's root
    /// stands for the system's then, as it does when the kernel follows it; but where nothing is found there,
    /// what was meant is outside of the tree.
    pub(super) leaves: bool,
}

/// Follows all links of a path, the last one too: an upload through a link puts its part beside the file.
///
/// [`Kind::NotFound`] where a directory of the path is missing, [`Kind::Loop`] for a circle.
pub(super) fn physical(root: &Root, path: &VPath) -> Result<Physical> {
    let mut todo: Vec<Vec<u8>> = components(path.relative()).rev().collect();
    let (mut here, mut leaves, mut followed) = (VPath::root(), false, 0);
    while let Some(name) = todo.pop() {
        if name == b".." {
            match here.split() {
                Some((above, _)) => here = above,
                None => leaves = true,
            }
            continue;
        }
        let there = here.join(&name)?;
        match link(root, &there) {
            Ok(Some(target)) => {
                followed += 1;
                if followed > MOST {
                    return Err(Errno::LOOP.into());
                }
                if target.first() == Some(&b'/') {
                    leaves = true;
                    here = VPath::root();
                }
                todo.extend(components(&target).rev());
            }
            Ok(None) => here = there,
            Err(error) if error.kind == Kind::NotFound && todo.is_empty() => here = there,
            Err(error) => return Err(error),
        }
    }
    Ok(Physical { path: here, leaves })
}

/// The path that a link holds; none where the name is no link.
fn link(root: &Root, path: &VPath) -> Result<Option<Vec<u8>>> {
    let fd = root.open_unfollowed(path)?;
    match readlinkat(&fd, c"", Vec::new()) {
        Ok(target) => Ok(Some(CString::into_bytes(target))),
        // What is no link has no path to be read: ENOENT for an empty name, EINVAL for a name.
        Err(Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

pub(super) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|b| *b == b'/').filter(|name| !matches!(*name, b"" | b".")).map(<[u8]>::to_vec)
}

/// Opens a part to see what a broken upload has left; nothing where there is none that we may read.
pub(super) fn kept_part(dir: &OwnedFd, part: &PartName, reach: Reach) -> Found<Option<File>> {
    let cached = if reach == Reach::Memory { ResolveFlags::CACHED } else { ResolveFlags::empty() };
    let resolve = ResolveFlags::BENEATH | cached;
    match openat2(dir, part.as_bytes(), OFlags::RDONLY | AS_IT_IS, Mode::empty(), resolve) {
        Ok(fd) => Ok(Some(File::from(fd))),
        Err(Errno::AGAIN) if reach == Reach::Memory => Err(Fault::NotInMemory),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS | Errno::PERM) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// [`Kind::BadName`] for a path through a name that the store keeps for itself.
fn allowed(path: &VPath) -> Result<()> {
    if path.relative().split(|b| *b == b'/').any(part::is_part) { Err(Kind::BadName.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vpath::at;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_from_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let real = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(real("a/b")).unwrap();
        std::fs::write(real("a/x"), "x").unwrap();
        symlink("/a/b", real("into")).unwrap();
        symlink("../x", real("a/b/up")).unwrap();
        symlink("into/up", real("twice")).unwrap();
        symlink("a/none", real("dangling")).unwrap();
        symlink("../../x", real("a/out")).unwrap();
        symlink("round", real("round")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let follow = |path: &str| physical(&root, &at(path)).map(|found| (found.path, found.leaves));
        assert_eq!(follow("/a/x").unwrap(), (at("/a/x"), false));
        // By way of the directory that the link leads to, not of the one that holds the link.
        assert_eq!(follow("/into/up").unwrap(), (at("/a/x"), true));
        assert_eq!(follow("/a/b/up").unwrap(), (at("/a/x"), false));
        assert_eq!(follow("/twice").unwrap(), (at("/a/x"), true));
        assert_eq!(follow("/dangling").unwrap(), (at("/a/none"), false));
        assert_eq!(follow("/a/out").unwrap(), (at("/x"), true));
        assert_eq!(follow("/none/x").unwrap_err().kind, Kind::NotFound);
        assert_eq!(follow("/round").unwrap_err().kind, Kind::Loop);
    }
}
