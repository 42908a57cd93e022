//! How far is a transfer, and what did it come to? Bars on a terminal, and a line that stays when a file is
//! done.
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use client::Progress;
use indicatif::{HumanBytes, HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::talk::{Failure, say};

/// How often the bars are drawn.
const TICK: Duration = Duration::from_millis(100);
/// A file that is done sooner has no bar: of a tree of small files nobody could read them.
const SHORTEST: Duration = Duration::from_millis(200);
/// What takes less time has no rate: it would be that of the replies.
const MEASURABLE: Duration = Duration::from_millis(50);

const BAR: &str = " [{wide_bar:.green}] {percent:>3}% ";
const NUMBERS: &str = "{binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left";
/// On a terminal with fewer columns than this a bar has room for the time left only.
const WIDE: usize = 70;

/// What a verb shows of its transfers, on stderr: bars where it is a terminal, a line for each file that is
/// done, and a summary of several. Its clones are one meter.
#[derive(Clone)]
pub(crate) struct Meter {
    /// Nothing but what a person must know.
    quiet: bool,
    bars: bool,
    /// Does each file leave a line?
    lines: bool,
    /// Those of a tree too?
    each: bool,
    screen: MultiProgress,
    state: Arc<Mutex<State>>,
}

/// A file under way; dropped, its bar is wiped away.
pub(crate) struct Running {
    state: Arc<Mutex<State>>,
    id: u64,
}

/// A tree under way; dropped, its bar is wiped away.
pub(crate) struct Whole {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    begun: Option<Instant>,
    ticking: bool,
    last: u64,
    running: Vec<File>,
    /// Files that are not done yet, by name: one that is started over runs several times.
    parts: HashMap<String, Sum>,
    tally: Tally,
    /// The bar of a tree.
    total: Option<ProgressBar>,
    /// Was one of the arguments a tree?
    trees: bool,
}

/// What several files came to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Transferred whole.
    pub(crate) files: u64,
    /// The bytes of those that were not there before this run.
    pub(crate) bytes: u64,
    /// Were there already.
    pub(crate) present: u64,
    pub(crate) skipped: u64,
    /// Arguments that failed.
    pub(crate) failed: u64,
    /// The lengths of the files that are done or were there already.
    pub(crate) settled: u64,
    /// Files and bytes that there are altogether, where that is known.
    pub(crate) expected: Option<(u64, u64)>,
}

struct File {
    id: u64,
    name: String,
    start: u64,
    kept: u64,
    total: Option<u64>,
    progress: Arc<Progress>,
    /// What the progress was at the start.
    before: u64,
    begun: Instant,
    bar: Option<ProgressBar>,
}

#[derive(Clone, Copy)]
struct Sum {
    /// Bytes that were there before, in the run that had the fewest; none before a run has ended.
    kept: Option<u64>,
    begun: Instant,
}

impl Meter {
    /// A meter for stderr; quiet, it shows nothing.
    pub(crate) fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let terminal = !quiet && std::io::stderr().is_terminal();
        let bars = terminal && !dumb;
        let target = if bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let screen = MultiProgress::with_draw_target(target);
        Self { quiet, bars, lines: terminal, each: false, screen, state: Arc::default() }
    }

    /// The same; with `--progress` each file leaves its line, those of trees too, also where stderr is no
    /// terminal.
    pub(crate) fn leaving_lines(self, always: bool) -> Self {
        let each = always && !self.quiet;
        Self { lines: self.lines || each, each, ..self }
    }

    /// Follows `progress` until what is returned is dropped. `kept` bytes were there before, and those behind
    /// `start` come once more to be compared; `total` there will be.
    pub(crate) fn follow(
        &self,
        name: &str,
        (start, kept): (u64, u64),
        total: Option<u64>,
        progress: &Arc<Progress>,
    ) -> Running {
        let mut state = self.lock();
        state.last += 1;
        let (id, begun) = (state.last, state.now());
        if state.running.is_empty() {
            // The others have failed.
            state.parts.retain(|other, _| other == name);
        }
        state.parts.entry(name.to_owned()).or_insert(Sum { kept: None, begun });
        let (name, progress) = (name.to_owned(), Arc::clone(progress));
        let before = progress.bytes();
        state.running.push(File { id, name, start, kept, total, progress, before, begun, bar: None });
        self.tick(&mut state);
        Running { state: Arc::clone(&self.state), id }
    }

    /// Several files are one work from now on until what is returned is dropped. `expected` is how many files
    /// and bytes they are.
    pub(crate) fn whole(&self, expected: Option<(u64, u64)>) -> Whole {
        let mut state = self.lock();
        state.now();
        state.tally.expected = match (state.tally.expected, expected) {
            (Some((files, bytes)), Some((more, more_bytes))) => Some((files + more, bytes + more_bytes)),
            (None, expected) if state.tally == Tally::default() => expected,
            _ => None,
        };
        if state.total.is_none() {
            let style = match state.tally.expected {
                Some(_) => bar_style("{msg}"),
                None => style("{msg}, {binary_bytes}, {binary_bytes_per_sec}, {elapsed}"),
            };
            state.total = Some(self.screen.add(ProgressBar::no_length().with_style(style)));
        }
        state.trees = true;
        self.tick(&mut state);
        Whole { state: Arc::clone(&self.state) }
    }

    /// A file of `length` bytes, as far as that is known, is `copied` or was there already. One that is not
    /// part of a tree leaves a line, with `--progress` every one.
    pub(crate) fn done(&self, name: &str, length: u64, copied: bool) {
        let line = {
            let mut state = self.lock();
            let now = state.now();
            let sum = state.parts.remove(name).unwrap_or(Sum { kept: None, begun: now });
            let kept = sum.kept.unwrap_or(0).min(length);
            state.tally.settled += length;
            if copied {
                state.tally.files += 1;
                state.tally.bytes += length - kept;
            } else {
                state.tally.present += 1;
            }
            let wanted = self.each || (self.lines && state.total.is_none());
            wanted.then(|| {
                if copied {
                    file_done(columns(), name, (length - kept, kept), now - sum.begun)
                } else {
                    named(columns(), name, "already complete")
                }
            })
        };
        self.leave(line);
    }

    /// Something was skipped, as `line` says.
    pub(crate) fn skipped(&self, line: std::fmt::Arguments<'_>) {
        self.lock().tally.skipped += 1;
        self.aside(|| say(line));
    }

    /// One of several arguments failed, and others follow.
    pub(crate) fn failed(&self, failure: Failure) {
        // What was left out of a tree is counted where that is said.
        if failure.text.is_some() {
            self.lock().tally.failed += 1;
        }
        self.aside(|| failure.print());
    }

    /// Leaves the summary of a tree, or of `many` arguments: where files leave lines, and where something was
    /// skipped.
    pub(crate) fn summary(&self, many: bool) {
        let line = {
            let mut state = self.lock();
            let (now, tally) = (state.now(), state.tally);
            let begun = state.begun.unwrap_or(now);
            let wanted = self.lines || (!self.quiet && tally.skipped > 0);
            let any = tally.files + tally.present > 0;
            (wanted && (many && any || state.trees)).then(|| tally.summary(now - begun))
        };
        self.leave(line);
    }

    /// What all files came to so far.
    pub(crate) fn tally(&self) -> Tally {
        let state = self.lock();
        let under_way = state.running.iter().map(File::new_bytes).sum::<u64>();
        Tally { bytes: state.tally.bytes + under_way, ..state.tally }
    }

    /// Is only what must be known to be shown?
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes something to stderr beside the bars.
    pub(crate) fn aside(&self, write: impl FnOnce()) {
        self.screen.suspend(write);
    }

    /// Wipes all bars away, for good.
    pub(crate) fn clear(&self) {
        // A terminal that cannot be written to shows no bars.
        let _ = self.screen.clear();
        self.screen.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn leave(&self, line: Option<String>) {
        if let Some(line) = line {
            self.aside(|| say(format_args!("{line}")));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Draws all from time to time, as long as there is a meter.
    fn tick(&self, state: &mut State) {
        if !self.bars || state.ticking {
            return;
        }
        state.ticking = true;
        let (weak, screen): (Weak<Mutex<State>>, _) = (Arc::downgrade(&self.state), self.screen.clone());
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                let Some(state) = weak.upgrade() else { return };
                lock(&state).draw(&screen);
            }
        });
    }
}

impl File {
    /// Bytes that this run has moved.
    fn moved(&self) -> u64 {
        self.progress.bytes().saturating_sub(self.before)
    }

    /// How many bytes are there. An upload learns late what was there before.
    fn have(&self) -> u64 {
        self.start.max(self.progress.start()) + self.moved()
    }

    fn kept(&self) -> u64 {
        self.kept.max(self.progress.start())
    }

    /// Those that were not there before.
    fn new_bytes(&self) -> u64 {
        self.have().saturating_sub(self.kept())
    }
}

impl State {
    fn now(&mut self) -> Instant {
        let now = Instant::now();
        self.begun.get_or_insert(now);
        now
    }

    fn draw(&mut self, screen: &MultiProgress) {
        if let Some(bar) = &self.total {
            bar.set_position(self.tally.settled + self.running.iter().map(File::have).sum::<u64>());
            if let Some((_, bytes)) = self.tally.expected {
                bar.set_length(bytes);
            }
            bar.set_message(self.tally.count());
        }
        for file in &mut self.running {
            if file.begun.elapsed() < SHORTEST {
                continue;
            }
            let have = file.have();
            let bar = file.bar.get_or_insert_with(|| {
                let bar = match file.total.filter(|total| *total > 0) {
                    Some(total) => ProgressBar::new(total).with_style(bar_style("{prefix}")),
                    None => ProgressBar::no_length()
                        .with_style(style("{prefix}  {binary_bytes}  {binary_bytes_per_sec}  {elapsed}")),
                };
                let name = shorten(&file.name, columns().unwrap_or(80) / 3);
                let bar = bar.with_position(have).with_prefix(name).with_elapsed(file.begun.elapsed());
                match &self.total {
                    Some(total) => screen.insert_before(total, bar),
                    None => screen.add(bar),
                }
            });
            bar.set_position(have);
        }
    }
}

impl Tally {
    /// `39/1,412 files, 3 skipped`
    fn count(&self) -> String {
        let done = self.files + self.present;
        let mut text = match self.expected {
            Some((files, _)) => format!("{}/{} files", HumanCount(done), HumanCount(files)),
            None => format!("{} {} done", HumanCount(done), if done == 1 { "file" } else { "files" }),
        };
        if self.skipped > 0 {
            text.push_str(&format!(", {} skipped", self.skipped));
        }
        text
    }

    /// The line that a tree leaves, or several files.
    fn summary(&self, time: Duration) -> String {
        let files = if self.files == 1 { "file" } else { "files" };
        let mut line = format!("{} {files}, {}", HumanCount(self.files), how_fast(self.bytes, time));
        for (number, what) in
            [(self.present, "already complete"), (self.skipped, "skipped"), (self.failed, "failed")]
        {
            if number > 0 {
                line.push_str(&format!("; {} {what}", HumanCount(number)));
            }
        }
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        let Some(at) = state.running.iter().position(|file| file.id == self.id) else { return };
        let file = state.running.remove(at);
        if let Some(sum) = state.parts.get_mut(&file.name) {
            sum.kept = Some(sum.kept.unwrap_or(u64::MAX).min(file.kept()));
        }
        if let Some(bar) = file.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.parts.clear();
        if let Some(bar) = state.total.take() {
            bar.finish_and_clear();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn bar_style(name: &str) -> ProgressStyle {
    let numbers = if columns().is_some_and(|columns| columns < WIDE) { "{eta} left" } else { NUMBERS };
    style(&format!("{name}{BAR}{numbers}")).progress_chars("=> ")
}

/// How wide stderr is. Where it is no terminal, lines have no width.
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    // Some terminals do not know it.
    Some(if size.ws_col == 0 { 80 } else { usize::from(size.ws_col) })
}

/// The line that a file leaves.
fn file_done(columns: Option<usize>, name: &str, (moved, before): (u64, u64), time: Duration) -> String {
    let resumed = if before > 0 { format!(" (resumed at {})", HumanBytes(before)) } else { String::new() };
    let all = format!("{}{resumed}", how_fast(moved, time));
    match columns {
        // The number of bytes and the time are worth more than the rate.
        Some(columns) if all.width() + 2 + name.width().min(16) > columns => {
            named(Some(columns), name, &format!("{} in {}", HumanBytes(moved), took(time)))
        }
        _ => named(columns, name, &all),
    }
}

/// A name, and what is said of it. Without `columns` the name is whole.
fn named(columns: Option<usize>, name: &str, rest: &str) -> String {
    match columns {
        Some(columns) => {
            format!("{}  {rest}", shorten(name, columns.saturating_sub(rest.width() + 2).max(8)))
        }
        None => format!("{name}  {rest}"),
    }
}

/// Cuts out the middle of a name that is wider than `columns`: its start and, as it is more telling, more of
/// its end.
fn shorten(name: &str, columns: usize) -> String {
    const DOTS: &str = "...";
    if name.width() <= columns {
        return name.to_owned();
    }
    let Some(room) = columns.checked_sub(DOTS.len()) else { return ".".repeat(columns) };
    let fitting = |chars: &mut dyn Iterator<Item = char>, room: usize| {
        let mut used = 0;
        let fits = |c: &char| {
            used += c.width().unwrap_or(0);
            used <= room
        };
        chars.take_while(fits).collect::<String>()
    };
    let head = fitting(&mut name.chars(), room / 3);
    let tail = fitting(&mut name.chars().rev(), room - head.width());
    let tail: String = tail.chars().rev().collect();
    // Combining marks at its start would be drawn onto the dots.
    format!("{head}{DOTS}{}", tail.trim_start_matches(|c: char| c.width() == Some(0)))
}

/// `286.10 MiB in 11.1 s, 25.90 MiB/s`
fn how_fast(bytes: u64, time: Duration) -> String {
    let all = format!("{} in {}", HumanBytes(bytes), took(time));
    if bytes == 0 || time < MEASURABLE {
        return all;
    }
    format!("{all}, {}/s", HumanBytes((bytes as f64 / time.as_secs_f64()) as u64))
}

/// A time that is over: 0.04 s, 11.1 s, 3 min 7 s, 1 h 2 min.
fn took(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{:.2} s", time.as_secs_f64()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_the_bytes_of_files_and_not_those_that_came_to_be_compared() {
        let meter = Meter::new(true);
        let whole = meter.whole(Some((3, 10)));
        // Of "a" 700 bytes were kept, of which 600 came again; and it was started over.
        for (from, kept, bytes) in [(100, 700, 300), (100, 700, 900)] {
            let progress = Arc::new(Progress::default());
            let running = meter.follow("a", (from, kept), Some(1000), &progress);
            progress.add(bytes);
            assert_eq!(meter.tally().files, 0);
            drop(running);
        }
        meter.done("a", 1000, true);
        // Nothing of "c" was kept before its first run.
        for (kept, bytes) in [(0, 300), (300, 900)] {
            let progress = Arc::new(Progress::default());
            let running = meter.follow("c", (0, kept), Some(900), &progress);
            progress.add(bytes);
            drop(running);
        }
        meter.done("c", 900, true);
        meter.done("b", 50, false);
        drop(whole);
        let tally = Tally {
            files: 2,
            bytes: 1200,
            present: 1,
            settled: 1950,
            expected: Some((3, 10)),
            ..Tally::default()
        };
        assert_eq!(meter.tally(), tally);
        assert_eq!(tally.count(), "3/3 files");
    }

    #[test]
    fn lines_that_stay() {
        let eleven = Duration::from_millis(11_060);
        assert_eq!(
            file_done(Some(79), "hello.iso", (299_999_999, 0), eleven),
            "hello.iso  286.10 MiB in 11.1 s, 25.87 MiB/s"
        );
        assert_eq!(
            file_done(None, "hello.iso", (100 << 20, 200 << 20), Duration::from_millis(40)),
            "hello.iso  100.00 MiB in 0.04 s (resumed at 200.00 MiB)"
        );
        assert_eq!(
            file_done(Some(30), "hello.iso", (299_999_999, 0), eleven),
            "h....iso  286.10 MiB in 11.1 s"
        );
        let tally = Tally { files: 1000, bytes: 5000, present: 1, skipped: 7, failed: 1, ..Tally::default() };
        assert_eq!(
            tally.summary(Duration::from_secs(187)),
            "1,000 files, 4.88 KiB in 3 min 7 s, 26 B/s; 1 already complete; 7 skipped; 1 failed"
        );
    }

    #[test]
    fn the_middle_of_a_long_name_is_cut_out_by_its_width() {
        assert_eq!(shorten("pub/a.iso", 9), "pub/a.iso");
        assert_eq!(shorten("0123456789abcdef.iso", 12), "012...ef.iso");
        assert_eq!(shorten("日本語の名前.iso", 11), "日...前.iso");
        assert_eq!(shorten("abc", 2), "..");
        for name in
            ["a very long name of a file.iso", "日本語のとても長い名前.iso", "e\u{301}e\u{301}e\u{301}.iso"]
        {
            for columns in 0..80 {
                assert!(shorten(name, columns).width() <= columns, "{name} {columns}");
            }
        }
    }
}
