//! What does a site do behind a balancer that speaks the PROXY protocol, and with others who speak it?
//!
//! The balancer is this test, on 127.0.0.1; its client says to be 192.0.2.7 and to have dialled 198.51.100.1.
use std::time::Duration;

use config::{Deadlines, SiteConfig};
use net::control::Control;
use net::tls::Versions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::control::PATIENCE;
use crate::scene::Scene;
use crate::tls_mode::TlsMode;

const VERSION_1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 50210 21\r\n";
/// The same, in version 2.
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc4\x22\0\x15";
/// The balancer itself, with no fields.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn behind(networks: &str) -> Scene {
    behind_with(networks, SiteConfig::default())
}

fn behind_with(networks: &str, mut settings: SiteConfig) -> Scene {
    settings.listeners[0].proxy_from = vec![networks.parse().unwrap()];
    Scene::open(settings, TlsMode::Clear)
}

/// A client behind the balancer, whose connection begins with these bytes.
async fn connect(scene: &Scene, first: &[u8]) -> Client {
    let mut client = Client::connect(&scene.door).await.unwrap();
    client.write(first).await;
    client
}

async fn member(scene: &Scene, first: &[u8]) -> Client {
    let mut client = connect(scene, first).await;
    client.expect(220).await;
    client.logged_in("somebody").await
}

/// All that STAT tells.
async fn status(client: &mut Client) -> String {
    client.say("STAT").await;
    let mut told = String::new();
    while !told.contains("\n211 ") {
        told += "\n";
        told += &client.line().await.expect("a line");
    }
    told
}

/// What the kernel has of a call is the balancer's: that no SYN of the client's is there says nothing about
/// rules, and none is named. Without a balancer the same silence points to rule 3.
#[tokio::test]
async fn behind_a_balancer_silence_names_no_rule() {
    let deadlines = Deadlines { data: Duration::from_millis(50), ..Deadlines::default() };
    for (networks, header) in [("127.0.0.1/32", VERSION_1), ("192.0.2.0/24", b"")] {
        let scene =
            behind_with(networks, SiteConfig { deadlines: deadlines.clone(), ..SiteConfig::default() });
        let mut client = member(&scene, header).await;
        client.port().await;
        let told = client.command("NLST", 425).await;
        assert!(!told.contains("rule"), "{networks}: {told}");
    }
    let scene = Scene::open(SiteConfig { deadlines, ..SiteConfig::default() }, TlsMode::Clear);
    let mut client = member(&scene, b"").await;
    client.port().await;
    let told = client.command("NLST", 425).await;
    assert!(told.contains("(rule 3)"), "{told}");
}

/// The client's address is the header's on both connections, and not a byte of the client's goes with the
/// header.
#[tokio::test]
async fn a_client_behind_a_balancer_is_seen_as_itself() {
    let scene = behind("127.0.0.1/32");
    for header in [VERSION_1, VERSION_2] {
        let mut client = member(&scene, header).await;
        let seen = status(&mut client).await;
        assert!(seen.contains("Connected from 192.0.2.7:50210 to 198.51.100.1:21"), "{seen}");
        // PASV tells what the client dialled.
        client.command("PASV", "227 Entering passive mode (198,51,100,1,").await;
        let at = (scene.door.ip(), client.port().await);
        // Header and content in one packet.
        let mut data = TcpStream::connect(at).await.unwrap();
        data.write_all(&[header, b"content"].concat()).await.unwrap();
        data.shutdown().await.unwrap();
        client.command("STOR x", 150).await;
        client.expect("226 Transfer complete: 7 bytes.").await;
        assert_eq!(std::fs::read(scene.path("x")).unwrap(), b"content");
    }
}

/// Only the header counts: the balancer's own look at the port, and its other clients, are not the one
/// awaited.
#[tokio::test]
async fn a_data_connection_is_matched_by_the_address_in_its_header() {
    let scene = behind("127.0.0.1/32");
    std::fs::write(scene.path("x"), "content").unwrap();
    let mut client = member(&scene, VERSION_1).await;
    let at = (scene.door.ip(), client.port().await);
    let others: [&[u8]; 4] =
        [LOCAL, b"PROXY TCP4 192.0.2.8 198.51.100.1 50211 21\r\n", b"content", b"PROXY TCP4 x\r\n"];
    for other in others {
        let mut data = TcpStream::connect(at).await.unwrap();
        data.write_all(other).await.unwrap();
        // Closed, with FIN or by a reset.
        let _ = data.read(&mut [0; 8]).await.is_ok_and(|read| read == 0);
    }
    let mut data = TcpStream::connect(at).await.unwrap();
    data.write_all(VERSION_1).await.unwrap();
    client.command("RETR x", 150).await;
    let mut got = Vec::new();
    data.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"content");
    client.expect(226).await;
}

/// With implicit TLS too the header is unencrypted and comes before the handshake. A hello in its place is
/// nobody's.
#[tokio::test]
async fn under_implicit_tls_the_header_comes_before_the_handshake() {
    let mut settings = SiteConfig::default();
    settings.listeners[0].proxy_from = vec!["127.0.0.1/32".parse().unwrap()];
    let scene = Scene::open(settings, TlsMode::Implicit(Versions::Tls13));
    let (to, tls) = (scene.door.implicit.unwrap(), scene.door.tls.clone().unwrap());
    for header in [Some(VERSION_1), Some(VERSION_2), None] {
        let control = Control::connect(to, None, None).await.unwrap();
        if let Some(header) = header {
            // In two segments, as it may come.
            for half in header.chunks(header.len() / 2 + 1) {
                control.write_all(half).await.unwrap();
            }
        }
        let shaken = control.connect_tls(&tls.client, "localhost", None, PATIENCE).await;
        assert_eq!(shaken.is_ok(), header.is_some(), "{:?}", shaken.err());
        if shaken.is_ok() {
            control.write_all(b"STAT\r\n").await.unwrap();
            let mut heard = Vec::new();
            while !heard.windows(15).any(|seen| seen == b"Connected from ") || !heard.ends_with(b"\r\n") {
                assert_ne!(control.read(&mut heard).await.unwrap(), 0, "{}", heard.escape_ascii());
            }
            let heard = String::from_utf8(heard).unwrap();
            assert!(heard.starts_with("220 ") && heard.contains("Connected from 192.0.2.7:50210"), "{heard}");
        }
    }
}

#[tokio::test]
async fn a_health_check_is_greeted_like_anybody() {
    let scene = behind("127.0.0.0/8");
    for header in [LOCAL, b"PROXY UNKNOWN\r\n"] {
        let mut client = connect(&scene, header).await;
        client.expect(220).await;
        assert!(status(&mut client).await.contains("Connected from 127.0.0.1:"));
    }
}

#[tokio::test]
async fn a_balancer_that_names_nobody_is_told_so_and_closed() {
    let scene = behind("127.0.0.1/32");
    for first in [&b"USER somebody\r\n"[..], b"PROXY TCP4 nobody\r\n", b"\x16\x03\x01"] {
        let mut client = connect(&scene, first).await;
        client.expect(421).await;
        client.ended().await;
    }
}

/// Behind a NAT the site tells clients from outside the address it is seen at.
#[tokio::test]
async fn a_client_from_outside_is_told_the_external_address() {
    let mut settings = SiteConfig::default();
    settings.listeners[0].external = Some([203, 0, 113, 7].into());
    let scene = behind_with("127.0.0.1/32", settings);
    let outside = b"PROXY TCP4 198.51.100.9 198.51.100.1 50210 21\r\n";
    member(&scene, outside).await.command("PASV", "227 Entering passive mode (203,0,113,7,").await;
}

#[tokio::test]
async fn others_are_not_believed() {
    let scene = behind("10.0.0.0/8");
    for header in [VERSION_1, VERSION_2] {
        let mut client = connect(&scene, header).await;
        client.expect(220).await;
        let mut last = None;
        while let Some(line) = client.line().await {
            last = Some(line);
        }
        assert!(last.as_ref().is_some_and(|line| line.starts_with("421 PROXY")), "{last:?}");
    }
}
