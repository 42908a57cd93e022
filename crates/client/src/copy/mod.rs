//! How do files of a server become files of ours?
//!
//! A download is right when the file that gets the target's name holds the source's bytes, and no other file
//! of the user's was touched. This module is the one place that sees to it; `docs/resume.md` tells the same
//! to users. The argument:
//!
//! **A target changes in one step.** Bytes go into a *part* beside the target. When they are the whole file
//! they are brought to the disk (fsync), and a rename gives the part the target's name. Before that the
//! target is only looked at: a directory, a pipe, a device, or a file that we may not write is an error
//! before the first byte. A link that the user names is followed and stays, and what it leads to is replaced;
//! below the directory of a tree links are left out (`target`).
//!
//! **A part is ours, alone, or it is not used.** Its name has a shape that no fetched file is given (`name`).
//! It is made with O_EXCL or found with O_NOFOLLOW in the opened directory of its target; it is used only if
//! it is a regular file of this user with one name, mode 0600, and our *label*; and it is locked with flock
//! as long as it is in use, the name being compared with the inode after locking. What fails one of these is
//! somebody else's: it is not written, cut or removed, and a part with a random name is taken in its place
//! (`part`). The user's own file is copied into a part, never renamed.
//!
//! **A part knows what it is a part of.** The label holds a digest of server, user and path, and SIZE, time
//! of modification and `unique` as they were told before the first byte (`label`, `source`).
//!
//! **Only what is proven is kept.** With `-c` the start of a file is kept when the label names the same
//! source with the same time, and no fact differs; or when the server's HASH of exactly these bytes (RANG) is
//! ours (see `proof`). Then the transfer starts up to 64 KiB before the end of the part, and these bytes are
//! compared before anything is appended (`seam`). Everything else starts over, and says so.
//!
//! **What changed while it was read is read again.** After the last byte the facts are asked for once more.
//! If they differ the file is read a second time and compared from its first byte on; bytes that were the
//! same in two readings are taken, anything else is an error (`get`).
mod get;
mod label;
mod link;
mod name;
mod part;
mod put;
mod seam;
mod source;
mod target;
mod tree;

pub use get::{Downloads, Got};
pub(crate) use name::random_name as random_part_name;
pub use name::{is_reserved, part_name};
pub use put::measured;
pub use source::Source;
pub use target::{LocalError, Target, Why};
pub use tree::{OnLinks, TreeOptions};

use std::fmt;
use std::sync::Arc;

use net::pump::Progress;
use wire::Pathname;
use wire::pathname::show;

use crate::client::Client;
use crate::error::Error;
use crate::event::{Direction, Event};

/// Why a file was not fetched. The target is as it was.
#[derive(Debug)]
pub enum CopyError {
    /// The site or the network. `kept`: bytes are in the part, for the next try with `resume`.
    Server {
        /// What happened.
        error: Error,
        /// Is there something to resume?
        kept: bool,
    },
    /// Our own side: a name, a right, a disk.
    Local(LocalError),
    /// For the second time the server said that it was done at the same place, and SIZE says that there is
    /// more.
    SizeIsWrong {
        /// The path at the server.
        path: String,
        /// What SIZE says.
        size: u64,
        /// How many bytes there are.
        came: u64,
    },
}

impl From<LocalError> for CopyError {
    fn from(here: LocalError) -> Self {
        Self::Local(here)
    }
}

impl From<Error> for CopyError {
    fn from(error: Error) -> Self {
        Self::Server { error, kept: false }
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { error, .. } => error.fmt(f),
            Self::Local(here) => here.fmt(f),
            Self::SizeIsWrong { path, size, came } => {
                write!(f, "{path}: the server finished after {came} of {size} bytes again: its SIZE is wrong")
            }
        }
    }
}

impl std::error::Error for CopyError {}

/// What the watcher is told of a copy.
impl Client {
    /// Bytes begin to move: from `start` on, `have` are there already.
    fn started(
        &self,
        path: &Pathname,
        direction: Direction,
        (start, have): (u64, u64),
        total: Option<u64>,
        progress: &Arc<Progress>,
    ) {
        let (path, progress) = (path.clone(), Arc::clone(progress));
        (self.watch)(&Event::FileStarted { path, direction, start, have, total, progress });
    }

    fn stopped(&self, path: &Pathname) {
        (self.watch)(&Event::FileStopped { path: path.clone() });
    }

    /// A file is there: copied, or found to be complete.
    fn done(&self, path: &Pathname, length: u64, copied: bool) {
        (self.watch)(&Event::FileDone { path: path.clone(), length, copied });
    }

    fn skipped(&self, what: &[u8], why: &dyn fmt::Display) {
        (self.watch)(&Event::Skipped { what: show(what), why: why.to_string() });
    }
}
