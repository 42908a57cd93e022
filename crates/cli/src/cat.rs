//! `pasv cat`: a file of a server on stdout.
use std::io::{self, Write};

use clap::{Args, ValueHint};
use wire::RepresentationType;

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
    each(Sessions::new(session, meter), &urls, async |sessions, url| {
        let path = site::named(url)?;
        let text = representation(kind, url) == RepresentationType::Ascii;
        let done = sessions.at(url).await?.get_stream(&path, out, text).await;
        done.map(drop).map_err(|error| Failure::while_writing(to, error))
    })
    .await
}
