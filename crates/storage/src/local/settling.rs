//! Which uploads have broken off while a write of theirs was still on its way to the disk?
//!
//! An upload is dropped at once, but a write that another thread has begun goes on to its end, and keeps the
//! part locked as long: rightly, since the part still grows. That is a matter of milliseconds; but the next
//! thing its client says is how much was kept, or goes on with it. Such a question waits until the part is
//! let go of.
use std::convert::Infallible;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Some megabytes are written in this time even by a slow disk; one that takes longer is answered for as if
/// another upload had the part.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// From the end of the last write: its thread counts itself off just before it closes the file.
const CLOSING: Duration = Duration::from_millis(20);

/// These uploads: no more than there are writes on their way, and those of the last moments.
#[derive(Debug, Default)]
pub(super) struct Settling(Mutex<Vec<Broken>>);

#[derive(Debug)]
struct Broken {
    file: Weak<File>,
    /// When nobody had the file any more.
    ended: Option<Instant>,
}

impl Settling {
    /// Notes an upload that has broken off, if somebody besides it has its file.
    pub(super) fn note(&self, file: &Arc<File>) {
        self.is_empty();
        if Arc::strong_count(file) > 1 {
            let broken = Broken { file: Arc::downgrade(file), ended: None };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(broken);
        }
    }

    /// Is there nothing to wait for?
    pub(super) fn is_empty(&self) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain_mut(|broken| {
            broken.file.strong_count() > 0
                || broken.ended.get_or_insert_with(Instant::now).elapsed() < CLOSING
        });
        all.is_empty()
    }

    /// Asks until the answer is good, or there is nothing to wait for. The first time at once; after that it
    /// blocks.
    pub(super) fn ask<T, E>(
        &self,
        good: fn(&T) -> bool,
        mut ask: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let until = Instant::now() + PATIENCE;
        loop {
            let hopeless = self.is_empty() || Instant::now() >= until;
            let answer = ask()?;
            if hopeless || good(&answer) {
                return Ok(answer);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Asks until the answer is yes, in the same way.
    pub(super) fn becomes(&self, mut true_yet: impl FnMut() -> bool) -> bool {
        let Ok(answer) = self.ask::<_, Infallible>(|yes| *yes, || Ok(true_yet()));
        answer
    }
}
