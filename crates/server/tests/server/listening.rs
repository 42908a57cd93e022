//! Where can a site listen?
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use config::{Listener, SiteConfig, Tls as Policy};
use net::passive::TurnedAway;
use net::tls::Versions;
use server::{BindError, Server};
use storage::Gate;
use storage::local::{Local, LocalOptions};
use testbed::need;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;
use crate::control::Address;
use crate::loopback::site;
use crate::scene::Open;
use crate::tls_mode::{Tls, TlsMode};

/// Without passive ports.
fn listening_at(addresses: &[SocketAddr]) -> SiteConfig {
    let at = |at: &SocketAddr| Listener {
        address: at.ip(),
        port: at.port(),
        passive: false,
        ..Listener::default()
    };
    SiteConfig { listeners: addresses.iter().map(at).collect(), ..SiteConfig::default() }
}

/// `--listen 0.0.0.0:2121 --listen [::]:2121` failed with "address in use": the second took IPv4 as well.
#[tokio::test]
async fn both_families_share_one_port() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Local::open(folder.path(), LocalOptions::default()).unwrap();
    let gate = Arc::new(Open(Arc::new(tree)));
    for _ in 0..50 {
        let probe = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = probe.local_addr().unwrap().port();
        drop(probe);
        let listen: [SocketAddr; 2] =
            [(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()];
        match Server::builder(listening_at(&listen), Arc::clone(&gate) as _).bind() {
            Ok(site) => {
                assert_eq!(site.control(), listen);
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
                return;
            }
            // Somebody else was quicker at that port.
            Err(BindError::Listen(_, error)) if error.kind() == ErrorKind::AddrInUse => {}
            Err(BindError::Listen(at, error)) if at.is_ipv6() => {
                return need::skip("IPv6", &error.to_string());
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no port serves both families");
}

/// A link-local address means nothing without its link, which EPRT does not name: the control connection's is
/// meant. The site dialled without it, and such clients had no active mode.
#[tokio::test]
async fn active_mode_reaches_a_client_on_the_same_link() {
    let Some(own) = link_local() else { return need::skip("a link-local address", "this machine has none") };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x"), "content").unwrap();
    let tree = Local::open(folder.path(), LocalOptions::default()).unwrap();
    let listen = [(Ipv6Addr::UNSPECIFIED, 0).into()];
    let site = Server::builder(listening_at(&listen), Arc::new(Open(Arc::new(tree)))).bind().unwrap();
    let port = site.control()[0].port();
    let running = tokio::spawn(site.run());
    let clear = SocketAddrV6::new(*own.ip(), port, 0, own.scope_id()).into();
    let door = Address { clear, implicit: None, tls: None, tls_mode: TlsMode::Clear };
    let mut client = Client::greeted(&door).await;
    client.command("USER somebody", 331).await;
    client.command("PASS x", 230).await;
    let listener = TcpListener::bind(own).await.unwrap();
    let data = listener.local_addr().unwrap();
    client.command(&format!("EPRT |2|{}|{}|", data.ip(), data.port()), "200").await;
    client.command("RETR x", 150).await;
    let (mut data, mut got) = (listener.accept().await.unwrap().0, String::new());
    data.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "content");
    running.abort();
}

/// One of this machine's link-local addresses, with its link.
fn link_local() -> Option<SocketAddrV6> {
    let table = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let address = Ipv6Addr::from(u128::from_str_radix(fields.next()?, 16).ok()?);
        let scope = u32::from_str_radix(fields.next()?, 16).ok()?;
        address.is_unicast_link_local().then(|| SocketAddrV6::new(address, 0, 0, scope))
    })
}

/// Two listeners of one server: TLS is required at the first, and the second is read-only and without passive
/// mode.
#[tokio::test]
async fn each_listener_obeys_its_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    let gate = open_gate(&folder);
    let tls_mode = TlsMode::Explicit(Versions::Both);
    let tls = Tls::of(tls_mode).unwrap();
    let at = Listener { address: Ipv4Addr::LOCALHOST.into(), port: 0, ..Listener::default() };
    let server = site(at.address, 2, |range| {
        let first = Listener { tls: Policy::RequiredForLogin, passive_ports: range, ..at.clone() };
        let second = Listener { passive: false, read_only: true, ..at.clone() };
        let config = SiteConfig { listeners: vec![first, second], ..SiteConfig::default() };
        Server::builder(config, Arc::clone(&gate)).tls(Arc::clone(&tls.server)).bind()
    });
    let [first, second] = server.control()[..] else { panic!("two listeners") };
    let running = tokio::spawn(server.run());
    let client = async |clear, tls, tls_mode| {
        let door = Address { clear, implicit: None, tls, tls_mode };
        Client::greeted(&door).await
    };
    let mut unencrypted = client(first, None, TlsMode::Clear).await;
    unencrypted.command("USER somebody", 530).await;
    let mut encrypted = client(first, Some(tls), tls_mode).await;
    let mut without_passive = client(second, None, TlsMode::Clear).await;
    for client in [&mut encrypted, &mut without_passive] {
        client.command("USER somebody", 331).await;
        client.command("PASS x", 230).await;
    }
    encrypted.command("EPSV", 229).await;
    without_passive.command("EPSV", 502).await;
    without_passive.command("PASV", 502).await;
    encrypted.command("MKD x", 257).await;
    without_passive.command("RMD x", 550).await;
    running.abort();
}

fn open_gate(folder: &tempfile::TempDir) -> Arc<dyn Gate> {
    let options = LocalOptions { read_only: false, ..LocalOptions::default() };
    Arc::new(Open(Arc::new(Local::open(folder.path(), options).unwrap())))
}

/// Without a certificate TLS was off, also where it was required.
#[tokio::test]
async fn a_listener_that_requires_tls_needs_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    for (tls, implicit, binds) in [
        (Policy::Off, false, true),
        (Policy::Offered, false, true),
        (Policy::RequiredForLogin, false, false),
        (Policy::RequiredForData, false, false),
        (Policy::Off, true, false),
    ] {
        let mut config = listening_at(&[(Ipv4Addr::LOCALHOST, 0).into()]);
        (config.listeners[0].tls, config.listeners[0].implicit) = (tls, implicit);
        match Server::builder(config, open_gate(&folder)).bind() {
            Ok(server) => assert!(binds && server.config().listeners[0].tls == Policy::Off, "{tls:?}"),
            Err(BindError::NoTls(_)) => assert!(!binds, "{tls:?}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn refusals_are_counted_at_the_ports_of_all_listeners() {
    let folder = tempfile::tempdir().unwrap();
    let address = Ipv4Addr::LOCALHOST.into();
    let server = site(address, 3, |range| {
        let (low, high) = (*range.start(), *range.end());
        // The last one shares the ports of the first.
        let listeners = [low..=low, low + 1..=high, low..=low].map(|passive_ports| Listener {
            address,
            port: 0,
            passive_ports,
            ..Listener::default()
        });
        let config = SiteConfig { listeners: listeners.into(), ..SiteConfig::default() };
        Server::builder(config, open_gate(&folder)).bind()
    });
    let (refusals, ports) = (server.refusals(), server.passive());
    let running = tokio::spawn(server.run());
    for port in ports {
        let mut stranger = TcpStream::connect((address, port)).await.unwrap();
        assert_eq!(stranger.read(&mut [0; 8]).await.unwrap(), 0);
    }
    assert_eq!(refusals.read(), TurnedAway { strangers: 3, ..TurnedAway::default() });
    running.abort();
}
