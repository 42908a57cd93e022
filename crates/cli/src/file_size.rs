//! What can be done where a file may not grow any further?
use std::io;

use rustix::io::Errno;

/// What a person can do about a file of theirs that could not be written.
pub(crate) fn hint(error: &io::Error) -> Option<&'static str> {
    (Errno::from_io_error(error) == Some(Errno::FBIG)).then_some(
        "this file system, or a limit of this process, has no larger files: `ulimit -f` shows the limit. What came is kept",
    )
}
