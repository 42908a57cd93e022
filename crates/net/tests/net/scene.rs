//! Who plays the other side in these tests?
use std::fs::File;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use net::active::ActivePort;
use net::data::Data;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;

/// Long enough never to matter; a test that hangs ends by it.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// The server's address in these tests.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A peer of its own address: 127.0.0.n, n from 2 on.
pub(crate) fn peer(n: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, n).into()
}

/// Connects to `to` from an address; blocking, and connected when it returns.
pub(crate) fn connect(from: IpAddr, to: SocketAddr) -> std::net::TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// The same, for a peer that lives on the event loop.
pub(crate) fn connect_async(from: IpAddr, to: SocketAddr) -> TcpStream {
    let stream = connect(from, to);
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream).unwrap()
}

/// A data connection and its blocking peer.
pub(crate) async fn pair() -> (Data, std::net::TcpStream) {
    let awaited = ActivePort::bind(HERE, None, None).unwrap();
    let peer = connect(HERE, awaited.local());
    (awaited.connection(HERE).await.unwrap(), peer)
}

/// Closing the peer sends a reset.
pub(crate) fn reset(peer: std::net::TcpStream) {
    socket2::SockRef::from(&peer.as_fd()).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Polls once: for what must wait, or must be there.
pub(crate) fn poll_once<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A file with these bytes, and no name.
pub(crate) fn file_of(bytes: &[u8]) -> Arc<File> {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(bytes, 0).unwrap();
    Arc::new(file)
}

pub(crate) fn content(file: &File) -> Vec<u8> {
    let mut all = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut all, 0).unwrap();
    all
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}
