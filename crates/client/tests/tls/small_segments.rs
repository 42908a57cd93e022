//! Does the client get through where large packets are swallowed, which stops TLS before anything else?
use std::sync::Arc;
use std::time::Duration;

use client::{Error, Known, Mode, Options, Progress, SessionSpec, Sink, TlsMode};
use net::tls::Versions;

use crate::peer::Peer;
use crate::{anybody, path, reach_as};

/// Long enough for a handshake over loopback on a machine that does much else.
const QUIET: Duration = Duration::from_secs(2);
/// The largest segment that loopback would take is fifty times that.
const SMALL_SEGMENT: std::ops::RangeInclusive<u32> = 1100..=1200;

fn options(tls: TlsMode) -> Options {
    let mut options = Options { tls, mode: Mode::Passive, ..Options::default() };
    options.patience.quiet = QUIET;
    options
}

#[tokio::test]
async fn a_handshake_that_stands_still_is_begun_anew_in_small_segments_and_that_is_told_once() {
    for tls in [TlsMode::Required, TlsMode::Implicit] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.swallows(tls).await;
            assert!(!SMALL_SEGMENT.contains(&peer.segment()), "the first call is as any other");
            peer.open(tls).await;
            assert!(SMALL_SEGMENT.contains(&peer.segment()), "segments of {} bytes", peer.segment());
            peer.login().await;
            peer.passive().await;
            peer.hears("STOR a").await;
            peer.say("150 go on").await;
            assert_eq!(peer.receives().await, b"abc");
            peer.say("226 got it").await;
            peer.hears("SIZE a").await;
            peer.say("213 3").await;
        });
        let (client, seen) = reach_as(port, options(tls), anybody()).await;
        let progress = Arc::new(Progress::default());
        client.unwrap().store(&path(), crate::holding(b"abc"), &progress).await.unwrap();
        served.await.unwrap();
        let text = seen.text();
        assert!(text.contains("stood still for 2 s: what we said has arrived"), "{text}");
        assert_eq!(text.matches("small segments get through here").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn one_that_stands_still_in_small_segments_too_is_an_error_that_does_not_blame_the_server() {
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.swallows(TlsMode::Required).await;
        peer.swallows(TlsMode::Required).await;
    });
    let mut options = options(TlsMode::Required);
    (options.patience.quiet, options.patience.reply) = (Duration::from_millis(50), Duration::from_secs(1));
    let (result, seen) = reach_as(port, options, anybody()).await;
    let Err(error @ Error::HandshakeStalled { .. }) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("stood still for 1 s"), "{error}");
    assert!(!seen.text().contains("small segments get through"), "{}", seen.text());
    served.await.unwrap();
}

#[tokio::test]
async fn a_data_connection_whose_handshake_stands_still_is_tried_once_more_and_the_pipe_is_not_read_before() {
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.open(TlsMode::Required).await;
        peer.login().await;
        peer.hears("SIZE a").await;
        peer.say("550 no such file").await;
        peer.passive().await;
        peer.hears("STOR a").await;
        peer.say("150 go on").await;
        peer.swallows_data().await;
        peer.open(TlsMode::Required).await;
        peer.login().await;
        peer.passive().await;
        peer.hears("STOR a").await;
        peer.say("150 go on").await;
        assert_eq!(peer.receives().await, b"abc");
        peer.say("226 got it").await;
        peer.hears("SIZE a").await;
        peer.say("213 3").await;
        // And a download does not begin at its own stall again.
        peer.hears("SIZE a").await;
        peer.say("213 3").await;
        peer.passive().await;
        peer.hears("RETR a").await;
        peer.say("150 here it comes").await;
        peer.sends(b"abc").await;
        peer.say("226 that was it").await;
    });
    let (client, seen) = reach_as(port, options(TlsMode::Required), anybody()).await;
    let mut client = client.unwrap();
    let progress = Arc::new(Progress::default());
    let mut pieces = [Vec::new(), b"abc".to_vec()];
    let mut left = pieces.len();
    let give = Box::new(move || {
        // What is asked for after the end is a fault.
        left = left.checked_sub(1).expect("it was read twice");
        Ok(std::mem::take(&mut pieces[left]))
    });
    assert_eq!(client.store_stream(&path(), give, &progress).await.unwrap(), 3);
    let mut came = Vec::new();
    let mut take = |piece: &[u8]| {
        came.extend_from_slice(piece);
        Ok(())
    };
    client.retrieve(&path(), 0, Sink::Bytes(&mut take), &progress).await.unwrap();
    assert_eq!(came, b"abc");
    served.await.unwrap();
    assert_eq!(seen.text().matches("small segments get through here").count(), 1, "{}", seen.text());
}

#[tokio::test]
async fn where_it_is_known_small_segments_come_first() {
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.accept().await;
        peer.say("220 ready").await;
        assert_eq!(peer.next_line().await, None, "nothing is said on the first connection");
        peer.open(TlsMode::Required).await;
        assert!(SMALL_SEGMENT.contains(&peer.segment()), "segments of {} bytes", peer.segment());
        peer.login().await;
    });
    let site = client::Endpoint { host: "127.0.0.1".to_owned(), port };
    let credentials =
        client::Credentials { user: b"ada".to_vec(), password: wire::Secret::new("hunter2"), account: None };
    let known = Known { small_segments: true, ..Known::default() };
    let spec = SessionSpec {
        options: options(TlsMode::Required),
        security: Some(anybody()),
        recall: Some(Arc::new(move |_, _| known)),
        ..SessionSpec::new(site, credentials)
    };
    let watch =
        Arc::new(|event: &client::Event| assert!(!event.to_string().contains("small segments"), "{event}"));
    let client = client::Client::open(spec, watch).await.unwrap();
    assert_eq!(
        client.learned(),
        Known { method: Some(client::DataMethod::Epsv), tls_required: true, ..known }
    );
    served.await.unwrap();
}
