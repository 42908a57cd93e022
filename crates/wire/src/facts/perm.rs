//! What may the user who asks do with an entry? (RFC 3659 7.5.5)
use alloc::vec::Vec;
use core::ops::{BitOr, BitOrAssign};

/// The `perm` fact: a set of letters, each of them an operation that would be allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Perm(u16);

/// The letters in the order of RFC 3659; letter `n` is bit `n`.
const LETTERS: &[u8; 10] = b"acdeflmprw";

impl Perm {
    /// No letter: nothing is allowed.
    pub const NONE: Self = Self(0);
    /// `a`: APPE to this file.
    pub const APPEND: Self = Self(1);
    /// `c`: make files in this directory.
    pub const CREATE: Self = Self(1 << 1);
    /// `d`: delete it.
    pub const DELETE: Self = Self(1 << 2);
    /// `e`: enter this directory.
    pub const ENTER: Self = Self(1 << 3);
    /// `f`: rename it.
    pub const RENAME: Self = Self(1 << 4);
    /// `l`: list this directory.
    pub const LIST: Self = Self(1 << 5);
    /// `m`: make directories in this directory.
    pub const MAKE_DIRECTORY: Self = Self(1 << 6);
    /// `p`: delete what is in this directory.
    pub const PURGE: Self = Self(1 << 7);
    /// `r`: RETR this file.
    pub const READ: Self = Self(1 << 8);
    /// `w`: STOR over this file.
    pub const WRITE: Self = Self(1 << 9);

    /// Are all of `other` in the set?
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads letters in either case; those nobody knows are passed over, as RFC 3659 asks.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let bit = |letter: &u8| LETTERS.iter().position(|l| *l == letter.to_ascii_lowercase());
        Self(text.iter().filter_map(bit).fold(0, |bits, n| bits | 1 << n))
    }

    /// Appends the letters.
    pub fn encode(self, out: &mut Vec<u8>) {
        for (n, letter) in LETTERS.iter().enumerate() {
            if self.0 & 1 << n != 0 {
                out.push(*letter);
            }
        }
    }
}

impl BitOr for Perm {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Perm {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
