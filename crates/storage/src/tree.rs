//! What can be done with files? The contract of every store.
use std::fs::File;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::{Kind, Result, VPath};

/// An operation under way. A store that knows the answer at once returns a future that is ready at its first
/// poll. Dropping it abandons the operation; what it had begun may still happen.
pub type Op<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A point in time: seconds since 1970 UTC (negative before), and nanoseconds below 1,000,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Nanoseconds past the second.
    pub nanos: u32,
}

/// What kind of thing a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a socket, a device: listed, never opened.
    Other,
}

/// What the process that serves the files may do with a name. What the user may do is the user's
/// [`Rights`](crate::Rights) beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The content may be read; a directory listed.
    pub read: bool,
    /// The content may be changed; entries made in a directory and removed from it.
    pub write: bool,
    /// A directory may be entered. Meaningless for anything else.
    pub enter: bool,
    /// The name may be removed or given to something else, as far as its directory is concerned.
    pub remove: bool,
}

impl Access {
    /// Nothing is forbidden: for a store without permissions.
    pub const ALL: Self = Self { read: true, write: true, enter: true, remove: true };
}

/// What is known of one file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The kind of thing.
    pub kind: FileType,
    /// Of a link the path that it holds, where that leads to a place inside the tree.
    pub target: Option<Vec<u8>>,
    /// What may be done with it.
    pub access: Access,
    /// Bytes.
    pub size: u64,
    /// Last modification of the content.
    pub modified: Time,
    /// Creation, where the store knows it.
    pub created: Option<Time>,
    /// What a Unix file system keeps beside that; none of a store that is no such file system.
    pub posix: Option<Posix>,
    /// Two names with the same value are the same file (`unique` of RFC 3659 7.5.6): device and inode, or the
    /// like.
    pub unique: Option<(u64, u64)>,
}

/// What a Unix file system knows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posix {
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Hard links.
    pub links: u64,
}

/// One name of a directory. `.` and `..`, and what the store itself keeps there, are never among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name: one component, any bytes but `/` and NUL; it may hold line ends.
    pub name: Vec<u8>,
    /// What is known of it; of a link, what is known of the link itself.
    pub stat: Stat,
}

/// A piece of a listing; `Vec` so that its room is used again.
pub type Batch = Vec<Entry>;

/// How an upload starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// Empty; takes the place of what has the name now, when committed. A kept part of the name is discarded
    /// with the first byte that is written.
    Replace,
    /// Fails with [`Kind::Exists`] where the name is taken. Leaves a kept part of the name alone, and none of
    /// its own.
    New,
    /// `at` bytes that are there already, then what is written. They are those of a file of exactly that
    /// length, else those of a kept part of that length, else the first of a longer file, else the first of a
    /// longer part. Where nothing has `at` bytes: [`Kind::BadOffset`]; where only an upload under way might:
    /// [`Kind::Busy`]. When the file that it continues has been changed, moved or removed before the commit,
    /// that fails with
    /// [`Kind::Changed`].
    Resume {
        /// Bytes kept.
        at: u64,
    },
    /// What is written is added to the end of the file, as that is when the upload is committed: of two such
    /// uploads at once both are in the file, in the order of their commits. A name that only has a kept part
    /// continues that part. A name that has neither gets a file of what is written.
    Append {
        /// Where given: the length that the file (or the part) must have, else [`Kind::BadOffset`].
        at: Option<u64>,
    },
    /// A name nobody has, made from the given one; [`Sink::path`] tells it.
    Unique,
}

/// A tree of files. Cheap to share; every operation stands alone, and none holds a lock that another waits
/// for.
///
/// Errors name whose fault it was: see [`Kind`]. What a store cannot do it answers with
/// [`Kind::Unsupported`]; that is what the methods with a body do.
pub trait Tree: Send + Sync {
    /// What is known of what a path leads to, links followed beneath the root.
    fn stat<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat>;
    /// What is known of a name itself: as [`Tree::stat`], but a link at the end of the path is not followed.
    fn entry<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat>;
    /// [`Kind::Denied`] for a directory that may not be entered, [`Kind::NotADirectory`] for what is none.
    fn enter<'a>(&'a self, path: &'a VPath) -> Op<'a, ()>;
    /// How many bytes a broken upload has left under a name that nothing else has, for [`Create::Resume`];
    /// none where there is no such part, or where it may not be continued. No other operation but
    /// [`Tree::create`],
    /// [`Tree::remove`] and [`Tree::remove_dir`] knows of parts.
    fn kept<'a>(&'a self, path: &'a VPath) -> Op<'a, Option<u64>> {
        let _ = path;
        Box::pin(ready(Ok(None)))
    }
    /// The entries of a directory, in bounded memory: sorted by the bytes of their names up to 100,000
    /// entries, in no order beyond that, or where other listings use up the memory that all share for it.
    fn list<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Entries>>;
    /// Opens a regular file for reading. Never waits for a pipe or a device: those are [`Kind::NotRegular`].
    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>>;
    /// Starts an upload to the file that a path leads to. Nothing is changed before the first byte is
    /// written, and nothing is seen under the name before [`Sink::commit`]; a file that may be written in a
    /// directory that may not, and one whose owner would change, are the exceptions: they are written in
    /// place. What the file system's permissions would refuse at the end is refused here.
    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>>;
    /// Moves a file, a link or a directory; a file of the new name is replaced, a directory is not.
    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()>;
    /// Removes a file (or a link, never what it leads to). Also discards a kept part of that name.
    fn remove<'a>(&'a self, path: &'a VPath) -> Op<'a, ()>;
    /// Removes an empty directory. Parts kept in it do not make it full.
    fn remove_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()>;
    /// Makes a directory, with these permission bits (0 to 0o777) or those of the store.
    fn make_dir<'a>(&'a self, path: &'a VPath, mode: Option<u32>) -> Op<'a, ()>;
    /// Sets the time of modification.
    fn set_modified<'a>(&'a self, path: &'a VPath, modified: Time) -> Op<'a, ()>;
    /// Sets permission bits, 0 to 0o777. [`Kind::Denied`] for the root, which could not be reached any more
    /// to set them back.
    fn set_mode<'a>(&'a self, path: &'a VPath, mode: u32) -> Op<'a, ()> {
        let _ = (path, mode);
        Box::pin(ready(Err(Kind::Unsupported.into())))
    }
    /// Bytes that can still be stored at a path.
    fn space<'a>(&'a self, path: &'a VPath) -> Op<'a, u64> {
        let _ = path;
        Box::pin(ready(Err(Kind::Unsupported.into())))
    }
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
    /// Fills `buffer` with bytes from `offset`, at most its length; sets the vector's length to what was
    /// read. Fewer than asked for is not the end (the rest may be on the disk); none is. Afterwards `resize`
    /// it to ask again.
    fn read<'a>(&'a mut self, offset: u64, buffer: &'a mut Vec<u8>) -> Op<'a, ()>;
}

/// An upload under way. Dropped without a commit it is kept as the part of its name, to be resumed; what was
/// to be added to a file, and what no byte came for, leaves nothing.
pub trait Sink: Send {
    /// The path it will be seen under.
    fn path(&self) -> &VPath;
    /// Appends bytes. The first call makes room for them: what the upload replaces is cut off then, and not
    /// before.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()>;
    /// The file itself, where there is one, and the offset in it where the next byte goes, for moving bytes
    /// inside the kernel; to be asked for after the first [`Sink::write`], which must be the last one then.
    /// Let go of the file before the sink is committed or dropped: a write still under way after that would
    /// go into the published file, and while it is held nobody can resume.
    fn file(&self) -> Option<(Arc<File>, u64)>;
    /// Sets the permission bits, 0 to 0o777, that it is published with, in place of the store's own choice.
    /// Nothing where the store has none, or where bytes are added to a file that is there.
    fn set_mode(&mut self, mode: u32) {
        let _ = mode;
    }
    /// Makes the bytes durable as far as the store was told to, so that [`Sink::commit`] takes little time.
    /// Optional.
    fn settle(&mut self) -> Op<'_, ()> {
        Box::pin(ready(Ok(())))
    }
    /// Makes it durable as far as the store was told to, and publishes it under its name in one step. When
    /// that fails it is kept as if it had been dropped, but for [`Kind::Full`]: then its space is given back.
    fn commit(self: Box<Self>) -> Op<'static, ()>;
    /// Throws away what was written, the part included.
    fn discard(self: Box<Self>) -> Op<'static, ()>;
}
