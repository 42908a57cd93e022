//! Uploads: whole or not at all, resumable, never mixed.
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage::local::LocalOptions;
use storage::{Create, Kind, Tree};

use crate::site::{OPEN, Site, at, offset, poll_once, refusals, refused};

#[tokio::test]
async fn a_new_file_gets_the_trees_mode_and_a_replaced_one_keeps_its_own() {
    let site = Site::with(LocalOptions { umask: 0o026, ..OPEN });
    site.upload("/new", Create::Replace, b"x").await.unwrap();
    assert_eq!(site.stat("/new").await.unwrap().posix.unwrap().mode, 0o640);
    site.tree.make_dir(&at("/d"), None).await.unwrap();
    assert_eq!(site.stat("/d").await.unwrap().posix.unwrap().mode & 0o777, 0o751);
    for how in [Create::Replace, Create::Append { at: None }, Create::Resume { at: 1 }] {
        site.put("old", "x");
        fs::set_permissions(site.real("old"), fs::Permissions::from_mode(0o4604)).unwrap();
        site.upload("/old", how, b"y").await.unwrap();
        assert_eq!(site.stat("/old").await.unwrap().posix.unwrap().mode & 0o777, 0o604, "{how:?}");
    }
}

#[tokio::test]
async fn a_part_cannot_be_reached_by_its_own_name() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    let part = site.really("")[0].clone();
    for path in [format!("/{part}"), format!("/{part}/x"), format!("/d/{part}")] {
        for (what, kind) in refusals(&site.tree, &at(&path)).await {
            assert_eq!(kind, Kind::BadName, "{what} {path}");
        }
    }
    site.put("x", "x");
    assert_eq!(refused(site.tree.rename(&at("/x"), &at(format!("/{part}"))).await), Kind::BadName);
    assert_eq!(site.kept("/a").await, Some(5));
    let read_only = site.again(LocalOptions::default());
    assert_eq!(read_only.kept(&at("/a")).await.unwrap(), None, "nobody may continue it");
}

#[tokio::test]
async fn a_tree_that_keeps_no_parts_leaves_none() {
    let site = Site::with(LocalOptions { keep_parts: Duration::ZERO, ..OPEN });
    site.break_off("/a", Create::Replace, b"12345").await;
    assert!(site.really("").is_empty());
}

#[tokio::test]
async fn a_directory_of_parts_alone_is_empty() {
    let site = Site::new();
    fs::create_dir(site.real("d")).unwrap();
    for n in 0..300 {
        site.break_off(&format!("/d/{n}"), Create::Replace, b"x").await;
    }
    site.put("d/file", "x");
    assert_eq!(refused(site.tree.remove_dir(&at("/d")).await), Kind::NotEmpty);
    assert_eq!(site.parts("d"), 300, "a refusal removes nothing");
    fs::remove_file(site.real("d/file")).unwrap();
    let running = site.create("/d/now", Create::Replace).await.unwrap();
    assert_eq!(refused(site.tree.remove_dir(&at("/d")).await), Kind::Busy);
    drop(running);
    site.tree.remove_dir(&at("/d")).await.unwrap();
    assert!(site.really("").is_empty());
}

#[tokio::test]
async fn a_second_upload_takes_the_place_of_the_part_when_that_is_free() {
    let site = Site::new();
    let one = site.create("/b", Create::Replace).await.unwrap();
    let mut two = site.create("/b", Create::Replace).await.unwrap();
    two.write(b"22").await.unwrap();
    one.commit().await.unwrap();
    drop(two);
    assert_eq!(site.parts(""), 1, "the place was free, so the second took it");
    site.tree.remove(&at("/b")).await.unwrap();
    assert_eq!(site.parts(""), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_uploads_to_one_name_at_once_leave_one_of_them() {
    let site = Arc::new(Site::new());
    let tasks: Vec<_> = (0..32_u8)
        .map(|n| {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                let mut sink = site.create("/a", Create::Replace).await.unwrap();
                for _ in 0..20 {
                    sink.write(&[n; 500]).await.unwrap();
                }
                if n % 4 == 3 { drop(sink) } else { sink.commit().await.unwrap() }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let content = site.read("/a").await.unwrap();
    assert_eq!(content.len(), 10_000);
    assert!(content.iter().all(|b| *b == content[0]));
    assert_ne!(content[0] % 4, 3);
    assert!(site.parts("") <= 1, "{:?}", site.really(""));
}

/// Taking hold of a part takes two steps, and in between its upload may be committed: whoever then cut what
/// it holds would cut the published file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_part_published_while_another_takes_hold_of_it_is_not_touched() {
    let site = Arc::new(Site::new());
    site.put("a", [0; 100]);
    let writers: Vec<_> = (1..=4_u8)
        .map(|n| {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                for _ in 0..500 {
                    let mut sink = site.create("/a", Create::Replace).await.unwrap();
                    sink.write(&[n; 100]).await.unwrap();
                    sink.commit().await.unwrap();
                    let content = site.read("/a").await.unwrap();
                    assert!(content.len() == 100 && content.iter().all(|b| *b == content[0]), "{content:?}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(site.really(""), ["a"]);
}

/// Asking for a part's size locks it for a moment, which must not look like an upload to who wants to go on
/// with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_a_size_keeps_nobody_from_resuming() {
    let site = Arc::new(Site::new());
    let asking = Arc::clone(&site);
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let asker = tokio::spawn(async move {
        while stopped.try_recv().is_err() {
            let told = asking.kept("/a").await;
            assert!(told.is_none_or(|size| size <= 301), "a size, or nothing while it is being written");
            tokio::task::yield_now().await;
        }
    });
    site.break_off("/a", Create::Replace, b"x").await;
    for n in 1..=300 {
        let mut sink = site.create("/a", Create::Append { at: None }).await.unwrap();
        assert_eq!(offset(&*sink), n);
        sink.write(b"x").await.unwrap();
    }
    stop.send(()).unwrap();
    asker.await.unwrap();
    assert_eq!(site.kept("/a").await, Some(301));
    assert_eq!(site.parts(""), 1);
}

#[tokio::test]
async fn unique_finds_a_name_and_keeps_it() {
    let site = Site::new();
    site.put("f", "f");
    site.put("f.2", "f");
    let one = site.create("/f", Create::Unique).await.unwrap();
    let two = site.create("/f", Create::Unique).await.unwrap();
    assert_eq!(one.path(), &at("/f.1"));
    assert_eq!(two.path(), &at("/f.3"), "f.2 is taken, f.1 is reserved");
    assert_eq!(site.create("/g", Create::Unique).await.unwrap().path(), &at("/g"));
}

#[tokio::test]
async fn unique_shortens_a_long_name_between_characters() {
    let site = Site::new();
    let name = format!("/{}é", "x".repeat(252));
    let first = site.create(&name, Create::Unique).await.unwrap();
    let second = site.create(&name, Create::Unique).await.unwrap();
    assert_eq!(first.path(), &at(&name));
    assert_eq!(second.path(), &at(format!("/{}.1", "x".repeat(252))));
}

#[tokio::test]
async fn unique_still_finds_a_name_after_a_thousand() {
    let site = Site::new();
    site.put("f", "");
    for n in 1..1000 {
        site.put(&format!("f.{n}"), "");
    }
    let mut sink = site.create("/f", Create::Unique).await.unwrap();
    assert_eq!(sink.path().as_bytes().len(), "/f.".len() + 8);
    let path = sink.path().clone();
    sink.write(b"x").await.unwrap();
    sink.commit().await.unwrap();
    assert_eq!(site.tree.stat(&path).await.unwrap().size, 1);
}

#[tokio::test]
async fn a_directory_made_meanwhile_is_not_replaced() {
    let site = Site::new();
    let mut sink = site.create("/a", Create::Replace).await.unwrap();
    sink.write(b"x").await.unwrap();
    fs::create_dir(site.real("a")).unwrap();
    assert_eq!(refused(sink.commit().await), Kind::IsADirectory);
    assert!(site.real("a").is_dir());
}

#[tokio::test]
async fn a_directory_moved_meanwhile_takes_the_upload_along() {
    let site = Site::new();
    fs::create_dir(site.real("d")).unwrap();
    let mut sink = site.create("/d/a", Create::Replace).await.unwrap();
    sink.write(b"x").await.unwrap();
    fs::rename(site.real("d"), site.real("e")).unwrap();
    sink.commit().await.unwrap();
    assert_eq!(site.read("/e/a").await.unwrap(), b"x");
}

#[tokio::test]
async fn what_is_no_part_is_not_written_though_it_has_the_name() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    let part = site.real(&site.really("")[0]);
    let outside = site.top.path().join("outside");
    fs::write(&outside, "precious").unwrap();
    fs::remove_file(&part).unwrap();
    // A local user's trap in place of the part: a link, then a second name of a file.
    let set: [fn(&Path, &Path) -> std::io::Result<()>; 2] =
        [|to, at| symlink(to, at), |to, at| fs::hard_link(to, at)];
    for set in set {
        set(&outside, &part).unwrap();
        assert_eq!(refused(site.create("/a", Create::Resume { at: 1 }).await), Kind::Busy);
        site.upload("/a", Create::Replace, b"x").await.unwrap();
        assert_eq!(site.read("/a").await.unwrap(), b"x");
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
        fs::remove_file(site.real("a")).unwrap();
        fs::remove_file(&part).unwrap();
    }
}

#[tokio::test]
async fn what_was_kept_is_told_when_the_last_write_has_ended() {
    let site = Site::new();
    let mut sink = site.create("/a", Create::Replace).await.unwrap();
    sink.write(b"12345").await.unwrap();
    // A write on another thread that outlives the upload.
    let (write, end) = sink.file().unwrap();
    drop(sink);
    let path = at("/a");
    let mut size = site.tree.kept(&path);
    assert!(poll_once(size.as_mut()).is_pending(), "an answer while the part still grows");
    write.write_all_at(b"678", end).unwrap();
    drop(write);
    assert_eq!(size.await.unwrap(), Some(8));

    let mut sink = site.create("/b", Create::Replace).await.unwrap();
    sink.write(b"12345").await.unwrap();
    let (write, _) = sink.file().unwrap();
    drop(sink);
    let mut next = std::pin::pin!(site.create("/b", Create::Append { at: None }));
    assert!(poll_once(next.as_mut()).is_pending());
    drop(write);
    assert_eq!(offset(&*next.await.unwrap()), 5);
}

#[tokio::test]
async fn a_mode_that_was_asked_for_is_there_with_the_file() {
    let site = Site::new();
    site.put("old", "");
    for path in ["/new", "/old"] {
        let mut sink = site.create(path, Create::Replace).await.unwrap();
        sink.set_mode(0o4640);
        sink.commit().await.unwrap();
        assert_eq!(site.stat(path).await.unwrap().posix.unwrap().mode, 0o640, "{path}");
    }
}
