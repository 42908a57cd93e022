//! How is ncftp told to do it? By its three programs for scripts: ncftpls, ncftpget, ncftpput.

use std::ffi::OsStr;
use std::path::Path;

use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn moves_files_and_trees() {
    let [Some(ls), Some(get), Some(put)] = ["ncftpls", "ncftpget", "ncftpput"].map(need::program) else {
        return;
    };
    for flag in ["-1", "-l"] {
        let url = |door: &Door| door.bare_url("shelf/");
        story::list(&Site::start(), |door| call(&ls, door, &[flag.as_ref(), OsStr::new(&url(door))]));
    }
    // Passive and active.
    for flag in ["-F", "-E"] {
        story::download(&Site::start(), |door, name, to| download(&get, &[flag], door, name, to));
    }
    story::upload(&Site::start(), |door, from, name| upload(&put, door, from, name));
    story::resume_download(&Site::start(), |door, name, to| {
        let folder = to.parent().expect("the folder of the file").as_os_str();
        call(&get, door, &["-z".as_ref(), Door::HOST.as_ref(), folder, name]).good();
    });
    story::resume_upload(&Site::start(), |door, from, name| {
        // -s: with its sendfile it would send the file from the start, behind the part.
        let folder = Path::new(name).parent().expect("the folder of the file").as_os_str();
        call(&put, door, &["-z".as_ref(), "-s".as_ref(), Door::HOST.as_ref(), folder, from.as_os_str()])
            .good();
    });
    story::odd_names_down(&Site::start(), &[], |door, name, to| download(&get, &[], door, name, to));
    story::odd_names_up(&Site::start(), &[], |door, from, name| upload(&put, door, from, name));
    story::tree_down(&Site::start(), |door, here| {
        // It makes the folder `tree` itself.
        let above = here.with_file_name("above");
        std::fs::create_dir(&above).expect("a folder beside the other");
        let arguments =
            ["-R".as_ref(), "-T".as_ref(), Door::HOST.as_ref(), above.as_os_str(), "tree".as_ref()];
        call(&get, door, &arguments).good();
        std::fs::rename(above.join("tree"), here).expect("the tree it has made");
    });
    story::tree_up(&Site::start(), |door, here| {
        call(&put, door, &["-R".as_ref(), Door::HOST.as_ref(), "/".as_ref(), here.as_os_str()]).good();
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

fn download(ncftpget: &Path, flags: &[&str], door: &Door, name: &OsStr, to: &Path) {
    let mut arguments: Vec<&OsStr> = flags.iter().map(OsStr::new).collect();
    arguments.extend(["-C".as_ref(), Door::HOST.as_ref(), name, to.as_os_str()]);
    call(ncftpget, door, &arguments).good();
}

fn upload(ncftpput: &Path, door: &Door, from: &Path, name: &OsStr) {
    call(ncftpput, door, &["-C".as_ref(), Door::HOST.as_ref(), from.as_os_str(), name]).good();
}
