//! Listings: ours are read as they were meant, and no cutting changes what is read.
use proptest::prelude::*;
use wire::facts::{Entry, EntryType, Precision};
use wire::listing::{Dialect, FileKind, ListingReader, LongEntry, unix_line};
use wire::{Stamp, Wanted};

use crate::facts::facts;
use crate::samples;
use crate::values::{bytes, config, cuts, name, pieces};

const NOW: Stamp = Stamp { seconds: 1_795_521_600, nanos: 0 };

fn read(pieces: &[&[u8]]) -> (Vec<Entry>, u64, Option<Dialect>) {
    let (mut reader, mut out) = (ListingReader::new(NOW), Vec::new());
    for piece in pieces {
        reader.push(piece, &mut out);
    }
    reader.finish(&mut out);
    (out, reader.unread(), reader.dialect())
}

fn kind() -> impl Strategy<Value = (FileKind, EntryType)> {
    proptest::sample::select(vec![
        (FileKind::File, EntryType::File),
        (FileKind::Directory, EntryType::Directory),
        (FileKind::Fifo, EntryType::FIFO),
        (FileKind::Socket, EntryType::SOCKET),
        (FileKind::CharDevice, EntryType::DEVICE),
        (FileKind::BlockDevice, EntryType::DEVICE),
        (FileKind::Link, EntryType::Link(None)),
    ])
}

/// Owners that are no month: with a group of digits and a size of four, "may" would be the start of a date.
fn owner() -> impl Strategy<Value = String> {
    "([a-z_][a-z0-9_-]{3,14})|([0-9]{1,10})"
}

fn listing() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<Vec<u8>> = samples::lines();
    let line = prop_oneof![6 => proptest::sample::select(lines), 1 => bytes(30)];
    let end = proptest::sample::select(vec![&b"\n"[..], b"\r\n", b"\r\r\n"]);
    proptest::collection::vec((line, end), 0..8)
        .prop_map(|all| all.into_iter().flat_map(|(l, e)| [&l, e].concat()).collect())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_line_of_ours_is_read_as_meant(
        (kind, meant) in kind(),
        (mode, links, size) in (0..=0o7777_u32, any::<u64>(), any::<u64>()),
        (owner, group) in (owner(), owner()),
        // From 1970 to tomorrow.
        seconds in prop_oneof![0..=NOW.seconds + 86_400, NOW.seconds - 16_000_000..=NOW.seconds],
        name in name(40).prop_filter("dropped", |n| n != b"." && n != b".."),
        target in proptest::option::of(name(20)),
    ) {
        let target = target.filter(|_| kind == FileKind::Link);
        // The size of a link is the length of its target: it tells where a name ends that holds an arrow
        // itself.
        let size = target.as_ref().map_or(size, |t| t.len() as u64);
        prop_assume!(target.is_some() || kind != FileKind::Link || !name.windows(4).any(|w| w == b" -> "));
        let modified = Stamp::from_seconds(seconds);
        let long = LongEntry {
            kind, mode, links, owner: owner.as_bytes(), group: group.as_bytes(), size, modified,
            name: &name, target: target.as_deref(),
        };
        let mut line = Vec::new();
        unix_line(&long, NOW, &mut line).expect("the name can stand on a line");
        let (entries, unread, dialect) = read(&[&line]);
        prop_assert_eq!((entries.len(), unread, dialect), (1, 0, Some(Dialect::Unix)));
        let Entry { name: read, facts } = entries.into_iter().next().expect("there is one");
        prop_assert_eq!(read, name);
        prop_assert_eq!(facts.kind, Some(if target.is_some() { EntryType::Link(target) } else { meant }));
        prop_assert_eq!((facts.size, facts.unix_mode), (Some(size), Some(mode)));
        prop_assert_eq!(facts.unix_owner.as_deref(), Some(owner.as_bytes()));
        prop_assert_eq!(facts.unix_group.as_deref(), Some(group.as_bytes()));
        let unit = if facts.precision == Precision::Day { 86_400 } else { 60 };
        prop_assert_eq!(facts.modify, Some(Stamp::from_seconds(seconds - seconds % unit)));
    }

    #[test]
    fn a_list_of_facts_is_read_as_meant(all in proptest::collection::vec((facts(), name(20)), 0..6), cuts in cuts()) {
        let mut text = Vec::new();
        for (facts, name) in &all {
            facts.encode_line(&Wanted::ALL, name, &mut text).expect("the name can stand on a line");
        }
        let (mut reader, mut out) = (ListingReader::mlsd(), Vec::new());
        for piece in pieces(&text, &cuts) {
            reader.push(piece, &mut out);
        }
        reader.finish(&mut out);
        let meant: Vec<Entry> = all.into_iter().map(|(facts, name)| Entry { name, facts }).filter(|e| e.name != b"." && e.name != b"..").collect();
        prop_assert_eq!((out, reader.unread()), (meant, 0));
    }

    #[test]
    fn cutting_changes_nothing(input in listing(), cuts in cuts()) {
        prop_assert_eq!(read(&pieces(&input, &cuts)), read(&[&input]));
    }

    #[test]
    fn every_line_is_an_entry_or_counted_or_a_frame(input in bytes(300)) {
        let (entries, unread, _) = read(&[&input]);
        let lines = input.split(|b| *b == b'\n').count() as u64;
        prop_assert!(entries.len() as u64 + unread <= lines);
    }
}

#[test]
fn a_line_without_end_is_counted_once_and_the_next_is_read() {
    let (mut reader, mut out) = (ListingReader::new(NOW), Vec::new());
    for _ in 0..1000 {
        reader.push(&[b'x'; 1000], &mut out);
    }
    reader.push(b"\r\n+r,\tname", &mut out);
    reader.finish(&mut out);
    assert_eq!(reader.unread(), 1);
    assert_eq!(out.iter().map(|e| e.name.as_slice()).collect::<Vec<_>>(), [b"name"]);
}

/// A name, its kind and its size.
type Known = (String, Option<EntryType>, Option<u64>);

/// What a reader of MLSD makes of these lines: the names with kind and size, and what it could not read.
fn facts_of(lines: &[&str]) -> (Vec<Known>, Vec<String>) {
    let (mut reader, mut out) = (ListingReader::mlsd(), Vec::new());
    reader.push(lines.join("\r\n").as_bytes(), &mut out);
    reader.finish(&mut out);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(reader.unread(), reader.samples().len() as u64);
    let entries = out.iter().map(|e| (text(&e.name), e.facts.kind.clone(), e.facts.size)).collect();
    (entries, reader.samples().iter().map(|line| text(line)).collect())
}

#[test]
fn facts_that_a_server_breaks_in_two_are_joined_and_others_are_not() {
    let file = |name: &str, size| (name.to_owned(), Some(EntryType::File), size);
    for (lines, entries) in [
        (
            &["type=file;size=1; a", "type=fil", "e;size=2; b.txt"][..],
            vec![file("a", Some(1)), file("b.txt", Some(2))],
        ),
        (&["ty", "pe=file;size=2; b"], vec![file("b", Some(2))]),
        (&["type=file;", "size=2; b"], vec![file("b", Some(2))]),
        (&["size=2;", "type=file; b"], vec![file("b", Some(2))]),
        (&["type=file;size=2; ", "b.txt"], vec![file("b.txt", Some(2))]),
        (&["type=file;si", "ze=2;modify=2026", "1124100000; b"], vec![file("b", Some(2))]),
        (&["size=2;", "modify=20261124100000; b"], vec![("b".to_owned(), None, Some(2))]),
    ] {
        assert_eq!(facts_of(lines), (entries, vec![]), "{lines:?}");
    }
    // What is whole by itself is not spoiled by what came before it.
    for (lines, entries, unread) in [
        (&["garbage", "type=file;size=2; b"][..], vec![file("b", Some(2))], vec!["garbage"]),
        (
            &["type=file;size=1;a", "type=file;size=2; b"],
            vec![file("b", Some(2))],
            vec!["type=file;size=1;a"],
        ),
        (&["type=dir;size=1; ", "type=file;size=2; b"], vec![file("b", Some(2))], vec!["type=dir;size=1; "]),
        (&["type=file;size=1; a", "type=fil"], vec![file("a", Some(1))], vec!["type=fil"]),
        (&["some words", "type=file;size=1; a"], vec![file("a", Some(1))], vec!["some words"]),
    ] {
        let unread: Vec<String> = unread.into_iter().map(str::to_owned).collect();
        assert_eq!(facts_of(lines), (entries, unread), "{lines:?}");
    }
}

#[test]
fn months_in_code_pages_that_are_not_utf8_lose_the_date_and_keep_the_name() {
    for month in [
        &b"10\xd4\xc2 15"[..],
        b"15 \xee\xea\xf2",
        b"M\xe4r 15",
        b"15. M\xe4r",
        b"10\x8c\x8e 15",
        b"10\x8c\x8e15\x93\xfa",
    ] {
        let line = [b"-rw-r--r-- 1 ftp ftp 4 ", month, b" 12:30 \xce\xc4.txt\r\n"].concat();
        let (entries, unread, _) = read(&[&line]);
        let known: Vec<_> = entries.iter().map(|e| (e.name.as_slice(), e.facts.size)).collect();
        assert_eq!((known, unread), (vec![(&b"\xce\xc4.txt"[..], Some(4))], 0), "{}", line.escape_ascii());
    }
}

#[test]
fn the_heading_of_ls_is_passed_over_in_any_language_and_only_as_the_first_line() {
    let line = "-rw-r--r-- 1 ftp ftp 4 Oct 15 12:30 a\r\n";
    for total in [
        "total 48",
        "insgesamt 48",
        "итого 48",
        "\u{5408}\u{8a08} 4,0K",
        "\u{603b}\u{7528}\u{91cf} 48",
        "total: 8",
    ] {
        let (entries, unread, _) = read(&[format!("{total}\r\n{line}").as_bytes()]);
        assert_eq!((entries.len(), unread), (1, 0), "{total}");
    }
    assert_eq!(read(&[format!("{line}insgesamt 48\r\n").as_bytes()]).1, 1);
}

#[test]
fn of_the_lines_that_are_not_read_the_first_are_kept_and_cut() {
    let (mut reader, mut out) = (ListingReader::new(NOW), Vec::new());
    for n in 0..10 {
        reader.push(format!("some nonsense {n}\r\n").as_bytes(), &mut out);
    }
    assert_eq!(
        (reader.unread(), reader.samples()),
        (10, &["some nonsense 0", "some nonsense 1", "some nonsense 2"].map(|s| s.as_bytes().to_vec())[..])
    );
    let mut reader = ListingReader::new(NOW);
    for _ in 0..40 {
        reader.push(&[b'x'; 1000], &mut out);
    }
    reader.finish(&mut out);
    assert_eq!(reader.samples(), [[b'x'; ListingReader::SAMPLE].to_vec()]);
}
