//! `pasv ls`: what is in a directory of a site?
use std::io::{self, BufWriter, Stdout, Write};

use clap::{Args, ValueHint};
use client::walk::{Walk, below};
use client::{Client, Error};
use wire::facts::EntryType;
use wire::pathname::show;
use wire::{Entry, Pathname};

use crate::client_flags::Talk;
use crate::entry::{json, long_line};
use crate::progress::Meter;
use crate::site;
use crate::talk::{Exit, Failure, say};

/// List a directory, sorted by name.
///
/// Of a directory with more than 10,000 entries only the first 10,000 are sorted; the rest follows in the server's order.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Directory (or file) to list; ftp:// may be left out.
    #[arg(value_name = "FTP-URL", value_hint = ValueHint::Url)]
    url: String,

    /// List subdirectories too, one path per line.
    #[arg(short, long)]
    recursive: bool,

    /// Names only, one per line.
    #[arg(short = '1', long, conflicts_with = "json")]
    names: bool,

    /// Print one JSON object per entry.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    talk: Talk,
}

/// Entries that are kept to be sorted: at some hundred bytes each they take a few megabytes, however long the listing.
const SORTED: usize = 10_000;

/// How an entry is written.
#[derive(Clone, Copy)]
enum Form {
    Long,
    Names,
    Json,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let url = site::url(&flags.url)?;
    let path = site::path(&url)?;
    let form = match (flags.json, flags.names) {
        (true, _) => Form::Json,
        (false, true) => Form::Names,
        (false, false) => Form::Long,
    };
    let mut client = site::open(&url, &flags.talk, &Meter::new(true)).await?;
    let mut out = BufWriter::new(io::stdout());
    let result = if flags.recursive {
        tree(&mut client, path, form, &mut out).await
    } else {
        one(&mut client, path.as_ref(), form, &mut out).await
    };
    let flushed = out.flush();
    client.quit().await;
    result?;
    Ok(flushed?)
}

async fn one(
    client: &mut Client,
    path: Option<&Pathname>,
    form: Form,
    out: &mut BufWriter<Stdout>,
) -> Result<(), Failure> {
    let mut sorter = Sorter { held: Vec::new(), over: false };
    let mut each = |entry: Entry| sorter.take(entry, form, out);
    let done = client.list(path, &mut each).await;
    // What came before a break is shown too.
    sorter.flush(form, out)?;
    let refused = match done {
        Ok(unread) if unread.is_empty() => return Ok(()),
        Ok(unread) => return Err(Failure::new(Exit::Refused, unread)),
        Err(error) if error.is_permanent_refusal() => error,
        Err(other) => return Err(other.into()),
    };
    // A file is no directory, but it can be listed.
    match client.stat(path).await {
        Ok(entry) if entry.facts.kind == Some(EntryType::File) => Ok(write(form, &entry, &entry.name, out)?),
        Ok(_) | Err(Error::Refused { .. }) => Err(refused.into()),
        Err(other) => Err(other.into()),
    }
}

async fn tree(
    client: &mut Client,
    root: Option<Pathname>,
    form: Form,
    out: &mut BufWriter<Stdout>,
) -> Result<(), Failure> {
    let mut walk = Walk::new(root);
    let mut left_out = false;
    while let Some(visit) = walk.next(client).await {
        match visit {
            Ok(mut visit) => {
                visit.entries.sort_by(|one, other| one.name.cmp(&other.name));
                let here = visit.directory.names.join(&b'/');
                let here = Pathname::new(here).ok();
                for entry in &visit.entries {
                    let Some(path) = below(here.as_ref(), &entry.name) else { continue };
                    write(form, entry, path.as_bytes(), out)?;
                }
                for (name, why) in &visit.refused {
                    left_out = true;
                    say(format_args!("skipped: \"{}\": {why}", show(&visit.directory.within(name))));
                }
                if !visit.unread.is_empty() {
                    left_out = true;
                    let here = visit.directory.names.join(&b'/');
                    let here = if here.is_empty() { ".".to_owned() } else { show(&here) };
                    say(format_args!("\"{here}\": {}", visit.unread));
                }
                for (path, why) in &visit.skipped {
                    left_out = true;
                    say(format_args!("skipped: \"{}\": {why}", show(path)));
                }
            }
            Err((directory, error)) if error.leaves_session_usable() && !directory.names.is_empty() => {
                left_out = true;
                say(format_args!("skipped: \"{}\": {error}", show(&directory.names.join(&b'/'))));
            }
            Err((_, error)) => return Err(error.into()),
        }
    }
    if left_out { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}

/// Sorts by name what a person would read; a longer listing is written as it comes.
struct Sorter {
    held: Vec<Entry>,
    over: bool,
}

impl Sorter {
    fn take(&mut self, entry: Entry, form: Form, out: &mut impl Write) -> io::Result<()> {
        if self.over {
            return write(form, &entry, &entry.name, out);
        }
        self.held.push(entry);
        if self.held.len() >= SORTED {
            self.over = true;
            self.flush(form, out)?;
        }
        Ok(())
    }

    fn flush(&mut self, form: Form, out: &mut impl Write) -> io::Result<()> {
        self.held.sort_by(|one, other| one.name.cmp(&other.name));
        self.held.drain(..).try_for_each(|entry| write(form, &entry, &entry.name, out))
    }
}

fn write(form: Form, entry: &Entry, name: &[u8], out: &mut impl Write) -> io::Result<()> {
    match form {
        Form::Long => writeln!(out, "{}", long_line(entry, name)),
        Form::Names => writeln!(out, "{}", show(name)),
        Form::Json => writeln!(out, "{}", crate::json::line(&json(entry, name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_sorted_and_an_endless_one_is_not_kept() {
        let mut sorter = Sorter { held: Vec::new(), over: false };
        let mut out = Vec::new();
        for n in (0..SORTED + 2).rev() {
            let entry = Entry::parse(format!("type=file; {n:05}").as_bytes()).unwrap();
            sorter.take(entry, Form::Names, &mut out).unwrap();
            assert!(sorter.held.len() < SORTED);
        }
        sorter.flush(Form::Names, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let names: Vec<_> = out.lines().collect();
        assert_eq!((names[0], names[SORTED - 1]), ("00002", "10001"));
        assert_eq!(names[SORTED..], ["00001", "00000"]);
    }
}
