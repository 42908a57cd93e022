//! Does the client protect what it says, whatever a server does about it?
//!
//! The servers are scripted, over loopback, with TLS of our own on both connections.
mod data;
mod peer;
mod small_segments;

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::security::{Judge, Refusal};
use client::upload::Stored;
use client::{
    Client, Credentials, Endpoint, Error, Mode, Options, Progress, Security, SessionSpec, Sink, TlsMode,
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

fn options(tls: TlsMode) -> Options {
    let mut options = Options { tls, mode: Mode::Passive, ..Options::default() };
    options.patience.last = Duration::from_millis(300);
    options
}

/// As ada, who takes any certificate, with the server at this port.
fn spec(port: u16, options: Options) -> SessionSpec {
    let credentials = Credentials { user: b"ada".to_vec(), password: Secret::new("hunter2"), account: None };
    let spec = SessionSpec::new(Endpoint::new("127.0.0.1", port), credentials);
    SessionSpec { options, security: Some(anybody()), ..spec }
}

/// Everything that was said and heard.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

/// A peer plays its part while a session with it is opened and used.
async fn play<T>(
    mut peer: Peer,
    spec: impl FnOnce(u16) -> SessionSpec,
    part: impl AsyncFnOnce(&mut Peer),
    act: impl AsyncFnOnce(Result<Client, Error>, Seen) -> T,
) -> T {
    let (spec, seen) = (spec(peer.port()), Seen::default());
    let events = Arc::clone(&seen.0);
    let watch = Arc::new(move |event: &client::Event| events.lock().unwrap().push(event.to_string()));
    let acting = async { act(Box::pin(Client::open(spec, watch)).await, seen).await };
    tokio::join!(Box::pin(part(&mut peer)), Box::pin(acting)).1
}

/// The same with a session that is opened.
async fn meet<T>(
    versions: Versions,
    options: Options,
    part: impl AsyncFnOnce(&mut Peer),
    act: impl AsyncFnOnce(Client, Seen) -> T,
) -> T {
    let opened = async |client: Result<Client, Error>, seen| act(client.unwrap(), seen).await;
    play(Peer::start(versions), |port| spec(port, options), part, opened).await
}

/// The same with one that is not.
async fn insecure(tls: TlsMode, part: impl AsyncFnOnce(&mut Peer)) -> (String, String) {
    let mut options = options(tls);
    // A greeting is not waited for as long as for a reply.
    options.patience.greeting = Duration::from_millis(50);
    let spec = |port| spec(port, options);
    play(Peer::start(Versions::Both), spec, part, async |client, _| what_is_insecure(client)).await
}

fn what_is_insecure(result: Result<Client, Error>) -> (String, String) {
    match result {
        Err(Error::Insecure { what, todo }) => (what, todo),
        other => panic!("{other:?}"),
    }
}

fn path() -> Pathname {
    Pathname::new("a").unwrap()
}

async fn store(client: &mut Client, bytes: &[u8]) -> Result<Stored, Error> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    store_file(client, file).await
}

async fn store_file(client: &mut Client, file: File) -> Result<Stored, Error> {
    client.store(&path(), Arc::new(file), &Arc::new(Progress::default())).await
}

async fn retrieve(client: &mut Client) -> (Result<u64, Error>, Vec<u8>) {
    let mut came = Vec::new();
    let mut take = |piece: &[u8]| {
        came.extend_from_slice(piece);
        Ok(())
    };
    let result = client.retrieve(&path(), 0, Sink::Bytes(&mut take), &Arc::new(Progress::default())).await;
    (result, came)
}

#[tokio::test]
async fn a_certificate_that_is_refused_hears_no_password() {
    let peer = Peer::start(Versions::Both);
    let print = peer.fingerprint();
    let judge: Judge = Arc::new(move |shown| {
        assert_eq!(shown.fingerprint, print);
        assert!(shown.doubt.is_some());
        Err(Refusal { why: "not the site".to_owned(), todo: "go home".to_owned() })
    });
    let spec = |port| SessionSpec { security: Some(taking(judge)), ..spec(port, options(TlsMode::Required)) };
    let part = async |peer: &mut Peer| {
        peer.open(TlsMode::Required).await;
        peer.hears_no_more().await;
    };
    let told = play(peer, spec, part, async |client, _| what_is_insecure(client)).await;
    assert_eq!(told, ("not the site".to_owned(), "go home".to_owned()));
}

#[tokio::test]
async fn a_server_without_tls_is_left_or_spoken_to_in_clear_as_was_asked() {
    let refuses = [("AUTH TLS", "502 no")];
    let part = async |peer: &mut Peer| {
        peer.greets(&refuses).await;
        peer.hears_no_more().await;
    };
    let required = |port| spec(port, options(TlsMode::Required));
    let result = play(Peer::start(Versions::Both), required, part, async |client, _| client).await;
    assert!(matches!(&result, Err(Error::NoTls { answer }) if answer == "502 no"), "{result:?}");

    let part = async |peer: &mut Peer| {
        peer.greets(&refuses).await;
        peer.answers(&[("USER ada", "230 in"), ("FEAT", "500 no"), ("TYPE I", "200 yes")]).await;
        peer.hears_no_more().await;
    };
    meet(Versions::Both, options(TlsMode::Offered), part, async |_client, seen: Seen| {
        let text = seen.text();
        assert!(text.contains("has no TLS: the password and files are sent unencrypted"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn prot_refused_is_never_clear_data() {
    for tls in [TlsMode::Offered, TlsMode::Required, TlsMode::Implicit] {
        let (what, todo) = insecure(tls, async |peer| {
            peer.open(tls).await;
            peer.answers(&[
                ("USER ada", "230 in"),
                ("PBSZ 0", "200 yes"),
                ("PROT P", "534 not by our policy"),
            ])
            .await;
            peer.hears_no_more().await;
        })
        .await;
        assert!(what.contains("534") && todo.contains("--tls off"), "{what} {todo}");
    }
}

#[tokio::test]
async fn the_wrong_kind_of_port_is_recognised() {
    // It speaks clear first, and TLS was to come first.
    let (what, todo) = insecure(TlsMode::Implicit, async |peer| peer.greets(&[]).await).await;
    assert!(what.contains("220 ready") && todo.contains("ftpes://"), "{what} {todo}");
    // It waits for TLS, and a greeting was to come.
    for tls in [TlsMode::Off, TlsMode::Required] {
        let (what, todo) = insecure(tls, async |peer| {
            peer.accept().await;
            peer.answers_a_probe().await;
            peer.hears_no_more().await;
        })
        .await;
        assert!(what.contains("answers TLS") && todo.contains("ftps://"), "{what} {todo}");
    }
}

#[tokio::test]
async fn a_yes_without_tls_behind_it_hears_no_password() {
    for (answer, told) in [
        ("234 go on\r\n331 your password please", "unencrypted data followed"),
        ("200 yes\r\n220 but I do not", ""),
    ] {
        let (what, _) = insecure(TlsMode::Required, async |peer| {
            peer.greets(&[("AUTH TLS", answer)]).await;
            peer.hears_no_user().await;
        })
        .await;
        assert!(what.contains(told), "{what}");
    }
}

#[tokio::test]
async fn any_2yz_to_auth_begins_tls() {
    for answer in [&b"200 AUTH command ok; starting SSL connection...\r\n"[..], b"334 go on\r\n"] {
        let part = async |peer: &mut Peer| {
            peer.open_with(answer).await;
            peer.login().await;
        };
        let options = options(TlsMode::Offered);
        meet(Versions::Both, options, part, async |client, _| assert!(client.is_protected())).await;
    }
}

#[tokio::test]
async fn a_session_that_had_tls_is_not_followed_by_one_without() {
    for refusal in ["502 no such command", "421 too busy", "234 go on\r\n220 I speak no TLS"] {
        let part = async |peer: &mut Peer| {
            peer.enter(TlsMode::Required).await;
            peer.takes_unconfirmed(b"abcdef").await;
            // The control connection is cut, and somebody else answers the next one: of a server that is
            // busy more than once.
            loop {
                peer.greets(&[("AUTH TLS", refusal)]).await;
                peer.hears_no_user().await;
            }
        };
        let act = async |mut client, seen: Seen| {
            let error = store(&mut client, b"abcdef").await.map(drop).unwrap_err();
            if refusal.starts_with("502") {
                assert!(
                    matches!(&error, Error::Insecure { what, .. } if what.contains("used TLS earlier in this command")),
                    "{error}"
                );
            }
            assert_eq!(seen.text().matches("PASS").count(), 1, "{}", seen.text());
        };
        let (tell, done) = tokio::sync::oneshot::channel();
        let part = async |peer: &mut Peer| {
            tokio::select! {
                () = part(peer) => {}
                _ = done => {}
            }
        };
        let act = async |client, seen| {
            act(client, seen).await;
            tell.send(()).unwrap();
        };
        meet(Versions::Both, options(TlsMode::Offered), part, act).await;
    }
}

#[tokio::test]
async fn a_certificate_of_ours_is_shown_and_its_lack_is_told() {
    let ours = Identity::self_signed(&["ada.example".to_owned()]).unwrap().identity;
    for versions in BOTH {
        for shows in [true, false] {
            let peer = Peer::asking(versions, ClientCertificates::Require(ClientTrust::Any));
            let mut security = anybody();
            security.settings.identity = shows.then(|| ours.clone());
            let spec =
                |port| SessionSpec { security: Some(security), ..spec(port, options(TlsMode::Required)) };
            let part = async |peer: &mut Peer| {
                if shows { peer.enter(TlsMode::Required).await } else { peer.refuses().await }
            };
            play(peer, spec, part, async |client, _| {
                if shows {
                    client.unwrap();
                    return;
                }
                let (what, todo) = what_is_insecure(client);
                let is_told = what.contains("asks for a client certificate") && todo.contains("--cert");
                assert!(is_told, "{what} {todo}");
            })
            .await;
        }
    }
}
