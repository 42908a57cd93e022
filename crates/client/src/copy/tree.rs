//! How does a tree of a site become one of ours?
//!
//! Directory by directory, each opened in the one above without following links: what lies beside the tree is not reached
//! through a link that was in it before. The directory that the user named may be a link.
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, fstat, mkdirat};
use rustix::io::Errno;
use wire::facts::{EntryType, Precision};
use wire::{Entry, Pathname, Stamp};

use super::CopyError;
use super::get::{How, Watch};
use super::part::system_time;
use super::source::Source;
use super::target::{Here, Target, Why, open_folder, sync_folder};
use crate::error::{Error, words};
use crate::name::local_name;
use crate::session::Client;
use crate::walk::{Directory, Visit, Walk, below};

impl Client {
    /// Fetches all that is below a directory of the site into the directory `into`, which is made if it is not there. False:
    /// something was left out, as the watch was told.
    ///
    /// # Errors
    /// Of the session, and where `into` cannot be used. What the site refuses and what cannot be written is left out.
    pub async fn get_tree(
        &mut self,
        root: Option<Pathname>,
        into: &Path,
        resume: bool,
        watch: &dyn Watch,
    ) -> Result<bool, CopyError> {
        let mut tree =
            Tree { into, resume, watch, root: None, seen: HashSet::new(), times: Vec::new(), complete: true };
        let mut walk = Walk::new(root);
        while let Some(visit) = walk.next(self).await {
            match visit {
                Ok(visit) => tree.take(self, visit).await?,
                Err((directory, error)) if error.leaves_session_usable() && !directory.names.is_empty() => {
                    tree.leave_out(&directory.names.join(&b'/'), &error);
                }
                Err((_, error)) => return Err(error.into()),
            }
        }
        tree.set_times();
        Ok(tree.complete)
    }
}

/// A tree on its way.
struct Tree<'a> {
    into: &'a Path,
    resume: bool,
    watch: &'a dyn Watch,
    /// The directory that the user named, once it is open.
    root: Option<OwnedFd>,
    /// Device and number of the directories so far: two names that are one here would mix what is in them.
    seen: HashSet<(u64, u64)>,
    /// Directories whose times are set at the end, as every file put into one changes it.
    times: Vec<(Vec<Vec<u8>>, Stamp)>,
    complete: bool,
}

impl Tree<'_> {
    fn leave_out(&mut self, what: &[u8], why: &dyn std::fmt::Display) {
        self.complete = false;
        self.watch.left_out(what, why);
    }

    /// One directory: its folder, then its files.
    async fn take(&mut self, client: &mut Client, visit: Visit) -> Result<(), CopyError> {
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
        let how = How { sync_folder: false, ..How::new(self.resume, self.watch) };
        let mut taken = HashSet::new();
        for entry in &visit.entries {
            if entry.facts.kind.as_ref().is_some_and(EntryType::is_directory) {
                continue;
            }
            if !taken.insert(&entry.name) {
                self.leave_out(&visit.directory.within(&entry.name), &"the listing has this name twice");
                continue;
            }
            self.file(client, &visit.directory, entry, (&folder, &path), &how).await?;
        }
        if let Err(error) = sync_folder(folder.as_fd()) {
            client.warn(format!("a directory could not be brought to the disk: {}", words(&error)));
        }
        Ok(())
    }

    /// Opens the folder of a directory, and makes it if it is not there.
    fn folder(&mut self, names: &[Vec<u8>]) -> Result<(OwnedFd, PathBuf), Here> {
        let mut path = self.into.to_owned();
        let wrong = |path: &Path, error: io::Error| Here { path: path.to_owned(), why: Why::Io(error) };
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
            folder = below_folder(&folder, name).map_err(|why| Here { path: path.clone(), why })?;
        }
        let stat = fstat(&folder).map_err(|errno| wrong(&path, errno.into()))?;
        if !self.seen.insert((stat.st_dev, stat.st_ino)) {
            return Err(Here { path, why: Why::Collides });
        }
        Ok((folder, path))
    }

    async fn file(
        &mut self,
        client: &mut Client,
        directory: &Directory,
        entry: &Entry,
        (folder, folder_path): (&OwnedFd, &Path),
        how: &How<'_>,
    ) -> Result<(), CopyError> {
        let Some(path) = below(directory.path.as_ref(), &entry.name) else { return Ok(()) };
        let Ok(name) = local_name(&entry.name) else { return Ok(()) };
        let source = match &entry.facts.kind {
            // What a link leads to may be a file.
            Some(EntryType::File | EntryType::Link(_)) | None => Source::of_entry(entry),
            Some(_) => {
                self.leave_out(&directory.within(&entry.name), &"it is neither a file nor a directory");
                return Ok(());
            }
        };
        let fetched = match Target::within(folder.as_fd(), folder_path, name) {
            Ok(target) => client.get_file(&path, source, &target, how).await,
            Err(here) => Err(here.into()),
        };
        match fetched {
            Ok(_) => {}
            // The site's no, or a name that cannot be written here: the rest goes on.
            Err(CopyError::Here(here)) => self.leave_out(&directory.within(&entry.name), &here.why),
            Err(CopyError::Site { error: error @ Error::Refused { .. }, .. }) => {
                self.leave_out(&directory.within(&entry.name), &error);
            }
            Err(other) => return Err(other),
        }
        Ok(())
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

/// Opens a directory in another, which must not be a link.
fn below_folder(folder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Why> {
    match open_folder(folder, name, OFlags::NOFOLLOW) {
        Ok(below) => Ok(below),
        Err(errno @ (Errno::LOOP | Errno::NOTDIR)) => {
            let stat = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
            let is_link = stat.is_ok_and(|s| {
                rustix::fs::FileType::from_raw_mode(s.st_mode) == rustix::fs::FileType::Symlink
            });
            Err(if is_link { Why::Link } else { Why::Io(errno.into()) })
        }
        Err(errno) => Err(Why::Io(errno.into())),
    }
}

/// The time of modification, where the listing told it to the second.
fn exact_time(entry: &Entry) -> Option<Stamp> {
    entry.facts.modify.filter(|_| entry.facts.precision == Precision::Second)
}
