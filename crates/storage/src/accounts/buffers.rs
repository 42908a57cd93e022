//! In which memory are passwords verified?
//!
//! A verification fills 19 MiB. Buffers that are allocated and freed each time, by ever other threads, stay
//! with the allocator: after fifty logins the process held 400 MiB. So they are used again while there is
//! work, and freed after it.
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::Block;

/// Unused buffers: never more of them than there were verifications at once.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<Block>>>);

impl Buffers {
    /// A buffer of at least so many blocks (1 KiB each), to be given back; None: there is no memory for it.
    pub(super) fn take(&self, blocks: usize) -> Option<Vec<Block>> {
        // Popped first, so that one that is too small is freed before a larger one is allocated.
        let free = self.free().pop();
        if let Some(buffer) = free.filter(|buffer| buffer.len() >= blocks) {
            return Some(buffer);
        }
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(blocks).ok()?;
        buffer.resize(blocks, Block::new());
        Some(buffer)
    }

    /// It is not used any more.
    pub(super) fn give(&self, buffer: Vec<Block>) {
        self.free().push(buffer);
    }

    /// Frees the unused ones.
    pub(super) fn clear(&self) {
        let freed = std::mem::take(&mut *self.free());
        drop(freed);
    }

    /// Nothing panics under the lock.
    fn free(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_given_again_if_it_is_large_enough() {
        let buffers = Buffers::default();
        let first = buffers.take(8).unwrap();
        let second = buffers.take(8).unwrap();
        let at = second.as_ptr();
        buffers.give(first);
        buffers.give(second);
        assert_eq!(buffers.take(4).map(|buffer| buffer.as_ptr()), Some(at));
        assert_eq!(
            buffers.take(16).map(|buffer| buffer.len()),
            Some(16),
            "the one that is too small is freed"
        );
        assert!(buffers.free().is_empty());
    }

    #[test]
    fn what_is_not_used_is_freed() {
        let buffers = Buffers::default();
        buffers.give(buffers.take(8).unwrap());
        buffers.clear();
        assert_eq!(buffers.free().capacity(), 0);
    }
}
