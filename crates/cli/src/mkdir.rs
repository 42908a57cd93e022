//! `pasv mkdir`, `pasv rmdir`: directories of a site.
use clap::Args;

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::site;
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
    for url in &flags.urls {
        let url = site::url(url)?;
        let path = site::named(&url)?;
        let mut client = site::open(&url, &flags.talk, &Meter::new(true)).await?;
        let made = client.make_dir(&path).await;
        client.quit().await;
        made?;
    }
    Ok(())
}

pub(crate) async fn remove(flags: &Flags) -> Result<(), Failure> {
    for url in &flags.urls {
        let url = site::url(url)?;
        let path = site::named(&url)?;
        let mut client = site::open(&url, &flags.talk, &Meter::new(true)).await?;
        let removed = client.remove_dir(&path).await;
        client.quit().await;
        removed?;
    }
    Ok(())
}
