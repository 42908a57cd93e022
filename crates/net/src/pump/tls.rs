//! How are bytes moved under TLS?
//!
//! Through memory, as the encryption is ours: a file is read as it is for sendfile, from the page cache where
//! it is there and in the blocking pool where it is not, and encrypted 64 KiB at a time, when the kernel has
//! room for them; what arrives is decrypted on the event loop and written in pieces of up to 192 KiB.
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::time::timeout;

use super::file::{Piece, read_piece, write};
use super::progress::{Progress, PumpError};
use super::receive::ROOM;
use crate::buffer;
use crate::socket::{self, Socket};
use crate::tls::layer::{AHEAD, Layer, Room};

/// A data connection's socket, and its TLS.
type Parts<'a> = (&'a mut Socket, &'a mut Layer);

/// Encrypting or decrypting this much takes the processor a millisecond at worst; then others have their
/// turn.
const TURN: u64 = 1 << 20;

/// Tries a step until it does not say `WouldBlock`, as long as bytes move at the socket within `stall`: a
/// record takes a slow peer as long as it takes.
async fn steadily<T>(
    (socket, layer): Parts<'_>,
    stall: Duration,
    interest: Interest,
    mut step: impl FnMut(&mut Layer, BorrowedFd<'_>) -> io::Result<T>,
) -> Result<T, PumpError> {
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

/// `WouldBlock` until the kernel has all that is encrypted, and room for more.
pub(super) fn room(layer: &mut Layer, socket: BorrowedFd<'_>) -> io::Result<()> {
    layer.flush(socket)?;
    socket::room(socket)
}

/// See [`super::room()`].
pub(super) async fn wait_for_room((socket, layer): Parts<'_>, stall: Duration) -> Result<(), PumpError> {
    steadily((socket, layer), stall, Interest::WRITABLE, room).await
}

/// Gives the layer all of a piece. It is encrypted at once where nothing waits for the kernel.
async fn write_all((socket, layer): Parts<'_>, mut rest: &[u8], stall: Duration) -> Result<(), PumpError> {
    while !rest.is_empty() {
        let write = |layer: &mut Layer, fd: BorrowedFd<'_>| layer.write(fd, rest);
        let taken = steadily((&mut *socket, &mut *layer), stall, Interest::WRITABLE, write).await?;
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(())
}

/// See [`super::send()`].
pub(super) async fn send(
    (socket, layer): Parts<'_>,
    bytes: &[u8],
    stall: Duration,
    progress: &Progress,
) -> Result<(), PumpError> {
    let mut turn = 0;
    for piece in bytes.chunks(AHEAD) {
        write_all((socket, layer), piece, stall).await?;
        steadily((socket, layer), stall, Interest::WRITABLE, Layer::flush).await?;
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
    (socket, layer): Parts<'_>,
    file: &Arc<File>,
    range: Range<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let expected = range.end.saturating_sub(range.start);
    let (mut at, mut turn) = (range.start, 0);
    let (mut piece, mut unsent) = (Vec::new(), 0);
    while at < range.end {
        if room(layer, socket.as_fd()).is_err() {
            buffer::give(std::mem::take(&mut piece));
            wait_for_room((socket, layer), stall).await?;
        }
        // The kernel has all of the last piece.
        progress.add(std::mem::take(&mut unsent));
        if piece.capacity() == 0 {
            piece = buffer::take();
        }
        let wanted = (range.end - at).min(buffer::PIECE as u64) as usize;
        piece = match read_piece(file, piece, wanted, at).await? {
            Piece::Read(bytes) => bytes,
            Piece::Ended => return Err(PumpError::Short { sent: at - range.start, expected }),
        };
        write_all((socket, layer), &piece, stall).await?;
        unsent = piece.len() as u64;
        at += unsent;
        turn += unsent;
        if turn >= TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    buffer::give(piece);
    steadily((socket, layer), stall, Interest::WRITABLE, Layer::flush).await?;
    progress.add(unsent);
    Ok(expected)
}

/// See [`super::receive()`].
pub(super) async fn receive(
    (socket, layer): Parts<'_>,
    into: &mut Vec<u8>,
    stall: Duration,
    progress: &Progress,
) -> Result<usize, PumpError> {
    let limit = ROOM.max(into.capacity() - into.len());
    let count = steadily((socket, layer), stall, Interest::READABLE, |layer, fd| {
        if into.capacity() == 0 {
            *into = buffer::take();
        }
        let received = layer.read(fd, into, limit, Room::Data);
        if received.is_err() && into.is_empty() {
            buffer::give(std::mem::take(into));
        }
        received
    })
    .await?;
    progress.add(count as u64);
    Ok(count)
}

/// See [`super::receive_file`].
pub(super) async fn receive_file(
    (socket, layer): Parts<'_>,
    file: &Arc<File>,
    at: u64,
    limit: u64,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    let mut total = 0;
    let mut piece = Vec::new();
    while total < limit {
        let room = (limit - total).min(buffer::GATHER as u64) as usize;
        piece.clear();
        let gathered = gather((socket, layer), &mut piece, room, stall).await;
        let count = piece.len() as u64;
        if count > 0 {
            // What came before an error is kept.
            piece = write(file, piece, at.saturating_add(total)).await?;
            total += count;
            progress.add(count);
            tokio::task::yield_now().await;
        }
        if gathered? == Gathered::Ended {
            break;
        }
    }
    buffer::GATHERED.give(piece);
    Ok(total)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathered {
    More,
    Ended,
}

/// Waits for bytes, with no buffer, and takes all that are there, up to `room`.
async fn gather(
    (socket, layer): Parts<'_>,
    into: &mut Vec<u8>,
    room: usize,
    stall: Duration,
) -> Result<Gathered, PumpError> {
    steadily((socket, layer), stall, Interest::READABLE, |layer, fd| {
        if into.capacity() == 0 {
            *into = buffer::GATHERED.take();
        }
        while into.len() < room {
            match layer.read(fd, into, room - into.len(), Room::Data) {
                Ok(0) => return Ok(Gathered::Ended),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !into.is_empty() => break,
                Err(error) => {
                    if into.is_empty() {
                        buffer::GATHERED.give(std::mem::take(into));
                    }
                    return Err(error);
                }
            }
        }
        Ok(Gathered::More)
    })
    .await
}
