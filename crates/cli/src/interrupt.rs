//! What does Ctrl-C do while a file is being copied, or a password typed?
//!
//! The program says where it stopped and how to resume, and ends; a second Ctrl-C ends it without a word.
//! Signals are left alone until the first file or the first question for a password, at which the terminal
//! gets its echo back. After that a thread of its own waits for them, so that they are heard whatever the
//! others wait for.
use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use client::{Direction, Progress};
use indicatif::{HumanBytes, HumanCount};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use wire::Pathname;

use crate::progress::{Meter, Tally};
use crate::talk::{say, show_path};

/// The files that are being copied.
pub(crate) struct UnderWay(Arc<Files>);

struct Files {
    now: Mutex<Now>,
    meter: Meter,
    /// The command has `-c` already.
    resume: bool,
}

enum Now {
    Nothing,
    /// Into this partial file, which is kept.
    Download(PathBuf),
    Upload {
        name: String,
        progress: Arc<Progress>,
        resumable: bool,
    },
    /// All is done, or has failed.
    Finished,
}

/// The terminal as it was before a password was asked for.
static TERMINAL: Mutex<Option<Termios>> = Mutex::new(None);
/// What Ctrl-C stops.
static FILES: Mutex<Option<Arc<Files>>> = Mutex::new(None);

/// A password is being typed, without echo.
pub(crate) struct Typing(());

/// To be called before a password is asked for: whatever signal ends the program before the guard is dropped,
/// the terminal has its echo back.
pub(crate) fn typing() -> Typing {
    static LISTENING: Once = Once::new();
    let before = fs::File::open("/dev/tty").ok().and_then(|terminal| tcgetattr(&terminal).ok());
    *lock(&TERMINAL) = before;
    listen_for_interrupts();
    LISTENING.call_once(|| listen(&[SIGQUIT, SIGTERM, SIGHUP], |signal| die(signal)));
    Typing(())
}

impl Drop for Typing {
    fn drop(&mut self) {
        *lock(&TERMINAL) = None;
    }
}

impl UnderWay {
    /// `resume`: the command has `-c` already.
    pub(crate) fn new(meter: &Meter, resume: bool) -> Self {
        Self(Arc::new(Files { now: Mutex::new(Now::Nothing), meter: meter.clone(), resume }))
    }

    /// A file is being copied from now on.
    pub(crate) fn started(&self, path: &Pathname, direction: &Direction, progress: &Arc<Progress>) {
        *lock(&self.0.now) = match direction {
            Direction::Download { part } => part.clone().map_or(Now::Nothing, Now::Download),
            Direction::Upload { resumable } => {
                Now::Upload { name: path.to_string(), progress: Arc::clone(progress), resumable: *resumable }
            }
        };
        *lock(&FILES) = Some(Arc::clone(&self.0));
        listen_for_interrupts();
    }

    /// No file is being copied any more.
    pub(crate) fn stopped(&self) {
        *lock(&self.0.now) = Now::Nothing;
    }

    /// No file is to come: an interrupt has nothing to say any more.
    pub(crate) fn finished(&self) {
        *lock(&self.0.now) = Now::Finished;
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen_for_interrupts() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let mut stopping = false;
        listen(&[SIGINT], move |signal| match lock(&FILES).clone() {
            // It may take long to look at the part, or to write to a terminal that was stopped by Ctrl-S.
            Some(files) if !std::mem::replace(&mut stopping, true) => {
                drop(thread::spawn(move || stop(&files)))
            }
            _ => die(signal),
        });
    });
}

/// Signals that cannot be asked for end the program as ever.
fn listen(signals: &[i32], mut each: impl FnMut(i32) + Send + 'static) {
    if let Ok(mut signals) = Signals::new(signals) {
        thread::spawn(move || signals.forever().for_each(&mut each));
    }
}

/// Says where it stopped, and ends. The lock is held to the end: nothing is finished after it was said that
/// it is not.
fn stop(files: &Files) {
    let now = lock(&files.now);
    let at = match &*now {
        // The program ends by itself, and what it was to do is done.
        Now::Finished => return,
        Now::Nothing => None,
        Now::Download(part) => {
            let bytes = fs::metadata(part).map_or(0, |part| part.len());
            Some(At { bytes, what: format!("are kept in {}", show_path(part)), resumable: true })
        }
        Now::Upload { name, progress, resumable } => {
            let bytes = progress.bytes();
            Some(At { bytes, what: format!("of {name} were sent"), resumable: *resumable })
        }
    };
    let at = at.filter(|at| at.bytes > 0);
    if at.as_ref().is_some_and(|at| at.resumable) || !files.meter.is_quiet() {
        let tally = files.meter.tally();
        files.meter.clear();
        say(format_args!("{}{}", over(), words(at.as_ref(), &tally, files.resume)));
    }
    die(SIGINT)
}

/// Ends by the signal: a shell stops its loop only for a program that died of it.
fn die(signal: i32) -> ! {
    let before = lock(&TERMINAL).take();
    if let (Some(before), Ok(terminal)) = (before, fs::File::open("/dev/tty")) {
        // Where the terminal is gone there is nothing to restore.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
    let _ = emulate_default_handler(signal);
    std::process::exit(128 + signal)
}

/// Says that the program was interrupted, and ends.
pub(crate) fn end() -> ! {
    say(format_args!("{}interrupted", over()));
    die(SIGINT)
}

/// The signal has ended a wait of this thread; the one that caught it ends the program.
pub(crate) fn await_end() -> ! {
    thread::sleep(Duration::from_secs(2));
    die(SIGINT)
}

/// Writes over the ^C of the terminal.
fn over() -> &'static str {
    if io::stderr().is_terminal() { "\r" } else { "" }
}

/// Where a file has stopped.
struct At {
    bytes: u64,
    what: String,
    resumable: bool,
}

fn words(at: Option<&At>, tally: &Tally, resume: bool) -> String {
    let mut line = "interrupted".to_owned();
    let done = tally.files + tally.present;
    if done > 0 {
        let files = if done == 1 { "file" } else { "files" };
        let bytes = HumanBytes(tally.bytes);
        line.push_str(&format!(" after {} {files} ({bytes} transferred)", HumanCount(done)));
    }
    let again = if resume { "the same command" } else { "the same command with -c" };
    match at {
        Some(At { bytes, what, resumable }) => {
            line.push_str(&format!(": {} bytes {what}; ", HumanCount(*bytes)));
            match resumable {
                true => line.push_str(&format!("{again} resumes it")),
                false => line.push_str("it has to be sent again from its start"),
            }
        }
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
        let at = |what: &str, resumable| At { bytes: 24_117_248, what: what.to_owned(), resumable };
        let none = Tally::default();
        let some = Tally { files: 36, present: 1, bytes: 312 << 20, ..none };
        for (at, tally, resume, line) in [
            (None, &none, false, "interrupted"),
            (
                Some(at("are kept in .x.part", true)),
                &none,
                false,
                "interrupted: 24,117,248 bytes are kept in .x.part; the same command with -c resumes it",
            ),
            (
                Some(at("of big.iso were sent", true)),
                &some,
                true,
                "interrupted after 37 files (312.00 MiB transferred): 24,117,248 bytes of big.iso were sent; \
                 the same command resumes it",
            ),
            (
                Some(at("of big.iso were sent", false)),
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
