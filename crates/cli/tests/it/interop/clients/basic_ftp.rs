//! How is basic-ftp (Node) told to do it? By the script beside this file. It watches both connections of a
//! transfer, resumes sessions under TLS, and asks for MLSD.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::harness::files::write;
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;
use crate::interop::story;

/// A way into TLS, and a site for it.
type Told = (&'static str, fn() -> Site);

/// How it is told to speak TLS, beside the site that it is told so of.
fn sites() -> [Told; 3] {
    [
        ("clear", Site::start),
        ("explicit", || Site::tls(Way::Explicit, "require")),
        ("implicit", || Site::tls(Way::Implicit, "require")),
    ]
}

#[test]
fn lists() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        story::list(&site(), |door| basic.call(door, tls, "list", &[OsStr::new("shelf")]));
    }
}

#[test]
fn downloads() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        story::download(&site(), |door, name, to| basic.done(door, tls, "download", &[name, to.as_os_str()]));
    }
}

#[test]
fn uploads() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        story::upload(&site(), |door, from, name| basic.done(door, tls, "upload", &[name, from.as_os_str()]));
    }
}

#[test]
fn resumes_a_download() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        story::resume_download(&site(), |door, name, to| {
            basic.done(door, tls, "download-from", &[name, to.as_os_str()])
        });
    }
}

#[test]
fn downloads_and_uploads_trees() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        story::tree_down(&site(), |door, here| {
            basic.done(door, tls, "tree-down", &[OsStr::new("tree"), here.as_os_str()])
        });
        story::tree_up(&site(), |door, here| {
            basic.done(door, tls, "tree-up", &[OsStr::new("tree"), here.as_os_str()])
        });
    }
}

/// It takes the end of the data connection for the outcome where that comes before the reply: "reset by peer"
/// in place of what the site says.
#[test]
fn is_told_why_a_transfer_is_refused() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        let site = site();
        let from = write(&site.beside("here"), "file.bin", 1, 3_000_000);
        std::fs::create_dir(site.root().join("folder")).expect("a folder on the site");
        let to = from.with_file_name("none");
        let cases: [(&str, &[&OsStr], &str); 3] = [
            ("refused-download", &["missing".as_ref(), to.as_os_str()], "550 "),
            ("refused-list", &["missing".as_ref()], "550 "),
            ("refused-upload", &["folder".as_ref(), from.as_os_str()], "553 "),
        ];
        for (verb, arguments, code) in cases {
            let said = basic.call(&site.door, tls, verb, arguments).good();
            let text = String::from_utf8_lossy(&said.out);
            let refused = text.lines().filter(|line| line.starts_with(code)).count();
            assert_eq!(refused, 20, "{tls} {verb}: {text}");
        }
    }
}

struct Basic {
    node: PathBuf,
    modules: PathBuf,
}

impl Basic {
    fn find() -> Option<Self> {
        let modules = need::peer_file("basic-ftp", "basic-ftp/node_modules")?;
        Some(Self { node: need::program("node")?, modules })
    }

    fn call(&self, door: &Door, tls: &str, verb: &str, arguments: &[&OsStr]) -> Said {
        let script = include_str!("basic_ftp_client.js");
        let mut call = command(&self.node, ["-e", script, "--"]);
        call.arg(&self.modules).arg(door.port.to_string()).args([door.user, door.password, tls, verb]);
        run(call.args(arguments))
    }

    fn done(&self, door: &Door, tls: &str, verb: &str, arguments: &[&OsStr]) {
        self.call(door, tls, verb, arguments).good();
    }
}
