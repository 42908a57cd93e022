//! What does Ctrl-C do while a file is on its way?
//!
//! The program says where it stopped and how to go on, and ends; a second Ctrl-C ends it without a word. The signal is left alone
//! until the first file or the first question for a password, at which the terminal gets its echo back. After that a thread of its
//! own waits for it, so that it is heard whatever the others wait for.
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use client::{Direction, Progress};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use wire::Pathname;

use crate::progress::{Meter, Tally, grouped, human};
use crate::talk::{say, show_path};

/// What is on its way.
pub(crate) struct UnderWay {
    shared: Arc<Shared>,
    begun: Once,
}

struct Shared {
    file: Mutex<Option<File>>,
    meter: Meter,
    resume: bool,
}

/// A file on its way.
enum File {
    /// Into this part, which is kept.
    Coming(PathBuf),
    Going {
        name: String,
        progress: Arc<Progress>,
        /// Can `-c` go on with what the server has of it?
        resumes: bool,
    },
    /// None any more: all is done, or has failed.
    Finished,
}

/// The terminal as it was before a password was asked for.
static TERMINAL: Mutex<Option<Termios>> = Mutex::new(None);
/// A thread waits for the signals that end a question.
static ASKED: Once = Once::new();
/// Files are under way: Ctrl-C is another thread's.
static FILES: AtomicBool = AtomicBool::new(false);

/// A password is being typed, without echo.
pub(crate) struct Typing(());

/// To be called before a password is asked for: whatever signal ends the program before the guard is dropped, the terminal has its
/// echo back.
pub(crate) fn typing() -> Typing {
    let before = fs::File::open("/dev/tty").ok().and_then(|terminal| tcgetattr(&terminal).ok());
    *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = before;
    ASKED.call_once(|| {
        let (caught, is_caught) = channel();
        thread::spawn(move || wait_at_a_question(&caught));
        let _ = is_caught.recv();
    });
    Typing(())
}

impl Drop for Typing {
    fn drop(&mut self) {
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn wait_at_a_question(caught: &Sender<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    runtime.block_on(async {
        let of = |kind| signal(kind).ok();
        let (Some(mut interrupt), Some(mut quit), Some(mut end), Some(mut hangup)) = (
            of(SignalKind::interrupt()),
            of(SignalKind::quit()),
            of(SignalKind::terminate()),
            of(SignalKind::hangup()),
        ) else {
            return;
        };
        let _ = caught.send(());
        loop {
            tokio::select! {
                _ = interrupt.recv() => if !FILES.load(Ordering::Relaxed) { die() },
                _ = quit.recv() => die_by("QUIT", 131),
                _ = end.recv() => die_by("TERM", 143),
                _ = hangup.recv() => die_by("HUP", 129),
            }
        }
    });
}

impl UnderWay {
    /// `resume`: the command has `-c` already.
    pub(crate) fn new(meter: &Meter, resume: bool) -> Self {
        let shared = Shared { file: Mutex::new(None), meter: meter.clone(), resume };
        Self { shared: Arc::new(shared), begun: Once::new() }
    }

    /// A file is on its way from now on.
    pub(crate) fn started(&self, path: &Pathname, direction: &Direction, progress: &Arc<Progress>) {
        *self.shared.file() = match direction {
            Direction::Download { part } => part.clone().map(File::Coming),
            Direction::Upload { resumable } => Some(File::Going {
                name: path.to_string(),
                progress: Arc::clone(progress),
                resumes: *resumable,
            }),
        };
        self.listen();
    }

    /// No file is on its way any more.
    pub(crate) fn ended(&self) {
        *self.shared.file() = None;
    }

    /// No file is to come: an interrupt has nothing to say any more.
    pub(crate) fn finished(&self) {
        *self.shared.file() = Some(File::Finished);
    }

    /// Returns when the signal is caught.
    fn listen(&self) {
        self.begun.call_once(|| {
            let (caught, is_caught) = channel();
            let shared = Arc::clone(&self.shared);
            thread::spawn(move || wait(&shared, &caught));
            // Where it could not be asked for, it ends the program as ever.
            let _ = is_caught.recv();
        });
    }
}

impl Shared {
    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait(shared: &Arc<Shared>, caught: &Sender<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    runtime.block_on(async {
        let Ok(mut interrupts) = signal(SignalKind::interrupt()) else { return };
        FILES.store(true, Ordering::Relaxed);
        let _ = caught.send(());
        interrupts.recv().await;
        let shared = Arc::clone(shared);
        // It may take long to look at the part, or to write to a terminal that was stopped by Ctrl-S.
        thread::spawn(move || stop(&shared));
        again(&mut interrupts).await;
    });
}

async fn again(interrupts: &mut Signal) {
    interrupts.recv().await;
    die();
}

/// Says where it stopped, and ends. The lock is held to the end: nothing is finished after it was said that it is not.
fn stop(shared: &Shared) {
    let file = shared.file();
    let at = match &*file {
        // The program ends by itself, and what it was to do is done.
        Some(File::Finished) => return,
        None => None,
        Some(File::Coming(part)) => {
            Some(At::Kept { bytes: fs::metadata(part).map_or(0, |part| part.len()), part: show_path(part) })
        }
        Some(File::Going { name, progress, resumes }) => {
            Some(At::Sent { bytes: progress.bytes(), name: name.clone(), resumes: *resumes })
        }
    };
    let at = at.filter(|at| at.bytes() > 0);
    let resumes = at.as_ref().is_some_and(At::resumes);
    if resumes || !shared.meter.is_quiet() {
        let tally = shared.meter.tally();
        shared.meter.clear();
        say(format_args!("{}{}", over(), words(at.as_ref(), &tally, shared.resume)));
    }
    die()
}

/// Ends by the signal: a shell stops its loop only for a program that died of it.
fn die() -> ! {
    die_by("INT", 130)
}

fn die_by(signal: &str, code: i32) -> ! {
    let before = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let (Some(before), Ok(terminal)) = (before, fs::File::open("/dev/tty")) {
        // Where the terminal is gone there is nothing to restore.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
    // A new program in this process has the signal's own effect back.
    let _ = Command::new("/bin/sh").args(["-c", &format!("kill -{signal} $$")]).exec();
    // There is no shell: what a shell would say of it.
    std::process::exit(code)
}

/// Says that the program was interrupted, and ends.
pub(crate) fn end() -> ! {
    say(format_args!("{}interrupted", over()));
    die()
}

/// The signal has ended a wait of this thread; the one that caught it ends the program.
pub(crate) fn await_end() -> ! {
    thread::sleep(Duration::from_secs(2));
    die()
}

/// Writes over the ^C of the terminal.
fn over() -> &'static str {
    if io::stderr().is_terminal() { "\r" } else { "" }
}

/// Where a file has stopped.
enum At {
    Kept { bytes: u64, part: String },
    Sent { bytes: u64, name: String, resumes: bool },
}

impl At {
    fn bytes(&self) -> u64 {
        match self {
            Self::Kept { bytes, .. } | Self::Sent { bytes, .. } => *bytes,
        }
    }

    fn resumes(&self) -> bool {
        !matches!(self, Self::Sent { resumes: false, .. })
    }
}

fn words(at: Option<&At>, tally: &Tally, resume: bool) -> String {
    let mut line = "interrupted".to_owned();
    let done = tally.files + tally.present;
    if done > 0 {
        let files = if done == 1 { "file" } else { "files" };
        line.push_str(&format!(" after {} {files} ({} transferred)", grouped(done), human(tally.bytes)));
    }
    let bytes = grouped(at.map_or(0, At::bytes));
    match at {
        None => {}
        Some(At::Kept { part, .. }) => line.push_str(&format!(": {bytes} bytes are kept in {part}")),
        Some(At::Sent { name, .. }) => line.push_str(&format!(": {bytes} bytes of {name} were sent")),
    }
    let again = if resume { "the same command" } else { "the same command with -c" };
    match at {
        Some(at) if at.resumes() => line.push_str(&format!("; {again} resumes it")),
        Some(_) => line.push_str("; it has to be sent again from its start"),
        None if done > 0 => line.push_str(&format!("; {again} continues")),
        None => {}
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_where_it_stopped_and_how_to_go_on() {
        let kept = At::Kept { bytes: 24_117_248, part: ".x.part".to_owned() };
        let sent = |resumes| At::Sent { bytes: 24_117_248, name: "big.iso".to_owned(), resumes };
        let none = Tally::default();
        let some = Tally { files: 36, present: 1, bytes: 312 << 20, ..none };
        for (at, tally, resume, line) in [
            (None, &none, false, "interrupted"),
            (
                Some(kept),
                &none,
                false,
                "interrupted: 24,117,248 bytes are kept in .x.part; the same command with -c resumes it",
            ),
            (
                Some(sent(true)),
                &some,
                true,
                "interrupted after 37 files (312.00 MiB transferred): 24,117,248 bytes of big.iso were sent; the same command resumes it",
            ),
            (
                Some(sent(false)),
                &none,
                false,
                "interrupted: 24,117,248 bytes of big.iso were sent; it has to be sent again from its start",
            ),
            (
                None,
                &some,
                false,
                "interrupted after 37 files (312.00 MiB transferred); the same command with -c continues",
            ),
        ] {
            assert_eq!(words(at.as_ref(), tally, resume), line);
        }
    }
}
