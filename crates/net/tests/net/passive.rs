//! Does everybody get their own connection, and nobody else's?
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use net::data::Data;
use net::passive::{Claim, ClaimError, NoPort, Options, PassivePorts};
use net::pump::{self, Progress};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

use crate::scene::{HERE, LONG, connect, connect_async, peer, poll_once};

/// `count` ports in a row that the kernel has free.
fn ports(count: u16) -> PassivePorts {
    loop {
        let free = std::net::TcpListener::bind(SocketAddr::new(HERE, 0)).unwrap();
        let first = free.local_addr().unwrap().port();
        drop(free);
        let Some(last) = first.checked_add(count - 1) else { continue };
        // Another test may have been quicker at one of them.
        if let Ok((ports, failed)) = PassivePorts::bind(&[HERE], first..=last, &Options::default())
            && failed.is_empty()
        {
            return ports;
        }
    }
}

fn dropped(ports: &PassivePorts) -> u64 {
    ports.refusals().read().strangers
}

async fn claim(ports: &PassivePorts, peer: IpAddr) -> Claim {
    ports.claim(0, peer, HERE, Instant::now() + LONG, LONG).await.unwrap()
}

fn at(claim: &Claim) -> SocketAddr {
    SocketAddr::new(HERE, claim.port())
}

async fn connected(claim: &mut Claim) -> Data {
    timeout(LONG, claim.connection()).await.expect("no connection").unwrap()
}

/// It ends with FIN, and not with a reset.
async fn closed(stream: &mut tokio::net::TcpStream) {
    assert_eq!(timeout(LONG, stream.read(&mut [0; 8])).await.unwrap().unwrap(), 0);
}

async fn everything(mut data: Data) -> Vec<u8> {
    let mut got = Vec::new();
    while pump::receive(&mut data, &mut got, LONG, &Progress::default()).await.unwrap() > 0 {}
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_addresses_share_two_ports() {
    let ports = Arc::new(ports(2));
    let mut sessions = Vec::new();
    for n in 2..202 {
        let mut claim = claim(&ports, peer(n)).await;
        sessions.push(tokio::spawn(async move {
            let mut client = connect(peer(n), at(&claim));
            client.write_all(&[n; 9]).unwrap();
            drop(client);
            (n, everything(connected(&mut claim).await).await)
        }));
    }
    for session in sessions {
        let (n, got) = session.await.unwrap();
        assert_eq!(got, [n; 9]);
    }
    assert_eq!(dropped(&ports), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_behind_one_address_wait_for_each_other() {
    let ports = Arc::new(ports(2));
    let sessions = (0..200u8).map(|n| {
        let ports = Arc::clone(&ports);
        tokio::spawn(async move {
            let mut claim = claim(&ports, peer(2)).await;
            let mut client = connect(peer(2), at(&claim));
            client.write_all(&[n; 9]).unwrap();
            drop(client);
            (n, everything(connected(&mut claim).await).await)
        })
    });
    for session in sessions.collect::<Vec<_>>() {
        let (n, got) = session.await.unwrap();
        assert_eq!(got, [n; 9]);
    }
}

#[tokio::test]
async fn a_stranger_at_every_port_does_no_harm() {
    let ports = ports(4);
    let mut claim = claim(&ports, peer(2)).await;
    for port in ports.ports() {
        let mut stranger = connect_async(peer(9), SocketAddr::new(HERE, port));
        closed(&mut stranger).await;
    }
    assert_eq!(dropped(&ports), 4);
    let client = connect(peer(2), at(&claim));
    assert_eq!(connected(&mut claim).await.peer(), client.local_addr().unwrap());
}

#[tokio::test]
async fn two_connections_from_one_address_are_never_guessed_between() {
    let ports = ports(1);
    let mut claim = claim(&ports, peer(2)).await;
    for mut client in [connect_async(peer(2), at(&claim)), connect_async(peer(2), at(&claim))] {
        closed(&mut client).await;
    }
    assert_eq!(claim.connection().await.unwrap_err(), ClaimError::Ambiguous);
    assert_eq!(claim.connection().await.unwrap_err(), ClaimError::Expired, "the final word is given once");
}

#[tokio::test]
async fn a_second_connection_that_still_waits_in_the_kernel_counts() {
    let ports = ports(1);
    let mut claim = claim(&ports, peer(2)).await;
    let _first = connect(peer(2), at(&claim));
    // The acceptor takes them in order: when it has closed the stranger, it has handed over the first.
    let mut stranger = connect_async(peer(9), at(&claim));
    closed(&mut stranger).await;
    let _second = connect(peer(2), at(&claim));
    assert_eq!(claim.arrived().unwrap().unwrap_err(), ClaimError::Ambiguous);
}

/// The acceptor runs beside the session here, and may have the second in its hands when the session asks:
/// then the queue is empty, and the first must not be taken for all that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_connection_counts_whoever_is_about_to_hand_it_over() {
    let ports = ports(1);
    for round in 0..3000 {
        let mut claim = claim(&ports, peer(2)).await;
        let _both = [connect(peer(2), at(&claim)), connect(peer(2), at(&claim))];
        assert_eq!(
            claim.arrived().map(|data| data.map(drop)),
            Some(Err(ClaimError::Ambiguous)),
            "round {round}"
        );
    }
}

#[tokio::test]
async fn a_connection_is_taken_without_waiting_for_the_acceptor() {
    let ports = ports(1);
    let mut claim = claim(&ports, peer(2)).await;
    assert!(claim.arrived().is_none());
    let client = connect(peer(2), at(&claim));
    // Nothing has been awaited since the connect, so that the acceptor's task has not run.
    let data = claim.arrived().expect("it waits in the kernel's queue").unwrap();
    assert_eq!(data.peer(), client.local_addr().unwrap());
    assert_eq!(data.local(), client.peer_addr().unwrap());
}

/// A session that looks for its connection has other things to do than to answer a flood.
#[tokio::test]
async fn a_look_into_the_kernels_queue_ends_under_a_flood() {
    const MANY: u64 = 300;
    let ports = ports(1);
    let mut claim = claim(&ports, peer(2)).await;
    let mut strangers: Vec<_> = (0..MANY).map(|_| connect_async(peer(9), at(&claim))).collect();
    // Nothing has been awaited since the calls, so that the acceptor's task has not run.
    assert!(claim.arrived().is_none());
    assert!((1..MANY).contains(&dropped(&ports)), "{}", dropped(&ports));
    for stranger in &mut strangers {
        closed(stranger).await;
    }
    assert_eq!(dropped(&ports), MANY);
}

#[tokio::test(start_paused = true)]
async fn a_claim_lapses_and_its_port_is_free() {
    let ports = ports(1);
    let until = Instant::now() + Duration::from_secs(30);
    let mut lapsing = ports.claim(1, peer(2), HERE, until, LONG).await.unwrap();
    assert_eq!(lapsing.connection().await.unwrap_err(), ClaimError::Expired);
    assert!(Instant::now() >= until);
    ports.claim(2, peer(2), HERE, Instant::now() + LONG, Duration::ZERO).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_its_session_forgot_lapses_for_the_one_that_waits() {
    let ports = ports(1);
    let until = Instant::now() + Duration::from_secs(5);
    let mut forgotten = ports.claim(1, peer(2), HERE, until, LONG).await.unwrap();
    let granted = ports.claim(2, peer(2), HERE, until + LONG, LONG).await.unwrap();
    assert_eq!(Instant::now(), until);
    assert_eq!(granted.port(), forgotten.port());
    assert_eq!(forgotten.connection().await.unwrap_err(), ClaimError::Expired);
}

#[tokio::test(start_paused = true)]
async fn without_a_free_port_the_wait_ends() {
    let ports = ports(2);
    let held = [claim(&ports, peer(2)).await, claim(&ports, peer(2)).await];
    let (until, wait) = (Instant::now() + LONG, Duration::from_secs(3));
    let refused = ports.claim(0, peer(2), HERE, until, wait).await.unwrap_err();
    assert_eq!(refused, NoPort { peer: peer(2), ports: 2, waited: wait });
    claim(&ports, peer(3)).await;
    drop(held);
    claim(&ports, peer(2)).await;
}

#[tokio::test]
async fn a_freed_port_goes_to_the_first_in_the_queue() {
    let ports = ports(1);
    let held = claim(&ports, peer(2)).await;
    let mut first = pin!(claim(&ports, peer(2)));
    let mut second = pin!(claim(&ports, peer(2)));
    assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
    drop(held);
    assert!(poll_once(&mut second).is_pending());
    let first = timeout(LONG, first).await.unwrap();
    let client = connect(peer(2), at(&first));
    let second = timeout(LONG, second).await.expect("the arrival has not freed the port");
    assert_eq!(second.port(), first.port());
    drop(client);
}

#[tokio::test]
async fn who_gives_up_waiting_is_passed_over() {
    let ports = ports(1);
    let held = claim(&ports, peer(2)).await;
    let mut gone = Box::pin(claim(&ports, peer(2)));
    let mut stays = pin!(claim(&ports, peer(2)));
    assert!(poll_once(&mut gone.as_mut()).is_pending() && poll_once(&mut stays).is_pending());
    drop(gone);
    drop(held);
    timeout(LONG, stays).await.unwrap();
}

#[tokio::test]
async fn a_dropped_claim_closes_what_waits_in_it_with_fin() {
    let ports = ports(1);
    let first = claim(&ports, peer(2)).await;
    let mut client = connect(peer(2), at(&first));
    client.set_read_timeout(Some(LONG)).unwrap();
    // The port is free again once the connection lies in its claim.
    let _second = claim(&ports, peer(2)).await;
    drop(first);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(dropped(&ports), 0);
}

#[tokio::test]
async fn a_client_that_waits_in_the_kernels_queue_is_sent_off_as_a_guest() {
    let ports = ports(1);
    let claim = claim(&ports, peer(2)).await;
    let mut client = connect(peer(2), at(&claim));
    client.set_read_timeout(Some(LONG)).unwrap();
    // The acceptor has had no turn.
    drop(claim);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(dropped(&ports), 0);
}

#[tokio::test]
async fn a_dropped_wait_takes_nothing() {
    let ports = ports(1);
    let mut claim = claim(&ports, peer(2)).await;
    {
        let mut wait = pin!(claim.connection());
        assert!(poll_once(&mut wait).is_pending());
    }
    let client = connect(peer(2), at(&claim));
    assert_eq!(connected(&mut claim).await.peer(), client.local_addr().unwrap());
}

#[tokio::test]
async fn taken_ports_are_reported_and_only_all_of_them_are_an_error() {
    let mine = ports(2);
    let range = mine.ports()[0]..=mine.ports()[1];
    assert!(PassivePorts::bind(&[HERE], range.clone(), &Options::default()).is_err());
    // An address that no other test calls from, so that only ours are taken.
    let (other, failed) = PassivePorts::bind(&[HERE, peer(250)], range, &Options::default()).unwrap();
    assert_eq!(failed.iter().map(|(port, _)| *port).collect::<Vec<_>>(), mine.ports());
    let until = Instant::now() + LONG;
    let refused = other.claim(0, peer(3), HERE, until, LONG).await.unwrap_err();
    assert_eq!(refused.ports, 0, "none of its ports is bound there");
    other.claim(0, peer(3), peer(250), until, LONG).await.unwrap();
}

#[tokio::test]
async fn the_ports_are_closed_with_their_owner() {
    let ports = ports(1);
    let port = ports.ports()[0];
    drop(ports);
    // The acceptor's task ends at its next turn, and then the kernel refuses.
    timeout(LONG, async {
        while std::net::TcpStream::connect((HERE, port)).is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// `--listen 127.0.0.1:2121 --listen [::]:2122`: a session that came by the second at another IPv4 address of
/// the machine had no passive port at all; with `[::1]` and `[::]` none came by the second had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_beside_all_addresses_takes_no_ports_from_them() {
    let v6_all = IpAddr::from([0u16; 8]);
    let v6 = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16]);
    let v4_all = IpAddr::from([0; 4]);
    if testbed::need::ipv6().is_none() {
        return;
    }
    for addresses in [&[HERE, v6_all][..], &[v6, v6_all], &[HERE, v4_all, v6_all], &[v6_all, v4_all, v6]] {
        let ports = loop {
            let free = std::net::TcpListener::bind(SocketAddr::new(HERE, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            match PassivePorts::bind(addresses, port..=port, &Options::default()) {
                Ok((ports, failed)) if failed.is_empty() => break ports,
                // Another test was quicker at that port.
                Ok((_, failed)) if std::net::TcpListener::bind(SocketAddr::new(HERE, port)).is_ok() => {
                    panic!("{addresses:?}: {failed:?}")
                }
                Ok(_) | Err(_) => {}
            }
        };
        for local in [HERE, peer(251), v6] {
            let from = if local.is_ipv6() { v6 } else { peer(252) };
            let wait = Duration::ZERO;
            let mut claim = ports.claim(0, from, local, Instant::now() + LONG, wait).await;
            let claim = claim.as_mut().unwrap_or_else(|e| panic!("{addresses:?}, reached at {local}: {e}"));
            let to = SocketAddr::new(local, claim.port());
            let client =
                if local.is_ipv6() { std::net::TcpStream::connect(to).unwrap() } else { connect(from, to) };
            assert_eq!(connected(claim).await.peer(), client.local_addr().unwrap());
        }
    }
}
