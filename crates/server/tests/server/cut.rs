//! What becomes of an upload that ends without close_notify (RFC 8446 6.1)? Anybody in between can end it so.
use std::fs;

use config::{HangUp, Reuse, TlsEnd};
use net::tls::Versions;
use socket2::SockRef;
use tokio::task::JoinSet;

use crate::client::{Client, all, in_both, setup};
use crate::data::ClientData;
use crate::loopback::Loopback;
use crate::setup::Setup;
use crate::tls_mode::TlsMode;

const KIB: usize = 1024;
const WHOLE: usize = 64;

/// How many uploads are cut side by side.
const LANES: usize = 8;

fn content() -> Vec<u8> {
    (0..WHOLE * KIB).map(|n| (n % 251) as u8).collect()
}

fn house(versions: Versions, tls_end: TlsEnd) -> (Setup, Loopback) {
    let setup = setup(&format!("@ ports {LANES}"));
    let site = Loopback::changed(&setup, TlsMode::Explicit(versions), |settings| {
        settings.listeners[0].tls_end = tls_end;
        settings.listeners[0].data_reuse = Reuse::Learn;
    });
    (setup, site)
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
    in_both(async |versions| {
        let (setup, site) = house(versions, TlsEnd::Strict);
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            let door = site.door.clone();
            lanes.spawn(async move {
                let mut client = Client::login(&door).await;
                for kib in (lane..=WHOLE).step_by(LANES) {
                    let name = format!("{kib}.bin");
                    cut(&mut client, &name, kib).await;
                    let told = client.expect(426).await;
                    assert!(told.contains("close_notify"), "{versions:?} {kib}: {told}");
                    let listed = client.data().await;
                    client.command("NLST", 150).await;
                    let names = String::from_utf8(all(listed).await).expect("names of ASCII");
                    client.expect(226).await;
                    assert!(!names.lines().any(|line| line == name), "{versions:?}: {name} was published");
                    resume(&mut client, &name, kib).await;
                }
            });
        }
        assert_eq!(lanes.join_all().await.len(), LANES);
        for kib in 0..=WHOLE {
            let got = fs::read(setup.at(&format!("/{kib}.bin"))).expect("the upload");
            assert!(got == content(), "{versions:?}: {kib}.bin is not what was sent");
        }
    })
    .await;
}

/// Asks how much is there, and sends the rest: by REST and STOR after an even number of KiB, else by APPE.
async fn resume(client: &mut Client, name: &str, kib: usize) {
    if kib == 0 {
        client.command(&format!("SIZE {name}"), 550).await;
    } else {
        client.command(&format!("SIZE {name}"), format!("213 {}", kib * KIB)).await;
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

/// How an upload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Notified,
    Fin,
    /// With FIN, before a byte was sent.
    Empty,
    /// In the middle of a record.
    Torn,
    Reset,
    /// With FIN, when the control connection has ended.
    Alone,
}

/// An upload of one KiB that ends so: the code of the reply.
async fn upload(client: &mut Client, name: &str, manner: Manner) -> u16 {
    let mut data = client.data().await;
    client.command(&format!("STOR {name}"), 150).await;
    if manner != Manner::Empty {
        data.send(&content()[..KIB]).await.expect("the server reads");
    }
    match manner {
        Manner::Notified => data.end().await.expect("TLS that ends"),
        Manner::Fin | Manner::Empty => data.cut().await.expect("TLS to be cut"),
        Manner::Torn => {
            let ClientData::Tls(protected) = &data else { panic!("it is protected") };
            // The header of a record of application data, and the beginning of what it tells of.
            let record = [0x17, 3, 3, 0, 100, 1, 2, 3];
            assert_eq!(SockRef::from(&**protected).send(&record).expect("there is room"), record.len());
            data.cut().await.expect("TLS to be cut");
        }
        Manner::Reset => data.reset().await.expect("a connection"),
        Manner::Alone => {
            client.control.shutdown().await;
            data.cut().await.expect("TLS to be cut");
        }
    }
    let reply = client.line().await.expect("a reply");
    reply[..3].parse().expect("a code")
}

/// Whether it is published is what the reply says.
async fn shows(told: &str, end: TlsEnd, hang_up: HangUp, uploads: &[(Manner, bool)]) {
    in_both(async |versions| {
        let setup = setup("@ ports 2");
        let site = Loopback::changed(&setup, TlsMode::Explicit(versions), |settings| {
            settings.listeners[0].tls_end = end;
            settings.uploads.hang_up = hang_up;
        });
        let mut client = Client::login(&site.door).await;
        for (n, (manner, published)) in uploads.iter().enumerate() {
            let name = format!("{n}.bin");
            let code = upload(&mut client, &name, *manner).await;
            let whole = if *published { 226 } else { 426 };
            assert_eq!(code, whole, "{told}, {versions:?}: {manner:?}, upload {n}");
            let got = fs::read(setup.at(&format!("/{name}"))).ok();
            let sent = if *manner == Manner::Empty { 0 } else { KIB };
            assert_eq!(got.as_deref(), published.then_some(&content()[..sent]), "{told}: {manner:?}");
        }
    })
    .await;
}

/// netkit's ftp-ssl, .NET's older SslStream and many devices never send close_notify.
#[tokio::test]
async fn who_never_sends_close_notify_is_believed() {
    let uploads = [(Manner::Fin, true), (Manner::Fin, true), (Manner::Fin, true)];
    shows("never", TlsEnd::Learn, HangUp::Keep, &uploads).await;
}

#[tokio::test]
async fn who_has_sent_close_notify_once_must_always() {
    let uploads = [
        (Manner::Fin, true),
        (Manner::Notified, true),
        (Manner::Fin, false),
        (Manner::Notified, true),
        (Manner::Fin, false),
    ];
    shows("once", TlsEnd::Learn, HangUp::Keep, &uploads).await;
}

#[tokio::test]
async fn a_reset_and_a_record_in_part_are_no_end() {
    let uploads = [(Manner::Reset, false), (Manner::Torn, false), (Manner::Fin, true), (Manner::Torn, false)];
    for hang_up in [HangUp::Keep, HangUp::Publish] {
        shows("learn", TlsEnd::Learn, hang_up, &uploads).await;
    }
    let uploads =
        [(Manner::Reset, false), (Manner::Torn, false), (Manner::Fin, false), (Manner::Notified, true)];
    shows("strict", TlsEnd::Strict, HangUp::Keep, &uploads).await;
    // As it says: whatever ends with FIN.
    let uploads = [
        (Manner::Reset, false),
        (Manner::Torn, false),
        (Manner::Fin, true),
        (Manner::Empty, true),
        (Manner::Notified, true),
        (Manner::Fin, true),
    ];
    shows("lenient", TlsEnd::Lenient, HangUp::Keep, &uploads).await;
}

/// Somebody in between who cuts the one cuts the other.
#[tokio::test]
async fn who_has_ended_the_control_connection_is_not_believed() {
    for hang_up in [HangUp::Keep, HangUp::Publish] {
        shows("gone", TlsEnd::Learn, hang_up, &[(Manner::Fin, true), (Manner::Alone, false)]).await;
    }
    shows("gone", TlsEnd::Lenient, HangUp::Publish, &[(Manner::Alone, true)]).await;
}
