//! Which files do the tests move, and how are they compared?

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Names that have broken FTP programs, each with the word by which a test excepts it.
pub const ODD_NAMES: &[(&str, &[u8])] = &[
    ("blanks", b"two  words.txt"),
    ("edge", b" edge "),
    ("quotes", b"it's \"so\""),
    ("utf-8", "na\u{ef}ve \u{2603}.txt".as_bytes()),
    ("latin-1", b"caf\xe9.txt"),
    ("dash", b"-dash"),
    ("hash", b"a#b"),
    ("percent", b"100%25"),
    ("brackets", b"[a]"),
    ("star", b"star*"),
    ("question", b"what?"),
    ("backslash", b"back\\slash"),
    ("semicolon", b"a;type=i"),
];

/// The odd names without those that a program cannot handle.
pub fn odd_names(except: &[&str]) -> Vec<&'static OsStr> {
    for word in except {
        assert!(ODD_NAMES.iter().any(|(known, _)| known == word), "no odd name is called {word}");
    }
    let able = ODD_NAMES.iter().filter(|(word, _)| !except.contains(word));
    able.map(|(_, name)| OsStr::from_bytes(name)).collect()
}

/// `length` bytes that look random, contain every value and differ for each `seed`.
pub fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Writes `content(seed, length)` as `folder/name` and says where that is.
pub fn write(folder: &Path, name: impl AsRef<Path>, seed: u64, length: usize) -> PathBuf {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a folder for a test's file");
    }
    fs::write(&path, content(seed, length)).expect("a test's file");
    path
}

/// Writes the odd names into `folder`, each file different.
pub fn write_odd(folder: &Path, names: &[&OsStr]) {
    for (seed, name) in names.iter().enumerate() {
        write(folder, name, 1000 + seed as u64, 100 + seed);
    }
}

/// Writes a tree of 300 files in 25 folders, some of them empty, some larger than any buffer.
pub fn write_tree(folder: &Path) {
    for (number, name) in tree_names().enumerate() {
        let length = match number {
            7 | 77 => 300_000,
            _ if number % 25 == 0 => 0,
            _ => number * 37 % 5000,
        };
        write(folder, name, number as u64, length);
    }
}

/// The names of that tree's files.
pub fn tree_names() -> impl Iterator<Item = PathBuf> {
    (0..300).map(|number| {
        let (outer, inner) = (number % 5, number % 20);
        PathBuf::from(match number % 3 {
            0 => format!("part {outer}/inner-{inner}/file {number}.bin"),
            1 => format!("part {outer}/{number}.bin"),
            _ => format!("part {outer}/inner-{inner}/{number}.d\u{e4}t"),
        })
    })
}

/// The names of fifty-two files.
pub fn many_names() -> impl Iterator<Item = PathBuf> {
    (0..52).map(|number| PathBuf::from(format!("{number}.bin")))
}

/// Writes them into `folder`: some empty, some of one record of TLS, some larger than any buffer.
pub fn write_many(folder: &Path) {
    for (number, name) in many_names().enumerate() {
        let length = match number % 10 {
            0 => 0,
            5 => 300_000,
            rest => rest * 1999,
        };
        write(folder, name, number as u64, length);
    }
}

/// Every file below `folder`, by its name from there, with the SHA-256 of its bytes.
pub fn digests(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry of a test's folder").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("a path below its folder").to_owned();
                found.insert(name, digest(&path));
            }
        }
    }
    found
}

/// Is there a file below `folder` that is not empty?
pub fn holds_bytes(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => holds_bytes(&entry.path()),
        Ok(data) => data.len() > 0,
        Err(_) => false,
    })
}

/// Fails unless both folders hold the same names with the same bytes, and at least one.
#[track_caller]
pub fn assert_same(expected: &Path, actual: &Path) {
    let (expected, actual) = (digests(expected), digests(actual));
    assert!(!expected.is_empty(), "nothing to compare");
    let missing: Vec<_> = expected.keys().filter(|name| !actual.contains_key(*name)).collect();
    let surplus: Vec<_> = actual.keys().filter(|name| !expected.contains_key(*name)).collect();
    let differ: Vec<_> =
        expected.iter().filter(|(name, sum)| actual.get(*name).is_some_and(|other| other != *sum)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty() && differ.is_empty(),
        "missing: {missing:?}\nnot asked for: {surplus:?}\nother bytes: {differ:?}"
    );
}

/// Fails unless both files hold the same bytes.
#[track_caller]
pub fn assert_same_file(expected: &Path, actual: &Path) {
    let both = |path: &Path| (fs::metadata(path).map(|about| about.len()).ok(), digest(path));
    assert_eq!(both(expected), both(actual), "{} and {}", expected.display(), actual.display());
}

fn digest(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
