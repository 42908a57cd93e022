//! `pasv rm`: files and trees of a site, deleted.
use clap::Args;

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

    /// Delete directories and all that is in them. Links that the server shows as links are deleted, and never followed.
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
    if !flags.recursive {
        return Ok(client.remove(&path).await?);
    }
    if matches!(site::last_name(&path), b"." | b"..") {
        return Err(
            Failure::usage(format!("{url} is what holds it, or above")).hint("name the directory itself")
        );
    }
    let mut left = |line: String| say(format_args!("left: {line}"));
    if client.remove_tree(&path, &mut left).await? { Ok(()) } else { Err(Failure::told(Exit::Refused)) }
}
