//! How is a folder of this machine a tree?
//!
//! ```text
//!   path --resolve (the kernel, beneath the root)--> descriptor --> facts / listing / source
//!                                                \-> parent directory + one name --> rename, remove, make_dir
//!                                                                               \--> part --> upload --> the file
//! ```
//!
//! What memory already holds is answered at once; what may wait for the disk goes to the blocking pool. Every
//! operation must be polled inside a tokio runtime.
mod append;
mod beginning;
mod create;
mod errno;
mod facts;
mod fault;
mod in_place;
mod inner;
mod links;
mod listing;
#[cfg(test)]
mod model;
mod names;
mod open;
mod part;
mod resolve;
mod rights;
mod settling;
mod source;
mod sweep;
mod target;
mod unique;
mod upload;

use std::fs::File;
use std::future::ready;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use rustix::fs::{
    AtFlags, Mode, OFlags, RawDir, RenameFlags, Timespec, Timestamps, UTIME_OMIT, fchmod, fstatvfs, fsync,
    mkdirat, renameat, renameat_with, unlinkat, utimensat,
};
use rustix::io::Errno;

use self::facts::Facts;
use self::inner::{Inner, hop};
pub use self::inner::{LocalOptions, Sync};
use self::part::{Discarded, PartName};
use self::resolve::{Fault, Found, Reach, Root};
use self::rights::Within;
pub use self::sweep::Swept;
use crate::{
    Access, Create, Entries, Error, FileType, Kind, Op, Result, Sink, Source, Stat, Time, Tree, VPath,
};

/// A folder. Cheap to clone; all clones are the same tree.
#[derive(Clone, Debug)]
pub struct Local {
    inner: Arc<Inner>,
}

impl Local {
    /// Takes hold of a folder; it stays the root wherever it is moved meanwhile.
    ///
    /// [`Kind::NotFound`], [`Kind::NotADirectory`], [`Kind::Denied`], and [`Kind::Unsupported`] on a kernel
    /// that cannot keep a path beneath a directory (before Linux 5.6).
    pub fn open(root: &Path, options: LocalOptions) -> Result<Self> {
        Ok(Self { inner: Arc::new(Inner::new(Root::open(root)?, options)) })
    }

    /// Removes the parts of broken uploads that were last written [`LocalOptions::keep_parts`] or longer
    /// before `now` and that nobody writes. To be called at the start and every hour. Never follows a link;
    /// goes down 128 levels.
    pub fn sweep(&self, now: SystemTime) -> Op<'_, Swept> {
        if self.inner.options.read_only {
            return Box::pin(ready(Ok(Swept::default())));
        }
        let inner = Arc::clone(&self.inner);
        let abandoned = Arc::new(AtomicBool::new(false));
        let waiting = Abandon(Arc::clone(&abandoned));
        Box::pin(async move {
            let swept = hop(move || sweep::Walk { inner: &inner, now, abandoned: &abandoned }.run()).await;
            drop(waiting);
            swept
        })
    }

    /// Answers from memory at once, or else from the disk on another thread.
    fn look<'a, T: Send + 'static>(
        &'a self,
        path: &'a VPath,
        ask: fn(&Inner, &VPath, Reach) -> Found<T>,
    ) -> Op<'a, T> {
        if self.inner.root.has_memory() {
            match ask(&self.inner, path, Reach::Memory) {
                Err(Fault::NotInMemory) => {}
                Err(Fault::Failed(error)) => return Box::pin(ready(Err(error))),
                Ok(found) => return Box::pin(ready(Ok(found))),
            }
        }
        let (inner, path) = (Arc::clone(&self.inner), path.clone());
        Box::pin(hop(move || Ok(ask(&inner, &path, Reach::Disk)?)))
    }

    /// Changes something, on another thread; refused at once where nothing may be changed.
    fn change(
        &self,
        path: &VPath,
        change: impl FnOnce(&Inner, &VPath) -> Result<()> + Send + 'static,
    ) -> Op<'_, ()> {
        if self.inner.options.read_only {
            return Box::pin(ready(Err(Kind::ReadOnly.into())));
        }
        let (inner, path) = (Arc::clone(&self.inner), path.clone());
        Box::pin(hop(move || change(&inner, &path)))
    }
}

impl Tree for Local {
    fn stat<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        self.look(path, Inner::stat)
    }

    fn entry<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        let (inner, path) = (Arc::clone(&self.inner), path.clone());
        Box::pin(hop(move || inner.entry(&path)))
    }

    fn enter<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        self.look(path, Inner::enter)
    }

    fn kept<'a>(&'a self, path: &'a VPath) -> Op<'a, Option<u64>> {
        if self.inner.options.read_only {
            return Box::pin(ready(Ok(None)));
        }
        self.look(path, Inner::kept)
    }

    fn list<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Entries>> {
        self.look(path, Inner::list)
    }

    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>> {
        self.look(path, Inner::open)
    }

    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>> {
        if self.inner.options.read_only {
            return Box::pin(ready(Err(Kind::ReadOnly.into())));
        }
        Box::pin(create::begin(Arc::clone(&self.inner), path.clone(), how))
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()> {
        let to = to.clone();
        self.change(from, move |inner, from| inner.rename(from, &to))
    }

    fn remove<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        self.change(path, Inner::remove)
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        self.change(path, Inner::remove_dir)
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: Option<u32>) -> Op<'a, ()> {
        self.change(path, move |inner, path| inner.make_dir(path, mode))
    }

    fn set_modified<'a>(&'a self, path: &'a VPath, modified: Time) -> Op<'a, ()> {
        self.change(path, move |inner, path| inner.set_modified(path, modified))
    }

    fn set_mode<'a>(&'a self, path: &'a VPath, mode: u32) -> Op<'a, ()> {
        self.change(path, move |inner, path| inner.set_mode(path, mode))
    }

    fn space<'a>(&'a self, path: &'a VPath) -> Op<'a, u64> {
        let (inner, path) = (Arc::clone(&self.inner), path.clone());
        Box::pin(hop(move || {
            let space = fstatvfs(inner.root.open_at(&path, OFlags::PATH, Reach::Disk)?)?;
            Ok(space.f_bavail.saturating_mul(space.f_frsize))
        }))
    }
}

impl Inner {
    fn stat(&self, path: &VPath, reach: Reach) -> Found<Stat> {
        Ok(facts::of(self.root.open_at(path, OFlags::PATH, reach)?)?.stat(Access::ALL, None))
    }

    fn entry(&self, path: &VPath) -> Result<Stat> {
        let Some((dir, name)) = self.root.parent(path, Reach::Disk)? else {
            let root = self.root.open_at(path, OFlags::PATH, Reach::Disk)?;
            let facts = facts::of(&root)?;
            let access = rights::of(&root, b".", &facts, None);
            return Ok(facts.stat(access, None));
        };
        let facts = facts::of_name(&dir, name)?;
        let is_link = facts.kind == FileType::Link;
        let target = if is_link { links::visible_target(&self.root, path, &dir, name) } else { None };
        let within = Within::new(&dir, &facts::of(&dir)?);
        let access = rights::of(&dir, name, &facts, Some((&self.process, &within)));
        Ok(facts.stat(access, target))
    }

    fn enter(&self, path: &VPath, reach: Reach) -> Found<()> {
        let dir = self.root.open_at(path, OFlags::PATH | OFlags::DIRECTORY, reach)?;
        if rights::may(dir, b".", rustix::fs::Access::EXEC_OK) { Ok(()) } else { Err(Kind::Denied.into()) }
    }

    fn kept(&self, path: &VPath, reach: Reach) -> Found<Option<u64>> {
        if self.root.open_at(path, OFlags::PATH | OFlags::NOFOLLOW, reach).is_ok() {
            return Ok(None);
        }
        let Some((dir, name)) = self.root.parent(path, reach)? else { return Ok(None) };
        let Some(part) = resolve::kept_part(&dir, &PartName::named(name), reach)? else { return Ok(None) };
        let kept = match reach {
            Reach::Memory if part::is_kept(&part) => true,
            Reach::Memory if !self.settling.is_empty() => return Err(Fault::NotInMemory),
            Reach::Memory => false,
            Reach::Disk => self.settling.becomes(|| part::is_kept(&part)),
        };
        let stat = facts::of(&part)?;
        let ours = stat.kind == FileType::File && stat.posix.links == 1 && self.process.owns(stat.posix.uid);
        Ok((kept && ours && stat.size > 0).then_some(stat.size))
    }

    fn list(&self, path: &VPath, reach: Reach) -> Found<Box<dyn Entries>> {
        let dir = self.root.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK, reach)?;
        // Its names could be read, and nothing be known of them.
        if !rights::may(&dir, b".", rustix::fs::Access::EXEC_OK) {
            return Err(Kind::Denied.into());
        }
        Ok(Box::new(listing::Listing::new(Arc::clone(&self.root), path.clone(), dir)?))
    }

    fn open(&self, path: &VPath, reach: Reach) -> Found<Box<dyn Source>> {
        // Not waiting for a pipe's other end. On a regular file the flag means nothing, so it may stay.
        let fd = self.root.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, reach)?;
        let stat = facts::of(&fd)?;
        match stat.kind {
            FileType::File => {
                Ok(Box::new(source::Reading::new(File::from(fd), stat.stat(Access::ALL, None))))
            }
            FileType::Directory => Err(Kind::IsADirectory.into()),
            FileType::Link | FileType::Other => Err(Kind::NotRegular.into()),
        }
    }

    /// The parent directory and the last name; for the root, which has neither, the given refusal.
    fn place<'p>(&self, path: &'p VPath, root: Kind) -> Result<(OwnedFd, &'p [u8])> {
        self.root.parent(path, Reach::Disk)?.ok_or_else(|| root.into())
    }

    fn rename(&self, from: &VPath, to: &VPath) -> Result<()> {
        let (old_dir, old) = self.place(from, Kind::Denied)?;
        let (new_dir, new) = self.place(to, Kind::Exists)?;
        let stat = facts::of_name(&old_dir, old)?;
        if from == to {
            return Ok(());
        }
        self.faults.before()?;
        // The kernel lets a directory replace an empty one, but never lets a file replace a directory.
        let done = if stat.kind == FileType::Directory {
            match renameat_with(&old_dir, old, &new_dir, new, RenameFlags::NOREPLACE) {
                Err(Errno::INVAL) if !to.is_in(from) && facts::of_name(&new_dir, new).is_err() => {
                    // A file system without that flag.
                    renameat(&old_dir, old, &new_dir, new)
                }
                done => done,
            }
        } else {
            renameat(&old_dir, old, &new_dir, new)
        };
        match done {
            // Not a link that leads out: two file systems, and a store does not copy.
            Err(Errno::XDEV) => Err(Error { kind: Kind::Unsupported, source: Some(Errno::XDEV.into()) }),
            done => Ok(done?),
        }?;
        // Two names of one file: the kernel leaves both.
        if stat.kind != FileType::Directory
            && stat.posix.links > 1
            && facts::of_name(&old_dir, old)
                .is_ok_and(|left| left.unique == stat.unique && left.posix.links > 1)
            && facts::of_name(&new_dir, new).is_ok_and(|there| there.unique == stat.unique)
        {
            unlinkat(&old_dir, old, AtFlags::empty())?;
        }
        self.sync(&new_dir)?;
        self.sync(&old_dir)
    }

    fn remove(&self, path: &VPath) -> Result<()> {
        let (dir, name) = self.place(path, Kind::IsADirectory)?;
        let part = PartName::named(name);
        self.faults.before()?;
        match unlinkat(&dir, name, AtFlags::empty()) {
            Ok(()) => part::discard(dir.as_fd(), &part).map(|_| ()),
            Err(Errno::NOENT) => match part::discard(dir.as_fd(), &part)? {
                Discarded::Removed => Ok(()),
                Discarded::InUse => Err(Kind::Busy.into()),
                Discarded::Absent => Err(Errno::NOENT.into()),
            },
            Err(errno) => Err(errno.into()),
        }
    }

    fn remove_dir(&self, path: &VPath) -> Result<()> {
        let (dir, name) = self.place(path, Kind::Denied)?;
        self.faults.before()?;
        match unlinkat(&dir, name, AtFlags::REMOVEDIR) {
            // Some file systems say "exists" for "not empty".
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                clear_of_parts(&open::open_name(&dir, name, OFlags::RDONLY | OFlags::DIRECTORY)?)?;
                Ok(unlinkat(&dir, name, AtFlags::REMOVEDIR)?)
            }
            done => Ok(done?),
        }
    }

    fn make_dir(&self, path: &VPath, mode: Option<u32>) -> Result<()> {
        let (dir, name) = self.place(path, Kind::Exists)?;
        let mode = mode.map_or(0o777 & !self.options.umask, |mode| mode & 0o777);
        self.faults.before()?;
        mkdirat(&dir, name, Mode::from_raw_mode(mode))?;
        let stat = facts::of_name(&dir, name)?;
        if stat.posix.mode & 0o777 != mode {
            // The process's own mask took bits away. What it inherited (setgid) stays.
            let made = open::open_name(&dir, name, OFlags::RDONLY | OFlags::DIRECTORY)?;
            fchmod(made, Mode::from_raw_mode(stat.posix.mode & 0o7000 | mode))?;
        }
        self.sync(&dir)
    }

    fn set_modified(&self, path: &VPath, modified: Time) -> Result<()> {
        let fd = self.settable(path)?.0;
        let omitted = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let time = Timespec { tv_sec: modified.seconds, tv_nsec: modified.nanos.min(999_999_999).into() };
        let times = Timestamps { last_access: omitted, last_modification: time };
        Ok(utimensat(fd, c"", &times, AtFlags::EMPTY_PATH)?)
    }

    fn set_mode(&self, path: &VPath, mode: u32) -> Result<()> {
        let (fd, stat) = self.settable(path)?;
        // By way of a link too: nobody could reach it any more to set it back.
        if stat.unique == facts::of(self.root.open_at(&VPath::root(), OFlags::PATH, Reach::Disk)?)?.unique {
            return Err(Kind::Denied.into());
        }
        // A directory keeps what makes it shared (setgid, sticky); a file loses setuid and setgid, as with
        // chmod.
        let kept = if stat.kind == FileType::Directory { stat.posix.mode & 0o7000 } else { 0 };
        let mode = Mode::from_raw_mode(mode & 0o777 | kept);
        // A descriptor that only names a file cannot change it, and one that could needs the right to read.
        // The kernel's own link to it needs neither, where /proc is mounted.
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        match rustix::fs::chmod(link.as_str(), mode) {
            Err(Errno::NOENT | Errno::ACCESS) => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                Ok(fchmod(self.root.open_at(path, flags, Reach::Disk)?, mode)?)
            }
            done => Ok(done?),
        }
    }

    /// A file or directory, named but not opened.
    fn settable(&self, path: &VPath) -> Result<(OwnedFd, Facts)> {
        let fd = self.root.open_at(path, OFlags::PATH, Reach::Disk)?;
        let stat = facts::of(&fd)?;
        match stat.kind {
            FileType::File | FileType::Directory => Ok((fd, stat)),
            FileType::Link | FileType::Other => Err(Kind::NotRegular.into()),
        }
    }

    /// Makes what changed in a directory durable, if that is wanted. One that may not be read cannot be
    /// synced.
    fn sync(&self, dir: &OwnedFd) -> Result<()> {
        if self.options.sync == Sync::Never {
            return Ok(());
        }
        self.faults.before()?;
        match open::open_name(dir, b".", OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(dir) => Ok(fsync(dir)?),
            Err(Errno::ACCESS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Removes the kept parts of a directory that holds nothing else; touches nothing where it does.
fn clear_of_parts(dir: &File) -> Result<()> {
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && !part::is_part(name) {
            return Err(Kind::NotEmpty.into());
        }
    }
    rustix::fs::seek(dir, rustix::fs::SeekFrom::Start(0))?;
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        if let Some(part) = PartName::found(entry?.file_name().to_bytes())
            && part::discard(dir.as_fd(), &part)? == Discarded::InUse
        {
            return Err(Kind::Busy.into());
        }
    }
    Ok(())
}

/// Says, when dropped, that nobody waits any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As on a kernel that cannot say what memory holds: every look-up takes the other way.
    #[tokio::test]
    async fn without_resolve_cached_all_is_found_too() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "12345").unwrap();
        let mut root = Root::open(folder.path()).unwrap();
        root.forget();
        let options = LocalOptions { read_only: false, sync: Sync::Never, ..LocalOptions::default() };
        let tree = Local { inner: Arc::new(Inner::new(root, options)) };
        let path = VPath::root().join(b"a").unwrap();
        assert_eq!(tree.stat(&path).await.unwrap().size, 5);
        let mut buffer = vec![0; 5];
        tree.open(&path).await.unwrap().read(0, &mut buffer).await.unwrap();
        assert_eq!(buffer, b"12345");
        let mut batch = Vec::new();
        tree.list(&VPath::root()).await.unwrap().next(&mut batch).await.unwrap();
        assert_eq!(batch.len(), 1);
        let other = VPath::root().join(b"b").unwrap();
        let mut sink = tree.create(&other, Create::Replace).await.unwrap();
        sink.write(b"1").await.unwrap();
        assert_eq!(tree.kept(&other).await.unwrap(), None);
        drop(sink);
        assert_eq!(tree.kept(&other).await.unwrap(), Some(1));
    }

    #[test]
    fn a_root_must_be_a_directory_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "").unwrap();
        assert_eq!(Local::open(&file, LocalOptions::default()).unwrap_err().kind, Kind::NotADirectory);
        let none = folder.path().join("none");
        assert_eq!(Local::open(&none, LocalOptions::default()).unwrap_err().kind, Kind::NotFound);
    }
}
