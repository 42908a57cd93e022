//! What does Ctrl-C do while a file is on its way to us?
//!
//! What has come is kept, and the person is told so. The signal is left alone until the first file: at a question for a
//! password it ends the program as ever.
use std::fs;
use std::future::pending;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::talk::{say, show_path};

/// What is on its way.
#[derive(Default)]
pub(crate) struct UnderWay {
    part: Mutex<Option<PathBuf>>,
    begun: Notify,
}

impl UnderWay {
    /// A file goes into this part from now on, if that is kept.
    pub(crate) fn begins(&self, part: Option<&Path>) {
        self.set(part.map(Path::to_owned));
        self.begun.notify_one();
    }

    /// Nothing goes into a part any more.
    pub(crate) fn ended(&self) {
        self.set(None);
    }

    /// Waits for Ctrl-C, from the first file on: the part that is being written.
    pub(crate) async fn interrupted(&self) -> Option<PathBuf> {
        self.begun.notified().await;
        if tokio::signal::ctrl_c().await.is_err() {
            // It could not be asked for, and ends the program as ever.
            pending::<()>().await;
        }
        self.set(None)
    }

    fn set(&self, part: Option<PathBuf>) -> Option<PathBuf> {
        std::mem::replace(&mut *self.part.lock().unwrap_or_else(PoisonError::into_inner), part)
    }
}

/// Says what is kept, and ends by the signal: a shell stops its loop only for a program that died of it.
pub(crate) fn end(part: Option<&Path>) -> ! {
    match part.map(|part| (part, fs::metadata(part).map_or(0, |m| m.len()))) {
        Some((part, kept @ 1..)) => say(format_args!(
            "interrupted: {kept} bytes are kept in {}; the same command with -c resumes it",
            show_path(part)
        )),
        _ => say(format_args!("interrupted")),
    }
    // A new program in this process has the signal's own effect back.
    let _ = Command::new("/bin/sh").args(["-c", "kill -INT $$"]).exec();
    // There is no shell: what a shell would say of it.
    std::process::exit(130)
}
