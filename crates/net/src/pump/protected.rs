//! How are bytes moved under TLS?
//!
//! Through memory, as the encryption is ours: a file is read as it is for sendfile, from the page cache where it is there
//! and in the blocking pool where it is not, and encrypted 256 KiB at a time; what arrives is decrypted on the event loop
//! and written in pieces of up to 256 KiB.
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::time::timeout;

use super::receive::write_first;
use super::send::{Piece, read_piece};
use super::{Progress, PumpError};
use crate::Data;
use crate::tls::{AHEAD, Layer, Room};

/// Encrypting or decrypting this much takes the processor a millisecond at worst; then others have their turn.
const TURN: u64 = 1 << 20;

/// The most that is decrypted before it is written, in the blocking pool. Then it still lies in the processor's cache: with
/// pieces of 1 MiB the copy into the page cache took twice as long, where other work was beside.
const GATHER: usize = 256 << 10;

/// Tries a step until it does not say `WouldBlock`, as long as bytes move at the socket within `stall`: a record takes a
/// slow peer as long as it takes.
async fn steadily<T>(
    data: &mut Data,
    stall: Duration,
    interest: Interest,
    mut step: impl FnMut(&mut Layer, BorrowedFd<'_>) -> io::Result<T>,
) -> Result<T, PumpError> {
    let (socket, Some(layer)) = data.parts() else {
        return Err(PumpError::Peer(io::ErrorKind::NotConnected.into()));
    };
    loop {
        let before = layer.moved();
        let attempt = socket.attempt(interest, |fd| step(layer, fd));
        match timeout(stall, attempt).await {
            Ok(result) => return result.map_err(fault),
            Err(_) if layer.moved() > before => {}
            Err(_) => return Err(PumpError::Stalled(stall)),
        }
    }
}

fn fault(error: io::Error) -> PumpError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => PumpError::Truncated,
        _ => PumpError::Peer(error),
    }
}

/// See [`super::send()`].
pub(super) async fn send(
    data: &mut Data,
    bytes: &[u8],
    stall: Duration,
    progress: &Progress,
) -> Result<(), PumpError> {
    let mut turn = 0;
    for piece in bytes.chunks(AHEAD) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = steadily(data, stall, Interest::WRITABLE, |layer, fd| layer.write(fd, rest)).await?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        steadily(data, stall, Interest::WRITABLE, Layer::flush).await?;
        progress.add(piece.len() as u64);
        turn += piece.len() as u64;
        if turn >= TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// See [`super::send_file`].
pub(super) async fn send_file(
    data: &mut Data,
    file: &Arc<File>,
    range: Range<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let expected = range.end.saturating_sub(range.start);
    let mut at = range.start;
    let mut turn = 0;
    let mut buffer = Vec::new();
    while at < range.end {
        let wanted = (range.end - at).min(AHEAD as u64) as usize;
        buffer = match read_piece(file, buffer, wanted, at).await? {
            Piece::Read(bytes) => bytes,
            Piece::Ended => return Err(PumpError::Short { sent: at - range.start, expected }),
        };
        send(data, &buffer, stall, progress).await?;
        at += buffer.len() as u64;
        turn += buffer.len() as u64;
        if turn >= TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(expected)
}

/// See [`super::receive()`].
pub(super) async fn receive(
    data: &mut Data,
    into: &mut Vec<u8>,
    room: usize,
    stall: Duration,
    progress: &Progress,
) -> Result<usize, PumpError> {
    into.reserve(room);
    let limit = into.capacity() - into.len();
    let count =
        steadily(data, stall, Interest::READABLE, |layer, fd| layer.read(fd, into, limit, Room::Data))
            .await?;
    progress.add(count as u64);
    Ok(count)
}

/// See [`super::receive_file`].
pub(super) async fn receive_file(
    data: &mut Data,
    file: &Arc<File>,
    at: u64,
    limit: Option<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let limit = limit.unwrap_or(u64::MAX);
    let mut total = 0;
    let mut buffer = Vec::new();
    while total < limit {
        let room = (limit - total).min(GATHER as u64) as usize;
        buffer.clear();
        let gathered = gather(data, &mut buffer, room, stall).await;
        let count = buffer.len() as u64;
        if count > 0 {
            // What came before an error is kept.
            buffer = write_first(file, buffer, at.saturating_add(total)).await?;
            total += count;
            progress.add(count);
            tokio::task::yield_now().await;
        }
        if gathered? == Gathered::Ended {
            break;
        }
    }
    Ok(total)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathered {
    More,
    Ended,
}

/// Waits for bytes, and takes all that are there, up to `room`.
async fn gather(
    data: &mut Data,
    into: &mut Vec<u8>,
    room: usize,
    stall: Duration,
) -> Result<Gathered, PumpError> {
    steadily(data, stall, Interest::READABLE, |layer, fd| {
        while into.len() < room {
            match layer.read(fd, into, room - into.len(), Room::Data) {
                Ok(0) => return Ok(Gathered::Ended),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !into.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Gathered::More)
    })
    .await
}
