//! Does `pasv serve` start, refuse to start, log and end as the one who runs it expects?
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::process::{Said, command, run, wait_until};
use crate::harness::site::Site;

/// Somebody who owns nothing here.
const NOBODY: u32 = 65534;

fn serve() -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["serve"])
}

/// A folder of folders with modes of their own, and a program for a user who may not read them.
struct Ground {
    folder: TempDir,
    program: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("pasv");
        // Where the tests were built may be closed to others.
        let built = Path::new(env!("CARGO_BIN_EXE_pasv"));
        fs::copy(built, &program).expect("a copy");
        Self::mode(&program, 0o755);
        Self::mode(folder.path(), 0o755);
        Self { folder, program }
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode of our own");
    }

    fn dir(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self::mode(&path, mode);
        path
    }

    /// As a user for whom permissions count.
    fn refused(&self, root: &Path, flags: &[&str]) -> Said {
        let mut serve = command(&self.program, ["serve", "-p", "0"]);
        serve.arg(root).args(flags);
        if rustix::process::geteuid().is_root() {
            serve.uid(NOBODY).gid(NOBODY);
        }
        let said = run(&mut serve);
        assert_eq!(said.status.code(), Some(2), "{}", said.err);
        assert!(said.out.is_empty(), "{}", String::from_utf8_lossy(&said.out));
        said
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What was closed is to be removed.
        for entry in fs::read_dir(self.folder.path()).into_iter().flatten().flatten() {
            Self::mode(&entry.path(), 0o700);
        }
    }
}

#[test]
fn a_folder_that_cannot_be_shared_is_an_error_at_the_start() {
    let ground = Ground::new();
    let closed = ground.dir("closed", 0o000);
    let below = closed.join("below");
    let readable = ground.dir("readable", 0o555);
    let names = ground.dir("names", 0o444);
    for (root, flags, wanted) in [
        (&closed, &[][..], &["cannot read ", "Permission denied", "mode 0000", "running as ", "chmod "][..]),
        (&names, &[], &["cannot enter ", "mode 0444"]),
        (&below, &[], &["cannot share ", "Permission denied", "chmod o+x "]),
        (&readable, &["--write"], &["cannot write to ", "mode 0555", "hint: "]),
        (&readable, &["--anonymous", "drop"], &["cannot write to "]),
        (&readable, &["--user", "alice", "--anonymous", "write"], &["cannot write to "]),
    ] {
        let said = ground.refused(root, flags);
        for words in wanted {
            assert!(said.err.contains(words), "{root:?} {flags:?}: no {words:?} in {}", said.err);
        }
    }
    let said = ground.refused(&ground.folder.path().join("missing"), &[]);
    assert!(said.err.contains("no such folder"), "{}", said.err);
    let said = ground.refused(&ground.program, &[]);
    assert!(said.err.contains("not a folder"), "{}", said.err);
}

#[test]
fn flags_that_exclude_each_other_are_an_error() {
    for (flags, words) in [
        (&["--write", "--anonymous"][..], "--anonymous write"),
        (&["-p", "1", "-l", "127.0.0.1:2"], "--port 1 has no effect"),
        (&["--anonymous", "/srv"], "pasv serve /srv --anonymous"),
        (&["-l", "no-such-name.invalid"], "192.0.2.1:2121"),
    ] {
        let said = run(serve().args(flags));
        assert!(said.status.code() == Some(2) && said.err.contains(words), "{flags:?}: {}", said.err);
    }
}

/// `mv log log.1; kill -HUP`, as logrotate does it.
#[test]
fn a_hangup_makes_new_log_files_and_an_end_leaves_no_ready_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let [log, xferlog, moved, moved_xferlog] =
        ["log", "xferlog", "log.1", "xferlog.1"].map(|name| folder.path().join(name));
    let (log_flag, xferlog_flag) = (log.display().to_string(), xferlog.display().to_string());
    let mut site = Site::with(&["--log-file", &log_flag, "--xferlog", &xferlog_flag]);
    let get = |site: &Site, name: &str| {
        fs::write(site.root().join(name), name).expect("a file of the site");
        let mut get = command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["get", "--tls", "off", "-o", "-"]);
        assert_eq!(run(get.arg(site.door.url(name))).good().out, name.as_bytes());
    };
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let until = |what: &str, path: &Path, words: &str| {
        let said = || text(path).contains(words).then_some(());
        wait_until(Instant::now() + Duration::from_secs(60), said)
            .unwrap_or_else(|| panic!("{what}: no {words:?} in {}", text(path)));
    };
    get(&site, "one");
    until("before", &log, "path=\"/one\"");
    until("before", &xferlog, " /one ");
    assert!(!site.log().contains("INFO"), "the log goes to the file alone: {}", site.log());
    let mode = fs::metadata(&log).expect("a log").permissions().mode();
    assert_eq!(mode & 0o7137, 0, "others may read the log: {mode:o}");
    fs::rename(&log, &moved).expect("a log that can be moved");
    fs::rename(&xferlog, &moved_xferlog).expect("a log that can be moved");
    site.hang_up();
    until("after", &log, "log file reopened");
    get(&site, "two");
    until("after", &log, "path=\"/two\"");
    until("after", &xferlog, " /two ");
    assert!(!text(&moved).contains("/two") && !text(&moved_xferlog).contains("/two"));
    assert!(!text(&log).contains("/one") && !text(&xferlog).contains("/one"));
    // One that cannot be opened stays the old one, which says so.
    fs::rename(&log, &moved).expect("a log that can be moved");
    fs::create_dir(&log).expect("a folder in its place");
    site.hang_up();
    until("at last", &moved, "cannot reopen the log file; still writing to the old one");
    assert!(site.ready().exists());
    assert!(site.stop().success());
    assert!(!site.ready().exists(), "it would say that the server is up");
    until("the end", &moved, "INFO stopped");
    let (stopping, stopped) = (text(&moved).find("INFO stopping"), text(&moved).find("INFO stopped"));
    assert!(stopping.is_some() && stopping < stopped, "{}", text(&moved));
}

#[test]
fn stopping_says_what_it_waits_for() {
    let mut site = Site::with(&["--drain-timeout", "0s"]);
    let file = fs::File::create(site.root().join("large")).expect("a file of the site");
    file.set_len(1 << 30).expect("a sparse file");
    // It does not read, and so the transfer stands still.
    let mut client = site.door.talk();
    client.ask_for("TYPE I", "200");
    let _data = client.passive();
    client.ask_for("RETR large", "150");
    site.stop();
    let log = site.log();
    assert!(log.contains("stopping when these transfers have finished"), "{log}");
    let line =
        log.lines().find(|line| line.contains("waiting for the download")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("user=\"tester\"") && line.contains("path=\"/large\""), "{line}");
}

#[test]
fn quiet_is_quiet_and_levels_have_their_usual_names() {
    let said = run(serve().args(["--log-level", "verbose"]));
    assert!(said.status.code() == Some(2) && said.err.contains("warn, info"), "{}", said.err);
    let mut site = Site::with(&["--quiet", "--log-level", "warning"]);
    run(&mut command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["ls", "--tls", "off", &site.door.url("")]))
        .good();
    site.stop();
    assert!(!site.log().contains("INFO") && !site.log().contains("pasv shares"), "{}", site.log());
}

/// In the banner, or without one in the log.
#[test]
fn open_write_access_is_warned_of() {
    for (flag, told, not) in [
        ("--explain", "WARNING: anyone who can connect can change", "WARN anyone"),
        ("--quiet", "WARN anyone who can connect can change", "WARNING: "),
    ] {
        let mut site = Site::with(&[flag]);
        site.stop();
        let said = site.log();
        assert!(said.contains(told) && !said.contains(not), "{flag}: {said}");
    }
}

#[test]
fn a_log_of_json_has_the_same_fields() {
    let mut site = Site::with(&["--log-format", "json"]);
    run(&mut command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["ls", "--tls", "off", &site.door.url("")]))
        .good();
    site.stop();
    let log = site.log();
    let events: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let one = |message: &str| {
        events
            .iter()
            .find(|event| event["message"] == message)
            .unwrap_or_else(|| panic!("no {message}: {log}"))
    };
    assert_eq!(one("logged in")["user"], "tester");
    assert_eq!(one("done")["path"], "/");
    assert_eq!(one("done")["tls"], "off");
    assert!(one("disconnected")["sent"].is_u64(), "{log}");
    one("stopped");
}
