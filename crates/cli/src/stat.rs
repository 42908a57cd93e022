//! `pasv stat`: what is true of one path of a server?
use std::io::{self, Write};

use clap::{Args, ValueHint};
use wire::facts::EntryType;
use wire::pathname::show;
use wire::url::FtpUrl;
use wire::{Entry, Stamp};

use crate::client_flags::SessionFlags;
use crate::entry::json;
use crate::several::each_url;
use crate::site;
use crate::talk::Failure;

/// Show details of a file or directory.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files or directories to look at.
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    urls: Vec<String>,

    /// Print one JSON object per URL.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    session: SessionFlags,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let mut blank = "";
    each_url(&flags.urls, &flags.session, async |sessions, url| {
        let before = std::mem::replace(&mut blank, "\n");
        let path = site::path(url)?;
        let mut entry = sessions.at(url).await?.stat(path.as_ref()).await?;
        // Under the last name of its path.
        if let Some(name) = path.as_ref().map(site::last_name).filter(|name| !name.is_empty()) {
            entry.name = name.to_vec();
        }
        let of = (flags.urls.len() > 1).then_some(url);
        Ok(if flags.json { write_json(&entry, of) } else { write(&entry, of, before) }?)
    })
    .await
}

fn write_json(entry: &Entry, of: Option<&FtpUrl>) -> io::Result<()> {
    let mut object = json(entry, &entry.name);
    if let Some(url) = of {
        object["url"] = url.to_string().into();
    }
    writeln!(io::stdout(), "{}", crate::json::line(&object))
}

fn write(entry: &Entry, of: Option<&FtpUrl>, before: &str) -> io::Result<()> {
    let mut out = io::stdout();
    if let Some(url) = of {
        writeln!(out, "{before}url:      {url}")?;
    }
    let facts = &entry.facts;
    let kind = match &facts.kind {
        Some(kind) if kind.is_directory() => "directory".to_owned(),
        Some(EntryType::File) => "file".to_owned(),
        Some(EntryType::Link(Some(target))) => format!("link to {}", show(target)),
        Some(EntryType::Link(None)) => "link".to_owned(),
        Some(EntryType::Other(what)) => show(what),
        Some(_) | None => "unknown".to_owned(),
    };
    for (label, value) in [
        ("name:", Some(show(&entry.name))),
        ("type:", Some(kind)),
        ("size:", facts.size.map(|size| size.to_string())),
        ("modified:", facts.modify.map(Stamp::rfc3339)),
        ("mode:", facts.unix_mode.map(|mode| format!("{mode:04o}"))),
        ("owner:", facts.unix_owner.as_deref().map(show)),
        ("group:", facts.unix_group.as_deref().map(show)),
    ] {
        if let Some(value) = value {
            writeln!(out, "{label:<9} {value}")?;
        }
    }
    Ok(())
}
