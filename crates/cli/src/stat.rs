//! `pasv stat`: what is true of one path of a server?
use std::io::{self, Write};

use clap::{Args, ValueHint};
use wire::Entry;
use wire::facts::EntryType;
use wire::pathname::show;
use wire::url::FtpUrl;

use crate::client_flags::SessionFlags;
use crate::entry::json;
use crate::progress::Meter;
use crate::several::each;
use crate::site::{self, Sessions};
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
    let urls = site::urls(&flags.urls)?;
    let sessions = Sessions::new(&flags.session, Meter::new(true));
    let mut number = 0;
    each(sessions, &urls, async |sessions, url| {
        number += 1;
        let entry = entry(sessions, url).await?;
        Ok(write(flags, url, &entry, number > 1)?)
    })
    .await
}

/// What is true of a URL, under the last name of its path.
async fn entry(sessions: &mut Sessions<'_>, url: &FtpUrl) -> Result<Entry, Failure> {
    let path = site::path(url)?;
    let entry = sessions.at(url).await?.stat(path.as_ref()).await?;
    let name = path.as_ref().map(site::last_name).filter(|name| !name.is_empty());
    Ok(Entry { name: name.map_or(entry.name, <[u8]>::to_vec), facts: entry.facts })
}

fn write(flags: &Flags, url: &FtpUrl, entry: &Entry, follows: bool) -> io::Result<()> {
    let mut out = io::stdout();
    let many = flags.urls.len() > 1;
    if flags.json {
        let mut object = json(entry, &entry.name);
        if many {
            object["url"] = url.to_string().into();
        }
        return writeln!(out, "{}", crate::json::line(&object));
    }
    if many {
        let blank = if follows { "\n" } else { "" };
        writeln!(out, "{blank}url:      {url}")?;
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
    writeln!(out, "name:     {}", show(&entry.name))?;
    writeln!(out, "type:     {kind}")?;
    if let Some(size) = facts.size {
        writeln!(out, "size:     {size}")?;
    }
    if let Some(modify) = facts.modify {
        writeln!(out, "modified: {}", modify.rfc3339())?;
    }
    if let Some(mode) = facts.unix_mode {
        writeln!(out, "mode:     {mode:04o}")?;
    }
    if let Some(owner) = &facts.unix_owner {
        writeln!(out, "owner:    {}", show(owner))?;
    }
    if let Some(group) = &facts.unix_group {
        writeln!(out, "group:    {}", show(group))?;
    }
    Ok(())
}
