//! Do the same bytes come out by every route, and under TLS, is a cut file told from a whole one?
use std::io::{Read, Write};

use net::active::ActivePort;
use net::data::{Data, UploadEnd};
use net::pump::{self, Progress, PumpError};
use net::tls::{Flow, Reuse, Versions};
use proptest::prelude::*;
use tokio::task::spawn_blocking;

use super::scene::{BOTH, Login, STALL, Site, Stranger, datas, version};
use crate::scene::{HERE, LONG, connect, content, file_of, pattern};

/// The two ends of a data connection, the server's and the client's: under TLS for a login.
async fn ends(login: Option<&Login>, flow: Flow) -> (Data, Data) {
    match login {
        Some(login) => login.data(Reuse::Require, flow).await,
        None => datas().await,
    }
}

async fn send_file(data: &mut Data, bytes: &[u8], from: usize) {
    let (file, progress, length) = (file_of(bytes), Progress::default(), bytes.len() as u64);
    let sent = pump::send_file(data, &file, from as u64..length, STALL, &progress).await.unwrap();
    assert_eq!((sent, progress.bytes()), (length - from as u64, length - from as u64));
}

async fn send(data: &mut Data, bytes: &[u8], piece: usize) {
    let progress = Progress::default();
    for part in bytes.chunks(piece) {
        pump::send(data, part, STALL, &progress).await.unwrap();
    }
    assert_eq!(progress.bytes(), bytes.len() as u64);
}

async fn receive_file(data: &mut Data, at: usize) -> Vec<u8> {
    let (file, progress) = (file_of(&vec![b'#'; at]), Progress::default());
    let got = pump::receive_file(data, &file, at as u64, None, STALL, &progress).await.unwrap();
    assert_eq!(progress.bytes(), got);
    let all = content(&file);
    assert!(all[..at].iter().all(|byte| *byte == b'#'), "what was before the offset is touched");
    all[at..].to_vec()
}

async fn receive(data: &mut Data) -> Vec<u8> {
    let (mut got, progress) = (Vec::new(), Progress::default());
    while pump::receive(data, &mut got, STALL, &progress).await.unwrap() > 0 {}
    assert_eq!(progress.bytes(), got.len() as u64);
    got
}

/// By every route, from a server of ours to a client of ours and back.
async fn by_all_routes(login: Option<&Login>, bytes: &[u8], from: usize, piece: usize) {
    let (mut server, mut client) = ends(login, Flow::Sends).await;
    let give = async {
        send_file(&mut server, bytes, from).await;
        server.finish(LONG).await;
    };
    let (got, ()) = tokio::join!(receive(&mut client), give);
    assert!(got == bytes[from..], "send_file, receive");
    client.finish(LONG).await;
    let (mut server, mut client) = ends(login, Flow::Receives).await;
    let take = async {
        let got = receive_file(&mut server, from).await;
        server.finish(LONG).await;
        got
    };
    let give = async {
        send(&mut client, bytes, piece).await;
        client.end_upload(LONG).await
    };
    let (got, end) = tokio::join!(take, give);
    assert!(got == bytes, "send, receive_file");
    assert!(matches!(end, UploadEnd::Whole), "{end:?}");
}

fn size() -> impl Strategy<Value = usize> {
    let edges = [0, 1, 4096, 16 << 10, (16 << 10) + 1, 64 << 10, 256 << 10, (256 << 10) + 1, (1 << 20) + 3];
    prop_oneof![proptest::sample::select(edges.to_vec()), 0..200_000usize, 0..2_000_000usize]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn every_route_moves_the_same_bytes(size in size(), from in 0.0..1.0f64, piece in 1000..300_000usize) {
        let bytes = pattern(size);
        let from = (size as f64 * from) as usize;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = Site::new();
            for versions in BOTH {
                by_all_routes(Some(&site.login(versions).await), &bytes, from, piece).await;
            }
            by_all_routes(None, &bytes, from, piece).await;
            by_all_routes(None, &pattern(4 * size), from, piece).await;
        });
    }
}

/// A client's ciphertext of 64 KiB, up to and without close_notify, and the server's end that it is for.
async fn ciphertext(
    login: &Login,
    versions: Versions,
    bytes: &[u8],
    ends: bool,
) -> (Data, std::net::TcpStream, Vec<u8>) {
    let awaited = ActivePort::bind(HERE, None, None).unwrap();
    let mut socket = connect(HERE, awaited.local());
    let eve = Stranger::new(&["ftp-data"], version(versions));
    let bytes = bytes.to_vec();
    let client = spawn_blocking(move || {
        let mut tls = eve.begin();
        tls.set_buffer_limit(None);
        while tls.is_handshaking() {
            tls.complete_io(&mut socket).unwrap();
        }
        tls.writer().write_all(&bytes).unwrap();
        if ends {
            tls.send_close_notify();
        }
        let mut records = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut records).unwrap();
        }
        (socket, records)
    });
    let data = awaited.connection(HERE).await.unwrap();
    let data = data.accept_tls(&login.binding, Reuse::Off, Flow::Receives, LONG).await.unwrap();
    let (socket, records) = client.await.unwrap();
    (data, socket, records)
}

#[tokio::test]
async fn an_upload_that_is_cut_anywhere_is_not_whole_and_keeps_what_came() {
    let (site, bytes) = (Site::new(), pattern(64 << 10));
    for versions in BOTH {
        let login = site.login(versions).await;
        for cut in (0..=64).map(|n| n << 10) {
            let (mut data, mut socket, records) = ciphertext(&login, versions, &bytes, false).await;
            socket.write_all(&records[..cut]).unwrap();
            drop(socket);
            let mut got = Vec::new();
            let ended = loop {
                match pump::receive(&mut data, &mut got, STALL, &Progress::default()).await {
                    Ok(0) => panic!("taken for whole after {cut} bytes"),
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            // An end between two records may be a peer that leaves out close_notify; one within a record is
            // none.
            match ended {
                PumpError::Truncated => assert_eq!(cut, 0),
                PumpError::Peer(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted),
                other => panic!("{other:?}"),
            }
            // Every record that came whole: 16 KiB and at most 40 bytes around it each.
            let records = cut / ((16 << 10) + 40);
            assert!(got.len() >= records * (16 << 10) && got == bytes[..got.len()], "{} of {cut}", got.len());
        }
        // The same into a file; and whole with close_notify, without which all bytes are not enough.
        for ends in [false, true] {
            let (mut data, mut socket, records) = ciphertext(&login, versions, &bytes, ends).await;
            socket.write_all(&records).unwrap();
            drop(socket);
            let file = file_of(&[]);
            let got = pump::receive_file(&mut data, &file, 0, None, STALL, &Progress::default()).await;
            match got {
                Ok(length) => assert!(ends && length == 64 << 10),
                Err(PumpError::Truncated) => assert!(!ends),
                Err(other) => panic!("{other:?}"),
            }
            assert!(content(&file) == bytes);
        }
    }
}

#[tokio::test]
async fn a_forged_record_is_the_peers_fault_and_nothing_of_it_is_taken() {
    let (site, bytes) = (Site::new(), pattern(64 << 10));
    for versions in BOTH {
        let login = site.login(versions).await;
        let (mut data, mut socket, mut records) = ciphertext(&login, versions, &bytes, true).await;
        records[40_000] ^= 1;
        socket.write_all(&records).unwrap();
        let file = file_of(&[]);
        let got = pump::receive_file(&mut data, &file, 0, None, STALL, &Progress::default()).await;
        assert!(matches!(got, Err(PumpError::Peer(_))), "{got:?}");
        assert!(content(&file) == bytes[..32 << 10]);
    }
}

#[tokio::test]
async fn what_is_only_dropped_looks_cut_and_what_is_finished_whole() {
    let site = Site::new();
    for versions in BOTH {
        let login = site.login(versions).await;
        for finished in [false, true] {
            let (mut server, mut client) = login.data(Reuse::Require, Flow::Sends).await;
            send(&mut server, b"a part", 10).await;
            if finished {
                server.finish(LONG).await;
            } else {
                drop(server);
            }
            let (mut got, progress) = (Vec::new(), Progress::default());
            let ended = loop {
                match pump::receive(&mut client, &mut got, STALL, &progress).await {
                    Ok(0) => break true,
                    Ok(_) => {}
                    Err(PumpError::Truncated) => break false,
                    Err(other) => panic!("{other:?}"),
                }
            };
            assert_eq!((ended, &got[..]), (finished, &b"a part"[..]));
        }
    }
}

#[tokio::test]
async fn a_file_that_ends_early_is_sent_and_reported() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    for (login, length) in [(None, 5000), (None, 3 << 20), (Some(&login), 700_000)] {
        let (mut server, mut client) = ends(login, Flow::Sends).await;
        let (bytes, expected) = (pattern(length), length as u64 + 1_500_000);
        let give = async {
            let sent =
                pump::send_file(&mut server, &file_of(&bytes), 0..expected, STALL, &Progress::default())
                    .await;
            let Err(PumpError::Short { sent, expected: told }) = sent else { panic!("{sent:?}") };
            assert_eq!((sent, told), (length as u64, expected));
            server.finish(LONG).await;
        };
        let (got, ()) = tokio::join!(receive(&mut client), give);
        assert!(got == bytes);
    }
}

#[tokio::test]
async fn a_limit_is_kept_and_the_rest_left_unread() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    let bytes = pattern(2 << 20);
    for login in [None, Some(&login)] {
        for limit in [0, 1000, 64 << 10, 100_000, (1 << 20) + 5] {
            let (mut server, mut client) = ends(login, Flow::Sends).await;
            let give = async {
                send(&mut server, &bytes, 1 << 20).await;
                server.finish(LONG).await;
            };
            let take = async {
                let (file, progress) = (file_of(&[]), Progress::default());
                let got = pump::receive_file(&mut client, &file, 0, Some(limit), STALL, &progress).await;
                assert_eq!(got.unwrap(), limit);
                assert!(content(&file) == bytes[..limit as usize]);
                receive(&mut client).await
            };
            let (rest, ()) = tokio::join!(take, give);
            assert!(rest == bytes[limit as usize..], "after {limit}");
        }
    }
}

#[tokio::test]
async fn a_silent_peer_stalls_every_route() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    let (mut server, _client) = login.data(Reuse::Require, Flow::Sends).await;
    tokio::time::pause();
    let (file, progress) = (file_of(&[]), Progress::default());
    let stalled = |result| assert!(matches!(result, Err(PumpError::Stalled(STALL))), "{result:?}");
    stalled(pump::receive(&mut server, &mut Vec::new(), STALL, &progress).await.map(drop));
    stalled(pump::receive_file(&mut server, &file, 0, None, STALL, &progress).await.map(drop));
    stalled(pump::send(&mut server, &pattern(64 << 20), STALL, &progress).await);
}

#[tokio::test]
async fn a_client_that_asks_for_the_wrong_protocol_gets_no_data() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    for (alpn, taken) in [("ftp-data", true), ("ftp", true), ("http/1.1", false)] {
        let eve = Stranger::new(&[alpn], &rustls::version::TLS13);
        let (accepted, visited) = eve.comes(&login.binding, Reuse::Off, Flow::Sends, false).await;
        assert_eq!((accepted.is_ok(), visited.is_ok()), (taken, taken), "{alpn}: {accepted:?}");
    }
}

#[tokio::test]
async fn an_upload_is_whole_though_the_server_sent_tickets_unasked() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    // The first uses of the store do not yet make the server send any; later ones do.
    for _ in 0..12 {
        let (mut server, mut client) = login.data(Reuse::Require, Flow::Receives).await;
        let bytes = pattern(300_000);
        let (got, end) = tokio::join!(
            async {
                let got = receive(&mut server).await;
                server.finish(LONG).await;
                got
            },
            async {
                send(&mut client, &bytes, 1 << 20).await;
                client.end_upload(LONG).await
            }
        );
        assert!(got == bytes);
        assert!(matches!(end, UploadEnd::Whole), "{end:?}");
    }
}

#[tokio::test]
async fn the_end_of_an_upload_is_told_from_a_broken_one() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    let (server, mut client) = login.data(Reuse::Require, Flow::Receives).await;
    send(&mut client, b"a part", 10).await;
    drop(server);
    let end = client.end_upload(LONG).await;
    assert!(matches!(end, UploadEnd::Cut | UploadEnd::Broken(_)), "{end:?}");
    // Without TLS the end of TCP is all there is.
    let (data, mut peer) = crate::scene::pair().await;
    let peer = spawn_blocking(move || peer.read_to_end(&mut Vec::new()).unwrap());
    assert!(matches!(data.end_upload(LONG).await, UploadEnd::Whole));
    peer.await.unwrap();
}
