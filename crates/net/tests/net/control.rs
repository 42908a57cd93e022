//! Does a control connection carry its lines, urgent data and all?
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::pin;

use net::control::Control;
use net::listener::Listener;
use socket2::SockRef;
use tokio::time::timeout;

use crate::scene::{HERE, LONG, connect, pattern, peer, poll_once};

async fn accepted() -> (Control, std::net::TcpStream) {
    let listener = Listener::bind(SocketAddr::new(HERE, 0)).unwrap();
    let client = connect(peer(2), listener.local());
    (listener.accept().await.unwrap(), client)
}

/// Reads until `length` bytes have come.
async fn read_whole(control: &Control, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        let count = timeout(LONG, control.read(&mut all)).await.expect("the rest is never read").unwrap();
        assert_ne!(count, 0, "the end came after {all:?}");
    }
    all
}

#[tokio::test]
async fn abor_as_telnet_ip_and_synch_is_read_whole() {
    let (control, client) = accepted().await;
    let mut all = Vec::new();
    {
        let mut read = pin!(control.read(&mut all));
        assert!(poll_once(&mut read).is_pending(), "it waits before anything is sent");
        (&client).write_all(b"\xff\xf4\xff").unwrap();
        SockRef::from(&client).send_out_of_band(b"\xf2").unwrap();
        (&client).write_all(b"ABOR\r\n").unwrap();
        timeout(LONG, read).await.unwrap().unwrap();
    }
    let rest = read_whole(&control, 10 - all.len()).await;
    all.extend(rest);
    assert_eq!(all, b"\xff\xf4\xff\xf2ABOR\r\n");
}

#[tokio::test]
async fn a_line_whose_every_byte_is_urgent_is_read_whole() {
    let (control, client) = accepted().await;
    for round in 0..20 {
        let mut all = Vec::new();
        let mut read = Box::pin(control.read(&mut all));
        assert!(poll_once(&mut read.as_mut()).is_pending(), "round {round}");
        for byte in b"ABOR\r\n" {
            SockRef::from(&client).send_out_of_band(&[*byte]).unwrap();
        }
        timeout(LONG, read).await.unwrap().unwrap();
        let rest = read_whole(&control, 6 - all.len()).await;
        all.extend(rest);
        assert_eq!(all, b"ABOR\r\n", "round {round}");
    }
}

#[tokio::test]
async fn one_read_takes_at_most_its_limit() {
    let (control, mut client) = accepted().await;
    let sent = pattern(10_000);
    client.write_all(&sent).unwrap();
    let mut got = Vec::new();
    while got.len() < sent.len() {
        let count = control.read(&mut got).await.unwrap();
        assert!((1..=net::control::READ_LIMIT).contains(&count), "{count}");
    }
    assert_eq!(got, sent);
    drop(client);
    assert_eq!(control.read(&mut got).await.unwrap(), 0);
}

#[tokio::test]
async fn a_read_that_waits_holds_no_memory() {
    let (control, _client) = accepted().await;
    let mut into = Vec::new();
    {
        let mut read = pin!(control.read(&mut into));
        assert!(poll_once(&mut read).is_pending());
        assert!(size_of_val(&*read) < 512, "{}", size_of_val(&*read));
    }
    assert_eq!(into.capacity(), 0);
}

#[tokio::test]
async fn much_is_written_to_a_slow_reader_and_then_the_end() {
    let (control, mut client) = accepted().await;
    let sent = pattern(8 << 20);
    let reader = tokio::task::spawn_blocking(move || {
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        got
    });
    control.write_all(&sent).await.unwrap();
    control.shutdown();
    assert!(reader.await.unwrap() == sent);
}

#[tokio::test]
async fn a_dual_stack_listener_shows_ipv4_peers_as_ipv4() {
    let listener = match Listener::bind("[::]:0".parse().unwrap()) {
        Ok(listener) => listener,
        // A machine without IPv6 has no such mapping either.
        Err(error) => return assert_eq!(error.kind(), std::io::ErrorKind::Unsupported),
    };
    let client = connect(peer(3), SocketAddr::new(HERE, listener.local().port()));
    let control = listener.accept().await.unwrap();
    assert_eq!(control.peer(), client.local_addr().unwrap());
    assert_eq!(control.local(), client.peer_addr().unwrap());
}

#[tokio::test]
async fn both_families_can_be_listened_at_on_one_port() {
    let (addresses, listeners) = loop {
        let free = std::net::TcpListener::bind((HERE, 0)).unwrap().local_addr().unwrap().port();
        let addresses = [SocketAddr::from(([0, 0, 0, 0], free)), SocketAddr::from(([0u16; 8], free))];
        match Listener::bind_all(&addresses) {
            Ok(listeners) => break (addresses, listeners),
            // Another test was quicker at that port.
            Err((_, error)) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err((_, error)) => return assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{error}"),
        }
    };
    let free = addresses[0].port();
    let client = connect(peer(5), SocketAddr::new(HERE, free));
    assert_eq!(listeners[0].accept().await.unwrap().peer(), client.local_addr().unwrap());
    let (at, error) = Listener::bind_all(&addresses).unwrap_err();
    assert_eq!((at, error.kind()), (addresses[0], std::io::ErrorKind::AddrInUse));
}

/// Limits of a process hold for all its threads, hence a process of its own: this test starts itself once
/// more.
#[test]
fn a_full_table_of_descriptors_is_waited_out() {
    const INSIDE: &str = "PASV_TEST_FULL_TABLE";
    if std::env::var_os(INSIDE).is_some() {
        let builder = &mut tokio::runtime::Builder::new_current_thread();
        return builder.enable_all().start_paused(true).build().unwrap().block_on(accept_in_a_full_table());
    }
    let itself = ["--exact", "control::a_full_table_of_descriptors_is_waited_out", "--nocapture"];
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let output = again.args(itself).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

async fn accept_in_a_full_table() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let listener = Listener::bind(SocketAddr::new(HERE, 0)).unwrap();
    let client = connect(HERE, listener.local());
    let before = getrlimit(Resource::Nofile);
    // The next descriptor would be this one.
    let next = std::os::fd::AsRawFd::as_raw_fd(&std::fs::File::open("/dev/null").unwrap());
    setrlimit(Resource::Nofile, Rlimit { current: u64::try_from(next).ok(), maximum: before.maximum })
        .unwrap();
    assert!(std::fs::File::open("/dev/null").is_err(), "the table is not full");
    let begun = tokio::time::Instant::now();
    let mut accept = pin!(listener.accept());
    assert!(timeout(LONG, accept.as_mut()).await.is_err(), "accepted though the table is full");
    assert!(begun.elapsed() >= LONG);
    setrlimit(Resource::Nofile, before).unwrap();
    assert_eq!(accept.await.unwrap().peer(), client.local_addr().unwrap());
}

#[tokio::test]
async fn a_client_connects_from_the_given_port() {
    let listener = Listener::bind(SocketAddr::new(HERE, 0)).unwrap();
    let from = SocketAddr::new(peer(4), 0);
    let (connected, accepted) =
        tokio::join!(Control::connect(listener.local(), Some(from), None), listener.accept());
    let (connected, accepted) = (connected.unwrap(), accepted.unwrap());
    assert_eq!(accepted.peer().ip(), peer(4));
    assert_eq!(connected.local(), accepted.peer());
    assert_eq!(connected.peer(), accepted.local());
    connected.write_all(b"NOOP\r\n").await.unwrap();
    assert_eq!(read_whole(&accepted, 6).await, b"NOOP\r\n");
}
