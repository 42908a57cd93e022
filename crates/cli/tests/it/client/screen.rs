//! What does a person see of a transfer?
use std::os::unix::fs::symlink;

use super::pasv;
use crate::harness::files::write;
use crate::harness::process::run;
use crate::harness::site::Site;
use crate::harness::terminal::on_a_terminal;

/// The text, without what moves the cursor.
fn plain(said: &str) -> String {
    let mut out = String::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out.push_str(before);
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).get(1..).unwrap_or_default();
    }
    out + rest
}

#[test]
fn a_file_leaves_a_line_on_a_terminal_and_none_in_a_pipe() {
    let site = Site::clear();
    let here = site.beside("here");
    let name = "日本語のとても長い名前のファイル.iso";
    write(site.root(), name, 1, 3 << 20);
    let url = site.door.url(name);
    let get = || {
        let mut get = pasv(["get", "--tls", "off", "-O"]);
        get.arg(&here).arg(&url);
        get
    };
    for (columns, whole) in [(40, false), (80, true), (120, true)] {
        let (status, said) = on_a_terminal(&mut get(), columns);
        let said = plain(&said);
        let line = said.lines().find(|line| line.contains(" in ")).expect(&said);
        assert!(status.success() && line.contains(".iso  3.00 MiB in 0."), "{said}");
        assert_eq!(line.contains(name), whole, "{columns}: {line}");
    }
    let (_, said) = on_a_terminal(get().arg("-q"), 80);
    assert_eq!(said, "");
    assert_eq!(run(&mut get()).good().err, "");
    let said = run(get().arg("--progress")).good();
    assert!(said.err.starts_with(&format!("{name}  3.00 MiB in 0.")), "{}", said.err);
    // The data went elsewhere.
    let mut get = pasv(["get", "--tls", "off", "-o", "-"]);
    let (_, said) = on_a_terminal(get.arg(&url), 80);
    assert!(plain(&said).contains("  3.00 MiB in 0."), "{said}");
}

#[test]
fn a_tree_leaves_a_summary_and_what_was_skipped_is_always_counted() {
    let site = Site::clear();
    let here = site.beside("here");
    for n in 0..12 {
        write(&here, format!("tree/{n}"), n, 1000);
    }
    let put = |flags: &[&str]| {
        let mut put = pasv(["put", "-r", "--tls", "off"]);
        put.args(flags).arg(here.join("tree")).arg(site.door.url(""));
        put
    };
    let (status, said) = on_a_terminal(&mut put(&[]), 80);
    assert!(status.success() && plain(&said).contains("12 files, 11.72 KiB in 0."), "{said}");
    assert_eq!(run(&mut put(&[])).good().err, "");
    let said = run(&mut put(&["-c", "--progress"])).good();
    assert!(said.err.contains("0 files, 0 B in 0."), "{}", said.err);
    assert!(said.err.ends_with("; 12 already complete\n"), "{}", said.err);
    let lines = run(&mut put(&["--progress"])).good().err;
    assert!(lines.lines().count() == 13 && lines.starts_with("tree/0  1000 B in "), "{lines}");
    symlink("nowhere", here.join("tree/dangling")).unwrap();
    let said = run(&mut put(&[]));
    assert!(said.err.contains("12 files, ") && said.err.ends_with("; 1 skipped\n"), "{}", said.err);
    assert_eq!(said.status.code(), Some(1));

    let mut get = pasv(["get", "-r", "--tls", "off", "-o"]);
    let (status, said) = on_a_terminal(get.arg(here.join("copy")).arg(site.door.url("tree")), 80);
    assert!(status.success() && plain(&said).contains("12 files, 11.72 KiB in 0."), "{said}");
    assert!(here.join("copy/11").is_file());
}
