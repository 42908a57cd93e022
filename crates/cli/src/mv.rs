//! `pasv mv`: another name for a file or directory, at the same site.
use clap::{Args, ValueHint};

use crate::client_flags::Talk;
use crate::progress::Meter;
use crate::site;
use crate::talk::Failure;

/// Rename or move a file or directory on one server.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// File or directory to rename.
    #[arg(value_name = "FTP-URL", value_hint = ValueHint::Url)]
    from: String,

    /// Its new name, on the same server; end it with a slash to move into a directory.
    #[arg(value_name = "NEW-FTP-URL", value_hint = ValueHint::Url)]
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
