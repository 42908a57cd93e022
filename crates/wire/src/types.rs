//! Which parameters shape a transfer? (RFC 959 3.1, 3.4, RFC 2228 3, RFC 3659 5)
use core::fmt;

/// The representation type: how data is written on the data connection (RFC 959 3.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RepresentationType {
    /// `A N`: text whose lines end in CR LF. The default of RFC 959.
    #[default]
    Ascii,
    /// `E`: EBCDIC text.
    Ebcdic,
    /// `I`: bytes as they are.
    Image,
    /// `L n`: bytes of `n` bits; `L 8` is the same as image.
    Local(u8),
}

/// The structure of a file (RFC 959 3.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Structure {
    /// `F`: no structure.
    #[default]
    File,
    /// `R`: records.
    Record,
    /// `P`: pages.
    Page,
}

/// The transmission mode (RFC 959 3.4); this is not active or passive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransferMode {
    /// `S`: a stream of bytes.
    #[default]
    Stream,
    /// `B`: blocks with headers.
    Block,
    /// `C`: compressed.
    Compressed,
    /// `Z`: deflated, an extension of some servers.
    Deflate,
}

/// The protection level of the data connection (RFC 2228 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protection {
    /// `C`: none.
    #[default]
    Clear,
    /// `S`: integrity.
    Safe,
    /// `E`: confidentiality.
    Confidential,
    /// `P`: both.
    Private,
}

/// A restart marker in stream mode: an offset in bytes (RFC 3659 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marker(pub u64);

impl Marker {
    /// Reads the decimal digits of a `REST` argument; anything else, and a number over 2^64, is `None`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        decimal(text).map(Self)
    }
}

/// A number of decimal digits alone, without a sign, that fits into 64 bits.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |n, b| {
        let digit = b.checked_sub(b'0').filter(|d| *d < 10)?;
        n.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

impl RepresentationType {
    /// Reads the argument of `TYPE`: `A`, `A N`, `I`, `L 8`, `E`, in either case. A carriage-control or
    /// Telnet format (`A T`, `A C`) is `None`, as nobody prints on FTP any more.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut words = text.split(|b| *b == b' ').filter(|w| !w.is_empty());
        let kind = words.next()?;
        let format = words.next();
        if words.next().is_some() || kind.len() > 1 && !kind.eq_ignore_ascii_case(b"L8") {
            return None;
        }
        let plain = format.is_none_or(|f| f.eq_ignore_ascii_case(b"N"));
        match (kind[0].to_ascii_uppercase(), format) {
            (b'A', _) if plain => Some(Self::Ascii),
            (b'E', _) if plain => Some(Self::Ebcdic),
            (b'I', None) => Some(Self::Image),
            (b'L', None) if kind.len() == 2 => Some(Self::Local(8)),
            (b'L', Some(size)) => {
                decimal(size).and_then(|n| u8::try_from(n).ok()).filter(|n| *n > 0).map(Self::Local)
            }
            _ => None,
        }
    }
}

impl fmt::Display for RepresentationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ascii => f.write_str("A"),
            Self::Ebcdic => f.write_str("E"),
            Self::Image => f.write_str("I"),
            Self::Local(bits) => write!(f, "L {bits}"),
        }
    }
}

macro_rules! letters {
    ($type:ident, $($letter:literal => $variant:ident),+) => {
        impl $type {
            /// Reads the one letter, in either case.
            #[must_use]
            pub fn parse(text: &[u8]) -> Option<Self> {
                match text {
                    [letter] => match letter.to_ascii_uppercase() {
                        $($letter => Some(Self::$variant),)+
                        _ => None,
                    },
                    _ => None,
                }
            }

            /// The letter on the wire.
            #[must_use]
            pub fn letter(self) -> char {
                match self {
                    $(Self::$variant => $letter as char,)+
                }
            }
        }
    };
}

letters!(Structure, b'F' => File, b'R' => Record, b'P' => Page);
letters!(TransferMode, b'S' => Stream, b'B' => Block, b'C' => Compressed, b'Z' => Deflate);
letters!(Protection, b'C' => Clear, b'S' => Safe, b'E' => Confidential, b'P' => Private);
