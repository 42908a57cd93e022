//! What becomes of an upload that ends without close_notify (RFC 8446 6.1)? Anybody in between can end it so.
use std::fs;

use net::tls::Versions;
use server::settings::{Reuse, Truncated};
use tokio::task::JoinSet;

use crate::client::{Client, all, ground, within_bound};
use crate::dress::Dress;
use crate::ground::Ground;
use crate::loopback::Loopback;

const KIB: usize = 1024;
const WHOLE: usize = 64;

/// How many uploads are cut side by side.
const LANES: usize = 8;

fn content() -> Vec<u8> {
    (0..WHOLE * KIB).map(|n| (n % 251) as u8).collect()
}

fn house(versions: Versions, truncated: Truncated) -> (Ground, Loopback) {
    let ground = ground(&format!("@ ports {LANES}"));
    let site = Loopback::changed(&ground, Dress::Explicit(versions), |settings| {
        settings.security.truncated = truncated;
        settings.security.reuse = Reuse::Learn;
    });
    (ground, site)
}

/// Sends the first so many KiB of an upload and cuts it there.
async fn cut(client: &mut Client, name: &str, kib: usize) {
    let mut data = client.data().await;
    client.command(&format!("STOR {name}"), 150).await;
    data.send(&content()[..kib * KIB]).await.expect("the server reads");
    data.cut().await.expect("TLS to be cut");
}

/// Nothing of it is published, and all that came is kept, to be gone on with by REST or by APPE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_cut_anywhere_is_resumed() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        within_bound(async {
            let (ground, site) = house(versions, Truncated::Kept);
            let mut lanes = JoinSet::new();
            for lane in 0..LANES {
                let door = site.door.clone();
                lanes.spawn(async move {
                    let mut client = Client::login(&door).await;
                    for kib in (lane..=WHOLE).step_by(LANES) {
                        let name = format!("{kib}.bin");
                        cut(&mut client, &name, kib).await;
                        client.expect(426).await;
                        assert!(client.last.contains("close_notify"), "{versions:?} {kib}: {}", client.last);
                        let listed = client.data().await;
                        client.command("NLST", 150).await;
                        let names = String::from_utf8(all(listed).await).expect("names of ASCII");
                        client.expect(226).await;
                        assert!(
                            !names.lines().any(|line| line == name),
                            "{versions:?}: {name} was published"
                        );
                        resume(&mut client, &name, kib).await;
                    }
                });
            }
            assert_eq!(lanes.join_all().await.len(), LANES);
            for kib in 0..=WHOLE {
                let got = fs::read(ground.at(&format!("/{kib}.bin"))).expect("the upload");
                assert!(got == content(), "{versions:?}: {kib}.bin is not what was sent");
            }
        })
        .await;
    }
}

/// Asks how much is there, and sends the rest: by REST and STOR after an even number of KiB, else by APPE.
async fn resume(client: &mut Client, name: &str, kib: usize) {
    if kib == 0 {
        client.command(&format!("SIZE {name}"), 550).await;
    } else {
        client.command(&format!("SIZE {name}"), 213).await;
        assert_eq!(client.last, format!("213 {}", kib * KIB));
    }
    let verb = if kib.is_multiple_of(2) { "STOR" } else { "APPE" };
    if verb == "STOR" {
        client.command(&format!("REST {}", kib * KIB), 350).await;
    }
    let mut data = client.data().await;
    client.command(&format!("{verb} {name}"), 150).await;
    data.send(&content()[kib * KIB..]).await.expect("the server reads");
    data.end().await.expect("the server reads");
    client.expect(226).await;
}

/// For clients that never say close_notify a keeper can take what came for the whole.
#[tokio::test]
async fn an_upload_that_is_cut_is_published_where_the_keeper_wants_it() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        within_bound(async {
            let (ground, site) = house(versions, Truncated::Published);
            let mut client = Client::login(&site.door).await;
            for kib in [0, 1, 63, 64] {
                let name = format!("{kib}.bin");
                cut(&mut client, &name, kib).await;
                client.expect(226).await;
                let got = fs::read(ground.at(&format!("/{name}"))).expect("the upload");
                assert!(got == content()[..kib * KIB], "{versions:?}: {kib} KiB");
            }
        })
        .await;
    }
}
