//! What is a pathname on the wire?
use alloc::{string::String, vec::Vec};
use core::fmt;

/// A pathname as it was sent: bytes, not text, and never with CR, LF or NUL (RFC 959 5.3.2, RFC 2640 2.2).
///
/// It says nothing about any file system; what it means is decided by the tree it is used in.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pathname(Vec<u8>);

/// Why bytes are not a [`Pathname`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathnameError {
    /// There is no pathname at all.
    Empty,
    /// It holds CR, LF or NUL, which no file system name can carry through FTP.
    Control(u8),
}

impl fmt::Display for PathnameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a pathname is missing"),
            Self::Control(b'\0') => f.write_str("a pathname cannot hold a NUL byte"),
            Self::Control(_) => f.write_str("a pathname cannot hold a line end"),
        }
    }
}

impl core::error::Error for PathnameError {}

impl Pathname {
    /// Takes bytes as a pathname; every byte is kept, blanks at the edges too.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PathnameError> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Err(PathnameError::Empty);
        }
        match bytes.iter().find(|b| matches!(b, b'\r' | b'\n' | b'\0')) {
            Some(&bad) => Err(PathnameError::Control(bad)),
            None => Ok(Self(bytes)),
        }
    }

    /// The bytes of the pathname.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of the pathname.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The form of the 257 reply: within `"`, each `"` doubled (RFC 959 appendix II).
    #[must_use]
    pub fn quoted(path: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(path.len() + 2);
        out.push(b'"');
        for &byte in path {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
        out
    }

    /// Reads the quoted pathname at the start of a 257 reply's text; what follows it is ignored.
    #[must_use]
    pub fn unquote(text: &[u8]) -> Option<Vec<u8>> {
        let inner = text.strip_prefix(b"\"")?;
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(&byte) = inner.get(at) {
            if byte == b'"' {
                if inner.get(at + 1) != Some(&b'"') {
                    return Some(out);
                }
                at += 1;
            }
            out.push(byte);
            at += 1;
        }
        None
    }
}

/// Does a character drive a terminal, or make a person see another text than is there? Controls do (C0, DEL
/// and C1), and bidirectional, zero-width and other invisible marks do so as surely as an escape.
#[must_use]
pub fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Shows bytes for people and logs: UTF-8 as it is, control characters and stray bytes as `\xNN`.
///
/// The result holds no control character, so it can forge neither a line of a log nor a terminal's state.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if misleads(c) {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\x{byte:02x}");
                }
            } else if c == '\\' {
                out.push_str("\\\\");
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

impl fmt::Display for Pathname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(&self.0))
    }
}

impl fmt::Debug for Pathname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pathname({})", show(&self.0))
    }
}
