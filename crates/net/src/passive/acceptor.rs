//! How do connections get from a listening port to their claims?
use std::io;
use std::sync::Arc;

use socket2::Socket;
use tokio::io::Interest;

use super::hub::Hub;
use crate::AcceptFailure;
use crate::dial::accept;
use crate::listener::EXHAUSTED;
use crate::watch::{Watched, watch};

/// Connections that a session takes out of the kernel's queue at once: its own and those of a busy site that stand before
/// it. Under a flood the queue is never empty, and to empty it would never end.
const AT_ONCE: usize = 128;

/// One listening socket of the range.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) port: u16,
    pub(super) socket: Watched,
}

impl Door {
    pub(super) fn new(port: u16, socket: Socket) -> io::Result<Self> {
        Ok(Self { port, socket: watch(Arc::new(socket.into()), Interest::READABLE)? })
    }
}

/// Accepts whatever comes at a door, for as long as it is not aborted.
pub(super) async fn run(hub: Arc<Hub>, door: Arc<Door>) {
    // One line of log for each time without descriptors, however long it lasts.
    let mut told = false;
    loop {
        let failure = match door.socket.async_io(Interest::READABLE, accept).await {
            Ok(data) => {
                hub.deliver(door.port, data);
                told = false;
                // Whoever reads what has come goes first. A flood would otherwise push out connections whose hello
                // has long been there, and be taken in faster than it is turned away.
                tokio::task::yield_now().await;
                continue;
            }
            Err(error) => error,
        };
        match AcceptFailure::of(&failure) {
            AcceptFailure::Passing => {}
            // A socket that has failed for good cannot be told from one that recovers; a rest keeps either from
            // spinning.
            AcceptFailure::Exhausted | AcceptFailure::Fatal => {
                if !told {
                    tracing::warn!(port = door.port, error = %failure, "no data connection can be accepted for now");
                    told = true;
                }
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Accepts what waits at a door now, or the beginning of it: for a session that is ready for its connection before the
/// acceptor's task has had its turn.
pub(super) fn take_waiting(hub: &Arc<Hub>, door: &Door) {
    for _ in 0..AT_ONCE {
        // Errors are the acceptor's to handle; it sees the same ones.
        let Ok(data) = accept(door.socket.get_ref()) else { break };
        hub.deliver(door.port, data);
    }
}
