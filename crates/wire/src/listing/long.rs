//! How does the server write an entry for `LIST`? As `ls -l` does, since that is what every client reads.
use alloc::vec::Vec;

use super::date::MONTHS;
use crate::digits;
use crate::facts::{Unlistable, listable};
use crate::stamp::Stamp;

/// The kind of a file: the first letter of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `-`
    File,
    /// `d`
    Directory,
    /// `l`
    Link,
    /// `p`
    Fifo,
    /// `s`
    Socket,
    /// `c`
    CharDevice,
    /// `b`
    BlockDevice,
}

impl FileKind {
    fn letter(self) -> u8 {
        match self {
            Self::File => b'-',
            Self::Directory => b'd',
            Self::Link => b'l',
            Self::Fifo => b'p',
            Self::Socket => b's',
            Self::CharDevice => b'c',
            Self::BlockDevice => b'b',
        }
    }
}

/// What one line of `LIST` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongEntry<'a> {
    /// The kind of file.
    pub kind: FileKind,
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Hard links.
    pub links: u64,
    /// The owner, a name or a number. A blank or a control character in it becomes `_`, as it would shift the
    /// columns.
    pub owner: &'a [u8],
    /// The group, likewise.
    pub group: &'a [u8],
    /// Bytes.
    pub size: u64,
    /// The last modification.
    pub modified: Stamp,
    /// The name.
    pub name: &'a [u8],
    /// Where a link leads, if that may be told.
    pub target: Option<&'a [u8]>,
}

/// Seconds of half an average Gregorian year: `ls` writes the time of day for files younger than that.
const HALF_A_YEAR: i64 = 31_556_952 / 2;

/// Appends the line of an entry, CR LF included; times are in UTC. Nothing is appended for a name (or a
/// target) that cannot stand on a line.
///
/// A file older than half a year, or from the future, gets its year in place of the time of day.
pub fn unix_line(entry: &LongEntry<'_>, now: Stamp, out: &mut Vec<u8>) -> Result<(), Unlistable> {
    listable(entry.name)?;
    entry.target.map_or(Ok(()), listable)?;
    out.push(entry.kind.letter());
    out.extend_from_slice(&permissions(entry.mode));
    out.push(b' ');
    digits::padded(entry.links, 4, b' ', out);
    out.push(b' ');
    column(entry.owner, out);
    out.push(b' ');
    column(entry.group, out);
    out.push(b' ');
    digits::padded(entry.size, 12, b' ', out);
    out.push(b' ');
    date(entry.modified, now, out);
    out.push(b' ');
    out.extend_from_slice(entry.name);
    if let Some(target) = entry.target {
        out.extend_from_slice(b" -> ");
        out.extend_from_slice(target);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// The permission bits of a Unix mode as letters: `rwxr-xr-x`, and s, S, t, T as ls(1) writes them.
#[must_use]
pub fn permissions(mode: u32) -> [u8; 9] {
    let mut text = *b"rwxrwxrwx";
    for (n, letter) in text.iter_mut().enumerate() {
        if mode & (0o400 >> n) == 0 {
            *letter = b'-';
        }
    }
    for (bit, at, set, bare) in [(0o4000, 2, b's', b'S'), (0o2000, 5, b's', b'S'), (0o1000, 8, b't', b'T')] {
        if mode & bit != 0 {
            text[at] = if text[at] == b'x' { set } else { bare };
        }
    }
    text
}

/// A column of text, eight bytes wide or wider.
fn column(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(text.iter().map(|b| if *b <= b' ' || *b == 0x7f { b'_' } else { *b }));
    if text.is_empty() {
        out.push(b'?');
    }
    out.resize(out.len().max(start + 8), b' ');
}

fn date(modified: Stamp, now: Stamp, out: &mut Vec<u8>) {
    let c = modified.civil();
    // A civil date has a month of 1 to 12.
    let month = MONTHS.get(usize::from(c.month) - 1).copied().unwrap_or(MONTHS[0]);
    out.extend_from_slice(month);
    out.push(b' ');
    digits::padded(c.day.into(), 2, b' ', out);
    let age = now.seconds.saturating_sub(modified.seconds);
    if (0..HALF_A_YEAR).contains(&age) {
        let [h, m] = [c.hour, c.minute].map(|n| [b'0' + n / 10, b'0' + n % 10]);
        out.extend_from_slice(&[b' ', h[0], h[1], b':', m[0], m[1]]);
    } else {
        out.extend_from_slice(b"  ");
        digits::padded(c.year.clamp(0, 9999) as u64, 4, b'0', out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(entry: &LongEntry<'_>) -> alloc::string::String {
        let now = Stamp::parse(b"20261124120000").unwrap();
        let mut out = Vec::new();
        unix_line(entry, now, &mut out).unwrap();
        alloc::string::String::from_utf8(out).unwrap()
    }

    fn file() -> LongEntry<'static> {
        LongEntry {
            kind: FileKind::File,
            mode: 0o644,
            links: 1,
            owner: b"me",
            group: b"a very long group",
            size: 4161,
            modified: Stamp::parse(b"20261103090507").unwrap(),
            name: b" a b",
            target: None,
        }
    }

    #[test]
    fn lines_as_ls_writes_them() {
        let mut entry = file();
        assert_eq!(
            line(&entry),
            "-rw-r--r--    1 me       a_very_long_group         4161 Nov  3 09:05  a b\r\n"
        );
        entry = LongEntry { kind: FileKind::Directory, mode: 0o7754, owner: b"", group: b"0", ..entry };
        entry.modified = Stamp::parse(b"20260103090507").unwrap();
        assert_eq!(line(&entry), "drwsr-sr-T    1 ?        0                4161 Jan  3  2026  a b\r\n");
        entry = LongEntry { kind: FileKind::Link, mode: 0o777, target: Some(b"x"), size: u64::MAX, ..entry };
        entry.modified = Stamp::parse(b"20261124120001").unwrap();
        assert_eq!(
            line(&entry),
            "lrwxrwxrwx    1 ?        0        18446744073709551615 Nov 24  2026  a b -> x\r\n"
        );
    }

    #[test]
    fn a_name_with_a_line_end_writes_nothing() {
        let mut entry = LongEntry { name: b"a\nb", ..file() };
        let mut out = Vec::new();
        assert_eq!(unix_line(&entry, Stamp::from_seconds(0), &mut out), Err(Unlistable));
        entry.name = b"a";
        entry.target = Some(b"\r");
        assert_eq!(unix_line(&entry, Stamp::from_seconds(0), &mut out), Err(Unlistable));
        assert!(out.is_empty());
    }
}
