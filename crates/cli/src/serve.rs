//! How is a folder shared? `pasv serve`: flags to settings, the site, its end.
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use config::{
    Anonymous, CertificateFiles, Deadlines, HangUp, Limits, Listener, LogFormat, SiteConfig, Uploads, User,
};
use server::Server;
use storage::local::{Local, LocalOptions, Sync};
use tokio::sync::Notify;

use crate::talk::{Exit, Failure, show_path, words};
use crate::{file_size, flags, ready};
use listen::Listen;
use log::Log;
use signals::Signals;
use users::name_of;

mod acme;
mod anonymous;
mod banner;
mod binding;
mod clients;
pub(crate) mod doctor;
mod fold;
mod listen;
mod log;
mod reach;
mod root;
mod signals;
mod tls;
mod users;

/// The port of a site that nobody configured: 21 needs root, and 2121 is what people type instead.
const PORT: u16 = 2121;

/// Ten ports above the kernel's ephemeral range (32768 to 60999), so that no outgoing connection of this machine takes
/// one of them first.
const PASSIVE: &str = "61210-61219";

/// How long the end waits for work on files that is still under way when the last session has gone: a sweep stops at the
/// next directory, and a disk that hangs must not keep the process.
const ENDING: Duration = Duration::from_secs(2);

const EXAMPLES: &str = "\
Examples:
  Share this folder, read-only:
    pasv serve
  Share a folder with two users who can write:
    pasv passwd > alice.password
    pasv serve /srv/files -w --user alice:alice.password --user bob
  Staff write, everyone else reads:
    pasv serve /srv/files -w --user alice:alice.password --anonymous
  A drop box, where anyone can upload and nobody but alice sees the files:
    pasv serve /srv/drop -w --user alice:alice.password --anonymous drop
  Behind NAT, with these ports forwarded to this machine:
    pasv serve -p 2121 --passive-ports 61210-61219 --external 203.0.113.7
  With a TLS certificate, and no login without TLS:
    pasv serve --cert fullchain.pem --key privkey.pem --tls required

Exit codes: 0 stopped as told, 1 could not start (a port is in use, for
example), 2 wrong command line, or a file or folder that cannot be used";

/// Share a folder over FTP
///
/// Without options: the current folder, read-only, for everyone, on port 2121. Use --user to require a password.
///
/// Press Ctrl-C (or send SIGTERM) to stop: running transfers finish first, for up to --drain-timeout; a second time stops at
/// once. SIGHUP reloads certificates and reopens --log-file and --xferlog. If the terminal closes, the server stops.
#[derive(Debug, Args)]
#[command(after_help = "More: pasv serve --help", after_long_help = EXAMPLES)]
pub(crate) struct Flags {
    /// Folder to share [default: the current folder]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The same as DIR
    #[arg(long, value_name = "DIR", conflicts_with = "dir", hide = true)]
    root: Option<PathBuf>,
    /// Let users upload, rename and delete; without --user: let everyone
    #[arg(long, short)]
    write: bool,
    /// Let this user log in, with the password in this file, or with a generated one; can be repeated
    ///
    /// The file's first line is the password, or the output of `pasv passwd`. Without a file, a password is generated at
    /// each start and printed. Nobody else can log in then, unless --anonymous is given.
    #[arg(long, value_name = "NAME[:FILE]")]
    user: Vec<String>,
    /// Let everyone log in without a password, and say what they can do [default: read]
    #[arg(long, value_name = "RIGHT", value_parser = anonymous::Parser, num_args = 0..=1, default_missing_value = "read")]
    anonymous: Option<Anonymous>,
    /// Port to listen on [default: 2121]
    #[arg(long, short, value_name = "PORT", value_parser = flags::port)]
    port: Option<u16>,
    /// Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]
    #[arg(long, short, value_name = "ADDR[:PORT]", value_parser = listen::parse)]
    listen: Vec<Listen>,
    /// Print no banner, and log only warnings and errors
    #[arg(long, short)]
    quiet: bool,
    /// Ports that clients open data connections to; the firewall must let clients in
    #[arg(long, value_name = "LO-HI", value_parser = flags::ports, default_value = PASSIVE, help_heading = NETWORK)]
    passive_ports: RangeInclusive<u16>,
    /// IPv4 address that clients outside connect to, if the server is behind NAT
    #[arg(long, value_name = "ADDR", value_parser = flags::external, help_heading = NETWORK)]
    external: Option<Ipv4Addr>,
    /// Print what the firewalls on both sides must let through, rule by rule
    #[arg(long, conflicts_with = "quiet", help_heading = NETWORK, hide_short_help = true)]
    explain: bool,
    /// Network of a load balancer that sends PROXY headers; can be repeated
    ///
    /// Its connections, control and data, must begin with a PROXY header, version 1 or 2. Such a header from any other address is
    /// refused.
    #[arg(long, value_name = "CIDR", value_parser = flags::network, help_heading = NETWORK, hide_short_help = true)]
    proxy_from: Vec<net::proxy::IpNet>,
    /// Refuse passive mode (EPSV and PASV)
    #[arg(long, conflicts_with = "no_active", help_heading = NETWORK, hide_short_help = true)]
    no_passive: bool,
    /// Refuse active mode (EPRT and PORT)
    #[arg(long, help_heading = NETWORK, hide_short_help = true)]
    no_active: bool,
    /// Open active data connections from this port; the classic one is 20, which needs root
    #[arg(long, value_name = "PORT", value_parser = flags::port, help_heading = NETWORK, hide_short_help = true)]
    active_port: Option<u16>,
    /// Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere
    #[arg(long, value_name = "BYTES", value_parser = flags::mss, help_heading = NETWORK, hide_short_help = true)]
    data_mss: Option<u16>,
    /// Append the log to this file instead of stderr; SIGHUP reopens it
    #[arg(long, value_name = "FILE", help_heading = LOGS)]
    log_file: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]
    #[arg(long, value_name = "LEVEL", env = "PASV_LOG", hide_env_values = true, help_heading = LOGS, hide_short_help = true)]
    log_level: Option<String>,
    /// Format of the log
    #[arg(long, value_enum, default_value = "text", help_heading = LOGS, hide_short_help = true)]
    log_format: LogFormat,
    /// Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it
    #[arg(long, value_name = "FILE", help_heading = LOGS, hide_short_help = true)]
    xferlog: Option<PathBuf>,
    /// When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end
    #[arg(long, value_name = "FILE", help_heading = LOGS, hide_short_help = true)]
    ready_file: Option<PathBuf>,
    /// Permission bits that uploads do not get
    #[arg(long, value_name = "OCTAL", value_parser = flags::umask, default_value = "022", help_heading = UPLOADS, hide_short_help = true)]
    umask: u32,
    /// When an upload counts as stored
    #[arg(long, value_enum, default_value = "always", help_heading = UPLOADS, hide_short_help = true)]
    sync: config::Sync,
    /// How long a partial upload is kept for the client to resume
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "1d", help_heading = UPLOADS, hide_short_help = true)]
    keep_parts: Duration,
    /// What to do with an unencrypted upload whose client closes everything at its end, without QUIT
    ///
    /// A client that was killed looks the same as a client that does not wait for the reply, as some cameras do.
    #[arg(long, value_enum, default_value = "keep", help_heading = UPLOADS, hide_short_help = true)]
    hang_up: HangUp,
    #[command(flatten)]
    tls: tls::TlsFlags,
    #[command(flatten)]
    deadlines: DeadlineFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

const NETWORK: &str = "Network";
const LOGS: &str = "Logs";
const UPLOADS: &str = "Uploads";

#[derive(Debug, Args)]
#[command(next_help_heading = "Timeouts")]
struct DeadlineFlags {
    /// From the connection to the login
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "1m", hide_short_help = true)]
    login_timeout: Duration,
    /// Between two commands, outside transfers
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "5m", hide_short_help = true)]
    idle_timeout: Duration,
    /// The longest idle timeout that a client can ask for (SITE IDLE)
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "2h", hide_short_help = true)]
    idle_timeout_most: Duration,
    /// From a transfer command to its data connection
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "10s", hide_short_help = true)]
    data_timeout: Duration,
    /// Without any data during a transfer
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "1m", hide_short_help = true)]
    stall_timeout: Duration,
    /// How long PASV and EPSV wait for a free port
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "3s", hide_short_help = true)]
    port_wait: Duration,
    /// From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "1m", hide_short_help = true)]
    claim_timeout: Duration,
    /// How long checksums and the like continue after the client has closed the control connection
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "5s", hide_short_help = true)]
    gone_timeout: Duration,
    /// How long SIGTERM and Ctrl-C wait for running transfers
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "30s", hide_short_help = true)]
    drain_timeout: Duration,
    /// How long a verified password is remembered, so that eight connections are not verified eight times
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "5m", hide_short_help = true)]
    remember_logins: Duration,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitFlags {
    /// Sessions in total
    #[arg(long, value_name = "N", value_parser = flags::at_least::<1>, default_value_t = Limits::default().sessions, hide_short_help = true)]
    max_sessions: usize,
    /// Sessions from one address
    #[arg(long, value_name = "N", value_parser = flags::at_least::<1>, default_value_t = Limits::default().sessions_per_address, hide_short_help = true)]
    max_sessions_per_address: usize,
    /// Length of a command line
    #[arg(long, value_name = "BYTES", value_parser = flags::at_least::<64>, default_value_t = Limits::default().line, hide_short_help = true)]
    max_line: usize,
    /// Commands before the login
    #[arg(long, value_name = "N", default_value_t = Limits::default().commands_before_login, hide_short_help = true)]
    max_commands_before_login: u32,
    /// Lines in the answer to STAT with a pathname
    #[arg(long, value_name = "N", default_value_t = Limits::default().stat_lines, hide_short_help = true)]
    max_stat_lines: usize,
    /// Commands that wait for the end of a transfer
    #[arg(long, value_name = "N", default_value_t = Limits::default().queue, hide_short_help = true)]
    max_queue: usize,
    /// Failed logins of a user from one address before answers are delayed
    ///
    /// Failures of that many different users from one address count as well.
    #[arg(long, value_name = "N", default_value_t = Limits::default().failures_before_delay, hide_short_help = true)]
    delay_after_failures: u32,
    /// How long they are delayed
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "2s", hide_short_help = true)]
    failure_delay: Duration,
    /// Failed logins of a user from one address before that user is refused there
    ///
    /// Failures of that many different users refuse the whole address, except users who have logged in from it within a day.
    #[arg(long, value_name = "N", default_value_t = Limits::default().failures_before_refusal, hide_short_help = true)]
    refuse_after_failures: u32,
    /// Failed logins from one address in total before the address is refused
    #[arg(long, value_name = "N", default_value_t = Limits::default().failures_of_address, hide_short_help = true)]
    refuse_address_after_failures: u32,
    /// How long a failed login counts
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "10m", hide_short_help = true)]
    failure_window: Duration,
}

impl Flags {
    /// The configuration that these flags make.
    pub(crate) fn config(&self) -> Result<SiteConfig, Failure> {
        let (d, l, t) = (&self.deadlines, &self.limits, &self.tls);
        if t.cert.len() != t.key.len() {
            return Err(Failure::usage("each --cert needs its --key"));
        }
        let pairs = t.cert.iter().cloned().zip(t.key.iter().cloned());
        let listener = Listener {
            tls: t.tls,
            allow_ccc: t.allow_ccc,
            data_reuse: t.data_reuse,
            tls_end: t.tls_end,
            passive: !self.no_passive,
            passive_ports: self.passive_ports.clone(),
            external: self.external,
            active: !self.no_active,
            active_port: self.active_port,
            data_mss: self.data_mss,
            proxy_from: self.proxy_from.clone(),
            ..Listener::default()
        };
        let at = |at: SocketAddr, implicit| Listener {
            address: at.ip(),
            port: at.port(),
            implicit,
            ..listener.clone()
        };
        let explicit = self.listens().into_iter().map(|socket| at(socket, false));
        let implicit = t.listens().iter().map(|socket| at(*socket, true));
        Ok(SiteConfig {
            root: self.root().to_owned(),
            write: self.write,
            anonymous: self.anonymous,
            limits: Limits {
                sessions: l.max_sessions,
                sessions_per_address: l.max_sessions_per_address,
                handshakes_per_address: t.max_handshakes_per_address,
                line: l.max_line,
                commands_before_login: l.max_commands_before_login,
                failures_before_delay: l.delay_after_failures,
                failures_before_refusal: l.refuse_after_failures,
                failures_of_address: l.refuse_address_after_failures,
                failure_window: l.failure_window,
                failure_delay: l.failure_delay,
                queue: l.max_queue.max(1),
                stat_lines: l.max_stat_lines,
            },
            deadlines: Deadlines {
                login: d.login_timeout,
                idle: d.idle_timeout,
                idle_most: d.idle_timeout_most,
                data: d.data_timeout,
                stall: d.stall_timeout,
                port: d.port_wait,
                claim: d.claim_timeout,
                gone: d.gone_timeout,
                drain: d.drain_timeout,
                remember_logins: d.remember_logins,
                ..Deadlines::default()
            },
            uploads: Uploads {
                sync: self.sync,
                umask: self.umask,
                keep_parts: self.keep_parts,
                hang_up: self.hang_up,
            },
            tls: config::TlsFiles {
                certificates: pairs.map(|(cert, key)| CertificateFiles { cert, key }).collect(),
                acme: t.acme.config(),
                clients: t.clients.config(),
            },
            log: config::Log {
                file: self.log_file.clone(),
                level: self.log_level.clone(),
                format: self.log_format,
                xferlog: self.xferlog.clone(),
            },
            listeners: explicit.chain(implicit).collect(),
            users: self.user.iter().map(|user| read_user(user)).collect(),
            ..SiteConfig::default()
        })
    }
}

/// A value of `--user`.
fn read_user(text: &str) -> User {
    match text.split_once(':') {
        Some((name, file)) => User { name: name.to_owned(), password_file: Some(file.into()) },
        None => User { name: text.to_owned(), password_file: None },
    }
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    flags.agree()?;
    root::check(flags.root(), flags.changes_files())?;
    // Before there are threads, each of which would take an arena of its own with it.
    net::memory::give_back_what_is_freed();
    let log = Log::open(flags)?;
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(blocking_threads())
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Refused, format!("cannot start: {e}")))?;
    let served = runtime.block_on(serve(flags, &Arc::new(log)));
    runtime.shutdown_timeout(ENDING);
    served
}

async fn serve(flags: &Flags, log: &Arc<Log>) -> Result<(), Failure> {
    file_size::outlive_the_limit();
    let tree = open_root(flags)?;
    let (accounts, generated) = users::gate(flags, &tree)?;
    let tls = flags.tls.open(flags.user.iter().map(|u| name_of(u)))?;
    let accounts = match tls.as_ref().and_then(|tls| tls.owners.as_ref()) {
        Some(owners) => accounts.with_certificates(Arc::clone(&owners.certificates)),
        None => accounts,
    };
    let site = Server::builder(flags.config()?, Arc::new(accounts))
        .tls(tls.as_ref().map(|tls| Arc::clone(&tls.tls)))
        .xferlog(log.xferlog())
        .bind()
        .map_err(|e| binding::failed(flags, &e))?;
    let (control, implicit, passive) = (site.control(), site.implicit(), site.passive());
    binding::tell_taken(&site);
    // Before anybody is told that the site is up: from then on a signal means to drain.
    let signals = Signals::catch()?;
    let warnings = flags.warnings();
    if flags.quiet {
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
    } else {
        banner::print(&banner::Shared {
            root: flags.root(),
            control: &control,
            implicit: &implicit,
            explicit: flags.tls.tls,
            certificate: tls.as_ref().map(|tls| &tls.certificate),
            write: flags.write,
            anonymous: flags.anonymous_rights(),
            generated: &generated,
            users: &flags.user.iter().map(|u| name_of(u)).collect::<Vec<_>>(),
            warnings: &warnings,
            firewall: flags.firewall_site(
                &control,
                &implicit,
                passive.iter().map(|port| *port..=*port).collect(),
            ),
            external: flags.external,
            passive: !flags.no_passive,
            explain: flags.explain,
        });
    }
    // Removed at the end.
    let _ready = match &flags.ready_file {
        Some(path) => Some(
            ready::write(path, &control, &implicit, &passive)
                .map_err(|e| Failure::usage(format!("cannot write {}: {}", show_path(path), words(&e))))?,
        ),
        None => None,
    };
    tracing::info!(control = ?control, implicit = ?implicit, passive = %flags::show_ports(&passive), "serving");
    let sweeping = tokio::spawn(sweep(tree));
    let again = Arc::new(Notify::new());
    let told = Arc::clone(&again);
    let follow = async {
        match tls {
            Some(opened) => flags.tls.follow(opened, &told).await,
            None => std::future::pending().await,
        }
    };
    let (stopper, log) = (site.registry(), Arc::clone(log));
    let signals = tokio::spawn(signals.follow(stopper, flags.deadlines.drain_timeout, move || {
        log.reopen();
        again.notify_one();
    }));
    tokio::select! {
        () = site.run() => {}
        () = follow => {}
    }
    signals.abort();
    sweeping.abort();
    tracing::info!("stopped");
    Ok(())
}

/// Threads that may wait for the disk or verify a password at once. With those of the runtime, one for each core, the first one
/// and the log's they are four for each core: each takes memory, and more of them would only wait behind each other.
fn blocking_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (3 * cores).saturating_sub(2).max(2)
}

fn open_root(flags: &Flags) -> Result<Arc<Local>, Failure> {
    let options = LocalOptions {
        read_only: !flags.changes_files(),
        sync: match flags.sync {
            config::Sync::Always => Sync::Always,
            config::Sync::Never => Sync::Never,
        },
        umask: flags.umask,
        keep_parts: flags.keep_parts,
    };
    Local::open(flags.root(), options).map(Arc::new).map_err(|e| {
        // The system's words where there are any; the kind is for the log.
        let why = std::error::Error::source(&e).map_or_else(|| words(&e), |source| words(&source));
        Failure::new(Exit::Usage, format!("cannot share {}: {why}", flags.root().display()))
    })
}

/// Removes the parts of broken uploads whose time is over, at the start and every hour.
async fn sweep(tree: Arc<Local>) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hourly.tick().await;
        match tree.sweep(SystemTime::now()).await {
            Ok(swept) if swept.removed > 0 => {
                tracing::info!(removed = swept.removed, bytes = swept.bytes, "removed old partial uploads");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "cannot remove old partial uploads"),
        }
    }
}

/// A session is one descriptor and a transfer two more, so take what the system allows.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    // Where it is refused the site runs with fewer; accepting waits when the table is full.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
}
