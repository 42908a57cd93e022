//! Links: followed beneath the root, and nowhere else.
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use storage::local::{Local, LocalOptions};
use storage::{Create, FileType, Kind, Tree};

use crate::site::{Site, at, refusals, refused};

/// A site with `root/dir/file` inside, and `outside/file` beside the root.
fn site() -> Site {
    let site = Site::new();
    fs::create_dir(site.real("dir")).unwrap();
    site.put("dir/file", "inside");
    let outside = site.top.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "OUTSIDE SECRET").unwrap();
    site
}

#[tokio::test]
async fn links_within_are_followed() {
    let site = site();
    symlink("dir/file", site.real("plain")).unwrap();
    symlink("/dir/file", site.real("absolute")).unwrap();
    symlink("../../../../dir/file", site.real("dotted")).unwrap();
    symlink("../dir/../dir/file", site.real("dir/winding")).unwrap();
    symlink("plain", site.real("chain1")).unwrap();
    symlink("/chain1", site.real("dir/chain2")).unwrap();
    symlink("/", site.real("dir/top")).unwrap();
    for path in [
        "/plain",
        "/absolute",
        "/dotted",
        "/dir/winding",
        "/chain1",
        "/dir/chain2",
        "/dir/top/dir/top/dir/file",
    ] {
        assert_eq!(site.read(path).await.unwrap(), b"inside", "{path}");
        assert_eq!(site.stat(path).await.unwrap().kind, FileType::File, "{path}");
    }
    let listed = site.list("/").await.unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|entry| (String::from_utf8_lossy(&entry.name), entry.stat.kind, entry.stat.target.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("absolute".into(), FileType::Link, Some(&b"/dir/file"[..])),
            ("chain1".into(), FileType::Link, Some(b"plain")),
            ("dir".into(), FileType::Directory, None),
            // It leads here only because the root is not the system's.
            ("dotted".into(), FileType::Link, None),
            ("plain".into(), FileType::Link, Some(b"dir/file")),
        ]
    );
    for entry in &listed {
        let path = at([b"/", entry.name.as_slice()].concat());
        assert_eq!(site.tree.entry(&path).await.unwrap().target, entry.stat.target);
    }
}

#[tokio::test]
async fn no_link_leads_out() {
    let site = site();
    let outside = site.top.path().join("outside");
    symlink(&outside, site.real("absolute")).unwrap();
    symlink("../outside", site.real("up")).unwrap();
    symlink("../../outside", site.real("dir/up")).unwrap();
    symlink("../../../../../../../../../../../../../../../..", site.real("top")).unwrap();
    symlink("up", site.real("chain")).unwrap();
    symlink("/proc/self/root", site.real("magic")).unwrap();
    symlink("../outside/file", site.real("file")).unwrap();
    let real = outside.to_str().unwrap();
    let hidden = format!("/top{real}");
    for dir in ["/absolute", "/up", "/dir/up", "/chain", "/magic", &hidden, "/top/outside"] {
        let file = &at(format!("{dir}/file"));
        let mut refused_with = refusals(&site.tree, file).await;
        refused_with.push(("list", refused(site.tree.list(&at(dir)).await)));
        for (what, kind) in refused_with {
            assert_eq!(kind, Kind::NotFound, "{what} {file:?}");
        }
        assert_eq!(refused(site.tree.rename(&at("/dir/file"), file).await), Kind::NotFound);
    }
    assert_eq!(refused(site.tree.open(&at("/file")).await), Kind::NotFound);
    for entry in site.list("/").await.unwrap() {
        let expected = if entry.name == b"dir" { FileType::Directory } else { FileType::Link };
        assert_eq!(entry.stat.kind, expected, "{}", entry.name.escape_ascii());
        // A link to a link that leads out has a harmless text of its own.
        let told = (entry.name == b"chain").then_some(&b"up"[..]);
        assert_eq!(entry.stat.target.as_deref(), told, "{}", entry.name.escape_ascii());
    }
    assert_eq!(fs::read(outside.join("file")).unwrap(), b"OUTSIDE SECRET");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[tokio::test]
async fn circles_and_magic_links_are_refused() {
    let site = site();
    symlink("b", site.real("a")).unwrap();
    symlink("a", site.real("b")).unwrap();
    assert_eq!(refused(site.stat("/a").await), Kind::Loop);
    assert_eq!(refused(site.tree.open(&at("/a/x")).await), Kind::Loop);
    assert!(site.list("/").await.unwrap().iter().any(|e| e.name == b"a" && e.stat.kind == FileType::Link));
    site.tree.remove(&at("/a")).await.unwrap();

    let everything = Local::open(Path::new("/"), LocalOptions::default()).unwrap();
    assert_eq!(refused(everything.open(&at("/proc/self/root/etc/passwd")).await), Kind::Outside);
    assert_eq!(refused(everything.open(&at("/proc/self/exe")).await), Kind::Outside);
}

/// A local user exchanges a directory for a link out of the tree, over and over, until it is stopped.
fn swap(one: PathBuf, other: PathBuf, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let mut swaps = 0;
        while !stop.load(Ordering::Relaxed) {
            renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
            swaps += 1;
        }
        swaps
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_link_swapped_in_meanwhile_leads_out() {
    let site = site();
    let outside = site.top.path().join("outside");
    symlink(&outside, site.real("trap")).unwrap();
    symlink("../outside", site.real("dir/trap")).unwrap();
    fs::create_dir(site.real("dir/inner")).unwrap();
    site.put("dir/inner/file", "inside");
    let stop = Arc::new(AtomicBool::new(false));
    let first = swap(site.real("dir"), site.real("trap"), &stop);
    // Its own paths go through the first one's swaps, so it may die of that; the first must not.
    let second = swap(site.real("dir/inner"), site.real("dir/trap"), &stop);
    let (mut read, mut written) = (0, 0);
    for round in 0..2000 {
        for path in ["/dir/file", "/dir/inner/file", "/trap/file"] {
            if let Ok(content) = site.read(path).await {
                assert_eq!(content, b"inside");
                read += 1;
            }
            if let Ok(stat) = site.stat(path).await {
                assert_eq!(stat.size, 6);
            }
        }
        if let Ok(entries) = site.list("/dir").await {
            assert!(
                entries.iter().all(|e| e.stat.size != "OUTSIDE SECRET".len() as u64 || e.name != b"file")
            );
        }
        if round % 10 == 0 && site.upload("/dir/up", Create::Replace, b"up").await.is_ok() {
            written += 1;
            let _ = site.tree.set_mode(&at("/dir/up"), 0o600).await;
            let _ = site.tree.rename(&at("/dir/up"), &at("/dir/up2")).await;
            let _ = site.tree.remove(&at("/dir/up2")).await;
            let _ = site.tree.make_dir(&at("/dir/made"), None).await;
            let _ = site.tree.remove_dir(&at("/dir/made")).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let swaps = first.join().unwrap();
    let _ = second.join();
    assert!(swaps > 0 && read > 0 && written > 0, "{swaps} swaps, {read} read, {written} written");
    let left: Vec<_> = fs::read_dir(&outside).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["file"], "nothing was made outside");
    assert_eq!(fs::read(outside.join("file")).unwrap(), b"OUTSIDE SECRET");
}
