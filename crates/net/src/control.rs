//! How are bytes read from and written to a control connection?
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustix::net::{RecvFlags, SendFlags, Shutdown};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};

use crate::{canonical, keepalive};

pub use crate::listener::Listener;

/// The most one [`Control::read`] appends. A command line is rarely over 100 bytes; a client that sends many at once
/// is read in turns, so that one read cannot make a session's memory grow.
pub const READ_LIMIT: usize = 4096;

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

/// A control connection, either side's. It holds no buffers of its own. TCP_NODELAY, SO_OOBINLINE and TCP keepalive
/// (15 s of silence, then four probes 15 s apart) are set.
#[derive(Debug)]
pub struct Control {
    stream: TcpStream,
    peer: SocketAddr,
}

impl Control {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr) -> Self {
        Self { stream, peer }
    }

    /// Calls a server, from a given local address and port where one is asked for (port 0: any). There is no deadline
    /// here: put one around it.
    ///
    /// # Errors
    /// The system's: no such local address, refused, unreachable, timed out by the kernel.
    pub async fn connect(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<Self> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(from) = from {
            socket.set_reuseaddr(from.port() != 0)?;
            socket.bind(from)?;
        }
        keepalive::prepare(SockRef::from(&socket))?;
        Ok(Self::new(socket.connect(to).await?, canonical(to)))
    }

    /// The other end; never an IPv4 address mapped into IPv6.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our end: the address the peer reached us at; never an IPv4 address mapped into IPv6. Asks the kernel each time.
    pub fn local(&self) -> SocketAddr {
        // The kernel knows the name of a connected socket also after the peer has gone; if it ever refuses, an
        // address that belongs to nobody is the harmless answer.
        self.stream.local_addr().map_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), canonical)
    }

    /// Appends what has arrived, at most [`READ_LIMIT`] bytes, waiting for the first one; 0 is the peer's end.
    /// Cancel-safe: a dropped read has taken nothing.
    ///
    /// Urgent data stays in its place in the stream. The kernel ends a read before the urgent mark, so that a short
    /// read does *not* mean that nothing more is there; tokio's own reads take it so and would then wait for an event
    /// that does not come (an ABOR sent with a Synch, RFC 959 4.1.3, would hang). Hence `try_io`, which forgets the
    /// readiness only when the kernel says that there is nothing.
    ///
    /// # Errors
    /// The connection's: reset, or timed out by keepalive.
    pub async fn read(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_io(Interest::READABLE, || self.receive(into)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    fn receive(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        // On the stack, so that a connection that waits costs no buffer and `into` grows by what came, not by a guess.
        let mut buffer = [0; READ_LIMIT];
        let (count, _) = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.stream, &mut buffer[..], RecvFlags::empty())
        })?;
        into.extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// What a [`Control::read`] would meet now, without waiting and without taking anything.
    pub fn waiting(&self) -> Waiting {
        let peeked = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.stream, &mut [0; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT)
        });
        match peeked {
            Ok((0, _)) => Waiting::End,
            Ok(_) => Waiting::Bytes,
            Err(rustix::io::Errno::AGAIN) => Waiting::Nothing,
            Err(_) => Waiting::End,
        }
    }

    /// Writes what the kernel takes at once, without waiting: how many bytes.
    ///
    /// # Errors
    /// `WouldBlock` when it takes none; the connection's.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::net::send(&self.stream, bytes, SendFlags::NOSIGNAL))?)
    }

    /// Writes all of it, waiting where it must. There is no deadline here: put one around it, for a peer that does not
    /// read. Dropped, it may have written a part.
    ///
    /// # Errors
    /// The connection's.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        // The kernel's buffer is almost always free: ask it first, and the event loop only when it was not.
        match self.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_io(Interest::WRITABLE, || self.try_write(bytes)) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends our direction: the peer reads the end after what was written. Reading goes on.
    pub fn shutdown(&self) {
        // It fails only where the connection is gone already, which the next read says.
        let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_sides_have_the_options_of_a_control_connection() {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let (called, accepted) = tokio::join!(Control::connect(listener.local(), None), listener.accept());
        for control in [called.unwrap(), accepted.unwrap()] {
            let socket = SockRef::from(&control.stream);
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.out_of_band_inline().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), keepalive::IDLE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), keepalive::INTERVAL);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), keepalive::PROBES);
        }
    }
}
