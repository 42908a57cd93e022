//! How is a file of another server read from any offset?
use std::fs::File;
use std::sync::Arc;

use storage::{FileType, Op, Result, Source, Stat};
use wire::Pathname;

use super::Shared;
use super::failure::failed;
use crate::download::Download;
use crate::pool::Pooled;

/// A file open for reading. The transfer begins with the first read, at its offset.
pub(super) struct Reading {
    shared: Arc<Shared>,
    path: Pathname,
    stat: Stat,
    download: Option<Download<Pooled>>,
    /// What has come and was not read yet.
    piece: Vec<u8>,
    /// How much of it was read.
    taken: usize,
    /// The offset of what is read next without opening it again.
    next: u64,
    /// The offset of the end, once it was reached.
    end: Option<u64>,
}

impl Reading {
    pub(super) fn new(shared: Arc<Shared>, path: Pathname, stat: Stat) -> Self {
        Self { shared, path, stat, download: None, piece: Vec::new(), taken: 0, next: 0, end: None }
    }

    /// Its size, where it is known: that of a link is not the file's.
    fn size(&self) -> Option<u64> {
        Some(self.stat.size).filter(|size| *size > 0 && self.stat.kind == FileType::File)
    }

    async fn open_at(&mut self, offset: u64) -> Result<()> {
        if let Some(download) = self.download.take() {
            download.stop().await;
        }
        let size = self.size();
        let session = self.shared.session().await?;
        let download = Download::open_sized(session, &self.path, offset, size).await.map_err(failed)?;
        self.download = Some(download);
        self.piece.clear();
        (self.taken, self.next) = (0, offset);
        Ok(())
    }

    async fn read_at(&mut self, offset: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let wanted = buffer.len();
        buffer.clear();
        let is_past_the_end = self.end.is_some_and(|end| offset >= end)
            || (offset > 0 && self.next != offset && self.size().is_some_and(|size| offset >= size));
        if wanted == 0 || is_past_the_end {
            return Ok(());
        }
        if self.download.is_none() && self.taken == self.piece.len() || self.next != offset {
            self.open_at(offset).await?;
        }
        while self.taken == self.piece.len() {
            let Some(download) = &mut self.download else { return Ok(()) };
            self.piece.clear();
            self.taken = 0;
            if download.read(&mut self.piece).await.map_err(failed)? > 0 {
                break;
            }
            // Only now it is certain that this was all of it.
            if let Some(download) = self.download.take() {
                download.finish().await.map_err(failed)?;
            }
            self.end = Some(self.next);
        }
        let rest = &self.piece[self.taken..];
        let count = rest.len().min(wanted);
        buffer.extend_from_slice(&rest[..count]);
        self.taken += count;
        self.next += count as u64;
        Ok(())
    }
}

impl Source for Reading {
    fn stat(&self) -> &Stat {
        &self.stat
    }

    fn file(&self) -> Option<Arc<File>> {
        None
    }

    fn read<'a>(&'a mut self, offset: u64, buffer: &'a mut Vec<u8>) -> Op<'a, ()> {
        Box::pin(self.read_at(offset, buffer))
    }
}

impl Drop for Reading {
    /// The session can be used for something else then.
    fn drop(&mut self) {
        if let Some(download) = self.download.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(download.stop());
        }
    }
}
