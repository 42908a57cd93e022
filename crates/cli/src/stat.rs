//! `pasv stat`: what is true of one path of a site?
use std::io::{self, Write};

use clap::Args;
use wire::facts::EntryType;
use wire::pathname::show;

use crate::client_flags::Talk;
use crate::entry::{iso, json};
use crate::progress::Meter;
use crate::site;
use crate::talk::Failure;

/// Show what a site tells of a file or directory.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// What to look at.
    #[arg(value_name = "FTP-URL")]
    url: String,

    /// As a JSON object.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let url = site::url(&flags.url)?;
    let path = site::path(&url)?;
    let mut client = site::open(&url, &flags.talk, &Meter::new(true)).await?;
    let entry = client.stat(path.as_ref()).await;
    client.quit().await;
    let entry = entry?;
    let mut out = io::stdout();
    if flags.json {
        writeln!(out, "{}", crate::json::line(&json(&entry, &entry.name)))?;
        return Ok(());
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
        writeln!(out, "modified: {}", iso(modify))?;
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
