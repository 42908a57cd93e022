//! Does a run of the lab leave nothing behind, however it ends?
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Ctrl-C ended the program outside and nothing else: the run went on unseen for minutes, with its servers
/// and networks.
#[test]
fn a_run_that_is_interrupted_takes_everything_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (pasv, begun) = (folder.path().join("pasv"), folder.path().join("begun"));
    // In place of our program, one that the run waits for longer than this test does. It holds the lab's
    // standard error.
    fs::write(&pasv, format!("#!/bin/sh\n: > {}\nexec sleep 600\n", begun.display())).unwrap();
    fs::set_permissions(&pasv, fs::Permissions::from_mode(0o755)).unwrap();
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("--pasv")
        .arg(&pasv)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut out = lab.stdout.take().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !begun.exists() {
        if let Some(status) = lab.try_wait().unwrap() {
            let mut said = String::new();
            out.read_to_string(&mut said).unwrap();
            let first = said.lines().next().unwrap_or_default();
            assert!(status.success() && first.starts_with("skipped: lab ("), "{status}: {said}");
            println!("{first}");
            return;
        }
        assert!(Instant::now() < deadline, "the run does not begin");
        std::thread::sleep(Duration::from_millis(3));
    }
    // Not by SIGINT, which a shell has background programs ignore.
    kill_process(Pid::from_child(&lab), Signal::TERM).unwrap();
    assert_eq!(lab.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
    // The one inside has the other end of this pipe for as long as it lives.
    let (tell, ended) = channel();
    std::thread::spawn(move || tell.send(out.read_to_end(&mut Vec::new()).is_ok()));
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(true), "the run goes on");
}
