//! Which control connection's TLS session is meant?
use std::sync::atomic::{AtomicU64, Ordering};

/// Names the TLS of one control connection among all of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub(crate) u64);

impl SessionId {
    /// One that was never given before.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
