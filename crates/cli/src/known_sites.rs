//! Which sites have been seen with TLS, and what was their certificate?
//!
//! `$XDG_STATE_HOME/pasv/known_sites`, else `~/.local/state/pasv/known_sites`, a line for each site:
//!
//! ```text
//!   ftp.example.org:21 pinned sha256:9f86...0f00 2026-11-24T15:00:00Z     taken on somebody's word, and no other since
//!   ftp.example.net:990 verified sha256:2c26...7ae2 2026-11-24T15:00:00Z  the authorities vouched for it
//! ```
//! A line says that TLS was seen there, and when first: clear text is then refused. Lines that are none of these are kept.
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use net::tls::Fingerprint;
use rustix::fs::{FlockOperation, flock};
use wire::Stamp;

use crate::entry::iso;

/// Some ten thousand sites: a file that is larger is another file.
const LONGEST: u64 = 2 * 1024 * 1024;

/// Why a certificate was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// A person, or the first visit, said so: no other certificate is taken.
    Pinned,
    /// The system's authorities vouch for it: one that they vouch for too may follow.
    Verified,
}

impl Basis {
    fn word(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Verified => "verified",
        }
    }
}

/// What is known of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) basis: Basis,
    pub(crate) fingerprint: Fingerprint,
    /// When TLS was first seen there, as RFC 3339.
    pub(crate) since: String,
}

/// The file.
#[derive(Clone, Debug)]
pub(crate) struct KnownSites(PathBuf);

/// The name of a site in the file.
pub(crate) fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl KnownSites {
    /// Where the environment puts it; none where there is no home.
    pub(crate) fn find() -> Option<Self> {
        // A relative path is to be ignored (XDG Base Directory Specification).
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
        Some(Self(state.join("pasv/known_sites")))
    }

    #[cfg(test)]
    fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What is known of a site. No file knows nothing; one that cannot be read is an error, since it may know of a change.
    pub(crate) fn get(&self, name: &str) -> io::Result<Option<Known>> {
        Ok(self.text()?.lines().find_map(|line| parse(line, name)))
    }

    /// Remembers a site, from now on or since when it is known.
    pub(crate) fn put(&self, name: &str, basis: Basis, fingerprint: Fingerprint) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Two of us at once would each forget what the other has learned.
        let lock = File::open(folder)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        let before = self.text()?;
        let since = before.lines().find_map(|line| parse(line, name)).map_or_else(now, |known| known.since);
        let mut text: String =
            before.lines().filter(|line| parse(line, name).is_none()).flat_map(|line| [line, "\n"]).collect();
        text.push_str(&format!("{name} {} {fingerprint} {since}\n", basis.word()));
        if text == before {
            return Ok(());
        }
        let fresh = self.0.with_extension("new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.0)
    }

    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        match File::open(&self.0) {
            Ok(file) => file.take(LONGEST).read_to_string(&mut text).map(|_| text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(text),
            Err(error) => Err(error),
        }
    }
}

fn parse(line: &str, name: &str) -> Option<Known> {
    let mut words = line.split_ascii_whitespace();
    if words.next()? != name {
        return None;
    }
    let basis = match words.next()? {
        "pinned" => Basis::Pinned,
        "verified" => Basis::Verified,
        _ => return None,
    };
    let fingerprint = words.next()?.parse().ok()?;
    Some(Known { basis, fingerprint, since: words.next().unwrap_or("-").to_owned() })
}

fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    iso(Stamp::from_seconds(i64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn print(digit: char) -> Fingerprint {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    #[test]
    fn a_site_is_remembered_and_others_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().join("state/known_sites"));
        let (one, two) = (name("FTP.example", 21), name("::1", 990));
        assert_eq!((one.as_str(), two.as_str()), ("ftp.example:21", "[::1]:990"));
        assert_eq!(sites.get(&one).unwrap(), None);
        sites.put(&one, Basis::Pinned, print('a')).unwrap();
        let since = sites.get(&one).unwrap().unwrap().since;
        fs::write(sites.path(), format!("# mine\n{}", sites.text().unwrap())).unwrap();
        sites.put(&two, Basis::Verified, print('b')).unwrap();
        sites.put(&one, Basis::Verified, print('c')).unwrap();
        let known = sites.get(&one).unwrap().unwrap();
        assert_eq!(known, Known { basis: Basis::Verified, fingerprint: print('c'), since });
        assert_eq!(sites.get(&two).unwrap().unwrap().fingerprint, print('b'));
        assert!(sites.text().unwrap().starts_with("# mine\n"));
        assert_eq!(sites.text().unwrap().lines().count(), 3);
        assert_eq!(fs::metadata(sites.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().to_owned());
        assert!(sites.get("a:21").is_err());
    }
}
