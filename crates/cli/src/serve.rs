//! How is a folder, or another server, shared? `pasv serve`: flags to configuration, the server, its end.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::SiteConfig;
use startup::Fault;
use tokio::sync::Notify;

use crate::talk::{Exit, Failure, show_path, words};
use crate::{file_size, outcome, ready};
pub(crate) use flags::{Flags, ListenFlags, OtherFlags, ShareFlags};
use log::Log;
use signals::Signals;

mod anonymous;
mod banner;
mod binding;
mod flags;
mod fold;
mod listen;
mod log;
mod signals;

/// How long the end waits for work on files that is still under way when the last session has gone: a sweep
/// stops at the next directory, and a disk that hangs must not keep the process.
const ENDING: Duration = Duration::from_secs(2);

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let site = flags.config()?;
    if let Some(folder) = site.root.folder() {
        refuse_url(folder)?;
        startup::check_root(folder, site.changes_files())?;
    }
    if flags.other.quiet && site.users.iter().any(|user| user.password_file.is_none()) {
        return Err(Failure::usage(
            "--user without a password file generates a password and shows it in the banner, which --quiet leaves out",
        )
        .hint("give a password file: `pasv passwd > alice.password`, then --user alice:alice.password"));
    }
    // Before there are threads, each of which would take an arena of its own with it.
    net::memory::give_back_what_is_freed();
    let log = Log::open(&site.log, flags.other.quiet)?;
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(blocking_threads())
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Refused, format!("cannot start: {e}")))?;
    let log = Arc::new(log);
    let served = runtime.block_on(serve(flags, &site, Arc::clone(&log)));
    runtime.shutdown_timeout(ENDING);
    // Not before: what the end of the site has to say is written too.
    drop(log);
    served
}

async fn serve(flags: &Flags, site: &SiteConfig, log: Arc<Log>) -> Result<(), Failure> {
    file_size::outlive_the_limit();
    let opened = startup::open(site, client::memory::folder().as_deref())?;
    if let Some(upstream) = &opened.upstream {
        outcome::talks_to(upstream.url(), upstream.is_anonymous());
        upstream.connect().await?;
    }
    let server = opened
        .bind(site, log.xferlog())
        .map_err(|e| binding::failed(site, flags.listen.names_addresses(), &e))?;
    let (control, implicit, passive) = (server.control(), server.implicit(), server.passive());
    binding::warn_of_taken_ports(&server);
    // Before the server is announced as ready: from then on a signal means to drain.
    let signals = Signals::catch()?;
    let warnings = anonymous::warnings(site);
    if flags.other.quiet {
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
    } else {
        banner::print(&banner::Shared {
            site: &server.config(),
            passive: &passive,
            certificate: opened.certificate(),
            generated: &opened.generated,
            warnings: &warnings,
            explain: flags.listen.explain,
        });
    }
    // Removed at the end.
    let _ready = match &flags.other.ready_file {
        Some(path) => Some(
            ready::write(path, &control, &implicit, &passive)
                .map_err(|e| Failure::usage(format!("cannot write {}: {}", show_path(path), words(&e))))?,
        ),
        None => None,
    };
    tracing::info!(control = ?control, implicit = ?implicit, passive = %crate::flags::show_ports(&passive), "serving");
    let reload = Arc::new(Notify::new());
    let signals = tokio::spawn(signals.follow(server.registry(), site.deadlines.drain, {
        let reload = Arc::clone(&reload);
        move || {
            log.reopen();
            reload.notify_one();
        }
    }));
    tokio::select! {
        () = server.run() => {}
        () = opened.maintain(&reload) => {}
    }
    signals.abort();
    tracing::info!("stopped");
    Ok(())
}

/// A URL in the place of the folder, which may have a password in it.
fn refuse_url(root: &Path) -> Result<(), Failure> {
    if root.to_string_lossy().contains("://") && !root.exists() {
        return Err(Failure::usage(format!("cannot share {}: no such folder", show_path(root)))
            .hint("create it, or name another: `pasv serve DIR`"));
    }
    Ok(())
}

impl From<startup::Error> for Failure {
    fn from(error: startup::Error) -> Self {
        let exit = match error.fault {
            Fault::Config => Exit::Usage,
            Fault::System => Exit::Refused,
        };
        let failure = Self::new(exit, error.text);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Threads that may wait for the disk or verify a password at once. With those of the runtime, one for each
/// core, the first one and the log's they are four for each core: each takes memory, and more of them would
/// only wait behind each other.
fn blocking_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (3 * cores).saturating_sub(2).max(2)
}

/// A session is one descriptor and a transfer two more, so take what the system allows.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    // Where it is refused the server runs with fewer; accepting waits when the table is full.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
}
