//! What is written on a part: of what is it a part?
//!
//! ```text
//!   pasv part 1
//!   of 64 digits          SHA-256 of server, port, user and path
//!   size 4161             as the server told them before the first byte; a line is missing where it did not
//!   modified 1700000000.0
//!   unique 64 digits      SHA-256 of the fact
//!   ended 4000            here the server said that it was done, though SIZE says more
//!   inode 2053 1234       only in a file: the device and number of the part that it is about
//! ```
//! It is the attribute `user.pasv.part` of the part, or, where the file system has none, a file beside it. A
//! part without a label that can be read is not ours.
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::str::FromStr;

use rustix::fs::{
    AtFlags, Mode, OFlags, XattrFlags, fgetxattr, fremovexattr, fsetxattr, fstat, openat, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use wire::{Pathname, Stamp};

use super::name::label_name;
use super::source::{Likeness, Source};
use super::target::is_ours;

const ATTRIBUTE: &str = "user.pasv.part";
const FIRST: &str = "pasv part 1";

/// More than the longest label.
const LIMIT: usize = 512;

/// Of what a part is a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    /// A digest of where the source is.
    of: String,
    size: Option<u64>,
    modified: Option<Stamp>,
    /// A digest of the fact, which may be long.
    unique: Option<String>,
    /// Where the server said that it was done, though SIZE said more.
    ended: Option<u64>,
}

impl Label {
    /// The label of a part of a source at this place.
    pub(super) fn new(of: &str, source: &Source) -> Self {
        Self {
            of: of.to_owned(),
            size: source.size,
            modified: source.modified,
            unique: source.unique.as_deref().map(digest),
            ended: None,
        }
    }

    /// The same, where the server said that it was done.
    pub(super) fn ending(self, ended: Option<u64>) -> Self {
        Self { ended, ..self }
    }

    /// Is it of the same source?
    pub(super) fn likeness(&self, other: &Self) -> Likeness {
        if self.of != other.of {
            return Likeness::Differs("place");
        }
        let source = |label: &Self| Source {
            size: label.size,
            modified: label.modified,
            unique: label.unique.clone().map(String::into_bytes),
            ..Source::default()
        };
        source(self).likeness(&source(other))
    }

    /// The end that the server told before, if it was of the same source.
    pub(super) fn told_end(&self, now: &Self) -> Option<u64> {
        self.ended.filter(|_| self.of == now.of && self.size == now.size)
    }

    fn encode(&self) -> String {
        let mut text = format!("{FIRST}\nof {}\n", self.of);
        if let Some(size) = self.size {
            text += &format!("size {size}\n");
        }
        if let Some(Stamp { seconds, nanos }) = self.modified {
            text += &format!("modified {seconds}.{nanos}\n");
        }
        if let Some(unique) = &self.unique {
            text += &format!("unique {unique}\n");
        }
        if let Some(ended) = self.ended {
            text += &format!("ended {ended}\n");
        }
        text
    }

    fn parse(text: &[u8]) -> Option<(Self, Option<Inode>)> {
        let mut lines = std::str::from_utf8(text).ok()?.lines();
        if lines.next() != Some(FIRST) {
            return None;
        }
        let (mut label, mut inode) = (Self::default(), None);
        for line in lines {
            let (word, value) = line.split_once(' ')?;
            match word {
                "of" => value.clone_into(&mut label.of),
                "size" => label.size = Some(number(value)?),
                "modified" => {
                    let (seconds, nanos) = value.split_once('.')?;
                    label.modified = Some(Stamp { seconds: number(seconds)?, nanos: number(nanos)? });
                }
                "unique" => label.unique = Some(value.to_owned()),
                "ended" => label.ended = Some(number(value)?),
                "inode" => {
                    let (device, file) = value.split_once(' ')?;
                    inode = Some((number(device)?, number(file)?));
                }
                _ => return None,
            }
        }
        (!label.of.is_empty()).then_some((label, inode))
    }

    /// Reads the label of a part that lies in `dir` under `name`.
    pub(super) fn read(part: &File, dir: BorrowedFd<'_>, name: &OsStr) -> Option<Self> {
        let mut text = Vec::with_capacity(LIMIT);
        match fgetxattr(part, ATTRIBUTE, rustix::buffer::spare_capacity(&mut text)) {
            Ok(_) => Some(Self::parse(&text)?.0),
            Err(Errno::OPNOTSUPP) => Self::read_beside(part, dir, name),
            Err(_) => None,
        }
    }

    /// Writes it. Where the file system has no attributes, into a file beside the part.
    pub(super) fn write(&self, part: &File, dir: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
        match fsetxattr(part, ATTRIBUTE, self.encode().as_bytes(), XattrFlags::empty()) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP) => self.write_beside(part, dir, name),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes it as an attribute; false where that cannot be.
    pub(super) fn write_attribute(&self, part: &File) -> bool {
        fsetxattr(part, ATTRIBUTE, self.encode().as_bytes(), XattrFlags::empty()).is_ok()
    }

    /// Takes it off a part, which is none any more.
    pub(super) fn remove(part: &File, dir: BorrowedFd<'_>, name: &OsStr) {
        // A published file may keep the attribute; and of two places only one has it.
        if fremovexattr(part, ATTRIBUTE) == Err(Errno::OPNOTSUPP) {
            Self::remove_beside(dir, name);
        }
    }

    fn read_beside(part: &File, dir: BorrowedFd<'_>, name: &OsStr) -> Option<Self> {
        let (label, about) = Self::beside(dir, name)?;
        (about.is_some() && about == inode_of(part)).then_some(label)
    }

    /// What is in the file beside a part, if that is a label.
    fn beside(dir: BorrowedFd<'_>, name: &OsStr) -> Option<(Self, Option<Inode>)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(openat(dir, label_name(name), flags, Mode::empty()).ok()?);
        if !is_ours(&fstat(&file).ok()?) {
            return None;
        }
        let mut text = Vec::new();
        file.take(LIMIT as u64).read_to_end(&mut text).ok()?;
        Self::parse(&text)
    }

    fn write_beside(&self, part: &File, dir: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
        let (device, file) = inode_of(part).ok_or(io::ErrorKind::Other)?;
        Self::remove_beside(dir, name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut beside = File::from(openat(dir, label_name(name), flags, Mode::RUSR | Mode::WUSR)?);
        beside.write_all(format!("{}inode {device} {file}\n", self.encode()).as_bytes())
    }

    /// Removes the label beside a part that is ours: whatever part it was about, that is gone.
    fn remove_beside(dir: BorrowedFd<'_>, name: &OsStr) {
        if Self::beside(dir, name).is_some() {
            // One that stays makes nothing a part.
            let _ = unlinkat(dir, label_name(name), AtFlags::empty());
        }
    }
}

/// Where a source is, as a label has it. The scheme is no part of it: ftp and ftps lead to the same files.
pub(super) fn place(host: &str, port: u16, user: &[u8], path: &Pathname) -> String {
    let mut text = format!("{}\0{port}\0", host.to_ascii_lowercase()).into_bytes();
    text.extend_from_slice(user);
    text.push(0);
    text.extend_from_slice(path.as_bytes());
    digest(&text)
}

/// Device and number.
type Inode = (u64, u64);

fn inode_of(file: impl AsFd) -> Option<Inode> {
    let stat = fstat(file).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        let source = Source {
            size: Some(7),
            modified: Some(Stamp { seconds: -3, nanos: 5 }),
            unique: Some(b"u".to_vec()),
            ..Source::default()
        };
        let path = Pathname::new("a/b").unwrap();
        Label { ended: Some(6), ..Label::new(&place("Host", 21, b"me", &path), &source) }
    }

    #[test]
    fn a_label_is_read_as_it_was_written() {
        let text = label().encode();
        assert!(text.len() < LIMIT / 2);
        assert_eq!(Label::parse(text.as_bytes()), Some((label(), None)));
        for damaged in [
            &text[1..],
            &text[..text.len() - 3],
            "pasv part 1\n",
            "pasv part 2\nof x\n",
            "pasv part 1\nof x\nnew 1\n",
        ] {
            assert_ne!(Label::parse(damaged.as_bytes()), Some((label(), None)), "{damaged}");
        }
        let other = Pathname::new("a/c").unwrap();
        let elsewhere = Label { of: place("host", 21, b"me", &other), ..label() };
        assert_eq!(label().likeness(&elsewhere), Likeness::Differs("place"));
        assert_eq!(label().likeness(&label()), Likeness::Same);
    }

    #[test]
    fn a_file_beside_the_part_does_as_well_and_is_about_that_part_only() {
        let folder = tempfile::tempdir().unwrap();
        let dir = File::open(folder.path()).unwrap();
        let name = super::super::name::part_name(OsStr::new("x"));
        let part = File::create(folder.path().join(&name)).unwrap();
        assert_eq!(Label::read_beside(&part, dir.as_fd(), &name), None);
        for _ in 0..2 {
            label().write_beside(&part, dir.as_fd(), &name).unwrap();
            assert_eq!(Label::read_beside(&part, dir.as_fd(), &name), Some(label()));
        }
        // The user's own file in the part's place is no part by it.
        let own = File::create(folder.path().join("own")).unwrap();
        std::fs::rename(folder.path().join("own"), folder.path().join(&name)).unwrap();
        assert_eq!(Label::read_beside(&own, dir.as_fd(), &name), None);
        // Nor is a link, or what others may write.
        Label::remove_beside(dir.as_fd(), &name);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::os::unix::fs::symlink(folder.path().join(&name), folder.path().join(label_name(&name))).unwrap();
        assert!(label().write_beside(&own, dir.as_fd(), &name).is_err());
    }
}
