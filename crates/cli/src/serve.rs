//! How is a folder shared? `pasv serve`: flags to settings, the site, its end.
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use server::settings::{Deadlines, HangUp, Limits, Modes, Proxies};
use server::xferlog::Xferlog;
use server::{Settings, Site, SiteError, Stop};
use storage::accounts::{self, Account, Accounts, Anonymous, PasswordHash};
use storage::local::{Local, LocalOptions, Sync};
use storage::{Rights, Tree, VPath};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing_appender::non_blocking::WorkerGuard;

use crate::talk::{Exit, Failure, words};
use crate::{file_size, flags, ready};
use anonymous::AnonymousFlag;
use listen::Listen;

mod acme;
mod anonymous;
mod banner;
mod clients;
pub(crate) mod doctor;
mod listen;
mod reach;
mod root;
mod tls;

/// The port of a site that nobody configured: 21 needs root, and 2121 is what people type instead.
const PORT: u16 = 2121;

/// Ten ports above the kernel's ephemeral range (32768 to 60999), so that no outgoing connection of this machine takes
/// one of them first.
const PASSIVE: &str = "61210-61219";

/// How long the end waits for work on files that is still under way when the last session has gone: a sweep stops at the
/// next directory, and a disk that hangs must not keep the process.
const ENDING: Duration = Duration::from_secs(2);

/// Share a folder over FTP.
///
/// Without flags: the current folder, read-only, to anybody, on port 2121. Give --user to ask for a password.
///
/// SIGTERM and SIGINT end it when running transfers have finished, or after --drain-timeout; a second one at once. SIGHUP has the files of
/// certificates read again at once; when its terminal is closed it ends.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Folder to share [default: the current folder].
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The same as DIR.
    #[arg(long, value_name = "DIR", conflicts_with = "dir", hide = true)]
    root: Option<PathBuf>,
    /// Let users upload, rename and delete. Without --user: let everyone.
    #[arg(long, short)]
    write: bool,
    /// Port to listen on, on all addresses of this machine or on those of --listen [default: 2121].
    #[arg(long, short, value_name = "PORT")]
    port: Option<u16>,
    /// Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port [default: all addresses].
    /// Can be repeated.
    #[arg(long, short, value_name = "ADDR[:PORT]", value_parser = listen::parse)]
    listen: Vec<Listen>,
    /// The ports that clients open data connections to. The firewall must let them in.
    #[arg(long, value_name = "LO-HI", value_parser = flags::ports, default_value = PASSIVE)]
    passive_ports: RangeInclusive<u16>,
    /// The IPv4 address that PASV tells clients from outside, where NAT stands before the site.
    #[arg(long, value_name = "ADDR", value_parser = flags::external)]
    external: Option<Ipv4Addr>,
    /// A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2.
    /// Nobody else's header is believed. May be given several times.
    #[arg(long, value_name = "CIDR", value_parser = flags::network)]
    proxy_from: Vec<net::proxy::IpNet>,
    /// Let this user in, with the password in the file (or one made up and shown); nobody else then.
    #[arg(long, value_name = "NAME[:PASSWORD-FILE]")]
    user: Vec<String>,
    /// Let anonymous users in too, and say what they may do.
    #[arg(long, value_name = "RIGHT", value_parser = anonymous::Parser, num_args = 0..=1, default_missing_value = "read")]
    anonymous: Option<AnonymousFlag>,
    /// Tell in the banner what the firewalls on both sides must let through, rule by rule.
    #[arg(long, conflicts_with = "quiet")]
    explain: bool,
    /// Print no banner.
    #[arg(long, short)]
    quiet: bool,
    /// How log lines are written, to stderr.
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Which log lines: error, warn, info, debug, or a filter such as `server=debug`.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "PASV_LOG")]
    log_level: String,
    /// Append the classic transfer log to a file.
    #[arg(long, value_name = "FILE")]
    xferlog: Option<PathBuf>,
    /// Write the addresses and ports as JSON to a file when the site is up.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// When an upload counts as done: on the disk, or with the kernel.
    #[arg(long, value_enum, default_value = "always", help_heading = "Uploads")]
    sync: SyncFlag,
    /// How long the part of a broken upload is kept for the client to resume.
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "1d", help_heading = "Uploads")]
    keep_parts: Duration,
    /// What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply,
    /// as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it.
    #[arg(long, value_enum, default_value = "keep", help_heading = "Uploads")]
    hang_up: HangUpFlag,
    /// Permission bits that uploads do not get.
    #[arg(long, value_name = "OCTAL", value_parser = flags::umask, default_value = "022", help_heading = "Uploads")]
    umask: u32,
    /// Refuse EPSV and PASV.
    #[arg(long, conflicts_with = "no_active", help_heading = "Modes")]
    no_passive: bool,
    /// Refuse EPRT and PORT.
    #[arg(long, help_heading = "Modes")]
    no_active: bool,
    /// Dial active data connections from this port; the classic one is 20, which needs root.
    #[arg(long, value_name = "PORT", help_heading = "Modes")]
    active_port: Option<u16>,
    /// Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop
    /// after their first bytes. 1200 passes everywhere.
    #[arg(long, value_name = "BYTES", value_parser = flags::mss, help_heading = "Modes")]
    data_mss: Option<u16>,
    #[command(flatten)]
    tls: tls::TlsFlags,
    #[command(flatten)]
    deadlines: DeadlineFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HangUpFlag {
    Keep,
    Publish,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SyncFlag {
    /// The file and its name are on the disk before the client hears 226.
    Always,
    /// The kernel writes when it likes; a power cut may lose what was acknowledged.
    Never,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Deadlines")]
struct DeadlineFlags {
    /// From the connection to the login.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "1m")]
    login_timeout: Duration,
    /// From one command to the next, outside transfers.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "5m")]
    idle_timeout: Duration,
    /// The most that SITE IDLE can ask for.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "2h")]
    idle_timeout_most: Duration,
    /// From a transfer's command to its data connection.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "10s")]
    data_timeout: Duration,
    /// In a transfer, without a byte moving.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "1m")]
    stall_timeout: Duration,
    /// How long PASV waits for a free port.
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "3s")]
    port_wait: Duration,
    /// From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "1m")]
    claim_timeout: Duration,
    /// How long a digest, or other work that moves no byte, goes on when its client has closed the control connection.
    #[arg(long, value_name = "TIME", value_parser = flags::wait, default_value = "5s")]
    gone_timeout: Duration,
    /// How long SIGTERM and SIGINT wait for running transfers.
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "30s")]
    drain_timeout: Duration,
    /// How long a verified password is remembered, so that eight connections do not pay eight times.
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "5m")]
    remember_logins: Duration,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitFlags {
    /// Sessions in all.
    #[arg(long, value_name = "N", value_parser = flags::at_least::<1>, default_value_t = Limits::default().sessions)]
    max_sessions: usize,
    /// Sessions from one address.
    #[arg(long, value_name = "N", value_parser = flags::at_least::<1>, default_value_t = Limits::default().sessions_per_address)]
    max_sessions_per_address: usize,
    /// Bytes in a command line.
    #[arg(long, value_name = "BYTES", value_parser = flags::at_least::<64>, default_value_t = Limits::default().line)]
    max_line: usize,
    /// Commands before the login.
    #[arg(long, value_name = "N", default_value_t = Limits::default().commands_before_login)]
    max_commands_before_login: u32,
    /// Lines in the answer to STAT with a pathname.
    #[arg(long, value_name = "N", default_value_t = Limits::default().stat_lines)]
    max_stat_lines: usize,
    /// Commands that wait for the end of a transfer.
    #[arg(long, value_name = "N", default_value_t = Limits::default().queue)]
    max_queue: usize,
    /// Failed logins of one user from one address (or of so many different users) before the answers are held back.
    #[arg(long, value_name = "N", default_value_t = Limits::default().failures_before_delay)]
    delay_after_failures: u32,
    /// How long they are held back.
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "2s")]
    failure_delay: Duration,
    /// Failed logins of one user from one address before that user is refused there; failures of so many different users
    /// refuse the whole address, except users who have logged in from it within a day.
    #[arg(long, value_name = "N", default_value_t = Limits::default().failures_before_refusal)]
    refuse_after_failures: u32,
    /// Failed logins of an address in all before it is refused as well.
    #[arg(long, value_name = "N", default_value_t = Limits::default().failures_of_address)]
    refuse_address_after_failures: u32,
    /// How long a failed login counts.
    #[arg(long, value_name = "TIME", value_parser = flags::duration, default_value = "10m")]
    failure_window: Duration,
}

impl Flags {
    fn settings(&self) -> Settings {
        let (d, l) = (&self.deadlines, &self.limits);
        Settings {
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
            },
            limits: Limits {
                sessions: l.max_sessions,
                sessions_per_address: l.max_sessions_per_address,
                handshakes_per_address: self.tls.max_handshakes_per_address,
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
            modes: Modes {
                passive: !self.no_passive,
                active: !self.no_active,
                active_port: self.active_port,
                data_mss: self.data_mss,
            },
            external: self.external,
            proxies: Proxies::new(self.proxy_from.clone()),
            security: self.tls.security(),
            hang_up: match self.hang_up {
                HangUpFlag::Keep => HangUp::Keep,
                HangUpFlag::Publish => HangUp::Publish,
            },
            ..Settings::default()
        }
    }
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    // Before there are threads, each of which would take an arena of its own with it.
    net::memory::give_back_what_is_freed();
    let _lines = log_to_stderr(flags)?;
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(blocking_threads())
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Refused, format!("cannot start: {e}")))?;
    let served = runtime.block_on(serve(flags));
    runtime.shutdown_timeout(ENDING);
    served
}

async fn serve(flags: &Flags) -> Result<(), Failure> {
    flags.agree()?;
    root::check(flags.root(), flags.changes_files())?;
    file_size::outlive_the_limit();
    let tree = open_root(flags)?;
    let (accounts, made_up) = gate(flags, &tree)?;
    let xferlog = flags.xferlog.as_deref().map(open_xferlog).transpose()?;
    let listens = flags.listens();
    let range = (!flags.no_passive).then(|| flags.passive_ports.clone());
    let tls = flags.tls.open(flags.user.iter().map(|u| name_of(u)))?;
    let accounts = match tls.as_ref().and_then(|tls| tls.owners.as_ref()) {
        Some(owners) => accounts.with_certificates(Arc::clone(&owners.certificates)),
        None => accounts,
    };
    let protected = tls.as_ref().map(|tls| tls.protected.clone());
    let site =
        Site::bind_protected(flags.settings(), Arc::new(accounts), &listens, range, xferlog, protected)
            .map_err(|e| cannot_bind(&e))?;
    for (port, error) in site.taken() {
        tracing::warn!(port, %error, "a passive port is taken by somebody else; the others are used");
    }
    let (control, implicit, passive) = (site.control(), site.implicit(), site.passive().to_vec());
    // Before anybody is told that the site is up: from then on a signal means to drain.
    let signals = signal(SignalKind::interrupt())
        .and_then(|interrupt| {
            Ok((interrupt, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?))
        })
        .map_err(|e| Failure::new(Exit::Refused, format!("signals cannot be caught: {e}")))?;
    if !flags.quiet {
        banner::print(&banner::Shared {
            root: flags.root(),
            control: &control,
            implicit: &implicit,
            explicit: flags.tls.security().tls,
            fingerprint: tls.as_ref().map(|tls| tls.fingerprint),
            self_made: tls.as_ref().and_then(|tls| tls.self_made),
            write: flags.write,
            anonymous: flags.anonymous_rights(),
            made_up: &made_up,
            users: &flags.user.iter().map(|u| name_of(u)).collect::<Vec<_>>(),
            firewall: flags.firewall_site(
                &control,
                &implicit,
                passive.iter().map(|port| *port..=*port).collect(),
            ),
            explain: flags.explain,
        });
    }
    if let Some(path) = &flags.ready_file {
        ready::write(path, &control, &implicit, &passive).map_err(|e| {
            Failure::new(Exit::Usage, format!("cannot write {}: {}", path.display(), words(&e)))
        })?;
    }
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
    let stopper = site.stopper();
    let patience = flags.deadlines.drain_timeout;
    let signals = tokio::spawn(async move {
        let (mut interrupt, mut terminate, mut hangup) = signals;
        let begun_at_terminal = has_terminal();
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {
                    // A keeper's `kill -HUP`; or the terminal in which the site was started has been closed.
                    if !begun_at_terminal || has_terminal() {
                        again.notify_one();
                        continue;
                    }
                }
            }
            match stopper.further() {
                Stop::Now => tracing::info!("stopping at once"),
                _ => {
                    tracing::info!(
                        within = ?patience,
                        "stopping when running transfers have finished; once more to stop at once"
                    );
                }
            }
        }
    });
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

/// Has the process a terminal of its own (`tty(4)`)? When that is closed it has none any more, and is told by SIGHUP after.
fn has_terminal() -> bool {
    fs::File::open("/dev/tty").is_ok()
}

fn open_root(flags: &Flags) -> Result<Arc<Local>, Failure> {
    let options = LocalOptions {
        read_only: !flags.changes_files(),
        sync: match flags.sync {
            SyncFlag::Always => Sync::Always,
            SyncFlag::Never => Sync::Never,
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

fn open_xferlog(path: &Path) -> Result<Xferlog, Failure> {
    Xferlog::open(path)
        .map_err(|e| Failure::new(Exit::Usage, format!("cannot write {}: {}", path.display(), words(&e))))
}

fn name_of(user: &str) -> String {
    user.split_once(':').map_or(user, |(name, _)| name).to_owned()
}

/// The gate, and the passwords that were made up for users without a password file.
fn gate(flags: &Flags, tree: &Arc<Local>) -> Result<(Accounts, Vec<(String, String)>), Failure> {
    let rights = if flags.write { Rights::Write } else { Rights::Read };
    let mut made_up = Vec::new();
    let mut list = Vec::new();
    for user in &flags.user {
        let (name, hash) = match user.split_once(':') {
            Some((name, "")) => {
                return Err(Failure::usage(format!("--user {user}: no password file after the colon"))
                    .hint(format!("--user {name} makes up a password")));
            }
            Some((name, file)) => (name, read_password_file(Path::new(file))?),
            None => {
                let password = make_up_password()?;
                let hash = hash(password.as_bytes())?;
                made_up.push((user.clone(), password));
                (user.as_str(), hash)
            }
        };
        let tree: Arc<dyn Tree> = Arc::clone(tree) as Arc<dyn Tree>;
        list.push(Account { name: name.to_owned(), hash, tree, rights, home: VPath::root() });
    }
    if flags.quiet && !made_up.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "a made-up password is shown in the banner, which --quiet leaves out",
        )
        .hint("give a password file: `pasv passwd > alice.password`, then --user alice:alice.password"));
    }
    let tree: Arc<dyn Tree> = Arc::clone(tree) as Arc<dyn Tree>;
    let anonymous = flags.anonymous_rights().map(|rights| Anonymous { tree, rights, home: VPath::root() });
    let accounts = Accounts::new(list, anonymous, flags.deadlines.remember_logins)
        .map_err(|e| Failure::new(Exit::Usage, format!("--user: {e}")))?;
    Ok((accounts, made_up))
}

fn hash(password: &[u8]) -> Result<PasswordHash, Failure> {
    accounts::hash(password)
        .and_then(|text| PasswordHash::parse(&text))
        .map_err(|e| Failure::new(Exit::Refused, format!("a password cannot be hashed: {e}")))
}

/// The first line of the file: a hash as `pasv passwd` makes it, or the password itself.
fn read_password_file(path: &Path) -> Result<PasswordHash, Failure> {
    let text = fs::read(path).map_err(|e| {
        Failure::new(Exit::Usage, format!("cannot read the password file {}: {}", path.display(), words(&e)))
    })?;
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("the password file {} is empty", path.display()))
            .hint("its first line is the password, or what `pasv passwd` prints"));
    }
    match std::str::from_utf8(line) {
        Ok(text) if text.starts_with("$argon2") => PasswordHash::parse(text)
            .map_err(|e| Failure::new(Exit::Usage, format!("{}: {e}", path.display()))),
        _ => hash(line),
    }
}

/// Twenty letters and digits that nobody misreads: some 98 bits.
fn make_up_password() -> Result<String, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|e| Failure::new(Exit::Refused, format!("no random bytes: {e}")))?;
    Ok(bytes.iter().map(|b| LETTERS[usize::from(b % 32)] as char).collect())
}

fn cannot_bind(error: &SiteError) -> Failure {
    let failure = Failure::new(Exit::Refused, words(error));
    let source = match error {
        SiteError::Listen(_, e) | SiteError::Passive(_, e) => e.kind(),
    };
    match (source, error) {
        (std::io::ErrorKind::AddrInUse, SiteError::Listen(at, _)) => failure.hint(format!(
            "another program listens there; --listen {} would be another port",
            SocketAddr::new(
                at.ip(),
                if at.port() < 1024 { PORT } else { at.port().checked_add(1).unwrap_or(PORT) }
            )
        )),
        (std::io::ErrorKind::PermissionDenied, _) => {
            failure.hint("ports below 1024 need root; --listen takes another")
        }
        (std::io::ErrorKind::AddrNotAvailable, _) => failure.hint("that address is not one of this machine"),
        (_, SiteError::Passive(..)) => failure.hint("--passive-ports takes another range"),
        _ => failure,
    }
}

/// Removes the parts of broken uploads whose time is over, at the start and every hour.
async fn sweep(tree: Arc<Local>) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hourly.tick().await;
        match tree.sweep(SystemTime::now()).await {
            Ok(swept) if swept.removed > 0 => {
                tracing::info!(
                    removed = swept.removed,
                    bytes = swept.bytes,
                    "old parts of broken uploads removed"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "parts of broken uploads cannot be swept"),
        }
    }
}

/// The lines go through a thread of their own: who reads stderr too slowly, or stops reading, must not hold sessions up.
/// Some 100,000 lines wait for such a reader; then lines are lost, and the site is not. What is returned writes the
/// last of them when it is dropped.
fn log_to_stderr(flags: &Flags) -> Result<WorkerGuard, Failure> {
    let bare = !flags.log_level.contains(['=', ',', '[']);
    if bare && flags.log_level.parse::<tracing_subscriber::filter::LevelFilter>().is_err() {
        // As a filter it would be the name of a module that does not exist, and nothing would be logged.
        return Err(Failure::usage(format!("--log-level {:?} is no level", flags.log_level))
            .hint("error, warn, info, debug, trace or off; or a filter such as server=debug"));
    }
    let filter = tracing_subscriber::EnvFilter::try_new(&flags.log_level)
        .map_err(|e| Failure::new(Exit::Usage, format!("--log-level {:?}: {e}", flags.log_level)))?;
    let (stderr, lines_out) = tracing_appender::non_blocking(std::io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    let color = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::io::IsTerminal::is_terminal(&std::io::stderr());
    match flags.log_format {
        LogFormat::Text => lines.with_ansi(color).init(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).init(),
    }
    Ok(lines_out)
}

/// A session is one descriptor and a transfer two more, so take what the system allows.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    // Where it is refused the site runs with fewer; accepting waits when the table is full.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
}
