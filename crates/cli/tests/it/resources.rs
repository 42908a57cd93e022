//! What does the server's process take of the machine, and does it give it back?

use std::collections::HashSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::harness::process::{command, run, wait_until};
use crate::harness::site::Site;
use crate::harness::url::Door;

const MIB: usize = 1 << 20;

/// What an argon2id verification fills.
const VERIFICATION: usize = 19 * MIB;

/// What an idle process may hold above what it held at first, and a busy one beside what is counted.
const MARGIN: usize = 16 * MIB;

/// Each verification left its 19 MiB with the process: 436 MiB after 200 logins one after the other.
#[test]
fn logins_leave_no_memory_behind() {
    let site = Site::with(&["--remember-logins", "0s"]);
    let before = site.status("VmRSS");
    for _ in 0..60 {
        site.door.talk().ask_for("QUIT", "221");
    }
    back_to(&site, before);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| site.door.talk().ask_for("QUIT", "221"));
        }
    });
    back_to(&site, before);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (peak, most) = (site.status("VmHWM"), before + cores * VERIFICATION + MARGIN);
    assert!(peak <= most, "{} MiB at the peak, {} are enough", peak / MIB, most / MIB);
}

/// A limit of file size sends a signal that ended the server, and all its sessions, without a word.
#[test]
fn a_limit_of_file_size_is_a_full_disk_and_no_end() {
    let site = Site::start();
    let limit = Rlimit { current: Some(MIB as u64), maximum: Some(MIB as u64) };
    let pid = Pid::from_raw(site.pid().cast_signed());
    prlimit(pid, Resource::Fsize, limit).expect("a limit for a child of ours");
    let mut other = site.door.talk();
    let mut talk = site.door.talk();
    for kind in ["TYPE I", "TYPE A"] {
        talk.ask_for(kind, "200");
        let mut data = talk.passive();
        talk.ask_for("STOR large", "150");
        // Refused in the middle, it may not all be taken.
        let _ = data.write_all(&vec![b'x'; 3 * MIB]);
        drop(data);
        talk.expect("452");
    }
    assert!(!site.root().join("large").exists());
    other.ask_for("NOOP", "200");
    assert!(site.says("\"full\"").contains("large"), "{}", site.log());
}

/// The same of a file that is fetched: what came is kept, and the person is told what is in the way.
#[test]
fn a_limit_of_file_size_breaks_a_download_with_a_word() {
    let site = Site::start();
    fs::write(site.root().join("large"), vec![7; 3 * MIB]).expect("a large file");
    let here = site.beside("here");
    let mut limited = command(Path::new("/bin/sh"), ["-c", "ulimit -f 1000; exec \"$0\" \"$@\""]);
    limited.args([env!("CARGO_BIN_EXE_pasv"), "get", "--tls", "off"]);
    limited.arg("-O").arg(&here).arg(format!("ftp://{}:{}/large", Door::HOST, site.door.port));
    let said = run(&mut limited);
    assert_eq!(said.status.code(), Some(4), "{said:?}");
    assert!(said.err.contains("File too large") && said.err.contains("ulimit -f"), "{}", said.err);
    let left: Vec<_> = fs::read_dir(&here).expect("the folder").flatten().collect();
    let [part] = &left[..] else { panic!("one part, not {left:?}") };
    assert!(part.file_name() != "large" && part.metadata().expect("its length").len() > 0);
}

/// It was said to be the site's own disk, and a connection that could not be accepted was said never to have
/// come.
#[test]
fn without_descriptors_a_transfer_says_so_and_works_again_after_it() {
    let site = Site::with(&["--data-timeout", "1s"]);
    fs::write(site.root().join("x"), "abc").expect("a file");
    let pid = Pid::from_raw(site.pid().cast_signed());
    let mut talk = site.door.talk();
    talk.ask_for("TYPE I", "200");
    let folder = format!("/proc/{}/fd", site.pid());
    // Descriptors of sockets and of the file.
    let in_use = || {
        let names = fs::read_dir(&folder).expect("its descriptors").flatten();
        let paths = names.filter_map(|name| fs::read_link(name.path()).ok());
        paths.filter(|path| path.ends_with("x") || path.to_string_lossy().starts_with("socket:")).count()
    };
    let idle = in_use();
    // The first one takes what is kept open from then on.
    let mut data = talk.passive();
    talk.ask_for("RETR x", "150");
    data.read_to_end(&mut Vec::new()).expect("the data");
    talk.expect("226");
    // A limit of descriptors is one of their numbers: the first that may not be had any more.
    let limit = |room: usize| {
        let names = fs::read_dir(&folder).expect("its descriptors").flatten();
        let open: HashSet<u64> = names.filter_map(|name| name.file_name().to_str()?.parse().ok()).collect();
        (0..).filter(|number| !open.contains(number)).nth(room).expect("there is no last number")
    };
    let before = getrlimit(Resource::Nofile);
    let mut told = Vec::new();
    // One is enough for the file or for the connection, whichever comes first, and not for both.
    for room in [0, 1] {
        wait_until(Instant::now() + Duration::from_secs(10), || (in_use() == idle).then_some(()))
            .expect("what the last transfer had opened is closed");
        let limit = Rlimit { current: Some(limit(room)), maximum: before.maximum };
        prlimit(pid, Resource::Nofile, limit).expect("a limit for a child of ours");
        let _data = talk.passive();
        told.push(talk.ask_for("RETR x", "451"));
        prlimit(pid, Resource::Nofile, before).expect("a limit for a child of ours");
        assert!(site.says("too-many-files").contains("ulimit -n"));
    }
    assert!(told.iter().all(|told| told.contains("too many files open")), "{told:?}");
    // At every port: what waited in the kernel for a claim that is gone was taken for the next claim's second
    // connection.
    for _ in 0..40 {
        let mut data = talk.passive();
        talk.ask_for("RETR x", "150");
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).expect("the data");
        talk.expect("226");
        assert_eq!(bytes, b"abc");
    }
}

/// A reader of what the server or the client prints may stop reading.
#[test]
fn a_pipe_that_nobody_reads_ends_no_server_and_no_client_badly() {
    let site = Site::start();
    for n in 0..2000 {
        fs::write(site.root().join(format!("{n:0>200}")), "").expect("a file");
    }
    let url = format!("ftp://{}:{}/", Door::HOST, site.door.port);
    let script = "\"$0\" ls --tls off \"$1\" | head -n 1 > /dev/null";
    let said = run(&mut command(Path::new("/bin/sh"), ["-c", script, env!("CARGO_BIN_EXE_pasv"), &url]));
    assert!(!said.err.contains("panic") && !said.err.contains("error"), "{}", said.err);
    site.door.talk().ask_for("QUIT", "221");
}

/// Waits until the site holds what an idle one may.
#[track_caller]
fn back_to(site: &Site, before: usize) {
    let small = || (site.status("VmRSS") < before + MARGIN).then_some(());
    wait_until(Instant::now() + Duration::from_secs(10), small).unwrap_or_else(|| {
        panic!("{} MiB at first, {} MiB after it", before / MIB, site.status("VmRSS") / MIB)
    });
}
