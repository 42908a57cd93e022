//! Does every acknowledged upload hold, whatever fails, and does nothing else appear?
//!
//! Random sequences of what several sessions do to a few names, with a fault at a random step on the disk: a
//! call that fails, or the end of the process. The model knows what each name must hold; where an operation
//! was cut short by the fault, it may have happened or not, but nothing in between. After a kill the folder
//! is opened again, as after a restart.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use proptest::prelude::*;
use rustix::io::Errno;

use super::fault::Fault;
use super::{Local, LocalOptions, Sync};
use crate::{Create, Result, Sink, Tree, VPath};

const NAMES: [&str; 3] = ["/a", "/b", "/d/c"];

#[derive(Clone, Debug)]
enum Step {
    /// A session starts an upload; it becomes one of those under way.
    Begin {
        name: usize,
        how: How,
    },
    /// One of those under way writes.
    Write {
        which: usize,
        bytes: u8,
    },
    /// And is committed, or breaks off.
    Commit {
        which: usize,
    },
    Break {
        which: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Remove {
        name: usize,
    },
    RemoveDir,
    MakeDir,
    /// After so many steps on the disk this happens.
    Fault {
        after: u32,
        what: What,
    },
    /// All sessions end, and the process starts again.
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Replace,
    New,
    Append,
    /// At what a client would be told.
    Resume,
    /// At some offset.
    ResumeAt(u8),
}

#[derive(Clone, Copy, Debug)]
enum What {
    Full,
    Denied,
    Broken,
    Killed,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let how = prop_oneof![
        3 => Just(How::Replace),
        1 => Just(How::New),
        4 => Just(How::Append),
        2 => Just(How::Resume),
        1 => (0..20_u8).prop_map(How::ResumeAt),
    ];
    let what = prop_oneof![Just(What::Full), Just(What::Denied), Just(What::Broken), Just(What::Killed)];
    prop_oneof![
        6 => (name.clone(), how).prop_map(|(name, how)| Step::Begin { name, how }),
        6 => (0..4_usize, 0..12_u8).prop_map(|(which, bytes)| Step::Write { which, bytes }),
        5 => (0..4_usize).prop_map(|which| Step::Commit { which }),
        2 => (0..4_usize).prop_map(|which| Step::Break { which }),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => name.prop_map(|name| Step::Remove { name }),
        1 => Just(Step::RemoveDir),
        1 => Just(Step::MakeDir),
        3 => (0..8_u32, what).prop_map(|(after, what)| Step::Fault { after, what }),
        1 => Just(Step::Restart),
    ]
}

/// What a name holds, or may hold: nothing, or these bytes. The first is what is known to be acknowledged.
type Worlds = Vec<Option<Vec<u8>>>;

/// An upload under way, as the model sees it.
struct Running {
    sink: Box<dyn Sink>,
    name: usize,
    how: How,
    /// What it starts with.
    start: Option<Vec<u8>>,
    written: Vec<u8>,
}

struct World {
    folder: tempfile::TempDir,
    tree: Local,
    sync: Sync,
    /// The possible contents of each name. More than one only after an operation that was cut short.
    names: BTreeMap<usize, Worlds>,
    running: Vec<Running>,
    next: u8,
}

impl World {
    fn new(sync: Sync) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        let tree = Self::open(folder.path(), sync);
        let names = (0..NAMES.len()).map(|name| (name, vec![None])).collect();
        Self { folder, tree, sync, names, running: Vec::new(), next: b'a' }
    }

    fn open(folder: &Path, sync: Sync) -> Local {
        Local::open(folder, LocalOptions { read_only: false, sync, ..LocalOptions::default() }).unwrap()
    }

    fn path(name: usize) -> VPath {
        VPath::root().join(NAMES[name].as_bytes()).unwrap()
    }

    fn really(&self, name: usize) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join(&NAMES[name][1..])).ok()
    }

    fn is_killed(&self) -> bool {
        self.tree.inner.faults.is_killed()
    }

    /// Looks at each name: it must hold one of what it may hold, and then is known to hold that.
    fn look(&mut self, step: &Step) {
        for (name, worlds) in &mut self.names {
            let there = std::fs::read(self.folder.path().join(&NAMES[*name][1..])).ok();
            let show = |content: &Option<Vec<u8>>| content.as_ref().map(|c| c.escape_ascii().to_string());
            assert!(
                worlds.contains(&there),
                "{} holds {:?} and not one of {:?} after {step:?}",
                NAMES[*name],
                show(&there),
                worlds.iter().map(show).collect::<Vec<_>>(),
            );
            *worlds = vec![there];
        }
        for directory in ["", "d"] {
            let Ok(entries) = std::fs::read_dir(self.folder.path().join(directory)) else { continue };
            for entry in entries {
                let entry = entry.unwrap().file_name().into_string().unwrap();
                let known = ["a", "b", "d", "c"].contains(&entry.as_str());
                assert!(known || super::part::is_part(entry.as_bytes()), "{entry} after {step:?}");
            }
        }
    }

    async fn restart(&mut self) {
        self.running.clear();
        self.tree = Self::open(self.folder.path(), self.sync);
        // The sweep that every start begins with.
        self.tree.sweep(SystemTime::now()).await.unwrap();
    }

    /// The only content that a name is known to have.
    fn content(&self, name: usize) -> Option<Vec<u8>> {
        self.names[&name][0].clone()
    }

    async fn begin(&mut self, name: usize, how: How) {
        let there = self.content(name);
        let told = match &there {
            Some(content) => Some(content.len() as u64),
            None => self.tree.kept(&Self::path(name)).await.ok().flatten(),
        };
        let (create, at) = match how {
            How::Replace => (Create::Replace, 0),
            How::New => (Create::New, 0),
            How::Append => (Create::Append { at: None }, 0),
            How::Resume => match told {
                Some(at) => (Create::Resume { at }, at),
                None => return,
            },
            How::ResumeAt(at) => (Create::Resume { at: at.into() }, at.into()),
        };
        // What a part holds is known only by where it came from: it is read from the disk here, and compared
        // as a whole when it is published.
        let part = super::part::PartName::named(Self::path(name).split().unwrap().1);
        let part = std::str::from_utf8(part.as_bytes()).unwrap().to_owned();
        let beside = self.folder.path().join(&NAMES[name][1..]).with_file_name(part);
        let kept = std::fs::read(beside).ok();
        let Ok(sink) = self.tree.create(&Self::path(name), create).await else { return };
        let at = usize::try_from(at).unwrap();
        let start = match (how, &there) {
            (How::Append, None) => {
                let (_, offset) = sink.file().unwrap();
                (offset > 0).then(|| kept.unwrap_or_default())
            }
            (How::Append, Some(_)) | (How::Replace | How::New, _) => None,
            (How::Resume | How::ResumeAt(_), file) => match (file, kept) {
                _ if at == 0 => None,
                (Some(file), _) if file.len() == at => Some(file.clone()),
                (_, Some(kept)) if kept.len() == at => Some(kept),
                (Some(file), _) if file.len() > at => Some(file[..at].to_vec()),
                (_, Some(kept)) => Some(kept[..at].to_vec()),
                (Some(_) | None, None) => panic!("resumed from nothing"),
            },
        };
        self.running.push(Running { sink, name, how, start, written: Vec::new() });
    }

    async fn commit(&mut self, which: usize) {
        let Running { sink, name, how, start, written } = self.running.remove(which);
        let before = self.content(name);
        let mut after = start.clone().unwrap_or_default();
        if matches!(how, How::Append) && start.is_none() {
            // To whatever the file is now.
            after = before.clone().unwrap_or_default();
        }
        after.extend_from_slice(&written);
        let done = sink.commit().await;
        // Failed: not done. Killed: perhaps done and never told.
        let outcome = match &done {
            Ok(()) => vec![Some(after)],
            Err(_) => vec![before, Some(after)],
        };
        self.names.insert(name, outcome);
        if done.is_err() && !self.is_killed() {
            // A failed sync of the directory is the one failure that comes after the rename.
            let there = self.really(name);
            let worlds = self.names.get_mut(&name).unwrap();
            assert!(worlds.contains(&there), "a failed commit left {there:?} of {worlds:?}");
            *worlds = vec![there];
        }
    }

    /// An operation on names, whose outcome with and without it is given.
    fn settle(&mut self, done: Result<()>, changes: Vec<(usize, Option<Vec<u8>>)>) {
        for (name, after) in changes {
            let worlds = self.names.get_mut(&name).unwrap();
            if done.is_ok() {
                *worlds = vec![after];
            } else if !worlds.contains(&after) {
                worlds.push(after);
            }
        }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Begin { name, how } if self.running.len() < 4 => self.begin(*name, *how).await,
            Step::Write { which, bytes } if *which < self.running.len() => {
                let piece: Vec<u8> = vec![self.next; usize::from(*bytes)];
                self.next = if self.next == b'z' { b'a' } else { self.next + 1 };
                let running = &mut self.running[*which];
                if running.sink.write(&piece).await.is_ok() {
                    running.written.extend_from_slice(&piece);
                } else {
                    // A session whose disk fails ends its transfer.
                    self.running.remove(*which);
                }
            }
            Step::Commit { which } if *which < self.running.len() => self.commit(*which).await,
            Step::Break { which } if *which < self.running.len() => drop(self.running.remove(*which)),
            Step::Rename { from, to } if from != to => {
                let Some(moved) = self.content(*from) else { return };
                let done = self.tree.rename(&Self::path(*from), &Self::path(*to)).await;
                self.settle(done, vec![(*from, None), (*to, Some(moved))]);
            }
            Step::Remove { name } => {
                let done = self.tree.remove(&Self::path(*name)).await;
                self.settle(done, vec![(*name, None)]);
            }
            Step::RemoveDir => {
                let done = self.tree.remove_dir(&VPath::root().join(b"d").unwrap()).await;
                assert!(done.is_err() || self.content(2).is_none());
            }
            Step::MakeDir => {
                let _ = self.tree.make_dir(&VPath::root().join(b"d").unwrap(), None).await;
            }
            Step::Fault { after, what } => {
                let fault = match what {
                    What::Full => Fault::Fails(Errno::NOSPC),
                    What::Denied => Fault::Fails(Errno::ACCESS),
                    What::Broken => Fault::Fails(Errno::IO),
                    What::Killed => Fault::Killed,
                };
                self.tree.inner.faults.after(*after, fault);
            }
            Step::Restart => {
                self.tree.inner.faults.none();
                self.restart().await;
            }
            _ => {}
        }
    }
}

fn holds(steps: &[Step], sync: Sync) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(2).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(sync);
        for step in steps {
            world.step(step).await;
            if world.is_killed() {
                world.restart().await;
            }
            world.look(step);
        }
        world.tree.inner.faults.none();
        world.restart().await;
        world.look(&Step::Restart);
        // All that was kept for resuming is swept in the end, and nothing else was there.
        let later = SystemTime::now() + 2 * LocalOptions::default().keep_parts;
        world.tree.sweep(later).await.unwrap();
        for directory in ["", "d"] {
            let Ok(entries) = std::fs::read_dir(world.folder.path().join(directory)) else { continue };
            for entry in entries {
                let entry = entry.unwrap().file_name();
                assert!(!super::part::is_part(entry.as_encoded_bytes()), "{entry:?} is left");
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        // PROPTEST_CASES asks for more.
        cases: ProptestConfig::default().cases.max(2000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_acknowledged_upload_holds(steps in prop::collection::vec(step(), 1..40), durable in any::<bool>()) {
        holds(&steps, if durable { Sync::Always } else { Sync::Never });
    }
}
