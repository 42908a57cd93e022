//! What is in a directory?
//!
//! The directory is read in pieces of one buffer: a million entries cost the memory of some hundreds.
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::RawDir;
use rustix::io::Errno;

use super::resolve::Root;
use super::rights::{Process, Within};
use super::{facts, hop, links, part};
use crate::{Access, Batch, Entries, Entry, FileType, Kind, Op, Result, Stat, Time, VPath};

/// Room for what one `getdents64` call gives: about 120 entries of usual names, never over 170 (an entry takes 24 bytes
/// at least) and never under 14 (280 at most). It is held as long as the listing waits for its client.
const BUFFER: usize = 4 * 1024;

/// A batch with this many is handed over; one with less goes on to the next piece, so that a small directory is read to
/// its end in one go.
const ENOUGH: usize = 64;

/// A directory being read.
pub(super) struct Listing {
    /// What describes its entries; shared with the thread that reads.
    directory: Arc<Directory>,
    state: State,
}

#[derive(Debug)]
struct Directory {
    root: Arc<Root>,
    path: VPath,
    process: Process,
    within: Within,
}

enum State {
    Reading(OwnedFd, Vec<u8>),
    Ended,
    /// A piece was abandoned in mid-reading, so the rest would have a hole.
    Torn,
}

impl Listing {
    pub(super) fn new(root: Arc<Root>, path: VPath, dir: OwnedFd) -> Result<Self> {
        let within = Within::new(&dir, &facts::of(&dir)?);
        let directory = Directory { root, path, process: Process::current(), within };
        Ok(Self { directory: Arc::new(directory), state: State::Reading(dir, Vec::with_capacity(BUFFER)) })
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
                    let (directory, room) = (Arc::clone(&self.directory), mem::take(batch));
                    (self.state, *batch) = hop(move || fill(&directory, dir, buffer, room)).await?;
                    Ok(())
                }
            }
        })
    }
}

fn fill(
    directory: &Directory,
    dir: OwnedFd,
    mut buffer: Vec<u8>,
    mut batch: Batch,
) -> Result<(State, Batch)> {
    while batch.len() < ENOUGH {
        let mut piece = RawDir::new(&dir, buffer.spare_capacity_mut());
        let Some(first) = piece.next() else { return Ok((State::Ended, batch)) };
        batch.extend(directory.describe(&dir, &first?));
        while !piece.is_buffer_empty() {
            match piece.next() {
                Some(entry) => batch.extend(directory.describe(&dir, &entry?)),
                None => break,
            }
        }
    }
    Ok((State::Reading(dir, buffer), batch))
}

impl Directory {
    /// One entry; nothing for one that is hidden, or was removed since its name was read.
    fn describe(&self, dir: &OwnedFd, entry: &rustix::fs::RawDirEntry<'_>) -> Option<Entry> {
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." || part::is_part(name) {
            return None;
        }
        let mut stat = match facts::of_entry(dir, entry.file_name()) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return None,
            // A directory that may be read but not entered: its names are all there is.
            Err(_) => unknown(facts::file_type(entry.file_type()), entry.ino()),
        };
        if stat.kind == FileType::Link
            && let Ok(path) = self.path.join(name)
        {
            stat.target = links::told(&self.root, &path, dir, name);
        }
        stat.access = self.process.access(&stat, &self.within);
        Some(Entry { name: name.to_vec(), stat })
    }
}

fn unknown(kind: FileType, inode: u64) -> Stat {
    Stat {
        kind,
        target: None,
        access: Access { read: false, write: false, enter: false, remove: false },
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
