//! What is a part called?
//!
//! `.pasv-<32 hexadecimal digits>.part`, and `.pasv-<the same>.from` where its label is a file of its own.
//! The digits are the start of the SHA-256 of the target's name, so that the next run finds the part, also
//! for a name of 255 bytes; or they are random. The server's own parts are `.pasv.<digits>.part`: a folder
//! that is served may be downloaded into.
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use sha2::{Digest, Sha256};

const PREFIX: &[u8] = b".pasv-";
const PART: &[u8] = b".part";
const LABEL: &[u8] = b".from";
const DIGITS: usize = 32;

/// The name of the part of a target with this name.
#[must_use]
pub fn part_name(target: &OsStr) -> OsString {
    spell(&Sha256::digest(target.as_bytes()), PART)
}

/// A name for a part that no other run looks for.
pub(crate) fn random_name() -> io::Result<OsString> {
    let mut random = [0; DIGITS / 2];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(spell(&random, PART))
}

/// Where the label of a part is, if it cannot be an attribute.
pub(super) fn label_name(part: &OsStr) -> OsString {
    let bytes = part.as_bytes();
    let mut name = bytes.strip_suffix(PART).unwrap_or(bytes).to_vec();
    name.extend_from_slice(LABEL);
    OsString::from_vec(name)
}

/// Is it a name that no fetched file is given, as a part may have it? On file systems without case, in any
/// case.
#[must_use]
pub fn is_reserved(name: &OsStr) -> bool {
    let name = name.as_bytes().to_ascii_lowercase();
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    let digits = rest.strip_suffix(PART).or_else(|| rest.strip_suffix(LABEL));
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
}

fn spell(bytes: &[u8], suffix: &[u8]) -> OsString {
    let mut name = PREFIX.to_vec();
    let digits = bytes.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}"));
    name.extend(digits.flat_map(String::into_bytes));
    name.extend_from_slice(suffix);
    OsString::from_vec(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_of_parts_are_reserved_and_no_other() {
        let long = "x".repeat(255);
        for target in ["a", &long, "\u{fe}"] {
            let part = part_name(OsStr::new(target));
            assert!(is_reserved(&part) && is_reserved(&label_name(&part)), "{part:?}");
            assert!(is_reserved(&part.to_ascii_uppercase()));
        }
        assert!(is_reserved(&random_name().unwrap()));
        assert_ne!(random_name().unwrap(), random_name().unwrap());
        assert_ne!(part_name(OsStr::new("a")), part_name(OsStr::from_bytes(b"\xff")));
        let short = format!(".pasv-{}.part", "0".repeat(31));
        for other in [".pasv-.part", ".x.part", ".pasv.0123456789abcdef0123456789abcdef.part", &short] {
            assert!(!is_reserved(OsStr::new(other)), "{other}");
        }
    }
}
