//! How is memory that was freed given back to the system?
//!
//! glibc takes large blocks from the system one by one and gives each back when it is freed, but the first
//! that is freed raises the size from which a block counts as large, up to 32 MiB. What was freed then stays
//! with the process, in as many arenas as threads have allocated in: some hundred megabytes after some
//! hundred logins. Setting the size keeps it.

/// Bytes from which a block is taken from the system and given back by itself: glibc's own first value. A
/// session's everyday buffers are smaller, so they cost no system call.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: nix::libc::c_int = 128 * 1024;

/// From now on every freed block of 128 KiB or more goes back to the system at once, and the free end of the
/// heap from that size on. To be called at the start of the process. Where the C library is not glibc there
/// is nothing to do.
pub fn give_back_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use nix::libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};
        for parameter in [M_MMAP_THRESHOLD, M_TRIM_THRESHOLD] {
            // SAFETY: mallopt(3) takes two numbers and no pointer, locks the allocator itself, and a value
            // that it does not like changes nothing; the allocator then works as before, so the outcome need
            // not be looked at.
            let _ = unsafe { mallopt(parameter, LARGE) };
        }
    }
}

/// Gives the system back what is free between blocks that are in use, which the thresholds do not reach:
/// small blocks of thousands of sessions that have ended. It takes some milliseconds, so it belongs on a
/// thread that may wait.
pub fn give_back_the_rest() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim(3) takes a number and no pointer, and locks the allocator itself.
        let _ = unsafe { nix::libc::malloc_trim(0) };
    }
}
