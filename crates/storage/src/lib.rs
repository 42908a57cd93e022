//! Who may have which files? Nothing here knows of FTP.
//!
//! ```text
//!   Attempt --Gate::admit--> Admission { user, rights, tree } --> Tree --> Source (read) / Sink (write, then commit)
//!                                                                  |
//!                                        VPath: rooted, normalised bytes that cannot leave the tree
//! ```
//!
//! Everything that has files is a [`Tree`]; every way in is a [`Gate`], and a Gate is the only way to obtain
//! a Tree. Both are object-safe: `local` (a folder) and `accounts` (users of one process) are the first of
//! each.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod error;
pub mod gate;
pub mod local;
pub mod tree;
pub mod vpath;

pub use error::{Error, Kind, Result};
pub use gate::{
    Admission, Answer, Attempt, Certificate, Denied, Gate, PathRights, Prompt, Rights, UserLimits,
};
pub use tree::{Access, Batch, Create, Entries, Entry, FileType, Op, Posix, Sink, Source, Stat, Time, Tree};
pub use vpath::VPath;
