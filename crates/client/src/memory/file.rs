//! Where are the files of the memory, and how are they changed without losing a line?
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;

use crate::options::{Endpoint, canonical};

/// `$XDG_STATE_HOME/pasv`, else `~/.local/state/pasv`; none where there is no home. A relative path is
/// ignored (XDG Base Directory Specification).
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("pasv"))
}

/// Makes the folder of a file, for its owner only, and locks it: two programs at once would each lose what
/// the other has learned.
pub(super) fn lock(file: &Path) -> io::Result<File> {
    make_folder(file)?;
    lock_existing(file)
}

/// Makes the folder of a file, for its owner only.
pub(crate) fn make_folder(file: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder_of(file))
}

/// The same where the folder is not made.
fn lock_existing(file: &Path) -> io::Result<File> {
    let lock = File::open(folder_of(file))?;
    lock.lock()?;
    Ok(lock)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

/// The bytes of a file; none where there is no file. One that is longer than `limit` is something else.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match fs::metadata(path) {
        // A pipe would be waited for.
        Ok(there) if !there.is_file() => return Err(io::Error::other("it is not a regular file")),
        Ok(_) => File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bytes),
        Err(error) => return Err(error),
    };
    if bytes.len() as u64 > limit {
        return Err(io::Error::other("it is too large to be a list of servers"));
    }
    Ok(bytes)
}

/// Replaces a file in one step, mode 0600, and brings it to the disk. Where a person has put a link, the file
/// that it leads to is replaced.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = new_beside(&path, content)?;
    new.as_file().sync_all()?;
    new.persist(&path)?;
    Ok(())
}

/// A new file with this content, to be renamed to `path`.
pub(crate) fn new_beside(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new().suffix(".new").tempfile_in(folder_of(path))?;
    new.write_all(content)?;
    Ok(new)
}

/// Removes the lines about a host, or one port of it: the lines that are gone.
pub(super) fn forget(path: &Path, limit: u64, host: &str, port: Option<u16>) -> io::Result<Vec<String>> {
    let _lock = match lock_existing(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let host = canonical(host);
    let (text, gone) = without(&read(path, limit)?, |name| match port {
        Some(port) => name == Endpoint::new(host.as_str(), port).to_string(),
        None => name.rsplit_once(':').is_some_and(|(named, _)| named == host),
    });
    if !gone.is_empty() {
        replace(path, &text)?;
    }
    Ok(gone)
}

/// The lines as they are, without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n')
}

/// The name that a line begins with; none where it is empty or a remark.
pub(super) fn first_word(line: &[u8]) -> Option<&str> {
    let line = line.trim_ascii_start();
    let word = line.split(u8::is_ascii_whitespace).next()?;
    if word.is_empty() || word.starts_with(b"#") {
        return None;
    }
    Some(std::str::from_utf8(word).unwrap_or("?"))
}

/// What is left without the lines of some places, and those lines.
pub(super) fn without(bytes: &[u8], name: impl Fn(&str) -> bool) -> (Vec<u8>, Vec<String>) {
    let (mut rest, mut gone) = (Vec::new(), Vec::new());
    if bytes.is_empty() {
        return (rest, gone);
    }
    for line in lines(bytes) {
        if first_word(line).is_some_and(&name) {
            gone.push(wire::pathname::show(line));
        } else {
            rest.extend_from_slice(line);
            rest.push(b'\n');
        }
    }
    (rest, gone)
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    i64::try_from(seconds).unwrap_or(0)
}
