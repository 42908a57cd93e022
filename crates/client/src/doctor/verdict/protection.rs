//! What does TLS say?
use super::evidence::shake as words;
use super::{Remark, Sheet, Verdict, Weight};
use crate::doctor::findings::{Cover, End, Findings, Login, Shake, Trial};
use crate::doctor::handshake::is_offer;

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
                "whether an authority vouches for the server's certificate: this machine knows none",
                "the system's certificates (the package is mostly called ca-certificates), or another machine",
            );
        } else {
            let by_address = findings.host.parse::<std::net::IpAddr>().is_ok();
            let remark = Remark::new(
                Verdict::CertificateUnverified,
                Weight::Note,
                format!("No authority vouches for the server's certificate: {doubt}."),
            )
            .server("a certificate of a public authority for this name (`pasv serve --acme`)")
            .client("compare the fingerprint with its keeper's, and --pin it; what is below makes curl and lftp take any certificate");
            sheet.add(if by_address {
                remark.client("name the site and not its address: certificates are mostly for names")
            } else {
                remark
            });
        }
    }
    match (&findings.tls.v12, &findings.tls.v13) {
        (Some(Shake::Works), Some(Shake::Failed(why))) => sheet.add(
            Remark::new(
                Verdict::TlsOld,
                Weight::Note,
                format!("The server speaks TLS 1.2 and not 1.3 ({why})."),
            )
            .server("TLS 1.3 is faster to set up, on each data connection"),
        ),
        // Its hello is the larger one.
        (Some(Shake::Works), Some(other)) if *other != Shake::Works => sheet.ask(
            format!("whether the server speaks TLS 1.3: {}", words(other)),
            "`openssl s_client -starttls ftp -tls1_3 -groups X25519 -connect HOST:21`, whose hello fits into one packet",
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
            Remark::new(Verdict::NoTls, Weight::Blocks, format!("There is no TLS: {said}."))
        }
        Login::NoTls(said) if offered => {
            who(findings, "AUTH TLS is refused though it is offered", sheet);
            Remark::new(
                Verdict::AuthContradicted,
                weight(Weight::Hinders),
                format!("FEAT offers AUTH TLS, and AUTH TLS is refused: {said}."),
            )
            .server("its log says whether it was asked at all; a certificate that it cannot read is a usual reason")
            .client("do not say a password in clear here before it is known who refuses TLS")
        }
        Login::NoTls(said) => {
            rewritten(findings, sheet);
            let now = if said.starts_with('4') { " now" } else { "" };
            Remark::new(
                Verdict::NoTls,
                weight(Weight::Note),
                format!("The server has no TLS{now} ({said}): passwords and files go in clear text."),
            )
            .server("TLS keeps passwords and files from everybody on the way")
        }
        Login::NoAuth(why) => {
            who(findings, "AUTH TLS is not answered as any other command is", sheet);
            let what = if why == "no answer" { "is never answered" } else { "ends the session" };
            Remark::new(
                Verdict::AuthEaten,
                weight(Weight::Hinders),
                format!("The server greets, and AUTH TLS {what}: {why}."),
            )
            .server("a firewall between that inspects FTP must let AUTH pass, or leave FTP alone; a server without TLS answers 502")
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
                "The server protects the login and refuses to protect data: PROT P is answered with {said}."
            ),
        )
        .server("allow PROT P (RFC 4217 9)")
        .client("no client that insists on TLS moves files here"),
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
        remark.client(format!("use ftps://{}/: TLS works from the first byte, at port 990", findings.host))
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
            who(findings, "the connection ends when TLS begins", sheet);
            let remark = Remark::new(
                Verdict::TlsBroken,
                weight,
                format!("The server agrees to TLS, and the connection ends at the first words of it: {why}."),
            );
            Some(remark.server("its log says whether it ended it, and why; a firewall that inspects FTP may do so in its place"))
        }
        Shake::Clear(said) => {
            who(findings, "clear text comes where TLS was agreed on", sheet);
            let remark = Remark::new(
                Verdict::TlsBroken,
                weight,
                format!("The server agrees to TLS, and what comes then is clear text: \"{said}\"."),
            );
            Some(remark.server("it, or a proxy before it, must begin TLS behind its 234"))
        }
        Shake::Failed(why) => {
            // OpenSSL's word in TLS 1.2 for a client without a certificate is that for a client without suites.
            if why.contains("HandshakeFailure") && !findings.identity {
                sheet.ask(
                    "whether the server wants a certificate of the client's: its alert can mean that too",
                    "its keeper, or --cert FILE",
                );
            }
            let remark = Remark::new(
                Verdict::TlsBroken,
                weight,
                format!("The server offers TLS, and it cannot be established: {why}."),
            );
            Some(
                remark.server("it must speak TLS 1.2 or 1.3 with a certificate and key that belong together"),
            )
        }
    }
}

/// The server wants to know who we are.
pub(super) fn demanded(findings: &Findings, weight: Weight, why: &str) -> Remark {
    if findings.identity {
        Remark::new(
            Verdict::CertificateDemanded,
            weight,
            format!("The server demands a client certificate, and does not take this one: {why}."),
        )
        .server("its log says why: who made the certificate, its dates, or who it is of")
        .client(
            "another certificate with --cert; is this one expired, and of the authority that the site takes?",
        )
    } else {
        Remark::new(
            Verdict::CertificateDemanded,
            weight,
            format!("The server demands a client certificate: {why}."),
        )
        .client("--cert FILE shows one, with --key FILE where its key is not in the same file")
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
            Some(0) => " (what we say arrives, and the server's answer does not)",
            Some(_) => " (what we say is not acknowledged)",
            None => "",
        };
        sheet.add(super::files::black_hole(
            weight,
            format!(
                "TLS stands still at its first words{whose}, and beside it one in small packets is through"
            ),
        ));
        return;
    }
    let mut also = if matches!(narrow, Shake::Stalled(_)) { ", in small packets neither" } else { "" };
    if findings.tls.v12 == Some(Shake::Works) {
        also = ", and one with TLS 1.2 alone is";
        sheet.ask(
            "whether it is TLS 1.3 or the size of its first words that is not taken: they fill more than one packet",
            "`openssl s_client -starttls ftp -tls1_3 -groups X25519 -connect HOST:21`: if that is answered, the size",
        );
    }
    sheet.add(Remark::new(
        Verdict::TlsStalls,
        weight,
        format!("TLS is agreed on, and the handshake is not answered{also}."),
    ));
    let seen = match (unacknowledged, narrow) {
        (Some(1..), Shake::Stalled(Some(1..))) => {
            ": nothing acknowledges what we say, so that it is lost on the way"
        }
        (Some(0), Shake::Stalled(Some(0))) => {
            ": what we say is acknowledged, by the server or a proxy in its place"
        }
        _ => "",
    };
    sheet.ask(
        format!("why TLS is not answered{seen}; the server may hang, or a firewall on the way swallow TLS"),
        "on the server, while a client tries: `tcpdump -X tcp port 21` shows whether a hello (16 03 01) comes, and an answer goes",
    );
}

/// Who stands in the way of TLS cannot be seen from here alone.
fn who(findings: &Findings, what: &str, sheet: &mut Sheet) {
    let masked = masked(findings)
        .map(|said| format!("; the greeting is masked (\"{said}\"), as firewalls do that inspect FTP"));
    sheet.ask(
        format!("whether it is the server or something on the way: {what}{}", masked.unwrap_or_default()),
        "the same at the server's own machine, `openssl s_client -starttls ftp -connect 127.0.0.1:21`: if TLS comes there, it is \
         something on the way",
    );
}

/// A greeting of asterisks.
fn masked(findings: &Findings) -> Option<&str> {
    match &findings.answer {
        Some(crate::doctor::findings::Answer::Ftp(said)) if said.contains("****") => Some(said),
        _ => None,
    }
}

/// The same server's features under TLS, where nobody on the way reads them, have AUTH, and those in clear have not.
fn rewritten(findings: &Findings, sheet: &mut Sheet) {
    let Some(implicit) = &findings.tls.implicit else { return };
    let same = matches!(&findings.answer, Some(crate::doctor::findings::Answer::Ftp(said)) if *said == implicit.greeting);
    let hidden = findings.tls.offered == Some(false)
        || (!findings.features.is_empty() && !findings.features.iter().any(|line| is_offer(line)));
    if hidden && implicit.offers_auth == Some(true) {
        if same {
            sheet.add(super::data::helper(
                "Something on the way takes AUTH TLS out of what the server offers: FEAT has it under TLS (port 990), and in clear it has not".to_owned() + ".",
            ));
        } else {
            who(findings, "FEAT has AUTH TLS at port 990 and not here, where the greeting is another", sheet);
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
                format!("Data connections must resume the control connection's TLS session: one that does not is refused ({said})."),
            )
            .client("pasv, curl and lftp resume it; a program that cannot needs the server's setting for it (require_ssl_reuse in vsftpd)"),
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
                    "why transfer {} of a session under TLS fails where the first works: it resumed the session as that did ({})",
                    n + 1,
                    super::evidence::end(end)
                ),
                "another try, and the server's log",
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
                    super::evidence::end(end)
                ),
            )
            .server(
                "it must give a new session ticket on each data connection (TLS 1.3), or not insist on reuse",
            )
            .client("a new session for each file, or TLS 1.2, gets around it"),
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
                format!("Data connections under TLS are refused, though they are reached: {said}."),
            )
            .server("its log says what it does not take: the session that is resumed, the version or a certificate")
            .client("--tls off does without, in clear text"),
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
            "Data connections under TLS hang, but flow in small packets".to_owned(),
        ));
        return;
    }
    sheet.add(Remark::new(
        Verdict::DataStalls,
        weight,
        "Data connections under TLS are made, and nothing comes over them.",
    ));
    sheet.ask(
        "why nothing comes: a proxy that takes connections in the server's place, or packets that are lost",
        "a look with tcpdump on the server, while a client tries",
    );
}
