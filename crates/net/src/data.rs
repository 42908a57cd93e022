//! What is a data connection?
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, Shutdown};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::time::{Instant, timeout_at};

use crate::address::canonical;
use crate::proxy::{Behind, Header, Introduced, NotIntroduced, Proxies};
use crate::pump::{PumpError, blocking, patiently};
use crate::tls::{Established, Layer, Room};
use crate::watch::{Watched, watch};

/// A data connection (RFC 959 2.2), from whichever side it was made. Non-blocking; registered with the event loop
/// only when it first has to wait, which most small transfers never do. Dropped, it is closed at once.
///
/// No socket options are set on it in clear: the FIN that ends a file also sends what Nagle's algorithm would hold back.
/// TLS sets TCP_NODELAY. A stalled transfer is found by the pump's own deadline.
#[derive(Debug)]
pub struct Data {
    socket: Socket,
    peer: SocketAddr,
    layer: Option<Box<Layer>>,
    established: Option<Box<Established>>,
}

/// The descriptor, and its registration with the event loop where there is one.
#[derive(Debug)]
pub(crate) struct Socket {
    // Before `fd`, so that it leaves the event loop while the descriptor is open.
    watch: Option<Watched>,
    // Shared with the blocking pool during a hop (see `pump`), which outlives a cancelled transfer by a moment.
    fd: Arc<OwnedFd>,
}

/// A handle of a data connection for whoever watches its transfer. It does not keep the connection open.
#[derive(Clone, Debug)]
pub struct WeakData(Weak<OwnedFd>);

impl WeakData {
    /// How many bytes that we have written the peer has not acknowledged, those that have not left yet among them. None where
    /// the connection is closed, or the system does not tell.
    pub fn unacknowledged(&self) -> Option<u64> {
        let fd = self.0.upgrade()?;
        crate::unsent::unacknowledged(fd.as_fd())
    }

    /// Makes its end a reset: what has not arrived by then is discarded, and the peer does not take it for the end of a
    /// file.
    pub fn reset_at_close(&self) {
        if let Some(fd) = self.0.upgrade() {
            reset_at_close(&fd);
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
        let socket = Socket { watch: None, fd: Arc::new(socket) };
        Self { socket, peer: canonical(peer), layer: None, established: None }
    }

    /// The other end; never an IPv4 address mapped into IPv6.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our end; never an IPv4 address mapped into IPv6. Asks the kernel each time.
    pub fn local(&self) -> SocketAddr {
        // A connected socket has a name; if the kernel ever refuses, an address that belongs to nobody is harmless.
        let name = SockRef::from(&*self.socket.fd).local_addr().ok().and_then(|name| name.as_socket());
        name.map_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), canonical)
    }

    /// A handle that keeps nothing open, for whoever watches its transfer.
    pub fn downgrade(&self) -> WeakData {
        WeakData(Arc::downgrade(&self.socket.fd))
    }

    /// Makes its end a reset until [`Data::end_upload`], whatever ends it: an error, a dropped future, the end of this process.
    /// An upload that is broken off must not look like one that is whole.
    pub fn reset_unless_ended(&self) {
        reset_at_close(&self.socket.fd);
    }

    /// Is it under TLS?
    pub fn is_protected(&self) -> bool {
        self.layer.is_some()
    }

    /// What was agreed on, under TLS.
    pub fn established(&self) -> Option<&Established> {
        self.established.as_deref()
    }

    /// Under TLS, after the peer's end without close_notify: did it come in the middle of a record? That is no client's end.
    pub fn is_torn(&self) -> bool {
        self.layer.as_ref().is_some_and(|layer| layer.is_torn())
    }

    pub(crate) fn protect(self, layer: Layer) -> Self {
        let established = Some(Box::new(Established::of(layer.connection())));
        Self { layer: Some(Box::new(layer)), established, ..self }
    }

    pub(crate) fn parts(&mut self) -> (&mut Socket, Option<&mut Layer>) {
        (&mut self.socket, self.layer.as_deref_mut())
    }

    /// Learns from a balancer's header whose connection it is; the peer is the client's address from then on. Not a byte
    /// of the client's is taken.
    ///
    /// # Errors
    /// Why it was not learnt. The connection is of no use then.
    pub(crate) async fn introduce(&mut self, proxies: &Proxies) -> Result<Introduced, NotIntroduced> {
        let (_turn, until) = proxies.turn()?;
        let mut header = Header::default();
        while let wants @ 1.. = header.wants()? {
            let mut scratch = [0; Header::READ];
            let room = scratch.get_mut(..wants).unwrap_or_default();
            let read = self.socket.when(Interest::READABLE, |fd| receive(fd, room));
            match timeout_at(until, read).await.map_err(|_| NotIntroduced::Late)?? {
                0 => return Err(NotIntroduced::Ended),
                count => header.take(scratch.get(..count).unwrap_or_default()),
            }
        }
        match header.says()? {
            Behind::Client(peer, _) => {
                self.peer = peer;
                Ok(Introduced::Client)
            }
            Behind::Nobody => Ok(Introduced::Balancer),
        }
    }

    /// Ends our direction with FIN, under TLS with close_notify before it, so that the peer reads everything and then the
    /// end of the file.
    ///
    /// Closing a socket that still holds bytes nobody read would send a reset instead, and the peer would lose what it
    /// had not read yet (RFC 1122 4.2.2.13). So whatever the peer sends is read and thrown away until its end, for at
    /// most `patience`. A peer that sent nothing, as in every ordinary download, costs one system call and no wait:
    /// closing then is a clean end, and what is still on its way out is delivered by the kernel.
    pub async fn finish(mut self, patience: Duration) {
        let until = Instant::now() + patience;
        self.close_notify(until).await;
        let mut scratch = [0; 4096];
        match receive(self.fd(), &mut scratch) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        // It fails only where the connection is gone, and then the reads below end at once.
        let _ = rustix::net::shutdown(self.fd(), Shutdown::Write);
        let drained = async {
            while let Ok(1..) = self.when(Interest::READABLE, |fd| receive(fd, &mut scratch)).await {}
        };
        // Out of patience: the peer that goes on sending gets its reset.
        let _ = timeout_at(until, drained).await;
    }

    /// Ends an upload of ours: says that nothing more comes, then reads until the peer's end, and only then closes. All that was
    /// sent has to be the whole file: from here on the end is no reset any more (see [`Data::reset_unless_ended`]).
    ///
    /// Under TLS 1.3 this is what keeps the end of the file: servers send session tickets that nobody asked for, and to
    /// close with them unread would make the kernel send a reset, which destroys what the server has not read. Reading them
    /// also fills the store that the next data connection resumes from.
    pub async fn end_upload(mut self, patience: Duration) -> UploadEnd {
        let until = Instant::now() + patience;
        if !self.close_notify(until).await {
            return UploadEnd::Late;
        }
        // It fails only where the connection is gone already.
        let _ = SockRef::from(&*self.socket.fd).set_linger(None);
        if let Err(error) = rustix::net::shutdown(self.fd(), Shutdown::Write) {
            return UploadEnd::Broken(error.into());
        }
        let mut thrown = Vec::new();
        let ended = async {
            loop {
                thrown.clear();
                let (socket, layer) = self.parts();
                let read = match layer {
                    None => {
                        let mut scratch = [0; 4096];
                        socket.attempt(Interest::READABLE, |fd| receive(fd, &mut scratch)).await
                    }
                    Some(layer) => {
                        let read = |fd: BorrowedFd<'_>| layer.read(fd, &mut thrown, 4096, Room::Control);
                        socket.attempt(Interest::READABLE, read).await
                    }
                };
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

    /// False: the peer takes nothing any more, and has not been told.
    async fn close_notify(&mut self, until: Instant) -> bool {
        let (socket, Some(layer)) = self.parts() else { return true };
        let mut said = false;
        let close = socket.attempt(Interest::WRITABLE, |fd| {
            if std::mem::replace(&mut said, true) { layer.flush(fd) } else { layer.close(fd) }
        });
        // One that is gone is not told either, and its end says so.
        timeout_at(until, close).await.is_ok()
    }

    /// Closes a connection that nobody took up: with FIN, if what has arrived so far is all that comes.
    pub(crate) fn decline(self) {
        throw_away(self.fd());
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.fd.as_fd()
    }

    pub(crate) fn share(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.socket.fd)
    }

    pub(crate) fn watch(&mut self) -> io::Result<&Watched> {
        self.socket.watch()
    }

    pub(crate) async fn when<T>(
        &mut self,
        interest: Interest,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.socket.when(interest, operation).await
    }

    /// Runs an operation on the socket in the blocking pool, because it also waits for a disk, until it does not say
    /// `WouldBlock`. Dropped, the operation that is running goes on to its end, with the descriptor kept open.
    pub(crate) async fn when_in_pool<T: Send + 'static>(
        &mut self,
        interest: Interest,
        stall: Duration,
        operation: impl Fn(BorrowedFd<'_>) -> io::Result<T> + Send + Sync + 'static,
    ) -> Result<T, PumpError> {
        let operation = Arc::new(operation);
        let socket = self.share();
        let watch = self.watch().map_err(PumpError::Peer)?;
        loop {
            let mut guard = patiently(stall, watch.ready(interest)).await?;
            let (socket, operation) = (Arc::clone(&socket), Arc::clone(&operation));
            match blocking(move || operation(socket.as_fd())).await? {
                // Forgets only the readiness that was there before the operation: what came since then counts.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                other => return other.map_err(PumpError::Peer),
            }
        }
    }
}

impl Socket {
    /// The registration with the event loop, made at the first call.
    fn watch(&mut self) -> io::Result<&Watched> {
        if self.watch.is_none() {
            let both = Interest::READABLE | Interest::WRITABLE;
            self.watch = Some(watch(Arc::clone(&self.fd), both)?);
        }
        // Just filled when it was empty.
        self.watch.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Tries an operation on the socket until it does not say `WouldBlock`: at once as long as the socket is not
    /// registered, then by readiness. Cancel-safe when the operation is.
    async fn when<T>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.watch.is_none() {
            match operation(self.fd.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
        self.watch()?.async_io(interest, |fd| operation(fd.as_fd())).await
    }

    /// Tries an operation on the socket once.
    pub(crate) fn try_now<T>(
        &self,
        operation: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        operation(self.fd.as_fd())
    }

    /// [`Socket::when`] for an operation above TLS, which may have what it needs without the socket: always tried at once first.
    pub(crate) async fn attempt<T>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        match operation(self.fd.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return other,
        }
        self.watch()?.async_io(interest, |fd| operation(fd.as_fd())).await
    }
}

/// For the options of its socket.
impl AsFd for Data {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd()
    }
}

fn reset_at_close(fd: &OwnedFd) {
    // It fails only where the connection is gone already.
    let _ = SockRef::from(fd).set_linger(Some(Duration::ZERO));
}

/// Reads what has arrived, so that a close is not a reset.
pub(crate) fn throw_away(fd: BorrowedFd<'_>) {
    let mut scratch = [0; 4096];
    // At most what a receive buffer first holds (128 KiB by default); a peer that sends more is not waited for.
    for _ in 0..32 {
        let Ok(1..) = receive(fd, &mut scratch) else { break };
    }
}

/// What has arrived, without waiting; 0 is the peer's end.
pub(crate) fn receive(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let (count, _) = rustix::io::retry_on_intr(|| rustix::net::recv(fd, &mut *into, RecvFlags::DONTWAIT))?;
    Ok(count)
}

/// The same, appended in the room that a buffer has left.
pub(crate) fn receive_into(fd: BorrowedFd<'_>, into: &mut Vec<u8>) -> io::Result<usize> {
    let (count, _) = rustix::io::retry_on_intr(|| {
        rustix::net::recv(fd, rustix::buffer::spare_capacity(into), RecvFlags::DONTWAIT)
    })?;
    Ok(count)
}

/// `WouldBlock` until the kernel's buffer has much room: on Linux a third of it. A connection that is gone has room, as the
/// next write says so.
pub(crate) fn room(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&at_once)))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
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
        while rustix::net::recv(data.fd(), &mut seen[..], RecvFlags::PEEK).map_or(0, |(count, _)| count)
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
        assert!(data.socket.watch.is_none());
        send_file(&mut data, &file, 0..4096, stall, &progress).await.unwrap();
        assert!(data.socket.watch.is_none());
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
        data.decline();
        assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
    }
}
