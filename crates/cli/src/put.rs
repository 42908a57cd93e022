//! `pasv put`: files and trees of ours, stored at a server.
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use client::copy::{CopyError, OnLinks, TreeOptions, measured};
use client::{Client, Verify};
use wire::url::FtpUrl;
use wire::{Pathname, RepresentationType};

use crate::address;
use crate::client_flags::{LINKS, SessionFlags, TYPES, one_of, representation};
use crate::get::breaks_off;
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
    let (mut jobs, mut taken) = (Vec::new(), HashMap::new());
    for file in &flags.files {
        match check(file, &url, flags) {
            Err(failure) if flags.files.len() > 1 && !is_stdin(file) => {
                all.add(Err(failure), &meter)?;
                continue;
            }
            checked => checked?,
        }
        let target = target(file, &url)?;
        if let Some(other) = taken.insert(target.clone(), file) {
            let (one, two) = (show_path(other), show_path(file));
            return Err(Failure::usage(format!("{one} and {two} would both be uploaded as {target}"))
                .hint("upload them one by one, into different directories or under different names"));
        }
        jobs.push((file, target));
    }
    let sessions = Sessions::copying(&flags.session, meter.clone(), flags.verify, flags.resume);
    // Is the directory of the URL known to exist?
    let mut ready = false;
    let mut whole = None;
    let done = all.each(sessions, &jobs, async |sessions, (file, target)| {
        let mut client = sessions.at(&url).await?;
        // Not before questions about certificates and passwords are answered.
        if flags.recursive && whole.is_none() {
            let files: Vec<_> = jobs.iter().map(|(file, _)| file).collect();
            whole = Some(meter.whole(Some(measured(&files))));
        }
        argument(&mut client, file, target, (flags, text), &mut ready).await
    });
    let done = done.await;
    drop(whole);
    meter.summary(flags.files.len() > 1);
    done
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn check(file: &Path, url: &FtpUrl, flags: &Flags) -> Result<(), Failure> {
    if is_stdin(file) {
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
    if is_stdin(file) {
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
    path: &Pathname,
    (flags, text): (&Flags, bool),
    ready: &mut bool,
) -> Result<(), Failure> {
    if flags.no_clobber && client.exists(path).await? {
        return Err(Failure::new(Exit::Refused, format_args!("{path} exists on the server")));
    }
    if is_stdin(file) {
        client.put_stream(io::stdin(), path, text).await?;
        return Ok(());
    }
    let there = fs::metadata(file).map_err(|e| Failure::file(file, &e))?;
    if flags.recursive && there.is_file() && !*ready {
        client.make_parents(path).await?;
        *ready = true;
    }
    let done = if there.is_dir() {
        let options = TreeOptions { resume: flags.resume, links: flags.links };
        client.put_tree(file, path, options).await
    } else if text {
        client.put_text(file, path).await.map(|_| true)
    } else {
        client.put_file(file, path, flags.resume).await.map(|_| true)
    };
    match done {
        Ok(true) => Ok(()),
        // What is missing has been said.
        Ok(false) => Err(Failure::told(Exit::Refused)),
        Err(CopyError::Server { error, kept }) => {
            let resumable = kept && breaks_off(&error);
            let failure = Failure::from(error);
            let hint = "the same command with -c resumes the upload";
            Err(if resumable { failure.or_hint(hint) } else { failure })
        }
        Err(other) => Err(other.into()),
    }
}
