//! How is lftp told to speak TLS? `ftp:ssl-force`, or `ftps://`. It resumes the control connection's session on every data
//! connection, in both versions, and uses one ticket for all of them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::{Client, From, Version, tells_its_stories, uploads_many};
use crate::harness::files::{assert_same, write, write_many};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;
use crate::interop::clients::lftp::{here, quoted};

struct Lftp {
    program: PathBuf,
    version: Version,
}

impl Lftp {
    fn find(version: Version) -> Option<Self> {
        need::program("lftp").map(|program| Self { program, version })
    }

    fn call(&self, door: &Door, words: &[&[u8]]) -> Said {
        let priority = match self.version {
            Version::Tls12 => "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            Version::Tls13 => "NORMAL:-VERS-ALL:+VERS-TLS1.3",
        };
        // Whom it talks with is shown by the test of the banner's line.
        let script = format!(
            "set cmd:fail-exit yes; set net:max-retries 2; set net:timeout 30; set ftp:use-utf8 no; \
             set ftp:ssl-force yes; set ssl:verify-certificate no; set ssl:priority \"{priority}\"; open {:?}; ",
            door.url("")
        );
        let script = [script.as_bytes(), &words.join(&b' ')].concat();
        run(&mut command(
            &self.program,
            [OsStr::new("--norc"), OsStr::new("-c"), &OsString::from_vec(script)],
        ))
    }
}

impl Client for Lftp {
    fn list(&self, door: &Door) -> Said {
        self.call(door, &[b"ls shelf"])
    }

    fn get(&self, door: &Door, from: From, name: &OsStr, to: &Path) {
        let verb: &[u8] = if from == From::WhatIsThere { b"get -c" } else { b"get" };
        self.call(door, &[verb, &quoted(here(name)), b"-o", &quoted(to)]).good();
    }

    fn put(&self, door: &Door, from: From, file: &Path, name: &OsStr) {
        let verb: &[u8] = if from == From::WhatIsThere { b"put -c" } else { b"put" };
        self.call(door, &[verb, &quoted(file), b"-o", &quoted(here(name))]).good();
    }

    fn get_many(&self, door: &Door, here: &Path) {
        self.call(door, &[b"mirror shelf", &quoted(here)]).good();
    }

    fn put_many(&self, door: &Door, here: &Path) {
        self.call(door, &[b"mirror -R", &quoted(here), b"shelf"]).good();
    }
}

fn tells_all(version: Version, way: Way) {
    let Some(lftp) = Lftp::find(version) else { return };
    tells_its_stories(&lftp, way, "require");
    uploads_many(&lftp, way, "require");
}

#[test]
fn explicit_tls12() {
    tells_all(Version::Tls12, Way::Explicit);
}

#[test]
fn implicit_tls13() {
    tells_all(Version::Tls13, Way::Implicit);
}

/// As people do it: the line is taken out of the banner and given to a shell.
#[test]
fn the_banners_line_works_and_pins_the_certificate() {
    let Some(lftp) = need::program("lftp") else { return };
    let Some(shell) = need::program("sh") else { return };
    let beside = lftp.parent().expect("a program lies in a folder").to_owned();
    for flags in [["--tls", "offered"], ["--tls", "required-data"]] {
        let site = Site::with(&flags);
        write_many(site.root());
        write(site.root(), "inner/file.bin", 1, 100);
        let said = site.said();
        let line =
            said.lines().map(str::trim).find(|line| line.starts_with("lftp -e ")).expect("a line for lftp");
        let line = line.replacen("set ", "set net:max-retries 1; set ", 1);
        let call = |line: &str| {
            let here = tempfile::tempdir().expect("a folder for the mirror");
            let line = format!("cd {} && {line}", here.path().display());
            let mut call = command(&shell, ["-c", &line]);
            let said =
                run(call.env("PATH", std::env::join_paths([&beside, Path::new("/bin")]).expect("a PATH")));
            (said, here)
        };
        let (said, here) = call(&line);
        said.good();
        assert_same(site.root(), here.path());
        if let Some((before, after)) = line.split_once("verify-certificate/") {
            let (digit, rest) = after.split_at(1);
            let other = if digit == "0" { "1" } else { "0" };
            let (said, here) = call(&format!("{before}verify-certificate/{other}{rest}"));
            assert!(!said.err.is_empty(), "another certificate than the pinned one was taken");
            let taken = std::fs::read_dir(here.path()).expect("the folder of the mirror").count();
            assert_eq!(taken, 0, "files came under another certificate: {}", said.err);
        } else {
            assert_eq!(flags[1], "offered", "anonymous has no TLS of lftp unless it is told: {line}");
        }
    }
}
