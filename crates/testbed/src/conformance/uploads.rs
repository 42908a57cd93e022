//! Are uploads whole or not there at all, resumable, and never mixed?
use std::pin::pin;
use std::task::{Context, Waker};

use storage::{Create, Kind};

use super::{Bench, Kept, at, ensure, equal, within};
use crate::files;

const APPEND: Create = Create::Append { at: None };

pub(super) async fn an_upload_is_seen_whole_or_not_at_all(bench: &Bench) -> Kept {
    bench.put("/old", b"old content").await?;
    let content = files::content(2, 200_003);
    for path in ["/new", "/old"] {
        let before = bench.read(path).await.ok();
        let mut sink = bench.create(path, Create::Replace).await?;
        equal(sink.path(), &at(path))?;
        for piece in content.chunks(70_001) {
            sink.write(piece).await?;
        }
        equal(&bench.read(path).await.ok(), &before)?;
        equal(&bench.list("/").await?.len(), &if path == "/new" { 1 } else { 2 })?;
        sink.settle().await?;
        sink.commit().await?;
        bench.holds(path, &content).await?;
    }
    bench.names(&["new", "old"]).await
}

pub(super) async fn an_upload_without_bytes_is_an_empty_file(bench: &Bench) -> Kept {
    bench.put("/old", b"old").await?;
    for path in ["/old", "/new"] {
        bench.create(path, Create::Replace).await?.commit().await?;
        bench.holds(path, b"").await?;
    }
    bench.put("/old", b"old").await?;
    drop(bench.create("/old", Create::Replace).await?);
    drop(bench.create("/none", Create::Replace).await?);
    bench.kept("/none", None).await?;
    bench.holds("/old", b"old").await?;
    bench.names(&["new", "old"]).await
}

pub(super) async fn new_replaces_nothing(bench: &Bench) -> Kept {
    bench.put("/a", b"a").await?;
    bench.refused("/a", bench.create("/a", Create::New).await, Kind::Exists)?;
    let mut sink = bench.create("/b", Create::New).await?;
    sink.write(b"mine").await?;
    bench.put("/b", b"theirs").await?;
    bench.refused("/b", sink.commit().await, Kind::Exists)?;
    bench.holds("/b", b"theirs").await?;
    bench.upload("/c", Create::New, b"new").await?;
    bench.holds("/c", b"new").await
}

pub(super) async fn an_append_adds_to_the_end(bench: &Bench) -> Kept {
    bench.upload("/a", APPEND, b"one").await?;
    bench.upload("/a", APPEND, b"two").await?;
    bench.holds("/a", b"onetwo").await
}

pub(super) async fn appends_are_in_the_order_of_their_commits(bench: &Bench) -> Kept {
    for before in [&b""[..], b"base,"] {
        if !before.is_empty() {
            bench.put("/log", before).await?;
        }
        let (mut one, mut two) = (bench.create("/log", APPEND).await?, bench.create("/log", APPEND).await?);
        one.write(b"A,").await?;
        two.write(b"B,").await?;
        two.commit().await?;
        one.commit().await?;
        bench.holds("/log", &[before, b"B,A,"].concat()).await?;
    }
    let mut row = bench.create("/log", APPEND).await?;
    row.write(b"row,").await?;
    bench.put("/log", b"new,").await?;
    row.commit().await?;
    bench.holds("/log", b"new,row,").await?;
    bench.names(&["log"]).await
}

pub(super) async fn an_append_may_name_the_length(bench: &Bench) -> Kept {
    let append = |at: u64| Create::Append { at: Some(at) };
    bench.upload("/a", append(0), b"12345").await?;
    bench.upload("/a", append(5), b"67").await?;
    for wrong in [0, 6, 8] {
        bench.refused(wrong, bench.create("/a", append(wrong)).await, Kind::BadOffset)?;
    }
    bench.refused("/none", bench.create("/none", append(1)).await, Kind::BadOffset)?;
    let late = bench.create("/a", append(7)).await?;
    bench.upload("/a", APPEND, b"8").await?;
    bench.refused("late", late.commit().await, Kind::Changed)?;
    bench.holds("/a", b"12345678").await
}

pub(super) async fn a_resumed_file_keeps_its_beginning(bench: &Bench) -> Kept {
    for (at, expected) in [(0, "xyz"), (4, "0123xyz"), (9, "012345678xyz"), (10, "0123456789xyz")] {
        bench.put("/a", b"0123456789").await?;
        let mut sink = bench.create("/a", Create::Resume { at }).await?;
        sink.write(b"xy").await?;
        sink.write(b"z").await?;
        bench.holds("/a", b"0123456789").await?;
        sink.commit().await?;
        bench.holds("/a", expected.as_bytes()).await.map_err(|flaw| within(at, flaw))?;
    }
    let content = files::content(3, 800_000);
    for at in [300_001, 800_000] {
        bench.put("/a", &content).await?;
        bench.upload("/a", Create::Resume { at }, b"rest").await?;
        bench.holds("/a", &[&content[..at as usize], b"rest"].concat()).await?;
    }
    bench.names(&["a"]).await
}

pub(super) async fn resuming_past_the_end_is_refused(bench: &Bench) -> Kept {
    bench.put("/a", b"12345").await?;
    for (path, offset) in [("/a", 6), ("/a", u64::MAX), ("/none", 1)] {
        let how = Create::Resume { at: offset };
        bench.refused((path, offset), bench.create(path, how).await, Kind::BadOffset)?;
    }
    bench.holds("/a", b"12345").await?;
    bench.names(&["a"]).await
}

pub(super) async fn a_file_changed_meanwhile_is_not_continued(bench: &Bench) -> Kept {
    for offset in [5, 10] {
        for change in ["replace", "rename", "remove"] {
            bench.put("/a", b"0123456789").await?;
            let mut rest = bench.create("/a", Create::Resume { at: offset }).await?;
            rest.write(b"xyz").await?;
            match change {
                "replace" => bench.put("/a", b"0123456789+").await?,
                "rename" => bench.tree.rename(&at("/a"), &at("/b")).await?,
                _ => bench.tree.remove(&at("/a")).await?,
            }
            bench.refused((change, offset), rest.commit().await, Kind::Changed)?;
        }
    }
    bench.names(&["b"]).await
}

pub(super) async fn a_broken_upload_is_kept_and_resumed(bench: &Bench) -> Kept {
    bench.keeps_parts().await?;
    bench.break_off("/a", Create::Replace, b"12345").await?;
    bench.kept("/a", Some(5)).await?;
    bench.names(&[]).await?;
    bench.refused("/a", bench.tree.stat(&at("/a")).await, Kind::NotFound)?;
    bench.refused("/a", bench.tree.entry(&at("/a")).await, Kind::NotFound)?;
    bench.refused("/a", bench.tree.rename(&at("/a"), &at("/b")).await, Kind::NotFound)?;
    bench.refused("/a", bench.tree.open(&at("/a")).await, Kind::NotFound)?;
    bench.refused("/a", bench.create("/a", Create::Resume { at: 6 }).await, Kind::BadOffset)?;
    bench.break_off("/a", Create::Resume { at: 5 }, b"67").await?;
    bench.kept("/a", Some(7)).await?;
    for wrong in [0, 4, 8] {
        let how = Create::Append { at: Some(wrong) };
        bench.refused(wrong, bench.create("/a", how).await, Kind::BadOffset)?;
    }
    // It is cut to where the next upload goes on, but not before a byte comes.
    for how in [Create::Resume { at: 3 }, Create::Replace, Create::New, APPEND] {
        drop(bench.settled(async || bench.create("/a", how).await).await?);
        bench.kept("/a", Some(7)).await?;
    }
    bench.upload("/a", Create::Resume { at: 3 }, b"xyz").await?;
    bench.holds("/a", b"123xyz").await?;
    bench.kept("/a", None).await?;
    // An append goes on with a part too; a fresh start forgets it.
    bench.break_off("/b", Create::Replace, b"one").await?;
    bench.kept("/b", Some(3)).await?;
    bench.upload("/b", Create::Append { at: Some(3) }, b"two").await?;
    bench.holds("/b", b"onetwo").await?;
    bench.break_off("/c", Create::Replace, b"12345").await?;
    bench.kept("/c", Some(5)).await?;
    bench.upload("/c", Create::Replace, b"x").await?;
    bench.holds("/c", b"x").await?;
    bench.break_off("/d", Create::Replace, b"12345").await?;
    bench.kept("/d", Some(5)).await?;
    // What ends without a byte is published as it is.
    bench.create("/d", Create::Resume { at: 2 }).await?.commit().await?;
    bench.holds("/d", b"12").await?;
    bench.names(&["a", "b", "c", "d"]).await
}

pub(super) async fn the_right_one_of_file_and_part_is_resumed(bench: &Bench) -> Kept {
    bench.keeps_parts().await?;
    // A file of 10 bytes, and a part of so many.
    let table = [
        (5, 5, "pppppx"),
        (5, 4, "ffffx"),
        (5, 10, "ffffffffffx"),
        (15, 15, "pppppppppppppppx"),
        (15, 12, "ppppppppppppx"),
        (15, 10, "ffffffffffx"),
        (15, 3, "fffx"),
    ];
    for (n, (part, at, expected)) in table.into_iter().enumerate() {
        let (name, other) = (format!("/{n}"), format!("/other{n}"));
        bench.break_off(&name, Create::Replace, &vec![b'p'; part]).await?;
        bench.kept(&name, Some(part as u64)).await?;
        // A file that comes by another way than an upload to the name.
        bench.put(&other, b"ffffffffff").await?;
        bench.tree.rename(&super::at(&other), &super::at(&name)).await?;
        equal(&bench.tree.stat(&super::at(&name)).await?.size, &10)?;
        bench.upload(&name, Create::Resume { at }, b"x").await?;
        bench.holds(&name, expected.as_bytes()).await?;
    }
    bench.names(&["0", "1", "2", "3", "4", "5", "6"]).await
}

/// A user who may only store new files must not spoil what a user has begun under the same name.
pub(super) async fn a_new_file_leaves_the_part_alone(bench: &Bench) -> Kept {
    bench.keeps_parts().await?;
    bench.break_off("/a", Create::Replace, b"12345").await?;
    bench.kept("/a", Some(5)).await?;
    bench.break_off("/a", Create::New, b"other").await?;
    bench.break_off("/b", Create::New, b"other").await?;
    bench.kept("/a", Some(5)).await?;
    bench.kept("/b", None).await?;
    bench.upload("/a", Create::Resume { at: 5 }, b"67").await?;
    bench.holds("/a", b"1234567").await
}

pub(super) async fn a_part_goes_with_its_name(bench: &Bench) -> Kept {
    bench.keeps_parts().await?;
    bench.break_off("/only", Create::Replace, b"12345").await?;
    bench.kept("/only", Some(5)).await?;
    bench.tree.remove(&at("/only")).await?;
    bench.kept("/only", None).await?;
    bench.refused("/only", bench.tree.remove(&at("/only")).await, Kind::NotFound)?;
    bench.tree.make_dir(&at("/d"), None).await?;
    bench.break_off("/d/a", Create::Replace, b"12345").await?;
    bench.kept("/d/a", Some(5)).await?;
    bench.tree.remove_dir(&at("/d")).await?;
    bench.names(&[]).await
}

pub(super) async fn a_broken_append_leaves_the_file_alone(bench: &Bench) -> Kept {
    bench.put("/log", b"base,").await?;
    bench.break_off("/log", APPEND, b"half a r").await?;
    bench.break_off("/new", APPEND, b"half a r").await?;
    bench.holds("/log", b"base,").await?;
    bench.kept("/new", None).await?;
    bench.settled(async || bench.upload("/log", APPEND, b"row,").await).await?;
    bench.settled(async || bench.upload("/new", APPEND, b"row,").await).await?;
    bench.holds("/log", b"base,row,").await?;
    bench.holds("/new", b"row,").await
}

pub(super) async fn unique_finds_a_free_name(bench: &Bench) -> Kept {
    bench.put("/f", b"f").await?;
    let text = |path: &storage::VPath| String::from_utf8_lossy(path.as_bytes()).into_owned();
    let (mut one, mut two) =
        (bench.create("/f", Create::Unique).await?, bench.create("/f", Create::Unique).await?);
    let (first, second) = (one.path().clone(), two.path().clone());
    ensure("three names", first != at("/f") && second != at("/f") && first != second)?;
    one.write(b"one").await?;
    two.write(b"two").await?;
    two.commit().await?;
    one.commit().await?;
    let mut taken = bench.create("/g", Create::Unique).await?;
    taken.write(b"mine").await?;
    let name = text(taken.path());
    bench.put(&name, b"theirs").await?;
    bench.refused("/g", taken.commit().await, Kind::Exists)?;
    bench.holds(&name, b"theirs").await?;
    // What could not be published is kept, and goes with the name.
    bench.tree.remove(&at(&name)).await?;
    bench.holds("/f", b"f").await?;
    bench.holds(&text(&first), b"one").await?;
    bench.holds(&text(&second), b"two").await?;
    bench.refused("/", bench.create("/", Create::Unique).await, Kind::IsADirectory)
}

pub(super) async fn a_discarded_upload_leaves_nothing(bench: &Bench) -> Kept {
    bench.put("/old", b"old").await?;
    for (path, how) in [("/a", Create::Replace), ("/old", Create::Replace), ("/old", APPEND)] {
        let mut sink = bench.create(path, how).await?;
        sink.write(b"12345").await?;
        sink.discard().await?;
    }
    bench.kept("/a", None).await?;
    bench.holds("/old", b"old").await?;
    bench.names(&["old"]).await
}

pub(super) async fn two_uploads_never_mix(bench: &Bench) -> Kept {
    let (mut one, mut two) =
        (bench.create("/a", Create::Replace).await?, bench.create("/a", Create::Replace).await?);
    for _ in 0..100 {
        one.write(b"1").await?;
        two.write(b"22").await?;
    }
    equal(&bench.tree.kept(&at("/a")).await?, &None)?;
    for how in [Create::Resume { at: 5 }, APPEND] {
        bench.refused(how, bench.create("/a", how).await, Kind::Busy)?;
    }
    bench.refused("remove", bench.tree.remove(&at("/a")).await, Kind::Busy)?;
    two.commit().await?;
    bench.holds("/a", "2".repeat(200).as_bytes()).await?;
    one.commit().await?;
    bench.holds("/a", "1".repeat(100).as_bytes()).await?;
    bench.names(&["a"]).await
}

pub(super) async fn of_two_broken_uploads_the_first_is_kept(bench: &Bench) -> Kept {
    bench.keeps_parts().await?;
    let (mut one, mut two) =
        (bench.create("/a", Create::Replace).await?, bench.create("/a", Create::Replace).await?);
    one.write(b"1").await?;
    two.write(b"22").await?;
    drop(two);
    drop(one);
    bench.kept("/a", Some(1)).await?;
    // A unique name is another one than that of a part.
    let sink = bench.create("/a", Create::Unique).await?;
    ensure("the part's name is not given away", *sink.path() != at("/a"))?;
    drop(sink);
    bench.kept("/a", Some(1)).await?;
    // What is discarded takes the part along.
    bench.settled(async || bench.create("/a", APPEND).await).await?.discard().await?;
    bench.kept("/a", None).await
}

pub(super) async fn targets_are_files(bench: &Bench) -> Kept {
    bench.tree.make_dir(&at("/dir"), None).await?;
    bench.put("/file", b"x").await?;
    for how in [Create::Replace, APPEND, Create::Resume { at: 1 }] {
        for (path, kind) in [
            ("/dir", Kind::IsADirectory),
            ("/", Kind::IsADirectory),
            ("/none/x", Kind::NotFound),
            ("/file/x", Kind::NotADirectory),
        ] {
            bench.refused((path, how), bench.create(path, how).await, kind)?;
        }
    }
    bench.names(&["dir", "file"]).await
}

/// An operation may be dropped after any poll; the tree is as usable as before.
pub(super) async fn what_is_abandoned_stands_in_nobodys_way(bench: &Bench) -> Kept {
    let poll = |operation: std::pin::Pin<&mut dyn Future<Output = ()>>| {
        let _ = operation.poll(&mut Context::from_waker(Waker::noop()));
    };
    bench.put("/a", b"12345").await?;
    for _ in 0..20 {
        let (a, root, none) = (at("/a"), at("/"), at("/none"));
        poll(pin!(async { drop(bench.tree.stat(&a).await) }));
        poll(pin!(async { drop(bench.tree.open(&a).await) }));
        poll(pin!(async { drop(bench.list("/").await) }));
        poll(pin!(async { drop(bench.tree.list(&root).await) }));
        poll(pin!(async { drop(bench.tree.create(&a, Create::Replace).await) }));
        poll(pin!(async { drop(bench.tree.create(&none, Create::New).await) }));
        poll(pin!(async { drop(bench.read("/a").await) }));
        tokio::task::yield_now().await;
    }
    bench.holds("/a", b"12345").await?;
    bench.settled(async || bench.put("/a", b"6").await).await?;
    bench.holds("/a", b"6").await?;
    bench.names(&["a"]).await
}
