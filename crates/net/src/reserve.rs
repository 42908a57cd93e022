//! How is a local port kept for connections of our own, and two neighbouring ones for the classic picture?
//!
//! A socket that is bound and does not listen keeps a port from other programs that ask the kernel for any
//! port. With SO_REUSEADDR on both, one's own connections still leave from it.
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Half of all pairs are free on a machine with half of its ports in use; 64 failures in a row are a machine
/// without ports.
const TRIES: u32 = 64;

/// A local port that is held, so that no other program is given it.
#[derive(Debug)]
pub struct Reserved {
    _socket: Socket,
    port: u16,
}

impl Reserved {
    /// This port at `address`, from which a connection is to leave as [`dial`](fn@crate::dial::dial) binds
    /// it; 0 for any.
    ///
    /// # Errors
    /// The system's: `AddrInUse` where a socket listens there, `PermissionDenied` for a port below 1024
    /// without the right, `AddrNotAvailable` where the address is not this machine's.
    pub fn at(address: IpAddr, port: u16) -> io::Result<Self> {
        let at = SocketAddr::new(address, port);
        let socket = Socket::new(Domain::for_address(at), Type::STREAM.cloexec(), Some(Protocol::TCP))?;
        // Without it no connection could leave from this port while we hold it, not even ours.
        socket.set_reuse_address(port != 0)?;
        socket.bind(&at.into())?;
        let port = socket.local_addr()?.as_socket().map_or(port, |at| at.port());
        socket.set_reuse_address(true)?;
        Ok(Self { _socket: socket, port })
    }

    /// Two ports, the second of which is the first plus one, both at `address` (the unspecified one will do).
    ///
    /// # Errors
    /// As [`Reserved::at`]; `AddrInUse` when no such pair was found.
    pub fn pair(address: IpAddr) -> io::Result<(Self, Self)> {
        for _ in 0..TRIES {
            let first = Self::at(address, 0)?;
            // 65535 has no neighbour.
            match first.port.checked_add(1).map(|next| Self::at(address, next)) {
                Some(Ok(second)) => return Ok((first, second)),
                Some(Err(error)) if error.kind() != io::ErrorKind::AddrInUse => return Err(error),
                _ => {}
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no two neighbouring local ports are free"))
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn neighbours_are_held_and_can_be_left_from() {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let (first, second) = Reserved::pair(any).unwrap();
        assert_eq!(first.port() + 1, second.port());
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, second.port())).into()).unwrap();
        socket.connect(&server.local_addr().unwrap().into()).unwrap();
        assert_eq!(server.accept().unwrap().1.port(), second.port());
    }
}
