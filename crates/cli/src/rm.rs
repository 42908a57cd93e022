//! `pasv rm`: files and trees of a site, deleted.
use clap::Args;
use client::Client;
use client::walk::{Walk, below};
use wire::Pathname;
use wire::facts::EntryType;
use wire::pathname::show;

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::site;
use crate::talk::{Exit, Failure, say};

/// Delete files of a site, or with -r whole trees.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files, or with -r directories, to delete.
    #[arg(value_name = "FTP-URL", required = true)]
    urls: Vec<String>,

    /// Delete directories and all that is in them.
    #[arg(short, long)]
    recursive: bool,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    for url in &flags.urls {
        let url = site::url(url)?;
        let path = site::named(&url)?;
        let mut client = site::open(&url, &flags.talk, &Meter::new(true)).await?;
        let removed = if flags.recursive {
            tree(&mut client, path).await
        } else {
            client.remove(&path).await.map_err(Failure::from)
        };
        client.quit().await;
        removed?;
    }
    Ok(())
}

/// Files on the way down, directories on the way up.
async fn tree(client: &mut Client, root: Pathname) -> Result<(), Failure> {
    // A file may be meant: then there is nothing to walk.
    if client.stat(Some(&root)).await?.facts.kind.is_some_and(|k| !k.is_directory()) {
        return Ok(client.remove(&root).await?);
    }
    let mut directories = vec![root.clone()];
    let mut walk = Walk::new(Some(root));
    let mut left = false;
    while let Some(visit) = walk.next(client).await {
        let visit = match visit {
            Ok(visit) => visit,
            Err((directory, error)) if error.leaves_session_usable() && !directory.names.is_empty() => {
                left = true;
                say(format_args!("left: {error}"));
                continue;
            }
            Err((_, error)) => return Err(error.into()),
        };
        for (name, why) in visit.refused {
            left = true;
            say(format_args!("left: \"{}\": {why}", show(&name)));
        }
        for (path, why) in visit.skipped {
            left = true;
            say(format_args!("left: {}: {why}", show(&path)));
        }
        for entry in visit.entries {
            let Some(path) = below(visit.directory.path.as_ref(), &entry.name) else { continue };
            if entry.facts.kind == Some(EntryType::Directory) {
                directories.push(path);
            } else if let Err(error) = client.remove(&path).await {
                if !error.leaves_session_usable() {
                    return Err(error.into());
                }
                left = true;
                say(format_args!("left: {error}"));
            }
        }
    }
    for directory in directories.iter().rev() {
        if let Err(error) = client.remove_dir(directory).await {
            if !error.leaves_session_usable() {
                return Err(error.into());
            }
            left = true;
            say(format_args!("left: {error}"));
        }
    }
    if left { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}
