//! Can TLS be taken away from a client that was offered it, or an upload under it be cut so that it looks
//! whole?
use std::io::ErrorKind;
use std::sync::Arc;

use client::{Error, Progress, TlsMode};
use net::pump::PumpError;
use net::tls::Versions;
use tokio::sync::oneshot;

use crate::peer::Peer;
use crate::{anybody, holding, insecure, path, reach};

#[tokio::test]
async fn a_session_that_had_tls_is_not_followed_by_one_without() {
    for refusal in ["502 no such command", "421 too busy", "234 go on"] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.passive().await;
            peer.hears("STOR a").await;
            peer.say("150 go on").await;
            assert_eq!(peer.receives().await, b"abcdef");
            // The control connection is cut, and somebody else answers the next one.
            loop {
                peer.accept().await;
                peer.say("220 ready").await;
                peer.hears("AUTH TLS").await;
                peer.say(refusal).await;
                if refusal.starts_with("234") {
                    peer.say("220 I speak no TLS").await;
                }
                while let Some(line) = peer.next_line().await {
                    assert!(!line.contains("USER") && !line.contains("PASS"), "it said {line}");
                }
                if !refusal.starts_with("421") {
                    break;
                }
            }
        });
        let (client, seen) = reach(port, TlsMode::Offered, anybody()).await;
        let progress = Arc::new(Progress::default());
        let stored = client.unwrap().store(&path(), holding(b"abcdef"), &progress).await;
        let error = stored.map(drop).unwrap_err();
        if refusal.starts_with("502") {
            assert!(
                matches!(&error, Error::Insecure { what, .. } if what.contains("used TLS earlier in this command")),
                "{error}"
            );
        }
        assert_eq!(seen.text().matches("PASS").count(), 1, "{}", seen.text());
        served.abort();
    }
}

#[tokio::test]
async fn any_2yz_to_auth_begins_tls() {
    for answer in [&b"200 AUTH command ok; starting SSL connection...\r\n"[..], b"334 go on\r\n"] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open_with(answer).await;
            peer.login().await;
        });
        let (client, _) = reach(port, TlsMode::Offered, anybody()).await;
        assert!(client.unwrap().is_protected());
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_yes_without_tls_behind_it_hears_no_password() {
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.accept().await;
        peer.say("220 ready").await;
        peer.hears("AUTH TLS").await;
        peer.say("200 yes").await;
        peer.say("220 but I do not").await;
        while let Some(line) = peer.next_line().await {
            assert!(!line.contains("USER"), "it said {line}");
        }
    });
    let (client, _) = reach(port, TlsMode::Offered, anybody()).await;
    insecure(client);
    served.await.unwrap();
}

#[tokio::test]
async fn a_broken_upload_under_tls_ends_with_a_reset_and_no_close_notify() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let mut peer = Peer::start(versions);
        let port = peer.port();
        let (tell, begun) = oneshot::channel();
        let (end, done) = oneshot::channel();
        let served = tokio::spawn(async move {
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.hears("SIZE a").await;
            peer.say("550 no such file").await;
            peer.passive().await;
            peer.hears("STOR a").await;
            peer.say("150 go on").await;
            let told = || tell.send(()).expect("the client waits");
            let end = peer.sees_the_end(told, done).await;
            assert!(
                matches!(&end, PumpError::Peer(error) if error.kind() == ErrorKind::ConnectionReset),
                "{end:?}"
            );
        });
        let (client, _) = reach(port, TlsMode::Required, anybody()).await;
        let mut client = client.unwrap();
        let file = holding(b"");
        // More than all buffers on the way hold.
        file.set_len(64 << 20).unwrap();
        let (path, progress) = (path(), Arc::new(Progress::default()));
        tokio::select! {
            stored = client.store(&path, file, &progress) => panic!("it was to be in the middle: {stored:?}"),
            _ = begun => {}
        }
        drop(client);
        end.send(()).unwrap();
        served.await.unwrap();
    }
}
