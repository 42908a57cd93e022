//! Can our client use everybody's servers?
//!
//! Every server goes through the same stories. What one of them cannot do by its own fault is said where the
//! servers are named, at the end.

use std::ffi::OsStr;
use std::fs;

use super::story::{LARGE, PART};
use crate::harness::files::{assert_same, assert_same_file, odd_names, write, write_odd, write_tree};
use crate::harness::need;
use crate::harness::ours::pasv;
use crate::harness::peer::Peer;
use crate::harness::process::{command, run};
use crate::harness::site::Site;

/// A server that curl cannot use is set up wrongly, and then a failure of ours beside it would say nothing.
fn is_fit_for_the_test(peer: &Peer) {
    let Some(curl) = need::program("curl") else { return };
    let here = peer.beside("here");
    let there = write(&peer.files(), "down.bin", 1, 200_000);
    peer.own();
    run(command(&curl, ["-q", "-sS", "-o"]).arg(here.join("down.bin")).arg(peer.url("down.bin"))).good();
    assert_same_file(&there, &here.join("down.bin"));
    let from = write(&here, "up.bin", 2, 200_000);
    run(command(&curl, ["-q", "-sS", "-T"]).arg(&from).arg(peer.url("up.bin"))).good();
    assert_same_file(&from, &peer.files().join("up.bin"));
}

fn lists(peer: &Peer, except: &[&str]) {
    let names = odd_names(except);
    write_odd(&peer.files(), &names);
    fs::create_dir(peer.files().join("inner")).expect("a folder on the site");
    peer.own();
    let said = pasv(["ls", "--json", &peer.url("")]).good();
    let mut listed: Vec<(String, Option<u64>)> = String::from_utf8_lossy(&said.out)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON object a line"))
        .map(|entry| (entry["name"].as_str().unwrap_or_default().to_owned(), entry["size"].as_u64()))
        .collect();
    let size = |name: &OsStr| fs::metadata(peer.files().join(name)).expect("a file of the site").len();
    let mut expected: Vec<_> =
        names.iter().map(|name| (name.to_string_lossy().into_owned(), Some(size(name)))).collect();
    // What a directory's size means differs from server to server.
    listed.iter_mut().filter(|(name, _)| name == "inner").for_each(|(_, size)| *size = None);
    expected.push(("inner".to_owned(), None));
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

fn downloads(peer: &Peer, flags: &[&str]) {
    let here = peer.beside("here");
    for (name, length) in [("large.bin", LARGE), ("empty.bin", 0)] {
        let there = write(&peer.files(), name, 1, length);
        peer.own();
        let url = peer.url(name);
        pasv(
            ["get", "-O"]
                .map(OsStr::new)
                .into_iter()
                .chain([here.as_os_str(), url.as_ref()])
                .chain(words(flags)),
        )
        .good();
        assert_same_file(&there, &here.join(name));
    }
}

fn uploads(peer: &Peer, flags: &[&str]) {
    for (name, seed, length) in [("large.bin", 1, LARGE), ("empty.bin", 2, 0), ("large.bin", 3, PART)] {
        let from = write(&peer.beside("here"), name, seed, length);
        let url = peer.url("");
        pasv(["put".as_ref(), from.as_os_str(), url.as_ref()].into_iter().chain(words(flags))).good();
        assert_same_file(&from, &peer.files().join(name));
    }
}

fn resumes_a_download(peer: &Peer) {
    let there = write(&peer.files(), "large.bin", 1, LARGE);
    let to = write(&peer.beside("here"), "large.bin", 2, PART);
    peer.own();
    pasv(["get".as_ref(), "-c".as_ref(), "-o".as_ref(), to.as_os_str(), peer.url("large.bin").as_ref()])
        .good();
    // What is there is not the start of the site's file: once, the two were joined.
    assert_same_file(&there, &to);
}

fn resumes_an_upload(peer: &Peer) {
    let there = write(&peer.files(), "large.bin", 1, PART);
    let from = write(&peer.beside("here"), "large.bin", 2, LARGE);
    peer.own();
    pasv(["put".as_ref(), "-c".as_ref(), from.as_os_str(), peer.url("large.bin").as_ref()]).good();
    // What is there is not the start of our file: once, the two were joined.
    assert_same_file(&from, &there);
}

fn downloads_odd_names(peer: &Peer, except: &[&str]) {
    let (here, names) = (peer.beside("here"), odd_names(except));
    write_odd(&peer.files(), &names);
    peer.own();
    for name in &names {
        let to = here.join(name);
        pasv(["get".as_ref(), "-o".as_ref(), to.as_os_str(), peer.url(name).as_ref()]).good();
    }
    assert_same(&peer.files(), &here);
}

fn uploads_odd_names(peer: &Peer, except: &[&str]) {
    let (here, names) = (peer.beside("here"), odd_names(except));
    write_odd(&here, &names);
    for name in &names {
        pasv(["put".as_ref(), here.join(name).as_os_str(), peer.url(name).as_ref()]).good();
    }
    assert_same(&here, &peer.files());
}

/// The tree holds the odd names too: here they go through the server's listing.
fn downloads_a_tree(peer: &Peer, except: &[&str]) {
    let (here, there) = (peer.beside("here"), peer.files().join("tree"));
    write_tree(&there);
    write_odd(&there.join("odd"), &odd_names(except));
    peer.own();
    pasv(["get".as_ref(), "-r".as_ref(), "-O".as_ref(), here.as_os_str(), peer.url("tree").as_ref()]).good();
    assert_same(&there, &here.join("tree"));
}

fn uploads_a_tree(peer: &Peer, except: &[&str]) {
    let here = peer.beside("tree");
    write_tree(&here);
    write_odd(&here.join("odd"), &odd_names(except));
    pasv(["put".as_ref(), "-r".as_ref(), here.as_os_str(), peer.url("").as_ref()]).good();
    assert_same(&here, &peer.files().join("tree"));
}

fn keeps_house(peer: &Peer) {
    let files = peer.files();
    pasv(["mkdir", &peer.url("one"), &peer.url("one/two")]).good();
    assert!(files.join("one/two").is_dir());
    let there = write(&files.join("one"), "file.bin", 1, 12_345);
    peer.own();
    let said = pasv(["cat", &peer.url("one/file.bin")]).good();
    assert!(said.out == fs::read(&there).expect("the site's file"), "{} bytes came", said.out.len());
    let said = pasv(["stat", "--json", &peer.url("one/file.bin")]).good();
    let told: serde_json::Value = serde_json::from_slice(&said.out).expect("a JSON object");
    assert_eq!(told["size"], 12_345, "{told}");
    pasv(["mv", &peer.url("one/file.bin"), &peer.url("one/two/new name.bin")]).good();
    assert!(!there.exists() && files.join("one/two/new name.bin").exists());
    let said = pasv(["rmdir", &peer.url("one")]);
    assert_eq!(said.status.code(), Some(1), "a directory that is not empty: {}", said.err);
    pasv(["rm", "-r", &peer.url("one")]).good();
    assert!(!files.join("one").exists());
}

fn refuses_what_is_not_there(peer: &Peer) {
    let to = peer.beside("here").join("none");
    let said = pasv(["get".as_ref(), "-o".as_ref(), to.as_os_str(), peer.url("none").as_ref()]);
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(!to.exists() && fs::read_dir(peer.beside("here")).expect("our folder").next().is_none());
}

/// `pasv serve ftp://...` in front of it.
fn is_served_through_a_proxy(peer: &Peer) {
    let proxy = Site::proxy(&peer.url(""), &["--no-active"]);
    let pasv = |arguments: &[&OsStr]| {
        let flags = ["--tls", "required", "--insecure"].map(OsStr::new);
        pasv(arguments.iter().copied().chain(flags)).good()
    };
    let (here, url) = (peer.beside("here"), |path: &str| proxy.door.url(path));
    let up = write(&here, "up.bin", 1, LARGE);
    pasv(&["put".as_ref(), up.as_ref(), url("a b").as_ref()]);
    assert_same_file(&up, &peer.files().join("a b"));
    let listed = pasv(&["ls".as_ref(), "--json".as_ref(), url("").as_ref()]).text();
    assert!(listed.contains("\"a b\"") && listed.contains(&LARGE.to_string()), "{listed}");
    let down = write(&here, "down.bin", 1, PART);
    pasv(&["get".as_ref(), "-c".as_ref(), "-o".as_ref(), down.as_ref(), url("a b").as_ref()]);
    assert_same_file(&up, &down);
    // Replaced, renamed, removed.
    let other = write(&here, "other.bin", 2, PART);
    pasv(&["put".as_ref(), other.as_ref(), url("a b").as_ref()]);
    pasv(&["mv".as_ref(), url("a b").as_ref(), url("moved").as_ref()]);
    assert_same_file(&other, &peer.files().join("moved"));
    pasv(&["rm".as_ref(), url("moved").as_ref()]);
    write_tree(&here.join("tree"));
    pasv(&["put".as_ref(), "-r".as_ref(), here.join("tree").as_ref(), url("").as_ref()]);
    assert_same(&here.join("tree"), &peer.files().join("tree"));
    pasv(&["rm".as_ref(), "-r".as_ref(), url("tree").as_ref()]);
    assert!(fs::read_dir(peer.files()).expect("the site's folder").next().is_none());
}

fn words<'a>(flags: &'a [&str]) -> impl Iterator<Item = &'a OsStr> {
    flags.iter().map(OsStr::new)
}

macro_rules! servers {
    ($($(#[doc = $why:literal])* $server:ident except $except:expr;)+) => {
        $($(#[doc = $why])* mod $server {
            use super::Peer;

            servers!(@story $server: is_fit_for_the_test());
            servers!(@story $server: lists($except));
            servers!(@story $server: downloads(&[]));
            servers!(@story $server: uploads(&[]));
            servers!(@story $server: resumes_a_download());
            servers!(@story $server: resumes_an_upload());
            servers!(@story $server: downloads_odd_names($except));
            servers!(@story $server: uploads_odd_names($except));
            servers!(@story $server: downloads_a_tree($except));
            servers!(@story $server: uploads_a_tree($except));
            servers!(@story $server: keeps_house());
            servers!(@story $server: refuses_what_is_not_there());
            servers!(@story $server: is_served_through_a_proxy());

            #[test]
            fn moves_files_in_active_mode() {
                let Some(peer) = Peer::$server() else { return };
                super::downloads(&peer, &["--mode", "active"]);
                super::uploads(&peer, &["--mode", "active"]);
            }

            #[test]
            fn moves_files_from_the_next_port() {
                let Some(peer) = Peer::$server() else { return };
                super::downloads(&peer, &["--mode", "passive", "--data-port", "next"]);
            }
        })+
    };
    (@story $server:ident: $story:ident($($argument:expr)?)) => {
        #[test]
        fn $story() {
            let Some(peer) = Peer::$server() else { return };
            super::$story(&peer $(, $argument)?);
        }
    };
}

servers! {
    vsftpd except &[];
    proftpd except &[];
    /// It stores blanks at the edge of a name as underscores, and refuses a backslash.
    pureftpd except &["edge", "backslash"];
    /// It takes names that are not UTF-8 for text with faults, and gives them others.
    pyftpdlib except &["latin-1"];
}
