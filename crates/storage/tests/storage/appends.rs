//! Appends: every acknowledged row is in the file, whole, in the order of the commits.
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::Arc;

use storage::{Create, Kind, Tree};

use crate::site::{Site, at, refused};

const APPEND: Create = Create::Append { at: None };

#[tokio::test]
async fn a_row_costs_what_the_row_costs_however_large_the_file() {
    let site = Site::new();
    let file = fs::File::create(site.real("log")).unwrap();
    file.set_len(2 << 30).unwrap();
    let inode = file.metadata().unwrap().ino();
    site.upload("/log", APPEND, b"row").await.unwrap();
    let now = fs::metadata(site.real("log")).unwrap();
    assert_eq!((now.ino(), now.len()), (inode, (2 << 30) + 3));
    assert!(now.blocks() < 64, "the file is still sparse");
    // Nor does one that is only announced take anything.
    let waiting: Vec<_> = {
        let mut all = Vec::new();
        for _ in 0..20 {
            all.push(site.create("/log", APPEND).await.unwrap());
            all.push(site.create("/log", Create::Resume { at: 1 << 30 }).await.unwrap());
        }
        all
    };
    let blocks: u64 =
        fs::read_dir(site.root()).unwrap().map(|e| e.unwrap().metadata().unwrap().blocks()).sum();
    assert!(blocks < 1000, "{blocks}");
    drop(waiting);
    assert_eq!(site.really(""), ["log"]);
}

#[tokio::test]
async fn a_file_that_is_removed_or_renamed_meanwhile() {
    let site = Site::new();
    site.put("log", "old,");
    let mut row = site.create("/log", APPEND).await.unwrap();
    row.write(b"row,").await.unwrap();
    site.tree.remove(&at("/log")).await.unwrap();
    row.commit().await.unwrap();
    assert_eq!(site.read("/log").await.unwrap(), b"row,");

    let mut row = site.create("/log", APPEND).await.unwrap();
    row.write(b"next,").await.unwrap();
    site.tree.rename(&at("/log"), &at("/log.1")).await.unwrap();
    row.commit().await.unwrap();
    assert_eq!(site.read("/log.1").await.unwrap(), b"row,");
    assert_eq!(site.read("/log").await.unwrap(), b"next,", "a log that was rotated");
    assert_eq!(site.really(""), ["log", "log.1"]);
}

/// The row of an append is in the file that has the name when that ends, though the file it was begun for
/// lives on elsewhere.
#[tokio::test]
async fn a_backup_by_hard_links_gets_no_row() {
    let site = Site::new();
    site.put("log", "old,");
    fs::hard_link(site.real("log"), site.real("backup")).unwrap();
    let mut row = site.create("/log", APPEND).await.unwrap();
    row.write(b"row,").await.unwrap();
    site.upload("/log", Create::Replace, b"new,").await.unwrap();
    row.commit().await.unwrap();
    assert_eq!(site.read("/log").await.unwrap(), b"new,row,");
    assert_eq!(site.read("/backup").await.unwrap(), b"old,");
}

#[tokio::test]
async fn a_part_that_was_continued_never_replaces_a_row() {
    let site = Site::new();
    site.break_off("/log", Create::Replace, b"broken ").await;
    let mut rest = site.create("/log", APPEND).await.unwrap();
    rest.write(b"and resumed").await.unwrap();
    site.put("log", "row");
    assert_eq!(refused(rest.commit().await), Kind::Exists);
    assert_eq!(site.read("/log").await.unwrap(), b"row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_rows_at_once_to_one_file_are_all_there() {
    let site = Arc::new(Site::new());
    let writers: Vec<_> = (0..20)
        .map(|writer| {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                for row in 0..20 {
                    let text = format!("{writer}-{row}-{}\n", "x".repeat(writer * 7 + row));
                    site.upload(["/one", "/two"][row % 2], APPEND, text.as_bytes()).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut rows: Vec<String> = Vec::new();
    for path in ["/one", "/two"] {
        let text = String::from_utf8(site.read(path).await.unwrap()).unwrap();
        rows.extend(text.lines().map(str::to_owned));
    }
    let mut expected: Vec<String> = (0..20)
        .flat_map(|writer| (0..20).map(move |row| format!("{writer}-{row}-{}", "x".repeat(writer * 7 + row))))
        .collect();
    rows.sort();
    expected.sort();
    assert_eq!(rows, expected);
    assert_eq!(site.really(""), ["one", "two"]);
}

#[tokio::test]
async fn a_link_is_written_through() {
    let site = Site::new();
    fs::create_dir(site.real("shared")).unwrap();
    site.put("shared/config", "old");
    symlink("shared/config", site.real("config")).unwrap();
    symlink("shared/none", site.real("dangling")).unwrap();
    symlink("shared", site.real("dirlink")).unwrap();
    site.upload("/config", Create::Replace, b"new").await.unwrap();
    site.upload("/config", APPEND, b", newer").await.unwrap();
    assert_eq!(fs::read(site.real("shared/config")).unwrap(), b"new, newer");
    site.upload("/config", Create::Resume { at: 3 }, b"!").await.unwrap();
    assert_eq!(fs::read(site.real("shared/config")).unwrap(), b"new!");
    // A file is made where the link leads, as any program's write would.
    site.upload("/dangling", Create::Replace, b"made").await.unwrap();
    assert_eq!(fs::read(site.real("shared/none")).unwrap(), b"made");
    assert_eq!(refused(site.create("/dirlink", Create::Replace).await), Kind::IsADirectory);
    for link in ["config", "dangling", "dirlink"] {
        assert!(fs::symlink_metadata(site.real(link)).unwrap().is_symlink(), "{link}");
    }
    assert_eq!(site.really("shared"), ["config", "none"]);
}

#[tokio::test]
async fn a_link_that_leads_out_is_refused_and_stays() {
    let site = Site::new();
    let outside = site.top.path().join("outside");
    fs::write(&outside, "precious").unwrap();
    fs::create_dir(site.real("d")).unwrap();
    symlink(&outside, site.real("absolute")).unwrap();
    symlink("../outside", site.real("up")).unwrap();
    symlink("../../outside", site.real("d/up")).unwrap();
    symlink("up", site.real("chain")).unwrap();
    symlink("nowhere/x", site.real("missing")).unwrap();
    symlink("round", site.real("round")).unwrap();
    for path in ["/absolute", "/up", "/d/up", "/chain", "/missing", "/round"] {
        for how in [Create::Replace, APPEND, Create::Resume { at: 1 }] {
            let kind = if path == "/round" { Kind::Loop } else { Kind::Outside };
            assert_eq!(refused(site.create(path, how).await), kind, "{path} {how:?}");
        }
        assert!(fs::symlink_metadata(site.real(path.trim_start_matches('/'))).unwrap().is_symlink());
    }
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
    assert_eq!(site.really(""), ["absolute", "chain", "d", "missing", "round", "up"]);
}
