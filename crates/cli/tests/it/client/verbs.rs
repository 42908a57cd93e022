//! Do the verbs move what they should, byte for byte, against our own site?
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use testbed::peer::{Odd, Server};

use super::pasv;
use crate::harness::files::{
    assert_same, assert_same_file, content, odd_names, write, write_odd, write_tree,
};
use crate::harness::process::{run, run_with};
use crate::harness::site::Site;

#[test]
fn one_file_there_and_back_in_every_mode() {
    let site = Site::start();
    let here = site.beside("here");
    let up = write(&here, "up.bin", 1, 3_000_007);
    for (n, flags) in [
        &["--mode", "auto"][..],
        &["--mode", "passive", "--data-port", "next"],
        &["--mode", "active"],
        &["--mode", "active", "--data-port", "next"],
    ]
    .iter()
    .enumerate()
    {
        let name = format!("file {n}");
        run(pasv(["put"]).args(*flags).arg(&up).arg(site.door.url(&name))).good();
        assert_same_file(&up, &site.root().join(&name));
        run(pasv(["get"]).args(*flags).arg("-O").arg(&here).arg(site.door.bare_url(&name))).good();
        assert_same_file(&up, &here.join(&name));
        let cat = run(pasv(["cat"]).args(*flags).arg(site.door.bare_url(&name))).good();
        assert!(cat.out == fs::read(&up).unwrap(), "cat of {name} differs");
    }
}

#[test]
fn next_means_the_control_connections_port_plus_one() {
    let site = Site::start();
    write(site.root(), "a", 1, 10);
    let said = run(pasv(["get", "-v", "--data-port", "next", "-o", "-"]).arg(site.door.bare_url("a"))).good();
    let port = |line: &str| -> u16 {
        let (_, rest) = said.err.split_once(line).unwrap_or_else(|| panic!("no {line} in {}", said.err));
        let (_, rest) = rest.split_once("client 127.0.0.1:").unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(port("* control:") + 1, port("* data:"));
    assert_eq!(said.out, content(1, 10));
}

#[test]
fn a_tree_or_a_file_with_r_makes_the_directories_of_the_url() {
    let site = Site::start();
    let here = site.beside("here");
    let file = write(&here.join("tree"), "f", 1, 100);
    for (what, url, there) in [
        (here.join("tree"), "a/b/", "a/b/tree/f"),
        (here.join("tree"), "c/d/e", "c/d/e/f"),
        (file.clone(), "g/h/", "g/h/f"),
        (here.join("tree"), "a/b/", "a/b/tree/f"),
    ] {
        run(pasv(["put", "-r"]).arg(what).arg(site.door.url(url))).good();
        assert_same_file(&file, &site.root().join(there));
    }
    // A name that is a file already is an error, not something that was skipped.
    let said = run(pasv(["put", "-r"]).arg(here.join("tree")).arg(site.door.url("a/b/tree/f")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(said.err.contains("\nerror: ") && !said.err.contains("skipped"), "{}", said.err);
}

#[test]
fn output_that_cannot_be_written_is_named_and_exits_2() {
    let site = Site::clear();
    write(site.root(), "f", 1, 100_000);
    let url = site.door.url("f");
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for (flags, to) in [
        (&["cat"][..], "stdout"),
        (&["ls"], "stdout"),
        (&["stat"], "stdout"),
        (&["get", "-o", "-"], "stdout"),
        (&["get", "-o", "/dev/full"], "/dev/full"),
    ] {
        let out = pasv(flags).args(["--tls", "off", &url]).stdout(full()).output().unwrap();
        let err = String::from_utf8(out.stderr).unwrap();
        assert_eq!(err, format!("error: cannot write to {to}: no space left on device\n"), "{flags:?}");
        assert_eq!(out.status.code(), Some(2), "{flags:?}");
    }
}

#[test]
fn a_tree_goes_up_and_comes_back() {
    let site = Site::start();
    let here = site.beside("here");
    let tree = here.join("tree");
    write_tree(&tree);
    write_odd(&tree.join("odd"), &odd_names(&[]));
    fs::create_dir(tree.join("empty")).unwrap();
    let old = UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    fs::File::open(tree.join("odd/a#b")).unwrap().set_modified(old).unwrap();

    fs::File::open(tree.join("empty")).unwrap().set_modified(old).unwrap();

    run(pasv(["put", "-r"]).arg(&tree).arg(site.door.url(""))).good();
    // Once more: what is there already is no mistake.
    run(pasv(["put", "-r"]).arg(&tree).arg(site.door.url(""))).good();
    assert_same(&tree, &site.root().join("tree"));
    assert!(site.root().join("tree/empty").is_dir());

    let back = site.beside("back");
    run(pasv(["get", "-r", "-O"]).arg(&back).arg(site.door.bare_url("tree"))).good();
    assert_same(&tree, &back.join("tree"));
    assert!(back.join("tree/empty").is_dir());
    for name in ["tree/odd/a#b", "tree/empty"] {
        assert_eq!(fs::metadata(back.join(name)).unwrap().modified().unwrap(), old, "{name}");
    }

    run(pasv(["rm", "-r"]).arg(site.door.url("tree"))).good();
    assert!(!site.root().join("tree").exists());
}

#[test]
fn broken_transfers_are_gone_on_with() {
    let site = Site::start();
    let here = site.beside("here");
    let whole = write(site.root(), "big", 3, 500_000);
    fs::File::open(&whole).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1_234_567_890)).unwrap();
    // Down: a shorter file of somebody else's, which the site's HASH proves to be the start.
    fs::write(here.join("big"), content(3, 200_000)).unwrap();
    let said = run(pasv(["get", "-c", "-v", "-O"]).arg(&here).arg(site.door.bare_url("big"))).good();
    assert_same_file(&whole, &here.join("big"));
    assert!(said.err.contains(&format!("> REST {}\n", 200_000 - 65_536)), "{}", said.err);
    // What is whole already is left alone; what is not the start of it is fetched again.
    let said = run(pasv(["get", "-c", "-v", "-O"]).arg(&here).arg(site.door.bare_url("big"))).good();
    assert!(!said.err.contains("> RETR"), "{}", said.err);
    for other in [content(3, 500_001), content(4, 500_000), content(4, 100_000)] {
        fs::write(here.join("big"), other).unwrap();
        let said = run(pasv(["get", "-c", "-O"]).arg(&here).arg(site.door.bare_url("big"))).good();
        assert!(said.err.contains("as a partial copy; downloading it again from the start"), "{}", said.err);
        assert_same_file(&whole, &here.join("big"));
    }
    // Up.
    let up = write(&here, "up", 4, 400_000);
    fs::write(site.root().join("up"), content(4, 123_456)).unwrap();
    run(pasv(["put", "-c"]).arg(&up).arg(site.door.url("up"))).good();
    assert_same_file(&up, &site.root().join("up"));
}

#[test]
fn directories_names_and_facts() {
    let site = Site::start();
    run(pasv(["mkdir"]).arg(site.door.url("new"))).good();
    assert_eq!(run(pasv(["mkdir"]).arg(site.door.url("new"))).status.code(), Some(1));
    for _ in 0..2 {
        run(pasv(["mkdir", "-p"]).arg(site.door.url("new/deep/er/"))).good();
    }
    assert!(site.root().join("new/deep/er").is_dir());
    run(pasv(["rm", "-r"]).arg(site.door.url("new/deep"))).good();
    write(site.root(), "new/a", 1, 42);
    run(pasv(["mv"]).arg(site.door.url("new/a")).arg(site.door.url("new/two words"))).good();
    let names = run(pasv(["ls", "-1"]).arg(site.door.bare_url("new"))).good();
    assert_eq!(names.out, b"two words\n");
    let listed = run(pasv(["ls", "--json"]).arg(site.door.bare_url("new"))).good();
    let entry: serde_json::Value = serde_json::from_slice(&listed.out).unwrap();
    assert_eq!(
        (&entry["name"], &entry["type"], &entry["size"]),
        (&"two words".into(), &"file".into(), &42.into())
    );
    let told = run(pasv(["stat", "--json"]).arg(site.door.bare_url("new/two words"))).good();
    let entry: serde_json::Value = serde_json::from_slice(&told.out).unwrap();
    assert_eq!((&entry["type"], &entry["size"]), (&"file".into(), &42.into()));
    run(pasv(["rm"]).arg(site.door.url("new/two words"))).good();
    run(pasv(["rmdir"]).arg(site.door.url("new"))).good();
    assert!(!site.root().join("new").exists());
}

#[test]
fn text_and_pipes() {
    let site = Site::start();
    run_with(pasv(["put", "--type", "a", "-"]).arg(site.door.url("text")), b"one\ntwo\n").good();
    assert_eq!(fs::read(site.root().join("text")).unwrap(), b"one\ntwo\n");
    let url = format!("{};type=a", site.door.bare_url("text"));
    assert_eq!(run(&mut pasv(["cat", &url])).good().out, b"one\ntwo\n");
    let bytes = content(9, 200_000);
    run_with(pasv(["put", "-"]).arg(site.door.url("piped")), &bytes).good();
    assert!(fs::read(site.root().join("piped")).unwrap() == bytes, "a pipe was stored differently");
}

#[test]
fn an_absolute_path_begins_with_an_encoded_slash() {
    let site = Site::start();
    write(site.root(), "d/a", 1, 3);
    let url = format!("ftp://{}:{}/%2Fd/a", "127.0.0.1", site.door.port);
    assert_eq!(run(&mut pasv(["cat", &url])).good().out, content(1, 3));
}

#[test]
fn the_demo_and_the_trace_draw_both_connections() {
    let demo = run(&mut pasv(["demo", "--size", "70000"])).good();
    let drawn = String::from_utf8(demo.out).unwrap();
    assert_eq!(drawn.matches("control connection =").count(), 2, "{drawn}");
    assert!(
        drawn.contains("passive: the client connects again") && drawn.contains("active: the server connects"),
        "{drawn}"
    );
    assert!(drawn.contains("n+1") && drawn.contains("|<===="), "{drawn}");
    assert_eq!(drawn.matches(" 70,000 bytes ").count(), 2, "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");

    let site = Site::start();
    write(site.root(), "a", 1, 10);
    let trace = run(pasv(["trace"]).arg(site.door.url("a"))).good();
    let drawn = String::from_utf8(trace.out).unwrap();
    assert!(drawn.contains("data connection") && drawn.contains("RETR a"), "{drawn}");
    assert!(drawn.contains("PASS ***") && !drawn.contains(site.door.password), "{drawn}");
    let wide = run(pasv(["trace"]).arg(site.door.url("a")).env("COLUMNS", "120")).good();
    let longest = String::from_utf8(wide.out).unwrap().lines().map(|line| line.chars().count()).max();
    assert_eq!(longest, Some(120), "the ports end at the edge");
}

#[test]
fn a_trace_stops_when_it_has_seen_enough() {
    let site = Site::start();
    write(site.root(), "big", 1, 8_000_000);
    write(site.root(), "exact", 1, 65_536);
    let trace = |name: &str, bytes: &str| {
        let said = run(pasv(["trace", "--bytes", bytes]).arg(site.door.url(name))).good();
        String::from_utf8(said.out).unwrap()
    };
    let drawn = trace("big", "64K");
    let place = |words: &str| drawn.find(words).unwrap_or_else(|| panic!("{words}: {drawn}"));
    assert!(place(" 150 ") < place("bytes, then stopped"), "{drawn}");
    assert!(place("bytes, then stopped") < place("QUIT"), "the session goes on: {drawn}");
    assert!(trace("exact", "64K").contains(" 65,536 bytes ="));
    assert!(trace("big", "all").contains(" 8,000,000 bytes ="));
    assert_eq!(run(&mut pasv(["trace", "--bytes", "x", "ftp://h/"])).status.code(), Some(2));
}

/// Where nothing moves any more is where a drawing is needed.
#[test]
fn a_trace_draws_what_it_has_before_it_ends() {
    // It sends nothing, and its end is that of the client.
    let server = Server::start("220 ready", |verb| (verb == "RETR").then(|| Odd::Stalls(Vec::new())));
    let url = server.url("stuck");
    let mut trace = pasv(["trace", "--mode", "passive", &url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut drawn = BufReader::new(trace.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(drawn.any(|line| line.contains("<- 150 here")), "it is drawn when it happens");
    run(Command::new("kill").args(["-INT", &trace.id().to_string()])).good();
    assert_eq!(drawn.count(), 0);
    assert_eq!(trace.wait().unwrap().signal(), Some(2));
}

/// `-o /dev/null`, as root, once put a regular file in the place of the device.
#[test]
fn a_pipe_or_a_device_is_written_to_and_never_replaced() {
    let site = Site::start();
    write(site.root(), "a", 1, 10);
    let here = site.beside("here");
    fs::create_dir_all(&here).unwrap();
    let (pipe, link) = (here.join("pipe"), here.join("link"));
    run(Command::new("mkfifo").arg(&pipe)).good();
    symlink("pipe", &link).unwrap();
    for target in [&pipe, &link] {
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        run(pasv(["get", "-o"]).arg(target).arg(site.door.url("a"))).good();
        assert_eq!(reader.join().unwrap(), content(1, 10));
    }
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let said = run(pasv(["get", "-c", "-o"]).arg(&pipe).arg(site.door.url("a")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
}

#[test]
fn another_file_is_replaced_and_never_extended() {
    let site = Site::start();
    let here = site.beside("here");
    let up = here.join("a");
    // Longer, shorter and as long; the last is of another version of the same length.
    let ours = [
        content(1, 3),
        content(2, 7000),
        b"old-report\n".to_vec(),
        b"NEW REPORT, LONGER\n".to_vec(),
        content(1, 19),
    ];
    for bytes in &ours {
        fs::write(&up, bytes).unwrap();
        run(pasv(["put", "-c"]).arg(&up).arg(site.door.url("a"))).good();
        assert_eq!(fs::read(site.root().join("a")).unwrap(), *bytes);
    }
    let said = run(pasv(["put", "-v", "-c"]).arg(&up).arg(site.door.url("a"))).good();
    assert!(!said.err.contains("STOR"), "{}", said.err);
    // The same bytes with another time are not sent again either, as HASH tells that they are there.
    fs::File::options().write(true).open(&up).unwrap().set_modified(UNIX_EPOCH).unwrap();
    let said = run(pasv(["put", "-v", "-c"]).arg(&up).arg(site.door.url("a"))).good();
    assert!(!said.err.contains("STOR") && said.err.contains("HASH a"), "{}", said.err);
    assert_eq!(fs::metadata(site.root().join("a")).unwrap().modified().unwrap(), UNIX_EPOCH);

    // In a tree too.
    let tree = here.join("tree");
    for bytes in [&b"x\n"[..], b"changed\n", b"CHANGED\n"] {
        write(&tree, "f", 1, 0);
        fs::write(tree.join("f"), bytes).unwrap();
        run(pasv(["put", "-r", "-c"]).arg(&tree).arg(site.door.url(""))).good();
        assert_eq!(fs::read(site.root().join("tree/f")).unwrap(), bytes);
    }
}

/// A link to a directory was told as a directory, and `rm -r` deleted what was in its target.
#[test]
fn rm_r_deletes_links_and_nothing_behind_them() {
    let site = Site::start();
    let root = site.root();
    write(root, "keep/one", 1, 10);
    write(root, "keep/sub/two", 2, 10);
    write(root, "trash/deep/a", 3, 10);
    for (target, link) in [
        ("../keep", "trash/link"),
        ("..", "trash/deep/up"),
        (".", "trash/self"),
        ("../keep/one", "trash/file"),
        ("nowhere", "trash/dangling"),
        ("trash", "whole"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    run(pasv(["rm", "-r"]).arg(site.door.url("whole/"))).good();
    assert!(fs::symlink_metadata(root.join("whole")).is_err() && root.join("trash/deep/a").exists());
    run(pasv(["rm", "-r"]).arg(site.door.url("trash"))).good();
    assert!(!root.join("trash").exists());
    assert_eq!(fs::read(root.join("keep/one")).unwrap(), content(1, 10));
    assert_eq!(fs::read(root.join("keep/sub/two")).unwrap(), content(2, 10));
    let said = run(pasv(["rm", "-r"]).arg(site.door.url("keep/..")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    assert!(root.join("keep/one").exists());
}

/// The second of two files with one name replaced the first at the site.
#[test]
fn two_files_never_become_one_at_the_site() {
    let site = Site::start();
    let here = site.beside("here");
    write(&here, "p/a/x", 1, 10);
    write(&here, "q/a/x", 2, 10);
    for (flags, name) in [(&["put"][..], "a/x"), (&["put", "-c"], "a/x"), (&["put", "-r"], "a")] {
        for other in ["p", "q"] {
            let files = [here.join("p").join(name), here.join(other).join(name)];
            let said = run(pasv(flags).args(&files).arg(site.door.url("")));
            assert_eq!(said.status.code(), Some(2), "{}", said.err);
            assert!(said.err.contains("would both be uploaded as"), "{}", said.err);
            assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
        }
    }
    run(pasv(["put", "-r"]).args([here.join("p/a"), here.join("q")]).arg(site.door.url(""))).good();
    assert_eq!(fs::read(site.root().join("q/a/x")).unwrap(), content(2, 10));
}

/// A pipe has no length, and was stored as an empty file.
#[test]
fn what_has_no_length_is_stored_to_its_end() {
    let site = Site::start();
    let here = site.beside("here");
    let pipe = here.join("pipe");
    run(Command::new("mkfifo").arg(&pipe)).good();
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, content(1, 100_000)).unwrap()
    });
    run(pasv(["put"]).arg(&pipe).arg(site.door.url("a"))).good();
    writer.join().unwrap();
    assert_eq!(fs::read(site.root().join("a")).unwrap(), content(1, 100_000));
    run(pasv(["put", "/proc/version"]).arg(site.door.url("b"))).good();
    assert_eq!(fs::read(site.root().join("b")).unwrap(), fs::read("/proc/version").unwrap());
}

/// The second of two URLs with one last name once replaced what the first had fetched.
#[test]
fn two_urls_never_become_one_file() {
    let site = Site::start();
    write(site.root(), "one/a", 1, 10);
    write(site.root(), "two/a", 2, 10);
    let here = site.beside("here");
    let (one, two) = (site.door.bare_url("one/a"), site.door.bare_url("two/a"));
    for flags in [&["get"][..], &["get", "-r"]] {
        let said = run(pasv(flags).arg("-O").arg(&here).args([&one, &two]));
        assert_eq!(said.status.code(), Some(2), "{}", said.err);
        assert!(said.err.contains("would both be saved as the same file"), "{}", said.err);
        assert_eq!(fs::read_dir(&here).unwrap().count(), 0);
    }
    run(pasv(["get", "-O"]).arg(&here).arg(&one)).good();
    assert_eq!(fs::read(here.join("a")).unwrap(), content(1, 10));
}
