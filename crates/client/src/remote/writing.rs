//! How does an upload come to another server, so that it is seen there whole or not at all?
//!
//! Bytes go to a partial file beside the target, which is renamed at the end. What continues a file that is
//! there is written in place: only the other server could copy it.
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use storage::{Create, FileType, Kind, Op, Result, Sink, VPath};
use wire::command::Site;
use wire::{Command, Pathname};

use super::Shared;
use super::failure::failed;
use crate::client::Client;
use crate::copy::random_part_name;
use crate::error::Error;
use crate::pool::Pooled;
use crate::sending::{Upload, WriteMode};

/// An upload. It begins with the first write.
pub(super) struct Writing {
    shared: Arc<Shared>,
    path: VPath,
    target: Pathname,
    upload: Option<Upload<Pooled>>,
    /// Where the bytes go, if not to the target itself.
    part: Option<Part>,
    mode: WriteMode,
    /// The file must not be there, or have this length, when it begins and, if it is not to be there, when it
    /// ends.
    expected: Expected,
    /// No other upload is given this name meanwhile.
    _name: Option<Reserved>,
    permissions: Option<u32>,
    /// Bytes are at the server.
    started: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Anything,
    Nothing,
    Length(u64),
}

/// A path that no other upload of this process writes to.
pub(super) struct Reserved {
    shared: Arc<Shared>,
    path: Pathname,
}

impl Reserved {
    /// None: another upload has it.
    pub(super) fn new(shared: &Arc<Shared>, path: Pathname) -> Option<Self> {
        let is_free = shared.written().insert(path.clone());
        is_free.then(|| Self { shared: Arc::clone(shared), path })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shared.written().remove(&self.path);
    }
}

/// A partial file.
struct Part {
    reserved: Reserved,
    /// Is it left for later when the upload ends before its end?
    kept: bool,
}

impl Part {
    /// That of this name, if no other upload has it.
    fn of(shared: &Arc<Shared>, path: &VPath) -> Result<Option<Self>> {
        Ok(Reserved::new(shared, shared.part(path)?).map(|reserved| Self { reserved, kept: true }))
    }

    /// One that is not found again.
    fn passing(shared: &Arc<Shared>, path: &VPath) -> Result<Self> {
        let (directory, _) = path.split().ok_or(Kind::IsADirectory)?;
        let name =
            random_part_name().map_err(|error| storage::Error { kind: Kind::Io, source: Some(error) })?;
        let path = shared.named(&directory.join(name.as_bytes())?)?;
        let reserved = Reserved::new(shared, path).ok_or(Kind::Busy)?;
        Ok(Self { reserved, kept: false })
    }

    /// That of this name; while another upload has it, one that is not found again.
    fn any(shared: &Arc<Shared>, path: &VPath) -> Result<Self> {
        Self::of(shared, path)?.map_or_else(|| Self::passing(shared, path), Ok)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (shared, path) = (Arc::clone(&self.reserved.shared), self.reserved.path.clone());
            runtime.spawn(async move { shared.ask(Command::Dele(path)).await });
        }
    }
}

impl Writing {
    pub(super) async fn begin(shared: &Arc<Shared>, path: &VPath, how: Create) -> Result<Self> {
        let mut session = shared.session().await?;
        let is = shared.exists(&mut session, path).await?;
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
            && shared.stat(&mut session, &directory).await?.kind != FileType::Directory
        {
            return Err(Kind::NotADirectory.into());
        }
        let mut path = path.clone();
        let (mut name, mut expected) = (None, Expected::Anything);
        let length = is.as_ref().map(|stat| stat.size);
        let (part, mode) = match how {
            Create::Replace => (Some(Part::any(shared, &path)?), WriteMode::Replace),
            Create::New if is.is_some() => return Err(Kind::Exists.into()),
            Create::New | Create::Unique => {
                if how == Create::Unique {
                    let (free, reserved) = shared.unique(&mut session, &path).await?;
                    (path, name) = (free, Some(reserved));
                }
                expected = Expected::Nothing;
                (Some(Part::passing(shared, &path)?), WriteMode::Replace)
            }
            Create::Append { at } => match length {
                Some(length) if at.is_some_and(|at| at != length) => return Err(Kind::BadOffset.into()),
                Some(_) => {
                    expected = at.map_or(Expected::Anything, Expected::Length);
                    (None, WriteMode::Append)
                }
                None => {
                    let part = Part::of(shared, &path)?.ok_or(Kind::Busy)?;
                    match shared.kept(&mut session, &path).await? {
                        Some(length) if at.is_none_or(|at| at == length) => {
                            (Some(part), WriteMode::At(length))
                        }
                        None if at.unwrap_or(0) == 0 => (None, WriteMode::Append),
                        _ => return Err(Kind::BadOffset.into()),
                    }
                }
            },
            Create::Resume { at } => {
                // It is reserved before it is looked at.
                let part = if length == Some(at) { None } else { Part::of(shared, &path)? };
                let kept = if length == Some(at) { None } else { shared.kept(&mut session, &path).await? };
                match length.filter(|length| *length >= at && kept != Some(at)) {
                    Some(length) => {
                        expected = Expected::Length(length);
                        (None, WriteMode::At(at))
                    }
                    None if at > kept.unwrap_or(0) => return Err(Kind::BadOffset.into()),
                    None => (Some(part.ok_or(Kind::Busy)?), WriteMode::At(at)),
                }
            }
        };
        let target = shared.named(&path)?;
        let shared = Arc::clone(shared);
        let (upload, permissions, started) = (None, None, false);
        Ok(Self { shared, path, target, upload, part, mode, expected, _name: name, permissions, started })
    }

    /// Is the file as it was?
    async fn check(&self, session: &mut Client) -> Result<()> {
        match (self.expected, self.shared.exists(session, &self.path).await?) {
            (Expected::Nothing, Some(_)) => Err(Kind::Exists.into()),
            (Expected::Length(length), stat) if stat.as_ref().map(|s| s.size) != Some(length) => {
                Err(Kind::Changed.into())
            }
            _ => Ok(()),
        }
    }

    async fn start(&mut self) -> Result<&mut Upload<Pooled>> {
        if self.upload.is_none() {
            let mut session = self.shared.session().await?;
            if let Expected::Length(_) = self.expected {
                self.check(&mut session).await?;
            }
            let to = self.part.as_ref().map_or(&self.target, |part| &part.reserved.path);
            let mode = match self.mode {
                WriteMode::At(0) => WriteMode::Replace,
                mode => mode,
            };
            self.started = true;
            self.upload = Some(Upload::open(session, to, mode).await.map_err(failed)?);
        }
        self.upload.as_mut().ok_or_else(|| Kind::Io.into())
    }

    async fn finish(mut self) -> Result<()> {
        self.start().await?;
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        upload.confirm().await.map_err(failed)?;
        // One that is given back may be another upload's next, and for long.
        let session = upload.client();
        if self.expected == Expected::Nothing {
            self.check(session).await?;
        }
        if let Some(part) = &mut self.part {
            let from = part.reserved.path.clone();
            match session.rename(&from, &self.target).await {
                // Some servers rename over no file: it is moved aside, so that one of the two is always
                // there.
                Err(Error::Refused { said, reply })
                    if said.starts_with("RNTO") && self.expected != Expected::Nothing =>
                {
                    let mut aside = Part::passing(&self.shared, &self.path)?;
                    aside.kept = true;
                    let old = aside.reserved.path.clone();
                    if session.rename(&self.target, &old).await.is_err() {
                        return Err(failed(Error::Refused { said, reply }));
                    }
                    part.kept = true;
                    if let Err(error) = session.rename(&from, &self.target).await {
                        let _ = session.rename(&old, &self.target).await;
                        return Err(failed(error));
                    }
                    let _ = session.remove(&old).await;
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
            let Some(part) = &mut self.part else { return Ok(()) };
            let continues = matches!(self.mode, WriteMode::At(_));
            if self.started || continues {
                self.shared.ask(Command::Dele(part.reserved.path.clone())).await?;
            }
            part.kept = true;
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
