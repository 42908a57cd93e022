//! How does an upload become a file?
//!
//! ```text
//!   begin: find the file and where writing starts, lock a part  ->  bytes go to the part  ->  commit
//!                                                                        |
//!                        dropped: kept, if it is the start of a whole file; else removed
//! ```
//!
//! A part holds one of three things, and is committed accordingly:
//! - the whole file: mode, sync, rename over the name, sync;
//! - what is to be added to the end of a file, which `append` does;
//! - what comes behind the first n bytes of a file that is there: a new file is put together of both, and
//!   renamed.
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, fchmod, fchown, linkat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use tokio::time::{Instant, sleep};

use super::append::{self, Added, Append};
use super::beginning::{Beginning, Content, PartKind, Publish, make_spare};
use super::facts;
use super::facts::Facts;
use super::inner::{Inner, Sync, hop};
use super::open::open_name;
use super::part::{self, PartName};
use super::target::Target;
use crate::{Kind, Op, Result, Sink, VPath};

/// Times an append is tried again when its file is replaced at that very moment.
const TRIES: usize = 100;

/// How long an upload waits for others that add to the same file: many of them, each synced by a slow disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks whether the file is free.
const PAUSE: Duration = Duration::from_millis(1);

/// The mode of a part until it is published.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// An upload under way.
pub(super) struct Upload {
    inner: Arc<Inner>,
    /// As the client named it.
    path: VPath,
    target: Target,
    part: Option<PartName>,
    kind: PartKind,
    file: Arc<File>,
    content: Content,
    /// It was made for this upload: where nothing comes, nothing is kept.
    made: bool,
    /// Something was written, or is about to be: what it replaces has been cut off.
    begun: bool,
    /// Where the next byte goes in the part.
    position: u64,
    /// The permission bits it is published with.
    mode: u32,
    /// It may have the mode already that it is published with.
    opened_up: bool,
    /// It has that mode, and all is durable.
    settled: bool,
    /// There was no room: it is not kept, since others need the space.
    full: bool,
}

impl Upload {
    /// An upload to what a path leads to, in a part that is ours.
    pub(super) fn new(inner: &Arc<Inner>, path: VPath, target: Target, beginning: Beginning) -> Self {
        let Beginning { file, part, kind, content, made, position } = beginning;
        let usual = 0o666 & !inner.options.umask;
        Self {
            inner: Arc::clone(inner),
            path,
            mode: target.standing.as_ref().map_or(usual, |stat| stat.posix.mode & 0o777),
            target,
            part,
            kind,
            file,
            content,
            made,
            begun: false,
            position,
            opened_up: false,
            settled: false,
            full: false,
        }
    }

    /// The length that the part is to be cut to before something is written, if it is. Asked for once.
    fn cut(&mut self) -> Option<u64> {
        let cut = (!self.begun && !self.made).then_some(self.position);
        self.begun = true;
        cut
    }

    fn is_durable(&self) -> bool {
        self.inner.options.sync == Sync::Always
    }

    /// What [`Upload::make_durable`] does, for any thread.
    fn finishing(&mut self) -> impl FnOnce() -> Result<()> + Send + 'static {
        self.opened_up = true;
        let (inner, file, mode) = (Arc::clone(&self.inner), Arc::clone(&self.file), self.mode);
        let owner = self.target.standing.as_ref().map(|stat| (stat.posix.uid, stat.posix.gid));
        move || {
            inner.faults.before()?;
            if let Some(owner) = owner {
                keep_owner(&file, owner);
            }
            fchmod(&*file, Mode::from_raw_mode(mode))?;
            if inner.options.sync == Sync::Always {
                // Not fdatasync: the permission bits set above belong to what was promised.
                inner.faults.before()?;
                file.sync_all()?;
            }
            Ok(())
        }
    }

    /// Gives a whole file what it is published with, and makes it durable.
    fn make_durable(&mut self) -> Result<()> {
        if !self.settled {
            self.finishing()()?;
            self.settled = true;
        }
        Ok(())
    }

    /// Makes it the file of its name; false where somebody else is at that file, to be tried again. On an
    /// error it is still an upload, and kept as one.
    fn publish(&mut self) -> Result<bool> {
        let done = self.publish_content();
        if matches!(done, Ok(true)) && self.kind == PartKind::Spare {
            // What an earlier upload has left under this name is of no use any more. One that is under way
            // stays.
            let named = PartName::named(&self.target.name);
            let _ = self.inner.faults.before().map(|()| part::discard(self.target.dir.as_fd(), &named));
        }
        if done.as_ref().is_err_and(|error| error.kind == Kind::Full) {
            self.full = true;
        }
        done
    }

    fn publish_content(&mut self) -> Result<bool> {
        if let Some(length) = self.cut() {
            self.inner.faults.before()?;
            self.file.set_len(length)?;
        }
        let publish = match &self.content {
            Content::Whole(publish) => *publish,
            Content::Tail(of) => {
                let of = of.clone();
                return self.publish_tail(of.as_ref());
            }
            Content::Rest(base) => {
                // Until the new file has the name, nobody adds to the old one what would be lost with it.
                if !append::lock(&base.file)? {
                    return Ok(false);
                }
                self.put_together()?;
                Publish::Over
            }
        };
        self.publish_whole(publish)?;
        Ok(true)
    }

    fn publish_whole(&mut self, publish: Publish) -> Result<()> {
        if self.part.is_none() {
            // The file has gone, and the directory takes no other.
            return Err(Kind::Denied.into());
        }
        self.make_durable()?;
        let (dir, name) = (&self.target.dir, self.target.name.as_slice());
        let Some(part) = &self.part else { return Err(Kind::Io.into()) };
        self.inner.faults.before()?;
        match publish {
            Publish::Over => renameat(dir, part.as_bytes(), dir, name)?,
            Publish::Fresh => match renameat_with(dir, part.as_bytes(), dir, name, RenameFlags::NOREPLACE) {
                // A file system without it has links, which never replace either.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    linkat(dir, part.as_bytes(), dir, name, AtFlags::empty())?;
                    unlinkat(dir, part.as_bytes(), AtFlags::empty())?;
                }
                done => done?,
            },
        }
        self.part = None;
        if self.is_durable() {
            self.inner.faults.before()?;
            sync_directory(dir, &self.file)?;
        }
        Ok(())
    }

    /// Adds what came to the file that has the name now; where there is none, it is the file.
    fn publish_tail(&mut self, of: Option<&Facts>) -> Result<bool> {
        let added = self.file.metadata()?.len();
        for _ in 0..TRIES {
            let append = Append {
                inner: &self.inner,
                dir: &self.target.dir,
                name: &self.target.name,
                part: &mut self.part,
                bytes: &self.file,
                added,
                of,
            };
            match append.run()? {
                Added::Done => return Ok(true),
                Added::Locked => return Ok(false),
                Added::Moved => {}
            }
            if of.is_some() {
                return Err(Kind::Changed.into());
            }
            match self.publish_whole(Publish::Fresh) {
                Err(error) if error.kind == Kind::Exists => self.close_again(),
                done => return done.map(|()| true),
            }
        }
        Err(Kind::Busy.into())
    }

    /// Makes one file of the start of the base and what came.
    fn put_together(&mut self) -> Result<()> {
        let Content::Rest(base) = &self.content else { return Ok(()) };
        let now = facts::of_name(&self.target.dir, &self.target.name);
        match now {
            Ok(now) if append::is_same(&now, &base.stat) => {}
            Err(error) if error.kind != Kind::NotFound => return Err(error),
            _ => return Err(Kind::Changed.into()),
        }
        let (whole, name) = make_spare(&self.inner, &self.target.dir)?;
        let copied = self.inner.faults.before().map_err(Into::into).and_then(|()| {
            copy(&base.file, base.length, whole.file(), 0)?;
            copy(&self.file, self.file.metadata()?.len(), whole.file(), base.length)
        });
        if let Err(error) = copied {
            self.inner.faults.before()?;
            unlinkat(&self.target.dir, name.as_bytes(), AtFlags::empty())?;
            return Err(error);
        }
        if let Some(part) = self.part.replace(name) {
            self.inner.faults.before()?;
            unlinkat(&self.target.dir, part.as_bytes(), AtFlags::empty())?;
        }
        part::release(&self.file);
        self.file = whole.into_file();
        Ok(())
    }

    /// Takes the published mode back, so that it can be opened again whatever that was.
    fn close_again(&mut self) {
        if self.opened_up && self.inner.faults.before().is_ok() {
            // Where this fails, locking it the next time does the same.
            let _ = fchmod(&*self.file, PRIVATE);
        }
        (self.opened_up, self.settled) = (false, false);
    }

    /// What is left when it is over.
    fn keep(&mut self) -> rustix::io::Result<()> {
        let Some(part) = self.part.clone() else { return Ok(()) };
        if !self.begun && !self.made {
            return Ok(());
        }
        self.close_again();
        self.inner.faults.before()?;
        let worth = self.begun
            && !self.full
            && matches!(self.content, Content::Whole(_))
            && !self.inner.options.keep_parts.is_zero()
            && self.file.metadata().is_ok_and(|m| m.len() > 0);
        match self.kind {
            PartKind::Named if worth => Ok(()),
            // Of `Create::New` nothing is kept: such an upload may not be resumed.
            PartKind::Spare if worth && !matches!(self.content, Content::Whole(Publish::Fresh)) => {
                let named = PartName::named(&self.target.name);
                let (dir, flags) = (&self.target.dir, RenameFlags::NOREPLACE);
                renameat_with(dir, part.as_bytes(), dir, named.as_bytes(), flags)
                    .or_else(|_| unlinkat(dir, part.as_bytes(), AtFlags::empty()))
            }
            PartKind::Named | PartKind::Spare => {
                unlinkat(&self.target.dir, part.as_bytes(), AtFlags::empty())
            }
        }
    }
}

/// Copies the first `count` bytes of a file to an offset of another; [`Kind::Changed`] where there are not as
/// many. In the kernel, where that can do it.
fn copy(mut from: &File, count: u64, mut to: &File, at: u64) -> Result<()> {
    from.rewind()?;
    to.seek(SeekFrom::Start(at))?;
    let mut left = count;
    loop {
        match std::io::copy(&mut from.take(left), &mut to) {
            Ok(copied) => return if copied == left { Ok(()) } else { Err(Kind::Changed.into()) },
            // Both files stand where the copy was interrupted.
            Err(error) if error.kind() == ErrorKind::Interrupted => left = count - from.stream_position()?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives a file that takes another's place its owner and group, as far as the process may.
fn keep_owner(file: &File, owner: (u32, u32)) {
    let Ok(now) = facts::of(file) else { return };
    if (now.posix.uid, now.posix.gid) != owner {
        let (uid, gid) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        // Only the superuser gives files away; their owners may still choose among their groups.
        let _ = fchown(file, Some(uid), Some(gid)).or_else(|_| fchown(file, None, Some(gid)));
    }
}

/// Makes the names in a directory durable. One that may be entered and written but not read cannot be opened
/// for that; there the file's own sync, after the rename, carries its name along on the journalling file
/// systems.
pub(super) fn sync_directory(dir: &OwnedFd, file: &File) -> Result<()> {
    match open_name(dir, b".", OFlags::RDONLY | OFlags::DIRECTORY) {
        Ok(dir) => Ok(rustix::fs::fsync(dir)?),
        Err(Errno::ACCESS) => Ok(file.sync_all()?),
        Err(errno) => Err(errno.into()),
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // On this thread, since the next question of the same client may be how much was kept.
        if let Err(errno) = self.keep() {
            tracing::warn!(path = ?self.path, error = %errno, "the part of a broken upload was neither kept nor removed");
        }
        self.inner.settling.note(&self.file);
        if Arc::strong_count(&self.file) == 1 {
            part::release(&self.file);
        }
    }
}

impl Sink for Upload {
    fn path(&self) -> &VPath {
        &self.path
    }

    fn file(&self) -> Option<(Arc<File>, u64)> {
        Some((Arc::clone(&self.file), self.position))
    }

    fn set_mode(&mut self, mode: u32) {
        self.mode = mode & 0o777;
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()> {
        Box::pin(async move {
            let (inner, file, bytes) = (Arc::clone(&self.inner), Arc::clone(&self.file), bytes.to_vec());
            let (at, cut) = (self.position, self.cut());
            let count = bytes.len() as u64;
            let written = hop(move || {
                inner.faults.before()?;
                if let Some(length) = cut {
                    file.set_len(length)?;
                }
                Ok(file.write_all_at(&bytes, at)?)
            })
            .await;
            if written.as_ref().is_err_and(|error| error.kind == Kind::Full) {
                self.full = true;
            }
            written?;
            self.position = at + count;
            Ok(())
        })
    }

    fn settle(&mut self) -> Op<'_, ()> {
        if self.settled || !matches!(self.content, Content::Whole(_)) {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(async move {
            if let Some(length) = self.cut() {
                let file = Arc::clone(&self.file);
                hop(move || Ok(file.set_len(length)?)).await?;
            }
            let done = hop(self.finishing()).await;
            self.settled = done.is_ok();
            self.full |= done.as_ref().is_err_and(|error| error.kind == Kind::Full);
            done
        })
    }

    fn commit(self: Box<Self>) -> Op<'static, ()> {
        Box::pin(async move {
            let (mut upload, until) = (self, Instant::now() + PATIENCE);
            loop {
                // The wait is here and not in a thread, of which there are few.
                let (waiting, published) = hop(move || {
                    let published = upload.publish();
                    Ok((upload, published))
                })
                .await?;
                match published? {
                    true => return Ok(()),
                    false if Instant::now() >= until => return Err(Kind::Busy.into()),
                    false => upload = waiting,
                }
                sleep(PAUSE).await;
            }
        })
    }

    fn discard(mut self: Box<Self>) -> Op<'static, ()> {
        Box::pin(hop(move || {
            let Some(part) = self.part.take() else { return Ok(()) };
            self.inner.faults.before()?;
            Ok(unlinkat(&self.target.dir, part.as_bytes(), AtFlags::empty())?)
        }))
    }
}
