//! `pasv ls`: what is in a directory of a server?
mod page;

use std::fmt::Display;
use std::io::{self, IsTerminal, Stdout, Write};

use clap::{Args, ValueHint};
use client::directory::Unread;
use client::walk::{Nested, Walk};
use client::{Client, Error};
use wire::facts::EntryType;
use wire::pathname::show;
use wire::{Entry, Pathname};

use crate::client_flags::SessionFlags;
use crate::several::each_url;
use crate::site;
use crate::talk::{Exit, Failure, say};

use self::page::{Form, Look, Order, Page};

/// List directories, sorted by name.
///
/// On a terminal, control characters in names are escaped, and directories are coloured (not with NO_COLOR).
/// Into a pipe or a file -1 writes the bytes of the names, one per line, and escapes only a name that
/// contains a line end; -0 escapes nothing.
///
/// Of a directory with more than 10,000 entries only the first 10,000 are sorted; the rest follows in the
/// server's order.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Directories (or files) to list; ftp:// may be left out.
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    urls: Vec<String>,

    /// List subdirectories too, one path per line.
    #[arg(short, long)]
    recursive: bool,

    /// Print permissions, owner and group too, where the server sends them.
    #[arg(short, long, conflicts_with_all = ["names", "null", "json"])]
    long: bool,

    /// Print sizes as 1.2K, 287M, 4.0G.
    #[arg(long)]
    human: bool,

    /// Sort by time, newest first.
    #[arg(short = 't')]
    by_time: bool,

    /// Sort by size, largest first.
    #[arg(short = 'S', conflicts_with = "by_time")]
    by_size: bool,

    /// Print names only, one per line.
    #[arg(short = '1', long, conflicts_with_all = ["null", "json"])]
    names: bool,

    /// Print names only, each ended by a NUL byte, for xargs -0.
    #[arg(short = '0', long, conflicts_with = "json")]
    null: bool,

    /// Print one JSON object per entry.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    session: SessionFlags,
}

/// Entries that are kept to be sorted: at some hundred bytes each they take a few megabytes, however long the
/// listing.
const SORTED: usize = 10_000;

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let order = match (flags.by_time, flags.by_size) {
        (true, _) => Order::Time,
        (false, true) => Order::Size,
        (false, false) => Order::Name,
    };
    let mut page = Page::new(look(flags), io::stdout());
    each_url(&flags.urls, &flags.session, async |sessions, url| {
        if flags.urls.len() > 1 {
            page.of(url.to_string());
        }
        let path = site::path(url)?;
        let mut client = sessions.at(url).await?;
        let done = if flags.recursive {
            tree(&mut client, path, order, &mut page).await
        } else {
            one(&mut client, path.as_ref(), order, &mut page).await
        };
        if done.is_ok() {
            page.head()?;
        }
        // Before the failure is printed.
        page.flush()?;
        done
    })
    .await
}

fn look(flags: &Flags) -> Look {
    let form = match flags {
        Flags { json: true, .. } => Form::Json,
        Flags { null: true, .. } => Form::Null,
        Flags { names: true, .. } => Form::Names,
        Flags { long: true, .. } => Form::Long,
        _ => Form::Plain,
    };
    let terminal = io::stdout().is_terminal();
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Look { form, human: flags.human, colour: terminal && !dumb && unset("NO_COLOR"), terminal }
}

async fn one(
    client: &mut Client,
    path: Option<&Pathname>,
    order: Order,
    page: &mut Page<Stdout>,
) -> Result<(), Failure> {
    let mut sorter = Sorter { held: Vec::new(), over: false, order };
    let mut each = |entry: Entry| sorter.take(entry, page);
    let done = client.list(path, &mut each).await;
    // What came before a break is shown too.
    sorter.flush(page)?;
    let refused = match done {
        Ok(unread) if unread.is_empty() => return Ok(()),
        Ok(unread) => {
            warn_of(&path.map_or(String::new(), ToString::to_string), &unread);
            return Err(Failure::told(Exit::Refused));
        }
        Err(error) if error.is_permanent_refusal() => error,
        Err(other) => return Err(Failure::while_writing("stdout", other)),
    };
    // A file is no directory, but it can be listed.
    match client.stat(path).await {
        Ok(entry) if entry.facts.kind == Some(EntryType::File) => Ok(page.entry(&entry, &entry.name)?),
        Ok(_) | Err(Error::Refused { .. }) => Err(refused.into()),
        Err(other) => Err(other.into()),
    }
}

/// Lines of the listing of a directory are not shown, as they are in no known format.
fn warn_of(directory: &str, unread: &Unread) {
    let directory = match directory.trim_end_matches('/') {
        "" if directory.is_empty() => ".",
        trimmed => trimmed,
    };
    say(format_args!("warning: {directory}/: {unread}"));
}

async fn tree(
    client: &mut Client,
    root: Option<Pathname>,
    order: Order,
    page: &mut Page<Stdout>,
) -> Result<(), Failure> {
    // Only by name do the directories come in the order in which they are entered.
    let by_name = order == Order::Name;
    let walk = Walk::new(root);
    let mut walk = if by_name { walk.sorted() } else { walk };
    let mut nested = Nested::default();
    let mut left_out = false;
    while let Some(visit) = walk.next(client).await {
        match visit {
            Ok(mut visit) => {
                order.sort(&mut visit.entries);
                for (name, why) in &visit.refused {
                    skipped(&visit.directory.within(name), why);
                }
                if !visit.unread.is_empty() {
                    warn_of(&show(&visit.directory.names.join(&b'/')), &visit.unread);
                }
                for (path, why) in &visit.skipped {
                    skipped(path, why);
                }
                let all = visit.refused.is_empty() && visit.unread.is_empty() && visit.skipped.is_empty();
                left_out |= !all;
                nested.add(visit, by_name);
            }
            Err(failed) if failed.goes_on => {
                left_out = true;
                skipped(&failed.directory.names.join(&b'/'), &failed.error);
            }
            Err(failed) => return Err(failed.error.into()),
        }
        for (entry, path) in nested.by_ref() {
            page.entry(&entry, path.as_bytes())?;
        }
    }
    if left_out { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}

fn skipped(path: &[u8], why: &dyn Display) {
    say(format_args!("skipped: \"{}\": {why}", show(path)));
}

/// Sorts what a person would read; a longer listing is written as it comes.
struct Sorter {
    held: Vec<Entry>,
    over: bool,
    order: Order,
}

impl Sorter {
    fn take<W: Write>(&mut self, entry: Entry, page: &mut Page<W>) -> io::Result<()> {
        if self.over {
            return page.entry(&entry, &entry.name);
        }
        self.held.push(entry);
        if self.held.len() >= SORTED {
            self.over = true;
            self.flush(page)?;
        }
        Ok(())
    }

    fn flush<W: Write>(&mut self, page: &mut Page<W>) -> io::Result<()> {
        self.order.sort(&mut self.held);
        self.held.drain(..).try_for_each(|entry| page.entry(&entry, &entry.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_sorted_and_an_endless_one_is_not_kept() {
        let mut sorter = Sorter { held: Vec::new(), over: false, order: Order::Name };
        let mut out = Vec::new();
        let look = Look { form: Form::Names, human: false, colour: false, terminal: false };
        let mut page = Page::new(look, &mut out);
        for n in (0..SORTED + 2).rev() {
            let entry = Entry::parse(format!("type=file; {n:05}").as_bytes()).unwrap();
            sorter.take(entry, &mut page).unwrap();
            assert!(sorter.held.len() < SORTED);
        }
        sorter.flush(&mut page).unwrap();
        page.flush().unwrap();
        drop(page);
        let out = String::from_utf8(out).unwrap();
        let names: Vec<_> = out.lines().collect();
        assert_eq!((names[0], names[SORTED - 1]), ("00002", "10001"));
        assert_eq!(names[SORTED..], ["00001", "00000"]);
    }
}
