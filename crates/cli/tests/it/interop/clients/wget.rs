//! How is wget told to do it? One URL per file; it only downloads.

use std::ffi::OsStr;
use std::path::Path;

use crate::harness::files::write;
use crate::harness::need;
use crate::harness::process::{Said, command, run};
use crate::harness::site::Site;
use crate::harness::url::Door;
use crate::interop::story;

#[test]
fn downloads_files_and_trees() {
    let Some(wget) = need::program("wget") else { return };
    // Its page of links, made from LIST.
    story::list(&Site::start(), |door| {
        let said = call(&wget, &["-O", "-", &door.url("shelf/")]);
        Said { out: said.text().replace("&#32;", " ").into_bytes(), ..said }
    });
    for flags in [&[][..], &["--no-passive-ftp"]] {
        story::download(&Site::start(), |door, name, to| get(&wget, flags, door, name, to));
    }
    story::resume_download(&Site::start(), |door, name, to| get(&wget, &["-c"], door, name, to));
    story::odd_names_down(&Site::start(), &[], |door, name, to| get(&wget, &["--no-glob"], door, name, to));
    story::tree_down(&Site::start(), |door, here| {
        let (url, here) = (door.url("tree/"), here.display().to_string());
        call(&wget, &["-r", "-l", "9", "-nH", "--cut-dirs=1", "-P", &here, &url]).good();
    });
}

/// It looks for the name in the listing of the directory above, and says what it has found. It ends well only
/// where that is the first name of all (wget 1.21): with a listing in the order of the disk that was another
/// file each time.
#[test]
fn spiders_a_file_wherever_it_is_listed() {
    let Some(wget) = need::program("wget") else { return };
    let site = Site::start();
    for n in 0..30 {
        write(site.root(), format!("shelf/file-{:02}.bin", n * 7 % 30), n, 100);
    }
    // Where it has TLS; it begins with AUTH.
    let tls = Door { scheme: "ftps", ..site.door.clone() };
    for door in [&site.door, &tls] {
        let spider = |name: &str| {
            call(&wget, &["--no-check-certificate", "--spider", &door.url(format!("shelf/{name}"))])
        };
        let first = spider("file-00.bin");
        if first.err.contains("nsupported scheme") || first.err.contains("not compiled in") {
            need::skip("wget with ftps://", "this one has no TLS");
            continue;
        }
        first.good();
        for n in 1..30 {
            let said = spider(&format!("file-{n:02}.bin"));
            assert!(said.err.contains("exists."), "{}", said.err);
        }
        let missing = spider("file-30.bin");
        assert!(!missing.status.success() && missing.err.contains("No such file"), "{}", missing.err);
    }
}

fn call<A: AsRef<OsStr>>(wget: &Path, arguments: &[A]) -> Said {
    run(command(wget, ["--no-config", "-nv", "--tries=2", "--timeout=30"]).args(arguments))
}

fn get(wget: &Path, flags: &[&str], door: &Door, name: &OsStr, to: &Path) {
    let url = door.url(name);
    let mut arguments: Vec<&OsStr> = flags.iter().map(OsStr::new).collect();
    arguments.extend([OsStr::new("-O"), to.as_os_str(), OsStr::new(&url)]);
    call(wget, &arguments).good();
}
