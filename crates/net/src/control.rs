//! How are bytes read from and written to a control connection?
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, Shutdown};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout_at;

use crate::address::canonical;
use crate::proxy::{Behind, Introduced, NotIntroduced, Proxies};
use crate::socket::send;
use crate::transport::Transport;
use crate::{keepalive, segments};

mod tls;

pub use crate::socket::Waiting;
pub use tls::Explicit;

/// The most one [`Control::read`] appends. A command line is rarely over 100 bytes; a client that sends many
/// at once is read in turns, so that one read cannot make a session's memory grow.
pub const READ_LIMIT: usize = 4096;

/// The most one [`Control::peek`] sees of what the kernel has.
const PEEKED: usize = 16 * 1024;

/// A control connection, either side's. Unencrypted it holds no buffers of its own. TCP_NODELAY, SO_OOBINLINE
/// and TCP keepalive (15 s of silence, then four probes 15 s apart) are set.
///
/// [`Control::accept_tls`] and [`Control::connect_tls`] protect it, [`Control::clear_tls`] ends that; between
/// them the same methods read and write through TLS.
#[derive(Debug)]
pub struct Control {
    stream: TcpStream,
    peer: SocketAddr,
    /// The address that the client connected to, where a balancer announced it.
    dialled: Option<SocketAddr>,
    // Held for one step that does not wait, never across one that does.
    transport: Mutex<Transport>,
}

impl Control {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr) -> Self {
        Self { stream, peer, dialled: None, transport: Mutex::new(Transport::Plain(Vec::new())) }
    }

    /// Connects to a server, from a given local address and port where one is asked for (port 0: any). There
    /// is no deadline here: put one around it.
    ///
    /// `mss` limits segments in both directions ([`segments`](mod@crate::segments)): where larger ones get
    /// lost on the way, a TLS handshake is the first thing to hang, since a hello and a certificate fill full
    /// packets and commands do not.
    ///
    /// # Errors
    /// The system's: no such local address, refused, unreachable, timed out by the kernel; `InvalidInput` for
    /// a segment size that it does not take.
    pub async fn connect(to: SocketAddr, from: Option<SocketAddr>, mss: Option<u16>) -> io::Result<Self> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(from) = from {
            socket.set_reuseaddr(from.port() != 0)?;
            socket.bind(from)?;
        }
        keepalive::prepare(SockRef::from(&socket))?;
        if let Some(mss) = mss {
            segments::limit(&SockRef::from(&socket), mss)?;
        }
        Ok(Self::new(socket.connect(to).await?, canonical(to)))
    }

    /// How many bytes that we have written the peer has not acknowledged. None where the system does not say.
    pub fn unacknowledged(&self) -> Option<u64> {
        crate::unsent::unacknowledged(self.stream.as_fd())
    }

    /// The other end; never an IPv4 address mapped into IPv6.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our end: the address the peer reached us at; never an IPv4 address mapped into IPv6. Asks the kernel
    /// each time.
    pub fn local(&self) -> SocketAddr {
        // The kernel knows the name of a connected socket also after the peer has gone; if it ever refuses,
        // an unspecified address is the harmless answer.
        self.stream.local_addr().map_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), canonical)
    }

    /// The address that the client connected to: a balancer's, where one is between, else our end.
    pub fn dialled(&self) -> SocketAddr {
        self.dialled.unwrap_or_else(|| self.local())
    }

    /// Learns from a balancer's header whose connection it is: the peer and what it connected to are the
    /// client's from then on. Not a byte of the client's is taken. A balancer's own connection, as a health
    /// check is, stays what it was.
    ///
    /// # Errors
    /// Why it was not learnt; nothing may be read then.
    pub async fn introduce(&mut self, proxies: &Proxies) -> Result<Introduced, NotIntroduced> {
        let mut header = proxies.header()?;
        let until = header.until();
        let read = self.stream.async_io(Interest::READABLE, || header.step(self.stream.as_fd()));
        match timeout_at(until, read).await.map_err(|_| NotIntroduced::Late)??? {
            Behind::Client(peer, dialled) => {
                (self.peer, self.dialled) = (peer, Some(dialled));
                Ok(Introduced::Client)
            }
            Behind::Balancer => Ok(Introduced::Balancer),
        }
    }

    /// Appends what has arrived, at most [`READ_LIMIT`] bytes, waiting for the first one; 0 is the peer's
    /// end. Cancel-safe: a dropped read has taken nothing.
    ///
    /// Urgent data stays in its place in the stream. The kernel ends a read before the urgent mark, so that a
    /// short read does *not* mean that nothing more is there; tokio's own reads take it so and would then
    /// wait for an event that does not come (an ABOR sent with a Synch, RFC 959 4.1.3, would hang). Hence
    /// `async_io`, which forgets the readiness only when the kernel says that there is nothing.
    ///
    /// # Errors
    /// The connection's: reset, or timed out by keepalive. Under TLS also `InvalidData` for what TLS forbids,
    /// and `UnexpectedEof` for an end without close_notify (which an attacker on the way can make; a client
    /// that just goes does it too). `NotConnected` while TLS is being set up, and for ever where that failed.
    pub async fn read(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        let (reads_first, unsent) = {
            let transport = self.transport();
            (transport.reads_first(), transport.has_unsent())
        };
        // Under TLS, and behind it, bytes may be here that the event loop knows nothing of.
        if reads_first {
            match self.receive(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
        // What TLS could not send yet goes out while we wait; nothing else may be writing.
        let interest = if unsent { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.stream.async_io(interest, || self.receive(into)).await
    }

    fn receive(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        let (mut transport, fd) = (self.transport(), self.stream.as_fd());
        match transport.flush(fd) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => transport.read(fd, into, READ_LIMIT),
        }
    }

    /// What a [`Control::read`] would meet now, without waiting and without taking anything.
    pub fn waiting(&self) -> Waiting {
        self.transport().waiting(self.stream.as_fd())
    }

    /// Has the peer ended its direction, or broken the connection? Also when there are unread bytes.
    pub fn has_ended(&self) -> bool {
        let events = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        let mut ask = [PollFd::new(&self.stream, events)];
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Where it cannot be asked nothing is known of an end.
        rustix::io::retry_on_intr(|| poll(&mut ask, Some(&none))).is_ok_and(|ready| ready > 0)
    }

    /// Appends what has come and was not read yet, up to 16 KiB, without taking it. Nothing under TLS.
    pub fn peek(&self, into: &mut Vec<u8>) {
        let Transport::Plain(rest) = &*self.transport() else { return };
        into.extend_from_slice(rest);
        let mut buffer = [0; PEEKED];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        if let Ok((count, _)) = rustix::net::recv(&self.stream, &mut buffer[..], flags) {
            into.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }

    /// Writes what is taken at once, without waiting: how many bytes. Under TLS, what is taken may still wait
    /// for the kernel: see [`Control::has_unsent`].
    ///
    /// # Errors
    /// `WouldBlock` when it takes none; the connection's; `NotConnected` while TLS is being set up.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.transport().write(self.stream.as_fd(), bytes)
    }

    /// TLS has bytes that the kernel has not taken yet. They go out with the next [`Control::write_all`], of
    /// nothing too, and while a [`Control::read`] waits.
    pub fn has_unsent(&self) -> bool {
        self.transport().has_unsent()
    }

    /// Writes all of it, waiting where it must, until the kernel has it. There is no deadline here: put one
    /// around it, for a peer that does not read. Dropped, it may have written a part.
    ///
    /// # Errors
    /// The connection's; `NotConnected` while TLS is being set up.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.when(Interest::WRITABLE, |_| self.try_write(bytes)).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        self.flush().await
    }

    /// Until the kernel has all of TLS's bytes.
    async fn flush(&self) -> io::Result<()> {
        let flush = |socket: BorrowedFd<'_>| self.transport().flush(socket);
        self.when(Interest::WRITABLE, flush).await
    }

    /// Sends all of it unencrypted, also when TLS is being set up.
    async fn send_plain(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.when(Interest::WRITABLE, |fd| send(fd, bytes)).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Tries until it is not `WouldBlock`. The kernel is asked first, as its buffer is almost always free,
    /// and the event loop only when it was not.
    async fn when<T>(
        &self,
        interest: Interest,
        mut attempt: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        match attempt(self.stream.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return other,
        }
        // (`try_io` would do nothing at all for two interests at once.)
        self.stream.async_io(interest, || attempt(self.stream.as_fd())).await
    }

    fn transport(&self) -> MutexGuard<'_, Transport> {
        // A step that panicked is a bug; the session it belongs to is over, and nothing else has this lock.
        self.transport.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is it under TLS?
    pub fn is_protected(&self) -> bool {
        self.transport().layer().is_some()
    }

    /// Ends our direction: the peer reads the end after what was written. Reading goes on. Under TLS
    /// close_notify goes first, if the kernel takes it at once.
    pub fn shutdown(&self) {
        let _ = self.transport().close_notify(self.stream.as_fd());
        // It fails only where the connection is gone already, which the next read says.
        let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
    }
}

/// For the options of its socket.
impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Listener;

    #[tokio::test]
    async fn both_sides_have_the_options_of_a_control_connection() {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let (connected, accepted) =
            tokio::join!(Control::connect(listener.local(), None, None), listener.accept());
        let (connected, accepted) = (connected.unwrap(), accepted.unwrap());
        // A server's certificate may be cut on the way.
        let cut = rustix::net::sockopt::ip_mtu_discover(&accepted.stream).unwrap();
        assert_eq!(cut, rustix::net::sockopt::Ipv4PathMtuDiscovery::DONT);
        for control in [connected, accepted] {
            let socket = SockRef::from(&control.stream);
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.out_of_band_inline().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), keepalive::IDLE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), keepalive::INTERVAL);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), keepalive::PROBES);
        }
    }

    #[tokio::test]
    async fn a_limit_asks_both_sides_for_small_segments_and_what_is_not_acknowledged_is_counted() {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let connecting = Control::connect(listener.local(), None, Some(600));
        let (connected, accepted) = tokio::join!(connecting, listener.accept());
        let (connected, accepted) = (connected.unwrap(), accepted.unwrap());
        for control in [&connected, &accepted] {
            // Time stamps take twelve bytes of each.
            let segment = SockRef::from(&control.stream).tcp_mss().unwrap();
            assert!((588..=600).contains(&segment), "{segment}");
        }
        SockRef::from(&accepted.stream).set_recv_buffer_size(1).unwrap();
        assert_eq!(connected.unacknowledged(), Some(0));
        // More than the other end has room for.
        while connected.try_write(&[0; 8192]).is_ok() {}
        assert!(connected.unacknowledged().unwrap() > 0);
    }
}
