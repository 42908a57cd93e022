//! How is a run told: a line for each test, a sum, and the table in `docs/networks.md`?
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::rows::{Due, ROWS};
use crate::run::{Case, Kind};
use crate::trial::{End, Pair};

/// A test that has ended, or that was left out.
pub(crate) struct Done {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) pair: Pair,
    pub(crate) due: Due,
    /// None where it was left out.
    pub(crate) end: Option<End>,
}

impl Done {
    /// `case` ended like this.
    pub(crate) fn of(case: &Case, end: Option<End>) -> Self {
        Self { kind: case.kind, name: case.name.clone(), pair: case.pair, due: case.due, end }
    }

    /// Prints its line.
    pub(crate) fn print(&self) {
        let name = &self.name;
        match (&self.end, self.due) {
            (None, _) => {}
            (Some(End::Skipped(_)), _) => println!("skipped           {name}"),
            (Some(End::Passed(took)), Due::Theirs) => println!("theirs  {:>8}  {name}", time(*took)),
            (Some(End::Failed(why)), Due::Theirs) => println!("theirs            {name}: {}", first(why)),
            (Some(End::Passed(took)), Due::Awaits(what)) => {
                println!("ok      {:>8}  {name} (awaits {what} no longer: let it be due)", time(*took));
            }
            (Some(End::Passed(took)), _) => println!("ok      {:>8}  {name}", time(*took)),
            (Some(End::Failed(why)), due) => {
                let awaits =
                    if let Due::Awaits(what) = due { format!(" (awaits {what})") } else { String::new() };
                println!("FAILED            {name}{awaits}");
                for line in why.lines() {
                    println!("                  {line}");
                }
            }
        }
    }
}

/// Prints what was skipped and the sum as the last line. Says whether nothing failed.
pub(crate) fn sum(all: &[Done]) -> bool {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for done in all {
        match &done.end {
            Some(End::Skipped(why)) => {
                println!("skipped: {} ({why})", done.name);
                skipped += 1;
            }
            Some(End::Passed(_)) if done.due != Due::Theirs => passed += 1,
            Some(End::Failed(_)) if done.due != Due::Theirs => failed += 1,
            _ => {}
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    failed == 0
}

/// Writes the table.
pub(crate) fn write(all: &[Done], to: &Path) -> std::io::Result<()> {
    std::fs::write(to, page(all))
}

fn page(all: &[Done]) -> String {
    let mut text = String::from(HEAD);
    text.push_str("| network | asked |");
    for pair in Pair::ALL {
        let _ = write!(text, " {} |", pair.name());
    }
    text.push_str("\n|---|---|---|---|---|---|---|\n");
    for (n, row) in ROWS.iter().enumerate() {
        let _ = write!(text, "| {} | {} |", row.network, row.asked);
        for pair in Pair::ALL {
            let done = all.iter().find(|done| done.kind == Kind::Row(n) && done.pair == pair);
            let _ = write!(text, " {} |", cell(done, row.due(pair)));
        }
        text.push('\n');
    }
    text.push_str(RULES);
    for done in all.iter().filter(|done| done.kind == Kind::Rules) {
        let name = done.name.trim_start_matches("rules ").trim_end_matches(" ours/ours");
        let (set, line) = name.split_once(" without ").unwrap_or((name, "complete"));
        let line = line.replace('|', "\\|");
        let line = if line == "complete" { line } else { format!("`{line}`") };
        let _ = writeln!(text, "| {set} | {line} | {} |", proof(done));
    }
    text
}

fn cell(done: Option<&Done>, due: Due) -> String {
    match (done.and_then(|done| done.end.as_ref()), due) {
        (_, Due::Nothing) => String::new(),
        (Some(End::Passed(took)), _) if took.is_zero() => "yes".to_owned(),
        (Some(End::Passed(took)), _) => time(*took),
        (Some(End::Failed(_)), Due::Theirs) => "fails".to_owned(),
        (Some(End::Failed(_)), Due::Awaits(_)) | (None, Due::Awaits(_)) => "not yet".to_owned(),
        (Some(End::Failed(_)), _) => "**fails**".to_owned(),
        (Some(End::Skipped(_)), _) => "skipped".to_owned(),
        (None, _) => "not run".to_owned(),
    }
}

fn proof(done: &Done) -> &'static str {
    match &done.end {
        Some(End::Passed(_)) => "as expected",
        Some(End::Failed(_)) => "**not as expected**",
        Some(End::Skipped(_)) => "skipped",
        None => "not run",
    }
}

fn time(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn first(why: &str) -> &str {
    why.lines().next().unwrap_or_default()
}

const HEAD: &str = "\
# Networks

<!-- Written by `cargo xtask test lab --all --nightly --write`; do not edit. -->

Which networks get in the way of FTP, and who gets through, measured in network namespaces with real rules, NAT and the
kernel's FTP helper. Each column is a client and a server: `ours` is pasv. The figure is the time of the slowest job of the
test, a process started for each, with a debug build; a file has 400 kB. What each test does is in
[lab/src/rows](../lab/src/rows/mod.rs).

- `not yet`: due, and pasv does not do it yet.
- `fails`: the other program's own doing; not counted.
- empty: there is nothing to ask of this pair.

Latency is made by a relay in the router, as the kernel at hand has no netem: the client's own TCP handshake is quicker
there than on a long line. NAT64 and load balancers are relays too. All else is the kernel's.

";

const RULES: &str = "
## The four rules, proven

The rule sets of `pasv firewall --for nftables`, loaded on the server with policy drop. Complete: list, get and put work, as
do IPv6, a path with a smaller MTU, and the host's own loopback. Without any one line: what the line is for fails, and the
rest goes on. Only `ct state invalid drop` takes nothing away: it keeps out what no line below lets in.

| rule set | without | result |
|---|---|---|
";
