//! How is ncftp told to do it? By its three programs for scripts: ncftpls, ncftpget, ncftpput.

use std::ffi::OsStr;
use std::path::Path;

use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn lists() {
    let Some(ncftpls) = need::program("ncftpls") else { return };
    let url = |door: &Door| door.bare_url("shelf/");
    story::list(&Site::start(), |door| call(&ncftpls, door, &["-1".as_ref(), OsStr::new(&url(door))]));
    story::list(&Site::start(), |door| call(&ncftpls, door, &["-l".as_ref(), OsStr::new(&url(door))]));
}

#[test]
fn downloads() {
    let Some(ncftpget) = need::program("ncftpget") else { return };
    story::download(&Site::start(), |door, name, to| get(&ncftpget, &["-F"], door, name, to));
}

#[test]
fn downloads_in_active_mode() {
    let Some(ncftpget) = need::program("ncftpget") else { return };
    story::download(&Site::start(), |door, name, to| get(&ncftpget, &["-E"], door, name, to));
}

#[test]
fn uploads() {
    let Some(ncftpput) = need::program("ncftpput") else { return };
    story::upload(&Site::start(), |door, from, name| put(&ncftpput, door, from, name));
}

#[test]
fn resumes_a_download() {
    let Some(ncftpget) = need::program("ncftpget") else { return };
    story::resume_download(&Site::start(), |door, name, to| {
        let folder = to.parent().expect("the folder of the file").as_os_str();
        call(&ncftpget, door, &["-z".as_ref(), Door::HOST.as_ref(), folder, name]).good();
    });
}

#[test]
fn resumes_an_upload() {
    let Some(ncftpput) = need::program("ncftpput") else { return };
    story::resume_upload(&Site::start(), |door, from, name| {
        // -s: with its sendfile it would send the file from the start, behind the part.
        let folder = Path::new(name).parent().expect("the folder of the file").as_os_str();
        call(&ncftpput, door, &["-z".as_ref(), "-s".as_ref(), Door::HOST.as_ref(), folder, from.as_os_str()])
            .good();
    });
}

#[test]
fn downloads_odd_names() {
    let Some(ncftpget) = need::program("ncftpget") else { return };
    story::odd_names_down(&Site::start(), &[], |door, name, to| get(&ncftpget, &[], door, name, to));
}

#[test]
fn uploads_odd_names() {
    let Some(ncftpput) = need::program("ncftpput") else { return };
    story::odd_names_up(&Site::start(), &[], |door, from, name| put(&ncftpput, door, from, name));
}

#[test]
fn downloads_a_tree() {
    let Some(ncftpget) = need::program("ncftpget") else { return };
    story::tree_down(&Site::start(), |door, here| {
        // It makes the folder `tree` itself.
        let above = here.with_file_name("above");
        std::fs::create_dir(&above).expect("a folder beside the other");
        let arguments =
            ["-R".as_ref(), "-T".as_ref(), Door::HOST.as_ref(), above.as_os_str(), "tree".as_ref()];
        call(&ncftpget, door, &arguments).good();
        std::fs::rename(above.join("tree"), here).expect("the tree it has made");
    });
}

#[test]
fn uploads_a_tree() {
    let Some(ncftpput) = need::program("ncftpput") else { return };
    story::tree_up(&Site::start(), |door, here| {
        call(&ncftpput, door, &["-R".as_ref(), Door::HOST.as_ref(), "/".as_ref(), here.as_os_str()]).good();
    });
}

fn call(program: &Path, door: &Door, arguments: &[&OsStr]) -> Said {
    let port = door.port.to_string();
    let mut call =
        command(program, ["-u", door.user, "-p", door.password, "-P", &port, "-t", "30", "-r", "1"]);
    // ncftpls has no meter to switch off.
    if !program.ends_with("ncftpls") {
        call.arg("-V");
    }
    run(call.args(arguments))
}

fn get(ncftpget: &Path, flags: &[&str], door: &Door, name: &OsStr, to: &Path) {
    let mut arguments: Vec<&OsStr> = flags.iter().map(OsStr::new).collect();
    arguments.extend(["-C".as_ref(), Door::HOST.as_ref(), name, to.as_os_str()]);
    call(ncftpget, door, &arguments).good();
}

fn put(ncftpput: &Path, door: &Door, from: &Path, name: &OsStr) {
    call(ncftpput, door, &["-C".as_ref(), Door::HOST.as_ref(), from.as_os_str(), name]).good();
}
