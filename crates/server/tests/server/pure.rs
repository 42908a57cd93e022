//! What holds for every session, whatever it hears and whatever becomes of what it asks for?
//!
//! A small model stands beside the session: who is logged in, the type, what RNFR and REST have left. It
//! knows which command each reply is owed to, and judges every output as it comes.
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use server::effect::{
    DataPlan, Effect, FileDone, FileOp, Follows, Input, Opened, Outcome, Output, Plan, What,
};
use server::{Reason, Session};

use crate::loopback::plain;
use storage::local::{Local, LocalOptions};
use storage::{Admission, Create, Denied, FileType, Kind, Prompt, Rights, Stat, Time, Tree, VPath};
use wire::reply::Part;
use wire::{Command, CommandError, LineTooLong, Reply, Verb};

mod checker;

use checker::{Checker, QUEUE};

/// What a client may say: right, wrong, out of turn.
const LINES: &[&[u8]] = &[
    b"USER anonymous",
    b"PASS x",
    b"PASS",
    b"ACCT a",
    b"REIN",
    b"CWD d",
    b"CDUP",
    b"PWD",
    b"MKD d",
    b"RMD d",
    b"DELE f",
    b"RNFR f",
    b"RNTO g",
    b"RNTO",
    b"SIZE f",
    b"MDTM f",
    b"MDTM 20200101000000 f",
    b"MLST",
    b"MFMT 20200101000000 f",
    b"STAT",
    b"STAT f",
    b"PASV",
    b"EPSV",
    b"EPSV 2",
    b"PORT 192,0,2,7,200,10",
    b"PORT 10,0,0,1,200,10",
    b"EPRT |1|192.0.2.7|51210|",
    b"TYPE A",
    b"TYPE I",
    b"TYPE X",
    b"REST 5",
    b"REST x",
    b"RANG 1 4",
    b"RETR f",
    b"RETR f",
    b"STOR f",
    b"STOR f",
    b"APPE f",
    b"STOU",
    b"LIST",
    b"NLST a*",
    b"MLSD",
    b"HASH f",
    b"XCRC f",
    b"ABOR",
    b"ABOR",
    b"NOOP",
    b"FEAT",
    b"SITE CHMOD 644 f",
    b"SITE IDLE 60",
    b"HELP",
    b"FROB",
    b"",
    b"RETR",
    b"RETR a\0b",
    b"AUTH TLS",
    b"SYST",
    b"OPTS UTF8 ON",
    b"CWD \xff\xfe",
    b"HOST x",
    b"AVBL",
    b"MODE Z",
    b"STOR /",
];

/// The words whose order matters most, so that chance brings them together often.
const CLOSE: &[&[u8]] = &[
    b"REST 5",
    b"REST 5",
    b"RANG 1 4",
    b"TYPE A",
    b"TYPE I",
    b"EPSV",
    b"PASV",
    b"PORT 192,0,2,7,200,10",
    b"RETR f",
    b"STOR f",
    b"RNFR f",
    b"RNTO g",
    b"NOOP",
    b"CWD d",
    b"ABOR",
    b"AUTH TLS",
    b"TYPE X",
    b"HASH f",
    b"USER anonymous",
    b"PASS x",
    b"REIN",
];

/// What speaks another protocol: the session ends at it, wherever it stands.
const ALIEN: &[&[u8]] = &[
    b"GET / HTTP/1.1",
    b"CONNECT h:21 HTTP/1.0",
    b"\x16\x03",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PROXY TCP4 192.0.2.9 192.0.2.1 50000 21",
    b"\0",
];

/// One thing that happens to a session.
#[derive(Clone, Debug)]
enum Happening {
    Line(Vec<u8>),
    TooLong,
    /// What it waits for comes, one way or another.
    Outcome(u8),
    /// So many seconds pass.
    Time(u16),
    Stop,
}

fn happening(words: &'static [&'static [u8]]) -> impl Strategy<Value = Happening> {
    prop_oneof![
        60 => proptest::sample::select(words).prop_map(|l| Happening::Line(l.to_vec())),
        1 => Just(Happening::Line(b"QUIT".to_vec())),
        1 => Just(Happening::Line(b"EPSV ALL".to_vec())),
        1 => proptest::sample::select(ALIEN).prop_map(|l| Happening::Line(l.to_vec())),
        3 => proptest::collection::vec(any::<u8>().prop_filter("a line holds no LF", |b| *b != b'\n'), 0..20)
            .prop_map(Happening::Line),
        2 => Just(Happening::TooLong),
        40 => any::<u8>().prop_map(Happening::Outcome),
        2 => (0_u16..40).prop_map(Happening::Time),
        1 => Just(Happening::Stop),
    ]
}

/// Half of all sessions begin with a login, so that most of what follows is not refused.
fn life() -> impl Strategy<Value = Vec<Happening>> {
    let login = || {
        vec![
            Happening::Line(b"USER anonymous".to_vec()),
            Happening::Line(b"PASS x".to_vec()),
            Happening::Outcome(0),
            Happening::Line(b"TYPE I".to_vec()),
        ]
    };
    let any_words = (any::<bool>(), proptest::collection::vec(happening(LINES), 1..120));
    let close_words = (Just(true), proptest::collection::vec(happening(CLOSE), 1..120));
    prop_oneof![any_words, close_words].prop_map(move |(logged_in, rest)| {
        let mut all = if logged_in { login() } else { Vec::new() };
        all.extend(rest);
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// One final reply for each command, 426 and 226 to ABOR, no effect on files before a login, RNFR and
    /// REST as long as they may live and no longer, the queue within its bound: [`Checker`] judges all of it
    /// at every output.
    #[test]
    fn sessions_keep_their_promises(life in life()) {
        let mut checker = Checker::new();
        for happening in life {
            match happening {
                Happening::Line(line) => checker.line(Ok(line)),
                Happening::TooLong => checker.line(Err(LineTooLong { limit: 8192 })),
                Happening::Outcome(choice) => checker.outcome(choice),
                Happening::Time(seconds) => checker.time(Duration::from_secs(seconds.into())),
                Happening::Stop => checker.stop(),
            }
        }
        // Whatever is under way comes to its end, and then nothing is owed any more.
        for _ in 0..4 * QUEUE {
            checker.outcome(0);
        }
        checker.at_rest();
    }

    /// Outcomes of what was never asked for would be a mistake of the driver's; they do not bring the session
    /// down.
    #[test]
    fn sessions_survive_what_they_did_not_ask_for(
        all in proptest::collection::vec((happening(LINES), 0_u8..12), 1..80),
    ) {
        let now = Instant::now();
        let (peer, local) = (SocketAddr::from(([192, 0, 2, 7], 50_000)), SocketAddr::from(([192, 0, 2, 1], 21)));
        let mut session = Session::new(plain().into(), peer, local, now);
        for (happening, kind) in all {
            let input = match (happening, kind) {
                (Happening::Line(line), 0..6) if session.wants_line() => Input::Line(Ok(line)),
                (_, 6) => Input::File(Ok(FileDone::Space(1))),
                (_, 7) => Input::File(Err(Kind::NotFound.into())),
                (_, 8) => Input::Listening(Ok((local.ip(), 60_000))),
                (_, 9) => Input::Opened(Opened { size: None, name: Some(VPath::root()) }),
                (_, 10) => Input::Transferred(checker::ended(1, Some(Reason::Stalled))),
                (_, 11) => Input::Progress(3),
                _ => Input::Tick,
            };
            session.handle(input, now);
            let mut said = 0;
            while session.poll().is_some() {
                said += 1;
            }
            prop_assert!(said < 500, "it goes on and on");
        }
    }
}
