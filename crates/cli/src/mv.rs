//! `pasv mv`: another name for a file or directory, at the same server.
use clap::{Args, ValueHint};
use wire::Pathname;

use crate::client_flags::SessionFlags;
use crate::progress::Meter;
use crate::site::{self, Sessions};
use crate::talk::Failure;

/// Rename or move a file or directory on one server.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// File or directory to rename.
    #[arg(value_name = "FTP-URL", value_hint = ValueHint::Url)]
    from: String,

    /// Its new name: a name or path relative to its directory, or a URL on the same server. End it with a
    /// slash to move into a directory.
    #[arg(value_name = "NEW", value_hint = ValueHint::Url)]
    to: String,

    #[command(flatten)]
    session: SessionFlags,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let from = site::url(&flags.from)?;
    let old = site::named(&from)?;
    let new = if is_url(&flags.to, &flags.from) {
        let to = site::url(&flags.to)?;
        if !site::same_site(&from, &to) {
            return Err(Failure::usage("both URLs must have the same server and user")
                .hint("to move a file between servers use `pasv get` and `pasv put`"));
        }
        site::target(&to, site::last_name(&old))?
    } else {
        beside(&old, flags.to.as_bytes())?
    };
    let mut sessions = Sessions::new(&flags.session, Meter::new(true));
    let renamed = sessions.at(&from).await?.rename(&old, &new).await;
    sessions.end().await;
    Ok(renamed?)
}

/// Is the new name a URL? One without its scheme begins with the host, as the old one does then.
fn is_url(to: &str, from: &str) -> bool {
    let host = |text: &str| text.split_once('/').map(|(host, _)| host.to_owned());
    to.contains("://") || (!from.contains("://") && host(to).is_some_and(|to| Some(to) == host(from)))
}

/// The path that `to` is, seen from the directory of `old`. It is written as the name is, without percent
/// signs.
fn beside(old: &Pathname, to: &[u8]) -> Result<Pathname, Failure> {
    if to.is_empty() {
        return Err(Failure::usage("the new name is empty"));
    }
    let path = old.as_bytes();
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let directory = match to {
        [b'/', ..] => &b""[..],
        _ => path.get(..path.len() - site::last_name(old).len()).unwrap_or_default(),
    };
    let mut new = [directory, to].concat();
    if to.ends_with(b"/") {
        new.extend_from_slice(site::last_name(old));
    }
    Pathname::new(new).map_err(|error| Failure::usage(format!("the new name: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_seen_from_the_old_ones_directory() {
        for (old, to, new) in [
            ("a", "b", "b"),
            ("pub/a", "b", "pub/b"),
            ("/pub/a", "b c", "/pub/b c"),
            ("pub/a/", "b", "pub/b"),
            ("pub/a", "deep/", "pub/deep/a"),
            ("pub/a", "../b%20", "pub/../b%20"),
            ("pub/a", "/b", "/b"),
        ] {
            let said = beside(&Pathname::new(old).unwrap(), to.as_bytes()).unwrap();
            assert_eq!(said, Pathname::new(new).unwrap(), "{old} {to}");
        }
        assert!(beside(&Pathname::new("a").unwrap(), b"").is_err());
        assert!(is_url("ftp://h/b", "h/a") && is_url("h/b", "h/a"));
        assert!(!is_url("b", "h/a") && !is_url("h/b", "ftp://h/a") && !is_url("deep/", "h/a"));
    }
}
