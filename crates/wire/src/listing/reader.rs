//! How is a listing read, whoever wrote it?
use alloc::vec::Vec;

use super::{dos, eplf, unix, vms};
use crate::facts::{Entry, Facts};
use crate::scan::find;
use crate::stamp::Stamp;

/// A way to write a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `MLSD` (RFC 3659 7).
    Mlsd,
    /// `ls -l`.
    Unix,
    /// `dir` of MS-DOS, as IIS writes it.
    Dos,
    /// EPLF.
    Eplf,
    /// VMS.
    Vms,
}

/// All dialects, in the order in which a line of an unknown one is tried.
const DIALECTS: [Dialect; 5] = [Dialect::Mlsd, Dialect::Unix, Dialect::Dos, Dialect::Eplf, Dialect::Vms];

/// Which dialects may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// Only `MLSD`: it was asked for.
    Facts,
    /// All, the remembered one first.
    Any(Option<Dialect>),
}

/// Reads a listing in pieces of any size, holding one line at the most.
///
/// Names are as they were sent: `/`, `..` in a path and control characters are for the caller to judge. Only the
/// names `.` and `..` are dropped, and a blank line, a heading or a total is passed over.
#[derive(Debug)]
pub struct ListingReader {
    choice: Choice,
    now: Stamp,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// Is the rest of a line that is too long being skipped?
    skipping: bool,
    /// A name of VMS whose other fields are on the next line.
    wrapped: Option<Vec<u8>>,
    unread: u64,
}

impl ListingReader {
    /// The longest line that is read, in bytes: a name of 4096 and a target of as many, and room for the rest.
    pub const LINE: usize = 16 * 1024;

    /// A reader of what `LIST` sent, in any dialect. `now` gives their year to dates that have none.
    #[must_use]
    pub fn new(now: Stamp) -> Self {
        Self::with(Choice::Any(None), now)
    }

    /// A reader of what `MLSD` sent, and of nothing else.
    #[must_use]
    pub fn mlsd() -> Self {
        Self::with(Choice::Facts, Stamp::from_seconds(0))
    }

    fn with(choice: Choice, now: Stamp) -> Self {
        Self { choice, now, line: Vec::new(), skipping: false, wrapped: None, unread: 0 }
    }

    /// Lines so far that are of no dialect, or longer than [`Self::LINE`].
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// The dialect of the last line that was read.
    #[must_use]
    pub fn dialect(&self) -> Option<Dialect> {
        match self.choice {
            Choice::Facts => Some(Dialect::Mlsd),
            Choice::Any(dialect) => dialect,
        }
    }

    /// Reads a piece, and appends the entries that it ends. A line ends in LF or CR LF.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Entry>) {
        while let Some(at) = find(b'\n', bytes) {
            let (piece, rest) = bytes.split_at(at);
            bytes = &rest[1..];
            if self.skipping || !self.line.is_empty() {
                self.keep(piece);
                self.end_line(out);
            } else if piece.len() > Self::LINE {
                self.unread += 1;
            } else {
                self.read(piece, out);
            }
        }
        self.keep(bytes);
    }

    /// Ends the listing: a last line may lack its line end. The reader is at a start again, its counts and memory kept.
    pub fn finish(&mut self, out: &mut Vec<Entry>) {
        self.end_line(out);
        if self.wrapped.take().is_some() {
            self.unread += 1;
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.skipping {
            return;
        }
        if self.line.len() + piece.len() > Self::LINE {
            self.skipping = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    fn end_line(&mut self, out: &mut Vec<Entry>) {
        if core::mem::take(&mut self.skipping) {
            self.unread += 1;
            return;
        }
        let line = core::mem::take(&mut self.line);
        self.read(&line, out);
        // The room is kept for the next line.
        self.line = line;
        self.line.clear();
    }

    fn read(&mut self, line: &[u8], out: &mut Vec<Entry>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        if let Some(mut joined) = self.wrapped.take() {
            if line.starts_with(b" ") {
                joined.extend_from_slice(line);
                if let Some(entry) = vms::parse(&joined) {
                    self.found(Dialect::Vms, entry, out);
                    return;
                }
            }
            self.unread += 1;
        }
        let Choice::Any(last) = self.choice else {
            match Entry::parse(line) {
                Some(entry) => self.found(Dialect::Mlsd, entry, out),
                None => self.unread += 1,
            }
            return;
        };
        let others = DIALECTS.into_iter().filter(|d| Some(*d) != last);
        let read = last.into_iter().chain(others).find_map(|d| Some((d, self.parse(d, line)?)));
        match read {
            Some((dialect, entry)) => self.found(dialect, entry, out),
            None if unix::is_total(line) || vms::is_frame(line) => {}
            None if vms::is_wrapped(line) => self.wrapped = Some(line.to_vec()),
            None => self.unread += 1,
        }
    }

    fn parse(&self, dialect: Dialect, line: &[u8]) -> Option<Entry> {
        match dialect {
            // Where facts were not asked for, one that is known must be there: any line with a blank in front would do.
            Dialect::Mlsd => Entry::parse(line).filter(|entry| entry.facts != Facts::default()),
            Dialect::Unix => unix::parse(line, self.now),
            Dialect::Dos => dos::parse(line),
            Dialect::Eplf => eplf::parse(line),
            Dialect::Vms => vms::parse(line),
        }
    }

    fn found(&mut self, dialect: Dialect, entry: Entry, out: &mut Vec<Entry>) {
        if let Choice::Any(last) = &mut self.choice {
            *last = Some(dialect);
        }
        if !matches!(entry.name.as_slice(), b"." | b"..") {
            out.push(entry);
        }
    }
}
