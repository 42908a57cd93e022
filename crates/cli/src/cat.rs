//! `pasv cat`: a file of a server on stdout.
use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, ValueHint};
use client::{Progress, Sink};
use wire::RepresentationType;
use wire::url::FtpUrl;

use crate::client_flags::{SessionFlags, TYPES, one_of, representation};
use crate::progress::Meter;
use crate::several::each;
use crate::site::{self, Sessions};
use crate::talk::Failure;

/// Print files to stdout.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Files to print.
    #[arg(value_name = "FTP-URL", required = true, value_hint = ValueHint::Url)]
    urls: Vec<String>,

    /// Transfer type: i, bytes as they are (default), or a, text with line ends converted.
    #[arg(long = "type", value_parser = one_of(TYPES), value_name = "TYPE")]
    representation: Option<RepresentationType>,

    #[command(flatten)]
    session: SessionFlags,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    // Bars would be drawn over what `less` shows.
    let meter = Meter::new(true);
    write_to((&mut io::stdout(), "stdout"), &flags.urls, flags.representation, &flags.session, meter).await
}

/// Writes one file after the other to something that cannot be resumed or renamed: stdout, a device, a pipe.
/// `to` is its name.
pub(crate) async fn write_to(
    (out, to): (&mut (dyn Write + Send), &str),
    urls: &[String],
    kind: Option<RepresentationType>,
    session: &SessionFlags,
    meter: Meter,
) -> Result<(), Failure> {
    let urls = site::urls(urls)?;
    let sessions = Sessions::new(session, meter);
    each(sessions, &urls, async |sessions, url| one(sessions, url, kind, (&mut *out, to)).await).await
}

async fn one(
    sessions: &mut Sessions<'_>,
    url: &FtpUrl,
    kind: Option<RepresentationType>,
    (out, to): (&mut (dyn Write + Send), &str),
) -> Result<(), Failure> {
    let path = site::named(url)?;
    let meter = sessions.meter.clone();
    let mut client = sessions.at(url).await?;
    let mut take = |bytes: &[u8]| out.write_all(bytes);
    let (name, progress) = (path.to_string(), Arc::new(Progress::default()));
    let came = match representation(kind, url) {
        RepresentationType::Ascii => {
            let _bar = meter.follow(&name, (0, 0), None, &progress);
            client.retrieve_text(&path, &mut take, &progress).await
        }
        _ => {
            let size = client.size(&path).await?;
            let _bar = meter.follow(&name, (0, 0), size, &progress);
            client.retrieve_sized(&path, 0, size, Sink::Bytes(&mut take), &progress).await
        }
    };
    let bytes = came.map_err(|error| Failure::while_writing(to, error))?;
    out.flush().map_err(|error| Failure::output(to, &error))?;
    meter.done(&name, bytes, true);
    Ok(())
}
