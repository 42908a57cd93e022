//! Which flags do the client's verbs share?
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use client::charset::{Charset, UnknownCharset};
use client::copy::OnLinks;
use client::{DataPort, Mode, Options, Patience, TlsEnd, TlsMode, Verify};
use net::tls::Fingerprint;
use wire::RepresentationType;
use wire::url::{FtpUrl, TypeCode};

use crate::password::LoginFlags;
use config::text::nonzero;

/// How to talk to the server. The headings follow the verb's own options in its help.
#[derive(Args, Clone, Debug)]
pub(crate) struct SessionFlags {
    #[command(flatten)]
    pub(crate) login: LoginFlags,

    #[command(flatten)]
    pub(crate) tls: TlsFlags,

    /// Data connections: auto, passive (the client connects) or active (the server does).
    ///
    /// auto tries EPSV, PASV and then active mode. What worked is remembered for thirty days, for this server
    /// and network. active falls back to passive.
    #[arg(
        long,
        value_parser = one_of(&[("auto", Mode::Auto), ("passive", Mode::Passive), ("active", Mode::Active)]),
        default_value = "auto",
        help_heading = "Connection",
        hide_possible_values = true,
        value_name = "MODE"
    )]
    pub(crate) mode: Mode,

    /// Local port of data connections: any, or next (the control connection's port plus one).
    #[arg(
        long,
        value_parser = one_of(&[("any", DataPort::Any), ("next", DataPort::Next)]),
        default_value = "any",
        help_heading = "Connection",
        hide_short_help = true,
        hide_possible_values = true,
        value_name = "WHICH"
    )]
    pub(crate) data_port: DataPort,

    /// Give up when a connection or a reply takes longer: 30s, 5m, 1h.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = nonzero, help_heading = "Connection", hide_short_help = true)]
    pub(crate) timeout: Duration,

    /// Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never.
    ///
    /// A transfer that stalls at its start is retried once after 5 seconds, with smaller packets.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        value_parser = nonzero,
        help_heading = "Connection",
        hide_short_help = true
    )]
    pub(crate) stall: Duration,

    /// The server's character set for file names: GBK, Shift_JIS, windows-1251 ...
    ///
    /// Names are shown and stored here in UTF-8. Without this flag names stay the bytes that they are.
    #[arg(long, value_name = "NAME", value_parser = charset, help_heading = "Connection", hide_short_help = true)]
    pub(crate) charset: Option<Charset>,

    /// Show the FTP dialogue and ports; passwords are masked.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,

    /// Print errors only.
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
}

/// TLS, and which certificates are trusted.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsFlags {
    /// off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte).
    ///
    /// Without this option the URL decides: ftp:// is offered, ftpes:// required and ftps:// implicit. A
    /// server that was once seen with TLS at this port must have it, unless --tls off says otherwise.
    #[arg(long, value_enum, value_name = "MODE", hide_possible_values = true)]
    pub(crate) tls: Option<TlsFlag>,

    /// Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated.
    #[arg(long, value_name = "FINGERPRINT", hide_short_help = true)]
    pub(crate) pin: Vec<Fingerprint>,

    /// Accept an untrusted certificate; a man in the middle can read everything.
    ///
    /// One that has changed since the last visit is refused all the same: see `pasv forget`.
    #[arg(long)]
    pub(crate) insecure: bool,

    /// Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only,
    /// lenient all.
    ///
    /// Some servers never send it. With lenient a listing, a text or a file of unknown size that somebody in
    /// between has cut short looks complete; a warning says so each time. A reset, or an end within a TLS
    /// record, is never accepted.
    #[arg(
        long,
        value_parser = one_of(&[("strict", TlsEnd::Strict), ("lenient", TlsEnd::Lenient)]),
        value_name = "HOW",
        default_value = "strict",
        hide_short_help = true,
        hide_possible_values = true
    )]
    pub(crate) tls_end: TlsEnd,

    /// Client certificate (PEM), for servers that ask for one.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub(crate) cert: Option<PathBuf>,

    /// Private key of --cert (PEM), if it is in another file.
    #[arg(long, value_name = "FILE", requires = "cert", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
}

/// `--tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsFlag {
    /// No TLS: unencrypted.
    Off,
    /// If the server offers it.
    Offered,
    /// AUTH TLS, or nothing.
    Required,
    /// From the first byte.
    Implicit,
}

impl SessionFlags {
    /// The session's options.
    pub(crate) fn options(&self, tls: TlsMode) -> Options {
        let (timeout, usual) = (self.timeout, Patience::default());
        let patience = Patience {
            reply: timeout,
            greeting: usual.greeting.min(timeout),
            features: usual.features.min(timeout),
            epsv: usual.epsv.min(timeout),
            race: usual.race.min(timeout),
            data: match self.mode {
                // Another way can still be tried, so the first one is not waited for so long.
                Mode::Auto | Mode::Active => usual.data.min(timeout),
                Mode::Passive => timeout.min(usual.data * 2),
            },
            ..usual
        };
        Options {
            mode: self.mode,
            data_port: self.data_port,
            patience,
            connect: timeout,
            tls,
            tls_end: self.tls.tls_end,
            verify: Verify::default(),
            charset: self.charset,
            stall: self.stall,
        }
    }
}

/// `--links`.
pub(crate) const LINKS: &[(&str, OnLinks)] = &[("follow", OnLinks::Follow), ("keep", OnLinks::Keep)];

/// `--type`: text, whose line ends are converted, or bytes as they are.
pub(crate) const TYPES: &[(&str, RepresentationType)] =
    &[("a", RepresentationType::Ascii), ("i", RepresentationType::Image)];

/// The value of a flag by its name.
pub(crate) fn one_of<T: Clone + Send + Sync + 'static>(
    names: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let find = |name: String| names.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    PossibleValuesParser::new(names.iter().map(|(name, _)| *name))
        .try_map(move |name| find(name).ok_or("an unknown name"))
}

/// The type of a transfer: the flag's, else the URL's, else image.
pub(crate) fn representation(flag: Option<RepresentationType>, url: &FtpUrl) -> RepresentationType {
    match (flag, url.type_code) {
        (Some(kind), _) => kind,
        (None, Some(TypeCode::Ascii)) => RepresentationType::Ascii,
        (None, _) => RepresentationType::Image,
    }
}

fn charset(name: &str) -> Result<Charset, UnknownCharset> {
    Charset::named(name)
}
