//! How does a client in active mode wait for the server's data connection?
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use tokio::io::Interest;

use crate::data::Data;
use crate::half_open::{self, Attempt};
use crate::listening::{AcceptFailure, EXHAUSTED, Stack, accept, listening};
use crate::watch::{Watched, watch};

/// A port of our own where one data connection is expected.
#[derive(Debug)]
pub struct ActivePort {
    socket: Watched,
    local: SocketAddr,
    /// The first peer that was not the expected one.
    stranger: OnceLock<IpAddr>,
}

impl ActivePort {
    /// Listens at an address of ours, at a given port or one of the kernel's choice. The connection has
    /// segments of at most `mss` bytes where that is given ([`segments`](mod@crate::segments)).
    ///
    /// # Errors
    /// The system's, when the address is not ours or the port is taken.
    pub fn bind(local: IpAddr, port: Option<u16>, mss: Option<u16>) -> io::Result<Self> {
        let at = SocketAddr::new(local, port.unwrap_or(0));
        let socket = listening(at, Stack::for_one(local), mss)?;
        // A listening TCP socket has a name, and that name is an address and a port.
        let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = watch(Arc::new(socket.into()), Interest::READABLE)?;
        Ok(Self { socket, local, stranger: OnceLock::new() })
    }

    /// The address it listens at, with the port the kernel chose.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The first other peer that has connected, if any has.
    pub fn stranger(&self) -> Option<IpAddr> {
        self.stranger.get().copied()
    }

    /// Where no connection has come: has one of `peer`'s begun? Then its SYN arrived here, and our answer
    /// does not get back. Reads the kernel's table of connections, in the blocking pool. Cancel-safe.
    pub async fn half_open(&self, peer: IpAddr) -> Attempt {
        half_open::look(peer.to_canonical(), self.local.port(), None).await
    }

    /// The connection from `peer`. Connections of others are closed, and the first is logged; they never end
    /// the wait. There is no deadline here: put one around it. Cancel-safe.
    ///
    /// # Errors
    /// Only when the listening socket itself has failed.
    pub async fn connection(&self, peer: IpAddr) -> io::Result<Data> {
        let peer = peer.to_canonical();
        loop {
            match self.socket.async_io(Interest::READABLE, accept).await {
                Ok((socket, from)) if from.ip() == peer => return Ok(Data::new(socket, from)),
                Ok((_, stranger)) => {
                    // To log the first is enough: a listener lives for one transfer.
                    if self.stranger.set(stranger.ip()).is_ok() {
                        tracing::warn!(%stranger, expected = %peer, "a data connection of a wrong peer was closed");
                    }
                }
                Err(error) => match AcceptFailure::of(&error) {
                    AcceptFailure::Passing => {}
                    AcceptFailure::Exhausted => tokio::time::sleep(EXHAUSTED).await,
                    AcceptFailure::Fatal => return Err(error),
                },
            }
        }
    }
}
