//! How is a tree of a site deleted, and nothing beside it?
//!
//! ```text
//!   DELE --2yz--> gone: it was a file or a link, or the server deletes directories so
//!     '--5yz, and the listing or MLST tells a directory--> RMD --2yz--> gone: it was empty, or a junction of Windows
//!                                                           '--5yz--> its entries, each in the same way --> RMD
//! ```
//! Links are what makes this dangerous. Many servers tell a link to a directory as a directory, and whoever
//! enters it deletes what is in its target. DELE never follows a link (unlink(2)) and refuses a directory,
//! and RMD deletes a directory only when it is empty, and of a junction the junction: so both are said before
//! anything is entered. What is told to be a link is never entered, whatever they answer.
//!
//! A link that may not be deleted is still told as a directory, and refused like one. So PWD is asked before
//! anything is entered: many servers answer the path that links have been resolved in, and then that of a
//! directory is its parent's and its name. A server that answers with the path that was said, or not at all,
//! tells nothing; there the depth and `unique` are what stops the walk.
use std::collections::{HashMap, HashSet};

use wire::facts::EntryType;
use wire::pathname::show;
use wire::{Command, Pathname};

use crate::client::Client;
use crate::error::Error;
use crate::going_on::{GoingOn, Next};
use crate::paths::parent_and_name;
use crate::walk::{Walk, below};

/// Does something once more in a new session where the session was lost. What is left of errors is one that
/// leaves the session usable, or that is given up.
macro_rules! going_on {
    ($client:expr, $going_on:expr, $deed:expr) => {
        loop {
            match $deed {
                Err(error) if !error.leaves_session_usable() || error.calls_for_a_new_session() => {
                    match $going_on.after($client, &error).await {
                        Next::Again => {}
                        Next::Skip => break Err(error),
                        Next::Over => return Err(error),
                    }
                }
                done => break done,
            }
        }
    };
}

/// What became of one file or directory of a tree that is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// A file or a link is gone.
    File(Pathname),
    /// A directory is gone.
    Directory(Pathname),
    /// Something was left, with the path and the reason in one line.
    Left(String),
}

impl Client {
    /// Deletes `root` and, where it is a directory, all that is in it. A link is deleted as a link. What was
    /// deleted, and what cannot be, is reported to `report`, and the rest goes on; true: nothing was left.
    ///
    /// # Errors
    /// When `root` cannot be looked at, and when the session ends.
    pub async fn remove_tree(
        &mut self,
        root: &Pathname,
        report: &mut (dyn FnMut(Removed) + Send),
    ) -> Result<bool, Error> {
        // With a slash at its end the path of a link leads through the link.
        let root = trimmed(root);
        let mut walk = Walk::new(Some(root.clone()));
        let refusal = match self.delete(Deed::File, &root, &mut walk.going_on).await? {
            Ok(()) => {
                report(Removed::File(root));
                return Ok(true);
            }
            Err(refusal) if refusal.is_permanent_refusal() => refusal,
            Err(other) => return Err(other),
        };
        let kind = going_on!(self, walk.going_on, self.stat(Some(&root)).await)?.facts.kind;
        if kind.as_ref().is_some_and(|kind| !kind.is_directory()) {
            return Err(refusal);
        }
        if self.delete(Deed::Directory, &root, &mut walk.going_on).await?.is_ok() {
            report(Removed::Directory(root));
            return Ok(true);
        }
        let (parent, name) = parent_and_name(&root);
        let name = name.as_bytes();
        // Without MLST that it is a directory is known from CWD, which follows links.
        let told = if self.features.has("MLST") { kind } else { None };
        let kind = match told {
            None => going_on!(self, walk.going_on, self.kind_in_listing(&root).await)?,
            told => told,
        };
        if kind.is_some_and(|kind| !kind.is_directory()) {
            report(Removed::Left(format!(
                "\"{root}\" is not a directory, but may be a link to one: {refusal}"
            )));
            return Ok(false);
        }
        let home = going_on!(self, walk.going_on, self.home().await)?;
        let above = going_on!(self, walk.going_on, self.place(home.as_ref(), parent.as_ref()).await)?;
        let there =
            going_on!(self, walk.going_on, self.elsewhere(home.as_ref(), above.as_ref(), &root, name).await)?;
        if let Some(there) = there {
            report(Removed::Left(leads_to(&root, &there)));
            return Ok(false);
        }
        let mut whole = true;
        let mut tell = |what: Removed| {
            whole &= !matches!(what, Removed::Left(_));
            report(what);
        };
        let mut directories = vec![root];
        while let Some(visit) = walk.next(self).await {
            let visit = match visit {
                Ok(visit) => visit,
                Err(failed) if failed.goes_on => {
                    tell(Removed::Left(failed.error.to_string()));
                    continue;
                }
                Err(failed) => return Err(failed.error),
            };
            for (name, why) in visit.refused {
                tell(Removed::Left(format!("\"{}\": {why}", show(&name))));
            }
            if !visit.unread.is_empty() {
                let path = visit.directory.path.as_ref().map_or_else(String::new, ToString::to_string);
                tell(Removed::Left(format!("\"{path}\": {}", visit.unread)));
            }
            let skipped: HashMap<_, _> =
                visit.skipped.iter().map(|(path, why)| (path.as_slice(), *why)).collect();
            let mut out = HashSet::new();
            let here = if visit.entries.iter().any(|e| e.facts.kind == Some(EntryType::Directory)) {
                let place = visit.directory.path.as_ref();
                going_on!(self, walk.going_on, self.place(home.as_ref(), place).await)?
            } else {
                None
            };
            for entry in visit.entries {
                let Some(path) = below(visit.directory.path.as_ref(), &entry.name) else { continue };
                let skipped = skipped.get(visit.directory.within(&entry.name).as_slice());
                let enters = entry.facts.kind == Some(EntryType::Directory) && skipped.is_none();
                match self.delete(Deed::File, &path, &mut walk.going_on).await? {
                    Err(refusal) if enters && refusal.is_permanent_refusal() => {
                        if self.delete(Deed::Directory, &path, &mut walk.going_on).await?.is_ok() {
                            tell(Removed::Directory(path));
                        } else {
                            let there = going_on!(
                                self,
                                walk.going_on,
                                self.elsewhere(home.as_ref(), here.as_ref(), &path, &entry.name).await
                            )?;
                            let Some(there) = there else {
                                directories.push(path);
                                continue;
                            };
                            tell(Removed::Left(leads_to(&path, &there)));
                        }
                    }
                    Ok(()) => tell(Removed::File(path)),
                    Err(error) => tell(Removed::Left(match skipped {
                        Some(why) => format!("\"{path}\": {why}"),
                        None => error.to_string(),
                    })),
                }
                out.insert(entry.name);
            }
            walk.leave_out(&out);
        }
        for directory in directories.iter().rev() {
            match self.delete(Deed::Directory, directory, &mut walk.going_on).await? {
                Ok(()) => tell(Removed::Directory(directory.clone())),
                Err(error) => tell(Removed::Left(error.to_string())),
            }
        }
        Ok(whole)
    }

    /// Deletes one thing. The inner error leaves the session usable.
    ///
    /// Where the session was lost in between, it may be gone already, and then it is refused: gone is what
    /// neither SIZE nor MLST nor CWD knows any more.
    async fn delete(
        &mut self,
        deed: Deed,
        path: &Pathname,
        going_on: &mut GoingOn,
    ) -> Result<Result<(), Error>, Error> {
        let mut lost = false;
        loop {
            let done = match deed {
                Deed::File => self.remove(path).await,
                Deed::Directory => self.remove_dir(path).await,
            };
            let error = match done {
                Ok(()) => {
                    going_on.gained();
                    return Ok(Ok(()));
                }
                Err(error) if lost && error.is_permanent_refusal() => {
                    match going_on!(self, going_on, self.stat(Some(path)).await) {
                        Err(gone) if gone.is_permanent_refusal() => {
                            going_on.gained();
                            return Ok(Ok(()));
                        }
                        _ => return Ok(Err(error)),
                    }
                }
                Err(error) if error.leaves_session_usable() => return Ok(Err(error)),
                Err(error) => error,
            };
            lost = true;
            match going_on.after(self, &error).await {
                Next::Again => {}
                Next::Skip => return Ok(Err(error)),
                Next::Over => return Err(error),
            }
        }
    }
}

/// What is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// A file or a link: DELE.
    File,
    /// An empty directory: RMD.
    Directory,
}

impl Client {
    /// What the listing of its parent tells a name to be; `None` where it does not tell.
    async fn kind_in_listing(&mut self, path: &Pathname) -> Result<Option<EntryType>, Error> {
        match self.listed(path).await {
            Ok((found, _)) => Ok(found.and_then(|entry| entry.facts.kind)),
            Err(error) if error.leaves_session_usable() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the session is, if PWD tells it and CWD leads back there.
    async fn home(&mut self) -> Result<Option<Pathname>, Error> {
        let Some(home) = self.working_directory().await? else { return Ok(None) };
        Ok(self.ask_maybe(Command::Cwd(home.clone())).await?.map(|_| home))
    }

    /// Where PWD says that a directory is; `None` where the server does not tell, or lets nobody in.
    async fn place(
        &mut self,
        home: Option<&Pathname>,
        path: Option<&Pathname>,
    ) -> Result<Option<Pathname>, Error> {
        let Some(home) = home else { return Ok(None) };
        let Some(path) = path else { return Ok(Some(home.clone())) };
        if self.ask_maybe(Command::Cwd(path.clone())).await?.is_none() {
            return Ok(None);
        }
        let there = self.working_directory().await?;
        self.ask(Command::Cwd(home.clone())).await?;
        Ok(there)
    }

    /// Where PWD says that `path` is, if that is not `name` in `parent`, which is the place of its parent.
    async fn elsewhere(
        &mut self,
        home: Option<&Pathname>,
        parent: Option<&Pathname>,
        path: &Pathname,
        name: &[u8],
    ) -> Result<Option<Pathname>, Error> {
        let Some(parent) = parent else { return Ok(None) };
        let there = self.place(home, Some(path)).await?;
        Ok(there.filter(|there| !is_child(there.as_bytes(), parent.as_bytes(), name)))
    }
}

/// Is it the path of `name` in `parent`? Servers may tell paths in another case, with a slash at the end, or
/// with backslashes. Of paths without either, as those of VMS, nothing is known: yes.
fn is_child(path: &[u8], parent: &[u8], name: &[u8]) -> bool {
    let plain = |path: &[u8]| {
        let path: Vec<_> =
            path.iter().map(|b| if *b == b'\\' { b'/' } else { b.to_ascii_lowercase() }).collect();
        path.strip_suffix(b"/").map(<[u8]>::to_vec).unwrap_or(path)
    };
    let mut wanted = plain(parent);
    wanted.push(b'/');
    wanted.extend(plain(name));
    plain(path) == wanted || !path.iter().any(|b| matches!(b, b'/' | b'\\'))
}

fn leads_to(path: &Pathname, there: &Pathname) -> String {
    format!("\"{path}\": not entered, as the server says that it is at \"{there}\": it may be a link")
}

/// Without slashes at its end, unless it is nothing else.
fn trimmed(path: &Pathname) -> Pathname {
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(1, |at| at + 1);
    bytes.get(..end).and_then(|bytes| Pathname::new(bytes.to_vec()).ok()).unwrap_or_else(|| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lies_in_its_parent_and_what_a_link_leads_to_does_not() {
        for (path, parent, name, yes) in [
            ("/t/d", "/t", "d", true),
            ("/d", "/", "d", true),
            ("/t/d/", "/t/", "d", true),
            ("/T/D", "/t", "d", true),
            ("C:\\ftp\\d", "C:\\ftp", "d", true),
            ("DISK:[T.D]", "DISK:[T]", "d", true),
            ("/keep", "/t", "d", false),
            ("/t", "/t", "d", false),
            ("/", "/t", "d", false),
            ("/other/d", "/t", "d", false),
            ("/t/x/d", "/t", "d", false),
        ] {
            assert_eq!(is_child(path.as_bytes(), parent.as_bytes(), name.as_bytes()), yes, "{path}");
        }
    }

    #[test]
    fn slashes_at_the_end_are_cut_off() {
        let path = |p: &str| Pathname::new(p).unwrap();
        assert_eq!(trimmed(&path("a//")), path("a"));
        assert_eq!(trimmed(&path("/")), path("/"));
    }
}
