//! Sweeping: the parts nobody came back for, and nothing else.
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use storage::local::{LocalOptions, Swept};
use storage::{Create, Tree, VPath};

use crate::site::{KEPT, OPEN, Site};

fn later() -> SystemTime {
    SystemTime::now() + KEPT + Duration::from_secs(1)
}

#[tokio::test]
async fn old_parts_go_and_young_ones_stay() {
    let site = Site::new();
    fs::create_dir_all(site.real("d/e/f")).unwrap();
    site.put("d/file", "x");
    site.put("d/.pasv.toml", "x");
    site.put("d/.pasv.12.part", "x");
    site.break_off("/a", Create::Replace, b"12345").await;
    site.break_off("/d/e/f/a", Create::Replace, b"678").await;
    assert_eq!(site.tree.sweep(SystemTime::now()).await.unwrap(), Swept::default());
    let almost = SystemTime::now() + KEPT - Duration::from_secs(60);
    assert_eq!(site.tree.sweep(almost).await.unwrap().removed, 0);
    assert_eq!(site.kept("/a").await, Some(5));
    let read_only = site.again(LocalOptions { read_only: true, ..OPEN });
    assert_eq!(read_only.sweep(later()).await.unwrap(), Swept::default());
    assert_eq!(site.tree.sweep(later()).await.unwrap(), Swept { removed: 2, bytes: 8, skipped: 0 });
    assert_eq!(site.really(""), ["d"]);
    assert_eq!(site.really("d"), [".pasv.12.part", ".pasv.toml", "e", "file"]);
    assert!(site.really("d/e/f").is_empty());
}

#[tokio::test]
async fn a_part_being_written_stays_however_old() {
    let site = Site::new();
    let mut sink = site.create("/a", Create::Replace).await.unwrap();
    let mut spare = site.create("/a", Create::Replace).await.unwrap();
    sink.write(b"one").await.unwrap();
    spare.write(b"two").await.unwrap();
    assert_eq!(site.tree.sweep(later()).await.unwrap().removed, 0);
    sink.commit().await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"one");
    spare.commit().await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"two");
}

#[tokio::test]
async fn no_link_is_followed() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    let part = site.really("")[0].clone();
    let outside = site.top.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::rename(site.real(&part), outside.join(&part)).unwrap();
    symlink(&outside, site.real("link")).unwrap();
    symlink("..", site.real("up")).unwrap();
    symlink(outside.join(&part), site.real(&part)).unwrap();
    assert_eq!(site.tree.sweep(later()).await.unwrap(), Swept::default());
    assert!(outside.join(&part).exists());
    assert_eq!(site.really("").len(), 3);
}

#[tokio::test]
async fn what_is_too_deep_is_said_to_be_skipped() {
    let site = Site::new();
    let mut dir = VPath::root();
    for _ in 0..130 {
        dir = dir.join(b"d").unwrap();
        site.tree.make_dir(&dir, None).await.unwrap();
    }
    site.break_off("/d/a", Create::Replace, b"x").await;
    let mut deep = site.tree.create(&dir.join(b"a").unwrap(), Create::Replace).await.unwrap();
    deep.write(b"x").await.unwrap();
    drop(deep);
    assert_eq!(site.tree.sweep(later()).await.unwrap(), Swept { removed: 1, bytes: 1, skipped: 1 });
    assert_eq!(site.tree.kept(&dir.join(b"a").unwrap()).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_sweep_and_uploads_do_not_disturb_each_other() {
    let site = Site::new();
    for round in 0..200 {
        let sweep = site.tree.sweep(later());
        let upload = site.upload("/a", Create::Replace, b"whole");
        let (swept, uploaded) = tokio::join!(sweep, upload);
        uploaded.unwrap();
        // To this sweep everything is old, so it may take a part in the moment between its making and its
        // locking; the upload then makes another.
        swept.unwrap();
        assert_eq!(site.read("/a").await.unwrap(), b"whole", "round {round}");
    }
    assert_eq!(site.really(""), ["a"]);
}
