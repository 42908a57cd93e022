//! How is tnftp (BSD's ftp) told to do it? By lines on its standard input.
//!
//! It ends with success whatever was refused, so that the files alone tell.

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
fn lists() {
    let Some(tnftp) = find() else { return };
    for verb in ["ls", "nlist", "mlsd"] {
        story::list(&Site::start(), |door| call(&tnftp, door, &[&[verb.as_bytes(), b"shelf"]]));
    }
}

#[test]
fn downloads() {
    let Some(tnftp) = find() else { return };
    story::download(&Site::start(), |door, name, to| {
        _ = call(&tnftp, door, &[&[b"get", &quoted(name), &quoted(to)]])
    });
}

#[test]
fn downloads_in_active_mode() {
    let Some(tnftp) = find() else { return };
    story::download(&Site::start(), |door, name, to| {
        call(&tnftp, door, &[&[b"passive off"], &[b"get", &quoted(name), &quoted(to)]]);
    });
}

#[test]
fn uploads() {
    let Some(tnftp) = find() else { return };
    story::upload(&Site::start(), |door, from, name| put(&tnftp, door, from, name));
}

#[test]
fn resumes_a_download() {
    let Some(tnftp) = find() else { return };
    story::resume_download(&Site::start(), |door, name, to| {
        _ = call(&tnftp, door, &[&[b"reget", &quoted(name), &quoted(to)]])
    });
}

#[test]
fn resumes_an_upload() {
    let Some(tnftp) = find() else { return };
    // It has no word for this, but its "restart" (REST) goes before a "put" too.
    story::resume_upload(&Site::start(), |door, from, name| {
        let offset = format!("restart {}", story::PART);
        call(&tnftp, door, &[&[offset.as_bytes()], &[b"put", &quoted(from), &quoted(name)]]);
    });
}

#[test]
fn downloads_odd_names() {
    let Some(tnftp) = find() else { return };
    story::odd_names_down(&Site::start(), &[], |door, name, to| {
        call(&tnftp, door, &[&[b"get", &quoted(name), &quoted(to)]]);
    });
}

#[test]
fn uploads_odd_names() {
    let Some(tnftp) = find() else { return };
    story::odd_names_up(&Site::start(), &[], |door, from, name| put(&tnftp, door, from, name));
}

#[test]
fn downloads_a_tree_by_mget() {
    let Some(tnftp) = find() else { return };
    story::tree_down(&Site::start(), |door, here| {
        let mut folders: Vec<PathBuf> =
            tree_names().filter_map(|name| name.parent().map(Path::to_owned)).collect();
        folders.sort();
        folders.dedup();
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

fn find() -> Option<PathBuf> {
    need::program("tnftp")
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

fn put(tnftp: &Path, door: &Door, from: &Path, name: &OsStr) {
    // "glob" off: or it looks for local names like this one.
    call(tnftp, door, &[&[b"glob"], &[b"put", &quoted(from), &quoted(name)]]);
}

/// Every byte of a name with a backslash before it: inside its quotes nothing can be escaped.
fn quoted(name: impl AsRef<OsStr>) -> Vec<u8> {
    name.as_ref().as_bytes().iter().flat_map(|&byte| [b'\\', byte]).collect()
}
