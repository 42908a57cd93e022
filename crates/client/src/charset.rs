//! How are names written by a server that does not write them in UTF-8?
//!
//! Names are bytes, and stay the bytes they are. Only where a person says what they mean, replies and
//! listings are decoded as a whole, before anything looks for a slash, a quote or a blank in them (in
//! Shift_JIS the second byte of a character may be a backslash), and commands are encoded as a whole. In
//! between, and here, all names are UTF-8.
use std::fmt;
use std::io;

use encoding_rs::{Decoder, Encoding, GBK, UTF_8};

/// A way to write characters as bytes, by its name in the Encoding Standard
/// (<https://encoding.spec.whatwg.org>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

/// A name that is no charset's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCharset(String);

/// A name that has characters which a charset does not have.
#[derive(Debug)]
struct Unwritable {
    charset: &'static str,
}

impl Charset {
    /// The charset of a name, in any of its usual spellings: `GBK`, `windows-1251`, `cp1251`, `Shift_JIS`,
    /// `sjis`.
    ///
    /// # Errors
    /// For an unknown name, and for those whose bytes cannot stand in a command, as UTF-16.
    pub fn named(name: &str) -> Result<Self, UnknownCharset> {
        let plain = name.trim().to_ascii_lowercase().replace(' ', "-");
        // What other programs call them, and the standard does not.
        let label = match plain.as_str() {
            "cp936" | "936" => "gbk",
            "cp932" | "932" => "shift_jis",
            "cp949" | "949" | "uhc" => "euc-kr",
            "cp950" | "950" => "big5",
            "gb-18030" => "gb18030",
            "eucjp" => "euc-jp",
            "euckr" => "euc-kr",
            "koi8r" => "koi8-r",
            "koi8u" => "koi8-u",
            other => other,
        };
        let found = Encoding::for_label_no_replacement(label.as_bytes());
        match found {
            // What is written in another charset than it is read in is no charset for names.
            Some(encoding) if encoding.output_encoding() == encoding || encoding == GBK => Ok(Self(encoding)),
            _ => Err(UnknownCharset(name.to_owned())),
        }
    }

    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Bytes of the server as UTF-8. What is no character of the charset becomes U+FFFD, which cannot be sent
    /// back.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Vec<u8> {
        self.0.decode_without_bom_handling(bytes).0.into_owned().into_bytes()
    }

    /// UTF-8 as the server writes it; `None` where that is not possible.
    #[must_use]
    pub fn encode(self, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        let (bytes, _, lossy) = self.0.encode(text);
        // Of a few characters the charset has two; and a line end would be another command.
        let same = !lossy && self.decode(&bytes) == text.as_bytes();
        let lines = |bytes: &[u8]| bytes.iter().filter(|b| matches!(b, b'\r' | b'\n' | b'\0')).count();
        (same && lines(&bytes) == lines(text.as_bytes())).then(|| bytes.into_owned())
    }

    /// A decoder for what comes in pieces.
    pub(crate) fn pieces(self) -> Pieces {
        Pieces { decoder: self.0.new_decoder_without_bom_handling(), out: Vec::new() }
    }

    /// The error for a command that cannot be encoded.
    pub(crate) fn unwritable(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, Unwritable { charset: self.name() })
    }
}

/// Is it an error of [`Charset::unwritable`]?
pub(crate) fn is_unwritable(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Unwritable>)
}

impl Default for Charset {
    fn default() -> Self {
        Self(UTF_8)
    }
}

/// Decodes what comes in pieces of any size.
pub(crate) struct Pieces {
    decoder: Decoder,
    out: Vec<u8>,
}

impl Pieces {
    /// The next piece as UTF-8.
    pub(crate) fn decode(&mut self, bytes: &[u8], last: bool) -> &[u8] {
        self.out.clear();
        // A length that cannot be counted is no length of a piece; what does not fit then is decoded in the
        // next round.
        let room = self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len());
        self.out.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(bytes, &mut self.out, last);
        self.out.truncate(written);
        &self.out
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name cannot be written in {}", self.charset)
    }
}

impl std::error::Error for Unwritable {}

impl fmt::Display for UnknownCharset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a known charset; examples: GBK, GB18030, Big5, Shift_JIS, EUC-JP, EUC-KR, windows-1250, \
             windows-1251, windows-1252, ISO-8859-2, KOI8-R",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for UnknownCharset {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (charset, text, bytes) in [
            ("GBK", "中文.txt", &b"\xd6\xd0\xce\xc4.txt"[..]),
            ("cp936", "中文", b"\xd6\xd0\xce\xc4"),
            ("windows-1251", "Отчёт.doc", b"\xce\xf2\xf7\xb8\xf2.doc"),
            ("cp1251", "Отчёт", b"\xce\xf2\xf7\xb8\xf2"),
            ("Shift_JIS", "表/ソ.txt", b"\x95\x5c/\x83\x5c.txt"),
            ("sjis", "表", b"\x95\x5c"),
            ("big5", "功", b"\xa5\x5c"),
            ("EUC-KR", "한글", b"\xc7\xd1\xb1\xdb"),
            ("koi8-r", "тест", b"\xd4\xc5\xd3\xd4"),
            ("latin1", "Grüße", b"Gr\xfc\xdfe"),
            ("utf-8", "ü", b"\xc3\xbc"),
        ] {
            let charset = Charset::named(charset).unwrap();
            assert_eq!(charset.encode(text.as_bytes()).as_deref(), Some(bytes), "{}", charset.name());
            assert_eq!(charset.decode(bytes), text.as_bytes(), "{}", charset.name());
            // Cut anywhere.
            for at in 0..=bytes.len() {
                let mut pieces = charset.pieces();
                let mut out = pieces.decode(&bytes[..at], false).to_vec();
                out.extend_from_slice(pieces.decode(&bytes[at..], true));
                assert_eq!(out, text.as_bytes(), "{} at {at}", charset.name());
            }
        }
    }

    #[test]
    fn what_has_no_representation_is_not_sent_as_something_else() {
        for (charset, text) in
            [("windows-1251", "中"), ("latin1", "ł"), ("gbk", "\u{fffd}"), ("shift_jis", "é")]
        {
            let charset = Charset::named(charset).unwrap();
            assert_eq!(charset.encode(text.as_bytes()), None, "{} {text}", charset.name());
        }
        let gbk = Charset::named("gbk").unwrap();
        assert_eq!(gbk.encode(b"\xff"), None);
        // Bytes that are none come back as a mark, which is not sent.
        assert_eq!(gbk.encode(&gbk.decode(b"a\xffb")), None);
    }

    #[test]
    fn a_charset_that_nobody_knows_is_told_with_examples() {
        for name in ["klingon", "", "utf-16", "utf-16le", "replacement", "iso-2022-cn"] {
            let error = Charset::named(name).unwrap_err().to_string();
            assert!(error.contains("GBK") && error.contains("windows-1251"), "{name}: {error}");
        }
    }
}
