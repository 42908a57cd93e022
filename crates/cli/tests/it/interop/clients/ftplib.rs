//! How is Python's ftplib told to do it? By the script beside this file.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::harness::files::{assert_same_file, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn lists() {
    let Some(python) = find() else { return };
    for verb in ["list", "nlst", "mlsd"] {
        story::list(&Site::start(), |door| call(&python, door, verb, &[OsStr::new("shelf")]));
    }
}

#[test]
fn downloads() {
    let Some(python) = find() else { return };
    story::download(&Site::start(), |door, name, to| {
        done(&python, door, "download", &[name, to.as_os_str()])
    });
}

#[test]
fn downloads_in_active_mode() {
    let Some(python) = find() else { return };
    story::download(&Site::start(), |door, name, to| {
        done(&python, door, "download-active", &[name, to.as_os_str()])
    });
}

#[test]
fn uploads() {
    let Some(python) = find() else { return };
    story::upload(&Site::start(), |door, from, name| {
        done(&python, door, "upload", &[name, from.as_os_str()])
    });
}

#[test]
fn resumes_a_download() {
    let Some(python) = find() else { return };
    story::resume_download(&Site::start(), |door, name, to| {
        done(&python, door, "download-from", &[name, to.as_os_str()])
    });
}

#[test]
fn resumes_an_upload() {
    let Some(python) = find() else { return };
    story::resume_upload(&Site::start(), |door, from, name| {
        done(&python, door, "upload-from", &[name, from.as_os_str()])
    });
}

#[test]
fn resumes_an_upload_that_broke_off() {
    let Some(python) = find() else { return };
    story::resume_broken_upload(&Site::start(), |door, from, name| {
        done(&python, door, "upload-from", &[name, from.as_os_str()])
    });
}

#[test]
fn downloads_odd_names() {
    let Some(python) = find() else { return };
    story::odd_names_down(&Site::start(), &[], |door, name, to| {
        done(&python, door, "download", &[name, to.as_os_str()])
    });
}

#[test]
fn uploads_odd_names() {
    let Some(python) = find() else { return };
    story::odd_names_up(&Site::start(), &[], |door, from, name| {
        done(&python, door, "upload", &[name, from.as_os_str()])
    });
}

#[test]
fn downloads_a_tree() {
    let Some(python) = find() else { return };
    story::tree_down(&Site::start(), |door, here| {
        done(&python, door, "tree-down", &[OsStr::new("tree"), here.as_os_str()])
    });
}

#[test]
fn uploads_a_tree() {
    let Some(python) = find() else { return };
    story::tree_up(&Site::start(), |door, here| {
        done(&python, door, "tree-up", &[OsStr::new("tree"), here.as_os_str()])
    });
}

/// Its `abort()` sends all of `ABOR` as urgent data: a server that does not read that in line never sees it.
#[test]
fn aborts_transfers_and_goes_on() {
    let Some(python) = find() else { return };
    let site = Site::start();
    let there = write(site.root(), "large.bin", 1, 30_000_000);
    let to = site.beside("here").join("large.bin");
    let said = call(&python, &site.door, "abort", &[OsStr::new("large.bin"), to.as_os_str()]).good();
    let text = String::from_utf8_lossy(&said.out);
    let codes: Vec<&str> = text.lines().filter_map(|line| line.get(..3)).collect();
    assert_eq!(codes, ["426", "226", "426", "226", "426", "226"], "{text}");
    assert_same_file(&there, &to);
    assert!(!site.root().join("large.bin.broken").exists(), "an aborted upload is not published");
}

fn find() -> Option<PathBuf> {
    need::program("python3")
}

fn call(python: &Path, door: &Door, verb: &str, arguments: &[&OsStr]) -> Said {
    call_with(python, door, "clear", verb, arguments)
}

/// `tls` is how the script is told about TLS: `clear`, or as in `explicit-1.3-resumes`, `implicit-1.2-plain`.
pub(in crate::interop) fn call_with(
    python: &Path,
    door: &Door,
    tls: &str,
    verb: &str,
    arguments: &[&OsStr],
) -> Said {
    let port = door.port.to_string();
    let mut call =
        command(python, ["-c", include_str!("ftplib_client.py"), &port, door.user, door.password, tls, verb]);
    for argument in arguments {
        call.arg(argument.as_bytes().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }));
    }
    run(&mut call)
}

fn done(python: &Path, door: &Door, verb: &str, arguments: &[&OsStr]) {
    call(python, door, verb, arguments).good();
}
