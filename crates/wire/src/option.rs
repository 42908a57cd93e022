//! What can `OPTS` set? (RFC 2389 4, RFC 2640, RFC 3659 7.9, draft-bryan-ftpext-hash)
use alloc::vec::Vec;

use crate::digest::Algorithm;

/// The option of an `OPTS` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opt {
    /// `UTF8 ON`, `UTF8 OFF` or bare `UTF8`: names are UTF-8, or bytes nobody looks at.
    Utf8(bool),
    /// `MLST fact;fact;`: the facts wanted in MLSx lines, as sent, in lower case; names nobody knows are kept
    /// for the server to ignore.
    Mlst(Vec<Vec<u8>>),
    /// `HASH` asks for the algorithm in use, `HASH name` selects one.
    Hash(Option<Algorithm>),
}

/// Why an `OPTS` argument was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptError {
    /// No such option: 501 (RFC 2389 4).
    Unknown,
    /// The option exists, its value does not: 501.
    Value,
}

impl Opt {
    /// Reads the argument of `OPTS`.
    pub fn parse(text: &[u8]) -> Result<Self, OptError> {
        let (name, value) = match text.iter().position(|b| *b == b' ') {
            Some(at) => (&text[..at], text[at + 1..].trim_ascii()),
            None => (text, &b""[..]),
        };
        match name.to_ascii_uppercase().as_slice() {
            b"UTF8" | b"UTF-8" => match value.to_ascii_uppercase().as_slice() {
                // NLST is a leftover of an early draft; clients of that time send it.
                b"" | b"ON" | b"NLST" => Ok(Self::Utf8(true)),
                b"OFF" => Ok(Self::Utf8(false)),
                _ => Err(OptError::Value),
            },
            b"MLST" => {
                let names = value.split(|b| *b == b';').map(<[u8]>::trim_ascii);
                Ok(Self::Mlst(
                    names.filter(|name| !name.is_empty()).map(<[u8]>::to_ascii_lowercase).collect(),
                ))
            }
            b"HASH" if value.is_empty() => Ok(Self::Hash(None)),
            b"HASH" => Algorithm::parse(value).map(|a| Self::Hash(Some(a))).ok_or(OptError::Value),
            _ => Err(OptError::Unknown),
        }
    }
}
