//! What does TLS say?
use super::{Remark, Sheet, Verdict, Weight};
use crate::doctor::findings::{Cover, End, Findings, Login, Trial};

pub(super) fn judge(findings: &Findings, sheet: &mut Sheet) {
    if findings.login(Cover::Tls) != Some(&Login::Done) {
        return;
    }
    reuse(findings, sheet);
    stalls(findings, sheet);
    if let Some(doubt) = &findings.tls.doubt {
        sheet.add(
            Remark::new(
                Verdict::CertificateUnverified,
                Weight::Note,
                format!("No authority vouches for the server's certificate: {doubt}."),
            )
            .server("a certificate of a public authority for this name (`pasv serve --acme`)")
            .client("compare the fingerprint with its keeper's, and --pin it"),
        );
    }
    if let (Some(Ok(())), Some(Err(why))) = (&findings.tls.v12, &findings.tls.v13) {
        sheet.add(
            Remark::new(
                Verdict::TlsOld,
                Weight::Note,
                format!("The server speaks TLS 1.2 and not 1.3 ({why})."),
            )
            .server("TLS 1.3 is faster to set up, on each data connection"),
        );
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
    if let Some((n, (end, _))) = repeated.find(|(_, (end, _))| is_refused(end))
        && first_is_fine
    {
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
