//! How are programs run so that none outlives its test, and none hangs it?
use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than any step takes on a slow machine; a test that meets it has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs in the background and ends with this handle.
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts it, with its output going to `log`; the folder of that is its home.
    #[track_caller]
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = std::fs::File::create(log).expect("a log file in the test's own folder");
        let err = out.try_clone().expect("a second handle of the log file");
        let child =
            clean(command, log.parent().unwrap_or(log)).stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())) }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to read its files again (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Stops it while `work` is done: what happens meanwhile, it finds all at once.
    pub fn held<T>(&self, work: impl FnOnce() -> T) -> T {
        self.signal(Signal::STOP);
        let done = work();
        self.signal(Signal::CONT);
        done
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child of ours");
    }

    /// Has it ended by itself?
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child of ours")
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub fn stop(&mut self) -> ExitStatus {
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
pub struct Said {
    /// How it ended; one that took too long was killed.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error, as far as it is text.
    pub err: String,
    /// How long it ran.
    pub took: Duration,
}

impl Said {
    /// Itself, if the program ended well; else the test fails with all it said.
    #[track_caller]
    pub fn good(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.text(), self.err);
        self
    }

    /// Did it end well, and in time?
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Its standard output, as far as it is text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

/// Runs a program to its end, without input.
#[track_caller]
pub fn run(command: &mut Command) -> Said {
    run_with(command, b"")
}

/// Runs a program to its end with `input` on its standard input. One that takes too long fails the test.
#[track_caller]
pub fn run_with(command: &mut Command, input: &[u8]) -> Said {
    let said = run_within(command, input, PATIENCE);
    let killed = said.took >= PATIENCE && said.status.signal().is_some();
    assert!(!killed, "{} was not done after {PATIENCE:?}: {}", command.get_program().display(), said.err);
    said
}

/// Runs a program to its end with `input` on its standard input. One that takes longer than `patience` is
/// killed.
#[track_caller]
pub fn run_within(command: &mut Command, input: &[u8], patience: Duration) -> Said {
    let name = command.get_program().to_owned();
    // Some write files into the current folder or into dot files, whatever they are asked.
    let scratch = tempfile::tempdir().expect("a folder for what a program leaves behind");
    let started = Instant::now();
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let command = clean(command, scratch.path()).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read everything is judged by its exit, not by this pipe.
        let _ = stdin.write_all(input);
    }
    let status = wait_until(started + patience, || child.try_wait().expect("the state of a child of ours"));
    let status = status.unwrap_or_else(|| {
        let _ = child.kill();
        child.wait().expect("the end of a killed child")
    });
    let took = started.elapsed();
    let (out, err) = (out.join().expect("the reader of stdout"), err.join().expect("the reader of stderr"));
    Said { status, out, err: String::from_utf8_lossy(&err).into_owned(), took }
}

/// A command of `program` with `arguments`.
pub fn command<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// A call of a tool of the system; one that is not there fails when it is started.
pub fn tool(name: &str) -> Command {
    Command::new(find(name).unwrap_or_else(|| name.into()))
}

/// Asks `condition` until it answers or `until` has come.
pub fn wait_until<T>(until: Instant, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
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

/// The settings of the person who runs the tests must not reach the programs: no proxies, no dot files. The
/// program's home and current folder is `home`, unless the command names others.
pub fn clean<'c>(command: &'c mut Command, home: &Path) -> &'c mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_lowercase();
        if text.ends_with("_proxy") || text.starts_with("pasv_") {
            command.env_remove(name);
        }
    }
    for (name, folder) in [("HOME", home.to_owned()), ("XDG_STATE_HOME", home.join("state"))] {
        if !command.get_envs().any(|(set, _)| set == name) {
            command.env(name, folder);
        }
    }
    if command.get_current_dir().is_none() {
        command.current_dir(home);
    }
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC")
}

/// The program called `name`, in `PATH` or where Debian keeps what is root's.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
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
