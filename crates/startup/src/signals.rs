//! What do signals do to a running server? SIGTERM and SIGINT: stop; SIGHUP: open files again.
use std::fs;
use std::time::Duration;

use server::{Registry, Stop};
use tokio::signal::unix::{Signal, SignalKind, signal};
use wire::Verb;
use wire::pathname::show;
use wire::verb::Direction;

use crate::error::Error;

/// Transfers that have a line each when they are waited for.
const SHOWN: usize = 20;

/// Signals that are caught from now on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(crate) fn catch() -> Result<Self, Error> {
        let caught =
            |kind| signal(kind).map_err(|e| Error::system(format_args!("signals cannot be caught: {e}")));
        Ok(Self {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
            hangup: caught(SignalKind::hangup())?,
        })
    }

    /// Stops the server when it is told to, and has files opened again by `reopen`. Never ends.
    pub(crate) async fn follow(mut self, sessions: &Registry, patience: Duration, reopen: impl Fn()) {
        let begun_at_terminal = has_terminal();
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                _ = self.hangup.recv() => {
                    // An administrator's `kill -HUP`; or the terminal in which the server was started has
                    // been closed.
                    if !begun_at_terminal || has_terminal() {
                        reopen();
                        continue;
                    }
                }
            }
            // Before it is done: the server may have ended by the time that the line is written.
            log_stop(sessions, patience);
            sessions.stop_further();
        }
    }
}

fn log_stop(sessions: &Registry, patience: Duration) {
    let running: Vec<_> =
        sessions.sessions().into_iter().filter_map(|s| Some((s.transfer?, s.id, s.peer))).collect();
    let transfers = running.len();
    if sessions.next_stop() == Stop::Now {
        tracing::info!(transfers, "stopping now");
        return;
    }
    if running.is_empty() {
        tracing::info!("stopping");
        return;
    }
    let within = format!("{} s", patience.as_secs_f64());
    tracing::info!(
        transfers,
        within,
        "stopping when these transfers have finished; press Ctrl-C or send the signal again to stop now"
    );
    for (one, session, peer) in running.iter().take(SHOWN) {
        let (user, path) = (show(one.user.as_bytes()), show(one.path.as_bytes()));
        tracing::info!(session, %peer, user, path, bytes = one.bytes, "waiting for the {}", kind(one.verb));
    }
    if transfers > SHOWN {
        tracing::info!("waiting for {} more", transfers - SHOWN);
    }
}

fn kind(verb: Verb) -> &'static str {
    match verb.row().direction {
        Some(Direction::Up) => "upload",
        Some(Direction::Down) if verb == Verb::Retr => "download",
        Some(Direction::Down) => "listing",
        None => "digest",
    }
}

/// Does the process have a terminal of its own (`tty(4)`)? When that is closed it has none any more, and is
/// told by SIGHUP after.
fn has_terminal() -> bool {
    fs::File::open("/dev/tty").is_ok()
}
