//! `pasv mv`: another name for a file or directory, at the same site.
use clap::Args;

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::site;
use crate::talk::Failure;

/// Rename or move a file or directory within a site.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// What it is called now.
    #[arg(value_name = "FTP-URL")]
    from: String,

    /// What it is to be called: a URL of the same site; one that ends in a slash keeps the last name.
    #[arg(value_name = "NEW-FTP-URL")]
    to: String,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let (from, to) = (site::url(&flags.from)?, site::url(&flags.to)?);
    if !site::same_site(&from, &to) {
        return Err(Failure::usage("both URLs must be of the same site and user")
            .hint("`pasv get` and `pasv put` move a file between sites"));
    }
    let old = site::named(&from)?;
    let new = site::target(&to, site::last_name(&old))?;
    let mut client = site::open(&from, &flags.talk, &Meter::new(true)).await?;
    let renamed = client.rename(&old, &new).await;
    client.quit().await;
    Ok(renamed?)
}
