//! How much of what was written has the peer not acknowledged?
use std::os::fd::BorrowedFd;

/// SIOCOUTQ (tcp(7)): bytes in the send queue that are not acknowledged.
#[cfg(all(target_os = "linux", not(any(target_arch = "mips", target_arch = "mips64"))))]
pub(crate) fn unacknowledged(fd: BorrowedFd<'_>) -> Option<u64> {
    use rustix::ioctl::{Getter, Opcode, ioctl};
    /// The same number as TIOCOUTQ, which is this one but on the oldest of Linux's architectures.
    const SIOCOUTQ: Opcode = 0x5411;
    // SAFETY: SIOCOUTQ writes one int, which is what the getter has room for; a descriptor that is no TCP
    // socket makes it fail, or gives a terminal's queue in the same int.
    let count = unsafe { ioctl(fd, Getter::<SIOCOUTQ, core::ffi::c_int>::new()) };
    count.ok().and_then(|count| u64::try_from(count).ok())
}

#[cfg(not(all(target_os = "linux", not(any(target_arch = "mips", target_arch = "mips64")))))]
pub(crate) fn unacknowledged(_: BorrowedFd<'_>) -> Option<u64> {
    None
}
