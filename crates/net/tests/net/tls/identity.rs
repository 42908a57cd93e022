//! Who is believed to be whom?
use net::control::Control;
use net::tls::client::{ClientTls, Roots, Session, Settings as ClientSettings, Trust};
use net::tls::identity::Identity;
use net::tls::server::{Binding, ClientCertificates, ClientTrust, ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{Fingerprint, Flow, Reuse, UpgradeError, Versions};

use super::scene::{BOTH, Login, NAME, Site, controls, identity, refusal, settings};
use crate::scene::LONG;

type Ends = (Result<Binding, UpgradeError>, Result<Session, UpgradeError>);

async fn meet(server: &ServerTls, client: &ClientTls, host: &str) -> (Ends, Control, Control) {
    let (here, there) = controls().await;
    let ends = tokio::join!(here.accept_tls(server, None, LONG), there.connect_tls(client, host, None, LONG));
    (ends, here, there)
}

fn trusting(trust: Trust) -> ClientTls {
    ClientTls::new(ClientSettings { trust, versions: Versions::Both, identity: None })
}

#[tokio::test]
async fn a_certificate_is_pinned_verified_or_reported() {
    let site = Site::new();
    let pem = Identity::self_signed(&[NAME.to_owned()]).unwrap();
    let roots = Roots::from_pem(pem.certificate.as_bytes()).unwrap();
    let other: Fingerprint = pem.identity.fingerprint();
    let refused = meet(&site.tls, &trusting(Trust::Pinned(vec![other])), NAME).await.0.1;
    assert!(refused.unwrap_err().to_string().contains(&site.identity.fingerprint().to_string()));
    let refused = meet(&site.tls, &trusting(Trust::Roots(roots.clone())), NAME).await.0.1;
    assert!(refused.is_err());
    let refused = meet(&site.tls, &trusting(Trust::Roots(Roots::system())), NAME).await.0.1;
    assert!(refused.is_err());
    let reported = meet(&site.tls, &trusting(Trust::Report(roots)), NAME).await.0.1.unwrap();
    assert!(reported.doubt().is_some());
    assert_eq!(reported.established().fingerprint(), Some(site.identity.fingerprint()));
    // Nothing is sent for it, so that no server is needed to see it.
    let (_, client) = controls().await;
    let nobody = client.connect_tls(&trusting(Trust::Pinned(vec![])), "not a name", None, LONG).await;
    assert!(matches!(nobody, Err(UpgradeError::Name(_))));
}

#[tokio::test]
async fn an_authority_vouches_for_a_name_and_for_no_other() {
    let ca = Ca::new();
    let own = ca.issue(NAME);
    let tls = ServerTls::new(settings(&own), &Sessions::new().unwrap()).unwrap();
    let roots = Roots::from_pem(ca.pem().as_bytes()).unwrap();
    let client = trusting(Trust::Roots(roots.clone()));
    meet(&tls, &client, NAME).await.0.1.unwrap();
    assert!(meet(&tls, &client, "other.example").await.0.1.is_err());
    let reported = meet(&tls, &trusting(Trust::Report(roots.clone())), NAME).await.0.1.unwrap();
    assert_eq!(reported.doubt(), None);
    let reported = meet(&tls, &trusting(Trust::Report(roots)), "192.0.2.7").await.0.1.unwrap();
    assert!(reported.doubt().is_some());
}

#[tokio::test]
async fn the_name_asked_for_chooses_the_certificate_and_a_reload_changes_it() {
    let (one, two) = (identity("one.example"), identity("two.example"));
    let both = Settings { identities: vec![one.clone(), two.clone()], ..settings(&one) };
    let tls = ServerTls::new(both, &Sessions::new().unwrap()).unwrap();
    let client = trusting(Trust::Report(Roots::system()));
    let mut old = None;
    for (host, shown) in [("one.example", &one), ("two.example", &two), ("three.example", &one)] {
        let ((binding, session), here, there) = meet(&tls, &client, host).await;
        assert_eq!(session.unwrap().established().fingerprint(), Some(shown.fingerprint()), "{host}");
        old = Some((binding.unwrap(), here, there));
    }
    let fresh = identity("one.example");
    tls.replace(settings(&fresh)).unwrap();
    let session = meet(&tls, &client, "one.example").await.0.1.unwrap();
    assert_eq!(session.established().fingerprint(), Some(fresh.fingerprint()));
    // What cannot be used changes nothing.
    assert!(tls.replace(Settings { identities: vec![], ..settings(&one) }).is_err());
    let session = meet(&tls, &client, "one.example").await.0.1.unwrap();
    assert_eq!(session.established().fingerprint(), Some(fresh.fingerprint()));
    drop(old);
}

#[tokio::test]
async fn a_session_that_began_before_a_reload_goes_on_with_its_certificate() {
    let site = Site::new();
    for versions in BOTH {
        let login = site.login(versions).await;
        site.tls.replace(settings(&identity(NAME))).unwrap();
        let (_, client) = login.data(Reuse::Require, Flow::Sends).await;
        assert!(client.established().unwrap().resumed);
        // A full handshake too, once there is nothing left to resume.
        while login.session.tickets() > 0 && versions == Versions::Tls13 {
            drop(login.data(Reuse::Off, Flow::Sends).await);
        }
        let (_, client) = login.data(Reuse::Off, Flow::Sends).await;
        assert_eq!(client.established().unwrap().fingerprint(), Some(site.identity.fingerprint()));
        site.tls.replace(settings(&site.identity)).unwrap();
    }
}

/// A certificate authority for a test.
struct Ca {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Ca {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: rcgen::Issuer::new(params, key), pem }
    }

    fn pem(&self) -> &str {
        &self.pem
    }

    fn issue(&self, name: &str) -> Identity {
        self.issue_numbered(name, 1)
    }

    fn issue_numbered(&self, name: &str, number: u64) -> Identity {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.serial_number = Some(number.into());
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    fn revoke(&self, number: u64) -> String {
        let now = rcgen::date_time_ymd(2026, 1, 1);
        let revoked = rcgen::RevokedCertParams {
            serial_number: number.into(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let params = rcgen::CertificateRevocationListParams {
            this_update: now,
            next_update: rcgen::date_time_ymd(2090, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

#[tokio::test]
async fn a_clients_certificate_is_asked_for_required_and_revoked() {
    let (ca, site) = (Ca::new(), Site::new());
    let (good, bad, foreign) =
        (ca.issue_numbered("anna.example", 7), ca.issue_numbered("bert.example", 8), identity("eve.example"));
    let listed = ClientTrust::from_pem(ca.pem().as_bytes(), ca.revoke(8).as_bytes()).unwrap();
    let cases = [
        // Ask, require, any: who comes in.
        (ClientCertificates::Ask(listed.clone()), [true, true, false, false]),
        (ClientCertificates::Require(listed), [false, true, false, false]),
        (ClientCertificates::Ask(ClientTrust::Any), [true, true, true, true]),
        (ClientCertificates::Require(ClientTrust::Any), [false, true, true, true]),
    ];
    for (clients, enters) in cases {
        site.tls.replace(Settings { clients, ..settings(&site.identity) }).unwrap();
        let shown = [None, Some(&good), Some(&bad), Some(&foreign)];
        for (own, enters) in shown.into_iter().zip(enters) {
            for versions in BOTH {
                let trust = Trust::Pinned(vec![site.identity.fingerprint()]);
                let client = ClientTls::new(ClientSettings { trust, versions, identity: own.cloned() });
                let (binding, _) = meet(&site.tls, &client, NAME).await.0;
                assert_eq!(binding.is_ok(), enters, "{own:?}: {binding:?}");
                if let Ok(binding) = binding {
                    assert_eq!(binding.established().fingerprint(), own.map(Identity::fingerprint));
                }
            }
        }
    }
    assert!(ClientTrust::from_pem(b"", b"").is_err());
}

#[tokio::test]
async fn who_a_client_is_counts_where_an_authority_says_so() {
    let (ca, site) = (Ca::new(), Site::new());
    let own = ca.issue_numbered("anna.example", 7);
    let listed = ClientTrust::from_pem(ca.pem().as_bytes(), b"").unwrap();
    for (trust, vouched) in [(ClientTrust::Any, false), (listed, true)] {
        let clients = ClientCertificates::Require(trust);
        site.tls.replace(Settings { clients, ..settings(&site.identity) }).unwrap();
        for versions in BOTH {
            let login = login_as(&site, versions, Some(&own)).await;
            let client = login.binding.client().unwrap();
            assert_eq!(client.fingerprint, own.fingerprint());
            let subject = login.binding.established().subject().unwrap();
            assert_eq!(subject.as_str(), "CN=anna.example");
            assert_eq!(client.subject, vouched.then_some(subject));
        }
    }
    let nobody = Site::new();
    assert_eq!(nobody.login(Versions::Both).await.binding.client(), None);
}

/// A client that showed a certificate on the control connection shows it on the data connection, or resumes
/// the session in which it did. So a client that never resumes is told from another one all the same.
#[tokio::test]
async fn a_data_connection_shows_the_client_certificate_of_its_control_connection() {
    let (ca, site) = (Ca::new(), Site::new());
    let (anna, bert) = (ca.issue_numbered("anna.example", 7), ca.issue_numbered("bert.example", 8));
    let trust = ClientTrust::from_pem(ca.pem().as_bytes(), b"").unwrap();
    for clients in [ClientCertificates::Ask(trust.clone()), ClientCertificates::Require(trust)] {
        let asks = matches!(clients, ClientCertificates::Ask(_));
        site.tls.replace(Settings { clients, ..settings(&site.identity) }).unwrap();
        for versions in BOTH {
            let login = login_as(&site, versions, Some(&anna)).await;
            // Resumed: the session knows whose it is.
            let (server, _) = login.data(Reuse::Require, Flow::Sends).await;
            assert!(server.established().unwrap().resumed);
            assert_eq!(server.established().unwrap().fingerprint(), Some(anna.fingerprint()));
            // Not resumed, as of a client that keeps no sessions: by the same certificate.
            let again = login_as(&site, versions, Some(&anna)).await;
            let (server, client) = login.attempt(&again.session, Reuse::Off, Flow::Receives).await;
            assert!(!server.unwrap().established().unwrap().resumed);
            client.unwrap();
            let other = login_as(&site, versions, Some(&bert)).await;
            let (server, _) = login.attempt(&other.session, Reuse::Off, Flow::Receives).await;
            assert_eq!(refusal(server), "another certificate");
            if asks {
                let without = login_as(&site, versions, None).await;
                let (server, _) = login.attempt(&without.session, Reuse::Off, Flow::Receives).await;
                assert_eq!(refusal(server), "another certificate");
                let (server, client) = without.attempt(&other.session, Reuse::Off, Flow::Receives).await;
                server.unwrap();
                client.unwrap();
            }
        }
    }
}

async fn login_as(site: &Site, versions: Versions, own: Option<&Identity>) -> Login {
    let trust = Trust::Pinned(vec![site.identity.fingerprint()]);
    let client = ClientTls::new(ClientSettings { trust, versions, identity: own.cloned() });
    let ((binding, session), server, control) = meet(&site.tls, &client, NAME).await;
    let login = Login { server, client: control, binding: binding.unwrap(), session: session.unwrap() };
    login.server.write_all(b"220 ").await.unwrap();
    while login.client.read(&mut Vec::new()).await.unwrap() == 0 {}
    login
}
