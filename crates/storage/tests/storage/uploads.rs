//! Uploads: whole or not at all, resumable, never mixed.
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage::local::{LocalOptions, Sync};
use storage::{Create, Kind, Tree};

use crate::site::{OPEN, Site, at, offset, refused};

#[tokio::test]
async fn an_upload_is_seen_whole_or_not_at_all() {
    for sync in [Sync::Never, Sync::Always] {
        let site = Site::with(LocalOptions { sync, ..OPEN });
        site.put("old", "old content");
        for path in ["/new", "/old"] {
            let before = site.read(path).await.ok();
            let mut sink = site.create(path, Create::Replace).await.unwrap();
            assert_eq!((sink.path(), offset(&*sink)), (&at(path), 0));
            sink.write(b"first ").await.unwrap();
            sink.write(b"second").await.unwrap();
            assert_eq!(site.read(path).await.ok(), before);
            assert_eq!(site.list("/").await.unwrap().len(), if path == "/new" { 1 } else { 2 });
            sink.commit().await.unwrap();
            assert_eq!(site.read(path).await.unwrap(), b"first second");
        }
        assert_eq!(site.really(""), ["new", "old"]);
    }
}

#[tokio::test]
async fn bytes_written_to_the_file_itself_count_like_written_ones() {
    let site = Site::new();
    let mut sink = site.create("/a", Create::Replace).await.unwrap();
    sink.write(b"hello ").await.unwrap();
    let (file, at) = sink.file().unwrap();
    file.write_all_at(b"ld", at + 3).unwrap();
    file.write_all_at(b"wor", at).unwrap();
    drop(file);
    sink.commit().await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"hello world");

    for how in [Create::Append { at: None }, Create::Resume { at: 11 }, Create::Resume { at: 5 }] {
        site.put("a", "hello world");
        let mut sink = site.create("/a", how).await.unwrap();
        sink.write(b", ").await.unwrap();
        let (file, at) = sink.file().unwrap();
        file.write_all_at(b"again", at).unwrap();
        drop(file);
        sink.commit().await.unwrap();
        let expected = if how == (Create::Resume { at: 5 }) { "hello, again" } else { "hello world, again" };
        assert_eq!(site.read("/a").await.unwrap(), expected.as_bytes(), "{how:?}");
    }
}

#[tokio::test]
async fn a_new_file_gets_the_trees_mode_and_a_replaced_one_keeps_its_own() {
    let site = Site::with(LocalOptions { umask: 0o026, ..OPEN });
    site.upload("/new", Create::Replace, b"x").await.unwrap();
    assert_eq!(site.stat("/new").await.unwrap().posix.unwrap().mode, 0o640);
    for how in [Create::Replace, Create::Append { at: None }, Create::Resume { at: 1 }] {
        site.put("old", "x");
        fs::set_permissions(site.real("old"), fs::Permissions::from_mode(0o4604)).unwrap();
        site.upload("/old", how, b"y").await.unwrap();
        assert_eq!(site.stat("/old").await.unwrap().posix.unwrap().mode & 0o777, 0o604, "{how:?}");
    }
}

#[tokio::test]
async fn new_does_not_replace_whatever_comes_between() {
    let site = Site::new();
    site.put("a", "a");
    assert_eq!(refused(site.create("/a", Create::New).await), Kind::Exists);
    let mut sink = site.create("/b", Create::New).await.unwrap();
    sink.write(b"mine").await.unwrap();
    site.put("b", "theirs");
    assert_eq!(refused(sink.commit().await), Kind::Exists);
    assert_eq!(site.read("/b").await.unwrap(), b"theirs");
    site.upload("/c", Create::New, b"c").await.unwrap();
    assert_eq!(site.read("/c").await.unwrap(), b"c");
}

#[tokio::test]
async fn a_broken_upload_is_kept_hidden_and_its_size_told() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    assert_eq!(site.kept("/a").await, Some(5));
    for path in ["/a", "/a/", "/./a"] {
        assert_eq!(refused(site.stat(path).await), Kind::NotFound);
        assert_eq!(refused(site.tree.entry(&at(path)).await), Kind::NotFound);
        assert_eq!(refused(site.tree.open(&at(path)).await), Kind::NotFound);
        assert_eq!(refused(site.tree.rename(&at(path), &at("/b")).await), Kind::NotFound);
        assert_eq!(refused(site.tree.set_mode(&at(path), 0o600).await), Kind::NotFound);
    }
    assert_eq!(site.again(LocalOptions::default()).kept(&at("/a")).await.unwrap(), None, "nobody may go on");
    assert!(site.list("/").await.unwrap().is_empty());
    assert_eq!(site.parts(""), 1);
}

#[tokio::test]
async fn a_part_cannot_be_reached_by_its_own_name() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    let part = site.really("")[0].clone();
    for path in [format!("/{part}"), format!("/{part}/x"), format!("/d/{part}")] {
        let path = at(path);
        assert_eq!(refused(site.tree.stat(&path).await), Kind::BadName);
        assert_eq!(refused(site.tree.list(&path).await), Kind::BadName);
        assert_eq!(refused(site.tree.open(&path).await), Kind::BadName);
        assert_eq!(refused(site.tree.create(&path, Create::Replace).await), Kind::BadName);
        assert_eq!(refused(site.tree.create(&path, Create::Unique).await), Kind::BadName);
        assert_eq!(refused(site.tree.rename(&path, &at("/x")).await), Kind::BadName);
        assert_eq!(refused(site.tree.remove(&path).await), Kind::BadName);
        assert_eq!(refused(site.tree.remove_dir(&path).await), Kind::BadName);
        assert_eq!(refused(site.tree.make_dir(&path, None).await), Kind::BadName);
        assert_eq!(refused(site.tree.set_mode(&path, 0o777).await), Kind::BadName);
        assert_eq!(refused(site.tree.space(&path).await), Kind::BadName);
    }
    site.put("x", "x");
    assert_eq!(refused(site.tree.rename(&at("/x"), &at(format!("/{part}"))).await), Kind::BadName);
    assert_eq!(site.kept("/a").await, Some(5));
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_broke() {
    let site = Site::new();
    for how in [Create::Resume { at: 5 }, Create::Append { at: None }] {
        site.break_off("/a", Create::Replace, b"12345").await;
        let mut sink = site.create("/a", how).await.unwrap();
        assert_eq!(offset(&*sink), 5);
        assert_eq!(site.parts(""), 1, "continued in place");
        sink.write(b"678").await.unwrap();
        sink.commit().await.unwrap();
        assert_eq!(site.read("/a").await.unwrap(), b"12345678");
        assert_eq!(site.really(""), ["a"]);
        site.tree.remove(&at("/a")).await.unwrap();
    }
}

#[tokio::test]
async fn a_part_is_cut_only_when_a_byte_comes() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    for how in [Create::Resume { at: 3 }, Create::Replace, Create::New, Create::Append { at: None }] {
        drop(site.create("/a", how).await.unwrap());
        assert_eq!(site.kept("/a").await, Some(5), "{how:?}");
    }
    site.upload("/a", Create::Resume { at: 3 }, b"xyz").await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"123xyz");

    site.break_off("/b", Create::Replace, b"12345").await;
    site.break_off("/b", Create::Resume { at: 3 }, b"x").await;
    assert_eq!(site.kept("/b").await, Some(4));
    // What ends without a byte is published as it is.
    site.create("/b", Create::Resume { at: 2 }).await.unwrap().commit().await.unwrap();
    assert_eq!(site.read("/b").await.unwrap(), b"12");
}

#[tokio::test]
async fn an_append_at_a_length_needs_that_length() {
    let site = Site::new();
    site.put("a", "12345");
    site.break_off("/part", Create::Replace, b"12345").await;
    for path in ["/a", "/part"] {
        for at in [0, 4, 6] {
            assert_eq!(refused(site.create(path, Create::Append { at: Some(at) }).await), Kind::BadOffset);
        }
        site.upload(path, Create::Append { at: Some(5) }, b"6").await.unwrap();
        assert_eq!(site.read(path).await.unwrap(), b"123456");
    }
    assert_eq!(refused(site.create("/none", Create::Append { at: Some(1) }).await), Kind::BadOffset);
    let late = site.create("/a", Create::Append { at: Some(6) }).await.unwrap();
    site.upload("/a", Create::Append { at: None }, b"7").await.unwrap();
    assert_eq!(refused(late.commit().await), Kind::Changed);
    assert_eq!(site.read("/a").await.unwrap(), b"1234567");
    assert_eq!(site.really(""), ["a", "part"]);
}

#[tokio::test]
async fn resuming_past_what_is_there_is_refused_and_harms_nothing() {
    let site = Site::new();
    site.put("file", "12345");
    site.break_off("/part", Create::Replace, b"12345").await;
    for path in ["/file", "/part", "/none"] {
        assert_eq!(refused(site.create(path, Create::Resume { at: 6 }).await), Kind::BadOffset, "{path}");
    }
    assert_eq!(site.kept("/part").await, Some(5));
    assert_eq!(site.read("/file").await.unwrap(), b"12345");
    assert_eq!(site.parts(""), 1);
}

#[tokio::test]
async fn a_file_that_is_continued_is_as_it_was_until_committed() {
    let site = Site::new();
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    for (how, start) in [
        (Create::Append { at: None }, content.len()),
        (Create::Resume { at: content.len() as u64 }, content.len()),
        (Create::Resume { at: 300_001 }, 300_001),
        (Create::Resume { at: 0 }, 0),
    ] {
        site.put("a", &content);
        let mut sink = site.create("/a", how).await.unwrap();
        sink.write(b"tail").await.unwrap();
        assert_eq!(site.read("/a").await.unwrap(), content);
        sink.commit().await.unwrap();
        let expected = [&content[..start], b"tail"].concat();
        assert!(site.read("/a").await.unwrap() == expected, "{how:?}");
        assert_eq!(site.really(""), ["a"]);
    }
}

#[tokio::test]
async fn where_a_file_and_a_part_are_there_the_rule_decides() {
    // A file of 10 `f`, a part of 5 or 15 `p`, resumed with `x`.
    for (part, at, expected) in [
        (5, 5, "pppppx"),
        (5, 4, "ffffx"),
        (5, 10, "ffffffffffx"),
        (15, 15, "pppppppppppppppx"),
        (15, 12, "ppppppppppppx"),
        (15, 10, "ffffffffffx"),
        (15, 3, "fffx"),
    ] {
        let site = Site::new();
        site.put("a", "ffffffffff");
        site.break_off("/a", Create::Replace, &vec![b'p'; part]).await;
        assert_eq!(site.stat("/a").await.unwrap().size, 10, "the file's, not the part's");
        site.upload("/a", Create::Resume { at }, b"x").await.unwrap();
        assert_eq!(site.read("/a").await.unwrap(), expected.as_bytes(), "a part of {part}, resumed at {at}");
        assert_eq!(site.really(""), ["a"]);
    }
    let site = Site::new();
    site.put("a", "file");
    site.break_off("/a", Create::Replace, b"longer part").await;
    site.upload("/a", Create::Append { at: None }, b"x").await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"filex");
}

#[tokio::test]
async fn a_fresh_start_forgets_the_part() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    site.upload("/a", Create::Replace, b"x").await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"x");
    assert_eq!(site.really(""), ["a"]);
}

#[tokio::test]
async fn appending_to_nothing_starts_a_file() {
    let site = Site::new();
    site.upload("/a", Create::Append { at: None }, b"one").await.unwrap();
    site.upload("/a", Create::Append { at: None }, b"two").await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"onetwo");
}

#[tokio::test]
async fn what_holds_nothing_new_is_not_kept() {
    let site = Site::new();
    site.put("a", "12345");
    for how in [Create::Replace, Create::Append { at: None }, Create::Resume { at: 4 }] {
        drop(site.create("/a", how).await.unwrap());
        drop(site.create("/none", Create::New).await.unwrap());
        drop(site.create("/none", Create::Append { at: None }).await.unwrap());
        assert_eq!(site.really(""), ["a"], "{how:?}");
    }
    let site = Site::with(LocalOptions { keep_parts: Duration::ZERO, ..OPEN });
    site.break_off("/a", Create::Replace, b"12345").await;
    assert!(site.really("").is_empty(), "a tree that keeps none");
}

/// Whoever may only store new files must not spoil what a user has begun under the same name.
#[tokio::test]
async fn a_new_file_leaves_the_part_of_another_upload_alone() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    site.break_off("/a", Create::New, b"other").await;
    assert_eq!(site.kept("/a").await, Some(5));
    site.break_off("/b", Create::New, b"other").await;
    assert_eq!(site.kept("/b").await, None);
    assert_eq!(site.really("").len(), 1, "{:?}", site.really(""));
    site.upload("/a", Create::Resume { at: 5 }, b"67").await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), b"1234567");
}

#[tokio::test]
async fn a_discarded_upload_leaves_nothing() {
    let site = Site::new();
    site.break_off("/a", Create::Replace, b"12345").await;
    let sink = site.create("/a", Create::Append { at: None }).await.unwrap();
    sink.discard().await.unwrap();
    assert!(site.really("").is_empty());
    assert_eq!(site.kept("/a").await, None);
}

#[tokio::test]
async fn removing_a_name_removes_its_part() {
    let site = Site::new();
    site.put("a", "a");
    site.break_off("/a", Create::Replace, b"12345").await;
    site.break_off("/only", Create::Replace, b"12345").await;
    site.tree.remove(&at("/a")).await.unwrap();
    site.tree.remove(&at("/only")).await.unwrap();
    assert!(site.really("").is_empty());
    assert_eq!(refused(site.tree.remove(&at("/only")).await), Kind::NotFound);
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
async fn two_uploads_to_one_name_never_mix_and_the_last_one_stays() {
    let site = Site::new();
    let mut one = site.create("/a", Create::Replace).await.unwrap();
    let mut two = site.create("/a", Create::Replace).await.unwrap();
    for _ in 0..100 {
        one.write(b"1").await.unwrap();
        two.write(b"22").await.unwrap();
    }
    assert_eq!(site.kept("/a").await, None, "one being written is no broken one");
    assert_eq!(refused(site.create("/a", Create::Resume { at: 5 }).await), Kind::Busy);
    assert_eq!(refused(site.create("/a", Create::Append { at: None }).await), Kind::Busy);
    assert_eq!(refused(site.tree.remove(&at("/a")).await), Kind::Busy);
    two.commit().await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), "2".repeat(200).as_bytes());
    one.commit().await.unwrap();
    assert_eq!(site.read("/a").await.unwrap(), "1".repeat(100).as_bytes());
    assert_eq!(site.really(""), ["a"]);
}

#[tokio::test]
async fn of_two_broken_uploads_the_first_to_hold_the_place_is_kept() {
    let site = Site::new();
    let mut one = site.create("/a", Create::Replace).await.unwrap();
    let mut two = site.create("/a", Create::Replace).await.unwrap();
    one.write(b"1").await.unwrap();
    two.write(b"22").await.unwrap();
    drop(two);
    drop(one);
    assert_eq!(site.kept("/a").await, Some(1));
    assert_eq!(site.parts(""), 1);

    let one = site.create("/b", Create::Replace).await.unwrap();
    let mut two = site.create("/b", Create::Replace).await.unwrap();
    two.write(b"22").await.unwrap();
    one.commit().await.unwrap();
    drop(two);
    assert_eq!(site.parts(""), 2, "the place was free, so the second took it");
    site.tree.remove(&at("/b")).await.unwrap();
    assert_eq!(site.parts(""), 1);
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

/// Taking hold of a part takes two steps, and in between its upload may be committed: whoever then cut what it holds
/// would cut the published file.
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

/// Asking for a part's size locks it for a moment, which must not look like an upload to who wants to go on with it.
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
    let mut one = site.create("/f", Create::Unique).await.unwrap();
    let mut two = site.create("/f", Create::Unique).await.unwrap();
    assert_eq!(one.path(), &at("/f.1"));
    assert_eq!(two.path(), &at("/f.3"), "f.2 is taken, f.1 is reserved");
    one.write(b"one").await.unwrap();
    two.write(b"two").await.unwrap();
    two.commit().await.unwrap();
    one.commit().await.unwrap();
    assert_eq!(site.read("/f.1").await.unwrap(), b"one");
    assert_eq!(site.read("/f.3").await.unwrap(), b"two");
    assert_eq!(site.read("/f").await.unwrap(), b"f");
    assert_eq!(site.create("/g", Create::Unique).await.unwrap().path(), &at("/g"));
    assert_eq!(refused(site.create("/", Create::Unique).await), Kind::IsADirectory);
}

#[tokio::test]
async fn unique_never_replaces_a_file_that_came_between() {
    let site = Site::new();
    let mut sink = site.create("/f", Create::Unique).await.unwrap();
    sink.write(b"mine").await.unwrap();
    site.put("f", "theirs");
    assert_eq!(refused(sink.commit().await), Kind::Exists);
    assert_eq!(site.read("/f").await.unwrap(), b"theirs");
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
async fn unique_leaves_the_parts_of_others_alone() {
    let site = Site::new();
    site.break_off("/f", Create::Replace, b"12345").await;
    let sink = site.create("/f", Create::Unique).await.unwrap();
    assert_eq!(sink.path(), &at("/f.1"));
    drop(sink);
    assert_eq!(site.kept("/f").await, Some(5));
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
    assert!(polled_once(size.as_mut()).is_pending(), "an answer while the part still grows");
    write.write_all_at(b"678", end).unwrap();
    drop(write);
    assert_eq!(size.await.unwrap(), Some(8));

    let mut sink = site.create("/b", Create::Replace).await.unwrap();
    sink.write(b"12345").await.unwrap();
    let (write, _) = sink.file().unwrap();
    drop(sink);
    let mut next = std::pin::pin!(site.create("/b", Create::Append { at: None }));
    assert!(polled_once(next.as_mut()).is_pending());
    drop(write);
    assert_eq!(offset(&*next.await.unwrap()), 5);
}

/// Polls once.
fn polled_once<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
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
