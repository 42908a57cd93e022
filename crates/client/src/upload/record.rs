//! What did this machine begin to upload, and was it this file?
//!
//! A server may keep a broken upload where nothing but SIZE sees it, so that its bytes cannot be compared
//! with ours. That they are ours is known from here: a small file for each upload that is under way or was
//! broken off,
//!
//! ```text
//!   $XDG_STATE_HOME/pasv/uploads/SHA-256(host, port, user, path):   2 DEVICE INODE LENGTH MTIME.NS CTIME.NS WAS [BYTES SENT]
//! ```
//! where WAS is what the site told of the name before: `none`, SIZE, SIZE@MDTM, or `?`. A server may keep the
//! file that was there until ours is whole, or refuse ours: what has still that SIZE and time is not ours.
//! The record is written before the first byte goes, removed when the file has arrived (unless it may still
//! change within the second that is its time), and of no use after thirty days. The process may be killed at
//! any time: without the last number any length up to that of the file may have been sent.
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use wire::{Pathname, Stamp};

use crate::memory::file::{make_folder, new_beside};

/// Servers keep a part for some days at most.
const EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// No record is longer.
const LONGEST: u64 = 256;

/// A file of ours, and what changes when it does. Equal means: the same file, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    device: u64,
    inode: u64,
    pub(crate) length: u64,
    /// Seconds since 1970, and nanoseconds.
    modified: (i64, i64),
    /// Of the inode: it cannot be set back.
    changed: (i64, i64),
}

impl Snapshot {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    /// The time of modification, to the second as MFMT sets it; none before 1970.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        (self.modified.0 >= 0).then(|| Stamp::from_seconds(self.modified.0))
    }

    /// May it still be changed without another time of modification, to the second? The kernel's time is some
    /// ticks old.
    pub(crate) fn is_fresh(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        now.saturating_sub(Duration::from_millis(20)).as_secs() <= u64::try_from(self.modified.0).unwrap_or(0)
    }

    fn read(words: &[&str]) -> Option<Self> {
        let [device, inode, length, modified, changed] = words else { return None };
        let time = |word: &str| {
            let (seconds, nanos) = word.split_once('.')?;
            Some((seconds.parse().ok()?, nanos.parse().ok()?))
        };
        Some(Self {
            device: device.parse().ok()?,
            inode: inode.parse().ok()?,
            length: length.parse().ok()?,
            modified: time(modified)?,
            changed: time(changed)?,
        })
    }
}

impl From<&Metadata> for Snapshot {
    fn from(of: &Metadata) -> Self {
        Self {
            device: of.dev(),
            inode: of.ino(),
            length: of.len(),
            modified: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
        }
    }
}

/// What the site told of the name before the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    /// It was not asked, or not answered.
    Unknown,
    /// There was no such file (550 to SIZE).
    Absent,
    /// SIZE, and MDTM in seconds since 1970 where that was told.
    There { size: u64, time: Option<i64> },
}

impl Was {
    /// Is what is there now, with this SIZE and MDTM, known to be something else?
    pub(crate) fn is_other_than(self, size: u64, time: Option<i64>) -> bool {
        match self {
            Self::Unknown => false,
            Self::Absent => true,
            Self::There { size: was, .. } if was != size => true,
            Self::There { time: was, .. } => matches!((was, time), (Some(was), Some(time)) if was != time),
        }
    }

    fn read(word: &str) -> Option<Self> {
        Some(match (word, word.split_once('@')) {
            ("?", _) => Self::Unknown,
            ("none", _) => Self::Absent,
            (_, Some((size, time))) => {
                Self::There { size: size.parse().ok()?, time: Some(time.parse().ok()?) }
            }
            (size, None) => Self::There { size: size.parse().ok()?, time: None },
        })
    }
}

impl fmt::Display for Was {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("?"),
            Self::Absent => f.write_str("none"),
            Self::There { size, time: None } => write!(f, "{size}"),
            Self::There { size, time: Some(time) } => write!(f, "{size}@{time}"),
        }
    }
}

/// What is known of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) ours: Snapshot,
    pub(crate) was: Was,
    /// No more than this was sent; none: that is not known.
    pub(crate) sent: Option<u64>,
}

/// The records, in a folder of this user's.
#[derive(Clone, Debug)]
pub struct Records {
    folder: PathBuf,
}

/// Where one record is.
#[derive(Clone, Debug)]
pub(crate) struct RecordFile(PathBuf);

impl Records {
    /// In this folder, which is made when it is needed.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    pub(crate) fn file(&self, host: &str, port: u16, user: &[u8], path: &Pathname) -> RecordFile {
        let mut hash = Sha256::new();
        // No part of it holds a NUL.
        for part in [host.to_ascii_lowercase().as_bytes(), port.to_string().as_bytes(), user, path.as_bytes()]
        {
            hash.update(part);
            hash.update([0]);
        }
        let name: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        RecordFile(self.folder.join(name))
    }

    /// Removes what is of no use any more.
    pub(crate) fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let modified = entry.metadata().and_then(|of| of.modified());
            if modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > EXPIRY))
            {
                // What cannot be removed is of no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl RecordFile {
    pub(crate) fn look(&self) -> Option<Record> {
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(File::open(&self.0).ok()?, LONGEST), &mut text).ok()?;
        let words: Vec<_> = text.strip_suffix('\n')?.split(' ').collect();
        let (ours, was, sent) = match words.split_first()? {
            (&"2", [ours @ .., was, sent]) if ours.len() == 5 => (ours, was, Some(sent.parse().ok()?)),
            (&"2", [ours @ .., was]) => (ours, was, None),
            _ => return None,
        };
        Some(Record { ours: Snapshot::read(ours)?, was: Was::read(was)?, sent })
    }

    /// In one step: a reader sees all of it or nothing.
    pub(crate) fn keep(&self, record: Record) -> io::Result<()> {
        let Snapshot { device, inode, length, modified, changed } = record.ours;
        let sent = record.sent.map(|sent| format!(" {sent}")).unwrap_or_default();
        let text = format!(
            "2 {device} {inode} {length} {}.{} {}.{} {}{sent}\n",
            modified.0, modified.1, changed.0, changed.1, record.was
        );
        make_folder(&self.0)?;
        // Not brought to the disk: after a power failure it may be lost, and the file is sent whole.
        new_beside(&self.0, text.as_bytes())?.persist(&self.0)?;
        Ok(())
    }

    pub(crate) fn forget(&self) {
        // That it is not there is fine; one that cannot be removed is of another file sooner or later.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_one_file_at_one_place_and_is_damaged_or_whole() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::in_folder(folder.path().join("a/uploads"));
        let path = |text: &str| Pathname::new(text).unwrap();
        let file = records.file("Host", 21, b"ada", &path("a"));
        assert_eq!(file.look(), None);
        let ours_at = folder.path().join("ours");
        fs::write(&ours_at, "abc").unwrap();
        let ours = Snapshot::of(&File::open(&ours_at).unwrap()).unwrap();
        let there = |time| Was::There { size: 7, time };
        for was in [Was::Unknown, Was::Absent, there(None), there(Some(-5))] {
            for sent in [None, Some(2)] {
                file.keep(Record { ours, was, sent }).unwrap();
                assert_eq!(file.look(), Some(Record { ours, was, sent }));
            }
        }
        assert_eq!(records.file("host", 21, b"ada", &path("a")).look().unwrap().sent, Some(2));
        for other in [
            records.file("host", 22, b"ada", &path("a")),
            records.file("host", 21, b"bob", &path("a")),
            records.file("host", 21, b"ada", &path("b")),
        ] {
            assert_eq!(other.look(), None);
        }
        fs::write(&ours_at, "abd").unwrap();
        assert_ne!(Snapshot::of(&File::open(&ours_at).unwrap()).unwrap(), ours);

        let text = fs::read(&file.0).unwrap();
        for end in 0..text.len() {
            fs::write(&file.0, &text[..end]).unwrap();
            assert_eq!(file.look(), None, "{end}");
        }
        file.forget();
        assert_eq!(fs::read_dir(folder.path().join("a/uploads")).unwrap().count(), 0);
    }
    #[test]
    fn what_has_still_the_size_and_the_time_is_not_another() {
        let there = |time| Was::There { size: 7, time };
        for (was, size, time, other) in [
            (Was::Unknown, 5, Some(1), false),
            (Was::Absent, 5, None, true),
            (there(Some(1)), 5, Some(1), true),
            (there(None), 5, None, true),
            (there(Some(1)), 7, Some(1), false),
            (there(Some(1)), 7, Some(2), true),
            (there(Some(1)), 7, None, false),
            (there(None), 7, Some(1), false),
        ] {
            assert_eq!(was.is_other_than(size, time), other, "{was:?} {size} {time:?}");
        }
    }
}
