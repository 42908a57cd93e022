//! Uploads: put and put -c of files that change, to sites that keep parts in several ways, two at once, and
//! killed.
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use client::upload::{Records, Stored};
use client::{Client, Error, Event, Progress, SessionSpec, Verify};
use proptest::prelude::*;

use super::download::{Turns, folder, path};
use super::server::Server;
use super::world::{
    Change, Content, Cut, Fault, File, Keeps, Meanwhile, Offers, Rest, Shared, World, changes, contents,
    faults, hang_ups, lock, point,
};

const NAME: &str = "f";

#[derive(Clone, Debug)]
enum Op {
    Put {
        resume: bool,
        hash: bool,
        killed: Option<usize>,
        faults: Vec<Fault>,
        hang_ups: Vec<Option<usize>>,
        /// Our file changes when so many bytes have come.
        meanwhile: Option<(usize, Change)>,
    },
    /// Two files of ours, to one name.
    Two { resume: [bool; 2], faults: Vec<Fault> },
    /// Our file changes.
    Ours(Change),
    /// The site's file is changed by somebody else.
    Theirs(Change),
    /// Somebody else's upload was broken off there.
    Plant(Content),
    /// The start of our file lies there, as another client may have left it.
    Begin(u8),
    /// The records are lost.
    Forget,
}

fn ops() -> impl Strategy<Value = Op> {
    let put = (
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.25, 0..80_usize),
        faults(),
        hang_ups(),
        prop::option::weighted(0.2, (0..700_usize, changes())),
    );
    prop_oneof![
        8 => put.prop_map(|(resume, hash, killed, faults, hang_ups, meanwhile)| Op::Put {
            resume,
            hash,
            killed,
            faults,
            hang_ups,
            meanwhile
        }),
        1 => (any::<[bool; 2]>(), faults()).prop_map(|(resume, faults)| Op::Two { resume, faults }),
        2 => changes().prop_map(Op::Ours),
        1 => changes().prop_map(Op::Theirs),
        1 => contents().prop_map(Op::Plant),
        1 => any::<u8>().prop_map(Op::Begin),
        1 => Just(Op::Forget),
    ]
}

#[derive(Clone, Debug)]
struct Plan {
    offers: Offers,
    first: Content,
    ops: Vec<Op>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let keeps =
        prop_oneof![1 => Just(Keeps::InPlace), 2 => Just(Keeps::OutOfSight), 1 => Just(Keeps::UntilFin)];
    let rest = prop_oneof![8 => Just(Rest::Works), 1 => Just(Rest::Refused), 1 => Just(Rest::Ignored)];
    let often = || prop::bool::weighted(0.8);
    let offers = (often(), often(), any::<bool>(), rest, any::<bool>(), keeps).prop_map(
        |(size, mdtm, mlst, rest, hash, keeps)| Offers { size, mdtm, mlst, rest, hash, keeps, ..Offers::ALL },
    );
    (offers, contents(), prop::collection::vec(ops(), 1..7)).prop_map(|(offers, first, ops)| Plan {
        offers,
        first,
        ops,
    })
}

/// A site, and our files.
pub(crate) struct Scene {
    pub(crate) world: Shared,
    server: Server,
    folder: tempfile::TempDir,
    /// What our files were during this step.
    versions: Arc<Mutex<Vec<Vec<u8>>>>,
    clock: Arc<Mutex<u64>>,
    pub(crate) said: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    pub(crate) async fn new(offers: Offers, first: Content) -> Self {
        let mut world = World::new(offers);
        world.put("g", b"somebody else's".to_vec());
        world.put("d/f", b"of the same name".to_vec());
        let world: Shared = Arc::new(Mutex::new(world));
        let server = Server::start(Arc::clone(&world)).await;
        let scene = Self {
            world,
            server,
            folder: folder(),
            versions: Arc::default(),
            clock: Arc::new(Mutex::new(1_500_000_000)),
            said: Arc::default(),
        };
        scene.write(&first.bytes());
        fs::write(scene.other(), Content { seed: 5, length: 333 }.bytes()).expect("another file of ours");
        scene
    }

    pub(crate) fn ours(&self) -> PathBuf {
        self.folder.path().join("ours")
    }

    fn other(&self) -> PathBuf {
        self.folder.path().join("other")
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.folder.path().join("records")
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        write(&self.ours(), bytes, &self.versions, &self.clock);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.ours()).expect("our file")
    }

    /// What our file becomes, to be done now or later.
    fn changing(&self, change: &Change) -> Box<dyn FnOnce() + Send> {
        let (ours, versions, clock) = (self.ours(), Arc::clone(&self.versions), Arc::clone(&self.clock));
        let change = change.clone();
        Box::new(move || {
            let bytes = change.of(fs::read(&ours).expect("our file"));
            write(&ours, &bytes, &versions, &clock);
        })
    }

    pub(crate) async fn put(&self, file: &Path, resume: bool, verify: Verify) -> Result<Stored, Error> {
        let said = Arc::clone(&self.said);
        let watch =
            Arc::new(move |event: &Event| said.lock().expect("nobody panics").push(event.to_string()));
        let uploads = Some(Records::in_folder(self.records()));
        let spec = SessionSpec { uploads, ..self.server.spec(verify) };
        let mut client = Client::open(spec, watch).await?;
        let file = Arc::new(fs::File::open(file).expect("our file"));
        let progress = Arc::new(Progress::default());
        let stored = if resume {
            client.store_rest(&path(NAME), file, &progress).await?
        } else {
            client.store(&path(NAME), file, &progress).await?
        };
        if let Some(time) = stored.modified() {
            client.set_modified(&path(NAME), time).await?;
        }
        Ok(stored)
    }

    /// From here on only what our files are now, and become, counts.
    fn forget(&self) {
        let mut versions = self.versions.lock().expect("nobody panics");
        *versions = vec![self.bytes(), fs::read(self.other()).expect("our other file")];
    }
}

/// In place, and with another time each time: how fine the system's times are is not what is tried here.
fn write(path: &Path, bytes: &[u8], versions: &Mutex<Vec<Vec<u8>>>, clock: &Mutex<u64>) {
    let file = fs::File::options().create(true).truncate(false).write(true).open(path).expect("our file");
    file.write_all_at(bytes, 0).and_then(|()| file.set_len(bytes.len() as u64)).expect("our file");
    let mut clock = clock.lock().expect("nobody panics");
    *clock += 2;
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(*clock)).expect("its time");
    versions.lock().expect("nobody panics").push(bytes.to_vec());
}

/// What came of a step.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Whole,
    /// Of two uploads at once one has arrived whole, and the other one failed, perhaps after it.
    OneOfTwo,
    Failed,
    /// The same, and our file has changed on its way: a mixture may have come.
    FailedMixed,
    Nothing,
}

async fn step(scene: &Scene, op: &Op) -> Came {
    let load = |faults: &[Fault], hang_ups: &[Option<usize>]| {
        let mut world = lock(&scene.world);
        world.load(faults, hang_ups);
        // Nobody could tell from an upload that went well what somebody else does to its file at the same
        // moment.
        world.faults.iter_mut().for_each(|fault| fault.change = None);
        if !world.offers.size {
            // Nobody could know of an end that is none, where the server says that it is.
            world.faults.iter_mut().for_each(Fault::tell_the_truth);
        }
    };
    scene.forget();
    match op {
        Op::Put { resume, hash, killed, faults, hang_ups, meanwhile } => {
            load(faults, hang_ups);
            lock(&scene.world).meanwhile =
                meanwhile.as_ref().map(|(at, change)| Meanwhile { at: *at, deed: scene.changing(change) });
            let verify = if *hash { Verify::Hash } else { Verify::Size };
            let ours = scene.ours();
            let work = scene.put(&ours, *resume, verify);
            let done = match killed {
                None => work.await.is_ok(),
                Some(turns) => {
                    let done = Turns { work: Some(Box::pin(work)), left: *turns }.await;
                    done.is_ok_and(|done| done.is_ok())
                }
            };
            match (done, meanwhile) {
                (true, _) => Came::Whole,
                (false, Some(_)) => Came::FailedMixed,
                (false, None) => Came::Failed,
            }
        }
        Op::Two { resume, faults } => {
            load(faults, &[]);
            if lock(&scene.world).offers.keeps == Keeps::InPlace {
                // Two that write into one file make a mixture, which no client could prevent.
                return Came::Nothing;
            }
            let (ours, other) = (scene.ours(), scene.other());
            let (one, two) = tokio::join!(
                scene.put(&ours, resume[0], Verify::Size),
                scene.put(&other, resume[1], Verify::Size)
            );
            match (one.is_ok(), two.is_ok()) {
                (true, true) => Came::Whole,
                (false, false) => Came::Failed,
                _ => Came::OneOfTwo,
            }
        }
        Op::Ours(change) => {
            (scene.changing(change))();
            Came::Nothing
        }
        Op::Theirs(change) => {
            lock(&scene.world).change(NAME, change);
            Came::Nothing
        }
        Op::Plant(content) => {
            drop(lock(&scene.world).parts.insert(NAME.to_owned(), content.bytes()));
            Came::Nothing
        }
        Op::Begin(at) => {
            let ours = scene.bytes();
            lock(&scene.world).put(NAME, ours[..point(*at, ours.len())].to_vec());
            Came::Nothing
        }
        Op::Forget => {
            // There may be none.
            let _ = fs::remove_dir_all(scene.records());
            Came::Nothing
        }
    }
}

fn check(scene: &Scene, before: &BTreeMap<String, File>, came: &Came) -> Result<(), String> {
    if *came == Came::Nothing {
        return Ok(());
    }
    let world = lock(&scene.world);
    for name in before.keys().chain(world.files.keys()).filter(|name| *name != NAME) {
        let bytes = |files: &BTreeMap<String, File>| files.get(name).map(|file| file.bytes.clone());
        if bytes(before) != bytes(&world.files) {
            return Err(format!("{name} was changed"));
        }
    }
    let is = world.files.get(NAME).map(|file| &file.bytes);
    let versions = scene.versions.lock().expect("nobody panics");
    let ours = is.is_some_and(|is| {
        versions.contains(is)
            // One that has grown meanwhile is there as far as it was.
            || versions.len() > 2 && versions.iter().any(|version| version.starts_with(is))
    });
    let fine = match came {
        Came::Whole => ours,
        // Without REST both may see the same start and send APPE behind it: the later one adds to what the
        // earlier one has stored, and is told so. An end that the server lost may be the later one's too.
        Came::OneOfTwo => ours || lies(&world),
        // What was there before may have been replaced, and the answer lost.
        Came::Failed if world.offers.keeps != Keeps::InPlace => {
            ours || is == before.get(NAME).map(|file| &file.bytes) || lies(&world)
        }
        _ => true,
    };
    let length = |bytes: Option<&Vec<u8>>| {
        bytes.map_or("nothing".to_owned(), |bytes| format!("{} bytes", bytes.len()))
    };
    let was = before.get(NAME).map(|file| &file.bytes);
    let lengths: Vec<_> = versions.iter().map(Vec::len).collect();
    if fine { Ok(()) } else { Err(format!("it was {}, is {}, ours {lengths:?}", length(was), length(is))) }
}

/// The site has published something else than what was sent to it: it ignores REST, or has none, so that APPE
/// may add to another start than the one that it shows, or it has lost an end, or has gone on with another
/// start than it had shown.
fn lies(world: &World) -> bool {
    world.offers.rest != Rest::Works || world.lied
}

async fn play(plan: &Plan) -> Result<(), String> {
    let scene = Scene::new(plan.offers, plan.first).await;
    for (n, op) in plan.ops.iter().enumerate() {
        let before = lock(&scene.world).files.clone();
        lock(&scene.world).lied = false;
        scene.said.lock().expect("nobody panics").clear();
        let came = Box::pin(step(&scene, op)).await;
        // What has been dropped is still being read.
        while !lock(&scene.world).busy.is_empty() {
            tokio::task::yield_now().await;
        }
        if let Err(why) = check(&scene, &before, &came) {
            let said = scene.said.lock().expect("nobody panics").join("\n");
            return Err(format!("step {n}, {op:?}, {came:?}: {why}\n{said}"));
        }
    }
    Ok(())
}

#[test]
fn uploads_are_right_whatever_happens() {
    super::try_many(600, &plans(), async |plan| play(&plan).await);
}

/// Long enough to be noted without `-c`.
const BIG: Content = Content { seed: 1, length: 1_200_000 };

/// An upload that is broken off near its start, and once more when it is tried again.
async fn broken(scene: &Scene, cut: Cut) {
    for _ in 0..2 {
        lock(&scene.world).faults.push_back(Fault { cut: Some((200, cut)), change: None });
    }
    scene.put(&scene.ours(), false, Verify::Size).await.unwrap_err();
    lock(&scene.world).faults.clear();
    while !lock(&scene.world).busy.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_part_out_of_sight_is_gone_on_with_by_our_record_alone() {
    for (hash, forgotten) in [(true, false), (false, false), (false, true)] {
        let scene = Scene::new(Offers { hash, ..Offers::ALL }, BIG).await;
        broken(&scene, Cut::Both).await;
        let part = lock(&scene.world).parts[NAME].len();
        assert!(part > 0 && part < BIG.length, "{part}");
        if forgotten {
            fs::remove_dir_all(scene.records()).unwrap();
        }
        let stored = scene.put(&scene.ours(), true, Verify::Size).await.unwrap();
        let sent = if forgotten { BIG.length } else { BIG.length - part };
        assert_eq!(stored.sent, client::upload::Resumed::Sent(sent as u64));
        assert_eq!(lock(&scene.world).files[NAME].bytes, scene.bytes());
        // All is said and done: nothing is noted any more.
        assert!(fs::read_dir(scene.records()).is_ok_and(|mut entries| entries.next().is_none()) || forgotten);
    }
}

#[tokio::test]
async fn a_part_that_is_whole_is_published() {
    let scene = Scene::new(Offers { hash: false, ..Offers::ALL }, BIG).await;
    // The control connection is lost, twice, and the part is whole.
    broken(&scene, Cut::Control).await;
    assert_eq!(lock(&scene.world).parts[NAME].len(), BIG.length);
    let stored = scene.put(&scene.ours(), true, Verify::Size).await.unwrap();
    assert_eq!(stored.sent, client::upload::Resumed::Sent(0));
    assert_eq!(lock(&scene.world).files[NAME].bytes, scene.bytes());
}

#[tokio::test]
async fn a_part_of_another_under_our_record_is_found_out() {
    for hash in [true, false] {
        let scene = Scene::new(Offers { hash, ..Offers::ALL }, BIG).await;
        broken(&scene, Cut::Both).await;
        lock(&scene.world).parts.insert(NAME.to_owned(), vec![9; 100_000]);
        // So many bytes were not sent, so that they may be anybody's; or they were, and the rest is put
        // behind them.
        scene.put(&scene.ours(), true, Verify::Size).await.unwrap();
        assert_eq!(lock(&scene.world).files[NAME].bytes, scene.bytes());
    }
}

/// A file of the site, and one of ours that has the same 64 KiB before the end of that, but another start.
fn alike() -> (Vec<u8>, Vec<u8>) {
    let tail = Content { seed: 2, length: 150_000 }.bytes();
    let start = |seed| Content { seed, length: 50_000 }.bytes();
    ([start(3), tail.clone()].concat(), [start(4), tail, BIG.bytes()].concat())
}

/// All that a server without HASH may do: MLST, RETR.
const PLAIN: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

async fn site_with(old: &[u8], ours: &[u8], keeps: Keeps, (mlst, drop_box): (bool, bool)) -> Scene {
    let scene =
        Scene::new(Offers { hash: false, mlst, keeps, ..Offers::ALL }, Content { seed: 1, length: 1 }).await;
    scene.write(ours);
    let mut world = lock(&scene.world);
    world.drop_box = drop_box;
    world.put(NAME, old.to_vec());
    drop(world);
    scene
}

/// An upload that is killed in its middle. What is still on its way is lost, as with a reset.
async fn killed(scene: &Scene, resume: bool) {
    let (tell, told) = tokio::sync::oneshot::channel();
    let world = Arc::clone(&scene.world);
    let deed = Box::new(move || {
        lock(&world).killed = true;
        let _ = tell.send(());
    });
    lock(&scene.world).meanwhile = Some(Meanwhile { at: 600_000, deed });
    let ours = scene.ours();
    tokio::select! {
        biased;
        begun = told => begun.unwrap(),
        stored = scene.put(&ours, resume, Verify::Size) => panic!("it was to be in the middle: {stored:?}"),
    }
    while !lock(&scene.world).busy.is_empty() {
        tokio::task::yield_now().await;
    }
}

/// The record of it once made the older file count as its part.
#[tokio::test]
async fn a_file_that_was_there_is_no_part_of_an_upload_that_was_refused() {
    let (old, ours) = alike();
    for how in PLAIN {
        for reply in ["452 no room", "550 not now", "425 no data"] {
            for resume in [false, true] {
                let scene = site_with(&old, &ours, Keeps::InPlace, how).await;
                lock(&scene.world).refuses = Some(reply);
                scene.put(&scene.ours(), resume, Verify::Size).await.unwrap_err();
                lock(&scene.world).refuses = None;
                let noted = fs::read_dir(scene.records()).map_or(0, Iterator::count);
                assert_eq!(noted, 0, "nothing was sent");
                scene.put(&scene.ours(), true, Verify::Size).await.unwrap();
                assert!(lock(&scene.world).files[NAME].bytes == ours, "{how:?} {reply} {resume}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_stays_until_the_upload_is_whole_is_no_part_of_it() {
    let (old, ours) = alike();
    for how in PLAIN {
        for resume in [false, true] {
            let scene = site_with(&old, &ours, Keeps::UntilFin, how).await;
            killed(&scene, resume).await;
            assert!(lock(&scene.world).files[NAME].bytes == old);
            scene.put(&scene.ours(), true, Verify::Size).await.unwrap();
            assert!(lock(&scene.world).files[NAME].bytes == ours, "{how:?} {resume}");
        }
    }
}

#[tokio::test]
async fn a_part_in_the_place_of_an_older_file_is_resumed_where_it_can_be_fetched() {
    let (old, ours) = alike();
    for (mlst, drop_box) in PLAIN {
        for resume in [false, true] {
            let scene = site_with(&old, &ours, Keeps::InPlace, (mlst, drop_box)).await;
            killed(&scene, resume).await;
            let part = lock(&scene.world).files[NAME].bytes.len();
            assert!(part < ours.len() && part != old.len(), "{part}");
            // A refusal leaves the record as it was.
            lock(&scene.world).refuses = Some("452 no room");
            scene.put(&scene.ours(), true, Verify::Size).await.unwrap_err();
            lock(&scene.world).refuses = None;
            let stored = scene.put(&scene.ours(), true, Verify::Size).await.unwrap();
            let sent = if drop_box && part > 0 { ours.len() } else { ours.len() - part };
            assert_eq!(stored.sent, client::upload::Resumed::Sent(sent as u64));
            assert!(lock(&scene.world).files[NAME].bytes == ours, "{mlst} {drop_box} {resume}");
        }
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_sent_once_more_and_then_fails() {
    let scene = Scene::new(Offers::ALL, BIG).await;
    let deed = scene.changing(&Change::Touch(7));
    lock(&scene.world).meanwhile = Some(Meanwhile { at: 1, deed });
    scene.put(&scene.ours(), false, Verify::Size).await.unwrap();
    assert_eq!(lock(&scene.world).files[NAME].bytes, scene.bytes());
    assert!(scene.said.lock().unwrap().iter().any(|line| line.contains("changed during the upload")));
}
