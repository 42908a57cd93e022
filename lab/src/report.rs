//! How is a run told: a line for each test, a sum, and the table in `docs/networks.md`?
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::cases::{Case, Kind};
use crate::pace::Pace;
use crate::rows::{Due, ROWS};
use crate::trial::{End, Pair};

/// A test that has ended, or that was left out.
pub(crate) struct Done {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) pair: Pair,
    pub(crate) due: Due,
    /// None where it was left out.
    pub(crate) end: Option<End>,
    /// How long the whole test took, where that is too long for a test that always runs.
    dragged: Option<Duration>,
}

/// A test that takes longer than this, all its jobs together, is for the night.
const ORDINARY: Duration = Duration::from_secs(10);

impl Done {
    /// `case` ended like this.
    pub(crate) fn of(case: &Case, end: Option<End>, whole: Duration) -> Self {
        let drags = case.pace == Pace::Ordinary && whole > ORDINARY && case.due != Due::Theirs;
        let name = case.name.clone();
        Self { kind: case.kind, name, pair: case.pair, due: case.due, end, dragged: drags.then_some(whole) }
    }

    /// Prints its line.
    pub(crate) fn print(&self) {
        let name = &self.name;
        match (&self.end, self.due) {
            (None, _) => {}
            (Some(End::Skipped(_)), _) => tell(&format!("skipped           {name}")),
            (Some(End::Passed(took)), Due::Theirs) => tell(&format!("theirs  {:>8}  {name}", time(*took))),
            (Some(End::Failed(took, why)), Due::Theirs) => {
                tell(&format!("theirs  {:>8}  {name}: fails: {}", time(*took), first(why)));
            }
            (Some(End::Passed(took)), _) => tell(&format!("ok      {:>8}  {name}", time(*took))),
            (Some(End::Failed(_, why)), _) => {
                tell(&format!("FAILED            {name}"));
                for line in why.lines() {
                    tell(&format!("                  {line}"));
                }
            }
        }
    }
}

/// Prints what was skipped and the sum as the last line. Says whether nothing failed.
pub(crate) fn sum(all: &[Done]) -> bool {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for done in all {
        // No failure: the machine may be busy.
        if let Some(whole) = done.dragged {
            tell(&format!("slow:   {:>8}  {}: if it always is, it is for --nightly", time(whole), done.name));
        }
        match &done.end {
            Some(End::Skipped(why)) => {
                tell(&format!("skipped: {} ({why})", done.name));
                skipped += 1;
            }
            Some(End::Passed(_)) if done.due != Due::Theirs => passed += 1,
            Some(End::Failed(..)) if done.due != Due::Theirs => failed += 1,
            _ => {}
        }
    }
    tell(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
    failed == 0
}

/// A reader that is gone is no reason to stop: what was made is unmade at the end.
fn tell(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
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
    text
}

fn cell(done: Option<&Done>, due: Due) -> String {
    match (done.and_then(|done| done.end.as_ref()), due) {
        (_, Due::Nothing) => String::new(),
        (Some(End::Passed(took)), _) if took.is_zero() => "yes".to_owned(),
        (Some(End::Passed(took)), _) => time(*took),
        (Some(End::Failed(took, _)), Due::Theirs) => format!("fails, {}", time(*took)),
        (Some(End::Failed(..)), _) => "**fails**".to_owned(),
        (Some(End::Skipped(_)), _) => "skipped".to_owned(),
        (None, _) => "not run".to_owned(),
    }
}

fn time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 1.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}

fn first(why: &str) -> &str {
    why.lines().next().unwrap_or_default()
}

const HEAD: &str = "\
# Networks

<!-- Written by `cargo xtask test lab --nightly --write`; do not edit. -->

Which networks get in the way of FTP, and who gets through, measured in network namespaces with real rules, NAT and the
kernel's FTP helper. Each column is a client and a server: `ours` is pasv. The figure is the time of the slowest job of the
test, a process started for each, with a debug build; a file has 400 kB. What each test does is in
[lab/src/rows](../lab/src/rows/mod.rs).

- `fails`, with the time: the other program's own doing, shown and not judged. After 40 s (60 s with a NAT that forgets) it
  is ended.
- empty: there is nothing to ask of this pair.

Latency is made by a relay in the router, as the kernel at hand has no netem: the client's own TCP handshake is quicker
there than on a long line. NAT64 and load balancers are relays too. All else is the kernel's.

";
