//! Does rclone copy trees both ways? It opens a dozen control connections and keeps one cache of TLS sessions
//! for all of them, so that a data connection resumes the session of whichever came last.

use std::path::{Path, PathBuf};

use super::Version;
use crate::harness::files::{assert_same, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;

/// Files of a tree: small ones, for which a data connection is all the work.
const FILES: usize = 500;

struct Rclone {
    program: PathBuf,
    /// As it wants it in a flag.
    password: String,
    flags: Vec<&'static str>,
}

impl Rclone {
    fn find(flags: &[&'static str]) -> Option<Self> {
        let program = need::program("rclone")?;
        let said = run(&mut command(&program, ["obscure", "open sesame"])).good();
        let password = String::from_utf8_lossy(&said.out).trim().to_owned();
        Some(Self { program, password, flags: flags.to_vec() })
    }

    /// Once: whatever fails is not tried again, and shows.
    fn call(&self, door: &Door, words: &[&str]) -> Said {
        let port = door.port.to_string();
        let ours = ["--config", "/dev/null", "--transfers", "4", "--checkers", "8"];
        let once = ["--retries", "1", "--low-level-retries", "1"];
        let site = ["--ftp-host", Door::HOST, "--ftp-port", &port, "--ftp-user", door.user];
        let mut call = command(&self.program, words);
        call.args(ours).args(once).args(site).args(["--ftp-pass", &self.password]).args(&self.flags);
        run(&mut call)
    }

    fn copies(&self, site: &Site) {
        let (here, back) = (site.beside("here"), site.beside("back"));
        for number in 0..FILES {
            let name = format!("{}/inner {}/{number}.bin", number % 5, number % 3);
            write(&here, name, number as u64, number * 37 % 5000);
        }
        let text = |path: &Path| path.to_str().expect("a temporary folder's name").to_owned();
        self.call(&site.door, &["copy", &text(&here), ":ftp:tree"]).good();
        assert_same(&here, &site.root().join("tree"));
        self.call(&site.door, &["copy", ":ftp:tree", &text(&back)]).good();
        assert_same(&here, &back);
        self.call(&site.door, &["check", "--download", &text(&here), ":ftp:tree"]).good();
        let log = site.log();
        assert!(!log.contains("not-resumed") && !log.contains("data connection was refused"), "{log}");
    }
}

/// With the policy that a site has by itself.
fn copies(version: Version, way: Way) {
    let mut flags = vec!["--ftp-no-check-certificate"];
    flags.push(if way == Way::Explicit { "--ftp-explicit-tls" } else { "--ftp-tls" });
    if version == Version::Tls12 {
        flags.push("--ftp-disable-tls13");
    }
    let Some(rclone) = Rclone::find(&flags) else { return };
    rclone.copies(&Site::tls(way, "learn"));
}

#[test]
fn explicit_tls12() {
    copies(Version::Tls12, Way::Explicit);
}

#[test]
fn implicit_tls13() {
    copies(Version::Tls13, Way::Implicit);
}

#[test]
fn unencrypted() {
    let Some(rclone) = Rclone::find(&[]) else { return };
    rclone.copies(&Site::clear());
}
