//! Which names of a server may touch our disk?
//!
//! A server is trusted with nothing. A name from a listing becomes the name of one file in one directory of
//! ours, or nothing at all: it is never cleaned up, as a changed name could meet another file.
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// Why a name is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// There is no name.
    Empty,
    /// `.` or `..`: a directory that is not the server's to name.
    Dots,
    /// It holds a slash: it would be a path, perhaps to anywhere.
    Slash,
    /// It holds a control character, which could forge lines and drive a terminal.
    Control,
    /// It is longer than any name of a file system here.
    TooLong,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::Dots => "the name is that of this or the parent directory",
            Self::Slash => "the name contains a slash",
            Self::Control => "the name contains control characters",
            Self::TooLong => "the name is longer than 255 bytes",
        })
    }
}

impl std::error::Error for NameError {}

/// The name as one of ours, if it is harmless.
///
/// # Errors
/// Why it is not.
pub fn local_name(name: &[u8]) -> Result<&OsStr, NameError> {
    match name {
        b"" => Err(NameError::Empty),
        b"." | b".." => Err(NameError::Dots),
        _ if name.contains(&b'/') => Err(NameError::Slash),
        // C1 controls (U+0080 to U+009F) are control characters of terminals too; in UTF-8 they start with
        // C2.
        _ if name.iter().any(u8::is_ascii_control)
            || name.windows(2).any(|w| w[0] == 0xc2 && (0x80..0xa0).contains(&w[1])) =>
        {
            Err(NameError::Control)
        }
        _ if name.len() > 255 => Err(NameError::TooLong),
        _ => Ok(OsStr::from_bytes(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_and_odd_ones_are_not() {
        for (name, why) in [
            (&b""[..], NameError::Empty),
            (b".", NameError::Dots),
            (b"..", NameError::Dots),
            (b"../../x", NameError::Slash),
            (b"/etc/x", NameError::Slash),
            (b"a/b", NameError::Slash),
            (b"a\0b", NameError::Control),
            (b"a\nb", NameError::Control),
            (b"\x1b[2J", NameError::Control),
            ("a\u{9b}2J".as_bytes(), NameError::Control),
            (&[b'x'; 256], NameError::TooLong),
        ] {
            assert_eq!(local_name(name), Err(why), "{}", name.escape_ascii());
        }
        for name in [&b"..."[..], b" a ", b"-rf", b"..x", b"a\\b", b"\xff\xfe", "\u{e4}\u{20ac}".as_bytes()] {
            assert_eq!(local_name(name).map(OsStr::as_bytes), Ok(name));
        }
    }
}
