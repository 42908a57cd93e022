//! How are bytes received from a data connection?
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{Errno, ReadWriteFlags};
use tokio::io::Interest;

use super::vessel::{Vessel, VesselError};
use super::{Progress, PumpError, TURN, blocking, patiently, protected};
use crate::buffer;
use crate::data::Data;

/// What is first read on the event loop, into memory: a file up to this size costs one hop to the blocking pool (none
/// where the file system can write without waiting), and no pipe.
const FIRST: usize = 64 << 10;

/// One read of the first bytes; it lies on the stack.
const READ: usize = 16 << 10;

/// The least that [`receive`] makes room for.
const ROOM: usize = buffer::PIECE;

/// Receives until the peer's end, or until `limit` bytes have come (what the peer sends beyond them is left unread),
/// into a file from offset `at` on, its bytes as they are. Returns how many.
///
/// Bytes count as progress when the file has them. On an error, what had come before it is in the file.
///
/// Dropped, it stops: a thread of the blocking pool that is writing at that moment finishes the piece it is at (up to
/// 1 MiB, all of it bytes that the peer did send for that place) and writes nothing after it.
///
/// # Errors
/// By their fault; a disk error keeps its number (ENOSPC, EDQUOT, EFBIG).
pub async fn receive_file(
    data: &mut Data,
    file: &Arc<File>,
    at: u64,
    limit: Option<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    if data.is_protected() {
        return protected::receive_file(data, file, at, limit, stall, progress).await;
    }
    let limit = limit.unwrap_or(u64::MAX);
    let mut first = Vec::new();
    let ended = fill(data, &mut first, limit.min(FIRST as u64) as usize, stall).await;
    let total = first.len() as u64;
    if total > 0 {
        write_first(file, first, at).await?;
        progress.add(total);
    }
    if ended? == Filled::Ended {
        return Ok(total);
    }
    let rest = receive_rest(data, file, at.saturating_add(total), limit - total, stall, progress).await?;
    Ok(total + rest)
}

/// As [`receive_file`], for what comes behind bytes that were [received](receive) already: all of it goes through the blocking
/// pool, and is in the file as soon as it has come.
///
/// # Errors
/// As [`receive_file`].
pub async fn receive_rest(
    data: &mut Data,
    file: &Arc<File>,
    at: u64,
    limit: u64,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    if data.is_protected() {
        return protected::receive_file(data, file, at, Some(limit), stall, progress).await;
    }
    let mut total = 0;
    let wanted = Wanted::default();
    let mut vessel = None;
    while total < limit {
        let hop = Hop {
            file: Arc::clone(file),
            at: at.saturating_add(total),
            limit: (limit - total).min(TURN),
            wanted: Arc::clone(&wanted.0),
        };
        let landing = bulk(data, hop, vessel, stall).await?;
        vessel = Some(landing.vessel);
        total += landing.moved;
        progress.add(landing.moved);
        match landing.end {
            HopEnd::Dry | HopEnd::Turn => {}
            HopEnd::Ended => break,
            HopEnd::Failed(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Appends what has arrived, waiting for the first byte: up to 64 KiB, or the vector's spare capacity where that is
/// more. 0 is the peer's end, under TLS said by close_notify. Cancel-safe: a dropped call has taken nothing.
///
/// # Errors
/// [`PumpError::Stalled`], [`PumpError::Peer`] and [`PumpError::Truncated`].
pub async fn receive(
    data: &mut Data,
    into: &mut Vec<u8>,
    stall: Duration,
    progress: &Progress,
) -> Result<usize, PumpError> {
    if data.is_protected() {
        return protected::receive(data, into, ROOM, stall, progress).await;
    }
    let attempt = data.when(Interest::READABLE, |fd| {
        if into.capacity() == 0 {
            *into = buffer::take();
        }
        into.reserve(ROOM);
        let received = crate::data::receive_into(fd, into);
        if received.is_err() && into.is_empty() {
            // It is not held while the peer is waited for.
            buffer::give(std::mem::take(into));
        }
        received
    });
    let count = patiently(stall, attempt).await?;
    progress.add(count as u64);
    Ok(count)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    /// There may be more.
    More,
    Ended,
}

/// Reads up to `room` bytes into memory, and holds at most [`READ`] of them while it waits for others.
async fn fill(
    data: &mut Data,
    into: &mut Vec<u8>,
    room: usize,
    stall: Duration,
) -> Result<Filled, PumpError> {
    while into.len() < room {
        let left = room - into.len();
        let attempt = data.when(Interest::READABLE, |fd| {
            let mut buffer = [0; READ];
            let part = buffer.get_mut(..left.min(READ)).unwrap_or_default();
            let count = match crate::data::receive(fd, part) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && into.len() >= READ => {
                    return Ok(None);
                }
                received => received?,
            };
            into.extend_from_slice(part.get(..count).unwrap_or_default());
            Ok(Some(count))
        });
        match patiently(stall, attempt).await? {
            Some(0) => return Ok(Filled::Ended),
            Some(_) => {}
            None => break,
        }
    }
    Ok(Filled::More)
}

/// Writes bytes: at once where the file system can do it without waiting, else in the blocking pool. Gives back the buffer.
pub(super) async fn write_first(file: &Arc<File>, bytes: Vec<u8>, at: u64) -> Result<Vec<u8>, PumpError> {
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

/// True as long as the transfer that started a hop is there.
#[derive(Debug)]
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// One stay in the blocking pool: what it may do there.
#[derive(Debug)]
struct Hop {
    file: Arc<File>,
    at: u64,
    limit: u64,
    wanted: Arc<AtomicBool>,
}

/// What a hop brought back.
#[derive(Debug)]
struct Landing {
    moved: u64,
    vessel: Vessel,
    end: HopEnd,
}

#[derive(Debug)]
enum HopEnd {
    /// The socket has nothing more for now.
    Dry,
    /// It has moved as much as it may.
    Turn,
    /// The peer's end.
    Ended,
    Failed(PumpError),
}

impl Hop {
    fn run(self, socket: BorrowedFd<'_>, vessel: Option<Vessel>) -> Landing {
        let mut vessel = vessel.unwrap_or_else(Vessel::new);
        let mut moved = 0;
        let end = loop {
            if moved >= self.limit || !self.wanted.load(Ordering::Relaxed) {
                break HopEnd::Turn;
            }
            let at = self.at.saturating_add(moved);
            match vessel.carry(socket, &self.file, at, self.limit - moved) {
                Ok(0) => break HopEnd::Ended,
                Ok(count) => moved += count,
                Err(VesselError::Dry) => break HopEnd::Dry,
                Err(VesselError::Socket(error)) => break HopEnd::Failed(PumpError::Peer(error)),
                Err(VesselError::File(error)) => break HopEnd::Failed(PumpError::File(error)),
            }
        };
        Landing { moved, vessel, end }
    }
}

/// Waits until there is something, and runs a hop.
async fn bulk(
    data: &mut Data,
    hop: Hop,
    vessel: Option<Vessel>,
    stall: Duration,
) -> Result<Landing, PumpError> {
    let socket = data.share();
    let watch = data.watch().map_err(PumpError::Peer)?;
    let mut guard = patiently(stall, watch.ready(Interest::READABLE)).await?;
    let landing = blocking(move || hop.run(socket.as_fd(), vessel)).await?;
    if matches!(landing.end, HopEnd::Dry) {
        // Forgets only the readiness that was there before the hop: what came since then counts.
        guard.clear_ready();
    }
    Ok(landing)
}
