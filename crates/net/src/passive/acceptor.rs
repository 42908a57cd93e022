//! How do connections get from a listening port to their claims?
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use socket2::Socket;
use tokio::io::Interest;
use tokio::runtime::Handle;

use super::hub::Hub;
use crate::data::Data;
use crate::listening::{AcceptFailure, EXHAUSTED, accept};
use crate::proxy::{Introduced, Proxies};
use crate::watch::{Watched, watch};

/// Connections that a session takes out of the kernel's queue at once: its own and those of a busy server
/// that are before it. Bounded, because a SYN flood refills the queue.
const AT_ONCE: usize = 128;

/// One listening socket of the range.
#[derive(Debug)]
pub(super) struct ListeningPort {
    pub(super) port: u16,
    pub(super) socket: Watched,
    /// Held from accepting a connection until it is delivered. Otherwise a session could find the queue empty
    /// while its claim's second connection is between the two, and take the first.
    turn: Mutex<()>,
    proxies: Option<Proxies>,
}

impl ListeningPort {
    pub(super) fn new(port: u16, socket: Socket, proxies: Option<Proxies>) -> io::Result<Self> {
        let socket = watch(Arc::new(socket.into()), Interest::READABLE)?;
        Ok(Self { port, socket, turn: Mutex::new(()), proxies })
    }

    /// May connections come from a balancer?
    pub(super) fn is_balanced(&self) -> bool {
        self.proxies.is_some()
    }
}

/// Accepts whatever comes at a port, for as long as it is not aborted.
pub(super) async fn run(hub: Arc<Hub>, listening: Arc<ListeningPort>) {
    // One line of log for each time without descriptors, however long it lasts.
    let mut logged = false;
    loop {
        let failure =
            match listening.socket.async_io(Interest::READABLE, |_| take_one(&hub, &listening)).await {
                Ok(()) => {
                    logged = false;
                    // Those who read what has come go first. A flood would otherwise push out connections
                    // whose hello has long been there, and be accepted faster than it is turned away.
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(error) => error,
            };
        match AcceptFailure::of(&failure) {
            AcceptFailure::Passing => {}
            // A socket that has failed for good cannot be told from one that recovers; a rest keeps either
            // from spinning.
            AcceptFailure::Exhausted | AcceptFailure::Fatal => {
                if !logged {
                    tracing::warn!(port = listening.port, error = %failure, "no data connection can be accepted for now");
                    logged = true;
                }
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Accepts what waits at a port now, or the beginning of it: for a session that is ready for its connection
/// before the acceptor's task has had its turn.
pub(super) fn take_waiting(hub: &Arc<Hub>, listening: &ListeningPort) {
    for _ in 0..AT_ONCE {
        // Errors are the acceptor's to handle; it sees the same ones.
        if take_one(hub, listening).is_err() {
            break;
        }
    }
}

/// Accepts one connection, if one waits, and hands it over.
fn take_one(hub: &Arc<Hub>, listening: &ListeningPort) -> io::Result<()> {
    // It guards no data.
    let _turn = listening.turn.lock().unwrap_or_else(PoisonError::into_inner);
    match accept(listening.socket.get_ref()) {
        Ok((socket, peer)) => receive(hub, listening, Data::new(socket, peer)),
        Err(error) => {
            if AcceptFailure::of(&error) == AcceptFailure::Exhausted {
                hub.leave_waiting();
            }
            return Err(error);
        }
    }
    Ok(())
}

/// Hands a connection over, or where it comes from a balancer, finds out first whose it is.
fn receive(hub: &Arc<Hub>, listening: &ListeningPort, mut data: Data) {
    let Some(proxies) = listening.proxies.as_ref().filter(|proxies| proxies.trusts(data.peer().ip())) else {
        return hub.deliver(listening.port, data);
    };
    // Without a runtime, at its end, there is no task to read it.
    let Ok(runtime) = Handle::try_current() else { return data.drain_and_close() };
    let (hub, proxies, port) = (Arc::clone(hub), proxies.clone(), listening.port);
    // Ends by itself within the header's deadline; there are as many at once as `Proxies` has turns.
    runtime.spawn(async move {
        match data.introduce(&proxies).await {
            Ok(Introduced::Client) => hub.deliver(port, data),
            // A health check.
            Ok(Introduced::Balancer) => data.drain_and_close(),
            Err(error) => {
                tracing::debug!(balancer = %data.peer(), port, %error, "a data connection without its header was closed");
                data.drain_and_close();
            }
        }
    });
}
