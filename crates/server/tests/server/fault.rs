//! How does a tree with something wrong in it behave? What a test's machine cannot be made to do by itself.
use std::fs::File;
use std::sync::Arc;

use storage::{Create, Entries, Error, Kind, Op, Sink, Source, Stat, Time, Tree, VPath};

/// A tree in which some paths fail.
pub(crate) struct Faulty {
    pub(crate) tree: Arc<dyn Tree>,
    pub(crate) faults: Vec<(VPath, Kind)>,
}

impl Faulty {
    /// What fails about the path at once: everything but a full or broken disk, which shows as bytes move.
    fn at_once(&self, path: &VPath) -> Option<Error> {
        self.moving(path).filter(|kind| !matches!(kind, Kind::Full | Kind::Io)).map(Error::from)
    }

    fn moving(&self, path: &VPath) -> Option<Kind> {
        self.faults.iter().find(|(at, _)| at == path).map(|(_, kind)| *kind)
    }
}

/// Fails where the path is at fault, or else goes on.
macro_rules! unless_at_fault {
    ($self:ident, $path:ident, $go_on:expr) => {
        match $self.at_once($path) {
            Some(error) => Box::pin(std::future::ready(Err(error))),
            None => $go_on,
        }
    };
}

impl Tree for Faulty {
    fn stat<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        unless_at_fault!(self, path, self.tree.stat(path))
    }

    fn entry<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        unless_at_fault!(self, path, self.tree.entry(path))
    }

    fn enter<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        unless_at_fault!(self, path, self.tree.enter(path))
    }

    fn kept<'a>(&'a self, path: &'a VPath) -> Op<'a, Option<u64>> {
        unless_at_fault!(self, path, self.tree.kept(path))
    }

    fn list<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Entries>> {
        unless_at_fault!(self, path, self.tree.list(path))
    }

    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>> {
        let kind = self.moving(path);
        unless_at_fault!(
            self,
            path,
            Box::pin(async move {
                let source = self.tree.open(path).await?;
                Ok(match kind {
                    Some(kind) => Box::new(BrokenSource(source, kind)),
                    None => source,
                })
            })
        )
    }

    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>> {
        let kind = self.moving(path);
        unless_at_fault!(
            self,
            path,
            Box::pin(async move {
                let sink = self.tree.create(path, how).await?;
                Ok(match kind {
                    Some(kind) => Box::new(BrokenSink(sink, kind)),
                    None => sink,
                })
            })
        )
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()> {
        unless_at_fault!(self, to, self.tree.rename(from, to))
    }

    fn remove<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        unless_at_fault!(self, path, self.tree.remove(path))
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        unless_at_fault!(self, path, self.tree.remove_dir(path))
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: Option<u32>) -> Op<'a, ()> {
        unless_at_fault!(self, path, self.tree.make_dir(path, mode))
    }

    fn set_modified<'a>(&'a self, path: &'a VPath, modified: Time) -> Op<'a, ()> {
        unless_at_fault!(self, path, self.tree.set_modified(path, modified))
    }

    fn set_mode<'a>(&'a self, path: &'a VPath, mode: u32) -> Op<'a, ()> {
        unless_at_fault!(self, path, self.tree.set_mode(path, mode))
    }

    fn space<'a>(&'a self, path: &'a VPath) -> Op<'a, u64> {
        self.tree.space(path)
    }
}

struct BrokenSource(Box<dyn Source>, Kind);

impl Source for BrokenSource {
    fn stat(&self) -> &Stat {
        self.0.stat()
    }

    fn file(&self) -> Option<Arc<File>> {
        None
    }

    fn read<'a>(&'a mut self, _offset: u64, _buffer: &'a mut Vec<u8>) -> Op<'a, ()> {
        Box::pin(std::future::ready(Err(self.1.into())))
    }
}

struct BrokenSink(Box<dyn Sink>, Kind);

impl Sink for BrokenSink {
    fn path(&self) -> &VPath {
        self.0.path()
    }

    fn file(&self) -> Option<(Arc<File>, u64)> {
        None
    }

    fn set_mode(&mut self, mode: u32) {
        self.0.set_mode(mode);
    }

    fn write<'a>(&'a mut self, _bytes: &'a [u8]) -> Op<'a, ()> {
        Box::pin(std::future::ready(Err(self.1.into())))
    }

    fn commit(self: Box<Self>) -> Op<'static, ()> {
        self.0.commit()
    }

    fn discard(self: Box<Self>) -> Op<'static, ()> {
        self.0.discard()
    }
}
