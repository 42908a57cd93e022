//! Is the login said as servers want it, and is nothing secret said before TLS?
use wire::Secret;

use super::*;
use std::time::Duration;

fn login(account: Option<&str>) -> (Login, Instant) {
    let now = Instant::now();
    let credentials = Credentials {
        user: b"ada".to_vec(),
        password: Secret::new("hunter2"),
        account: account.map(Secret::new),
    };
    (Login::new(credentials, None, Patience::default(), now), now)
}

/// What the machine says to a reply; `done` and `failed` for its end.
fn answer(login: &mut Login, now: Instant, code: u16) -> String {
    login.handle(Input::Reply(Reply::new(code, "x")), now);
    match login.poll() {
        Some(Output::Send(command)) => said(&command),
        Some(Output::Done(Ok(_))) => "done".to_owned(),
        Some(Output::Done(Err(_))) => "failed".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_way_through_a_login() {
    let ways: &[&[(u16, &str)]] = &[
        &[(220, "USER ada"), (331, "PASS ***"), (230, "FEAT"), (500, "TYPE I"), (200, "done")],
        &[(220, "USER ada"), (230, "FEAT"), (211, "TYPE I"), (200, "done")],
        &[(120, "None"), (220, "USER ada"), (332, "ACCT ***"), (230, "FEAT")],
        &[(220, "USER ada"), (331, "PASS ***"), (332, "ACCT ***"), (202, "FEAT")],
        &[(421, "failed")],
        &[(220, "USER ada"), (331, "PASS ***"), (530, "failed")],
        &[(350, "failed")],
    ];
    for way in ways {
        let (mut login, now) = login(Some("books"));
        for (code, want) in *way {
            assert_eq!(answer(&mut login, now, *code), *want, "after {code} in {way:?}");
        }
    }
}

/// AUTH TLS and USER were said to mail servers, and the end was a refused login.
#[test]
fn another_protocol_is_told_by_its_first_line_and_nothing_is_said_to_it() {
    let reply = |code, text: &'static str| Input::Reply(Reply::new(code, text));
    let sent = |text: &str| {
        let what = format!("the server sent something that is no FTP reply: \"{text}\"");
        Input::Lost(Error::Nonsense { what })
    };
    let closed = || Input::Lost(Error::Broken { what: "closed".to_owned(), moved: 0 });
    for (input, wanted) in [
        (
            reply(220, "mail.example.org ESMTP"),
            "[::1]:2525 is a mail server (SMTP), not FTP: \"220 mail.example.org ESMTP\"",
        ),
        (
            reply(554, "No SMTP service here"),
            "[::1]:2525 is a mail server (SMTP), not FTP: \"554 No SMTP service here\"",
        ),
        (sent("+OK ready"), "[::1]:2525 is a mail server (POP3), not FTP: \"+OK ready\""),
        (sent("* OK IMAP4rev1"), "[::1]:2525 is a mail server (IMAP), not FTP: \"* OK IMAP4rev1\""),
        (sent("SSH-2.0-x"), "[::1]:2525 is an SSH server, not FTP: \"SSH-2.0-x\""),
        (sent("HTTP/1.1 408"), "[::1]:2525 is a web server (HTTP), not FTP: \"HTTP/1.1 408\""),
        (closed(), "[::1]:2525 sent no FTP greeting: closed"),
    ] {
        let (login, now) = login(None);
        let mut login = login.under(TlsMode::Offered).at("::1", 2525);
        login.handle(input, now);
        let Some(Output::Done(Err(error @ Error::Unreachable(_)))) = login.poll() else {
            panic!("{wanted}");
        };
        assert_eq!(error.to_string(), wanted);
    }
    let (mut login, now) = login(None);
    let greeting = Reply::new(220, "FTP beside SMTP, both of them");
    login.handle(Input::Reply(greeting), now);
    assert!(matches!(login.poll(), Some(Output::Send(Command::User(_)))));
}

#[test]
fn auth_is_refused_by_4yz_and_5yz_only() {
    for (code, agreed, want) in [
        (234, false, "Some(Protect(AfterAuth))"),
        (200, true, "Some(Protect(AfterAuth))"),
        (202, false, "Some(Protect(AfterAuth))"),
        (232, false, "Some(Protect(AfterAuth))"),
        (334, false, "Some(Protect(AfterAuth))"),
        (331, false, "failed"),
        (335, false, "failed"),
        (502, true, "failed"),
        (421, false, "failed"),
        (502, false, "USER ada"),
    ] {
        let (login, now) = login(None);
        let mut login = login.under(TlsMode::Offered).agreed_before(agreed);
        assert_eq!(answer(&mut login, now, 220), "AUTH TLS");
        let mut said = answer(&mut login, now, code);
        if said.contains("Tell") {
            said = answer(&mut login, now, 120);
        }
        assert_eq!(said, want, "{code} {agreed}");
    }
}

/// A silent or lost AUTH is what somebody on the way would make of it to get the password unencrypted.
#[test]
fn auth_that_is_silent_or_fatal_ends_it_with_a_way_out() {
    let broken = || Input::Lost(Error::Broken { what: "reset".to_owned(), moved: 0 });
    let far = |now: Instant| now + Patience::default().reply;
    let after: [(&dyn Fn() -> Input, bool); 4] = [
        (&broken, false),
        (&|| Input::TimePassed, true),
        (&|| Input::Reply(Reply::new(421, "closing")), false),
        (&|| Input::Reply(Reply::new(335, "data")), false),
    ];
    for (input, late) in after {
        let (login, now) = login(None);
        let mut login = login.under(TlsMode::Offered);
        assert_eq!(answer(&mut login, now, 220), "AUTH TLS");
        login.handle(input(), if late { far(now) } else { now });
        match login.poll() {
            Some(Output::Done(Err(Error::Insecure { what, todo }))) => {
                assert!(what.contains("AUTH TLS") && todo.contains("--tls off"), "{what} {todo}");
            }
            other => panic!("{other:?}"),
        }
        assert!(!login.failed_at_features());
    }
}

#[test]
fn feat_is_waited_for_as_long_as_the_answers_before_it_make_likely() {
    let patience = Patience::default();
    for (slow, wanted) in [(0, 5), (2, 11), (20, 30)] {
        let (mut login, now) = login(None);
        answer(&mut login, now, 220);
        let now = now + Duration::from_secs(slow);
        assert_eq!(answer(&mut login, now, 230), "FEAT");
        let by = now + Duration::from_secs(wanted);
        assert_eq!(login.deadline(), Some(by), "{slow} s, {patience:?}");
        login.handle(Input::TimePassed, by);
        let Some(Output::Done(Err(error))) = login.poll() else { panic!("it goes on") };
        assert!(error.to_string().contains(&format!("within {wanted} s")), "{error}");
        assert!(login.failed_at_features());
    }
    let (mut login, now) = login(None);
    answer(&mut login, now, 220);
    assert_eq!(answer(&mut login, now, 230), "FEAT");
    assert_eq!(answer(&mut login, now, 421), "failed");
    assert!(login.failed_at_features());
    let (login, now) = self::login(None);
    let mut login = login.without_features(true);
    answer(&mut login, now, 220);
    assert_eq!(answer(&mut login, now, 230), "TYPE I");
}

#[test]
fn the_host_is_said_where_it_was_asked_for() {
    let now = Instant::now();
    let host = Some(b"ftp.example".to_vec());
    let mut login = Login::new(Credentials::anonymous(), host, Patience::default(), now);
    assert_eq!(answer(&mut login, now, 220), "HOST ftp.example");
    assert_eq!(answer(&mut login, now, 220), "USER anonymous");
}

#[test]
fn an_account_that_we_do_not_have_is_a_refusal() {
    let (mut login, now) = login(None);
    answer(&mut login, now, 220);
    assert_eq!(answer(&mut login, now, 332), "failed");
}

#[test]
fn a_120_waits_longer_and_silence_ends() {
    let (mut login, now) = login(None);
    login.handle(Input::Reply(Reply::new(120, "ready in two minutes")), now);
    assert_eq!(login.deadline(), Some(now + READY), "and a server that has spoken waits for no TLS");
    login.handle(Input::TimePassed, now + READY + Duration::from_secs(1));
    assert!(matches!(login.poll(), Some(Output::Done(Err(Error::Broken { .. })))));
}

#[test]
fn a_silent_port_is_asked_once_whether_it_waits_for_tls() {
    for answer in [TlsAtOnce::Yes, TlsAtOnce::No] {
        let (mut login, now) = login(None);
        let patience = Patience::default();
        let silent = now + patience.greeting;
        assert_eq!(login.deadline(), Some(silent));
        login.handle(Input::TimePassed, silent);
        assert!(matches!(login.poll(), Some(Output::Probe)));
        assert_eq!(login.deadline(), Some(now + patience.reply));
        login.handle(Input::Probed(answer), silent);
        if answer == TlsAtOnce::Yes {
            assert!(matches!(login.poll(), Some(Output::Done(Err(Error::Insecure { .. })))));
        } else {
            assert!(login.poll().is_none());
            login.handle(Input::Reply(Reply::new(220, "slow, and here")), silent);
            assert!(matches!(login.poll(), Some(Output::Send(Command::User(_)))));
        }
    }
}
