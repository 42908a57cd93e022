//! Downloads: get, get -c, get -r, get -r -c, two at once, stopped and killed.
use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use client::copy::{CopyError, Downloads, Got, Target, TreeOptions, is_reserved, part_name};
use client::{Client, Event, Verify};
use proptest::prelude::*;
use wire::Pathname;

use super::folder::{Deed, Files, Parts, act, deeds, files};
use super::server::Server;
use super::world::{
    Change, Content, Fault, Offers, Shared, World, changes, contents, faults, hang_ups, lock, offers,
};

/// What is done, one after the other.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Get {
        resume: bool,
        trust: bool,
        end: End,
        faults: Vec<Fault>,
        hang_ups: Vec<Option<usize>>,
    },
    Two {
        resume: [bool; 2],
        faults: Vec<Fault>,
    },
    Tree {
        resume: bool,
        end: End,
        faults: Vec<Fault>,
        hang_ups: Vec<Option<usize>>,
    },
    /// A file of the site changes.
    Change(&'static str, Change),
    /// Somebody is at the folder.
    Deed(Deed),
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    ByItself,
    /// Its future is dropped after so many turns, as Ctrl-C does.
    Stopped(usize),
    /// The same, and nothing is tidied up.
    Killed(usize),
}

fn ops() -> impl Strategy<Value = Op> {
    let end = || {
        prop_oneof![
            6 => Just(End::ByItself),
            1 => (0..60_usize).prop_map(End::Stopped),
            2 => (0..60_usize).prop_map(End::Killed),
        ]
    };
    let name = prop_oneof![3 => Just("f"), 1 => Just("t/a"), 1 => Just("t/sub/b")];
    prop_oneof![
        6 => (any::<bool>(), prop::bool::weighted(0.1), end(), faults(), hang_ups())
            .prop_map(|(resume, trust, end, faults, hang_ups)| Op::Get { resume, trust, end, faults, hang_ups }),
        1 => (any::<[bool; 2]>(), faults()).prop_map(|(resume, faults)| Op::Two { resume, faults }),
        1 => (any::<bool>(), end(), faults(), hang_ups())
            .prop_map(|(resume, end, faults, hang_ups)| Op::Tree { resume, end, faults, hang_ups }),
        2 => (name, changes()).prop_map(|(name, change)| Op::Change(name, change)),
        2 => deeds().prop_map(Op::Deed),
    ]
}

/// The whole of one try.
#[derive(Clone, Debug)]
struct Plan {
    offers: Offers,
    first: Content,
    ops: Vec<Op>,
}

fn plans() -> impl Strategy<Value = Plan> {
    (offers(), contents(), prop::collection::vec(ops(), 1..7)).prop_map(|(offers, first, ops)| Plan {
        offers,
        first,
        ops,
    })
}

/// A site, and a folder of the user.
pub(crate) struct Scene {
    pub(crate) world: Shared,
    server: Server,
    pub(crate) folder: tempfile::TempDir,
    /// What was said, to be shown with a failure.
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    /// What was left out of a tree, by its path at the site.
    skipped: Arc<Mutex<BTreeSet<String>>>,
}

impl Scene {
    pub(crate) async fn new(offers: Offers, first: Content) -> Self {
        let mut world = World::new(offers);
        world.put("f", first.bytes());
        world.put("t/a", b"in a tree".to_vec());
        world.put("t/sub/b", Content { seed: 3, length: 300 }.bytes());
        // What another client may have left there.
        world.put("t/.a.part", b"no part of ours".to_vec());
        world.put(&format!("t/{}", part_name("a".as_ref()).display()), b"nor this".to_vec());
        let world: Shared = Arc::new(Mutex::new(world));
        let server = Server::start(Arc::clone(&world)).await;
        let folder = folder();
        for (name, bytes) in [("victim", "not to be touched"), (".f.part", "mine"), ("t/mine", "mine too")] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file of the user");
        }
        Self { world, server, folder, said: Arc::default(), skipped: Arc::default() }
    }

    pub(crate) async fn client(&self, verify: Verify) -> Result<Client, CopyError> {
        let (said, skipped) = (Arc::clone(&self.said), Arc::clone(&self.skipped));
        let watch = Arc::new(move |event: &Event| {
            said.lock().expect("nobody panics").push(event.to_string());
            if let Event::Skipped { what, .. } = event {
                skipped.lock().expect("nobody panics").insert(format!("t/{what}"));
            }
        });
        Ok(Client::open(self.server.spec(verify), watch).await?)
    }

    pub(crate) async fn get(&self, resume: bool, verify: Verify) -> Result<Got, CopyError> {
        let mut client = self.client(verify).await?;
        let target = Target::at(&self.folder.path().join("f"))?;
        client.get_file(&path("f"), None, &target, &Downloads::new(resume)).await
    }

    /// What was left out of the tree.
    pub(crate) async fn tree(&self, resume: bool) -> Result<BTreeSet<String>, CopyError> {
        let mut client = self.client(Verify::Size).await?;
        self.skipped.lock().expect("nobody panics").clear();
        let options = TreeOptions { resume, ..TreeOptions::default() };
        let whole = client.get_tree(Some(path("t")), &self.folder.path().join("t"), options).await?;
        let left = self.skipped.lock().expect("nobody panics").clone();
        assert_eq!(whole, left.is_empty());
        Ok(left)
    }

    /// Runs it to its end, or to an end of another kind.
    async fn run<T>(&self, end: End, work: impl Future<Output = T>) -> Option<T> {
        match end {
            End::ByItself => Some(work.await),
            End::Stopped(turns) => Turns { work: Some(Box::pin(work)), left: turns }.await.ok(),
            End::Killed(turns) => match (Turns { work: Some(Box::pin(work)), left: turns }).await {
                Ok(done) => Some(done),
                Err(stopped) => {
                    let parts = Parts::seen(self.folder.path());
                    drop(stopped);
                    // A piece that a thread writes at this moment.
                    parts.put_back(self.folder.path());
                    None
                }
            },
        }
    }
}

/// Polls a future so many times. What is not done then is given back.
pub(crate) struct Turns<F> {
    pub(crate) work: Option<Pin<Box<F>>>,
    pub(crate) left: usize,
}

impl<F: Future> Future for Turns<F> {
    type Output = Result<F::Output, Pin<Box<F>>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        if self.left == 0 {
            return Poll::Ready(Err(work));
        }
        self.left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => {
                self.work = Some(work);
                Poll::Pending
            }
        }
    }
}

pub(crate) fn path(name: &str) -> Pathname {
    Pathname::new(name).expect("a pathname")
}

/// In memory, where there is such a place: a sync of each file to a disk would be most of the time.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
}

/// What came of a step.
enum Came {
    /// Success: these targets hold the site's bytes.
    Whole(Vec<&'static str>),
    /// The first ones do, the others are as they were.
    Some(Vec<&'static str>, Vec<&'static str>),
    /// These were to be written: each is as it was.
    Failed(Vec<&'static str>),
    /// Each is as it was, or whole.
    Either(Vec<&'static str>),
    /// Nothing was to be written.
    Nothing,
}

const TREE: [&str; 3] = ["t/a", "t/sub/b", "t/.a.part"];

async fn step(scene: &Scene, op: &Op) -> Came {
    let load = |faults: &[Fault], hang_ups: &[Option<usize>]| {
        let mut world = lock(&scene.world);
        world.load(faults, hang_ups);
        let Offers { size, mdtm, mlst, .. } = world.offers;
        if !mdtm && !mlst {
            // Nobody could know of a change in the middle: such a file changes in one step.
            world
                .faults
                .iter_mut()
                .for_each(|fault| fault.change = fault.change.take().map(|(_, change)| (0, change)));
        }
        if !size && !mlst {
            // Nor of an end that is none, where the server says that it is.
            world.faults.iter_mut().for_each(Fault::tell_the_truth);
        }
    };
    match op {
        Op::Get { resume, trust, end, faults, hang_ups } => {
            let mut faults = faults.clone();
            if *trust {
                // Who takes the server's word takes its lies.
                faults.iter_mut().for_each(Fault::tell_the_truth);
            }
            load(&faults, hang_ups);
            let verify = if *trust { Verify::Off } else { Verify::Size };
            match scene.run(*end, Box::pin(scene.get(*resume, verify))).await {
                Some(Ok(_)) => Came::Whole(vec!["f"]),
                Some(Err(_)) => Came::Failed(vec!["f"]),
                None => Came::Either(vec!["f"]),
            }
        }
        Op::Two { resume, faults } => {
            load(faults, &[]);
            let (one, other) =
                tokio::join!(scene.get(resume[0], Verify::Size), scene.get(resume[1], Verify::Size));
            match (one.is_ok(), other.is_ok()) {
                (false, false) => Came::Failed(vec!["f"]),
                _ => Came::Whole(vec!["f"]),
            }
        }
        Op::Tree { resume, end, faults, hang_ups } => {
            load(faults, hang_ups);
            let there: Vec<_> =
                TREE.into_iter().filter(|name| lock(&scene.world).files.contains_key(*name)).collect();
            let Some(Ok(left)) = scene.run(*end, Box::pin(scene.tree(*resume))).await else {
                return Came::Either(TREE.to_vec());
            };
            // The file with the name of a part is always left out, and of the others what is not there.
            assert!(left.iter().any(|name| is_reserved(Path::new(name).file_name().expect("a name"))));
            let (whole, not): (Vec<_>, Vec<_>) =
                TREE.into_iter().partition(|name| there.contains(name) && !left.contains(*name));
            Came::Some(whole, not)
        }
        Op::Change(name, change) => {
            lock(&scene.world).change(name, change);
            Came::Nothing
        }
        Op::Deed(deed) => {
            let site = lock(&scene.world).files.get("f").map(|file| file.bytes.clone()).unwrap_or_default();
            act(deed, scene.folder.path(), "f", &site);
            Came::Nothing
        }
    }
}

/// Is everything as it should be?
fn check(scene: &Scene, before: &Files, ours: &BTreeSet<PathBuf>, came: &Came) -> Result<(), String> {
    let after = files(scene.folder.path());
    let none = Vec::new();
    let (names, others) = match came {
        Came::Whole(names) | Came::Failed(names) | Came::Either(names) => (names, &none),
        Came::Some(whole, not) => (whole, not),
        Came::Nothing => return Ok(()),
    };
    let names: Vec<&str> = names.iter().chain(others).copied().collect();
    for name in &names {
        let (was, is) = (before.get(Path::new(name)), after.get(Path::new(name)));
        let world = lock(&scene.world);
        let versions = || world.versions.iter().filter(|(of, _)| of == name).map(|(_, bytes)| bytes);
        // What grows all the time is taken as far as it was when it was read.
        let whole = is.is_some_and(|is| versions().any(|version| *version == is.bytes))
            || is.is_some_and(|is| {
                versions().count() > 2 && versions().any(|version| version.starts_with(&is.bytes))
            });
        let fine = match came {
            Came::Some(_, not) if not.contains(name) => is == was,
            Came::Whole(_) | Came::Some(..) => whole,
            Came::Failed(_) => is == was,
            Came::Either(_) | Came::Nothing => whole || is == was,
        };
        if !fine {
            return Err(format!(
                "{name} was {} and is {}",
                shown(was.map(|f| &f.bytes)),
                shown(is.map(|f| &f.bytes))
            ));
        }
    }
    for (path, was) in before {
        let is_target = names.iter().any(|name| Path::new(name) == path);
        if !is_target && !ours.contains(path) && after.get(path) != Some(was) {
            return Err(format!("{} was changed: {was:?}, {:?}", path.display(), after.get(path)));
        }
    }
    for path in after.keys().filter(|path| !before.contains_key(*path)) {
        let is_target = names.iter().any(|name| Path::new(name) == path);
        // A part is left where the next run finds it; only one that is killed may leave another.
        let is_part = match came {
            Came::Either(_) => path.file_name().is_some_and(is_reserved),
            _ => names.iter().any(|name| is_part_of(path, Path::new(name))),
        };
        if !is_target && !is_part {
            return Err(format!("{} came out of nowhere", path.display()));
        }
    }
    Ok(())
}

fn is_part_of(path: &Path, target: &Path) -> bool {
    target.file_name().is_some_and(|name| target.with_file_name(part_name(name)) == path)
}

fn shown(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or("nothing".to_owned(), |bytes| {
        format!(
            "{} bytes, {}...",
            bytes.len(),
            bytes.get(..bytes.len().min(24)).unwrap_or_default().escape_ascii()
        )
    })
}

async fn play(plan: &Plan) -> Result<(), String> {
    let scene = Scene::new(plan.offers, plan.first).await;
    // The parts that pasv has made, which are its own to change.
    let mut ours = BTreeSet::new();
    for (n, op) in plan.ops.iter().enumerate() {
        let before = files(scene.folder.path());
        scene.said.lock().expect("nobody panics").clear();
        let came = Box::pin(step(&scene, op)).await;
        if let Err(why) = check(&scene, &before, &ours, &came) {
            let said = scene.said.lock().expect("nobody panics").join("\n");
            return Err(format!("step {n}, {op:?}: {why}\n{said}"));
        }
        let parts =
            files(scene.folder.path()).into_keys().filter(|path| path.file_name().is_some_and(is_reserved));
        match op {
            Op::Deed(Deed::Plant(_)) => drop(ours.remove(Path::new(&part_name("f".as_ref())))),
            Op::Deed(_) | Op::Change(..) => {}
            _ => ours.extend(parts.filter(|path| !before.contains_key(path))),
        }
    }
    Ok(())
}

#[test]
fn downloads_are_right_whatever_happens() {
    super::try_many(1000, &plans(), async |plan| play(&plan).await);
}
