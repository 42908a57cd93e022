//! How does a file come onto our disk: under its name only when it is whole?
//!
//! Until then it is `.NAME.part` beside it, which is kept when a transfer breaks, so that `-c` can go on.
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wire::Stamp;

/// What a file system here takes as a name.
const NAME: usize = 255;

/// Start from nothing, or where the last try ended?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// What a broken try left is thrown away.
    Afresh,
    /// What a broken try left is kept; so is a shorter file under the name itself, of another program perhaps.
    WhereItEnded,
}

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Part {
    target: PathBuf,
    path: PathBuf,
    /// The file to write to.
    pub(crate) file: Arc<File>,
    /// How many bytes it has already.
    pub(crate) have: u64,
}

/// What there was to open.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A part to go on with.
    Part(Part),
    /// The file is there, and as long as it should be.
    AlreadyWhole,
    /// What is there is longer than it should be: another file. Its length.
    TooLong(u64),
}

impl Part {
    /// Where it is until it is whole.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the part of `target`, which should become `size` bytes long, if that is known.
    pub(crate) fn open(target: &Path, start: Start, size: Option<u64>) -> io::Result<Opened> {
        let path = part_path(target)?;
        if target.is_dir() {
            // Better said now than when all bytes have come.
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if start == Start::WhereItEnded
            && !path.try_exists()?
            && let Ok(there) = fs::metadata(target)
        {
            match (there.len(), size) {
                (have, Some(size)) if have == size => return Ok(Opened::AlreadyWhole),
                (have, Some(size)) if have > size => return Ok(Opened::TooLong(have)),
                _ => fs::rename(target, &path)?,
            }
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(start == Start::Afresh)
            .open(&path)?;
        let have = file.metadata()?.len();
        if size.is_some_and(|size| have > size) {
            return Ok(Opened::TooLong(have));
        }
        Ok(Opened::Part(Self { target: target.to_owned(), path, file: Arc::new(file), have }))
    }

    /// The file is whole: it gets its time and its name.
    pub(crate) fn publish(self, modified: Option<Stamp>) -> io::Result<()> {
        if let Some(time) = modified.and_then(system_time) {
            self.file.set_modified(time)?;
        }
        fs::rename(&self.path, &self.target)
    }

    /// It broke off: what came is kept, unless it is nothing. Says whether there is something to go on with.
    pub(crate) fn keep(self) -> bool {
        let something = self.file.metadata().is_ok_and(|m| m.len() > 0);
        if !something {
            // An empty part is of no use; that it cannot be removed is of no harm.
            let _ = fs::remove_file(&self.path);
        }
        something
    }
}

/// A stamp as the system has it; none for times that the system cannot hold.
pub(crate) fn system_time(stamp: Stamp) -> Option<SystemTime> {
    let nanos = Duration::from_nanos(u64::from(stamp.nanos));
    let whole = match u64::try_from(stamp.seconds) {
        Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after))?,
        Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(stamp.seconds.unsigned_abs()))?,
    };
    whole.checked_add(nanos)
}

fn part_path(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok(target.with_file_name(part_name(name)))
}

/// `.NAME.part`; of a name that leaves no room for that its start and a digest of the whole.
fn part_name(name: &OsStr) -> OsString {
    let name = name.as_bytes();
    let mut part = b".".to_vec();
    if name.len() + ".".len() + ".part".len() <= NAME {
        part.extend_from_slice(name);
    } else {
        // FNV-1a: the names of one folder are told apart well enough.
        let digest = name
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
        part.extend_from_slice(name.get(..200).unwrap_or(name));
        part.extend_from_slice(format!("~{digest:016x}").as_bytes());
    }
    part.extend_from_slice(b".part");
    OsString::from_vec(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn part(opened: Opened) -> Part {
        match opened {
            Opened::Part(part) => part,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let first = part(Part::open(&target, Start::Afresh, Some(6)).unwrap());
        (&*first.file).write_all(b"abc").unwrap();
        assert!(first.keep());
        assert!(!target.exists());

        let second = part(Part::open(&target, Start::WhereItEnded, Some(6)).unwrap());
        assert_eq!(second.have, 3);
        second.publish(Some(Stamp::from_seconds(1_000_000_000))).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"abc");
        let modified = fs::metadata(&target).unwrap().modified().unwrap();
        assert_eq!(modified, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        assert!(!folder.path().join(".x.part").exists());

        assert!(matches!(Part::open(&target, Start::WhereItEnded, Some(3)).unwrap(), Opened::AlreadyWhole));
        assert!(matches!(Part::open(&target, Start::WhereItEnded, Some(2)).unwrap(), Opened::TooLong(3)));
        assert_eq!(part(Part::open(&target, Start::WhereItEnded, None).unwrap()).have, 3);
    }

    #[test]
    fn long_names_have_parts_too() {
        let one = "x".repeat(255);
        let other = format!("{}y", "x".repeat(254));
        let names = [part_name(OsStr::new(&one)), part_name(OsStr::new(&other))];
        assert!(names.iter().all(|n| n.len() <= NAME));
        assert_ne!(names[0], names[1]);
        assert_eq!(part_name(OsStr::new("a")), ".a.part");
    }
}
