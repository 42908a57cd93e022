//! Does our client do what it is asked, from outside?

mod doctor;
mod hostile;
mod lost;
mod site;
mod talking;
mod trust;
mod verbs;
mod ways;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::harness::process::command;

/// `pasv` with arguments.
fn pasv<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut pasv = command(Path::new(env!("CARGO_BIN_EXE_pasv")), arguments);
    // The netrc of whoever runs the tests is none of their business.
    pasv.env("NETRC", "/nonexistent");
    pasv
}
