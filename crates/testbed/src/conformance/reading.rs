//! Are files read as they were written?
use storage::{FileType, Kind};

use super::{Bench, Flaw, Kept, at, ensure, equal, same};
use crate::files;

pub(super) async fn a_file_is_read_from_any_offset(bench: &Bench) -> Kept {
    let content = files::content(1, 300_007);
    bench.put("/a", &content).await?;
    bench.holds("/a", &content).await?;
    let mut source = bench.tree.open(&at("/a")).await?;
    for (offset, length) in [(0_usize, 10_usize), (299_999, 8), (150_000, 70_000), (5, 1), (0, 300_007)] {
        let mut got = Vec::new();
        while got.len() < length {
            let mut piece = vec![0; length - got.len()];
            source.read((offset + got.len()) as u64, &mut piece).await?;
            ensure("bytes before the end", !piece.is_empty())?;
            got.extend_from_slice(&piece);
        }
        same(&got, &content[offset..offset + length])?;
    }
    for offset in [300_007, 300_008, 1 << 40, i64::MAX as u64, u64::MAX] {
        let mut piece = vec![0; 10];
        // A store may refuse to look that far; either way no byte comes.
        if source.read(offset, &mut piece).await.is_ok() {
            same(&piece, b"")?;
        }
    }
    let mut none = Vec::new();
    source.read(0, &mut none).await?;
    same(&none, b"")
}

pub(super) async fn only_files_are_opened(bench: &Bench) -> Kept {
    bench.put("/file", b"x").await?;
    bench.tree.make_dir(&at("/dir"), None).await?;
    for (path, kind) in [
        ("/dir", Kind::IsADirectory),
        ("/", Kind::IsADirectory),
        ("/none", Kind::NotFound),
        ("/none/x", Kind::NotFound),
        ("/file/x", Kind::NotADirectory),
    ] {
        bench.refused(path, bench.tree.open(&at(path)).await, kind)?;
    }
    bench.refused("enter", bench.tree.enter(&at("/file")).await, Kind::NotADirectory)?;
    bench.refused("enter", bench.tree.enter(&at("/none")).await, Kind::NotFound)?;
    bench.tree.enter(&at("/dir")).await?;
    Ok(bench.tree.enter(&at("/")).await?)
}

pub(super) async fn what_is_known_of_a_file_is_true(bench: &Bench) -> Kept {
    bench.put("/a", b"12345").await?;
    bench.put("/b", b"").await?;
    bench.tree.make_dir(&at("/d"), None).await?;
    let (a, b, d) = (
        bench.tree.stat(&at("/a")).await?,
        bench.tree.stat(&at("/b")).await?,
        bench.tree.stat(&at("/d")).await?,
    );
    equal(&(a.kind, a.size), &(FileType::File, 5))?;
    equal(&(b.kind, b.size), &(FileType::File, 0))?;
    equal(&d.kind, &FileType::Directory)?;
    equal(&bench.tree.stat(&at("/")).await?.kind, &FileType::Directory)?;
    ensure("what was just made may be read", a.access.read && d.access.read && d.access.enter)?;
    ensure("two files are two", a.unique.is_none() || a.unique != b.unique)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.map_err(|error| Flaw::Broken(error.to_string()))?.as_secs()).unwrap_or(0);
    ensure("it was modified just now", (a.modified.seconds - now).abs() < 120)?;
    for path in ["/none", "/none/x"] {
        bench.refused(path, bench.tree.stat(&at(path)).await, Kind::NotFound)?;
        bench.refused(path, bench.tree.entry(&at(path)).await, Kind::NotFound)?;
    }
    bench.refused("/a/x", bench.tree.stat(&at("/a/x")).await, Kind::NotADirectory)?;
    equal(&bench.tree.open(&at("/a")).await?.stat().size, &5)
}

/// [`storage::Source::file`] and [`storage::Sink::file`], where there is a file.
pub(super) async fn the_file_itself_holds_the_same_bytes(bench: &Bench) -> Kept {
    use std::os::unix::fs::FileExt as _;

    use storage::Create;
    let failed = |error: std::io::Error| Flaw::Broken(error.to_string());
    let ways = [
        (Create::Replace, "one, two, three"),
        (Create::Append { at: None }, "base one, two, three"),
        (Create::Resume { at: 5 }, "base one, two, three"),
        (Create::Resume { at: 2 }, "baone, two, three"),
    ];
    for (how, expected) in ways {
        bench.put("/a", b"base ").await?;
        let mut sink = bench.create("/a", how).await?;
        sink.write(b"one").await?;
        let Some((file, at)) = sink.file() else { return Err(Flaw::Unsupported) };
        file.write_all_at(b", three", at + 5).map_err(failed)?;
        file.write_all_at(b", two", at).map_err(failed)?;
        drop(file);
        sink.commit().await?;
        bench.holds("/a", expected.as_bytes()).await?;
    }
    let source = bench.tree.open(&at("/a")).await?;
    let Some(file) = source.file() else { return Err(Flaw::Unsupported) };
    let mut bytes = vec![0; 17];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    same(&bytes, b"baone, two, three")
}
