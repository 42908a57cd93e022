//! What is spoken on a connection: bytes as they are, or TLS?
use std::io;
use std::os::fd::BorrowedFd;

use crate::socket::{self, Waiting};
use crate::tls::layer::{Layer, Room};

/// What stands between a connection's owner and its socket. It knows neither, and nothing here waits.
#[derive(Debug)]
pub(crate) enum Transport {
    /// Bytes as they are. Those that came already, behind TLS, are read first.
    Plain(Vec<u8>),
    /// A TLS handshake is under way, or has failed: these bytes must not be taken for unencrypted ones.
    Handshake,
    Tls(Box<Layer>),
}

impl Transport {
    /// Appends at most `limit` bytes. 0 is the peer's end, under TLS said by close_notify; there an end
    /// without it is `UnexpectedEof`. `NotConnected` where TLS is not established.
    pub(crate) fn read(&mut self, fd: BorrowedFd<'_>, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        match self {
            Self::Plain(rest) if !rest.is_empty() => {
                let count = rest.len().min(limit);
                into.extend(rest.drain(..count));
                Ok(count)
            }
            Self::Plain(_) => {
                // On the stack, so that a connection that waits costs no buffer and `into` grows by what
                // came, not by a guess.
                let mut buffer = [0; READ];
                let room = buffer.get_mut(..limit.min(READ)).unwrap_or_default();
                let count = socket::receive(fd, room)?;
                into.extend_from_slice(buffer.get(..count).unwrap_or_default());
                Ok(count)
            }
            Self::Handshake => Err(io::ErrorKind::NotConnected.into()),
            Self::Tls(layer) => layer.read(fd, into, limit, Room::Control),
        }
    }

    /// What a read would meet now, without taking anything.
    pub(crate) fn waiting(&mut self, fd: BorrowedFd<'_>) -> Waiting {
        match self {
            Self::Plain(rest) if !rest.is_empty() => Waiting::Bytes,
            Self::Plain(_) => socket::waiting(fd),
            Self::Handshake => Waiting::End,
            Self::Tls(layer) => layer.waiting(fd),
        }
    }

    /// Takes bytes to be sent: how many. What TLS has taken may still have to be flushed.
    pub(crate) fn write(&mut self, fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(_) => socket::send(fd, bytes),
            Self::Handshake => Err(io::ErrorKind::NotConnected.into()),
            Self::Tls(layer) => layer.write(fd, bytes),
        }
    }

    /// Gives the kernel all that TLS has encrypted.
    pub(crate) fn flush(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.layer_mut().map_or(Ok(()), |layer| layer.flush(fd))
    }

    /// TLS has bytes that the kernel has not taken yet.
    pub(crate) fn has_unsent(&self) -> bool {
        self.layer().is_some_and(Layer::has_unsent)
    }

    /// Under TLS: says that nothing more comes from us, and gives the kernel what it takes of it.
    pub(crate) fn close_notify(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.layer_mut().map_or(Ok(()), |layer| layer.close(fd))
    }

    /// Bytes may be here that the event loop knows nothing of.
    pub(crate) fn reads_first(&self) -> bool {
        match self {
            Self::Plain(rest) => !rest.is_empty(),
            Self::Handshake | Self::Tls(_) => true,
        }
    }

    /// Goes on unencrypted, after close_notify from both sides, with what came behind the peer's.
    pub(crate) fn end_tls(&mut self) {
        if let Self::Tls(layer) = std::mem::replace(self, Self::Handshake) {
            *self = Self::Plain(layer.into_rest());
        }
    }

    pub(crate) fn layer(&self) -> Option<&Layer> {
        if let Self::Tls(layer) = self { Some(layer) } else { None }
    }

    pub(crate) fn layer_mut(&mut self) -> Option<&mut Layer> {
        if let Self::Tls(layer) = self { Some(layer) } else { None }
    }
}

/// One unencrypted read.
const READ: usize = 4096;
