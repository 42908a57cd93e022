//! How do files and trees of ours become files and trees of a server?
//!
//! Directory by directory, each before what is in it, and its time last. Where the session is lost, a new one
//! resumes at the file that was under way. What the server refuses and what cannot be read here is skipped,
//! and the watcher is told.
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use net::pump::Progress;
use wire::facts::EntryType;
use wire::{Pathname, Stamp};

use super::target::{LocalError, Why};
use super::{CopyError, Got, OnLinks, TreeOptions};
use crate::client::Client;
use crate::error::{Error, words};
use crate::event::Direction;
use crate::going_on::{GoingOn, Next};
use crate::upload::{Give, LONG, NOTED, Resumed};
use crate::walk::{DEPTH, below};

/// What is read of a pipe at a time.
const CHUNK: usize = 64 * 1024;

/// How many files an upload of these files and directories is, and how many bytes, as far as can be seen now.
#[must_use]
pub fn measured<P: AsRef<Path>>(roots: &[P]) -> (u64, u64) {
    let (mut number, mut bytes) = (0, 0);
    let mut waiting: Vec<_> = roots.iter().map(|root| (root.as_ref().to_owned(), 0)).collect();
    while let Some((path, depth)) = waiting.pop() {
        // A link that is named leads to a tree; one in a tree, at most to a file.
        let Ok(there) = fs::metadata(&path) else { continue };
        if there.is_file() {
            number += 1;
            bytes += there.len();
        } else if there.is_dir() && depth < DEPTH && (depth == 0 || !path.is_symlink()) {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| (entry.path(), depth + 1)));
        }
    }
    (number, bytes)
}

impl Client {
    /// Uploads one file as bytes, with its time. What cannot be measured, such as a pipe, is sent to its end.
    /// With `resume` what the server has is used if it is proven to be the start of this file.
    ///
    /// # Errors
    /// Of the file and of the session.
    pub async fn put_file(&mut self, file: &Path, to: &Pathname, resume: bool) -> Result<Got, CopyError> {
        let here = |error| ours(file, error);
        let open = File::open(file).map_err(here)?;
        let there = open.metadata().map_err(here)?;
        // The length of a pipe, a device or a file of /proc is not that of what can be read of it.
        if !there.is_file()
            || there.len() == 0 && File::open(file).and_then(|mut f| f.read(&mut [0])).map_err(here)? > 0
        {
            return Ok(self.put_chunks(chunks(open), to, false).await?);
        }
        let (open, progress) = (Arc::new(open), Arc::new(Progress::default()));
        let resumable = self.records.is_some() && there.len() >= if resume { NOTED } else { LONG };
        self.started(to, Direction::Upload { resumable }, (0, 0), Some(there.len()), &progress);
        let result = if resume {
            self.store_rest(to, open, &progress).await
        } else {
            self.store(to, open, &progress).await
        };
        self.stopped(to);
        let stored = result.map_err(|error| CopyError::Server { error, kept: true })?;
        let copied = matches!(stored.sent, Resumed::Sent(_));
        self.done(to, stored.length(), copied);
        if let Some(time) = stored.modified() {
            self.set_modified(to, time).await.map_err(|error| CopyError::Server { error, kept: true })?;
        }
        Ok(if copied { Got::Whole(stored.length()) } else { Got::AlreadyThere })
    }

    /// Uploads one file as text: line ends become those of the network.
    ///
    /// # Errors
    /// Of the file, also where it changes meanwhile, and of the session.
    pub async fn put_text(&mut self, file: &Path, to: &Pathname) -> Result<Got, CopyError> {
        let here = |error| ours(file, error);
        let open = File::open(file).map_err(here)?;
        let is_file = open.metadata().map_err(here)?.is_file();
        Ok(self.put_chunks(if is_file { unchanging(open) } else { chunks(open) }, to, true).await?)
    }

    /// Uploads all that `from` gives.
    ///
    /// # Errors
    /// Of the session, and where `from` cannot be read.
    pub async fn put_stream(
        &mut self,
        from: impl Read + Send + 'static,
        to: &Pathname,
        text: bool,
    ) -> Result<Got, Error> {
        self.put_chunks(chunks(from), to, text).await
    }

    async fn put_chunks(&mut self, give: Give, to: &Pathname, text: bool) -> Result<Got, Error> {
        let progress = Arc::new(Progress::default());
        self.started(to, Direction::Upload { resumable: false }, (0, 0), None, &progress);
        let result = if text {
            self.store_text(to, give, &progress).await
        } else {
            self.store_stream(to, give, &progress).await
        };
        self.stopped(to);
        result?;
        self.done(to, progress.bytes(), true);
        Ok(Got::Whole(progress.bytes()))
    }

    /// Uploads a directory and all that is in it to the directory `to`, which is made with its parents if it
    /// is not there. False: something was skipped, as the watcher was told.
    ///
    /// # Errors
    /// Of the session, and where `to` cannot be made.
    pub async fn put_tree(
        &mut self,
        root: &Path,
        to: &Pathname,
        options: TreeOptions,
    ) -> Result<bool, CopyError> {
        let top = fs::canonicalize(root).map_err(|error| ours(root, error))?;
        let mut upload = Upload {
            client: self,
            options,
            top,
            going_on: GoingOn::new(),
            times: Vec::new(),
            complete: true,
        };
        upload.folders(root, to).await?;
        upload.set_times().await?;
        Ok(upload.complete)
    }

    /// Makes a directory and those above it, unless they are there. From the top down, as servers make only
    /// what has its parent.
    ///
    /// # Errors
    /// When one of them is not there and cannot be made.
    pub async fn make_dir_all(&mut self, path: &Pathname) -> Result<(), Error> {
        let mut whole = Vec::new();
        for part in path.as_bytes().split_inclusive(|byte| *byte == b'/') {
            whole.extend_from_slice(part);
            if part == b"/" {
                continue;
            }
            let Ok(directory) = Pathname::new(whole.strip_suffix(b"/").unwrap_or(&whole)) else { continue };
            if let Err(error) = self.make_dir(&directory).await
                && (!matches!(error, Error::Refused { .. }) || !self.is_directory(&directory).await)
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes the directory that `path` is in and those above it, unless they are there.
    ///
    /// # Errors
    /// See [`Client::make_dir_all`].
    pub async fn make_parents(&mut self, path: &Pathname) -> Result<(), Error> {
        let Some(parent) = parent(path) else { return Ok(()) };
        match self.stat(Some(&parent)).await {
            Err(Error::Refused { .. }) => self.make_dir_all(&parent).await,
            other => other.map(drop),
        }
    }

    /// Is it a directory, as far as the server tells?
    pub async fn is_directory(&mut self, path: &Pathname) -> bool {
        self.stat(Some(path)).await.is_ok_and(|e| e.facts.kind.is_some_and(|kind| kind.is_directory()))
    }

    /// Is there something of this name at the server?
    ///
    /// # Errors
    /// Of the session; a refusal is an answer.
    pub async fn exists(&mut self, path: &Pathname) -> Result<bool, Error> {
        match self.stat(Some(path)).await {
            Ok(_) => return Ok(true),
            Err(Error::Refused { .. }) => {}
            Err(other) => return Err(other),
        }
        if ["MLST", "SIZE"].iter().any(|feature| self.features().has(feature)) {
            return Ok(false);
        }
        // The server knows neither command, so that the refusal may say nothing: its listing does.
        match self.listed(path).await {
            Ok((found, _)) => Ok(found.is_some()),
            Err(Error::Refused { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// An upload of a tree.
struct Upload<'a> {
    client: &'a mut Client,
    options: TreeOptions,
    /// The directory itself, links followed.
    top: PathBuf,
    going_on: GoingOn,
    /// Directories whose times are set at the end.
    times: Vec<(Pathname, Stamp)>,
    complete: bool,
}

impl Upload<'_> {
    async fn folders(&mut self, root: &Path, path: &Pathname) -> Result<(), CopyError> {
        let mut waiting = vec![(root.to_owned(), path.clone(), 0usize)];
        while let Some((folder, path, depth)) = waiting.pop() {
            let mut refused = self.directory(&path).await?;
            if depth == 0 && refused.is_some() {
                self.client.make_parents(&path).await?;
                refused = self.directory(&path).await?;
            }
            if let Some(why) = refused {
                // Without the directory that was named there is nothing to resume.
                if depth == 0 {
                    return Err(why.into());
                }
                self.skip(&folder, &why);
                continue;
            }
            if let Some(time) = fs::metadata(&folder).ok().as_ref().and_then(modified) {
                self.times.push((path.clone(), time));
            }
            let mut entries = match fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) => {
                    self.skip(&folder, &words(&error));
                    continue;
                }
            };
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let file = entry.path();
                let Some(path) = below(Some(&path), entry.file_name().as_bytes()) else {
                    self.skip(&file, &"its name contains a line end, which FTP cannot transfer");
                    continue;
                };
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth + 1 >= DEPTH => {
                        self.skip(&file, &"it is too deep");
                    }
                    Ok(kind) if kind.is_dir() => waiting.push((file, path, depth + 1)),
                    Ok(kind) if kind.is_symlink() => match self.behind(&file) {
                        Ok(real) => self.file(&file, &real, &path).await?,
                        Err(why) => self.skip(&file, &why),
                    },
                    Ok(kind) if kind.is_file() => {
                        self.file(&file, &file, &path).await?;
                    }
                    Ok(_) => self.skip(&file, &"it is neither a file nor a folder"),
                    Err(error) => self.skip(&file, &words(&error)),
                }
            }
        }
        Ok(())
    }

    /// Last, as every file put into a directory changes its time.
    async fn set_times(&mut self) -> Result<(), CopyError> {
        for (path, time) in self.times.iter().rev() {
            loop {
                match self.client.set_modified(path, *time).await {
                    Ok(_) => break,
                    Err(error) => match self.going_on.after(self.client, &error).await {
                        Next::Again => {}
                        // A directory with another time is a directory all the same.
                        Next::Skip => break,
                        Next::Over => return Err(error.into()),
                    },
                }
            }
        }
        Ok(())
    }

    /// The file of the same folder that a link leads to; else why it is skipped.
    fn behind(&self, link: &Path) -> Result<PathBuf, String> {
        if self.options.links == OnLinks::Keep {
            return Err("FTP cannot make links".to_owned());
        }
        let real = fs::canonicalize(link).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "dangling link".to_owned(),
            _ => words(&error),
        })?;
        let there = fs::metadata(&real).map_err(|error| words(&error))?;
        match () {
            () if there.is_dir() => Err("link to a directory".to_owned()),
            () if !real.starts_with(&self.top) => Err("link that leads out of the folder".to_owned()),
            () if !there.is_file() => Err("it is neither a file nor a folder".to_owned()),
            () => Ok(real),
        }
    }

    /// One file of a folder, and where its bytes are: what cannot be stored is skipped, and the rest goes on.
    async fn file(&mut self, file: &Path, real: &Path, path: &Pathname) -> Result<(), CopyError> {
        let mut resume = self.options.resume;
        let mut most = 0;
        loop {
            let error = match self.client.put_file(real, path, resume).await {
                Ok(_) => {
                    self.going_on.gained();
                    return Ok(());
                }
                Err(CopyError::Server { error, .. }) if error.calls_for_a_new_session() => error,
                Err(CopyError::Server { error, .. })
                    if matches!(error, Error::Refused { .. }) || error.is_about_a_name() =>
                {
                    self.skip(file, &error);
                    return Ok(());
                }
                Err(CopyError::Local(here)) => {
                    self.skip(file, &here);
                    return Ok(());
                }
                Err(other) => return Err(other),
            };
            match self.going_on.after(self.client, &error).await {
                Next::Again => {
                    // What has arrived is resumed, where it proves to be ours.
                    resume = true;
                    let there = self.client.size(path).await.ok().flatten().unwrap_or(0);
                    if there > most {
                        most = there;
                        self.going_on.gained();
                    }
                }
                Next::Skip => {
                    self.skip(file, &error);
                    return Ok(());
                }
                Next::Over => return Err(CopyError::Server { error, kept: true }),
            }
        }
    }

    fn skip(&mut self, file: &Path, why: &dyn std::fmt::Display) {
        self.complete = false;
        self.client.skipped(file.as_os_str().as_bytes(), why);
    }

    /// Makes a directory, if it is not there; or why it is neither there nor can be made.
    async fn directory(&mut self, path: &Pathname) -> Result<Option<Error>, CopyError> {
        loop {
            let error = match self.client.make_dir(path).await {
                Ok(()) => return Ok(None),
                // Perhaps it is there already.
                Err(refusal @ Error::Refused { .. }) => match self.client.stat(Some(path)).await {
                    Ok(there) if there.facts.kind.as_ref().is_some_and(EntryType::is_directory) => {
                        return Ok(None);
                    }
                    Err(error) if error.calls_for_a_new_session() => error,
                    _ => return Ok(Some(refusal)),
                },
                Err(error) => error,
            };
            match self.going_on.after(self.client, &error).await {
                Next::Again => {}
                Next::Skip => return Ok(Some(error)),
                Next::Over => return Err(error.into()),
            }
        }
    }
}

/// The directory that a path is in; none where that is the login's.
fn parent(path: &Pathname) -> Option<Pathname> {
    let bytes = path.as_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/')?;
    Pathname::new(bytes.get(..slash.max(1))?.to_vec()).ok()
}

/// Something is wrong with a file of ours.
fn ours(path: &Path, error: io::Error) -> CopyError {
    LocalError { path: path.to_owned(), why: Why::Io(error) }.into()
}

/// The time of modification, to the second; none for times before 1970.
fn modified(of: &fs::Metadata) -> Option<Stamp> {
    let age = of.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Stamp::from_seconds(i64::try_from(age.as_secs()).ok()?))
}

/// Of a file that must not change before its end is read: what goes as text cannot be sent once more from a
/// certain byte.
fn unchanging(file: File) -> Give {
    let state = |of: &File| of.metadata().map(|of| (of.len(), of.modified().ok()));
    let before = state(&file);
    let watched = file.try_clone();
    let mut give = chunks(file);
    Box::new(move || {
        let chunk = give()?;
        if chunk.is_empty()
            && state(watched.as_ref().map_err(copied)?)? != *before.as_ref().map_err(copied)?
        {
            return Err(io::Error::other("the local file changed during the upload"));
        }
        Ok(chunk)
    })
}

/// An error that is needed more than once.
fn copied(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

fn chunks(mut from: impl Read + Send + 'static) -> Give {
    Box::new(move || {
        let mut chunk = vec![0; CHUNK];
        let got = loop {
            match from.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        chunk.truncate(got);
        Ok(chunk)
    })
}
