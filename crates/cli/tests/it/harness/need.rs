//! Is there what a test needs, and who hears of it when there is not?
//!
//! A test whose program is missing says `SKIPPED: NAME (why)` and writes the same to the file named by
//! `PASV_SKIP_LOG`, from which `cargo xtask test` counts it as skipped and not as passed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The program called `name`, from `PATH`; where it is missing the running test is noted as skipped.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    });
    if found.is_none() {
        skip(name, "not installed");
    }
    found
}

/// The file `path` below the folder into which `cargo xtask test tools` unpacks the other servers.
pub(crate) fn peer_file(name: &str, path: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("PASV_PEERS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers"),
    };
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    skip(name, "not fetched: cargo xtask test tools");
    None
}

/// Root, for the servers that insist on it.
pub(crate) fn root(name: &str) -> Option<()> {
    if rustix::process::geteuid().is_root() {
        return Some(());
    }
    skip(name, "needs root");
    None
}

/// Notes that the running test is skipped for want of `name`. The caller returns right after.
pub(crate) fn skip(name: &str, why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    println!("SKIPPED: {name} ({why})");
    let Some(log) = std::env::var_os("PASV_SKIP_LOG") else { return };
    // One write in append mode, so that tests in other processes do not mix with it.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log)
        .and_then(|mut file| file.write_all(format!("{test}\t{name}\t{why}\n").as_bytes()))
        .unwrap_or_else(|error| panic!("the skip log {}: {error}", log.display()));
}
