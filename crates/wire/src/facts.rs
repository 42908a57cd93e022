//! What is true of an entry? (RFC 3659 7)
//!
//! ```text
//!   type=file;size=4161;modify=20260122093015;perm=r;unique=803U2a;UNIX.mode=0644; a name; with anything in it
//!   \______________________________ facts ________________________________________/ \________ name _________/
//! ```
//!
//! The facts end at the first blank and all after it is the name, so no name can forge a fact.
use alloc::{borrow::Cow, vec::Vec};

use crate::digits;
use crate::stamp::Stamp;
use crate::types::decimal;

mod perm;
mod wanted;

pub use perm::Perm;
pub use wanted::{Fact, Wanted};

/// A name in a directory and what is known of it, whatever kind of listing told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The name as it was sent. In the answer to `MLST` it may be a whole pathname.
    pub name: Vec<u8>,
    /// What is known.
    pub facts: Facts,
}

/// The kind of thing an entry is: the `type` fact (RFC 3659 7.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// `file`.
    File,
    /// `dir`.
    Directory,
    /// `cdir`: the directory that is listed.
    CurrentDirectory,
    /// `pdir`: a directory above it.
    ParentDirectory,
    /// `OS.unix=slink`: a symbolic link, with its target where that was told.
    Link(Option<Vec<u8>>),
    /// Any other value: `OS.unix=fifo`, `OS.unix=chr-13/29`.
    Other(Cow<'static, [u8]>),
}

impl EntryType {
    /// A pipe (FIFO).
    pub const FIFO: Self = Self::Other(Cow::Borrowed(b"OS.unix=fifo"));
    /// A socket.
    pub const SOCKET: Self = Self::Other(Cow::Borrowed(b"OS.unix=socket"));
    /// A device, or anything else that is neither file nor directory.
    pub const DEVICE: Self = Self::Other(Cow::Borrowed(b"OS.unix=device"));

    /// Is it a directory, in any of the three roles?
    #[must_use]
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory | Self::CurrentDirectory | Self::ParentDirectory)
    }

    fn parse(value: &[u8]) -> Self {
        match value {
            v if v.eq_ignore_ascii_case(b"file") => Self::File,
            v if v.eq_ignore_ascii_case(b"dir") => Self::Directory,
            v if v.eq_ignore_ascii_case(b"cdir") => Self::CurrentDirectory,
            v if v.eq_ignore_ascii_case(b"pdir") => Self::ParentDirectory,
            v => Self::parse_link(v).unwrap_or_else(|| Self::Other(Cow::Owned(v.to_vec()))),
        }
    }

    /// `OS.unix=slink` and `OS.unix=symlink` (ProFTPD), each alone or with `:target`.
    fn parse_link(value: &[u8]) -> Option<Self> {
        let (kind, target) = match value.iter().position(|b| *b == b':') {
            Some(at) => (&value[..at], Some(&value[at + 1..])),
            None => (value, None),
        };
        let known = [&b"OS.unix=slink"[..], b"OS.unix=symlink"];
        known
            .iter()
            .any(|k| kind.eq_ignore_ascii_case(k))
            .then(|| Self::Link(target.filter(|t| !t.is_empty()).map(<[u8]>::to_vec)))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::File => out.extend_from_slice(b"file"),
            Self::Directory => out.extend_from_slice(b"dir"),
            Self::CurrentDirectory => out.extend_from_slice(b"cdir"),
            Self::ParentDirectory => out.extend_from_slice(b"pdir"),
            Self::Link(target) => {
                out.extend_from_slice(b"OS.unix=slink");
                if let Some(target) = target.as_ref().filter(|t| is_value(t)) {
                    out.push(b':');
                    out.extend_from_slice(target);
                }
            }
            Self::Other(value) => {
                out.extend_from_slice(if is_value(value) { value } else { b"OS.unix=other" });
            }
        }
    }
}

/// How exactly a time of modification was told. The point in time given is the start of the span it stands
/// for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// To the second or finer.
    #[default]
    Second,
    /// To the minute, as in the last half year of `ls -l`.
    Minute,
    /// To the day, as for older files of `ls -l`.
    Day,
}

/// What is known of an entry; nothing has to be.
///
/// One value can be refilled for all the entries of a directory, so that its texts are allocated once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `type`: the kind of thing it is.
    pub kind: Option<EntryType>,
    /// `size`: bytes (octets), as a transfer of type I would send them.
    pub size: Option<u64>,
    /// `modify`: the last modification.
    pub modify: Option<Stamp>,
    /// How exactly `modify` was told. Facts always tell it to the second; LIST rarely does.
    pub precision: Precision,
    /// `create`: the creation.
    pub create: Option<Stamp>,
    /// `perm`: what the user who asks may do with it.
    pub perm: Option<Perm>,
    /// `unique`: two names with the same value are the same file.
    pub unique: Option<Vec<u8>>,
    /// `UNIX.mode`: permission bits, 0 to 0o7777.
    pub unix_mode: Option<u32>,
    /// `UNIX.owner`: a name or a number.
    pub unix_owner: Option<Vec<u8>>,
    /// `UNIX.group`: a name or a number.
    pub unix_group: Option<Vec<u8>>,
    /// `media-type`: as the IANA registers them.
    pub media_type: Option<Vec<u8>>,
}

/// A name that holds CR, LF or NUL and so cannot stand on a line of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlistable;

impl core::fmt::Display for Unlistable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the name holds a line end or a NUL byte and cannot stand on a line")
    }
}

impl core::error::Error for Unlistable {}

/// Checks that a name can stand on a line of a listing.
pub fn listable(name: &[u8]) -> Result<(), Unlistable> {
    let bad = name.iter().fold(false, |bad, b| bad | matches!(b, b'\r' | b'\n' | b'\0'));
    if bad { Err(Unlistable) } else { Ok(()) }
}

impl Entry {
    /// Reads one line of `MLSD`, or of the answer to `MLST` without the blank it starts with; no line end.
    ///
    /// `None`: it is no such line, as it has no blank, no name, or something before the blank that is no
    /// fact. A fact that nobody knows, or whose value makes no sense (a size over 2^64, a date that does not
    /// exist), is passed over. A fact that comes twice counts the last time. The last `;` may be missing, as
    /// some servers forget it.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let at = line.iter().position(|b| *b == b' ')?;
        let (facts, name) = (&line[..at], &line[at + 1..]);
        if name.is_empty() {
            return None;
        }
        Some(Self { name: name.to_vec(), facts: Facts::parse(facts)? })
    }
}

impl Facts {
    /// Reads `fact=value;fact=value;`, which may be empty. `None` when a part of it is no fact.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut facts = Self::default();
        for fact in text.strip_suffix(b";").unwrap_or(text).split(|b| *b == b';') {
            if text.is_empty() {
                break;
            }
            let at = fact.iter().position(|b| *b == b'=').filter(|at| *at > 0)?;
            let value = &fact[at + 1..];
            match Fact::parse(&fact[..at]) {
                Some(Fact::Type) => facts.kind = Some(EntryType::parse(value)),
                Some(Fact::Size) => facts.size = decimal(value),
                Some(Fact::Modify) => facts.modify = Stamp::parse(value),
                Some(Fact::Create) => facts.create = Stamp::parse(value),
                Some(Fact::Perm) => facts.perm = Some(Perm::parse(value)),
                Some(Fact::Unique) => facts.unique = Some(value.to_vec()),
                Some(Fact::UnixMode) => facts.unix_mode = mode(value),
                Some(Fact::UnixOwner) => facts.unix_owner = Some(value.to_vec()),
                Some(Fact::UnixGroup) => facts.unix_group = Some(value.to_vec()),
                Some(Fact::MediaType) => facts.media_type = Some(value.to_vec()),
                None => {}
            }
        }
        Some(facts)
    }

    /// Appends the facts that are both known and wanted, in the order of [`Fact::ALL`], each with its `;`.
    ///
    /// A value with a blank, a `;` or a line end in it (an owner's name could be such) cannot be a fact and
    /// is left out.
    pub fn encode(&self, wanted: &Wanted, out: &mut Vec<u8>) {
        if let Some(kind) = self.kind.as_ref().filter(|_| wanted.has(Fact::Type)) {
            out.extend_from_slice(b"type=");
            kind.encode(out);
            out.push(b';');
        }
        if let Some(size) = self.size.filter(|_| wanted.has(Fact::Size)) {
            out.extend_from_slice(b"size=");
            digits::decimal(size, out);
            out.push(b';');
        }
        if let Some(modify) = self.modify.filter(|_| wanted.has(Fact::Modify)) {
            out.extend_from_slice(b"modify=");
            modify.encode(out);
            out.push(b';');
        }
        if let Some(create) = self.create.filter(|_| wanted.has(Fact::Create)) {
            out.extend_from_slice(b"create=");
            create.encode(out);
            out.push(b';');
        }
        if let Some(perm) = self.perm.filter(|_| wanted.has(Fact::Perm)) {
            out.extend_from_slice(b"perm=");
            perm.encode(out);
            out.push(b';');
        }
        text(b"unique=", self.unique.as_deref().filter(|_| wanted.has(Fact::Unique)), out);
        if let Some(mode) = self.unix_mode.filter(|_| wanted.has(Fact::UnixMode)) {
            out.extend_from_slice(b"UNIX.mode=");
            digits::octal(mode & 0o7777, out);
            out.push(b';');
        }
        text(b"UNIX.owner=", self.unix_owner.as_deref().filter(|_| wanted.has(Fact::UnixOwner)), out);
        text(b"UNIX.group=", self.unix_group.as_deref().filter(|_| wanted.has(Fact::UnixGroup)), out);
        text(b"media-type=", self.media_type.as_deref().filter(|_| wanted.has(Fact::MediaType)), out);
    }

    /// Appends a whole line of `MLSD`: the facts, a blank, the name, CR LF. Nothing is appended for a name
    /// that cannot stand on a line.
    pub fn encode_line(&self, wanted: &Wanted, name: &[u8], out: &mut Vec<u8>) -> Result<(), Unlistable> {
        listable(name)?;
        self.encode(wanted, out);
        out.push(b' ');
        out.extend_from_slice(name);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Sets `unique` from two numbers that name a file on a machine, device and inode; keeps the room it had.
    pub fn set_unique(&mut self, device: u64, inode: u64) {
        let unique = self.unique.get_or_insert_default();
        unique.clear();
        digits::hexadecimal(device, unique);
        unique.push(b'U');
        digits::hexadecimal(inode, unique);
    }
}

/// Appends a fact whose value is text.
fn text(label: &[u8], value: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(value) = value.filter(|v| is_value(v)) {
        out.extend_from_slice(label);
        out.extend_from_slice(value);
        out.push(b';');
    }
}

/// Can the bytes be the value of a fact?
fn is_value(text: &[u8]) -> bool {
    !text.iter().any(|b| matches!(b, b' ' | b';' | b'\r' | b'\n' | b'\0'))
}

/// Octal digits, as many as a mode with a file type in front has; the type is cut off.
pub(crate) fn mode(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 7 {
        return None;
    }
    let digit = |b: &u8| b.checked_sub(b'0').filter(|d| *d < 8).map(u32::from);
    text.iter().try_fold(0u32, |n, b| Some(n * 8 + digit(b)?)).map(|n| n & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_a_fact() {
        let entry = Entry::parse(b"type=file;size=3; a;size=9; b").unwrap();
        assert_eq!(entry.name, b"a;size=9; b");
        assert_eq!(entry.facts.size, Some(3));
    }

    #[test]
    fn what_is_not_understood_is_absent() {
        let entry = Entry::parse(
            b"Type=OS.unix=slink:/x;Size=99999999999999999999;modify=20261301000000;UNIX.mode=0648;x.y=1 n",
        )
        .unwrap();
        let kind = Some(EntryType::Link(Some(b"/x".to_vec())));
        assert_eq!(entry, Entry { name: b"n".to_vec(), facts: Facts { kind, ..Facts::default() } });
        assert_eq!(
            Entry::parse(b"UNIX.mode=00000644 name ").unwrap(),
            Entry { name: b"name ".to_vec(), facts: Facts::default() }
        );
        for line in [&b"name"[..], b"", b"type=file; ", b"-rw-r--r-- 1 x", b"=3; x", b"a=1;; x"] {
            assert_eq!(Entry::parse(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_line_of_a_server() {
        let mut facts = Facts {
            kind: Some(EntryType::File),
            size: Some(4161),
            modify: Some(Stamp::from_seconds(0)),
            perm: Some(Perm::READ | Perm::APPEND | Perm::WRITE),
            unix_mode: Some(0o644),
            unix_owner: Some(b"a b".to_vec()),
            ..Facts::default()
        };
        facts.set_unique(0x803, 42);
        let mut out = Vec::new();
        facts.encode_line(&Wanted::default(), b"x y", &mut out).unwrap();
        assert_eq!(
            out,
            b"type=file;size=4161;modify=19700101000000;perm=arw;unique=803U2a;UNIX.mode=0644; x y\r\n"
        );
        let read = Entry::parse(&out[..out.len() - 2]).unwrap();
        assert_eq!(read.facts, Facts { unix_owner: None, ..facts.clone() }, "the owner is not asked for");
        assert_eq!(facts.encode_line(&Wanted::default(), b"x\ny", &mut out), Err(Unlistable));
    }
}
