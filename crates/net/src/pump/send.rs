//! How are bytes sent on a data connection?
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::{Errno, ReadWriteFlags};
use rustix::net::SendFlags;
use tokio::io::Interest;

use super::{Progress, PumpError, TURN, blocking, patiently, protected};
use crate::buffer;
use crate::data::Data;

/// The most that one sendfile is asked for: enough to fill any socket buffer, little enough to look around after it.
const PIECE: u64 = 1 << 20;

/// Up to this many bytes a read and a send cost less than a probe and a sendfile: the same two system calls, but the
/// read is its own probe and no pipe is made in the kernel.
const SMALL: usize = 16 << 10;

/// Sends a range of a file, its bytes as they are, and returns how many. Nothing is copied in user space but the last
/// 16 KiB and files of a kind that sendfile cannot read.
///
/// It starts at once, and waits for the peer only when the kernel's buffer is full. The event loop never waits for
/// the disk: before each piece the page cache is asked for its last byte (RWF_NOWAIT), and where that is not there,
/// or the file system cannot say, the piece is sent from the blocking pool. (A page missing *inside* a piece whose end
/// is cached does block; the kernel reads ahead in order, so that takes somebody who reads the file backwards.)
///
/// Dropped, it stops; a piece that is in the blocking pool at that moment, up to 1 MiB, may still be sent.
///
/// # Errors
/// [`PumpError::Short`] when the file ends inside the range (what it had is sent: that a file shrinks is no reason to
/// stop, but the caller should say so), and the others by their fault.
pub async fn send_file(
    data: &mut Data,
    file: &Arc<File>,
    range: Range<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    if data.is_protected() {
        return protected::send_file(data, file, range, stall, progress).await;
    }
    let expected = range.end.saturating_sub(range.start);
    let mut at = range.start;
    let mut turn = 0;
    let mut way = Way::Cached;
    while at < range.end {
        let rest = at..range.end;
        let step = match way {
            Way::Cached => {
                let attempt = data.when(Interest::WRITABLE, |fd| cached_piece(fd, file, &rest));
                patiently(stall, attempt).await?
            }
            Way::Pool => {
                let file = Arc::clone(file);
                data.when_in_pool(Interest::WRITABLE, stall, move |fd| kernel_piece(fd, &file, &rest)).await?
            }
            Way::Copy => copied_piece(data, file, &rest, stall).await?,
        };
        // A cold piece says nothing of the next one: the kernel has begun to read ahead.
        way = if way == Way::Pool { Way::Cached } else { way };
        match step {
            Step::Moved(moved) => {
                at += moved;
                turn += moved;
                progress.add(moved);
            }
            Step::Ended => return Err(PumpError::Short { sent: at - range.start, expected }),
            Step::Cold => way = Way::Pool,
            Step::Unable => way = Way::Copy,
            Step::Failed(error) => return Err(error),
        }
        if turn >= TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(expected)
}

/// Sends all the bytes.
///
/// # Errors
/// [`PumpError::Stalled`] and [`PumpError::Peer`]; a part may have been sent, as `progress` tells.
pub async fn send(
    data: &mut Data,
    bytes: &[u8],
    stall: Duration,
    progress: &Progress,
) -> Result<(), PumpError> {
    if data.is_protected() {
        return protected::send(data, bytes, stall, progress).await;
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let sent = patiently(stall, data.when(Interest::WRITABLE, |fd| send_some(fd, rest))).await?;
        progress.add(sent as u64);
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Would [`room`] be there at once?
#[must_use]
pub fn has_room(data: &mut Data) -> bool {
    let (socket, layer) = data.parts();
    match layer {
        Some(layer) => socket.try_now(|fd| protected::room(layer, fd)).is_ok(),
        None => socket.try_now(crate::data::room).is_ok(),
    }
}

/// Waits until the kernel takes more: usually a third of its buffer is free then, and a piece of [`buffer::PIECE`] fits. Under
/// TLS also until it has taken what is encrypted already. To be waited for with empty hands, before the next piece is read.
///
/// # Errors
/// [`PumpError::Stalled`] and [`PumpError::Peer`].
pub async fn room(data: &mut Data, stall: Duration) -> Result<(), PumpError> {
    if data.is_protected() {
        return protected::wait_for_room(data, stall).await;
    }
    patiently(stall, data.when(Interest::WRITABLE, crate::data::room)).await
}

/// Where the next piece is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// On the event loop, from the page cache.
    Cached,
    /// In the blocking pool, by sendfile all the same.
    Pool,
    /// Read in the blocking pool, sent from memory.
    Copy,
}

#[derive(Debug)]
enum Step {
    Moved(u64),
    /// The file has no more.
    Ended,
    /// The page cache has not got it, or the file system cannot say.
    Cold,
    /// Not by sendfile.
    Unable,
    Failed(PumpError),
}

/// The next piece, if the page cache has it. `WouldBlock` is the peer's.
fn cached_piece(fd: BorrowedFd<'_>, file: &File, rest: &Range<u64>) -> io::Result<Step> {
    let piece = PIECE.min(rest.end - rest.start);
    if piece <= SMALL as u64 {
        let mut buffer = [0; SMALL];
        // At most SMALL, so the slice is there.
        let wanted = buffer.get_mut(..piece as usize).unwrap_or_default();
        return Ok(match read_cached(file, wanted, rest.start) {
            Ok(0) => Step::Ended,
            Ok(count) => match send_some(fd, wanted.get(..count).unwrap_or_default()) {
                Ok(sent) => Step::Moved(sent as u64),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => Step::Failed(PumpError::Peer(error)),
            },
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS) => Step::Cold,
            Err(errno) => Step::Failed(PumpError::File(errno.into())),
        });
    }
    match read_cached(file, &mut [0], rest.start + piece - 1) {
        Ok(1..) => kernel_piece(fd, file, rest),
        // Nothing there: the file is shorter than it was, and its last page may be cold.
        Ok(0) | Err(_) => Ok(Step::Cold),
    }
}

/// The next piece by sendfile, which may wait for the disk. `WouldBlock` is the peer's.
fn kernel_piece(fd: BorrowedFd<'_>, file: &File, rest: &Range<u64>) -> io::Result<Step> {
    let piece = PIECE.min(rest.end - rest.start);
    let mut at = rest.start;
    Ok(match rustix::io::retry_on_intr(|| rustix::fs::sendfile(fd, file, Some(&mut at), piece as usize)) {
        Ok(0) => Step::Ended,
        Ok(moved) => Step::Moved(moved as u64),
        Err(Errno::AGAIN) => return Err(io::ErrorKind::WouldBlock.into()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Step::Unable,
        Err(errno) => Step::Failed(fault(errno)),
    })
}

/// The next piece by way of memory.
async fn copied_piece(
    data: &mut Data,
    file: &Arc<File>,
    rest: &Range<u64>,
    stall: Duration,
) -> Result<Step, PumpError> {
    let length = (buffer::PIECE as u64).min(rest.end - rest.start) as usize;
    room(data, stall).await?;
    let bytes = read_in_pool(file, buffer::take(), length, rest.start).await?;
    if bytes.is_empty() {
        return Ok(Step::Ended);
    }
    // Counted by the caller, piece by piece.
    send(data, &bytes, stall, &Progress::default()).await?;
    let moved = bytes.len() as u64;
    buffer::give(bytes);
    Ok(Step::Moved(moved))
}

/// A piece of a file in memory.
pub(super) enum Piece {
    /// Some of it; at least a byte.
    Read(Vec<u8>),
    /// The file has no more.
    Ended,
}

/// Reads up to `length` bytes of a file in the place of what a buffer holds: from the page cache where it has them, else in
/// the blocking pool.
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

async fn read_in_pool(
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

fn send_some(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    Ok(rustix::io::retry_on_intr(|| rustix::net::send(fd, bytes, flags))?)
}

fn read_cached(file: &File, into: &mut [u8], at: u64) -> Result<usize, Errno> {
    let mut parts = [IoSliceMut::new(into)];
    rustix::io::retry_on_intr(|| rustix::io::preadv2(file, &mut parts, at, ReadWriteFlags::NOWAIT))
}

/// Whose fault is an error of a call that has both the file and the socket in its hands?
fn fault(errno: Errno) -> PumpError {
    match errno {
        Errno::PIPE
        | Errno::CONNRESET
        | Errno::CONNABORTED
        | Errno::TIMEDOUT
        | Errno::NOTCONN
        | Errno::HOSTUNREACH
        | Errno::HOSTDOWN
        | Errno::NETUNREACH
        | Errno::NETDOWN
        | Errno::NOBUFS => PumpError::Peer(errno.into()),
        _ => PumpError::File(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_is_the_peers_fault_and_a_broken_disk_ours() {
        assert!(matches!(fault(Errno::CONNRESET), PumpError::Peer(_)));
        assert!(matches!(fault(Errno::PIPE), PumpError::Peer(_)));
        assert!(matches!(fault(Errno::IO), PumpError::File(_)));
        assert!(matches!(fault(Errno::NOMEM), PumpError::File(_)));
    }

    #[tokio::test]
    async fn a_file_that_sendfile_cannot_read_is_copied() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; buffer::PIECE + 100]).unwrap();
        let file = Arc::new(file);
        let awaited =
            crate::active::ActivePort::bind(std::net::Ipv4Addr::LOCALHOST.into(), None, None).unwrap();
        let (mut data, mut peer) =
            (crate::dial::dial(awaited.local(), None, None).await.unwrap(), Vec::new());
        let mut other = awaited.connection(data.local().ip()).await.unwrap();
        let (patience, progress) = (Duration::from_secs(9), Progress::default());
        for (at, moved) in [(0, buffer::PIECE), (buffer::PIECE, 100)] {
            let rest = at as u64..buffer::PIECE as u64 + 500;
            let read = async {
                let goal = at + moved;
                while peer.len() < goal
                    && super::super::receive(&mut other, &mut peer, patience, &progress).await.unwrap() > 0
                {
                }
            };
            let (step, ()) = tokio::join!(copied_piece(&mut data, &file, &rest, patience), read);
            assert!(matches!(step, Ok(Step::Moved(count)) if count == moved as u64), "{step:?}");
        }
        assert!(peer.len() == buffer::PIECE + 100 && peer.iter().all(|byte| *byte == 7));
        let rest = buffer::PIECE as u64 + 100..buffer::PIECE as u64 + 500;
        let step = copied_piece(&mut data, &file, &rest, patience).await;
        assert!(matches!(step, Ok(Step::Ended)), "{step:?}");
    }
}
