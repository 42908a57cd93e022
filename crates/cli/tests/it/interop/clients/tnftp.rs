//! How is tnftp (BSD's ftp) told to do it? By lines on its standard input.
//!
//! It ends with success whatever was refused, so that the files alone tell.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::harness::files::tree_names;
use crate::harness::need;
use crate::harness::process::{Said, command, run_with};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn moves_files_and_trees() {
    let Some(tnftp) = need::program("tnftp") else { return };
    for verb in ["ls", "nlist", "mlsd"] {
        story::list(&Site::start(), |door| call(&tnftp, door, &[&[verb.as_bytes(), b"shelf"]]));
    }
    let get = |first: &'static str, verb: &'static str| {
        let tnftp = &tnftp;
        move |door: &Door, name: &OsStr, to: &Path| {
            call(tnftp, door, &[&[first.as_bytes()], &[verb.as_bytes(), &quoted(name), &quoted(to)]]);
        }
    };
    let put = |first: &str, door: &Door, from: &Path, name: &OsStr| {
        // "glob" off: or it looks for local names like this one.
        call(&tnftp, door, &[&[b"glob"], &[first.as_bytes()], &[b"put", &quoted(from), &quoted(name)]]);
    };
    for mode in ["passive on", "passive off"] {
        story::download(&Site::start(), get(mode, "get"));
    }
    story::upload(&Site::start(), |door, from, name| put("binary", door, from, name));
    story::resume_download(&Site::start(), get("binary", "reget"));
    // It has no word for this, but its "restart" (REST) goes before a "put" too.
    let offset = format!("restart {}", story::PART);
    story::resume_upload(&Site::start(), |door, from, name| put(&offset, door, from, name));
    story::odd_names_down(&Site::start(), &[], get("binary", "get"));
    story::odd_names_up(&Site::start(), &[], |door, from, name| put("binary", door, from, name));
    story::tree_down(&Site::start(), |door, here| {
        let folders: BTreeSet<PathBuf> =
            tree_names().filter_map(|name| name.parent().map(Path::to_owned)).collect();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for folder in folders {
            let local = here.join(&folder);
            std::fs::create_dir_all(&local).expect("a folder of the tree");
            lines.push([b"lcd ", &*quoted(local)].concat());
            lines.push([b"cd ", &*quoted(Path::new("/tree").join(folder))].concat());
            // Folders have no dot in their names here.
            lines.push(b"mget *.*".to_vec());
        }
        let lines: Vec<[&[u8]; 1]> = lines.iter().map(|line| [line.as_slice()]).collect();
        let lines: Vec<&[&[u8]]> = lines.iter().map(<[_; 1]>::as_slice).collect();
        call(&tnftp, door, &lines);
    });
}

/// Logs in and says the lines, each put together with blanks.
fn call(tnftp: &Path, door: &Door, lines: &[&[&[u8]]]) -> Said {
    let mut script = format!("user {} \"{}\"\nbinary\n", door.user, door.password).into_bytes();
    for line in lines {
        script.extend(line.join(&b' '));
        script.push(b'\n');
    }
    script.extend(b"bye\n");
    run_with(&mut command(tnftp, ["-n", "-i", "-v", Door::HOST, &door.port.to_string()]), &script)
}

/// Every byte of a name with a backslash before it: inside its quotes nothing can be escaped.
fn quoted(name: impl AsRef<OsStr>) -> Vec<u8> {
    name.as_ref().as_bytes().iter().flat_map(|&byte| [b'\\', byte]).collect()
}
