//! `pasv mkdir`, `pasv rmdir`: directories of a site.
use clap::{Args, ValueHint};
use client::{Client, Error};
use wire::Pathname;
use wire::url::FtpUrl;

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::several::Several;
use crate::site::{self, Sessions};
use crate::talk::Failure;

/// Create directories.
#[derive(Args, Debug)]
pub(crate) struct MakeFlags {
    /// Create missing parents too; a directory that exists is no error.
    #[arg(short, long)]
    parents: bool,

    #[command(flatten)]
    flags: Flags,
}

/// Remove empty directories.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Directories.
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    urls: Vec<String>,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) async fn make(make: &MakeFlags) -> Result<(), Failure> {
    each(&make.flags, if make.parents { Change::MakeAll } else { Change::Make }).await
}

pub(crate) async fn remove(flags: &Flags) -> Result<(), Failure> {
    each(flags, Change::Remove).await
}

#[derive(Clone, Copy)]
enum Change {
    Make,
    MakeAll,
    Remove,
}

async fn each(flags: &Flags, change: Change) -> Result<(), Failure> {
    let urls = site::urls(&flags.urls)?;
    let mut sessions = Sessions::new(&flags.talk, Meter::new(true));
    let mut all = Several::of(urls.len());
    let mut last = Ok(());
    for url in &urls {
        let done = one(&mut sessions, url, change).await;
        sessions.after(&done);
        last = all.add(done, Failure::print);
        if last.is_err() {
            break;
        }
    }
    sessions.end().await;
    last?;
    all.end()
}

async fn one(sessions: &mut Sessions<'_>, url: &FtpUrl, change: Change) -> Result<(), Failure> {
    let path = site::named(url)?;
    let client = sessions.at(url).await?;
    Ok(match change {
        Change::MakeAll => make_all(client, &path).await,
        Change::Make => client.make_dir(&path).await,
        Change::Remove => client.remove_dir(&path).await,
    }?)
}

/// From the top down, as servers make only what has its parent.
pub(crate) async fn make_all(client: &mut Client, path: &Pathname) -> Result<(), Error> {
    let mut whole = Vec::new();
    for part in path.as_bytes().split_inclusive(|byte| *byte == b'/') {
        whole.extend_from_slice(part);
        if part == b"/" {
            continue;
        }
        let Ok(directory) = Pathname::new(whole.strip_suffix(b"/").unwrap_or(&whole)) else { continue };
        if let Err(error) = client.make_dir(&directory).await {
            if !matches!(error, Error::Refused { .. }) {
                return Err(error);
            }
            // Perhaps it is there already.
            let there = client.stat(Some(&directory)).await;
            if !there.is_ok_and(|e| e.facts.kind.is_some_and(|k| k.is_directory())) {
                return Err(error);
            }
        }
    }
    Ok(())
}
