//! How are bytes sent on a data connection?
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::Interest;

use super::file::{read_cached, read_in_pool};
use super::progress::{Progress, PumpError, TURN, blocking, patiently};
use crate::buffer;
use crate::socket::{self, Socket};

/// The most that one sendfile is asked for: enough to fill any socket buffer, little enough to look around
/// after it.
const PIECE: u64 = 1 << 20;

/// Up to this many bytes a read and a send cost less than a probe and a sendfile: the same two system calls,
/// but the read is its own probe and no pipe is made in the kernel.
const SMALL: usize = 16 << 10;

/// See [`super::send_file`].
pub(super) async fn send_file(
    socket: &mut Socket,
    file: &Arc<File>,
    range: Range<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let expected = range.end.saturating_sub(range.start);
    let mut at = range.start;
    let mut turn = 0;
    let mut method = Method::Cached;
    while at < range.end {
        let rest = at..range.end;
        let step = match method {
            Method::Cached => {
                let attempt = socket.when(Interest::WRITABLE, |fd| cached_piece(fd, file, &rest));
                patiently(stall, attempt).await?
            }
            Method::Pool => {
                let file = Arc::clone(file);
                when_in_pool(socket, stall, move |fd| kernel_piece(fd, &file, &rest)).await?
            }
            Method::Copy => copied_piece(socket, file, &rest, stall).await?,
        };
        // A cold piece says nothing of the next one: the kernel has begun to read ahead.
        method = if method == Method::Pool { Method::Cached } else { method };
        match step {
            Step::Moved(moved) => {
                at += moved;
                turn += moved;
                progress.add(moved);
            }
            Step::Ended => return Err(PumpError::Short { sent: at - range.start, expected }),
            Step::Cold => method = Method::Pool,
            Step::Unable => method = Method::Copy,
            Step::Failed(error) => return Err(error),
        }
        if turn >= TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(expected)
}

/// See [`super::send()`].
pub(super) async fn send(
    socket: &mut Socket,
    bytes: &[u8],
    stall: Duration,
    progress: &Progress,
) -> Result<(), PumpError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let sent = patiently(stall, socket.when(Interest::WRITABLE, |fd| socket::send(fd, rest))).await?;
        progress.add(sent as u64);
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Runs an operation on the socket in the blocking pool, because it also waits for a disk, until it does not
/// say `WouldBlock`. Dropped, the operation that is running goes on to its end, with the descriptor kept
/// open.
async fn when_in_pool<T: Send + 'static>(
    socket: &mut Socket,
    stall: Duration,
    operation: impl Fn(BorrowedFd<'_>) -> io::Result<T> + Send + Sync + 'static,
) -> Result<T, PumpError> {
    let operation = Arc::new(operation);
    let shared = Arc::clone(socket.share());
    let watch = socket.watch().map_err(PumpError::Peer)?;
    loop {
        let mut guard = patiently(stall, watch.ready(Interest::WRITABLE)).await?;
        let (socket, operation) = (Arc::clone(&shared), Arc::clone(&operation));
        match blocking(move || operation(socket.as_fd())).await? {
            // Forgets only the readiness that was there before the operation: what came since then counts.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
            other => return other.map_err(PumpError::Peer),
        }
    }
}

/// How the next piece is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
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
            Ok(count) => match socket::send(fd, wanted.get(..count).unwrap_or_default()) {
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

/// The next piece through memory.
async fn copied_piece(
    socket: &mut Socket,
    file: &Arc<File>,
    rest: &Range<u64>,
    stall: Duration,
) -> Result<Step, PumpError> {
    let length = (buffer::PIECE as u64).min(rest.end - rest.start) as usize;
    patiently(stall, socket.when(Interest::WRITABLE, socket::room)).await?;
    let bytes = read_in_pool(file, buffer::take(), length, rest.start).await?;
    if bytes.is_empty() {
        return Ok(Step::Ended);
    }
    // Counted by `send_file`, piece by piece.
    send(socket, &bytes, stall, &Progress::default()).await?;
    let moved = bytes.len() as u64;
    buffer::give(bytes);
    Ok(Step::Moved(moved))
}

/// Whose fault is an error of a system call that takes both the file and the socket?
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
            let (step, ()) = tokio::join!(copied_piece(data.parts().0, &file, &rest, patience), read);
            assert!(matches!(step, Ok(Step::Moved(count)) if count == moved as u64), "{step:?}");
        }
        assert!(peer.len() == buffer::PIECE + 100 && peer.iter().all(|byte| *byte == 7));
        let rest = buffer::PIECE as u64 + 100..buffer::PIECE as u64 + 500;
        let step = copied_piece(data.parts().0, &file, &rest, patience).await;
        assert!(matches!(step, Ok(Step::Ended)), "{step:?}");
    }
}
