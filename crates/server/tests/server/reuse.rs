//! For whom is it waited, and for how long, when a data connection does not resume its control connection's
//! session?
//!
//! Time is made up: it passes when everybody waits, so that what was waited for is seen exactly.
use std::time::Duration;

use config::Reuse;
use net::passive::TurnedAway;
use net::tls::Versions;
use net::tls::client::Session;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::client::{BOTH, Client, all};
use crate::control::PATIENCE;
use crate::data::ClientData;
use crate::loopback::Loopback;
use crate::shared::{house, nobodys, silent, spoken, visit};

const TOLD: &str = "@ file /a.txt A's alone\n@ file /b.txt B's alone\n";

const HELD: Duration = Duration::from_millis(300);

/// The first words of a data connection that would resume a session.
pub(crate) async fn hello(session: &Session) -> Vec<u8> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let to = listener.local_addr().expect("a bound socket has an address");
    let shaking = ClientData::dial(to, Some(session)).await.expect("it listens");
    let (mut heard, _) = listener.accept().await.expect("a connection");
    let mut bytes = vec![0; 4096];
    let length = heard.read(&mut bytes).await.expect("a hello");
    drop(shaking);
    bytes.truncate(length);
    bytes
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_resumes_is_not_held_back() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let mut client = Client::login(&site.door).await;
        let begun = Instant::now();
        for early in [true, false, true, false] {
            let to = client.port().await;
            let coming = if early { Some(nobodys(&site, to).await) } else { None };
            client.say("RETR a.txt").await;
            let coming = match coming {
                Some(coming) => coming,
                None => nobodys(&site, to).await,
            };
            client.expect(150).await;
            client.expect(226).await;
            assert_eq!(all(coming).await, b"A's alone");
        }
        assert!(begun.elapsed() < HELD, "{:?}", begun.elapsed());
    }
}

/// Where another connection is silent, that one may be the client's: so one that resumes nothing waits, but
/// not for ever.
#[tokio::test(start_paused = true)]
async fn one_that_resumes_nothing_waits_for_one_that_is_silent() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let mut client = Client::login(&site.door).await;
        let to = client.port().await;
        let waiting = visit(&site, to).await;
        let coming = nobodys(&site, to).await;
        let begun = Instant::now();
        assert_eq!(client.retrieve_on("a.txt", coming).await, b"A's alone");
        assert!(begun.elapsed() >= HELD && begun.elapsed() < HELD * 2, "{:?}", begun.elapsed());
        // And no longer than that one is there.
        let to = client.port().await;
        drop(waiting);
        let waiting = visit(&site, to).await;
        let coming = nobodys(&site, to).await;
        let begun = Instant::now();
        client.command("RETR a.txt", 150).await;
        drop(waiting);
        assert_eq!(all(coming).await, b"A's alone");
        client.expect(226).await;
        assert!(begun.elapsed() < HELD, "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_the_one_that_resumes_wins() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let mut client = Client::login(&site.door).await;
        let to = client.port().await;
        let own = silent(&site, to).await;
        let thief = nobodys(&site, to).await;
        let begun = Instant::now();
        client.command("RETR a.txt", 150).await;
        // The thief has said hello, and ours has said nothing yet.
        assert_eq!(all(spoken(own, &client).await).await, b"A's alone");
        client.expect(226).await;
        assert!(thief.all().await.is_err());
        assert!(begun.elapsed() < HELD, "{:?}", begun.elapsed());
        assert_eq!(site.refusals.read(), TurnedAway { unbound: 1, ..TurnedAway::default() });
    }
}

/// The one that resumes nothing was alone, and its handshake has begun.
#[tokio::test(start_paused = true)]
async fn the_one_that_resumes_wins_over_a_handshake_under_way() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let mut client = Client::login(&site.door).await;
        let to = client.port().await;
        let mut slow = visit(&site, to).await;
        let tls = site.door.tls.as_ref().expect("a site with TLS");
        slow.write_all(&hello(&tls.nobodys().await).await).await.expect("it is read");
        client.command("RETR a.txt", 150).await;
        // It has been answered, and says no more.
        assert!(slow.read(&mut [0; 8]).await.expect("an answer") > 0);
        let begun = Instant::now();
        assert_eq!(all(client.dial(to).await).await, b"A's alone");
        client.expect(226).await;
        assert!(begun.elapsed() < HELD, "{:?}", begun.elapsed());
    }
}

/// To be told why takes a connection a while, and a descriptor of the site.
#[tokio::test(start_paused = true)]
async fn of_a_flood_few_are_told_why_they_are_refused() {
    let (_ground, site) = house(TOLD, Versions::Both, Reuse::Learn, 1);
    let mut client = Client::login(&site.door).await;
    let to = client.port().await;
    let tls = site.door.tls.as_ref().expect("a site with TLS");
    let mut words = hello(&tls.nobodys().await).await;
    let mut slow = visit(&site, to).await;
    slow.write_all(&words).await.expect("it is read");
    client.command("RETR a.txt", 150).await;
    // It is taken for the client's until that comes; nobody else is. They go on talking, so that it takes a
    // while.
    assert!(slow.read(&mut [0; 8]).await.expect("an answer") > 0);
    words.extend_from_slice(&[0; 16 << 10]);
    let (mut told, mut there) = (0, Vec::new());
    for _ in 0..40 {
        let mut one = visit(&site, to).await;
        one.write_all(&words).await.expect("there is room");
        told += usize::from(one.read(&mut [0; 1]).await.is_ok_and(|count| count > 0));
        there.push(one);
    }
    assert!((1..40).contains(&told), "{told}");
    assert_eq!(all(client.dial(to).await).await, b"A's alone");
    client.expect(226).await;
}

/// A client that has overheard a hello can send it again, and no more than that.
///
/// Before the client's connection or behind it, before the command or behind that: it is as if it had not
/// been said.
#[tokio::test(start_paused = true)]
async fn a_hello_that_is_said_again_and_again_stops_nobody() {
    for versions in BOTH {
        for reuse in [Reuse::Learn, Reuse::Require] {
            let (_ground, site) = house(TOLD, versions, reuse, 1);
            let mut client = Client::login(&site.door).await;
            client.retrieve("a.txt").await;
            let overheard = hello(client.control.protection().expect("its data is protected")).await;
            for early in [true, false] {
                for (before, behind) in [(10, 0), (0, 10), (2, 10), (10, 1)] {
                    let to = client.port().await;
                    let mut thieves = Vec::new();
                    if !early {
                        again(&site, to, &overheard, 1, &mut thieves).await;
                        client.command("RETR a.txt", 150).await;
                    }
                    again(&site, to, &overheard, before, &mut thieves).await;
                    let own = client.dial(to).await;
                    again(&site, to, &overheard, behind, &mut thieves).await;
                    if early {
                        client.command("RETR a.txt", 150).await;
                    }
                    let begun = Instant::now();
                    assert_eq!(all(own).await, b"A's alone", "{before} before, {behind} behind");
                    client.expect(226).await;
                    assert_eq!(begun.elapsed(), Duration::ZERO);
                }
            }
        }
    }
}

/// Says a hello so many times, each as a connection of its own.
async fn again(site: &Loopback, port: u16, hello: &[u8], many: usize, to: &mut Vec<TcpStream>) {
    for _ in 0..many {
        let mut one = visit(site, port).await;
        one.write_all(hello).await.expect("it is read");
        to.push(one);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_resume_nothing_neither_is_taken() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let mut client = Client::login(&site.door).await;
        let to = client.port().await;
        let both = [nobodys(&site, to).await, nobodys(&site, to).await];
        client.command("RETR a.txt", 150).await;
        client.expect("425 Two connections").await;
        for coming in both {
            assert!(coming.all().await.is_err());
        }
        assert_eq!(site.refusals.read(), TurnedAway { ambiguous: 2, ..TurnedAway::default() });
    }
}

/// A client that does not resume hears so at once, or nearly; it has no other connection that could be waited
/// for.
#[tokio::test(start_paused = true)]
async fn who_does_not_resume_and_must_hears_why_soon() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Require, 1);
        let mut client = Client::login(&site.door).await;
        for early in [true, false] {
            let to = client.port().await;
            let begun = Instant::now();
            if early {
                assert!(nobodys(&site, to).await.all().await.is_err());
                client.command("RETR a.txt", 150).await;
                client.expect(522).await;
            } else {
                // It says nothing before 150.
                let tls = site.door.tls.as_ref().expect("a site with TLS");
                let (late, nobody) = (silent(&site, to).await, tls.nobodys().await);
                client.command("RETR a.txt", 150).await;
                assert!(late.connect_tls(&nobody, PATIENCE).await.is_err());
                client.expect(522).await;
            }
            assert!(begun.elapsed() <= Duration::from_secs(3), "{:?}", begun.elapsed());
        }
    }
}

/// Where several wait at a port, one that resumes nothing may be anybody's; so it shortens nobody's time.
#[tokio::test(start_paused = true)]
async fn a_stranger_shortens_the_time_of_none_of_several() {
    let (setup, site) = house(TOLD, Versions::Both, Reuse::Require, 1);
    let (mut a, mut b) = (Client::login(&site.door).await, Client::login(&site.door).await);
    let (to, _) = (a.port().await, b.port().await);
    assert!(nobodys(&site, to).await.all().await.is_err());
    let begun = Instant::now();
    a.say("RETR a.txt").await;
    b.say("RETR b.txt").await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let own = a.dial(to).await;
    a.expect(150).await;
    assert_eq!(all(own).await, b"A's alone");
    a.expect(226).await;
    // And the one that it was hears at the end what may have been the matter. A's connection may have been
    // B's for a moment, until it spoke: then 150 comes before.
    let mut told = b.line().await.expect("a reply");
    if told.starts_with("150 ") {
        told = b.line().await.expect("a reply");
    }
    assert!(told.starts_with("522 "), "{told}");
    let whole = setup.settings.deadlines.data;
    assert!(begun.elapsed() >= whole && begun.elapsed() < whole * 2, "{:?}", begun.elapsed());
}

/// A client may connect long before its command, and say nothing before 150.
#[tokio::test(start_paused = true)]
async fn a_silent_connection_lives_as_long_as_its_claim() {
    for reuse in [Reuse::Require, Reuse::Learn] {
        let (setup, site) = house(TOLD, Versions::Both, reuse, 1);
        let mut client = Client::login(&site.door).await;
        let to = client.port().await;
        let own = silent(&site, to).await;
        // A claim lapses after 60 s, if it is not used before; then it lasts as long as its transfer may take
        // to begin.
        tokio::time::sleep(Duration::from_secs(59)).await;
        client.command("RETR a.txt", 150).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(all(spoken(own, &client).await).await, b"A's alone");
        client.expect(226).await;
        // It says nothing behind 150 either.
        let to = client.port().await;
        let _waiting = visit(&site, to).await;
        let begun = Instant::now();
        client.command("RETR a.txt", 150).await;
        client.expect(522).await;
        assert_eq!(begun.elapsed().as_secs(), setup.settings.deadlines.handshake.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_there_is_no_150() {
    let (setup, site) = house(TOLD, Versions::Both, Reuse::Learn, 1);
    let mut client = Client::login(&site.door).await;
    client.port().await;
    let begun = Instant::now();
    client.command("RETR a.txt", 425).await;
    assert_eq!(begun.elapsed().as_secs(), setup.settings.deadlines.data.as_secs());
}
