//! How does a tree behave in which something goes wrong, or takes its time?
use std::future::ready;
use std::sync::Arc;

use storage::{Create, Entries, Op, Result, Sink, Source, Stat, Time, Tree, VPath};

/// What is done beside the operations of a tree.
pub trait Hook: Send + Sync {
    /// Before an operation, by the name of its method, on a path; of a rename that is the new one. Where this
    /// fails, so does the operation.
    fn before(&self, what: &str, path: &VPath) -> Result<()> {
        let _ = (what, path);
        Ok(())
    }
    /// In place of a file that was opened.
    fn opened(&self, path: &VPath, source: Box<dyn Source>) -> Box<dyn Source> {
        let _ = path;
        source
    }
    /// In place of an upload that was started.
    fn created(&self, path: &VPath, sink: Box<dyn Sink>) -> Box<dyn Sink> {
        let _ = path;
        sink
    }
}

/// A tree with a hook.
pub struct Hooked<H> {
    /// What does all the rest.
    pub tree: Arc<dyn Tree>,
    /// What is done beside it.
    pub hook: H,
}

macro_rules! passed_on {
    ($($name:ident($path:ident $(, $more:ident: $type:ty)*) -> $gain:ty;)*) => {$(
        fn $name<'a>(&'a self, $path: &'a VPath $(, $more: $type)*) -> Op<'a, $gain> {
            match self.hook.before(stringify!($name), $path) {
                Ok(()) => self.tree.$name($path $(, $more)*),
                Err(error) => Box::pin(ready(Err(error))),
            }
        }
    )*};
}

impl<H: Hook> Tree for Hooked<H> {
    passed_on! {
        stat(path) -> Stat;
        entry(path) -> Stat;
        enter(path) -> ();
        kept(path) -> Option<u64>;
        list(path) -> Box<dyn Entries>;
        remove(path) -> ();
        remove_dir(path) -> ();
        make_dir(path, mode: Option<u32>) -> ();
        set_modified(path, modified: Time) -> ();
        set_mode(path, mode: u32) -> ();
        space(path) -> u64;
    }

    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>> {
        Box::pin(async move {
            self.hook.before("open", path)?;
            Ok(self.hook.opened(path, self.tree.open(path).await?))
        })
    }

    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>> {
        Box::pin(async move {
            self.hook.before("create", path)?;
            Ok(self.hook.created(path, self.tree.create(path, how).await?))
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()> {
        match self.hook.before("rename", to) {
            Ok(()) => self.tree.rename(from, to),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}
