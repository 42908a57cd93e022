//! How is an entry of a site shown, to a person and to a program?
use serde_json::{Map, Value};
use wire::facts::{EntryType, Precision};
use wire::pathname::show;
use wire::{Entry, Stamp};

/// One line: kind, size, time, name. Names are escaped, so that they can neither forge lines nor drive a terminal.
pub(crate) fn long_line(entry: &Entry, name: &[u8]) -> String {
    let facts = &entry.facts;
    let kind = match &facts.kind {
        Some(kind) if kind.is_directory() => 'd',
        Some(EntryType::Link(_)) => 'l',
        Some(EntryType::File) => '-',
        _ => '?',
    };
    let directory = facts.kind.as_ref().is_some_and(EntryType::is_directory);
    let size = match facts.size {
        Some(size) if !directory => size.to_string(),
        _ => "-".to_owned(),
    };
    let time = facts.modify.map_or_else(|| "-".to_owned(), |m| time(m, facts.precision));
    let target = match &facts.kind {
        Some(EntryType::Link(Some(target))) => format!(" -> {}", show(target)),
        _ => String::new(),
    };
    format!("{kind} {size:>14} {time:<16} {}{target}", show(name))
}

/// A JSON object. `name` is the name as UTF-8 where it is that; `name_bytes` is there where it is not.
pub(crate) fn json(entry: &Entry, name: &[u8]) -> Value {
    let facts = &entry.facts;
    let mut object = Map::new();
    let mut text = |key: &str, bytes: &[u8]| {
        object.insert(key.to_owned(), String::from_utf8_lossy(bytes).into());
        if std::str::from_utf8(bytes).is_err() {
            object.insert(format!("{key}_bytes"), bytes.to_vec().into());
        }
    };
    text("name", name);
    match &facts.kind {
        Some(kind) if kind.is_directory() => text("type", b"dir"),
        Some(EntryType::File) => text("type", b"file"),
        Some(EntryType::Link(target)) => {
            text("type", b"link");
            if let Some(target) = target {
                text("target", target);
            }
        }
        Some(EntryType::Other(what)) => text("type", what),
        // The three roles of a directory are above.
        Some(_) | None => {}
    }
    for (key, value) in [
        ("unique", &facts.unique),
        ("owner", &facts.unix_owner),
        ("group", &facts.unix_group),
        ("media_type", &facts.media_type),
    ] {
        if let Some(value) = value {
            text(key, value);
        }
    }
    if let Some(perm) = facts.perm {
        let mut letters = Vec::new();
        perm.encode(&mut letters);
        text("perm", &letters);
    }
    if let Some(mode) = facts.unix_mode {
        text("mode", format!("{mode:04o}").as_bytes());
    }
    if let Some(size) = facts.size {
        object.insert("size".to_owned(), size.into());
    }
    for (key, stamp) in [("modified", facts.modify), ("created", facts.create)] {
        if let Some(stamp) = stamp {
            object.insert(key.to_owned(), iso(stamp).into());
        }
    }
    Value::Object(object)
}

/// The time to the minute, as people read it, in UTC; less where less is known.
fn time(stamp: Stamp, precision: Precision) -> String {
    let c = stamp.civil();
    let day = format!("{:04}-{:02}-{:02}", c.year, c.month, c.day);
    match precision {
        Precision::Day => day,
        Precision::Minute | Precision::Second => format!("{day} {:02}:{:02}", c.hour, c.minute),
    }
}

/// RFC 3339, in UTC.
pub(crate) fn iso(stamp: Stamp) -> String {
    let c = stamp.civil();
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_for_people_and_exact_for_programs() {
        let entry = Entry::parse(b"type=file;size=3;modify=20261124100000; a\x1b[2J").unwrap();
        assert_eq!(long_line(&entry, &entry.name), "-              3 2026-11-24 10:00 a\\x1b[2J");
        let value = json(&entry, &entry.name);
        assert_eq!(value["name"], "a\u{1b}[2J");
        assert_eq!(value["modified"], "2026-11-24T10:00:00Z");
        assert_eq!(json(&entry, b"\xff")["name_bytes"][0], 255);
    }
}
