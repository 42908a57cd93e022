//! How does an upload come to another server, so that it is seen there whole or not at all?
//!
//! Bytes go to a partial file beside the target, which is renamed at the end. What continues a file that is there is
//! written in place: only the other server could copy it.
use std::fs::File;
use std::sync::Arc;

use storage::{Create, FileType, Kind, Op, Result, Sink, Stat, VPath};
use wire::command::Site;
use wire::{Command, Pathname};

use super::Shared;
use super::failure::failed;
use crate::copy::random_part_name;
use crate::error::Error;
use crate::pool::Pooled;
use crate::sending::{Upload, WriteMode};

/// An upload. It begins with the first write.
pub(super) struct Writing {
    shared: Arc<Shared>,
    path: VPath,
    target: Pathname,
    /// Where the bytes go, if not to the target itself.
    part: Option<Part>,
    mode: WriteMode,
    permissions: Option<u32>,
    upload: Option<Upload<Pooled>>,
    /// Bytes are at the server.
    started: bool,
}

/// A partial file that nobody else writes.
struct Part {
    shared: Arc<Shared>,
    path: Pathname,
    /// Is it left for later when the upload ends before its end?
    kept: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.shared.written().remove(&self.path);
        if !self.kept
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (shared, path) = (Arc::clone(&self.shared), self.path.clone());
            runtime.spawn(async move { shared.ask(Command::Dele(path)).await });
        }
    }
}

impl Part {
    /// That of this name, if no other upload has it.
    fn of(shared: &Arc<Shared>, path: &VPath) -> Result<Option<Self>> {
        let path = shared.part(path)?;
        let is_free = shared.written().insert(path.clone());
        Ok(is_free.then(|| Self { shared: Arc::clone(shared), path, kept: true }))
    }

    /// One that is not found again.
    fn passing(shared: &Arc<Shared>, path: &VPath) -> Result<Self> {
        let (directory, _) = path.split().ok_or(Kind::IsADirectory)?;
        let name =
            random_part_name().map_err(|error| storage::Error { kind: Kind::Io, source: Some(error) })?;
        let path =
            shared.named(&directory.join(std::os::unix::ffi::OsStrExt::as_bytes(name.as_os_str()))?)?;
        shared.written().insert(path.clone());
        Ok(Self { shared: Arc::clone(shared), path, kept: false })
    }
}

impl Writing {
    pub(super) async fn begin(shared: &Arc<Shared>, path: &VPath, how: Create) -> Result<Self> {
        let is = shared.exists(path).await?;
        if path.is_root() || is.as_ref().is_some_and(|stat| stat.kind == FileType::Directory) {
            return Err(Kind::IsADirectory.into());
        }
        if is.as_ref().is_some_and(|stat| stat.kind == FileType::Other) {
            return Err(Kind::NotRegular.into());
        }
        if is.as_ref().is_some_and(|stat| !stat.access.write) && how != Create::Unique {
            return Err(Kind::Denied.into());
        }
        if is.is_none()
            && let Some((directory, _)) = path.split()
            && shared.stat(&directory).await?.kind != FileType::Directory
        {
            return Err(Kind::NotADirectory.into());
        }
        let mut path = path.clone();
        let (part, mode) = match how {
            Create::Replace => (Some(Self::part(shared, &path)?), WriteMode::Replace),
            Create::New if is.is_some() => return Err(Kind::Exists.into()),
            Create::New => (Some(Part::passing(shared, &path)?), WriteMode::Replace),
            Create::Unique => {
                path = shared.unique(&path).await?;
                (Some(Part::passing(shared, &path)?), WriteMode::Replace)
            }
            Create::Resume { at } => Self::resumed(shared, &path, is.as_ref(), Some(at)).await?,
            Create::Append { at } => match is {
                Some(stat) if at.is_some_and(|at| at != stat.size) => return Err(Kind::BadOffset.into()),
                Some(_) => (None, WriteMode::Append),
                None => Self::resumed(shared, &path, None, at).await?,
            },
        };
        let target = shared.named(&path)?;
        let shared = Arc::clone(shared);
        Ok(Self { shared, path, target, part, mode, permissions: None, upload: None, started: false })
    }

    /// The partial file of a name; while another upload has that, one that is not kept.
    fn part(shared: &Arc<Shared>, path: &VPath) -> Result<Part> {
        match Part::of(shared, path)? {
            Some(part) => Ok(part),
            None => Part::passing(shared, path),
        }
    }

    /// What continues: a file of just that length, a partial file, or a longer file.
    async fn resumed(
        shared: &Arc<Shared>,
        path: &VPath,
        is: Option<&Stat>,
        at: Option<u64>,
    ) -> Result<(Option<Part>, WriteMode)> {
        if let (Some(stat), Some(at)) = (is, at)
            && stat.size >= at
        {
            return Ok((None, WriteMode::At(at)));
        }
        let Some(part) = Part::of(shared, path)? else { return Err(Kind::Busy.into()) };
        match (shared.kept(path).await?, at) {
            (Some(length), None) => Ok((Some(part), WriteMode::At(length))),
            (Some(length), Some(at)) if at <= length => Ok((Some(part), WriteMode::At(at))),
            (None, None | Some(0)) => Ok((Some(part), WriteMode::Replace)),
            _ => Err(Kind::BadOffset.into()),
        }
    }

    async fn start(&mut self) -> Result<&mut Upload<Pooled>> {
        if self.upload.is_none() {
            let to = self.part.as_ref().map_or(&self.target, |part| &part.path);
            let mode = match self.mode {
                WriteMode::At(0) => WriteMode::Replace,
                mode => mode,
            };
            let session = self.shared.session().await?;
            self.upload = Some(Upload::open(session, to, mode).await.map_err(failed)?);
            self.started = true;
        }
        self.upload.as_mut().ok_or_else(|| Kind::Io.into())
    }

    async fn finish(mut self) -> Result<()> {
        self.start().await?;
        let Some(upload) = self.upload.take() else { return Ok(()) };
        upload.commit().await.map_err(failed)?;
        let mut session = self.shared.session().await?;
        if let Some(part) = &mut self.part {
            match session.rename(&part.path, &self.target).await {
                // Some servers rename over no file.
                Err(Error::Refused { .. }) if session.remove(&self.target).await.is_ok() => {
                    session.rename(&part.path, &self.target).await.map_err(failed)?;
                }
                renamed => renamed.map_err(failed)?,
            }
            part.kept = true;
        }
        if let Some(mode) = self.permissions {
            // Where the server has no modes it has the file all the same.
            let _ = session.ask(Command::Site(Site::Chmod(mode, self.target.clone()))).await;
        }
        Ok(())
    }
}

impl Sink for Writing {
    fn path(&self) -> &VPath {
        &self.path
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()> {
        Box::pin(async move {
            if bytes.is_empty() {
                return Ok(());
            }
            self.start().await?.write(bytes).await.map_err(failed)
        })
    }

    fn file(&self) -> Option<(Arc<File>, u64)> {
        None
    }

    fn set_mode(&mut self, mode: u32) {
        self.permissions = Some(mode);
    }

    fn commit(self: Box<Self>) -> Op<'static, ()> {
        Box::pin((*self).finish())
    }

    fn discard(mut self: Box<Self>) -> Op<'static, ()> {
        Box::pin(async move {
            self.upload = None;
            let Some(mut part) = self.part.take() else { return Ok(()) };
            part.kept = true;
            if self.started {
                self.shared.ask(Command::Dele(part.path.clone())).await?;
            }
            Ok(())
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Nothing is there that could be removed.
        if let Some(part) = self.part.as_mut().filter(|_| !self.started) {
            part.kept = true;
        }
    }
}
