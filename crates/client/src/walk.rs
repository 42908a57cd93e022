//! What is in a whole tree of a site?
//!
//! Directory by directory, parents first. Of a directory the subdirectories' names are kept until it is their turn,
//! which is what bounds the memory: a hostile server is stopped by the depth, by the `unique` fact where it tells
//! one (a directory seen before is not entered again), and by the number of directories that wait.
use std::collections::HashSet;
use std::io;

use wire::facts::EntryType;
use wire::{Entry, Pathname};

use crate::error::Error;
use crate::name::{NameError, local_name};
use crate::session::Client;

/// How deep a tree may be. Real ones reach some twenty; a link that leads back goes on for ever.
pub const DEPTH: usize = 64;

/// How many directories may be waiting, and how many entries one directory may have to be walked.
const WAITING: usize = 1_000_000;

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
    /// Directories that are not entered, and why.
    pub skipped: Vec<(Vec<u8>, &'static str)>,
}

/// A walk over a tree.
#[derive(Debug)]
pub struct Walk {
    waiting: Vec<Directory>,
    seen: HashSet<Vec<u8>>,
}

impl Walk {
    /// Starts at `root`.
    #[must_use]
    pub fn new(root: Option<Pathname>) -> Self {
        Self { waiting: vec![Directory { path: root, names: Vec::new(), entry: None }], seen: HashSet::new() }
    }

    /// The next directory; `None` when the tree is done. Links are entries like any other and are not followed.
    ///
    /// # Errors
    /// Of the listing. The walk can go on with the next directory if the session is usable.
    pub async fn next(&mut self, client: &mut Client) -> Option<Result<Visit, (Directory, Error)>> {
        let directory = self.waiting.pop()?;
        let mut visit = Visit { directory, entries: Vec::new(), refused: Vec::new(), skipped: Vec::new() };
        let path = visit.directory.path.clone();
        let mut entries = Vec::new();
        let mut refused = Vec::new();
        let mut each = |entry: Entry| {
            if entries.len() + refused.len() >= WAITING {
                return Err(io::Error::other(format!("a directory of more than {WAITING} entries")));
            }
            match local_name(&entry.name) {
                Ok(_) => entries.push(entry),
                Err(why) => refused.push((entry.name, why)),
            }
            Ok(())
        };
        if let Err(error) = client.list(path.as_ref(), &mut each).await {
            return Some(Err((visit.directory, error)));
        }
        (visit.entries, visit.refused) = (entries, refused);

        // Pushed in reverse, so that they are entered in the order of the listing.
        for entry in visit.entries.iter().rev() {
            if entry.facts.kind != Some(EntryType::Directory) {
                continue;
            }
            let Some(path) = below(path.as_ref(), &entry.name) else { continue };
            let again = entry.facts.unique.as_ref().is_some_and(|u| !self.seen.insert(u.clone()));
            let why_not = match () {
                () if again => Some("it was visited before under another name"),
                () if visit.directory.names.len() + 1 >= DEPTH => Some("it is too deep"),
                () if self.waiting.len() >= WAITING => Some("there are too many directories"),
                () => None,
            };
            if let Some(why) = why_not {
                visit.skipped.push((path.into_bytes(), why));
                continue;
            }
            let mut names = visit.directory.names.clone();
            names.push(entry.name.clone());
            self.waiting.push(Directory { path: Some(path), names, entry: Some(entry.clone()) });
        }
        Some(Ok(visit))
    }
}

/// The path of `name` in `directory`; `None` for a name that no command can carry.
#[must_use]
pub fn below(directory: Option<&Pathname>, name: &[u8]) -> Option<Pathname> {
    let mut path = directory.map(|d| d.as_bytes().to_vec()).unwrap_or_default();
    if path.last().is_some_and(|b| *b != b'/') {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    Pathname::new(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_with_one_slash() {
        let path = |p: &str| Pathname::new(p).unwrap();
        assert_eq!(below(None, b"a"), Some(path("a")));
        assert_eq!(below(Some(&path("/")), b"a"), Some(path("/a")));
        assert_eq!(below(Some(&path("x/y")), b" a"), Some(path("x/y/ a")));
        assert_eq!(below(Some(&path("x")), b"a\nb"), None);
    }
}
