//! How is what was seen told, a line each?
use net::Call;

use crate::doctor::findings::{Answer, Cover, Dial, End, Findings, Login, Rest, Shake, Trial, Upload};

pub(super) fn lines(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    for door in &findings.doors {
        lines.push(format!(
            "{}, port {}: {} ({:.2} s)",
            door.address.ip(),
            door.address.port(),
            dial(&door.dial),
            door.elapsed.as_secs_f64()
        ));
    }
    if let Some(answer) = &findings.answer {
        lines.push(match answer {
            Answer::Ftp(said) | Answer::Turned(said) => format!("it speaks FTP: {said}"),
            Answer::ClearFirst(said) => format!("it speaks FTP in clear: {said}"),
            Answer::WantsCertificate(why) => format!("it speaks TLS before the first word: {why}"),
            Answer::TlsFirst => "it speaks TLS before the first word".to_owned(),
            Answer::Ssh(said) => format!("it speaks SSH: {said}"),
            Answer::Http(said) => format!("it speaks HTTP: {said}"),
            Answer::Deaf => "it takes connections, and acknowledges nothing that is said on them".to_owned(),
            Answer::Nothing => "it says nothing, to FTP, TLS and HTTP".to_owned(),
            Answer::HangsUp => "it ends the connection".to_owned(),
            Answer::Endless(said) => format!("its greeting begins, and does not end: {said}"),
            Answer::Other(said) => format!("it says: {said}"),
        });
    }
    tls(findings, &mut lines);
    for (cover, how) in &findings.logins {
        lines.push(format!("login {}: {}", cover.words(), login(how)));
    }
    if let Some(said) = &findings.full {
        lines.push(format!("a limit of sessions was met: {said}"));
    }
    if let Some((at, how)) = &findings.barred {
        lines.push(format!("after others a connection to {}, port {}, {how}", at.ip(), at.port()));
    }
    lines.extend(
        findings.breaks.iter().map(|(verb, how)| format!("{verb} ends or silences its session: {how}")),
    );
    if let Some(said) = &findings.no_directory {
        lines.push(format!("the directory of the URL: refused, {said}"));
    }
    if let Some(system) = &findings.system {
        lines.push(format!("SYST: {system}"));
    }
    if let (Some((own, _)), Some(seen)) = (findings.ends, findings.seen_as) {
        lines.push(format!("this machine is {} here, and the server sees {seen}", own.ip()));
    }
    let mut trials: Vec<&Trial> = findings.trials.iter().collect();
    trials.sort_by_key(|trial| (trial.peer.is_ipv6(), trial.cover == Cover::Tls, !trial.way.is_passive()));
    lines.extend(trials.into_iter().map(trial));
    if let Some(said) = &findings.passive_word {
        lines.push(format!("the server, of a passive port that was not reached: {said}"));
    }
    if let Some((port, how)) = &findings.epsv_again {
        lines.push(format!("another port of EPSV in clear, {port}: {}", dial(how)));
    }
    if let Some(fresh) = &findings.reuse.fresh {
        lines.push(format!("a data connection that resumes nothing: {}", end(fresh)));
    }
    if !findings.reuse.repeated.is_empty() {
        let each = findings.reuse.repeated.iter().map(|(how, resumed)| {
            let resumed = if *resumed == Some(true) { ", resumed" } else { "" };
            format!("{}{resumed}", if how.is_through() { "works".to_owned() } else { end(how) })
        });
        lines.push(format!("transfers of one session under TLS: {}", each.collect::<Vec<_>>().join("; ")));
    }
    files(findings, &mut lines);
    lines
}

fn tls(findings: &Findings, lines: &mut Vec<String>) {
    let version = |name: &str, how: &Option<Shake>| match how {
        Some(Shake::Works) => Some(format!("{name} works")),
        Some(why) => Some(format!("{name} does not: {}", shake(why))),
        None => None,
    };
    let seen = &findings.tls;
    if let (Some(both), Some(narrow)) = (&seen.both, &seen.narrow) {
        lines.push(format!("TLS: {}; beside it in small packets: {}", shake(both), shake(narrow)));
    }
    if let Some(implicit) = &seen.implicit {
        lines.push(format!("at port 990, under TLS from the first byte: {}", implicit.greeting));
    }
    let versions: Vec<_> =
        [version("TLS 1.3", &seen.v13), version("TLS 1.2", &seen.v12)].into_iter().flatten().collect();
    if !versions.is_empty() {
        lines.push(versions.join(", "));
    }
    if let Some(print) = &seen.fingerprint {
        let of = seen.subject.as_deref().map(|subject| format!(" of {subject}")).unwrap_or_default();
        let vouched =
            if seen.doubt.is_some() { "no authority vouches for it" } else { "an authority vouches for it" };
        lines.push(format!("certificate{of}, {print}; {vouched}"));
    }
}

fn files(findings: &Findings, lines: &mut Vec<String>) {
    let files = &findings.files;
    if let Some((dialect, read, _)) = &files.listing {
        let dialect = dialect.as_deref().unwrap_or("none, it is empty");
        lines.push(format!("LIST: {read} entries, dialect: {dialect}"));
    }
    if let Some(how) = &files.mlsd {
        lines.push(format!("MLSD: {}", end(how)));
    }
    for (name, how) in [("REST 0", &files.rest_zero), ("REST in the middle", &files.rest_middle)] {
        if let Some(how) = how {
            let how = match how {
                Rest::Right => "the right bytes".to_owned(),
                Rest::Ignored => "the file from its start".to_owned(),
                Rest::Wrong => "other bytes".to_owned(),
                Rest::Refused(said) => format!("refused, {said}"),
                Rest::Failed(why) => why.clone(),
            };
            lines.push(format!("{name}: {how}"));
        }
    }
    if let Some(offset) = files.clock {
        let told = if offset == 0 { "in UTC".to_owned() } else { format!("{:+} min from UTC", offset / 60) };
        lines.push(format!("times in LIST: {told}, by MDTM"));
    }
    if let Some(how) = &files.bulk {
        lines.push(format!("a larger file: {}", end(how)));
    }
    if let Some(how) = &files.bulk_small {
        lines.push(format!("the same in small packets: {}", end(how)));
    }
    if let Some(how) = &files.bulk_again {
        lines.push(format!("and beside that once more as before: {}", end(how)));
    }
    if let Some(how) = &files.upload {
        lines.push(match how {
            Upload::Proven(by) => format!("upload: whole, by {by}, three times in one session"),
            Upload::Unproven => "upload: taken, and not proven".to_owned(),
            Upload::Differs(why) => format!("upload: {why}"),
            Upload::Refused(said) => format!("upload: refused, {said}"),
            Upload::Failed(n, why) => format!("upload {n}: {why}"),
        });
    }
    for (time, alive) in &findings.idle {
        lines.push(format!("silent for {} s: {alive:?}", time.as_secs()));
    }
}

/// One way, as a line.
pub(super) fn trial(trial: &Trial) -> String {
    let family = if trial.peer.is_ipv6() { ", IPv6" } else { "" };
    let told = trial.told.map(|told| format!(", port {}", told.port())).unwrap_or_default();
    let narrow = if trial.narrow { ", in small packets" } else { "" };
    format!(
        "{} {}{family}{told}{narrow}: {} ({:.2} s)",
        trial.way,
        trial.cover.words(),
        end(&trial.end),
        trial.elapsed.as_secs_f64()
    )
}

/// How a handshake ended, in some words.
pub(super) fn shake(shake: &Shake) -> String {
    match shake {
        Shake::Works => "established".to_owned(),
        Shake::Stalled(Some(0)) => "no answer, though our words were acknowledged".to_owned(),
        Shake::Stalled(Some(bytes)) => format!("no answer, {bytes} bytes of ours not acknowledged"),
        Shake::Stalled(None) => "no answer".to_owned(),
        Shake::Clear(said) => format!("clear text, \"{said}\""),
        Shake::Cut(why) | Shake::WantsCertificate(why) | Shake::Failed(why) => why.clone(),
    }
}

fn dial(dial: &Dial) -> String {
    match dial {
        Dial::Connected => "answers".to_owned(),
        Dial::Silent => "no answer".to_owned(),
        Dial::Refused => "refused".to_owned(),
        Dial::Rejected { says, .. } => format!("rejected, {says}"),
        Dial::NoRoute(why) => format!("no way there, {why}"),
        Dial::Failed(why) => why.clone(),
    }
}

fn login(login: &Login) -> String {
    match login {
        Login::Done => "done".to_owned(),
        Login::KeptBack => "kept back, as the password would go in clear text (--clear does it)".to_owned(),
        Login::NoTls(said) => format!("no TLS, {said}"),
        Login::NoAuth(why) => format!("AUTH TLS: {why}"),
        Login::NoHandshake(why) => format!("TLS fails, {}", shake(why)),
        Login::WantsCertificate(why) => format!("a client certificate is demanded, {why}"),
        Login::Unprotected(said) => format!("PROT P is refused, {said}"),
        Login::Untrusted(why) => format!("the certificate is not taken, {why}"),
        Login::NeedsTls(said) => format!("TLS is wanted, {said}"),
        Login::Refused(said) => format!("refused, {said}"),
        Login::Full(said) => format!("no room, {said}"),
        Login::NotRepeated(said) => format!("not tried, as the same was refused before ({said})"),
        Login::Barred(how) => format!("a further connection {how}"),
        Login::Broken(why) => why.clone(),
    }
}

/// How a transfer ended, in some words.
pub(in crate::doctor) fn end(end: &End) -> String {
    match end {
        End::Works { bytes } => format!("works, {bytes} bytes"),
        End::Cut { bytes, .. } => format!("works, {bytes} bytes and more"),
        End::Unanswered => "not answered".to_owned(),
        End::HungUp(why) => format!("the session ends, {why}"),
        End::Refused(said) => format!("refused, {said}"),
        End::Unreadable(said) => format!("no address in the answer, {said}"),
        End::NotReached(how) => format!("data port: {}", dial(how)),
        End::NeverCame { said, call, stranger } => {
            let came = match call {
                _ if stranger.is_some() => "agreed to, and a call came from another address",
                Call::HalfOpen => "agreed to, and the server's call came and was never completed",
                Call::None => "agreed to, and the server's call never came",
                Call::Unknown => "agreed to, and there was no connection",
            };
            said.as_ref().map_or_else(|| came.to_owned(), |said| format!("{came}, {said}"))
        }
        End::CommandRefused(said) => format!("connected, and the command refused, {said}"),
        End::DataRefused(said) => format!("connected, and refused, {said}"),
        End::Stalled { bytes } => format!("connected, and nothing came after {bytes} bytes"),
        End::NoLastWord => "all came, and the server's last word did not".to_owned(),
        End::Broken(why) => why.clone(),
    }
}
