//! Do passive ports that nobody uses keep others of the same address out?
use std::time::Duration;

use config::{Reuse, Tls as Policy};
use net::tls::Versions;

use crate::client::{Client, in_each_tls_mode, setup, within_bound};
use crate::control::{Address, PATIENCE};
use crate::loopback::Loopback;
use crate::setup::Setup;
use crate::tls_mode::TlsMode;

const PORTS: usize = 10;

/// A site with TLS for those who want it, and the way in for those who do not.
fn house(wait: Duration) -> (Setup, Loopback, Address) {
    let setup = setup(&format!("@ file /a.txt A\n@ ports {PORTS}"));
    let site = Loopback::changed(&setup, TlsMode::Explicit(Versions::Both), |settings| {
        settings.listeners[0].tls = Policy::Offered;
        settings.listeners[0].data_reuse = Reuse::Learn;
        settings.deadlines.port = wait;
    });
    let clear = Address { tls_mode: TlsMode::Clear, ..site.door.clone() };
    (setup, site, clear)
}

/// Ten sessions that said PASV and nothing else took every port from all others of their address, for as long
/// as they liked.
#[tokio::test]
async fn those_in_clear_leave_ports_to_those_under_tls() {
    within_bound(async {
        let (_ground, site, clear) = house(Duration::from_millis(50));
        let (mut held, mut refused) = (Vec::new(), 0);
        for _ in 0..PORTS {
            let mut client = Client::login(&clear).await;
            client.say("EPSV").await;
            match client.line().await.expect("a reply").get(..3) {
                Some("229") => held.push(client),
                Some("425") => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((held.len(), refused), (PORTS - 2, 2));
        // The first data connection of a session says nothing of whose it is, the others do.
        let mut client = Client::login(&site.door).await;
        for _ in 0..3 {
            assert_eq!(client.retrieve("a.txt").await, b"A");
        }
        // One that is silent under TLS keeps nobody out who has resumed.
        let mut silent = Client::login(&site.door).await;
        silent.port().await;
        assert_eq!(client.retrieve("a.txt").await, b"A");
    })
    .await;
}

#[tokio::test]
async fn a_port_that_is_not_used_goes_to_one_who_waits() {
    in_each_tls_mode(async |tls_mode| {
        let setup = setup("@ file /a.txt A\n@ ports 1");
        let site = Loopback::changed(&setup, tls_mode, |settings| {
            settings.deadlines.port = PATIENCE;
            settings.deadlines.data = Duration::from_millis(500);
            // Those that have resumed a session share a port.
            settings.listeners[0].data_reuse = Reuse::Learn;
        });
        let (mut idle, mut next) = (Client::login(&site.door).await, Client::login(&site.door).await);
        let port = idle.port().await;
        let data = next.data().await;
        assert_eq!(next.retrieve_on("a.txt", data).await, b"A");
        let told = idle.command("RETR a.txt", 425).await;
        assert!(told.contains("send PASV or EPSV again"), "{told}");
        assert_eq!(idle.port().await, port, "there is one");
        // Nobody waits, so it is kept.
        tokio::time::sleep(Duration::from_millis(600)).await;
        let data = idle.dial(port).await;
        assert_eq!(idle.retrieve_on("a.txt", data).await, b"A");
    })
    .await;
}
