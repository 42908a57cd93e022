//! What does TLS say?
use super::shared::{black_hole, demanded, helper, passive_fails, weight};
use crate::finding::{Finding, Findings};
use crate::remote::evidence::handshake as words;
use crate::remote::facts::{Cover, End, Facts, Handshake, Login, Trial, is_offer};
use crate::verdict::{Verdict, Weight};
use wire::host_port::is_private;

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    handshake(facts, findings);
    match facts.login(Cover::Tls) {
        Some(Login::Done) => established(facts, findings),
        Some(login) => failed(facts, login, findings),
        None => {}
    }
}

/// Sessions under TLS can be had.
fn established(facts: &Facts, findings: &mut Findings) {
    reuse(facts, findings);
    stalls(facts, findings);
    if let Some(doubt) = &facts.tls.doubt {
        if facts.tls.authorities == 0 {
            findings.ask(
                "whether the server's certificate is trusted: this machine has no CA certificates",
                "install the system's CA certificates (usually the package ca-certificates), or try another machine",
            );
        } else {
            let address = facts.host.parse::<std::net::IpAddr>().ok();
            // No public authority signs for those.
            let inner = address.is_some_and(is_private) || facts.host.eq_ignore_ascii_case("localhost");
            let same = doubt == "not signed by a trusted authority";
            let sentence = if same {
                "The server's certificate is not signed by a trusted authority.".to_owned()
            } else {
                format!("The server's certificate is not trusted: {doubt}.")
            };
            let mut finding = Verdict::CertificateUnverified.says(sentence);
            if !inner {
                finding = finding
                    .server("get a certificate of a public authority for this name (`pasv serve --acme`)");
            }
            if !facts.tls.pinned {
                finding = finding.client("compare the fingerprint with the administrator's, then pass it to --pin; the settings below accept only the certificate that was seen");
            }
            if address.is_some() && !inner {
                finding = finding.client("use the host name, not the IP address");
            }
            findings.add(finding);
        }
    }
    match (&facts.tls.v12, &facts.tls.v13) {
        (Some(Handshake::Works), Some(Handshake::Failed(why))) => {
            findings.add(Verdict::TlsOld.says(format!("The server supports TLS 1.2 but not 1.3 ({why}).")))
        }
        // Its hello is the larger one.
        (Some(Handshake::Works), Some(other)) if *other != Handshake::Works => findings.ask(
            format!("whether the server supports TLS 1.3: {}", words(other)),
            format!(
                "try `{} -tls1_3 -groups X25519`, whose first message fits into one packet",
                openssl(facts, &facts.host)
            ),
        ),
        _ => {}
    }
}

/// No session under TLS can be had.
fn failed(facts: &Facts, login: &Login, findings: &mut Findings) {
    let in_clear = facts.login(Cover::Clear) == Some(&Login::Done) && facts.seen.is_none();
    let offered = facts.tls.offered == Some(true) || facts.features.iter().any(|line| is_offer(line));
    if let (Login::NoTls(said), Some(seen)) = (login, &facts.seen) {
        findings.add(
            Verdict::CertificateRefused.says(format!("The server does not offer TLS ({said}), but {seen}: an attacker may be blocking TLS."))
            .server("offer TLS again, or announce to its users that it is gone")
            .client(format!(
                "ask the server's administrator. If the server no longer offers TLS: --tls off, or `pasv forget {}`",
                facts.host
            )),
        );
    }
    let finding = match login {
        Login::NoTls(said) if facts.implicit => {
            Verdict::NoTls.says(format!("The server has no TLS: {said}.")).weight(Weight::Blocks)
        }
        Login::NoTls(said) if offered => {
            who(facts, "AUTH TLS is refused though FEAT lists it", findings);
            Verdict::AuthFails
                .says(format!("FEAT lists AUTH TLS, but AUTH TLS is refused: {said}."))
                .server("read its log: a certificate that it cannot read is a usual reason")
                .client("send no password unencrypted here before it is known who refuses TLS")
        }
        Login::NoTls(said) => {
            rewritten(facts, findings);
            let now = if said.starts_with('4') { " now" } else { "" };
            Verdict::NoTls
                .says(format!(
                    "The server has no TLS{now} ({said}): passwords and files are sent unencrypted."
                ))
                .server("enable TLS to encrypt passwords and files")
        }
        Login::NoAuth(why) => {
            who(facts, "AUTH TLS is not answered, other commands are", findings);
            let what = if why == "no answer" { "is never answered" } else { "ends the session" };
            Verdict::AuthFails.says(format!("AUTH TLS {what}: {why}."))
                .server("set a firewall that inspects FTP to pass AUTH, or switch its inspection off; a server without TLS must answer 502")
        }
        Login::NoHandshake(handshake) => match broken(facts, handshake, findings) {
            Some(finding) => finding,
            None => return,
        },
        Login::WantsCertificate(why) => demanded(facts, why),
        Login::Unprotected(said) => Verdict::ProtRefused.says(format!(
            "The server encrypts the login but refuses to encrypt data: PROT P is answered with {said}."
        )),
        Login::Done
        | Login::KeptBack
        | Login::Untrusted(_)
        | Login::NeedsTls(_)
        | Login::Refused(_)
        | Login::Broken(_)
        | Login::NotRepeated(_)
        | Login::Full(_)
        | Login::Banned(_) => return,
    };
    let finding = if in_clear { finding } else { finding.weight(Weight::Blocks) };
    let implicit = facts.tls.implicit.is_some() && !facts.implicit;
    findings.add(if implicit {
        finding.client(format!("use ftps://{}/: implicit TLS works, at port 990", facts.host))
    } else {
        finding
    });
}

/// A handshake that was begun and did not end well, other than by silence, which is judged by itself.
fn broken(facts: &Facts, handshake: &Handshake, findings: &mut Findings) -> Option<Finding> {
    let (what, server) = match handshake {
        Handshake::Stalled(_) | Handshake::Works => return None,
        Handshake::WantsCertificate(why) => return Some(demanded(facts, why)),
        Handshake::Cut(why) => {
            who(facts, "the connection ends when TLS starts", findings);
            (
                format!("agrees to TLS, but the connection ends during the handshake: {why}"),
                "read its log: if it did not end the connection, a firewall that inspects FTP may have",
            )
        }
        Handshake::Clear(said) => {
            who(facts, "plain text comes where TLS was agreed on", findings);
            (
                format!("agrees to TLS, but continues in plain text: \"{said}\""),
                "make the server, or the proxy in front of it, start TLS right after its 234",
            )
        }
        Handshake::Failed(why) => {
            // OpenSSL's word in TLS 1.2 for a client without a certificate is that for a client without
            // suites.
            if why.contains("HandshakeFailure") && !facts.identity {
                findings.ask(
                    "whether the server requires a client certificate: its alert can mean that too",
                    "ask the administrator, or try --cert FILE",
                );
            }
            (
                format!("offers TLS, but the handshake fails: {why}"),
                "enable TLS 1.2 or 1.3, with a certificate and key that belong together",
            )
        }
    };
    Some(Verdict::TlsFails.says(format!("The server {what}.")).server(server))
}

/// A handshake with all versions was agreed on and stood still: in small segments too?
fn handshake(facts: &Facts, findings: &mut Findings) {
    let (Some(Handshake::Stalled(unacknowledged)), Some(small_segments)) =
        (&facts.tls.both, &facts.tls.small_segments)
    else {
        return;
    };
    if *small_segments == Handshake::Works {
        let whose = match unacknowledged {
            Some(0) => " (the client's packets arrive, the server's answer does not)",
            Some(_) => " (the client's packets are not acknowledged)",
            None => "",
        };
        let what = format!("The TLS handshake stalls{whose}, and one with small packets completes");
        findings.add(black_hole(what).weight(weight(facts)));
        return;
    }
    let mut also =
        if matches!(small_segments, Handshake::Stalled(_)) { ", with small packets neither" } else { "" };
    if facts.tls.v12 == Some(Handshake::Works) {
        also = ", but one with TLS 1.2 only is";
        findings.ask(
            "whether TLS 1.3 or the size of its first message is the reason: that fills more than one packet",
            format!(
                "try `{} -tls1_3 -groups X25519`: if that is answered, it is the size",
                openssl(facts, &facts.host)
            ),
        );
    }
    findings.add(
        Verdict::TlsFails
            .says(format!("The server agrees to TLS, but the handshake is not answered{also}."))
            .weight(weight(facts)),
    );
    let seen = match (unacknowledged, small_segments) {
        (Some(1..), Handshake::Stalled(Some(1..))) => {
            ": the client's packets are not acknowledged, so they are lost in between"
        }
        (Some(0), Handshake::Stalled(Some(0))) => {
            ": the client's packets are acknowledged, by the server or a proxy in its place"
        }
        _ => "",
    };
    findings.ask(
        format!("why TLS is not answered{seen}; the server may hang, or a firewall in between may drop TLS"),
        format!(
            "on the server, while a client tries, `tcpdump -X tcp port {}` shows whether a hello (16 03 01) arrives and an answer \
             leaves",
            facts.port
        ),
    );
}

/// The command that tries TLS at the port that was looked at.
fn openssl(facts: &Facts, host: &str) -> String {
    let explicit = if facts.implicit { "" } else { " -starttls ftp" };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("openssl s_client{explicit} -connect {host}:{}", facts.port)
}

/// Who stands in the way of TLS cannot be seen from here alone.
fn who(facts: &Facts, what: &str, findings: &mut Findings) {
    let masked = masked(facts)
        .map(|said| format!("; the greeting is masked (\"{said}\"), which firewalls that inspect FTP do"));
    findings.ask(
        format!(
            "whether the server or something in between is the reason: {what}{}",
            masked.unwrap_or_default()
        ),
        format!(
            "run `{}` on the server's own machine: if TLS works there, something in between is the reason",
            openssl(facts, "127.0.0.1")
        ),
    );
}

/// A greeting of asterisks.
fn masked(facts: &Facts) -> Option<&str> {
    match &facts.answer {
        Some(crate::remote::facts::Answer::Ftp(said)) if said.contains("****") => Some(said),
        _ => None,
    }
}

/// The same server's features under TLS, where nobody on the way reads them, have AUTH, and those without TLS
/// have not.
fn rewritten(facts: &Facts, findings: &mut Findings) {
    let Some(implicit) = &facts.tls.implicit else { return };
    let same =
        matches!(&facts.answer, Some(crate::remote::facts::Answer::Ftp(said)) if *said == implicit.greeting);
    let hidden = facts.tls.offered == Some(false)
        || (!facts.features.is_empty() && !facts.features.iter().any(|line| is_offer(line)));
    if hidden && implicit.offers_auth == Some(true) {
        if same {
            findings.add(helper(
                "Something in between removes AUTH TLS from what the server offers: FEAT lists it under TLS (port 990), but not unencrypted".to_owned() + ".",
            ));
        } else {
            who(facts, "FEAT lists AUTH TLS at port 990 but not here, where the greeting differs", findings);
        }
    }
}

fn is_refused(end: &End) -> bool {
    matches!(end, End::DataRefused(_) | End::Broken(_) | End::Stalled { bytes: 0 })
}

fn reuse(facts: &Facts, findings: &mut Findings) {
    let resumed = |trial: &&Trial| trial.end.is_through() && trial.resumed == Some(true);
    let resuming_works = facts.of(Cover::Tls).any(|trial| resumed(&trial))
        || facts.reuse.repeated.iter().any(|(end, resumed)| end.is_through() && *resumed == Some(true));
    if let Some(End::DataRefused(said)) = &facts.reuse.fresh
        && resuming_works
    {
        findings.add(
            Verdict::ReuseRequired.says(format!("Data connections must reuse the TLS session of the control connection: one that does not is refused ({said}).")),
        );
    }
    let mut repeated = facts.reuse.repeated.iter().enumerate();
    let first_is_fine = facts.reuse.repeated.first().is_some_and(|(end, _)| end.is_through());
    if let Some((n, (end, resumed))) = repeated.find(|(_, (end, _))| is_refused(end))
        && first_is_fine
    {
        if *resumed == Some(true) {
            findings.ask(
                format!(
                    "why transfer {} of a session under TLS fails where the first works: it reused the TLS session as that did ({})",
                    n + 1,
                    crate::remote::evidence::end(end)
                ),
                "try again, and read the server's log",
            );
            return;
        }
        findings.add(
            Verdict::DataTlsRefused
                .says(format!(
                    "Transfer {} of a session under TLS fails where the first works: {}.",
                    n + 1,
                    crate::remote::evidence::end(end)
                ))
                .server(
                    "issue a new session ticket on each data connection (TLS 1.3), or do not require reuse",
                )
                .client("use a new session for each file, or TLS 1.2"),
        );
    }
    let methods: Vec<&Trial> = facts.of(Cover::Tls).filter(|trial| trial.end.is_connected()).collect();
    let refused = methods.iter().find_map(|trial| match &trial.end {
        End::DataRefused(said) => Some(said),
        _ => None,
    });
    if let Some(said) = refused
        && !methods.iter().any(|trial| trial.end.is_through())
    {
        findings.add(
            Verdict::DataTlsRefused
                .says(format!("Data connections under TLS are refused, although they connect: {said}."))
                .weight(weight(facts))
                .server("read its log: it may reject the reused session, the TLS version or a certificate")
                .client("--tls off works without TLS, unencrypted"),
        );
    }
}

/// Passive data connections stand, and nothing comes over any of them: a certificate fills the first large
/// packets.
fn stalls(facts: &Facts, findings: &mut Findings) {
    let mut reached =
        facts.of(Cover::Tls).filter(|trial| trial.method.is_passive() && trial.end.is_connected()).peekable();
    let all = reached.peek().is_some() && reached.all(|trial| matches!(trial.end, End::Stalled { .. }));
    if !all {
        return;
    }
    if facts.tls.small_listing.as_ref().is_some_and(End::is_through) {
        let what = "Data connections under TLS hang, but work with small packets";
        findings.add(black_hole(what.to_owned()).weight(weight(facts)));
        return;
    }
    findings.add(
        Verdict::DataStalls
            .says(if facts.best().is_none() && passive_fails(facts) {
                "Passive transfers fail: the data connection opens, but nothing comes through it."
            } else {
                "Transfers under TLS fail: the data connection opens, but nothing comes through it."
            })
            .weight(weight(facts)),
    );
    findings.ask(
        "why no data comes: a proxy may accept connections in the server's place, or packets may be lost",
        "run tcpdump on the server while a client tries",
    );
}
