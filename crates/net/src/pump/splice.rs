//! In what do bytes travel from a socket to a file?
//!
//! In a pipe, by splice, which saves the copy into our memory and a buffer for each transfer; a buffer is for
//! where that does not work, and is held only while it carries. Measured in alternating rounds to ext4 on two
//! cores, CPU of the receiving process per GiB, median (lowest to highest). The machine was busy with other
//! work, so the lowest say most:
//!
//! | | splice, 1 MiB pipe | reads of 1 MiB |
//! |---|---|---|
//! | 1 stream, 17 rounds | 0.49 s (0.40 to 1.74) | 0.60 s (0.39 to 1.64) |
//! | 4 streams, 14 rounds | 0.46 s (0.40 to 0.85) | 0.47 s (0.44 to 0.57) |
//!
//! The difference is small. A quiet machine on which reads win would change the choice, which is
//! [`Splice::new`]'s.
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags};

use super::file::write_all_at;
use crate::{buffer, socket};

/// What goes from the socket to the file in one step, and the size of the pipe between them: the largest that
/// the kernel gives an ordinary user (fs.pipe-max-size).
const PIECE: usize = 1 << 20;

/// Either a pipe, through which the kernel moves pages, or a buffer, where the file cannot take them so.
#[derive(Debug)]
pub(super) enum Splice {
    Pipe(Pipe),
    Buffer,
}

/// Always empty between two steps.
#[derive(Debug)]
pub(super) struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
}

/// Why a step moved nothing more. A step that fails has moved nothing that counts.
#[derive(Debug)]
pub(super) enum SpliceError {
    /// Nothing has arrived.
    Empty,
    Socket(io::Error),
    File(io::Error),
}

impl Splice {
    pub(super) fn new() -> Self {
        // Without a pipe of that size, or descriptors for it, the transfer goes on all the same.
        Pipe::new().map_or(Self::Buffer, Self::Pipe)
    }

    /// Moves what has arrived, up to `limit` bytes and one piece, to an offset of the file; may wait for the
    /// disk, never for the peer. 0 is the peer's end.
    pub(super) fn carry(
        &mut self,
        socket: BorrowedFd<'_>,
        file: &File,
        at: u64,
        limit: u64,
    ) -> Result<u64, SpliceError> {
        let piece = limit.min(PIECE as u64) as usize;
        match self {
            Self::Buffer => {
                let mut bytes = buffer::take();
                let received = if piece < buffer::PIECE {
                    bytes.resize(piece, 0);
                    socket::receive(socket, &mut bytes)
                } else {
                    socket::receive_into(socket, &mut bytes)
                };
                let carried = arrived(received).and_then(|count| {
                    write_all_at(file, bytes.get(..count).unwrap_or_default(), at)
                        .map_err(SpliceError::File)?;
                    Ok(count as u64)
                });
                buffer::give(bytes);
                carried
            }
            Self::Pipe(pipe) => {
                let count = arrived(pipe.load(socket, piece))?;
                match pipe.unload(file, at, count) {
                    Ok(()) => Ok(count as u64),
                    Err(Unloaded { done, error: Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP }) => {
                        // This kind of file takes no pages. What is in the pipe is the peer's and must not be
                        // lost.
                        let mut rest = vec![0; count - done];
                        pipe.empty(&mut rest).map_err(SpliceError::File)?;
                        *self = Self::Buffer;
                        write_all_at(file, &rest, at.saturating_add(done as u64))
                            .map_err(SpliceError::File)?;
                        Ok(count as u64)
                    }
                    Err(Unloaded { error, .. }) => Err(SpliceError::File(error.into())),
                }
            }
        }
    }
}

fn arrived(result: io::Result<usize>) -> Result<usize, SpliceError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => SpliceError::Empty,
        _ => SpliceError::Socket(error),
    })
}

/// An unload that stopped.
struct Unloaded {
    done: usize,
    error: Errno,
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (out, into) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // Refused when the user's pipe pages are used up (fs.pipe-user-pages-soft: 64 pipes of this size,
        // unless we are root) or the limit is lower. Such a pipe holds 64 or even 8 KiB, and costs more than
        // a buffer.
        rustix::pipe::fcntl_setpipe_size(&into, PIECE)?;
        Ok(Self { out, into })
    }

    fn load(&self, socket: BorrowedFd<'_>, piece: usize) -> io::Result<usize> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        Ok(rustix::io::retry_on_intr(|| rustix::pipe::splice(socket, None, &self.into, None, piece, flags))?)
    }

    fn unload(&self, file: &File, at: u64, count: usize) -> Result<(), Unloaded> {
        let mut offset = at;
        let mut done = 0;
        while done < count {
            let step = rustix::io::retry_on_intr(|| {
                rustix::pipe::splice(
                    &self.out,
                    None,
                    file,
                    Some(&mut offset),
                    count - done,
                    SpliceFlags::MOVE,
                )
            });
            match step {
                // A pipe that holds bytes and a file that takes none.
                Ok(0) => return Err(Unloaded { done, error: Errno::IO }),
                Ok(moved) => done += moved,
                Err(error) => return Err(Unloaded { done, error }),
            }
        }
        Ok(())
    }

    fn empty(&self, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            let count = rustix::io::retry_on_intr(|| rustix::io::read(&self.out, &mut *into))?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            into = into.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileExt;

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, peer)
    }

    #[test]
    fn both_splices_carry_to_an_offset_and_say_when_nothing_is_there() {
        for mut splice in [Splice::new(), Splice::Buffer] {
            let (socket, mut peer) = pair();
            let file = tempfile::tempfile().unwrap();
            peer.write_all(b"0123456789").unwrap();
            // Blocking here, so that the bytes are waited for.
            assert_eq!(splice.carry(socket.as_fd(), &file, 100, 4).unwrap(), 4);
            assert_eq!(splice.carry(socket.as_fd(), &file, 104, 4).unwrap(), 4);
            let mut got = [0; 8];
            file.read_exact_at(&mut got, 100).unwrap();
            assert_eq!(&got, b"01234567");
            assert_eq!(splice.carry(socket.as_fd(), &file, 108, 90).unwrap(), 2);
            socket.set_nonblocking(true).unwrap();
            let empty = splice.carry(socket.as_fd(), &file, 110, 90);
            assert!(matches!(empty, Err(SpliceError::Empty)), "{empty:?}");
            drop(peer);
            socket.set_nonblocking(false).unwrap();
            assert_eq!(splice.carry(socket.as_fd(), &file, 110, 90).unwrap(), 0);
        }
    }

    #[test]
    fn a_file_that_takes_no_pages_keeps_its_own_error() {
        let (socket, mut peer) = pair();
        let full = File::options().write(true).open("/dev/full").unwrap();
        peer.write_all(b"0123456789").unwrap();
        let mut splice = Splice::new();
        assert!(matches!(splice, Splice::Pipe(_)));
        match splice.carry(socket.as_fd(), &full, 0, 90) {
            Err(SpliceError::File(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            other => panic!("{other:?}"),
        }
        assert!(matches!(splice, Splice::Buffer), "the pipe's bytes are not lost in silence");
    }
}
