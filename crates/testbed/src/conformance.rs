//! Does a tree keep the promises of [`Tree`], and a gate those of [`storage::Gate`]?
//!
//! [`tree()`] makes a fresh tree for each promise and tries it. What a tree answers with
//! [`Kind::Unsupported`] is no failure: the names of those promises are returned, so that a test says what
//! its tree lacks.
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::{Create, Entry, Kind, Result, Sink, Tree};

use crate::tree::{self, at};

pub mod gate;
mod listing;
mod names;
mod reading;
mod uploads;

/// How exact the kinds of errors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// As the trait names them.
    Exact,
    /// Whatever is refused is refused, with any kind: a server that says no more than 550.
    Vague,
}

/// Why a promise is not kept.
#[derive(Debug)]
enum Flaw {
    Unsupported,
    Broken(String),
}

type Kept = std::result::Result<(), Flaw>;

impl From<storage::Error> for Flaw {
    fn from(error: storage::Error) -> Self {
        match error.kind {
            Kind::Unsupported => Self::Unsupported,
            _ => Self::Broken(format!("refused: {error}")),
        }
    }
}

/// Tries every promise on a tree that `fresh` makes: empty, writable, and keeping what broken uploads leave.
/// Panics with all promises that are broken; returns the names of those that the tree does not support.
pub async fn tree(errors: Errors, fresh: impl AsyncFn() -> Arc<dyn Tree>) -> Vec<&'static str> {
    let (mut unsupported, mut broken) = (Vec::new(), Vec::new());
    macro_rules! promises {
        ($($file:ident: $($name:ident)*;)*) => {$($({
            let name = stringify!($name);
            let bench = Bench { tree: fresh().await, errors };
            match $file::$name(&bench).await {
                Ok(()) => {}
                Err(Flaw::Unsupported) => unsupported.push(name),
                Err(Flaw::Broken(why)) => broken.push(format!("{name}: {why}")),
            }
        })*)*};
    }
    promises! {
        reading: a_file_is_read_from_any_offset only_files_are_opened what_is_known_of_a_file_is_true
            the_file_itself_holds_the_same_bytes;
        listing: a_listing_is_sorted_and_comes_in_pieces an_entry_is_what_the_listing_has odd_names_come_back
            only_directories_are_listed;
        names: directories_come_and_go a_directory_has_the_mode_it_was_made_with a_rename_replaces_files_only
            removing_is_for_files times_are_kept modes_are_kept space_is_told;
        uploads: an_upload_is_seen_whole_or_not_at_all an_upload_without_bytes_is_an_empty_file
            new_replaces_nothing an_append_adds_to_the_end appends_are_in_the_order_of_their_commits
            an_append_may_name_the_length a_resumed_file_keeps_its_beginning resuming_past_the_end_is_refused
            a_file_changed_meanwhile_is_not_continued a_broken_upload_is_kept_and_resumed
            the_right_one_of_file_and_part_is_resumed a_new_file_leaves_the_part_alone a_part_goes_with_its_name
            a_broken_append_leaves_the_file_alone unique_finds_a_free_name a_discarded_upload_leaves_nothing
            two_uploads_never_mix of_two_broken_uploads_the_first_is_kept targets_are_files what_is_abandoned_stands_in_nobodys_way;
    }
    assert!(broken.is_empty(), "{} promises are broken:\n  {}", broken.len(), broken.join("\n  "));
    unsupported
}

/// A tree, and short ways to use it.
struct Bench {
    tree: Arc<dyn Tree>,
    errors: Errors,
}

impl Bench {
    async fn create(&self, path: &str, how: Create) -> Result<Box<dyn Sink>> {
        self.tree.create(&at(path), how).await
    }

    /// A whole upload.
    async fn upload(&self, path: &str, how: Create, content: &[u8]) -> Result<()> {
        tree::upload(&*self.tree, &at(path), how, content).await
    }

    /// A file with this content.
    async fn put(&self, path: &str, content: &[u8]) -> Result<()> {
        self.upload(path, Create::Replace, content).await
    }

    /// An upload that breaks off after these bytes.
    async fn break_off(&self, path: &str, how: Create, content: &[u8]) -> Result<()> {
        tree::break_off(&*self.tree, &at(path), how, content).await
    }

    /// A whole download.
    async fn read(&self, path: &str) -> Result<Vec<u8>> {
        tree::read(&*self.tree, &at(path)).await
    }

    /// All entries, in their order.
    async fn list(&self, path: &str) -> Result<Vec<Entry>> {
        tree::list(&*self.tree, &at(path)).await
    }

    async fn holds(&self, path: &str, content: &[u8]) -> Kept {
        same(&self.read(path).await?, content).map_err(|flaw| within(path, flaw))
    }

    /// The names in the root.
    async fn names(&self, expected: &[&str]) -> Kept {
        let names: Vec<String> =
            self.list("/").await?.iter().map(|e| e.name.escape_ascii().to_string()).collect();
        equal(&names, &expected.iter().map(|&name| name.to_owned()).collect())
    }

    /// Waits until what was let go of is kept: a store may need a moment to notice.
    async fn kept(&self, path: &str, expected: Option<u64>) -> Kept {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let kept = self.tree.kept(&at(path)).await?;
            if kept == expected {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Flaw::Broken(format!("{path}: {kept:?} kept, not {expected:?}")));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The same of an operation: until an upload that was let go of no longer makes it [`Kind::Busy`].
    async fn settled<T>(&self, mut operation: impl AsyncFnMut() -> Result<T>) -> Result<T> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            match operation().await {
                Err(error) if error.kind == Kind::Busy && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                done => return done,
            }
        }
    }

    /// An operation that has to fail like this.
    fn refused<T>(&self, what: impl Debug, result: Result<T>, kind: Kind) -> Kept {
        match result {
            Ok(_) => Err(Flaw::Broken(format!("{what:?} is not refused with {kind:?}"))),
            Err(error) if error.kind == Kind::Unsupported => Err(Flaw::Unsupported),
            Err(error) if error.kind == kind || self.errors == Errors::Vague => Ok(()),
            Err(error) => Err(Flaw::Broken(format!("{what:?} is refused with {error}, not {kind:?}"))),
        }
    }

    /// Is this a tree that keeps what broken uploads leave?
    async fn keeps_parts(&self) -> Kept {
        self.break_off("probe", Create::Replace, b"12345").await?;
        // A store that keeps nothing says so at once; one that is slow has said so after a moment.
        let until = Instant::now() + Duration::from_secs(1);
        while self.tree.kept(&at("probe")).await?.is_none() {
            if Instant::now() > until {
                return Err(Flaw::Unsupported);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.tree.remove(&at("probe")).await?;
        Ok(())
    }
}

fn equal<T: PartialEq + Debug>(got: &T, expected: &T) -> Kept {
    if got == expected { Ok(()) } else { Err(Flaw::Broken(format!("{got:?}, not {expected:?}"))) }
}

fn same(got: &[u8], expected: &[u8]) -> Kept {
    if got == expected {
        return Ok(());
    }
    let short =
        |bytes: &[u8]| format!("{} bytes \"{}\"", bytes.len(), bytes[..bytes.len().min(60)].escape_ascii());
    Err(Flaw::Broken(format!("{}, not {}", short(got), short(expected))))
}

fn ensure(what: &str, is_so: bool) -> Kept {
    if is_so { Ok(()) } else { Err(Flaw::Broken(what.to_owned())) }
}

fn within(what: impl Debug, flaw: Flaw) -> Flaw {
    match flaw {
        Flaw::Broken(why) => Flaw::Broken(format!("{what:?}: {why}")),
        Flaw::Unsupported => Flaw::Unsupported,
    }
}
