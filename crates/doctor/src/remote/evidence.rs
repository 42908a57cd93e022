//! How is what was seen told, a line each?
use net::half_open::Attempt;

use crate::remote::facts::{Alive, Answer, Cover, Dial, End, Facts, Handshake, Login, Rest, Trial, Upload};

pub(in crate::remote) fn lines(facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for attempt in &facts.addresses {
        lines.push(format!(
            "{}, port {}: {} ({:.2} s)",
            attempt.address.ip(),
            attempt.address.port(),
            dial(&attempt.dial),
            attempt.elapsed.as_secs_f64()
        ));
    }
    if let Some(answer) = &facts.answer {
        lines.push(match answer {
            Answer::Ftp(said) | Answer::Turned(said) => format!("it speaks FTP: {said}"),
            Answer::ClearFirst(said) => format!("it speaks FTP without TLS: {said}"),
            Answer::WantsCertificate(why) => format!("it expects TLS from the first byte: {why}"),
            Answer::TlsFirst => "it expects TLS from the first byte".to_owned(),
            Answer::Ssh(said) => format!("it speaks SSH: {said}"),
            Answer::Http(said) => format!("it speaks HTTP: {said}"),
            Answer::NoAck => "it accepts connections, and acknowledges nothing that is sent".to_owned(),
            Answer::Nothing => "it answers neither FTP nor TLS nor HTTP".to_owned(),
            Answer::HangsUp => "it closes the connection".to_owned(),
            Answer::Endless(said) => format!("its greeting does not end: {said}"),
            Answer::Foreign(protocol, said) => format!("it is {protocol}: {said}"),
            Answer::Other(said) => format!("it answers: {said}"),
        });
    }
    tls(facts, &mut lines);
    for (cover, how) in &facts.logins {
        lines.push(format!("login {}: {}", cover.words(), login(how)));
    }
    lines.extend(facts.full.iter().map(|said| format!("a limit of sessions was reached: {said}")));
    if let Some((at, how)) = &facts.banned {
        lines.push(format!("a further connection to {}, port {}, {how}", at.ip(), at.port()));
    }
    lines.extend(facts.breaks.iter().map(|(verb, how)| format!("{verb} is not answered: {how}")));
    lines.extend(facts.no_directory.iter().map(|said| format!("the directory of the URL: refused, {said}")));
    lines.extend(facts.system.iter().map(|system| format!("SYST: {system}")));
    if let (Some((own, _)), Some(seen)) = (facts.ends, facts.seen_as) {
        lines.push(format!("the address of this machine is {}, the server sees {seen}", own.ip()));
    }
    let mut trials: Vec<&Trial> = facts.trials.iter().collect();
    trials.sort_by_key(|trial| (trial.peer.is_ipv6(), trial.cover == Cover::Tls, !trial.method.is_passive()));
    lines.extend(trials.into_iter().map(trial));
    if let Some(said) = &facts.passive_word {
        lines.push(format!("the server about a passive port that was not reached: {said}"));
    }
    if let Some((port, how)) = &facts.epsv_again {
        lines.push(format!("another port of EPSV unencrypted, {port}: {}", dial(how)));
    }
    lines.extend(facts.reuse.fresh.iter().map(|how| format!("without TLS session reuse: {}", end(how))));
    if !facts.reuse.repeated.is_empty() {
        let each = facts.reuse.repeated.iter().map(|(how, resumed)| {
            let resumed = if *resumed == Some(true) { ", reused" } else { "" };
            format!("{}{resumed}", if how.is_through() { "works".to_owned() } else { end(how) })
        });
        lines.push(format!(
            "several transfers in one session under TLS: {}",
            each.collect::<Vec<_>>().join("; ")
        ));
    }
    files(facts, &mut lines);
    lines
}

fn tls(facts: &Facts, lines: &mut Vec<String>) {
    let version = |name: &str, how: &Option<Handshake>| match how {
        Some(Handshake::Works) => Some(format!("{name} works")),
        Some(why) => Some(format!("{name} fails: {}", handshake(why))),
        None => None,
    };
    let seen = &facts.tls;
    if let (Some(both), Some(small_segments)) = (&seen.both, &seen.small_segments) {
        lines.push(format!("TLS: {}; with small packets: {}", handshake(both), handshake(small_segments)));
    }
    if let Some(implicit) = &seen.implicit {
        lines.push(format!("implicit TLS at port 990: {}", implicit.greeting));
    }
    let versions: Vec<_> =
        [version("TLS 1.3", &seen.v13), version("TLS 1.2", &seen.v12)].into_iter().flatten().collect();
    if !versions.is_empty() {
        lines.push(versions.join(", "));
    }
    if let Some(print) = &seen.fingerprint {
        let of = seen.subject.as_deref().map(|subject| format!(" of {subject}")).unwrap_or_default();
        let vouched = if seen.doubt.is_some() {
            "not signed by a trusted authority"
        } else {
            "signed by a trusted authority"
        };
        lines.push(format!("certificate{of}, {print}; {vouched}"));
    }
}

fn files(facts: &Facts, lines: &mut Vec<String>) {
    let files = &facts.files;
    if let Some((dialect, read, _)) = &files.listing {
        let dialect = dialect.as_deref().unwrap_or("none, it is empty");
        let entries = if *read == 1 { "entry" } else { "entries" };
        lines.push(format!("LIST: {read} {entries}, dialect: {dialect}"));
    }
    lines.extend(files.mlsd.iter().map(|how| format!("MLSD: {}", end(how))));
    for (name, how) in [("REST 0", &files.rest_zero), ("resuming (REST)", &files.rest_middle)] {
        if let Some(how) = how {
            let how = match how {
                Rest::Right => "works".to_owned(),
                Rest::Ignored => "ignored, the file came from its start".to_owned(),
                Rest::Wrong => "wrong bytes came".to_owned(),
                Rest::Refused(said) => format!("refused, {said}"),
                Rest::Failed(why) => why.clone(),
            };
            lines.push(format!("{name}: {how}"));
        }
    }
    if let Some(offset) = files.clock {
        let announced =
            if offset == 0 { "in UTC".to_owned() } else { format!("{:+} min from UTC", offset / 60) };
        lines.push(format!("times in LIST: {announced}, by MDTM"));
    }
    for (name, how) in [
        ("a larger file", &files.bulk),
        ("the same with small packets", &files.bulk_small),
        ("and once more as before", &files.bulk_again),
    ] {
        lines.extend(how.iter().map(|how| format!("{name}: {}", end(how))));
    }
    if let Some(how) = &files.upload {
        lines.push(match how {
            Upload::Proven(by) => format!("upload: complete, checked by {by}, three times in one session"),
            Upload::Unproven => "upload: accepted, could not be checked".to_owned(),
            Upload::Differs(why) => format!("upload: {why}"),
            Upload::Refused(said) => format!("upload: refused, {said}"),
            Upload::Failed(n, why) => format!("upload {n}: {why}"),
        });
    }
    for (time, alive) in &facts.idle {
        lines.push(format!("idle for {} s: {}", time.as_secs(), lives(alive)));
    }
}

fn lives(alive: &Alive) -> String {
    match alive {
        Alive::Yes => "works".to_owned(),
        Alive::Ended(said) => format!("closed by the server, {said}"),
        Alive::Lost => "dead".to_owned(),
    }
}

/// One method, as a line.
pub(in crate::remote) fn trial(trial: &Trial) -> String {
    let family = if trial.peer.is_ipv6() { ", IPv6" } else { "" };
    let announced =
        trial.announced.map(|announced| format!(", port {}", announced.port())).unwrap_or_default();
    let small_segments = if trial.small_segments { ", with small packets" } else { "" };
    let came = match &trial.end {
        // The port is named before it.
        End::NotReached(how) if trial.announced.is_some() => dial(how),
        other => end(other),
    };
    format!(
        "{} {}{family}{announced}{small_segments}: {} ({:.2} s)",
        trial.method,
        trial.cover.words(),
        came,
        trial.elapsed.as_secs_f64()
    )
}

/// How a handshake ended, in some words.
pub(in crate::remote) fn handshake(handshake: &Handshake) -> String {
    match handshake {
        Handshake::Works => "established".to_owned(),
        Handshake::Stalled(Some(0)) => {
            "no answer, although the client's packets were acknowledged".to_owned()
        }
        Handshake::Stalled(Some(bytes)) => {
            format!("no answer, {bytes} bytes from the client not acknowledged")
        }
        Handshake::Stalled(None) => "no answer".to_owned(),
        Handshake::Clear(said) => format!("plain text, \"{said}\""),
        Handshake::Cut(why) | Handshake::WantsCertificate(why) | Handshake::Failed(why) => why.clone(),
    }
}

fn dial(dial: &Dial) -> String {
    match dial {
        Dial::Connected => "answers".to_owned(),
        Dial::Silent => "no answer".to_owned(),
        Dial::Refused => "refused".to_owned(),
        Dial::Rejected { says, .. } => format!("rejected, {says}"),
        Dial::NoRoute(why) => format!("no route, {why}"),
        Dial::Failed(why) => why.clone(),
    }
}

fn login(login: &Login) -> String {
    match login {
        Login::Done => "works".to_owned(),
        Login::KeptBack => "skipped, so as not to send the password unencrypted (use --clear)".to_owned(),
        Login::NoTls(said) => format!("no TLS, {said}"),
        Login::NoAuth(why) => format!("AUTH TLS: {why}"),
        Login::NoHandshake(why) => format!("TLS fails, {}", handshake(why)),
        Login::WantsCertificate(why) => format!("a client certificate is required, {why}"),
        Login::Unprotected(said) => format!("PROT P is refused, {said}"),
        // The verdict has the whole text.
        Login::Untrusted(why) if why.contains("CHANGED") => {
            "not tried, the certificate has changed".to_owned()
        }
        Login::Untrusted(why) => format!("the certificate is rejected, {why}"),
        Login::NeedsTls(said) => format!("TLS is required, {said}"),
        Login::Refused(said) => format!("refused, {said}"),
        Login::Full(said) => format!("too many sessions, {said}"),
        Login::NotRepeated(said) => format!("skipped, as the same login was refused before ({said})"),
        Login::Banned(how) => format!("a further connection {how}"),
        Login::Broken(why) => why.clone(),
    }
}

/// How a transfer ended, in some words.
pub(in crate::remote) fn end(end: &End) -> String {
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
                _ if stranger.is_some() => "accepted, but a connection came from another address",
                Attempt::HalfOpen => "accepted, but the server's connection was never completed",
                Attempt::None => "accepted, but the server's connection never came",
                Attempt::Unknown => "accepted, but there was no connection",
            };
            said.as_ref().map_or_else(|| came.to_owned(), |said| format!("{came}, {said}"))
        }
        End::CommandRefused(said) => format!("connected, but the command was refused, {said}"),
        End::DataRefused(said) => format!("connected, but refused, {said}"),
        End::Stalled { bytes } => format!("connected, but nothing came after {bytes} bytes"),
        End::NoLastWord => "all data came, but the server's last reply did not".to_owned(),
        End::Broken(why) => why.clone(),
    }
}
