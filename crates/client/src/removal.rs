//! How is a tree of a site deleted, and nothing beside it?
//!
//! ```text
//!   DELE --2yz--> gone: it was a file or a link, or the server deletes directories so
//!     '--5yz, and the listing or MLST tells a directory--> RMD --2yz--> gone: it was empty, or a junction of Windows
//!                                                           '--5yz--> its entries, each in the same way --> RMD
//! ```
//! Links are what makes this dangerous. Many servers tell a link to a directory as a directory, and whoever enters it deletes what
//! is in its target. DELE never follows a link (unlink(2)) and refuses a directory, and RMD deletes a directory only when it is
//! empty, and of a junction the junction: so both are said before anything is entered. What is told to be a link is never entered,
//! whatever they answer.
use std::collections::{HashMap, HashSet};

use wire::Pathname;
use wire::facts::EntryType;
use wire::pathname::show;

use crate::error::Error;
use crate::session::Client;
use crate::walk::{Walk, below};

impl Client {
    /// Deletes `root` and, where it is a directory, all that is in it. A link is deleted as a link. What cannot be deleted is told
    /// to `left`, one line each, and the rest goes on; true: nothing was left.
    ///
    /// # Errors
    /// When `root` cannot be looked at, and when the session ends.
    pub async fn remove_tree(
        &mut self,
        root: &Pathname,
        left: &mut (dyn FnMut(String) + Send),
    ) -> Result<bool, Error> {
        // With a slash at its end the path of a link leads through the link.
        let root = trimmed(root);
        match self.remove(&root).await {
            Ok(()) => return Ok(true),
            Err(refusal) if refusal.is_permanent_refusal() => {
                let kind = self.stat(Some(&root)).await?.facts.kind;
                if kind.is_some_and(|kind| !kind.is_directory()) {
                    return Err(refusal);
                }
                if self.is_gone(&root).await? {
                    return Ok(true);
                }
            }
            Err(other) => return Err(other),
        }
        let mut whole = true;
        let mut tell = |line: String| {
            whole = false;
            left(line);
        };
        let mut directories = vec![root.clone()];
        let mut walk = Walk::new(Some(root));
        while let Some(visit) = walk.next(self).await {
            let visit = match visit {
                Ok(visit) => visit,
                Err((directory, error)) if error.leaves_session_usable() && !directory.names.is_empty() => {
                    tell(error.to_string());
                    continue;
                }
                Err((_, error)) => return Err(error),
            };
            for (name, why) in visit.refused {
                tell(format!("\"{}\": {why}", show(&name)));
            }
            let skipped: HashMap<_, _> =
                visit.skipped.iter().map(|(path, why)| (path.as_slice(), *why)).collect();
            let mut out = HashSet::new();
            for entry in visit.entries {
                let Some(path) = below(visit.directory.path.as_ref(), &entry.name) else { continue };
                let skipped = skipped.get(visit.directory.within(&entry.name).as_slice());
                let enters = entry.facts.kind == Some(EntryType::Directory) && skipped.is_none();
                match self.remove(&path).await {
                    Err(refusal) if enters && refusal.is_permanent_refusal() => {
                        if !self.is_gone(&path).await? {
                            directories.push(path);
                            continue;
                        }
                    }
                    Ok(()) => {}
                    Err(error) if error.leaves_session_usable() => tell(match skipped {
                        Some(why) => format!("\"{path}\": {why}"),
                        None => error.to_string(),
                    }),
                    Err(error) => return Err(error),
                }
                out.insert(entry.name);
            }
            walk.leave_out(&out);
        }
        for directory in directories.iter().rev() {
            if let Err(error) = self.remove_dir(directory).await {
                if !error.leaves_session_usable() {
                    return Err(error);
                }
                tell(error.to_string());
            }
        }
        Ok(whole)
    }

    /// RMD, where a refusal says that there is something in the directory.
    async fn is_gone(&mut self, path: &Pathname) -> Result<bool, Error> {
        match self.remove_dir(path).await {
            Ok(()) => Ok(true),
            Err(error) if error.leaves_session_usable() => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// Without slashes at its end, unless it is nothing else.
fn trimmed(path: &Pathname) -> Pathname {
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(1, |at| at + 1);
    bytes.get(..end).and_then(|bytes| Pathname::new(bytes.to_vec()).ok()).unwrap_or_else(|| path.clone())
}
