//! How is a listening socket made, and a connection taken from it?
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::SocketFlags;
use socket2::{Domain, Protocol, Socket, Type};

use crate::address::canonical;
use crate::segments;

/// How long a listener rests when descriptors have run out: long enough not to spin, short enough not to be
/// noticed once one is free again.
pub(crate) const EXHAUSTED: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted. The loop takes them within microseconds; this is for a burst.
const BACKLOG: i32 = 1024;

/// Which families a listening socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    /// The address's own.
    Single,
    /// IPv6, and IPv4 as mapped addresses.
    Dual,
}

impl Stack {
    /// `[::]` alone stands for "every address of this machine".
    pub(crate) fn for_one(address: IpAddr) -> Self {
        if address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) { Self::Dual } else { Self::Single }
    }
}

/// A non-blocking listening socket, closed on exec. SO_REUSEADDR lets a restarted server have its ports back
/// while old connections linger in TIME_WAIT; it never lets two listeners share a port. `mss` is the largest
/// segment of what it accepts, where there is to be one.
pub(crate) fn listening(at: SocketAddr, stack: Stack, mss: Option<u16>) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(at), kind, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if at.is_ipv6() {
        socket.set_only_v6(stack == Stack::Single)?;
    }
    if let Some(mss) = mss {
        segments::limit(&socket, mss)?;
    }
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Takes the next connection of a listening socket, without waiting: non-blocking, closed on exec, and with
/// its peer's address, all in one system call.
pub(crate) fn accept(listening: &Arc<OwnedFd>) -> io::Result<(OwnedFd, SocketAddr)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = rustix::io::retry_on_intr(|| rustix::net::acceptfrom_with(listening, flags))?;
    // The kernel names every TCP peer; without a name there is no claim to find, and the connection counts as
    // lost.
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).ok_or(Errno::CONNABORTED)?;
    Ok((socket, canonical(peer)))
}

/// What a failed `accept` says about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptFailure {
    /// That connection is gone, or the network had a moment (accept(2), "Error handling"): accept again.
    Passing,
    /// No descriptors or memory left: again at once would spin, as the connection stays in the queue.
    Exhausted,
    /// The listening socket itself is no good.
    Fatal,
}

impl AcceptFailure {
    pub(crate) fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Self::Exhausted,
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::FAULT) | None => Self::Fatal,
            Some(_) => Self::Passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_is_told_from_a_lost_connection() {
        let of = |errno: Errno| AcceptFailure::of(&errno.into());
        assert_eq!(of(Errno::MFILE), AcceptFailure::Exhausted);
        assert_eq!(of(Errno::NFILE), AcceptFailure::Exhausted);
        assert_eq!(of(Errno::CONNABORTED), AcceptFailure::Passing);
        assert_eq!(of(Errno::PERM), AcceptFailure::Passing);
        assert_eq!(of(Errno::INVAL), AcceptFailure::Fatal);
    }
}
