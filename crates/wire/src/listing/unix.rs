//! Is a line one of `ls -l`? In its variants: with and without links, owner and group, marks for access
//! lists, device numbers, links with their targets, and the bracketed rights of NetWare.
//!
//! ```text
//!   -rw-r--r--.   1 owner group with blanks    4161 Nov 24 10:00  name with a blank in front
//!   |perm     |mark|fields before the size    |size|date        | one blank, then the name
//! ```
use alloc::vec::Vec;

use super::date::{self, Shape};
use crate::facts::{Entry, EntryType, Facts, Precision};
use crate::stamp::Stamp;
use crate::types::decimal;

/// A line has at most: links, owner and group of up to six words, major, size, date of four words.
const WORDS: usize = 14;

/// Reads one line.
pub(super) fn parse(line: &[u8], now: Stamp) -> Option<Entry> {
    let (letter, after) = line.split_first()?;
    let mut kind = kind(*letter)?;
    let (mode, rest) = rights(after)?;
    let found = Words::of(rest);
    let words = found.texts();
    let (at, told) = size_and_date(words, now)?;
    let end = *found.ends.get(at + told.words - 1)?;
    let name = name(rest.get(end..)?, mode, told.words)?;
    let (size, fields) = size_and_fields(&words[..at]);
    let (owner, group) = owner_and_group(fields);
    let (name, target) = match kind {
        EntryType::Link(_) => name_and_target(name, size),
        _ => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    if target.is_some() {
        kind = EntryType::Link(target.map(<[u8]>::to_vec));
    }
    let facts = Facts {
        kind: Some(kind),
        size,
        modify: told.stamp,
        // Of no time nothing is told, and so not how exactly either.
        precision: told.stamp.map_or(Precision::default(), |_| told.precision),
        unix_mode: mode,
        unix_owner: owner.map(<[u8]>::to_vec),
        unix_group: group,
        ..Facts::default()
    };
    Some(Entry { name: name.to_vec(), facts })
}

/// Is it the line that `ls -l` starts with, `total N`?
pub(super) fn is_total(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"total ").map(<[u8]>::trim_ascii);
    rest.is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
}

/// The same in any language (`insgesamt 48`, `\u{5408}\u{8a08} 4,0K`): a word and a size. Only as the first
/// line it is known to be that.
pub(super) fn is_total_of_any_language(line: &[u8]) -> bool {
    let mut words = line.split(|b| is_blank(*b)).filter(|word| !word.is_empty());
    let (Some(word), Some(size), None) = (words.next(), words.next(), words.next()) else { return false };
    let is_letter = |b: &u8| b.is_ascii_alphabetic() || !b.is_ascii() || *b == b':';
    let number =
        size.strip_suffix(b"K").or_else(|| size.strip_suffix(b"M")).or_else(|| size.strip_suffix(b"G"));
    let number = number.unwrap_or(size);
    word.iter().all(is_letter)
        && number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
}

fn kind(letter: u8) -> Option<EntryType> {
    Some(match letter {
        b'-' => EntryType::File,
        b'd' => EntryType::Directory,
        b'l' => EntryType::Link(None),
        b'p' => EntryType::FIFO,
        b's' => EntryType::SOCKET,
        // Doors of Solaris are no devices, but as little to be opened.
        b'b' | b'c' | b'D' => EntryType::DEVICE,
        _ => return None,
    })
}

/// The mode, where it is one of Unix, and the text after the rights and their mark.
fn rights(text: &[u8]) -> Option<(Option<u32>, &[u8])> {
    // NetWare: ` [RWCEAFMS]`, some of the letters `-`.
    if let Some(inner) = text.strip_prefix(b" [") {
        let (letters, rest) = inner.split_at_checked(8)?;
        let plain = letters.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-');
        return rest.strip_prefix(b"]").filter(|_| plain).map(|rest| (None, rest));
    }
    let (letters, rest) = text.split_at_checked(9)?;
    let mut mode = 0;
    for (n, letter) in letters.iter().enumerate() {
        let bit = 0o400 >> n;
        let special = 0o4000 >> (n / 3);
        mode |= match (n % 3, letter) {
            (_, b'-') => 0,
            (0, b'r') | (1, b'w') | (2, b'x') => bit,
            (2, b's' | b't') => bit | special,
            (2, b'S' | b'T' | b'l' | b'L') => special,
            _ => return None,
        };
    }
    let rest = match rest.split_first()? {
        (b'+' | b'.' | b'@', rest) => rest,
        _ => rest,
    };
    rest.first().is_some_and(|b| is_blank(*b)).then_some((Some(mode), rest))
}

/// What parts columns. Some servers line them up with tabs.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The first words of a text, and where each of them ends.
struct Words<'a> {
    texts: [&'a [u8]; WORDS],
    ends: [usize; WORDS],
    count: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut words = Self { texts: [b""; WORDS], ends: [0; WORDS], count: 0 };
        let mut at = 0;
        let slots = words.texts.iter_mut().zip(&mut words.ends);
        for (word, end) in slots {
            // `at` never passes the end of the text.
            let Some(start) = text[at..].iter().position(|b| !is_blank(*b)).map(|n| at + n) else { break };
            at = text[start..].iter().position(|b| is_blank(*b)).map_or(text.len(), |n| start + n);
            *word = &text[start..at];
            *end = at;
            words.count += 1;
        }
        words
    }

    fn texts(&self) -> &[&'a [u8]] {
        &self.texts[..self.count]
    }
}

/// The name that follows a date. One blank stands before it; those after that one are its own.
fn name(rest: &[u8], mode: Option<u32>, date_words: usize) -> Option<&[u8]> {
    let (_, name) = rest.split_first().filter(|(first, _)| is_blank(**first))?;
    match (mode, date_words) {
        // NetWare lines up its columns with tab stops.
        (None, _) => Some(name.trim_ascii_start()),
        // GNU ls fills up a date alone to the width of one with a time of day.
        (_, 1) => Some(name.strip_prefix(b" ").unwrap_or(name)),
        _ => Some(name),
    }
}

/// The first place where a size is followed by a date: where the date begins, and the date.
///
/// A name may look like a date too, so later places do not count, but for one case: an owner called May, a
/// group called 10 and a size of four digits. It is told by the date that follows the false one, where no
/// owner was seen.
///
/// Only where no date of ours is there, the place of one is looked for: the name and the size are right all
/// the same.
fn size_and_date(words: &[&[u8]], now: Stamp) -> Option<(usize, date::Told)> {
    let first_by = |read: &dyn Fn(&[&[u8]]) -> Option<date::Told>| {
        let from = |at: usize| {
            let size = words.get(at - 1)?;
            let sized = size.iter().all(|b| b.is_ascii_digit() || *b == b',');
            if sized { read(&words[at..]).map(|told| (at, told)) } else { None }
        };
        let first = (1..words.len()).find_map(from)?;
        let has_year = first.1.precision == Precision::Day && first.1.words == 3;
        let false_date = first.0 == 1 && has_year;
        let meant = if false_date && words.len() > 4 { from(4) } else { None };
        Some(meant.unwrap_or(first))
    };
    first_by(&|words| date::read(words, now))
        .or_else(|| first_by(&|words| date::place(words, Shape::Named, now)))
        .or_else(|| first_by(&|words| date::place(words, Shape::Numbers, now)))
}

/// The size, which devices do not have (`1, 3` or `1,3` stands in its place), and the fields before it.
fn size_and_fields<'a, 'b>(words: &'b [&'a [u8]]) -> (Option<u64>, &'b [&'a [u8]]) {
    match words {
        [fields @ .., major, _] if major.ends_with(b",") => (None, fields),
        [fields @ .., last] => (decimal(last), fields),
        [] => (None, &[]),
    }
}

/// What stands between the rights and the size: `[links] [owner [group]]`. A group may hold blanks ("Domain
/// Users").
fn owner_and_group<'a>(fields: &[&'a [u8]]) -> (Option<&'a [u8]>, Option<Vec<u8>>) {
    let fields = match fields {
        [links, rest @ ..] if links.iter().all(u8::is_ascii_digit) => rest,
        all => all,
    };
    match fields {
        [] => (None, None),
        [owner] => (Some(owner), None),
        [owner, group @ ..] => (Some(owner), Some(group.join(&b' '))),
    }
}

/// A name and the target of its link. Either may hold ` -> ` itself; the size of a link is its target's
/// length, and tells which one parts them.
fn name_and_target(text: &[u8], size: Option<u64>) -> (&[u8], Option<&[u8]>) {
    const ARROW: &[u8] = b" -> ";
    let by_size = size
        .and_then(|size| text.len().checked_sub(usize::try_from(size).ok()?)?.checked_sub(ARROW.len()))
        .filter(|at| text[*at..].starts_with(ARROW));
    match by_size.or_else(|| text.windows(ARROW.len()).position(|w| w == ARROW)) {
        Some(at) => (&text[..at], Some(&text[at + ARROW.len()..])),
        None => (text, None),
    }
}
