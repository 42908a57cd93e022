//! What is in a directory?
//!
//! Its entries come sorted by name, as long as [`names`](super::names) can keep the names; the rest of a
//! larger one is read in pieces of one buffer, so that a million entries cost the memory of [`names::SORTED`]
//! names.
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::RawDir;
use rustix::io::Errno;

use super::inner::hop;
use super::names::{self, Name, Names, Read};
use super::resolve::Root;
use super::rights::{Process, Within};
use super::{facts, links};
use crate::{Access, Batch, Entries, Entry, FileType, Kind, Op, Result, Stat, Time, VPath};

/// Room for what one `getdents64` call gives: about 120 entries of usual names, never over 170 (an entry
/// takes 24 bytes at least) and never under 14 (280 at most). It is held as long as the listing waits for its
/// client.
const BUFFER: usize = 4 * 1024;

/// A batch with this many is handed over; one with less goes on to the next piece, so that a small directory
/// is read to its end in one go.
const ENOUGH: usize = 64;

/// Entries of a sorted batch.
const SORTED_BATCH: usize = 128;

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
    /// Its names are being collected; between two calls it waits for room to keep them.
    Collecting(OwnedFd, Names),
    /// These first, in their order where they are all; else then what follows in the directory.
    Named(OwnedFd, Names, Rest),
    Reading(OwnedFd, Vec<u8>),
    Ended,
    /// A piece was abandoned in mid-reading, so the rest would have a hole.
    Torn,
}

/// What there is behind the names that have been collected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    More,
}

impl Listing {
    pub(super) fn new(root: Arc<Root>, path: VPath, dir: OwnedFd) -> Result<Self> {
        let within = Within::new(&dir, &facts::of(&dir)?);
        let directory = Directory { root, path, process: Process::current(), within };
        Ok(Self { directory: Arc::new(directory), state: State::Collecting(dir, Names::new()) })
    }
}

impl Entries for Listing {
    fn next<'a>(&'a mut self, batch: &'a mut Batch) -> Op<'a, ()> {
        batch.clear();
        Box::pin(async move {
            let mut state = mem::replace(&mut self.state, State::Torn);
            loop {
                state = match state {
                    State::Torn => return Err(Kind::Io.into()),
                    State::Ended => {
                        self.state = State::Ended;
                        return Ok(());
                    }
                    going => {
                        let (directory, room) = (Arc::clone(&self.directory), mem::take(batch));
                        let (state, filled) = hop(move || fill(&directory, going, room)).await?;
                        *batch = filled;
                        match state {
                            State::Collecting(dir, mut names) => {
                                if names.wait().await {
                                    State::Collecting(dir, names)
                                } else {
                                    State::Named(dir, names, Rest::More)
                                }
                            }
                            state => {
                                self.state = state;
                                return Ok(());
                            }
                        }
                    }
                };
            }
        })
    }
}

/// Goes on with the directory until a batch is full, or the end is there, or there is no room for the names.
fn fill(directory: &Directory, mut state: State, mut batch: Batch) -> Result<(State, Batch)> {
    loop {
        state = match state {
            State::Collecting(dir, mut names) => match names.read(&dir)? {
                Read::Sorted => State::Named(dir, names, Rest::Nothing),
                Read::TooMany => State::Named(dir, names, Rest::More),
                Read::NoRoom => return Ok((State::Collecting(dir, names), batch)),
            },
            State::Named(dir, mut names, rest) => {
                if directory.describe_next(&dir, &mut names, &mut batch) {
                    return Ok((State::Named(dir, names, rest), batch));
                }
                match rest {
                    Rest::Nothing => State::Ended,
                    Rest::More => State::Reading(dir, Vec::with_capacity(BUFFER)),
                }
            }
            State::Reading(dir, buffer) => return read(directory, dir, buffer, batch),
            State::Ended | State::Torn => return Ok((state, batch)),
        }
    }
}

fn read(
    directory: &Directory,
    dir: OwnedFd,
    mut buffer: Vec<u8>,
    mut batch: Batch,
) -> Result<(State, Batch)> {
    while batch.len() < ENOUGH {
        let mut piece = RawDir::new(&dir, buffer.spare_capacity_mut());
        let Some(first) = piece.next() else { return Ok((State::Ended, batch)) };
        batch.extend(directory.describe_raw(&dir, &first?));
        while !piece.is_buffer_empty() {
            match piece.next() {
                Some(entry) => batch.extend(directory.describe_raw(&dir, &entry?)),
                None => break,
            }
        }
    }
    Ok((State::Reading(dir, buffer), batch))
}

impl Directory {
    /// Describes names until the batch is full; false where there were no more of them.
    fn describe_next(&self, dir: &OwnedFd, names: &mut Names, batch: &mut Batch) -> bool {
        while batch.len() < SORTED_BATCH {
            let Some(name) = names.next() else { return false };
            batch.extend(self.describe(dir, name));
        }
        true
    }

    fn describe_raw(&self, dir: &OwnedFd, entry: &rustix::fs::RawDirEntry<'_>) -> Option<Entry> {
        let (name, kind) = (entry.file_name(), facts::file_type(entry.file_type()));
        if names::is_hidden(name.to_bytes()) {
            return None;
        }
        self.describe(dir, Name { bytes: name, kind })
    }

    /// One entry; nothing for one that was removed since its name was read.
    fn describe(&self, dir: &OwnedFd, Name { bytes: name, kind }: Name<'_>) -> Option<Entry> {
        let facts = facts::of_entry(dir, name);
        let name = name.to_bytes();
        let stat = match facts {
            Ok(facts) => {
                let path = if facts.kind == FileType::Link { self.path.join(name).ok() } else { None };
                let target = path.and_then(|path| links::visible_target(&self.root, &path, dir, name));
                let access = self.process.access(&facts, &self.within);
                facts.stat(access, target)
            }
            Err(Errno::NOENT) => return None,
            // A directory that may be read but not entered: its names are all there is.
            Err(_) => unknown(kind),
        };
        Some(Entry { name: name.to_vec(), stat })
    }
}

fn unknown(kind: FileType) -> Stat {
    Stat {
        kind,
        target: None,
        access: Access { read: false, write: false, enter: false, remove: false },
        size: 0,
        modified: Time::default(),
        created: None,
        posix: None,
        unique: None,
    }
}
