//! Where in a tree?
use std::fmt;
use std::sync::Arc;

use crate::{Kind, Result};

/// A path in a tree: rooted, normalised bytes. `/` is the root; there is no `.`, no `..`, no doubled or
/// trailing slash, and no NUL in it, so it cannot name anything above the root. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VPath(Arc<[u8]>);

impl VPath {
    /// Bytes in a component at the most.
    pub const COMPONENT: usize = 255;
    /// Bytes in a path at the most.
    pub const LENGTH: usize = 4096;

    /// The root.
    #[must_use]
    pub fn root() -> Self {
        Self(b"/".as_slice().into())
    }

    /// Goes from here to `path`: absolute when it starts with `/`. `.` stays, `..` goes up and stops at the
    /// root.
    ///
    /// [`Kind::TooLong`] for a component over 255 or a result over 4096 bytes, [`Kind::BadName`] for a NUL.
    pub fn join(&self, path: &[u8]) -> Result<Self> {
        if path.contains(&0) {
            return Err(Kind::BadName.into());
        }
        let mut out = if path.first() == Some(&b'/') { Vec::new() } else { self.0.to_vec() };
        if out == b"/" {
            out.clear();
        }
        for component in path.split(|b| *b == b'/') {
            match component {
                b"" | b"." => {}
                b".." => out.truncate(out.iter().rposition(|b| *b == b'/').unwrap_or(0)),
                name if name.len() > Self::COMPONENT => return Err(Kind::TooLong.into()),
                name => {
                    out.push(b'/');
                    out.extend_from_slice(name);
                }
            }
        }
        if out.is_empty() {
            out.push(b'/');
        }
        if out.len() > Self::LENGTH { Err(Kind::TooLong.into()) } else { Ok(Self(out.into())) }
    }

    /// The bytes, `/` first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes below the root, without a leading `/`; empty for the root.
    #[must_use]
    pub fn relative(&self) -> &[u8] {
        // Never empty: it begins with a slash.
        self.0.get(1..).unwrap_or_default()
    }

    /// The directory it is in, and its name; `None` for the root.
    #[must_use]
    pub fn split(&self) -> Option<(Self, &[u8])> {
        if self.is_root() {
            return None;
        }
        // A normalised path has a slash before its last component.
        let at = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let parent = if at == 0 { Self::root() } else { Self(self.0[..at].into()) };
        Some((parent, &self.0[at + 1..]))
    }

    /// Is it below `other`, or `other` itself?
    #[must_use]
    pub fn is_in(&self, other: &Self) -> bool {
        other.is_root()
            || self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    /// Is it the root?
    #[must_use]
    pub fn is_root(&self) -> bool {
        *self.0 == *b"/"
    }
}

impl fmt::Debug for VPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VPath({})", self.0.escape_ascii())
    }
}

/// The path of a test's text.
#[cfg(test)]
pub(crate) fn at(path: &str) -> VPath {
    VPath::root().join(path.as_bytes()).unwrap()
}
