//! What is a data connection?
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::net::Shutdown;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::time::{Instant, timeout_at};

use crate::address::canonical;
use crate::proxy::{Behind, Introduced, NotIntroduced, Proxies};
use crate::socket::{Socket, drain, receive, reset_at_close};
use crate::tls::Established;
use crate::tls::layer::Layer;
use crate::transport::Transport;
use crate::watch::Watched;

mod tls;

pub use tls::Hello;
pub(crate) use tls::Shown;

/// A data connection (RFC 959 2.2), from whichever side it was made. Non-blocking; registered with the event
/// loop only when it first has to wait, which most small transfers never do. Dropped, it is closed at once.
///
/// No socket options are set on it while it is unencrypted: the FIN that ends a file also sends what Nagle's
/// algorithm would hold back. TLS sets TCP_NODELAY. A stalled transfer is found by the pump's own deadline.
#[derive(Debug)]
pub struct Data {
    socket: Socket,
    peer: SocketAddr,
    transport: Transport,
    established: Option<Box<Established>>,
}

/// A handle of a data connection for code that watches its transfer. It does not keep the connection open.
#[derive(Clone, Debug, Default)]
pub struct WeakData(Weak<OwnedFd>);

impl WeakData {
    /// How many bytes that we have written the peer has not acknowledged, those that have not left yet among
    /// them. None where the connection is closed, or the system does not say.
    pub fn unacknowledged(&self) -> Option<u64> {
        let fd = self.0.upgrade()?;
        crate::unsent::unacknowledged(fd.as_fd())
    }

    /// Our end of it; None where it is closed.
    pub fn local(&self) -> Option<SocketAddr> {
        let fd = self.0.upgrade()?;
        SockRef::from(&*fd).local_addr().ok()?.as_socket().map(canonical)
    }

    /// Makes its end a reset: what has not arrived by then is discarded, and the peer does not take it for
    /// the end of a file.
    pub fn reset_at_close(&self) {
        if let Some(fd) = self.0.upgrade() {
            reset_at_close(fd.as_fd());
        }
    }
}

/// How the peer took the end of an upload of ours.
#[derive(Debug)]
pub enum UploadEnd {
    /// It has read to our end, and ended in order.
    Whole,
    /// It ended without close_notify: as most servers do once they have everything.
    Cut,
    /// It has not ended in the time that it was given.
    Late,
    /// It broke the connection: what had not arrived yet is lost.
    Broken(io::Error),
}

impl Data {
    /// Takes a connected, non-blocking socket.
    pub(crate) fn new(socket: OwnedFd, peer: SocketAddr) -> Self {
        let (socket, transport) = (Socket::new(socket), Transport::Plain(Vec::new()));
        Self { socket, peer: canonical(peer), transport, established: None }
    }

    /// The other end; never an IPv4 address mapped into IPv6.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our end; never an IPv4 address mapped into IPv6. Asks the kernel each time.
    pub fn local(&self) -> SocketAddr {
        // A connected socket has a name; if the kernel ever refuses, an unspecified address is harmless.
        let name = SockRef::from(&self.socket).local_addr().ok().and_then(|name| name.as_socket());
        name.map_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), canonical)
    }

    /// A handle that keeps nothing open, for code that watches its transfer.
    pub fn downgrade(&self) -> WeakData {
        WeakData(Arc::downgrade(self.socket.share()))
    }

    /// Makes its end a reset until [`Data::end_upload`], whatever ends it: an error, a dropped future, the
    /// end of this process. An upload that is broken off must not look like one that is whole.
    pub fn reset_unless_ended(&self) {
        reset_at_close(self.as_fd());
    }

    /// Is it under TLS?
    pub fn is_protected(&self) -> bool {
        self.transport.layer().is_some()
    }

    /// What was agreed on, under TLS.
    pub fn established(&self) -> Option<&Established> {
        self.established.as_deref()
    }

    /// Under TLS, after the peer's end without close_notify: did it come in the middle of a record? That is
    /// no client's end.
    pub fn is_torn(&self) -> bool {
        self.transport.layer().is_some_and(Layer::is_torn)
    }

    /// Its socket and its TLS, for the pump.
    pub(crate) fn parts(&mut self) -> (&mut Socket, Option<&mut Layer>) {
        (&mut self.socket, self.transport.layer_mut())
    }

    /// Learns from a balancer's header whose connection it is; the peer is the client's address from then on.
    /// Not a byte of the client's is taken.
    ///
    /// # Errors
    /// Why it was not learnt. The connection is of no use then.
    pub(crate) async fn introduce(&mut self, proxies: &Proxies) -> Result<Introduced, NotIntroduced> {
        let mut header = proxies.header()?;
        let until = header.until();
        let read = self.socket.when(Interest::READABLE, |fd| header.step(fd));
        match timeout_at(until, read).await.map_err(|_| NotIntroduced::Late)??? {
            Behind::Client(peer, _) => {
                self.peer = peer;
                Ok(Introduced::Client)
            }
            Behind::Balancer => Ok(Introduced::Balancer),
        }
    }

    /// Ends our direction with FIN, under TLS with close_notify before it, so that the peer reads everything
    /// and then the end of the file.
    ///
    /// Closing a socket that still holds unread bytes would send a reset instead, and the peer would lose
    /// what it had not read yet (RFC 1122 4.2.2.13). So whatever the peer sends is read and discarded until
    /// its end, for at most `patience`. A peer that sent nothing, as in every ordinary download, costs one
    /// system call and no wait: closing then is a clean end, and what is still on its way out is delivered by
    /// the kernel.
    pub async fn finish(mut self, patience: Duration) {
        let until = Instant::now() + patience;
        self.close_notify(until).await;
        let mut scratch = [0; 4096];
        match receive(self.as_fd(), &mut scratch) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        // It fails only where the connection is gone, and then the reads below end at once.
        let _ = rustix::net::shutdown(self.as_fd(), Shutdown::Write);
        let drained = async {
            while let Ok(1..) = self.socket.when(Interest::READABLE, |fd| receive(fd, &mut scratch)).await {}
        };
        // Out of patience: the peer that goes on sending gets its reset.
        let _ = timeout_at(until, drained).await;
    }

    /// Ends an upload of ours: says that nothing more comes, then reads until the peer's end, and only then
    /// closes. All that was sent has to be the whole file: from here on the end is no reset any more (see
    /// [`Data::reset_unless_ended`]).
    ///
    /// Under TLS 1.3 this is what keeps the end of the file: servers send session tickets unasked, and to
    /// close with them unread would make the kernel send a reset, which destroys what the server has not
    /// read. Reading them also fills the store that the next data connection resumes from.
    pub async fn end_upload(mut self, patience: Duration) -> UploadEnd {
        let until = Instant::now() + patience;
        if !self.close_notify(until).await {
            return UploadEnd::Late;
        }
        // It fails only where the connection is gone already.
        let _ = SockRef::from(&self.socket).set_linger(None);
        if let Err(error) = rustix::net::shutdown(self.as_fd(), Shutdown::Write) {
            return UploadEnd::Broken(error.into());
        }
        let mut discarded = Vec::new();
        let ended = async {
            loop {
                discarded.clear();
                let Self { socket, transport, .. } = &mut self;
                let read = |fd: BorrowedFd<'_>| transport.read(fd, &mut discarded, 4096);
                let read = socket.attempt(Interest::READABLE, read).await;
                match read {
                    Ok(0) => return UploadEnd::Whole,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return UploadEnd::Cut,
                    Err(error) => return UploadEnd::Broken(error),
                }
            }
        };
        timeout_at(until, ended).await.unwrap_or(UploadEnd::Late)
    }

    /// False: the peer takes nothing any more.
    async fn close_notify(&mut self, until: Instant) -> bool {
        let Self { socket, transport, .. } = self;
        let mut said = false;
        let close = socket.attempt(Interest::WRITABLE, |fd| {
            if std::mem::replace(&mut said, true) { transport.flush(fd) } else { transport.close_notify(fd) }
        });
        // Where the connection is gone its end says so.
        timeout_at(until, close).await.is_ok()
    }

    /// Closes a connection that was not taken up: with FIN, if what has arrived so far is all that comes.
    pub(crate) fn drain_and_close(self) {
        drain(self.as_fd());
    }

    pub(crate) fn share(&self) -> Arc<OwnedFd> {
        Arc::clone(self.socket.share())
    }

    pub(crate) fn watch(&mut self) -> io::Result<&Watched> {
        self.socket.watch()
    }
}

/// For the options of its socket.
impl AsFd for Data {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;

    use super::*;
    use crate::pump::{Progress, receive_file, send_file};

    fn pair() -> (Data, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, from) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        (Data::new(socket.into(), from), peer)
    }

    /// Waits until the bytes that the peer has sent have come.
    fn until_arrived(data: &Data, length: usize) {
        let mut seen = vec![0; length];
        while rustix::net::recv(data.as_fd(), &mut seen[..], rustix::net::RecvFlags::PEEK)
            .map_or(0, |(count, _)| count)
            < length
        {
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_small_transfer_is_never_registered_with_the_event_loop() {
        let (mut data, mut peer) = pair();
        let file = Arc::new(tempfile::tempfile().unwrap());
        peer.write_all(&[7; 4096]).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        until_arrived(&data, 4096);
        let (stall, progress) = (Duration::from_secs(9), Progress::default());
        receive_file(&mut data, &file, 0, None, stall, &progress).await.unwrap();
        assert!(!data.socket.is_watched());
        send_file(&mut data, &file, 0..4096, stall, &progress).await.unwrap();
        assert!(!data.socket.is_watched());
        data.finish(stall).await;
        let mut got = Vec::new();
        peer.read_to_end(&mut got).unwrap();
        assert_eq!(got, [7; 4096]);
    }

    #[tokio::test]
    async fn an_upload_that_is_not_ended_is_reset_and_one_that_is_ends_in_order() {
        for ended in [false, true] {
            let (mut data, mut peer) = pair();
            data.reset_unless_ended();
            crate::pump::send(&mut data, &[7; 100], Duration::from_secs(9), &Progress::default())
                .await
                .unwrap();
            let mut got = Vec::new();
            let read = if ended {
                let reading = std::thread::spawn(move || peer.read_to_end(&mut got).map(|_| got.len()));
                data.end_upload(Duration::from_secs(9)).await;
                reading.join().unwrap()
            } else {
                drop(data);
                peer.read_to_end(&mut got)
            };
            match read {
                Ok(length) => assert!(ended && length == 100),
                Err(error) => assert!(!ended && error.kind() == io::ErrorKind::ConnectionReset, "{error}"),
            }
        }
    }

    #[test]
    fn a_declined_connection_ends_with_fin_though_bytes_came() {
        let (data, mut peer) = pair();
        peer.write_all(&[7; 9000]).unwrap();
        until_arrived(&data, 9000);
        data.drain_and_close();
        assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
    }
}
