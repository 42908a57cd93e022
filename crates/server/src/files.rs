//! How is the short work on files done that a session asks for?
use storage::{FileType, Kind, Result};

use crate::effect::{FileDone, FileOp, Follows, Listing};
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
                return lines(Listing { entries: tree.list(&path).await?, left: most }).await;
            }
            let stat = tree.entry(&path).await?;
            let name = path.split().map(|(_, name)| name.to_vec()).unwrap_or_default();
            let line = listing::status_line(&name, &stat);
            Ok(FileDone::Lines(line.into_iter().collect(), Follows::Nothing))
        }
        FileOp::MoreLines(listing) => lines(listing).await,
    }
}

/// The next lines of a listing, as many as the store gives at a time.
async fn lines(mut listing: Listing) -> Result<FileDone> {
    let (mut batch, mut lines) = (Vec::new(), Vec::new());
    listing.entries.next(&mut batch).await?;
    if batch.is_empty() {
        return Ok(FileDone::Lines(lines, Follows::Nothing));
    }
    for entry in &batch {
        let Some(line) = listing::status_line(&entry.name, &entry.stat) else { continue };
        if listing.left == 0 {
            return Ok(FileDone::Lines(lines, Follows::TooMany));
        }
        listing.left -= 1;
        lines.push(line);
    }
    Ok(FileDone::Lines(lines, Follows::Others(listing)))
}
