//! What does the process of a server need around it: its log, its threads, its limits?
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;
use crate::log::Log;

/// How long the end waits for work on files that is still under way when the last session has gone: a sweep
/// stops at the next directory, and a disk that hangs must not keep the process.
const ENDING: Duration = Duration::from_secs(2);

/// Runs `main` with a log as configured, with threads, and with as many descriptors as the system allows. To
/// be called before there are other threads, and once: the log is that of the process.
///
/// # Errors
/// When the log cannot be opened or threads cannot be started; and those of `main`.
pub fn run<E: From<Error>>(
    log: &config::Log,
    main: impl AsyncFnOnce(Arc<Log>) -> Result<(), E>,
) -> Result<(), E> {
    // Before there are threads, each of which would take an arena of its own with it.
    net::memory::give_back_what_is_freed();
    let log = Arc::new(Log::open(log)?);
    raise_descriptor_limit();
    let runtime = Builder::new_multi_thread()
        .max_blocking_threads(blocking_threads())
        .enable_all()
        .build()
        .map_err(|e| Error::system(format_args!("cannot start: {e}")))?;
    let done = runtime.block_on(async {
        outlive_file_size_limit();
        main(Arc::clone(&log)).await
    });
    runtime.shutdown_timeout(ENDING);
    // Not before: what the end of the server has to say is written too.
    drop(log);
    done
}

/// From now on, a write past the limit of file size (RLIMIT_FSIZE in setrlimit(2), `ulimit -f`) fails with
/// EFBIG, like others; the signal SIGXFSZ, which comes with it, would end the process with all its sessions.
/// To be called within a tokio runtime.
pub fn outlive_file_size_limit() {
    // Once asked for, a signal stays caught. Where it cannot be, the limit acts as ever.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
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
    let now = getrlimit(Resource::Nofile);
    // Where it is refused the server runs with fewer; accepting waits when the table is full.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
}
