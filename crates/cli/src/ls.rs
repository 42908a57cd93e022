//! `pasv ls`: what is in a directory of a server?
mod page;

use std::collections::HashSet;
use std::io::{self, IsTerminal, Stdout, Write};

use clap::{Args, ValueHint};
use client::directory::Unread;
use client::walk::{Visit, Walk, below};
use client::{Client, Error};
use wire::facts::EntryType;
use wire::pathname::show;
use wire::url::FtpUrl;
use wire::{Entry, Pathname};

use crate::client_flags::SessionFlags;
use crate::progress::Meter;
use crate::several::each;
use crate::site::{self, Sessions};
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
    let urls = site::urls(&flags.urls)?;
    let order = match (flags.by_time, flags.by_size) {
        (true, _) => Order::Time,
        (false, true) => Order::Size,
        (false, false) => Order::Name,
    };
    let mut page = Page::new(look(flags), io::stdout());
    let sessions = Sessions::new(&flags.session, Meter::new(true));
    each(sessions, &urls, async |sessions, url| {
        if urls.len() > 1 {
            page.of(url.to_string());
        }
        let done = listed(sessions, url, flags.recursive, order, &mut page).await;
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

async fn listed(
    sessions: &mut Sessions<'_>,
    url: &FtpUrl,
    recursive: bool,
    order: Order,
    page: &mut Page<Stdout>,
) -> Result<(), Failure> {
    let path = site::path(url)?;
    let mut client = sessions.at(url).await?;
    if recursive {
        tree(&mut client, path, order, page).await?;
    } else {
        one(&mut client, path.as_ref(), order, page).await?;
    }
    Ok(page.end()?)
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
    let mut whole = WholeTree::default();
    let mut left_out = false;
    while let Some(visit) = walk.next(client).await {
        match visit {
            Ok(mut visit) => {
                order.sort(&mut visit.entries);
                for (name, why) in &visit.refused {
                    left_out = true;
                    say(format_args!("skipped: \"{}\": {why}", show(&visit.directory.within(name))));
                }
                if !visit.unread.is_empty() {
                    left_out = true;
                    warn_of(&show(&visit.directory.names.join(&b'/')), &visit.unread);
                }
                for (path, why) in &visit.skipped {
                    left_out = true;
                    say(format_args!("skipped: \"{}\": {why}", show(path)));
                }
                whole.enter(visit, by_name);
            }
            Err(failed) if failed.goes_on => {
                left_out = true;
                say(format_args!(
                    "skipped: \"{}\": {}",
                    show(&failed.directory.names.join(&b'/')),
                    failed.error
                ));
            }
            Err(failed) => return Err(failed.error.into()),
        }
        whole.write_until_a_directory(&mut |entry, path| page.entry(entry, path))?;
    }
    if left_out { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}

/// The order of a whole tree: each directory, then what is in it, then what follows it by name.
#[derive(Default)]
struct WholeTree {
    /// The directories that are under way, the innermost last: where each is, and what is still to be written
    /// of it, last first.
    under_way: Vec<(Option<Pathname>, Vec<Next>)>,
    held: usize,
}

/// An entry, and whether the walk enters it.
struct Next {
    entry: Entry,
    entered: bool,
}

/// Entries of a tree that wait for what is in the directories before them. Of more than that the rest is
/// written at once.
const WAITING: usize = 500_000;

impl WholeTree {
    /// With `nested`, what is in a directory follows it.
    fn enter(&mut self, visit: Visit, nested: bool) {
        let Visit { directory, entries, skipped, .. } = visit;
        let skipped: HashSet<Vec<u8>> = skipped.into_iter().map(|(path, _)| path).collect();
        let keeps_order = nested && self.held + entries.len() <= WAITING;
        let entries = entries.into_iter().rev().map(|entry| {
            let is_directory = entry.facts.kind == Some(EntryType::Directory);
            let entered = keeps_order && is_directory && !skipped.contains(&directory.within(&entry.name));
            Next { entry, entered }
        });
        let entries: Vec<_> = entries.collect();
        self.held += entries.len();
        self.under_way.push((Pathname::new(directory.names.join(&b'/')).ok(), entries));
    }

    /// Writes on, up to the directory that the walk enters next.
    fn write_until_a_directory(
        &mut self,
        write: &mut impl FnMut(&Entry, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        while let Some((here, entries)) = self.under_way.last_mut() {
            let Some(Next { entry, entered }) = entries.pop() else {
                self.under_way.pop();
                continue;
            };
            self.held -= 1;
            // The walk does not enter what no command can name either.
            let Some(path) = below(here.as_ref(), &entry.name) else { continue };
            write(&entry, path.as_bytes())?;
            if entered {
                break;
            }
        }
        Ok(())
    }
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
    use client::walk::Directory;

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

    #[test]
    fn of_a_tree_each_directory_is_followed_by_what_is_in_it() {
        let visit = |names: &[&str], entries: &[&str]| Visit {
            directory: Directory {
                path: None,
                names: names.iter().map(|name| name.as_bytes().to_vec()).collect(),
                entry: None,
            },
            entries: entries.iter().map(|line| Entry::parse(line.as_bytes()).unwrap()).collect(),
            refused: Vec::new(),
            unread: Unread::default(),
            skipped: vec![(b"e".to_vec(), "it is too deep")],
        };
        for (nested, order) in [(true, "a b b/x b/y b/y/z c e f"), (false, "a b c e f b/x b/y b/y/z")] {
            let mut whole = WholeTree::default();
            let mut seen = Vec::new();
            for visit in [
                visit(&[], &["type=file; a", "type=dir; b", "type=file; c", "type=dir; e", "type=file; f"]),
                visit(&["b"], &["type=file; x", "type=dir; y"]),
                visit(&["b", "y"], &["type=file; z"]),
            ] {
                whole.enter(visit, nested);
                let mut write = |_: &Entry, path: &[u8]| {
                    seen.push(show(path));
                    Ok(())
                };
                whole.write_until_a_directory(&mut write).unwrap();
            }
            assert_eq!((seen.join(" ").as_str(), whole.held), (order, 0), "{nested}");
        }
    }
}
