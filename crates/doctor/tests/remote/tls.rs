//! Does the doctor tell what is wrong with TLS from what only looks so?
//!
//! The targets take logins and no more: what their TLS comes to is all that there is to see.
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use client::Credentials;
use doctor::remote::{LONGEST, Target};
use doctor::{Report, Verdict};
use net::control::{Control, Explicit};
use net::listener::Listener;
use net::tls::Versions;
use net::tls::identity::Identity;
use net::tls::server::{ClientCertificates, ClientTrust, ServerTls, Settings};
use net::tls::sessions::Sessions;
use socket2::SockRef;

use super::{see, target, verdicts};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Bytes that do not fit into a small segment are lost, and so is what is behind them.
    LargePackets,
    /// AUTH is refused though it is offered.
    Auth,
    /// The connection ends at the first words of TLS.
    Cut,
    /// PROT is refused.
    Prot,
}

/// Ends with the runtime of its test.
struct Server {
    port: u16,
}

impl Server {
    fn start(wrong: Wrong, versions: Versions, clients: ClientCertificates) -> Self {
        let listener = Listener::bind((HERE, 0).into()).unwrap();
        let port = listener.local().port();
        let identity = Identity::self_signed(&["127.0.0.1".to_owned()]).unwrap().identity;
        let settings = Settings { identities: vec![identity], versions, clients };
        let tls = Arc::new(ServerTls::new(settings, &Sessions::new().unwrap()).unwrap());
        tokio::spawn(async move {
            while let Ok(control) = listener.accept().await {
                let tls = Arc::clone(&tls);
                tokio::spawn(async move { serve(&control, wrong, &tls).await });
            }
        });
        Self { port }
    }

    async fn examined(&self, identity: Option<Identity>) -> Report {
        let credentials = Credentials::anonymous();
        see(&Target { credentials, clear: false, identity, ..target(self.port) }).await.0
    }
}

async fn serve(control: &Control, wrong: Wrong, tls: &ServerTls) -> Option<()> {
    let mut unread = Vec::new();
    say(control, "220 ready").await?;
    loop {
        let line = line(control, &mut unread).await?;
        let answer = match line.split(' ').next()? {
            "AUTH" if wrong == Wrong::Auth => "500 what is that?",
            "AUTH" => {
                let large = SockRef::from(control).tcp_mss().is_ok_and(|segment| segment > 1200);
                if wrong == Wrong::Cut || wrong == Wrong::LargePackets && large {
                    say(control, "234 go on").await?;
                    while control.read(&mut unread).await.ok()? > 0 && wrong != Wrong::Cut {}
                    return None;
                }
                let explicit = Explicit { read_ahead: &unread, answer: b"234 go on\r\n" };
                control.accept_tls(tls, Some(explicit), LONGEST).await.ok()?;
                continue;
            }
            "FEAT" => "211-Features:\r\n AUTH TLS\r\n211 End",
            "USER" => "331 who?",
            "PASS" => "230 in",
            "PROT" if wrong == Wrong::Prot => "536 no",
            "PBSZ" | "PROT" | "TYPE" => "200 yes",
            "QUIT" => "221 bye",
            _ => "502 no",
        };
        say(control, answer).await?;
    }
}

async fn say(control: &Control, line: &str) -> Option<()> {
    control.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}

async fn line(control: &Control, unread: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = unread.windows(2).position(|pair| pair == b"\r\n") {
            let line = unread.drain(..end + 2).take(end).collect();
            return String::from_utf8(line).ok();
        }
        if control.read(unread).await.ok()? == 0 {
            return None;
        }
    }
}

fn evidence(diagnosis: &Report) -> String {
    diagnosis.verdict.evidence.join("\n")
}

#[tokio::test]
async fn what_stands_still_in_large_packets_and_is_through_in_small_ones_is_a_black_hole() {
    let site = Server::start(Wrong::LargePackets, Versions::Both, ClientCertificates::Off);
    let diagnosis = site.examined(None).await;
    assert_eq!(diagnosis.verdict.verdict, Verdict::MtuBlackHole, "{diagnosis:#?}");
    // And the sessions go on in small packets.
    let evidence = evidence(&diagnosis);
    assert!(evidence.contains("login under TLS: works") && evidence.contains("TLS 1.2 works"), "{evidence}");
}

#[tokio::test]
async fn tls_that_is_taken_away_or_half_given() {
    let announced = async |wrong, verdict| {
        let diagnosis = Server::start(wrong, Versions::Both, ClientCertificates::Off).examined(None).await;
        assert_eq!(diagnosis.verdict.verdict, verdict, "{diagnosis:#?}");
        diagnosis
    };
    let (auth, cut, _) = tokio::join!(
        announced(Wrong::Auth, Verdict::AuthFails),
        announced(Wrong::Cut, Verdict::TlsFails),
        announced(Wrong::Prot, Verdict::ProtRefused)
    );
    for diagnosis in [auth, cut] {
        let open =
            diagnosis.unclear.iter().any(|open| open.what.contains("the server or something in between"));
        assert!(open, "{diagnosis:#?}");
    }
}

#[tokio::test]
async fn a_site_that_demands_a_certificate_is_told_as_that_and_seen_with_one() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let clients = ClientCertificates::Require(ClientTrust::Any);
        let site = Server::start(Wrong::Nothing, versions, clients);
        let diagnosis = site.examined(None).await;
        assert_eq!(diagnosis.verdict.verdict, Verdict::CertificateDemanded, "{diagnosis:#?}");
        assert!(diagnosis.verdict.client.iter().any(|fix| fix.contains("--cert FILE")), "{diagnosis:#?}");
        let ours = Identity::self_signed(&["ada.example".to_owned()]).unwrap().identity;
        let diagnosis = site.examined(Some(ours)).await;
        assert!(!verdicts(&diagnosis).contains(&Verdict::CertificateDemanded), "{diagnosis:#?}");
        assert!(evidence(&diagnosis).contains("login under TLS: works"), "{diagnosis:#?}");
    }
}
