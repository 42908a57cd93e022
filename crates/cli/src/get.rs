//! `pasv get`: files and trees of a site, fetched.
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use client::name::local_name;
use client::walk::{Directory, Visit, Walk, below};
use client::{Client, Error, Progress, Sink};
use wire::facts::{EntryType, Precision};
use wire::pathname::show;
use wire::{Entry, Pathname, RepresentationType, Stamp};

use crate::cat;
use crate::client_flags::{Talk, TypeFlag, representation};
use crate::interrupt::{self, UnderWay};
use crate::part::{Opened, Part, Start, system_time};
use crate::progress::Meter;
use crate::site::{self, Sessions};
use crate::talk::{Exit, Failure, say, show_path, words};

/// Fetch files of a site, or with -r whole trees.
///
/// A file appears under its name only when it is whole; until then it is .NAME.part beside it, which -c goes on
/// with, also after Ctrl-C. An existing file of that name is replaced.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files, or with -r directories, to fetch.
    #[arg(value_name = "FTP-URL", required = true)]
    urls: Vec<String>,

    /// Fetch directories and all that is in them.
    #[arg(short, long, conflicts_with = "output")]
    recursive: bool,

    /// Go on where the last try ended.
    #[arg(short = 'c', long = "continue")]
    resume: bool,

    /// Write to this file; - is stdout.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write into this folder.
    #[arg(short = 'O', long, value_name = "DIR", conflicts_with = "output")]
    output_dir: Option<PathBuf>,

    /// Representation type: i, bytes as they are (default), or a, text.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    representation: Option<TypeFlag>,

    #[command(flatten)]
    talk: Talk,
}

/// What was asked for, and how it is watched.
#[derive(Clone, Copy)]
struct Errand<'a> {
    flags: &'a Flags,
    meter: &'a Meter,
    under_way: &'a UnderWay,
}

/// One file of a site and what is known of it.
struct Wanted<'a> {
    path: &'a Pathname,
    size: Option<u64>,
    modified: Option<Stamp>,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    if flags.output.is_some() && flags.urls.len() > 1 {
        return Err(Failure::usage("-o names one file, but there are several URLs").hint("-O names a folder"));
    }
    if flags.output.as_deref() == Some(Path::new("-")) {
        if flags.resume {
            return Err(Failure::usage("what went to stdout cannot be gone on with"));
        }
        return cat::write_to(&mut io::stdout(), &flags.urls, flags.representation, &flags.talk).await;
    }
    if let Some(output) = flags.output.as_deref().filter(|output| is_special(output)) {
        if flags.resume {
            let text = format!("{} is no regular file: it cannot be gone on with", show_path(output));
            return Err(Failure::usage(text));
        }
        let mut out = File::options().write(true).open(output).map_err(|e| Failure::file(output, &e))?;
        return cat::write_to(&mut out, &flags.urls, flags.representation, &flags.talk).await;
    }
    let mut sessions = Sessions::new(&flags.talk, Meter::new(flags.talk.quiet));
    let under_way = UnderWay::default();
    let done = tokio::select! {
        done = all(&mut sessions, flags, &under_way) => done,
        part = under_way.interrupted() => interrupt::end(part.as_deref()),
    };
    sessions.end().await;
    done
}

/// Is it a device or a pipe, like /dev/null? It is written to and never replaced: renaming a file into its place would
/// take it from everybody. /dev/stdout and its kin are links to whatever this process has open, so they count as well.
fn is_special(output: &Path) -> bool {
    let leads_to_special = fs::metadata(output).is_ok_and(|m| !m.is_file() && !m.is_dir());
    leads_to_special || output.parent().is_some_and(|p| p == Path::new("/dev") || p == Path::new("/dev/fd"))
}

async fn all(sessions: &mut Sessions<'_>, flags: &Flags, under_way: &UnderWay) -> Result<(), Failure> {
    let mut worst = Exit::Done;
    for url in &flags.urls {
        match one(sessions, url, flags, under_way).await {
            Ok(()) => {}
            Err(failure) if flags.urls.len() > 1 && failure.exit == Exit::Refused => {
                worst = worst.max(failure.exit);
                failure.say();
            }
            Err(failure) => return Err(failure),
        }
    }
    if worst == Exit::Done { Ok(()) } else { Err(Failure::told(worst)) }
}

async fn one(
    sessions: &mut Sessions<'_>,
    url: &str,
    flags: &Flags,
    under_way: &UnderWay,
) -> Result<(), Failure> {
    let url = site::url(url)?;
    let path = site::path(&url)?;
    let text = representation(flags.representation, &url) == RepresentationType::Ascii;
    if text && (flags.resume || flags.recursive) {
        return Err(Failure::usage("type a goes with neither -c nor -r: positions in text are not bytes"));
    }
    if !flags.recursive && url.means_directory() {
        return Err(
            Failure::usage(format!("{url} is a directory")).hint("-r fetches it with all that is in it")
        );
    }
    let meter = sessions.meter.clone();
    let errand = Errand { flags, meter: &meter, under_way };
    let client = sessions.at(&url).await?;
    match (&path, flags.recursive) {
        (Some(path), false) => {
            let target = target_of(path, flags)?;
            if text {
                fetch_text(client, path, &target, &meter).await
            } else {
                fetch_one(client, path, &target, errand).await
            }
        }
        _ => fetch_tree(client, path, &url.host.to_string(), errand).await,
    }
}

/// Where a file goes. The last part of a URL is checked as a name of a listing is: it may have been copied from one.
fn target_of(path: &Pathname, flags: &Flags) -> Result<PathBuf, Failure> {
    if let Some(output) = &flags.output {
        return Ok(output.clone());
    }
    let name = site::last_name(path);
    let name = local_name(name).map_err(|why| {
        Failure::usage(format!("\"{}\" cannot be the name of a file here: {why}", show(name)))
            .hint("-o FILE gives it another")
    })?;
    Ok(flags.output_dir.as_deref().unwrap_or(Path::new("")).join(name))
}

async fn fetch_one(
    client: &mut Client,
    path: &Pathname,
    target: &Path,
    errand: Errand<'_>,
) -> Result<(), Failure> {
    let size = client.size(path).await?;
    let modified = client.modified(path).await?;
    let wanted = Wanted { path, size, modified };
    match fetch(client, &wanted, target, errand).await {
        Err(failure) if failure.exit == Exit::Refused && is_directory(client, path).await => {
            Err(failure.hint("it is a directory: -r fetches it with all that is in it"))
        }
        other => other,
    }
}

async fn is_directory(client: &mut Client, path: &Pathname) -> bool {
    client.stat(Some(path)).await.is_ok_and(|e| e.facts.kind.is_some_and(|k| k.is_directory()))
}

/// One file as bytes.
async fn fetch(
    client: &mut Client,
    wanted: &Wanted<'_>,
    target: &Path,
    errand: Errand<'_>,
) -> Result<(), Failure> {
    let start = if errand.flags.resume { Start::WhereItEnded } else { Start::Afresh };
    let part = match Part::open(target, start, wanted.size).map_err(|e| Failure::file(target, &e))? {
        Opened::Part(part) => part,
        Opened::AlreadyWhole => return Ok(()),
        Opened::TooLong(have) => {
            let there = wanted.size.unwrap_or(0);
            let text = format!("{} has {have} bytes, the site's file only {there}", show_path(target));
            return Err(
                Failure::new(Exit::Refused, text).hint("it is another file; without -c it is fetched anew")
            );
        }
    };
    if part.have > 0 && wanted.size == Some(part.have) {
        return part.publish(wanted.modified).map_err(|e| Failure::file(target, &e));
    }
    let progress = Arc::new(Progress::default());
    let running = errand.meter.follow(&wanted.path.to_string(), part.have, wanted.size, &progress);
    let begun = errand.under_way.begin(part.path());
    let sink = Sink::File(Arc::clone(&part.file));
    let result = client.retrieve_sized(wanted.path, part.have, wanted.size, sink, &progress).await;
    drop(begun);
    drop(running);
    match result {
        Ok(_) => part.publish(wanted.modified).map_err(|e| Failure::file(target, &e)),
        Err(error) => {
            let broken = matches!(error, Error::Broken { .. } | Error::Stalled { .. });
            let failure = Failure::from(error);
            if part.keep() && broken {
                return Err(failure.hint("what came is kept; the same command with -c goes on from there"));
            }
            Err(failure)
        }
    }
}

async fn fetch_text(
    client: &mut Client,
    path: &Pathname,
    target: &Path,
    meter: &Meter,
) -> Result<(), Failure> {
    let opened = Part::open(target, Start::Afresh, None).map_err(|e| Failure::file(target, &e))?;
    // Without a size a fresh part is never too long and never whole.
    let Opened::Part(part) = opened else { return Ok(()) };
    let progress = Arc::new(Progress::default());
    let running = meter.follow(&path.to_string(), 0, None, &progress);
    let mut out = BufWriter::new(&*part.file);
    let mut take = |bytes: &[u8]| out.write_all(bytes);
    let result = client.retrieve_text(path, &mut take, &progress).await;
    let flushed = out.flush();
    drop(out);
    drop(running);
    match result.map_err(Failure::from).and(flushed.map_err(|e| Failure::file(target, &e))) {
        Ok(()) => part.publish(None).map_err(|e| Failure::file(target, &e)),
        Err(failure) => {
            part.keep();
            Err(failure)
        }
    }
}

/// A tree on its way to our disk.
struct Tree<'a> {
    errand: Errand<'a>,
    root: PathBuf,
    /// Directories whose times are set at the end, as every file put into one changes it.
    times: Vec<(PathBuf, Stamp)>,
    left_out: bool,
}

async fn fetch_tree(
    client: &mut Client,
    path: Option<Pathname>,
    host: &str,
    errand: Errand<'_>,
) -> Result<(), Failure> {
    // A tree has the name of its directory; that of a login's directory is the host's.
    let name = match path.as_ref().map(site::last_name) {
        Some(name) if local_name(name).is_ok() => name,
        _ => host.as_bytes(),
    };
    let name = local_name(name).map_err(|e| Failure::usage(format!("{host} cannot name a folder: {e}")))?;
    let root = errand.flags.output_dir.as_deref().unwrap_or(Path::new("")).join(name);
    // With -r a file is welcome too.
    if let Some(path) = &path
        && let Ok(entry) = client.stat(Some(path)).await
        && entry.facts.kind == Some(EntryType::File)
    {
        return fetch_one(client, path, &root, errand).await;
    }
    let mut tree = Tree { errand, root, times: Vec::new(), left_out: false };
    let mut walk = Walk::new(path);
    while let Some(visit) = walk.next(client).await {
        match visit {
            Ok(visit) => tree.take(client, visit).await?,
            Err((directory, error)) if error.leaves_session_usable() && !directory.names.is_empty() => {
                tree.leave_out(&directory.names.join(&b'/'), &error);
            }
            Err((_, error)) => return Err(error.into()),
        }
    }
    for (folder, stamp) in tree.times.iter().rev() {
        if let Some(time) = system_time(*stamp) {
            // A folder with another time is a folder all the same.
            let _ = File::open(folder).and_then(|f| f.set_modified(time));
        }
    }
    if tree.left_out { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}

impl Tree<'_> {
    fn leave_out(&mut self, what: &[u8], why: &dyn std::fmt::Display) {
        self.left_out = true;
        self.errand.meter.aside(|| say(format_args!("left out: \"{}\": {why}", show(what))));
    }

    /// One directory: its folder, then its files.
    async fn take(&mut self, client: &mut Client, visit: Visit) -> Result<(), Failure> {
        let mut folder = self.root.clone();
        for name in &visit.directory.names {
            // The walk has checked the names; checking again is what this very line depends on.
            let Ok(name) = local_name(name) else { return Ok(()) };
            folder.push(name);
        }
        let made = if visit.directory.names.is_empty() {
            fs::create_dir_all(&folder)
        } else {
            fs::create_dir(&folder)
        };
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => {
                self.leave_out(&visit.directory.names.join(&b'/'), &words(&error));
                return Ok(());
            }
            Ok(()) => {}
        }
        if let Some(stamp) = visit.directory.entry.as_ref().and_then(exact_time) {
            self.times.push((folder.clone(), stamp));
        }
        for (name, why) in &visit.refused {
            self.leave_out(&visit.directory.within(name), why);
        }
        for (path, why) in &visit.skipped {
            self.leave_out(path, why);
        }
        for entry in &visit.entries {
            self.file(client, &visit.directory, entry, &folder).await?;
        }
        Ok(())
    }

    async fn file(
        &mut self,
        client: &mut Client,
        directory: &Directory,
        entry: &Entry,
        folder: &Path,
    ) -> Result<(), Failure> {
        let Some(path) = below(directory.path.as_ref(), &entry.name) else { return Ok(()) };
        let Ok(name) = local_name(&entry.name) else { return Ok(()) };
        let size = match &entry.facts.kind {
            Some(kind) if kind.is_directory() => return Ok(()),
            Some(EntryType::File) => entry.facts.size,
            // The size of a link is that of the link; what it leads to may be a file.
            Some(EntryType::Link(_)) | None => client.size(&path).await?,
            Some(_) => {
                self.leave_out(&directory.within(&entry.name), &"it is neither a file nor a directory");
                return Ok(());
            }
        };
        let modified = match exact_time(entry) {
            Some(stamp) => Some(stamp),
            None => client.modified(&path).await?,
        };
        let wanted = Wanted { path: &path, size, modified };
        match fetch(client, &wanted, &folder.join(name), self.errand).await {
            // The site's no, or a name our disk does not take: the rest goes on.
            Err(failure) if matches!(failure.exit, Exit::Refused | Exit::Usage) => {
                let why = failure.text.unwrap_or_default();
                self.leave_out(&directory.within(&entry.name), &why);
                Ok(())
            }
            other => other,
        }
    }
}

/// The time of modification, where the listing told it to the second.
fn exact_time(entry: &Entry) -> Option<Stamp> {
    entry.facts.modify.filter(|_| entry.facts.precision == Precision::Second)
}
