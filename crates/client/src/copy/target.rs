//! Which file of ours does a download become?
//!
//! One name in one opened directory. Links that the user names are followed here, once, so that the part lies
//! beside the file that it will replace; after that nothing follows a link any more.
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, fstat, openat, readlinkat, statat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use wire::pathname::show;

use super::name::is_reserved;
use crate::error::words;

/// As many links as the kernel follows (path_resolution(7)).
const LINKS: usize = 40;

/// Something is wrong with a file of ours.
#[derive(Debug)]
pub struct LocalError {
    /// Which.
    pub path: PathBuf,
    /// What.
    pub why: Why,
}

/// What is wrong with a file of ours.
#[derive(Debug)]
pub enum Why {
    /// The system said no.
    Io(io::Error),
    /// Files that are not whole yet have such names.
    Reserved,
    /// It is neither a file nor a directory.
    Special,
    /// It is a link where none is followed.
    Link,
    /// It is a link of another user's, in a directory that is not his.
    ForeignLink,
    /// Another run is fetching it at this moment.
    InUse,
    /// This run has just put another file of the server there.
    Collides,
    /// The part was removed or exchanged by somebody.
    PartGone,
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", show(self.path.as_os_str().as_bytes()), self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(&words(error)),
            Self::Reserved => f.write_str("such names are reserved for partial files"),
            Self::Special => f.write_str("not a regular file"),
            Self::Link => f.write_str("it is a local link, and links in a tree are not followed"),
            Self::ForeignLink => f.write_str("it is a link that another user has put there"),
            Self::InUse => f.write_str("another pasv is downloading it"),
            Self::Collides => f.write_str("another file of this run has the same name here"),
            Self::PartGone => f.write_str("the partial file was removed or replaced during the download"),
        }
    }
}

impl std::error::Error for LocalError {}

/// Where a download goes.
#[derive(Debug)]
pub struct Target {
    pub(super) dir: OwnedFd,
    folder: PathBuf,
    pub(super) name: OsString,
}

/// What is there before a download.
#[derive(Clone, Copy, Debug)]
pub(super) struct Existing {
    pub(super) length: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) inode: (u64, u64),
}

impl Target {
    /// The file at `path`, links followed.
    ///
    /// # Errors
    /// When no file can be written there: see [`Why`].
    pub fn at(path: &Path) -> Result<Self, LocalError> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let target = Self::named(&path)?;
            let stat = match statat(&target.dir, &target.name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => stat,
                Err(errno) if errno != Errno::NOENT => return Err(target.here(errno)),
                _ => {
                    target.existing()?;
                    return Ok(target);
                }
            };
            // Where anybody may put links, one that somebody has put leads to what he may not change himself.
            let folder = fstat(&target.dir).map_err(|errno| target.here(errno))?;
            if ![geteuid().as_raw(), 0, folder.st_uid].contains(&stat.st_uid) {
                return Err(target.wrong(Why::ForeignLink));
            }
            let leads =
                readlinkat(&target.dir, &target.name, Vec::new()).map_err(|errno| target.here(errno))?;
            path = target.folder.join(OsStr::from_bytes(leads.as_bytes()));
        }
        Err(LocalError { path, why: Why::Io(Errno::LOOP.into()) })
    }

    /// The file `name` in a directory that is open, links not followed.
    ///
    /// # Errors
    /// When no file can be written there.
    pub(super) fn within(dir: BorrowedFd<'_>, folder: &Path, name: &OsStr) -> Result<Self, LocalError> {
        let wrong = |error: io::Error| LocalError { path: folder.join(name), why: Why::Io(error) };
        let dir = dir.try_clone_to_owned().map_err(wrong)?;
        let target = Self { dir, folder: folder.to_owned(), name: name.to_owned() };
        target.checked()
    }

    fn named(path: &Path) -> Result<Self, LocalError> {
        let wrong = |errno: Errno| LocalError { path: path.to_owned(), why: Why::Io(errno.into()) };
        let name = match path.file_name() {
            // A slash at the end would be passed over by Path.
            Some(name) if path.as_os_str().as_bytes().ends_with(name.as_bytes()) => name,
            _ => return Err(wrong(Errno::ISDIR)),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = open_folder(CWD, folder.as_os_str(), OFlags::empty()).map_err(wrong)?;
        let folder = if folder == Path::new(".") { PathBuf::new() } else { folder.to_owned() };
        Self { dir, folder, name: name.to_owned() }.checked()
    }

    fn checked(self) -> Result<Self, LocalError> {
        if is_reserved(&self.name) {
            return Err(self.wrong(Why::Reserved));
        }
        Ok(self)
    }

    /// What is there now; `None`: nothing.
    ///
    /// # Errors
    /// When it cannot be replaced.
    pub(super) fn existing(&self) -> Result<Option<Existing>, LocalError> {
        let stat = match statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.here(errno)),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(self.here(Errno::ISDIR)),
            FileType::Symlink => return Err(self.wrong(Why::Link)),
            _ => return Err(self.wrong(Why::Special)),
        }
        // A file that we may not write is not ours to replace, though the directory's rights would allow it.
        match accessat(&self.dir, &self.name, Access::WRITE_OK, AtFlags::EACCESS) {
            Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => Err(self.here(errno)),
            _ => Ok(Some(Existing::of(&stat))),
        }
    }

    /// Opens what is there for reading.
    pub(super) fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.dir, &self.name, flags, Mode::empty())?))
    }

    /// Its path, for people.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.beside(&self.name)
    }

    /// The path of something in the same directory.
    pub(super) fn beside(&self, name: &OsStr) -> PathBuf {
        self.folder.join(name)
    }

    /// Brings the directory to the disk.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        sync_folder(self.dir.as_fd())
    }

    pub(super) fn wrong(&self, why: Why) -> LocalError {
        LocalError { path: self.path(), why }
    }

    pub(super) fn here(&self, error: impl Into<io::Error>) -> LocalError {
        self.wrong(Why::Io(error.into()))
    }

    /// Device and number of the directory, and the name: two targets with the same are one.
    #[must_use]
    pub fn identity(&self) -> Option<(u64, u64, Vec<u8>)> {
        let stat = fstat(&self.dir).ok()?;
        Some((stat.st_dev, stat.st_ino, self.name.clone().into_vec()))
    }
}

impl Existing {
    fn of(stat: &Stat) -> Self {
        Self {
            length: u64::try_from(stat.st_size).unwrap_or(0),
            modified: stat.st_mtime,
            mode: stat.st_mode & 0o777,
            owner: stat.st_uid,
            group: stat.st_gid,
            inode: (stat.st_dev, stat.st_ino),
        }
    }
}

/// Opens a directory. One that may be searched and not read will do.
pub(super) fn open_folder(dir: impl AsFd, name: &OsStr, more: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    match openat(&dir, name, flags | OFlags::RDONLY, Mode::empty()) {
        Err(Errno::ACCESS) => openat(&dir, name, flags | OFlags::PATH, Mode::empty()),
        other => other,
    }
}

/// Brings the names in a directory to the disk.
pub(super) fn sync_folder(dir: BorrowedFd<'_>) -> io::Result<()> {
    match rustix::fs::fsync(dir) {
        // A directory that we may not read, or a file system that has no such thing.
        Ok(()) | Err(Errno::BADF | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Is it a file that only this user can have made and can write?
pub(super) fn is_ours(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == geteuid().as_raw()
        && stat.st_nlink == 1
        && stat.st_mode & 0o022 == 0
}
