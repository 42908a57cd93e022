//! How does text of type A travel? (RFC 959 3.1.1.1)
//!
//! On the data connection a line ends in CR LF; in our files it ends in LF. Both directions take pieces of
//! any size and give the same bytes however the input is cut.
//!
//! Quirks that have a name. *CR LF kept*: a file that already has CR LF is sent as it is, as nobody who asks
//! for text wants CR CR LF; what comes back from such a file has LF alone. *Bare CR kept*: a CR that stands
//! alone is sent alone, not as the CR NUL of Telnet, which clients do not undo; received, both forms are one
//! CR.
use alloc::vec::Vec;

use crate::scan::find;

/// Local text to the wire: LF becomes CR LF, unless a CR is before it already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoder {
    /// Was the last byte of the input a CR?
    after_cr: bool,
}

impl Encoder {
    /// An encoder at the start of a text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what `input` becomes: at most twice its length.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + input.len() / 16);
        let mut rest = input;
        while let Some(at) = find(b'\n', rest) {
            let (line, tail) = rest.split_at(at);
            out.extend_from_slice(line);
            let after_cr = line.last().map_or(self.after_cr, |b| *b == b'\r');
            out.extend_from_slice(if after_cr { b"\n" } else { b"\r\n" });
            self.after_cr = false;
            rest = &tail[1..];
        }
        out.extend_from_slice(rest);
        self.after_cr = rest.last().map_or(self.after_cr, |b| *b == b'\r');
    }

    /// Ends the text. Nothing is ever held back, so nothing is appended; the encoder is at a start again.
    pub fn finish(&mut self, _out: &mut Vec<u8>) {
        self.after_cr = false;
    }
}

/// The wire to local text: CR LF becomes LF, CR NUL becomes CR, a CR before anything else stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoder {
    /// Is a CR held back until the byte after it is seen?
    held_cr: bool,
}

impl Decoder {
    /// A decoder at the start of a text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what `input` becomes: never more than its length and one byte held from the piece before.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + 1);
        let mut rest = input;
        if self.held_cr && !rest.is_empty() {
            self.held_cr = false;
            rest = after_cr(rest, out);
        }
        while let Some(at) = find(b'\r', rest) {
            let (text, tail) = rest.split_at(at);
            out.extend_from_slice(text);
            rest = &tail[1..];
            if rest.is_empty() {
                self.held_cr = true;
                return;
            }
            rest = after_cr(rest, out);
        }
        out.extend_from_slice(rest);
    }

    /// Ends the text: a CR that nothing followed is appended. The decoder is at a start again.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if core::mem::take(&mut self.held_cr) {
            out.push(b'\r');
        }
    }
}

/// Appends what a CR before `rest` means, and returns what is left to read.
fn after_cr<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    match rest.split_first() {
        Some((b'\n', rest)) => {
            out.push(b'\n');
            rest
        }
        Some((b'\0', rest)) => {
            out.push(b'\r');
            rest
        }
        _ => {
            out.push(b'\r');
            rest
        }
    }
}
