//! How is basic-ftp (Node) told to do it? By the script beside this file. It watches both connections of a
//! transfer, resumes sessions under TLS, and asks for MLSD.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

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
fn moves_files_and_trees() {
    let Some(basic) = Basic::find() else { return };
    for (tls, site) in sites() {
        let done = |verb: &'static str| {
            let basic = &basic;
            move |door: &Door, name: &OsStr, here: &Path| {
                basic.call(door, tls, verb, &[name, here.as_os_str()]).good();
            }
        };
        story::list(&site(), |door| basic.call(door, tls, "list", &[OsStr::new("shelf")]));
        story::download(&site(), done("download"));
        story::upload(&site(), |door, from, name| done("upload")(door, name, from));
        story::resume_download(&site(), done("download-from"));
        story::tree_down(&site(), |door, here| done("tree-down")(door, OsStr::new("tree"), here));
        story::tree_up(&site(), |door, here| done("tree-up")(door, OsStr::new("tree"), here));
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
}
