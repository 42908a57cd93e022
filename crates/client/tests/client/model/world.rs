//! What is at the site of the model, what does it offer, and what goes wrong there? All of it plain data.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use proptest::prelude::*;

/// One file of the site.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    /// Seconds since 1970; no two versions of a file have the same.
    pub(crate) modified: i64,
    pub(crate) unique: u64,
}

impl Offers {
    /// A server that can do all, and does it right.
    pub(crate) const ALL: Self = Self {
        size: true,
        mdtm: true,
        mlst: true,
        rest: Rest::Works,
        hash: true,
        size_lies_by: 0,
        keeps: Keeps::OutOfSight,
    };
}

/// What the server can do, and what it only says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offers {
    pub(crate) size: bool,
    pub(crate) mdtm: bool,
    /// MLST and MLSD, with size, modify and unique.
    pub(crate) mlst: bool,
    pub(crate) rest: Rest,
    /// HASH, and RANG for it.
    pub(crate) hash: bool,
    /// SIZE and the fact `size` are too large by so much.
    pub(crate) size_lies_by: u64,
    pub(crate) keeps: Keeps,
}

/// Where an upload is until it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Under its name, as it comes.
    InPlace,
    /// Out of sight, where SIZE tells its length if the name has nothing else. It is published when the data
    /// ends in order and the control connection is there; else it is kept, and REST and APPE go on with it.
    OutOfSight,
    /// Out of sight, and published when the data ends in order, whatever else has ended; a broken one is
    /// gone.
    UntilFin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Works,
    /// 502.
    Refused,
    /// 350, and the file comes from its start.
    Ignored,
    /// 350, and the file comes from [`AHEAD`] bytes behind the place that was asked for.
    Ahead,
}

pub(crate) const AHEAD: u64 = 7;

/// How a file changes, in place.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Grow(Content),
    /// To so many 256ths.
    Shrink(u8),
    Replace(Content),
    /// As long as before, and one byte is another, at so many 256ths.
    Touch(u8),
    Remove,
}

impl Change {
    /// What becomes of a file; nothing is left of one that is removed.
    pub(crate) fn of(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Grow(content) => bytes.extend(content.bytes()),
            Self::Shrink(at) => bytes.truncate(point(*at, bytes.len())),
            Self::Replace(content) => bytes = content.bytes(),
            Self::Touch(at) => {
                let at = point(*at, bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = byte.wrapping_add(1);
                }
            }
            Self::Remove => bytes.clear(),
        }
        bytes
    }
}

/// Bytes that are made of a few numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) seed: u8,
    pub(crate) length: usize,
}

/// What happens during one transfer of data, at so many 256ths of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    pub(crate) change: Option<(u8, Change)>,
    pub(crate) cut: Option<(u8, Cut)>,
}

impl Fault {
    /// A transfer that is cut is not said to be done.
    pub(crate) fn tell_the_truth(&mut self) {
        if let Some((_, how)) = &mut self.cut
            && *how == Cut::Lie
        {
            *how = Cut::Told;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The data ends, and the server says 426.
    Told,
    /// The data connection is reset, and the server says 426.
    Reset,
    /// The data ends, and the server says 226.
    Lie,
    /// Both connections end.
    Both,
    /// The control connection ends; the data goes on to its end.
    Control,
}

/// The site.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<String, File>,
    /// What is kept out of sight of broken uploads.
    pub(crate) parts: BTreeMap<String, Vec<u8>>,
    /// The names that are being uploaded to.
    pub(crate) busy: BTreeSet<String>,
    /// What happens to the user's file when so many bytes of an upload have come.
    pub(crate) meanwhile: Option<Meanwhile>,
    pub(crate) offers: Offers,
    /// For the next transfers of data, one each.
    pub(crate) faults: VecDeque<Fault>,
    /// For the next sessions: after so many bytes of replies the server hangs up.
    pub(crate) hang_ups: VecDeque<Option<usize>>,
    /// Every version of every file since [`World::load`], in order.
    pub(crate) versions: Vec<(String, Vec<u8>)>,
    /// Every STOR is answered so, and nothing is read.
    pub(crate) refuses: Option<&'static str>,
    /// The client of the upload that is under way has been killed.
    pub(crate) killed: bool,
    /// RETR is refused.
    pub(crate) drop_box: bool,
    /// A server that said 226 has kept less than came, or has put it behind another start than it had shown.
    pub(crate) lied: bool,
    clock: i64,
}

/// Something that is done once.
pub(crate) struct Meanwhile {
    pub(crate) at: usize,
    pub(crate) deed: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at {}", self.at)
    }
}

pub(crate) type Shared = Arc<Mutex<World>>;

pub(crate) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("nobody panics with it")
}

impl World {
    pub(crate) fn new(offers: Offers) -> Self {
        Self {
            files: BTreeMap::new(),
            parts: BTreeMap::new(),
            busy: BTreeSet::new(),
            meanwhile: None,
            offers,
            faults: VecDeque::new(),
            hang_ups: VecDeque::new(),
            versions: Vec::new(),
            refuses: None,
            killed: false,
            drop_box: false,
            lied: false,
            clock: 1_000_000_000,
        }
    }

    pub(crate) fn put(&mut self, name: &str, bytes: Vec<u8>) {
        // Two seconds, so that nobody has to look at fractions.
        self.clock += 2;
        let unique = self.files.get(name).map_or(self.clock as u64, |file| file.unique);
        self.versions.push((name.to_owned(), bytes.clone()));
        self.files.insert(name.to_owned(), File { bytes, modified: self.clock, unique });
    }

    pub(crate) fn change(&mut self, name: &str, change: &Change) {
        if let Change::Remove = change {
            self.files.remove(name);
            return;
        }
        let bytes = self.files.get(name).map(|file| file.bytes.clone()).unwrap_or_default();
        self.put(name, change.of(bytes));
    }

    /// From here on only what is there now, and what comes, counts as a version; and this goes wrong.
    pub(crate) fn load(&mut self, faults: &[Fault], hang_ups: &[Option<usize>]) {
        self.versions = self.files.iter().map(|(name, file)| (name.clone(), file.bytes.clone())).collect();
        self.faults = faults.iter().cloned().collect();
        self.hang_ups = hang_ups.iter().copied().collect();
        self.meanwhile = None;
    }
}

/// So many 256ths of a length.
pub(crate) fn point(at: u8, length: usize) -> usize {
    usize::from(at) * length / 256
}

impl Content {
    pub(crate) fn bytes(self) -> Vec<u8> {
        // A file of zeros looks the same everywhere, as images of disks do.
        let mut state = u64::from(self.seed) << 32;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(self.seed));
            (state >> 56) as u8
        };
        (0..self.length).map(|_| next()).collect()
    }
}

pub(crate) fn contents() -> impl Strategy<Value = Content> {
    // Mostly small; some around the 64 KiB that are compared where a file is gone on with.
    let length = prop_oneof![8 => 0..400_usize, 1 => 65_000..66_200_usize, 1 => 66_000..200_000_usize];
    (0..6_u8, length).prop_map(|(seed, length)| Content { seed, length })
}

pub(crate) fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => contents().prop_map(Change::Grow),
        2 => any::<u8>().prop_map(Change::Shrink),
        2 => contents().prop_map(Change::Replace),
        3 => any::<u8>().prop_map(Change::Touch),
        1 => Just(Change::Remove),
    ]
}

pub(crate) fn offers() -> impl Strategy<Value = Offers> {
    let rest = prop_oneof![
        8 => Just(Rest::Works),
        1 => Just(Rest::Refused),
        1 => Just(Rest::Ignored),
        1 => Just(Rest::Ahead)
    ];
    let lies = prop_oneof![12 => Just(0), 1 => 1..100_u64];
    let often = || prop::bool::weighted(0.8);
    (often(), often(), any::<bool>(), rest, any::<bool>(), lies).prop_map(
        |(size, mdtm, mlst, rest, hash, size_lies_by)| Offers {
            size,
            mdtm,
            mlst,
            rest,
            hash,
            size_lies_by,
            ..Offers::ALL
        },
    )
}

pub(crate) fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let cut = prop_oneof![
        2 => Just(Cut::Told),
        2 => Just(Cut::Reset),
        2 => Just(Cut::Lie),
        2 => Just(Cut::Both),
        1 => Just(Cut::Control)
    ];
    let fault = (
        prop::option::weighted(0.3, (any::<u8>(), changes())),
        prop::option::weighted(0.4, (any::<u8>(), cut)),
    )
        .prop_map(|(change, cut)| Fault { change, cut });
    prop::collection::vec(fault, 0..4)
}

pub(crate) fn hang_ups() -> impl Strategy<Value = Vec<Option<usize>>> {
    prop::collection::vec(prop::option::weighted(0.5, 0..900_usize), 0..2)
}
