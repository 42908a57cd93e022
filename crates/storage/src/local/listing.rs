//! What is in a directory?
//!
//! The directory is read in pieces of one buffer: a million entries cost the memory of some hundreds.
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{OFlags, RawDir};
use rustix::io::Errno;

use super::resolve::{Reach, Root};
use super::{facts, hop, part};
use crate::{Batch, Entries, Entry, FileType, Kind, Op, Result, Stat, Time, VPath};

/// Room for what one `getdents64` call gives: about 120 entries of usual names, never over 170 (an entry takes 24 bytes
/// at least) and never under 14 (280 at most). It is held as long as the listing waits for its client.
const BUFFER: usize = 4 * 1024;

/// A batch with this many is handed over; one with less goes on to the next piece, so that a small directory is read to
/// its end in one go.
const ENOUGH: usize = 64;

/// A directory being read.
pub(super) struct Listing {
    root: Arc<Root>,
    path: VPath,
    state: State,
}

enum State {
    Reading(OwnedFd, Vec<u8>),
    Ended,
    /// A piece was abandoned in mid-reading, so the rest would have a hole.
    Torn,
}

impl Listing {
    pub(super) fn new(root: Arc<Root>, path: VPath, dir: OwnedFd) -> Self {
        Self { root, path, state: State::Reading(dir, Vec::with_capacity(BUFFER)) }
    }
}

impl Entries for Listing {
    fn next<'a>(&'a mut self, batch: &'a mut Batch) -> Op<'a, ()> {
        batch.clear();
        Box::pin(async move {
            match mem::replace(&mut self.state, State::Torn) {
                State::Torn => Err(Kind::Io.into()),
                State::Ended => {
                    self.state = State::Ended;
                    Ok(())
                }
                State::Reading(dir, buffer) => {
                    let (root, path, room) = (Arc::clone(&self.root), self.path.clone(), mem::take(batch));
                    (self.state, *batch) = hop(move || fill(&root, &path, dir, buffer, room)).await?;
                    Ok(())
                }
            }
        })
    }
}

fn fill(
    root: &Root,
    path: &VPath,
    dir: OwnedFd,
    mut buffer: Vec<u8>,
    mut batch: Batch,
) -> Result<(State, Batch)> {
    while batch.len() < ENOUGH {
        let mut piece = RawDir::new(&dir, buffer.spare_capacity_mut());
        let Some(first) = piece.next() else { return Ok((State::Ended, batch)) };
        batch.extend(describe(root, path, &dir, &first?));
        while !piece.is_buffer_empty() {
            match piece.next() {
                Some(entry) => batch.extend(describe(root, path, &dir, &entry?)),
                None => break,
            }
        }
    }
    Ok((State::Reading(dir, buffer), batch))
}

/// One entry; nothing for one that is hidden, or was removed since its name was read.
fn describe(root: &Root, path: &VPath, dir: &OwnedFd, entry: &rustix::fs::RawDirEntry<'_>) -> Option<Entry> {
    let name = entry.file_name().to_bytes();
    if name == b"." || name == b".." || part::is_part(name) {
        return None;
    }
    let stat = match facts::of_entry(dir, entry.file_name()) {
        Ok(stat) if stat.kind == FileType::Link => follow(root, path, name).unwrap_or(stat),
        Ok(stat) => stat,
        Err(Errno::NOENT) => return None,
        // A directory that may be read but not entered: its names are all there is.
        Err(_) => unknown(facts::file_type(entry.file_type()), entry.ino()),
    };
    Some(Entry { name: name.to_vec(), stat })
}

/// What a link leads to beneath the root.
fn follow(root: &Root, path: &VPath, name: &[u8]) -> Option<Stat> {
    let target = root.open_at(&path.join(name).ok()?, OFlags::PATH, Reach::Disk).ok()?;
    facts::of(target).ok()
}

fn unknown(kind: FileType, inode: u64) -> Stat {
    Stat {
        kind,
        size: 0,
        modified: Time::default(),
        created: None,
        mode: 0,
        uid: 0,
        gid: 0,
        links: 1,
        unique: (0, inode),
    }
}
