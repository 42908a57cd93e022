//! Where are the bytes of a download until it is whole?
//!
//! ```text
//!   take --> named, kept from an earlier run   (label of ours, locked, with resume)
//!        --> named, new                        (none there, or an earlier run's that is discarded)
//!        --> spare, new              (the name is somebody else's, or in use) removed unless published
//!   publish: fsync, mode, rename, label off;   drop: kept if named and not empty, else removed
//! ```
//! A named part that appears has its label already, where the system can do that (O_TMPFILE, linkat): a run
//! that is killed leaves nothing that the next one would not know. What a run leaves is at most one part for
//! each target, and of one that is killed the spare part that it had.
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, Stat, Uid, fchmod, fchown, fstat, linkat, openat, renameat, statat,
    unlinkat,
};
use rustix::io::Errno;
use wire::Stamp;

use super::label::Label;
use super::name::{part_name, random_name};
use super::target::{Existing, LocalError, Target, Why, is_ours};

/// How often others may come between two steps of ours before we give up.
const TRIES: usize = 64;

/// A part: other users may not read what is not whole.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// What becomes of a part of an earlier run?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It is resumed.
    Resume,
    /// It is discarded.
    Discard,
}

/// A file on its way. Dropped, it is kept if there is something to resume, and else removed.
#[derive(Debug)]
pub(super) struct Part<'t> {
    target: &'t Target,
    name: OsString,
    file: Arc<File>,
    fate: Fate,
    /// The label of an earlier run.
    pub(super) found: Option<Label>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The next run finds it.
    Kept,
    /// No run would look for it.
    Removed,
    Published,
}

/// What is at the name of a part.
enum There {
    Nothing,
    /// Ours, and locked by us.
    Ours(File, Label),
    /// Ours, and somebody is at it.
    InUse,
    /// Something that is no part.
    Other,
}

impl<'t> Part<'t> {
    /// Takes the part of a target, and locks it.
    ///
    /// # Errors
    /// [`Why::InUse`], where a part is to be resumed that another run is still writing.
    pub(super) fn take(target: &'t Target, earlier: Earlier, label: &Label) -> Result<Self, LocalError> {
        let name = part_name(&target.name);
        let here = |error: io::Error| target.here(error);
        let mut told_end = None;
        for _ in 0..TRIES {
            match look(target, &name).map_err(here)? {
                There::Nothing => {
                    let label = label.clone().ending(told_end);
                    if let Some(file) = make(target, &name, Some(&label)).map_err(here)? {
                        let found = told_end.map(|_| label);
                        return Ok(Self { target, name, file: Arc::new(file), fate: Fate::Kept, found });
                    }
                }
                There::Ours(file, found) if earlier == Earlier::Resume => {
                    return Ok(Self {
                        target,
                        name,
                        file: Arc::new(file),
                        fate: Fate::Kept,
                        found: Some(found),
                    });
                }
                There::Ours(file, found) => {
                    told_end = found.told_end(label);
                    discard(target, &name, &file).map_err(here)?;
                }
                There::InUse if earlier == Earlier::Resume => return Err(target.wrong(Why::InUse)),
                There::InUse | There::Other => break,
            }
        }
        Self::spare(target)
    }

    /// A part that no other run knows, and that is gone when it is not published.
    pub(super) fn spare(target: &'t Target) -> Result<Self, LocalError> {
        let here = |error: io::Error| target.here(error);
        for _ in 0..TRIES {
            let name = random_name().map_err(here)?;
            if let Some(file) = make(target, &name, None).map_err(here)? {
                return Ok(Self { target, name, file: Arc::new(file), fate: Fate::Removed, found: None });
            }
        }
        Err(here(io::ErrorKind::AlreadyExists.into()))
    }

    /// Discards what is there, for a new file. The old one is not cut: what is still written to
    /// it is lost.
    pub(super) fn start_over(&mut self, label: &Label) -> Result<(), LocalError> {
        let here = |error: io::Error| self.target.here(error);
        discard(self.target, &self.name, &self.file).map_err(here)?;
        self.found = None;
        let label = Some(label).filter(|_| self.is_kept());
        match make(self.target, &self.name, label).map_err(here)? {
            Some(file) => self.file = Arc::new(file),
            None => {
                // Another run came in between.
                let mut spare = Self::spare(self.target)?;
                self.name.clone_from(&spare.name);
                self.file = Arc::clone(&spare.file);
                self.fate = Fate::Removed;
                spare.fate = Fate::Published;
            }
        }
        Ok(())
    }

    /// The file to write to.
    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> Result<u64, LocalError> {
        Ok(self.file.metadata().map_err(|error| self.target.here(error))?.len())
    }

    /// Cuts it.
    pub(super) fn cut(&self, length: u64) -> Result<(), LocalError> {
        self.file.set_len(length).map_err(|error| self.target.here(error))
    }

    /// Says of what it is a part from now on. Without a label no run would know it again.
    pub(super) fn relabel(&mut self, label: &Label) {
        if self.is_kept() && label.write(&self.file, self.target.dir.as_fd(), &self.name).is_err() {
            self.fate = Fate::Removed;
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.target.beside(&self.name)
    }

    /// Would a next run find it?
    pub(super) fn is_kept(&self) -> bool {
        self.fate == Fate::Kept
    }

    /// It is whole: it is brought to the disk and gets the target's name, with the mode of the file that it
    /// replaces. Says which file that is now, and what went wrong beside that.
    ///
    /// # Errors
    /// Then the target is as it was.
    pub(super) async fn publish(
        mut self,
        modified: Option<Stamp>,
    ) -> Result<((u64, u64), Option<io::Error>), LocalError> {
        let here = |error: io::Error| self.target.here(error);
        let mut odd = None;
        if let Some(time) = modified.and_then(system_time)
            && let Err(error) = self.file.set_modified(time)
        {
            odd = Some(error);
        }
        let file = Arc::clone(&self.file);
        let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
        synced.map_err(io::Error::other).flatten().map_err(here)?;
        let existing = self.target.existing()?;
        let inode = inode(&fstat(&self.file).map_err(|errno| here(errno.into()))?);
        if !leads_to(self.target, &self.name, inode).map_err(here)? {
            return Err(self.target.wrong(Why::PartGone));
        }
        let renamed = self
            .rights(existing)
            .and_then(|()| renameat(&self.target.dir, &self.name, &self.target.dir, &self.target.name));
        if let Err(errno) = renamed {
            // It is a part still.
            let _ = fchmod(&self.file, PRIVATE);
            return Err(self.target.here(errno));
        }
        self.fate = Fate::Published;
        Label::remove(&self.file, self.target.dir.as_fd(), &self.name);
        Ok((inode, odd))
    }

    /// Gives it the rights of the file that it replaces, or those of a new file.
    fn rights(&self, existing: Option<Existing>) -> rustix::io::Result<()> {
        let mode = match existing {
            None => 0o666 & !umask(),
            Some(there) => {
                let ours = fstat(&self.file)?;
                if (ours.st_uid, ours.st_gid) != (there.owner, there.group) {
                    // Only root may give away a file; a group of ours can be given by anybody.
                    let _ = fchown(&self.file, None, Some(Gid::from_raw(there.group)));
                    let _ = fchown(&self.file, Some(Uid::from_raw(there.owner)), None);
                }
                let same_group = fstat(&self.file)?.st_gid == there.group;
                // What one group may do is not what another may.
                if same_group { there.mode } else { there.mode & !0o070 }
            }
        };
        fchmod(&self.file, Mode::from_raw_mode(mode))
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let empty = || self.file.metadata().is_ok_and(|m| m.len() == 0);
        if self.fate == Fate::Removed || self.fate == Fate::Kept && empty() {
            // That it cannot be removed is of no harm.
            let _ = discard(self.target, &self.name, &self.file);
        }
    }
}

/// Removes the part that an earlier run has left of a target that is whole now.
pub(super) fn remove_kept(target: &Target) {
    let name = part_name(&target.name);
    if let Ok(There::Ours(file, _)) = look(target, &name) {
        // What stays is found by the next run.
        let _ = discard(target, &name, &file);
    }
}

fn inode(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn leads_to(target: &Target, name: &OsStr, inode_wanted: (u64, u64)) -> io::Result<bool> {
    match statat(&target.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(inode(&stat) == inode_wanted),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn look(target: &Target, name: &OsStr) -> io::Result<There> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        let file = match openat(&target.dir, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(There::Nothing),
            // A link, a directory, a pipe, or another user's.
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::ACCESS | Errno::PERM | Errno::TXTBSY) => {
                return Ok(There::Other);
            }
            Err(errno) => return Err(errno.into()),
        };
        if !is_ours(&fstat(&file)?) {
            return Ok(There::Other);
        }
        if !lock(&file)? {
            return Ok(There::InUse);
        }
        let stat = fstat(&file)?;
        if !leads_to(target, name, inode(&stat))? {
            // Published, removed or exchanged between our opening it and our locking it.
            continue;
        }
        return Ok(match Label::read(&file, target.dir.as_fd(), name) {
            Some(label) if is_ours(&stat) => There::Ours(file, label),
            _ => There::Other,
        });
    }
    Ok(There::InUse)
}

/// Makes a part, locked and with its label, if it has one. `None`: the name, or that of the label, is taken.
fn make(target: &Target, name: &OsStr, label: Option<&Label>) -> io::Result<Option<File>> {
    let (dir, flags) = (&target.dir, OFlags::RDWR | OFlags::CLOEXEC);
    if let Ok(fd) = openat(dir, ".", flags | OFlags::TMPFILE, PRIVATE) {
        let file = File::from(fd);
        if lock(&file)? && label.is_none_or(|label| label.write_attribute(&file)) {
            match linkat(CWD, of_descriptor(&file), dir, name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => return Ok(Some(file)),
                Err(Errno::EXIST) => return Ok(None),
                // There is no /proc, or the file system cannot do it.
                Err(_) => {}
            }
        }
    }
    let fd: OwnedFd =
        match openat(dir, name, flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW, PRIVATE) {
            Ok(fd) => fd,
            Err(Errno::EXIST) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
    let file = File::from(fd);
    let labelled = |label: &Label| label.write(&file, dir.as_fd(), name).is_ok();
    if lock(&file)? && label.is_none_or(labelled) {
        return Ok(Some(file));
    }
    // No run would know it again.
    let _ = discard(target, name, &file);
    Ok(None)
}

fn of_descriptor(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Removes a part of ours, if the name still leads to it.
fn discard(target: &Target, name: &OsStr, file: &File) -> io::Result<()> {
    if leads_to(target, name, inode(&fstat(file)?))? {
        Label::remove(file, target.dir.as_fd(), name);
        unlinkat(&target.dir, name, AtFlags::empty())?;
    }
    Ok(())
}

/// Locks it; false where another run has it. File systems without locks are taken as they are.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => match Errno::from_io_error(&error) {
            Some(Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOLCK) => Ok(true),
            _ => Err(error),
        },
    }
}

/// What this process takes from new files. Asking the system itself means setting it, for all threads.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|value| u32::from_str_radix(value.trim(), 8).ok()).unwrap_or(0o022)
}

/// A stamp as the system has it; none for times that the system cannot hold.
pub(super) fn system_time(stamp: Stamp) -> Option<SystemTime> {
    let nanos = Duration::from_nanos(u64::from(stamp.nanos));
    let whole = match u64::try_from(stamp.seconds) {
        Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after))?,
        Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(stamp.seconds.unsigned_abs()))?,
    };
    whole.checked_add(nanos)
}
