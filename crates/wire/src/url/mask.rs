//! How is text shown without the password of a URL that may be in it?
use alloc::vec::Vec;

/// What stands in place of a password.
const MASK: &[u8] = b"***";

/// Text with `***` in place of what may be a URL's password: all between the first `:` behind the scheme and
/// the last `@`. Rather too much than too little: a password may hold `@` and `/`, and the scheme may be
/// missing or misspelled.
#[must_use]
pub fn masked(text: &[u8]) -> Vec<u8> {
    let start = find(text, b"://").map_or(0, |at| at + 3);
    let Some((colon, width)) = separator(text, start, b':', b"%3a") else { return text.to_vec() };
    let begin = colon + width;
    let end = match last_at(text, begin) {
        Some(at) => at,
        // The shell may have cut a URL at a blank or at `&`: what would have to be a port and is none may be
        // a password.
        None if start > 0 && !is_port(text.get(begin..).unwrap_or_default()) => text.len(),
        None => return text.to_vec(),
    };
    let (before, after) = (text.get(..begin).unwrap_or_default(), text.get(end..).unwrap_or_default());
    [before, MASK, after].concat()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part))
}

/// The first separator, plain or percent-encoded, and how long it is. The colons of an IPv6 address in
/// brackets are none.
fn separator(text: &[u8], start: usize, plain: u8, encoded: &[u8]) -> Option<(usize, usize)> {
    let rest = text.get(start..)?;
    let skipped = match rest.iter().position(|byte| *byte == b']') {
        Some(end) if rest.starts_with(b"[") => end,
        _ => 0,
    };
    let rest = rest.get(skipped..)?;
    let plain = rest.iter().position(|byte| *byte == plain).map(|at| (at, 1));
    let encoded = find(rest, encoded).map(|at| (at, encoded.len()));
    let (at, width) = plain.into_iter().chain(encoded).min()?;
    Some((start + skipped + at, width))
}

/// The last `@` at or behind this place, plain or percent-encoded.
fn last_at(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let plain = rest.iter().rposition(|byte| *byte == b'@');
    // An encoded one belongs to the password or to the path where there is a plain one too.
    let at = plain.or_else(|| rest.windows(3).rposition(|window| window == b"%40"))?;
    Some(from + at)
}

fn is_port(rest: &[u8]) -> bool {
    let digits = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_left() {
        for (argument, shown) in [
            ("ftp://alice:secret@h/a", "ftp://alice:***@h/a"),
            ("alice:secret@h", "alice:***@h"),
            ("ftp://alice:p@ss/secret@h/", "ftp://alice:***@h/"),
            ("ftp://alice@corp:secret@h/", "ftp://alice@corp:***@h/"),
            ("ftp://alice:se%63ret%40@h/", "ftp://alice:***@h/"),
            ("ftp://alice%3Asecret%40h/", "ftp://alice%3A***%40h/"),
            ("ftp:/alice:secret@h", "ftp:***@h"),
            ("--output=ftp://alice:secret@h/", "--output=ftp://alice:***@h/"),
            ("ftp://alice:sec", "ftp://alice:***"),
            ("ftp://alice:21secret/x", "ftp://alice:***"),
            ("ftp://alice:my secret@h/", "ftp://alice:***@h/"),
        ] {
            assert_eq!(masked(argument.as_bytes()), shown.as_bytes(), "{argument}");
        }
        assert_eq!(masked(b"ftp://\xff:secret\xfe@h\xff"), b"ftp://\xff:***@h\xff");
    }

    #[test]
    fn what_holds_no_password_is_shown_as_it_is() {
        for argument in [
            "ftp://h/a",
            "ftp://alice@h:21/a",
            "ftp://h:2121/",
            "ftp://[::1]:21/a",
            "h:21",
            "C:\\x",
            "--verbose",
            "",
        ] {
            assert_eq!(masked(argument.as_bytes()), argument.as_bytes());
        }
    }
}
