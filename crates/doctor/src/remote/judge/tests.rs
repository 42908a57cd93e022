//! What is concluded from which evidence, and what is left open? The cases are in tests/cases.txt.
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use net::half_open::Attempt;

use super::*;
use crate::remote::facts::*;
use crate::remote::judge::shared::named_in;
use client::DataMethod;

const CASES: &str = include_str!("tests/cases.txt");

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn dial(text: &str) -> Dial {
    let rejected = |says: &str| Dial::Rejected {
        by: "203.0.113.1".parse().unwrap(),
        says: format!("203.0.113.1 says {says}"),
    };
    match text {
        "connected" => Dial::Connected,
        "silent" => Dial::Silent,
        "refused" => Dial::Refused,
        "rejected" => rejected("no"),
        "unreachable" => rejected("\"host unreachable\""),
        "no-route" => Dial::NoRoute("Network is unreachable".to_owned()),
        other => panic!("{other}: no dial"),
    }
}

/// A word, and the text behind it.
fn word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn end(text: &str) -> End {
    let (name, rest) = word(text);
    let said = || rest.to_owned();
    let never = |call, stranger| {
        let said = (!rest.is_empty()).then(said);
        End::NeverCame { said, call, stranger }
    };
    match name {
        "works" => End::Works { bytes: 9 },
        "empty" => End::Works { bytes: 0 },
        "silent" => End::NotReached(Dial::Silent),
        "closed" => End::NotReached(Dial::Refused),
        "rejected" => End::NotReached(dial("rejected")),
        "unanswered" => End::Unanswered,
        "ended" => End::HungUp(said()),
        "no" => End::Refused(said()),
        "command" => End::CommandRefused(said()),
        "refused" => End::DataRefused(said()),
        "stalled" => End::Stalled { bytes: 0 },
        "broken" => End::Broken("reset".to_owned()),
        "never-came" => never(Attempt::None, None),
        "never-seen" => never(Attempt::Unknown, None),
        "half-open" => never(Attempt::HalfOpen, None),
        "stranger" => never(Attempt::None, Some("10.0.0.5".parse().unwrap())),
        other => panic!("{other}: no end"),
    }
}

fn handshake(text: &str) -> Handshake {
    let (name, rest) = word(text);
    match name {
        "works" => Handshake::Works,
        "stalled" => Handshake::Stalled(rest.parse().ok()),
        "cut" => Handshake::Cut(rest.to_owned()),
        "clear" => Handshake::Clear(rest.to_owned()),
        "failed" => Handshake::Failed(rest.to_owned()),
        other => panic!("{other}: no handshake"),
    }
}

fn login(text: &str) -> Login {
    let (name, rest) = word(text);
    let said = rest.to_owned();
    match name {
        "done" => Login::Done,
        "kept-back" => Login::KeptBack,
        "no-tls" => Login::NoTls("502 no".to_owned()),
        "no-auth" => Login::NoAuth(said),
        "handshake" => Login::NoHandshake(handshake(rest)),
        "wants-certificate" => Login::WantsCertificate(said),
        "unprotected" => Login::Unprotected(said),
        "untrusted" => Login::Untrusted(said),
        "refused" => Login::Refused(said),
        "full" => Login::Full(said),
        "broken" => Login::Broken(said),
        other => panic!("{other}: no login"),
    }
}

fn answer(text: &str) -> Answer {
    let said = || "words".to_owned();
    match text {
        "tls-first" => Answer::TlsFirst,
        "clear-first" => Answer::ClearFirst(said()),
        "ssh" => Answer::Ssh(said()),
        "http" => Answer::Http(said()),
        "nothing" => Answer::Nothing,
        "no-ack" => Answer::NoAck,
        "hangs-up" => Answer::HangsUp,
        "other" => Answer::Other(said()),
        "turned" => Answer::Turned(said()),
        "masked" => Answer::Ftp("220 ****************".to_owned()),
        other => panic!("{other}: no answer"),
    }
}

fn upload(text: &str) -> Upload {
    let (name, rest) = word(text);
    match name {
        "proven" => Upload::Proven("SIZE"),
        "unproven" => Upload::Unproven,
        "differs" => Upload::Differs(rest.to_owned()),
        "refused" => Upload::Refused(rest.to_owned()),
        "failed" => Upload::Failed(word(rest).0.parse().unwrap(), word(rest).1.to_owned()),
        other => panic!("{other}: no upload"),
    }
}

fn trial(facts: &mut Facts, cover: Cover, peer: &str, text: &str) {
    let (method, came) = word(text);
    let method = match method {
        "EPSV" => DataMethod::Epsv,
        "PASV" => DataMethod::Pasv,
        "EPRT" => DataMethod::Eprt,
        _ => DataMethod::Port,
    };
    let (came, announced) = match came.split_once(" at ") {
        Some((came, announced)) => (came, at(announced)),
        None => {
            let ip = if method.is_passive() { at(SERVER).ip() } else { at(OWN).ip() };
            (came, SocketAddr::new(ip, 50_000 + u16::try_from(facts.trials.len()).unwrap()))
        }
    };
    facts.trials.push(Trial {
        cover,
        method,
        peer: at(peer),
        announced: Some(announced),
        end: end(came),
        resumed: (cover == Cover::Tls).then_some(true),
        small_segments: false,
        elapsed: Duration::ZERO,
    });
}

const SERVER: &str = "198.51.100.1:21";
const OWN: &str = "192.0.2.7:40000";

/// An address of the host, dialled at the control port.
fn dialled(address: &str, dial: Dial) -> AddressSeen {
    AddressSeen { address: at(address), dial, elapsed: Duration::ZERO }
}

/// One item of a case.
fn see(facts: &mut Facts, item: &str) {
    let (name, rest) = word(item);
    let text = || Some(rest.to_owned());
    let (tls, files) = (&mut facts.tls, &mut facts.files);
    match name {
        "EPSV" | "PASV" | "EPRT" | "PORT" => trial(facts, Cover::Clear, SERVER, item),
        "tls" => trial(facts, Cover::Tls, SERVER, rest),
        "v6" if rest.contains(' ') => trial(facts, Cover::Clear, "[2001:db8::1]:21", rest),
        "v6" => facts.addresses.push(dialled("[2001:db8::1]:21", dial(rest))),
        "dial" => {
            facts.addresses = vec![dialled(SERVER, dial(rest))];
            facts.answer = None;
        }
        "no-name" => facts.no_name = text(),
        "answer" => facts.answer = Some(answer(rest)),
        "port" => facts.port = rest.parse().unwrap(),
        "own" => facts.ends = Some((at(rest), at(SERVER))),
        "seen-as" => facts.seen_as = Some(rest.parse().unwrap()),
        "anonymous" => facts.anonymous = true,
        "identity" => facts.identity = true,
        "seen" => facts.seen = text(),
        "login" => {
            let (cover, came) = word(rest);
            facts.logins.push((if cover == "tls" { Cover::Tls } else { Cover::Clear }, login(came)));
        }
        "full" => facts.full = text(),
        "banned" => facts.banned = Some((at(SERVER), rest.to_owned())),
        "left-out" => facts.left_out.push("tls-1.3"),
        "break" => facts.breaks.push((word(rest).0.to_owned(), word(rest).1.to_owned())),
        "features" => facts.features = rest.split(' ').map(str::to_owned).collect(),
        "word" => facts.passive_word = text(),
        "epsv-again" => facts.epsv_again = Some((50_009, dial(rest))),
        "both" => tls.both = Some(handshake(rest)),
        "small" => tls.small_segments = Some(handshake(rest)),
        "v12" => tls.v12 = Some(handshake(rest)),
        "v13" => tls.v13 = Some(handshake(rest)),
        "offered" => tls.offered = Some(rest == "yes"),
        "implicit" => {
            tls.implicit = Some(ImplicitSeen { greeting: rest.to_owned(), offers_auth: Some(true) });
        }
        "doubt" => tls.doubt = text(),
        "authorities" => tls.authorities = rest.parse().unwrap(),
        "fingerprint" => tls.fingerprint = Some("sha256:00".to_owned()),
        "pins" => tls.pins = Some(([0xaa; 20], [0xff; 32])),
        "small-listing" => tls.small_listing = Some(end(rest)),
        "small-segments" => facts.trials[0].small_segments = true,
        "fresh" => facts.reuse.fresh = Some(end(rest)),
        "resumed" => facts.reuse.repeated.push((end(rest), Some(true))),
        "repeated" => facts.reuse.repeated.push((end(rest), Some(false))),
        "listing" => files.listing = Some((None, 1, rest.parse().unwrap())),
        "mlsd" => files.mlsd = Some(end(rest)),
        "bulk" => files.bulk = Some(end(rest)),
        "bulk-small" => files.bulk_small = Some(end(rest)),
        "bulk-again" => files.bulk_again = Some(end(rest)),
        "rest" => {
            files.rest_middle = Some(match word(rest) {
                ("right", _) => Rest::Right,
                ("ignored", _) => Rest::Ignored,
                (_, said) => Rest::Refused(said.to_owned()),
            });
        }
        "size" => files.size = Some((word(rest).0.parse().ok(), word(rest).1.parse().unwrap())),
        "clock" => files.clock = rest.parse().ok(),
        "drift" => files.drift = rest.parse().ok(),
        "upload" => files.upload = Some(upload(rest)),
        "left" => files.left = Some((["a", "b"].map(str::to_owned).to_vec(), rest.to_owned())),
        "replaces" => files.replaces = Some(rest == "yes"),
        "idle" => {
            let alive = rest.split(' ').map(|alive| match alive {
                "yes" => Alive::Yes,
                "lost" => Alive::Lost,
                _ => Alive::Ended("421 idle".to_owned()),
            });
            facts.idle = [30, 60, 120].map(Duration::from_secs).into_iter().zip(alive).collect();
        }
        "unfinished" => facts.unfinished.push("connections"),
        other => panic!("{other}: nothing that can be seen"),
    }
}

/// A host whose control port speaks FTP, and what else was seen. Where nothing is said of them, the logins of
/// its transfers work.
fn facts(case: &str) -> Facts {
    let mut facts = Facts {
        host: "ftp.example".to_owned(),
        port: 21,
        addresses: vec![dialled(SERVER, Dial::Connected)],
        answer: Some(Answer::Ftp("220 ready".to_owned())),
        ends: Some((at(OWN), at(SERVER))),
        ..Facts::default()
    };
    case.split("; ").for_each(|item| see(&mut facts, item));
    if facts.login(Cover::Clear).is_none() {
        facts.logins.insert(0, (Cover::Clear, Login::Done));
    }
    if facts.login(Cover::Tls).is_none() && facts.of(Cover::Tls).next().is_some() {
        facts.logins.push((Cover::Tls, Login::Done));
    }
    facts
}

/// A case with its findings, in its line where they fit, and the beginnings of what is open.
fn shown(case: &str, report: &Report) -> String {
    let findings = report.findings().map(|finding| {
        let rules: String = finding.rules.iter().map(|rule| format!(" {rule}")).collect();
        format!("{} {}{rules}", finding.verdict, finding.weight.name())
    });
    let findings = findings.collect::<Vec<_>>().join(", ");
    let space = if case.len() + findings.len() < 108 { " " } else { "\n  " };
    let mut text = format!("{case}{space}= {findings}\n");
    for open in &report.unclear {
        let begin: String = open.what.chars().take(100).collect();
        writeln!(text, "  ? {}", begin.trim_end()).unwrap();
    }
    text
}

#[test]
fn each_case_is_judged_as_it_is_written() {
    let mut written = String::new();
    let lines: Vec<&str> = CASES.lines().collect();
    for lines in lines.chunk_by(|_, next| next.starts_with(' ')) {
        let case = lines[0].split(" = ").next().unwrap_or_default();
        if case.is_empty() || case.starts_with('#') {
            writeln!(written, "{case}").unwrap();
            continue;
        }
        let report = diagnose(&facts(case));
        written.push_str(&shown(case, &report));
        let verdict = Finding { evidence: Vec::new(), ..report.verdict.clone() };
        let all = format!("{:#?}", Report { verdict, ..report.clone() });
        for line in &lines[1..] {
            let (mark, part) = line.split_at(4);
            match mark {
                "  ~ " => assert!(all.contains(part), "{case}: no {part:?} in {all}"),
                "  ! " => assert!(!all.contains(part), "{case}: {part:?} in {all}"),
                _ => continue,
            }
            writeln!(written, "{line}").unwrap();
        }
        for Finding { sentence, .. } in report.findings() {
            assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{case}: {sentence}");
        }
        assert!(report.unclear.iter().all(|open| !open.decided_by.is_empty()), "{case}: {all}");
    }
    if std::env::var_os("PASV_GOLDEN").is_some_and(|value| value == "write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/remote/judge/tests/cases.txt");
        std::fs::write(path, &written).unwrap();
        return;
    }
    for (n, (is, wanted)) in written.lines().zip(CASES.lines()).enumerate() {
        assert_eq!(is, wanted, "cases.txt, line {}", n + 1);
    }
    assert_eq!(written.len(), CASES.len(), "cases.txt");
}

#[test]
fn nobody_is_sent_from_active_to_a_passive_mode_that_fails() {
    for passive in ["stalled", "closed", "silent"] {
        for active in ["no 500 no", "never-came", "half-open"] {
            let report =
                diagnose(&facts(&format!("EPSV {passive}; PASV {passive}; EPRT {active}; PORT {active}")));
            assert!(report.verdict.sentence.starts_with("Passive transfers fail: "), "{report:#?}");
            let mut advice = report.findings().flat_map(|finding| &finding.client);
            assert!(!advice.any(|advice| advice.contains("use passive")), "{report:#?}");
        }
    }
}

#[test]
fn words_that_name_rules_are_read() {
    assert_eq!(named_in("425 ... (rule 4), or ... (rule 3), or rule 4"), [3, 4]);
    assert_eq!(named_in("no rule 9, no rule, rule \u{e9}, rule "), [] as [u8; 0]);
}
