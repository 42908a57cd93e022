//! How is pasv's client run for a test?

use std::ffi::OsStr;
use std::path::Path;

use super::process::{Said, command, run};

/// `pasv` with these arguments, to its end.
#[track_caller]
pub(crate) fn pasv<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Said {
    run(&mut command(Path::new(env!("CARGO_BIN_EXE_pasv")), arguments))
}
