//! Does the program in the documentation of `client` do what it says?

use super::pasv;
use crate::harness::files::{assert_same, write};
use crate::harness::need;
use crate::harness::process::{command, run};
use crate::harness::site::Site;

#[test]
fn a_few_lines_download_a_tree_and_remember_its_certificate() {
    let tests = std::env::current_exe().expect("this test");
    let program = tests.ancestors().nth(2).expect("a target folder").join("examples/download_tree");
    if !program.exists() {
        return need::skip("download_tree", "not built: cargo build --examples -p client");
    }
    let site = Site::with(&["--tls", "required"]);
    let here = site.beside("here");
    for n in 0..5 {
        write(site.root(), format!("pub/{n}/file"), n, 100_000);
    }
    let download = || {
        let mut download = command(&program, [site.door.url("pub/")]);
        download.current_dir(&here).env("XDG_STATE_HOME", here.join("state"));
        download
    };
    let said = run(&mut download()).good();
    let out = String::from_utf8_lossy(&said.out).into_owned();
    assert!(out.contains("warning: first connection") && !out.contains("open sesame"), "{out}");
    assert_same(&site.root().join("pub"), &here.join("copy"));
    // What is complete is left alone, and the certificate is known, to the program too.
    let said = run(&mut download()).good();
    let out = String::from_utf8_lossy(&said.out).into_owned();
    assert!(out.contains("is complete already") && !out.contains("RETR"), "{out}");
    assert!(!out.contains("warning:"), "{out}");
    let mut ls = pasv(["ls", &site.door.url("")]);
    assert_eq!(run(ls.env("XDG_STATE_HOME", here.join("state"))).good().err, "");
}
