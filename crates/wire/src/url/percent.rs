//! How do bytes stand in a URL? (RFC 3986 2.1)
use alloc::vec::Vec;
use core::fmt;

use super::{Part, UrlError};

/// Bytes as they are meant: each `%41` replaced by its byte, CR, LF and NUL refused in either form.
pub(super) fn decoded(text: &str, part: Part) -> Result<Vec<u8>, UrlError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
            let (high, low) = (digit(), digit());
            let (Some(high), Some(low)) = (high, low) else { return Err(UrlError::Percent(part)) };
            // Two hexadecimal digits make less than 256.
            (16 * high + low) as u8
        } else {
            byte
        };
        if matches!(byte, b'\r' | b'\n' | b'\0') {
            return Err(UrlError::LineEnd(part));
        }
        out.push(byte);
    }
    Ok(out)
}

/// Appends bytes so that they can stand in any part of a URL, those of `also_plain` unescaped too.
///
/// Plain are the unreserved characters of RFC 3986 and the delimiters that mean nothing in an FTP URL.
pub(super) fn encode(bytes: &[u8], also_plain: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    for &byte in bytes {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=".contains(&byte);
        if plain || also_plain.contains(&byte) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}
