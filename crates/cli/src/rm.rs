//! `pasv rm`: files and trees of a site, deleted.
use clap::Args;
use client::Client;
use client::walk::{Walk, below};
use wire::Pathname;
use wire::facts::EntryType;
use wire::pathname::show;

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::site::{self, Sessions};
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
    let mut sessions = Sessions::new(&flags.talk, Meter::new(true));
    let mut done = Ok(());
    for url in &flags.urls {
        done = one(&mut sessions, url, flags).await;
        if done.is_err() {
            break;
        }
    }
    sessions.end().await;
    done
}

async fn one(sessions: &mut Sessions<'_>, url: &str, flags: &Flags) -> Result<(), Failure> {
    let url = site::url(url)?;
    let path = site::named(&url)?;
    let client = sessions.at(&url).await?;
    if flags.recursive { tree(client, path).await } else { Ok(client.remove(&path).await?) }
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
