//! May a data connection resume the session of another control connection? That of the same user and the same
//! address, where only one claim can be meant; and in no other case.
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use config::Reuse;
use net::passive::TurnedAway;

use crate::client::{BOTH, Client, all, in_both};
use crate::data::End;
use crate::loopback::Loopback;
use crate::reuse::hello;
use crate::shared::{house, silent, spoken, visit};

const TOLD: &str = "@ user anna x\n@ user bert x\n@ file /a.txt Anna's\n@ file /none.txt x\n";

const NOTHING: TurnedAway = TurnedAway { strangers: 0, ambiguous: 0, foreign: 0, unbound: 0, no_hello: 0 };

async fn of(site: &Loopback, user: &str) -> Client {
    Client::login_as(&site.door, None, user).await
}

/// A download of A's, on a connection that resumes the session of another.
async fn lent(a: &mut Client, other: &Client) {
    let to = a.port().await;
    let coming = other.dial(to).await;
    assert_eq!(a.retrieve_on("a.txt", coming).await, b"Anna's");
}

/// Another's connection comes to A's port, and is refused; A's own is served.
async fn refused(a: &mut Client, other: &Client, site: &Loopback) {
    let before = site.refusals.read().foreign;
    let to = a.port().await;
    assert!(other.dial(to).await.all().await.is_err(), "it was taken");
    assert_eq!(site.refusals.read().foreign, before + 1);
    served(a, to).await;
}

async fn served(a: &mut Client, to: u16) {
    let own = a.dial(to).await;
    assert_eq!(a.retrieve_on("a.txt", own).await, b"Anna's");
}

/// rclone keeps one cache of sessions for all its connections to a site.
#[tokio::test]
async fn a_session_of_the_same_user_and_address_is_good_enough() {
    in_both(async |versions| {
        for reuse in [Reuse::Learn, Reuse::Off] {
            let (setup, site) = house(TOLD, versions, reuse, 1);
            let (mut a, mut b) = (of(&site, "anna").await, of(&site, "anna").await);
            for _ in 0..3 {
                lent(&mut a, &b).await;
                lent(&mut b, &a).await;
                a.retrieve("a.txt").await;
            }
            let to = a.port().await;
            let mut coming = b.dial(to).await;
            a.command("STOR up.bin", 150).await;
            coming.send(b"whole").await.expect("the server reads");
            coming.end().await.expect("it has begun");
            assert_eq!(coming.all().await.expect("an end in order"), (Vec::new(), End::Notified));
            a.expect(226).await;
            assert_eq!(fs::read(setup.at("/up.bin")).expect("it is there"), b"whole");
            assert_eq!(site.refusals.read(), NOTHING);
        }
    })
    .await;
}

/// Where the server dials, it knows whose claim is meant.
#[tokio::test]
async fn so_is_it_where_the_server_dials() {
    in_both(async |versions| {
        for (reuse, user, good) in
            [(Reuse::Learn, "anna", true), (Reuse::Require, "anna", false), (Reuse::Learn, "bert", false)]
        {
            let (_ground, site) = house(TOLD, versions, reuse, 1);
            let (mut a, b) = (of(&site, "anna").await, of(&site, user).await);
            let ear = crate::data::DataListener::open(site.door.ip(), true).await.expect("a port");
            let at = ear.local().expect("an address").port();
            a.command(&format!("EPRT |1|127.0.0.1|{at}|"), 200).await;
            a.say("RETR a.txt").await;
            let coming = ear.accept(b.control.protection()).await.expect("the server calls");
            a.expect(150).await;
            if good {
                assert_eq!(all(coming).await, b"Anna's");
                a.expect(226).await;
            } else {
                assert!(coming.all().await.is_err());
                a.expect(522).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn never_where_it_may_be_anothers() {
    let elsewhere = Some(IpAddr::from(Ipv4Addr::new(127, 0, 0, 2)));
    in_both(async |versions| {
        for (told, reuse, user, other, from) in [
            // Every connection must resume its own.
            (TOLD, Reuse::Require, "anna", "anna", None),
            (TOLD, Reuse::Require, "anna", "bert", None),
            (TOLD, Reuse::Learn, "anna", "anna", elsewhere),
            // Nothing is known of anonymous users but that they are many.
            ("@ file /a.txt Anna's", Reuse::Learn, "anonymous", "anonymous", None),
        ] {
            let (_ground, site) = house(told, versions, reuse, 1);
            let mut b = Client::login_as(&site.door, from, other).await;
            if from.is_none() {
                // What B holds can be resumed: it just has been.
                b.retrieve("a.txt").await;
            }
            refused(&mut of(&site, user).await, &b, &site).await;
        }
    })
    .await;
}

#[tokio::test]
async fn never_the_session_of_another_user() {
    in_both(async |versions| {
        for reuse in [Reuse::Learn, Reuse::Off] {
            let (_ground, site) = house(TOLD, versions, reuse, 1);
            let (mut a, mut b) = (of(&site, "anna").await, of(&site, "bert").await);
            refused(&mut a, &b, &site).await;
            // Also when it was Anna's once.
            let mut c = of(&site, "anna").await;
            lent(&mut a, &c).await;
            for (line, code) in [("USER bert", 331), ("PASS x", 230)] {
                c.command(line, code).await;
            }
            refused(&mut a, &c, &site).await;
            // Nor does hers serve him, now that she is known to share.
            refused(&mut b, &a, &site).await;
        }
    })
    .await;
}

/// At a port of several claims it could be for either.
#[tokio::test]
async fn never_where_a_port_is_shared() {
    in_both(async |versions| {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let (mut a, b) = (of(&site, "anna").await, of(&site, "anna").await);
        for other in ["anna", "bert"] {
            let mut c = of(&site, other).await;
            // From now on they resume, and so share a port.
            a.retrieve("a.txt").await;
            c.retrieve("a.txt").await;
            let (to, shared) = (a.port().await, c.port().await);
            assert_eq!(to, shared, "there is one port");
            assert!(b.dial(to).await.all().await.is_err());
            served(&mut c, shared).await;
            // One that has come while there were two may have been meant for the one that is gone.
            c.port().await;
            let early = silent(&site, to).await;
            c.command("RETR /nowhere", 550).await;
            let session = b.control.protection().expect("its data is protected");
            assert!(early.connect_tls(session, Duration::from_secs(20)).await.is_err());
            served(&mut a, to).await;
        }
    })
    .await;
}

/// One that was asked for and not waited for comes late, and finds another's claim at its port: an upload of
/// the one would be the other's file.
#[tokio::test]
async fn never_one_that_may_be_for_an_earlier_claim_of_its_own() {
    in_both(async |versions| {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let (mut a, mut b) = (of(&site, "anna").await, of(&site, "anna").await);
        b.port().await;
        b.command("STOR nowhere/x", 550).await;
        refused(&mut a, &b, &site).await;
    })
    .await;
}

/// Its ticket is the newest that the client has, while it is still logging in there.
#[tokio::test]
async fn a_session_whose_login_is_under_way_is_waited_for() {
    in_both(async |versions| {
        for (user, good) in [("anna", true), ("bert", false)] {
            let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
            let mut a = of(&site, "anna").await;
            let mut b = Client::greeted(&site.door).await;
            b.command(&format!("USER {user}"), 331).await;
            let to = a.port().await;
            let coming = b.dial(to).await;
            a.command("RETR a.txt", 150).await;
            b.command("PASS x", 230).await;
            if good {
                assert_eq!(all(coming).await, b"Anna's");
                a.expect(226).await;
            } else {
                assert!(coming.all().await.is_err());
                a.expect(522).await;
            }
        }
    })
    .await;
}

/// A client that never logs in keeps nobody out, and is waited for no longer than there is a claim.
#[tokio::test]
async fn one_that_never_logs_in_keeps_nobody_out() {
    in_both(async |versions| {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let mut a = of(&site, "anna").await;
        let b = Client::greeted(&site.door).await;
        let to = a.port().await;
        let coming = b.dial(to).await;
        served(&mut a, to).await;
        assert!(coming.all().await.is_ok_and(|(bytes, _)| bytes.is_empty()), "it was served");
    })
    .await;
}

/// The newest session of a client that shares them may be that of a control connection which is no more.
#[tokio::test]
async fn a_session_that_was_shared_outlives_its_control_connection() {
    in_both(async |versions| {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 2);
        let (mut a, mut b) = (of(&site, "anna").await, of(&site, "anna").await);
        let (mut c, mut stranger) = (of(&site, "anna").await, of(&site, "bert").await);
        lent(&mut a, &b).await;
        let mut never = of(&site, "anna").await;
        for gone in [&mut b, &mut never] {
            gone.command("QUIT", 221).await;
            gone.ended().await;
        }
        lent(&mut a, &b).await;
        lent(&mut c, &b).await;
        refused(&mut stranger, &b, &site).await;
        // One that was not shared goes with its own, and so do all with the last.
        refused(&mut a, &never, &site).await;
        for mut gone in [a, c] {
            gone.command("QUIT", 221).await;
            gone.ended().await;
        }
        let mut late = of(&site, "anna").await;
        refused(&mut late, &b, &site).await;
    })
    .await;
}

/// The client's own connection is served, whatever is said again of what was overheard of its others.
#[tokio::test(start_paused = true)]
async fn a_hello_of_another_that_was_overheard_stops_nobody() {
    for versions in BOTH {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 1);
        let (mut a, b) = (of(&site, "anna").await, of(&site, "anna").await);
        lent(&mut a, &b).await;
        let overheard = hello(b.control.protection().expect("its data is protected")).await;
        for own in [true, false] {
            let to = a.port().await;
            let mut thief = visit(&site, to).await;
            tokio::io::AsyncWriteExt::write_all(&mut thief, &overheard).await.expect("it is read");
            a.command("RETR a.txt", 150).await;
            let coming = silent(&site, to).await;
            assert_eq!(all(spoken(coming, if own { &a } else { &b }).await).await, b"Anna's");
            a.expect(226).await;
        }
    }
}

/// A client that shares sessions has ports of its own, where there are some.
#[tokio::test]
async fn who_shares_sessions_shares_no_port() {
    in_both(async |versions| {
        let (_ground, site) = house(TOLD, versions, Reuse::Learn, 4);
        let (mut a, mut b) = (of(&site, "anna").await, of(&site, "anna").await);
        lent(&mut a, &b).await;
        lent(&mut b, &a).await;
        let mut c = of(&site, "bert").await;
        c.retrieve("a.txt").await;
        let ports = [a.port().await, b.port().await, c.port().await];
        assert!(ports[0] != ports[1] && ports[0] != ports[2] && ports[1] != ports[2], "{ports:?}");
        served(&mut c, ports[2]).await;
        served(&mut a, ports[0]).await;
        served(&mut b, ports[1]).await;
    })
    .await;
}
