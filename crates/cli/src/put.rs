//! `pasv put`: files and trees of ours, stored at a site.
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use clap::{Args, ValueHint};
use client::going_on::{GoingOn, Next};
use client::upload::{Give, LONG, NOTED, Records, Resumed};
use client::walk::{DEPTH, below};
use client::{Client, Error, Progress};
use wire::facts::EntryType;
use wire::pathname::show;
use wire::url::FtpUrl;
use wire::{Entry, Pathname, RepresentationType, Stamp};

use crate::address;
use crate::client_flags::{LinksFlag, Talk, TypeFlag, VerifyFlag, representation};
use crate::interrupt::UnderWay;
use crate::mkdir::make_all;
use crate::progress::Meter;
use crate::several::Several;
use crate::site::{self, Sessions};
use crate::state;
use crate::talk::{Exit, Failure, show_path, words};

/// Upload files, or with -r whole directory trees.
///
/// End the URL with a slash to upload into a directory: files keep their names there.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files, or with -r directories, to upload; - is stdin.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,

    /// Where they go: a name for one file, or a directory (with a slash at the end).
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    url: String,

    /// Upload directories with their contents.
    #[arg(short, long)]
    recursive: bool,

    /// Resume partial uploads.
    ///
    /// What the server has is used only if it is proven to be the start of this file. Otherwise the file is uploaded from its
    /// start.
    #[arg(short = 'c', long = "continue")]
    resume: bool,

    /// Keep a file that exists on the server; it is skipped, and the exit code is 1.
    ///
    /// The server is asked before the upload: a file that someone else stores at the same moment may still be replaced.
    #[arg(short, long, conflicts_with_all = ["resume", "recursive"])]
    no_clobber: bool,

    /// Transfer type: i, bytes as they are (default), or a, text with line ends converted.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    representation: Option<TypeFlag>,

    /// What proves that a file has arrived: the server's SIZE, its HASH too, or only its reply (off).
    #[arg(long, hide_short_help = true, value_enum, value_name = "HOW", hide_possible_values = true, default_value_t = VerifyFlag::Size)]
    verify: VerifyFlag,

    /// Links in a directory: follow uploads a link to a file of the same directory as that file; keep uploads none, as FTP cannot
    /// make links.
    ///
    /// Links to directories, and those that lead out of the directory, are skipped.
    #[arg(long, hide_short_help = true, value_enum, value_name = "HOW", hide_possible_values = true, default_value_t = LinksFlag::Follow)]
    links: LinksFlag,

    /// Print a line for each file and a summary on stderr, even if it is not a terminal.
    #[arg(long, help_heading = "Output")]
    progress: bool,

    #[command(flatten)]
    talk: Talk,
}

/// What is read of a pipe at a time.
const PIECE: usize = 64 * 1024;

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let reversed = || flags.files.iter().any(|file| show_path(file).contains("://"));
    let url = address::read_target(&flags.url).map_err(|failure| {
        if reversed() {
            failure.hint("the URL to upload to comes last: `pasv put FILE... FTP-URL`")
        } else {
            failure
        }
    })?;
    if flags.files.len() > 1 && !url.means_directory() {
        return Err(Failure::usage(format!("several files, but {url} does not name a directory"))
            .hint("end the URL with a slash if it is a directory"));
    }
    let text = representation(flags.representation, &url) == RepresentationType::Ascii;
    if text && (flags.resume || flags.recursive) {
        return Err(Failure::usage("type a (text) cannot be combined with -c or -r"));
    }
    let meter = Meter::new(flags.talk.quiet).leaving_lines(flags.progress);
    // Before the connection is made: a file that is not there is a mistake on the command line.
    let mut all = Several::of(flags.files.len());
    let mut targets = HashMap::new();
    let mut files = Vec::new();
    for file in &flags.files {
        match check(file, &url, flags) {
            Err(failure) if all.many() && file != Path::new("-") => {
                all.add(Err(failure), |failure| meter.failed(failure))?;
                continue;
            }
            checked => checked?,
        }
        files.push(file);
        let target = target(file, &url)?;
        if let Some(other) = targets.insert(target.clone(), file) {
            let (one, two) = (show_path(other), show_path(file));
            return Err(Failure::usage(format!("{one} and {two} would both be uploaded as {target}"))
                .hint("upload them one by one, into different directories or under different names"));
        }
    }
    let mut sessions = Sessions::new(&flags.talk, meter.clone()).verifying(flags.verify.verify());
    let records = state::folder().map(|state| Records::in_folder(state.join("uploads")));
    let mut tree = Tree {
        flags,
        under_way: UnderWay::new(&meter, flags.resume),
        meter,
        records: records.is_some(),
        ready: false,
        left_out: false,
    };
    let mut whole = None;
    let mut last = Ok(());
    for file in &files {
        tree.left_out = false;
        let done = match sessions.at(&url).await {
            Ok(client) => {
                // Not before questions about certificates and passwords are answered.
                if flags.recursive && whole.is_none() {
                    whole = Some(tree.meter.whole(Some(expected(&files))));
                }
                if let Some(records) = &records {
                    client.remember_uploads(records.clone());
                }
                tree.argument(client, file, &url, text).await
            }
            Err(failure) => Err(failure),
        };
        let done = if tree.left_out { done.and(Err(Failure::told(Exit::Refused))) } else { done };
        sessions.after(&done);
        last = all.add(done, |failure| tree.meter.failed(failure));
        if last.is_err() {
            break;
        }
    }
    tree.under_way.finished();
    sessions.end().await;
    drop(whole);
    tree.meter.summary(flags.files.len() > 1);
    last?;
    all.end()
}

/// How many files there are to be stored, and how many bytes, as far as can be seen.
fn expected(files: &[&PathBuf]) -> (u64, u64) {
    let (mut number, mut bytes) = (0, 0);
    let mut waiting: Vec<_> = files.iter().map(|file| (PathBuf::from(file), 0)).collect();
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

fn check(file: &Path, url: &FtpUrl, flags: &Flags) -> Result<(), Failure> {
    if file == Path::new("-") {
        if flags.talk.login.reads_stdin() {
            return Err(Failure::usage("stdin cannot be both the file and the password"));
        }
        if url.means_directory() || flags.recursive || flags.resume {
            return Err(Failure::usage("stdin is uploaded as one file, from its start")
                .hint("name the file in the URL, and leave out -c and -r"));
        }
        return Ok(());
    }
    let there = fs::metadata(file).map_err(|e| match show_path(file) {
        url if url.contains("://") => Failure::usage(format!("{url} is a URL, not a file of this computer"))
            .hint("the URL to upload to comes last: `pasv put FILE... FTP-URL`; `pasv get` downloads"),
        _ => Failure::file(file, &e),
    })?;
    if there.is_dir() && !flags.recursive {
        let text = format!("{} is a directory", show_path(file));
        return Err(Failure::usage(text).hint("-r uploads it with its contents"));
    }
    Ok(())
}

/// Where an argument goes.
fn target(file: &Path, url: &FtpUrl) -> Result<Pathname, Failure> {
    if file == Path::new("-") {
        return site::named(url);
    }
    // `.` and `..` have no name of their own.
    let whole = fs::canonicalize(file).map_err(|e| Failure::file(file, &e))?;
    let name = file.file_name().or_else(|| whole.file_name()).map_or(&b"root"[..], OsStrExt::as_bytes);
    site::target(url, name)
}

struct Tree<'a> {
    flags: &'a Flags,
    meter: Meter,
    under_way: UnderWay,
    /// Are uploads noted, so that `-c` can go on with what has arrived?
    records: bool,
    /// Is the URL's directory known to exist?
    ready: bool,
    left_out: bool,
}

impl Tree<'_> {
    async fn argument(
        &mut self,
        client: &mut Client,
        file: &Path,
        url: &FtpUrl,
        text: bool,
    ) -> Result<(), Failure> {
        let path = target(file, url)?;
        if self.flags.no_clobber && exists(client, &path).await? {
            return Err(Failure::new(Exit::Refused, format_args!("{path} exists on the server")));
        }
        if file == Path::new("-") {
            return self.stream(client, &path, pieces(io::stdin()), text).await;
        }
        let there = fs::metadata(file).map_err(|e| Failure::file(file, &e))?;
        if self.flags.recursive && there.is_file() && !self.ready {
            make_parents(client, &path).await?;
            self.ready = true;
        }
        if there.is_dir() {
            self.folder(client, file, &path).await
        } else if text || !has_length(file, &there).map_err(|e| Failure::file(file, &e))? {
            let open = File::open(file).map_err(|e| Failure::file(file, &e))?;
            let give = if there.is_file() && text { unchanging(open) } else { pieces(open) };
            self.stream(client, &path, give, text).await
        } else {
            self.file(client, file, &path).await
        }
    }

    async fn stream(
        &mut self,
        client: &mut Client,
        path: &Pathname,
        give: Give,
        text: bool,
    ) -> Result<(), Failure> {
        let (name, progress) = (path.to_string(), Arc::new(Progress::default()));
        self.under_way.goes(&name, &progress, false);
        let running = self.meter.follow(&name, 0, None, &progress);
        let result = if text {
            client.store_text(path, give, &progress).await
        } else {
            client.store_stream(path, give, &progress).await
        };
        drop(running);
        self.under_way.ended();
        result?;
        self.meter.done(&name, progress.bytes());
        Ok(())
    }

    async fn file(&mut self, client: &mut Client, file: &Path, path: &Pathname) -> Result<(), Failure> {
        self.send(client, file, path, self.flags.resume).await?.map_err(unsent)
    }

    /// Sends one file. The outer error is ours, the inner one the site's.
    async fn send(
        &mut self,
        client: &mut Client,
        file: &Path,
        path: &Pathname,
        resume: bool,
    ) -> Result<Result<(), Error>, Failure> {
        let open = File::open(file).map_err(|e| Failure::file(file, &e))?;
        let there = open.metadata().map_err(|e| Failure::file(file, &e))?;
        let open = Arc::new(open);
        let (name, progress) = (path.to_string(), Arc::new(Progress::default()));
        let noted = self.records && there.len() >= if resume { NOTED } else { LONG };
        self.under_way.goes(&name, &progress, noted);
        let running = self.meter.follow(&name, 0, Some(there.len()), &progress);
        let result = if resume {
            client.store_rest(path, open, &progress).await
        } else {
            client.store(path, open, &progress).await
        };
        drop(running);
        self.under_way.ended();
        let stored = match result {
            Ok(stored) => stored,
            Err(error) => return Ok(Err(error)),
        };
        match stored.sent {
            Resumed::AlreadyWhole => self.meter.present(&name, stored.length()),
            Resumed::Sent(_) => self.meter.done(&name, stored.length()),
        }
        Ok(match stored.modified() {
            Some(time) => client.set_modified(path, time).await.map(drop),
            None => Ok(()),
        })
    }

    /// A folder and what is in it, parents first. Where the session is lost, a new one goes on at what was under way.
    async fn folder(&mut self, client: &mut Client, root: &Path, path: &Pathname) -> Result<(), Failure> {
        let top = fs::canonicalize(root).map_err(|e| Failure::file(root, &e))?;
        let mut going_on = GoingOn::new();
        let mut waiting = vec![(root.to_owned(), path.clone(), 0usize)];
        let mut times = Vec::new();
        while let Some((folder, path, depth)) = waiting.pop() {
            let mut refused = directory(client, &path, &mut going_on).await?;
            if depth == 0 && refused.is_some() {
                make_parents(client, &path).await?;
                refused = directory(client, &path, &mut going_on).await?;
            }
            if let Some(why) = refused {
                // Without the directory that was named there is nothing to go on with.
                if depth == 0 {
                    return Err(why.into());
                }
                self.leave_out(&folder, &why);
                continue;
            }
            if let Some(time) = fs::metadata(&folder).ok().as_ref().and_then(modified) {
                times.push((path.clone(), time));
            }
            let mut entries = match fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) => {
                    self.leave_out(&folder, &words(&error));
                    continue;
                }
            };
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let file = entry.path();
                let Some(path) = below(Some(&path), entry.file_name().as_bytes()) else {
                    self.leave_out(&file, &"its name contains a line end, which FTP cannot transfer");
                    continue;
                };
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth + 1 >= DEPTH => {
                        self.leave_out(&file, &"it is too deep");
                    }
                    Ok(kind) if kind.is_dir() => waiting.push((file, path, depth + 1)),
                    Ok(kind) if kind.is_symlink() => match self.behind(&file, &top) {
                        Ok(real) => self.member(client, (&file, &real), &path, &mut going_on).await?,
                        Err(why) => self.leave_out(&file, &why),
                    },
                    Ok(kind) if kind.is_file() => {
                        self.member(client, (&file, &file), &path, &mut going_on).await?;
                    }
                    Ok(_) => self.leave_out(&file, &"it is neither a file nor a folder"),
                    Err(error) => self.leave_out(&file, &words(&error)),
                }
            }
        }
        // Last, as every file put into a directory changes its time.
        for (path, time) in times.iter().rev() {
            loop {
                match client.set_modified(path, *time).await {
                    Ok(_) => break,
                    Err(error) => match going_on.after(client, &error).await {
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
    fn behind(&self, link: &Path, top: &Path) -> Result<PathBuf, String> {
        if self.flags.links == LinksFlag::Keep {
            return Err("FTP cannot make links".to_owned());
        }
        let real = fs::canonicalize(link).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "dangling link".to_owned(),
            _ => words(&error),
        })?;
        let there = fs::metadata(&real).map_err(|error| words(&error))?;
        match () {
            () if there.is_dir() => Err("link to a directory".to_owned()),
            () if !real.starts_with(top) => Err("link that leads out of the folder".to_owned()),
            () if !there.is_file() => Err("it is neither a file nor a folder".to_owned()),
            () => Ok(real),
        }
    }

    /// One file of a folder, and where its bytes are: what cannot be stored is left out, and the rest goes on.
    async fn member(
        &mut self,
        client: &mut Client,
        (file, real): (&Path, &Path),
        path: &Pathname,
        going_on: &mut GoingOn,
    ) -> Result<(), Failure> {
        let mut resume = self.flags.resume;
        let mut most = 0;
        loop {
            let error = match self.send(client, real, path, resume).await {
                Ok(Ok(())) => {
                    going_on.gained();
                    return Ok(());
                }
                Ok(Err(error)) => error,
                Err(failure) => return self.left(file, failure),
            };
            if !error.calls_for_a_new_session() {
                return self.left(file, error.into());
            }
            match going_on.after(client, &error).await {
                Next::Again => {
                    // What has arrived is gone on with, where it proves to be ours.
                    resume = true;
                    let there = client.size(path).await.ok().flatten().unwrap_or(0);
                    if there > most {
                        most = there;
                        going_on.gained();
                    }
                }
                Next::Skip => {
                    self.leave_out(file, &error);
                    return Ok(());
                }
                Next::Over => return Err(unsent(error)),
            }
        }
    }

    /// What the site refused, or what is wrong with one file of ours, is left out; any other failure is the end.
    fn left(&mut self, file: &Path, failure: Failure) -> Result<(), Failure> {
        if !matches!(failure.exit, Exit::Refused | Exit::Usage) {
            return Err(failure);
        }
        self.leave_out(file, &failure.text.unwrap_or_default());
        Ok(())
    }

    fn leave_out(&mut self, file: &Path, why: &dyn std::fmt::Display) {
        self.left_out = true;
        self.meter.skipped(format_args!("skipped: \"{}\": {why}", show(file.as_os_str().as_bytes())));
    }
}

/// Is there something under this name?
async fn exists(client: &mut Client, path: &Pathname) -> Result<bool, Error> {
    match client.stat(Some(path)).await {
        Ok(_) => return Ok(true),
        Err(Error::Refused { .. }) => {}
        Err(other) => return Err(other),
    }
    if ["MLST", "SIZE"].iter().any(|feature| client.features().has(feature)) {
        return Ok(false);
    }
    // The server knows neither command, so that the refusal may say nothing: its listing does.
    let (parent, name) = (parent(path), site::last_name(path).to_vec());
    let mut found = false;
    let mut each = |entry: Entry| {
        found |= entry.name == name;
        Ok(())
    };
    match client.list(parent.as_ref(), &mut each).await {
        Ok(_) | Err(Error::Refused { .. }) => Ok(found),
        Err(other) => Err(other),
    }
}

/// The directory that a path is in; none where that is the login's.
fn parent(path: &Pathname) -> Option<Pathname> {
    let bytes = path.as_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/')?;
    Pathname::new(bytes.get(..slash.max(1))?.to_vec()).ok()
}

fn unsent(error: Error) -> Failure {
    let broken = matches!(error, Error::Broken { .. } | Error::Stalled { .. });
    let failure = Failure::from(error);
    if broken { failure.or_hint("the same command with -c resumes the upload") } else { failure }
}

/// Makes the directory that `path` is in and those above it, unless it is there.
async fn make_parents(client: &mut Client, path: &Pathname) -> Result<(), Error> {
    let Some(parent) = parent(path) else { return Ok(()) };
    match client.stat(Some(&parent)).await {
        Err(Error::Refused { .. }) => make_all(client, &parent).await,
        other => other.map(drop),
    }
}

/// Makes a directory of the site, if it is not there; or why it is neither there nor can be made.
async fn directory(
    client: &mut Client,
    path: &Pathname,
    going_on: &mut GoingOn,
) -> Result<Option<Error>, Failure> {
    loop {
        let error = match client.make_dir(path).await {
            Ok(()) => return Ok(None),
            // Perhaps it is there already.
            Err(refusal @ Error::Refused { .. }) => match client.stat(Some(path)).await {
                Ok(there) if there.facts.kind.as_ref().is_some_and(EntryType::is_directory) => {
                    return Ok(None);
                }
                Err(error) if error.calls_for_a_new_session() => error,
                _ => return Ok(Some(refusal)),
            },
            Err(error) => error,
        };
        match going_on.after(client, &error).await {
            Next::Again => {}
            Next::Skip => return Ok(Some(error)),
            Next::Over => return Err(error.into()),
        }
    }
}

/// Is its length that of what can be read of it? That of a pipe, a device or a file of /proc is not.
fn has_length(file: &Path, there: &fs::Metadata) -> io::Result<bool> {
    Ok(there.is_file() && (there.len() > 0 || File::open(file)?.read(&mut [0])? == 0))
}

/// The time of modification, to the second; none for times before 1970.
fn modified(of: &fs::Metadata) -> Option<Stamp> {
    let age = of.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Stamp::from_seconds(i64::try_from(age.as_secs()).ok()?))
}

/// Of a file that must not change before its end is read: what goes as text cannot be sent once more from a certain byte.
fn unchanging(file: File) -> Give {
    let state = |of: &File| of.metadata().map(|of| (of.len(), of.modified().ok()));
    let before = state(&file);
    let watched = file.try_clone();
    let mut give = pieces(file);
    Box::new(move || {
        let piece = give()?;
        if piece.is_empty()
            && state(watched.as_ref().map_err(copied)?)? != *before.as_ref().map_err(copied)?
        {
            return Err(io::Error::other("the local file changed during the upload"));
        }
        Ok(piece)
    })
}

/// An error that is needed more than once.
fn copied(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

fn pieces(mut from: impl Read + Send + 'static) -> Give {
    Box::new(move || {
        let mut piece = vec![0; PIECE];
        let got = loop {
            match from.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        piece.truncate(got);
        Ok(piece)
    })
}
