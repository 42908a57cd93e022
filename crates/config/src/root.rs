//! Which files are shared: those of a folder, or those of another server?
use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wire::url::{FtpUrl, UrlError};

/// Where the shared files are. As text it is a path or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// In this folder.
    Folder(PathBuf),
    /// On another server, to which this one is a proxy.
    Upstream(FtpUrl),
}

impl Root {
    /// Reads a path, or a URL that begins with `ftp://`, `ftps://` or `ftpes://`. (`./ftp:/` is a path.)
    ///
    /// # Errors
    /// What is wrong with the URL. It may hold a password, so the error does not repeat it.
    pub fn parse(path: &Path) -> Result<Self, UrlError> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let is_url = |scheme: &&str| {
            bytes.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
        };
        if !["ftp://", "ftps://", "ftpes://"].iter().any(is_url) {
            return Ok(Self::Folder(path.to_owned()));
        }
        FtpUrl::parse(&path.to_string_lossy()).map(Self::Upstream)
    }

    /// The folder, if it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Upstream(_) => None,
        }
    }
}

impl From<PathBuf> for Root {
    fn from(path: PathBuf) -> Self {
        Self::Folder(path)
    }
}

impl From<&Path> for Root {
    fn from(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }
}

/// For people: a URL without its password.
impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", wire::pathname::show(path.as_os_str().as_encoded_bytes())),
            Self::Upstream(url) => write!(f, "{url}"),
        }
    }
}

impl Serialize for Root {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Folder(path) => path.serialize(to),
            Self::Upstream(url) => to.serialize_str(&url.with_password()),
        }
    }
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        Self::parse(Path::new(&*text)).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_a_folder_and_shown_without_its_password() {
        let read = |text: &str| Root::parse(Path::new(text));
        for text in [".", "/srv/files", "ftp:", "./ftp://h/", "http://h/"] {
            assert_eq!(read(text), Ok(Root::Folder(text.into())));
        }
        for text in ["ftp://h/", "FTPS://h:2990/a", "ftpes://user@h/a/b"] {
            assert!(read(text).unwrap().folder().is_none(), "{text}");
        }
        assert!(read("ftp://").is_err());
        let root = read("ftp://user:secret@h/a").unwrap();
        assert_eq!(root.to_string(), "ftp://user@h/a");
        assert!(!format!("{root:?}").contains("secret"));
        let text = serde_json::to_string(&root).unwrap();
        assert_eq!(serde_json::from_str::<Root>(&text).unwrap(), root);
    }
}
