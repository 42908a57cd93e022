//! How is a listing of any server read?
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
/// Names are as they were sent: `/`, `..` in a path and control characters are for the caller to judge. Only
/// the names `.` and `..` are dropped, and a blank line, a heading or a total is passed over.
#[derive(Debug)]
pub struct ListingReader {
    choice: Choice,
    now: Stamp,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// Is the rest of a line that is too long being skipped?
    skipping: bool,
    /// The start of an entry whose rest is on the next line: a name of VMS, or facts that a server has broken
    /// in two.
    wrapped: Option<Vec<u8>>,
    /// Has a line been read?
    begun: bool,
    unread: u64,
    samples: Vec<Vec<u8>>,
}

impl ListingReader {
    /// The longest line that is read, in bytes: a name of 4096 and a target of as many, and room for the
    /// rest.
    pub const LINE: usize = 16 * 1024;

    /// How many of the lines that could not be read are kept: enough to see what they are.
    pub const SAMPLES: usize = 3;

    /// How many bytes of each are kept: what fits on a line or two of a terminal.
    pub const SAMPLE: usize = 160;

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
        Self {
            choice,
            now,
            line: Vec::new(),
            skipping: false,
            wrapped: None,
            begun: false,
            unread: 0,
            samples: Vec::new(),
        }
    }

    /// Lines so far that are of no dialect, or longer than [`Self::LINE`].
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// The first [`Self::SAMPLES`] of those lines, each cut after [`Self::SAMPLE`] bytes, to be shown to a
    /// person.
    #[must_use]
    pub fn samples(&self) -> &[Vec<u8>] {
        &self.samples
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
                self.not_read(piece);
            } else {
                self.read(piece, out);
            }
        }
        self.keep(bytes);
    }

    /// Ends the listing: a last line may lack its line end. The reader is at a start again, its counts and
    /// memory kept.
    pub fn finish(&mut self, out: &mut Vec<Entry>) {
        self.end_line(out);
        if let Some(wrapped) = self.wrapped.take() {
            self.not_read(&wrapped);
        }
        self.begun = false;
    }

    fn not_read(&mut self, line: &[u8]) {
        self.unread += 1;
        if self.samples.len() < Self::SAMPLES {
            self.samples.push(line.get(..Self::SAMPLE).unwrap_or(line).to_vec());
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.skipping {
            return;
        }
        if self.line.len() + piece.len() > Self::LINE {
            self.skipping = true;
            // Its start is all that is kept, to be shown.
            self.line.extend_from_slice(piece.get(..Self::SAMPLE).unwrap_or(piece));
            self.line.truncate(Self::SAMPLE);
            self.line.shrink_to_fit();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    fn end_line(&mut self, out: &mut Vec<Entry>) {
        let line = core::mem::take(&mut self.line);
        if core::mem::take(&mut self.skipping) {
            self.not_read(&line);
            return;
        }
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
        let Choice::Any(last) = self.choice else {
            self.read_facts(line, out);
            return;
        };
        let is_first = !core::mem::replace(&mut self.begun, true);
        if let Some(mut joined) = self.wrapped.take() {
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                let name = joined.len();
                joined.extend_from_slice(line);
                if let Some(entry) = vms::parse(&joined) {
                    self.found(Dialect::Vms, entry, out);
                    return;
                }
                joined.truncate(name);
            }
            self.not_read(&joined);
        }
        let others = DIALECTS.into_iter().filter(|d| Some(*d) != last);
        let read = last.into_iter().chain(others).find_map(|d| Some((d, self.parse(d, line)?)));
        match read {
            Some((dialect, entry)) => self.found(dialect, entry, out),
            None if unix::is_total(line) || vms::is_frame(line) => {}
            None if is_first && unix::is_total_of_any_language(line) => {}
            None if vms::is_wrapped(line) => self.wrapped = Some(line.to_vec()),
            None => self.not_read(line),
        }
    }

    /// Reads a line of facts, or puts it together with the one before, which was only the start of one: some
    /// servers break a line wherever their buffer ends.
    fn read_facts(&mut self, line: &[u8], out: &mut Vec<Entry>) {
        let alone = Entry::parse(line);
        if let Some(start) = self.wrapped.take() {
            let whole = [start.as_slice(), line].concat();
            let tells_kind = |entry: &Entry| entry.facts.kind.is_some();
            let joined = Entry::parse(&whole).filter(|joined| match &alone {
                None => true,
                // Two lines of a server that tells the kind of everything, or the second half of one.
                Some(alone) if tells_kind(alone) => {
                    start.ends_with(b";") && Facts::parse(&start).is_some_and(|facts| facts.kind.is_none())
                }
                Some(_) => tells_kind(joined) || start.ends_with(b";"),
            });
            if let Some(entry) = joined {
                self.found(Dialect::Mlsd, entry, out);
                return;
            }
            if alone.is_none() && whole.len() <= Self::LINE && is_start_of_facts(&whole) {
                self.wrapped = Some(whole);
                return;
            }
            self.not_read(&start);
        }
        match alone {
            Some(entry) => self.found(Dialect::Mlsd, entry, out),
            None if is_start_of_facts(line) => self.wrapped = Some(line.to_vec()),
            None => self.not_read(line),
        }
    }

    fn parse(&self, dialect: Dialect, line: &[u8]) -> Option<Entry> {
        match dialect {
            // Where facts were not asked for, one that is known must be there: any line with a blank in front
            // would do.
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

/// May the rest of the entry be on the next line? It is facts, and no name has begun.
fn is_start_of_facts(line: &[u8]) -> bool {
    let facts = line.strip_suffix(b" ").unwrap_or(line);
    !facts.is_empty() && !facts.contains(&b' ')
}
