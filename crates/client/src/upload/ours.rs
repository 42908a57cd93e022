//! Is our file still what was sent?
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wire::Stamp;

use super::record::Snapshot;
use crate::error::Error;
use crate::proof::digest_of;

/// How an upload has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// How many bytes of it were sent.
    pub sent: Resumed,
    /// Our file as it was sent.
    pub(super) ours: Snapshot,
}

impl Stored {
    /// The length of the file, there and here.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.ours.length
    }

    /// The time of modification of what was sent, to the second; our file may have changed since. None before
    /// 1970.
    #[must_use]
    pub fn modified(&self) -> Option<Stamp> {
        self.ours.stamp()
    }
}

/// What an upload found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// The site had it all.
    AlreadyWhole,
    /// These bytes were missing, and are there now.
    Sent(u64),
}

/// Our file, to be looked at before its end is told: a mixture that is broken off is not published.
pub(super) struct Watched {
    ours: Snapshot,
    /// The hash of what is to be sent, where it is known.
    content: Option<String>,
    changed: AtomicBool,
}

impl Watched {
    pub(super) fn new(ours: Snapshot, content: Option<String>) -> Self {
        Self { ours, content, changed: AtomicBool::new(false) }
    }

    pub(super) async fn look(&self, file: &Arc<File>) -> io::Result<()> {
        match is_unchanged(file, &self.ours, self.content.clone()).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.changed.store(true, Ordering::Relaxed);
                Err(io::Error::other("it has changed while it was sent"))
            }
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }

    /// It was broken off for that.
    pub(super) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }
}

pub(super) fn snapshot(file: &File) -> Result<Snapshot, Error> {
    Snapshot::of(file).map_err(|error| Error::local("looking at our file", error))
}

/// Is what was sent the content of one version of our file? `content` is the hash of what was to be sent,
/// where it is known.
pub(super) async fn is_unchanged(
    file: &Arc<File>,
    before: &Snapshot,
    content: Option<String>,
) -> Result<bool, Error> {
    let after = snapshot(file)?;
    match content {
        _ if after == *before => Ok(true),
        Some(content) if after.length >= before.length => {
            Ok(digest_of(file, before.length).await? == content)
        }
        _ => Ok(false),
    }
}
