//! How are pieces of a file read into memory and written from it, without a wait where that is possible?
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::sync::Arc;

use rustix::io::{Errno, ReadWriteFlags};

use super::progress::{PumpError, blocking};

/// A piece of a file in memory.
pub(super) enum Piece {
    /// Some of it; at least a byte.
    Read(Vec<u8>),
    /// The file has no more.
    Ended,
}

/// Reads up to `length` bytes of a file into a buffer, in place of what it holds: from the page cache where
/// it has them, else in the blocking pool.
pub(super) async fn read_piece(
    file: &Arc<File>,
    mut buffer: Vec<u8>,
    length: usize,
    at: u64,
) -> Result<Piece, PumpError> {
    buffer.resize(length, 0);
    buffer = match read_cached(file, &mut buffer, at) {
        Ok(count @ 1..) => {
            buffer.truncate(count);
            return Ok(Piece::Read(buffer));
        }
        // Nothing there: the file is shorter than it was, and its last page may be cold.
        Ok(0) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS) => {
            read_in_pool(file, buffer, length, at).await?
        }
        Err(errno) => return Err(PumpError::File(errno.into())),
    };
    Ok(if buffer.is_empty() { Piece::Ended } else { Piece::Read(buffer) })
}

pub(super) async fn read_in_pool(
    file: &Arc<File>,
    mut buffer: Vec<u8>,
    length: usize,
    at: u64,
) -> Result<Vec<u8>, PumpError> {
    let file = Arc::clone(file);
    let read = move || -> io::Result<Vec<u8>> {
        buffer.clear();
        buffer.reserve(length);
        rustix::io::retry_on_intr(|| {
            rustix::io::pread(&*file, rustix::buffer::spare_capacity(&mut buffer), at)
        })?;
        buffer.truncate(length);
        Ok(buffer)
    };
    blocking(read).await?.map_err(PumpError::File)
}

/// Reads what the page cache has.
pub(super) fn read_cached(file: &File, into: &mut [u8], at: u64) -> Result<usize, Errno> {
    let mut parts = [IoSliceMut::new(into)];
    rustix::io::retry_on_intr(|| rustix::io::preadv2(file, &mut parts, at, ReadWriteFlags::NOWAIT))
}

/// Writes bytes: at once where the file system can do it without waiting, else in the blocking pool. Gives
/// back the buffer.
pub(super) async fn write(file: &Arc<File>, bytes: Vec<u8>, at: u64) -> Result<Vec<u8>, PumpError> {
    let written = match rustix::io::pwritev2(&**file, &[IoSlice::new(&bytes)], at, ReadWriteFlags::NOWAIT) {
        Ok(written) if written == bytes.len() => return Ok(bytes),
        Ok(written) => written,
        // "Not without waiting", or "this file system cannot say": most cannot for a write.
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => 0,
        Err(errno) => return Err(PumpError::File(errno.into())),
    };
    let file = Arc::clone(file);
    let write = move || {
        let rest = bytes.get(written..).unwrap_or_default();
        write_all_at(&file, rest, at.saturating_add(written as u64)).map(|()| bytes)
    };
    blocking(write).await?.map_err(PumpError::File)
}

/// Writes all bytes at an offset, waiting for the disk where it must.
pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, bytes, at))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        at = at.saturating_add(written as u64);
    }
    Ok(())
}
