//! `pasv cat`: a file of a site on stdout.
use std::io::{self, Write};
use std::sync::Arc;

use clap::Args;
use client::{Progress, Sink};
use wire::RepresentationType;
use wire::url::FtpUrl;

use crate::client_flags::{Talk, TypeFlag, representation};
use crate::progress::Meter;
use crate::several::Several;
use crate::site::{self, Sessions};
use crate::talk::Failure;

/// Write files of a site to stdout.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files to write.
    #[arg(value_name = "FTP-URL", required = true)]
    urls: Vec<String>,

    /// Representation type: i, bytes as they are (default), or a, text.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    representation: Option<TypeFlag>,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    // Bars would be drawn over what `less` shows.
    let meter = Meter::new(true);
    write_to(&mut io::stdout(), &flags.urls, flags.representation, &flags.talk, meter).await
}

/// Writes one file after the other to something that cannot be resumed or renamed: stdout, a device, a pipe.
pub(crate) async fn write_to(
    out: &mut (dyn Write + Send),
    urls: &[String],
    kind: Option<TypeFlag>,
    talk: &Talk,
    meter: Meter,
) -> Result<(), Failure> {
    let urls = site::urls(urls)?;
    let mut sessions = Sessions::new(talk, meter);
    let mut all = Several::of(urls.len());
    let mut last = Ok(());
    for url in &urls {
        let done = one(&mut sessions, url, kind, out).await;
        sessions.after(&done);
        last = all.add(done, Failure::print);
        if last.is_err() {
            break;
        }
    }
    sessions.end().await;
    last?;
    all.end()
}

async fn one(
    sessions: &mut Sessions<'_>,
    url: &FtpUrl,
    kind: Option<TypeFlag>,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let path = site::named(url)?;
    let client = sessions.at(url).await?;
    let mut take = |bytes: &[u8]| out.write_all(bytes);
    let progress = Arc::new(Progress::default());
    match representation(kind, url) {
        RepresentationType::Ascii => client.retrieve_text(&path, &mut take, &progress).await?,
        _ => client.retrieve(&path, 0, Sink::Bytes(&mut take), &progress).await?,
    };
    Ok(out.flush()?)
}
