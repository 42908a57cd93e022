//! How is a story told: what the client is to do, and how it must end?
//!
//! ```text
//!   ? mode passive | active             ? patience greeting | features | full | epsv | race | quiet | stall | data | last   (short, where the story is of silence)
//!   ? patience stall 1s               longer than a short one
//!   ? verify hash                     ? charset NAME
//!   ? get NAME        into memory       ? resume NAME abc     into a file that has "abc" already
//!   ? put NAME abc                      ? put-rest NAME abc   as `put -c` does
//!   ? tree NAME       as `get -r` does: files with their content, and what was skipped
//!   ? list [NAME]     ? walk            ? stat NAME           ? rename NAME OTHER
//!   = ok abc          the goals' results in order: what came, or whose fault it was and some words of the error
//!   = refused ...     = broken ...      = nonsense ...        = unreachable ...    = local ...
//!   * some words      which an event must hold
//! ```
//! All other lines are the peer's; see `peer`. Lines that start with `#` are prose.
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::charset::Charset;
use client::copy::{CopyError, TreeOptions, is_reserved};
use client::removal::Removed;
use client::upload::Resumed;
use client::walk::Walk;
use client::{Client, Error, Event, Mode, Options, Progress, Sink, Verify};
use wire::Pathname;
use wire::pathname::show;

use crate::peer::{Peer, unescape};
use crate::{block_on, spec};

/// Long enough to be passed by nothing but silence.
const SHORT: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Script {
    options: Options,
    goals: Vec<String>,
    results: Vec<String>,
    events: Vec<String>,
    /// The peer's lines.
    steps: String,
}

pub(crate) fn tell(text: &str) -> Result<(), String> {
    let script = read(text)?;
    let peer = Peer::new();
    let port = peer.port();
    let steps = script.steps;
    let played = peer.start(move |peer| peer.play(&steps));
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let options = script.options;
    let results = block_on(async {
        let watch = Arc::new(move |event: &Event| {
            seen.lock().expect("nobody panics with it").push(event.to_string());
        });
        act(port, options, &script.goals, watch).await
    });
    let played = played.join().map_err(|_| "the peer panicked".to_owned())?;
    let events = events.lock().expect("nobody panics with it").clone();
    let tale = || format!("results: {results:#?}\nevents:\n{}", events.join("\n"));
    if let Err(why) = played {
        return Err(format!("the peer, {why}\n{}", tale()));
    }
    let as_told = results.len() == script.results.len()
        && results
            .iter()
            .zip(&script.results)
            .all(|(is, wanted)| is.starts_with(first_word(wanted)) && is.contains(rest(wanted)));
    if !as_told {
        return Err(format!("wanted {:#?}\n{}", script.results, tale()));
    }
    for wanted in &script.events {
        if !events.iter().any(|e| e.contains(wanted.as_str())) {
            return Err(format!("no event says \"{wanted}\"\n{}", tale()));
        }
    }
    Ok(())
}

fn read(text: &str) -> Result<Script, String> {
    let mut script = Script::default();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (kind, rest) {
            ("?", "mode passive") => script.options.mode = Mode::Passive,
            ("?", "mode active") => script.options.mode = Mode::Active,
            ("?", "verify hash") => script.options.verify = Verify::Hash,
            ("?", "patience greeting") => script.options.patience.greeting = SHORT,
            ("?", "patience features") => script.options.patience.features = SHORT,
            ("?", "patience full") => script.options.patience.full = SHORT,
            ("?", "patience epsv") => script.options.patience.epsv = SHORT,
            ("?", "patience data") => script.options.patience.data = SHORT,
            ("?", "patience race") => script.options.patience.race = SHORT,
            ("?", "patience quiet") => script.options.patience.quiet = SHORT,
            ("?", "patience last") => script.options.patience.last = SHORT,
            ("?", "patience stall") => script.options.stall = SHORT,
            ("?", "patience stall 1s") => script.options.stall = Duration::from_secs(1),
            ("?", goal) if goal.starts_with("charset ") => {
                script.options.charset = Some(Charset::named(rest_of(goal)).expect("a known charset"));
            }
            ("?", goal) => script.goals.push(goal.to_owned()),
            ("=", result) => script.results.push(result.to_owned()),
            ("*", event) => script.events.push(event.to_owned()),
            ("S:" | "C:" | "DP" | "T:" | "D>" | "D<" | "D>." | "D<." | "F:" | "!", _) => {
                script.steps += &format!("{line}\n");
            }
            _ => return Err(format!("not a line of a story: {line}")),
        }
    }
    Ok(script)
}

fn rest_of(goal: &str) -> &str {
    goal.split_once(' ').map_or("", |(_, rest)| rest)
}

async fn act(port: u16, options: Options, goals: &[String], watch: client::Watcher) -> Vec<String> {
    let skipped = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&skipped);
    let watch: client::Watcher = Arc::new(move |event: &Event| {
        if let Event::Skipped { what, why } = event {
            lines.lock().expect("nobody panics with it").push(format!("skipped {what}: {why}"));
        }
        watch(event);
    });
    let mut client = match Client::open(spec(port, options), watch).await {
        Ok(client) => client,
        Err(error) => return vec![fault(&error)],
    };
    let mut results = Vec::new();
    for goal in goals {
        results.push(match reach(&mut client, goal, &skipped).await {
            Ok(what) => format!("ok {what}"),
            Err(error) => fault(&error),
        });
    }
    results
}

async fn reach(client: &mut Client, goal: &str, skipped: &Mutex<Vec<String>>) -> Result<String, Error> {
    let mut words = goal.splitn(3, ' ');
    let (verb, name, rest) =
        (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    let path = Pathname::new(unescape(name)).ok();
    let needed = || path.clone().expect("the story names a file");
    let progress = Arc::new(Progress::default());
    match verb {
        "get" => {
            let mut came = Vec::new();
            let mut take = |bytes: &[u8]| {
                came.extend_from_slice(bytes);
                Ok(())
            };
            client.retrieve(&needed(), 0, Sink::Bytes(&mut take), &progress).await?;
            Ok(came.escape_ascii().to_string())
        }
        "resume" => {
            let mut file = holding(&unescape(rest));
            let have = unescape(rest).len() as u64;
            let sink = Sink::File(Arc::new(file.try_clone().expect("a second handle")));
            let result = client.retrieve(&needed(), have, sink, &progress).await;
            let mut all = Vec::new();
            file.rewind().and_then(|()| file.read_to_end(&mut all)).expect("our own file");
            match result {
                Ok(_) => Ok(all.escape_ascii().to_string()),
                // What is kept matters too.
                Err(Error::Broken { what, moved }) => {
                    Err(Error::Broken { what: format!("{what}; kept {}", all.escape_ascii()), moved })
                }
                Err(Error::Nonsense { what }) => {
                    Err(Error::Nonsense { what: format!("{what}; kept {}", all.escape_ascii()) })
                }
                Err(other) => Err(other),
            }
        }
        "put" => {
            let sent = client.store(&needed(), Arc::new(holding(&unescape(rest))), &progress).await?;
            Ok(format!("{} sent", sent.length()))
        }
        "pipe" => {
            let mut pieces = vec![Vec::new(), unescape(rest)];
            let give = Box::new(move || Ok(pieces.pop().unwrap_or_default()));
            Ok(format!("{} sent", client.store_stream(&needed(), give, &progress).await?))
        }
        "put-rest" => {
            match client.store_rest(&needed(), Arc::new(holding(&unescape(rest))), &progress).await?.sent {
                Resumed::AlreadyWhole => Ok("already whole".to_owned()),
                Resumed::Sent(sent) => Ok(format!("{sent} sent")),
            }
        }
        "list" => {
            let mut names = Vec::new();
            let mut each = |entry: wire::Entry| {
                names.push(show(&entry.name));
                Ok(())
            };
            let unread = client.list(path.as_ref(), &mut each).await?;
            if !unread.is_empty() {
                names.push(unread.to_string());
            }
            Ok(names.join("|"))
        }
        "walk" => {
            let mut walk = Walk::new(path);
            let mut seen = Vec::new();
            while let Some(visit) = walk.next(client).await {
                let visit = match visit {
                    Ok(visit) => visit,
                    Err(failed) if failed.goes_on => {
                        seen.push(format!("unlisted:{}", failed.error));
                        continue;
                    }
                    Err(failed) => return Err(failed.error),
                };
                seen.extend(visit.entries.iter().map(|e| show(&e.name)));
                seen.extend(visit.refused.iter().map(|(name, _)| format!("refused:{}", show(name))));
                seen.extend(visit.skipped.iter().map(|(path, _)| format!("skipped:{}", show(path))));
                seen.extend((!visit.unread.is_empty()).then(|| visit.unread.to_string()));
            }
            Ok(seen.join("|"))
        }
        "tree" => {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let got = client.get_tree(path, folder.path(), TreeOptions::default()).await;
            let mut seen = files(folder.path(), "");
            seen.append(&mut skipped.lock().expect("nobody panics with it"));
            match got {
                Ok(whole) => Ok(format!("{} {}", if whole { "whole" } else { "not whole" }, seen.join("|"))),
                Err(CopyError::Server { error, .. }) => Err(error),
                Err(other) => panic!("{other}"),
            }
        }
        "stat" => Ok(format!("{:?}", client.stat(path.as_ref()).await?.facts)),
        "remove-tree" => {
            let mut lines = Vec::new();
            let mut report = |what: Removed| {
                if let Removed::Left(line) = what {
                    lines.push(line);
                }
            };
            let whole = client.remove_tree(&needed(), &mut report).await?;
            Ok(if whole { "gone".to_owned() } else { format!("left {}", lines.join("|")) })
        }
        "rename" => {
            let to = Pathname::new(unescape(rest)).expect("the story names the new name");
            client.rename(&needed(), &to).await?;
            Ok("renamed".to_owned())
        }
        _ => panic!("not a goal: {goal}"),
    }
}

/// The files below a folder, parts of unfinished ones not, each with its content.
fn files(folder: &Path, within: &str) -> Vec<String> {
    let mut all: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    all.sort_by_key(fs::DirEntry::file_name);
    let mut seen = Vec::new();
    for entry in all {
        let name = format!("{within}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("its kind").is_dir() {
            seen.extend(files(&entry.path(), &format!("{name}/")));
        } else if !is_reserved(&entry.file_name()) {
            let content = fs::read(entry.path()).expect("a file");
            seen.push(format!("{name}={}", show(&content)));
        }
    }
    seen
}

fn holding(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a few bytes");
    file
}

fn fault(error: &Error) -> String {
    let whose = match error {
        Error::Refused { .. } => "refused",
        Error::Nonsense { .. } => "nonsense",
        Error::Unreachable(_) => "unreachable",
        Error::Broken { .. } | Error::Stalled { .. } | Error::HandshakeStalled { .. } => "broken",
        Error::NoTls { .. } | Error::Insecure { .. } => "insecure",
        Error::Local { .. } => "local",
    };
    format!("{whose} {error}")
}

fn first_word(text: &str) -> &str {
    text.split_once(' ').map_or(text, |(word, _)| word)
}

/// What follows the first word. After `ok` it is the whole result.
fn rest(text: &str) -> &str {
    if text.starts_with("ok ") { text } else { text.split_once(' ').map_or("", |(_, rest)| rest) }
}
