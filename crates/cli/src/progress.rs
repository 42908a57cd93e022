//! How far is a transfer, and what did it come to? Bars on a terminal, and a line that stays when a file is done.
mod layout;

use std::collections::{HashMap, VecDeque};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use client::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::layout::{FileState, file_done, file_line, file_present, total_line};
pub(crate) use self::layout::{Tally, grouped, human};
use crate::talk::{Failure, say};

/// How often the bars are drawn.
const TICK: Duration = Duration::from_millis(100);
/// A file that is done sooner has no bar: of a tree of small files nobody could read them.
const SHORTEST: Duration = Duration::from_millis(200);
/// The rate is that of the last so many ticks.
const SAMPLES: usize = 50;

/// What a verb shows of its transfers, on stderr: bars where it is a terminal, a line for each file that is done, and a summary
/// of several. Its clones are one meter.
#[derive(Clone)]
pub(crate) struct Meter {
    /// Nothing but what a person must know.
    quiet: bool,
    bars: bool,
    /// Does each file leave a line?
    lines: bool,
    /// Those of a tree too?
    each: bool,
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
    screen: Option<MultiProgress>,
    begun: Option<Instant>,
    ticking: bool,
    last: u64,
    running: Vec<File>,
    /// Bytes that all runs that have ended moved, compared ones too: what the rate is made of.
    moved: u64,
    /// What is known of files that are not done yet, by name: one that is started over runs several times.
    parts: HashMap<String, Sum>,
    tally: Tally,
    /// The bar of a tree, with its rate.
    total: Option<(Option<ProgressBar>, Speed)>,
    /// Was one of the arguments a tree?
    trees: bool,
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
    speed: Speed,
}

#[derive(Clone, Copy)]
struct Sum {
    /// Bytes that were there before, in the run that had the fewest; none before a run has ended.
    kept: Option<u64>,
    begun: Instant,
}

/// The rate of the last few seconds.
#[derive(Default)]
struct Speed(VecDeque<(Instant, u64)>);

impl Meter {
    /// A meter for stderr; quiet, it shows nothing.
    pub(crate) fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let terminal = !quiet && std::io::stderr().is_terminal();
        Self { quiet, bars: terminal && !dumb, lines: terminal, each: false, state: Arc::default() }
    }

    /// The same; with `--progress` each file leaves its line, those of trees too, also where stderr is no terminal.
    pub(crate) fn leaving_lines(self, always: bool) -> Self {
        let each = always && !self.quiet;
        Self { lines: self.lines || each, each, ..self }
    }

    /// Follows `progress` until what is returned is dropped. `start` bytes were there before, `total` there will be.
    pub(crate) fn follow(
        &self,
        name: &str,
        start: u64,
        total: Option<u64>,
        progress: &Arc<Progress>,
    ) -> Running {
        self.follow_from(name, (start, start), total, progress)
    }

    /// The same where `kept` bytes were there before, and those behind `start` come once more to be compared.
    pub(crate) fn follow_from(
        &self,
        name: &str,
        (start, kept): (u64, u64),
        total: Option<u64>,
        progress: &Arc<Progress>,
    ) -> Running {
        let mut state = self.lock();
        state.last += 1;
        let id = state.last;
        let now = state.now();
        if state.running.is_empty() {
            // The others have failed.
            state.parts.retain(|other, _| other == name);
        }
        state.parts.entry(name.to_owned()).or_insert(Sum { kept: None, begun: now });
        state.running.push(File {
            id,
            name: name.to_owned(),
            start,
            kept,
            total,
            before: progress.bytes(),
            progress: Arc::clone(progress),
            begun: now,
            bar: None,
            speed: Speed::default(),
        });
        self.tick(&mut state);
        Running { state: Arc::clone(&self.state), id }
    }

    /// Several files are one work from now on until what is returned is dropped. `expected` is how many files and bytes they are.
    pub(crate) fn whole(&self, expected: Option<(u64, u64)>) -> Whole {
        let mut state = self.lock();
        state.now();
        state.tally.expected = match (state.tally.expected, expected) {
            (Some((files, bytes)), Some((more, more_bytes))) => Some((files + more, bytes + more_bytes)),
            (None, expected) if state.tally == Tally::default() => expected,
            _ => None,
        };
        state.total.get_or_insert_default();
        state.trees = true;
        self.tick(&mut state);
        Whole { state: Arc::clone(&self.state) }
    }

    /// A file of `length` bytes, as far as that is known, is `copied` or was there already. One that is not part of a tree leaves
    /// a line, with `--progress` every one.
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
            wanted.then(|| match copied {
                true => file_done(columns(), name, length - kept, kept, now - sum.begun),
                false => file_present(columns(), name),
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

    /// Leaves the summary of a tree, or of `many` arguments: where files leave lines, and where something was skipped.
    pub(crate) fn summary(&self, many: bool) {
        let line = {
            let mut state = self.lock();
            let (now, tally) = (state.now(), state.tally);
            let begun = state.begun.unwrap_or(now);
            let wanted = self.lines || (!self.quiet && tally.skipped > 0);
            let any = tally.files + tally.present > 0;
            (wanted && (many && any || state.trees)).then(|| layout::summary(&tally, now - begun))
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
        let screen = self.lock().screen.clone();
        match screen {
            Some(screen) => screen.suspend(write),
            None => write(),
        }
    }

    /// Wipes all bars away, for good.
    pub(crate) fn clear(&self) {
        if let Some(screen) = &self.lock().screen {
            // A terminal that cannot be written to shows no bars.
            let _ = screen.clear();
            screen.set_draw_target(ProgressDrawTarget::hidden());
        }
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
        state.screen = Some(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)));
        let weak: Weak<Mutex<State>> = Arc::downgrade(&self.state);
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                let Some(state) = weak.upgrade() else { return };
                lock(&state).draw(Instant::now(), columns().unwrap_or(80));
            }
        });
    }
}

impl State {
    fn now(&mut self) -> Instant {
        let now = Instant::now();
        self.begun.get_or_insert(now);
        now
    }

    /// Bytes that were moved altogether, those of files under way too.
    fn moved(&self) -> u64 {
        self.moved + self.running.iter().map(File::moved).sum::<u64>()
    }

    fn draw(&mut self, now: Instant, columns: usize) {
        let Some(screen) = self.screen.clone() else { return };
        // In its last column a terminal may begin a new line.
        let columns = columns.saturating_sub(1);
        let moved = self.moved();
        let have =
            self.tally.settled + self.running.iter().map(|file| file.start() + file.moved()).sum::<u64>();
        let (tally, elapsed) = (self.tally, self.begun.map_or(Duration::ZERO, |begun| now - begun));
        if let Some((bar, speed)) = &mut self.total {
            speed.add(now, moved);
            let line = total_line(columns, &tally, have, speed.rate(), elapsed, colour());
            bar.get_or_insert_with(|| screen.add(new_bar())).set_message(line);
        }
        let total = self.total.as_ref().and_then(|(bar, _)| bar.clone());
        for file in &mut self.running {
            let moved = file.moved();
            file.speed.add(now, moved);
            if now - file.begun < SHORTEST {
                continue;
            }
            let line = file_line(
                columns,
                &FileState {
                    name: &file.name,
                    have: file.start() + moved,
                    total: file.total,
                    rate: file.speed.rate(),
                    elapsed: now - file.begun,
                },
                colour(),
            );
            let bar = file.bar.get_or_insert_with(|| match &total {
                Some(total) => screen.insert_before(total, new_bar()),
                None => screen.add(new_bar()),
            });
            bar.set_message(line);
        }
    }
}

impl File {
    fn moved(&self) -> u64 {
        self.progress.bytes().saturating_sub(self.before)
    }

    /// Those of them that were not there before.
    fn new_bytes(&self) -> u64 {
        (self.start() + self.moved()).saturating_sub(self.kept())
    }

    fn kept(&self) -> u64 {
        self.kept.max(self.progress.start())
    }

    /// What was there before: an upload learns it late.
    fn start(&self) -> u64 {
        self.start.max(self.progress.start())
    }
}

impl Speed {
    fn add(&mut self, now: Instant, bytes: u64) {
        self.0.push_back((now, bytes));
        if self.0.len() > SAMPLES {
            self.0.pop_front();
        }
    }

    /// Bytes per second; none before there is anything to go by.
    fn rate(&self) -> Option<u64> {
        let ((first, from), (last, to)) = (self.0.front()?, self.0.back()?);
        let time = last.saturating_duration_since(*first).as_secs_f64();
        // Half a second says little of a transfer that has hardly begun.
        (time >= 0.5).then(|| (to.saturating_sub(*from) as f64 / time) as u64)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        let Some(at) = state.running.iter().position(|file| file.id == self.id) else { return };
        let file = state.running.remove(at);
        let moved = file.moved();
        state.moved += moved;
        if let Some(sum) = state.parts.get_mut(&file.name) {
            sum.kept = Some(sum.kept.unwrap_or(u64::MAX).min(file.kept()));
        }
        if let (Some(bar), Some(screen)) = (file.bar, &state.screen) {
            bar.finish_and_clear();
            screen.remove(&bar);
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.parts.clear();
        if let (Some((Some(bar), _)), Some(screen)) = (state.total.take(), &state.screen) {
            bar.finish_and_clear();
            screen.remove(&bar);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line of our own layout.
fn new_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style)
}

fn colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// How wide stderr is. Where it is no terminal, lines have no width.
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    // Some terminals do not know it.
    Some(if size.ws_col == 0 { 80 } else { usize::from(size.ws_col) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut speed = Speed::default();
        speed.add(start, 0);
        assert_eq!(speed.rate(), None);
        for tick in 1..=200_u32 {
            // Fast at first, then 1,000 bytes a second.
            let bytes = if tick <= 100 {
                u64::from(tick) * 1_000_000
            } else {
                100_000_000 + u64::from(tick - 100) * 100
            };
            speed.add(start + TICK * tick, bytes);
        }
        assert!(speed.rate().is_some_and(|rate| (999..=1000).contains(&rate)), "{:?}", speed.rate());
    }

    #[test]
    fn what_is_counted_is_the_bytes_of_files_and_not_those_that_came_to_be_compared() {
        let meter = Meter::new(true);
        let whole = meter.whole(Some((3, 10)));
        // Of "a" 700 bytes were kept, of which 600 came again; and it was started over.
        for (from, kept, bytes) in [(100, 700, 300), (100, 700, 900)] {
            let progress = Arc::new(Progress::default());
            let running = meter.follow_from("a", (from, kept), Some(1000), &progress);
            progress.add(bytes);
            assert_eq!(meter.tally().files, 0);
            drop(running);
        }
        meter.done("a", 1000, true);
        // Nothing of "c" was kept before its first run.
        for (kept, bytes) in [(0, 300), (300, 900)] {
            let progress = Arc::new(Progress::default());
            let running = meter.follow_from("c", (0, kept), Some(900), &progress);
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
    }
}
