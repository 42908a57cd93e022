//! Does every goal come to an end, whatever happens to it and in whatever order?
//!
//! The machines are driven by made-up histories: replies of any code, connections that stand or do not, bytes
//! that end or break, and time that passes. No socket is open.
mod races;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use client::session::{
    Approach, Credentials, Exchange, Flow, Goal, Input, Login, MoveError, Output, Patience, TlsAtOnce,
    Transfer, Transferred, Want,
};
use client::{DataMethod, Mode};
use client::{Error, TlsMode};
use proptest::prelude::*;
use wire::{Command, Marker, Pathname, Reply, Secret, Verb};

/// What may happen next, whether it makes sense or not.
#[derive(Clone, Debug)]
enum Happening {
    Reply(u16, &'static str),
    Lost,
    Connected,
    NotConnected,
    Protected,
    NotProtected,
    Moved(u64),
    MoveFailed(u8),
    Wait(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let code = prop_oneof![
        6 => prop::sample::select(vec![
            120u16, 125, 150, 200, 202, 211, 213, 220, 221, 226, 227, 229, 230, 250, 257, 331, 332, 350, 421, 425, 426,
            450, 451, 452, 500, 501, 502, 504, 522, 530, 550, 552, 553,
        ]),
        1 => 100u16..600,
    ];
    let text = prop::sample::select(vec![
        "ok",
        "",
        "Entering extended passive mode (|||50000|)",
        "Entering passive mode (127,0,0,1,195,80)",
        "Entering passive mode =192,0,2,1,195,80",
        "(|||0|)",
        "(|||99999|)",
        "256,1,1,1,1,1",
    ]);
    prop_oneof![
        8 => (code, text).prop_map(|(code, text)| Happening::Reply(code, text)),
        1 => Just(Happening::Lost),
        4 => Just(Happening::Connected),
        1 => Just(Happening::NotConnected),
        3 => Just(Happening::Protected),
        1 => Just(Happening::NotProtected),
        3 => any::<u64>().prop_map(Happening::Moved),
        1 => (0u8..3).prop_map(Happening::MoveFailed),
        2 => (0u64..70).prop_map(Happening::Wait),
    ]
}

/// A transfer that goes well but for some things that happen in between.
fn disturbed() -> impl Strategy<Value = Vec<Happening>> {
    let well = vec![
        Happening::Reply(229, "(|||50000|)"),
        Happening::Connected,
        Happening::Reply(350, "ok"),
        Happening::Reply(150, "ok"),
        Happening::Moved(11),
        Happening::Reply(226, "ok"),
    ];
    prop::collection::vec((0usize..=6, happening()), 0..3).prop_map(move |between| {
        let mut history = well.clone();
        for (at, happening) in between {
            history.insert(at, happening);
        }
        history
    })
}

fn input(happening: &Happening) -> Input {
    match happening {
        Happening::Reply(code, text) => Input::Reply(Reply::new(*code, *text)),
        Happening::Lost => Input::Lost(Error::Broken { what: "gone".into(), moved: 0 }),
        Happening::Connected => Input::Connected,
        Happening::NotConnected => Input::NotConnected(io::ErrorKind::ConnectionRefused.into()),
        Happening::Protected => Input::Protected,
        Happening::NotProtected => Input::NotProtected(Error::Broken { what: "no TLS".into(), moved: 0 }),
        Happening::Moved(bytes) => Input::Moved(Ok(*bytes)),
        Happening::MoveFailed(0) => Input::Moved(Err(MoveError::Local(io::ErrorKind::StorageFull.into()))),
        Happening::MoveFailed(1) => Input::Moved(Err(MoveError::Peer(io::ErrorKind::ConnectionReset.into()))),
        Happening::MoveFailed(_) => Input::Moved(Err(MoveError::Stalled(Duration::from_secs(30)))),
        Happening::Wait(_) => Input::TimePassed,
    }
}

/// What a goal did in its life.
struct Life<T> {
    said: Vec<Command>,
    dialled: Vec<SocketAddr>,
    ends: Vec<Result<T, Error>>,
    /// Was anything decided after the end?
    restless: bool,
    /// A wait without a deadline outside the moving of bytes would be for ever.
    waited_for_ever: bool,
    /// TLS was established.
    shaken: bool,
}

/// Drives a goal through a history, then lets time pass until it ends.
fn live<G: Goal>(mut goal: G, start: Instant, history: &[Happening]) -> Life<G::Gain> {
    let mut life = Life {
        said: Vec::new(),
        dialled: Vec::new(),
        ends: Vec::new(),
        restless: false,
        waited_for_ever: false,
        shaken: false,
    };
    let mut now = start;
    let mut moving = false;
    let mut shaking = false;
    let patience = (0..64).map(|_| Happening::Wait(0));
    for (n, happening) in history.iter().cloned().chain(patience).enumerate() {
        while let Some(output) = goal.poll() {
            life.restless |= !life.ends.is_empty();
            match output {
                Output::Send(command) => life.said.push(command),
                Output::Dial(to) => life.dialled.push(to),
                Output::Listen => {
                    goal.handle(Input::Listening(SocketAddr::from((Ipv4Addr::LOCALHOST, 40000))), now)
                }
                Output::Probe => {
                    let found = if n % 2 == 0 { TlsAtOnce::Yes } else { TlsAtOnce::No };
                    goal.handle(Input::Probed(found), now);
                }
                Output::Move => moving = true,
                // The driver always says how it went.
                Output::Protect(_) => shaking = true,
                Output::CloseData => moving = false,
                Output::Accept | Output::Confirmed | Output::HangUp | Output::Tell(_) => {}
                Output::Done(result) => life.ends.push(result),
            }
        }
        if !life.ends.is_empty() {
            assert_eq!(goal.deadline(), None, "a goal that has ended waits for nothing");
        } else if goal.deadline().is_none() {
            life.waited_for_ever |= !moving && !shaking;
            if std::mem::take(&mut shaking) {
                // The driver does the handshake before it looks at anything else, and always says how it
                // went.
                let made = !matches!(happening, Happening::NotProtected);
                life.shaken |= made;
                let failed = Error::Broken { what: "no TLS".into(), moved: 0 };
                goal.handle(if made { Input::Protected } else { Input::NotProtected(failed) }, now);
                continue;
            }
            if n >= history.len() {
                // The mover's own deadline ends what the goal leaves to it.
                goal.handle(Input::Moved(Err(MoveError::Stalled(Duration::from_secs(30)))), now);
                continue;
            }
        }
        match happening {
            Happening::Wait(seconds) if n < history.len() => now += Duration::from_secs(seconds),
            Happening::Wait(_) => now = goal.deadline().unwrap_or(now),
            _ => {}
        }
        goal.handle(input(&happening), now);
    }
    life
}

fn orderly<T>(life: &Life<T>) -> Result<(), TestCaseError> {
    prop_assert_eq!(life.ends.len(), 1, "one end");
    prop_assert!(!life.restless, "nothing after the end");
    prop_assert!(!life.waited_for_ever, "every wait ends");
    Ok(())
}

fn server() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 21))
}

fn path() -> Pathname {
    Pathname::new("a").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_login_ends_once(
        history in prop::collection::vec(happening(), 0..20),
        account in any::<bool>(),
        tls in prop::sample::select(vec![TlsMode::Off, TlsMode::Offered, TlsMode::Required, TlsMode::Implicit]),
    ) {
        let start = Instant::now();
        let credentials = Credentials {
            user: b"ada".to_vec(),
            password: Secret::new("x"),
            account: account.then(|| Secret::new("y")),
        };
        let life = live(Login::new(credentials, None, Patience::default(), start).under(tls), start, &history);
        orderly(&life)?;
        // The password is said once, and only to a server that asked for it.
        let passwords = life.said.iter().filter(|c| c.verb() == Verb::Pass).count();
        let asked = history.iter().any(|h| matches!(h, Happening::Reply(300..=399, _)));
        prop_assert!(passwords <= usize::from(asked));
        // Who is told to speak TLS says nothing secret before it does.
        if matches!(tls, TlsMode::Required | TlsMode::Implicit) && !life.shaken {
            prop_assert!(life.said.iter().all(|c| c.verb() == Verb::Auth), "{:?}", life.said);
            prop_assert!(life.ends[0].is_err());
        }
        if life.ends[0].is_ok() && life.shaken {
            prop_assert!(life.said.iter().any(|c| c.verb() == Verb::Prot));
        }
    }

    #[test]
    fn an_exchange_ends_once(history in prop::collection::vec(happening(), 0..10)) {
        let start = Instant::now();
        let life = live(Exchange::new(Command::Noop, Want::Completion, Patience::default(), start), start, &history);
        orderly(&life)?;
        if let Ok(reply) = &life.ends[0] {
            prop_assert_eq!(reply.code.get() / 100, 2);
        }
    }

    #[test]
    fn a_transfer_ends_once_and_success_has_its_proof(
        history in prop_oneof![prop::collection::vec(happening(), 0..30), disturbed()],
        (mode, first) in (prop::sample::select(vec![Mode::Auto, Mode::Passive, Mode::Active]), any::<bool>())
            .prop_map(|(mode, usual)| (mode, if usual || mode != Mode::Auto { DataMethod::first(mode) } else { DataMethod::Pasv })),
        up in any::<bool>(),
        restart in any::<bool>(),
    ) {
        let start = Instant::now();
        let (command, flow) =
            if up { (Command::Stor(path()), Flow::Up) } else { (Command::Retr(path()), Flow::Down) };
        let marker = restart.then_some(Marker(7));
        let approach = Approach::new(mode, first, server());
        let goal = Transfer::new(command.clone(), flow, marker, approach, Patience::default(), start);
        let life = live(goal, start, &history);
        orderly(&life)?;
        // Nothing but the control connection's peer is ever dialled.
        prop_assert!(life.dialled.iter().all(|to| to.ip() == server().ip()), "{:?}", life.dialled);
        let verbs: Vec<Verb> = life.said.iter().map(Command::verb).collect();
        let passive = verbs.iter().any(|v| matches!(v, Verb::Epsv | Verb::Pasv));
        let active = verbs.iter().any(|v| matches!(v, Verb::Eprt | Verb::Port));
        prop_assert!(mode != Mode::Passive || !active, "{:?}", verbs);
        prop_assert!(mode != Mode::Active || !passive || active, "{:?}", verbs);
        // Every method is tried once; a verb is said once more only after a 425 in active mode.
        for method in [Verb::Epsv, Verb::Pasv, Verb::Eprt, Verb::Port] {
            prop_assert!(verbs.iter().filter(|v| **v == method).count() <= 1, "{:?}", verbs);
        }
        let times = verbs.iter().filter(|v| **v == command.verb()).count();
        prop_assert!(times <= if active { 3 } else { 1 }, "{:?}", verbs);
        if let Ok(Transferred::Whole { bytes, last, .. }) = &life.ends[0] {
            prop_assert_eq!(last.code.get() / 100, 2);
            prop_assert!(history.iter().any(|h| matches!(h, Happening::Moved(n) if n == bytes)));
            prop_assert!(verbs.contains(&command.verb()));
            // With a marker, REST comes right before the verb.
            let at = verbs.iter().rposition(|v| *v == command.verb()).unwrap_or(0);
            prop_assert_eq!(at > 0 && verbs[at - 1] == Verb::Rest, restart);
        }
    }
}

#[test]
fn an_upload_whose_file_fails_is_aborted_and_not_ended() {
    let now = Instant::now();
    let stor = Command::Stor(path());
    let approach = Approach::new(Mode::Passive, DataMethod::Epsv, server());
    let mut goal = Transfer::new(stor, Flow::Up, None, approach, Patience::default(), now);
    let mut did = Vec::new();
    let mut step = |input: Input| {
        goal.handle(input, now);
        while let Some(output) = goal.poll() {
            did.push(match output {
                Output::Send(command) => command.verb().to_string(),
                Output::Done(Err(Error::Local { .. })) => "local".to_owned(),
                other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
            });
        }
    };
    step(Input::Reply(Reply::new(229, "(|||50000|)")));
    step(Input::Connected);
    step(Input::Reply(Reply::new(150, "go on")));
    step(Input::Moved(Err(MoveError::Local(io::ErrorKind::UnexpectedEof.into()))));
    step(Input::Reply(Reply::new(426, "as you wish")));
    // The data connection stays open until the server has heard of the ABOR: its end would say "that was
    // all".
    assert_eq!(did, ["EPSV", "Dial", "STOR", "Move", "ABOR", "HangUp", "CloseData", "local"]);
}
