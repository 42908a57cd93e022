//! What does TLS say?
use super::{Remark, Sheet, Verdict, Weight, active};
use crate::remote::evidence::shake as words;
use crate::remote::facts::{Cover, End, Findings, Login, Shake, Trial};
use crate::remote::handshake::is_offer;
use client::session::is_inner;

pub(super) fn judge(findings: &Findings, sheet: &mut Sheet) {
    handshake(findings, sheet);
    match findings.login(Cover::Tls) {
        Some(Login::Done) => established(findings, sheet),
        Some(login) => failed(findings, login, sheet),
        None => {}
    }
}

/// Sessions under TLS can be had.
fn established(findings: &Findings, sheet: &mut Sheet) {
    reuse(findings, sheet);
    stalls(findings, sheet);
    if let Some(doubt) = &findings.tls.doubt {
        if findings.tls.authorities == 0 {
            sheet.ask(
                "whether the server's certificate is trusted: this machine has no CA certificates",
                "install the system's CA certificates (usually the package ca-certificates), or try another machine",
            );
        } else {
            let address = findings.host.parse::<std::net::IpAddr>().ok();
            // No public authority signs for those.
            let inner = address.is_some_and(is_inner) || findings.host.eq_ignore_ascii_case("localhost");
            let same = doubt == "not signed by a trusted authority";
            let sentence = if same {
                "The server's certificate is not signed by a trusted authority.".to_owned()
            } else {
                format!("The server's certificate is not trusted: {doubt}.")
            };
            let mut remark = Remark::new(Verdict::CertificateUnverified, Weight::Note, sentence);
            if !inner {
                remark = remark
                    .server("get a certificate of a public authority for this name (`pasv serve --acme`)");
            }
            if !findings.tls.pinned {
                remark = remark.client("compare the fingerprint with the administrator's, then pass it to --pin; the settings below accept only the certificate that was seen");
            }
            if address.is_some() && !inner {
                remark = remark.client("use the host name, not the IP address");
            }
            sheet.add(remark);
        }
    }
    match (&findings.tls.v12, &findings.tls.v13) {
        (Some(Shake::Works), Some(Shake::Failed(why))) => sheet.add(
            Remark::new(
                Verdict::TlsOld,
                Weight::Note,
                format!("The server supports TLS 1.2 but not 1.3 ({why})."),
            )
            .server("enable TLS 1.3: it is faster to set up, on each data connection"),
        ),
        // Its hello is the larger one.
        (Some(Shake::Works), Some(other)) if *other != Shake::Works => sheet.ask(
            format!("whether the server supports TLS 1.3: {}", words(other)),
            format!(
                "try `{} -tls1_3 -groups X25519`, whose first message fits into one packet",
                openssl(findings, &findings.host)
            ),
        ),
        _ => {}
    }
}

/// No session under TLS can be had.
fn failed(findings: &Findings, login: &Login, sheet: &mut Sheet) {
    let in_clear = findings.login(Cover::Clear) == Some(&Login::Done) && findings.seen.is_none();
    let weight = |light| if in_clear { light } else { Weight::Blocks };
    let offered = findings.tls.offered == Some(true) || findings.features.iter().any(|line| is_offer(line));
    if let (Login::NoTls(said), Some(seen)) = (login, &findings.seen) {
        sheet.add(
            Remark::new(
                Verdict::CertificateRefused,
                Weight::Blocks,
                format!("The server does not offer TLS ({said}), but {seen}: an attacker may be blocking TLS."),
            )
            .server("offer TLS again, or announce to its users that it is gone")
            .client(format!(
                "ask the server's administrator. If the server no longer offers TLS: --tls off, or `pasv forget {}`",
                findings.host
            )),
        );
    }
    let remark = match login {
        Login::NoTls(said) if findings.implicit => {
            Remark::new(Verdict::NoTls, Weight::Blocks, format!("The server has no TLS: {said}."))
        }
        Login::NoTls(said) if offered => {
            who(findings, "AUTH TLS is refused though FEAT lists it", sheet);
            Remark::new(
                Verdict::AuthContradicted,
                weight(Weight::Hinders),
                format!("FEAT lists AUTH TLS, but AUTH TLS is refused: {said}."),
            )
            .server("read its log: a certificate that it cannot read is a usual reason")
            .client("send no password unencrypted here before it is known who refuses TLS")
        }
        Login::NoTls(said) => {
            rewritten(findings, sheet);
            let now = if said.starts_with('4') { " now" } else { "" };
            Remark::new(
                Verdict::NoTls,
                weight(Weight::Note),
                format!("The server has no TLS{now} ({said}): passwords and files are sent unencrypted."),
            )
            .server("enable TLS to encrypt passwords and files")
        }
        Login::NoAuth(why) => {
            who(findings, "AUTH TLS is not answered, other commands are", sheet);
            let what = if why == "no answer" { "is never answered" } else { "ends the session" };
            Remark::new(
                Verdict::AuthEaten,
                weight(Weight::Hinders),
                format!("AUTH TLS {what}: {why}."),
            )
            .server("set a firewall that inspects FTP to pass AUTH, or switch its inspection off; a server without TLS must answer 502")
        }
        Login::NoHandshake(shake) => match broken(findings, shake, weight(Weight::Hinders), sheet) {
            Some(remark) => remark,
            None => return,
        },
        Login::WantsCertificate(why) => demanded(findings, weight(Weight::Hinders), why),
        Login::Unprotected(said) => Remark::new(
            Verdict::ProtRefused,
            weight(Weight::Hinders),
            format!(
                "The server encrypts the login but refuses to encrypt data: PROT P is answered with {said}."
            ),
        )
        .server("allow PROT P (RFC 4217 9)")
        .client("clients that require TLS cannot transfer files here: ask the administrator for PROT P"),
        Login::Done
        | Login::KeptBack
        | Login::Untrusted(_)
        | Login::NeedsTls(_)
        | Login::Refused(_)
        | Login::Broken(_)
        | Login::NotRepeated(_)
        | Login::Full(_)
        | Login::Barred(_) => return,
    };
    let implicit = findings.tls.implicit.is_some() && !findings.implicit;
    sheet.add(if implicit {
        remark.client(format!("use ftps://{}/: implicit TLS works, at port 990", findings.host))
    } else {
        remark
    });
}

/// A handshake that was begun and did not end well, other than by silence in large packets only.
fn broken(findings: &Findings, shake: &Shake, weight: Weight, sheet: &mut Sheet) -> Option<Remark> {
    match shake {
        // Judged by itself.
        Shake::Stalled(_) | Shake::Works => None,
        Shake::WantsCertificate(why) => Some(demanded(findings, weight, why)),
        Shake::Cut(why) => {
            who(findings, "the connection ends when TLS starts", sheet);
            let remark = Remark::new(
                Verdict::TlsBroken,
                weight,
                format!("The server agrees to TLS, but the connection ends during the handshake: {why}."),
            );
            Some(remark.server(
                "read its log: if it did not end the connection, a firewall that inspects FTP may have",
            ))
        }
        Shake::Clear(said) => {
            who(findings, "plain text comes where TLS was agreed on", sheet);
            let remark = Remark::new(
                Verdict::TlsBroken,
                weight,
                format!("The server agrees to TLS, but continues in plain text: \"{said}\"."),
            );
            Some(remark.server("make the server, or the proxy in front of it, start TLS right after its 234"))
        }
        Shake::Failed(why) => {
            // OpenSSL's word in TLS 1.2 for a client without a certificate is that for a client without suites.
            if why.contains("HandshakeFailure") && !findings.identity {
                sheet.ask(
                    "whether the server requires a client certificate: its alert can mean that too",
                    "ask the administrator, or try --cert FILE",
                );
            }
            let remark = Remark::new(
                Verdict::TlsBroken,
                weight,
                format!("The server offers TLS, but the handshake fails: {why}."),
            );
            Some(remark.server("enable TLS 1.2 or 1.3, with a certificate and key that belong together"))
        }
    }
}

/// The server wants to know who we are.
pub(super) fn demanded(findings: &Findings, weight: Weight, why: &str) -> Remark {
    if findings.identity {
        Remark::new(
            Verdict::CertificateDemanded,
            weight,
            format!("The server requires a client certificate, and rejects this one: {why}."),
        )
        .server("read its log: the issuer, the dates or the subject of the certificate may be wrong")
        .client(
            "use another certificate with --cert; check that this one has not expired and is from the right authority",
        )
    } else {
        Remark::new(
            Verdict::CertificateDemanded,
            weight,
            format!("The server requires a client certificate: {why}."),
        )
        .client("give one with --cert FILE, and --key FILE if its key is not in the same file")
    }
}

/// A handshake with all versions was agreed on and stood still: in small segments too?
fn handshake(findings: &Findings, sheet: &mut Sheet) {
    let (Some(Shake::Stalled(unacknowledged)), Some(narrow)) = (&findings.tls.both, &findings.tls.narrow)
    else {
        return;
    };
    let weight = if findings.best().is_some() { Weight::Hinders } else { Weight::Blocks };
    if *narrow == Shake::Works {
        let whose = match unacknowledged {
            Some(0) => " (the client's packets arrive, the server's answer does not)",
            Some(_) => " (the client's packets are not acknowledged)",
            None => "",
        };
        sheet.add(super::files::black_hole(
            weight,
            format!("The TLS handshake stalls{whose}, and one with small packets completes"),
        ));
        return;
    }
    let mut also = if matches!(narrow, Shake::Stalled(_)) { ", with small packets neither" } else { "" };
    if findings.tls.v12 == Some(Shake::Works) {
        also = ", but one with TLS 1.2 only is";
        sheet.ask(
            "whether TLS 1.3 or the size of its first message is the reason: that fills more than one packet",
            format!(
                "try `{} -tls1_3 -groups X25519`: if that is answered, it is the size",
                openssl(findings, &findings.host)
            ),
        );
    }
    sheet.add(Remark::new(
        Verdict::TlsStalls,
        weight,
        format!("The server agrees to TLS, but the handshake is not answered{also}."),
    ));
    let seen = match (unacknowledged, narrow) {
        (Some(1..), Shake::Stalled(Some(1..))) => {
            ": the client's packets are not acknowledged, so they are lost in between"
        }
        (Some(0), Shake::Stalled(Some(0))) => {
            ": the client's packets are acknowledged, by the server or a proxy in its place"
        }
        _ => "",
    };
    sheet.ask(
        format!("why TLS is not answered{seen}; the server may hang, or a firewall in between may drop TLS"),
        format!(
            "on the server, while a client tries, `tcpdump -X tcp port {}` shows whether a hello (16 03 01) arrives and an answer \
             leaves",
            findings.port
        ),
    );
}

/// The command that tries TLS at the port that was looked at.
fn openssl(findings: &Findings, host: &str) -> String {
    let explicit = if findings.implicit { "" } else { " -starttls ftp" };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("openssl s_client{explicit} -connect {host}:{}", findings.port)
}

/// Who stands in the way of TLS cannot be seen from here alone.
fn who(findings: &Findings, what: &str, sheet: &mut Sheet) {
    let masked = masked(findings)
        .map(|said| format!("; the greeting is masked (\"{said}\"), which firewalls that inspect FTP do"));
    sheet.ask(
        format!(
            "whether the server or something in between is the reason: {what}{}",
            masked.unwrap_or_default()
        ),
        format!(
            "run `{}` on the server's own machine: if TLS works there, something in between is the reason",
            openssl(findings, "127.0.0.1")
        ),
    );
}

/// A greeting of asterisks.
fn masked(findings: &Findings) -> Option<&str> {
    match &findings.answer {
        Some(crate::remote::facts::Answer::Ftp(said)) if said.contains("****") => Some(said),
        _ => None,
    }
}

/// The same server's features under TLS, where nobody on the way reads them, have AUTH, and those in clear have not.
fn rewritten(findings: &Findings, sheet: &mut Sheet) {
    let Some(implicit) = &findings.tls.implicit else { return };
    let same = matches!(&findings.answer, Some(crate::remote::facts::Answer::Ftp(said)) if *said == implicit.greeting);
    let hidden = findings.tls.offered == Some(false)
        || (!findings.features.is_empty() && !findings.features.iter().any(|line| is_offer(line)));
    if hidden && implicit.offers_auth == Some(true) {
        if same {
            sheet.add(super::data::helper(
                "Something in between removes AUTH TLS from what the server offers: FEAT lists it under TLS (port 990), but not unencrypted".to_owned() + ".",
            ));
        } else {
            who(findings, "FEAT lists AUTH TLS at port 990 but not here, where the greeting differs", sheet);
        }
    }
}

fn is_refused(end: &End) -> bool {
    matches!(end, End::DataRefused(_) | End::Broken(_) | End::Stalled { bytes: 0 })
}

fn reuse(findings: &Findings, sheet: &mut Sheet) {
    let resumed = |trial: &&Trial| trial.end.is_through() && trial.resumed == Some(true);
    let resuming_works = findings.of(Cover::Tls).any(|trial| resumed(&trial))
        || findings.reuse.repeated.iter().any(|(end, resumed)| end.is_through() && *resumed == Some(true));
    if let Some(End::DataRefused(said)) = &findings.reuse.fresh
        && resuming_works
    {
        sheet.add(
            Remark::new(
                Verdict::ReuseRequired,
                Weight::Note,
                format!("Data connections must reuse the TLS session of the control connection: one that does not is refused ({said})."),
            )
            .client("pasv, curl and lftp do so; for other programs ask the administrator to allow it (require_ssl_reuse in vsftpd)"),
        );
    }
    let mut repeated = findings.reuse.repeated.iter().enumerate();
    let first_is_fine = findings.reuse.repeated.first().is_some_and(|(end, _)| end.is_through());
    if let Some((n, (end, resumed))) = repeated.find(|(_, (end, _))| is_refused(end))
        && first_is_fine
    {
        if *resumed == Some(true) {
            sheet.ask(
                format!(
                    "why transfer {} of a session under TLS fails where the first works: it reused the TLS session as that did ({})",
                    n + 1,
                    crate::remote::evidence::end(end)
                ),
                "try again, and read the server's log",
            );
            return;
        }
        sheet.add(
            Remark::new(
                Verdict::ReuseRunsOut,
                Weight::Hinders,
                format!(
                    "Transfer {} of a session under TLS fails where the first works: {}.",
                    n + 1,
                    crate::remote::evidence::end(end)
                ),
            )
            .server("issue a new session ticket on each data connection (TLS 1.3), or do not require reuse")
            .client("use a new session for each file, or TLS 1.2"),
        );
    }
    let ways: Vec<&Trial> = findings.of(Cover::Tls).filter(|trial| trial.end.is_connected()).collect();
    let refused = ways.iter().find_map(|trial| match &trial.end {
        End::DataRefused(said) => Some(said),
        _ => None,
    });
    if let Some(said) = refused
        && !ways.iter().any(|trial| trial.end.is_through())
    {
        let weight = if findings.best().is_some() { Weight::Hinders } else { Weight::Blocks };
        sheet.add(
            Remark::new(
                Verdict::DataTlsRefused,
                weight,
                format!("Data connections under TLS are refused, although they connect: {said}."),
            )
            .server("read its log: it may reject the reused session, the TLS version or a certificate")
            .client("--tls off works without TLS, unencrypted"),
        );
    }
}

/// Passive data connections stand, and nothing comes over any of them: a certificate fills the first large packets.
fn stalls(findings: &Findings, sheet: &mut Sheet) {
    let mut reached =
        findings.of(Cover::Tls).filter(|trial| trial.way.is_passive() && trial.end.is_connected()).peekable();
    let all = reached.peek().is_some() && reached.all(|trial| matches!(trial.end, End::Stalled { .. }));
    if !all {
        return;
    }
    let weight = if findings.best().is_some() { Weight::Hinders } else { Weight::Blocks };
    if findings.tls.small_segments.as_ref().is_some_and(End::is_through) {
        sheet.add(super::files::black_hole(
            weight,
            "Data connections under TLS hang, but work with small packets".to_owned(),
        ));
        return;
    }
    sheet.add(Remark::new(
        Verdict::DataStalls,
        weight,
        if findings.best().is_none() && active::passive_fails(findings) {
            "Passive transfers fail: the data connection opens, but nothing comes through it."
        } else {
            "Transfers under TLS fail: the data connection opens, but nothing comes through it."
        },
    ));
    sheet.ask(
        "why no data comes: a proxy may accept connections in the server's place, or packets may be lost",
        "run tcpdump on the server while a client tries",
    );
}
