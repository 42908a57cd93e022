//! What does a client do on our site, whichever client it is?
//!
//! Each story prepares the site it is given, lets the client do one thing, and compares what then lies on
//! both sides.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::files::{
    assert_same, assert_same_file, content, holds_bytes, odd_names, write, write_many, write_odd, write_tree,
};
use crate::harness::process::{Said, wait_until};
use crate::harness::site::Site;
use crate::harness::url::Door;

/// Large enough that it does not fit any buffer on its way.
pub(crate) const LARGE: usize = 3_000_007;
pub(crate) const PART: usize = 1_000_003;

/// Lists the folder `shelf`.
#[track_caller]
pub(crate) fn list(site: &Site, client: impl Fn(&Door) -> Said) {
    let names = ["one.txt", "two words.txt", "na\u{ef}ve.txt", ".hidden"];
    for (seed, name) in names.iter().enumerate() {
        write(&site.root().join("shelf"), name, seed as u64, 100 + seed);
    }
    fs::create_dir(site.root().join("shelf/inner")).expect("a folder on the site");
    let said = client(&site.door).good();
    let text = String::from_utf8_lossy(&said.out);
    for name in names.iter().filter(|name| !name.starts_with('.')).chain(&["inner"]) {
        assert!(text.contains(name), "{name} is not in the listing:\n{text}{}", said.err);
    }
}

/// Downloads `large.bin` and `empty.bin` from `shelf` to the given paths.
#[track_caller]
pub(crate) fn download(site: &Site, client: impl Fn(&Door, &OsStr, &Path)) {
    let here = site.beside("here");
    for (name, length) in [("shelf/large.bin", LARGE), ("shelf/empty.bin", 0)] {
        let there = write(site.root(), name, 1, length);
        let to = here.join(there.file_name().expect("a file's name"));
        client(&site.door, OsStr::new(name), &to);
        assert_same_file(&there, &to);
    }
}

/// Uploads two files into `shelf`, which exists, and then one of them once more with other bytes.
#[track_caller]
pub(crate) fn upload(site: &Site, client: impl Fn(&Door, &Path, &OsStr)) {
    let here = site.beside("here");
    fs::create_dir(site.root().join("shelf")).expect("a folder on the site");
    for (name, seed, length) in
        [("shelf/large.bin", 1, LARGE), ("shelf/empty.bin", 2, 0), ("shelf/large.bin", 3, PART)]
    {
        let from = write(&here, Path::new(name).file_name().expect("a file's name"), seed, length);
        client(&site.door, &from, OsStr::new(name));
        assert_same_file(&from, &site.root().join(name));
    }
}

/// Goes on with a download of `shelf/large.bin` of which a part is there. The part differs from the site's
/// bytes, so that a client or server that starts over is found out.
#[track_caller]
pub(crate) fn resume_download(site: &Site, client: impl Fn(&Door, &OsStr, &Path)) {
    let there = write(site.root(), "shelf/large.bin", 1, LARGE);
    let to = write(&site.beside("here"), "large.bin", 2, PART);
    client(&site.door, OsStr::new("shelf/large.bin"), &to);
    assert_joined(&to, 2, &fs::read(there).expect("the site's file"));
}

/// Goes on with an upload of `shelf/large.bin` of which the site has a part, again of other bytes.
#[track_caller]
pub(crate) fn resume_upload(site: &Site, client: impl Fn(&Door, &Path, &OsStr)) {
    let there = write(site.root(), "shelf/large.bin", 1, PART);
    let from = write(&site.beside("here"), "large.bin", 2, LARGE);
    client(&site.door, &from, OsStr::new("shelf/large.bin"));
    assert_joined(&there, 1, &fs::read(from).expect("our own file"));
}

/// Goes on with an upload of `large.bin` that broke off on its way: what the site keeps of it shows only in
/// SIZE.
#[track_caller]
pub(crate) fn resume_broken_upload(site: &Site, client: impl Fn(&Door, &Path, &OsStr)) {
    let from = write(&site.beside("here"), "large.bin", 1, LARGE);
    let kept = break_off(site, "large.bin", &content(1, PART));
    assert!(kept > 0 && kept <= PART as u64, "the site keeps {kept} bytes of {PART}");
    assert!(!site.root().join("large.bin").exists(), "a broken upload is not published");
    client(&site.door, &from, OsStr::new("large.bin"));
    assert_same(&site.beside("here"), site.root());
}

/// Downloads every odd name there is but those excepted, one by one, from the root.
#[track_caller]
pub(crate) fn odd_names_down(site: &Site, except: &[&str], client: impl Fn(&Door, &OsStr, &Path)) {
    let names = odd_names(except);
    write_odd(site.root(), &names);
    let here = site.beside("here");
    for name in names {
        client(&site.door, name, &here.join(name));
    }
    assert_same(site.root(), &here);
}

/// Uploads every odd name but those excepted, one by one, into the root.
#[track_caller]
pub(crate) fn odd_names_up(site: &Site, except: &[&str], client: impl Fn(&Door, &Path, &OsStr)) {
    let names = odd_names(except);
    let here = site.beside("here");
    write_odd(&here, &names);
    for name in names {
        client(&site.door, &here.join(name), name);
    }
    assert_same(&here, site.root());
}

/// Downloads the tree `tree` of 300 files into the given folder, so that its files lie right below that.
#[track_caller]
pub(crate) fn tree_down(site: &Site, client: impl Fn(&Door, &Path)) {
    write_tree(&site.root().join("tree"));
    let here = site.beside("here");
    client(&site.door, &here);
    assert_same(&site.root().join("tree"), &here);
}

/// Uploads the given folder of 300 files as `tree`, which does not exist yet.
#[track_caller]
pub(crate) fn tree_up(site: &Site, client: impl Fn(&Door, &Path)) {
    let here = site.beside("tree");
    write_tree(&here);
    client(&site.door, &here);
    assert_same(&here, &site.root().join("tree"));
}

/// Downloads the fifty-two files of `shelf` into the given folder, in one session.
#[track_caller]
pub(crate) fn many_down(site: &Site, client: impl Fn(&Door, &Path)) {
    write_many(&site.root().join("shelf"));
    let here = site.beside("here");
    client(&site.door, &here);
    assert_same(&site.root().join("shelf"), &here);
}

/// Uploads the fifty-two files of the given folder into `shelf`, which does not exist yet, in one session.
#[track_caller]
pub(crate) fn many_up(site: &Site, client: impl Fn(&Door, &Path)) {
    let here = site.beside("shelf");
    write_many(&here);
    client(&site.door, &here);
    assert_same(&here, &site.root().join("shelf"));
}

/// `path` holds the first `PART` bytes of the content `seed`, and then those of `whole` that follow.
#[track_caller]
pub(crate) fn assert_joined(path: &Path, seed: u64, whole: &[u8]) {
    let found = fs::read(path).expect("the file that was completed");
    assert_eq!(found.len(), whole.len(), "length of {}", path.display());
    assert!(found[..PART] == content(seed, PART), "the part that was there has changed");
    assert!(found[PART..] == whole[PART..], "what was added differs");
}

/// Sends `bytes` as `name`, breaks off by ABOR when the site has stored some of them, and says how many it
/// keeps.
#[track_caller]
fn break_off(site: &Site, name: &str, bytes: &[u8]) -> u64 {
    let mut talk = site.door.talk();
    talk.ask_for("TYPE I", "200");
    let mut data = talk.passive();
    talk.ask_for(&format!("STOR {name}"), "150");
    data.write_all(bytes).expect("room for the data on its way");
    // ABOR right behind the data could overtake all of it.
    let stored = || holds_bytes(site.root()).then_some(());
    wait_until(Instant::now() + Duration::from_secs(20), stored).expect("some of the upload on the disk");
    talk.ask_for("ABOR", "426");
    talk.expect("226");
    talk.ask_for(&format!("SIZE {name}"), "213").trim().parse().expect("a size")
}
