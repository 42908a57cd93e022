//! How is an entry of a server shown, to a person and to a program?
use serde_json::{Map, Value};
use wire::facts::{EntryType, Precision};
use wire::pathname::show;
use wire::{Entry, Stamp};

/// One line: kind, size, time, name. Names are escaped, so that they can neither forge lines nor drive a
/// terminal. `human`: sizes as 1.2K. The name stands in `colour`.
pub(crate) fn line(entry: &Entry, name: &[u8], human: bool, colour: Option<&str>) -> String {
    let time = modified(entry);
    let (kind, size, name) = (kind(entry), size(entry, human), named(entry, name, colour));
    let width = if human { 6 } else { 14 };
    format!("{kind} {size:>width$} {time:<16} {name}")
}

/// The same with permissions, owner and group, as far as the server tells them.
pub(crate) fn long_line(entry: &Entry, name: &[u8], human: bool, colour: Option<&str>) -> String {
    let time = modified(entry);
    let (kind, size, name) = (kind(entry), size(entry, human), named(entry, name, colour));
    let facts = &entry.facts;
    let mode = facts.unix_mode.map_or_else(|| "?".repeat(9), mode);
    let text = |who: &Option<Vec<u8>>| who.as_deref().map_or_else(|| "?".to_owned(), show);
    let (owner, group) = (text(&facts.unix_owner), text(&facts.unix_group));
    let width = if human { 6 } else { 14 };
    format!("{kind}{mode} {owner:<8} {group:<8} {size:>width$} {time:<16} {name}")
}

fn kind(entry: &Entry) -> char {
    match &entry.facts.kind {
        Some(kind) if kind.is_directory() => 'd',
        Some(EntryType::Link(_)) => 'l',
        Some(EntryType::File) => '-',
        _ => '?',
    }
}

fn size(entry: &Entry, human: bool) -> String {
    let directory = entry.facts.kind.as_ref().is_some_and(EntryType::is_directory);
    match entry.facts.size {
        Some(size) if !directory && human => compact(size),
        Some(size) if !directory => size.to_string(),
        _ => "-".to_owned(),
    }
}

fn modified(entry: &Entry) -> String {
    entry.facts.modify.map_or_else(|| "-".to_owned(), |m| time(m, entry.facts.precision))
}

fn named(entry: &Entry, name: &[u8], colour: Option<&str>) -> String {
    let name = show(name);
    let name = colour.map_or_else(|| name.clone(), |colour| format!("{colour}{name}\x1b[0m"));
    match &entry.facts.kind {
        Some(EntryType::Link(Some(target))) => format!("{name} -> {}", show(target)),
        _ => name,
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

/// Permission bits as letters: rwxr-xr-x, and s, S, t, T as ls(1) writes them.
fn mode(bits: u32) -> String {
    let mut out = String::with_capacity(9);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let three = bits >> shift;
        out.push(if three & 4 == 0 { '-' } else { 'r' });
        out.push(if three & 2 == 0 { '-' } else { 'w' });
        out.push(match (three & 1 != 0, bits & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
        });
    }
    out
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
        assert_eq!(line(&entry, &entry.name, false, None), "-              3 2026-11-24 10:00 a\\x1b[2J");
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
        assert_eq!(
            [mode(0o755), mode(0o4644), mode(0o3777), mode(0o1000)].join(" "),
            "rwxr-xr-x rwSr--r-- rwxrwsrwt --------T"
        );
        let entry = Entry::parse(
            b"type=dir;size=4096;modify=20261124100000;UNIX.mode=0750;UNIX.owner=0;UNIX.group=ftp; d",
        )
        .unwrap();
        assert_eq!(
            long_line(&entry, b"d", true, Some("\x1b[1;34m")),
            "drwxr-x--- 0        ftp           - 2026-11-24 10:00 \x1b[1;34md\x1b[0m"
        );
        let entry = Entry::parse(b"type=file;size=5; f").unwrap();
        assert_eq!(
            long_line(&entry, b"f", true, None),
            "-????????? ?        ?             5 -                f"
        );
    }
}
