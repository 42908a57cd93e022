//! How far is a transfer, and why did it end?
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

/// A transfer gives other tasks their turn after this many bytes without a wait: about a millisecond's work.
pub(super) const TURN: u64 = 4 << 20;

/// Bytes moved so far, to be read while the transfer goes on.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    start: AtomicU64,
}

impl Progress {
    /// Counts more bytes.
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes counted so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The transfer starts behind so many bytes of its file, which are not counted.
    pub fn starts_at(&self, offset: u64) {
        self.start.store(offset, Ordering::Relaxed);
    }

    /// How many bytes of the file are before those that are counted.
    pub fn start(&self) -> u64 {
        self.start.load(Ordering::Relaxed)
    }
}

/// Why a transfer ended before its end, and by whose fault.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// The peer took or gave nothing for this long.
    #[error("the data connection stalled for {0:?}")]
    Stalled(Duration),
    /// The data connection broke: reset, unreachable, or closed against our bytes.
    #[error("the data connection broke: {0}")]
    Peer(#[source] io::Error),
    /// The connection ended under TLS without close_notify: the file may have been cut by an attacker on the
    /// way. Everything that came before has been given.
    #[error("the data connection ended without the end of TLS")]
    Truncated,
    /// Our own file could not be read or written; the error keeps its number, as a full disk is not a broken
    /// one.
    #[error("the file failed: {0}")]
    File(#[source] io::Error),
    /// The file ended before the length that was asked for; all it had was sent.
    #[error("the file ended after {sent} of {expected} bytes")]
    Short {
        /// Bytes sent.
        sent: u64,
        /// Bytes asked for.
        expected: u64,
    },
}

/// Waits for the peer, at most `stall`.
pub(super) async fn patiently<T>(
    stall: Duration,
    wait: impl Future<Output = io::Result<T>>,
) -> Result<T, PumpError> {
    match timeout(stall, wait).await {
        Ok(result) => result.map_err(PumpError::Peer),
        Err(_) => Err(PumpError::Stalled(stall)),
    }
}

/// Runs blocking work in tokio's pool. Its panic would be a bug of ours and is passed on; a runtime that
/// shuts down refuses the work, and the transfer ends as if its file had failed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PumpError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result),
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(failed) => Err(PumpError::File(io::Error::other(failed))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whose_fault_it_was() {
        let full = PumpError::File(io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error()));
        assert!(full.to_string().starts_with("the file failed: No space left"));
        let short = PumpError::Short { sent: 3, expected: 10 };
        assert_eq!(short.to_string(), "the file ended after 3 of 10 bytes");
        let stalled = PumpError::Stalled(Duration::from_secs(60));
        assert_eq!(stalled.to_string(), "the data connection stalled for 60s");
    }

    #[test]
    fn progress_adds_up() {
        let progress = Progress::default();
        progress.add(3);
        progress.add(4);
        assert_eq!(progress.bytes(), 7);
    }
}
