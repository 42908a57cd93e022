//! Is there what a test needs, and who hears of it when there is not?
//!
//! A test whose program is missing says `SKIPPED: NAME (why)` and writes the same to the file named by
//! `PASV_SKIP_LOG`, from which `cargo xtask test` counts it as skipped and not as passed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{Ipv6Addr, TcpListener};
use std::path::PathBuf;

use crate::process;

/// The program called `name`, from `PATH`; where it is missing the running test is noted as skipped.
pub fn program(name: &str) -> Option<PathBuf> {
    let found = process::find(name);
    if found.is_none() {
        skip(name, "not installed");
    }
    found
}

/// The file `path` below the folder into which `cargo xtask test tools` unpacks the other servers.
pub fn peer_file(name: &str, path: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("PASV_PEERS") {
        Some(folder) => PathBuf::from(folder),
        // A test is run from target/debug/deps.
        None => std::env::current_exe().ok()?.ancestors().nth(3)?.join("peers"),
    };
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    skip(name, "not fetched: cargo xtask test tools");
    None
}

/// Root, for the servers that insist on it.
pub fn root(name: &str) -> Option<()> {
    if rustix::process::geteuid().is_root() {
        return Some(());
    }
    skip(name, "needs root");
    None
}

/// Is there an address that IPv6 reaches?
pub fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// The same; where there is none the running test is noted as skipped.
pub fn ipv6() -> Option<()> {
    if !has_ipv6() {
        skip("IPv6", "this machine has none");
        return None;
    }
    Some(())
}

/// Notes that the running test is skipped for want of `name`. The caller returns right after.
pub fn skip(name: &str, why: &str) {
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
