//! How is a tree kept in memory?
//!
//! For tests that need a [`Tree`] but no disk, and for [`conformance`](crate::conformance) as a second store:
//! it has files, directories and parts, and neither links nor permissions.
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use storage::{
    Access, Batch, Create, Entries, Entry, FileType, Kind, Op, Result, Sink, Source, Stat, Time, Tree, VPath,
};

/// Entries of a batch.
const BATCH: usize = 100;

/// A tree in memory. Cheap to clone; all clones are the same tree.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// All but the root, which is always there.
    nodes: BTreeMap<VPath, Node>,
    /// What broken uploads have left.
    parts: BTreeMap<VPath, Vec<u8>>,
    /// Names whose part is being written.
    writing: BTreeSet<VPath>,
    /// Names that [`Create::Unique`] has promised to somebody.
    promised: BTreeSet<VPath>,
    last: u64,
}

#[derive(Clone)]
struct Node {
    /// None of a directory.
    bytes: Option<Arc<Vec<u8>>>,
    modified: Time,
    /// Another one after every change of the bytes.
    version: u64,
}

impl Node {
    fn stat(&self) -> Stat {
        let is_dir = self.bytes.is_none();
        Stat {
            kind: if is_dir { FileType::Directory } else { FileType::File },
            target: None,
            access: Access::ALL,
            size: self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            modified: self.modified,
            created: None,
            posix: None,
            unique: None,
        }
    }
}

impl State {
    fn node(&mut self, bytes: Option<Vec<u8>>) -> Node {
        self.last += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = Time { seconds: now.as_secs().cast_signed(), nanos: now.subsec_nanos() };
        Node { bytes: bytes.map(Arc::new), modified, version: self.last }
    }

    fn find(&self, path: &VPath) -> Result<Node> {
        let Some((parent, _)) = path.split() else {
            return Ok(Node { bytes: None, modified: Time::default(), version: 0 });
        };
        self.directory(&parent)?;
        self.nodes.get(path).cloned().ok_or(Kind::NotFound.into())
    }

    fn file(&self, path: &VPath) -> Result<(Arc<Vec<u8>>, Node)> {
        let node = self.find(path)?;
        Ok((node.bytes.clone().ok_or(Kind::IsADirectory)?, node))
    }

    fn directory(&self, path: &VPath) -> Result<()> {
        if self.find(path)?.bytes.is_none() { Ok(()) } else { Err(Kind::NotADirectory.into()) }
    }

    /// What has the name, in a directory that is there.
    fn look(&self, path: &VPath) -> Result<Option<Node>> {
        match self.find(path) {
            Ok(node) => Ok(Some(node)),
            Err(error) if error.kind == Kind::NotFound => match path.split() {
                Some((parent, _)) => self.directory(&parent).map(|()| None),
                None => Ok(None),
            },
            Err(error) => Err(error),
        }
    }

    fn below(&self, path: &VPath) -> Vec<VPath> {
        self.nodes.keys().filter(|name| *name != path && name.is_in(path)).cloned().collect()
    }

    fn create(&mut self, path: &VPath, how: Create) -> Result<Upload> {
        let node = self.look(path)?;
        if node.as_ref().is_some_and(|node| node.bytes.is_none()) {
            return Err(Kind::IsADirectory.into());
        }
        let size = node.as_ref().and_then(|node| node.bytes.as_ref()).map(|bytes| bytes.len() as u64);
        let version = node.as_ref().map(|node| node.version);
        let part = self.parts.get(path).map(|part| part.len() as u64);
        let named = !self.writing.contains(path);
        let whole =
            |fresh| Upload { path: path.clone(), named, base: Base::Part(0), fresh, bytes: Vec::new() };
        let of_file = |base| Upload { named: false, base, ..whole(false) };
        let fits = |at: Option<u64>, length| {
            if at.is_none_or(|at| at == length) { Ok(()) } else { Err(Kind::BadOffset) }
        };
        let upload = match how {
            Create::Replace | Create::Resume { at: 0 } => whole(false),
            Create::New if node.is_some() => return Err(Kind::Exists.into()),
            Create::New => Upload { named: false, ..whole(true) },
            Create::Unique => {
                let free = (0..).map(|n| match n {
                    0 => Ok(path.clone()),
                    n => VPath::root().join(&[path.as_bytes(), format!(".{n}").as_bytes()].concat()),
                });
                let free = free.flatten().find(|name| {
                    !self.nodes.contains_key(name)
                        && !self.parts.contains_key(name)
                        && !self.promised.contains(name)
                });
                let path = free.ok_or(Kind::Exists)?;
                self.promised.insert(path.clone());
                Upload { path, named: false, ..whole(true) }
            }
            Create::Append { at } => match (size, part) {
                (Some(size), _) => {
                    fits(at, size)?;
                    of_file(Base::End(at.and(version)))
                }
                (None, _) if !named => return Err(Kind::Busy.into()),
                (None, Some(part)) => {
                    fits(at, part)?;
                    Upload { base: Base::Part(part), ..whole(true) }
                }
                (None, None) => {
                    fits(at, 0)?;
                    of_file(Base::End(None))
                }
            },
            Create::Resume { at } if size == Some(at) => of_file(Base::End(version)),
            Create::Resume { at } => match (size, part) {
                (_, Some(part))
                    if named && (part == at || part > at && size.is_none_or(|size| size < at)) =>
                {
                    Upload { base: Base::Part(at), ..whole(false) }
                }
                (Some(size), _) if size > at => of_file(Base::Start(at, version)),
                _ if !named => return Err(Kind::Busy.into()),
                _ => return Err(Kind::BadOffset.into()),
            },
        };
        if upload.named {
            self.writing.insert(upload.path.clone());
        }
        Ok(upload)
    }

    /// The upload lets go of what it has held.
    fn release(&mut self, upload: &Upload) {
        if upload.named {
            self.writing.remove(&upload.path);
        }
        self.promised.remove(&upload.path);
    }

    fn commit(&mut self, upload: Upload) -> Result<()> {
        self.release(&upload);
        let Upload { path, named, base, fresh, bytes } = upload;
        let node = self.look(&path)?;
        match &node {
            Some(Node { bytes: None, .. }) => return Err(Kind::IsADirectory.into()),
            Some(_) if fresh => return Err(Kind::Exists.into()),
            _ => {}
        }
        let old = node.as_ref().and_then(|node| node.bytes.clone()).unwrap_or_default();
        let version = node.map(|node| node.version);
        let start = match base {
            Base::Part(at) => self.parts.get(&path).map_or(&[][..], |part| &part[..at as usize]),
            Base::Start(_, then) | Base::End(then @ Some(_)) if then != version => {
                return Err(Kind::Changed.into());
            }
            Base::Start(at, _) => &old[..at as usize],
            Base::End(_) => &old,
        };
        let node = [start, &bytes].concat();
        let node = self.node(Some(node));
        self.nodes.insert(path.clone(), node);
        if named {
            self.parts.remove(&path);
        }
        Ok(())
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn done<'a, T: Send + 'a>(result: Result<T>) -> Op<'a, T> {
    Box::pin(ready(result))
}

impl Tree for Memory {
    fn stat<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        done(self.state().find(path).map(|node| node.stat()))
    }

    fn entry<'a>(&'a self, path: &'a VPath) -> Op<'a, Stat> {
        self.stat(path)
    }

    fn enter<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        done(self.state().directory(path))
    }

    fn kept<'a>(&'a self, path: &'a VPath) -> Op<'a, Option<u64>> {
        let state = self.state();
        let free = !state.nodes.contains_key(path) && !state.writing.contains(path);
        done(Ok(state.parts.get(path).filter(|_| free).map(|part| part.len() as u64)))
    }

    fn list<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Entries>> {
        let state = self.state();
        done(state.directory(path).map(|()| {
            let children = state.nodes.iter().filter_map(|(name, node)| match name.split() {
                Some((parent, name)) if parent == *path => {
                    Some(Entry { name: name.to_vec(), stat: node.stat() })
                }
                _ => None,
            });
            let mut children: Vec<Entry> = children.collect();
            children.sort_by(|one, other| one.name.cmp(&other.name));
            Box::new(Listing(children.into_iter())) as Box<dyn Entries>
        }))
    }

    fn open<'a>(&'a self, path: &'a VPath) -> Op<'a, Box<dyn Source>> {
        done(
            self.state()
                .file(path)
                .map(|(bytes, node)| Box::new(Reading(bytes, node.stat())) as Box<dyn Source>),
        )
    }

    fn create<'a>(&'a self, path: &'a VPath, how: Create) -> Op<'a, Box<dyn Sink>> {
        let upload = self.state().create(path, how);
        done(
            upload.map(|upload| {
                Box::new(Writing { tree: self.clone(), upload: Some(upload) }) as Box<dyn Sink>
            }),
        )
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath) -> Op<'a, ()> {
        let mut state = self.state();
        let mut rename = || {
            if *from == VPath::root() {
                return Err(Kind::Denied.into());
            }
            let moved = state.find(from)?;
            if from == to {
                return Ok(());
            }
            let is_dir = moved.bytes.is_none();
            match state.look(to) {
                _ if is_dir && to.is_in(from) => return Err(Kind::BadName.into()),
                Ok(Some(_)) if is_dir || *to == VPath::root() => return Err(Kind::Exists.into()),
                Ok(Some(Node { bytes: None, .. })) => return Err(Kind::IsADirectory.into()),
                found => found.map(|_| ())?,
            }
            for name in state.below(from).into_iter().chain([from.clone()]) {
                let rest = [to.as_bytes(), &name.as_bytes()[from.as_bytes().len()..]].concat();
                if let Some(node) = state.nodes.remove(&name) {
                    state.nodes.insert(VPath::root().join(&rest)?, node);
                }
            }
            Ok(())
        };
        done(rename())
    }

    fn remove<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        let mut state = self.state();
        let found = state.file(path).map(|_| ());
        let busy = state.writing.contains(path) && found.is_err();
        let part = state.parts.remove(path).is_some();
        done(match found {
            Err(error) if error.kind == Kind::NotFound && busy => Err(Kind::Busy.into()),
            Err(error) if error.kind == Kind::NotFound && part => Ok(()),
            found => found.map(|()| drop(state.nodes.remove(path))),
        })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> Op<'a, ()> {
        let mut state = self.state();
        done(match state.directory(path) {
            _ if *path == VPath::root() => Err(Kind::Denied.into()),
            Ok(()) if !state.below(path).is_empty() => Err(Kind::NotEmpty.into()),
            Ok(()) if state.writing.iter().any(|name| name.is_in(path)) => Err(Kind::Busy.into()),
            found => found.map(|()| {
                state.nodes.remove(path);
                state.parts.retain(|name, _| !name.is_in(path));
            }),
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, _mode: Option<u32>) -> Op<'a, ()> {
        let mut state = self.state();
        done(match state.look(path) {
            Ok(Some(_)) => Err(Kind::Exists.into()),
            found => found.map(|_| {
                let node = state.node(None);
                state.nodes.insert(path.clone(), node);
            }),
        })
    }

    fn set_modified<'a>(&'a self, path: &'a VPath, modified: Time) -> Op<'a, ()> {
        let mut state = self.state();
        done(state.find(path).map(|node| {
            state.nodes.insert(path.clone(), Node { modified, ..node });
        }))
    }
}

struct Listing(std::vec::IntoIter<Entry>);

impl Entries for Listing {
    fn next<'a>(&'a mut self, batch: &'a mut Batch) -> Op<'a, ()> {
        batch.clear();
        batch.extend(self.0.by_ref().take(BATCH));
        done(Ok(()))
    }
}

struct Reading(Arc<Vec<u8>>, Stat);

impl Source for Reading {
    fn stat(&self) -> &Stat {
        &self.1
    }

    fn file(&self) -> Option<Arc<File>> {
        None
    }

    fn read<'a>(&'a mut self, offset: u64, buffer: &'a mut Vec<u8>) -> Op<'a, ()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(buffer.len()).min(self.0.len());
        buffer.clear();
        buffer.extend_from_slice(&self.0[start..end]);
        done(Ok(()))
    }
}

/// An upload under way.
struct Upload {
    path: VPath,
    /// It has the name's part, where it is found again when it breaks off.
    named: bool,
    base: Base,
    /// What has the name when it is committed is not replaced.
    fresh: bool,
    bytes: Vec<u8>,
}

/// What is in front of the bytes of an upload.
#[derive(Clone, Copy)]
enum Base {
    /// So many bytes of the part.
    Part(u64),
    /// So many bytes of the file, which is to be this one still.
    Start(u64, Option<u64>),
    /// The file, which is to be this one where one is named.
    End(Option<u64>),
}

struct Writing {
    tree: Memory,
    /// Until it is committed or discarded.
    upload: Option<Upload>,
}

impl Sink for Writing {
    fn path(&self) -> &VPath {
        self.upload.as_ref().map(|upload| &upload.path).expect("an upload that has not ended")
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()> {
        if let Some(upload) = &mut self.upload {
            upload.bytes.extend_from_slice(bytes);
            if let (true, Base::Part(at)) = (upload.named, upload.base) {
                let mut state = self.tree.state();
                let part = state.parts.entry(upload.path.clone()).or_default();
                part.truncate(at as usize);
            }
        }
        done(Ok(()))
    }

    fn file(&self) -> Option<(Arc<File>, u64)> {
        None
    }

    fn commit(mut self: Box<Self>) -> Op<'static, ()> {
        let upload = self.upload.take();
        done(upload.map_or(Ok(()), |upload| self.tree.state().commit(upload)))
    }

    fn discard(mut self: Box<Self>) -> Op<'static, ()> {
        if let Some(upload) = self.upload.take() {
            let mut state = self.tree.state();
            state.release(&upload);
            if upload.named {
                state.parts.remove(&upload.path);
            }
        }
        done(Ok(()))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        let mut state = self.tree.state();
        state.release(&upload);
        if upload.named && !upload.bytes.is_empty() {
            state.parts.entry(upload.path).or_default().extend_from_slice(&upload.bytes);
        }
    }
}
