//! How is a file written that cannot be replaced?
//!
//! A file that the process may write, in a directory that it may not: there is no room for a part, and no
//! rename. And a file of another user's that the process may write: one in its place would have another
//! owner. Such a file is written in place, which is the one case where an upload is not atomic: readers see
//! it grow, and one that breaks off leaves what came. The file is locked meanwhile; a second upload to it is
//! refused with [`Kind::Busy`].
//!
//! What is to be added to such a file is collected in a file without a name, in the system's folder for
//! temporary files, and added when it is there, as elsewhere; but without a journal.
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, fchmod, memfd_create, openat};

use super::append;
use super::inner::{Inner, Sync, hop};
use super::open::open_name;
use super::part;
use super::target::Target;
use crate::{Create, Kind, Op, Result, Sink, VPath};

/// An upload to a file as it is.
struct InPlace {
    inner: Arc<Inner>,
    path: VPath,
    file: Arc<File>,
    /// Where the next byte goes.
    position: u64,
    /// The length that it is cut to when the first byte comes.
    cut: Option<u64>,
    mode: Option<u32>,
}

/// Opens the file that is there.
pub(super) fn begin(inner: &Arc<Inner>, path: VPath, target: &Target, how: Create) -> Result<Box<dyn Sink>> {
    let file = open_name(&target.dir, &target.name, OFlags::WRONLY)?;
    if !append::lock(&file)? {
        return Err(Kind::Busy.into());
    }
    let size = file.metadata()?.len();
    let position = match how {
        Create::Replace => 0,
        Create::Resume { at } if at <= size => at,
        Create::Resume { .. } => return Err(Kind::BadOffset.into()),
        Create::New | Create::Unique | Create::Append { .. } => return Err(Kind::Exists.into()),
    };
    Ok(Box::new(InPlace {
        inner: Arc::clone(inner),
        path,
        file: Arc::new(file),
        position,
        cut: Some(position),
        mode: None,
    }))
}

/// A file without a name, for as long as it is open.
pub(super) fn unnamed() -> Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match openat(CWD, std::env::temp_dir(), flags, Mode::RUSR | Mode::WUSR) {
        Ok(fd) => Ok(File::from(fd)),
        // A file system that makes none; memory does.
        Err(_) => Ok(File::from(memfd_create(c"pasv", MemfdFlags::CLOEXEC)?)),
    }
}

impl Sink for InPlace {
    fn path(&self) -> &VPath {
        &self.path
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()> {
        let (file, bytes, at, cut) = (Arc::clone(&self.file), bytes.to_vec(), self.position, self.cut.take());
        Box::pin(async move {
            let count = bytes.len() as u64;
            hop(move || {
                if let Some(length) = cut {
                    file.set_len(length)?;
                }
                Ok(file.write_all_at(&bytes, at)?)
            })
            .await?;
            self.position = at + count;
            Ok(())
        })
    }

    fn file(&self) -> Option<(Arc<File>, u64)> {
        Some((Arc::clone(&self.file), self.position))
    }

    fn set_mode(&mut self, mode: u32) {
        self.mode = Some(mode & 0o777);
    }

    fn commit(mut self: Box<Self>) -> Op<'static, ()> {
        Box::pin(hop(move || {
            if let Some(length) = self.cut.take() {
                self.file.set_len(length)?;
            }
            if self.inner.options.sync == Sync::Always {
                self.file.sync_all()?;
            }
            if let Some(mode) = self.mode {
                // Only the file's owner may, and what counts is the content.
                let _ = fchmod(&*self.file, Mode::from_raw_mode(mode));
            }
            Ok(())
        }))
    }

    /// What was there before is lost already.
    fn discard(self: Box<Self>) -> Op<'static, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        part::release(&self.file);
    }
}
