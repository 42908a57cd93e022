//! Does the client get through where large packets are swallowed, which stops TLS before anything else?
use std::sync::Arc;
use std::time::Duration;

use client::{Error, Known, Options, Progress, SessionSpec, TlsMode};
use net::tls::Versions;

use crate::peer::Peer;
use crate::{Seen, meet, path, play, retrieve, spec, store};

/// Long enough for a handshake over loopback on a machine that does much else.
const QUIET: Duration = Duration::from_secs(2);
/// The largest segment that loopback would take is fifty times that.
const SMALL_SEGMENT: std::ops::RangeInclusive<u32> = 1100..=1200;

fn options(tls: TlsMode) -> Options {
    let mut options = Options { mode: client::Mode::Passive, tls, ..Options::default() };
    options.patience.quiet = QUIET;
    options
}

#[tokio::test]
async fn a_handshake_that_stands_still_is_begun_anew_in_small_segments_and_that_is_told_once() {
    for tls in [TlsMode::Required, TlsMode::Implicit] {
        let part = async |peer: &mut Peer| {
            peer.swallows(tls).await;
            assert!(!SMALL_SEGMENT.contains(&peer.segment()), "the first call is as any other");
            peer.open(tls).await;
            assert!(SMALL_SEGMENT.contains(&peer.segment()), "segments of {} bytes", peer.segment());
            peer.login().await;
            peer.takes(b"abc").await;
        };
        meet(Versions::Both, options(tls), part, async |mut client, seen: Seen| {
            store(&mut client, b"abc").await.unwrap();
            let text = seen.text();
            assert!(text.contains("stood still for 2 s: what we said has arrived"), "{text}");
            assert_eq!(text.matches("small segments get through here").count(), 1, "{text}");
        })
        .await;
    }
}

#[tokio::test]
async fn one_that_stands_still_in_small_segments_too_is_an_error_that_does_not_blame_the_server() {
    let part = async |peer: &mut Peer| {
        peer.swallows(TlsMode::Required).await;
        peer.swallows(TlsMode::Required).await;
    };
    let mut options = options(TlsMode::Required);
    (options.patience.quiet, options.patience.reply) = (Duration::from_millis(50), Duration::from_secs(1));
    let spec = |port| spec(port, options);
    play(Peer::start(Versions::Both), spec, part, async |result, seen| {
        let Err(error @ Error::HandshakeStalled { .. }) = result else { panic!("{result:?}") };
        assert!(error.to_string().contains("stood still for 1 s"), "{error}");
        assert!(!seen.text().contains("small segments get through"), "{}", seen.text());
    })
    .await;
}

#[tokio::test]
async fn a_data_connection_whose_handshake_stands_still_is_tried_once_more_and_the_pipe_is_not_read_before() {
    let part = async |peer: &mut Peer| {
        peer.enter(TlsMode::Required).await;
        peer.answers(&[("SIZE a", "550 no such file")]).await;
        peer.starts("STOR a").await;
        peer.swallows_data().await;
        peer.enter(TlsMode::Required).await;
        peer.takes(b"abc").await;
        // And a download does not begin at its own stall again.
        peer.gives(b"abc").await;
    };
    meet(Versions::Both, options(TlsMode::Required), part, async |mut client, seen: Seen| {
        let mut pieces = [Vec::new(), b"abc".to_vec()];
        let mut left = pieces.len();
        let give = Box::new(move || {
            // What is asked for after the end is a fault.
            left = left.checked_sub(1).expect("it was read twice");
            Ok(std::mem::take(&mut pieces[left]))
        });
        let progress = Arc::new(Progress::default());
        assert_eq!(client.store_stream(&path(), give, &progress).await.unwrap(), 3);
        let (result, came) = retrieve(&mut client).await;
        result.unwrap();
        assert_eq!(came, b"abc");
        assert_eq!(seen.text().matches("small segments get through here").count(), 1, "{}", seen.text());
    })
    .await;
}

#[tokio::test]
async fn where_it_is_known_small_segments_come_first() {
    let part = async |peer: &mut Peer| {
        peer.greets(&[]).await;
        // Nothing is said on the first connection.
        peer.hears_no_more().await;
        peer.open(TlsMode::Required).await;
        assert!(SMALL_SEGMENT.contains(&peer.segment()), "segments of {} bytes", peer.segment());
        peer.login().await;
    };
    let known = Known { small_segments: true, ..Known::default() };
    let spec = |port| SessionSpec {
        recall: Some(Arc::new(move |_, _| known)),
        ..spec(port, options(TlsMode::Required))
    };
    play(Peer::start(Versions::Both), spec, part, async |client, seen| {
        let learned = client.unwrap().learned();
        let method = Some(client::DataMethod::Epsv);
        assert_eq!(learned, Known { method, tls_required: true, ..known });
        assert!(!seen.text().contains("small segments"), "{}", seen.text());
    })
    .await;
}
