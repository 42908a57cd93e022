//! Where do control connections come in?
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;

use crate::{AcceptFailure, Control, canonical, keepalive, segments};

/// How long a listener rests when descriptors have run out: long enough not to spin, short enough not to be noticed
/// once one is free again.
pub(crate) const EXHAUSTED: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted. The loop takes them within microseconds; this is for a burst.
const BACKLOG: i32 = 1024;

/// Listens for control connections.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Listens at several addresses, as [`Listener::bind`] does at each. `[::]` takes IPv4 as well only where no
    /// IPv4 address with the same port is among them: that one could not be bound beside it.
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

    /// Listens at an address; port 0 lets the kernel choose. `[::]` takes IPv4 as well (its peers are shown as IPv4).
    /// Must be called inside a tokio runtime.
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
        segments::may_be_cut(&socket)?;
        let socket = TcpListener::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local })
    }

    /// The address it listens at, with the port the kernel chose.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The next connection. Cancel-safe. A connection that is lost before it is accepted is passed over; when
    /// descriptors or memory run out it rests for a tenth of a second and goes on, so that a full table neither
    /// spins nor ends the caller's loop.
    ///
    /// # Errors
    /// Only when the listening socket itself has failed.
    pub async fn accept(&self) -> io::Result<Control> {
        let mut told = false;
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => return Ok(Control::new(stream, canonical(peer))),
                Err(error) => match AcceptFailure::of(&error) {
                    AcceptFailure::Passing => {
                        tracing::debug!(%error, "a connection was lost before it was accepted");
                    }
                    AcceptFailure::Exhausted => {
                        if !told {
                            tracing::warn!(%error, "no connection can be accepted for now");
                            told = true;
                        }
                        tokio::time::sleep(EXHAUSTED).await;
                    }
                    AcceptFailure::Fatal => return Err(error),
                },
            }
        }
    }
}

/// Which families a listening socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    /// The address's own.
    Single,
    /// IPv6, and IPv4 as mapped addresses.
    Dual,
}

impl Stack {
    /// `[::]` alone stands for "every address of this machine".
    pub(crate) fn for_one(address: IpAddr) -> Self {
        if address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) { Self::Dual } else { Self::Single }
    }
}

/// A non-blocking listening socket, closed on exec. SO_REUSEADDR lets a restarted server have its ports back while
/// old connections linger in TIME_WAIT; it never lets two listeners share a port. `mss` is the
/// largest segment of what it accepts, where there is to be one.
pub(crate) fn listening(at: SocketAddr, stack: Stack, mss: Option<u16>) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(at), kind, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if at.is_ipv6() {
        socket.set_only_v6(stack == Stack::Single)?;
    }
    if let Some(mss) = mss {
        segments::limit(&socket, mss)?;
    }
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
