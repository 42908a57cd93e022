//! Where is a site, and how is a path on it written as a URL (RFC 1738 3.2)?

use std::ffi::OsStr;
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt as _;

use testbed::talk::Talk;

/// The way to a site on 127.0.0.1 and into it.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// `ftp`, or `ftps` where TLS comes first.
    pub(crate) scheme: &'static str,
    /// Its control port.
    pub(crate) port: u16,
    /// Who may write there.
    pub(crate) user: &'static str,
    /// That user's password.
    pub(crate) password: &'static str,
}

impl Door {
    /// The host, as all programs take it.
    pub(crate) const HOST: &'static str = "127.0.0.1";

    /// A control connection there, logged in.
    #[track_caller]
    pub(crate) fn talk(&self) -> Talk {
        let stream = TcpStream::connect((Self::HOST, self.port)).expect("a connection to the site");
        Talk::new(stream).login(self.user, self.password)
    }

    /// `scheme://user:password@host:port/path`, every odd byte of `path` encoded, slashes kept.
    pub(crate) fn url(&self, path: impl AsRef<OsStr>) -> String {
        let (user, password) = (encoded(OsStr::new(self.user)), encoded(OsStr::new(self.password)));
        format!("{}://{user}:{password}@{}:{}/{}", self.scheme, Self::HOST, self.port, encoded(path.as_ref()))
    }

    /// The same without user and password.
    pub(crate) fn bare_url(&self, path: impl AsRef<OsStr>) -> String {
        format!("{}://{}:{}/{}", self.scheme, Self::HOST, self.port, encoded(path.as_ref()))
    }
}

fn encoded(path: &OsStr) -> String {
    let mut text = String::new();
    for &byte in path.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte))
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
