//! How is wget told to do it? One URL per file; it only downloads.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn lists() {
    let Some(wget) = find() else { return };
    // Its page of links, made from LIST.
    story::list(&Site::start(), |door| {
        let said = call(&wget, &["-O", "-", &door.url("shelf/")]);
        Said { out: String::from_utf8_lossy(&said.out).replace("&#32;", " ").into_bytes(), ..said }
    });
}

#[test]
fn downloads() {
    let Some(wget) = find() else { return };
    story::download(&Site::start(), |door, name, to| get(&wget, &[], door, name, to));
}

#[test]
fn downloads_in_active_mode() {
    let Some(wget) = find() else { return };
    story::download(&Site::start(), |door, name, to| get(&wget, &["--no-passive-ftp"], door, name, to));
}

#[test]
fn resumes_a_download() {
    let Some(wget) = find() else { return };
    story::resume_download(&Site::start(), |door, name, to| get(&wget, &["-c"], door, name, to));
}

#[test]
fn downloads_odd_names() {
    let Some(wget) = find() else { return };
    story::odd_names_down(&Site::start(), &[], |door, name, to| get(&wget, &["--no-glob"], door, name, to));
}

#[test]
fn downloads_a_tree() {
    let Some(wget) = find() else { return };
    story::tree_down(&Site::start(), |door, here| {
        let (url, here) = (door.url("tree/"), here.display().to_string());
        call(&wget, &["-r", "-l", "9", "-nH", "--cut-dirs=1", "-P", &here, &url]).good();
    });
}

fn find() -> Option<PathBuf> {
    need::program("wget")
}

fn call<A: AsRef<OsStr>>(wget: &Path, arguments: &[A]) -> Said {
    run(command(wget, ["--no-config", "-nv", "--tries=2", "--timeout=30"]).args(arguments))
}

fn get(wget: &Path, flags: &[&str], door: &Door, name: &OsStr, to: &Path) {
    let url = door.url(name);
    let mut arguments: Vec<&OsStr> = flags.iter().map(OsStr::new).collect();
    arguments.extend([OsStr::new("-O"), to.as_os_str(), OsStr::new(&url)]);
    call(wget, &arguments).good();
}
