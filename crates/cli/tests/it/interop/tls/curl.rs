//! How is curl told to speak TLS? `--ssl-reqd`, or `ftps://`. It resumes its session by itself.
//!
//! Of the tickets of TLS 1.3 it keeps the newest one, which OpenSSL uses once, and it reads none from an upload's connection:
//! the next one has to come on the control connection, or the second upload of a session is refused under `require`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Client, From, Version, tells_its_stories, uploads_many};
use crate::harness::files::{assert_same_file, many_names, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;

struct Curl {
    program: PathBuf,
    version: Version,
}

impl Curl {
    fn find(version: Version) -> Option<Self> {
        need::program("curl").map(|program| Self { program, version })
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> Said {
        // Whom it talks with is shown by the test that gives it the certificate.
        let mut call = command(&self.program, ["-q", "-sS", "--globoff", "--max-time", "100", "--insecure"]);
        call.args(match self.version {
            Version::Tls12 => ["--ssl-reqd", "--tlsv1.2", "--tls-max", "1.2"].as_slice(),
            Version::Tls13 => ["--ssl-reqd", "--tlsv1.3"].as_slice(),
        });
        run(call.args(arguments))
    }

    fn one(&self, from: From, flag: &str, path: &Path, url: &str) {
        let resume = if from == From::WhatIsThere { ["-C", "-"].as_slice() } else { &[] };
        let mut words: Vec<&OsStr> = resume.iter().map(OsStr::new).collect();
        words.extend([OsStr::new(flag), path.as_os_str(), OsStr::new(url)]);
        self.call(words).good();
    }

    fn many(&self, list: &Path, pair: impl Fn(&Path) -> String) {
        let words: String = many_names().map(|name| pair(&name)).collect();
        std::fs::write(list, words).expect("a list of URLs for curl");
        self.call(["--ftp-create-dirs", "-K"].map(OsStr::new).into_iter().chain([list.as_os_str()])).good();
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

    fn get_many(&self, door: &Door, here: &Path) {
        self.many(&here.with_file_name("list"), |name| {
            let url = door.url(Path::new("shelf").join(name));
            format!("url = {url:?}\noutput = \"{}\"\n", here.join(name).display())
        });
    }

    fn put_many(&self, door: &Door, here: &Path) {
        self.many(&here.with_file_name("list"), |name| {
            let url = door.url(Path::new("shelf").join(name));
            format!("url = {url:?}\nupload-file = \"{}\"\n", here.join(name).display())
        });
    }
}

#[test]
fn explicit_tls12() {
    let Some(curl) = Curl::find(Version::Tls12) else { return };
    tells_its_stories(&curl, Way::Explicit, "require");
    uploads_many(&curl, Way::Explicit, "require");
}

#[test]
fn explicit_tls13() {
    let Some(curl) = Curl::find(Version::Tls13) else { return };
    tells_its_stories(&curl, Way::Explicit, "require");
    uploads_many(&curl, Way::Explicit, "require");
}

#[test]
fn implicit_tls12() {
    let Some(curl) = Curl::find(Version::Tls12) else { return };
    tells_its_stories(&curl, Way::Implicit, "require");
}

#[test]
fn implicit_tls13() {
    let Some(curl) = Curl::find(Version::Tls13) else { return };
    tells_its_stories(&curl, Way::Implicit, "require");
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
    // Nobody vouches for it otherwise.
    let said = run(command(&curl, ["-q", "-sS", "--ssl-reqd"]).arg(&url));
    assert_eq!(said.status.code(), Some(60), "{}", said.err);
}
