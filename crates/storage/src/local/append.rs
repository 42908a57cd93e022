//! How are bytes added to the end of a file, whole or not at all?
//!
//! ```text
//!   bytes -> part        commit, under a lock on the file:
//!                          1. what a killed process had half added is cut off again (by its journal)
//!                          2. the part becomes this file's journal: "at length L these n bytes are being added"
//!                          3. part --write--> end of the file; synced
//!                          4. the journal is emptied: now it has happened; and removed
//! ```
//!
//! The file is not copied, so that adding a line to a large file costs what the line costs. Other processes
//! see the file grow during step 3. What fails before step 4 is cut off again. After a kill the journal is
//! still there, and the next append to the file, or the next [sweep](super::sweep), cuts the file back to L.
//!
//! Until step 4 the bytes are on the disk twice. Where there is no room for that, what the file has already
//! is taken out of the journal's front, and the journal says so.
//!
//! Only what the journal says was being added is ever cut: the file must have the same inode, and what it has
//! behind L must be the start of the journal's bytes. When another program has written to the file meanwhile,
//! that is not so, and nothing is cut.
//!
//! # After a power failure
//! The journal is not synced, which would cost more than the append; the file is, before step 4. So after a
//! reboot a journal may be there whose step 4 was done and acknowledged, and is lost. Therefore a journal of
//! an earlier boot cuts only what was added in part, and never bytes that are all there.
use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{AtFlags, FallocateFlags, OFlags, RawDir, RenameFlags, fallocate, renameat_with, unlinkat};
use rustix::io::Errno;

use super::facts;
use super::facts::Facts;
use super::fault::Faults;
use super::inner::{Inner, Sync};
use super::open::open_name;
use super::part::{self, Absent, Held, PartName};
use crate::{Error, FileType, Kind, Result};

/// Bytes copied at a time.
const CHUNK: usize = if cfg!(test) { 4 } else { 256 << 10 };

/// What the journal says, behind the bytes that are being added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Intent {
    /// The file's inode.
    inode: u64,
    /// The file's length before.
    length: u64,
    /// How many bytes are being added.
    added: u64,
    /// How many of the bytes may be missing at the journal's front, to make room.
    missing: u64,
    /// The boot of the machine in which this was written; zeros where it is not known.
    boot: [u8; 16],
}

impl Intent {
    const MAGIC: &[u8; 16] = b"pasv append 1\r\n\0";
    const SIZE: usize = 16 + 4 * 8 + 16;

    fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        let fields = [self.inode, self.length, self.added, self.missing].map(u64::to_le_bytes);
        let all = Self::MAGIC.iter().chain(fields.iter().flatten()).chain(&self.boot);
        out.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        out
    }

    /// Reads it from the end of a journal. None where there is none, or where it was not written to its end.
    fn read(journal: &File) -> Result<Option<Self>> {
        let size = journal.metadata()?.len();
        let Some(added) = size.checked_sub(Self::SIZE as u64) else { return Ok(None) };
        let mut bytes = [0; Self::SIZE];
        journal.read_exact_at(&mut bytes, added)?;
        let number = |at: usize| {
            bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        let boot = bytes.get(48..).and_then(|field| field.try_into().ok()).unwrap_or_default();
        let (inode, length, missing) = (number(16), number(24), number(40));
        let intent = Self { inode, length, added: number(32), missing, boot };
        Ok((bytes.starts_with(Self::MAGIC) && intent.added == added).then_some(intent))
    }
}

/// A name for this boot of the machine; zeros where the system does not tell.
fn boot() -> [u8; 16] {
    let mut id = [0; 16];
    if let Ok(text) = std::fs::read("/proc/sys/kernel/random/boot_id") {
        let digits = text.iter().filter_map(|byte| (*byte as char).to_digit(16));
        for (n, digit) in digits.take(32).enumerate() {
            if let Some(byte) = id.get_mut(n / 2) {
                *byte = *byte << 4 | digit as u8;
            }
        }
    }
    id
}

/// What became of adding bytes to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// They are in the file that has the name.
    Done,
    /// The name has no file, or another one now than the one they were added to: try again.
    Moved,
    /// Somebody else is adding to the file: try again in a moment.
    Locked,
}

/// An append that is being committed.
pub(super) struct Append<'a> {
    pub(super) inner: &'a Inner,
    /// The directory and the name of the file.
    pub(super) dir: &'a OwnedFd,
    pub(super) name: &'a [u8],
    /// The part with the bytes, locked by us, and how many they are. None afterwards where there is no part
    /// any more that the caller would have to remove. None before, where the directory has no room for a
    /// part: then a kill in the middle of step 3 leaves what was added so far.
    pub(super) part: &'a mut Option<PartName>,
    pub(super) bytes: &'a File,
    pub(super) added: u64,
    /// The file that it must be, unchanged, where the client named a length.
    pub(super) of: Option<&'a Facts>,
}

/// Is a file the same one, unchanged, as far as can be seen?
pub(super) fn is_same(now: &Facts, before: &Facts) -> bool {
    (now.unique, now.size, now.modified) == (before.unique, before.size, before.modified)
}

impl Append<'_> {
    /// Adds the bytes. On an error the file is as it was.
    pub(super) fn run(mut self) -> Result<Added> {
        let file = match open_name(self.dir, self.name, OFlags::WRONLY | OFlags::APPEND) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(Added::Moved),
            // A link has been put there.
            Err(Errno::LOOP) => return Err(Kind::Changed.into()),
            Err(errno) => return Err(errno.into()),
        };
        if !lock(&file)? {
            return Ok(Added::Locked);
        }
        let stat = facts::of(&file)?;
        if stat.kind != FileType::File {
            return Err(Kind::NotRegular.into());
        }
        if !self.has_the_name(stat.unique)? {
            return Ok(Added::Moved);
        }
        recover(self.dir.as_fd(), &PartName::journal(stat.unique.1), &file, self.is_durable())?;
        let stat = facts::of(&file)?;
        if self.of.is_some_and(|before| !is_same(&stat, before)) {
            return Err(Kind::Changed.into());
        }
        let length = stat.size;
        let mut intent = self.write_journal(stat.unique.1, length)?;
        let mut written = 0;
        let added = self.write(&file, &mut intent, &mut written).and_then(|()| {
            // Where the name has been given to another file meanwhile, or to none, the bytes belong there.
            // This file may live on under another name, as a log that was rotated, or a backup by hard links;
            // then it is as it was.
            if !self.has_the_name(stat.unique)? && undo(&self.inner.faults, &file, length, written) {
                self.take_back()?;
                return Ok(Added::Moved);
            }
            // From here on it has happened.
            self.empty_journal()?;
            Ok(Added::Done)
        });
        match added {
            Ok(Added::Done) => {
                if let Some(journal) = self.part.take() {
                    // Empty, it says nothing; the next append or sweep removes it where this fails.
                    let _ = self.remove(&journal);
                }
                Ok(Added::Done)
            }
            Err(error) => {
                // Where it cannot be cut off, the journal stays, so that a later append or sweep does it.
                let journal = self.part.take();
                if undo(&self.inner.faults, &file, length, written)
                    && let Some(journal) = journal
                {
                    self.remove(&journal)?;
                }
                Err(error)
            }
            other => other,
        }
    }

    /// Step 4.
    fn empty_journal(&self) -> Result<()> {
        if self.part.is_some() {
            self.inner.faults.before()?;
            self.bytes.set_len(0)?;
        }
        Ok(())
    }

    fn remove(&self, journal: &PartName) -> Result<()> {
        self.inner.faults.before()?;
        Ok(unlinkat(self.dir, journal.as_bytes(), AtFlags::empty())?)
    }

    fn is_durable(&self) -> bool {
        self.inner.options.sync == Sync::Always
    }

    /// Step 2.
    fn write_journal(&mut self, inode: u64, length: u64) -> Result<Intent> {
        let faults = &self.inner.faults;
        let intent = Intent { inode, length, added: self.added, missing: 0, boot: boot() };
        if self.part.is_none() {
            return Ok(intent);
        }
        faults.before()?;
        self.bytes.write_all_at(&intent.encode(), self.added)?;
        faults.before()?;
        self.rename_part(PartName::journal(inode))?;
        Ok(intent)
    }

    /// The bytes are not in a file that has a name: back to what was before step 2.
    fn take_back(&mut self) -> Result<()> {
        if self.part.is_none() {
            return Ok(());
        }
        self.inner.faults.before()?;
        self.bytes.set_len(self.added)?;
        self.rename_part(PartName::spare()?)
    }

    fn rename_part(&mut self, to: PartName) -> Result<()> {
        let Some(part) = &self.part else { return Err(Kind::Io.into()) };
        match renameat_with(self.dir, part.as_bytes(), self.dir, to.as_bytes(), RenameFlags::NOREPLACE) {
            // A file system without that flag. Nobody else makes a journal while we have the lock.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::renameat(self.dir, part.as_bytes(), self.dir, to.as_bytes())?;
            }
            done => done?,
        }
        *self.part = Some(to);
        Ok(())
    }

    /// Step 3.
    fn write(&self, file: &File, intent: &mut Intent, written: &mut u64) -> Result<()> {
        self.copy(file, intent, written)?;
        if self.is_durable() {
            self.inner.faults.before()?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// Writes the bytes to the end of the file, wherever that is when each piece is written; counts them.
    fn copy(&self, mut file: &File, intent: &mut Intent, written: &mut u64) -> Result<()> {
        let mut buffer = vec![0; CHUNK.min(usize::try_from(self.added).unwrap_or(CHUNK))];
        while *written < self.added {
            let wanted = usize::try_from(self.added - *written).unwrap_or(CHUNK).min(CHUNK);
            let piece = buffer.get_mut(..wanted).unwrap_or_default();
            self.bytes.read_exact_at(piece, *written)?;
            let mut rest = &*piece;
            while !rest.is_empty() {
                let wrote =
                    self.inner.faults.before().map_err(Error::from).and_then(|()| Ok(file.write(rest)?));
                match wrote {
                    Ok(0) => return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into()),
                    Ok(count) => {
                        *written += count as u64;
                        rest = rest.get(count..).unwrap_or_default();
                    }
                    Err(error) if error.kind == Kind::Full && *written > intent.missing => {
                        intent.missing = *written;
                        self.make_room(intent)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Takes out of the journal what the file has already.
    fn make_room(&self, intent: &Intent) -> Result<()> {
        if self.part.is_some() {
            self.inner.faults.before()?;
            self.bytes.write_all_at(&intent.encode(), self.added)?;
        }
        self.inner.faults.before()?;
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(self.bytes, flags, 0, intent.missing) {
            // Not on this file system: then there is no room.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(Errno::NOSPC.into()),
            done => Ok(done?),
        }
    }

    fn has_the_name(&self, unique: (u64, u64)) -> Result<bool> {
        match facts::of_name(self.dir, self.name) {
            Ok(now) => Ok(now.unique == unique),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Locks a file that is added to or replaced, as long as it is open. False where somebody else has it locked,
/// another program perhaps.
pub(super) fn lock(file: &File) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => match Errno::from_io_error(&error) {
            // A file system without locks: one process alone is served all the same.
            Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(true),
            Some(Errno::INTR) => Ok(false),
            _ => Err(error.into()),
        },
    }
}

/// Cuts off what was added, unless somebody else has added something too. False where that failed.
fn undo(faults: &Faults, file: &File, length: u64, written: u64) -> bool {
    if written == 0 {
        return true;
    }
    if file.metadata().map_or(0, |now| now.len()) != length + written {
        tracing::warn!(
            "an append failed and part of it stays in the file: another program wrote to the file as well"
        );
        return true;
    }
    let cut = faults.before().map_err(std::io::Error::from).and_then(|()| file.set_len(length));
    if let Err(error) = &cut {
        tracing::warn!(%error, "an append failed and could not be cut off the file; the next one will try again");
    }
    cut.is_ok()
}

/// Cuts off what a killed process had begun to add to a file, which we have locked, and removes the journal.
fn recover(dir: BorrowedFd<'_>, name: &PartName, file: &File, durable: bool) -> Result<()> {
    match part::hold(dir, name, Absent::Leave)? {
        Held::Kept(journal, _) | Held::Made(journal) => {
            if let Some(intent) = Intent::read(journal.file())?
                && let Some(length) = cut_to(&intent, journal.file(), file)?
            {
                tracing::warn!(bytes = intent.added, "removed an unacknowledged append from a file");
                file.set_len(length)?;
                if durable {
                    file.sync_data()?;
                }
            }
            Ok(unlinkat(dir, name.as_bytes(), AtFlags::empty())?)
        }
        // In use: something else has that name, by whatever chance. It is not ours, and tells us nothing.
        Held::Absent | Held::InUse => Ok(()),
    }
}

/// The length that a file is to be cut to; none where nothing may be cut.
fn cut_to(intent: &Intent, journal: &File, file: &File) -> Result<Option<u64>> {
    let stat = facts::of(file)?;
    let Some(behind) = stat.size.checked_sub(intent.length).filter(|behind| *behind > 0) else {
        return Ok(None);
    };
    if stat.unique.1 != intent.inode || behind > intent.added || behind < intent.missing {
        return Ok(None);
    }
    let now = boot();
    let same_boot = now == intent.boot && now != [0; 16];
    if behind == intent.added && !same_boot {
        return Ok(None);
    }
    // Through a descriptor of its own: this one may only write.
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
    let Ok(file) = File::open(link) else { return Ok(None) };
    let (mut ours, mut there) = (vec![0; CHUNK], vec![0; CHUNK]);
    // What was taken out of the journal was in the file before.
    let mut at = intent.missing;
    while at < behind {
        let wanted = usize::try_from(behind - at).unwrap_or(CHUNK).min(CHUNK);
        let (ours, there) =
            (ours.get_mut(..wanted).unwrap_or_default(), there.get_mut(..wanted).unwrap_or_default());
        journal.read_exact_at(ours, at)?;
        file.read_exact_at(there, intent.length + at)?;
        if ours != there {
            return Ok(None);
        }
        at += wanted as u64;
    }
    Ok(Some(intent.length))
}

/// Cuts off what a killed process had begun to add, if this part of a directory is such a journal. False
/// where it is none.
pub(super) fn sweep(dir: BorrowedFd<'_>, name: &PartName, durable: bool) -> Result<bool> {
    let Ok(journal) = open_name(dir, name.as_bytes(), OFlags::RDONLY) else { return Ok(false) };
    let Some(intent) = Intent::read(&journal)? else { return Ok(false) };
    if *name != PartName::journal(intent.inode) {
        return Ok(false);
    }
    let Some(file) = with_inode(dir, intent.inode)? else {
        // The file is gone, and took what was added along.
        part::discard(dir, name)?;
        return Ok(true);
    };
    // Locked: it is being added to just now.
    if file.try_lock().is_ok() {
        recover(dir, name, &file, durable)?;
    }
    Ok(true)
}

/// The file of a directory that has this inode, opened for writing.
fn with_inode(dir: BorrowedFd<'_>, inode: u64) -> Result<Option<File>> {
    let again = open_name(dir, b".", OFlags::RDONLY | OFlags::DIRECTORY)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut entries = RawDir::new(&again, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.ino() != inode || part::is_part(entry.file_name().to_bytes()) {
            continue;
        }
        if let Ok(file) = open_name(dir, entry.file_name().to_bytes(), OFlags::WRONLY)
            && facts::of(&file).is_ok_and(|stat| stat.kind == FileType::File && stat.unique.1 == inode)
        {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_read_only_where_it_was_written_to_its_end() {
        let journal = tempfile::tempfile().unwrap();
        let intent = Intent { inode: 7, length: 1 << 40, added: 3, missing: 2, boot: boot() };
        assert_ne!(intent.boot, [0; 16]);
        journal.write_all_at(b"abc", 0).unwrap();
        assert_eq!(Intent::read(&journal).unwrap(), None);
        journal.write_all_at(&intent.encode(), 3).unwrap();
        assert_eq!(Intent::read(&journal).unwrap(), Some(intent));
        for length in 0..3 + Intent::SIZE as u64 {
            let cut = tempfile::tempfile().unwrap();
            cut.write_all_at(b"abc", 0).unwrap();
            cut.write_all_at(&intent.encode(), 3).unwrap();
            cut.set_len(length).unwrap();
            assert_eq!(Intent::read(&cut).unwrap(), None, "{length}");
        }
    }
}
