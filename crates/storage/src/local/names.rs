//! In which order do the names of a directory come, and what does that cost?
//!
//! By their bytes, where there are at most [`SORTED`] of them. The names alone are kept for that, and what is
//! known of each is asked for when its turn comes: that is about 30 bytes a name, for as long as the listing
//! takes. All listings of the process share [`BUDGET`] for it; a small directory needs none of that.
use std::cmp::Ordering;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustix::fs::RawDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{facts, part};
use crate::{FileType, Result};

/// A directory with more names is listed as the system gives it.
pub(super) const SORTED: usize = 100_000;

/// What all listings together keep of names, in KiB: ten directories of the largest size at once, of usual
/// names.
const BUDGET: usize = 32 * 1024;

/// What a listing asks of the budget at a time, in KiB.
const STEP: u32 = 256;

/// Bytes that each listing may keep beside the budget: some 400 names.
const FREE: usize = 16 * 1024;

/// How long is waited for others to give their part of the budget back. Then the rest of them are slow, and
/// the directory is listed unsorted.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room for what the system gives at a time: until FREE is used up, and then.
const PIECES: (usize, usize) = (4 * 1024, 32 * 1024);

/// What is kept of a piece at the most: an entry of 24 bytes becomes a place and a name.
const fn kept_of(piece: usize) -> usize {
    piece / 24 * size_of::<Span>() + piece
}

static SHARED: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(BUDGET)));

/// Names of a directory, in their order or as they came.
#[derive(Debug)]
pub(super) struct Names {
    /// All of them, each with a NUL behind it.
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// The next to be listed.
    next: usize,
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u16,
    kind: FileType,
}

/// One name, and what the directory itself knows of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    pub(super) bytes: &'a CStr,
    pub(super) kind: FileType,
}

/// How far a directory was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// To its end; the names are sorted.
    Sorted,
    /// There are too many of them.
    TooMany,
    /// The budget is used up: [`Names::wait`].
    NoRoom,
}

impl Names {
    pub(super) fn new() -> Self {
        Self::within(Arc::clone(&SHARED))
    }

    fn within(budget: Arc<Semaphore>) -> Self {
        Self { bytes: Vec::new(), spans: Vec::new(), next: 0, budget, held: None }
    }

    /// Reads on in the directory, and sorts the names at its end. May wait for the disk.
    pub(super) fn read(&mut self, dir: &OwnedFd) -> Result<Read> {
        let mut buffer = Vec::with_capacity(PIECES.0);
        loop {
            if self.spans.len() > SORTED {
                return Ok(Read::TooMany);
            }
            if self.free() < kept_of(buffer.capacity()) {
                if !self.take(Arc::clone(&self.budget).try_acquire_many_owned(STEP).ok()) {
                    return Ok(Read::NoRoom);
                }
                buffer.reserve_exact(PIECES.1);
            }
            let mut piece = RawDir::new(dir, buffer.spare_capacity_mut());
            let Some(first) = piece.next() else { break };
            self.add(&first?);
            while !piece.is_buffer_empty() {
                match piece.next() {
                    Some(entry) => self.add(&entry?),
                    None => break,
                }
            }
        }
        let Self { bytes, spans, .. } = self;
        spans.sort_unstable_by(|a, b| compare(bytes, *a, *b));
        bytes.shrink_to_fit();
        spans.shrink_to_fit();
        Ok(Read::Sorted)
    }

    /// Waits until others have given something back. False: they have not.
    pub(super) async fn wait(&mut self) -> bool {
        let more = timeout(PATIENCE, Arc::clone(&self.budget).acquire_many_owned(STEP)).await;
        self.take(more.ok().and_then(std::result::Result::ok))
    }

    fn take(&mut self, more: Option<OwnedSemaphorePermit>) -> bool {
        let Some(more) = more else { return false };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Bytes that may still be kept.
    fn free(&self) -> usize {
        let held = self.held.as_ref().map_or(0, |held| held.num_permits() * 1024);
        (FREE + held).saturating_sub(self.bytes.len() + self.spans.len() * size_of::<Span>())
    }

    fn add(&mut self, entry: &rustix::fs::RawDirEntry<'_>) {
        let name = entry.file_name();
        if is_hidden(name.to_bytes()) {
            return;
        }
        // Longer ones, and as many as would go beyond, there are on no file system.
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u16::try_from(name.count_bytes()))
        else {
            return;
        };
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        let kind = facts::file_type(entry.file_type());
        self.spans.push(Span { start, length, kind });
    }

    /// The next name, until there is none.
    pub(super) fn next(&mut self) -> Option<Name<'_>> {
        let Span { start, kind, .. } = *self.spans.get(self.next)?;
        self.next += 1;
        let bytes = CStr::from_bytes_until_nul(self.bytes.get(start as usize..)?).ok()?;
        Some(Name { bytes, kind })
    }
}

/// The store's own names are no one's business.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    name == b"." || name == b".." || part::is_part(name)
}

fn compare(bytes: &[u8], a: Span, b: Span) -> Ordering {
    let name = |span: Span| {
        let start = span.start as usize;
        bytes.get(start..start + usize::from(span.length)).unwrap_or_default()
    };
    name(a).cmp(name(b))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, Mode, OFlags, openat};

    use super::*;

    fn directory(names: impl Iterator<Item = String>) -> (tempfile::TempDir, OwnedFd) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let dir = openat(CWD, folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        (folder, dir)
    }

    #[test]
    fn a_small_directory_is_sorted_though_the_budget_is_used_up() {
        let (_folder, dir) = directory((0..100).map(|n| format!("{}", 999 - n)));
        let mut names = Names::within(Arc::new(Semaphore::new(0)));
        assert_eq!(names.read(&dir).unwrap(), Read::Sorted);
        let first = names.next().map(|name| name.bytes.to_bytes().to_vec());
        assert_eq!((first, names.spans.len()), (Some(b"900".to_vec()), 100));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_of_a_large_one_comes_out_of_the_budget_and_goes_back_to_it() {
        let (_folder, dir) = directory((0..3000).map(|n| format!("{n:0100}")));
        let budget = Arc::new(Semaphore::new(STEP as usize));
        let mut names = Names::within(Arc::clone(&budget));
        // 3000 names of 100 bytes are more than one step.
        assert_eq!(names.read(&dir).unwrap(), Read::NoRoom);
        let kept = names.bytes.len() + names.spans.len() * size_of::<Span>();
        assert!(kept <= FREE + STEP as usize * 1024, "{kept}");
        assert!(!names.wait().await, "others keep it");
        budget.add_permits(STEP as usize);
        assert!(names.wait().await);
        assert_eq!(names.read(&dir).unwrap(), Read::Sorted);
        assert_eq!((names.spans.len(), budget.available_permits()), (3000, 0));
        drop(names);
        assert_eq!(budget.available_permits(), 2 * STEP as usize);
    }
}
