//! `pasv trace`: who says what, and who dials whom?
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use client::{Client, Event, Progress, Sink};
use wire::Entry;

use crate::client_flags::Talk;
use crate::picture::picture;
use crate::site;
use crate::talk::Failure;

/// Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// What to fetch or list.
    #[arg(value_name = "FTP-URL")]
    url: String,

    #[command(flatten)]
    talk: Talk,
}

/// What was seen of a session.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Event>>>);

/// More events than a picture of one transfer could show; a hostile server may make up any number.
const EVENTS: usize = 1000;

impl Seen {
    /// A watcher that keeps what it is told.
    pub(crate) fn watcher(&self) -> client::Watcher {
        let seen = Arc::clone(&self.0);
        Arc::new(move |event: &Event| {
            let mut events = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if events.len() < EVENTS {
                events.push(without_bulk(event));
            }
        })
    }

    /// Draws it to stdout.
    pub(crate) fn draw(&self) -> io::Result<()> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut out = io::stdout();
        for line in picture(&events) {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }
}

/// The event without the lines of a reply that no picture shows: a reply may have a megabyte of them.
fn without_bulk(event: &Event) -> Event {
    match event {
        Event::Answered(reply) => {
            let mut lines = reply.lines.clone();
            for line in lines.iter_mut().skip(1) {
                *line = b"".as_slice().into();
            }
            Event::Answered(wire::Reply { code: reply.code, lines })
        }
        other => other.clone(),
    }
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let seen = Seen::default();
    let done = follow(flags, &seen).await;
    // What was seen before it failed is what a person wants to see.
    seen.draw()?;
    done
}

async fn follow(flags: &Flags, seen: &Seen) -> Result<(), Failure> {
    let url = site::url(&flags.url)?;
    let path = site::path(&url)?;
    let mut client = site::open_watched(&url, &flags.talk, seen.watcher()).await?;
    let done = if url.means_directory() {
        client.list(path.as_ref(), &mut |_: Entry| Ok(())).await
    } else {
        fetch(&mut client, &site::named(&url)?).await
    };
    client.quit().await;
    Ok(done?)
}

async fn fetch(client: &mut Client, path: &wire::Pathname) -> Result<(), client::Error> {
    let mut nowhere = |_: &[u8]| Ok(());
    client.retrieve(path, 0, Sink::Bytes(&mut nowhere), &Arc::new(Progress::default())).await.map(drop)
}
