//! How is a directory of another server listed in bounded memory, and sorted?
use std::ffi::OsStr;

use storage::{Batch, Entries, Op, Result};
use wire::Pathname;

use super::facts::stat_of;
use super::failure::{failed, unreadable};
use crate::copy::is_reserved;
use crate::directory::Listing;
use crate::pool::Pooled;
use std::os::unix::ffi::OsStrExt;

/// So many entries are sorted; what a directory has beyond that comes as the server sends it.
const SORTED: usize = 100_000;

/// How many entries are handed over at a time.
const PIECE: usize = 512;

/// The entries of a directory.
pub(super) struct Names {
    /// None: all have come.
    listing: Option<Listing<Pooled>>,
    /// Those that have come and are not handed over, the next one last.
    entries: Vec<storage::Entry>,
    started: bool,
}

impl Names {
    pub(super) async fn open(session: Pooled, path: Option<&Pathname>) -> Result<Self> {
        let listing = Listing::open(session, path).await.map_err(failed)?;
        Ok(Self { listing: Some(listing), entries: Vec::new(), started: false })
    }

    /// The next entries as the server sends them.
    async fn receive(&mut self) -> Result<()> {
        let Some(listing) = &mut self.listing else { return Ok(()) };
        let mut batch = Vec::new();
        let next = listing.next(&mut batch).await;
        let unread = listing.unread();
        if next.is_err() || batch.is_empty() {
            self.listing = None;
        }
        next.map_err(failed)?;
        if batch.is_empty() && !unread.is_empty() {
            return Err(unreadable(&unread));
        }
        self.entries.extend(batch.into_iter().filter(is_name).map(|entry| {
            let stat = stat_of(&entry.facts);
            storage::Entry { name: entry.name, stat }
        }));
        Ok(())
    }
}

/// What is a name in a tree; partial files are not seen.
fn is_name(entry: &wire::Entry) -> bool {
    let name = &entry.name;
    !name.is_empty() && !name.iter().any(|b| matches!(b, b'/' | 0)) && !is_reserved(OsStr::from_bytes(name))
}

impl Entries for Names {
    fn next<'a>(&'a mut self, batch: &'a mut Batch) -> Op<'a, ()> {
        Box::pin(async move {
            batch.clear();
            if !std::mem::replace(&mut self.started, true) {
                while self.listing.is_some() && self.entries.len() < SORTED {
                    self.receive().await?;
                }
                self.entries.sort_unstable_by(|one, other| other.name.cmp(&one.name));
            }
            while self.listing.is_some() && self.entries.is_empty() {
                self.receive().await?;
            }
            while batch.len() < PIECE
                && let Some(entry) = self.entries.pop()
            {
                batch.push(entry);
            }
            Ok(())
        })
    }
}
