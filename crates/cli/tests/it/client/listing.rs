//! What do `ls`, `stat` and `mv` make of names, sizes and times?
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, UNIX_EPOCH};

use super::pasv;
use crate::harness::files::write;
use crate::harness::process::{Said, run};
use crate::harness::site::Site;

fn names(said: &Said) -> Vec<&str> {
    std::str::from_utf8(&said.out).unwrap().lines().map(|line| line.rsplit(' ').next().unwrap()).collect()
}

#[test]
fn listings_for_people_and_for_scripts() {
    let site = Site::clear();
    for (name, length, time) in [("old", 2000, 1), ("big", 3_000_000, 3), ("new", 10, 5)] {
        write(site.root(), name, 1, length);
        let file = File::options().write(true).open(site.root().join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000 + time)).unwrap();
    }
    let ls = |flags: &[&str]| run(pasv(["ls"]).args(flags).arg(site.door.bare_url("")));
    assert_eq!(names(&ls(&[]).good()), ["big", "new", "old"]);
    assert_eq!(names(&ls(&["-t"]).good()), ["new", "big", "old"]);
    assert_eq!(names(&ls(&["-S"]).good()), ["big", "old", "new"]);
    let long = String::from_utf8(ls(&["-l", "--human"]).good().out).unwrap();
    assert!(long.starts_with("-rw") && long.contains(" 2.9M 2023-11-14 22:13 big\n"), "{long}");
    // A pipe has no colour.
    fs::create_dir(site.root().join("dir")).unwrap();
    assert_eq!(names(&ls(&["-1"]).good()), ["big", "dir", "new", "old"]);
    assert_eq!(ls(&["-0"]).good().out, b"big\0dir\0new\0old\0");
}

/// A script had to undo escapes, or to read JSON, for names that are not plain text.
#[test]
fn names_go_into_a_pipe_as_they_are() {
    let site = Site::clear();
    let name: &[u8] = b"back\\slash \xe9\x1b[2J";
    fs::write(site.root().join(OsStr::from_bytes(name)), "").unwrap();
    let ls = |flag: &str| run(pasv(["ls", flag]).arg(site.door.bare_url(""))).good().out;
    assert_eq!(ls("-1"), [name, b"\n"].concat());
    assert_eq!(ls("--null"), [name, b"\0"].concat());
    // Lines for people hold no control characters wherever they go.
    assert!(ls("-l").ends_with(b" back\\\\slash \\xe9\\x1b[2J\n"));
}

#[test]
fn several_directories_have_headings_and_a_missing_one_does_not_end_it() {
    let site = Site::clear();
    write(site.root(), "one/a", 1, 1);
    write(site.root(), "two/b", 1, 1);
    let urls = ["one", "missing", "two"].map(|path| site.door.bare_url(path));
    let said = run(pasv(["ls", "-1"]).args(&urls));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    let [one, _, two] = &urls;
    assert_eq!(String::from_utf8(said.out).unwrap(), format!("{one}:\na\n\n{two}:\nb\n"));
    let said = run(pasv(["ls", "--json"]).args([one, two])).good();
    let lines: Vec<serde_json::Value> =
        said.out.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!((&lines[1]["name"], &lines[1]["url"]), (&"b".into(), &two.as_str().into()));
}

#[test]
fn stat_and_mv_use_the_last_name() {
    let site = Site::clear();
    write(site.root(), "pub/a", 1, 5);
    let said = run(pasv(["stat"]).arg(site.door.bare_url("pub/a"))).good();
    assert!(said.out.starts_with(b"name:     a\ntype:     file\nsize:     5\n"), "{said:?}");
    run(pasv(["mv"]).arg(site.door.url("pub/a")).arg("two words")).good();
    fs::create_dir(site.root().join("pub/deep")).unwrap();
    run(pasv(["mv"]).arg(site.door.url("pub/two words")).arg("deep/")).good();
    assert!(site.root().join("pub/deep/two words").is_file());
}

#[test]
fn no_clobber_replaces_nothing() {
    let site = Site::clear();
    let here = site.beside("here");
    write(site.root(), "a", 1, 5);
    write(site.root(), "b", 1, 5);
    let mine = write(&here, "a", 2, 7);
    let said = run(pasv(["get", "-n", "-O"]).arg(&here).args([site.door.url("a"), site.door.url("b")]));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(said.err.contains("exists"), "{}", said.err);
    assert_eq!(fs::metadata(&mine).unwrap().len(), 7);
    assert!(here.join("b").is_file());
    let other = write(&here, "c", 2, 7);
    let said = run(pasv(["put", "--no-clobber"]).args([&mine, &other]).arg(site.door.url("")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert_eq!(fs::metadata(site.root().join("a")).unwrap().len(), 5);
    assert_eq!(fs::metadata(site.root().join("c")).unwrap().len(), 7);
}
