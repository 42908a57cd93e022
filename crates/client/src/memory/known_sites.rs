//! Which servers have been seen with TLS, and what was their certificate?
//!
//! `$XDG_STATE_HOME/pasv/known_sites`, else `~/.local/state/pasv/known_sites`, a line for each server:
//!
//! ```text
//!   ftp.example.org:21 pinned sha256:9f86...0f00 2026-11-24T15:00:00Z    accepted by a person or at first
//!   ftp.example.net:990 verified sha256:2c26...7ae2 2026-11-24T15:00:00Z  signed by a trusted authority
//! ```
//! All of it counts for one port: two servers may share a host. Only 21 and 990 are the two ports of one
//! server (RFC 4217), so TLS that was seen at the one is expected at the other. Lines that are none of these
//! are kept, and there is a warning about them unless they are empty or begin with `#`.
use std::io;
use std::path::{Path, PathBuf};

use net::tls::Fingerprint;
use wire::Stamp;

use super::file::{self, first_word, lines, lock, now, replace, without};
use crate::options::Endpoint;

/// Some ten thousand sites: a file that is larger is another file.
const LONGEST: u64 = 2 * 1024 * 1024;

/// Why a certificate was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
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

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Why it was accepted.
    pub basis: Basis,
    /// Of the certificate.
    pub fingerprint: Fingerprint,
    /// When TLS was first seen there, as RFC 3339.
    pub since: String,
}

/// Does a name of the file, `host:port`, mean this server, perhaps by the other of its two usual ports?
fn is_server_of(name: &str, server: &Endpoint) -> bool {
    const USUAL: [u16; 2] = [21, 990];
    let other = USUAL.iter().find(|port| USUAL.contains(&server.port) && **port != server.port);
    is(name, server) || other.is_some_and(|port| is(name, &Endpoint { port: *port, ..server.clone() }))
}

fn is(name: &str, server: &Endpoint) -> bool {
    name == server.to_string()
}

/// What the file says about a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Its certificate.
    pub known: Option<Known>,
    /// Where TLS was first seen, at this port or the other usual one, and when.
    pub seen: Option<(String, String)>,
    /// The number of a line that begins with the server's name and cannot be read further.
    pub damaged: Option<usize>,
    /// The numbers of all lines that cannot be read.
    pub unread: Vec<usize>,
}

/// What came of an attempt to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is remembered.
    Done,
    /// Not done: another pasv has written about the server meanwhile.
    Meanwhile(Option<Known>),
}

/// The file.
#[derive(Clone, Debug)]
pub struct KnownSites(PathBuf);

impl KnownSites {
    /// Where the environment puts it; none where there is no home.
    #[must_use]
    pub fn find() -> Option<Self> {
        file::folder().map(|folder| Self(folder.join("known_sites")))
    }

    /// This file.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What is known of a server. No file knows nothing; one that cannot be read is an error, since it may
    /// know of a change.
    pub fn look(&self, server: &Endpoint) -> io::Result<Memory> {
        Ok(look(&self.bytes()?, server))
    }

    /// Remembers a server, from now on or since when it is known, where the file still knows what is
    /// `believed`.
    pub fn put(
        &self,
        server: &Endpoint,
        basis: Basis,
        fingerprint: Fingerprint,
        believed: Option<&Known>,
    ) -> io::Result<Put> {
        let _lock = lock(&self.0)?;
        let before = self.bytes()?;
        let known = look(&before, server).known;
        if known.as_ref() != believed {
            return Ok(Put::Meanwhile(known));
        }
        let since = known.map_or_else(|| Stamp::from_seconds(now()).rfc3339(), |known| known.since);
        let (mut text, _) = without(&before, |name| is(name, server));
        text.extend_from_slice(format!("{server} {} {fingerprint} {since}\n", basis.word()).as_bytes());
        self.replace(&before, &text)?;
        Ok(Put::Done)
    }

    /// Forgets a host, or one port of it: the lines that are gone.
    pub fn forget(&self, host: &str, port: Option<u16>) -> io::Result<Vec<String>> {
        file::forget(&self.0, LONGEST, host, port)
    }

    fn replace(&self, before: &[u8], text: &[u8]) -> io::Result<()> {
        if text == before { Ok(()) } else { replace(&self.0, text) }
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        file::read(&self.0, LONGEST)
    }
}

fn look(bytes: &[u8], server: &Endpoint) -> Memory {
    let mut memory = Memory::default();
    for (number, line) in (1..).zip(lines(bytes)) {
        let Some(first) = first_word(line) else { continue };
        let known = std::str::from_utf8(line).ok().and_then(parse);
        if known.is_none() {
            memory.unread.push(number);
        }
        if !is_server_of(first, server) {
            continue;
        }
        let since =
            known.as_ref().map_or("a time that cannot be read", |known| known.since.as_str()).to_owned();
        // RFC 3339 in one time zone is in order as text.
        if memory.seen.as_ref().is_none_or(|(_, earliest)| known.is_some() && since < *earliest) {
            memory.seen = Some((first.to_owned(), since));
        }
        if is(first, server) {
            match known {
                Some(known) => memory.known = memory.known.or(Some(known)),
                None => memory.damaged = memory.damaged.or(Some(number)),
            }
        }
    }
    memory
}

fn parse(line: &str) -> Option<Known> {
    let mut words = line.split_ascii_whitespace();
    let (host, port) = words.next()?.rsplit_once(':')?;
    if host.is_empty() || port.parse::<u16>().is_err() {
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn print(digit: char) -> Fingerprint {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    fn sites() -> (tempfile::TempDir, KnownSites) {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().join("state/known_sites"));
        (folder, sites)
    }

    fn text(sites: &KnownSites) -> String {
        String::from_utf8(sites.bytes().unwrap()).unwrap()
    }

    #[test]
    fn a_site_is_remembered_and_others_are_kept() {
        let (_folder, sites) = sites();
        let (one, two) = (Endpoint::new("FTP.example.", 21), Endpoint::new("::1", 990));
        assert_eq!((one.to_string().as_str(), two.to_string().as_str()), ("ftp.example:21", "[::1]:990"));
        assert_eq!(sites.look(&one).unwrap(), Memory::default());
        assert_eq!(sites.put(&one, Basis::Pinned, print('a'), None).unwrap(), Put::Done);
        let first = sites.look(&one).unwrap().known.unwrap();
        fs::write(sites.path(), format!("# mine\n{}", text(&sites))).unwrap();
        sites.put(&two, Basis::Verified, print('b'), None).unwrap();
        sites.put(&one, Basis::Verified, print('c'), Some(&first)).unwrap();
        let known = sites.look(&one).unwrap().known.unwrap();
        assert_eq!(known, Known { basis: Basis::Verified, fingerprint: print('c'), since: first.since });
        assert_eq!(sites.look(&two).unwrap().known.unwrap().fingerprint, print('b'));
        assert!(text(&sites).starts_with("# mine\n"));
        assert_eq!(text(&sites).lines().count(), 3);
        assert_eq!(fs::metadata(sites.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn tls_that_was_seen_counts_for_its_port_and_990_for_21() {
        let (_folder, sites) = sites();
        sites.put(&Endpoint::new("a.example", 990), Basis::Verified, print('a'), None).unwrap();
        sites.put(&Endpoint::new("b.example", 2121), Basis::Verified, print('a'), None).unwrap();
        assert_eq!(sites.look(&Endpoint::new("b.example", 2122)).unwrap().seen, None);
        assert_eq!(sites.look(&Endpoint::new("b.example", 21)).unwrap().seen, None);
        assert_eq!(sites.look(&Endpoint::new("a.example", 2121)).unwrap().seen, None);
        assert_eq!(sites.look(&Endpoint::new("b.example", 2121)).unwrap().seen.unwrap().0, "b.example:2121");
        let other = sites.look(&Endpoint::new("A.example", 21)).unwrap();
        assert_eq!(other.known, None);
        assert_eq!(other.seen.unwrap().0, "a.example:990");
        assert_eq!(sites.look(&Endpoint::new("example", 990)).unwrap().seen, None);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_kept() {
        let (_folder, sites) = sites();
        let place = Endpoint::new("a", 21);
        sites.put(&Endpoint::new("b", 21), Basis::Pinned, print('b'), None).unwrap();
        let mut bytes = b"# mine\n\na:21 pinned sha256:12\n\xff\xfe nonsense\n".to_vec();
        bytes.extend_from_slice(&sites.bytes().unwrap());
        // As an editor may leave it.
        bytes.pop();
        fs::write(sites.path(), &bytes).unwrap();
        let memory = sites.look(&place).unwrap();
        assert_eq!((memory.damaged, memory.unread), (Some(3), vec![3, 4]));
        assert!(memory.known.is_none() && memory.seen.is_some());
        sites.put(&Endpoint::new("c", 21), Basis::Pinned, print('c'), None).unwrap();
        let after = sites.bytes().unwrap();
        assert!(after.starts_with(&bytes));
        assert_eq!(sites.look(&Endpoint::new("c", 21)).unwrap().known.unwrap().fingerprint, print('c'));
        assert_eq!(sites.look(&Endpoint::new("b", 21)).unwrap().known.unwrap().fingerprint, print('b'));
    }

    #[test]
    fn what_another_has_written_meanwhile_is_not_overwritten() {
        let (_folder, sites) = sites();
        let place = Endpoint::new("a", 21);
        sites.put(&place, Basis::Pinned, print('a'), None).unwrap();
        let there = sites.look(&place).unwrap().known;
        assert_eq!(
            sites.put(&place, Basis::Pinned, print('b'), None).unwrap(),
            Put::Meanwhile(there.clone())
        );
        assert_eq!(sites.look(&place).unwrap().known, there);
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let (_folder, sites) = sites();
        std::thread::scope(|scope| {
            for n in 0..16 {
                let sites = &sites;
                scope.spawn(move || {
                    sites.put(&Endpoint::new(format!("h{n}"), 21), Basis::Pinned, print('a'), None).unwrap()
                });
            }
        });
        assert_eq!(text(&sites).lines().count(), 16);
        assert!(text(&sites).lines().all(|line| parse(line).is_some()));
    }

    #[test]
    fn a_host_is_forgotten_whole_or_by_its_port() {
        let (_folder, sites) = sites();
        assert!(sites.forget("a", None).unwrap().is_empty());
        for (host, port) in [("a", 21), ("a", 990), ("b", 21), ("::1", 21)] {
            sites.put(&Endpoint::new(host, port), Basis::Pinned, print('a'), None).unwrap();
        }
        assert_eq!(sites.forget("A", Some(990)).unwrap().len(), 1);
        assert!(sites.look(&Endpoint::new("a", 990)).unwrap().seen.unwrap().0 == "a:21");
        assert_eq!(sites.forget("a", None).unwrap().len(), 1);
        assert_eq!(sites.forget("[::1]", None).unwrap().len(), 1);
        assert_eq!(text(&sites).lines().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().to_owned());
        assert!(sites.look(&Endpoint::new("a", 21)).is_err());
        let sites = KnownSites::at(folder.path().join("large"));
        File::create(sites.path()).unwrap().set_len(LONGEST + 1).unwrap();
        assert!(sites.look(&Endpoint::new("a", 21)).is_err());
    }
}
