//! Being killed in the middle: what was acknowledged is there, what was not is resumable.
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use storage::local::{Local, LocalOptions, Sync};
use storage::{Create, Kind, Tree};

use crate::site::{OPEN, STARTING, Site, at, refused};

/// Set for the child only: the folder it is to share.
const FOLDER: &str = "STORAGE_TEST_FOLDER";

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

#[tokio::test]
async fn a_killed_process_leaves_whole_files_and_a_part_to_resume() {
    let site = Site::new();
    let starting = STARTING.lock().await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--nocapture"])
        .env(FOLDER, site.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(starting);
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "written\n");

    // While it lives, another process cannot take its part for a broken one.
    assert_eq!(refused(site.create("/broken", Create::Append).await), Kind::Busy);
    assert_eq!(refused(site.stat("/broken").await), Kind::NotFound);
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(site.read("/whole").await.unwrap(), b"acknowledged");
    assert_eq!(site.stat("/broken").await.unwrap().size, 5000);
    assert_eq!(site.list("/").await.unwrap().len(), 1);
    site.upload("/broken", Create::Resume { at: 5000 }, b"the rest").await.unwrap();
    assert_eq!(site.read("/broken").await.unwrap(), [&[b'1'; 5000][..], b"the rest"].concat());
    // The second upload's spare part is nobody's to resume; the sweep finds it.
    assert_eq!(site.parts(""), 1);
    let later = std::time::SystemTime::now() + crate::site::KEPT * 2;
    assert_eq!(site.tree.sweep(later).await.unwrap().removed, 1);
    assert_eq!(site.really(""), ["broken", "whole"]);
}
