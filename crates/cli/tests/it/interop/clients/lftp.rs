//! How is lftp told to do it? A line of its own language; names in double quotes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn lists() {
    let Some(lftp) = find() else { return };
    story::list(&Site::clear(), |door| call(&lftp, door, &[b"cls -1 shelf/"]));
    story::list(&Site::clear(), |door| call(&lftp, door, &[b"ls shelf"]));
}

#[test]
fn downloads() {
    let Some(lftp) = find() else { return };
    story::download(&Site::clear(), |door, name, to| get(&lftp, b"get", door, name, to));
}

#[test]
fn downloads_in_active_mode() {
    let Some(lftp) = find() else { return };
    story::download(&Site::clear(), |door, name, to| {
        get(&lftp, b"set ftp:passive-mode no; get", door, name, to)
    });
}

#[test]
fn downloads_in_segments() {
    let Some(lftp) = find() else { return };
    story::download(&Site::clear(), |door, name, to| get(&lftp, b"pget -n 4", door, name, to));
}

#[test]
fn uploads() {
    let Some(lftp) = find() else { return };
    story::upload(&Site::clear(), |door, from, name| put(&lftp, b"put", door, from, name));
}

#[test]
fn resumes_a_download() {
    let Some(lftp) = find() else { return };
    story::resume_download(&Site::clear(), |door, name, to| get(&lftp, b"get -c", door, name, to));
}

#[test]
fn resumes_an_upload() {
    let Some(lftp) = find() else { return };
    story::resume_upload(&Site::clear(), |door, from, name| put(&lftp, b"put -c", door, from, name));
}

#[test]
fn resumes_an_upload_that_broke_off() {
    let Some(lftp) = find() else { return };
    story::resume_broken_upload(&Site::clear(), |door, from, name| put(&lftp, b"put -c", door, from, name));
}

#[test]
fn downloads_odd_names() {
    let Some(lftp) = find() else { return };
    story::odd_names_down(&Site::clear(), &[], |door, name, to| get(&lftp, b"get", door, name, to));
}

#[test]
fn uploads_odd_names() {
    let Some(lftp) = find() else { return };
    story::odd_names_up(&Site::clear(), &[], |door, from, name| put(&lftp, b"put", door, from, name));
}

#[test]
fn mirrors_a_tree_down() {
    let Some(lftp) = find() else { return };
    story::tree_down(&Site::clear(), |door, here| {
        call(&lftp, door, &[b"mirror tree", &quoted(here)]).good();
    });
}

#[test]
fn mirrors_a_tree_down_with_eight_connections() {
    let Some(lftp) = find() else { return };
    story::tree_down(&Site::clear(), |door, here| {
        call(&lftp, door, &[b"mirror -P 8 tree", &quoted(here)]).good();
    });
}

#[test]
fn mirrors_a_tree_up() {
    let Some(lftp) = find() else { return };
    story::tree_up(&Site::clear(), |door, here| {
        call(&lftp, door, &[b"mirror -R", &quoted(here), b"tree"]).good();
    });
}

fn find() -> Option<PathBuf> {
    need::program("lftp")
}

/// One command, its words put together with blanks.
fn call(lftp: &Path, door: &Door, words: &[&[u8]]) -> Said {
    // It would try for ever; without charset work a name stays the bytes it is.
    let mut script = format!(
        "set cmd:fail-exit yes; set net:max-retries 2; set net:timeout 30; set ftp:use-utf8 no; \
         open -p {} -u \"{},{}\" {}; ",
        door.port,
        door.user,
        door.password,
        Door::HOST
    )
    .into_bytes();
    script.extend(words.join(&b' '));
    run(&mut command(lftp, [OsStr::new("--norc"), OsStr::new("-c"), &OsString::from_vec(script)]))
}

fn get(lftp: &Path, verb: &[u8], door: &Door, name: &OsStr, to: &Path) {
    call(lftp, door, &[verb, &quoted(here(name)), b"-o", &quoted(to)]).good();
}

fn put(lftp: &Path, verb: &[u8], door: &Door, from: &Path, name: &OsStr) {
    call(lftp, door, &[verb, &quoted(from), b"-o", &quoted(here(name))]).good();
}

/// The same name, but never like an option.
pub(in crate::interop) fn here(name: &OsStr) -> PathBuf {
    Path::new("./").join(name)
}

pub(in crate::interop) fn quoted(name: impl AsRef<OsStr>) -> Vec<u8> {
    let mut word = vec![b'"'];
    for &byte in name.as_ref().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            word.push(b'\\');
        }
        word.push(byte);
    }
    word.push(b'"');
    word
}
