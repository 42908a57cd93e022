//! How is a run told: a line for each test, a sum, and the table in `docs/networks.md`?
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::doctor::LOOKS;
use crate::rows::{Due, Pace, ROWS};
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
    let _ = write!(text, "\n{DOCTOR}");
    for (n, look) in LOOKS.iter().enumerate() {
        let done = all.iter().find(|done| done.kind == Kind::Doctor(n));
        let also: Vec<String> = look.also.iter().map(|name| format!(", `{name}`")).collect();
        let result = done.map_or("not run", proof);
        let rules: Vec<String> = look.rules.iter().map(u64::to_string).collect();
        let (verdict, also, rules) = (look.verdict, also.concat(), rules.join(", "));
        let _ = writeln!(text, "| {} | `{verdict}`{also} | {rules} | {result} |", look.network);
    }
    let _ = write!(text, "\n## The four rules, proven\n\n{RULES}");
    for done in all.iter().filter(|done| done.kind == Kind::Rules) {
        let name = done.name.trim_start_matches("rules ").trim_end_matches(" ours/ours");
        let (set, line) = name.split_once(" without ").unwrap_or((name, "complete"));
        let line = line.replace('|', "\\|");
        let line = match line.strip_suffix(DOCTOR_ASKED) {
            Some(line) => format!("`{line}`: what the doctor says"),
            None if line == "complete" => line,
            None => format!("`{line}`"),
        };
        let _ = writeln!(text, "| {set} | {line} | {} |", proof(done));
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

fn proof(done: &Done) -> &'static str {
    match &done.end {
        Some(End::Passed(_)) => "as expected",
        Some(End::Failed(..)) => "**not as expected**",
        Some(End::Skipped(_)) => "skipped",
        None => "not run",
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

/// The end of the name of a test in which the doctor alone is asked.
pub(crate) const DOCTOR_ASKED: &str = ", the doctor";

const DOCTOR: &str = "\
## What the doctor says

`pasv doctor --json`, called at the client's with our server at the other end where no other is named, in networks with
one thing wrong or none. The first name is its verdict; a second one has to be among what it noticed besides. Rules are the
numbers of those that may be missing. What the names mean is in [doctor.md](doctor.md).

| network | verdict | rules | result |
|---|---|---|---|
";

const RULES: &str = "\
What `pasv firewall` prints, loaded on the server with policy drop (into a table of its own, inserted into a chain that drops
already, or by iptables), or on a router before it. Complete: list, get and put work in the modes of the set; on the server
also IPv6, a path with a smaller MTU, and the host's own loopback; behind a router the server's own connections outward,
unless those are closed too. The doctor finds all well, or where the set is for active mode alone, that this mode works.

Without any one line: what the line is for fails, and the rest goes on. And it is said which rule is missing:

- `pasv doctor` at the client's names it by its number, also where only the server's word or a half-open call tells which of
  two it is; of rules 1 and 2 it names both, since nobody but the server can know.
- The server's 425 names rule 3 or 4 for passive data, and rule 4 for active data where its own call does not leave; where
  that has left and is not answered, it names both.
- `pasv firewall --check` and `pasv doctor --site` on the server name just that one.
- Lines that are none of the four rules have verdicts too: what belongs to connections (`only-first-packet`,
  `rule-1-or-2`, `active-impossible`) and IPv6's neighbours (`family-dead`). Of the host's loopback, and of connections that
  it opens itself, a client sees nothing.

Some lines take nothing away from the site, and without them all goes on, on a path with a smaller MTU too: what drops what no
line below lets in; the errors of IPv4's routers, as a site's packets may be cut; DHCPv6, as the lab gives its addresses by
hand; and single kinds of ICMPv6 of iptables' lists that IPv6 does without for a while.

| rule set | without | result |
|---|---|---|
";
