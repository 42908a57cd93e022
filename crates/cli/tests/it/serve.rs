//! Does `pasv serve` start, refuse to start, log and end as the one who runs it expects?
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::process::{Said, command, run};

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
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).expect("a copy");
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
        let closed = fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        closed.for_each(|entry| Self::mode(&entry.path(), 0o700));
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
