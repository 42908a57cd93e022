//! Which facts does a client want to hear? (RFC 3659 7.8 and 7.9)
use alloc::string::String;

/// A fact by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// `type`.
    Type,
    /// `size`.
    Size,
    /// `modify`.
    Modify,
    /// `create`.
    Create,
    /// `perm`.
    Perm,
    /// `unique`.
    Unique,
    /// `UNIX.mode`.
    UnixMode,
    /// `UNIX.owner`.
    UnixOwner,
    /// `UNIX.group`.
    UnixGroup,
    /// `media-type`.
    MediaType,
}

impl Fact {
    /// All of them, in the order they are written in.
    pub const ALL: [Self; 10] = [
        Self::Type,
        Self::Size,
        Self::Modify,
        Self::Create,
        Self::Perm,
        Self::Unique,
        Self::UnixMode,
        Self::UnixOwner,
        Self::UnixGroup,
        Self::MediaType,
    ];

    /// Its name as `FEAT` and `OPTS` tell it. Names of facts have no case (RFC 3659 7.5).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Size => "size",
            Self::Modify => "modify",
            Self::Create => "create",
            Self::Perm => "perm",
            Self::Unique => "unique",
            Self::UnixMode => "unix.mode",
            Self::UnixOwner => "unix.owner",
            Self::UnixGroup => "unix.group",
            Self::MediaType => "media-type",
        }
    }

    /// Finds a fact by its name, in either case.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| name.eq_ignore_ascii_case(fact.name().as_bytes()))
    }
}

/// The set of facts that `OPTS MLST` selected. The default is what a session starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted(u16);

impl Default for Wanted {
    /// type, size, modify, perm, unique, and mode, owner and group of Unix.
    fn default() -> Self {
        Self(Self::SERVED.0 & !(1 << Fact::Create as u16))
    }
}

impl Wanted {
    /// No fact at all.
    pub const NONE: Self = Self(0);
    /// Every fact there is.
    pub const ALL: Self = Self((1 << Fact::ALL.len()) - 1);
    /// What the server can tell: `media-type` would be a guess from the name.
    pub const SERVED: Self = Self(Self::ALL.0 & !(1 << Fact::MediaType as u16));

    /// The set of the names that are known and served; the others are passed over, as RFC 3659 7.9 asks.
    #[must_use]
    pub fn from_names<N: AsRef<[u8]>>(names: &[N]) -> Self {
        let known = names.iter().filter_map(|name| Fact::parse(name.as_ref()));
        Self(known.fold(0, |bits, fact| bits | 1 << fact as u16) & Self::SERVED.0)
    }

    /// Is a fact in the set?
    #[must_use]
    pub fn has(self, fact: Fact) -> bool {
        self.0 & 1 << fact as u16 != 0
    }

    /// The line of `FEAT`, without the blank it starts with: all facts served, a `*` at those in the set.
    #[must_use]
    pub fn feat(self) -> String {
        let mut line = String::from("MLST ");
        for fact in Fact::ALL.into_iter().filter(|f| Self::SERVED.has(*f)) {
            line.push_str(fact.name());
            line.push_str(if self.has(fact) { "*;" } else { ";" });
        }
        line
    }

    /// The text of the 200 that answers `OPTS MLST`: `MLST OPTS type;size;`, or `MLST OPTS` for none.
    #[must_use]
    pub fn reply(self) -> String {
        let mut line = String::from("MLST OPTS");
        let mut separator = " ";
        for fact in Fact::ALL.into_iter().filter(|f| self.has(*f)) {
            line.push_str(core::mem::take(&mut separator));
            line.push_str(fact.name());
            line.push(';');
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_nobody_knows_are_no_error() {
        let wanted = Wanted::from_names(&[&b"Size"[..], b"colour", b"media-type", b"TYPE"]);
        assert_eq!(wanted.reply(), "MLST OPTS type;size;");
        assert_eq!(Wanted::NONE.reply(), "MLST OPTS");
        assert_eq!(
            wanted.feat(),
            "MLST type*;size*;modify;create;perm;unique;unix.mode;unix.owner;unix.group;"
        );
        assert!(Wanted::default().feat().contains(";create;perm*;"));
    }
}
