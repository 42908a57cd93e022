//! How are programs run so that none outlives its test, and none hangs it?

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than any step takes on a slow machine; a test that meets it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs in the background and ends with this handle.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it, with what it says going to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let out = std::fs::File::create(log).expect("a log file in the test's own folder");
        let err = out.try_clone().expect("a second handle of the log file");
        let child = clean(command).stdout(out).stderr(err).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())) }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to look at its files again (SIGHUP).
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("a child of ours");
    }

    /// Has it ended by itself?
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child of ours")
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        if self.ended().is_none() {
            // It is our child and not yet waited for, so the number is still its own.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        let until = Instant::now() + Duration::from_secs(10);
        wait_until(until, || self.ended()).unwrap_or_else(|| {
            let _ = self.child.kill();
            self.child.wait().expect("the end of a killed child")
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a program that ran to its end has said.
#[derive(Debug)]
pub(crate) struct Said {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) out: Vec<u8>,
    /// Its standard error, as far as it is text.
    pub(crate) err: String,
}

impl Said {
    /// Itself, if the program ended well; else the test fails with all it said.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert!(
            self.status.success(),
            "{}\n{}\n{}",
            self.status,
            String::from_utf8_lossy(&self.out),
            self.err
        );
        self
    }
}

/// Runs a program to its end, without input.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Said {
    run_with(command, b"")
}

/// Runs a program to its end with `input` on its standard input. One that takes too long is ended and the test fails.
#[track_caller]
pub(crate) fn run_with(command: &mut Command, input: &[u8]) -> Said {
    let name = command.get_program().to_owned();
    // Some write files into the current folder or into dot files, whatever they are asked.
    let scratch = tempfile::tempdir().expect("a folder for what a program leaves behind");
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let spawned = clean(command)
        .current_dir(scratch.path())
        .env("HOME", scratch.path())
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    let out = drain(child.stdout.take());
    let err = drain(child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read everything is judged by its exit, not by this pipe.
        let _ = std::io::Write::write_all(&mut stdin, input);
    }
    let status =
        wait_until(Instant::now() + PATIENCE, || child.try_wait().expect("the state of a child of ours"));
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let (out, err) = (out.join().expect("the reader of stdout"), err.join().expect("the reader of stderr"));
    let err = String::from_utf8_lossy(&err).into_owned();
    let status =
        status.unwrap_or_else(|| panic!("{} was not done after {PATIENCE:?}: {err}", name.display()));
    Said { status, out, err }
}

/// A command of `program` with `arguments`.
pub(crate) fn command<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Asks `condition` until it answers or `until` has come.
pub(crate) fn wait_until<T>(until: Instant, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(answer) = condition() {
            return Some(answer);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The settings of the person who runs the tests must not reach the programs: no proxies, no dot files.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_lowercase();
        if text.ends_with("_proxy") || text.starts_with("pasv_") {
            command.env_remove(name);
        }
    }
    // What our client remembers of sites is a test's own affair, where one gives it a place.
    if !command.get_envs().any(|(name, _)| name == "XDG_STATE_HOME") {
        command.env_remove("XDG_STATE_HOME");
    }
    command
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut all);
        }
        all
    })
}
