//! Are sessions listed as they are, watched from their beginning to their end, and ended one by one?
use std::fs;
use std::time::{Duration, SystemTime};

use config::SiteConfig;
use net::tls::Versions;
use server::Stop;
use server::registry::{Happened, Registry, SessionInfo, Watched};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use wire::Verb;

use crate::client::{Client, in_each_tls_mode};
use crate::data::ClientData;
use crate::scene::{Scene, patiently};
use crate::tls_mode::TlsMode;

/// Begins a download, and has its first bytes.
async fn download(client: &mut Client, name: &str) -> ClientData {
    let mut data = client.data().await;
    client.command(&format!("RETR {name}"), 150).await;
    data.first().await.unwrap();
    data
}

fn only(registry: &Registry) -> SessionInfo {
    let mut all = registry.sessions();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_listed_with_its_transfer_and_both_connections() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        fs::File::create(scene.path("big")).and_then(|f| f.set_len(1 << 30)).unwrap();
        let mut client = scene.member().await;
        let idle = only(&scene.registry);
        assert_eq!((idle.user.as_deref(), idle.sent), (Some("somebody"), 0));
        assert_eq!(idle.tls.is_some(), scene.door.tls.is_some(), "{:?}", idle.tls);
        assert!(idle.transfer.is_none() && idle.since <= SystemTime::now());
        let data = download(&mut client, "big").await;
        // Bytes are counted when they have been written, and may be read before.
        let busy = patiently(async {
            loop {
                match only(&scene.registry) {
                    session if session.sent > 0 => return session,
                    _ => tokio::task::yield_now().await,
                }
            }
        })
        .await;
        let transfer = busy.transfer.expect("a transfer runs");
        assert_eq!((transfer.verb, transfer.path.as_bytes()), (Verb::Retr, b"/big".as_slice()));
        assert!(transfer.bytes > 0);
        let (ours, theirs) = transfer.data.expect("it has a data connection");
        assert_eq!((ours.ip(), theirs.ip()), (busy.local.ip(), busy.peer.ip()));
        assert_eq!((busy.id, busy.peer), (idle.id, idle.peer));
        assert_eq!(busy.listener, busy.local);
        client.command("ABOR", 426).await;
        client.expect(226).await;
        drop(data);
        let after = only(&scene.registry);
        assert!(after.transfer.is_none() && after.sent >= transfer.bytes);
        client.command("REIN", 220).await;
        assert_eq!(only(&scene.registry).user, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_watched_from_its_beginning_to_its_end() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        fs::write(scene.path("file"), "twelve bytes").unwrap();
        let mut watcher = scene.registry.watch();
        let mut client = scene.member().await;
        let data = client.data().await;
        client.command("RETR file", 150).await;
        assert_eq!(data.all().await.unwrap().0, b"twelve bytes");
        client.expect(226).await;
        client.command("QUIT", 221).await;
        let (mut seen, mut last) = (Vec::new(), None);
        while seen.last() != Some(&Happened::Disconnected) {
            let Some(Watched::Change(change)) = patiently(watcher.next()).await else {
                panic!("after {seen:?}")
            };
            seen.push(change.what);
            last = Some(change);
        }
        let mut wanted = vec![
            Happened::Connected,
            Happened::Secured,
            Happened::LoggedIn,
            Happened::TransferBegan,
            Happened::TransferEnded,
            Happened::Disconnected,
        ];
        wanted.retain(|what| *what != Happened::Secured || scene.door.tls.is_some());
        assert_eq!(seen, wanted);
        assert_eq!(last.map(|change| change.session.sent), Some(12));
        assert!(scene.registry.sessions().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_sessions_is_ended_and_the_other_lives() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        fs::File::create(scene.path("big")).and_then(|f| f.set_len(1 << 30)).unwrap();
        fs::File::create(scene.path("small")).and_then(|f| f.set_len(8 << 20)).unwrap();
        let (mut one, mut other) = (scene.member().await, scene.member().await);
        let ids: Vec<u64> = scene.registry.sessions().iter().map(|session| session.id).collect();
        let data = download(&mut one, "big").await;
        let mut kept = other.data().await;
        other.command("RETR small", 150).await;
        let first = kept.first().await.unwrap();
        assert!(scene.registry.end(ids[0], Stop::Now));
        assert_eq!(one.expect(426).await, "426 The administrator ended this session.");
        assert_eq!(one.expect(421).await, "421 The administrator ended this session.");
        assert_eq!(one.reply().await, None);
        drop(data);
        assert!(!scene.registry.end(99, Stop::Now), "there is no such session");
        // A session that is drained has its transfer to the end.
        assert!(scene.registry.end(ids[1], Stop::Drain));
        let (rest, _) = patiently(kept.all()).await.unwrap();
        assert_eq!(first.len() + rest.len(), 8 << 20);
        other.expect(226).await;
        assert_eq!(other.expect(421).await, "421 The administrator ended this session.");
        // The server goes on.
        scene.member().await.command("NOOP", 200).await;
    })
    .await;
}

/// A client that had connected to the port of implicit TLS and said nothing was there until the deadline of
/// the handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_in_its_handshake_is_ended() {
    let mut settings = SiteConfig::default();
    settings.deadlines.handshake = Duration::from_secs(600);
    let scene = Scene::open(settings, TlsMode::Implicit(Versions::Tls13));
    let mut silent = TcpStream::connect(scene.door.implicit.unwrap()).await.unwrap();
    patiently(async {
        while scene.registry.sessions().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(scene.registry.end(only(&scene.registry).id, Stop::Now));
        assert_eq!(silent.read(&mut [0; 8]).await.unwrap(), 0);
    })
    .await;
}
