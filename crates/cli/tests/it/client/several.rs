//! Of several arguments, is each tried, whatever became of those before it?
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use super::pasv;
use crate::harness::files::{content, write};
use crate::harness::process::run;
use crate::harness::site::Site;

/// A URL of a port where nobody listens.
fn dead_url(path: &str) -> String {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    format!("ftp://127.0.0.1:{port}/{path}")
}

/// `rm`, `cat`, `mkdir` and `rmdir` ended at the first failure.
#[test]
fn a_failure_does_not_keep_the_other_arguments_from_being_tried() {
    let site = Site::clear();
    for name in ["one", "two", "three"] {
        write(site.root(), name, 1, 10);
    }
    let url = |path: &str| site.door.url(path);
    let all = |verb: &[&str], paths: &[&str]| run(pasv(verb).args(paths.iter().map(|path| url(path))));

    let said = all(&["cat"], &["one", "missing", "two"]);
    assert_eq!((said.status.code(), said.out.len()), (Some(1), 20), "{}", said.err);
    assert_eq!(said.err.matches("error: ").count(), 1, "{}", said.err);

    let said = all(&["mkdir"], &["one", "new", "newer"]);
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(site.root().join("new").is_dir() && site.root().join("newer").is_dir());

    let said = all(&["stat"], &["missing", "one", "new"]);
    let out = String::from_utf8(said.out).unwrap();
    assert!(out.contains("/one\nname:     one\n") && out.contains("/new\nname:     new\n"), "{out}");
    assert_eq!(said.status.code(), Some(1), "{}", said.err);

    let said = all(&["rmdir"], &["missing", "new", "newer"]);
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(!site.root().join("newer").exists());

    let said = all(&["rm"], &["missing", "one", "two"]);
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(!site.root().join("one").exists() && !site.root().join("two").exists());

    // All alike: their own code.
    let dead = dead_url("");
    let said = run(pasv(["rm"]).args([format!("{dead}a"), format!("{dead}b")]));
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    assert!(said.err.contains("/b was not tried"), "{}", said.err);
    let said = run(pasv(["rm"]).args([dead, url("three")]));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(!site.root().join("three").exists());

    // A URL that cannot be read is a mistake on the command line: nothing is done.
    write(site.root(), "kept", 1, 10);
    let said = run(pasv(["rm"]).args([url("kept"), "ftp://host:port/".to_owned()]));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    assert_eq!(fs::read(site.root().join("kept")).unwrap(), content(1, 10));
}

#[test]
fn get_and_put_go_on_behind_a_dead_host_and_a_missing_file() {
    let site = Site::clear();
    let here = site.beside("here");
    write(site.root(), "one", 1, 10);
    let said = run(pasv(["get", "-O"]).arg(here.join("new/folder")).args([
        dead_url("a"),
        site.door.url("missing"),
        site.door.url("one"),
    ]));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert_eq!(fs::read(here.join("new/folder/one")).unwrap(), content(1, 10));
    assert_eq!(said.err.matches("error: ").count(), 2, "{}", said.err);
    let two = [site.door.url("missing"), site.door.url("one")];
    let said = run(pasv(["get", "--progress", "-O"]).arg(&here).args(&two));
    assert!(said.err.ends_with("; 1 failed\n"), "{}", said.err);
    let said = run(pasv(["get", "--progress", "-O"]).arg(&here).args(["x", "y"].map(|n| site.door.url(n))));
    assert!(!said.err.contains("0 files"), "{}", said.err);

    let up = write(&here, "up", 2, 10);
    let said = run(pasv(["put"]).args([here.join("missing"), here.clone(), up]).arg(site.door.url("")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert_eq!(fs::read(site.root().join("up")).unwrap(), content(2, 10));
    assert_eq!(said.err.matches("error: ").count(), 2, "{}", said.err);
    let said = run(pasv(["put"]).args([here.join("missing"), here.join("none")]).arg(site.door.url("")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
}

/// A wrong password that is sent for each of many files locks its user out.
#[test]
fn a_site_that_refused_the_login_is_not_asked_again() {
    let site = Site::clear();
    let wrong = |path: &str| format!("ftp://tester:wrong@127.0.0.1:{}/{path}", site.door.port);
    let said = run(pasv(["rm", "-v"]).args(["a", "b", "c"].map(wrong)));
    assert_eq!(said.err.matches("> PASS").count(), 1, "{}", said.err);
    assert!(!said.err.contains("wrong@"), "{}", said.err);
}

#[test]
fn rm_r_reports_what_it_removed() {
    let site = Site::clear();
    write(site.root(), "tree/a", 1, 10);
    write(site.root(), "tree/deep/b", 1, 10);
    let said = run(pasv(["rm", "-r", "-v"]).arg(site.door.url("tree"))).good();
    for line in ["removed \"tree/deep/b\"", "removed directory \"tree\"", "removed 2 files and 2 directories"]
    {
        assert!(said.err.lines().any(|said| said == line), "{line}: {}", said.err);
    }
    write(site.root(), "tree/a", 1, 10);
    let said = run(pasv(["rm", "-r"]).arg(site.door.url("tree"))).good();
    assert!(!said.err.contains("removed"), "{}", said.err);
}
