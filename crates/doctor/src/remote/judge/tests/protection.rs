//! Those of TLS, where it stands and where it does not.
use super::*;

/// A site in clear at which TLS came to this.
fn tls_came_to(login: Login, set: impl FnOnce(&mut TlsSeen)) -> Facts {
    change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
        facts.logins.push((Cover::Tls, login));
        set(&mut facts.tls);
    })
}

#[test]
fn a_handshake_that_stands_still() {
    let still = |bytes| Handshake::Stalled(Some(bytes));
    let handshaken = |both: Handshake, small_segments: Option<Handshake>, v12: Option<Handshake>| {
        tls_came_to(Login::NoHandshake(both.clone()), |tls| {
            (tls.both, tls.small_segments, tls.v12) = (Some(both), small_segments, v12);
        })
    };
    let through = handshaken(still(1500), Some(Handshake::Works), None);
    is("and is through in small packets", &through, Verdict::MtuBlackHole);
    let announced = diagnose(&through).verdict;
    assert!(
        !announced.server.is_empty() && !announced.client.is_empty() && announced.weight == Weight::Hinders,
        "{announced:?}"
    );
    assert!(announced.sentence.contains("are not acknowledged"), "{announced:?}");
    open("no fix for certificates is announced", &through, Verdict::TlsFails, "");

    let neither = handshaken(still(0), Some(still(0)), Some(still(0)));
    is("in small packets neither", &neither, Verdict::TlsFails);
    open("it may be a proxy", &neither, Verdict::MtuBlackHole, "acknowledged, by the server or a proxy");
    let lost = handshaken(still(517), Some(still(517)), None);
    open("whatever its size", &lost, Verdict::MtuBlackHole, "packets are not acknowledged");
    let newer = handshaken(still(0), Some(still(0)), Some(Handshake::Works));
    is("TLS 1.2 alone stands", &newer, Verdict::TlsFails);
    open("or the hello is too long", &newer, Verdict::TlsOld, "the size of its first message");
    let untried = handshaken(still(0), None, None);
    open("small packets were not tried", &untried, Verdict::MtuBlackHole, "");

    let small_segments = change(site(&[(Cover::Tls, DataMethod::Epsv, WORKS)]), |facts| {
        (facts.tls.both, facts.tls.small_segments) = (Some(still(9)), Some(Handshake::Works));
        facts.trials[0].small_segments = true;
    });
    is("and a session in small packets works", &small_segments, Verdict::MtuBlackHole);
    let config = diagnose(&small_segments).settings.unwrap();
    assert!(config.pasv.contains("--tls required") && config.curl.is_none(), "{config:?}");
}

#[test]
fn tls_that_is_taken_away() {
    let refused = || Login::NoTls("500 what?".to_owned());
    let contradicted = tls_came_to(refused(), |tls| tls.offered = Some(true));
    is("offered and refused", &contradicted, Verdict::AuthFails);
    open("by whom", &contradicted, Verdict::NoTls, "the server or something in between");
    let masked = change(contradicted, |facts| {
        facts.answer = Some(Answer::Ftp("220 ****************".to_owned()));
    });
    open("the greeting is masked", &masked, Verdict::FtpHelper, "masked");
    tells("not offered", &tls_came_to(refused(), |tls| tls.offered = Some(false)), Verdict::NoTls);
    let eaten = tls_came_to(Login::NoAuth("no answer".to_owned()), |_| {});
    is("never answered", &eaten, Verdict::AuthFails);
    open("by whom", &eaten, Verdict::LoginBroken, "the server or something in between");

    let elsewhere = |greeting: &str| {
        tls_came_to(refused(), |tls| {
            tls.offered = Some(false);
            tls.implicit = Some(ImplicitSeen { greeting: greeting.to_owned(), offers_auth: Some(true) });
        })
    };
    let rewritten = elsewhere("220 ready");
    tells("FEAT differs under TLS", &rewritten, Verdict::FtpHelper);
    let diagnosis = diagnose(&rewritten);
    let no_tls = diagnosis.also.iter().find(|finding| finding.verdict == Verdict::NoTls).unwrap();
    assert!(no_tls.client.iter().any(|fix| fix.contains("ftps://ftp.example/")), "{no_tls:?}");
    let other = elsewhere("220 another");
    open("FEAT of another server", &other, Verdict::FtpHelper, "where the greeting differs");

    for (handshake, word) in [
        (Handshake::Cut("closed".to_owned()), "ends during the handshake"),
        (Handshake::Clear("220 hello".to_owned()), "plain text"),
    ] {
        let broken = tls_came_to(Login::NoHandshake(handshake), |_| {});
        is(word, &broken, Verdict::TlsFails);
        assert!(diagnose(&broken).verdict.sentence.contains(word), "{broken:?}");
        open(word, &broken, Verdict::AuthFails, "the server or something in between");
    }
    let unprotected = tls_came_to(Login::Unprotected("536 no".to_owned()), |_| {});
    is("PROT is refused", &unprotected, Verdict::ProtRefused);
}

#[test]
fn certificates_of_both_sides() {
    let demanded = |shown| {
        change(tls_came_to(Login::WantsCertificate("alert".to_owned()), |_| {}), |facts| {
            facts.identity = shown;
        })
    };
    is("a certificate is demanded", &demanded(false), Verdict::CertificateDemanded);
    assert!(diagnose(&demanded(false)).verdict.client[0].contains("--cert FILE"));
    is("another certificate is demanded", &demanded(true), Verdict::CertificateDemanded);
    assert!(diagnose(&demanded(true)).verdict.sentence.contains("rejects this one"));
    let alert = Handshake::Failed("received fatal alert: HandshakeFailure".to_owned());
    let broken = tls_came_to(Login::NoHandshake(alert), |_| {});
    open("an alert of two meanings", &broken, Verdict::CertificateDemanded, "requires a client certificate");

    let doubted = |authorities| {
        change(site(&[(Cover::Tls, DataMethod::Epsv, WORKS)]), |facts| {
            facts.tls.doubt = Some("unknown issuer".to_owned());
            facts.tls.authorities = authorities;
        })
    };
    tells("nobody vouches", &doubted(100), Verdict::CertificateUnverified);
    open(
        "we know nobody who could",
        &doubted(0),
        Verdict::CertificateUnverified,
        "this machine has no CA certificates",
    );
    let versions = |v13| {
        change(site(&[(Cover::Tls, DataMethod::Epsv, WORKS)]), |facts| {
            (facts.tls.v12, facts.tls.v13) = (Some(Handshake::Works), Some(v13));
        })
    };
    tells("1.3 is refused", &versions(Handshake::Failed("alert".to_owned())), Verdict::TlsOld);
    let still = versions(Handshake::Stalled(None));
    open("1.3 stands still", &still, Verdict::TlsOld, "whether the server supports TLS 1.3");
}

#[test]
fn sessions_of_tls() {
    let tls = |fresh: Option<End>, repeated: &[(End, Option<bool>)]| {
        let both = site(&[(Cover::Clear, DataMethod::Epsv, WORKS), (Cover::Tls, DataMethod::Epsv, WORKS)]);
        change(both, |facts| facts.reuse = ReuseSeen { fresh, repeated: repeated.to_vec() })
    };
    let refused = || End::DataRefused("522 resume".to_owned());
    tells("fresh is refused, resumed works", &tls(Some(refused()), &[]), Verdict::ReuseRequired);
    open("fresh works", &tls(Some(WORKS), &[]), Verdict::ReuseRequired, "");
    let third = |fresh| {
        change(tls(Some(fresh), &[]), |facts| {
            facts.files.upload = Some(Upload::Failed(3, "425 no".to_owned()));
        })
    };
    is("the third upload fails where resuming is a must", &third(refused()), Verdict::DataTlsRefused);
    is("the third upload fails elsewhere", &third(WORKS), Verdict::UploadFails);
    open("fresh is not reached", &tls(Some(SILENT), &[]), Verdict::ReuseRequired, "");
    let good = (WORKS, Some(true));
    let third = [good.clone(), good.clone(), (refused(), Some(false))];
    is("the third fails", &tls(None, &third), Verdict::DataTlsRefused);
    let resumed = [good.clone(), (refused(), Some(true))];
    open("it resumed all the same", &tls(None, &resumed), Verdict::DataTlsRefused, "why transfer 2");
    open("the first fails", &tls(None, &[(refused(), Some(false))]), Verdict::DataTlsRefused, "");
    is("three work", &tls(Some(WORKS), &[good.clone(), good.clone(), good]), Verdict::AllIsWell);
    let never = site(&[(Cover::Tls, DataMethod::Epsv, refused()), (Cover::Tls, DataMethod::Pasv, refused())]);
    is("refused, whatever is shown", &never, Verdict::DataTlsRefused);
    assert_eq!(diagnose(&never).settings, None);
}
