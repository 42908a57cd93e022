//! How is lftp told to do it? A line of its own language, names in double quotes; TLS by `ftp:ssl-force`, or
//! `ftps://`. It resumes the control connection's session on every data connection, in both versions, and
//! uses one ticket for all of them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::{Client, From, Tls, tells_its_stories, tells_more};
use crate::harness::files::{assert_same, write, write_many};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;
use crate::interop::story;
use crate::interop::tls::Version;

struct Lftp {
    program: PathBuf,
    tls: Tls,
}

impl Lftp {
    fn find(tls: Tls) -> Option<Self> {
        need::program("lftp").map(|program| Self { program, tls })
    }

    /// One command, its words put together with blanks.
    fn call(&self, door: &Door, words: &[&[u8]]) -> Said {
        // Whom it talks with is shown by the test of the banner's line.
        let tls = self.tls.map_or(String::new(), |(_, version)| {
            let version = if version == Version::Tls12 { "1.2" } else { "1.3" };
            format!(
                "set ftp:ssl-force yes; set ssl:verify-certificate no; \
                 set ssl:priority \"NORMAL:-VERS-ALL:+VERS-TLS{version}\"; "
            )
        });
        // It would try for ever; without charset work a name stays the bytes it is.
        let script = format!(
            "set cmd:fail-exit yes; set net:max-retries 2; set net:timeout 30; set ftp:use-utf8 no; {tls}open {:?}; ",
            door.url("")
        );
        let script = [script.as_bytes(), &words.join(&b' ')].concat();
        let words = [OsStr::new("--norc"), OsStr::new("-c"), &OsString::from_vec(script)];
        run(&mut command(&self.program, words))
    }

    fn get_by(&self, verb: &[u8], door: &Door, name: &OsStr, to: &Path) {
        self.call(door, &[verb, &quoted(here(name)), b"-o", &quoted(to)]).good();
    }
}

impl Client for Lftp {
    fn list(&self, door: &Door) -> Said {
        self.call(door, &[b"ls shelf"])
    }

    fn get(&self, door: &Door, from: From, name: &OsStr, to: &Path) {
        let verb: &[u8] = if from == From::WhatIsThere { b"get -c" } else { b"get" };
        self.get_by(verb, door, name, to);
    }

    fn put(&self, door: &Door, from: From, file: &Path, name: &OsStr) {
        let verb: &[u8] = if from == From::WhatIsThere { b"put -c" } else { b"put" };
        self.call(door, &[verb, &quoted(file), b"-o", &quoted(here(name))]).good();
    }

    fn get_all(&self, door: &Door, folder: &str, _names: &[PathBuf], here: &Path) {
        self.call(door, &[b"mirror", folder.as_bytes(), &quoted(here)]).good();
    }

    fn put_all(&self, door: &Door, folder: &str, _names: &[PathBuf], here: &Path) {
        self.call(door, &[b"mirror -R", &quoted(here), folder.as_bytes()]).good();
    }
}

#[test]
fn unencrypted() {
    let Some(lftp) = Lftp::find(None) else { return };
    tells_its_stories(&lftp, Site::clear);
    tells_more(&lftp, Site::clear);
    story::list(&Site::clear(), |door| lftp.call(door, &[b"cls -1 shelf/"]));
    for verb in [&b"set ftp:passive-mode no; get"[..], b"pget -n 4"] {
        story::download(&Site::clear(), |door, name, to| lftp.get_by(verb, door, name, to));
    }
    story::tree_down(&Site::clear(), |door, here| {
        _ = lftp.call(door, &[b"mirror -P 8 tree", &quoted(here)]).good();
    });
}

fn under_tls(way: Way, version: Version) {
    let Some(lftp) = Lftp::find(Some((way, version))) else { return };
    tells_its_stories(&lftp, || Site::tls(way, "require"));
}

#[test]
fn explicit_tls12() {
    under_tls(Way::Explicit, Version::Tls12);
}

#[test]
fn implicit_tls13() {
    under_tls(Way::Implicit, Version::Tls13);
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
        let said = site.log();
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

/// The same name, but never like an option.
fn here(name: &OsStr) -> PathBuf {
    Path::new("./").join(name)
}

fn quoted(name: impl AsRef<OsStr>) -> Vec<u8> {
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
