//! How does a tree with something wrong in it behave? What a test's machine cannot be made to do by itself.
use std::fs::File;
use std::sync::Arc;

use storage::{Kind, Op, Result, Sink, Source, Stat, VPath};
use testbed::hooked::Hook;

/// Paths that fail, and how.
pub(crate) struct Faults(pub(crate) Vec<(VPath, Kind)>);

impl Faults {
    fn at(&self, path: &VPath) -> Option<Kind> {
        self.0.iter().find(|(at, _)| at == path).map(|(_, kind)| *kind)
    }
}

impl Hook for Faults {
    /// Everything fails at once but a full or broken disk, which shows as bytes move.
    fn before(&self, _what: &str, path: &VPath) -> Result<()> {
        match self.at(path) {
            None | Some(Kind::Full | Kind::Io) => Ok(()),
            Some(kind) => Err(kind.into()),
        }
    }

    fn opened(&self, path: &VPath, source: Box<dyn Source>) -> Box<dyn Source> {
        match self.at(path) {
            Some(kind) => Box::new(BrokenSource(source, kind)),
            None => source,
        }
    }

    fn created(&self, path: &VPath, sink: Box<dyn Sink>) -> Box<dyn Sink> {
        match self.at(path) {
            Some(kind) => Box::new(BrokenSink(sink, kind)),
            None => sink,
        }
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
