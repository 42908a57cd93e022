//! What does every operation on a folder need?
use std::sync::Arc;
use std::time::Duration;

use super::fault::Faults;
use super::resolve::Root;
use super::rights::Process;
use super::settling::Settling;
use crate::{Error, Kind, Result};

/// What is done so that a power cut takes nothing that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// A file and its name are on the disk before [`Sink::commit`](crate::Sink::commit) is done; so are new
    /// directories and renames. (A removal is not waited for: losing it loses nothing.)
    Always,
    /// The system writes it when it likes. Nothing is lost when only this process ends.
    Never,
}

/// How a folder is shared.
#[derive(Clone, Copy, Debug)]
pub struct LocalOptions {
    /// Refuse every change with [`Kind::ReadOnly`] before anything is touched.
    pub read_only: bool,
    /// What is synced.
    pub sync: Sync,
    /// Permission bits that new files and directories do not get. They get exactly the others of 0o666 and
    /// 0o777, whatever the process's own mask is.
    pub umask: u32,
    /// How long the part of a broken upload is kept for resuming. Zero: not at all.
    pub keep_parts: Duration,
}

impl Default for LocalOptions {
    /// Read-only, synced, `022`, and a day: long enough for a user who lost the connection in the evening,
    /// short enough that what is left lying does not fill a disk.
    fn default() -> Self {
        Self {
            read_only: true,
            sync: Sync::Always,
            umask: 0o022,
            keep_parts: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What the clones of one tree share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) root: Arc<Root>,
    pub(super) options: LocalOptions,
    pub(super) process: Process,
    pub(super) settling: Settling,
    pub(super) faults: Faults,
}

impl Inner {
    pub(super) fn new(root: Root, options: LocalOptions) -> Self {
        Self {
            root: Arc::new(root),
            options,
            process: Process::current(),
            settling: Settling::default(),
            faults: Faults::default(),
        }
    }
}

/// Runs what may wait for a disk on the blocking pool.
pub(super) async fn hop<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // The runtime is ending, or it is our bug.
        Err(error) => Err(Error { kind: Kind::Io, source: Some(error.into()) }),
    }
}
