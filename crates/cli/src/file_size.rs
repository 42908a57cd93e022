//! What happens where a file may not grow any further?
//!
//! Under a limit of file size (RLIMIT_FSIZE in setrlimit(2), `ulimit -f`) the system sends SIGXFSZ with the
//! write that is too much, and that ends the process: a server with all its sessions. Where the signal is
//! caught the write just fails (EFBIG).
use std::io;

use rustix::io::Errno;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// From now on such a write is an error like others. To be called within a runtime.
pub(crate) fn outlive_the_limit() {
    // Once asked for, a signal stays caught. Where it cannot be, the limit acts as ever.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
}

/// What a person can do about a file of theirs that could not be written.
pub(crate) fn hint(error: &io::Error) -> Option<&'static str> {
    (Errno::from_io_error(error) == Some(Errno::FBIG)).then_some(
        "this file system, or a limit of this process, has no larger files: `ulimit -f` shows the limit. What came is kept",
    )
}
