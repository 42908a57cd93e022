//! How is curl told to do it? One URL per file, all odd bytes encoded.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::harness::files::{tree_names, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn lists() {
    let Some(curl) = find() else { return };
    story::list(&Site::start(), |door| call(&curl, &[OsStr::new(&door.url("shelf/"))]));
}

#[test]
fn downloads() {
    let Some(curl) = find() else { return };
    story::download(&Site::start(), |door, name, to| get(&curl, &[], door, name, to));
}

#[test]
fn downloads_in_active_mode() {
    let Some(curl) = find() else { return };
    story::download(&Site::start(), |door, name, to| get(&curl, &["--ftp-port", "-"], door, name, to));
}

#[test]
fn downloads_after_pasv_where_epsv_is_off() {
    let Some(curl) = find() else { return };
    story::download(&Site::start(), |door, name, to| get(&curl, &["--disable-epsv"], door, name, to));
}

#[test]
fn uploads() {
    let Some(curl) = find() else { return };
    story::upload(&Site::start(), |door, from, name| put(&curl, &[], door, from, name));
}

#[test]
fn resumes_a_download() {
    let Some(curl) = find() else { return };
    story::resume_download(&Site::start(), |door, name, to| get(&curl, &["-C", "-"], door, name, to));
}

#[test]
fn resumes_an_upload() {
    let Some(curl) = find() else { return };
    story::resume_upload(&Site::start(), |door, from, name| put(&curl, &["-C", "-"], door, from, name));
}

#[test]
fn resumes_an_upload_that_broke_off() {
    let Some(curl) = find() else { return };
    story::resume_broken_upload(&Site::start(), |door, from, name| {
        put(&curl, &["-C", "-"], door, from, name)
    });
}

#[test]
fn downloads_odd_names() {
    let Some(curl) = find() else { return };
    story::odd_names_down(&Site::start(), &[], |door, name, to| get(&curl, &[], door, name, to));
}

#[test]
fn uploads_odd_names() {
    let Some(curl) = find() else { return };
    story::odd_names_up(&Site::start(), &[], |door, from, name| put(&curl, &[], door, from, name));
}

#[test]
fn uploads_a_tree() {
    let Some(curl) = find() else { return };
    story::tree_up(&Site::start(), |door, here| {
        let list = here.with_file_name("list");
        write_list(&list, |name| {
            format!("url = {:?}\nupload-file = \"{}\"\n", in_tree(door, name), here.join(name).display())
        });
        call(&curl, &["--ftp-create-dirs".as_ref(), "-K".as_ref(), list.as_os_str()]).good();
    });
}

#[test]
fn downloads_a_tree() {
    let Some(curl) = find() else { return };
    story::tree_down(&Site::start(), |door, here| {
        let list = here.with_file_name("list");
        write_list(&list, |name| {
            format!("url = {:?}\noutput = \"{}\"\n", in_tree(door, name), here.join(name).display())
        });
        call(&curl, &["--create-dirs".as_ref(), "-K".as_ref(), list.as_os_str()]).good();
    });
}

#[test]
fn learns_size_and_time_without_a_transfer() {
    let Some(curl) = find() else { return };
    let site = Site::start();
    write(site.root(), "file.bin", 1, 12_345);
    let said = call(&curl, &["-I".as_ref(), site.door.url("file.bin").as_ref()]).good();
    let text = String::from_utf8_lossy(&said.out);
    assert!(text.contains("Content-Length: 12345") && text.contains("Last-Modified: "), "{text}");
}

fn find() -> Option<PathBuf> {
    need::program("curl")
}

fn call(curl: &Path, arguments: &[&OsStr]) -> Said {
    run(command(curl, ["-q", "-sS", "--globoff", "--max-time", "100"]).args(arguments))
}

fn get(curl: &Path, flags: &[&str], door: &Door, name: &OsStr, to: &Path) {
    let url = door.url(name);
    let mut arguments: Vec<&OsStr> = flags.iter().map(OsStr::new).collect();
    arguments.extend([OsStr::new("-o"), to.as_os_str(), OsStr::new(&url)]);
    call(curl, &arguments).good();
}

fn put(curl: &Path, flags: &[&str], door: &Door, from: &Path, name: &OsStr) {
    let url = door.url(name);
    let mut arguments: Vec<&OsStr> = flags.iter().map(OsStr::new).collect();
    arguments.extend([OsStr::new("-T"), from.as_os_str(), OsStr::new(&url)]);
    call(curl, &arguments).good();
}

/// curl knows no trees: it is given the 300 pairs, and uses one control connection for all of them.
fn write_list(list: &Path, pair: impl Fn(&Path) -> String) {
    let words: String = tree_names().map(|name| pair(&name)).collect();
    std::fs::write(list, words).expect("a list of URLs for curl");
}

fn in_tree(door: &Door, name: &Path) -> String {
    door.url(Path::new("tree").join(name))
}
