//! How does the event loop come to watch a socket of ours?
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A socket that the event loop watches. It may be shared with a thread of the blocking pool.
pub(crate) type Watched = AsyncFd<Arc<OwnedFd>>;

/// Registers a socket with the event loop. Must be called inside a tokio runtime.
pub(crate) fn watch(socket: Arc<OwnedFd>, interest: Interest) -> io::Result<Watched> {
    // SAFETY: tokio asks that the descriptor is open, is the same at every call of `as_raw_fd`, and stays
    // open for as long as the `AsyncFd` lives. An `OwnedFd` is open until it is dropped, and this one is not
    // before the `Arc` that the `AsyncFd` itself holds is. Inside an `Arc` it cannot be exchanged for
    // another: that would take a `&mut` to it, which `Arc::get_mut` gives only to the single holder, and the
    // only place that could ask for it while the `AsyncFd` is that holder is `AsyncFd::get_mut`, which
    // nothing in this crate calls (`Watched` does not leave it).
    let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
    Ok(watched?)
}
