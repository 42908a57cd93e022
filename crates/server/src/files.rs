//! How is the short work on files done that a session asks for?
use storage::{FileType, Kind, Result};

use crate::effect::{FileDone, FileOp};
use crate::session::Pass;
use crate::transfer::listing;

/// Does it. The answer is ready at the first poll where the store knows it at once.
pub async fn run(pass: &Pass, op: FileOp) -> Result<FileDone> {
    let tree = pass.tree();
    match op {
        FileOp::Stat(path) => tree.stat(&path).await.map(FileDone::Stat),
        FileOp::Entry(path) => tree.entry(&path).await.map(FileDone::Stat),
        FileOp::Enter(path) => tree.enter(&path).await.map(|()| FileDone::Done),
        FileOp::Length(path, writes) => match tree.stat(&path).await {
            Err(missing) if missing.kind == Kind::NotFound && writes => {
                tree.kept(&path).await?.map(FileDone::Kept).ok_or(missing)
            }
            known => known.map(FileDone::Stat),
        },
        FileOp::Rename(from, to) => tree.rename(&from, &to).await.map(|()| FileDone::Done),
        FileOp::Remove(path) => tree.remove(&path).await.map(|()| FileDone::Done),
        FileOp::RemoveDir(path) => tree.remove_dir(&path).await.map(|()| FileDone::Done),
        FileOp::MakeDir(path, mode) => tree.make_dir(&path, mode).await.map(|()| FileDone::Done),
        FileOp::Set(path, modified, mode) => {
            if let Some(mode) = mode {
                tree.set_mode(&path, mode).await?;
            }
            if let Some(modified) = modified {
                tree.set_modified(&path, modified).await?;
            }
            Ok(FileDone::Done)
        }
        FileOp::Space(path) => tree.space(&path).await.map(FileDone::Space),
        FileOp::Lines(path, most) => {
            let stat = tree.stat(&path).await?;
            if stat.kind == FileType::Directory {
                let mut entries = tree.list(&path).await?;
                let mut batch = Vec::new();
                let mut lines = Vec::new();
                loop {
                    entries.next(&mut batch).await?;
                    if batch.is_empty() {
                        return Ok(FileDone::Lines(lines, false));
                    }
                    for entry in &batch {
                        if lines.len() == most {
                            return Ok(FileDone::Lines(lines, true));
                        }
                        lines.extend(listing::status_line(&entry.name, &entry.stat));
                    }
                }
            }
            let stat = tree.entry(&path).await?;
            let name = path.split().map(|(_, name)| name.to_vec()).unwrap_or_default();
            Ok(FileDone::Lines(listing::status_line(&name, &stat).into_iter().collect(), false))
        }
    }
}
