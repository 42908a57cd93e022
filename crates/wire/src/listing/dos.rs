//! Is a line one of IIS, in the form of `dir` of MS-DOS?
//!
//! ```text
//!   11-24-26  10:00AM       <DIR>          name          11-24-2026  22:00                 4161 name
//!   24.11.2026  22:00       <JUNCTION>     name [D:\there]
//! ```
//! Which of two numbers is the month, only some dates say: where the first is greater than 12, or where
//! points part them.
use alloc::vec::Vec;

use super::date::{self, two, year};
use crate::facts::{Entry, EntryType, Facts, Precision};
use crate::stamp::{Civil, Stamp};
use crate::types::decimal;

/// Blanks that IIS writes between `<DIR>` and the name.
const AFTER_DIR: &[u8] = b"          ";

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let (date, rest) = word(line)?;
    let (time, rest) = word(rest.trim_ascii_start())?;
    let (what, rest) = word(rest.trim_ascii_start())?;
    let (modify, precision) = modified(date, time)?;
    let (kind, size) = match what {
        b"<DIR>" => (EntryType::Directory, None),
        b"<JUNCTION>" | b"<SYMLINKD>" | b"<SYMLINK>" => (EntryType::Link(None), None),
        digits if digits.iter().all(|b| b.is_ascii_digit() || *b == b',') => (EntryType::File, size(digits)),
        _ => return None,
    };
    let (mut kind, mut name) = match kind {
        EntryType::File => (kind, rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t"))?),
        other => (other, rest.strip_prefix(AFTER_DIR).unwrap_or_else(|| rest.trim_ascii_start())),
    };
    if let EntryType::Link(_) = kind {
        name = name.trim_ascii_start();
        if let Some((link, target)) = name_and_target(name) {
            (name, kind) = (link, EntryType::Link(Some(target.to_vec())));
        }
    }
    if name.is_empty() {
        return None;
    }
    let facts = Facts { kind: Some(kind), size, modify, precision, ..Facts::default() };
    Some(Entry { name: name.to_vec(), facts })
}

/// The first word, and what is left from the blank after it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| matches!(b, b' ' | b'\t')).filter(|at| *at > 0)?;
    Some(text.split_at(at))
}

/// `4161`, or `4,161`.
fn size(text: &[u8]) -> Option<u64> {
    let digits: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
    decimal(&digits)
}

/// `name [target]`.
fn name_and_target(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_suffix(b"]")?;
    let at = inner.windows(2).position(|two| two == b" [")?;
    Some((&inner[..at], &inner[at + 2..]))
}

/// `MM-DD-YY`, `MM-DD-YYYY`, `DD.MM.YYYY` or `YYYY-MM-DD` with `HH:MM`, `HH:MMAM` or `HH:MMPM`. A date that
/// does not exist is a time that is not known.
fn modified(date: &[u8], time: &[u8]) -> Option<(Option<Stamp>, Precision)> {
    let mut parts = date.split(|b| matches!(b, b'-' | b'/' | b'.'));
    let (one, other, last) = (parts.next()?, parts.next()?, parts.next()?);
    let are_numbers = [one, other, last].iter().all(|part| part.iter().all(u8::is_ascii_digit));
    let lengths = (one.len(), other.len(), last.len());
    if !are_numbers || parts.next().is_some() || !matches!(lengths, (1..=2, 1..=2, 2 | 4) | (4, 1..=2, 1..=2))
    {
        return None;
    }
    let (full, month, day) = match two(one) {
        None => (one, two(other)?, two(last)?),
        Some(day) if day > 12 || date.contains(&b'.') => (last, two(other)?, day),
        Some(month) => (last, month, two(other)?),
    };
    let (clock, half) = match time.split_at_checked(time.len().saturating_sub(2)) {
        Some((clock, half)) if half.eq_ignore_ascii_case(b"AM") => (clock, Some(0)),
        Some((clock, half)) if half.eq_ignore_ascii_case(b"PM") => (clock, Some(12)),
        _ => (time, None),
    };
    let (hour, minute, None) = date::clock(clock)? else { return None };
    let hour = match half {
        Some(noon) if (1..=12).contains(&hour) => hour % 12 + noon,
        Some(_) => return Some((None, Precision::default())),
        None => hour,
    };
    // Two digits turn over in 1970, the first year of Unix; FTP files are not older.
    let year = match two(full).filter(|_| full.len() == 2) {
        Some(short @ 70..) => 1900 + i64::from(short),
        Some(short) => 2000 + i64::from(short),
        None => year(full)?,
    };
    let stamp = Civil { year, month, day, hour, minute, second: 0 }.stamp();
    Some((stamp, stamp.map_or(Precision::default(), |_| Precision::Minute)))
}
