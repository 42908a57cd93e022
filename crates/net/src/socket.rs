//! How are bytes read from and written to a socket?
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use socket2::SockRef;
use tokio::io::Interest;

use crate::watch::{Watched, watch};

/// What waits to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing yet.
    Nothing,
    /// Bytes.
    Bytes,
    /// The peer's end, or the connection's.
    End,
}

/// A non-blocking socket, and its registration with the event loop once it had to wait.
#[derive(Debug)]
pub(crate) struct Socket {
    // Before `fd`, so that it leaves the event loop while the descriptor is open.
    watch: Option<Watched>,
    // Shared with the blocking pool during a hop (see `pump`), which outlives a cancelled transfer by a
    // moment.
    fd: Arc<OwnedFd>,
}

impl Socket {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { watch: None, fd: Arc::new(fd) }
    }

    pub(crate) fn share(&self) -> &Arc<OwnedFd> {
        &self.fd
    }

    #[cfg(test)]
    pub(crate) fn is_watched(&self) -> bool {
        self.watch.is_some()
    }

    /// The registration with the event loop, made when it is first asked for.
    pub(crate) fn watch(&mut self) -> io::Result<&Watched> {
        if self.watch.is_none() {
            let both = Interest::READABLE | Interest::WRITABLE;
            self.watch = Some(watch(Arc::clone(&self.fd), both)?);
        }
        // Just filled when it was empty.
        self.watch.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Tries an operation on the socket until it does not say `WouldBlock`: at once as long as the socket is
    /// not registered, then by readiness. Cancel-safe when the operation is.
    pub(crate) async fn when<T>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.watch.is_none() {
            match operation(self.fd.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
        self.watch()?.async_io(interest, |fd| operation(fd.as_fd())).await
    }

    /// The same for an operation above TLS, which may have what it needs without the socket: always tried at
    /// once first.
    pub(crate) async fn attempt<T>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        match operation(self.fd.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return other,
        }
        self.watch()?.async_io(interest, |fd| operation(fd.as_fd())).await
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What has arrived, without waiting; 0 is the peer's end.
pub(crate) fn receive(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let (count, _) = rustix::io::retry_on_intr(|| rustix::net::recv(fd, &mut *into, RecvFlags::DONTWAIT))?;
    Ok(count)
}

/// The same, appended in the room that a buffer has left.
pub(crate) fn receive_into(fd: BorrowedFd<'_>, into: &mut Vec<u8>) -> io::Result<usize> {
    let (count, _) = rustix::io::retry_on_intr(|| {
        rustix::net::recv(fd, rustix::buffer::spare_capacity(into), RecvFlags::DONTWAIT)
    })?;
    Ok(count)
}

/// What a read would meet, without waiting and without taking anything.
pub(crate) fn waiting(fd: BorrowedFd<'_>) -> Waiting {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::io::retry_on_intr(|| rustix::net::recv(fd, &mut [0; 1][..], flags)) {
        Ok((0, _)) => Waiting::End,
        Ok(_) => Waiting::Bytes,
        Err(Errno::AGAIN) => Waiting::Nothing,
        Err(_) => Waiting::End,
    }
}

/// Sends what the kernel takes at once: how many bytes.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    Ok(rustix::io::retry_on_intr(|| rustix::net::send(fd, bytes, flags))?)
}

/// `WouldBlock` until the kernel's buffer has much room: on Linux a third of it. A connection that is gone
/// has room, as the next write says so.
pub(crate) fn room(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&at_once)))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

/// Reads what has arrived, so that a close is not a reset.
pub(crate) fn drain(fd: BorrowedFd<'_>) {
    let mut scratch = [0; 4096];
    // At most what a receive buffer first holds (128 KiB by default); a peer that sends more is not waited
    // for.
    for _ in 0..32 {
        let Ok(1..) = receive(fd, &mut scratch) else { break };
    }
}

/// Makes a close a reset: what has not arrived by then is discarded, and the peer does not take it for the
/// end of a file.
pub(crate) fn reset_at_close(fd: BorrowedFd<'_>) {
    // It fails only where the connection is gone already.
    let _ = SockRef::from(&fd).set_linger(Some(Duration::ZERO));
}
