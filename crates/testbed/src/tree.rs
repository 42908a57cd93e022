//! How is a whole file, or a whole directory, written to a tree and read from it?
use storage::{Batch, Create, Entry, Result, Tree, VPath};

/// The path of a text; it must be one.
#[track_caller]
pub fn at(path: impl AsRef<[u8]>) -> VPath {
    VPath::root().join(path.as_ref()).expect("a test's path is a path")
}

/// A whole upload.
pub async fn upload(tree: &dyn Tree, path: &VPath, how: Create, content: &[u8]) -> Result<()> {
    let mut sink = tree.create(path, how).await?;
    sink.write(content).await?;
    sink.commit().await
}

/// An upload that breaks off after these bytes.
pub async fn break_off(tree: &dyn Tree, path: &VPath, how: Create, content: &[u8]) -> Result<()> {
    let mut sink = tree.create(path, how).await?;
    sink.write(content).await
}

/// A whole download.
pub async fn read(tree: &dyn Tree, path: &VPath) -> Result<Vec<u8>> {
    let mut source = tree.open(path).await?;
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

/// All entries, in their order. No batch of them is large.
pub async fn list(tree: &dyn Tree, path: &VPath) -> Result<Vec<Entry>> {
    let mut entries = tree.list(path).await?;
    let (mut all, mut batch) = (Vec::new(), Batch::new());
    loop {
        entries.next(&mut batch).await?;
        assert!(batch.len() < 1000 && batch.capacity() < 2000, "a batch of {}", batch.len());
        if batch.is_empty() {
            // The end stays the end.
            entries.next(&mut batch).await?;
            assert!(batch.is_empty(), "entries behind the end");
            return Ok(all);
        }
        all.append(&mut batch);
    }
}
