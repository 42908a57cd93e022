//! A folder shared for one test, and short ways to use it.
use std::fs;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use storage::local::{Local, LocalOptions, Sync};
use storage::{Create, Entry, Kind, Result, Sink, Stat, Time, Tree, VPath};
pub(crate) use testbed::tree::at;

/// How long these tests keep parts.
pub(crate) const KEPT: Duration = Duration::from_secs(3600);

/// Writable, unsynced: what is synced is not what most tests are about.
pub(crate) const OPEN: LocalOptions =
    LocalOptions { read_only: false, sync: Sync::Never, umask: 0o022, keep_parts: KEPT };

/// Held while a child process starts: until it is one, it has copies of all our descriptors, which keeps
/// removed files on the disk.
pub(crate) static STARTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A shared folder `root` in a directory that also has things outside of it. Removed at the end.
pub(crate) struct Site {
    pub(crate) tree: Local,
    pub(crate) top: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(OPEN)
    }

    pub(crate) fn with(options: LocalOptions) -> Self {
        let top = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(top.path().join("root")).unwrap();
        let tree = Local::open(&top.path().join("root"), options).unwrap();
        Self { tree, top }
    }

    /// The same folder, otherwise shared.
    pub(crate) fn again(&self, options: LocalOptions) -> Local {
        Local::open(&self.root(), options).unwrap()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    pub(crate) fn real(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Puts a file there without the tree.
    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::write(self.real(path), content).unwrap();
    }

    pub(crate) async fn stat(&self, path: &str) -> Result<Stat> {
        self.tree.stat(&at(path)).await
    }

    pub(crate) async fn create(&self, path: &str, how: Create) -> Result<Box<dyn Sink>> {
        self.tree.create(&at(path), how).await
    }

    /// Bytes that a broken upload has left under a name.
    pub(crate) async fn kept(&self, path: &str) -> Option<u64> {
        self.tree.kept(&at(path)).await.unwrap()
    }

    /// A whole upload.
    pub(crate) async fn upload(&self, path: &str, how: Create, content: &[u8]) -> Result<()> {
        testbed::tree::upload(&self.tree, &at(path), how, content).await
    }

    /// An upload that breaks off after these bytes.
    pub(crate) async fn break_off(&self, path: &str, how: Create, content: &[u8]) {
        testbed::tree::break_off(&self.tree, &at(path), how, content).await.unwrap();
    }

    /// A whole download, through `read`.
    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>> {
        testbed::tree::read(&self.tree, &at(path)).await
    }

    /// All entries, in their order.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Entry>> {
        testbed::tree::list(&self.tree, &at(path)).await
    }

    /// What the directory really holds, parts included.
    pub(crate) fn really(&self, path: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.real(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// How many parts, kept or in use, the directory really holds.
    pub(crate) fn parts(&self, path: &str) -> usize {
        self.really(path).iter().filter(|name| name.starts_with(".pasv.")).count()
    }
}

/// Where in its part an upload goes on.
pub(crate) fn offset(sink: &dyn Sink) -> u64 {
    sink.file().expect("a folder has files").1
}

/// What every operation on a path fails with; it must.
pub(crate) async fn refusals(tree: &Local, path: &VPath) -> Vec<(&'static str, Kind)> {
    vec![
        ("stat", refused(tree.stat(path).await)),
        ("list", refused(tree.list(path).await)),
        ("open", refused(tree.open(path).await)),
        ("replace", refused(tree.create(path, Create::Replace).await)),
        ("append", refused(tree.create(path, Create::Append { at: None }).await)),
        ("unique", refused(tree.create(path, Create::Unique).await)),
        ("rename", refused(tree.rename(path, &at("/elsewhere")).await)),
        ("remove", refused(tree.remove(path).await)),
        ("remove_dir", refused(tree.remove_dir(path).await)),
        ("make_dir", refused(tree.make_dir(path, None).await)),
        ("set_mode", refused(tree.set_mode(path, 0o777).await)),
        ("set_modified", refused(tree.set_modified(path, Time::default()).await)),
        ("space", refused(tree.space(path).await)),
    ]
}

/// Polls once.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The kind of an expected failure.
pub(crate) fn refused<T>(result: Result<T>) -> Kind {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.kind,
    }
}
