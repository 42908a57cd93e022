//! Do data connections leave from where they should, and are strangers kept out?
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::Duration;

use net::active::ActivePort;
use net::departure::Departure;
use net::dial::{DialError, Source, dial, dial_patiently};
use tokio::time::timeout;

use crate::scene::{HERE, LONG, connect, peer};

/// A port that is free at an address which no other test calls from.
fn own_port(n: u8) -> Source {
    let free = std::net::TcpListener::bind(SocketAddr::new(peer(n), 0)).unwrap();
    Source { address: peer(n), port: Some(free.local_addr().unwrap().port()) }
}

#[tokio::test]
async fn two_connections_at_once_leave_from_one_port() {
    let from = own_port(77);
    let here = SocketAddr::new(from.address, from.port.unwrap());
    let (one, other) =
        (ActivePort::bind(HERE, None, None).unwrap(), ActivePort::bind(HERE, None, None).unwrap());
    let first = dial(one.local(), Some(from), None).await.unwrap();
    let second = dial(other.local(), Some(from), None).await.unwrap();
    assert_eq!((first.local(), second.local()), (here, here));
    assert_eq!(one.connection(from.address).await.unwrap().peer(), here);
    assert_eq!(other.connection(from.address).await.unwrap().peer(), here);
}

#[tokio::test]
async fn a_second_connection_between_the_same_ends_fails_and_names_them() {
    let from = own_port(78);
    let awaited = ActivePort::bind(HERE, None, None).unwrap();
    let _first = dial(awaited.local(), Some(from), None).await.unwrap();
    let error = dial(awaited.local(), Some(from), None).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&format!("from 127.0.0.78:{}", from.port.unwrap())), "{text}");
    assert!(text.contains(&format!("to {}", awaited.local())), "{text}");
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let closed = std::net::TcpListener::bind(SocketAddr::new(HERE, 0)).unwrap().local_addr().unwrap();
    let error = timeout(LONG, dial(closed, None, None)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_patient_dial_says_what_it_came_to() {
    let listener = std::net::TcpListener::bind(SocketAddr::new(HERE, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    let ours = dial_patiently(at, None, Some(1200), LONG).await.unwrap();
    assert_eq!(ours.peer(), at);
    drop(listener);
    let refused = dial_patiently(at, None, None, LONG).await.unwrap_err();
    assert!(
        matches!(&refused, DialError::Failed(error, None) if error.kind() == ErrorKind::ConnectionRefused),
        "{refused:?}"
    );
    // Of a listener with no room left the kernel drops what comes. Nothing has been sent again in so short a
    // time.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::new(HERE, 0).into()).unwrap();
    full.listen(0).unwrap();
    let at = full.local_addr().unwrap().as_socket().unwrap();
    let _last = dial(at, None, None).await.unwrap();
    let silent = dial_patiently(at, None, None, Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(silent, DialError::NoAnswer(Departure::Unknown)), "{silent:?}");
}

#[tokio::test]
async fn a_port_that_no_peer_connects_to_has_no_attempt() {
    let awaited = ActivePort::bind(HERE, None, None).unwrap();
    assert_eq!(awaited.half_open(HERE).await, net::half_open::Attempt::None);
}

#[tokio::test]
async fn strangers_are_dropped_and_the_peer_is_still_awaited() {
    let awaited = ActivePort::bind(HERE, None, None).unwrap();
    let mut stranger = connect(peer(9), awaited.local());
    let expected = connect(peer(2), awaited.local());
    let data = timeout(LONG, awaited.connection(peer(2))).await.unwrap().unwrap();
    assert_eq!(data.peer(), expected.local_addr().unwrap());
    assert_eq!(awaited.stranger(), Some(peer(9)));
    assert_eq!(stranger.read(&mut [0; 8]).unwrap(), 0);
}

#[tokio::test]
async fn small_segments_hold_in_both_directions_whichever_side_connects() {
    let mss = |stream: std::net::TcpStream| socket2::SockRef::from(&stream).tcp_mss().unwrap();
    let listener = std::net::TcpListener::bind(SocketAddr::new(HERE, 0)).unwrap();
    let _ours = dial(listener.local_addr().unwrap(), None, Some(1200)).await.unwrap();
    assert!(mss(listener.accept().unwrap().0) <= 1200);
    let awaited = ActivePort::bind(HERE, None, Some(1200)).unwrap();
    let theirs = std::net::TcpStream::connect(awaited.local()).unwrap();
    assert!(mss(theirs) <= 1200);
    let usual = ActivePort::bind(HERE, None, None).unwrap();
    assert!(mss(std::net::TcpStream::connect(usual.local()).unwrap()) > 1200);
}
