//! A folder shared for one test, and short ways to use it.
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use storage::local::{Local, LocalOptions, Sync};
use storage::{Batch, Create, Entry, Kind, Result, Sink, Stat, Tree, VPath};

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

/// The path of a text; it must be one.
pub(crate) fn at(path: impl AsRef<[u8]>) -> VPath {
    VPath::root().join(path.as_ref()).expect("a test's path is a path")
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
        let mut sink = self.create(path, how).await?;
        sink.write(content).await?;
        sink.commit().await
    }

    /// An upload that breaks off after these bytes.
    pub(crate) async fn break_off(&self, path: &str, how: Create, content: &[u8]) {
        let mut sink = self.create(path, how).await.unwrap();
        sink.write(content).await.unwrap();
        drop(sink);
    }

    /// A whole download, through `read`.
    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>> {
        let mut source = self.tree.open(&at(path)).await?;
        let (mut all, mut piece) = (Vec::new(), Vec::new());
        loop {
            piece.resize(1000, 0);
            source.read(all.len() as u64, &mut piece).await?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&piece);
        }
    }

    /// All entries, sorted by name.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Entry>> {
        let mut entries = self.tree.list(&at(path)).await?;
        let (mut all, mut batch) = (Vec::new(), Batch::new());
        loop {
            entries.next(&mut batch).await?;
            if batch.is_empty() {
                all.sort_by(|a: &Entry, b| a.name.cmp(&b.name));
                return Ok(all);
            }
            assert!(batch.len() < 1000, "a batch of {}", batch.len());
            all.append(&mut batch);
        }
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

/// The kind of an expected failure.
pub(crate) fn refused<T>(result: Result<T>) -> Kind {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.kind,
    }
}
