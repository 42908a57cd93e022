//! Are names made, moved, removed and described as asked?
use storage::{Kind, Time};

use super::{Bench, Kept, at, ensure, equal};

pub(super) async fn directories_come_and_go(bench: &Bench) -> Kept {
    let make = async |path: &str| bench.tree.make_dir(&at(path), None).await;
    let remove = async |path: &str| bench.tree.remove_dir(&at(path)).await;
    make("/d").await?;
    bench.refused("/d", make("/d").await, Kind::Exists)?;
    bench.refused("/", make("/").await, Kind::Exists)?;
    bench.refused("/no/where", make("/no/where").await, Kind::NotFound)?;
    make("/d/e").await?;
    bench.put("/d/e/file", b"x").await?;
    bench.refused("/d/e/file", make("/d/e/file").await, Kind::Exists)?;
    bench.refused("/d", remove("/d").await, Kind::NotEmpty)?;
    bench.refused("/d/e", remove("/d/e").await, Kind::NotEmpty)?;
    bench.refused("/d/e/file", remove("/d/e/file").await, Kind::NotADirectory)?;
    bench.refused("/", remove("/").await, Kind::Denied)?;
    bench.refused("/x", remove("/x").await, Kind::NotFound)?;
    bench.tree.remove(&at("/d/e/file")).await?;
    remove("/d/e").await?;
    remove("/d").await?;
    bench.names(&[]).await
}

pub(super) async fn a_directory_has_the_mode_it_was_made_with(bench: &Bench) -> Kept {
    bench.tree.make_dir(&at("/private"), Some(0o700)).await?;
    let Some(posix) = bench.tree.stat(&at("/private")).await?.posix else { return Ok(()) };
    equal(&(posix.mode & 0o777), &0o700)
}

pub(super) async fn a_rename_replaces_files_only(bench: &Bench) -> Kept {
    bench.put("/a", b"a").await?;
    bench.put("/b", b"b").await?;
    for dir in ["/d", "/e", "/full"] {
        bench.tree.make_dir(&at(dir), None).await?;
    }
    bench.put("/full/x", b"").await?;
    let rename = async |from: &str, to: &str| bench.tree.rename(&at(from), &at(to)).await;
    rename("/a", "/b").await?;
    bench.holds("/b", b"a").await?;
    bench.names(&["b", "d", "e", "full"]).await?;
    for (from, to, kind) in [
        ("/b", "/d", Kind::IsADirectory),
        ("/d", "/e", Kind::Exists),
        ("/d", "/b", Kind::Exists),
        ("/d", "/full", Kind::Exists),
        ("/nothing", "/x", Kind::NotFound),
        ("/b", "/nowhere/b", Kind::NotFound),
        ("/d", "/d/below", Kind::BadName),
        ("/", "/x", Kind::Denied),
        ("/d", "/", Kind::Exists),
    ] {
        bench.refused((from, to), rename(from, to).await, kind)?;
    }
    rename("/d", "/moved").await?;
    rename("/moved", "/moved").await?;
    rename("/full", "/fuller").await?;
    rename("/b", "/fuller/b").await?;
    bench.holds("/fuller/b", b"a").await?;
    bench.names(&["e", "fuller", "moved"]).await
}

pub(super) async fn removing_is_for_files(bench: &Bench) -> Kept {
    bench.put("/a", b"a").await?;
    bench.tree.make_dir(&at("/d"), None).await?;
    for (path, kind) in [("/d", Kind::IsADirectory), ("/", Kind::IsADirectory), ("/nothing", Kind::NotFound)]
    {
        bench.refused(path, bench.tree.remove(&at(path)).await, kind)?;
    }
    bench.tree.remove(&at("/a")).await?;
    bench.names(&["d"]).await
}

pub(super) async fn times_are_kept(bench: &Bench) -> Kept {
    bench.put("/a", b"a").await?;
    for seconds in [1_000_000_000, 0, 4_000_000_000] {
        bench.tree.set_modified(&at("/a"), Time { seconds, nanos: 0 }).await?;
        equal(&bench.tree.stat(&at("/a")).await?.modified.seconds, &seconds)?;
    }
    bench.refused("/none", bench.tree.set_modified(&at("/none"), Time::default()).await, Kind::NotFound)
}

pub(super) async fn modes_are_kept(bench: &Bench) -> Kept {
    bench.put("/a", b"a").await?;
    for mode in [0o755, 0o600] {
        bench.tree.set_mode(&at("/a"), mode).await?;
        if let Some(posix) = bench.tree.stat(&at("/a")).await?.posix {
            equal(&posix.mode, &mode)?;
        }
    }
    bench.refused("/none", bench.tree.set_mode(&at("/none"), 0o600).await, Kind::NotFound)?;
    bench.refused("/", bench.tree.set_mode(&at("/"), 0).await, Kind::Denied)
}

pub(super) async fn space_is_told(bench: &Bench) -> Kept {
    ensure("there is room", bench.tree.space(&at("/")).await? > 0)?;
    bench.refused("/none", bench.tree.space(&at("/none")).await, Kind::NotFound)
}
