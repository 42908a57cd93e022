//! Does each data connection resume the session of the control connection, and is its end believed only where
//! it is one?
use std::io::ErrorKind;

use client::{Error, Options, TlsEnd, TlsMode};
use net::pump::PumpError;
use net::tls::Versions;
use tokio::sync::oneshot;

use crate::peer::Peer;
use crate::{BOTH, Seen, meet, options, retrieve, store, store_file};

#[tokio::test]
async fn every_data_connection_of_a_long_session_resumes() {
    for versions in BOTH {
        for tls in [TlsMode::Required, TlsMode::Implicit] {
            let part = async |peer: &mut Peer| {
                peer.enter(tls).await;
                for n in 0..40 {
                    let bytes = vec![n; 100_000];
                    peer.takes(&bytes).await;
                    // Many uploads in a row, then both by turns.
                    if n >= 30 {
                        peer.gives(&bytes).await;
                    }
                }
            };
            meet(versions, options(tls), part, async |mut client, seen: Seen| {
                for n in 0..40 {
                    let bytes = vec![n; 100_000];
                    store(&mut client, &bytes).await.unwrap();
                    if n >= 30 {
                        let (result, came) = retrieve(&mut client).await;
                        result.unwrap();
                        assert!(came == bytes, "download {n} differs");
                    }
                }
                let resumed = seen.text().matches("resumes the control connection's session").count();
                assert_eq!(resumed, 50, "{versions:?} {tls:?}");
                assert!(!seen.text().contains("hunter2"));
            })
            .await;
        }
    }
}

#[tokio::test]
async fn another_certificate_on_the_data_connection_is_no_servers() {
    for versions in BOTH {
        let part = async |peer: &mut Peer| {
            peer.enter(TlsMode::Required).await;
            peer.answers(&[("SIZE a", "213 3")]).await;
            peer.starts("RETR a").await;
            assert!(peer.stranger().await.is_err(), "a client that takes any server");
        };
        let (result, came) = meet(versions, options(TlsMode::Required), part, async |mut client, _| {
            retrieve(&mut client).await
        })
        .await;
        let Err(Error::Insecure { what, .. }) = result else { panic!("{result:?}") };
        assert!(what.contains("another certificate") && came.is_empty(), "{what}");
    }
}

#[tokio::test]
async fn a_transfer_without_a_last_reply_is_asked_for_under_tls_again() {
    for versions in BOTH {
        let part = async |peer: &mut Peer| {
            peer.enter(TlsMode::Required).await;
            peer.takes_unconfirmed(b"abcdef").await;
            peer.enter(TlsMode::Required).await;
            peer.takes(b"abcdef").await;
            peer.answers(&[("SIZE a", "213 6")]).await;
            peer.starts("RETR a").await;
            peer.sends(b"abcdef").await;
            peer.enter(TlsMode::Required).await;
            peer.answers(&[("SIZE a", "213 6")]).await;
        };
        meet(versions, options(TlsMode::Required), part, async |mut client, seen: Seen| {
            store(&mut client, b"abcdef").await.unwrap();
            assert!(seen.text().contains("asking again in a new session"), "{}", seen.text());
            let (result, came) = retrieve(&mut client).await;
            result.unwrap();
            assert_eq!(came, b"abcdef");
            assert!(seen.text().contains("a is complete"), "{}", seen.text());
        })
        .await;
    }
}

/// The order that loses no byte: the end of TLS, the end of our stream, the peer's end, our close; then the
/// last reply counts, and only then is the site asked what it has.
#[tokio::test]
async fn an_upload_ends_in_order_before_it_is_asked_for() {
    for versions in BOTH {
        for tls in [TlsMode::Required, TlsMode::Implicit] {
            let part = async |peer: &mut Peer| {
                peer.enter(tls).await;
                peer.starts("STOR a").await;
                assert_eq!(peer.receives_and_lingers("226 got it").await, b"abcdef");
                peer.answers(&[("SIZE a", "213 6")]).await;
            };
            meet(versions, options(tls), part, async |mut client, _| {
                store(&mut client, b"abcdef").await.unwrap();
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_broken_upload_under_tls_ends_with_a_reset_and_no_close_notify() {
    for versions in BOTH {
        let ((tell, begun), (end, done)) = (oneshot::channel(), oneshot::channel());
        let part = async |peer: &mut Peer| {
            peer.enter(TlsMode::Required).await;
            peer.answers(&[("SIZE a", "550 no such file")]).await;
            peer.starts("STOR a").await;
            let told = || tell.send(()).expect("the client waits");
            let end = peer.sees_the_end(told, done).await;
            let is_reset =
                matches!(&end, PumpError::Peer(error) if error.kind() == ErrorKind::ConnectionReset);
            assert!(is_reset, "{end:?}");
        };
        meet(versions, options(TlsMode::Required), part, async |mut client, _| {
            let file = tempfile::tempfile().unwrap();
            // More than all buffers on the way hold.
            file.set_len(64 << 20).unwrap();
            tokio::select! {
                stored = store_file(&mut client, file) => panic!("it was to be in the middle: {stored:?}"),
                _ = begun => {}
            }
            drop(client);
            end.send(()).unwrap();
        })
        .await;
    }
}

/// IIS and others end data connections so. Once, `get` failed for it, and `get -c` then took the same bytes
/// unasked.
#[tokio::test]
async fn an_end_without_close_notify_is_believed_where_size_and_226_agree() {
    for (size, last) in
        [("213 6", "226 that was it"), ("213 7", "226 that was it"), ("213 6", "426 it was not")]
    {
        let part = async |peer: &mut Peer| {
            peer.enter(TlsMode::Required).await;
            peer.answers(&[("SIZE a", size)]).await;
            peer.starts("RETR a").await;
            peer.sends_and_drops(b"abcdef").await;
            peer.say(last).await;
            // The session stays until the client has said what it thinks.
            peer.next_line().await;
        };
        meet(Versions::Both, options(TlsMode::Required), part, async |mut client, seen: Seen| {
            let (result, came) = retrieve(&mut client).await;
            client.quit().await;
            assert_eq!(came, b"abcdef");
            if size == "213 6" && last.starts_with('2') {
                assert_eq!(result.unwrap(), 6);
                assert!(seen.text().contains("without the end of TLS"), "{}", seen.text());
            } else {
                assert!(matches!(result, Err(Error::Broken { .. })), "{result:?}");
            }
        })
        .await;
    }
}

/// What the client is told of a listing whose data connection ends so, and what becomes of it.
async fn listed(tls_end: TlsEnd, torn: bool) -> (Result<(), Error>, usize, String) {
    let part = async |peer: &mut Peer| {
        peer.enter(TlsMode::Required).await;
        peer.answers(&[("SYST", "215 VxWorks")]).await;
        peer.starts("LIST").await;
        let line = b"-rw-r--r-- 1 ftp ftp 4 Jan 01 2026 a\r\n";
        if torn {
            peer.sends_and_tears(line).await
        } else {
            peer.sends_and_drops(line).await
        }
        peer.say("226 that was it").await;
        peer.next_line().await;
    };
    let options = Options { tls_end, ..options(TlsMode::Required) };
    meet(Versions::Both, options, part, async |mut client, seen: Seen| {
        let mut entries = 0;
        let mut each = |_| {
            entries += 1;
            Ok(())
        };
        let result = client.list(None, &mut each).await.map(drop);
        client.quit().await;
        (result, entries, seen.text())
    })
    .await
}

#[tokio::test]
async fn a_listing_without_close_notify_is_believed_where_that_is_asked_for_and_a_torn_record_never() {
    let error = listed(TlsEnd::Strict, false).await.0.unwrap_err().to_string();
    assert!(error.contains("--tls-end lenient") && error.contains("close_notify"), "{error}");
    let (result, entries, seen) = listed(TlsEnd::Lenient, false).await;
    result.unwrap();
    assert!(entries == 1 && seen.contains("may have cut it short"), "{seen}");
    for tls_end in [TlsEnd::Strict, TlsEnd::Lenient] {
        let error = listed(tls_end, true).await.0.unwrap_err().to_string();
        assert!(error.contains("middle of a TLS record"), "{error}");
    }
}
