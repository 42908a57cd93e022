//! Where do the lines of the log go, and how do they come into a new file when the old one is moved away?
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use config::{Log as Configured, LogFormat};
use net::os_error::words;
use server::xferlog::Xferlog;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::error::{Error, show};

/// The log of a server that runs. Dropped, it writes its last lines.
pub struct Log {
    file: Option<LogFile>,
    xferlog: Option<Xferlog>,
    _lines: WorkerGuard,
}

impl Log {
    /// The lines go through a thread of their own: a reader of stderr that is too slow, or stops reading,
    /// must not hold sessions up. Some 100,000 lines wait for such a reader; then lines are lost, and the
    /// server is not.
    pub(crate) fn open(config: &Configured) -> Result<Self, Error> {
        let filter = filter(config.level.as_deref().unwrap_or("info"))?;
        let file = opened(config.file.as_deref(), LogFile::open)?;
        let xferlog = opened(config.xferlog.as_deref(), Xferlog::open)?;
        let (out, lines) = match file.clone() {
            Some(file) => tracing_appender::non_blocking(file),
            None => tracing_appender::non_blocking(io::stderr()),
        };
        let told = tracing_subscriber::fmt().with_env_filter(filter).with_writer(out).with_target(false);
        let color = file.is_none()
            && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            && io::stderr().is_terminal();
        match config.format {
            LogFormat::Text => told.with_ansi(color).init(),
            LogFormat::Json => told.json().flatten_event(true).with_ansi(false).init(),
        }
        Ok(Self { file, xferlog, _lines: lines })
    }

    /// The classic transfer log, if there is one.
    pub(crate) fn xferlog(&self) -> Option<Xferlog> {
        self.xferlog.clone()
    }

    /// Opens the files again by their names, after somebody has moved them away. One that cannot be opened
    /// stays the old one.
    pub(crate) fn reopen(&self) {
        let file = self.file.as_ref().map(|file| (&file.0.path, file.reopen()));
        let xferlog = self.xferlog.as_ref().map(|log| (log.path(), log.reopen()));
        for (path, reopened) in
            file.iter().map(|(p, r)| (p.as_path(), r)).chain(xferlog.iter().map(|(p, r)| (*p, r)))
        {
            let file = show(path);
            match reopened {
                Ok(()) => tracing::info!(file, "log file reopened"),
                Err(error) => {
                    let error = words(error);
                    tracing::error!(file, error, "cannot reopen the log file; still writing to the old one");
                }
            }
        }
    }
}

/// A file that lines are added to. Cheap to clone.
#[derive(Clone, Debug)]
struct LogFile(Arc<Named>);

#[derive(Debug)]
struct Named {
    path: PathBuf,
    file: Mutex<File>,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = Mutex::new(append(path)?);
        Ok(Self(Arc::new(Named { path: path.to_owned(), file })))
    }

    fn reopen(&self) -> io::Result<()> {
        *self.file() = append(&self.0.path)?;
        Ok(())
    }

    /// Nothing panics under the lock.
    fn file(&self) -> MutexGuard<'_, File> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

fn opened<T>(path: Option<&Path>, open: impl Fn(&Path) -> io::Result<T>) -> Result<Option<T>, Error> {
    path.map(|path| open(path).map_err(|error| Error::unwritable(path, &error))).transpose()
}

/// Names of users, files and addresses are not for everybody to read.
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

/// A level, or a filter such as `server=debug`.
fn filter(level: &str) -> Result<EnvFilter, Error> {
    let level = if level.eq_ignore_ascii_case("warning") { "warn" } else { level };
    let bare = !level.contains(['=', ',', '[']);
    if bare && level.parse::<LevelFilter>().is_err() {
        // As a filter it would be the name of a module that does not exist, and nothing would be logged.
        return Err(Error::new(format_args!("--log-level {level:?} is not a level"))
            .hint("use error, warn, info, debug, trace or off; or a filter such as server=debug"));
    }
    EnvFilter::try_new(level).map_err(|e| Error::new(format_args!("--log-level {level:?}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_that_other_programs_have() {
        for level in ["error", "warn", "warning", "WARNING", "info", "debug", "trace", "off", "server=debug"]
        {
            assert!(filter(level).is_ok(), "{level}");
        }
        assert!(filter("verbose").is_err());
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogFile::open(&path).unwrap();
        log.write_all(b"one\n").unwrap();
        let moved = folder.path().join("log.1");
        std::fs::rename(&path, &moved).unwrap();
        log.write_all(b"two\n").unwrap();
        log.reopen().unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read(&moved).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
        // Where it cannot be made, the old one is kept.
        std::fs::rename(&path, &moved).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(log.reopen().is_err());
        log.write_all(b"four\n").unwrap();
        assert_eq!(std::fs::read(&moved).unwrap(), b"three\nfour\n");
    }
}
