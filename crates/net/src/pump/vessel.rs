//! In what do bytes travel from a socket to a file?
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags};

use super::receive::write_all_at;

/// What goes from the socket to the file in one step, and the size of the pipe between them: the largest that the
/// kernel gives an ordinary user (fs.pipe-max-size). Where it gives less, the steps are smaller.
const PIECE: usize = 1 << 20;

/// Either a pipe, through which the kernel moves pages, or a buffer, where the file cannot take them so.
#[derive(Debug)]
pub(super) enum Vessel {
    Pipe(Pipe),
    Buffer(Vec<u8>),
}

/// Always empty between two steps.
#[derive(Debug)]
pub(super) struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
}

/// Why a step moved nothing more. A step that fails has moved nothing that counts.
#[derive(Debug)]
pub(super) enum VesselError {
    /// Nothing has arrived.
    Dry,
    Socket(io::Error),
    File(io::Error),
}

impl Vessel {
    pub(super) fn new() -> Self {
        // Without descriptors for a pipe the transfer goes on all the same.
        Pipe::new().map_or_else(|_| Self::buffer(), Self::Pipe)
    }

    fn buffer() -> Self {
        Self::Buffer(vec![0; PIECE])
    }

    /// Moves what has arrived, up to `limit` bytes and one piece, to an offset of the file; may wait for the disk,
    /// never for the peer. 0 is the peer's end.
    pub(super) fn carry(
        &mut self,
        socket: BorrowedFd<'_>,
        file: &File,
        at: u64,
        limit: u64,
    ) -> Result<u64, VesselError> {
        let piece = limit.min(PIECE as u64) as usize;
        match self {
            Self::Buffer(buffer) => {
                let part = buffer.get_mut(..piece).unwrap_or_default();
                let count = arrived(crate::data::receive(socket, part))?;
                write_all_at(file, part.get(..count).unwrap_or_default(), at).map_err(VesselError::File)?;
                Ok(count as u64)
            }
            Self::Pipe(pipe) => {
                let count = arrived(pipe.load(socket, piece))?;
                match pipe.unload(file, at, count) {
                    Ok(()) => Ok(count as u64),
                    Err(Unloaded { done, error: Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP }) => {
                        // This kind of file takes no pages. What is in the pipe is the peer's and must not be lost.
                        let mut rest = vec![0; count - done];
                        pipe.empty(&mut rest).map_err(VesselError::File)?;
                        *self = Self::buffer();
                        write_all_at(file, &rest, at.saturating_add(done as u64))
                            .map_err(VesselError::File)?;
                        Ok(count as u64)
                    }
                    Err(Unloaded { error, .. }) => Err(VesselError::File(error.into())),
                }
            }
        }
    }
}

fn arrived(result: io::Result<usize>) -> Result<usize, VesselError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => VesselError::Dry,
        _ => VesselError::Socket(error),
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
        // Where it is refused (the user's pipe pages are used up), the pipe stays at its 64 KiB and the steps are small.
        let _ = rustix::pipe::fcntl_setpipe_size(&into, PIECE);
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
