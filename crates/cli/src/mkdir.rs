//! `pasv mkdir`, `pasv rmdir`: directories of a site.
use clap::Args;

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::site::{self, Sessions};
use crate::talk::Failure;

/// Make or remove directories of a site.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Directories.
    #[arg(value_name = "FTP-URL", required = true)]
    urls: Vec<String>,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) async fn make(flags: &Flags) -> Result<(), Failure> {
    each(flags, Change::Make).await
}

pub(crate) async fn remove(flags: &Flags) -> Result<(), Failure> {
    each(flags, Change::Remove).await
}

#[derive(Clone, Copy)]
enum Change {
    Make,
    Remove,
}

async fn each(flags: &Flags, change: Change) -> Result<(), Failure> {
    let mut sessions = Sessions::new(&flags.talk, Meter::new(true));
    let mut done = Ok(());
    for url in &flags.urls {
        done = one(&mut sessions, url, change).await;
        if done.is_err() {
            break;
        }
    }
    sessions.end().await;
    done
}

async fn one(sessions: &mut Sessions<'_>, url: &str, change: Change) -> Result<(), Failure> {
    let url = site::url(url)?;
    let path = site::named(&url)?;
    let client = sessions.at(&url).await?;
    Ok(match change {
        Change::Make => client.make_dir(&path).await,
        Change::Remove => client.remove_dir(&path).await,
    }?)
}
