//! How far is a transfer? A bar with rate and time left, on a terminal only.
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bars of a verb. It shows one at a time, and nothing when stderr is no terminal or `-q` was given.
#[derive(Clone, Default)]
pub(crate) struct Meter {
    show: bool,
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

/// A bar that is running; dropped, it is wiped away.
pub(crate) struct Running {
    meter: Meter,
    ticker: Option<tokio::task::JoinHandle<()>>,
}

impl Meter {
    /// A meter that shows bars if anybody can see them.
    pub(crate) fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Self { show: !quiet && !dumb && std::io::stderr().is_terminal(), bar: Arc::default() }
    }

    /// Follows `progress` until what is returned is dropped. `start` bytes were there before, `total` there will be.
    pub(crate) fn follow(
        &self,
        name: &str,
        start: u64,
        total: Option<u64>,
        progress: &Arc<Progress>,
    ) -> Running {
        if !self.show {
            return Running { meter: self.clone(), ticker: None };
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(style(total.is_some()));
        bar.set_message(short(name));
        bar.set_position(start);
        // The rate counts what this run moves.
        bar.reset_eta();
        *self.lock() = Some(bar.clone());
        let progress = Arc::clone(progress);
        let ticker = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            loop {
                tick.tick().await;
                bar.set_position(start + progress.bytes());
            }
        });
        Running { meter: self.clone(), ticker: Some(ticker) }
    }

    /// Writes something to stderr beside the bar.
    pub(crate) fn aside(&self, write: impl FnOnce()) {
        let bar = self.lock().clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(ticker) = self.ticker.take() {
            ticker.abort();
        }
        if let Some(bar) = self.meter.lock().take() {
            bar.finish_and_clear();
        }
    }
}

fn style(known: bool) -> ProgressStyle {
    let colour = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let template = match (known, colour) {
        (true, true) => {
            "{msg} [{wide_bar:.green}] {percent:>3}% {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left"
        }
        (true, false) => {
            "{msg} [{wide_bar}] {percent:>3}% {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left"
        }
        (false, _) => "{msg} {bytes} {binary_bytes_per_sec} {elapsed}",
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// The end of a long name, which tells more than its start: what is left of 80 columns is the bar's.
fn short(name: &str) -> String {
    const LONGEST: usize = 24;
    match name.chars().count().checked_sub(LONGEST) {
        None | Some(0) => name.to_owned(),
        Some(over) => "...".chars().chain(name.chars().skip(over + "...".len())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_long_name_leaves_room_for_the_bar() {
        assert_eq!(short("pub/a.iso"), "pub/a.iso");
        assert_eq!(short(&format!("{}/end.iso", "ü".repeat(200))), format!("...{}/end.iso", "ü".repeat(13)));
    }
}
