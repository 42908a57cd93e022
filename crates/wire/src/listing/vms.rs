//! Is a line one of VMS?
//!
//! ```text
//!   README.TXT;4        2/9   2-JUN-1996 12:00:05  [GRP,OWN]  (RWED,RWED,RE,)
//!   PUB.DIR;1             1  23-FEB-1994 09:51     [SYSTEM]   (RWE,RWE,RE,RE)
//!   A_NAME_SO_LONG_THAT_THE_REST_WRAPS.TXT;1
//!                        12  2-JUN-1996 12:00:05  [GRP,OWN]  (RWED,RWED,RE,)
//! ```
//! The name is told without `.DIR` and without its version: the newest is what RETR takes. The size stands in
//! blocks, used and allocated, of 512 bytes; it is not told, since a number of blocks is no size. The
//! protection is no mode of Unix.
use super::date::{self, month, two, year};
use crate::facts::{Entry, EntryType, Facts, Precision};
use crate::stamp::{Civil, Stamp};

/// Reads one line, or two put together of which the first was only a name.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let (full, rest) = name_and_rest(line)?;
    let mut facts = Facts::default();
    let rest = rest.trim_ascii();
    // `%RMS-E-PRV, insufficient privilege`: all that is known is the name.
    if !rest.starts_with(b"%") {
        let mut words = rest.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty());
        if !is_blocks(words.next()?) {
            return None;
        }
        (facts.modify, facts.precision) = modified(words.next()?, words.next()?)?;
        if let Some(owner) = words.next().and_then(|w| w.strip_prefix(b"[")?.strip_suffix(b"]")) {
            match owner.iter().position(|b| *b == b',') {
                Some(at) => {
                    facts.unix_group = Some(owner[..at].to_vec());
                    facts.unix_owner = Some(owner[at + 1..].to_vec());
                }
                None => facts.unix_owner = Some(owner.to_vec()),
            }
        }
    }
    let plain = full.len().checked_sub(4).filter(|at| full[*at..].eq_ignore_ascii_case(b".DIR"));
    facts.kind = Some(if plain.is_some() { EntryType::Directory } else { EntryType::File });
    let name = &full[..plain.unwrap_or(full.len())];
    if name.is_empty() { None } else { Some(Entry { name: name.to_vec(), facts }) }
}

/// Is it a name that stands alone, its other fields on the next line?
pub(super) fn is_wrapped(line: &[u8]) -> bool {
    name_and_rest(line).is_some_and(|(_, rest)| rest.trim_ascii().is_empty())
}

/// Is it a line around the list: `Directory DISK:[PUB]`, `Total of 5 files, 24/200 blocks.`?
pub(super) fn is_frame(line: &[u8]) -> bool {
    line.starts_with(b"Total of ") || line.starts_with(b"Directory ") && line.ends_with(b"]")
}

/// `NAME.EXT;1` at the start of a line, without the version, and what follows it.
fn name_and_rest(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let at = word.iter().position(|b| *b == b';')?;
    let (name, version) = (&word[..at], &word[at + 1..]);
    let digits = !version.is_empty() && version.iter().all(u8::is_ascii_digit);
    (digits && name.contains(&b'.')).then_some((name, rest))
}

/// `12` or `12/24`.
fn is_blocks(word: &[u8]) -> bool {
    let mut parts = word.split(|b| *b == b'/');
    let number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    parts.next().is_some_and(number) && parts.next().is_none_or(number) && parts.next().is_none()
}

/// `2-JUN-1996` and `12:00`, `12:00:05` or `12:00:05.11`. Where the month is of another language, it is a
/// time that is not known.
fn modified(day: &[u8], time: &[u8]) -> Option<(Option<Stamp>, Precision)> {
    let mut parts = day.split(|b| *b == b'-');
    let (day, word, year) = (two(parts.next()?)?, parts.next()?, year(parts.next()?)?);
    let (hour, minute, second) = date::clock(time)?;
    if parts.next().is_some() {
        return None;
    }
    let civil = |month| Civil { year, month, day, hour, minute, second: second.unwrap_or(0) };
    let stamp = month(word).and_then(|month| civil(month).stamp());
    Some((stamp, stamp.map_or(Precision::default(), |_| date::precise(second))))
}
