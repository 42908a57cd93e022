//! `pasv put`: files and trees of ours, stored at a server.
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use client::copy::{CopyError, OnLinks, TreeOptions};
use client::walk::DEPTH;
use client::{Client, Error, Verify};
use wire::url::FtpUrl;
use wire::{Pathname, RepresentationType};

use crate::address;
use crate::client_flags::{LINKS, SessionFlags, TYPES, one_of, representation};
use crate::progress::Meter;
use crate::several::Several;
use crate::site::{self, Sessions};
use crate::talk::{Exit, Failure, show_path};

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
    /// What the server has is used only if it is proven to be the start of this file. Otherwise the file is
    /// uploaded from its start.
    #[arg(short = 'c', long = "continue")]
    resume: bool,

    /// Keep a file that exists on the server; it is skipped, and the exit code is 1.
    ///
    /// The server is asked before the upload: a file that someone else stores at the same moment may still be
    /// replaced.
    #[arg(short, long, conflicts_with_all = ["resume", "recursive"])]
    no_clobber: bool,

    /// Transfer type: i, bytes as they are (default), or a, text with line ends converted.
    #[arg(long = "type", value_parser = one_of(TYPES), value_name = "TYPE")]
    representation: Option<RepresentationType>,

    /// What proves that a file has arrived: the server's SIZE, its HASH too, or only its reply (off).
    #[arg(long, hide_short_help = true, value_parser = one_of(&[("size", Verify::Size), ("hash", Verify::Hash), ("off", Verify::Off)]), value_name = "HOW", hide_possible_values = true, default_value = "size")]
    verify: Verify,

    /// Links in a directory: follow uploads a link to a file of the same directory as that file; keep uploads
    /// none, as FTP cannot make links.
    ///
    /// Links to directories, and those that lead out of the directory, are skipped.
    #[arg(long, hide_short_help = true, value_parser = one_of(LINKS), value_name = "HOW", hide_possible_values = true, default_value = "follow")]
    links: OnLinks,

    /// Print a line for each file and a summary on stderr, even if it is not a terminal.
    #[arg(long, help_heading = "Output")]
    progress: bool,

    #[command(flatten)]
    session: SessionFlags,
}

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
    let meter = Meter::new(flags.session.quiet).leaving_lines(flags.progress);
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
    let mut sessions = Sessions::copying(&flags.session, meter.clone(), flags.verify, flags.resume);
    // Is the directory of the URL known to exist?
    let mut ready = false;
    let mut whole = None;
    let mut last = Ok(());
    for file in &files {
        let done = match sessions.at(&url).await {
            Ok(mut client) => {
                // Not before questions about certificates and passwords are answered.
                if flags.recursive && whole.is_none() {
                    whole = Some(meter.whole(Some(expected(&files))));
                }
                argument(&mut client, file, &url, (flags, text), &mut ready).await
            }
            Err(failure) => Err(failure),
        };
        last = all.add(done, |failure| meter.failed(failure));
        if last.is_err() {
            break;
        }
    }
    sessions.end().await;
    drop(whole);
    meter.summary(flags.files.len() > 1);
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
        if flags.session.login.reads_stdin() {
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

async fn argument(
    client: &mut Client,
    file: &Path,
    url: &FtpUrl,
    (flags, text): (&Flags, bool),
    ready: &mut bool,
) -> Result<(), Failure> {
    let path = target(file, url)?;
    if flags.no_clobber && client.exists(&path).await? {
        return Err(Failure::new(Exit::Refused, format_args!("{path} exists on the server")));
    }
    if file == Path::new("-") {
        client.put_stream(io::stdin(), &path, text).await?;
        return Ok(());
    }
    let there = fs::metadata(file).map_err(|e| Failure::file(file, &e))?;
    if flags.recursive && there.is_file() && !*ready {
        client.make_parents(&path).await?;
        *ready = true;
    }
    let done = if there.is_dir() {
        let options = TreeOptions { resume: flags.resume, links: flags.links };
        client.put_tree(file, &path, options).await
    } else if text {
        client.put_text(file, &path).await.map(|_| true)
    } else {
        client.put_file(file, &path, flags.resume).await.map(|_| true)
    };
    match done {
        Ok(true) => Ok(()),
        // What is missing has been said.
        Ok(false) => Err(Failure::told(Exit::Refused)),
        Err(CopyError::Server { error, kept }) => {
            let broken = matches!(error, Error::Broken { .. } | Error::Stalled { .. });
            let failure = Failure::from(error);
            Err(if kept && broken {
                failure.or_hint("the same command with -c resumes the upload")
            } else {
                failure
            })
        }
        Err(other) => Err(other.into()),
    }
}
