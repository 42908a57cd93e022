//! How is a directory of another server served as a [`Tree`]?
//!
//! ```text
//!   Tree::stat, rename, ... --> a session of the pool --> MLST, RNFR, ...
//!   Tree::list               --> Listing               some entries at a time
//!   Tree::open               --> Download              read in order; opened again (REST) for another offset
//!   Tree::create             --> Upload                into a partial file beside the target, then renamed
//! ```
//!
//! Nothing is remembered between two operations but the sessions. Where the server cannot do something, that
//! is [`Kind::Unsupported`].
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use storage::{Create, Entries, FileType, Kind, Op, Result, Sink, Source, Stat, Time, Tree, VPath};
use wire::command::Site;
use wire::{Command, Pathname, Stamp};

use crate::client::Client;
use crate::copy::{is_reserved, part_name};
use crate::error::Error;
use crate::pool::{Pool, Pooled};
use crate::walk::below;

mod facts;
mod failure;
mod listing;
mod reading;
mod writing;

use facts::stat_of;
use failure::{failed, unreadable};
use listing::Names;
use reading::Reading;
use writing::{Reserved, Writing};

/// How long a session is waited for while others use all that the server allows.
const TURN: Duration = Duration::from_secs(30);

/// How many names are tried for [`Create::Unique`].
const UNIQUE: u32 = 1000;

/// A directory of another server, as a tree of files. Its operations share a pool of sessions.
#[derive(Clone)]
pub struct Remote(Arc<Shared>);

struct Shared {
    pool: Pool,
    root: Option<Pathname>,
    /// The partial files that uploads of ours are writing.
    written: Mutex<HashSet<Pathname>>,
}

impl Remote {
    /// All that is below `root`; `None` is the directory of the login. Nothing is said to the server before
    /// the first operation.
    #[must_use]
    pub fn new(pool: Pool, root: Option<Pathname>) -> Self {
        Self(Arc::new(Shared { pool, root, written: Mutex::default() }))
    }
}

impl Shared {
    async fn session(&self) -> Result<Pooled> {
        match tokio::time::timeout(TURN, self.pool.get()).await {
            Ok(session) => session.map_err(failed),
            Err(_) => Err(Kind::Busy.into()),
        }
    }

    /// The path at the server; `None` is the directory of the login.
    fn path(&self, path: &VPath) -> Result<Option<Pathname>> {
        if path.is_root() {
            return Ok(self.root.clone());
        }
        match below(self.root.as_ref(), path.relative()) {
            // A name with a line end cannot be said.
            None => Err(Kind::BadName.into()),
            some => Ok(some),
        }
    }

    /// The same for what is never the root.
    fn named(&self, path: &VPath) -> Result<Pathname> {
        if path.is_root() {
            return Err(Kind::IsADirectory.into());
        }
        self.path(path)?.ok_or_else(|| Kind::IsADirectory.into())
    }

    /// The path of the partial file of a name.
    fn part(&self, path: &VPath) -> Result<Pathname> {
        let (directory, name) = path.split().ok_or(Kind::IsADirectory)?;
        let part = part_name(OsStr::from_bytes(name)).into_vec();
        self.named(&directory.join(&part)?)
    }

    async fn stat(&self, session: &mut Client, path: &VPath) -> Result<Stat> {
        let at = self.path(path)?;
        match session.stat(at.as_ref()).await {
            Ok(entry) => Ok(stat_of(&entry.facts)),
            Err(Error::Refused { .. }) if !session.features().has("MLST") && !path.is_root() => {
                // It may be a file of which this server tells no size, or a link.
                self.listed(session, path).await
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn stat_alone(&self, path: &VPath) -> Result<Stat> {
        self.stat(&mut *self.session().await?, path).await
    }

    /// What the listing of its directory tells of a name.
    async fn listed(&self, session: &mut Client, path: &VPath) -> Result<Stat> {
        let (found, unread) = session.listed(&self.named(path)?).await.map_err(failed)?;
        let found = found.map(|entry| stat_of(&entry.facts));
        // It may be on a line that could not be read.
        found.ok_or_else(|| if unread.is_empty() { Kind::NotFound.into() } else { unreadable(&unread) })
    }

    async fn exists(&self, session: &mut Client, path: &VPath) -> Result<Option<Stat>> {
        match self.stat(session, path).await {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many bytes a broken upload has left.
    async fn kept(&self, session: &mut Client, path: &VPath) -> Result<Option<u64>> {
        session.size(&self.part(path)?).await.map_err(failed)
    }

    async fn ask(&self, command: Command) -> Result<wire::Reply> {
        self.session().await?.ask(command).await.map_err(failed)
    }

    fn written(&self) -> std::sync::MutexGuard<'_, HashSet<Pathname>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn remove(&self, path: &VPath) -> Result<()> {
        let at = self.named(path)?;
        let part = self.part(path)?;
        let mut session = self.session().await?;
        let removed = session.remove(&at).await;
        if removed.as_ref().err().is_some_and(|error| !error.leaves_session_usable()) {
            return removed.map_err(failed);
        }
        if self.written().contains(&part) {
            // It belongs to an upload that is under way.
            return removed.map_err(failed);
        }
        // Also where there was nothing else of that name.
        match (removed, session.remove(&part).await) {
            (Err(error), Err(_)) => Err(failed(error)),
            _ => Ok(()),
        }
    }

    async fn remove_dir(&self, path: &VPath) -> Result<()> {
        let at = self.named(path)?;
        let mut session = self.session().await?;
        let Err(error) = session.remove_dir(&at).await else { return Ok(()) };
        let refusal = failed(error);
        if refusal.kind == Kind::NotFound || !session.is_usable() {
            return Err(refusal);
        }
        // Partial files do not make it full.
        let (mut parts, mut others) = (Vec::new(), false);
        let mut look = |entry: wire::Entry| {
            match below(Some(&at), &entry.name).filter(|_| is_reserved(OsStr::from_bytes(&entry.name))) {
                Some(part) if !self.written().contains(&part) => parts.push(part),
                _ => others = true,
            }
            Ok(())
        };
        let listed = session.list(Some(&at), &mut look).await;
        if listed.is_err() || others || parts.is_empty() {
            return Err(refusal);
        }
        for part in parts {
            session.remove(&part).await.map_err(failed)?;
        }
        session.remove_dir(&at).await.map_err(failed)
    }

    /// A name that neither a file nor a partial file has, and that no other upload is given.
    async fn unique(self: &Arc<Self>, session: &mut Client, path: &VPath) -> Result<(VPath, Reserved)> {
        for n in 0..UNIQUE {
            let mut name = path.as_bytes().to_vec();
            if n > 0 {
                name.extend_from_slice(format!(".{n}").as_bytes());
            }
            let free = VPath::root().join(&name)?;
            let Some(reserved) = Reserved::new(self, self.named(&free)?) else { continue };
            if self.exists(session, &free).await?.is_none() && self.kept(session, &free).await?.is_none() {
                return Ok((free, reserved));
            }
        }
        Err(Kind::Exists.into())
    }
}

impl Tree for Remote {
    fn stat<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        Box::pin(self.0.stat_alone(path))
    }

    fn entry<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        Box::pin(self.0.stat_alone(path))
    }

    fn enter<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        Box::pin(async {
            let stat = self.0.stat_alone(path).await?;
            match stat.kind {
                FileType::Directory if stat.access.enter => Ok(()),
                FileType::Directory => Err(Kind::Denied.into()),
                _ => Err(Kind::NotADirectory.into()),
            }
        })
    }

    fn kept<'a>(&'a self, path: &'a VPath) -> Op<'a, Option<u64>> {
        Box::pin(async {
            if path.is_root() {
                return Ok(None);
            }
            self.0.kept(&mut *self.0.session().await?, path).await
        })
    }

    fn list<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Entries>> {
        Box::pin(async {
            let at = self.0.path(path)?;
            let names = Names::open(self.0.session().await?, at.as_ref()).await?;
            Ok(Box::new(names) as Box<dyn Entries>)
        })
    }

    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>> {
        Box::pin(async {
            let stat = self.0.stat_alone(path).await?;
            match stat.kind {
                FileType::Directory => return Err(Kind::IsADirectory.into()),
                FileType::Other => return Err(Kind::NotRegular.into()),
                FileType::File | FileType::Link if !stat.access.read => return Err(Kind::Denied.into()),
                FileType::File | FileType::Link => {}
            }
            let reading = Reading::new(Arc::clone(&self.0), self.0.named(path)?, stat);
            Ok(Box::new(reading) as Box<dyn Source>)
        })
    }

    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>> {
        Box::pin(async move {
            let writing = Writing::begin(&self.0, path, how).await?;
            Ok(Box::new(writing) as Box<dyn Sink>)
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()> {
        Box::pin(async {
            let (source, target) = (self.0.named(from)?, self.0.named(to)?);
            self.0.session().await?.rename(&source, &target).await.map_err(failed)
        })
    }

    fn remove<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        Box::pin(self.0.remove(path))
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        Box::pin(self.0.remove_dir(path))
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: Option<u32>) -> Op<'a, ()> {
        Box::pin(async move {
            if path.is_root() {
                return Err(Kind::Exists.into());
            }
            let at = self.0.named(path)?;
            let mut session = self.0.session().await?;
            session.make_dir(&at).await.map_err(failed)?;
            if let Some(mode) = mode {
                // Where the server has no modes it is a directory all the same.
                let _ = session.ask(Command::Site(Site::Chmod(mode, at))).await;
            }
            Ok(())
        })
    }

    fn set_modified<'a>(&'a self, path: &'a VPath, modified: Time) -> Op<'a, ()> {
        Box::pin(async move {
            let at = self.0.named(path)?;
            let stamp = Stamp::from_seconds(modified.seconds);
            let mut session = self.0.session().await?;
            if session.set_modified(&at, stamp).await.map_err(failed)? {
                return Ok(());
            }
            self.0.stat(&mut session, path).await?;
            Err(Kind::Unsupported.into())
        })
    }

    fn set_mode<'a>(&'a self, path: &'a VPath, mode: u32) -> Op<'a, ()> {
        Box::pin(async move {
            if path.is_root() {
                return Err(Kind::Denied.into());
            }
            self.0.ask(Command::Site(Site::Chmod(mode, self.0.named(path)?))).await.map(drop)
        })
    }

    fn space<'a>(&'a self, path: &'a VPath) -> Op<'a, u64> {
        Box::pin(async {
            let reply = self.0.ask(Command::Avbl(self.0.path(path)?)).await?;
            let text = String::from_utf8_lossy(reply.text()).into_owned();
            let number = text.split_whitespace().find_map(|word| word.parse().ok());
            number.ok_or_else(|| Kind::Unsupported.into())
        })
    }
}
