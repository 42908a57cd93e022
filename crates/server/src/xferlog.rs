//! How is a transfer written for the tools that read the classic transfer log (xferlog(5) of wu-ftpd)?
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The log file, open for appending; each line goes out in one write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Xferlog(Arc<Named>);

#[derive(Debug)]
struct Named {
    path: PathBuf,
    file: Mutex<File>,
}

/// One transfer, as the classic log tells it.
#[derive(Debug)]
pub struct Line<'a> {
    /// How long it took.
    pub took: Duration,
    /// Whose.
    pub peer: IpAddr,
    /// Bytes moved.
    pub bytes: u64,
    /// The path in the tree.
    pub path: &'a [u8],
    /// TYPE A?
    pub ascii: bool,
    /// To the site?
    pub incoming: bool,
    /// The user.
    pub user: &'a str,
    /// One of many who share that name?
    pub anonymous: bool,
    /// Did it end well?
    pub complete: bool,
}

impl Xferlog {
    /// Opens the file, and makes it where there is none.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = Mutex::new(append(path)?);
        Ok(Self(Arc::new(Named { path: path.to_owned(), file })))
    }

    /// Opens the file again by its name, after it has been moved away; where that fails the old one stays in
    /// use.
    pub fn reopen(&self) -> io::Result<()> {
        *self.file() = append(&self.0.path)?;
        Ok(())
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Appends a line.
    pub fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let now = jiff::ZonedDateTime::now();
        self.file().write_all(line.text(&now).as_bytes())
    }

    /// Nothing panics under the lock.
    fn file(&self) -> MutexGuard<'_, File> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Line<'_> {
    fn text(&self, now: &jiff::ZonedDateTime) -> String {
        // Blanks part the fields, so a name keeps none; nor anything else that is not plainly printable.
        let path: String =
            self.path.iter().map(|b| if b.is_ascii_graphic() { *b as char } else { '_' }).collect();
        let user: String = self.user.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
        format!(
            "{} {} {} {} {path} {} _ {} {} {user} ftp 0 * {}\n",
            now.strftime("%a %b %e %H:%M:%S %Y"),
            // Whole seconds, and never 0: readers divide by it.
            self.took.as_secs().max(1),
            self.peer,
            self.bytes,
            if self.ascii { 'a' } else { 'b' },
            if self.incoming { 'i' } else { 'o' },
            if self.anonymous { 'a' } else { 'r' },
            if self.complete { 'c' } else { 'i' },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_forges_no_field_and_no_line() {
        let line = Line {
            took: Duration::from_millis(2500),
            peer: [192, 0, 2, 1].into(),
            bytes: 4096,
            path: b"/a b\n\xe9.bin",
            ascii: false,
            incoming: true,
            user: "alice",
            anonymous: false,
            complete: true,
        };
        let now = jiff::civil::date(2026, 11, 4).at(9, 5, 7, 0).in_tz("UTC").unwrap();
        assert_eq!(
            line.text(&now),
            "Wed Nov  4 09:05:07 2026 2 192.0.2.1 4096 /a_b__.bin b _ i r alice ftp 0 * c\n"
        );
    }
}
