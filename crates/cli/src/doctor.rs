//! `pasv doctor`: why does FTP fail here, and what helps?
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use client::{Endpoint, TlsMode};
use doctor::remote::{Target, diagnose, examine_watched};
use doctor::{Report, text};
use wire::url::{FtpUrl, Scheme};

use crate::client_flags::{SessionFlags, TlsFlag, TlsFlags};
use crate::password::{LoginFlags, credentials};
use crate::talk::{Failure, say, show_path};
use crate::trust::policy;

mod report;
pub(crate) mod site;
mod spinner;

use spinner::Spinner;

const EXAMPLES: &str = "Examples:\n  \
    pasv doctor ftp://host/                            why it fails from here\n  \
    pasv doctor --write ftp://alice@host/incoming/     uploads too\n  \
    pasv doctor --transcript host.txt ftp://host/      the whole dialogue, for the administrator\n  \
    pasv doctor --site --listen 21 --active-port 20    check the server of this machine\n\n\
    Exit codes:\n  \
    0 all is well, or no errors   1 something fails, the server refuses, or (--site) an error was found\n  \
    2 wrong command line   3 nothing works, or the certificate is refused";

/// Diagnose a server from here, or with --site this machine's own server.
///
/// With an FTP-URL: tests everything that FTP needs, at the same time, in less than 15 seconds and without
/// privileges: the name and its addresses, what answers, TLS, and a listing by EPSV, PASV, EPRT and PORT,
/// unencrypted and under TLS. A password is sent unencrypted only with --clear.
///
/// With --site, on the machine that runs the server: takes the flags of `pasv serve`, and checks whether they
/// fit together, and whether this machine lets the server work; `pasv doctor --site --help` says more.
///
/// The first line is the answer; evidence, what to do, and what is unclear follow.
#[derive(Args, Debug)]
#[command(
    override_usage = "pasv doctor [OPTIONS] <FTP-URL>\n       pasv doctor --site [OPTIONS OF pasv serve]"
)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(crate) struct Flags {
    /// Server to test. A path is the directory for listings and files.
    #[arg(value_name = "FTP-URL")]
    url: String,

    /// Check the server of this machine, as `pasv serve` runs it with the same flags.
    #[arg(long)]
    site: bool,

    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,

    /// Upload a small test file three times, check it by HASH or SIZE, and delete it.
    #[arg(long, short)]
    write: bool,

    /// TLS: off, offered or required, as for all client verbs.
    #[arg(long, value_enum, value_name = "MODE")]
    tls: Option<TlsFlag>,

    /// Client certificate (PEM), for servers that require one.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Its private key (PEM); it may be in the same file.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Write the whole dialogue to this file, passwords masked, for the server's administrator.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Send the password unencrypted too, to test both; an anonymous login is always tested unencrypted.
    #[arg(long)]
    clear: bool,

    /// Find idle time-outs too: leaves control connections idle for up to 5 minutes.
    #[arg(long)]
    slow: bool,

    /// Read the password from the first line of this file; - is stdin.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated.
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Vec<net::tls::Fingerprint>,

    /// Accept an untrusted certificate: a man in the middle can read the password.
    ///
    /// One that has changed since the last visit is refused all the same: see `pasv forget`.
    #[arg(long)]
    insecure: bool,
}

/// How long control connections are left alone with `--slow`: what NATs and servers are usually set to.
const IDLE: [u64; 4] = [30, 60, 120, 300];

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let url = crate::site::url(&flags.url)?;
    let target = target(flags, &url)?;
    // Before minutes are spent, and never over a file that is there.
    let mut transcript = flags.transcript.as_deref().map(open).transpose()?;
    let spinner = Spinner::start(&target.site.host);
    let (facts, said) = examine_watched(&spinner.over(target), spinner.watch()).await;
    spinner.end();
    let report = diagnose(&facts);
    if let (Some(file), Some(path)) = (&mut transcript, &flags.transcript) {
        let head = heading(&url, &report);
        let text = said.iter().fold(head, |text, line| text + line + "\n");
        file.write_all(text.as_bytes()).map_err(|error| Failure::file(path, &error))?;
        say(format_args!("transcript: {}", show_path(path)));
    }
    let object = flags.json.then(|| text::object(&facts, &report));
    report::print(&report, object, || text::report(&url, &report))
}

/// For a reader who has nothing but the transcript.
fn heading(url: &FtpUrl, report: &Report) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let at = wire::Stamp::from_seconds(i64::try_from(now).unwrap_or(i64::MAX)).civil();
    format!(
        "# pasv {} doctor {}://{}/, ended {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC\n# {}\n\
         # seconds from the start; the probe; > sent, < received, * seen. Passwords are ***.\n",
        env!("CARGO_PKG_VERSION"),
        url.scheme.name(),
        text::address(url),
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        report.verdict.sentence
    )
}

fn open(path: &Path) -> Result<std::fs::File, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} exists already, and is not overwritten", show_path(path)))
                .hint("give --transcript another name, or delete that file")
        }
        _ => Failure::file(path, &error),
    })
}

fn target(flags: &Flags, url: &FtpUrl) -> Result<Target, Failure> {
    // The doctor tries all modes itself; of what the other verbs share only the trust counts.
    let session = SessionFlags {
        charset: None,
        verbose: false,
        quiet: false,
        mode: client::Mode::Auto,
        data_port: client::DataPort::Any,
        timeout: Duration::from_secs(15),
        stall: Duration::from_secs(15),
        login: LoginFlags::with_file(flags.password_file.clone()),
        tls: TlsFlags {
            tls: flags.tls,
            pin: flags.pin.clone(),
            insecure: flags.insecure,
            tls_end: client::TlsEnd::Strict,
            cert: flags.cert.clone(),
            key: flags.key.clone(),
        },
    };
    let credentials = credentials(url, &session.login)?.credentials;
    let anonymous = credentials.is_anonymous();
    // As all client verbs do before a password is sent. Otherwise nothing is asked and nothing is remembered.
    let policy = policy(url, &session, !anonymous)?;
    let plain = url.scheme == Scheme::Ftp && matches!(flags.tls, None | Some(TlsFlag::Offered));
    Ok(Target {
        site: Endpoint { host: url.host.to_string(), port: policy.port },
        implicit: policy.mode == TlsMode::Implicit,
        credentials,
        clear: policy.mode == TlsMode::Off || (anonymous || flags.clear) && plain,
        tls: policy.mode != TlsMode::Off,
        seen: policy.seen(),
        identity: policy.security.as_ref().and_then(|security| security.settings.identity.clone()),
        trust: policy.security,
        directory: crate::site::path(url)?,
        write: flags.write,
        idle: if flags.slow { IDLE.map(Duration::from_secs).to_vec() } else { Vec::new() },
    })
}
