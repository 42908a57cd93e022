//! Commands.
use proptest::prelude::*;
use wire::command::{Command, DigestOf, Epsv, Fact, Mdtm, Mechanism, Site};
use wire::digest::Algorithm;
use wire::option::Opt;
use wire::verb::TABLE;
use wire::{
    Family, HostPort, LineDecoder, Marker, Protection, RepresentationType, Secret, Structure, TransferMode,
};

use crate::values::{byte, config, name, pathname, stamp};

fn read(wire: &[u8]) -> Result<Command, wire::CommandError> {
    let mut rest = wire;
    let line = LineDecoder::new(4096).decode(&mut rest).expect("a command is a line").expect("a short one");
    assert!(rest.is_empty(), "a command is one line");
    Command::parse(&line)
}

fn written(command: &Command) -> Vec<u8> {
    let mut out = Vec::new();
    command.encode(&mut out);
    out
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    proptest::sample::select(Algorithm::ALL.to_vec())
}

/// Options of `ls` are dropped from these arguments, so a pathname that looks like one has another form.
fn listed() -> impl Strategy<Value = Option<wire::Pathname>> {
    proptest::option::of(pathname().prop_filter("would be an option", |p| !p.as_bytes().starts_with(b"-")))
}

fn site() -> impl Strategy<Value = Site> {
    prop_oneof![
        Just(Site::Help),
        proptest::option::of(0..=0o777_u32).prop_map(Site::Umask),
        (0..=0o7777_u32, pathname()).prop_map(|(mode, path)| Site::Chmod(mode, path)),
        (stamp(), pathname()).prop_map(|(time, path)| Site::Utime(wire::Stamp { nanos: 0, ..time }, path)),
        proptest::option::of(any::<u64>()).prop_map(Site::Idle),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        stamp().prop_map(Fact::Modify),
        stamp().prop_map(Fact::Create),
        (0..=0o7777_u32).prop_map(Fact::UnixMode),
    ]
}

fn option() -> impl Strategy<Value = Opt> {
    let fact = proptest::collection::vec(proptest::sample::select(b"abc.-xyz019".to_vec()), 1..9);
    prop_oneof![
        any::<bool>().prop_map(Opt::Utf8),
        proptest::collection::vec(fact, 0..5).prop_map(Opt::Mlst),
        proptest::option::of(algorithm()).prop_map(Opt::Hash),
    ]
}

fn digest() -> impl Strategy<Value = Command> {
    let range = proptest::option::of((any::<u64>(), proptest::option::of(any::<u64>())));
    // A bare pathname that begins with a quote may read as the second form.
    let told_apart =
        |(path, range): &(wire::Pathname, Option<_>)| range.is_some() || path.as_bytes()[0] != b'"';
    let argument = (pathname(), range).prop_filter("it is one form only", told_apart);
    (algorithm(), argument).prop_map(|(algorithm, (path, range))| {
        // What the second form means is what parsing it says; the property is that it stays so.
        let mut whole = path.as_bytes().to_vec();
        if let Some((start, end)) = range {
            whole = wire::Pathname::quoted(&whole);
            whole.extend_from_slice(format!(" {start}").as_bytes());
            if let Some(end) = end {
                whole.extend_from_slice(format!(" {end}").as_bytes());
            }
        }
        let whole = wire::Pathname::new(whole).expect("quotes and digits change nothing");
        let range = range.filter(|(start, end)| end.is_none_or(|end| end >= *start));
        let range = range.map(|(start, end)| (path, start, end));
        Command::Digest(algorithm, DigestOf { whole, range })
    })
}

fn command() -> impl Strategy<Value = Command> {
    let files = prop_oneof![
        pathname().prop_map(Command::Cwd),
        pathname().prop_map(Command::Retr),
        pathname().prop_map(Command::Stor),
        proptest::option::of(pathname()).prop_map(Command::Stou),
        pathname().prop_map(Command::Appe),
        pathname().prop_map(Command::Rnfr),
        pathname().prop_map(Command::Rnto),
        pathname().prop_map(Command::Dele),
        pathname().prop_map(Command::Rmd),
        pathname().prop_map(Command::Mkd),
        pathname().prop_map(Command::Size),
        pathname().prop_map(Command::Hash),
        listed().prop_map(Command::List),
        listed().prop_map(Command::Nlst),
        listed().prop_map(Command::Stat),
        proptest::option::of(pathname()).prop_map(Command::Mlst),
        proptest::option::of(pathname()).prop_map(Command::Mlsd),
        proptest::option::of(pathname()).prop_map(Command::Avbl),
    ];
    let times = prop_oneof![
        (stamp(), pathname()).prop_map(|(time, path)| Command::Mfmt(time, path)),
        (stamp(), pathname()).prop_map(|(time, path)| Command::Mfct(time, path)),
        (proptest::collection::vec(fact(), 1..4), pathname())
            .prop_map(|(facts, path)| Command::Mff(facts, path)),
        (stamp(), pathname()).prop_map(|(time, path)| {
            let mut whole = format!("{time} ").into_bytes();
            whole.extend_from_slice(path.as_bytes());
            let whole = wire::Pathname::new(whole).expect("a time in front changes nothing");
            Command::Mdtm(Mdtm { whole, set: Some((time, path)) })
        }),
    ];
    let session = prop_oneof![
        name(30).prop_map(Command::User),
        name(30).prop_map(|p| Command::Pass(Secret::new(p))),
        name(30).prop_map(|a| Command::Acct(Secret::new(a))),
        name(30).prop_map(Command::Host),
        name(30).prop_map(Command::Clnt),
        proptest::option::of(name(30)).prop_map(Command::Help),
        proptest::sample::select(vec![
            Command::Cdup,
            Command::Rein,
            Command::Quit,
            Command::Pasv,
            Command::Abor,
            Command::Pwd,
            Command::Syst,
            Command::Noop,
            Command::Feat,
            Command::Ccc,
            Command::Prot(Protection::Clear),
            Command::Prot(Protection::Safe),
            Command::Prot(Protection::Confidential),
            Command::Prot(Protection::Private),
            Command::Rang(None),
            Command::Stru(Structure::File),
            Command::Mode(TransferMode::Stream),
            Command::Type(RepresentationType::Ascii),
            Command::Type(RepresentationType::Image),
            Command::Type(RepresentationType::Local(8)),
            Command::Epsv(Epsv::Any),
            Command::Epsv(Epsv::All),
            Command::Epsv(Epsv::Only(Family::V4)),
            Command::Epsv(Epsv::Only(Family::V6)),
        ]),
        proptest::sample::select(Mechanism::ALL.to_vec()).prop_map(Command::Auth),
        any::<u32>().prop_map(Command::Pbsz),
        option().prop_map(Command::Opts),
        site().prop_map(Command::Site),
        proptest::sample::select(
            TABLE.iter().filter(|row| !row.served).map(|row| row.verb).collect::<Vec<_>>()
        )
        .prop_map(Command::Unserved),
    ];
    let numbers = prop_oneof![
        (any::<std::net::Ipv4Addr>(), any::<u16>())
            .prop_map(|(address, port)| Command::Port(HostPort { address, port })),
        (any::<std::net::IpAddr>(), 1..=u16::MAX)
            .prop_map(|(address, port)| Command::Eprt((address, port).into())),
        any::<u64>().prop_map(Command::Allo),
        any::<u64>().prop_map(|n| Command::Rest(Marker(n))),
        (any::<u64>(), any::<u64>()).prop_map(|(a, b)| Command::Rang(Some((a.min(b), a.max(b))))),
    ];
    prop_oneof![4 => files, 2 => times, 3 => session, 1 => numbers, 1 => digest()]
}

/// Lines that begin as commands do.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let verb = proptest::sample::select(TABLE.iter().map(|row| row.name).collect::<Vec<_>>());
    (verb, proptest::option::of(proptest::collection::vec(byte(), 0..40))).prop_map(|(verb, argument)| {
        let mut line = verb.as_bytes().to_vec();
        if let Some(argument) = argument {
            line.push(b' ');
            line.extend(argument);
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..config() })]

    #[test]
    fn what_is_written_is_read_as_the_same(command in command()) {
        prop_assert_eq!(read(&written(&command)), Ok(command));
    }

    #[test]
    fn what_was_read_is_written_so_that_it_is_read_again(line in line()) {
        if let Ok(command) = Command::parse(&line) {
            let wire = written(&command);
            let again = read(&wire).map(|c| written(&c));
            prop_assert_eq!(again.as_deref(), Ok(wire.as_slice()));
        }
    }

    #[test]
    fn no_command_can_carry_a_second_one(command in command()) {
        let wire = written(&command);
        prop_assert_eq!(wire.iter().position(|b| *b == b'\n'), Some(wire.len() - 1));
    }
}

#[test]
fn a_pathname_that_looks_like_an_option_is_written_so_that_it_is_none() {
    // `LIST -l` lists the current directory, whatever "-l" is.
    for verb in ["LIST", "NLST", "STAT"] {
        let path = wire::Pathname::new("-l").unwrap();
        let command = match verb {
            "LIST" => Command::List(Some(path)),
            "NLST" => Command::Nlst(Some(path)),
            _ => Command::Stat(Some(path)),
        };
        assert_eq!(written(&command), format!("{verb} ./-l\r\n").into_bytes());
    }
}

#[test]
fn names_of_facts_have_no_blank_edges() {
    // A fuzzer's find: a name of one CR was written at the start of the list, and read as none.
    let read = Command::parse(b"OPTS MLST \r\r; \rsize ;Type");
    assert_eq!(read, Ok(Command::Opts(Opt::Mlst(vec![b"size".to_vec(), b"type".to_vec()]))));
}
