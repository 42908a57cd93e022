//! What does Ctrl-C do while a file is being copied, or a password typed?
//!
//! The program says where it stopped and how to resume, and ends; a second Ctrl-C ends it without a word.
//! Signals are left alone until the first file or the first question for a password, at which the terminal
//! gets its echo back. After that a thread of its own waits for them, so that they are heard whatever the
//! others wait for.
use std::fs;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use client::Direction;
use indicatif::{HumanBytes, HumanCount};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::progress::{Meter, Run, Tally, counted};
use crate::talk::{say, show_path};

/// The terminal as it was before a password was asked for.
static TERMINAL: Mutex<Option<Termios>> = Mutex::new(None);
/// The copies that Ctrl-C stops, and whether the command has `-c` already.
static COPIES: Mutex<Option<(Meter, bool)>> = Mutex::new(None);

/// Asks for a password at the terminal, without echo: whatever signal ends the program meanwhile, the
/// terminal has its echo back.
pub(crate) fn password(prompt: &str) -> io::Result<String> {
    static LISTENING: Once = Once::new();
    *lock(&TERMINAL) = fs::File::open("/dev/tty").ok().and_then(|terminal| tcgetattr(&terminal).ok());
    listen_for_interrupts();
    LISTENING.call_once(|| listen(&[SIGQUIT, SIGTERM, SIGHUP], |signal| die(signal)));
    let typed = rpassword::prompt_password(prompt);
    *lock(&TERMINAL) = None;
    if typed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        // The thread that caught the signal ends the program.
        thread::sleep(Duration::from_secs(2));
        die(SIGINT);
    }
    typed
}

/// From now on Ctrl-C says how far the file that this meter shows has come. `resume`: the command has `-c`
/// already.
pub(crate) fn copying(meter: &Meter, resume: bool) {
    *lock(&COPIES) = Some((meter.clone(), resume));
    listen_for_interrupts();
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen_for_interrupts() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let mut stopping = false;
        listen(&[SIGINT], move |signal| match lock(&COPIES).clone() {
            // It may take long to look at the part, or to write to a terminal that was stopped by Ctrl-S.
            Some((meter, resume)) if !std::mem::replace(&mut stopping, true) => {
                drop(thread::spawn(move || stop(&meter, resume)))
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
fn stop(meter: &Meter, resume: bool) {
    let state = meter.lock();
    if state.finished {
        // The program ends by itself, and what it was to do is done.
        return;
    }
    let at = state.running().and_then(|(name, run)| At::of(name, run)).filter(|at| at.bytes > 0);
    if at.as_ref().is_some_and(|at| at.resumable) || !meter.quiet {
        meter.clear();
        say(format_args!("{}{}", over(), words(at.as_ref(), &state.tally(), resume)));
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

impl At {
    fn of(name: &str, run: &Run) -> Option<Self> {
        let (bytes, what, resumable) = match &run.direction {
            Direction::Download { part } => {
                let part = part.as_ref()?;
                let bytes = fs::metadata(part).map_or(0, |part| part.len());
                (bytes, format!("are kept in {}", show_path(part)), true)
            }
            Direction::Upload { resumable } => {
                (run.progress.bytes(), format!("of {name} were sent"), *resumable)
            }
        };
        Some(Self { bytes, what, resumable })
    }
}

fn words(at: Option<&At>, tally: &Tally, resume: bool) -> String {
    let done = tally.files + tally.present;
    let after = match done {
        0 => String::new(),
        done => format!(" after {} ({} transferred)", counted(done), HumanBytes(tally.bytes)),
    };
    let again = if resume { "the same command" } else { "the same command with -c" };
    let rest = match at {
        Some(At { bytes, what, resumable: true }) => {
            format!(": {} bytes {what}; {again} resumes it", HumanCount(*bytes))
        }
        Some(At { bytes, what, resumable: false }) => {
            format!(": {} bytes {what}; it has to be sent again from its start", HumanCount(*bytes))
        }
        None if done > 0 => format!("; {again} continues"),
        None => String::new(),
    };
    format!("interrupted{after}{rest}")
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
