//! What does `~/.netrc` say about a host?
//!
//! ```text
//!   machine ftp.example.org login ada password "two words" account books
//!   default login anonymous password me@example.org
//!   macdef name          a macro: skipped up to the next empty line
//! ```
//! Words are separated by blanks, tabs and line ends. A word may stand in double quotes, with `\` before a
//! quote or a backslash in it. `#` starts a comment where a keyword could stand. Words are bytes: a password
//! may be in any encoding.
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use wire::Secret;

/// A netrc of everybody's hosts is some kilobytes.
const LONGEST: u64 = 1024 * 1024;

/// What is known of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// `login`.
    pub user: Option<Vec<u8>>,
    /// `password`.
    pub password: Option<Secret>,
    /// `account`.
    pub account: Option<Secret>,
}

/// Where it is: the file that `NETRC` names, else `~/.netrc`; none where there is no home.
#[must_use]
pub fn path() -> Option<PathBuf> {
    match std::env::var_os("NETRC") {
        Some(path) => Some(path.into()),
        None => Some(PathBuf::from(std::env::var_os("HOME")?).join(".netrc")),
    }
}

/// Its bytes, and whether others than its owner can read it.
///
/// # Errors
/// When it cannot be read, or is too large.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let file = File::open(path)?;
    let is_shared = file.metadata()?.permissions().mode() & 0o077 != 0;
    let mut text = Vec::new();
    if file.take(LONGEST + 1).read_to_end(&mut text)? as u64 > LONGEST {
        return Err(io::Error::other(format!("it is larger than {LONGEST} bytes")));
    }
    Ok((text, is_shared))
}

/// Finds `host` (and `user`, where one is asked for) in the text of a netrc file; else the default, else
/// nothing.
#[must_use]
pub fn find(text: &[u8], host: &str, user: Option<&[u8]>) -> Option<Login> {
    let mut words = Words { rest: text };
    let mut entry: Option<(bool, Login)> = None;
    let fits = |entry: &Option<(bool, Login)>| match entry {
        Some((true, login)) => user.is_none_or(|u| login.user.as_deref().is_none_or(|l| l == u)),
        _ => false,
    };
    while let Some(word) = words.next() {
        match word.as_slice() {
            b"machine" | b"default" => {
                if fits(&entry) {
                    break;
                }
                let ours = word == b"default"
                    || words.next().is_some_and(|m| m.eq_ignore_ascii_case(host.as_bytes()));
                entry = Some((ours, Login::default()));
            }
            b"login" | b"password" | b"account" => {
                let Some(value) = words.next() else { break };
                if let Some((_, login)) = &mut entry {
                    match word.as_slice() {
                        b"login" => login.user = Some(value),
                        b"password" => login.password = Some(Secret::new(value)),
                        _ => login.account = Some(Secret::new(value)),
                    }
                }
            }
            b"macdef" => words.skip_macro(),
            comment if comment.starts_with(b"#") => words.skip_line(),
            // A word nobody knows has no value that could be mistaken for a keyword, as far as anybody can
            // tell.
            _ => {}
        }
    }
    if fits(&entry) { entry.map(|(_, login)| login) } else { None }
}

struct Words<'a> {
    rest: &'a [u8],
}

impl Words<'_> {
    fn skip_line(&mut self) {
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    /// A macro ends at the first empty line.
    fn skip_macro(&mut self) {
        self.skip_line();
        while !self.rest.is_empty() {
            let line = self.rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let empty = matches!(line, b"" | b"\r");
            self.skip_line();
            if empty {
                break;
            }
        }
    }
}

impl Iterator for Words<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.is_empty() {
            return None;
        }
        let quoted = self.rest.starts_with(b"\"");
        let mut word = Vec::new();
        let mut bytes = self.rest.iter().enumerate().skip(usize::from(quoted));
        let mut end = self.rest.len();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' if quoted => {
                    end = at + 1;
                    break;
                }
                b'\\' if quoted => word.extend(bytes.next().map(|(_, byte)| *byte)),
                byte if !quoted && byte.is_ascii_whitespace() => {
                    end = at;
                    break;
                }
                byte => word.push(*byte),
            }
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\nmachine a.example login ada password one\n\
        machine b.example\n\tlogin bob password \"two \\\"words\\\"\"\n\taccount books\n\
        macdef init\nmachine evil login x\npassword y\n\nmachine a.example login eve password three\n\
        default login anonymous password me@";

    fn found(host: &str, user: Option<&[u8]>) -> Option<(String, String)> {
        let login = find(FILE.as_bytes(), host, user)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(&login.user.unwrap_or_default()), text(login.password?.expose())))
    }

    #[test]
    fn hosts_users_quotes_macros_and_the_default() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(found("A.EXAMPLE", None), pair("ada", "one"));
        assert_eq!(found("a.example", Some(b"eve")), pair("eve", "three"));
        assert_eq!(found("b.example", None), pair("bob", "two \"words\""));
        assert_eq!(found("evil", None), pair("anonymous", "me@"));
        assert_eq!(found("c.example", Some(b"zoe")), None);
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_bytes_like_any() {
        let text = b"# m\xfcller\nmachine x login m\xfcller password \"s\xe4 \\\"\xff\"\n";
        let login = find(text, "x", None).unwrap();
        assert_eq!(login.user.unwrap(), b"m\xfcller");
        assert_eq!(login.password.unwrap().expose(), b"s\xe4 \"\xff");
    }

    #[test]
    fn broken_files_end_quietly() {
        for text in ["", "machine", "machine x login", "macdef", "machine x password \"open", "\"", "default"]
        {
            let login = find(text.as_bytes(), "x", None);
            assert!(login.is_none_or(|l| l.password.is_none_or(|p| p.expose() == b"open")), "{text}");
        }
    }
}
