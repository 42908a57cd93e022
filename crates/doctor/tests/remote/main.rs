//! Does the doctor find what is wrong with servers that can be played over loopback?
mod tls;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use client::{Credentials, Endpoint};
use doctor::remote::{LONGEST, Target, diagnose, examine_watched};
use doctor::{Report, Verdict, Weight};
use wire::Secret;

use testbed::files::content;
use testbed::peer::{Kept, Odd, Server, Session};

type Quirk = fn(&str) -> Option<Odd>;

fn well(_: &str) -> Option<Odd> {
    None
}

/// A server with the two files that the doctor looks for.
fn serving(greeting: &'static str, quirk: Quirk) -> Server {
    having(Server::start(greeting, quirk))
}

fn serving_with(serve: impl Fn(TcpStream, Arc<Kept>) + Send + Sync + 'static) -> Server {
    having(Server::with(serve))
}

fn having(server: Server) -> Server {
    server.having("small", content(1, 1000)).having("large", content(2, 120_000))
}

fn target(port: u16) -> Target {
    Target {
        site: Endpoint { host: "127.0.0.1".to_owned(), port },
        implicit: false,
        credentials: Credentials { user: b"ada".to_vec(), password: Secret::new("hunter2"), account: None },
        clear: true,
        tls: true,
        trust: None,
        seen: None,
        identity: None,
        directory: None,
        write: false,
        idle: Vec::new(),
    }
}

async fn see(target: &Target) -> (Report, String) {
    let begun = Instant::now();
    let (facts, transcript) = examine_watched(target, Box::new(|_| ())).await;
    assert!(begun.elapsed() < LONGEST + Duration::from_secs(1), "it took {:?}", begun.elapsed());
    let diagnosis = diagnose(&facts);
    (diagnosis, transcript.join("\n"))
}

fn verdicts(diagnosis: &Report) -> Vec<Verdict> {
    diagnosis.findings().map(|finding| finding.verdict).collect()
}

/// The verdict on a server with this quirk.
async fn first(quirk: Quirk, verdict: Verdict) -> Report {
    let server = serving("220 ready", quirk);
    let (diagnosis, transcript) = see(&target(server.port)).await;
    assert_eq!(diagnosis.verdict.verdict, verdict, "{diagnosis:#?}\n{transcript}");
    diagnosis
}

/// It is among the verdicts on such a server.
async fn among(quirk: Quirk, verdict: Verdict) {
    let server = serving("220 ready", quirk);
    let (diagnosis, transcript) = see(&target(server.port)).await;
    assert!(verdicts(&diagnosis).contains(&verdict), "{diagnosis:#?}\n{transcript}");
}

#[tokio::test]
async fn a_healthy_server_is_well_and_the_transcript_keeps_its_secrets() {
    let server = serving("220 ready", well);
    let begun = Instant::now();
    let target = Target { write: true, ..target(server.port) };
    let (diagnosis, transcript) = see(&target).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{transcript}");
    assert_eq!(diagnosis.verdict.verdict, Verdict::AllIsWell, "{diagnosis:#?}\n{transcript}");
    assert_eq!(verdicts(&diagnosis)[1..], [Verdict::NoTls, Verdict::Clock], "{diagnosis:#?}");
    assert!(diagnosis.unclear.is_empty(), "{diagnosis:#?}");
    let evidence = diagnosis.verdict.evidence.join("\n");
    for way in ["EPSV unencrypted", "PASV unencrypted", "EPRT unencrypted", "PORT unencrypted"] {
        let line = evidence.lines().find(|line| line.starts_with(way));
        assert!(line.is_some_and(|line| line.contains("works")), "{way}: {evidence}");
    }
    for line in ["REST 0: works", "resuming (REST): works", "complete, checked by SIZE"] {
        assert!(evidence.contains(line), "{line}: {evidence}");
    }
    assert!(transcript.contains("> PASS ***") && transcript.contains("230 welcome, ***"), "{transcript}");
    assert!(!transcript.contains("hunter2"), "{transcript}");
    assert!(server.stored().is_empty(), "the file of the upload is still there");
    assert_eq!(transcript.matches("> STOR").count(), 3, "{transcript}");
}

#[tokio::test]
async fn nothing_is_stored_and_no_password_is_said_in_clear_unasked() {
    let server = serving("220 ready", well);
    let (diagnosis, transcript) = see(&Target { clear: false, ..target(server.port) }).await;
    assert!(!transcript.contains("PASS") && !transcript.contains("STOR"), "{transcript}");
    assert_eq!(diagnosis.verdict.verdict, Verdict::NoTls, "{diagnosis:#?}");
    let (_, transcript) = see(&target(server.port)).await;
    assert!(transcript.contains("> PASS") && !transcript.contains("STOR"), "{transcript}");
}

#[tokio::test]
async fn ports_of_something_else() {
    let speaks = |greeting: &'static str, verdict| async move {
        let server = serving_with(move |mut control, _| {
            let _ = control.write_all(greeting.as_bytes());
            let _ = control.read_to_end(&mut Vec::new());
        });
        let (diagnosis, transcript) = see(&target(server.port)).await;
        assert_eq!(diagnosis.verdict.verdict, verdict, "{transcript}");
    };
    let web = async {
        let server = serving_with(|mut control, _| {
            let mut request = [0; 16];
            let announced = control.read(&mut request).is_ok_and(|n| request[..n].starts_with(b"GET "));
            if announced {
                let _ = control.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            }
        });
        let (diagnosis, transcript) = see(&target(server.port)).await;
        assert_eq!(diagnosis.verdict.verdict, Verdict::NotFtp, "{transcript}");
    };
    let closed = async {
        // A port that was free a moment ago.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let (diagnosis, transcript) = see(&target(port)).await;
        assert_eq!(diagnosis.verdict.verdict, Verdict::ControlRefused, "{transcript}");
    };
    let hangs_up = async {
        let server = serving_with(|control, _| drop(control));
        let (diagnosis, transcript) = see(&target(server.port)).await;
        assert_eq!(diagnosis.verdict.verdict, Verdict::NoGreeting, "{transcript}");
    };
    tokio::join!(
        speaks("SSH-2.0-other\r\n", Verdict::NotFtp),
        speaks("421 too many\r\n", Verdict::TurnedAway),
        speaks("* OK IMAP4rev1\r\n", Verdict::NotFtp),
        speaks("", Verdict::NoGreeting),
        web,
        closed,
        hangs_up,
    );
}

#[tokio::test]
async fn replies_to_epsv_and_pasv_that_are_wrong() {
    let eaten = first(|verb| (verb == "EPSV").then_some(Odd::Swallows), Verdict::EpsvFails);
    let reset = first(|verb| (verb == "EPSV").then_some(Odd::HangsUp), Verdict::EpsvFails);
    let refused = first(|verb| (verb == "EPSV").then_some(Odd::Says("500 what?")), Verdict::EpsvFails);
    let unknown = first(|verb| (verb == "EPSV").then_some(Odd::DeadPort), Verdict::FtpHelper);
    let foreign = first(|verb| (verb == "PASV").then_some(Odd::Foreign), Verdict::AddressNotTold);
    let (eaten, _, _, unknown, foreign) = tokio::join!(eaten, reset, refused, unknown, foreign);
    assert!(foreign.verdict.sentence.contains("10.9.8.7"), "{foreign:#?}");
    for diagnosis in [eaten, unknown] {
        let config = diagnosis.settings.unwrap();
        assert!(config.curl.as_deref().is_some_and(|curl| curl.contains("--disable-epsv")), "{config:?}");
    }
}

/// A server that waited for us at its passive port tells what it has seen there, and one that calls us what
/// became of that.
#[tokio::test]
async fn the_servers_word_names_the_rule() {
    fn closed(verb: &str, word: &'static str) -> Option<Odd> {
        match verb {
            "EPSV" | "PASV" => Some(Odd::SilentPort),
            "LIST" => Some(Odd::Says(word)),
            _ => None,
        }
    }
    let third = first(
        |verb| closed(verb, "425 No SYN reached us (rule 3), or you have not called."),
        Verdict::Rule3Or4,
    );
    let fourth = first(|verb| closed(verb, "425 Your SYN reached us (rule 4)."), Verdict::Rule3Or4);
    let held = async {
        let server = serving("220 ready", |verb| match verb {
            "EPRT" | "PORT" => Some(Odd::Ignores("200 yes")),
            "LIST" => Some(Odd::Says("425 Our SYN does not leave this machine (rule 4).")),
            _ => None,
        });
        see(&target(server.port)).await.0
    };
    let (third, fourth, held) = tokio::join!(third, fourth, held);
    assert_eq!((third.verdict.rules, fourth.verdict.rules), (vec![3], vec![4]));
    let mut all = std::iter::once(held.verdict).chain(held.also);
    let active = all.find(|finding| finding.verdict == Verdict::ActiveImpossible).unwrap();
    assert_eq!(active.rules, [4]);
}

#[tokio::test]
async fn files_that_are_not_what_was_asked_for() {
    let ignored = first(|verb| (verb == "REST").then_some(Odd::Ignores("350 yes")), Verdict::RestFails);
    let refused = among(|verb| (verb == "REST").then_some(Odd::Says("502 no")), Verdict::RestFails);
    let listing =
        among(|verb| matches!(verb, "MLSD" | "FEAT").then_some(Odd::Says("500 no")), Verdict::NoMlsd);
    let offered = among(|verb| (verb == "MLSD").then_some(Odd::Says("500 no")), Verdict::FeatDiffers);
    let size = async {
        let server = serving("220 ready", |verb| (verb == "SIZE").then_some(Odd::Says("213 7")));
        let (diagnosis, _) = see(&Target { write: true, ..target(server.port) }).await;
        let verdicts = verdicts(&diagnosis);
        for wanted in [Verdict::SizeWrong, Verdict::UploadFails] {
            assert!(verdicts.contains(&wanted), "{diagnosis:#?}");
        }
    };
    let login = first(|verb| (verb == "PASS").then_some(Odd::Says("530 no")), Verdict::LoginRefused);
    let wants = first(|verb| (verb == "USER").then_some(Odd::Says("530 TLS first")), Verdict::TlsRequired);
    tokio::join!(ignored, refused, listing, offered, size, login, wants);
}

#[tokio::test]
async fn a_password_that_is_refused_is_said_once() {
    for (answer, most, wanted) in [("530 no", 1, Verdict::LoginRefused), ("421 bye", 2, Verdict::LoginBroken)]
    {
        let server = Server::playing(move |ask| (ask.verb == "PASS").then_some(Odd::Says(answer)));
        let (diagnosis, transcript) = see(&target(server.port)).await;
        let said = server.heard().concat().iter().filter(|line| line.starts_with("PASS")).count();
        assert!((1..=most).contains(&said), "{transcript}");
        assert_eq!(diagnosis.verdict.verdict, wanted, "{diagnosis:#?}");
    }
}

#[tokio::test]
async fn no_secret_comes_back_in_what_the_server_repeats() {
    let server = serving("220 ready", |verb| match verb {
        "PASS" => Some(Odd::Says("332 Hunter2 is well, and the account?")),
        "ACCT" => Some(Odd::Says("230 hunter2/ledger")),
        "EPSV" => Some(Odd::Says("500 hunter2, LEDGER?")),
        "MLSD" => Some(Odd::Says("500-hunter2\r\n500 ledger")),
        _ => None,
    });
    let mut target = target(server.port);
    target.credentials.account = Some(Secret::new("ledger"));
    let (diagnosis, transcript) = see(&target).await;
    let all = format!("{diagnosis:?}\n{transcript}").to_ascii_lowercase();
    assert!(all.contains("500 ***, ***?"), "{all}");
    assert!(!all.contains("hunter2") && !all.contains("ledger"), "{all}");
}

#[tokio::test]
async fn a_limit_of_sessions_is_neither_a_wrong_password_nor_a_firewall() {
    // Only one session at a time; who comes beside it is announced so, as vsftpd does at once and ProFTPD
    // after PASS.
    for (at_once, words) in [
        (true, "421 There are too many connections from your internet address."),
        (false, "530 Sorry, the maximum number of clients (1) for this user already connected."),
    ] {
        let sessions = AtomicUsize::new(0);
        let server = serving_with(move |control, stored| {
            let others = sessions.fetch_add(1, Ordering::SeqCst);
            if others > 0 && at_once {
                let _ = (&control).write_all(format!("{words}\r\n").as_bytes());
            } else {
                let quirk: Quirk = if others > 0 {
                    |verb| {
                        (verb == "PASS").then_some(Odd::Says(
                            "530 Sorry, the maximum number of clients (1) for this user already connected.",
                        ))
                    }
                } else {
                    well
                };
                let session = Session::new(control, quirk, stored);
                let _ = session.serve("220 ready");
            }
            sessions.fetch_sub(1, Ordering::SeqCst);
        });
        let (diagnosis, transcript) = see(&target(server.port)).await;
        assert_eq!(diagnosis.verdict.verdict, Verdict::AllIsWell, "{diagnosis:#?}\n{transcript}");
        assert!(verdicts(&diagnosis).contains(&Verdict::SessionsLimited), "{diagnosis:#?}\n{transcript}");
    }
}

#[tokio::test]
async fn who_is_banned_for_many_connections_is_told_so_and_stops() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = serving_with(move |control, stored| {
        if counted.fetch_add(1, Ordering::SeqCst) >= 3 {
            return;
        }
        let session = Session::new(control, well, stored);
        let _ = session.serve("220 ready");
    });
    let (diagnosis, transcript) = see(&target(server.port)).await;
    assert_eq!(diagnosis.verdict.verdict, Verdict::SessionsLimited, "{diagnosis:#?}\n{transcript}");
    // Those that were under way when the first was turned away.
    assert!(calls.load(Ordering::SeqCst) <= 9, "{transcript}");
}

#[tokio::test]
async fn a_server_that_hangs_up_at_unknown_verbs_is_not_one_whose_epsv_is_cut() {
    let server = serving("220 ready", |verb| matches!(verb, "FEAT" | "STAT").then_some(Odd::HangsUp));
    let (diagnosis, transcript) = see(&target(server.port)).await;
    assert_eq!(diagnosis.verdict.verdict, Verdict::CommandEaten, "{diagnosis:#?}\n{transcript}");
    assert!(!verdicts(&diagnosis).contains(&Verdict::EpsvFails), "{diagnosis:#?}");
    assert!(
        diagnosis.verdict.evidence.iter().any(|line| line.starts_with("FEAT is not answered")),
        "{diagnosis:#?}"
    );
}

#[tokio::test]
async fn a_directory_that_is_refused_is_told_and_nothing_is_stored_elsewhere() {
    let server = serving("220 ready", |verb| (verb == "CWD").then_some(Odd::Says("550 not there")));
    let directory = wire::Pathname::new(&b"pub"[..]).ok();
    let (diagnosis, transcript) = see(&Target { write: true, directory, ..target(server.port) }).await;
    assert_eq!(diagnosis.verdict.verdict, Verdict::NoDirectory, "{diagnosis:#?}");
    assert!(!transcript.contains("> STOR"), "{transcript}");
}

#[tokio::test]
async fn the_file_of_the_upload_goes_also_when_the_upload_fails_and_it_is_said_when_it_stays() {
    // The second upload of a session ends it.
    let server = serving_with(|control, stored| {
        let uploads = Arc::clone(&stored);
        let session = Session::new(control, well, stored);
        session.serve_until("220 ready", move |verb| verb == "STOR" && !uploads.stored().is_empty());
    });
    let (diagnosis, transcript) = see(&Target { write: true, ..target(server.port) }).await;
    assert!(verdicts(&diagnosis).contains(&Verdict::UploadFails), "{diagnosis:#?}\n{transcript}");
    assert!(!verdicts(&diagnosis).contains(&Verdict::FileLeft), "{diagnosis:#?}\n{transcript}");
    assert!(server.stored().is_empty(), "the file of the upload is still there: {transcript}");

    let server = serving("220 ready", |verb| (verb == "DELE").then_some(Odd::Says("550 no")));
    let (diagnosis, _) = see(&Target { write: true, ..target(server.port) }).await;
    let left = diagnosis.also.iter().find(|finding| finding.verdict == Verdict::FileLeft);
    let name = server.stored().keys().next().cloned().expect("the file that stays");
    let said = left.is_some_and(|left| left.sentence.contains(&name) && left.sentence.contains("550 no"));
    assert!(said, "{name}: {diagnosis:#?}");
}

#[tokio::test]
async fn control_connections_that_are_left_alone() {
    let times = || [1, 20].map(Duration::from_millis).to_vec();
    let alone = async |quirk: Quirk| {
        let server = serving("220 ready", quirk);
        see(&Target { idle: times(), ..target(server.port) }).await
    };
    let (lives, transcript) = alone(|verb| (verb == "NOOP").then_some(Odd::Says("200 yes"))).await;
    assert_eq!(transcript.matches("> NOOP").count(), 2, "{transcript}");
    assert_eq!(lives.verdict.verdict, Verdict::AllIsWell, "{lives:#?}");
    let (ends, _) = alone(|verb| (verb == "NOOP").then_some(Odd::Says("421 too long"))).await;
    assert!(verdicts(&ends).contains(&Verdict::IdleTimeout), "{ends:#?}");
    let (hangs_up, _) = alone(|verb| (verb == "NOOP").then_some(Odd::HangsUp)).await;
    assert!(verdicts(&hangs_up).contains(&Verdict::IdleTimeout), "{hangs_up:#?}");
    let (resets, _) = alone(|verb| (verb == "NOOP").then_some(Odd::Resets)).await;
    assert_eq!(resets.verdict.verdict, Verdict::IdleTimeout, "{resets:#?}");
    let (unasked, transcript) = see(&target(serving("220 ready", well).port)).await;
    assert!(!transcript.contains("NOOP"), "{unasked:#?}");
}

/// What no rendering of a reply, a name or a listing may bring to a terminal.
fn harmless(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n' || matches!(c, '\u{200b}'..='\u{202e}'))
}

#[tokio::test]
async fn escapes_in_what_a_server_says_reach_no_terminal() {
    let server = serving("220 \u{1b}]0;x\u{7}\u{202e}\u{9b}31m", |verb| match verb {
        "SYST" => Some(Odd::Says("215 \u{1b}[2J")),
        "STAT" => Some(Odd::Says("211 \u{1b}]52;c;AAAA\u{7}")),
        "EPSV" => Some(Odd::Says("500 \u{1b}[31m\rno")),
        "MLSD" => Some(Odd::Says("550-\u{8}\r\n550 \u{1b}c")),
        _ => None,
    });
    let (diagnosis, transcript) = see(&target(server.port)).await;
    let mut words = diagnosis.verdict.evidence.clone();
    words.extend(diagnosis.findings().map(|finding| finding.sentence.clone()));
    words.push(transcript);
    for text in words {
        assert!(harmless(&text), "{text:?}");
    }
}

#[tokio::test]
async fn a_greeting_or_a_reply_without_an_end_costs_neither_time_nor_memory() {
    let endless = |text: &'static str| async move {
        let server = serving_with(move |mut control, _| while control.write_all(text.as_bytes()).is_ok() {});
        let (diagnosis, transcript) = see(&target(server.port)).await;
        assert_eq!(diagnosis.verdict.verdict, Verdict::NotFtp, "{diagnosis:#?}");
        assert!(transcript.len() < 100_000, "{} bytes", transcript.len());
    };
    let begun = async {
        let server = serving_with(|mut control, _| {
            let _ = control.write_all(b"220 rea");
            let _ = control.read_to_end(&mut Vec::new());
        });
        let (diagnosis, _) = see(&target(server.port)).await;
        assert!(diagnosis.verdict.sentence.contains("does not end: \"220 rea\""), "{diagnosis:#?}");
    };
    let (one, two) = (endless("220-and on\r\n"), endless("220 and on and on "));
    tokio::join!(one, two, begun);
}

#[tokio::test]
async fn no_connection_goes_to_a_third_party() {
    // Where the server would send us; on the way there is nothing but this machine.
    let third = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    third.set_nonblocking(true).unwrap();
    let [p, q] = third.local_addr().unwrap().port().to_be_bytes();
    let server = Server::playing(move |ask| match ask.verb {
        "PASV" => Some(Odd::Tells(format!("227 there (127,0,0,2,{p},{q})"))),
        "EPSV" => Some(Odd::Tells(format!("229 there (|1|127.0.0.2|{}|)", u16::from_be_bytes([p, q])))),
        "EPRT" | "PORT" => Some(Odd::Says("502 no")),
        _ => None,
    });
    let (diagnosis, transcript) = see(&target(server.port)).await;
    assert!(third.accept().is_err(), "{transcript}");
    assert_eq!(diagnosis.verdict.weight, Weight::Blocks, "{diagnosis:#?}");
}

#[tokio::test]
async fn a_listing_that_comes_by_the_byte_is_cut_and_told() {
    let server = Server::playing(|ask| match ask.verb {
        "LIST" => Some(Odd::Takes(Box::new(|mut data| {
            // A byte for each second that it waits for more from us, which never comes.
            let _ = data.set_read_timeout(Some(Duration::from_secs(1)));
            while data.write_all(b"-").is_ok() && !matches!(data.read(&mut [0]), Ok(0)) {}
        }))),
        "PASV" | "EPRT" | "PORT" | "MLSD" => Some(Odd::Says("502 no")),
        _ => None,
    });
    let (diagnosis, transcript) = see(&target(server.port)).await;
    assert!(verdicts(&diagnosis).contains(&Verdict::DataStalls), "{diagnosis:#?}\n{transcript}");
}
