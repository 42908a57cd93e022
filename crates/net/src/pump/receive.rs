//! How are bytes received from a data connection?
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::Interest;

use super::file::write;
use super::progress::{Progress, PumpError, TURN, blocking, patiently};
use super::splice::{Splice, SpliceError};
use crate::buffer;
use crate::socket::{self, Socket};

/// What is first read on the event loop, into memory: a file up to this size costs one hop to the blocking
/// pool (none where the file system can write without waiting), and no pipe.
const FIRST: usize = 64 << 10;

/// One read of the first bytes; it lies on the stack.
const READ: usize = 16 << 10;

/// The least that [`receive`] makes room for.
pub(super) const ROOM: usize = buffer::PIECE;

/// See [`super::receive_file`].
pub(super) async fn receive_file(
    socket: &mut Socket,
    file: &Arc<File>,
    at: u64,
    limit: u64,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let mut first = Vec::new();
    let ended = fill(socket, &mut first, limit.min(FIRST as u64) as usize, stall).await;
    let total = first.len() as u64;
    if total > 0 {
        write(file, first, at).await?;
        progress.add(total);
    }
    if ended? == Filled::Ended {
        return Ok(total);
    }
    let rest = receive_rest(socket, file, at.saturating_add(total), limit - total, stall, progress).await?;
    Ok(total + rest)
}

/// See [`super::receive_rest`].
pub(super) async fn receive_rest(
    socket: &mut Socket,
    file: &Arc<File>,
    at: u64,
    limit: u64,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let mut total = 0;
    let wanted = Wanted::default();
    let mut splice = None;
    while total < limit {
        let hop = Hop {
            file: Arc::clone(file),
            at: at.saturating_add(total),
            limit: (limit - total).min(TURN),
            wanted: Arc::clone(&wanted.0),
        };
        let done = bulk(socket, hop, splice, stall).await?;
        splice = Some(done.splice);
        total += done.moved;
        progress.add(done.moved);
        match done.end {
            HopEnd::Empty | HopEnd::Turn => {}
            HopEnd::Ended => break,
            HopEnd::Failed(error) => return Err(error),
        }
    }
    Ok(total)
}

/// See [`super::receive()`].
pub(super) async fn receive(
    socket: &mut Socket,
    into: &mut Vec<u8>,
    stall: Duration,
    progress: &Progress,
) -> Result<usize, PumpError> {
    let attempt = socket.when(Interest::READABLE, |fd| {
        if into.capacity() == 0 {
            *into = buffer::take();
        }
        into.reserve(ROOM);
        let received = socket::receive_into(fd, into);
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
    socket: &mut Socket,
    into: &mut Vec<u8>,
    room: usize,
    stall: Duration,
) -> Result<Filled, PumpError> {
    while into.len() < room {
        let left = room - into.len();
        let attempt = socket.when(Interest::READABLE, |fd| {
            let mut buffer = [0; READ];
            let part = buffer.get_mut(..left.min(READ)).unwrap_or_default();
            let count = match socket::receive(fd, part) {
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

/// One run in the blocking pool: what it may do there.
#[derive(Debug)]
struct Hop {
    file: Arc<File>,
    at: u64,
    limit: u64,
    wanted: Arc<AtomicBool>,
}

/// What came of a hop.
#[derive(Debug)]
struct HopResult {
    moved: u64,
    splice: Splice,
    end: HopEnd,
}

#[derive(Debug)]
enum HopEnd {
    /// The socket has nothing more for now.
    Empty,
    /// It has moved as much as it may.
    Turn,
    /// The peer's end.
    Ended,
    Failed(PumpError),
}

impl Hop {
    fn run(self, socket: BorrowedFd<'_>, splice: Option<Splice>) -> HopResult {
        let mut splice = splice.unwrap_or_else(Splice::new);
        let mut moved = 0;
        let end = loop {
            if moved >= self.limit || !self.wanted.load(Ordering::Relaxed) {
                break HopEnd::Turn;
            }
            let at = self.at.saturating_add(moved);
            match splice.carry(socket, &self.file, at, self.limit - moved) {
                Ok(0) => break HopEnd::Ended,
                Ok(count) => moved += count,
                Err(SpliceError::Empty) => break HopEnd::Empty,
                Err(SpliceError::Socket(error)) => break HopEnd::Failed(PumpError::Peer(error)),
                Err(SpliceError::File(error)) => break HopEnd::Failed(PumpError::File(error)),
            }
        };
        HopResult { moved, splice, end }
    }
}

/// Waits until there is something, and runs a hop.
async fn bulk(
    socket: &mut Socket,
    hop: Hop,
    splice: Option<Splice>,
    stall: Duration,
) -> Result<HopResult, PumpError> {
    let shared = Arc::clone(socket.share());
    let watch = socket.watch().map_err(PumpError::Peer)?;
    let mut guard = patiently(stall, watch.ready(Interest::READABLE)).await?;
    let done = blocking(move || hop.run(shared.as_fd(), splice)).await?;
    if matches!(done.end, HopEnd::Empty) {
        // Forgets only the readiness that was there before the hop: what came since then counts.
        guard.clear_ready();
    }
    Ok(done)
}
