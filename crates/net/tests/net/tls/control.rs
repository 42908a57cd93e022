//! Does a control connection go over to TLS, and back, without a byte in the wrong place?
use std::io::{ErrorKind, Read, Write};
use std::pin::pin;

use net::control::{Control, Explicit, Waiting};
use net::tls::{HandshakeError, UpgradeError};
use tokio::task::spawn_blocking;

use super::scene::{BOTH, NAME, Site, Stranger, controls, stranger, version};
use crate::scene::{LONG, pattern, poll_once};

const NOW: Explicit<'_> = Explicit { read_ahead: &[], answer: b"234 Go ahead.\r\n" };
const BEHIND_234: Explicit<'_> = Explicit { read_ahead: &[], answer: &[] };

/// Reads so many bytes.
async fn read(control: &Control, count: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < count {
        assert!(control.read(&mut got).await.unwrap() > 0, "the end after {} bytes", got.len());
    }
    got
}

async fn until_waiting(control: &Control, what: Waiting) {
    while control.waiting() != what {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn lines_go_both_ways_after_an_upgrade_and_the_end_is_said() {
    let site = Site::new();
    for versions in BOTH {
        let (server, client) = controls().await;
        let tls = site.client(versions);
        let client_end = async {
            assert_eq!(read(&client, NOW.answer.len()).await, NOW.answer);
            client.connect_tls(&tls, NAME, Some(BEHIND_234), LONG).await
        };
        let (binding, session) = tokio::join!(server.accept_tls(&site.tls, Some(NOW), LONG), client_end);
        let (binding, session) = (binding.unwrap(), session.unwrap());
        assert_eq!(session.established().fingerprint(), Some(site.identity.fingerprint()));
        assert_eq!(binding.established().alpn.as_deref(), Some(&b"ftp"[..]));
        assert_eq!(binding.established().version, session.established().version);
        assert_eq!(server.waiting(), Waiting::Nothing);
        client.write_all(b"USER anna\r\n").await.unwrap();
        until_waiting(&server, Waiting::Bytes).await;
        assert_eq!(read(&server, 11).await, b"USER anna\r\n");
        server.write_all(b"331 \r\n").await.unwrap();
        assert_eq!(read(&client, 6).await, b"331 \r\n");
        client.shutdown();
        until_waiting(&server, Waiting::End).await;
        assert_eq!(server.read(&mut Vec::new()).await.unwrap(), 0);
        server.write_all(b"221 \r\n").await.unwrap();
        assert_eq!(read(&client, 6).await, b"221 \r\n");
    }
}

#[tokio::test]
async fn more_than_the_kernel_takes_is_written_as_it_is_read() {
    let site = Site::new();
    let login = site.login(BOTH[1]).await;
    let long = pattern(8 << 20);
    let (written, got) = tokio::join!(login.server.write_all(&long), read(&login.client, long.len()));
    written.unwrap();
    assert!(got == long);
    assert!(!login.server.has_unsent());
    // What was taken without waiting goes out while the other direction is waited for.
    let mut taken = 0;
    while let Ok(count) = login.server.try_write(&long[taken..]) {
        taken += count;
    }
    assert!(login.server.has_unsent());
    let mut nothing = Vec::new();
    let got = {
        let mut waits = pin!(login.server.read(&mut nothing));
        let read = read(&login.client, taken);
        tokio::select! {
            biased;
            _ = &mut waits => panic!("nobody wrote"),
            got = read => got,
        }
    };
    assert!(got == long[..taken]);
}

fn pending<T: std::fmt::Debug>(refused: Result<T, UpgradeError>) {
    assert!(matches!(refused, Err(UpgradeError::PendingClear)), "{refused:?}");
}

#[tokio::test]
async fn bytes_in_clear_behind_the_upgrade_are_refused_on_both_sides() {
    let site = Site::new();
    let tls = site.client(BOTH[1]);
    let (server, client) = controls().await;
    let ahead = Explicit { read_ahead: b"USER eve\r\n", ..NOW };
    pending(server.accept_tls(&site.tls, Some(ahead), LONG).await);
    client.write_all(b"DELE all\r\n").await.unwrap();
    until_waiting(&server, Waiting::Bytes).await;
    pending(server.accept_tls(&site.tls, Some(NOW), LONG).await);
    // It can still be sent, unencrypted, and nothing was said before.
    server.write_all(b"503 \r\n").await.unwrap();
    assert_eq!(read(&client, 6).await, b"503 \r\n");
    let ahead = Explicit { read_ahead: b"230 \r\n", ..BEHIND_234 };
    pending(client.connect_tls(&tls, NAME, Some(ahead), LONG).await);
    server.write_all(b"230 \r\n").await.unwrap();
    until_waiting(&client, Waiting::Bytes).await;
    pending(client.connect_tls(&tls, NAME, Some(BEHIND_234), LONG).await);
}

#[tokio::test]
async fn an_early_hello_is_not_read_as_a_command() {
    let site = Site::new();
    let tls = site.client(BOTH[1]);
    let (server, client) = controls().await;
    let mut accept = pin!(server.accept_tls(&site.tls, Some(NOW), LONG));
    assert!(poll_once(&mut accept).is_pending());
    let mut taken = Vec::new();
    // A reader gets nothing while TLS is being set up gets no byte, whether the client has begun or not.
    assert_eq!(server.read(&mut taken).await.unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(read(&client, NOW.answer.len()).await, NOW.answer);
    let mut connect = pin!(client.connect_tls(&tls, NAME, Some(BEHIND_234), LONG));
    assert!(poll_once(&mut connect).is_pending());
    assert_eq!(server.read(&mut taken).await.unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(server.try_write(b"331 ").unwrap_err().kind(), ErrorKind::NotConnected);
    assert!(taken.is_empty());
    let (binding, session) = tokio::join!(accept, connect);
    binding.unwrap();
    session.unwrap();
}

#[tokio::test]
async fn ccc_goes_on_in_clear_with_the_next_byte() {
    let site = Site::new();
    for versions in BOTH {
        let (server, peer) = stranger().await;
        let eve = Stranger::new(&["ftp"], version(versions));
        // A client that says close_notify and its first clear command in one packet.
        let client = spawn_blocking(move || {
            let (mut tls, mut peer) = (eve.begin(), peer);
            while tls.is_handshaking() {
                tls.complete_io(&mut peer).unwrap();
            }
            let mut answer = [0; 6];
            rustls::Stream::new(&mut tls, &mut peer).read_exact(&mut answer).unwrap();
            let mut packet = Vec::new();
            tls.send_close_notify();
            while tls.wants_write() {
                tls.write_tls(&mut packet).unwrap();
            }
            packet.extend_from_slice(b"PWD\r\n");
            peer.write_all(&packet).unwrap();
            peer
        });
        server.accept_tls(&site.tls, None, LONG).await.unwrap();
        server.clear_tls(b"200 \r\n", LONG).await.unwrap();
        let _peer = client.await.unwrap();
        assert!(!server.is_protected());
        until_waiting(&server, Waiting::Bytes).await;
        assert_eq!(read(&server, 5).await, b"PWD\r\n");
        // Between two of ours, and to TLS again.
        let login = site.login(versions).await;
        let (server, client) = (&login.server, &login.client);
        let client_end = async {
            assert_eq!(read(client, 6).await, b"200 \r\n");
            client.clear_tls(&[], LONG).await
        };
        let (done, connected) = tokio::join!(server.clear_tls(b"200 \r\n", LONG), client_end);
        done.unwrap();
        connected.unwrap();
        client.write_all(b"AUTH TLS\r\n").await.unwrap();
        assert_eq!(read(server, 10).await, b"AUTH TLS\r\n");
        let tls = site.client(versions);
        let client_end = async {
            assert_eq!(read(client, NOW.answer.len()).await, NOW.answer);
            client.connect_tls(&tls, NAME, Some(BEHIND_234), LONG).await
        };
        let (accepted, connected) = tokio::join!(server.accept_tls(&site.tls, Some(NOW), LONG), client_end);
        accepted.unwrap();
        connected.unwrap();
    }
}

#[tokio::test]
async fn an_end_without_close_notify_is_told_from_one_with_it() {
    let site = Site::new();
    let login = site.login(BOTH[1]).await;
    login.client.write_all(b"NOOP\r\n").await.unwrap();
    drop(login.client);
    assert_eq!(read(&login.server, 6).await, b"NOOP\r\n");
    let end = login.server.read(&mut Vec::new()).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_recognised() {
    let site = Site::new();
    let (server, mut peer) = stranger().await;
    peer.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    match server.accept_tls(&site.tls, None, LONG).await {
        Err(UpgradeError::Handshake(HandshakeError::NotTls(first))) => {
            assert_eq!(first, b"GET / HTTP/1.1\r\n");
        }
        other => panic!("{other:?}"),
    }
    let (server, client) = controls().await;
    server.write_all(b"220 Welcome.\r\n").await.unwrap();
    let tls = site.client(BOTH[0]);
    match client.connect_tls(&tls, NAME, None, LONG).await {
        Err(UpgradeError::Handshake(HandshakeError::NotTls(first))) => assert_eq!(first, b"220 Welcome.\r\n"),
        other => panic!("{other:?}"),
    }
    let (server, peer) = stranger().await;
    drop(peer);
    let gone = server.accept_tls(&site.tls, None, LONG).await;
    assert!(matches!(gone, Err(UpgradeError::Handshake(HandshakeError::Closed))), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_does_not_keep_a_handshake() {
    let site = Site::new();
    let (server, mut peer) = stranger().await;
    peer.write_all(&[0x16, 3, 1, 2]).unwrap();
    let late = server.accept_tls(&site.tls, None, LONG).await;
    assert!(matches!(late, Err(UpgradeError::Handshake(HandshakeError::Late(LONG)))), "{late:?}");
    assert_eq!(server.read(&mut Vec::new()).await.unwrap_err().kind(), ErrorKind::NotConnected);
}

#[tokio::test]
async fn only_ftp_can_be_asked_for() {
    let site = Site::new();
    for versions in BOTH {
        for (alpn, taken) in [
            (&[][..], true),
            (&["ftp"], true),
            (&["x-filezilla-ftp", "ftp"], true),
            (&["http/1.1"], false),
            (&["h2", "http/1.1"], false),
            (&["ftp-data"], true),
            (&["x-filezilla-ftp"], false),
            (&["imap"], false),
        ] {
            let (server, peer) = stranger().await;
            let eve = Stranger::new(alpn, version(versions));
            let visit = spawn_blocking(move || eve.visit(peer, false));
            let accepted = server.accept_tls(&site.tls, None, LONG).await;
            assert_eq!(accepted.is_ok(), taken, "{alpn:?}: {accepted:?}");
            drop(server);
            assert_eq!(visit.await.unwrap().is_ok(), taken, "{alpn:?}");
        }
    }
}
