//! How is a stream of bytes cut into Telnet lines?
//!
//! RFC 959 3.1 puts the control connection on Telnet (RFC 854): a line ends in CR LF, a lone CR travels as
//! CR NUL, and 0xFF starts a Telnet command. The decoder keeps at most `limit` bytes, whatever arrives.
//!
//! ```text
//!   Text --CR--> SawCr --LF--> (line)         Text --IAC--> SawIac --IAC--> 0xFF kept
//!                      --NUL-> CR kept                             --WILL..DONT--> one byte skipped
//!                      --else> CR kept, else read again            --SB--> skipped to IAC SE
//!   over the limit: the rest is skipped to its line end, then one LineTooLong   --else 240..--> skipped
//! ```
//!
//! Quirks that have a name: *bare LF* ends a line too (old scripts, netcat). *Bare 0xFF*: followed by a byte
//! below 240 it is no Telnet command but a client that forgot to double it, and both bytes are kept.
use alloc::vec::Vec;

const IAC: u8 = 255;
const DONT: u8 = 254;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

/// One line without its end, Telnet commands removed. It may hold CR (sent as CR NUL) and NUL, never LF.
pub type Line = Vec<u8>;

/// A line was longer than the decoder's limit; it has been skipped to its end, so the next line is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTooLong {
    /// The limit it exceeded, in bytes.
    pub limit: usize,
}

impl core::fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the line is longer than {} bytes", self.limit)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    SawCr,
    SawIac,
    SawNegotiation,
    Subnegotiation,
    SubnegotiationIac,
}

/// Cuts bytes into [`Line`]s, in fixed memory. What it holds does not print: it may be the half of a
/// password.
pub struct LineDecoder {
    line: Vec<u8>,
    limit: usize,
    state: State,
    over: bool,
}

impl core::fmt::Debug for LineDecoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LineDecoder")
            .field("held", &self.line.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl LineDecoder {
    /// A decoder for lines of up to `limit` bytes (counted after Telnet decoding, without the line end).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { line: Vec::new(), limit, state: State::Text, over: false }
    }

    /// Is nothing of an unfinished line held?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && !self.over && self.state == State::Text
    }

    /// Reads from the front of `input` up to the end of one line, and leaves the rest in `input`.
    ///
    /// `None`: all of `input` was taken and the line is not finished yet.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Result<Line, LineTooLong>> {
        while let Some((&byte, rest)) = input.split_first() {
            if self.state == State::Text {
                // The common case in one step: everything up to the next byte that means something.
                let plain =
                    input.iter().position(|b| matches!(b, b'\r' | b'\n' | 0xFF)).unwrap_or(input.len());
                if plain > 0 {
                    let (text, rest) = input.split_at(plain);
                    self.keep(text);
                    *input = rest;
                    continue;
                }
            }
            *input = rest;
            match self.state {
                State::Text => match byte {
                    b'\r' => self.state = State::SawCr,
                    b'\n' => return Some(self.finish()),
                    _ => self.state = State::SawIac,
                },
                State::SawCr => {
                    self.state = State::Text;
                    match byte {
                        b'\n' => return Some(self.finish()),
                        0 => self.keep(b"\r"),
                        b'\r' => {
                            self.keep(b"\r");
                            self.state = State::SawCr;
                        }
                        IAC => {
                            // A Telnet command may stand between CR and LF; the CR is then a lone one.
                            self.keep(b"\r");
                            self.state = State::SawIac;
                        }
                        other => self.keep(&[b'\r', other]),
                    }
                }
                State::SawIac => {
                    self.state = State::Text;
                    match byte {
                        IAC => self.keep(&[IAC]),
                        WILL..=DONT => self.state = State::SawNegotiation,
                        SB => self.state = State::Subnegotiation,
                        SE..SB => {}
                        b'\r' => {
                            self.keep(&[IAC]);
                            self.state = State::SawCr;
                        }
                        b'\n' => {
                            self.keep(&[IAC]);
                            return Some(self.finish());
                        }
                        other => self.keep(&[IAC, other]),
                    }
                }
                State::SawNegotiation => self.state = State::Text,
                State::Subnegotiation => {
                    if byte == IAC {
                        self.state = State::SubnegotiationIac;
                    }
                }
                State::SubnegotiationIac => {
                    self.state = if byte == SE { State::Text } else { State::Subnegotiation };
                }
            }
        }
        None
    }

    fn keep(&mut self, text: &[u8]) {
        if self.over {
            return;
        }
        if self.line.len() + text.len() > self.limit {
            self.over = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(text);
        }
    }

    fn finish(&mut self) -> Result<Line, LineTooLong> {
        self.state = State::Text;
        let line = core::mem::take(&mut self.line);
        if core::mem::take(&mut self.over) { Err(LineTooLong { limit: self.limit }) } else { Ok(line) }
    }
}

/// Appends `text` as it travels on the control connection: 0xFF doubled, a CR as CR NUL (RFC 854, RFC 2640
/// 3.1). An LF cannot be written within a line and becomes `?`.
pub fn encode_text(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            IAC => out.extend_from_slice(&[IAC, IAC]),
            b'\r' => out.extend_from_slice(b"\r\0"),
            b'\n' => out.push(b'?'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8], limit: usize) -> Vec<Result<Line, LineTooLong>> {
        let mut decoder = LineDecoder::new(limit);
        let mut rest = input;
        let mut lines = Vec::new();
        while let Some(line) = decoder.decode(&mut rest) {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn telnet_commands_vanish_and_a_doubled_iac_is_a_byte() {
        assert_eq!(all(b"\xff\xf4\xff\xf2ABOR\r\n", 64), [Ok(b"ABOR".to_vec())]);
        assert_eq!(all(b"RETR \xff\xff\r\n", 64), [Ok(b"RETR \xff".to_vec())]);
        assert_eq!(all(b"\xff\xfb\x01NO\xff\xfa\x18abc\xff\xf0OP\r\n", 64), [Ok(b"NOOP".to_vec())]);
    }

    #[test]
    fn line_ends_in_their_forms() {
        assert_eq!(
            all(b"A\r\nB\nC\r\0D\r\n", 64),
            [Ok(b"A".to_vec()), Ok(b"B".to_vec()), Ok(b"C\rD".to_vec())]
        );
        assert_eq!(all(b"A\r\r\n", 64), [Ok(b"A\r".to_vec())]);
        assert_eq!(all(b"X\xff\r\n", 64), [Ok(b"X\xff".to_vec())]);
    }

    #[test]
    fn an_unfinished_line_is_known() {
        for (input, limit, is_empty) in
            [("A\r\n", 64, true), ("A", 64, false), ("\r", 64, false), ("AB", 1, false)]
        {
            let mut decoder = LineDecoder::new(limit);
            decoder.decode(&mut input.as_bytes());
            assert_eq!(decoder.is_empty(), is_empty, "{input:?}");
        }
    }

    #[test]
    fn what_is_held_does_not_print() {
        let mut decoder = LineDecoder::new(64);
        assert_eq!(decoder.decode(&mut &b"PASS s"[..]), None);
        assert_eq!(alloc::format!("{decoder:?}"), "LineDecoder { held: 6, limit: 64, .. }");
    }

    #[test]
    fn a_line_over_the_limit_is_one_error_and_the_next_is_whole() {
        let mut input = alloc::vec![b'x'; 10_000];
        input.extend_from_slice(b"\r\nNOOP\r\n");
        assert_eq!(all(&input, 512), [Err(LineTooLong { limit: 512 }), Ok(b"NOOP".to_vec())]);
    }
}
