//! What is in a whole tree of a site?
//!
//! Directory by directory, parents first. Of a directory the subdirectories' names are kept until it is their
//! turn, which is what bounds the memory: a hostile server is stopped by the depth, by the `unique` fact
//! where it tells one (a directory seen before is not entered again), and by what the directories that wait
//! may weigh.
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;

use wire::facts::EntryType;
use wire::{Entry, Pathname};

use crate::client::Client;
use crate::directory::Unread;
use crate::error::Error;
use crate::going_on::{GoingOn, Next};
use crate::name::{NameError, local_name};
pub use crate::paths::below;

/// How deep a tree may be. Real ones reach some twenty; a link that leads back goes on for ever.
pub const DEPTH: usize = 64;

/// How many directories a tree may have. A server that makes them up never ends.
const DIRECTORIES: usize = 1_000_000;

/// How many bytes the entries of one directory may take, and those of the directories that wait: a million
/// names of a usual length. More is a server that tries what we can bear.
const HELD: usize = 128 * 1024 * 1024;

/// What an entry takes beside its texts.
const ENTRY: usize = size_of::<Entry>();

/// A directory of the tree to be looked at.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Its path at the site; `None` is where the login starts.
    pub path: Option<Pathname>,
    /// The names that lead from the root of the walk to here, all of them checked by [`local_name`].
    pub names: Vec<Vec<u8>>,
    /// The entry that led here; the root of the walk has none.
    pub entry: Option<Entry>,
}

/// One look into a directory.
#[derive(Debug)]
pub struct Visit {
    /// The directory.
    pub directory: Directory,
    /// What is in it, directories included, with names that are safe.
    pub entries: Vec<Entry>,
    /// Names that were not taken, and why.
    pub refused: Vec<(Vec<u8>, NameError)>,
    /// Lines of its listing that could not be read.
    pub unread: Unread,
    /// Directories that are not entered, by their path from the root of the walk, and why.
    pub skipped: Vec<(Vec<u8>, &'static str)>,
}

/// A directory that could not be listed.
#[derive(Debug)]
pub struct Unlisted {
    /// The directory.
    pub directory: Directory,
    /// Why.
    pub error: Error,
    /// Can the walk go on with the next one?
    pub goes_on: bool,
}

/// A walk over a tree.
#[derive(Debug)]
pub struct Walk {
    waiting: Vec<Directory>,
    /// How many of those were there before the last visit.
    older: usize,
    /// Bytes in `waiting`.
    held: usize,
    /// Digests of the `unique` facts of the directories so far.
    seen: HashSet<u64>,
    hasher: RandomState,
    directories: usize,
    /// What one directory's entries, and the waiting directories, may take.
    limit: usize,
    /// In the order of names, not of the listing.
    sorted: bool,
    /// When the session was lost, and something gained.
    pub(crate) going_on: GoingOn,
}

impl Walk {
    /// Starts at `root`.
    #[must_use]
    pub fn new(root: Option<Pathname>) -> Self {
        Self {
            waiting: vec![Directory { path: root, names: Vec::new(), entry: None }],
            older: 0,
            held: 0,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            directories: 0,
            limit: HELD,
            sorted: false,
            going_on: GoingOn::new(),
        }
    }

    /// The same walk, holding no more than `bytes` of one directory's entries and of directories that wait,
    /// in place of 128 MiB.
    #[must_use]
    pub fn holding(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// The same walk, with the entries of each directory, and so the directories, in the order of their
    /// names.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// The next directory; `None` when the tree is done. Links are entries like any other and are not
    /// entered, as far as the server tells them as links: one that it tells as a directory is stopped by
    /// `unique`, or by the depth.
    ///
    /// # Errors
    /// Of the listing. Where the session is lost, it is listed once more in a new one, as [`GoingOn`] says.
    pub async fn next(&mut self, client: &mut Client) -> Option<Result<Visit, Unlisted>> {
        let directory = self.waiting.pop()?;
        self.held = self.held.saturating_sub(directory.weight());
        let mut visit = Visit {
            directory,
            entries: Vec::new(),
            refused: Vec::new(),
            unread: Unread::default(),
            skipped: Vec::new(),
        };
        let path = visit.directory.path.clone();
        loop {
            let (error, next) = match self.look(client, path.as_ref(), &mut visit).await {
                Ok(()) => break,
                Err(error) if error.leaves_session_usable() && !error.calls_for_a_new_session() => {
                    (error, Next::Skip)
                }
                Err(error) => {
                    let next = self.going_on.after(client, &error).await;
                    (error, next)
                }
            };
            if next != Next::Again {
                // Without its root there is no tree.
                let goes_on = next == Next::Skip && !visit.directory.names.is_empty();
                return Some(Err(Unlisted { directory: visit.directory, error, goes_on }));
            }
        }
        self.going_on.gained();
        self.older = self.waiting.len();

        // Pushed in reverse, so that they are entered in the order of the listing.
        for entry in visit.entries.iter().rev() {
            if entry.facts.kind != Some(EntryType::Directory) {
                continue;
            }
            let Some(path) = below(path.as_ref(), &entry.name) else { continue };
            let again =
                entry.facts.unique.as_ref().is_some_and(|u| !self.seen.insert(self.hasher.hash_one(u)));
            let mut names = visit.directory.names.clone();
            names.push(entry.name.clone());
            let next = Directory { path: Some(path), names, entry: Some(entry.clone()) };
            let why_not = match () {
                () if again => Some("it was visited before under another name"),
                () if next.names.len() >= DEPTH => Some("it is too deep"),
                () if self.directories >= DIRECTORIES || self.held + next.weight() > self.limit => {
                    Some("there are too many directories")
                }
                () => None,
            };
            if let Some(why) = why_not {
                visit.skipped.push((next.names.join(&b'/'), why));
                continue;
            }
            self.directories += 1;
            self.held += next.weight();
            self.waiting.push(next);
        }
        Some(Ok(visit))
    }
}

impl Walk {
    /// Lists one directory.
    async fn look(
        &self,
        client: &mut Client,
        path: Option<&Pathname>,
        visit: &mut Visit,
    ) -> Result<(), Error> {
        let mut entries = Vec::new();
        let mut refused = Vec::new();
        let (mut held, limit) = (0, self.limit);
        let mut each = |entry: Entry| {
            held += weight(&entry);
            if held > limit {
                return Err(io::Error::other(format!(
                    "a directory whose entries take more than {limit} bytes"
                )));
            }
            match local_name(&entry.name) {
                Ok(_) => entries.push(entry),
                Err(why) => refused.push((entry.name, why)),
            }
            Ok(())
        };
        visit.unread = client.list(path, &mut each).await?;
        if self.sorted {
            entries.sort_by(|one, other| one.name.cmp(&other.name));
        }
        (visit.entries, visit.refused) = (entries, refused);
        Ok(())
    }

    /// Does not enter these of the directories that the last visit has found, by their names there.
    pub fn leave_out(&mut self, names: &HashSet<Vec<u8>>) {
        for directory in self.waiting.split_off(self.older.min(self.waiting.len())) {
            if directory.names.last().is_some_and(|name| names.contains(name)) {
                self.held = self.held.saturating_sub(directory.weight());
            } else {
                self.waiting.push(directory);
            }
        }
    }
}

impl Directory {
    /// The path of a name in it, from where the walk began.
    #[must_use]
    pub fn within(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.names.join(&b'/');
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// How many bytes it takes, about.
    fn weight(&self) -> usize {
        let names: usize = self.names.iter().map(|n| n.len() + size_of::<Vec<u8>>()).sum();
        let path = self.path.as_ref().map_or(0, |p| p.as_bytes().len());
        size_of::<Self>() + names + path + self.entry.as_ref().map_or(0, weight)
    }
}

/// How many bytes an entry takes, about.
fn weight(entry: &Entry) -> usize {
    let facts = &entry.facts;
    let texts = [&facts.unique, &facts.unix_owner, &facts.unix_group, &facts.media_type];
    let texts: usize = texts.into_iter().flatten().map(Vec::len).sum();
    ENTRY + entry.name.len() + texts
}

/// The order of a whole tree: each directory, then what is in it, then what follows it. For a
/// [`Walk::sorted`], whose visits are added as they come; after each, the iterator gives what is next, up to
/// the directory that the walk enters then.
///
/// ```
/// use client::walk::{Nested, Walk};
///
/// # async fn example(client: &mut client::Client) {
/// let (mut walk, mut nested) = (Walk::new(None).sorted(), Nested::default());
/// while let Some(Ok(visit)) = walk.next(client).await {
///     nested.add(visit, true);
///     for (_, path) in nested.by_ref() {
///         println!("{path}");
///     }
/// }
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Nested {
    /// What is still to be given, last first: each entry with its directory, and whether the walk enters it.
    waiting: Vec<(Arc<Directory>, Entry, bool)>,
    /// The walk enters what was given last.
    entering: bool,
}

impl Nested {
    /// The entries that wait for what is in the directories before them; of more than that the rest is given
    /// at once.
    const MOST: usize = 500_000;

    /// What the walk has found; where it is not `nested`, in the order of the visits.
    pub fn add(&mut self, visit: Visit, nested: bool) {
        let Visit { directory, entries, skipped, .. } = visit;
        let skipped: HashSet<Vec<u8>> = skipped.into_iter().map(|(path, _)| path).collect();
        let nested = nested && self.waiting.len() + entries.len() <= Self::MOST;
        let directory = Arc::new(directory);
        self.waiting.extend(entries.into_iter().rev().map(|entry| {
            let is_directory = entry.facts.kind == Some(EntryType::Directory);
            let entered = nested && is_directory && !skipped.contains(&directory.within(&entry.name));
            (Arc::clone(&directory), entry, entered)
        }));
    }
}

impl Iterator for Nested {
    type Item = (Entry, Pathname);

    /// The next entry, and its path from the root of the walk; `None` where another visit comes before it,
    /// and at the end.
    fn next(&mut self) -> Option<Self::Item> {
        while !std::mem::take(&mut self.entering) {
            let (directory, entry, entered) = self.waiting.pop()?;
            // The walk does not enter what no command can name either.
            if let Ok(path) = Pathname::new(directory.within(&entry.name)) {
                self.entering = entered;
                return Some((entry, path));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_tree_each_directory_is_followed_by_what_is_in_it() {
        let visit = |names: &[&str], entries: &[&str]| Visit {
            directory: Directory {
                path: None,
                names: names.iter().map(|name| name.as_bytes().to_vec()).collect(),
                entry: None,
            },
            entries: entries.iter().map(|line| Entry::parse(line.as_bytes()).unwrap()).collect(),
            refused: Vec::new(),
            unread: Unread::default(),
            skipped: vec![(b"e".to_vec(), "it is too deep")],
        };
        for (nested, order) in [(true, "a b b/x b/y b/y/z c e f"), (false, "a b c e f b/x b/y b/y/z")] {
            let mut whole = Nested::default();
            let mut seen = Vec::new();
            for visit in [
                visit(&[], &["type=file; a", "type=dir; b", "type=file; c", "type=dir; e", "type=file; f"]),
                visit(&["b"], &["type=file; x", "type=dir; y"]),
                visit(&["b", "y"], &["type=file; z"]),
            ] {
                whole.add(visit, nested);
                seen.extend(whole.by_ref().map(|(_, path)| path.to_string()));
            }
            assert_eq!((seen.join(" ").as_str(), whole.waiting.len()), (order, 0), "{nested}");
        }
    }
}
