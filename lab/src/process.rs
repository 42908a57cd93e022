//! How are programs run so that none outlives its test, and none hangs it?
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A program in the background, which ends with this handle.
pub(crate) struct Running {
    child: Child,
}

/// What a program that ran to its end has said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Did it end well, and in time?
    pub(crate) good: bool,
    /// How it ended, for people.
    pub(crate) status: String,
    /// Its standard output, as far as it is text.
    pub(crate) out: String,
    /// Its standard error, as far as it is text.
    pub(crate) err: String,
    /// How long it ran.
    pub(crate) took: Duration,
}

impl Running {
    /// Starts it, with what it says going to `log`.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).expect("a log in the trial's own folder");
        let err = out.try_clone().expect("a second handle of the log");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())) }
    }

    /// Holds it while `work` is done: what happens meanwhile, it finds all at once.
    pub(crate) fn held<T>(&self, work: impl FnOnce() -> T) -> T {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).expect("a child of ours can be held");
        let done = work();
        kill_process(pid, Signal::CONT).expect("a child of ours can go on");
        done
    }

    /// Has it ended by itself?
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child of ours")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            // It is our child and not yet waited for, so the number is still its own.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        if wait_until(Instant::now() + Duration::from_secs(3), || self.ended()).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs a program to its end, with `input`. One that takes longer than `patience` is ended, and has not ended well.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &str, patience: Duration) -> Said {
    let name = command.get_program().to_owned();
    let started = Instant::now();
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let spawned = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read everything is judged by its exit, not by this pipe.
        let _ = stdin.write_all(input.as_bytes());
    }
    let ended = wait_until(started + patience, || child.try_wait().expect("the state of a child of ours"));
    let status = ended.unwrap_or_else(|| {
        let _ = child.kill();
        child.wait().expect("the end of a killed child")
    });
    let status_text = match ended {
        Some(status) => status.to_string(),
        None => format!("not done after {} s", patience.as_secs()),
    };
    Said {
        good: ended.is_some() && status.success(),
        status: format!("{}: {status_text}", name.display()),
        took: started.elapsed(),
        out: out.join().expect("the reader of stdout"),
        err: err.join().expect("the reader of stderr"),
    }
}

/// The settings of the person who runs the tests must not reach the programs.
pub(crate) fn clean<'c>(command: &'c mut Command, home: &Path) -> &'c mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_lowercase();
        if text.ends_with("_proxy") || text.starts_with("pasv_") {
            command.env_remove(name);
        }
    }
    command
        .envs([("LC_ALL", "C.UTF-8"), ("TZ", "UTC")])
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"));
    command.current_dir(home)
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
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A call of a tool of the system.
pub(crate) fn tool(name: &str) -> Command {
    // One that is not there is told of by whoever starts it.
    Command::new(found(name).unwrap_or_else(|| name.into()))
}

/// The program called `name`, in `PATH` or where Debian keeps what is root's.
pub(crate) fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut all);
        }
        String::from_utf8_lossy(&all).into_owned()
    })
}
