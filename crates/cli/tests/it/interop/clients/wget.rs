//! How is wget told to do it? One URL per file; it only downloads.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::harness::files::write;
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

/// It reads the listing of the directory above, and believes of all names in it only the first that fits.
#[test]
fn spiders_a_file_wherever_it_is_listed() {
    let Some(wget) = find() else { return };
    let site = Site::start();
    for n in 0..30 {
        write(site.root(), format!("shelf/file-{}.bin", n * 7 % 30), n, 100);
    }
    for n in 0..30 {
        let said = call(&wget, &["--spider", &site.door.url(format!("shelf/file-{n}.bin"))]).good();
        assert!(said.err.contains("exists"), "{}", said.err);
    }
    // Where it has TLS; it begins with AUTH.
    let tls = Door { scheme: "ftps", ..site.door };
    let flags = ["--no-check-certificate", "--spider"];
    let said = call(&wget, &[flags[0], flags[1], &tls.url("shelf/file-7.bin")]);
    if !said.err.contains("Unsupported scheme") && !said.err.contains("HTTPS support not compiled in") {
        assert!(said.good().err.contains("exists"));
    }
    let said = call(&wget, &["--spider", &site.door.url("shelf/file-30.bin")]);
    assert!(!said.status.success(), "{}", said.err);
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
