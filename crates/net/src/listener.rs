//! Where do control connections come in?
use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::TcpListener;

use crate::address::canonical;
use crate::control::Control;
use crate::listening::{AcceptFailure, EXHAUSTED, Stack, listening};
use crate::{keepalive, segments};

/// Listens for control connections.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Listens at several addresses, as [`Listener::bind`] does at each. `[::]` takes IPv4 as well only where
    /// no IPv4 address with the same port is among them: that one could not be bound beside it.
    ///
    /// # Errors
    /// The first that fails, with its address; then none is kept.
    pub fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<Self>, (SocketAddr, io::Error)> {
        let by_ipv4 = |port: u16| port != 0 && addresses.iter().any(|at| at.is_ipv4() && at.port() == port);
        let bind = |at: &SocketAddr| {
            let stack = if by_ipv4(at.port()) { Stack::Single } else { Stack::for_one(at.ip()) };
            Self::bind_as(*at, stack).map_err(|error| (*at, error))
        };
        addresses.iter().map(bind).collect()
    }

    /// Listens at an address; port 0 lets the kernel choose. `[::]` takes IPv4 as well (its peers are shown
    /// as IPv4). Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The system's, when the address is not ours, is taken, or needs a privilege.
    pub fn bind(at: SocketAddr) -> io::Result<Self> {
        Self::bind_as(at, Stack::for_one(at.ip()))
    }

    fn bind_as(at: SocketAddr, stack: Stack) -> io::Result<Self> {
        let socket = listening(at, stack, None)?;
        keepalive::prepare(SockRef::from(&socket))?;
        // The handshake of TLS is larger than some ways are wide.
        segments::allow_fragments(&socket)?;
        let socket = TcpListener::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local })
    }

    /// The address it listens at, with the port the kernel chose.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The next connection. Cancel-safe. A connection that is lost before it is accepted is passed over; when
    /// descriptors or memory run out it rests for a tenth of a second and goes on, so that a full table
    /// neither spins nor ends the caller's loop.
    ///
    /// # Errors
    /// Only when the listening socket itself has failed.
    pub async fn accept(&self) -> io::Result<Control> {
        let mut logged = false;
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => return Ok(Control::new(stream, canonical(peer))),
                Err(error) => match AcceptFailure::of(&error) {
                    AcceptFailure::Passing => {
                        tracing::debug!(%error, "a connection was lost before it was accepted");
                    }
                    AcceptFailure::Exhausted => {
                        if !logged {
                            tracing::warn!(%error, "no connection can be accepted for now");
                            logged = true;
                        }
                        tokio::time::sleep(EXHAUSTED).await;
                    }
                    AcceptFailure::Fatal => return Err(error),
                },
            }
        }
    }
}
