//! Facts and the lines of MLSD.
use std::borrow::Cow;

use proptest::prelude::*;
use wire::facts::{Entry, EntryType, Fact, Facts, Perm, Precision, Wanted};

use crate::values::{bytes, config, name, stamp};

/// A value that can be one: no blank, no `;`.
fn value() -> impl Strategy<Value = Vec<u8>> {
    name(20).prop_map(|mut v| {
        v.retain(|b| !matches!(b, b' ' | b';'));
        v
    })
}

fn kind() -> impl Strategy<Value = EntryType> {
    let target = proptest::option::of(value().prop_filter("a target is not empty", |t| !t.is_empty()));
    let other = value().prop_map(|v| EntryType::Other(Cow::Owned([b"OS.x=".to_vec(), v].concat())));
    prop_oneof![
        Just(EntryType::File),
        Just(EntryType::Directory),
        Just(EntryType::CurrentDirectory),
        Just(EntryType::ParentDirectory),
        target.prop_map(EntryType::Link),
        other,
    ]
}

fn some<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.7, of)
}

pub(crate) fn facts() -> impl Strategy<Value = Facts> {
    let first = (some(kind()), some(any::<u64>()), some(stamp()), some(stamp()), some("[acdeflmprw]{0,10}"));
    let second = (some(value()), some(0..=0o7777_u32), some(value()), some(value()), some(value()));
    (first, second).prop_map(
        |((kind, size, modify, create, perm), (unique, unix_mode, unix_owner, unix_group, media_type))| {
            Facts {
                kind,
                size,
                modify,
                precision: Precision::Second,
                create,
                perm: perm.map(|p| Perm::parse(p.as_bytes())),
                unique,
                unix_mode,
                unix_owner,
                unix_group,
                media_type,
            }
        },
    )
}

fn fact_line() -> impl Strategy<Value = Vec<u8>> {
    let label = proptest::sample::select(Fact::ALL.to_vec()).prop_map(|f| f.name().as_bytes().to_vec());
    let fact =
        (prop_oneof![8 => label, 1 => bytes(5)], bytes(8)).prop_map(|(l, v)| [&l[..], b"=", &v].concat());
    (proptest::collection::vec(fact, 0..5), bytes(10)).prop_map(|(f, n)| [f.join(&b';'), n].join(&b"; "[..]))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_as_the_same(facts in facts(), name in name(40)) {
        let mut line = Vec::new();
        facts.encode_line(&Wanted::ALL, &name, &mut line).expect("the name can stand on a line");
        let line = line.strip_suffix(b"\r\n").expect("a line has an end");
        prop_assert_eq!(Entry::parse(line), Some(Entry { name, facts }));
    }

    #[test]
    fn only_wanted_facts_are_written(facts in facts(), names in proptest::sample::subsequence(Fact::ALL.to_vec(), 0..10)) {
        let names: Vec<&[u8]> = names.iter().map(|f| f.name().as_bytes()).collect();
        let wanted = Wanted::from_names(&names);
        let mut text = Vec::new();
        facts.encode(&wanted, &mut text);
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            let at = rest.iter().position(|b| *b == b'=').expect("a fact has a value");
            prop_assert!(names.iter().any(|n| n.eq_ignore_ascii_case(&rest[..at])));
            let end = rest.iter().position(|b| *b == b';').expect("a fact has an end");
            rest = &rest[end + 1..];
        }
    }

    #[test]
    fn a_line_that_is_read_is_written_alike(line in prop_oneof![fact_line(), bytes(40)]) {
        if let Some(entry) = Entry::parse(&line) {
            prop_assert!(line.ends_with(&entry.name));
            let mut again = Vec::new();
            if entry.facts.encode_line(&Wanted::ALL, &entry.name, &mut again).is_ok() {
                let read = Entry::parse(&again[..again.len() - 2]).expect("our own line is one");
                prop_assert_eq!(&read.name, &entry.name);
                prop_assert_eq!((read.facts.size, read.facts.perm), (entry.facts.size, entry.facts.perm));
            }
        }
    }

    #[test]
    fn the_choice_told_is_the_choice_read(names in proptest::collection::vec(value(), 0..6)) {
        let wanted = Wanted::from_names(&names);
        let reply = wanted.reply();
        let told: Vec<&str> = reply.strip_prefix("MLST OPTS").unwrap().trim().split_terminator(';').collect();
        prop_assert_eq!(Wanted::from_names(&told), wanted);
        prop_assert_eq!(wanted.feat().matches('*').count(), told.len());
    }
}
