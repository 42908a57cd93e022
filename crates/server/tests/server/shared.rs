//! Do sessions of one address get each its own, where they share a passive port under TLS?
use std::collections::BTreeSet;

use config::{Reuse, Tls as Policy};
use net::data::Data;
use net::dial::dial;
use net::passive::TurnedAway;
use net::tls::Versions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{BOTH, Client, all, in_both, setup, within_bound};
use crate::control::{Address, PATIENCE};
use crate::data::{ClientData, End};
use crate::loopback::Loopback;
use crate::reuse::hello;
use crate::setup::Setup;
use crate::tls_mode::TlsMode;

const TOLD: &str = "@ file /a.txt A's alone\n@ file /b.txt B's alone\n@ file /c.txt C\n";

/// A site with so many passive ports. Its sessions wait for one of them as long as it takes.
pub(crate) fn house(told: &str, versions: Versions, reuse: Reuse, ports: usize) -> (Setup, Loopback) {
    let mut setup = setup(told);
    setup.ports = ports;
    let site = Loopback::changed(&setup, TlsMode::Explicit(versions), |settings| {
        settings.listeners[0].tls = Policy::Offered;
        settings.listeners[0].data_reuse = reuse;
        settings.deadlines.port = PATIENCE;
    });
    (setup, site)
}

/// Two clients whose data connections must resume their sessions from now on, whatever the policy.
async fn two(site: &Loopback) -> (Client, Client) {
    let implicit = Address { tls_mode: TlsMode::Implicit(Versions::Both), ..site.door.clone() };
    let (mut a, mut b) = (Client::login(&site.door).await, Client::login(&implicit).await);
    assert_eq!(a.retrieve("c.txt").await, b"C");
    assert_eq!(b.retrieve("c.txt").await, b"C");
    (a, b)
}

/// Sends all of it, and ends as an upload does.
async fn sent(mut data: ClientData, bytes: &[u8]) {
    data.send(bytes).await.expect("the server reads");
    data.end().await.expect("it has begun");
    assert_eq!(data.all().await.expect("an end in order"), (Vec::new(), End::Notified));
}

/// A connection to a passive port that says nothing.
pub(crate) async fn silent(site: &Loopback, port: u16) -> Data {
    dial((site.door.ip(), port).into(), None, None).await.expect("the passive port listens")
}

/// The same, of somebody who does not speak TLS.
pub(crate) async fn visit(site: &Loopback, port: u16) -> TcpStream {
    TcpStream::connect((site.door.ip(), port)).await.expect("the passive port listens")
}

/// A data connection that resumes nothing.
pub(crate) async fn nobodys(site: &Loopback, port: u16) -> ClientData {
    let tls = site.door.tls.as_ref().expect("a site with TLS");
    let to = (site.door.ip(), port).into();
    ClientData::dial(to, Some(&tls.nobodys().await)).await.expect("the passive port listens")
}

/// The client's connection that has said nothing begins TLS now.
pub(crate) async fn spoken(data: Data, client: &Client) -> ClientData {
    let session = client.control.protection().expect("its data is protected");
    ClientData::Tls(Box::new(data.connect_tls(session, PATIENCE).await.expect("TLS")))
}

#[tokio::test]
async fn two_users_behind_one_address_share_one_port() {
    in_both(async |versions| {
        for reuse in [Reuse::Require, Reuse::Learn] {
            let (_ground, site) = house(TOLD, versions, reuse, 1);
            let (mut a, mut b) = two(&site).await;
            for round in 0..4 {
                let (to_a, to_b) = (a.port().await, b.port().await);
                assert_eq!(to_a, to_b, "there is one port");
                // In the reverse order of the claims, and before or behind the commands.
                let early =
                    if round % 2 == 0 { Some((b.dial(to_b).await, a.dial(to_a).await)) } else { None };
                a.say("RETR a.txt").await;
                b.say("RETR b.txt").await;
                let (of_b, of_a) = match early {
                    Some(both) => both,
                    None => (b.dial(to_b).await, a.dial(to_a).await),
                };
                assert_eq!(all(of_b).await, b"B's alone");
                assert_eq!(all(of_a).await, b"A's alone");
                for client in [&mut a, &mut b] {
                    client.expect(150).await;
                    client.expect(226).await;
                }
            }
            assert_eq!(site.refusals.read(), TurnedAway::default());
        }
    })
    .await;
}

#[tokio::test]
async fn two_uploads_at_one_port_do_not_mix() {
    within_bound(Box::pin(async {
        for versions in BOTH {
            for reuse in [Reuse::Require, Reuse::Learn] {
                let (setup, site) = house(TOLD, versions, reuse, 1);
                let (mut a, mut b) = two(&site).await;
                let (to_a, to_b) = (a.port().await, b.port().await);
                let (of_b, of_a) = (b.dial(to_b).await, a.dial(to_a).await);
                a.say("STOR up-a.bin").await;
                b.say("STOR up-b.bin").await;
                let (bytes_a, bytes_b) = (vec![b'a'; 300_000], vec![b'b'; 200_000]);
                tokio::join!(sent(of_b, &bytes_b), sent(of_a, &bytes_a));
                for client in [&mut a, &mut b] {
                    client.expect(150).await;
                    client.expect(226).await;
                }
                assert!(std::fs::read(setup.at("/up-a.bin")).expect("it is there") == bytes_a);
                assert!(std::fs::read(setup.at("/up-b.bin")).expect("it is there") == bytes_b);
            }
        }
    }))
    .await;
}

/// Some clients say nothing before they have heard 150: Python's ftplib.
#[tokio::test]
async fn clients_that_begin_tls_behind_150_share_a_port_too() {
    in_both(async |versions| {
        let (_ground, site) = house(TOLD, versions, Reuse::Require, 1);
        let (mut a, mut b) = two(&site).await;
        let (to_a, to_b) = (a.port().await, b.port().await);
        let (of_b, of_a) = (silent(&site, to_b).await, silent(&site, to_a).await);
        a.command("RETR a.txt", 150).await;
        b.command("RETR b.txt", 150).await;
        assert_eq!(all(spoken(of_b, &b).await).await, b"B's alone");
        assert_eq!(all(spoken(of_a, &a).await).await, b"A's alone");
        a.expect(226).await;
        b.expect(226).await;
    })
    .await;
}

/// A whole transfer of one's own number, beside others'.
async fn retrieved(mut client: Client, number: usize) -> Client {
    assert_eq!(client.retrieve(&format!("{number}.txt")).await, format!("of {number}").as_bytes());
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_of_one_address_share_two_ports() {
    const MANY: usize = 200;
    within_bound(async {
        for (versions, reuse) in [(Versions::Tls13, Reuse::Require), (Versions::Tls12, Reuse::Learn)] {
            let told: String = (0..MANY).map(|n| format!("@ file /{n}.txt of {n}\n")).collect();
            let (_ground, site) = house(&told, versions, reuse, 2);
            let mut clients = Vec::new();
            for _ in 0..MANY {
                clients.push(Client::login(&site.door).await);
            }
            if reuse == Reuse::Learn {
                // Nobody knows yet whether they resume: the first transfers wait for each other.
                let mut first = JoinSet::new();
                for (number, client) in clients.drain(..).enumerate() {
                    first.spawn(async move { (number, retrieved(client, number).await) });
                }
                let mut back = first.join_all().await;
                back.sort_by_key(|(number, _)| *number);
                clients = back.into_iter().map(|(_, client)| client).collect();
            }
            // All pend together.
            let mut ports = Vec::new();
            for client in &mut clients {
                ports.push(client.port().await);
            }
            assert!(ports.iter().collect::<BTreeSet<_>>().len() <= 2);
            // 77 has no divisor in common with 200: each once, in another order.
            let order: Vec<usize> = (0..MANY).map(|n| n * 77 % MANY).collect();
            let mut coming: Vec<Option<ClientData>> = (0..MANY).map(|_| None).collect();
            for &n in &order {
                coming[n] = Some(clients[n].dial(ports[n]).await);
            }
            for (n, client) in clients.iter_mut().enumerate().rev() {
                client.say(&format!("RETR {n}.txt")).await;
            }
            for (n, coming) in coming.into_iter().enumerate() {
                let got = all(coming.expect("each once")).await;
                assert_eq!(got, format!("of {n}").as_bytes());
            }
            for client in &mut clients {
                client.expect(150).await;
                client.expect(226).await;
            }
            assert_eq!(site.refusals.read(), TurnedAway::default());
        }
    })
    .await;
}

/// B has a claim of its own at A's port: it gets what is its own, once, and nothing of A's.
#[tokio::test]
async fn a_thief_with_a_claim_of_its_own_gets_its_own() {
    in_both(async |versions| {
        for reuse in [Reuse::Require, Reuse::Learn] {
            let (_ground, site) = house(TOLD, versions, reuse, 1);
            let (mut a, mut b) = two(&site).await;
            let (to, _) = (a.port().await, b.port().await);
            a.say("RETR a.txt").await;
            let own = b.dial(to).await;
            assert_eq!(b.retrieve_on("b.txt", own).await, b"B's alone");
            let stolen = b.dial(to).await.all().await;
            assert!(stolen.is_err(), "{versions:?}: B's second connection was taken");
            assert_eq!(site.refusals.read(), TurnedAway { foreign: 1, ..TurnedAway::default() });
            let own = a.dial(to).await;
            assert_eq!(all(own).await, b"A's alone");
            a.expect(150).await;
            a.expect(226).await;
        }
    })
    .await;
}

/// Under TLS 1.3 a ticket is for one use, and uploads bring few new ones.
#[tokio::test]
async fn a_thousand_transfers_in_one_session_all_resume() {
    for versions in BOTH {
        within_bound(async {
            let (setup, site) = house(TOLD, versions, Reuse::Require, 1);
            let mut client = Client::login(&site.door).await;
            for n in 0..1000u32 {
                // Long runs of uploads, which is where clients run out of tickets.
                if n % 100 < 70 {
                    let to = client.port().await;
                    let data = client.dial(to).await;
                    client.command("STOR up.bin", 150).await;
                    sent(data, &n.to_be_bytes()).await;
                    client.expect(226).await;
                } else {
                    assert_eq!(client.retrieve("a.txt").await, b"A's alone");
                }
            }
            let last = std::fs::read(setup.at("/up.bin")).expect("it is there");
            assert_eq!(last, 969u32.to_be_bytes());
            assert_eq!(site.refusals.read(), TurnedAway::default());
        })
        .await;
    }
}

#[tokio::test]
async fn each_cause_of_a_refusal_is_counted() {
    within_bound(Box::pin(async {
        let (_ground, site) = house(TOLD, Versions::Both, Reuse::Require, 1);
        let (mut a, b) = two(&site).await;
        // Nobody waits.
        let to = a.port().await;
        a.retrieve("c.txt").await;
        let mut stranger = visit(&site, to).await;
        assert_eq!(stranger.read(&mut [0; 8]).await.expect("an end"), 0);
        let mut counted = TurnedAway { strangers: 1, ..TurnedAway::default() };
        assert_eq!(site.refusals.read(), counted);
        // Another's session, none, and no TLS; ours goes on.
        let to = a.port().await;
        assert!(b.dial(to).await.all().await.is_err());
        counted.foreign += 1;
        assert_eq!(site.refusals.read(), counted);
        assert!(nobodys(&site, to).await.all().await.is_err());
        counted.unbound += 1;
        assert_eq!(site.refusals.read(), counted);
        let mut browser = visit(&site, to).await;
        browser.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("it is read");
        browser.read_to_end(&mut Vec::new()).await.expect("an end, and no reset");
        counted.no_hello += 1;
        assert_eq!(site.refusals.read(), counted);
        let own = a.dial(to).await;
        a.say("RETR a.txt").await;
        assert_eq!(all(own).await, b"A's alone");
        a.expect(150).await;
        a.expect(226).await;
        // Without TLS, where two cannot be told apart.
        a.command("PROT C", 200).await;
        let to = a.port().await;
        for mut one in [visit(&site, to).await, visit(&site, to).await] {
            assert_eq!(one.read(&mut [0; 8]).await.expect("an end"), 0);
        }
        a.command("RETR a.txt", 425).await;
        counted.ambiguous += 2;
        assert_eq!(site.refusals.read(), counted);
    }))
    .await;
}

/// Silent clients at a port keep nobody out, however many there are.
#[tokio::test]
async fn silent_connections_keep_nobody_from_a_port() {
    within_bound(async {
        let (_ground, site) = house(TOLD, Versions::Both, Reuse::Require, 1);
        let (mut a, _) = two(&site).await;
        let to = a.port().await;
        let mut silent = Vec::new();
        for _ in 0..50 {
            silent.push(visit(&site, to).await);
        }
        let own = a.dial(to).await;
        a.say("RETR a.txt").await;
        assert_eq!(all(own).await, b"A's alone");
        a.expect(150).await;
        a.expect(226).await;
        for mut silent in silent {
            assert_eq!(silent.read(&mut [0; 8]).await.expect("an end, and no reset"), 0);
        }
    })
    .await;
}

/// What has spoken already is heard, however many silent ones stand behind it.
#[tokio::test]
async fn a_burst_pushes_out_nobody_who_has_spoken() {
    within_bound(async {
        let (_ground, site) = house(TOLD, Versions::Both, Reuse::Require, 1);
        let (mut a, b) = two(&site).await;
        let to = a.port().await;
        let words = hello(b.control.protection().expect("its data is protected")).await;
        let call = || std::net::TcpStream::connect((site.door.ip(), to)).expect("the passive port listens");
        // Nothing is awaited meanwhile, so that the site finds them all in the kernel.
        let mut spoken = call();
        std::io::Write::write_all(&mut spoken, &words).expect("there is room");
        let silent: Vec<_> = (0..50).map(|_| call()).collect();
        let own = a.dial(to).await;
        a.say("RETR a.txt").await;
        assert_eq!(all(own).await, b"A's alone");
        a.expect(150).await;
        a.expect(226).await;
        assert_eq!(site.refusals.read(), TurnedAway { foreign: 1, ..TurnedAway::default() });
        drop(silent);
    })
    .await;
}

/// A client whose command is refused sits at the port already. It is sent off, and nobody is told of a thief.
#[tokio::test]
async fn a_refused_command_closes_its_connection_and_not_anothers() {
    within_bound(async {
        let (_ground, site) = house(TOLD, Versions::Both, Reuse::Require, 1);
        let (mut a, mut b) = two(&site).await;
        let (to_a, to_b) = (a.port().await, b.port().await);
        let of_a = silent(&site, to_a).await;
        let of_b = b.dial(to_b).await;
        a.command("RETR none.txt", 550).await;
        let session = a.control.protection().expect("its data is protected");
        let late = of_a.connect_tls(session, PATIENCE).await;
        assert!(late.is_err(), "nobody was to take it");
        b.say("RETR b.txt").await;
        assert_eq!(all(of_b).await, b"B's alone");
        b.expect(150).await;
        b.expect(226).await;
        assert_eq!(site.refusals.read(), TurnedAway::default());
    })
    .await;
}
