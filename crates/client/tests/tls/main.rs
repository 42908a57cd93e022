//! Does the client protect what it says, whatever a server does about it?
//!
//! The servers are scripted, over loopback, with TLS of our own on both connections.
mod kept;
mod peer;
mod small_segments;

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::security::{Judge, Refusal};
use client::{
    Client, Credentials, Endpoint, Error, Mode, Options, Progress, Security, SessionSpec, Sink, TlsEnd,
    TlsMode, no_watcher,
};
use net::tls::Versions;
use net::tls::client::{Roots, Settings, Trust};
use net::tls::identity::Identity;
use net::tls::server::{ClientCertificates, ClientTrust};
use wire::{Pathname, Secret};

use peer::Peer;

const BOTH: [Versions; 2] = [Versions::Tls12, Versions::Tls13];

fn taking(judge: Judge) -> Security {
    let other = Identity::self_signed(&["roots.example".to_owned()]).unwrap();
    let trust = Trust::Report(Roots::from_pem(other.certificate.as_bytes()).unwrap());
    Security { settings: Settings { trust, versions: Versions::Both, identity: None }, judge }
}

fn anybody() -> Security {
    taking(Arc::new(|_| Ok(())))
}

/// Everything that was said and heard.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

async fn reach(port: u16, tls: TlsMode, security: Security) -> (Result<Client, Error>, Seen) {
    let mut options = Options { tls, mode: Mode::Passive, ..Options::default() };
    options.patience.last = Duration::from_millis(300);
    reach_as(port, options, security).await
}

async fn reach_as(port: u16, options: Options, security: Security) -> (Result<Client, Error>, Seen) {
    let seen = Seen::default();
    let events = Arc::clone(&seen.0);
    let site = Endpoint { host: "127.0.0.1".to_owned(), port };
    let watch = Arc::new(move |event: &client::Event| events.lock().unwrap().push(event.to_string()));
    let credentials = Credentials { user: b"ada".to_vec(), password: Secret::new("hunter2"), account: None };
    let spec = SessionSpec { options, security: Some(security), ..SessionSpec::new(site, credentials) };
    (Client::open(spec, watch).await, seen)
}

fn insecure(result: Result<Client, Error>) -> (String, String) {
    match result {
        Err(Error::Insecure { what, todo }) => (what, todo),
        other => panic!("{other:?}"),
    }
}

fn path() -> Pathname {
    Pathname::new("a").unwrap()
}

fn holding(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

#[tokio::test]
async fn every_data_connection_of_a_long_session_resumes() {
    for versions in BOTH {
        for tls in [TlsMode::Required, TlsMode::Implicit] {
            let mut peer = Peer::start(versions);
            let port = peer.port();
            let served = tokio::spawn(async move {
                peer.open(tls).await;
                peer.login().await;
                for n in 0..40 {
                    peer.passive().await;
                    peer.hears("STOR a").await;
                    peer.say("150 go on").await;
                    let got = peer.receives().await;
                    assert_eq!(got, vec![n; 100_000], "upload {n}");
                    peer.say("226 got it").await;
                    peer.hears("SIZE a").await;
                    peer.say("213 100000").await;
                    // Many uploads in a row, then both by turns.
                    if n < 30 {
                        continue;
                    }
                    peer.hears("SIZE a").await;
                    peer.say("213 100000").await;
                    peer.passive().await;
                    peer.hears("RETR a").await;
                    peer.say("150 here it comes").await;
                    peer.sends(&got).await;
                    peer.say("226 that was it").await;
                }
            });
            let (client, seen) = reach(port, tls, anybody()).await;
            let mut client = client.unwrap();
            for n in 0..40 {
                let bytes = vec![n; 100_000];
                let progress = Arc::new(Progress::default());
                client.store(&path(), holding(&bytes), &progress).await.unwrap();
                if n < 30 {
                    continue;
                }
                let mut came = Vec::new();
                let mut take = |piece: &[u8]| {
                    came.extend_from_slice(piece);
                    Ok(())
                };
                let progress = Arc::new(Progress::default());
                client.retrieve(&path(), 0, Sink::Bytes(&mut take), &progress).await.unwrap();
                assert!(came == bytes, "download {n} differs");
            }
            served.await.unwrap();
            let resumed = seen.text().matches("resumes the control connection's session").count();
            assert_eq!(resumed, 50, "{versions:?} {tls:?}");
            assert!(!seen.text().contains("hunter2"));
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_refused_hears_no_password() {
    let mut peer = Peer::start(Versions::Both);
    let (port, print) = (peer.port(), peer.fingerprint());
    let served = tokio::spawn(async move {
        peer.open(TlsMode::Required).await;
        assert_eq!(peer.next_line().await, None, "nothing is said to a stranger");
    });
    let judge: Judge = Arc::new(move |shown| {
        assert_eq!(shown.fingerprint, print);
        assert!(shown.doubt.is_some());
        Err(Refusal { why: "not the site".to_owned(), todo: "go home".to_owned() })
    });
    let (result, _) = reach(port, TlsMode::Required, taking(judge)).await;
    assert_eq!(insecure(result), ("not the site".to_owned(), "go home".to_owned()));
    served.await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_left_or_spoken_to_in_clear_as_was_asked() {
    for tls in [TlsMode::Required, TlsMode::Offered] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.accept().await;
            peer.say("220 ready").await;
            peer.hears("AUTH TLS").await;
            peer.say("502 no").await;
            if tls == TlsMode::Offered {
                peer.hears("USER ada").await;
                peer.say("230 in").await;
                peer.hears("FEAT").await;
                peer.say("500 no").await;
                peer.hears("TYPE I").await;
                peer.say("200 yes").await;
            }
            assert_eq!(peer.next_line().await, None);
        });
        let (result, seen) = reach(port, tls, anybody()).await;
        if tls == TlsMode::Offered {
            drop(result.unwrap());
            assert!(
                seen.text().contains("has no TLS: the password and files are sent unencrypted"),
                "{}",
                seen.text()
            );
        } else {
            assert!(matches!(&result, Err(Error::NoTls { answer }) if answer == "502 no"), "{result:?}");
        }
        served.await.unwrap();
    }
}

#[tokio::test]
async fn prot_refused_is_never_clear_data() {
    for tls in [TlsMode::Offered, TlsMode::Required, TlsMode::Implicit] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open(tls).await;
            peer.hears("USER ada").await;
            peer.say("230 in").await;
            peer.hears("PBSZ 0").await;
            peer.say("200 yes").await;
            peer.hears("PROT P").await;
            peer.say("534 not by our policy").await;
            assert_eq!(peer.next_line().await, None, "the session is over");
        });
        let (what, todo) = insecure(reach(port, tls, anybody()).await.0);
        assert!(what.contains("534") && todo.contains("--tls off"), "{what} {todo}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn the_wrong_kind_of_port_is_recognised() {
    // It speaks clear first, and TLS was to come first.
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.accept().await;
        peer.say("220 ready").await;
    });
    let (what, todo) = insecure(reach(port, TlsMode::Implicit, anybody()).await.0);
    assert!(what.contains("220 ready") && todo.contains("ftpes://"), "{what} {todo}");
    served.await.unwrap();

    // It waits for TLS, and a greeting was to come.
    for tls in [TlsMode::Off, TlsMode::Required] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.accept().await;
            peer.answers_a_probe().await;
            assert_eq!(peer.next_line().await, None, "nothing was said to it");
        });
        let site = Endpoint { host: "127.0.0.1".to_owned(), port };
        let mut options = Options { tls, ..Options::default() };
        // And it is not waited for as long as for a reply.
        options.patience.greeting = Duration::from_millis(50);
        let spec = SessionSpec {
            options,
            security: Some(anybody()),
            ..SessionSpec::new(site, Credentials::anonymous())
        };
        let error = Client::open(spec, no_watcher()).await.unwrap_err();
        let Error::Insecure { what, todo } = error else { panic!("{error:?}") };
        assert!(what.contains("answers TLS") && todo.contains("ftps://"), "{what} {todo}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn clear_text_behind_the_yes_is_not_taken_for_protected() {
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.accept().await;
        peer.say("220 ready").await;
        peer.hears("AUTH TLS").await;
        peer.say("234 go on\r\n331 your password please").await;
        assert_eq!(peer.next_line().await, None);
    });
    let (what, _) = insecure(reach(port, TlsMode::Required, anybody()).await.0);
    assert!(what.contains("unencrypted data followed"), "{what}");
    served.await.unwrap();
}

#[tokio::test]
async fn another_certificate_on_the_data_connection_is_no_servers() {
    for versions in BOTH {
        let mut peer = Peer::start(versions);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.hears("SIZE a").await;
            peer.say("213 3").await;
            peer.passive().await;
            peer.hears("RETR a").await;
            peer.say("150 here it comes").await;
            assert!(peer.stranger().await.is_err(), "a client that takes any server");
        });
        let (client, _) = reach(port, TlsMode::Required, anybody()).await;
        let mut nothing = |_: &[u8]| -> std::io::Result<()> { panic!("bytes of a stranger") };
        let mut client = client.unwrap();
        let progress = Arc::new(Progress::default());
        let result = client.retrieve(&path(), 0, Sink::Bytes(&mut nothing), &progress).await;
        let Err(Error::Insecure { what, .. }) = result else { panic!("{result:?}") };
        assert!(what.contains("another certificate"), "{what}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn an_upload_without_a_last_reply_is_sent_under_tls_again() {
    for versions in BOTH {
        let mut peer = Peer::start(versions);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.passive().await;
            peer.hears("STOR a").await;
            peer.say("150 go on").await;
            assert_eq!(peer.receives().await, b"abcdef");
            // And no 226.
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.passive().await;
            peer.hears("STOR a").await;
            peer.say("150 go on").await;
            assert_eq!(peer.receives().await, b"abcdef");
            peer.say("226 got it").await;
            peer.hears("SIZE a").await;
            peer.say("213 6").await;
        });
        let (client, seen) = reach(port, TlsMode::Required, anybody()).await;
        let progress = Arc::new(Progress::default());
        client.unwrap().store(&path(), holding(b"abcdef"), &progress).await.unwrap();
        assert!(seen.text().contains("asking again in a new session"), "{}", seen.text());
        served.await.unwrap();
    }
}

/// The order that loses no byte: the end of TLS, the end of our stream, the peer's end, our close; then the
/// last reply counts, and only then is the site asked what it has.
#[tokio::test]
async fn an_upload_ends_in_order_before_it_is_asked_for() {
    for versions in BOTH {
        for tls in [TlsMode::Required, TlsMode::Implicit] {
            let mut peer = Peer::start(versions);
            let port = peer.port();
            let served = tokio::spawn(async move {
                peer.open(tls).await;
                peer.login().await;
                peer.passive().await;
                peer.hears("STOR a").await;
                peer.say("150 go on").await;
                assert_eq!(peer.receives_and_lingers("226 got it").await, b"abcdef");
                peer.hears("SIZE a").await;
                peer.say("213 6").await;
            });
            let (client, _) = reach(port, tls, anybody()).await;
            let progress = Arc::new(Progress::default());
            client.unwrap().store(&path(), holding(b"abcdef"), &progress).await.unwrap();
            served.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_download_without_a_last_reply_is_asked_for_under_tls_again() {
    for versions in BOTH {
        let mut peer = Peer::start(versions);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.hears("SIZE a").await;
            peer.say("213 6").await;
            peer.passive().await;
            peer.hears("RETR a").await;
            peer.say("150 here it comes").await;
            peer.sends(b"abcdef").await;
            // And no 226.
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.hears("SIZE a").await;
            peer.say("213 6").await;
        });
        let (client, seen) = reach(port, TlsMode::Required, anybody()).await;
        let mut came = Vec::new();
        let mut take = |piece: &[u8]| {
            came.extend_from_slice(piece);
            Ok(())
        };
        let progress = Arc::new(Progress::default());
        client.unwrap().retrieve(&path(), 0, Sink::Bytes(&mut take), &progress).await.unwrap();
        assert_eq!(came, b"abcdef");
        assert!(seen.text().contains("a is complete"), "{}", seen.text());
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_of_ours_is_shown_and_its_lack_is_told() {
    let ours = Identity::self_signed(&["ada.example".to_owned()]).unwrap().identity;
    for versions in BOTH {
        for shows in [true, false] {
            let mut peer = Peer::asking(versions, ClientCertificates::Require(ClientTrust::Any));
            let port = peer.port();
            let served = tokio::spawn(async move {
                if shows {
                    peer.open(TlsMode::Required).await;
                    peer.login().await;
                } else {
                    peer.refuses().await;
                }
            });
            let mut security = anybody();
            security.settings.identity = shows.then(|| ours.clone());
            let (result, _) = reach(port, TlsMode::Required, security).await;
            if shows {
                result.unwrap();
            } else {
                let (what, todo) = insecure(result);
                assert!(
                    what.contains("asks for a client certificate") && todo.contains("--cert"),
                    "{what} {todo}"
                );
            }
            served.await.unwrap();
        }
    }
}

/// IIS and others end data connections so. Once, `get` failed for it, and `get -c` then took the same bytes
/// unasked.
#[tokio::test]
async fn an_end_without_close_notify_is_believed_where_size_and_226_agree() {
    for (size, last) in [(6, "226 that was it"), (7, "226 that was it"), (6, "426 it was not")] {
        let mut peer = Peer::start(Versions::Both);
        let port = peer.port();
        let served = tokio::spawn(async move {
            peer.open(TlsMode::Required).await;
            peer.login().await;
            peer.hears("SIZE a").await;
            peer.say(&format!("213 {size}")).await;
            peer.passive().await;
            peer.hears("RETR a").await;
            peer.say("150 here it comes").await;
            peer.sends_and_drops(b"abcdef").await;
            peer.say(last).await;
            // The session stays until the client has said what it thinks.
            peer.next_line().await;
        });
        let (client, seen) = reach(port, TlsMode::Required, anybody()).await;
        let mut came = Vec::new();
        let mut take = |piece: &[u8]| {
            came.extend_from_slice(piece);
            Ok(())
        };
        let (mut client, progress) = (client.unwrap(), Arc::new(Progress::default()));
        let result = client.retrieve(&path(), 0, Sink::Bytes(&mut take), &progress).await;
        client.quit().await;
        served.await.unwrap();
        assert_eq!(came, b"abcdef");
        if (size, last.starts_with('2')) == (6, true) {
            assert_eq!(result.unwrap(), 6);
            assert!(seen.text().contains("without the end of TLS"), "{}", seen.text());
        } else {
            assert!(matches!(result, Err(Error::Broken { .. })), "{result:?}");
        }
    }
}

/// What the client is told of a listing whose data connection ends so, and what becomes of it.
async fn listed(tls_end: TlsEnd, torn: bool) -> (Result<(), Error>, usize, String) {
    let mut peer = Peer::start(Versions::Both);
    let port = peer.port();
    let served = tokio::spawn(async move {
        peer.open(TlsMode::Required).await;
        peer.login().await;
        peer.hears("SYST").await;
        peer.say("215 VxWorks").await;
        peer.passive().await;
        peer.hears("LIST").await;
        peer.say("150 here it comes").await;
        let line = b"-rw-r--r-- 1 ftp ftp 4 Jan 01 2026 a\r\n";
        if torn {
            peer.sends_and_tears(line).await
        } else {
            peer.sends_and_drops(line).await
        }
        peer.say("226 that was it").await;
        peer.next_line().await;
    });
    let options = Options { tls: TlsMode::Required, tls_end, mode: Mode::Passive, ..Options::default() };
    let (client, seen) = reach_as(port, options, anybody()).await;
    let (mut client, mut entries) = (client.unwrap(), 0);
    let mut each = |_| {
        entries += 1;
        Ok(())
    };
    let result = client.list(None, &mut each).await.map(drop);
    client.quit().await;
    served.await.unwrap();
    (result, entries, seen.text())
}

#[tokio::test]
async fn a_listing_without_close_notify_is_believed_where_that_is_asked_for_and_a_torn_record_never() {
    let (result, _, _) = listed(TlsEnd::Strict, false).await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("--tls-end lenient") && error.contains("close_notify"), "{error}");
    let (result, entries, seen) = listed(TlsEnd::Lenient, false).await;
    result.unwrap();
    assert!(entries == 1 && seen.contains("may have cut it short"), "{seen}");
    for tls_end in [TlsEnd::Strict, TlsEnd::Lenient] {
        let (result, _, _) = listed(tls_end, true).await;
        let error = result.unwrap_err().to_string();
        assert!(error.contains("middle of a TLS record"), "{error}");
    }
}
