//! What does a server answer, and how is it written? (RFC 959 4.2)
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

use crate::line::{LineDecoder, encode_text};

/// A three-digit reply code, 100 to 599.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What the first digit of a code says (RFC 959 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// 1yz: begun, another reply will follow.
    Preliminary,
    /// 2yz: done.
    Completion,
    /// 3yz: more is needed.
    Intermediate,
    /// 4yz: not now; the same command may succeed later.
    Transient,
    /// 5yz: no.
    Permanent,
}

impl Code {
    /// A code, when it is one of 100 to 599.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code < 600 { Some(Self(code)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// What its first digit says.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self.0 / 100 {
            1 => Severity::Preliminary,
            2 => Severity::Completion,
            3 => Severity::Intermediate,
            4 => Severity::Transient,
            _ => Severity::Permanent,
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let digits = text.get(..3)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Self::new(digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0')))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A reply: a code and one or more lines of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code.
    pub code: Code,
    /// The text, line by line, without codes and line ends; never empty.
    pub lines: Vec<Cow<'static, [u8]>>,
}

/// Which lines of a reply are there, when it is written in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All.
    Whole,
    /// The first ones.
    First,
    /// Some between.
    Middle,
    /// The last ones.
    Last,
}

impl Reply {
    /// A reply of one line. `code` outside 100 to 599 is our own mistake and becomes 451, "our fault".
    #[must_use]
    pub fn new(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        let text = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Self::from_lines(code, alloc::vec![text])
    }

    /// A reply of several lines.
    #[must_use]
    pub fn from_lines(code: u16, mut lines: Vec<Cow<'static, [u8]>>) -> Self {
        if lines.is_empty() {
            lines.push(Cow::Borrowed(b""));
        }
        Self { code: Code::new(code).unwrap_or(Code(451)), lines }
    }

    /// Appends the reply as it travels: `code text`, or `code-first`, ` middle`, `code last`.
    ///
    /// Middle lines start with a blank, so none of them can look like the end (RFC 959 4.2). Line ends within
    /// the text become `?`; no text can forge a second reply.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_part(Part::Whole, out);
    }

    /// The same where the reply has other lines, before or after these.
    pub fn encode_part(&self, part: Part, out: &mut Vec<u8>) {
        let (begins, ends) =
            (matches!(part, Part::Whole | Part::First), matches!(part, Part::Whole | Part::Last));
        // No line at all, which only a hand-made value has, is a reply all the same: the peer waits for it.
        let lines = if self.lines.is_empty() { &[Cow::Borrowed(&b""[..])] } else { self.lines.as_slice() };
        let last = lines.len() - 1;
        let code = [
            b'0' + (self.code.0 / 100) as u8,
            b'0' + (self.code.0 / 10 % 10) as u8,
            b'0' + (self.code.0 % 10) as u8,
        ];
        for (n, line) in lines.iter().enumerate() {
            let is_last = ends && n == last;
            if is_last || begins && n == 0 {
                out.extend_from_slice(&code);
                out.push(if is_last { b' ' } else { b'-' });
            } else if !line.starts_with(b" ") {
                out.push(b' ');
            }
            let at = out.len();
            encode_text(line, out);
            // A CR has no business in a reply, even as CR NUL: clients show it raw.
            let mut clean = at;
            for read in at..out.len() {
                match out[read] {
                    b'\0' => {}
                    b'\r' => {
                        out[clean] = b'?';
                        clean += 1;
                    }
                    byte => {
                        out[clean] = byte;
                        clean += 1;
                    }
                }
            }
            out.truncate(clean);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The text of the last line: what a person wants to read of most replies.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.lines.last().map_or(b"", |l| l)
    }
}

/// Why bytes are not a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// A line is longer than the decoder allows.
    LineTooLong,
    /// The first line does not begin with a code; what it said instead, cut to a few dozen bytes.
    NotAReply(Vec<u8>),
    /// A reply of more lines or bytes than the decoder allows.
    TooLong,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong => f.write_str("the server sent a line longer than any reply"),
            Self::NotAReply(text) => {
                write!(
                    f,
                    "the server sent something that is no FTP reply: \"{}\"",
                    crate::pathname::show(text)
                )
            }
            Self::TooLong => f.write_str("the server sent a reply that does not end"),
        }
    }
}

impl core::error::Error for ReplyError {}

/// Puts replies together from bytes, in bounded memory.
#[derive(Debug)]
pub struct ReplyDecoder {
    lines: LineDecoder,
    /// The lines of an unfinished multi-line reply.
    open: Option<(Code, Vec<Cow<'static, [u8]>>)>,
    kept: usize,
    limit: usize,
}

impl ReplyDecoder {
    /// The longest line of a reply. Servers quote whole pathnames (up to 4096 bytes, doubled quotes) in
    /// theirs.
    pub const LINE: usize = 16 * 1024;
    /// The longest reply. The longest of real ones are STAT listings and login banners, of some ten
    /// kilobytes.
    pub const REPLY: usize = 1024 * 1024;

    /// A decoder with the limits above.
    #[must_use]
    pub fn new() -> Self {
        Self { lines: LineDecoder::new(Self::LINE), open: None, kept: 0, limit: Self::REPLY }
    }

    /// Reads from the front of `input` up to the end of one reply, and leaves the rest in `input`.
    ///
    /// `None`: all of `input` was taken and the reply is not finished. After an error the dialogue is lost
    /// and the connection should be closed.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Result<Reply, ReplyError>> {
        while let Some(line) = self.lines.decode(input) {
            let Ok(line) = line else { return Some(Err(ReplyError::LineTooLong)) };
            self.kept += line.len() + size_of::<Cow<'static, [u8]>>();
            if self.kept > self.limit {
                self.open = None;
                return Some(Err(ReplyError::TooLong));
            }
            let code = Code::parse(&line);
            let mark = line.get(3).copied();
            match &mut self.open {
                None => match (code, mark) {
                    (Some(code), Some(b'-')) => {
                        self.open = Some((code, alloc::vec![Cow::Owned(line[4..].to_vec())]));
                    }
                    (Some(code), Some(b' ') | None) => {
                        self.kept = 0;
                        let text = line.get(4..).unwrap_or_default().to_vec();
                        return Some(Ok(Reply { code, lines: alloc::vec![Cow::Owned(text)] }));
                    }
                    // Devices are known that leave out the blank: 331Password.
                    (Some(code), Some(mark)) if !mark.is_ascii_digit() => {
                        self.kept = 0;
                        let text = line.get(3..).unwrap_or_default().to_vec();
                        return Some(Ok(Reply { code, lines: alloc::vec![Cow::Owned(text)] }));
                    }
                    // Others send an empty line behind a reply. It counts against the limit.
                    (None, _) if line.trim_ascii().is_empty() => {}
                    _ => {
                        let mut said = line;
                        said.truncate(80);
                        return Some(Err(ReplyError::NotAReply(said)));
                    }
                },
                Some((first, lines)) => {
                    if code == Some(*first) && matches!(mark, Some(b' ') | None) {
                        lines.push(Cow::Owned(line.get(4..).unwrap_or_default().to_vec()));
                        let (code, lines) = (*first, core::mem::take(lines));
                        self.open = None;
                        self.kept = 0;
                        return Some(Ok(Reply { code, lines }));
                    }
                    // Many servers repeat `code-` on every line; the text is what follows it.
                    let text =
                        if code == Some(*first) && mark == Some(b'-') { line[4..].to_vec() } else { line };
                    lines.push(Cow::Owned(text));
                }
            }
        }
        None
    }
}

impl Default for ReplyDecoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(mut input: &[u8]) -> Option<Result<Reply, ReplyError>> {
        ReplyDecoder::new().decode(&mut input)
    }

    #[test]
    fn no_text_can_forge_a_reply() {
        let mut out = Vec::new();
        Reply::new(257, "\"a\r\n226 done\r\n\" made").encode(&mut out);
        assert_eq!(out, b"257 \"a??226 done??\" made\r\n");
        let mut out = Vec::new();
        Reply::from_lines(
            211,
            alloc::vec![b"x".as_slice().into(), b"211 end".as_slice().into(), b"end".as_slice().into()],
        )
        .encode(&mut out);
        assert_eq!(out, b"211-x\r\n 211 end\r\n211 end\r\n");
    }

    #[test]
    fn replies_in_their_forms() {
        assert_eq!(decode(b"200\r\n"), Some(Ok(Reply::new(200, ""))));
        let lines = decode(b"220-hello\r\n220-more\r\n  and\r\n220 end\r\n").unwrap().unwrap().lines;
        assert_eq!(lines, [&b"hello"[..], b"more", b"  and", b"end"]);
        assert_eq!(decode(b"SSH-2.0-x\r\n"), Some(Err(ReplyError::NotAReply(b"SSH-2.0-x".to_vec()))));
        assert_eq!(decode(b"220-endless\r\n"), None);
        assert_eq!(decode(b"331Password\r\n"), Some(Ok(Reply::new(331, "Password"))));
        assert_eq!(decode(b"\r\n \r\n200 yes\r\n"), Some(Ok(Reply::new(200, "yes"))));
        assert_eq!(decode(b"2200 x\r\n"), Some(Err(ReplyError::NotAReply(b"2200 x".to_vec()))));
    }

    #[test]
    fn an_endless_reply_ends_in_an_error() {
        let mut decoder = ReplyDecoder::new();
        assert_eq!(decoder.decode(&mut &b"220-x\r\n"[..]), None);
        let error = (0..1_000_000).find_map(|_| decoder.decode(&mut &b"more\r\n"[..]));
        assert_eq!(error, Some(Err(ReplyError::TooLong)));
        let mut decoder = ReplyDecoder::new();
        let error = (0..1_000_000).find_map(|_| decoder.decode(&mut &b"\r\n"[..]));
        assert_eq!(error, Some(Err(ReplyError::TooLong)));
    }
}
