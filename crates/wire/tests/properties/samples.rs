//! Are the samples of `tests/listings` read as they say?
use std::fmt::Write;
use std::path::Path;

use wire::facts::{Entry, EntryType, Precision};
use wire::listing::{Dialect, ListingReader};
use wire::{Stamp, pathname::show};

const FILES: [(&str, Option<Dialect>); 6] = [
    ("unix", Some(Dialect::Unix)),
    ("dos", Some(Dialect::Dos)),
    ("eplf", Some(Dialect::Eplf)),
    ("vms", Some(Dialect::Vms)),
    ("mlsd", Some(Dialect::Mlsd)),
    ("mixed", None),
];

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listings").join(name).with_extension("txt");
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All lines of all samples.
pub(crate) fn lines() -> Vec<Vec<u8>> {
    let texts = FILES.iter().map(|(name, _)| file(name));
    texts
        .flat_map(|t| {
            t.lines().filter_map(|l| l.strip_prefix('|')).map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>()
        })
        .collect()
}

/// An entry as the samples write it.
fn told(entry: &Entry) -> String {
    let facts = &entry.facts;
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map_or("-".into(), |b| String::from_utf8_lossy(b).replace(' ', "\\s"))
    };
    let (kind, target) = match &facts.kind {
        None => ("-".into(), None),
        Some(EntryType::File) => ("file".into(), None),
        Some(EntryType::Directory) => ("dir".into(), None),
        Some(EntryType::CurrentDirectory) => ("cdir".into(), None),
        Some(EntryType::ParentDirectory) => ("pdir".into(), None),
        Some(EntryType::Link(target)) => ("link".into(), target.as_ref()),
        Some(EntryType::Other(value)) => (show(value), None),
    };
    let precision = match facts.precision {
        Precision::Second => "",
        Precision::Minute => "/minute",
        Precision::Day => "/day",
    };
    let size = facts.size.map_or("-".into(), |n| n.to_string());
    let modify = facts.modify.map_or("-".into(), |t| format!("{t}{precision}"));
    let mode = facts.unix_mode.map_or("-".into(), |m| format!("{m:04o}"));
    let (owner, group) = (text(&facts.unix_owner), text(&facts.unix_group));
    let name = String::from_utf8_lossy(&entry.name);
    let mut line = format!("{kind} {size} {modify} {mode} {owner} {group} \"{name}\"");
    if let Some(target) = target {
        write!(line, " -> \"{}\"", String::from_utf8_lossy(target)).expect("a String takes all");
    }
    line
}

#[test]
fn every_sample_is_read_as_it_says() {
    let (mut wrong, mut count) = (String::new(), 0);
    for (name, dialect) in FILES {
        let text = file(name);
        let now = text.lines().find_map(|l| l.strip_prefix("now ")).expect("a file says when it was listed");
        let mut reader = ListingReader::new(Stamp::parse(now.as_bytes()).expect("and says it as a time"));
        let (mut out, mut sample, mut unread) = (Vec::new(), String::new(), 0);
        for line in text.lines() {
            if let Some(line) = line.strip_prefix('|') {
                sample.push_str(line);
                sample.push_str("\r\n");
            } else if let Some(expected) = line.strip_prefix("= ") {
                reader.push(sample.as_bytes(), &mut out);
                let got = match (out.as_slice(), reader.unread() - unread) {
                    ([], 0) => "nothing".into(),
                    ([], _) => "unread".into(),
                    ([entry], 0) => told(entry),
                    other => format!("{other:?}"),
                };
                if got != expected {
                    write!(wrong, "{name}: {sample}  expected {expected}\n  read     {got}\n")
                        .expect("a String takes all");
                }
                count += 1;
                unread = reader.unread();
                out.clear();
                sample.clear();
            }
        }
        assert!(sample.is_empty(), "{name}: the last sample says nothing");
        if dialect.is_some() {
            assert_eq!(reader.dialect(), dialect, "{name}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 60, "only {count} samples");
}
