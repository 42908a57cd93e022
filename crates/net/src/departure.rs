//! Has a connection attempt left this machine, or does its own firewall hold it back?
//!
//! Where a rule of this machine drops a SYN on its way out, connect(2) reports nothing: it goes on waiting as
//! if the peer were silent. But the kernel counts what it has sent again and not been answered
//! (`tcpi_retrans`), and leaves out what its own lower layers refused, while it counts every try
//! (`tcpi_total_retrans`). A try that is in the second and not in the first has not left. No privilege is
//! needed, and no other connections are in these figures.
use std::os::fd::{AsRawFd, BorrowedFd};

/// What the kernel knows of a connection attempt that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It was handed to the network.
    Left,
    /// This machine refused to send it: a rule of its own for what goes out.
    Held,
    /// It is not known: nothing was sent again yet (the first time comes after a second), or the system does
    /// not say.
    Unknown,
}

/// The last try of a connection attempt: how many there were after the first, and whether that one was handed
/// to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tries {
    pub(crate) again: u32,
    pub(crate) left: bool,
}

impl Tries {
    /// What they mean.
    pub(crate) fn departure(self) -> Departure {
        match self {
            Self { again: 0, .. } => Departure::Unknown,
            Self { left: true, .. } => Departure::Left,
            Self { left: false, .. } => Departure::Held,
        }
    }
}

/// The tries of a socket that connects.
#[cfg(target_os = "linux")]
pub(crate) fn tries(socket: BorrowedFd<'_>) -> Option<Tries> {
    use nix::libc::{IPPROTO_TCP, TCP_INFO, c_void, getsockopt, socklen_t};

    /// struct tcp_info (linux/tcp.h) up to `tcpi_total_retrans`, in words: eight single bytes, then 24
    /// numbers. What later kernels report comes behind.
    const WORDS: usize = 26;
    const RETRANS: usize = 2 + 7;
    const TOTAL_RETRANS: usize = 2 + 23;
    const SIZE: socklen_t = 4 * 26;

    let mut info = [0_u32; WORDS];
    let mut size = SIZE;
    // SAFETY: the kernel writes at most `size` bytes to the first pointer, which is what the array has (26
    // words of four), and the number of bytes written to the second; both outlive the call, and any bytes are
    // good numbers.
    let failed = unsafe {
        getsockopt(
            socket.as_raw_fd(),
            IPPROTO_TCP,
            TCP_INFO,
            info.as_mut_ptr().cast::<c_void>(),
            &raw mut size,
        )
    };
    // An old kernel that reports less has not reported what is asked for.
    (failed == 0 && size == SIZE).then(|| Tries { again: info[TOTAL_RETRANS], left: info[RETRANS] > 0 })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn tries(_: BorrowedFd<'_>) -> Option<Tries> {
    None
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_try_that_was_not_handed_on_has_not_left() {
        let departure = |again, left| Tries { again, left }.departure();
        assert_eq!(departure(0, false), Departure::Unknown);
        assert_eq!(departure(2, true), Departure::Left);
        assert_eq!(departure(2, false), Departure::Held);
    }

    /// Of a connection that stands nothing was sent again, as loopback loses nothing.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_of_this_machine_tells() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(tries(stream.as_fd()), Some(Tries { again: 0, left: false }));
    }
}
