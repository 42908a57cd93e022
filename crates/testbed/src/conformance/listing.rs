//! Is a directory listed as it is?
use storage::Kind;

use super::{Bench, Kept, at, equal};
use crate::files::ODD_NAMES;

pub(super) async fn a_listing_is_sorted_and_comes_in_pieces(bench: &Bench) -> Kept {
    let mut expected = Vec::new();
    for name in ["b", "B", "a", "\u{e9}", "a.txt", "ab", "10", "9", ".hidden", "a-"] {
        bench.put(name, b"").await?;
        expected.push(name.as_bytes().to_vec());
    }
    for n in 0..300 {
        // Long names, so that pieces end at odd places.
        let name = format!("{:0width$}", n * 7919 % 300, width = 3 + n % 200);
        bench.put(&name, b"").await?;
        expected.push(name.into_bytes());
    }
    expected.sort();
    equal(&bench.list("/").await?.into_iter().map(|entry| entry.name).collect(), &expected)
}

pub(super) async fn an_entry_is_what_the_listing_has(bench: &Bench) -> Kept {
    bench.put("file", b"12345").await?;
    bench.put("empty", b"").await?;
    bench.tree.make_dir(&at("dir"), None).await?;
    bench.put("dir/below", b"1").await?;
    bench.names(&["dir", "empty", "file"]).await?;
    for entry in bench.list("/").await? {
        equal(&entry.stat, &bench.tree.entry(&at(&entry.name)).await?)?;
    }
    equal(&bench.list("/dir").await?.len(), &1)
}

pub(super) async fn odd_names_come_back(bench: &Bench) -> Kept {
    for (_, name) in ODD_NAMES {
        let name = at(name);
        crate::tree::upload(&*bench.tree, &name, storage::Create::Replace, name.as_bytes()).await?;
    }
    let listed = bench.list("/").await?;
    let mut expected: Vec<&[u8]> = ODD_NAMES.iter().map(|(_, name)| *name).collect();
    expected.sort();
    equal(&listed.iter().map(|entry| entry.name.as_slice()).collect(), &expected)?;
    for entry in listed {
        let source = bench.tree.open(&at(&entry.name)).await?;
        equal(&source.stat().size, &(entry.name.len() as u64 + 1))?;
        bench.tree.remove(&at(&entry.name)).await?;
    }
    bench.names(&[]).await
}

pub(super) async fn only_directories_are_listed(bench: &Bench) -> Kept {
    bench.names(&[]).await?;
    bench.put("file", b"").await?;
    bench.tree.make_dir(&at("empty"), None).await?;
    equal(&bench.list("/empty").await?.len(), &0)?;
    bench.refused("/file", bench.list("/file").await, Kind::NotADirectory)?;
    bench.refused("/none", bench.list("/none").await, Kind::NotFound)
}
