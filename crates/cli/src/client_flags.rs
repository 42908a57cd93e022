//! Which flags do the client's verbs share?
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use client::{DataPort, Mode, Options, Patience, TlsMode, Verify};
use net::tls::Fingerprint;
use wire::RepresentationType;
use wire::url::{FtpUrl, TypeCode};

use crate::flags::wait;
use crate::password::LoginFlags;

/// How to talk to the site.
#[derive(Args, Clone, Debug)]
pub(crate) struct Talk {
    /// Show the dialogue on stderr, secrets masked, and both connections' ports.
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Say nothing but errors.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto:
    /// EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network.
    #[arg(long, value_enum, default_value_t = ModeFlag::Auto)]
    pub(crate) mode: ModeFlag,

    /// Local port of the data connection: any, or next: the control connection's port plus one.
    #[arg(long, value_enum, default_value_t = DataPortFlag::Any, value_name = "PORT")]
    pub(crate) data_port: DataPortFlag,

    /// Longest wait for a connection or a reply: 30s, 5m.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = wait)]
    pub(crate) timeout: Duration,

    /// Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small
    /// packets.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = wait)]
    pub(crate) stall: Duration,

    #[command(flatten)]
    pub(crate) login: LoginFlags,

    #[command(flatten)]
    pub(crate) tls: TlsFlags,
}

/// TLS, and whom to trust.
#[derive(Args, Clone, Debug)]
pub(crate) struct TlsFlags {
    /// TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte;
    /// ftps://). Without this flag the URL decides, and a site once seen with TLS must have it.
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) tls: Option<TlsFlag>,

    /// Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) pin: Vec<Fingerprint>,

    /// Take a certificate that nobody vouches for: whoever is in between reads everything.
    ///
    /// One that has changed since the last visit is refused all the same: see `pasv forget`.
    #[arg(long)]
    pub(crate) insecure: bool,

    /// Our own certificate (PEM), for sites that ask for one.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,

    /// Its private key (PEM), if it is not in the same file.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

/// `--tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsFlag {
    /// In clear text.
    Off,
    /// Where the site has it.
    Offered,
    /// By AUTH TLS, or not at all.
    Required,
    /// From the first byte.
    Implicit,
}

/// `--verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyFlag {
    /// The site's SIZE.
    Size,
    /// And its HASH, where it has one.
    Hash,
    /// The site's word.
    Off,
}

impl VerifyFlag {
    /// The same for a session.
    pub(crate) fn verify(self) -> Verify {
        match self {
            Self::Size => Verify::Size,
            Self::Hash => Verify::Hash,
            Self::Off => Verify::Off,
        }
    }
}

/// `--mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeFlag {
    /// EPSV, then PASV, then active.
    Auto,
    /// We dial the server, by EPSV or PASV.
    Passive,
    /// The server dials us; where it cannot, we dial it.
    Active,
}

/// `--data-port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataPortFlag {
    /// Any free port.
    Any,
    /// The control connection's plus one.
    Next,
}

/// `--type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeFlag {
    /// Text: line ends are converted.
    A,
    /// Image: bytes as they are.
    I,
}

impl Talk {
    /// The session's options.
    pub(crate) fn options(&self, tls: TlsMode, verify: Verify) -> Options {
        let timeout = self.timeout;
        let usual = Patience::default();
        Options {
            mode: match self.mode {
                ModeFlag::Auto => Mode::Auto,
                ModeFlag::Passive => Mode::Passive,
                ModeFlag::Active => Mode::Active,
            },
            data_port: match self.data_port {
                DataPortFlag::Any => DataPort::Any,
                DataPortFlag::Next => DataPort::Next,
            },
            patience: Patience {
                reply: timeout,
                greeting: usual.greeting.min(timeout),
                features: usual.features.min(timeout),
                full: usual.full,
                epsv: usual.epsv.min(timeout),
                race: usual.race.min(timeout),
                data: match self.mode {
                    // Another way can still be tried, so the first one is not waited for so long.
                    ModeFlag::Auto | ModeFlag::Active => usual.data.min(timeout),
                    ModeFlag::Passive => timeout.min(usual.data * 2),
                },
                quiet: usual.quiet,
                last: usual.last,
            },
            connect: timeout,
            tls,
            verify,
            stall: self.stall,
        }
    }
}

/// The type of a transfer: the flag's, else the URL's, else image.
pub(crate) fn representation(flag: Option<TypeFlag>, url: &FtpUrl) -> RepresentationType {
    match (flag, url.type_code) {
        (Some(TypeFlag::A), _) | (None, Some(TypeCode::Ascii)) => RepresentationType::Ascii,
        _ => RepresentationType::Image,
    }
}
