//! How do a file's bytes get from one end to the other?
//!
//! ```text
//!   send_file      file --sendfile--> data        no copy in user space; cold pages in the blocking pool
//!   receive_file   data --splice--> file          no copy in user space; in the blocking pool
//!   send           bytes --> data                 what a conversion, a listing or another store gives
//!   receive        data --> bytes
//! ```
//! The same four work under TLS, where the bytes go through memory to be encrypted. All are bound by a
//! deadline on *progress*: a peer may be slow for ever, but not silent. The timer is armed only when a
//! transfer has to wait. Dropping a future stops its transfer; see [`receive_file`] for the one piece that a
//! thread may still be writing then.
//!
//! A transfer that waits for its peer holds no piece of the file: [`room`] is waited for before a piece is
//! read, and the buffer goes back when the peer has sent all it had ([`buffer`](crate::buffer)). What the
//! kernel did not take of the last piece, up to 64 KiB, is all that there can be.
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;

use crate::data::Data;
use crate::socket;

mod file;
mod progress;
mod receive;
mod send;
mod splice;
mod tls;

use progress::patiently;
pub use progress::{Progress, PumpError};

/// Sends a range of a file, its bytes as they are, and returns how many. Nothing is copied in user space but
/// the last 16 KiB and files of a kind that sendfile cannot read.
///
/// It starts at once, and waits for the peer only when the kernel's buffer is full. The event loop never
/// waits for the disk: before each piece the page cache is asked for its last byte (RWF_NOWAIT), and where
/// that is not there, or the file system cannot say, the piece is sent from the blocking pool. (A page
/// missing *inside* a piece whose end is cached does block; the kernel reads ahead in order, so that takes a
/// program that reads the file backwards.)
///
/// Dropped, it stops; a piece that is in the blocking pool at that moment, up to 1 MiB, may still be sent.
///
/// # Errors
/// [`PumpError::Short`] when the file ends inside the range (what it had is sent: that a file shrinks is no
/// reason to stop, but the caller should say so), and the others by their fault.
pub async fn send_file(
    data: &mut Data,
    file: &Arc<File>,
    range: Range<u64>,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, PumpError> {
    match data.parts() {
        (socket, None) => send::send_file(socket, file, range, stall, progress).await,
        (socket, Some(layer)) => tls::send_file((socket, layer), file, range, stall, progress).await,
    }
}

/// Sends all the bytes.
///
/// # Errors
/// [`PumpError::Stalled`] and [`PumpError::Peer`]; a part may have been sent, as `progress` says.
pub async fn send(
    data: &mut Data,
    bytes: &[u8],
    stall: Duration,
    progress: &Progress,
) -> Result<(), PumpError> {
    match data.parts() {
        (socket, None) => send::send(socket, bytes, stall, progress).await,
        (socket, Some(layer)) => tls::send((socket, layer), bytes, stall, progress).await,
    }
}

/// Would [`room`] be there at once?
#[must_use]
pub fn has_room(data: &mut Data) -> bool {
    match data.parts() {
        (socket, None) => socket::room(socket.as_fd()).is_ok(),
        (socket, Some(layer)) => tls::room(layer, socket.as_fd()).is_ok(),
    }
}

/// Waits until the kernel takes more: usually a third of its buffer is free then, and a piece of
/// [`PIECE`](crate::buffer::PIECE) fits. Under TLS also until it has taken what is encrypted already. To be
/// called with no piece in memory, before the next one is read.
///
/// # Errors
/// [`PumpError::Stalled`] and [`PumpError::Peer`].
pub async fn room(data: &mut Data, stall: Duration) -> Result<(), PumpError> {
    match data.parts() {
        (socket, None) => patiently(stall, socket.when(Interest::WRITABLE, socket::room)).await,
        (socket, Some(layer)) => tls::wait_for_room((socket, layer), stall).await,
    }
}

/// Receives until the peer's end, or until `limit` bytes have come (what the peer sends beyond them is left
/// unread), into a file from offset `at` on, its bytes as they are. Returns how many.
///
/// Bytes count as progress when the file has them. On an error, what had come before it is in the file.
///
/// Dropped, it stops: a thread of the blocking pool that is writing at that moment finishes the piece it is
/// at (up to 1 MiB, all of it bytes that the peer did send for that place) and writes nothing after it.
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
    let limit = limit.unwrap_or(u64::MAX);
    match data.parts() {
        (socket, None) => receive::receive_file(socket, file, at, limit, stall, progress).await,
        (socket, Some(layer)) => tls::receive_file((socket, layer), file, at, limit, stall, progress).await,
    }
}

/// As [`receive_file`], for what comes behind bytes that were [received](receive()) already: all of it goes
/// through the blocking pool, and is in the file as soon as it has come.
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
    match data.parts() {
        (socket, None) => receive::receive_rest(socket, file, at, limit, stall, progress).await,
        (socket, Some(layer)) => tls::receive_file((socket, layer), file, at, limit, stall, progress).await,
    }
}

/// Appends what has arrived, waiting for the first byte: up to 64 KiB, or the vector's spare capacity where
/// that is more. 0 is the peer's end, under TLS said by close_notify. Cancel-safe: a dropped call has taken
/// nothing.
///
/// # Errors
/// [`PumpError::Stalled`], [`PumpError::Peer`] and [`PumpError::Truncated`].
pub async fn receive(
    data: &mut Data,
    into: &mut Vec<u8>,
    stall: Duration,
    progress: &Progress,
) -> Result<usize, PumpError> {
    match data.parts() {
        (socket, None) => receive::receive(socket, into, stall, progress).await,
        (socket, Some(layer)) => tls::receive((socket, layer), into, stall, progress).await,
    }
}
