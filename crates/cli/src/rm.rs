//! `pasv rm`: files and trees of a server, deleted.
use clap::{Args, ValueHint};
use client::removal::Removed;
use wire::url::FtpUrl;

use crate::client_flags::SessionFlags;
use crate::progress::Meter;
use crate::several::each;
use crate::site::{self, Sessions};
use crate::talk::{Exit, Failure, say};

/// Delete files, or with -r whole directory trees.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files, or with -r directories, to delete.
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    urls: Vec<String>,

    /// Delete directories with their contents; -v prints each path that is deleted.
    ///
    /// Links that the server shows as links are deleted and never followed.
    #[arg(short, long)]
    recursive: bool,

    #[command(flatten)]
    session: SessionFlags,
}

/// What was deleted of a tree.
#[derive(Default)]
struct Count {
    files: u64,
    directories: u64,
    left: u64,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let urls = site::urls(&flags.urls)?;
    let sessions = Sessions::new(&flags.session, Meter::new(true));
    let mut count = Count::default();
    let done = each(sessions, &urls, async |sessions, url| one(sessions, url, flags, &mut count).await).await;
    summary(flags, &count);
    done
}

async fn one(
    sessions: &mut Sessions<'_>,
    url: &FtpUrl,
    flags: &Flags,
    count: &mut Count,
) -> Result<(), Failure> {
    let path = site::named(url)?;
    if flags.recursive && matches!(site::last_name(&path), b"." | b"..") {
        return Err(
            Failure::usage(format!("{url} is what holds it, or above")).hint("name the directory itself")
        );
    }
    let mut client = sessions.at(url).await?;
    if !flags.recursive {
        return Ok(client.remove(&path).await?);
    }
    let mut report = |what: Removed| match what {
        Removed::File(path) => {
            count.files += 1;
            if flags.session.verbose {
                say(format_args!("removed \"{path}\""));
            }
        }
        Removed::Directory(path) => {
            count.directories += 1;
            if flags.session.verbose {
                say(format_args!("removed directory \"{path}\""));
            }
        }
        Removed::Left(line) => {
            count.left += 1;
            say(format_args!("not removed: {line}"));
        }
    };
    if client.remove_tree(&path, &mut report).await? { Ok(()) } else { Err(Failure::told(Exit::Refused)) }
}

/// As of other verbs that work on trees: on a terminal always, elsewhere when something was left.
fn summary(flags: &Flags, count: &Count) {
    let seen = std::io::IsTerminal::is_terminal(&std::io::stderr()) || flags.session.verbose;
    let nothing = count.files + count.directories + count.left == 0;
    if !flags.recursive || flags.session.quiet || nothing || !(seen || count.left > 0) {
        return;
    }
    let left = match count.left {
        0 => String::new(),
        left => format!(", {left} not removed"),
    };
    say(format_args!(
        "removed {} and {}{left}",
        counted(count.files, "file", "files"),
        counted(count.directories, "directory", "directories")
    ));
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
