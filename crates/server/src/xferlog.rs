//! How is a transfer written for the tools that read the classic transfer log (xferlog(5) of wu-ftpd)?
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// The log file, open for appending; each line goes out in one write.
#[derive(Debug)]
pub struct Xferlog(File);

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
    /// The user; anonymous ones are told apart.
    pub user: &'a str,
    /// Did it end well?
    pub complete: bool,
}

impl Xferlog {
    /// Opens the file, and makes it where there is none.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Appends a line.
    pub fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let now = jiff::ZonedDateTime::now();
        (&self.0).write_all(line.text(&now).as_bytes())
    }
}

impl Line<'_> {
    fn text(&self, now: &jiff::ZonedDateTime) -> String {
        // Blanks part the fields, so a name keeps none; nor anything else that is not plainly printable.
        let path: String =
            self.path.iter().map(|b| if b.is_ascii_graphic() { *b as char } else { '_' }).collect();
        let user: String = self.user.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
        let anonymous = matches!(user.as_str(), "anonymous" | "ftp");
        format!(
            "{} {} {} {} {path} {} _ {} {} {user} ftp 0 * {}\n",
            now.strftime("%a %b %e %H:%M:%S %Y"),
            // Whole seconds, and never 0: readers divide by it.
            self.took.as_secs().max(1),
            self.peer,
            self.bytes,
            if self.ascii { 'a' } else { 'b' },
            if self.incoming { 'i' } else { 'o' },
            if anonymous { 'a' } else { 'r' },
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
            complete: true,
        };
        let now = jiff::civil::date(2026, 11, 4).at(9, 5, 7, 0).in_tz("UTC").unwrap();
        assert_eq!(
            line.text(&now),
            "Wed Nov  4 09:05:07 2026 2 192.0.2.1 4096 /a_b__.bin b _ i r alice ftp 0 * c\n"
        );
    }
}
