//! How far is a transfer, and what did it come to? Bars on a terminal, and a line that stays when a file is
//! done.
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use client::{Direction, Event, Progress};
use indicatif::{HumanBytes, HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::columns::terminal_columns;
use crate::talk::{Failure, say};

/// How often the bars are drawn.
const TICK: Duration = Duration::from_millis(100);
/// A file that is done sooner has no bar: of a tree of small files nobody could read them.
const SHORTEST: Duration = Duration::from_millis(200);
/// What takes less time has no rate: it would be that of the replies.
const MEASURABLE: Duration = Duration::from_millis(50);
/// On a terminal with fewer columns than this a bar has room for the time left only.
const WIDE: usize = 70;

/// What a verb shows of its transfers, on stderr: bars where it is a terminal, a line for each file that is
/// done, and a summary of several. Its clones are one meter.
#[derive(Clone)]
pub(crate) struct Meter {
    /// Nothing but what a person must know.
    pub(crate) quiet: bool,
    /// Does each file leave a line?
    lines: bool,
    /// Those of a tree too?
    each: bool,
    screen: MultiProgress,
    state: Arc<Mutex<State>>,
}

/// A tree under way; dropped, its bar is wiped away.
pub(crate) struct Whole(Meter);

/// What a meter knows of the files of its verb.
#[derive(Default)]
pub(crate) struct State {
    begun: Option<Instant>,
    /// The one that is not done yet: a verb copies one file at a time.
    file: Option<File>,
    tally: Tally,
    /// The bar of a tree.
    total: Option<ProgressBar>,
    /// Was one of the arguments a tree?
    trees: bool,
    /// No file is to come.
    pub(crate) finished: bool,
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
    name: String,
    begun: Instant,
    /// Bytes that were there before, in the run that had the fewest; none before a run has ended. A file that
    /// is started over runs several times.
    kept: Option<u64>,
    run: Option<Run>,
}

/// A file whose bytes move.
pub(crate) struct Run {
    pub(crate) direction: Direction,
    pub(crate) progress: Arc<Progress>,
    /// Its first byte, and how many were there before: those behind the first come once more, to be compared.
    start: u64,
    kept: u64,
    total: Option<u64>,
    begun: Instant,
    bar: Option<ProgressBar>,
}

impl Meter {
    /// A meter for stderr; quiet, it shows nothing.
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = !quiet && io::stderr().is_terminal();
        let bars = terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let target = if bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let screen = MultiProgress::with_draw_target(target);
        let state = Arc::default();
        if bars {
            tokio::spawn(draw(Arc::downgrade(&state), screen.clone()));
        }
        Self { quiet, lines: terminal, each: false, screen, state }
    }

    /// The same; with `--progress` each file leaves its line, those of trees too, also where stderr is no
    /// terminal.
    pub(crate) fn leaving_lines(self, always: bool) -> Self {
        let each = always && !self.quiet;
        Self { lines: self.lines || each, each, ..self }
    }

    /// Shows what an event says of files; false where it is about something else.
    pub(crate) fn shows(&self, event: &Event) -> bool {
        match event {
            Event::FileStarted { path, direction, start, have, total, progress } => {
                let (direction, progress, begun) = (direction.clone(), Arc::clone(progress), Instant::now());
                let run =
                    Run { direction, progress, start: *start, kept: *have, total: *total, begun, bar: None };
                self.started(path.to_string(), run);
            }
            Event::FileStopped { .. } => self.lock().stopped(),
            Event::FileDone { path, length, copied } => self.done(&path.to_string(), *length, *copied),
            Event::Skipped { .. } => {
                self.lock().tally.skipped += 1;
                self.aside(|| say(format_args!("{event}")));
            }
            _ => return false,
        }
        true
    }

    fn started(&self, name: String, run: Run) {
        let mut state = self.lock();
        let begun = state.now();
        let file = match state.file.take() {
            Some(file) if file.name == name => file,
            // The other one has failed.
            _ => File { name, begun, kept: None, run: None },
        };
        state.file = Some(File { run: Some(run), ..file });
    }

    /// Several files are one work from now on until what is returned is dropped. `expected` is how many files
    /// and bytes they are.
    pub(crate) fn whole(&self, expected: Option<(u64, u64)>) -> Whole {
        let mut state = self.lock();
        state.now();
        state.tally.expected = expected;
        state.total = Some(self.screen.add(bar(expected.map(|(_, bytes)| bytes), ", ")));
        state.trees = true;
        Whole(self.clone())
    }

    /// A file of `length` bytes, as far as that is known, is `copied` or was there already. One that is not
    /// part of a tree leaves a line, with `--progress` every one.
    fn done(&self, name: &str, length: u64, copied: bool) {
        let mut state = self.lock();
        let now = state.now();
        let file = state.file.take().filter(|file| file.name == name);
        let (begun, kept) = file.map_or((now, 0), |file| (file.begun, file.kept.unwrap_or(0).min(length)));
        state.tally.settled += length;
        if copied {
            state.tally.files += 1;
            state.tally.bytes += length - kept;
        } else {
            state.tally.present += 1;
        }
        if self.each || (self.lines && state.total.is_none()) {
            drop(state);
            let line = if copied {
                file_done(stderr_columns(), name, (length - kept, kept), now - begun)
            } else {
                named(stderr_columns(), name, "already complete")
            };
            self.aside(|| say(format_args!("{line}")));
        }
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
        let mut state = self.lock();
        let (now, tally, trees) = (state.now(), state.tally, state.trees);
        let time = now - state.begun.unwrap_or(now);
        drop(state);
        let wanted = self.lines || (!self.quiet && tally.skipped > 0);
        if wanted && (trees || many && tally.files + tally.present > 0) {
            self.aside(|| say(format_args!("{}", tally.summary(time))));
        }
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

    /// What the meter knows; as long as it is held no file begins or ends.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Draws all from time to time, as long as there is a meter.
async fn draw(state: Weak<Mutex<State>>, screen: MultiProgress) {
    let mut tick = tokio::time::interval(TICK);
    while let Some(state) = state.upgrade() {
        lock(&state).draw(&screen);
        drop(state);
        tick.tick().await;
    }
}

impl Run {
    /// How many bytes are there. An upload learns late what was there before.
    fn have(&self) -> u64 {
        self.start.max(self.progress.start()) + self.progress.bytes()
    }

    fn kept(&self) -> u64 {
        self.kept.max(self.progress.start())
    }
}

impl State {
    fn now(&mut self) -> Instant {
        let now = Instant::now();
        self.begun.get_or_insert(now);
        now
    }

    /// The file whose bytes move, and its name.
    pub(crate) fn running(&self) -> Option<(&str, &Run)> {
        let file = self.file.as_ref()?;
        Some((&file.name, file.run.as_ref()?))
    }

    /// What all files came to so far, with the bytes of the one under way.
    pub(crate) fn tally(&self) -> Tally {
        let more = self.running().map_or(0, |(_, run)| run.have().saturating_sub(run.kept()));
        Tally { bytes: self.tally.bytes + more, ..self.tally }
    }

    fn stopped(&mut self) {
        let Some(file) = &mut self.file else { return };
        if let Some(run) = file.run.take() {
            file.kept = Some(file.kept.unwrap_or(u64::MAX).min(run.kept()));
            run.bar.inspect(ProgressBar::finish_and_clear);
        }
    }

    fn draw(&mut self, screen: &MultiProgress) {
        if let Some(bar) = &self.total {
            bar.set_position(self.tally.settled + self.running().map_or(0, |(_, run)| run.have()));
            bar.set_message(self.tally.count());
        }
        let Some(File { name, run: Some(run), .. }) = &mut self.file else { return };
        if run.begun.elapsed() < SHORTEST {
            return;
        }
        let have = run.have();
        let shown = run.bar.get_or_insert_with(|| {
            let name = shorten(name, stderr_columns().unwrap_or(80) / 3);
            let bar = bar(run.total.filter(|total| *total > 0), "  ").with_message(name);
            let bar = bar.with_position(have).with_elapsed(run.begun.elapsed());
            match &self.total {
                Some(total) => screen.insert_before(total, bar),
                None => screen.add(bar),
            }
        });
        shown.set_position(have);
    }
}

impl Tally {
    /// `39/1,412 files, 3 skipped`
    fn count(&self) -> String {
        let done = self.files + self.present;
        let skipped = if self.skipped > 0 { format!(", {} skipped", self.skipped) } else { String::new() };
        match self.expected {
            Some((files, _)) => format!("{}/{} files{skipped}", HumanCount(done), HumanCount(files)),
            None => format!("{} done{skipped}", counted(done)),
        }
    }

    /// The line that a tree leaves, or several files.
    fn summary(&self, time: Duration) -> String {
        let mut line = format!("{}, {}", counted(self.files), how_fast(self.bytes, time));
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

/// `1 file`, `1,412 files`
pub(crate) fn counted(files: u64) -> String {
    format!("{} {}", HumanCount(files), if files == 1 { "file" } else { "files" })
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.file = None;
        state.total.take().inspect(ProgressBar::finish_and_clear);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bar up to `total`, or counters with `gap` between them; before it stands its message.
fn bar(total: Option<u64>, gap: &str) -> ProgressBar {
    let narrow = stderr_columns().is_some_and(|columns| columns < WIDE);
    let template = match total {
        Some(_) if narrow => "{msg} [{wide_bar:.green}] {percent:>3}% {eta} left".to_owned(),
        Some(_) => "{msg} [{wide_bar:.green}] {percent:>3}% {binary_bytes}/{binary_total_bytes} \
             {binary_bytes_per_sec} {eta} left"
            .to_owned(),
        None => ["{msg}", "{binary_bytes}", "{binary_bytes_per_sec}", "{elapsed}"].join(gap),
    };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style.progress_chars("=> "))
}

/// How wide stderr is. Where it is no terminal, lines have no width.
fn stderr_columns() -> Option<usize> {
    // Some terminals do not know it.
    terminal_columns(io::stderr()).map(|columns| if columns == 0 { 80 } else { columns })
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
    use wire::Pathname;

    use super::*;

    #[test]
    fn what_is_counted_is_the_bytes_of_files_and_not_those_that_came_to_be_compared() {
        let meter = Meter::new(true);
        let whole = meter.whole(Some((3, 10)));
        let run = |name: &str, start: u64, have: u64, bytes: u64| {
            let (path, progress) = (Pathname::new(name).unwrap(), Arc::new(Progress::default()));
            let direction = Direction::Download { part: None };
            let started = Event::FileStarted {
                path: path.clone(),
                direction,
                start,
                have,
                total: Some(1000),
                progress: Arc::clone(&progress),
            };
            assert!(meter.shows(&started));
            progress.add(bytes);
            assert!(meter.shows(&Event::FileStopped { path }));
        };
        // Of "a" 700 bytes were kept, of which 600 came again; and it was started over.
        for (from, kept, bytes) in [(100, 700, 300), (100, 700, 900)] {
            run("a", from, kept, bytes);
            assert_eq!(meter.lock().tally().files, 0);
        }
        meter.done("a", 1000, true);
        // Nothing of "c" was kept before its first run.
        for (kept, bytes) in [(0, 300), (300, 900)] {
            run("c", 0, kept, bytes);
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
        assert_eq!(meter.lock().tally(), tally);
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
