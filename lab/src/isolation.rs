//! How does a run keep away from the machine's own network, and take all with it when it ends?
//!
//! The program starts itself once more in namespaces of its own: network, mounts and processes, and users
//! where it is not root. All that a run makes lives there. When its first process ends, by whatever cause,
//! the kernel ends the others and takes the networks down.
//!
//! ```text
//!   lab --pipe--> unshare --> lab, inside: the first process, which hears no signal (pid_namespaces(7))
//! ```
//! Nor does `unshare` end by Ctrl-C. So the one inside watches a pipe that the one outside holds, and ends
//! with it.
use std::env;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio, exit};

use testbed::process::{find, tool};

/// What a shell says of a program that ended by Ctrl-C.
const INTERRUPTED: i32 = 130;
/// Set for the program inside.
const INSIDE: &str = "PASV_LAB_INSIDE";
/// The names that the lab's hosts can look up. Every lab uses the same addresses, so one file does for all.
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n203.0.113.2 dual.lab\n2001:db8:2::2 dual.lab\n";

/// Returns inside, or says why that cannot be had here. The program outside ends in here, as the one inside
/// has ended.
pub(crate) fn enter() -> Result<(), String> {
    if env::var_os(INSIDE).is_some() {
        std::thread::spawn(end_with_the_one_outside);
        return furnish();
    }
    for (program, package) in
        [("unshare", "util-linux"), ("ip", "iproute2"), ("nft", "nftables"), ("tc", "iproute2")]
    {
        find(program).ok_or(format!("{program} is not installed (package {package})"))?;
    }
    let mut tried = unshare();
    let tried = tried.arg(find("ip").unwrap_or_default()).args(["link", "show", "lo"]).output();
    match tried {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!("no namespaces here: {}", text.trim()));
        }
        Err(error) => return Err(format!("unshare: {error}")),
    }
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let mut inside = unshare();
    inside.arg(this).args(env::args_os().skip(1)).env(INSIDE, "1").stdin(Stdio::piped());
    let mut inside = inside.spawn().map_err(|error| format!("unshare: {error}"))?;
    // Kept until the end: `wait` would close it.
    let held = inside.stdin.take();
    let status = inside.wait().map_err(|error| format!("unshare: {error}"))?;
    drop(held);
    exit(status.code().unwrap_or(INTERRUPTED))
}

/// Ends the run when nobody holds the other end of standard input any more.
fn end_with_the_one_outside() {
    // Nothing is ever said on it.
    let _ = std::io::stdin().read(&mut [0]);
    exit(INTERRUPTED)
}

/// May programs change to other users here? Not where we are root by a mapping of our own, which knows one
/// user.
pub(crate) fn has_users() -> bool {
    std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| {
        let mut words = map.split_whitespace().skip(2);
        words.next().and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count > 1)
    })
}

fn unshare() -> Command {
    let mut command = tool("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
}

/// Gives us a `/run` of our own, in which `ip netns` keeps its names and the trials their files, and a table
/// of hosts.
fn furnish() -> Result<(), String> {
    mount(&["-t", "tmpfs", "-o", "mode=0755", "lab", "/run"])?;
    let hosts = Path::new("/run/hosts");
    let mut file = std::fs::File::create(hosts).map_err(|error| error.to_string())?;
    file.write_all(HOSTS.as_bytes()).map_err(|error| error.to_string())?;
    mount(&["--bind", "/run/hosts", "/etc/hosts"])?;
    let done = tool("ip").args(["link", "set", "lo", "up"]).status();
    done.map_err(|error| error.to_string()).map(|_| ())
}

fn mount(words: &[&str]) -> Result<(), String> {
    let output = tool("mount").args(words).output().map_err(|error| format!("mount: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("mount {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
