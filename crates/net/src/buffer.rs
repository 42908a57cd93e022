//! In which memory do pieces of a file lie on their way?
//!
//! In buffers that a transfer takes when there is something to move and gives back before it waits for its
//! peer, so that a thousand transfers whose peers do nothing hold none. Some are kept here for the next one:
//! large pieces of memory that are allocated and freed all the time cost page faults, as the allocator
//! returns them to the system.
use std::sync::{Mutex, PoisonError};

/// Room for a piece: 64 KiB. The cost of a system call is spread over it, and it stays in the processor's
/// cache.
pub const PIECE: usize = 64 << 10;

/// Room for what is decrypted before it is written in the blocking pool: 192 KiB. Each write takes a change
/// of threads; with 1 MiB the copy into the page cache found the bytes no longer in the processor's cache and
/// took twice as long.
pub(crate) const GATHER: usize = 192 << 10;

/// Buffers that are kept: as many as are in use at one moment on some cores. At most 1.75 MiB.
const KEPT: usize = 16;
const KEPT_LARGE: usize = 4;

/// Buffers of one size.
#[derive(Debug)]
pub(crate) struct Buffers {
    size: usize,
    most: usize,
    kept: Mutex<Vec<Vec<u8>>>,
}

static PIECES: Buffers = Buffers::new(PIECE, KEPT);
pub(crate) static GATHERED: Buffers = Buffers::new(GATHER, KEPT_LARGE);

/// An empty buffer with room for [`PIECE`] bytes.
#[must_use]
pub fn take() -> Vec<u8> {
    PIECES.take()
}

/// Gives a buffer back that [`take`] gave. One that is dropped instead is freed.
pub fn give(buffer: Vec<u8>) {
    PIECES.give(buffer);
}

impl Buffers {
    const fn new(size: usize, most: usize) -> Self {
        Self { size, most, kept: Mutex::new(Vec::new()) }
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| Vec::with_capacity(self.size))
    }

    /// A buffer of another size, as one that has never had room, or has grown, is not kept.
    pub(crate) fn give(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() != self.size {
            return;
        }
        buffer.clear();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_few_are_kept() {
        let buffers = Buffers::new(100, 2);
        let all: Vec<Vec<u8>> = (0..5).map(|_| buffers.take()).collect();
        for mut buffer in all {
            buffer.push(1);
            buffers.give(buffer);
        }
        buffers.give(Vec::new());
        assert_eq!(buffers.kept.lock().unwrap().len(), 2);
        let again = buffers.take();
        assert!(again.is_empty() && again.capacity() == 100);
    }
}
