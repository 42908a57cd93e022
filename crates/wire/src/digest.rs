//! Which digests of a file can be asked for? (draft-bryan-ftpext-hash, and the X forms before it)

/// A digest algorithm by the names of the IANA hash function registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `SHA-256`, the default.
    #[default]
    Sha256,
    /// `SHA-512`.
    Sha512,
    /// `SHA-1`.
    Sha1,
    /// `MD5`.
    Md5,
    /// `CRC32`, as in zip and Ethernet.
    Crc32,
}

impl Algorithm {
    /// All of them, the best first: the order of the `HASH` line in `FEAT`.
    pub const ALL: [Self; 5] = [Self::Sha256, Self::Sha512, Self::Sha1, Self::Md5, Self::Crc32];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
            Self::Crc32 => "CRC32",
        }
    }

    /// Reads a name, in either case.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|a| text.eq_ignore_ascii_case(a.name().as_bytes()))
    }
}
