//! `pasv mkdir`, `pasv rmdir`: directories of a server.
use clap::{Args, ValueHint};

use crate::client_flags::SessionFlags;
use crate::several::each_url;
use crate::site;
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
    session: SessionFlags,
}

pub(crate) async fn make(make: &MakeFlags) -> Result<(), Failure> {
    all(&make.flags, if make.parents { Change::MakeAll } else { Change::Make }).await
}

pub(crate) async fn remove(flags: &Flags) -> Result<(), Failure> {
    all(flags, Change::Remove).await
}

#[derive(Clone, Copy)]
enum Change {
    Make,
    MakeAll,
    Remove,
}

async fn all(flags: &Flags, change: Change) -> Result<(), Failure> {
    each_url(&flags.urls, &flags.session, async |sessions, url| {
        let path = site::named(url)?;
        let mut client = sessions.at(url).await?;
        Ok(match change {
            Change::MakeAll => client.make_dir_all(&path).await,
            Change::Make => client.make_dir(&path).await,
            Change::Remove => client.remove_dir(&path).await,
        }?)
    })
    .await
}
