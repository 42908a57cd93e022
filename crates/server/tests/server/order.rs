//! Does the reply to a refused transfer come before the end of its data connection?
//!
//! A client that watches both (basic-ftp does) reports whichever comes first. What the server has written to
//! the one is there for its client by the time that the end of the other is, so nothing is waited for here:
//! at the end of the data connection the reply must have come.
use std::fs;

use config::SiteConfig;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::data::{ClientData, DataListener, End};
use crate::scene::{Scene, patiently};
use crate::tls_mode::TlsMode;

/// It is a race that a server which is wrong wins now and then.
const ROUNDS: usize = 25;

/// Transfers of one session: each hello that comes to nothing costs a client under TLS 1.3 one of its first
/// tickets.
const TICKETS: usize = 5;

/// Waits for the end of the data connection; how it ended, the reply being there.
async fn ended(client: &mut Client, data: ClientData, code: &str, what: &str) -> End {
    let ended = patiently(data.all()).await;
    assert!(
        client.control.has_heard().await,
        "{what}: the data connection ended before the reply, {ended:?}"
    );
    let (bytes, end) = match ended {
        // Its hello came to a port at which nobody waits any more.
        Err(why) if why.contains("handshake") => (Vec::new(), End::Fin),
        ended => ended.unwrap_or_else(|why| panic!("{what}: {why}")),
    };
    assert!(bytes.is_empty(), "{what}");
    client.expect(code).await;
    end
}

fn scene(tls_mode: TlsMode) -> Scene {
    let scene = Scene::open(SiteConfig::default(), tls_mode);
    fs::create_dir(scene.path("folder")).unwrap();
    fs::write(scene.path("file"), "0123456789").unwrap();
    scene
}

/// In every TLS mode at once, and each command on a site of its own: the server lets 100 ms go by behind each
/// reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_before_it_begins_is_answered_first() {
    let mut running = JoinSet::new();
    for tls_mode in TlsMode::KINDS {
        for (commands, code) in [
            (&["RETR missing"][..], "550"),
            (&["RETR folder"], "550"),
            (&["LIST missing"], "550"),
            (&["MLSD file"], "550"),
            (&["STOR folder"], "553"),
            (&["REST 99", "RETR file"], "554"),
            (&["REST 99", "APPE file"], "554"),
            // By the session itself.
            (&["RANG 0 5", "STOR other"], "503"),
            (&["RETR"], "501"),
        ] {
            running.spawn(is_answered_first(tls_mode, commands, code));
        }
    }
    running.join_all().await;
}

async fn is_answered_first(tls_mode: TlsMode, commands: &[&str], code: &str) {
    let scene = scene(tls_mode);
    let mut client = scene.member().await;
    for round in 0..ROUNDS {
        if round % TICKETS == 0 {
            client = scene.member().await;
        }
        let data = client.data().await;
        let (last, first) = commands.split_last().expect("a command");
        for command in first {
            client.command(command, 350).await;
        }
        client.write(format!("{last}\r\n")).await;
        let end = ended(&mut client, data, code, &format!("{tls_mode:?} {commands:?} {round}")).await;
        assert_eq!(end, End::Fin, "{tls_mode:?} {commands:?}");
    }
}

/// The reply tells why, and under TLS the end is one in order: Python's ftplib, for one, waits for it before
/// it looks at the reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_when_the_connection_stands_is_answered_first() {
    TlsMode::KINDS
        .into_iter()
        .map(is_answered_first_once_connected)
        .collect::<JoinSet<()>>()
        .join_all()
        .await;
}

async fn is_answered_first_once_connected(tls_mode: TlsMode) {
    let scene = scene(tls_mode);
    let mut client = scene.member().await;
    let in_order = if tls_mode == TlsMode::Clear { End::Fin } else { End::Notified };
    client.command("TYPE A", 200).await;
    for round in 0..ROUNDS {
        // How long the text is shows when it is read.
        client.command("REST 99", 350).await;
        let data = if round % 2 == 0 {
            let data = client.data().await;
            client.write("RETR file\r\n").await;
            data
        } else {
            let ear = DataListener::open(client.control.ip(), tls_mode != TlsMode::Clear).await.unwrap();
            let port = ear.local().unwrap().port();
            client.command(&format!("EPRT |1|127.0.0.1|{port}|"), 200).await;
            client.write("RETR file\r\n").await;
            ear.accept(client.control.protection()).await.unwrap()
        };
        client.expect(150).await;
        let end = ended(&mut client, data, "554", &format!("{tls_mode:?} {round}")).await;
        assert_eq!(end, in_order, "{tls_mode:?} {round}");
    }
    client.command("TYPE I", 200).await;
    for round in 0..ROUNDS {
        fs::write(scene.path("file"), "0123456789").unwrap();
        let mut data = client.data().await;
        client.command("REST 10", 350).await;
        client.command("STOR file", 150).await;
        data.send(b"more").await.unwrap();
        fs::write(scene.path("file"), "another").unwrap();
        data.end().await.unwrap();
        let end = ended(&mut client, data, "450", &format!("{tls_mode:?} {round}")).await;
        assert_eq!(end, in_order, "{tls_mode:?} {round}");
    }
}
