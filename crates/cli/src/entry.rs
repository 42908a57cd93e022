//! How is an entry of a server shown, to a person and to a program?
use serde_json::{Map, Value};
use wire::facts::{EntryType, Precision};
use wire::listing::permissions;
use wire::pathname::show;
use wire::{Entry, Stamp};

/// One line: kind, size, time, name; with `long` also permissions, owner and group, as far as the server
/// sends them. Names are escaped, so that they can neither forge lines nor drive a terminal. `human`: sizes
/// as
/// 1.2K. The name stands in `colour`.
pub(crate) fn line(entry: &Entry, name: &[u8], long: bool, human: bool, colour: Option<&str>) -> String {
    let facts = &entry.facts;
    let directory = facts.kind.as_ref().is_some_and(EntryType::is_directory);
    let kind = match &facts.kind {
        _ if directory => 'd',
        Some(EntryType::Link(_)) => 'l',
        Some(EntryType::File) => '-',
        _ => '?',
    };
    let rights = if long {
        let mode = show(&facts.unix_mode.map_or([b'?'; 9], permissions));
        let text = |who: &Option<Vec<u8>>| who.as_deref().map_or_else(|| "?".to_owned(), show);
        format!("{mode} {:<8} {:<8}", text(&facts.unix_owner), text(&facts.unix_group))
    } else {
        String::new()
    };
    let size = match facts.size {
        Some(size) if !directory && human => compact(size),
        Some(size) if !directory => size.to_string(),
        _ => "-".to_owned(),
    };
    let width = if human { 6 } else { 14 };
    let time = facts.modify.map_or_else(|| "-".to_owned(), |stamp| time(stamp, facts.precision));
    let target = match &facts.kind {
        Some(EntryType::Link(Some(target))) => format!(" -> {}", show(target)),
        _ => String::new(),
    };
    format!("{kind}{rights} {size:>width$} {time:<16} {}{target}", coloured(name, colour))
}

/// A name as a terminal may show it.
pub(crate) fn coloured(name: &[u8], colour: Option<&str>) -> String {
    let name = show(name);
    match colour {
        Some(colour) => format!("{colour}{name}\x1b[0m"),
        None => name,
    }
}

/// A size in units of 1024, rounded up, as `ls -h` writes it: 17, 1.2K, 287M.
fn compact(size: u64) -> String {
    let (mut unit, mut letters) = (1_u64, "KMGTPE".chars());
    let mut letter = None;
    while size.div_ceil(unit) >= 1024 {
        let Some(next) = letters.next() else { break };
        letter = Some(next);
        unit = unit.saturating_mul(1024);
    }
    let Some(letter) = letter else { return size.to_string() };
    let tenths = (u128::from(size) * 10).div_ceil(u128::from(unit));
    if tenths < 100 {
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    } else {
        format!("{}{letter}", size.div_ceil(unit))
    }
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
    let perm = facts.perm.map(|perm| {
        let mut letters = Vec::new();
        perm.encode(&mut letters);
        letters
    });
    let mode = facts.unix_mode.map(|mode| format!("{mode:04o}").into_bytes());
    for (key, value) in [
        ("unique", &facts.unique),
        ("owner", &facts.unix_owner),
        ("group", &facts.unix_group),
        ("media_type", &facts.media_type),
        ("perm", &perm),
        ("mode", &mode),
    ] {
        if let Some(value) = value {
            text(key, value);
        }
    }
    if let Some(size) = facts.size {
        object.insert("size".to_owned(), size.into());
    }
    for (key, stamp) in [("modified", facts.modify), ("created", facts.create)] {
        if let Some(stamp) = stamp {
            object.insert(key.to_owned(), stamp.rfc3339().into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_for_people_and_exact_for_programs() {
        let entry = Entry::parse(b"type=file;size=3;modify=20261124100000; a\x1b[2J").unwrap();
        let said = line(&entry, &entry.name, false, false, None);
        assert_eq!(said, "-              3 2026-11-24 10:00 a\\x1b[2J");
        let value = json(&entry, &entry.name);
        assert_eq!(value["name"], "a\u{1b}[2J");
        assert_eq!(value["modified"], "2026-11-24T10:00:00Z");
        assert_eq!(json(&entry, b"\xff")["name_bytes"][0], 255);
    }

    #[test]
    fn sizes_and_permissions_as_ls_writes_them() {
        for (size, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10 * 1024 - 1, "10K"),
            (10 * 1024 + 1, "11K"),
            (1024 * 1024 - 1, "1.0M"),
            (299_999_999, "287M"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(compact(size), text, "{size}");
        }
        for (facts, name, line_of_it) in [
            (
                "type=dir;size=4096;modify=20261124100000;UNIX.mode=0750;UNIX.owner=0;UNIX.group=ftp;",
                "d",
                "drwxr-x--- 0        ftp           - 2026-11-24 10:00 \x1b[1md\x1b[0m",
            ),
            (
                "type=file;size=5;",
                "f",
                "-????????? ?        ?             5 -                \x1b[1mf\x1b[0m",
            ),
        ] {
            let entry = Entry::parse(format!("{facts} {name}").as_bytes()).unwrap();
            assert_eq!(line(&entry, name.as_bytes(), true, true, Some("\x1b[1m")), line_of_it);
        }
    }
}
