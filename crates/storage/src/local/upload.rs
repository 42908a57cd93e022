//! How does an upload become a file?
//!
//! ```text
//!   begin: find where it starts, take hold of a part  ->  bytes go to the part  ->  commit: mode, sync, rename, sync
//!                                                              |
//!                                      dropped: the part is kept, if it holds anything of worth
//! ```
//!
//! # Where a resumed upload starts
//!
//! `Resume { at }` looks, in this order, for
//! 1. a kept part of exactly `at` bytes: it is what the client was told of, or counted itself; continued in place;
//! 2. a file of at least `at` bytes: its first `at` are copied (shared, where the file system can) to a fresh part;
//! 3. a kept part of more than `at` bytes: cut to `at`, continued in place.
//!
//! `Append` takes the file if there is one, else all of the kept part, else starts empty. Where neither has the bytes
//! but the part is being written by another upload, the answer is [`Kind::Busy`]: what it will hold is not known yet.
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, copy_file_range, fchmod, linkat, openat, renameat, renameat_with,
    unlinkat,
};
use rustix::io::Errno;

use super::part::{self, Absent, Held, Locked, PartName};
use super::resolve::{Fault, Reach};
use super::{Inner, Sync, facts, hop};
use crate::{Create, FileType, Kind, Op, Result, Sink, Stat, VPath};

/// Bytes copied from an old file between two looks at whether anybody still waits for it.
const PIECE: u64 = 64 << 20;

/// Bytes copied at a time where the kernel cannot do it by itself.
const CHUNK: usize = 256 << 10;

/// Names tried in order for [`Create::Unique`]; after that, random ones: a directory where thousands upload under one
/// name must not cost each of them thousands of look-ups.
const COUNTED: u32 = 1000;

/// Random names tried after that. Each is one of 2^32, so that the second is already a rarity.
const RANDOM: u32 = 16;

/// May what has the name be replaced?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Publish {
    Over,
    Fresh,
}

/// Which name a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The one where a broken upload is found again.
    Named,
    /// A random one.
    Spare,
}

/// An upload under way.
pub(super) struct Upload {
    inner: Arc<Inner>,
    dir: OwnedFd,
    path: VPath,
    part: PartName,
    place: Place,
    file: Arc<File>,
    /// Where writing starts, and where [`Sink::write`] has come to.
    start: u64,
    position: u64,
    /// A part with no more bytes than these holds nothing that is not elsewhere too.
    floor: u64,
    publish: Publish,
    /// The permission bits it is published with.
    mode: u32,
    /// Published or discarded: nothing is left to keep.
    settled: bool,
}

/// Bytes of an old file that a new upload starts with.
struct Base {
    file: Arc<File>,
    length: u64,
}

/// What has the target's name now.
struct Standing {
    mode: Option<u32>,
}

/// Begins an upload.
pub(super) async fn begin(inner: Arc<Inner>, path: VPath, how: Create) -> Result<Box<dyn Sink>> {
    let (mut upload, base) = hop(move || prepare(&inner, path, how)).await?;
    if let Some(base) = base {
        // In pieces, so that a client who asks for this and goes away stops it.
        while upload.start < base.length {
            let (from, to) = (Arc::clone(&base.file), Arc::clone(&upload.file));
            let (at, end) = (upload.start, base.length.min(upload.start + PIECE));
            hop(move || copy(&from, &to, at, end)).await?;
            upload.start = end;
        }
    }
    (&*upload.file).seek(SeekFrom::Start(upload.start))?;
    upload.position = upload.start;
    Ok(Box::new(upload))
}

/// A part to write to, and where in it.
struct Beginning {
    file: Locked,
    part: PartName,
    place: Place,
    start: u64,
    /// What is to be copied to its front first.
    base: Option<Base>,
}

fn prepare(inner: &Arc<Inner>, path: VPath, how: Create) -> Result<(Upload, Option<Base>)> {
    if how == Create::Unique {
        return Ok((reserve(inner, &path)?, None));
    }
    let Some((dir, name)) = inner.root.parent(&path, Reach::Disk)? else {
        return Err(Kind::IsADirectory.into());
    };
    let standing = standing(inner, &dir, name, &path)?;
    if how == Create::New && standing.is_some() {
        return Err(Kind::Exists.into());
    }
    let named = PartName::named(name);
    let beginning = match how {
        Create::Replace | Create::New | Create::Unique | Create::Resume { at: 0 } => fresh(&dir, named)?,
        Create::Resume { at } => resume(inner, &dir, named, &path, at)?,
        Create::Append => append(inner, &dir, named, &path)?,
    };
    let upload = Upload {
        inner: Arc::clone(inner),
        dir,
        path,
        part: beginning.part,
        place: beginning.place,
        file: Arc::new(beginning.file.into_file()?),
        start: beginning.start,
        position: beginning.start,
        floor: beginning.base.as_ref().map_or(0, |b| b.length),
        publish: if how == Create::New { Publish::Fresh } else { Publish::Over },
        mode: standing.and_then(|s| s.mode).unwrap_or(0o666 & !inner.options.umask),
        settled: false,
    };
    Ok((upload, beginning.base))
}

/// The three places of the rule at the top, in its order.
fn resume(inner: &Inner, dir: &OwnedFd, named: PartName, path: &VPath, at: u64) -> Result<Beginning> {
    let held = hold(inner, dir, &named, Absent::Leave)?;
    let held = match held {
        Held::Kept(file, size) if size == at => return Ok(Beginning::kept(file, named, at)),
        other => other,
    };
    if let Some(base) = base(inner, path, Some(at))? {
        drop(held);
        return Ok(Beginning { base: Some(base), ..fresh(dir, named)? });
    }
    match held {
        Held::Kept(file, size) if size > at => {
            file.cut(at)?;
            Ok(Beginning::kept(file, named, at))
        }
        Held::InUse => Err(Kind::Busy.into()),
        Held::Kept(..) | Held::Absent | Held::Made(_) => Err(Kind::BadOffset.into()),
    }
}

fn append(inner: &Inner, dir: &OwnedFd, named: PartName, path: &VPath) -> Result<Beginning> {
    if let Some(base) = base(inner, path, None)? {
        return Ok(Beginning { base: Some(base), ..fresh(dir, named)? });
    }
    match hold(inner, dir, &named, Absent::Make)? {
        Held::Made(file) => Ok(Beginning::kept(file, named, 0)),
        Held::Kept(file, size) => Ok(Beginning::kept(file, named, size)),
        Held::InUse | Held::Absent => Err(Kind::Busy.into()),
    }
}

/// Takes hold of a part, once an upload that has broken off has let go of it.
fn hold(inner: &Inner, dir: &OwnedFd, named: &PartName, absent: Absent) -> Result<Held> {
    inner.settling.ask(|held| !matches!(held, Held::InUse), || part::hold(dir.as_fd(), named, absent))
}

impl Beginning {
    fn kept(file: Locked, part: PartName, start: u64) -> Self {
        Self { file, part, place: Place::Named, start, base: None }
    }
}

/// What has the name; refused where an upload could not take its place.
fn standing(inner: &Inner, dir: &OwnedFd, name: &[u8], path: &VPath) -> Result<Option<Standing>> {
    let stat = match facts::of_name(dir, name) {
        Ok(stat) => stat,
        Err(error) if error.kind == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let stat = if stat.kind == FileType::Link { followed(inner, path)? } else { Some(stat) };
    match stat {
        // A link that leads nowhere: the upload takes the link's own place.
        None => Ok(Some(Standing { mode: None })),
        Some(stat) => match stat.kind {
            FileType::File => Ok(Some(Standing { mode: Some(stat.mode & 0o777) })),
            FileType::Directory => Err(Kind::IsADirectory.into()),
            FileType::Link | FileType::Other => Err(Kind::NotRegular.into()),
        },
    }
}

fn followed(inner: &Inner, path: &VPath) -> Result<Option<Stat>> {
    match inner.root.open_at(path, OFlags::PATH, Reach::Disk) {
        Ok(fd) => Ok(Some(facts::of(fd)?)),
        Err(Fault::Failed(error)) if matches!(error.kind, Kind::NotFound | Kind::Outside) => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

/// The file that an upload goes on from, if it has enough.
fn base(inner: &Inner, path: &VPath, at: Option<u64>) -> Result<Option<Base>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match inner.root.open_at(path, flags, Reach::Disk) {
        Ok(fd) => File::from(fd),
        Err(Fault::Failed(error)) if matches!(error.kind, Kind::NotFound | Kind::Outside) => return Ok(None),
        Err(fault) => return Err(fault.into()),
    };
    let stat = facts::of(&file)?;
    if stat.kind != FileType::File {
        return Err(Kind::NotRegular.into());
    }
    let length = at.unwrap_or(stat.size);
    Ok((stat.size >= length).then(|| Base { file: Arc::new(file), length }))
}

/// An empty part: the named one, or a spare where another upload is in it.
fn fresh(dir: &OwnedFd, named: PartName) -> Result<Beginning> {
    match part::hold(dir.as_fd(), &named, Absent::Make)? {
        Held::Made(file) => return Ok(Beginning::kept(file, named, 0)),
        Held::Kept(file, _) => {
            file.cut(0)?;
            return Ok(Beginning::kept(file, named, 0));
        }
        Held::InUse | Held::Absent => {}
    }
    let spare = PartName::spare()?;
    match part::hold(dir.as_fd(), &spare, Absent::Make)? {
        Held::Made(file) => Ok(Beginning { place: Place::Spare, ..Beginning::kept(file, spare, 0) }),
        // Nobody else can know that name.
        Held::Kept(..) | Held::InUse | Held::Absent => Err(Kind::Io.into()),
    }
}

/// Finds a name that nobody has, and keeps other uploads of this kind from it by holding its named part.
fn reserve(inner: &Arc<Inner>, path: &VPath) -> Result<Upload> {
    let Some((dir, name)) = inner.root.parent(path, Reach::Disk)? else {
        return Err(Kind::IsADirectory.into());
    };
    let Some((parent, _)) = path.split() else { return Err(Kind::IsADirectory.into()) };
    for attempt in 0..COUNTED + RANDOM {
        let suffix = match attempt {
            0 => String::new(),
            n if n < COUNTED => format!(".{n}"),
            _ => {
                let mut random = [0; 4];
                getrandom::fill(&mut random).map_err(|_| Kind::Io)?;
                format!(".{:08x}", u32::from_ne_bytes(random))
            }
        };
        let stem = shortened(name, VPath::COMPONENT - suffix.len());
        let candidate = [stem, suffix.as_bytes()].concat();
        match facts::of_name(&dir, &candidate) {
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => continue,
        }
        let part = PartName::named(&candidate);
        // A part that is kept already belongs to a broken upload of that name, which may yet be resumed.
        let Held::Made(file) = part::hold(dir.as_fd(), &part, Absent::Make)? else { continue };
        return Ok(Upload {
            inner: Arc::clone(inner),
            dir,
            path: parent.join(&candidate)?,
            part,
            place: Place::Named,
            file: Arc::new(file.into_file()?),
            start: 0,
            position: 0,
            floor: 0,
            publish: Publish::Fresh,
            mode: 0o666 & !inner.options.umask,
            settled: false,
        });
    }
    Err(Kind::Exists.into())
}

/// At most `room` bytes of a name, not ending within a character of UTF-8.
fn shortened(name: &[u8], room: usize) -> &[u8] {
    let mut end = name.len().min(room);
    while end > 0 && name.get(end).is_some_and(|next| next & 0b1100_0000 == 0b1000_0000) {
        end -= 1;
    }
    &name[..end]
}

/// Copies the bytes from `at` to `end`; [`Kind::BadOffset`] where the file has become shorter than that.
fn copy(from: &File, to: &File, at: u64, end: u64) -> Result<()> {
    let (mut read, mut written) = (at, at);
    while written < end {
        let length = usize::try_from(end - written).unwrap_or(usize::MAX);
        match copy_file_range(from, Some(&mut read), to, Some(&mut written), length) {
            Ok(0) => return Err(Kind::BadOffset.into()),
            Ok(_) => {}
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                return copy_by_hand(from, to, written, end);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn copy_by_hand(from: &File, to: &File, mut at: u64, end: u64) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        let count = from.read_at(&mut buffer[..wanted], at)?;
        if count == 0 {
            return Err(Kind::BadOffset.into());
        }
        to.write_all_at(&buffer[..count], at)?;
        at += count as u64;
    }
    Ok(())
}

impl Upload {
    /// Makes it the file of its name. On an error it is still an upload, and kept as one.
    fn publish(&mut self) -> Result<()> {
        let durable = self.inner.options.sync == Sync::Always;
        let Some((_, name)) = self.path.split() else { return Err(Kind::IsADirectory.into()) };
        fchmod(&*self.file, Mode::from_raw_mode(self.mode))?;
        if durable {
            // Not fdatasync: the permission bits set above belong to what was promised.
            self.file.sync_all()?;
        }
        let part = self.part.as_bytes();
        match self.publish {
            Publish::Over => renameat(&self.dir, part, &self.dir, name)?,
            Publish::Fresh => match renameat_with(&self.dir, part, &self.dir, name, RenameFlags::NOREPLACE) {
                // A file system without it has links, which never replace either.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    linkat(&self.dir, part, &self.dir, name, AtFlags::empty())?;
                    unlinkat(&self.dir, part, AtFlags::empty())?;
                }
                done => done?,
            },
        }
        self.settled = true;
        if durable {
            sync_directory(&self.dir, &self.file)?;
        }
        Ok(())
    }

    fn keep(&self) -> rustix::io::Result<()> {
        let size = self.file.metadata().map_or(0, |m| m.len());
        let worth = size > self.floor && !self.inner.options.keep_parts.is_zero();
        match self.place {
            Place::Named if worth => Ok(()),
            Place::Spare if worth => {
                let named = self.path.split().map(|(_, name)| PartName::named(name)).ok_or(Errno::ISDIR)?;
                let flags = RenameFlags::NOREPLACE;
                renameat_with(&self.dir, self.part.as_bytes(), &self.dir, named.as_bytes(), flags)
                    .or_else(|_| unlinkat(&self.dir, self.part.as_bytes(), AtFlags::empty()))
            }
            Place::Named | Place::Spare => unlinkat(&self.dir, self.part.as_bytes(), AtFlags::empty()),
        }
    }
}

/// Makes the names in a directory durable. One that may be entered and written but not read cannot be opened for
/// that; there the file's own sync, after the rename, carries its name along on the journalling file systems.
pub(super) fn sync_directory(dir: &OwnedFd, file: &File) -> Result<()> {
    match openat(dir, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(dir) => Ok(rustix::fs::fsync(dir)?),
        Err(Errno::ACCESS) => Ok(file.sync_all()?),
        Err(errno) => Err(errno.into()),
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // On this thread, since the next question of the same client may be how much was kept.
        if let Err(errno) = self.keep() {
            tracing::warn!(path = ?self.path, error = %errno, "the part of a broken upload was neither kept nor removed");
        }
        self.inner.settling.note(&self.file);
        if Arc::strong_count(&self.file) == 1 {
            part::release(&*self.file);
        }
    }
}

impl Sink for Upload {
    fn path(&self) -> &VPath {
        &self.path
    }

    fn start(&self) -> u64 {
        self.start
    }

    fn file(&self) -> Option<Arc<File>> {
        Some(Arc::clone(&self.file))
    }

    fn set_mode(&mut self, mode: u32) {
        self.mode = mode & 0o777;
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()> {
        let (file, bytes, at) = (Arc::clone(&self.file), bytes.to_vec(), self.position);
        Box::pin(async move {
            let count = bytes.len() as u64;
            hop(move || Ok(file.write_all_at(&bytes, at)?)).await?;
            self.position = at + count;
            Ok(())
        })
    }

    fn commit(mut self: Box<Self>) -> Op<'static, ()> {
        Box::pin(hop(move || self.publish()))
    }

    fn discard(mut self: Box<Self>) -> Op<'static, ()> {
        Box::pin(hop(move || {
            self.settled = true;
            Ok(unlinkat(&self.dir, self.part.as_bytes(), AtFlags::empty())?)
        }))
    }
}
