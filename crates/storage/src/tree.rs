//! What can be done with files? The contract of every store.
use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Result, VPath};

/// An operation under way. A store that knows the answer at once returns a future that is ready at its first poll.
/// Dropping it abandons the operation; what it had begun may still happen.
pub type Op<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A point in time: seconds since 1970 UTC (negative before), and nanoseconds below 1,000,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Nanoseconds past the second.
    pub nanos: u32,
}

/// What kind of thing a name stands for. Links are followed beneath the root, so a link is only ever seen as such
/// where it leads nowhere or out of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link that cannot be followed.
    Link,
    /// A pipe, a socket, a device: listed, never opened.
    Other,
}

/// What is known of one file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The kind of thing.
    pub kind: FileType,
    /// Bytes. Of a name that only has the part of a broken upload: the part's bytes.
    pub size: u64,
    /// Last modification of the content.
    pub modified: Time,
    /// Creation, where the store knows it.
    pub created: Option<Time>,
    /// Unix permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Hard links.
    pub links: u64,
    /// Two names with the same value are the same file (`unique` of RFC 3659 7.5.6): device and inode, or the like.
    pub unique: (u64, u64),
}

/// One name of a directory. `.` and `..`, and what the store itself keeps there, are never among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name: one component, any bytes but `/` and NUL; it may hold line ends.
    pub name: Vec<u8>,
    /// What is known of it, its link followed if it is one that can be.
    pub stat: Stat,
}

/// A piece of a listing; `Vec` so that its room is used again.
pub type Batch = Vec<Entry>;

/// How an upload starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// Empty; takes the place of what has the name now, when committed. Discards a kept part of the name.
    Replace,
    /// Fails with [`crate::Kind::Exists`] where the name is taken.
    New,
    /// `at` bytes that are there already, then what is written. They are those of a kept part of exactly that length,
    /// else the first of the file of that name, else the first of a longer part. Where nothing has `at` bytes:
    /// [`crate::Kind::BadOffset`]; where only an upload under way might: [`crate::Kind::Busy`].
    Resume {
        /// Bytes kept.
        at: u64,
    },
    /// All of the file, or where there is only a part all of the part, then what is written. An empty start where
    /// there is neither.
    Append,
    /// A name nobody has, made from the given one; [`Sink::path`] tells it.
    Unique,
}

/// A tree of files. Cheap to share; every operation stands alone, and none holds a lock that another waits for.
///
/// Errors name whose fault it was: see [`crate::Kind`].
pub trait Tree: Send + Sync {
    /// What is known of a path, links followed beneath the root.
    fn stat<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat>;
    /// The entries of a directory, in no order, in constant memory.
    fn list<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Entries>>;
    /// Opens a regular file for reading. Never waits for a pipe or a device: those are [`crate::Kind::NotRegular`].
    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>>;
    /// Starts an upload. Nothing is seen under the name until [`Sink::commit`].
    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>>;
    /// Moves a file or directory; a file of the new name is replaced, a directory is not.
    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()>;
    /// Removes a file (or a link, never what it leads to). Also discards a kept part of that name.
    fn remove<'a>(&'a self, path: &'a VPath) -> Op<'a, ()>;
    /// Removes an empty directory. Parts kept in it do not make it full.
    fn remove_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()>;
    /// Makes a directory.
    fn make_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()>;
    /// Sets the time of modification.
    fn set_modified<'a>(&'a self, path: &'a VPath, modified: Time) -> Op<'a, ()>;
    /// Sets permission bits, 0 to 0o777.
    fn set_mode<'a>(&'a self, path: &'a VPath, mode: u32) -> Op<'a, ()>;
    /// Bytes that can still be stored at a path.
    fn space<'a>(&'a self, path: &'a VPath) -> Op<'a, u64>;
}

/// A listing in progress.
pub trait Entries: Send {
    /// Clears `batch` and fills it with the next entries, some hundreds at the most. Empty means the end.
    fn next<'a>(&'a mut self, batch: &'a mut Batch) -> Op<'a, ()>;
}

/// A file open for reading.
pub trait Source: Send {
    /// What was known of it when it was opened.
    fn stat(&self) -> &Stat;
    /// The file itself, where there is one, for moving bytes inside the kernel.
    fn file(&self) -> Option<Arc<File>>;
    /// Fills `buffer` with bytes from `offset`, at most its length; sets the vector's length to what was read. Fewer
    /// than asked for is not the end (the rest may be on the disk); none is. Afterwards `resize` it to ask again.
    fn read<'a>(&'a mut self, offset: u64, buffer: &'a mut Vec<u8>) -> Op<'a, ()>;
}

/// An upload under way. Dropped without a commit it is kept as the part of its name, to be resumed.
pub trait Sink: Send {
    /// The path it will be seen under.
    fn path(&self) -> &VPath;
    /// Bytes at which writing starts: 0, or what was kept of the old content.
    fn start(&self) -> u64;
    /// The file itself, where there is one, positioned at [`Sink::start`], for moving bytes inside the kernel. Bytes
    /// go to explicit offsets from `start` on. Let go of it before the sink is committed or dropped: a write still
    /// under way after that would go into the published file, and while it is held nobody can resume.
    fn file(&self) -> Option<Arc<File>>;
    /// Sets the permission bits, 0 to 0o777, that it is published with, in place of the store's own choice. Nothing where
    /// the store has none.
    fn set_mode(&mut self, mode: u32) {
        let _ = mode;
    }
    /// Appends bytes.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()>;
    /// Makes it durable as far as the store was told to, and publishes it under its name in one step.
    fn commit(self: Box<Self>) -> Op<'static, ()>;
    /// Throws away what was written, the part included.
    fn discard(self: Box<Self>) -> Op<'static, ()>;
}
