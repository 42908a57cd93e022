//! What is written into the record of an upload, and when? (What it means: see `record`.)
use std::sync::{Arc, Mutex, PoisonError};

use net::pump::Progress;
use wire::Pathname;

use super::ours::Stored;
use super::record::{Record, RecordFile, Snapshot, Was};
use crate::client::Client;
use crate::error::Error;
use crate::event::Event;

/// The record of one upload.
pub(super) struct Noted {
    file: Option<RecordFile>,
    /// Only files of this length and more are noted.
    least: u64,
    /// What an earlier run has noted.
    earlier: Option<Record>,
    progress: Arc<Progress>,
    /// Of the progress, before this upload.
    before: u64,
    tries: Mutex<Tries>,
}

impl Noted {
    pub(super) fn new(client: &Client, path: &Pathname, progress: &Arc<Progress>, least: u64) -> Self {
        let (progress, before) = (Arc::clone(progress), progress.bytes());
        let file = client.record_of(path);
        let earlier = file.as_ref().and_then(RecordFile::look);
        Self { file, least, earlier, progress, before, tries: Mutex::default() }
    }

    /// Is such a file noted?
    pub(super) fn wants(&self, ours: &Snapshot) -> bool {
        self.file.is_some() && ours.length >= self.least
    }

    /// The bytes of this file from here on go now.
    pub(super) fn begin(&self, client: &Client, ours: Snapshot, was: Was, from: u64) {
        if !self.wants(&ours) || was == Was::Unknown {
            return;
        }
        let Some(file) = &self.file else { return };
        let record = Record { ours, was, sent: None };
        let now = self.progress.bytes();
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let furthest = if tries.noted.is_some() { tries.reached(now) } else { 0 };
        *tries = Tries { noted: Some(record), from, before: now, furthest };
        if let Err(error) = file.keep(record) {
            (client.watch)(&Event::Note(format!("the upload is not noted: {error}")));
        }
    }

    /// The rest of this file, from `from` on, goes now: what is before is ours.
    pub(super) fn go_on(&self, client: &Client, ours: Snapshot, from: u64) {
        let known = self.file.as_ref().and_then(RecordFile::look);
        let was = known.filter(|record| record.ours == ours && record.was != Was::Unknown);
        self.begin(
            client,
            ours,
            was.map_or(Was::There { size: from, time: None }, |record| record.was),
            from,
        );
    }

    /// Removes the record of an upload that has arrived, unless the second of its time is not over yet: a
    /// later change in it can be told by the record alone. Of an upload that has not arrived it notes how far
    /// it may have come.
    pub(super) fn end(&self, result: Result<Stored, Error>) -> Result<Stored, Error> {
        let Some(file) = &self.file else { return result };
        let now = self.progress.bytes();
        let tries = *self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        match (&result, tries.noted, self.earlier) {
            (Ok(stored), ..) if stored.ours.is_fresh() => {
                // Without it the same time is taken for the same file.
                let (ours, sent) = (stored.ours, Some(stored.ours.length));
                let _ = file.keep(Record { ours, was: Was::Unknown, sent });
            }
            (Ok(_), ..) => file.forget(),
            (Err(_), None, _) => {}
            (Err(_), Some(record), _) if now > self.before => {
                // The older record, which knows less, is right as well.
                let _ = file.keep(Record { sent: Some(tries.reached(now)), ..record });
            }
            // Nothing of this run is there; what came of an earlier one may be.
            (Err(_), Some(_), Some(earlier)) => drop(file.keep(earlier)),
            (Err(_), Some(_), None) => file.forget(),
        }
        result
    }
}

/// How far the tries of one upload have come.
#[derive(Clone, Copy, Default)]
struct Tries {
    /// What the last one has noted.
    noted: Option<Record>,
    /// Where the last one has begun in the file, and what the progress was then.
    from: u64,
    before: u64,
    /// No try before the last one has come further.
    furthest: u64,
}

impl Tries {
    fn reached(&self, progress: u64) -> u64 {
        self.furthest.max(self.from + progress.saturating_sub(self.before))
    }
}
