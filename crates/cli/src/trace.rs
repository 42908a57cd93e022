//! `pasv trace`: who says what, and who dials whom?
use std::future::pending;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use client::{Client, Event, Progress, Sink, Watcher};
use config::text::size;
use tokio::sync::Notify;
use wire::Entry;

use crate::client_flags::SessionFlags;
use crate::columns::columns;
use crate::interrupt;
use crate::picture::Picture;
use crate::progress::Meter;
use crate::site::{self, Sessions};
use crate::talk::Failure;
use crate::trust::warn;

/// Draw the dialogue and both connections of a download, or of a listing, as they happen.
///
/// What comes is discarded.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    pasv trace ftp://host/file               the first mebibyte of a file\n  \
    pasv trace ftp://host/pub/               a listing\n  \
    pasv trace --bytes all ftp://host/file   the whole file\n  \
    pasv trace --mode active ftp://host/     the server opens the data connection\n\n\
    Exit codes:\n  \
    0 done   1 refused by the server   2 wrong command line   3 no connection   4 broken off   130 Ctrl-C")]
pub(crate) struct Flags {
    /// File to download, or directory to list (with a slash at its end).
    #[arg(value_name = "FTP-URL")]
    url: String,

    /// Stop a download after so many bytes: a number, with K, M or G for kibi-, mebi- and gibibytes; 0 or all
    /// for the whole file.
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = size)]
    bytes: u64,

    #[command(flatten)]
    session: SessionFlags,
}

/// An unfinished arrow is drawn again so often.
const REDRAWN: Duration = Duration::from_millis(200);

/// A picture that is drawn to stdout while a session goes on.
struct Drawing {
    sheet: Mutex<Sheet>,
    begun: Notify,
}

struct Sheet {
    picture: Picture,
    begun: Instant,
    /// Is stdout a terminal? Then an arrow is seen to grow.
    terminal: bool,
    /// When the arrow that is still on the last line was drawn.
    growing: Option<Instant>,
    /// Stdout is gone: why.
    failed: Option<io::Error>,
}

impl Drawing {
    /// As wide as the terminal.
    fn new() -> Self {
        let sheet = Sheet {
            picture: Picture::new(columns().unwrap_or(80)),
            begun: Instant::now(),
            terminal: io::stdout().is_terminal(),
            growing: None,
            failed: None,
        };
        Self { sheet: Mutex::new(sheet), begun: Notify::new() }
    }

    /// Draws what this adds to the picture.
    fn draw(&self, add: impl FnOnce(&mut Picture, Duration) -> Vec<String>) {
        let mut sheet = self.sheet();
        let at = sheet.begun.elapsed();
        let lines = add(&mut sheet.picture, at);
        if !lines.is_empty() {
            let over = if sheet.growing.take().is_some() { "\r\x1b[K" } else { "" };
            sheet.write(&format!("{over}{}\n", lines.join("\n")));
        }
    }

    /// Draws what there is of a transfer that does not come to its end.
    fn broken_off(&self, why: &str) {
        self.draw(|picture, at| picture.broken_off(at, why));
    }

    /// So many bytes more have come. An error where nobody reads what is drawn.
    fn moved(&self, bytes: u64) -> io::Result<()> {
        let mut sheet = self.sheet();
        sheet.picture.moved(bytes);
        sheet.grow();
        sheet.failed.take().map_or(Ok(()), Err)
    }

    /// All is drawn.
    fn end(&self) -> io::Result<()> {
        self.broken_off(", broken off");
        self.sheet().failed.take().map_or(Ok(()), Err)
    }

    /// Waits for Ctrl-C, from the first line on: at a question for a password it ends the program as ever.
    async fn interrupted(&self) {
        self.begun.notified().await;
        if tokio::signal::ctrl_c().await.is_err() {
            // It could not be asked for, and ends the program as ever.
            pending::<()>().await;
        }
    }

    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        self.sheet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sheet {
    fn grow(&mut self) {
        let soon = self.growing.is_some_and(|drawn| drawn.elapsed() < REDRAWN);
        if !self.terminal || soon {
            return;
        }
        if let Some(line) = self.picture.under_way(self.begun.elapsed()) {
            self.growing = Some(Instant::now());
            self.write(&format!("\r{line}\x1b[K"));
        }
    }

    fn write(&mut self, text: &str) {
        let mut out = io::stdout();
        self.failed = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err().or(self.failed.take());
    }
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let drawing = Arc::new(Drawing::new());
    let done = tokio::select! {
        done = Box::pin(follow(flags, &drawing)) => done,
        () = drawing.interrupted() => {
            drawing.broken_off(" so far");
            interrupt::end();
        }
    };
    // What was seen before it failed is drawn. Where nobody reads it, that is all there is to say.
    drawing.end()?;
    done
}

async fn follow(flags: &Flags, drawing: &Arc<Drawing>) -> Result<(), Failure> {
    let url = site::url(&flags.url)?;
    let path = site::path(&url)?;
    let (quiet, watched) = (flags.session.quiet, Arc::clone(drawing));
    let watch: Watcher = Arc::new(move |event: &Event| match event {
        Event::TlsAgreed { .. } => {}
        Event::Identity { .. } => warn(event, quiet),
        _ => {
            watched.draw(|picture, at| picture.event(at, event));
            watched.begun.notify_one();
        }
    });
    let mut sessions = Sessions::watched(&flags.session, Meter::new(true), watch);
    let mut client = sessions.at(&url).await?;
    let done = if url.means_directory() {
        client.list(path.as_ref(), &mut |_: Entry| Ok(())).await.map(drop)
    } else {
        fetch(&mut client, &site::named(&url)?, flags.bytes, drawing).await
    };
    drop(client);
    sessions.end().await;
    done.map_err(|error| {
        let refused = error.to_string();
        let failure = Failure::from(error);
        // As it may be a directory: this verb lists one, other verbs download it.
        if refused.contains("550") && !url.means_directory() {
            failure.hint(format_args!("to trace a listing, put a slash at the end: {}/", flags.url))
        } else {
            failure
        }
    })
}

async fn fetch(
    client: &mut Client,
    path: &wire::Pathname,
    limit: u64,
    drawing: &Drawing,
) -> Result<(), client::Error> {
    let (mut came, mut enough) = (0_u64, false);
    let mut nowhere = |bytes: &[u8]| {
        let room = if limit > 0 { limit - came } else { u64::MAX };
        let shown = room.min(bytes.len() as u64);
        came += shown;
        drawing.moved(shown)?;
        // A file that ends there ends by itself.
        if shown < bytes.len() as u64 {
            enough = true;
            drawing.broken_off(", then stopped");
            return Err(io::Error::other("enough has come"));
        }
        Ok(())
    };
    match client.retrieve(path, 0, Sink::Bytes(&mut nowhere), &Arc::new(Progress::default())).await {
        Err(client::Error::Local { .. }) if enough => Ok(()),
        other => other.map(drop),
    }
}
