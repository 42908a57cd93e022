//! How is Python's ftplib told to speak TLS? By the script of its stories in clear. `FTP_TLS` never resumes; a subclass of five
//! lines does, in both versions, and uses one ticket for all its data connections.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Client, From, Version, tells_its_stories, uploads_many};
use crate::harness::files::write;
use crate::harness::need;
use crate::harness::process::Said;
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;
use crate::interop::clients::ftplib::call_with;

struct Ftplib {
    program: PathBuf,
    tls: String,
}

impl Ftplib {
    fn find(way: Way, version: Version, sessions: &str) -> Option<Self> {
        let way = if way == Way::Explicit { "explicit" } else { "implicit" };
        let version = if version == Version::Tls12 { "1.2" } else { "1.3" };
        need::program("python3").map(|program| Self { program, tls: format!("{way}-{version}-{sessions}") })
    }

    fn call(&self, door: &Door, verb: &str, arguments: &[&OsStr]) -> Said {
        call_with(&self.program, door, &self.tls, verb, arguments)
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

    fn get_many(&self, door: &Door, here: &Path) {
        self.call(door, "tree-down", &[OsStr::new("shelf"), here.as_os_str()]).good();
    }

    fn put_many(&self, door: &Door, here: &Path) {
        self.call(door, "tree-up", &[OsStr::new("shelf"), here.as_os_str()]).good();
    }
}

fn tells_all(way: Way, version: Version, sessions: &str, reuse: &str) {
    let Some(ftplib) = Ftplib::find(way, version, sessions) else { return };
    tells_its_stories(&ftplib, way, reuse);
    uploads_many(&ftplib, way, reuse);
}

#[test]
fn explicit_tls13_resuming() {
    tells_all(Way::Explicit, Version::Tls13, "resumes", "require");
}

#[test]
fn implicit_tls12_resuming() {
    tells_all(Way::Implicit, Version::Tls12, "resumes", "require");
}

#[test]
fn explicit_tls13_never_resuming() {
    tells_all(Way::Explicit, Version::Tls13, "plain", "learn");
}

#[test]
fn is_told_what_to_do_where_it_must_resume() {
    for version in [Version::Tls12, Version::Tls13] {
        let Some(ftplib) = Ftplib::find(Way::Explicit, version, "plain") else { return };
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
