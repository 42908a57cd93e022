//! Each verdict with evidence that suffices for it, and with evidence that is short of it.
mod between;
mod protection;

use std::net::SocketAddr;
use std::time::Duration;

use net::half_open::Attempt;

use super::*;
use crate::finding::ClientSettings;
use crate::remote::facts::*;
use crate::remote::judge::shared::named_in;
use client::DataMethod;

const SILENT: End = End::NotReached(Dial::Silent);
const WORKS: End = End::Works { bytes: 9 };

fn rejected() -> Dial {
    Dial::Rejected { by: "203.0.113.1".parse().unwrap(), says: "203.0.113.1 says no".to_owned() }
}

/// Nobody came, and the server said nothing.
fn never(call: Attempt) -> End {
    End::NeverCame { said: None, call, stranger: None }
}

fn refused_port() -> End {
    End::NotReached(Dial::Refused)
}

fn server() -> SocketAddr {
    "198.51.100.1:21".parse().unwrap()
}

fn own() -> SocketAddr {
    "192.0.2.7:40000".parse().unwrap()
}

/// A host of one address, dialled.
fn dialled(dial: Dial) -> Facts {
    let attempt = AddressSeen { address: server(), dial, elapsed: Duration::ZERO };
    Facts { host: "ftp.example".to_owned(), port: 21, addresses: vec![attempt], ..Facts::default() }
}

fn answers(answer: Answer) -> Facts {
    Facts { answer: Some(answer), ends: Some((own(), server())), ..dialled(Dial::Connected) }
}

/// A site whose control connection works in clear, and what its methods came to.
fn site(methods: &[(Cover, DataMethod, End)]) -> Facts {
    let mut facts = answers(Answer::Ftp("220 ready".to_owned()));
    facts.logins = vec![(Cover::Clear, Login::Done)];
    if methods.iter().any(|(cover, ..)| *cover == Cover::Tls) {
        facts.logins.push((Cover::Tls, Login::Done));
    }
    for (n, (cover, method, end)) in (0_u16..).zip(methods) {
        let at = if method.is_passive() { server().ip() } else { own().ip() };
        facts.trials.push(Trial {
            cover: *cover,
            method: *method,
            peer: server(),
            announced: Some((at, 50_000 + n).into()),
            end: end.clone(),
            resumed: (*cover == Cover::Tls).then_some(true),
            small_segments: false,
            elapsed: Duration::ZERO,
        });
    }
    facts
}

fn clear(methods: &[(DataMethod, End)]) -> Facts {
    let methods: Vec<_> = methods.iter().map(|(method, end)| (Cover::Clear, *method, end.clone())).collect();
    site(&methods)
}

fn change(mut facts: Facts, change: impl FnOnce(&mut Facts)) -> Facts {
    change(&mut facts);
    facts
}

fn pasv_told(facts: Facts, announced: &str) -> Facts {
    change(facts, |facts| {
        for trial in facts.trials.iter_mut().filter(|trial| trial.method == DataMethod::Pasv) {
            trial.announced = Some(announced.parse().unwrap());
        }
    })
}

fn names(diagnosis: &Report) -> Vec<&'static str> {
    diagnosis.findings().map(|finding| finding.verdict.name()).collect()
}

/// The first verdict is this.
fn is(story: &str, facts: &Facts, verdict: Verdict) {
    let diagnosis = diagnose(facts);
    assert_eq!(names(&diagnosis)[0], verdict.name(), "{story}: {diagnosis:#?}");
    let sentence = &diagnosis.verdict.sentence;
    assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{story}: {sentence}");
}

/// This is among them.
fn tells(story: &str, facts: &Facts, verdict: Verdict) {
    let diagnosis = diagnose(facts);
    assert!(names(&diagnosis).contains(&verdict.name()), "{story}: {diagnosis:#?}");
}

/// This is not among them, and what would decide it is told where that is due.
fn open(story: &str, facts: &Facts, verdict: Verdict, what: &str) {
    let diagnosis = diagnose(facts);
    assert!(!names(&diagnosis).contains(&verdict.name()), "{story}: {diagnosis:#?}");
    let announced =
        diagnosis.unclear.iter().any(|unclear| unclear.what.contains(what) && !unclear.decided_by.is_empty());
    assert!(what.is_empty() || announced, "{story}: nothing open is about {what:?}: {diagnosis:#?}");
}

#[test]
fn doors_that_do_not_open() {
    let nameless = Facts { no_name: Some("no such name".to_owned()), ..dialled(Dial::Silent) };
    is("no name", &nameless, Verdict::NoSuchName);
    let silent = dialled(Dial::Silent);
    is("the SYN is unanswered", &silent, Verdict::Rule1Or2);
    open("which of the two is never said", &silent, Verdict::ControlRefused, "which of the two rules");
    is("a reset", &dialled(Dial::Refused), Verdict::ControlRefused);
    open("a reset, by whom", &dialled(Dial::Refused), Verdict::Rule1Or2, "firewall");
    is("ICMP says that it is forbidden", &dialled(rejected()), Verdict::ControlRefused);
    let sentence = diagnose(&dialled(rejected())).verdict.sentence;
    assert!(sentence.contains("a router or firewall in between: 203.0.113.1 says"), "{sentence}");
    let no_way = Dial::Rejected {
        by: "203.0.113.1".parse().unwrap(),
        says: "203.0.113.1 says \"host unreachable\"".to_owned(),
    };
    let said = diagnose(&dialled(no_way)).verdict;
    assert!(said.sentence.contains("cannot be reached") && !said.server[0].contains("rule"), "{said:?}");
    is("our own network", &dialled(Dial::NoRoute("Network is unreachable".to_owned())), Verdict::NoRoute);
}

#[test]
fn one_family_dead() {
    let other = |dial| {
        change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
            let address = "[2001:db8::1]:21".parse().unwrap();
            facts.addresses.push(AddressSeen { address, dial, elapsed: Duration::ZERO });
        })
    };
    is("AAAA silent", &other(Dial::Silent), Verdict::FamilyDead);
    is("AAAA refused", &other(Dial::Refused), Verdict::FamilyDead);
    open(
        "silence may be ours",
        &other(Dial::Silent),
        Verdict::NotKnown,
        "IPv6 fails at the server or in this network",
    );
    assert!(diagnose(&other(Dial::Refused)).unclear.is_empty(), "a reset came from there");
    open("AAAA answers", &other(Dial::Connected), Verdict::FamilyDead, "");
    open("we have no IPv6", &other(Dial::NoRoute("none".to_owned())), Verdict::FamilyDead, "");
}

#[test]
fn ports_of_something_else() {
    let said = || "words".to_owned();
    for (answer, verdict) in [
        (Answer::TlsFirst, Verdict::WrongScheme),
        (Answer::ClearFirst(said()), Verdict::WrongScheme),
        (Answer::Ssh(said()), Verdict::NotFtp),
        (Answer::Http(said()), Verdict::NotFtp),
        (Answer::Nothing, Verdict::NoGreeting),
        (Answer::HangsUp, Verdict::NoGreeting),
        (Answer::Other(said()), Verdict::NotFtp),
        (Answer::Turned(said()), Verdict::TurnedAway),
    ] {
        is("another protocol", &answers(answer), verdict);
    }
    open("nothing is said", &answers(Answer::Nothing), Verdict::NotFtp, "whether a greeting comes later");
    let no_more = Facts { answer: None, ..dialled(Dial::Connected) };
    is("it answered once", &no_more, Verdict::NotKnown);
    open("it answered once", &no_more, Verdict::NoGreeting, "what answers");
}

#[test]
fn passive_ports_that_are_closed() {
    let both = clear(&[
        (DataMethod::Epsv, SILENT),
        (DataMethod::Pasv, SILENT),
        (DataMethod::Port, never(Attempt::None)),
    ]);
    is("two data ports silent", &both, Verdict::Rule3Or4);
    open("which of the two", &both, Verdict::FtpHelper, "which of the two rules");
    assert_eq!(diagnose(&both).verdict.weight, Weight::Blocks);
    assert!(diagnose(&both).verdict.sentence.contains("50000, 50001"));
    let active = clear(&[(DataMethod::Epsv, SILENT), (DataMethod::Pasv, SILENT), (DataMethod::Port, WORKS)]);
    is("and active works", &active, Verdict::Rule3Or4);
    assert_eq!(diagnose(&active).verdict.weight, Weight::Hinders);
    let one = clear(&[(DataMethod::Epsv, SILENT)]);
    open("one data port silent", &one, Verdict::Rule3Or4, "passive ports are closed");
    is("one data port silent", &one, Verdict::NotKnown);
    let resets = clear(&[(DataMethod::Epsv, refused_port()), (DataMethod::Pasv, refused_port())]);
    is("resets", &resets, Verdict::DataPortsRefused);
    open("resets, by whom", &resets, Verdict::Rule3Or4, "who refuses");
    let mixed = clear(&[(DataMethod::Epsv, SILENT), (DataMethod::Pasv, refused_port())]);
    open("one silent, one refused", &mixed, Verdict::Rule3Or4, "not all fail in the same way");
    let rejected = End::NotReached(rejected());
    is(
        "rejected",
        &clear(&[(DataMethod::Epsv, rejected.clone()), (DataMethod::Pasv, rejected)]),
        Verdict::DataPortsRefused,
    );
}

/// The rules of the first verdict.
fn rules(facts: &Facts) -> Vec<u8> {
    diagnose(facts).verdict.rules
}

#[test]
fn doors_name_their_rules() {
    assert_eq!(rules(&dialled(Dial::Silent)), [1, 2]);
    assert_eq!(rules(&dialled(Dial::Refused)), [1]);
    assert_eq!(rules(&dialled(rejected())), [1]);
    let no_reply = answers(Answer::NoAck);
    is("nothing after the first packet", &no_reply, Verdict::NoGreeting);
    open("nothing after the first packet", &no_reply, Verdict::AllIsWell, "too busy");
    assert_eq!(rules(&no_reply), [1]);
}

#[test]
fn the_servers_word_decides_between_the_rules_of_passive_data() {
    let closed = |end: End, word: Option<&str>| {
        change(clear(&[(DataMethod::Epsv, end.clone()), (DataMethod::Pasv, end)]), |facts| {
            facts.passive_word = word.map(str::to_owned);
        })
    };
    let (third, fourth) = ("425 No SYN (rule 3), or you have not called it", "425 Your SYN came (rule 4)");
    assert_eq!(rules(&closed(SILENT, None)), [3, 4]);
    assert_eq!(rules(&closed(SILENT, Some("425 Can't build data connection"))), [3, 4]);
    assert_eq!(rules(&closed(SILENT, Some("425 rule 3 or rule 4"))), [3, 4]);
    assert_eq!(rules(&closed(SILENT, Some(third))), [3]);
    assert_eq!(rules(&closed(SILENT, Some(fourth))), [4]);
    is("rule 4", &closed(SILENT, Some(fourth)), Verdict::Rule3Or4);
    open(
        "rule 3, or ours",
        &closed(SILENT, Some(third)),
        Verdict::AllIsWell,
        "firewall on the client's side",
    );
    assert_eq!(diagnose(&closed(SILENT, Some(fourth))).unclear, []);
    assert_eq!(rules(&closed(refused_port(), None)), [3]);
    let refused = closed(refused_port(), Some(third));
    is("a reset that is not the server's", &refused, Verdict::DataPortsRefused);
    assert_eq!((rules(&refused), diagnose(&refused).unclear), (vec![3], vec![]));
    assert_eq!(rules(&closed(End::NotReached(rejected()), None)), [3]);
}

#[test]
fn commands_that_cost_the_session_are_named_and_nothing_is_well() {
    let of = |verb: &str, how: &str| {
        change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
            facts.breaks = vec![(verb.to_owned(), how.to_owned())];
        })
    };
    is("FEAT is silent", &of("FEAT", "no answer"), Verdict::CommandEaten);
    assert_eq!(diagnose(&of("FEAT", "no answer")).verdict.sentence, "FEAT is never answered.");
    is("FEAT ends it", &of("FEAT", "the server closed the control connection"), Verdict::CommandEaten);
    tells("STAT is silent", &of("STAT", "no answer"), Verdict::CommandEaten);
}

/// What the client refuses is not called well, and nothing is offered that would go there all the same.
#[test]
fn a_certificate_that_is_refused_blocks_whatever_else_works() {
    let works = clear(&[(DataMethod::Epsv, WORKS)]);
    let changed = change(works.clone(), |facts| {
        facts.logins.push((Cover::Tls, Login::Untrusted("the certificate of x:21 has CHANGED".to_owned())));
    });
    is("changed", &changed, Verdict::CertificateRefused);
    let gone = change(works, |facts| {
        facts.seen = Some("TLS was seen at x:21, first at some time".to_owned());
        facts.logins.push((Cover::Tls, Login::NoTls("502 no".to_owned())));
    });
    is("TLS is gone", &gone, Verdict::CertificateRefused);
    for facts in [changed, gone] {
        let diagnosis = diagnose(&facts);
        assert_eq!((diagnosis.verdict.weight, diagnosis.settings), (Weight::Blocks, None));
    }
}

#[test]
fn an_anonymous_login_that_is_refused_names_the_reason_it_may_have() {
    let refused = change(answers(Answer::Ftp("220 ready".to_owned())), |facts| {
        facts.anonymous = true;
        facts.logins = vec![(Cover::Clear, Login::Refused("530 no".to_owned()))];
    });
    is("anonymous", &refused, Verdict::LoginRefused);
    assert!(diagnose(&refused).verdict.sentence.contains("may accept no anonymous users"));
}

/// The port that was looked at, and not the one by the book.
#[test]
fn commands_to_try_name_the_port_that_was_looked_at() {
    let eaten = change(clear(&[]), |facts| {
        facts.port = 2121;
        facts.logins.push((Cover::Tls, Login::NoAuth("no answer".to_owned())));
    });
    let text = format!("{:?}", diagnose(&eaten).unclear);
    assert!(text.contains("-connect 127.0.0.1:2121"), "{text}");
}

#[test]
fn words_that_name_rules_are_read() {
    assert_eq!(named_in("425 ... (rule 4), or ... (rule 3), or rule 4"), [3, 4]);
    assert_eq!(named_in("no rule 9, no rule, rule \u{e9}, rule "), [] as [u8; 0]);
}

#[test]
fn what_stands_still_is_not_refused() {
    let still = End::Stalled { bytes: 0 };
    let tls = |small: Option<End>| {
        let methods = [
            (Cover::Clear, DataMethod::Epsv, WORKS),
            (Cover::Tls, DataMethod::Epsv, still.clone()),
            (Cover::Tls, DataMethod::Port, WORKS),
        ];
        change(site(&methods), |facts| {
            facts.tls.small_listing = small;
            facts.reuse.fresh = Some(still.clone());
        })
    };
    is("and flows in small packets", &tls(Some(WORKS)), Verdict::MtuBlackHole);
    is("and small packets were not tried", &tls(None), Verdict::DataStalls);
    open("which is no helper", &tls(None), Verdict::FtpHelper, "why no data comes");
    open("and no wish for a session", &tls(None), Verdict::ReuseRequired, "");
    let only_active =
        clear(&[(DataMethod::Epsv, End::Broken("reset".to_owned())), (DataMethod::Port, WORKS)]);
    is("only active works", &only_active, Verdict::NotKnown);
    assert_eq!(diagnose(&only_active).verdict.weight, Weight::Hinders);
}

#[test]
fn active_mode() {
    let active = |end: End| {
        clear(&[(DataMethod::Epsv, WORKS), (DataMethod::Eprt, end.clone()), (DataMethod::Port, end)])
    };
    let refused = active(End::Refused("500 use passive".to_owned()));
    tells("refused, with its text", &refused, Verdict::ActiveImpossible);
    is("passive works", &refused, Verdict::AllIsWell);
    let tried = |said: Option<&str>, call: Attempt| {
        active(End::NeverCame { said: said.map(str::to_owned), call, stranger: None })
    };
    let of = |facts: &Facts| {
        let also = diagnose(facts).also;
        let found = also.into_iter().find(|finding| finding.verdict == Verdict::ActiveImpossible).unwrap();
        (found.rules, found.sentence)
    };
    let unseen = tried(None, Attempt::None);
    open("agreed to, and nobody calls", &unseen, Verdict::Rule3Or4, "who blocks the server's connection");
    assert_eq!(of(&unseen).0, [4]);
    let unknown = tried(None, Attempt::Unknown);
    open("and the kernel does not tell", &unknown, Verdict::Rule3Or4, "who blocks the server's connection");
    assert_eq!(of(&unknown).0, [3, 4]);
    let begun = tried(None, Attempt::HalfOpen);
    open("the call came, and no further", &begun, Verdict::Rule3Or4, "whether rule 3 is missing");
    assert_eq!(of(&begun).0, [3]);
    let both = tried(Some("425 no answer (rule 4) (rule 3)"), Attempt::HalfOpen);
    assert_eq!(of(&both).0, [3], "what was seen here counts");
    let held = tried(Some("425 The SYN does not leave (rule 4)"), Attempt::None);
    assert_eq!(of(&held).0, [4]);
    assert!(of(&held).1.contains("as it reports itself (425 The SYN"), "{held:?}");
    assert_eq!(diagnose(&held).unclear, []);
    let left = tried(Some("425 it left (rule 4), or (rule 3)"), Attempt::None);
    assert_eq!(of(&left).0, [4]);
    open("who stops it", &left, Verdict::Rule3Or4, "who blocks the server's connection");
    let stranger = Some("10.0.0.5".parse().unwrap());
    let untranslated =
        active(End::NeverCame { said: Some("426 gone".to_owned()), call: Attempt::None, stranger });
    assert_eq!(of(&untranslated).0, [4]);
    assert!(of(&untranslated).1.contains("from 10.0.0.5 and none from 198.51.100.1"), "{untranslated:?}");
    let alone = clear(&[(DataMethod::Port, never(Attempt::None))]);
    is("there is no other way", &alone, Verdict::ActiveImpossible);
    assert_eq!(diagnose(&alone).verdict.weight, Weight::Blocks);
    open("it works", &active(WORKS), Verdict::ActiveImpossible, "");
    open("the session broke", &active(End::Broken("reset".to_owned())), Verdict::ActiveImpossible, "");
}

#[test]
fn black_holes() {
    let files = |bulk: End, small: Option<End>, listing: bool| {
        change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
            facts.files.listing = listing.then_some((None, 1, 0));
            facts.files.bulk = Some(bulk);
            facts.files.bulk_small = small;
            facts.files.bulk_again = Some(End::Stalled { bytes: 0 });
        })
    };
    let hangs = End::Stalled { bytes: 0 };
    is(
        "bulk stalls, and flows in small packets",
        &files(hangs.clone(), Some(WORKS), true),
        Verdict::MtuBlackHole,
    );
    let chance = change(files(hangs.clone(), Some(WORKS), true), |facts| {
        facts.files.bulk_again = Some(WORKS);
    });
    open("large packets came beside it", &chance, Verdict::MtuBlackHole, "why a file hangs");
    let unproven = files(hangs.clone(), None, true);
    open("small packets were not tried", &unproven, Verdict::MtuBlackHole, "why a file hangs");
    let still = files(hangs.clone(), Some(hangs.clone()), true);
    open("small packets stall too", &still, Verdict::MtuBlackHole, "why a file hangs");
    open("no listing passed", &files(hangs, Some(WORKS), false), Verdict::MtuBlackHole, "why a file hangs");
    is("bulk flows", &files(WORKS, None, true), Verdict::AllIsWell);
}

#[test]
fn idle_connections() {
    let idle = |alive: &[Alive]| {
        change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
            let times = [30, 60, 120].map(Duration::from_secs);
            facts.idle = times.into_iter().zip(alive.iter().cloned()).collect();
        })
    };
    is("NOOP is not answered", &idle(&[Alive::Yes, Alive::Lost]), Verdict::IdleTimeout);
    let ended = idle(&[Alive::Yes, Alive::Ended("421 idle".to_owned())]);
    tells("the server says so", &ended, Verdict::IdleTimeout);
    is("all live", &idle(&[Alive::Yes, Alive::Yes]), Verdict::AllIsWell);
    let chance = idle(&[Alive::Lost, Alive::Yes]);
    open("a longer silence is lived through", &chance, Verdict::IdleTimeout, "why a control connection");
}

#[test]
fn logins() {
    let login = |clear: Login, tls: Login| {
        change(answers(Answer::Ftp("220 ready".to_owned())), |facts| {
            facts.logins = vec![(Cover::Clear, clear), (Cover::Tls, tls)];
        })
    };
    let no_tls = || Login::NoTls("502 no".to_owned());
    is("refused", &login(Login::Refused("530 no".to_owned()), no_tls()), Verdict::LoginRefused);
    let turned = change(login(Login::Refused("530 no".to_owned()), no_tls()), |f| f.logins.reverse());
    is("refused, and heard last", &turned, Verdict::LoginRefused);
    let kept = login(Login::KeptBack, no_tls());
    is("kept back, and no TLS", &kept, Verdict::NoTls);
    open("kept back, and no TLS", &kept, Verdict::LoginRefused, "not sent unencrypted");
    let untrusted = login(Login::KeptBack, Login::Untrusted("unknown authority".to_owned()));
    is("nobody vouches", &untrusted, Verdict::CertificateRefused);
    is("broken off", &login(Login::Broken("421 full".to_owned()), no_tls()), Verdict::LoginBroken);
    let works = change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
        facts.logins.push((Cover::Tls, Login::NoHandshake(Handshake::Failed("alert".to_owned()))));
    });
    is("TLS cannot be established", &works, Verdict::TlsFails);
    assert_eq!(diagnose(&works).verdict.weight, Weight::Hinders);
}

#[test]
fn logins_that_do_not_tell_of_the_password() {
    let clear = || clear(&[(DataMethod::Epsv, WORKS)]);
    // The same name and password were taken: what is refused beside is refused for another reason.
    let done = change(clear(), |f| f.logins.push((Cover::Tls, Login::Refused("530 no".to_owned()))));
    is("taken in clear", &done, Verdict::LoginRefused);
    assert!(!diagnose(&done).verdict.client.concat().contains("password"), "{:#?}", diagnose(&done));
    let full = change(clear(), |f| f.full = Some("421 too many".to_owned()));
    is("full for a moment", &full, Verdict::AllIsWell);
    tells("full for a moment", &full, Verdict::SessionsLimited);
    let shut = change(answers(Answer::Ftp("220 ready".to_owned())), |f| {
        f.full = Some("421 too many".to_owned());
        f.logins = vec![(Cover::Clear, Login::Full("421 too many".to_owned()))];
    });
    is("full for good", &shut, Verdict::SessionsLimited);
    let banned = change(clear(), |f| {
        f.banned = Some((server(), "is not answered".to_owned()));
        f.left_out.push("tls-1.3");
    });
    is("banned", &banned, Verdict::SessionsLimited);
    open("banned", &banned, Verdict::LoginBroken, "tls-1.3");
}

#[test]
fn what_fails_for_no_known_reason_is_not_well() {
    let stalled = End::Stalled { bytes: 0 };
    let one = clear(&[(DataMethod::Epsv, stalled), (DataMethod::Pasv, WORKS)]);
    // As of a server that is throttled: slow is no failure, where another transfer works.
    is("EPSV is slow and PASV works", &one, Verdict::AllIsWell);
    tells("EPSV is slow and PASV works", &one, Verdict::DataStalls);
    let none = clear(&[
        (DataMethod::Epsv, End::Stalled { bytes: 0 }),
        (DataMethod::Eprt, End::Refused("500 no".to_owned())),
    ]);
    is("nothing comes over any", &none, Verdict::DataStalls);
    let other = change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
        let mut trial = facts.trials[0].clone();
        trial.peer = "[2001:db8::1]:21".parse().unwrap();
        trial.end = SILENT;
        facts.trials.push(trial);
    });
    is("the data port of IPv6 is silent", &other, Verdict::NotKnown);
    assert!(diagnose(&other).verdict.sentence.contains("IPv6"), "{:#?}", diagnose(&other));
}

#[test]
fn a_name_server_that_does_not_answer_is_not_the_sites_fault() {
    for (why, server) in [
        ("failed to lookup address information: Name or service not known", true),
        ("failed to lookup address information: Temporary failure in name resolution", false),
        ("no answer from the name server within 4 s", false),
    ] {
        let diagnosis = diagnose(&Facts { no_name: Some(why.to_owned()), ..Facts::default() });
        assert_eq!(diagnosis.verdict.verdict, Verdict::NoSuchName);
        assert_eq!(!diagnosis.verdict.server.is_empty(), server, "{diagnosis:#?}");
        assert!(!diagnosis.verdict.sentence.contains("lookup"), "{diagnosis:#?}");
    }
}

#[test]
fn what_feat_offers_and_is_refused() {
    let refused = |said: &str| End::Refused(said.to_owned());
    let facts = clear(&[
        (DataMethod::Epsv, refused("500 no")),
        (DataMethod::Pasv, WORKS),
        (DataMethod::Eprt, refused("500 no")),
    ]);
    let facts = change(facts, |facts| {
        facts.features = ["EPSV", "EPRT"].map(str::to_owned).to_vec();
    });
    let diagnosis = diagnose(&facts);
    let announced = diagnosis.also.iter().find(|finding| finding.verdict == Verdict::FeatDiffers);
    for verb in ["EPSV", "EPRT"] {
        assert!(announced.is_some_and(|finding| finding.sentence.contains(verb)), "{verb}: {diagnosis:#?}");
    }
    // Behind a NAT the server may refuse the address that EPRT names, which is right.
    let facts = change(facts, |facts| {
        facts.ends = Some(("192.168.7.2:40000".parse().unwrap(), "198.51.100.1:21".parse().unwrap()));
        facts.seen_as = Some("203.0.113.1".parse().unwrap());
    });
    let diagnosis = diagnose(&facts);
    let announced = diagnosis.also.iter().find(|finding| finding.verdict == Verdict::FeatDiffers);
    assert!(announced.is_none_or(|finding| !finding.sentence.contains("EPRT")), "{diagnosis:#?}");
}

fn curl(config: &ClientSettings) -> &str {
    config.curl.as_deref().unwrap()
}

fn lftp(config: &ClientSettings) -> &str {
    config.lftp.as_deref().unwrap()
}

#[test]
fn what_to_use_takes_the_certificate_that_was_seen() {
    let facts = change(site(&[(Cover::Tls, DataMethod::Epsv, WORKS)]), |facts| {
        facts.anonymous = true;
        facts.tls.fingerprint = Some("sha256:00".to_owned());
        facts.tls.doubt = Some("nobody".to_owned());
    });
    let config = diagnose(&facts).settings.unwrap();
    assert!(config.pasv.ends_with("--pin sha256:00"), "{config:?}");
    assert!(
        curl(&config).contains("--insecure") && lftp(&config).contains("verify-certificate no"),
        "{config:?}"
    );
    assert!(lftp(&config).contains("ssl-allow-anonymous yes"), "{config:?}");
    let seen = change(facts.clone(), |facts| facts.tls.pins = Some(([0xaa; 20], [0xff; 32])));
    let pinned = diagnose(&seen).settings.unwrap();
    let print = format!("verify-certificate/{}AA no", "AA:".repeat(19));
    assert!(lftp(&pinned).contains(&print), "{pinned:?}");
    let key = format!("-k --pinnedpubkey sha256//{}8=", "/".repeat(42));
    assert!(curl(&pinned).contains(&key) && !curl(&pinned).contains("--insecure"), "{pinned:?}");
    let vouched = diagnose(&change(facts, |facts| facts.tls.doubt = None)).settings.unwrap();
    assert!(!format!("{vouched:?}").contains("--pin"), "{vouched:?}");
    assert!(!curl(&vouched).contains("--insecure") && !lftp(&vouched).contains("verify"), "{vouched:?}");
}

#[test]
fn files_and_listings() {
    let with =
        |set: fn(&mut FilesSeen)| change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| set(&mut facts.files));
    is("REST is ignored", &with(|files| files.rest_middle = Some(Rest::Ignored)), Verdict::RestFails);
    tells(
        "REST is refused",
        &with(|files| files.rest_middle = Some(Rest::Refused("502".to_owned()))),
        Verdict::RestFails,
    );
    is("REST works", &with(|files| files.rest_middle = Some(Rest::Right)), Verdict::AllIsWell);
    is("SIZE is wrong", &with(|files| files.size = Some((Some(3), 4))), Verdict::SizeWrong);
    is("SIZE is right", &with(|files| files.size = Some((Some(4), 4))), Verdict::AllIsWell);
    tells(
        "no MLSD",
        &with(|files| files.mlsd = Some(End::CommandRefused("500".to_owned()))),
        Verdict::NoMlsd,
    );
    let denied = with(|files| files.mlsd = Some(End::CommandRefused("550 not there".to_owned())));
    open("a directory that is refused", &denied, Verdict::NoMlsd, "");
    let left = with(|files| files.left = Some((vec!["x.tmp".to_owned()], "550 no".to_owned())));
    tells("our file stays", &left, Verdict::FileLeft);
    tells("MLSD is not offered", &with(|files| files.mlsd = Some(WORKS)), Verdict::FeatDiffers);
    tells("lines of no form", &with(|files| files.listing = Some((None, 1, 2))), Verdict::ListingUnread);
    tells("local time", &with(|files| files.clock = Some(7200)), Verdict::Clock);
    open("UTC", &with(|files| files.clock = Some(0)), Verdict::Clock, "");
    let zone = with(|files| files.drift = Some(3600 + 7));
    open("a time zone", &zone, Verdict::Clock, "MDTM shows local time");
    tells("a wrong clock", &with(|files| files.drift = Some(-600)), Verdict::Clock);
    let upload =
        |upload| change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| facts.files.upload = Some(upload));
    is("another file", &upload(Upload::Differs("SIZE is 3".to_owned())), Verdict::UploadFails);
    is("the third", &upload(Upload::Failed(3, "522".to_owned())), Verdict::UploadFails);
    is("read only", &upload(Upload::Refused("550".to_owned())), Verdict::AllIsWell);
    open("neither SIZE nor HASH", &upload(Upload::Unproven), Verdict::UploadFails, "is complete");
}

#[test]
fn all_is_well_only_where_bytes_moved() {
    let said = "550 Anonymous users may only upload here.";
    let refused = || End::CommandRefused(said.to_owned());
    let facts =
        clear(&[(DataMethod::Epsv, refused()), (DataMethod::Pasv, refused()), (DataMethod::Port, refused())]);
    is("a drop box", &facts, Verdict::ListingRefused);
    let diagnosis = diagnose(&facts);
    assert_eq!(diagnosis.verdict.weight, Weight::Hinders);
    assert!(diagnosis.verdict.sentence.contains("neither list nor download (550 "), "{diagnosis:#?}");
    assert!(diagnosis.settings.unwrap().upload);
    let uploads = change(facts.clone(), |facts| facts.files.upload = Some(Upload::Proven("SIZE")));
    let diagnosis = diagnose(&uploads);
    assert_eq!(diagnosis.verdict.weight, Weight::Note);
    assert!(diagnosis.verdict.sentence.starts_with("Uploads work unencrypted"), "{diagnosis:#?}");
    let nothing = change(facts, |facts| facts.files.upload = Some(Upload::Refused("553".to_owned())));
    is("nor uploads", &nothing, Verdict::ListingRefused);
    assert_eq!(diagnose(&nothing).settings, None);
    let tls = site(&[(Cover::Clear, DataMethod::Epsv, WORKS), (Cover::Tls, DataMethod::Epsv, refused())]);
    is("listings under TLS are refused", &tls, Verdict::ListingRefused);
    let empty = diagnose(&clear(&[(DataMethod::Epsv, End::Works { bytes: 0 })]));
    assert!(empty.verdict.sentence.contains("The directory is empty"), "{empty:#?}");
}

#[test]
fn files_that_stay_are_named() {
    let facts = change(clear(&[(DataMethod::Epsv, WORKS)]), |facts| {
        facts.files.upload = Some(Upload::Unproven);
        facts.files.left = Some((vec!["a".to_owned(), "b".to_owned()], "550 no".to_owned()));
        facts.files.replaces = Some(false);
    });
    let diagnosis = diagnose(&facts);
    let words = "Uploads work; this user can neither replace nor delete files, so 2 test files remain: a, b.";
    assert!(diagnosis.also.iter().any(|finding| finding.sentence == words), "{diagnosis:#?}");
}

#[test]
fn nobody_is_sent_from_active_to_a_passive_mode_that_fails() {
    let no = || End::Refused("500 no".to_owned());
    for end in [End::Stalled { bytes: 0 }, refused_port(), SILENT] {
        for active in [no(), never(Attempt::None), never(Attempt::HalfOpen)] {
            let facts = clear(&[
                (DataMethod::Epsv, end.clone()),
                (DataMethod::Pasv, end.clone()),
                (DataMethod::Eprt, active.clone()),
                (DataMethod::Port, active.clone()),
            ]);
            let diagnosis = diagnose(&facts);
            assert!(diagnosis.verdict.sentence.starts_with("Passive transfers fail: "), "{diagnosis:#?}");
            let advice = diagnosis.findings();
            let mut advice = advice.flat_map(|finding| &finding.client);
            assert!(!advice.any(|advice| advice.contains("use passive")), "{diagnosis:#?}");
        }
    }
}

#[test]
fn what_to_use_is_what_works() {
    let config = |facts: &Facts| diagnose(facts).settings.unwrap();
    let pasv = config(&clear(&[(DataMethod::Epsv, SILENT), (DataMethod::Pasv, WORKS)]));
    assert_eq!(
        (pasv.pasv.as_str(), curl(&pasv)),
        ("--mode passive --tls off", "--disable-epsv --ftp-skip-pasv-ip")
    );
    let tls =
        config(&site(&[(Cover::Clear, DataMethod::Epsv, WORKS), (Cover::Tls, DataMethod::Port, WORKS)]));
    assert_eq!(
        (tls.pasv.as_str(), curl(&tls)),
        ("--mode active --tls required", "--disable-eprt --ftp-port - --ssl-reqd")
    );
    assert_eq!(diagnose(&clear(&[(DataMethod::Epsv, SILENT)])).settings, None);
}

#[test]
fn what_did_not_end_is_not_known() {
    let facts = change(clear(&[]), |facts| facts.unfinished.push("connections"));
    is("out of time", &facts, Verdict::NotKnown);
    open("out of time", &facts, Verdict::Rule3Or4, "connections");
}
