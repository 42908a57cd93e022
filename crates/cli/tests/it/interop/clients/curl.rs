//! How is curl told to do it? One URL per file, all odd bytes encoded; TLS by `--ssl-reqd`, or `ftps://`.
//!
//! It resumes its session by itself. Of the tickets of TLS 1.3 it keeps the newest one, which OpenSSL uses
//! once, and it reads none from an upload's connection: the next one has to come on the control connection,
//! or the second upload of a session is refused under `require`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Client, From, Tls, tells_its_stories, tells_more};
use crate::harness::files::{assert_same_file, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;
use crate::interop::story;
use crate::interop::tls::Version;

struct Curl {
    program: PathBuf,
    tls: Tls,
    flags: &'static [&'static str],
}

impl Curl {
    fn find(tls: Tls) -> Option<Self> {
        need::program("curl").map(|program| Self { program, tls, flags: &[] })
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> Said {
        // Whom it talks with is shown by the test that gives it the certificate.
        let mut call = command(&self.program, ["-q", "-sS", "--globoff", "--max-time", "100", "--insecure"]);
        call.args(match self.tls {
            None => [].as_slice(),
            Some((_, Version::Tls12)) => &["--ssl-reqd", "--tlsv1.2", "--tls-max", "1.2"],
            Some((_, Version::Tls13)) => &["--ssl-reqd", "--tlsv1.3"],
        });
        run(call.args(self.flags).args(arguments))
    }

    fn one(&self, from: From, flag: &str, path: &Path, url: &str) {
        let resume = if from == From::WhatIsThere { ["-C", "-"].as_slice() } else { &[] };
        let mut words: Vec<&OsStr> = resume.iter().map(OsStr::new).collect();
        words.extend([OsStr::new(flag), path.as_os_str(), OsStr::new(url)]);
        self.call(words).good();
    }

    /// It knows no trees: it is given all the pairs, and uses one control connection for them.
    fn all(&self, door: &Door, flag: &str, folder: &str, names: &[PathBuf], here: &Path) {
        let pair = |name: &PathBuf| {
            let url = door.url(Path::new(folder).join(name));
            format!("url = {url:?}\n{flag} = \"{}\"\n", here.join(name).display())
        };
        let list = here.with_file_name("list");
        std::fs::write(&list, names.iter().map(pair).collect::<String>()).expect("a list of URLs for curl");
        let flags = ["--create-dirs", "--ftp-create-dirs", "-K"].map(OsStr::new);
        self.call(flags.into_iter().chain([list.as_os_str()])).good();
    }
}

impl Client for Curl {
    fn list(&self, door: &Door) -> Said {
        self.call([OsStr::new(&door.url("shelf/"))])
    }

    fn get(&self, door: &Door, from: From, name: &OsStr, to: &Path) {
        self.one(from, "-o", to, &door.url(name));
    }

    fn put(&self, door: &Door, from: From, file: &Path, name: &OsStr) {
        self.one(from, "-T", file, &door.url(name));
    }

    fn get_all(&self, door: &Door, folder: &str, names: &[PathBuf], here: &Path) {
        self.all(door, "output", folder, names, here);
    }

    fn put_all(&self, door: &Door, folder: &str, names: &[PathBuf], here: &Path) {
        self.all(door, "upload-file", folder, names, here);
    }
}

#[test]
fn unencrypted() {
    let Some(curl) = Curl::find(None) else { return };
    tells_its_stories(&curl, Site::start);
    tells_more(&curl, Site::start);
    for flags in [&["--ftp-port", "-"][..], &["--disable-epsv"]] {
        let curl = Curl { program: curl.program.clone(), tls: None, flags };
        story::download(&Site::start(), |door, name, to| curl.get(door, From::Start, name, to));
    }
}

fn under_tls(way: Way, version: Version) {
    let Some(curl) = Curl::find(Some((way, version))) else { return };
    tells_its_stories(&curl, || Site::tls(way, "require"));
}

#[test]
fn explicit_tls12() {
    under_tls(Way::Explicit, Version::Tls12);
}

#[test]
fn explicit_tls13() {
    under_tls(Way::Explicit, Version::Tls13);
}

#[test]
fn implicit_tls12() {
    under_tls(Way::Implicit, Version::Tls12);
}

#[test]
fn implicit_tls13() {
    under_tls(Way::Implicit, Version::Tls13);
}

#[test]
fn learns_size_and_time_without_a_transfer() {
    let Some(curl) = Curl::find(None) else { return };
    let site = Site::start();
    write(site.root(), "file.bin", 1, 12_345);
    let said = curl.call(["-I", &site.door.url("file.bin")].map(OsStr::new)).good();
    let text = said.text();
    assert!(text.contains("Content-Length: 12345") && text.contains("Last-Modified: "), "{text}");
}

#[test]
fn verifies_the_certificate_that_it_is_given() {
    let Some(curl) = need::program("curl") else { return };
    let site = Site::tls(Way::Explicit, "require");
    let there = write(site.root(), "file.bin", 1, 200_000);
    let to = site.beside("here").join("file.bin");
    let url = format!("ftp://localhost:{}/file.bin", site.door.port);
    let mut call = command(&curl, ["-q", "-sS", "--ssl-reqd", "-o"]);
    call.arg(&to).arg("--cacert").arg(site.certificate()).arg(&url);
    run(&mut call).good();
    assert_same_file(&there, &to);
    // It is untrusted otherwise.
    let said = run(command(&curl, ["-q", "-sS", "--ssl-reqd"]).arg(&url));
    assert_eq!(said.status.code(), Some(60), "{}", said.err);
}
