//! `pasv get`: files and trees of a server, fetched.
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use client::copy::{CopyError, Downloads, LocalError, OnLinks, Target, TreeOptions, Why};
use client::download::FINISHED;
use client::name::local_name;
use client::{Client, Error, Verify};
use wire::facts::EntryType;
use wire::pathname::show;
use wire::url::FtpUrl;
use wire::{Pathname, RepresentationType};

use crate::address;
use crate::cat;
use crate::client_flags::{LINKS, SessionFlags, TYPES, one_of, representation};
use crate::progress::Meter;
use crate::several::each;
use crate::site::{self, Sessions};
use crate::talk::{Exit, Failure, show_path};

/// Download files, or with -r whole directory trees.
///
/// A file gets its final name only when it is complete; until then it is a hidden .pasv-*.part beside it,
/// which is kept when the transfer is interrupted, by Ctrl-C too. An existing file of that name is replaced
/// and keeps its permissions; where it is a link, the file that the link leads to is replaced.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files, or with -r directories, to download; ftp:// may be left out.
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    urls: Vec<String>,

    /// Download directories with their contents.
    ///
    /// Each gets a directory of its name, or of the host's name where the URL has no path; -o gives another
    /// name. Links in the local directory that is written to are not followed.
    #[arg(short, long)]
    recursive: bool,

    /// Resume partial downloads; skip files that have the size and time of the server's.
    ///
    /// A part is used only if it is proven to be the start of the server's file: by its time, or by the
    /// server's HASH; and its last 64 KiB are compared. Otherwise the file is downloaded from its start, and
    /// a line says so.
    #[arg(short = 'c', long = "continue")]
    resume: bool,

    /// Save as this file, or with -r as this directory; - is stdout.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    output: Option<PathBuf>,

    /// Save into this directory, which is created if it is missing.
    #[arg(short = 'O', long, value_name = "DIR", conflicts_with = "output")]
    output_dir: Option<PathBuf>,

    /// Keep a file that exists on this computer; it is skipped, and the exit code is 1.
    #[arg(short, long, conflicts_with_all = ["resume", "recursive"])]
    no_clobber: bool,

    /// Transfer type: i, bytes as they are (default), or a, text with line ends converted.
    #[arg(long = "type", value_parser = one_of(TYPES), value_name = "TYPE")]
    representation: Option<RepresentationType>,

    /// What proves that a file is complete: its SIZE, or only the server's reply (off), for servers whose
    /// SIZE is wrong.
    #[arg(long, hide_short_help = true, value_parser = one_of(&[("size", Verify::Size), ("off", Verify::Off)]), value_name = "HOW", hide_possible_values = true, default_value = "size")]
    verify: Verify,

    /// Links in a tree: follow downloads a link to a file of the tree as that file; keep makes relative
    /// links.
    ///
    /// Links that lead out of the tree are skipped, and with follow links to directories too.
    #[arg(long, hide_short_help = true, value_parser = one_of(LINKS), value_name = "HOW", hide_possible_values = true, default_value = "follow", requires = "recursive")]
    links: OnLinks,

    /// Print a line for each file and a summary on stderr, even if it is not a terminal.
    #[arg(long, help_heading = "Output")]
    progress: bool,

    #[command(flatten)]
    session: SessionFlags,
}

/// One URL, and what is to become of it.
struct Job {
    url: FtpUrl,
    goal: Goal,
}

enum Goal {
    /// A file, as text or as bytes.
    File { path: Pathname, target: Target, text: bool },
    /// A tree, or a file, that gets this name.
    Tree(Option<Pathname>, PathBuf),
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    if flags.output.is_some() && flags.urls.len() > 1 {
        return Err(Failure::usage("-o names one file, but there are several URLs")
            .hint("-O names a directory for all of them"));
    }
    let meter = Meter::new(flags.session.quiet).leaving_lines(flags.progress);
    if let Some(output) = flags.output.as_deref().filter(|output| is_stdout(output) || is_special(output)) {
        return stream(flags, output, meter).await;
    }
    let jobs = jobs(flags)?;
    let sessions = Sessions::copying(&flags.session, meter.clone(), flags.verify, flags.resume);
    let run = Downloads::new(flags.resume);
    let done = each(sessions, &jobs, async |sessions, job| one(sessions, job, &run, flags).await).await;
    meter.summary(jobs.len() > 1);
    done
}

/// Writes to what is neither replaced nor resumed.
async fn stream(flags: &Flags, output: &Path, meter: Meter) -> Result<(), Failure> {
    let (to_stdout, shown) = (is_stdout(output), show_path(output));
    match (flags.recursive, flags.resume, to_stdout) {
        (true, _, true) => {
            return Err(Failure::usage("a directory cannot be written to stdout")
                .hint("use -o DIR to name the local directory"));
        }
        (true, _, false) => return Err(Failure::usage(format!("{shown} is not a directory"))),
        (_, true, true) => return Err(Failure::usage("cannot resume a download to stdout")),
        (_, true, false) => {
            return Err(Failure::usage(format!("{shown} is not a regular file: cannot resume")));
        }
        (false, false, _) => {}
    }
    let (mut out, terminal): (Box<dyn Write + Send>, bool) = if to_stdout {
        (Box::new(io::stdout()), io::stdout().is_terminal())
    } else {
        let device = File::options().write(true).open(output).map_err(|e| Failure::file(output, &e))?;
        let terminal = device.is_terminal();
        (Box::new(device), terminal)
    };
    // A bar would be drawn into the data.
    let meter = if terminal { Meter::new(true) } else { meter };
    let name = if to_stdout { "stdout" } else { &shown };
    cat::write_to((&mut *out, name), &flags.urls, flags.representation, &flags.session, meter).await
}

fn is_stdout(output: &Path) -> bool {
    output == Path::new("-")
}

/// Is it a device or a pipe, like /dev/null? It is written to and never replaced: renaming a file into its
/// place would take it from everybody. /dev/stdout and its kin are links to whatever this process has open,
/// so they count as well.
fn is_special(output: &Path) -> bool {
    let leads_to_special = fs::metadata(output).is_ok_and(|m| !m.is_file() && !m.is_dir());
    leads_to_special || output.parent().is_some_and(|p| p == Path::new("/dev") || p == Path::new("/dev/fd"))
}

/// What all URLs mean, before anything is asked or written.
fn jobs(flags: &Flags) -> Result<Vec<Job>, Failure> {
    let urls = address::read_sources(&flags.urls)?;
    if let Some(folder) = &flags.output_dir {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    let mut taken = HashMap::new();
    let mut jobs = Vec::new();
    for url in urls {
        let job = job(url, flags)?;
        // One file may have several paths.
        let key = match &job.goal {
            Goal::File { target, .. } => target.identity().ok_or(target.path()),
            Goal::Tree(_, into) => Err(into.clone()),
        };
        if let Some(other) = taken.insert(key, job.url.to_string()) {
            let text = format!("{other} and {} would both be saved as the same file", job.url);
            return Err(Failure::usage(text)
                .hint("download them one by one, with -o or into different directories with -O"));
        }
        jobs.push(job);
    }
    Ok(jobs)
}

fn job(url: FtpUrl, flags: &Flags) -> Result<Job, Failure> {
    let path = site::path(&url)?;
    let text = representation(flags.representation, &url) == RepresentationType::Ascii;
    if text && (flags.resume || flags.recursive) {
        return Err(Failure::usage("type a (text) cannot be combined with -c or -r"));
    }
    let goal = match path {
        path if flags.recursive => {
            let into = folder_of(path.as_ref(), &url, flags)?;
            Goal::Tree(path, into)
        }
        Some(path) if !url.means_directory() => {
            let target = Target::at(&target_of(&path, flags)?)?;
            Goal::File { path, target, text }
        }
        _ => {
            return Err(
                Failure::usage(format!("{url} is a directory")).hint("-r downloads it with its contents")
            );
        }
    };
    Ok(Job { url, goal })
}

async fn one(sessions: &mut Sessions<'_>, job: &Job, run: &Downloads, flags: &Flags) -> Result<(), Failure> {
    if let Goal::File { target, .. } = &job.goal
        && flags.no_clobber
        // A dangling link is there too.
        && fs::symlink_metadata(target.path()).is_ok()
    {
        return Err(Failure::new(Exit::Refused, format_args!("{} exists", show_path(&target.path()))));
    }
    let meter = sessions.meter.clone();
    let mut client = sessions.at(&job.url).await?;
    match &job.goal {
        Goal::File { path, target, text: false } => fetch(&mut client, path, target, run).await,
        Goal::File { path, target, text: true } => Ok(client.get_text(path, target, run).await.map(drop)?),
        Goal::Tree(path, into) => {
            // With -r a file is welcome too.
            if let Some(path) = path
                && let Ok(entry) = client.stat(Some(path)).await
                && entry.facts.kind == Some(EntryType::File)
            {
                return fetch(&mut client, path, &Target::at(into)?, run).await;
            }
            let _bar = meter.whole(None);
            let options = TreeOptions { resume: run.resume, links: flags.links };
            let whole = client.get_tree(path.clone(), into, options).await?;
            if whole { Ok(()) } else { Err(Failure::told(Exit::Refused)) }
        }
    }
}

/// Where a file goes. The last part of a URL is checked as a name of a listing is: it may have been copied
/// from one.
fn target_of(path: &Pathname, flags: &Flags) -> Result<PathBuf, Failure> {
    named(flags, || {
        let name = site::last_name(path);
        local_name(name).map_err(|why| {
            Failure::usage(format!("\"{}\" is not a valid file name on this computer: {why}", show(name)))
                .hint("-o FILE saves under another name")
        })
    })
}

/// Where a tree goes. It has the name of its directory; that of a login's directory is the host's.
fn folder_of(path: Option<&Pathname>, url: &FtpUrl, flags: &Flags) -> Result<PathBuf, Failure> {
    let host = url.host.to_string();
    named(flags, || match path.map(|path| local_name(site::last_name(path))) {
        Some(Ok(name)) => Ok(name),
        _ => local_name(host.as_bytes())
            .map_err(|e| Failure::usage(format!("{host} is not a valid directory name: {e}"))),
    })
}

/// The path that `-o` names, else this name in the directory of `-O`.
fn named<'n>(flags: &Flags, name: impl FnOnce() -> Result<&'n OsStr, Failure>) -> Result<PathBuf, Failure> {
    match &flags.output {
        Some(output) => Ok(output.clone()),
        None => Ok(flags.output_dir.as_deref().unwrap_or(Path::new("")).join(name()?)),
    }
}

async fn fetch(
    client: &mut Client,
    path: &Pathname,
    target: &Target,
    run: &Downloads,
) -> Result<(), Failure> {
    match client.get_file(path, None, target, run).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let failure = Failure::from(error);
            if failure.exit == Exit::Refused && client.is_directory(path).await {
                return Err(failure.hint("it is a directory: -r downloads it with its contents"));
            }
            Err(failure)
        }
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        const KEPT: &str = "the part that was downloaded is kept; the same command with -c resumes it";
        let (error, kept) = match error {
            CopyError::Local(here) => return here.into(),
            CopyError::SizeIsWrong { .. } => {
                return Self::new(Exit::Broken, &error).hint("--verify off accepts the file");
            }
            CopyError::Server { error, kept } => (error, kept),
        };
        if let Error::Broken { what, .. } = &error
            && what.contains(FINISHED)
        {
            return Self::new(Exit::Broken, &error)
                .hint("try again with -c; if the SIZE is wrong, --verify off accepts the file");
        }
        let (broken, ours) = (breaks_off(&error), matches!(error, Error::Local { .. }));
        match Self::from(error) {
            failure if kept && broken => failure.hint(KEPT),
            failure if kept && ours => failure.or_hint(KEPT),
            failure => failure,
        }
    }
}

/// Did the transfer end in its middle?
pub(crate) fn breaks_off(error: &Error) -> bool {
    matches!(error, Error::Broken { .. } | Error::Stalled { .. })
}

impl From<LocalError> for Failure {
    fn from(here: LocalError) -> Self {
        match &here.why {
            Why::Io(error) if error.kind() == io::ErrorKind::IsADirectory => {
                Self::usage(&here).hint("-O DIR writes into a directory and keeps the file's name")
            }
            Why::Io(error) => Self::file(&here.path, error),
            Why::Reserved => Self::usage(&here).hint("-o FILE saves under another name"),
            Why::InUse => Self::new(Exit::Refused, &here),
            _ => Self::usage(&here),
        }
    }
}
