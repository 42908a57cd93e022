//! Which broken uploads has nobody come back for?
//!
//! What a killed process has left under a name that nobody can come back to goes at once, and what it had
//! half added to a file is cut off again (see `append`).
//!
//! The tree is walked by descriptors, never by path and never through a link, holding one small buffer for
//! each level.
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType as Kind, OFlags, RawDir, unlinkat};
use rustix::io::Errno;

use super::inner::{Inner, Sync};
use super::part::{self, Absent, Held, PartName};
use super::{append, facts, open};
use crate::{FileType, Result};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Parts removed.
    pub removed: u64,
    /// Bytes they held.
    pub bytes: u64,
    /// Directories that were not looked into: too deep, or not ours to read.
    pub skipped: u64,
}

/// Levels gone down. Each holds a descriptor and a buffer (so a sweep has at most 128 of one and 1 MiB of the
/// other); real trees are a tenth as deep.
const DEPTH: usize = 128;

/// The buffer of a level.
const BUFFER: usize = 8 * 1024;

/// The task that waits for a sweep holds this; a sweep that nobody waits for any more ends at the next
/// directory.
pub(super) struct Walk<'a> {
    pub(super) inner: &'a Inner,
    pub(super) now: SystemTime,
    pub(super) abandoned: &'a AtomicBool,
}

impl Walk<'_> {
    /// Walks the whole tree.
    pub(super) fn run(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let top = self.inner.root.directory()?;
        self.directory(&top, DEPTH, &mut swept);
        Ok(swept)
    }

    /// One directory and what is below. What cannot be read is passed over: the sweep is for all the others
    /// too.
    fn directory(&self, dir: &File, levels: usize, swept: &mut Swept) {
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            if self.abandoned.load(Ordering::Relaxed) {
                return;
            }
            let Ok(entry) = entry else {
                swept.skipped += 1;
                return;
            };
            let bytes = entry.file_name().to_bytes();
            match entry.file_type() {
                _ if bytes == b"." || bytes == b".." => {}
                Kind::RegularFile | Kind::Unknown if part::is_part(bytes) => self.part(dir, bytes, swept),
                Kind::Directory | Kind::Unknown => {
                    match open::open_name(dir, bytes, OFlags::RDONLY | OFlags::DIRECTORY) {
                        Ok(_) if levels == 0 => swept.skipped += 1,
                        Ok(below) => self.directory(&below, levels - 1, swept),
                        Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => {}
                        Err(_) => swept.skipped += 1,
                    }
                }
                _ => {}
            }
        }
    }

    fn part(&self, dir: &File, name: &[u8], swept: &mut Swept) {
        let Some(part) = PartName::found(name) else { return };
        match append::sweep(dir.as_fd(), &part, self.inner.options.sync == Sync::Always) {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => tracing::warn!(%error, "an append that was cut short was not cut off its file"),
        }
        // First without a lock, which would keep off an upload that comes just now.
        let Ok(stat) = facts::of_name(dir, name) else { return };
        if stat.kind != FileType::File || !part.is_passing() && !self.is_old(stat.modified) {
            return;
        }
        match self.remove(dir, &part) {
            Ok(Some(bytes)) => {
                swept.removed += 1;
                swept.bytes += bytes;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a part was not swept"),
        }
    }

    /// Removes a part that is still old now that nobody else can write it; says how large it was.
    fn remove(&self, dir: &File, name: &PartName) -> Result<Option<u64>> {
        let Held::Kept(part, size) = part::hold(dir.as_fd(), name, Absent::Leave)? else { return Ok(None) };
        if !name.is_passing() && !self.is_old(facts::of(part.file())?.modified) {
            return Ok(None);
        }
        unlinkat(dir, name.as_bytes(), AtFlags::empty())?;
        Ok(Some(size))
    }

    fn is_old(&self, modified: crate::Time) -> bool {
        let age = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let written =
            u64::try_from(modified.seconds).map_or(Duration::ZERO, |s| Duration::new(s, modified.nanos));
        age.checked_sub(written).is_some_and(|age| age >= self.inner.options.keep_parts)
    }
}
