//! Is a line one of IIS, in the form of `dir` of MS-DOS?
//!
//! ```text
//!   11-24-26  10:00AM       <DIR>          name          11-24-2026  22:00                 4161 name
//! ```
use super::date::{self, two, year};
use crate::facts::{Entry, EntryType, Facts};
use crate::stamp::Civil;
use crate::types::decimal;

/// Blanks that IIS writes between `<DIR>` and the name.
const AFTER_DIR: &[u8] = b"          ";

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let (date, rest) = word(line)?;
    let (time, rest) = word(rest.trim_ascii_start())?;
    let (what, rest) = word(rest.trim_ascii_start())?;
    let modified = civil(date, time)?.stamp()?;
    let (kind, size) = match what {
        b"<DIR>" => (EntryType::Directory, None),
        digits if digits.iter().all(u8::is_ascii_digit) => (EntryType::File, decimal(digits)),
        _ => return None,
    };
    let name = match kind {
        EntryType::Directory => rest.strip_prefix(AFTER_DIR).unwrap_or_else(|| rest.trim_ascii_start()),
        _ => rest.strip_prefix(b" ")?,
    };
    if name.is_empty() {
        return None;
    }
    let facts = Facts {
        kind: Some(kind),
        size,
        modify: Some(modified),
        precision: crate::facts::Precision::Minute,
        ..Facts::default()
    };
    Some(Entry { name: name.to_vec(), facts })
}

/// The first word, and what is left from the blank after it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == b' ').filter(|at| *at > 0)?;
    Some(text.split_at(at))
}

/// `MM-DD-YY` or `MM-DD-YYYY` with `HH:MM`, `HH:MMAM` or `HH:MMPM`.
fn civil(day: &[u8], time: &[u8]) -> Option<Civil> {
    let mut parts = day.split(|b| *b == b'-' || *b == b'/');
    let (month, day, full) = (two(parts.next()?)?, two(parts.next()?)?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // Two digits turn over in 1970, the first year of Unix; FTP files are not older.
    let year = match two(full).filter(|_| full.len() == 2) {
        Some(short @ 70..) => 1900 + i64::from(short),
        Some(short) => 2000 + i64::from(short),
        None => year(full)?,
    };
    let (clock, half) = match time.split_at_checked(time.len().saturating_sub(2)) {
        Some((clock, half)) if half.eq_ignore_ascii_case(b"AM") => (clock, Some(0)),
        Some((clock, half)) if half.eq_ignore_ascii_case(b"PM") => (clock, Some(12)),
        _ => (time, None),
    };
    let (hour, minute, None) = date::clock(clock)? else { return None };
    let hour = match half {
        Some(noon) if (1..=12).contains(&hour) => hour % 12 + noon,
        Some(_) => return None,
        None => hour,
    };
    Some(Civil { year, month, day, hour, minute, second: 0 })
}
