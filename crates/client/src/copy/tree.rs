//! How does a tree of a server become one of ours?
//!
//! Directory by directory, each opened in the one above without following links: what lies beside the tree is
//! not reached through a link that was in it before. The directory that the user named may be a link.
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, fstat, mkdirat, readlinkat, renameat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use wire::facts::{EntryType, Precision};
use wire::pathname::show;
use wire::{Entry, Pathname, Stamp};

use super::CopyError;
use super::get::{Downloads, Start};
use super::link::{Follow, Leads, Links, relative};
use super::name::{is_reserved, part_name, random_name};
use super::part::system_time;
use super::source::Source;
use super::target::{LocalError, Target, Why, open_folder, sync_folder};
use crate::client::Client;
use crate::error::{Error, words};
use crate::event::{Event, Watcher};
use crate::going_on::{GoingOn, Next};
use crate::name::local_name;
use crate::walk::{Directory, Visit, Walk, below};

/// What is done with the links of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLinks {
    /// A link to a file of the tree is fetched as that file; any other is skipped.
    #[default]
    Follow,
    /// A link that stays in the tree is made here as a relative link; any other is skipped.
    Keep,
}

/// How a tree is copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct TreeOptions {
    /// Resume what an earlier run has kept, and leave alone what is complete already.
    pub resume: bool,
    /// What is done with links.
    pub links: OnLinks,
}

impl Client {
    /// Downloads all that is below a directory of the server (none: that of the login) into the directory
    /// `into`, which is made if it is not there. False: something was skipped, as the watcher was told.
    ///
    /// Where the session is lost, a new one goes on at the file that was under way, as [`GoingOn`] says.
    ///
    /// # Errors
    /// Of the session, and where `into` cannot be used. What the server refuses and what cannot be written is
    /// left out.
    pub async fn get_tree(
        &mut self,
        root: Option<Pathname>,
        into: &Path,
        options: TreeOptions,
    ) -> Result<bool, CopyError> {
        let mut tree = Tree {
            into,
            options,
            watch: Arc::clone(&self.watch),
            root: None,
            seen: HashSet::new(),
            times: Vec::new(),
            links: Links::default(),
            waiting: Vec::new(),
            complete: true,
        };
        let mut walk = Walk::new(root.clone());
        while let Some(visit) = walk.next(self).await {
            match visit {
                Ok(visit) => tree.take(self, visit, &mut walk.going_on).await?,
                Err(failed) if failed.goes_on => {
                    tree.leave_out(&failed.directory.names.join(&b'/'), &failed.error);
                }
                Err(failed) => return Err(failed.error.into()),
            }
        }
        tree.links(self, root.as_ref(), &mut walk.going_on).await?;
        tree.set_times();
        Ok(tree.complete)
    }
}

/// A tree on its way.
struct Tree<'a> {
    into: &'a Path,
    options: TreeOptions,
    watch: Watcher,
    /// The directory that the user named, once it is open.
    root: Option<OwnedFd>,
    /// Device and number of the directories so far: two names that are one here would mix what is in them.
    seen: HashSet<(u64, u64)>,
    /// Directories whose times are set at the end, as every file put into one changes it.
    times: Vec<(Vec<Vec<u8>>, Stamp)>,
    /// All links of the tree, and those that are looked at in the end: only then it is known where they lead.
    links: Links,
    waiting: Vec<(Directory, Entry)>,
    complete: bool,
}

impl Tree<'_> {
    fn leave_out(&mut self, what: &[u8], why: &dyn std::fmt::Display) {
        self.complete = false;
        (self.watch)(&Event::Skipped { what: show(what), why: why.to_string() });
    }

    /// One directory: its folder, then its files.
    async fn take(
        &mut self,
        client: &mut Client,
        visit: Visit,
        going_on: &mut GoingOn,
    ) -> Result<(), CopyError> {
        let names = &visit.directory.names;
        let (folder, path) = match self.folder(names) {
            Ok(folder) => folder,
            Err(here) if names.is_empty() => return Err(here.into()),
            Err(here) => {
                self.leave_out(&names.join(&b'/'), &here.why);
                return Ok(());
            }
        };
        if let Some(stamp) = visit.directory.entry.as_ref().and_then(exact_time) {
            self.times.push((names.clone(), stamp));
        }
        for (name, why) in &visit.refused {
            self.leave_out(&visit.directory.within(name), why);
        }
        for (path, why) in &visit.skipped {
            self.leave_out(path, why);
        }
        if !visit.unread.is_empty() {
            self.leave_out(&directory_name(names), &visit.unread);
        }
        let run = Downloads { sync_folder: false, ..Downloads::new(self.options.resume) };
        let mut taken = HashSet::new();
        for entry in &visit.entries {
            if entry.facts.kind.as_ref().is_some_and(EntryType::is_directory) {
                continue;
            }
            let within = visit.directory.within(&entry.name);
            if !taken.insert(&entry.name) {
                self.leave_out(&within, &"the listing has this name twice");
                continue;
            }
            match &entry.facts.kind {
                Some(EntryType::File) | None => {
                    let at = (&visit.directory, &folder, path.as_path());
                    self.file(client, at, entry, &run, going_on).await?;
                }
                Some(EntryType::Link(target)) => {
                    let names = [names.as_slice(), std::slice::from_ref(&entry.name)].concat();
                    if self.links.add(names, target.clone()) {
                        self.waiting.push((visit.directory.clone(), entry.clone()));
                    } else {
                        self.leave_out(&within, &"there are too many links");
                    }
                }
                Some(_) => self.leave_out(&within, &"it is neither a file nor a directory"),
            }
        }
        if let Err(error) = sync_folder(folder.as_fd()) {
            client.warn(format!("a directory could not be flushed to the disk: {}", words(&error)));
        }
        Ok(())
    }

    /// Opens the folder of a directory, and makes it if it is not there.
    fn folder(&mut self, names: &[Vec<u8>]) -> Result<(OwnedFd, PathBuf), LocalError> {
        let mut path = self.into.to_owned();
        let wrong = |path: &Path, error: io::Error| LocalError { path: path.to_owned(), why: Why::Io(error) };
        if self.root.is_none() {
            fs::create_dir_all(&path).map_err(|error| wrong(&path, error))?;
            let root = open_folder(CWD, path.as_os_str(), OFlags::empty());
            self.root = Some(root.map_err(|errno| wrong(&path, errno.into()))?);
        }
        let root = self.root.as_ref().ok_or_else(|| wrong(&path, io::ErrorKind::NotFound.into()))?;
        let mut folder = root.try_clone().map_err(|error| wrong(&path, error))?;
        for (depth, name) in names.iter().enumerate() {
            // The walk has checked the names; checking again is what this very line depends on.
            let name = local_name(name).map_err(|why| wrong(&path, io::Error::other(why)))?;
            path.push(name);
            if depth + 1 == names.len() {
                match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(wrong(&path, errno.into())),
                }
            }
            folder = below_folder(&folder, name).map_err(|why| LocalError { path: path.clone(), why })?;
        }
        let stat = fstat(&folder).map_err(|errno| wrong(&path, errno.into()))?;
        if !self.seen.insert((stat.st_dev, stat.st_ino)) {
            return Err(LocalError { path, why: Why::Collides });
        }
        Ok((folder, path))
    }

    /// Fetches one file. What the server refuses, or what cannot be written here, is left out and the rest
    /// goes on.
    async fn file(
        &mut self,
        client: &mut Client,
        (directory, folder, folder_path): (&Directory, &OwnedFd, &Path),
        entry: &Entry,
        run: &Downloads,
        going_on: &mut GoingOn,
    ) -> Result<(), CopyError> {
        let Some(path) = below(directory.path.as_ref(), &entry.name) else { return Ok(()) };
        let Ok(name) = local_name(&entry.name) else { return Ok(()) };
        let within = directory.within(&entry.name);
        let mut start = if self.options.resume { Start::Earlier } else { Start::Afresh };
        let mut kept = 0;
        loop {
            let target = match Target::within(folder.as_fd(), folder_path, name) {
                Ok(target) => target,
                Err(here) => {
                    self.leave_out(&within, &here.why);
                    return Ok(());
                }
            };
            let error = match client.get_file_from(start, &path, Source::of_entry(entry), &target, run).await
            {
                Ok(_) => {
                    going_on.gained();
                    return Ok(());
                }
                Err(CopyError::Local(here)) => {
                    self.leave_out(&within, &here.why);
                    return Ok(());
                }
                Err(error @ CopyError::SizeIsWrong { .. }) => {
                    self.leave_out(&within, &error);
                    return Ok(());
                }
                Err(CopyError::Server { error, .. })
                    if error.is_about_a_name()
                        || matches!(error, Error::Refused { .. }) && !error.calls_for_a_new_session() =>
                {
                    self.leave_out(&within, &error);
                    return Ok(());
                }
                Err(CopyError::Server { error, .. }) => error,
            };
            let length = kept_length(folder, name);
            if length > kept {
                kept = length;
                going_on.gained();
            }
            match going_on.after(client, &error).await {
                // What the first try has kept is resumed, and nothing else.
                Next::Again if start == Start::Afresh => start = Start::Part,
                Next::Again => {}
                Next::Skip => {
                    self.leave_out(&within, &error);
                    return Ok(());
                }
                Next::Over => return Err(CopyError::Server { error, kept: kept > 0 }),
            }
        }
    }

    /// All links, now that it is known what they may lead to.
    async fn links(
        &mut self,
        client: &mut Client,
        root: Option<&Pathname>,
        going_on: &mut GoingOn,
    ) -> Result<(), CopyError> {
        let waiting = std::mem::take(&mut self.waiting);
        let absolute =
            |target: &Option<Vec<u8>>| target.as_ref().is_some_and(|target| target.starts_with(b"/"));
        let root = match root {
            _ if !self.links.targets().any(absolute) => None,
            Some(root) if root.as_bytes().starts_with(b"/") => Some(root.clone()),
            root => match client.working_directory().await {
                Ok(Some(home)) => match root {
                    Some(root) => below(Some(&home), root.as_bytes()),
                    None => Some(home),
                },
                _ => None,
            },
        };
        let root = root.as_ref().map(Pathname::as_bytes);
        let run = Downloads { sync_folder: false, ..Downloads::new(self.options.resume) };
        for (directory, entry) in waiting {
            let within = directory.within(&entry.name);
            let names = [directory.names.as_slice(), std::slice::from_ref(&entry.name)].concat();
            let leads = self.links.lead(&names, root, Follow::All);
            if self.options.links == OnLinks::Keep {
                if let Err(why) = self.keep(&names, &leads, root) {
                    self.leave_out(&within, &why);
                }
                continue;
            }
            if leads == Leads::Loop {
                self.leave_out(&within, &"a link that leads to itself");
                continue;
            }
            let Some(path) = below(directory.path.as_ref(), &entry.name) else { continue };
            let what = loop {
                match client.what_is_behind(&path, &leads).await {
                    Ok(what) => break Ok(what),
                    Err(error) => match going_on.after(client, &error).await {
                        Next::Again => {}
                        Next::Skip => break Err(error),
                        Next::Over => return Err(error.into()),
                    },
                }
            };
            match (what, leads) {
                (Err(error), _) => self.leave_out(&within, &error),
                (Ok(Behind::Directory), _) => self.leave_out(&within, &"link to a directory"),
                (Ok(_), Leads::Outside) => self.leave_out(&within, &"link that leads out of the tree"),
                (Ok(Behind::Nothing), Leads::Unknown) => {
                    self.leave_out(&within, &"dangling link, or a link out of the server");
                }
                (Ok(Behind::Nothing), _) => self.leave_out(&within, &"dangling link"),
                (Ok(Behind::Perhaps), _) => match self.opened(&directory.names) {
                    Some(folder) => {
                        let path: PathBuf =
                            directory.names.iter().map(|name| OsStr::from_bytes(name)).collect();
                        let path = self.into.join(path);
                        self.file(client, (&directory, &folder, &path), &entry, &run, going_on).await?;
                    }
                    // Its folder could not be made, as was said.
                    None => self.complete = false,
                },
            }
        }
        Ok(())
    }

    /// Makes a link of ours that leads to the same place in the tree.
    fn keep(&self, names: &[Vec<u8>], leads: &Leads, root: Option<&[u8]>) -> Result<(), String> {
        match leads {
            Leads::Inside(_) => {}
            Leads::Loop => return Err("a link that leads to itself".to_owned()),
            Leads::Outside => return Err("link that leads out of the tree".to_owned()),
            Leads::Unknown => return Err("the server does not say where this link leads".to_owned()),
        }
        let Leads::Inside(to) = self.links.lead(names, root, Follow::One) else {
            return Err("link that leads out of the tree".to_owned());
        };
        // A name that no file of ours may have is no part of a path of ours.
        if let Some(why) = to.iter().find_map(|name| local_name(name).err()) {
            return Err(format!("link to a name that is not used: {why}"));
        }
        let text = relative(names, &to);
        let (Some((name, above)), false) = (names.split_last(), text.is_empty()) else { return Ok(()) };
        let (Some(folder), Ok(name)) = (self.opened(above), local_name(name)) else {
            return Err("its folder is not there".to_owned());
        };
        if is_reserved(name) {
            return Err(Why::Reserved.to_string());
        }
        make_link(&folder, name, &text).map_err(|error| words(&error))
    }

    fn set_times(&self) {
        for (names, stamp) in self.times.iter().rev() {
            let (Some(folder), Some(time)) = (self.opened(names), system_time(*stamp)) else { continue };
            // A folder with another time is a folder all the same.
            let _ = File::from(folder).set_modified(time);
        }
    }

    fn opened(&self, names: &[Vec<u8>]) -> Option<OwnedFd> {
        let root = self.root.as_ref()?.try_clone().ok()?;
        names.iter().try_fold(root, |folder, name| below_folder(&folder, local_name(name).ok()?).ok())
    }
}

/// A directory of the tree, for people.
fn directory_name(names: &[Vec<u8>]) -> Vec<u8> {
    if names.is_empty() { b".".to_vec() } else { names.join(&b'/') }
}

/// Puts a link in the place of `name`, of a file or a link that is there too.
fn make_link(folder: &OwnedFd, name: &OsStr, text: &[u8]) -> io::Result<()> {
    if readlinkat(folder, name, Vec::new()).is_ok_and(|there| there.as_bytes() == text) {
        return Ok(());
    }
    if let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        && !matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Symlink)
    {
        return Err(io::Error::other("something that is no file is in its place"));
    }
    // Made under another name first: what is there is there until the link is.
    let spare = random_name()?;
    symlinkat(text, folder, &spare)?;
    renameat(folder, &spare, folder, name).inspect_err(|_| {
        // It is of no use to anybody.
        let _ = unlinkat(folder, &spare, AtFlags::empty());
    })?;
    Ok(())
}

/// How much of a file has been kept by a try that failed.
fn kept_length(folder: &OwnedFd, name: &OsStr) -> u64 {
    let stat = statat(folder, part_name(name), AtFlags::SYMLINK_NOFOLLOW);
    stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
}

/// What a link leads to, as far as the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// CWD leads into it.
    Directory,
    /// A file, or something that only fetching tells.
    Perhaps,
    /// Neither SIZE nor CWD knows it.
    Nothing,
}

impl Client {
    /// What is behind a link? A server that knows SIZE refuses it for what is not there.
    async fn what_is_behind(&mut self, path: &Pathname, leads: &Leads) -> Result<Behind, Error> {
        if *leads != Leads::Outside && self.size(path).await?.is_some() {
            return Ok(Behind::Perhaps);
        }
        if self.can_be_entered(Some(path)).await? {
            return Ok(Behind::Directory);
        }
        Ok(if self.features.has("SIZE") { Behind::Nothing } else { Behind::Perhaps })
    }
}

/// Opens a directory in another, which must not be a link.
fn below_folder(folder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Why> {
    match open_folder(folder, name, OFlags::NOFOLLOW) {
        Ok(below) => Ok(below),
        Err(errno @ (Errno::LOOP | Errno::NOTDIR)) => {
            let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
            let is_link = stat.is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Symlink);
            Err(if is_link { Why::Link } else { Why::Io(errno.into()) })
        }
        Err(errno) => Err(Why::Io(errno.into())),
    }
}

/// The time of modification, where the listing told it to the second.
fn exact_time(entry: &Entry) -> Option<Stamp> {
    entry.facts.modify.filter(|_| entry.facts.precision == Precision::Second)
}
