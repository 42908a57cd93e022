//! Those of what stands between, reads the dialogue and translates addresses.
use super::*;

#[test]
fn the_address_that_the_server_tells() {
    let works = pasv_told(clear(&[(DataMethod::Epsv, WORKS), (DataMethod::Pasv, WORKS)]), "10.0.0.5:50001");
    is("the same port at the control address connects", &works, Verdict::AddressNotTold);
    let other =
        pasv_told(clear(&[(DataMethod::Epsv, WORKS), (DataMethod::Pasv, WORKS)]), "198.51.100.9:50001");
    open("another public address", &other, Verdict::AddressNotTold, "is the server's too");
    let dead = pasv_told(clear(&[(DataMethod::Epsv, SILENT), (DataMethod::Pasv, SILENT)]), "10.0.0.5:50001");
    open("it does not connect", &dead, Verdict::AddressNotTold, "whether the address in the 227");
    let zeros = pasv_told(clear(&[(DataMethod::Epsv, WORKS), (DataMethod::Pasv, WORKS)]), "0.0.0.0:50001");
    is("zeros mean the peer", &zeros, Verdict::AllIsWell);
}

#[test]
fn epsv_and_who_eats_it() {
    let said = || "500 what?".to_owned();
    for (end, verdict) in [
        (End::Unanswered, Verdict::EpsvFails),
        (End::HungUp("reset".to_owned()), Verdict::EpsvFails),
        (End::Refused(said()), Verdict::EpsvFails),
    ] {
        is("and PASV works", &clear(&[(DataMethod::Epsv, end.clone()), (DataMethod::Pasv, WORKS)]), verdict);
        let neither = clear(&[(DataMethod::Epsv, end.clone()), (DataMethod::Pasv, End::Unanswered)]);
        open("PASV does not work either", &neither, verdict, "why EPSV fails");
        open("PASV was not tried", &clear(&[(DataMethod::Epsv, end)]), verdict, "why EPSV fails");
    }
    let once = [(DataMethod::Epsv, SILENT), (DataMethod::Pasv, WORKS)];
    open("229 silent, 227 connects, once", &clear(&once), Verdict::FtpHelper, "the command or the port");
    let again = |dial| change(clear(&once), |facts| facts.epsv_again = Some((50_009, dial)));
    is("and another port of EPSV", &again(Dial::Silent), Verdict::FtpHelper);
    let chance = again(Dial::Connected);
    is("another port of EPSV is reached", &chance, Verdict::RangeInPart);
    open("another port of EPSV is reached", &chance, Verdict::FtpHelper, "");
    let sealed = site(&[
        (Cover::Clear, DataMethod::Epsv, SILENT),
        (Cover::Clear, DataMethod::Pasv, WORKS),
        (Cover::Tls, DataMethod::Epsv, WORKS),
    ]);
    is("one is reached under TLS, where nobody reads", &sealed, Verdict::RangeInPart);
    let ended = End::HungUp("421 enough".to_owned());
    let said = diagnose(&clear(&[(DataMethod::Epsv, ended), (DataMethod::Pasv, WORKS)])).verdict;
    assert!(said.sentence.starts_with("The server ends the session at EPSV"), "{said:?}");
    assert!(!said.server[0].contains("firewall"), "{said:?}");
    let neither = clear(&[(DataMethod::Epsv, SILENT), (DataMethod::Pasv, SILENT)]);
    open("both silent", &neither, Verdict::FtpHelper, "");
}

#[test]
fn helpers_that_tls_blinds() {
    let blind = |method, end: End| site(&[(Cover::Clear, method, WORKS), (Cover::Tls, method, end)]);
    is("passive times out under TLS", &blind(DataMethod::Pasv, SILENT), Verdict::FtpHelper);
    tells("active times out under TLS", &blind(DataMethod::Port, never(Attempt::None)), Verdict::FtpHelper);
    open(
        "refused is no time-out",
        &blind(DataMethod::Pasv, End::DataRefused("522".to_owned())),
        Verdict::FtpHelper,
        "",
    );
    let other_port = site(&[
        (Cover::Clear, DataMethod::Epsv, WORKS),
        (Cover::Clear, DataMethod::Pasv, WORKS),
        (Cover::Tls, DataMethod::Epsv, WORKS),
        (Cover::Tls, DataMethod::Pasv, SILENT),
    ]);
    is("another port is reached under TLS", &other_port, Verdict::RangeInPart);
    open("another port is reached under TLS", &other_port, Verdict::FtpHelper, "");
    let other_mode = site(&[(Cover::Clear, DataMethod::Port, WORKS), (Cover::Tls, DataMethod::Pasv, SILENT)]);
    open("another mode in clear", &other_mode, Verdict::FtpHelper, "");
    let both = site(&[(Cover::Clear, DataMethod::Pasv, SILENT), (Cover::Tls, DataMethod::Pasv, SILENT)]);
    is("silent in both is a closed range", &both, Verdict::Rule3Or4);
}

#[test]
fn nat_and_helpers() {
    let seen = |ip: &str, methods: &[(DataMethod, End)]| {
        change(clear(methods), |facts| facts.seen_as = Some(ip.parse().unwrap()))
    };
    let passive = [(DataMethod::Epsv, WORKS)];
    tells("own address differs from STAT's", &seen("203.0.113.9", &passive), Verdict::ClientBehindNat);
    open("the same", &seen("192.0.2.7", &passive), Verdict::ClientBehindNat, "");
    open("the server does not tell", &clear(&passive), Verdict::ClientBehindNat, "");
    // A balancer before the server is no NAT before us.
    let balancer = seen("10.1.1.1", &passive);
    let public = change(balancer, |facts| {
        facts.ends = Some(("203.0.114.7:4000".parse().unwrap(), server()));
    });
    open("an address of the server's network", &public, Verdict::ClientBehindNat, "who translates");
    let port = [(DataMethod::Epsv, WORKS), (DataMethod::Port, WORKS)];
    tells("our own address in PORT works behind NAT", &seen("203.0.113.9", &port), Verdict::FtpHelper);
    open("it works without NAT", &seen("192.0.2.7", &port), Verdict::FtpHelper, "");
    let never = [(DataMethod::Epsv, WORKS), (DataMethod::Port, never(Attempt::None))];
    open("it is agreed to, and nobody came", &seen("203.0.113.9", &never), Verdict::FtpHelper, "");
    let both = site(&[(Cover::Clear, DataMethod::Pasv, WORKS), (Cover::Tls, DataMethod::Pasv, WORKS)]);
    open("227 is the same under TLS", &both, Verdict::FtpHelper, "");
    let differs = change(both, |facts| facts.trials[1].announced = Some("10.0.0.5:50001".parse().unwrap()));
    tells("227 differs under TLS", &differs, Verdict::FtpHelper);
}
