//! Is a protected data connection its own control connection's, whoever else comes to the port?
use config::Reuse;
use net::tls::Versions;

use crate::client::{Client, all, ground, in_both};
use crate::dress::Dress;
use crate::ground::Ground;
use crate::line::Door;
use crate::loopback::Loopback;

fn house(told: &str, versions: Versions, reuse: Reuse) -> (Ground, Loopback) {
    let ground = ground(told);
    let site = Loopback::changed(&ground, Dress::Explicit(versions), |s| s.listeners[0].data_reuse = reuse);
    (ground, site)
}

/// B has its own login and its own session, shares A's address, and comes to A's port first: it gets nothing,
/// and A all.
#[tokio::test]
async fn a_thief_with_a_session_of_its_own_gets_nothing() {
    in_both(async |versions| {
        for reuse in [Reuse::Learn, Reuse::Require] {
            let (_ground, site) = house("@ file /secret.txt A's alone", versions, reuse);
            let implicit = Door { dress: Dress::Implicit(versions), ..site.door.clone() };
            let (mut a, mut b) = (Client::login(&site.door).await, Client::login(&implicit).await);
            // What B holds can be resumed: it just has been.
            assert_eq!(b.retrieve("secret.txt").await, b"A's alone");
            let port = a.port().await;
            let thief = b.dial(port).await;
            a.say("RETR secret.txt").await;
            assert!(thief.all().await.is_err(), "{versions:?}: B's connection was taken");
            let own = a.dial(port).await;
            a.expect(150).await;
            assert_eq!(all(own).await, b"A's alone");
            a.expect(226).await;
        }
    })
    .await;
}

/// TLS 1.3 tickets are for one use; a session that has been given but two at its login resumes all the same.
#[tokio::test]
async fn every_transfer_resumes() {
    in_both(async |versions| {
        let (_ground, site) = house("@ file /a.txt a", versions, Reuse::Require);
        let mut client = Client::login(&site.door).await;
        for _ in 0..50 {
            assert_eq!(client.retrieve("a.txt").await, b"a");
        }
    })
    .await;
}
