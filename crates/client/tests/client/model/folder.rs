//! What is in the user's folder, and is it as it was?
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use client::copy::{is_reserved, part_name};
use proptest::prelude::*;
use rustix::fs::{Mode, XattrFlags, lgetxattr, lsetxattr};

use super::world::{Content, contents, point};

/// All that can be seen of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) bytes: Vec<u8>,
    link: Option<PathBuf>,
    mode: u32,
    owner: u32,
    inode: u64,
}

/// The files below a folder, by their path in it. Directories are none.
pub(crate) type Files = BTreeMap<PathBuf, Seen>;

pub(crate) fn files(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).expect("a folder of the test").flatten() {
            let path = entry.path();
            let meta = fs::symlink_metadata(&path).expect("a file of the test");
            if meta.is_dir() {
                waiting.push(path);
                continue;
            }
            let bytes =
                if meta.is_file() { fs::read(&path).expect("a file of the test") } else { Vec::new() };
            let link = fs::read_link(&path).ok();
            let name = path.strip_prefix(folder).expect("it is below").to_owned();
            files.insert(name, Seen { bytes, link, mode: meta.mode(), owner: meta.uid(), inode: meta.ino() });
        }
    }
    files
}

/// What somebody does in the folder between two runs.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// The target is written by another program.
    Write(Content),
    /// The target is the start of the site's file, of another program's doing.
    Begin(u8),
    /// The target is removed.
    Remove,
    /// Something that is no part has the name of the part.
    Plant(Plant),
    /// What a power failure leaves of the part.
    Cut(u8),
    /// A byte of the part is changed, where that can be seen.
    Damage(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    Link,
    Dangling,
    HardLink,
    /// Another user's, which we may write.
    Foreign,
    /// Our own file.
    Own,
    Empty,
    Directory,
    Pipe,
}

impl Plant {
    pub(crate) const ALL: [Self; 8] = [
        Self::Link,
        Self::Dangling,
        Self::HardLink,
        Self::Foreign,
        Self::Own,
        Self::Empty,
        Self::Directory,
        Self::Pipe,
    ];
}

pub(crate) fn deeds() -> impl Strategy<Value = Deed> {
    let plant = prop::sample::select(&Plant::ALL[..]);
    prop_oneof![
        2 => contents().prop_map(Deed::Write),
        2 => any::<u8>().prop_map(Deed::Begin),
        1 => Just(Deed::Remove),
        2 => plant.prop_map(Deed::Plant),
        3 => any::<u8>().prop_map(Deed::Cut),
        2 => any::<u8>().prop_map(Deed::Damage),
    ]
}

/// Does it to the target `name` of `folder`; `site` is what the site has.
pub(crate) fn act(deed: &Deed, folder: &Path, name: &str, site: &[u8]) {
    let (target, part) = (folder.join(name), folder.join(part_name(OsStr::new(name))));
    let length = fs::metadata(&part).map_or(0, |meta| meta.len());
    match deed {
        Deed::Write(content) => replace(&target, &content.bytes()),
        Deed::Begin(at) => replace(&target, &site[..point(*at, site.len())]),
        Deed::Remove => drop(fs::remove_file(&target)),
        Deed::Plant(plant) => {
            let _ = fs::remove_file(&part);
            let _ = fs::remove_dir(&part);
            let victim = folder.join("victim");
            match plant {
                Plant::Link => symlink(&victim, &part).expect("a link"),
                Plant::Dangling => symlink(folder.join("nothing"), &part).expect("a link"),
                Plant::HardLink => fs::hard_link(&victim, &part).expect("a hard link"),
                Plant::Foreign => {
                    fs::write(&part, "another's").expect("a file");
                    fs::set_permissions(&part, std::os::unix::fs::PermissionsExt::from_mode(0o666))
                        .expect("its mode");
                    // Only root can make one; anybody else has one that others may write.
                    let _ = chown(&part, Some(12_345), None);
                }
                Plant::Own => fs::write(&part, "my own").expect("a file"),
                Plant::Empty => fs::write(&part, "").expect("a file"),
                Plant::Directory => fs::create_dir(&part).expect("a directory"),
                Plant::Pipe => {
                    rustix::fs::mknodat(rustix::fs::CWD, &part, rustix::fs::FileType::Fifo, Mode::RUSR, 0)
                        .expect("a pipe");
                }
            }
        }
        Deed::Cut(at) => {
            if let Some(file) = own_part(&part) {
                file.set_len(point(*at, length as usize) as u64).expect("cutting a part");
            }
        }
        // In what is not compared again, nobody would notice.
        Deed::Damage(at) if length > 0 && length <= 64 * 1024 => {
            if let Some(file) = own_part(&part) {
                use std::os::unix::fs::FileExt;
                let at = point(*at, length as usize) as u64;
                let mut byte = [0];
                file.read_exact_at(&mut byte, at).expect("a byte of a part");
                file.write_all_at(&[byte[0].wrapping_add(1)], at).expect("a byte of a part");
            }
        }
        Deed::Damage(_) => {}
    }
}

fn replace(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("a file of the user");
}

/// A part that pasv has left.
fn own_part(part: &Path) -> Option<fs::File> {
    let meta = fs::symlink_metadata(part).ok().filter(|meta| meta.is_file() && meta.nlink() == 1)?;
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    (meta.mode() & 0o777 == 0o600)
        .then(|| fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(part).ok())?
}

pub(crate) const LABEL: &str = "user.pasv.part";

/// The parts that are there, so that they can be put back as kill -9 would have left them.
pub(crate) struct Parts(Vec<(PathBuf, Vec<u8>, Vec<u8>)>);

impl Parts {
    pub(crate) fn seen(folder: &Path) -> Self {
        let found = files(folder).into_iter().filter(|(path, _)| path.file_name().is_some_and(is_reserved));
        Self(
            found
                .filter_map(|(path, seen)| {
                    let mut label = Vec::with_capacity(1024);
                    lgetxattr(folder.join(&path), LABEL, rustix::buffer::spare_capacity(&mut label)).ok()?;
                    Some((path, seen.bytes, label))
                })
                .collect(),
        )
    }

    /// Puts back those that are gone.
    pub(crate) fn put_back(&self, folder: &Path) {
        for (path, bytes, label) in &self.0 {
            let path = folder.join(path);
            if fs::symlink_metadata(&path).is_err() {
                let mut options = fs::OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(0o600).open(&path).expect("a part");
                std::io::Write::write_all(&mut file, bytes).expect("a part");
                lsetxattr(&path, LABEL, label, XattrFlags::empty()).expect("the label of a part");
            }
        }
    }
}
