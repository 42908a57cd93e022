//! `pasv put`: files and trees of ours, stored at a site.
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use clap::{Args, ValueHint};
use client::upload::{Give, LONG, NOTED, Records, Resumed};
use client::walk::{DEPTH, below};
use client::{Client, Error, Progress};
use wire::pathname::show;
use wire::url::FtpUrl;
use wire::{Entry, Pathname, RepresentationType, Stamp};

use crate::address;
use crate::client_flags::{Talk, TypeFlag, VerifyFlag, representation};
use crate::interrupt::UnderWay;
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
    // Before the connection is made: a file that is not there is a mistake on the command line.
    let mut all = Several::of(flags.files.len());
    let mut targets = HashMap::new();
    let mut files = Vec::new();
    for file in &flags.files {
        match check(file, &url, flags) {
            Err(failure) if all.many() && file != Path::new("-") => {
                all.add(Err(failure), Failure::print)?;
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
    let meter = Meter::new(flags.talk.quiet).leaving_lines(flags.progress);
    let mut sessions = Sessions::new(&flags.talk, meter.clone()).verifying(flags.verify.verify());
    let records = state::folder().map(|state| Records::in_folder(state.join("uploads")));
    let mut tree = Tree {
        flags,
        under_way: UnderWay::new(&meter, flags.resume),
        meter,
        records: records.is_some(),
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
        last = all.add(done, |failure| tree.meter.aside(|| failure.print()));
        if last.is_err() {
            break;
        }
    }
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
            return Err(Failure::new(Exit::Refused, format_args!("{path} exists at the site and is kept")));
        }
        if file == Path::new("-") {
            return self.stream(client, &path, pieces(io::stdin()), text).await;
        }
        let there = fs::metadata(file).map_err(|e| Failure::file(file, &e))?;
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
        let open = File::open(file).map_err(|e| Failure::file(file, &e))?;
        let there = open.metadata().map_err(|e| Failure::file(file, &e))?;
        let open = Arc::new(open);
        let (name, progress) = (path.to_string(), Arc::new(Progress::default()));
        let noted = self.records && there.len() >= if self.flags.resume { NOTED } else { LONG };
        self.under_way.goes(&name, &progress, noted);
        let running = self.meter.follow(&name, 0, Some(there.len()), &progress);
        let result = if self.flags.resume {
            client.store_rest(path, open, &progress).await
        } else {
            client.store(path, open, &progress).await
        };
        drop(running);
        self.under_way.ended();
        let stored = match result {
            Ok(stored) => stored,
            Err(error) => {
                let broken = matches!(error, Error::Broken { .. } | Error::Stalled { .. });
                let failure = Failure::from(error);
                return Err(if broken {
                    failure.or_hint("the same command with -c resumes the upload")
                } else {
                    failure
                });
            }
        };
        match stored.sent {
            Resumed::AlreadyWhole => self.meter.present(&name, stored.length()),
            Resumed::Sent(_) => self.meter.done(&name, stored.length()),
        }
        if let Some(time) = stored.modified() {
            client.set_modified(path, time).await?;
        }
        Ok(())
    }

    /// A folder and what is in it, parents first.
    async fn folder(&mut self, client: &mut Client, root: &Path, path: &Pathname) -> Result<(), Failure> {
        let mut waiting = vec![(root.to_owned(), path.clone(), 0usize)];
        let mut times = Vec::new();
        while let Some((folder, path, depth)) = waiting.pop() {
            match client.make_dir(&path).await {
                Ok(()) => {}
                Err(error @ Error::Refused { .. }) => {
                    // Perhaps it is there already.
                    let there = client.stat(Some(&path)).await;
                    if !there.is_ok_and(|e| e.facts.kind.is_some_and(|k| k.is_directory())) {
                        self.leave_out(&folder, &error);
                        continue;
                    }
                }
                Err(other) => return Err(other.into()),
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
                    Ok(_) => self.member(client, &file, &path).await?,
                    Err(error) => self.leave_out(&file, &words(&error)),
                }
            }
        }
        // Last, as every file put into a directory changes its time.
        for (path, time) in times.iter().rev() {
            client.set_modified(path, *time).await?;
        }
        Ok(())
    }

    /// One file of a folder: what cannot be stored is left out, and the rest goes on.
    async fn member(&mut self, client: &mut Client, file: &Path, path: &Pathname) -> Result<(), Failure> {
        match fs::metadata(file) {
            Ok(there) if there.is_file() => {}
            Ok(there) if there.is_dir() => {
                self.leave_out(file, &"a link to a folder, which could lead in circles");
                return Ok(());
            }
            Ok(_) => {
                self.leave_out(file, &"it is neither a file nor a folder");
                return Ok(());
            }
            Err(error) => {
                self.leave_out(file, &words(&error));
                return Ok(());
            }
        }
        match self.file(client, file, path).await {
            Err(failure) if matches!(failure.exit, Exit::Refused | Exit::Usage) => {
                let why = failure.text.unwrap_or_default();
                self.leave_out(file, &why);
                Ok(())
            }
            other => other,
        }
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
            return Err(io::Error::other("our file has changed while it was sent"));
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
