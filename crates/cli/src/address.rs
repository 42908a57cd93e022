//! Which URL does an argument of the command line mean?
//!
//! `ftp://` may be left out where nothing else can be meant: `example.org/file`, `alice@example.org`,
//! `localhost:2121`. What names something on this computer, or is a bare word, is an error and not a host:
//! `pasv get URL .` and `pasv get URL here.txt` are meant in another way, and a name that is looked up for
//! nothing tells nobody why.
use std::path::Path;

use wire::pathname::show;
use wire::url::{FtpUrl, UrlError, masked};

use crate::talk::Failure;

/// Reads a URL.
pub(crate) fn read(text: &str) -> Result<FtpUrl, Failure> {
    // The text may hold a password; the errors of the parser do not repeat it.
    let Some(whole) = completed(text, &exists) else {
        return Err(no_url(text).hint("write ftp://host/path"));
    };
    FtpUrl::parse(&whole).map_err(|error| {
        let hint = hint(&error, &whole);
        let failure = Failure::usage(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// Reads the URLs of a download. What follows the first and is no URL is meant for a target.
pub(crate) fn read_sources(texts: &[String]) -> Result<Vec<FtpUrl>, Failure> {
    let read_one = |(number, text): (usize, &String)| {
        let bare = completed(text, &exists).is_none() || !text.contains('/');
        if number > 0 && bare && !text.contains("://") {
            return Err(no_url(text).hint("-o FILE saves under another name, -O DIR into another directory"));
        }
        read(text)
    };
    texts.iter().enumerate().map(read_one).collect()
}

/// Reads the URL of an upload, which is the last argument: a word without a slash is a file there, and the
/// URL is missing.
pub(crate) fn read_target(text: &str) -> Result<FtpUrl, Failure> {
    if !text.contains('/') || completed(text, &exists).is_none() {
        return Err(no_url(text).hint("the last argument says where to: ftp://host/directory/"));
    }
    read(text)
}

fn no_url(text: &str) -> Failure {
    Failure::usage(format!("\"{}\" is not an FTP URL", show(&masked(text.as_bytes()))))
}

/// The argument with its scheme; none where it does not name a host.
fn completed(text: &str, exists: &dyn Fn(&str) -> bool) -> Option<String> {
    if text.contains("://") {
        return Some(text.to_owned());
    }
    let (authority, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    // `./x`, `/tmp/x`, `~/x`, `ftp:/host`, `--`
    let no_host = host.is_empty() || host.starts_with(['.', '~', '-']) || host.ends_with(':');
    if no_host || exists(text) || exists(authority) {
        return None;
    }
    let is_named = path.is_some()
        || authority.contains('@')
        || host.contains(['.', ':'])
        || host.eq_ignore_ascii_case("localhost");
    is_named.then(|| format!("ftp://{text}"))
}

/// Is there something of this name on this computer?
fn exists(name: &str) -> bool {
    Path::new(name).symlink_metadata().is_ok()
}

/// What may be meant by a URL that cannot be read.
fn hint(error: &UrlError, text: &str) -> Option<&'static str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match error {
        // The password of `ftp://alice:se/cret@host/` ends at the slash for every reader of URLs.
        UrlError::Port | UrlError::Host | UrlError::NoHost
            if path.contains('@') && (authority.contains(':') || authority.contains('@')) =>
        {
            Some("in a user or a password write / as %2F, @ as %40, : as %3A and % as %25")
        }
        UrlError::Port => Some("write ftp://host:port/path"),
        UrlError::NoScheme => Some("write ftp://host/path"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Option<String> {
        completed(text, &|name| matches!(name, "here.txt" | "folder.d" | "sub"))
    }

    #[test]
    fn the_scheme_may_be_missing_where_a_host_is_meant() {
        for text in [
            "example.org/file",
            "example.org",
            "example.org:2121/",
            "192.0.2.1/a",
            "[::1]:21/a",
            "localhost",
            "localhost:2121",
            "intranet/file",
            "alice@intranet",
            "alice:pw@example.org/a",
            "example.org/a/../b",
        ] {
            assert_eq!(meant(text), Some(format!("ftp://{text}")), "{text}");
        }
        assert_eq!(meant("ftps://h/").unwrap(), "ftps://h/");
        for text in [
            "",
            ".",
            "..",
            "./x",
            "../x",
            "/tmp/x",
            "~/x",
            "here.txt",
            "folder.d/x",
            "sub/x",
            "word",
            "ftp:/h/x",
            "-x",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    fn said(done: Result<impl Sized, Failure>) -> String {
        done.err().expect("an error").to_string()
    }

    #[test]
    fn what_is_no_url_has_a_hint_that_fits() {
        let sources =
            |texts: &[&str]| read_sources(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        for target in ["other.txt", ".", "/tmp/other.txt", "word", "./sub/x"] {
            let said = said(sources(&["ftp://h/a", target]));
            assert!(said.contains(&format!("\"{target}\"")) && said.contains("-o FILE"), "{said}");
        }
        assert_eq!(sources(&["h.example/a", "ftp://h/b", "h.example/c"]).unwrap().len(), 3);
        for target in ["a.txt", "word", ".", "/tmp/x"] {
            assert!(said(read_target(target)).contains("the last argument says where to"), "{target}");
        }
        read_target("example.org/").unwrap();
        let password = said(read("ftp://alice:se/cret@h/"));
        assert!(password.contains("%2F") && !password.contains("cret"), "{password}");
        let said = said(read("alice:secret@"));
        assert!(!said.contains("secret"), "{said}");
    }
}
