//! What may a download cost the server? Counted, not timed: system calls of a small one, copied bytes of a
//! large one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::harness::need;
use crate::harness::process::{Running, command, wait_until};
use crate::harness::site::Site;
use testbed::talk::Talk;

/// Downloads that the count is taken over.
const ROUNDS: usize = 100;

/// System calls of one small download, EPSV and its connection included: receive EPSV and send 229; accept
/// twice, the second to learn that nobody stands behind, and ask where the connection came in; receive RETR,
/// open, stat, a read that does not wait, send the data; receive nothing from a client that has nothing to
/// say; close twice; one send for 150 and 226 together; and the receives that say that there is no more.
const CALLS: usize = 16;

#[test]
fn a_small_download_costs_few_system_calls() {
    let Some(strace) = need::program("strace") else { return };
    let site = Site::start();
    fs::write(site.root().join("small"), [7; 4096]).expect("a small file");
    let mut talk = site.door.talk();
    talk.ask_for("TYPE I", "200");
    // The first one warms the page cache and the names.
    assert_eq!(download(&mut talk, "small"), 4096);
    let calls = traced(&strace, &site, || {
        for _ in 0..ROUNDS {
            assert_eq!(download(&mut talk, "small"), 4096);
        }
    });
    let Some(calls) = calls else { return };
    let mut costs = costs(&calls);
    costs.sort_by_key(|counts| counts.values().sum::<usize>());
    assert_eq!(costs.len(), ROUNDS - 1, "the trace saw only part of it");
    // A busy machine only ever adds calls: a file that has left the page cache is read by a thread that is
    // made for it, and a connection that comes late is waited for. So the cost is what the cheaper ones took.
    let cost = &costs[ROUNDS / 5];
    let all: usize = cost.values().sum();
    assert!(all >= 8, "the trace saw only part of it: {cost:?}");
    assert!(all <= CALLS, "{all} calls a download, and {CALLS} are enough: {cost:?}");
}

/// The calls of each download, from one that opens its file to the next that does; those that depend on how
/// processes happen to be scheduled are left out.
fn costs(calls: &[Call]) -> Vec<BTreeMap<&str, usize>> {
    let mut costs = Vec::new();
    let mut current: Option<BTreeMap<&str, usize>> = None;
    for call in calls {
        if call.name == "openat2" {
            costs.extend(current.replace(BTreeMap::new()));
        }
        let waiting = ["futex", "epoll_wait", "epoll_pwait", "write", "sched_yield"];
        if let (Some(counts), false) = (&mut current, waiting.contains(&call.name.as_str())) {
            *counts.entry(&call.name).or_default() += 1;
        }
    }
    costs
}

#[test]
fn a_download_in_clear_is_not_copied_through_user_space() {
    const SIZE: usize = 32 << 20;
    let Some(strace) = need::program("strace") else { return };
    let site = Site::start();
    fs::write(site.root().join("large"), vec![7; SIZE]).expect("a large file");
    let mut talk = site.door.talk();
    talk.ask_for("TYPE I", "200");
    let calls = traced(&strace, &site, || assert_eq!(download(&mut talk, "large"), SIZE));
    let Some(calls) = calls else { return };
    let sum = |names: &[&str]| -> usize {
        calls
            .iter()
            .filter(|c| names.contains(&c.name.as_str()))
            .map(|c| usize::try_from(c.result).unwrap_or(0))
            .sum()
    };
    let moved = sum(&["sendfile", "splice"]);
    let copied = sum(&["read", "readv", "pread64", "preadv", "recvfrom", "recvmsg"])
        .max(sum(&["write", "writev", "sendto", "sendmsg"]));
    // The replies, the bytes that ask whether a piece is cached, and a last piece too small for sendfile to
    // pay.
    assert!(moved >= SIZE - (64 << 10), "only {moved} of {SIZE} bytes went by sendfile or splice");
    assert!(copied < 64 << 10, "{copied} bytes were copied through user space");
}

/// A passive download; the count of its bytes.
fn download(talk: &mut Talk, name: &str) -> usize {
    let mut data = talk.passive();
    talk.ask_for(&format!("RETR {name}"), "150");
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).expect("the data");
    talk.expect("226");
    bytes.len()
}

/// A system call as the trace tells it.
struct Call {
    name: String,
    result: i64,
}

/// The calls of the site's process during `work`; `None`, and noted, where processes may not be traced.
fn traced(strace: &std::path::Path, site: &Site, work: impl FnOnce()) -> Option<Vec<Call>> {
    let folder = site.beside("trace");
    let (trace, log) = (folder.join("calls"), folder.join("log"));
    let pid = site.pid().to_string();
    let mut tracer = command(strace, ["-f", "-q", "-s", "0", "-p", &pid, "-o"]);
    let mut running = Running::start(tracer.arg(&trace), &log);
    let threads = format!("/proc/{pid}/task");
    let attached = wait_until(Instant::now() + Duration::from_secs(20), || {
        if running.ended().is_some() {
            return Some(false);
        }
        let all = fs::read_dir(&threads).ok()?.flatten().all(|thread| {
            fs::read_to_string(thread.path().join("status"))
                .is_ok_and(|s| s.lines().any(|l| l.starts_with("TracerPid:") && !l.ends_with("\t0")))
        });
        all.then_some(true)
    });
    if attached != Some(true) {
        need::skip("strace", "processes may not be traced here");
        return None;
    }
    work();
    running.stop();
    let text = fs::read_to_string(&trace).expect("the trace");
    Some(text.lines().filter_map(call).collect())
}

/// Reads `PID name(args) = result`, and the second half of a call that was cut in two, which bears the
/// result.
fn call(line: &str) -> Option<Call> {
    let (_, rest) = line.split_once(' ')?;
    let rest = rest.trim_start();
    let name = match rest.strip_prefix("<... ") {
        Some(resumed) => resumed.split_once(' ')?.0,
        None if rest.ends_with("<unfinished ...>") => return None,
        None => rest.split_once('(')?.0,
    };
    let result = rest.rsplit_once(" = ")?.1.split(' ').next()?.parse().ok()?;
    Some(Call { name: name.to_owned(), result })
}
