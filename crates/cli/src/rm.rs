//! `pasv rm`: files and trees of a server, deleted.
use std::io::{self, IsTerminal};

use clap::{Args, ValueHint};
use client::removal::Removed;

use crate::client_flags::SessionFlags;
use crate::several::each_url;
use crate::site;
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

/// What was deleted of trees.
#[derive(Default)]
struct Count {
    files: u64,
    directories: u64,
    left: u64,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let mut count = Count::default();
    let done = each_url(&flags.urls, &flags.session, async |sessions, url| {
        let path = site::named(url)?;
        if !flags.recursive {
            return Ok(sessions.at(url).await?.remove(&path).await?);
        }
        if matches!(site::last_name(&path), b"." | b"..") {
            return Err(
                Failure::usage(format!("{url} is what holds it, or above")).hint("name the directory itself")
            );
        }
        let mut client = sessions.at(url).await?;
        let whole = client.remove_tree(&path, &mut |what| count.note(what, flags.session.verbose)).await?;
        if whole { Ok(()) } else { Err(Failure::told(Exit::Refused)) }
    })
    .await;
    let Count { files, directories, left } = count;
    // As of other verbs that work on trees: on a terminal always, elsewhere when something was left.
    let wanted = io::stderr().is_terminal() || flags.session.verbose || left > 0;
    if wanted && !flags.session.quiet && files + directories + left > 0 {
        let files = format!("{files} {}", if files == 1 { "file" } else { "files" });
        let directories =
            format!("{directories} {}", if directories == 1 { "directory" } else { "directories" });
        let left = if left > 0 { format!(", {left} not removed") } else { String::new() };
        say(format_args!("removed {files} and {directories}{left}"));
    }
    done
}

impl Count {
    fn note(&mut self, what: Removed, verbose: bool) {
        let (number, line) = match what {
            Removed::File(path) => (&mut self.files, format!("removed \"{path}\"")),
            Removed::Directory(path) => (&mut self.directories, format!("removed directory \"{path}\"")),
            Removed::Left(line) => {
                self.left += 1;
                return say(format_args!("not removed: {line}"));
            }
        };
        *number += 1;
        if verbose {
            say(format_args!("{line}"));
        }
    }
}
