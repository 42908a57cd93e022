//! How is a server, or one session, told to end?
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// How a server, or one session, is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not yet.
    #[default]
    No,
    /// When the running transfer has finished; a server takes no new sessions.
    Drain,
    /// At once.
    Now,
}

/// How something is to end, and a way to wait for that.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    how: AtomicU8,
    raised: Notify,
}

impl Ending {
    pub(crate) fn get(&self) -> Stop {
        match self.how.load(Ordering::Acquire) {
            0 => Stop::No,
            1 => Stop::Drain,
            _ => Stop::Now,
        }
    }

    /// What has been asked for is not taken back.
    pub(super) fn raise(&self, how: Stop) {
        self.how.fetch_max(how as u8, Ordering::Release);
        self.raised.notify_waiters();
    }

    /// Waits until it is beyond `known`. Cancel-safe.
    pub(crate) async fn beyond(&self, known: Stop) {
        loop {
            let mut raised = std::pin::pin!(self.raised.notified());
            // Before the look, so that no change falls between the two.
            raised.as_mut().enable();
            if self.get() > known {
                return;
            }
            raised.await;
        }
    }
}
