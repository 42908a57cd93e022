//! What does the server's process take of the machine, and does it give it back?

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::dialogue::Dialogue;
use crate::harness::process::wait_until;
use crate::harness::site::Site;

const MIB: u64 = 1 << 20;

/// What an argon2id verification fills.
const VERIFICATION: u64 = 19 * MIB;

/// What an idle process may hold above what it held at first, and a busy one beside what is counted.
const MARGIN: u64 = 16 * MIB;

/// Each verification left its 19 MiB with the process: 436 MiB after 200 logins one after the other.
#[test]
fn logins_leave_no_memory_behind() {
    let site = Site::with(&["--remember-logins", "0s"]);
    let before = memory(&site, "VmRSS");
    for _ in 0..60 {
        Dialogue::open(&site.door).ask("QUIT", "221");
    }
    back_to(&site, before);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| Dialogue::open(&site.door).ask("QUIT", "221"));
        }
    });
    back_to(&site, before);
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let (peak, most) = (memory(&site, "VmHWM"), before + cores * VERIFICATION + MARGIN);
    assert!(peak <= most, "{} MiB at the peak, {} are enough", peak / MIB, most / MIB);
}

/// Waits until the site holds what an idle one may.
#[track_caller]
fn back_to(site: &Site, before: u64) {
    let small = || (memory(site, "VmRSS") < before + MARGIN).then_some(());
    wait_until(Instant::now() + Duration::from_secs(10), small).unwrap_or_else(|| {
        panic!("{} MiB at first, {} MiB after it", before / MIB, memory(site, "VmRSS") / MIB)
    });
}

/// A figure of the site's memory (proc_pid_status(5)), in bytes.
fn memory(site: &Site, figure: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", site.pid())).expect("its state");
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.expect("a number of KiB") * 1024
}
