//! How is Python's ftplib told to do it? By the script beside this file. `FTP_TLS` never resumes; a subclass
//! of five lines does, in both versions, and uses one ticket for all its data connections.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Client, From, Tls, tells_its_stories, tells_more};
use crate::harness::files::{assert_same_file, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;
use crate::interop::story;
use crate::interop::tls::Version;

struct Ftplib {
    python: PathBuf,
    /// How the script is told about TLS: `clear`, or as in `explicit-1.3-resumes`, `implicit-1.2-plain`.
    tls: String,
}

impl Ftplib {
    fn find(tls: Tls, sessions: &str) -> Option<Self> {
        let tls = tls.map_or("clear".to_owned(), |(way, version)| {
            let way = if way == Way::Explicit { "explicit" } else { "implicit" };
            let version = if version == Version::Tls12 { "1.2" } else { "1.3" };
            format!("{way}-{version}-{sessions}")
        });
        need::program("python3").map(|python| Self { python, tls })
    }

    fn call(&self, door: &Door, verb: &str, arguments: &[&OsStr]) -> Said {
        let (script, port) = (include_str!("ftplib_client.py"), door.port.to_string());
        let words = ["-c", script, &port, door.user, door.password, &self.tls, verb];
        let mut call = command(&self.python, words);
        for argument in arguments {
            call.arg(argument.as_bytes().iter().fold(String::new(), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }));
        }
        run(&mut call)
    }
}

impl Client for Ftplib {
    fn list(&self, door: &Door) -> Said {
        self.call(door, "list", &[OsStr::new("shelf")])
    }

    fn get(&self, door: &Door, from: From, name: &OsStr, to: &Path) {
        let verb = if from == From::WhatIsThere { "download-from" } else { "download" };
        self.call(door, verb, &[name, to.as_os_str()]).good();
    }

    fn put(&self, door: &Door, from: From, file: &Path, name: &OsStr) {
        let verb = if from == From::WhatIsThere { "upload-from" } else { "upload" };
        self.call(door, verb, &[name, file.as_os_str()]).good();
    }

    fn get_all(&self, door: &Door, folder: &str, _names: &[PathBuf], here: &Path) {
        self.call(door, "tree-down", &[OsStr::new(folder), here.as_os_str()]).good();
    }

    fn put_all(&self, door: &Door, folder: &str, _names: &[PathBuf], here: &Path) {
        self.call(door, "tree-up", &[OsStr::new(folder), here.as_os_str()]).good();
    }
}

#[test]
fn unencrypted() {
    let Some(ftplib) = Ftplib::find(None, "") else { return };
    tells_its_stories(&ftplib, Site::start);
    tells_more(&ftplib, Site::start);
    for verb in ["nlst", "mlsd"] {
        story::list(&Site::start(), |door| ftplib.call(door, verb, &[OsStr::new("shelf")]));
    }
    story::download(&Site::start(), |door, name, to| {
        _ = ftplib.call(door, "download-active", &[name, to.as_os_str()]).good();
    });
}

fn under_tls(way: Way, version: Version, sessions: &str, reuse: &str) {
    let Some(ftplib) = Ftplib::find(Some((way, version)), sessions) else { return };
    tells_its_stories(&ftplib, || Site::tls(way, reuse));
}

#[test]
fn explicit_tls13_resuming() {
    under_tls(Way::Explicit, Version::Tls13, "resumes", "require");
}

#[test]
fn implicit_tls12_resuming() {
    under_tls(Way::Implicit, Version::Tls12, "resumes", "require");
}

#[test]
fn explicit_tls13_never_resuming() {
    under_tls(Way::Explicit, Version::Tls13, "plain", "learn");
}

#[test]
fn is_told_what_to_do_where_it_must_resume() {
    for version in [Version::Tls12, Version::Tls13] {
        let Some(ftplib) = Ftplib::find(Some((Way::Explicit, version)), "plain") else { return };
        let site = Site::tls(Way::Explicit, "require");
        write(site.root(), "file.bin", 1, 100);
        let said = ftplib.call(&site.door, "refused", &[OsStr::new("file.bin")]).good();
        let text = String::from_utf8_lossy(&said.out);
        assert!(
            text.starts_with("522 ") && text.contains("enable TLS session reuse in your client"),
            "{text}"
        );
    }
}

/// Its `abort()` sends all of `ABOR` as urgent data: a server that does not read that in line never sees it.
#[test]
fn aborts_transfers_and_goes_on() {
    let Some(ftplib) = Ftplib::find(None, "") else { return };
    let site = Site::start();
    let there = write(site.root(), "large.bin", 1, 30_000_000);
    let to = site.beside("here").join("large.bin");
    let said = ftplib.call(&site.door, "abort", &[OsStr::new("large.bin"), to.as_os_str()]).good();
    let text = said.text();
    let codes: Vec<&str> = text.lines().filter_map(|line| line.get(..3)).collect();
    assert_eq!(codes, ["426", "226", "426", "226", "426", "226"], "{text}");
    assert_same_file(&there, &to);
    assert!(!site.root().join("large.bin.broken").exists(), "an aborted upload is not published");
}
