//! Does our client do what it is asked, from outside?

mod doctor;
mod hostile;
mod library;
mod listing;
mod lost;
mod screen;
mod several;
mod site;
mod talking;
mod trust;
mod verbs;
mod ways;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::process::command;

/// Where the part of a download is.
fn part_of(target: &Path) -> PathBuf {
    target.with_file_name(client::copy::part_name(target.file_name().expect("a target has a name")))
}

/// `pasv` with arguments.
fn pasv<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut pasv = command(Path::new(env!("CARGO_BIN_EXE_pasv")), arguments);
    // The netrc of the user who runs the tests must not count.
    pasv.env("NETRC", "/nonexistent");
    pasv
}
