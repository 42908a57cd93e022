//! Being killed in the middle: what was acknowledged is there, what was not is resumable.
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use storage::local::{Local, LocalOptions, Sync};
use storage::{Create, Kind, Tree};

use crate::site::{OPEN, STARTING, Site, at, refused};

/// Set for the child only: the folder it is to share.
const FOLDER: &str = "STORAGE_TEST_FOLDER";

/// The same for the child that appends.
const APPENDING: &str = "STORAGE_TEST_APPENDING";

/// Not a test by itself: what the child below does, until it is killed.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let tree = Local::open(&folder, LocalOptions { sync: Sync::Always, ..OPEN }).unwrap();
    let mut whole = tree.create(&at("/whole"), Create::Replace).await.unwrap();
    whole.write(b"acknowledged").await.unwrap();
    whole.commit().await.unwrap();
    let mut first = tree.create(&at("/broken"), Create::Replace).await.unwrap();
    first.write(&[b'1'; 5000]).await.unwrap();
    let mut second = tree.create(&at("/broken"), Create::Replace).await.unwrap();
    second.write(b"2").await.unwrap();
    std::io::stderr().write_all(b"written\n").unwrap();
    // Until the parent kills it (or is gone itself).
    let _ = std::io::stdin().read(&mut [0]);
}

/// Starts one of the tests here as a process of its own; what it says is read.
async fn start(test: &str, variables: &[(&str, OsString)]) -> (Child, BufReader<ChildStderr>) {
    let _starting = STARTING.lock().await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs(variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    (child, said)
}

#[tokio::test]
async fn a_killed_process_leaves_whole_files_and_a_part_to_resume() {
    let site = Site::new();
    let (mut child, mut reader) = start("kills::child", &[(FOLDER, site.root().into())]).await;
    let mut said = String::new();
    reader.read_line(&mut said).unwrap();
    assert_eq!(said, "written\n");

    // While it lives, another process cannot take its part for a broken one.
    assert_eq!(refused(site.create("/broken", Create::Append { at: None }).await), Kind::Busy);
    assert_eq!(site.kept("/broken").await, None);
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(site.read("/whole").await.unwrap(), b"acknowledged");
    assert_eq!(site.kept("/broken").await, Some(5000));
    assert_eq!(site.list("/").await.unwrap().len(), 1);
    site.upload("/broken", Create::Resume { at: 5000 }, b"the rest").await.unwrap();
    assert_eq!(site.read("/broken").await.unwrap(), [&[b'1'; 5000][..], b"the rest"].concat());
    // The second upload's spare part is nobody's to resume; the sweep takes it at once.
    assert_eq!(site.parts(""), 1);
    assert_eq!(site.tree.sweep(std::time::SystemTime::now()).await.unwrap().removed, 1);
    assert_eq!(site.really(""), ["broken", "whole"]);
}

/// Not a test by itself: fifty sessions that append rows to five files and say which are acknowledged, until
/// it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appending_child() {
    let Some(folder) = std::env::var_os(APPENDING).map(PathBuf::from) else { return };
    let round = std::env::var("STORAGE_TEST_ROUND").unwrap();
    let sync = if round.ends_with('0') { Sync::Always } else { Sync::Never };
    let tree = Local::open(&folder, LocalOptions { sync, ..OPEN }).unwrap();
    for session in 0..50_usize {
        let (tree, round) = (tree.clone(), round.clone());
        tokio::spawn(async move {
            for n in 0.. {
                let name = format!("/{}", (session + n) % 5);
                let mut row = format!("{round}-{session}-{n}-").into_bytes();
                // Long ones take several writes, between which the process may be killed.
                row.resize(row.len() + if n % 10 == 9 { 1_000_000 } else { session * n % 5000 }, b'x');
                row.push(b'\n');
                let mut sink = tree.create(&at(&name), Create::Append { at: None }).await.unwrap();
                sink.write(&row).await.unwrap();
                sink.commit().await.unwrap();
                let acknowledged = format!("{name} {round}-{session}-{n}-\n");
                std::io::stderr().write_all(acknowledged.as_bytes()).unwrap();
            }
        });
    }
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
}

#[tokio::test]
async fn a_process_killed_among_fifty_appends_leaves_every_acknowledged_row_once_and_whole() {
    let site = Site::new();
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    for round in 0..4 {
        let variables =
            [(APPENDING, site.root().into()), ("STORAGE_TEST_ROUND", format!("round{round}").into())];
        let (mut child, mut said) = start("kills::appending_child", &variables).await;
        let mut line = String::new();
        for _ in 0..200 + 150 * round {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the child ended by itself");
            let (file, row) = line.trim_end().split_once(' ').expect("a file and a row");
            acknowledged.push((file.to_owned(), row.to_owned()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it was killed counts too.
        let mut rest = String::new();
        let _ = said.read_to_string(&mut rest);
        let whole = rest.rfind('\n').map_or("", |end| &rest[..end]);
        let pairs = whole.lines().filter_map(|line| line.split_once(' '));
        acknowledged.extend(pairs.map(|(file, row)| (file.to_owned(), row.to_owned())));
        // As at every start. The next round's first appends would do the same.
        if round % 2 == 0 {
            site.tree.sweep(std::time::SystemTime::now()).await.unwrap();
        } else {
            for name in 0..5 {
                site.upload(&format!("/{name}"), Create::Append { at: None }, b"").await.unwrap();
            }
        }
        for name in 0..5 {
            let name = format!("/{name}");
            let text = String::from_utf8(site.read(&name).await.unwrap()).unwrap();
            assert!(text.ends_with('\n') && text.starts_with("round"), "{name} has half a row");
            let mut rows: Vec<&str> = text.lines().map(|row| row.trim_end_matches('x')).collect();
            assert!(rows.iter().all(|row| row.ends_with('-') && row.matches('-').count() == 3), "half a row");
            rows.sort_unstable();
            let count = rows.len();
            rows.dedup();
            assert_eq!(rows.len(), count, "{name} has a row twice");
            for (_, row) in acknowledged.iter().filter(|(file, _)| *file == name) {
                assert!(rows.binary_search(&row.as_str()).is_ok(), "{name} lacks {row}");
            }
        }
    }
}
