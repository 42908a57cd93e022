//! Which file of which site does a URL mean? (RFC 1738 3.2, in the syntax of RFC 3986)
//!
//! ```text
//!   ftp://user:password@host:port/directory/name;type=i
//!   ftp://host/dir/           a directory is meant       ftp://host/%2Fetc/motd    from the root: /etc/motd
//!   ftp://[::1]:2121/a%0Ab    refused                     ftp://host/a?b#c          a file named "a?b#c"
//! ```
//!
//! Everything is decoded to bytes, as FTP has no other names. A path is relative to the directory a login
//! starts in; a first segment that decodes to a leading `/` makes it absolute. RFC 1738 gives FTP neither
//! queries nor fragments, so `?` and `#` are ordinary bytes of a path. `.` and `..` are left for the server
//! to read.
//!
//! Quirks that have a name. *Double slash*: `ftp://host//etc` is read as `ftp://host/%2Fetc`, as everybody
//! means it, though RFC 1738 has it as an empty CWD; other empty segments are dropped. *Plain at-sign*: the
//! last `@` before the path ends the password, so that one may hold an `@`. *Plain blanks* and other bytes
//! are taken as they stand.
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::secret::Secret;

mod mask;
mod percent;

pub use mask::masked;

/// How a URL says the control connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `ftp`: without TLS, or with AUTH TLS if both sides like.
    Ftp,
    /// `ftps`: TLS from the first byte, port 990.
    Ftps,
    /// `ftpes`: AUTH TLS is required before the login.
    Ftpes,
}

impl Scheme {
    /// The name before `://`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Ftps => "ftps",
            Self::Ftpes => "ftpes",
        }
    }

    /// The port where a URL names none.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Ftp | Self::Ftpes => 21,
            Self::Ftps => 990,
        }
    }
}

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name to be resolved: letters, digits, `-`, `.`, `_`, and anything beyond ASCII; at most 255 bytes.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, with the zone of a link-local one (RFC 6874).
    V6(Ipv6Addr, Option<String>),
}

impl fmt::Display for Host {
    /// The form that name resolution takes: no brackets, a zone after a plain `%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address, None) => write!(f, "{address}"),
            Self::V6(address, Some(zone)) => write!(f, "{address}%{zone}"),
        }
    }
}

/// The `;type=` of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeCode {
    /// `a`: text.
    Ascii,
    /// `i`: bytes as they are.
    Image,
    /// `d`: a listing of names.
    Directory,
}

/// What follows the last segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Nothing: a file or a directory, only the site knows.
    Plain,
    /// A slash: a directory is meant.
    Slash,
}

/// An FTP URL. It prints without its password; see [`FtpUrl::with_password`].
#[derive(Clone, PartialEq, Eq)]
pub struct FtpUrl {
    /// How the control connection is protected.
    pub scheme: Scheme,
    /// The user, if one is named; never empty.
    pub user: Option<Vec<u8>>,
    /// The password, if one is given. Only ever there together with a user.
    pub password: Option<Secret>,
    /// The host.
    pub host: Host,
    /// The port, if one is given; never 0.
    pub port: Option<u16>,
    /// The segments of the path, decoded; none of them is empty. A slash within a segment was written `%2F`.
    pub segments: Vec<Vec<u8>>,
    /// What follows the last segment; always [`Ending::Slash`] where there is none.
    pub ending: Ending,
    /// The type of transfer, if one is asked for.
    pub type_code: Option<TypeCode>,
}

/// A part of a URL, to say where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The user.
    User,
    /// The password.
    Password,
    /// The host.
    Host,
    /// The path.
    Path,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Password => "password",
            Self::Host => "host",
            Self::Path => "path",
        })
    }
}

/// Why a text is not an FTP URL. None of the messages repeats what could be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// There is no `scheme://`.
    NoScheme,
    /// The scheme is not one of ours.
    Scheme(String),
    /// It is longer than [`FtpUrl::LENGTH`].
    TooLong,
    /// A CR, an LF or a NUL, plain or as `%0D`: it could end a command and start another.
    LineEnd(Part),
    /// A `%` without two hexadecimal digits after it.
    Percent(Part),
    /// A password without a user.
    NoUser,
    /// No host.
    NoHost,
    /// A host with a character that no host has, or one in brackets that is no IPv6 address.
    Host,
    /// A port that is not a number from 1 to 65535.
    Port,
    /// A `;type=` other than `a`, `i` and `d`.
    Type,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScheme => f.write_str("this is not an FTP URL"),
            Self::Scheme(name) if name == "sftp" => {
                f.write_str("sftp:// is a different protocol, file transfer over SSH: use sftp or scp")
            }
            Self::Scheme(name) if name == "http" || name == "https" => {
                write!(f, "{name}:// is not FTP: use curl or a browser")
            }
            Self::Scheme(name) => write!(f, "{name}:// is not FTP: write ftp://, ftps:// or ftpes://"),
            Self::TooLong => write!(f, "the URL is longer than {} bytes", FtpUrl::LENGTH),
            Self::LineEnd(part) => {
                write!(
                    f,
                    "the {part} contains a line end (CR or LF) or a NUL byte, which FTP cannot transfer"
                )
            }
            Self::Percent(part) => {
                write!(
                    f,
                    "a % in the {part} is not followed by two hexadecimal digits; write % itself as %25"
                )
            }
            Self::NoUser => f.write_str("a password without a user: write ftp://user:password@host/"),
            Self::NoHost => f.write_str("the host is missing: write ftp://host/path"),
            Self::Host => f.write_str(
                "the host is not a valid name or address; an IPv6 address is written in [brackets]",
            ),
            Self::Port => f.write_str("the port of the URL is not a number from 1 to 65535"),
            Self::Type => f.write_str("the type must be ;type=a, ;type=i or ;type=d"),
        }
    }
}

impl core::error::Error for UrlError {}

impl FtpUrl {
    /// The longest URL that is read: a path of 4096 bytes, each written `%XX`, and a user and host before it.
    pub const LENGTH: usize = 16 * 1024;

    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > Self::LENGTH {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        let scheme = scheme_of(scheme)?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, path),
            None => (rest, ""),
        };
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (login, host),
            None => ("", authority),
        };
        let (user, password) = login_of(login)?;
        let (host, port) = host_and_port(host)?;
        let (path, type_code) = type_of(path)?;
        let (segments, ending) = segments_of(path)?;
        Ok(Self { scheme, user, password, host, port, segments, ending, type_code })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.default_port())
    }

    /// The path as one pathname for a command, without a trailing slash; empty for the directory of the
    /// login.
    #[must_use]
    pub fn path(&self) -> Vec<u8> {
        let mut path = Vec::new();
        for segment in &self.segments {
            if path.last().is_some_and(|b| *b != b'/') {
                path.push(b'/');
            }
            path.extend_from_slice(segment);
        }
        path
    }

    /// Does the URL itself say that it means a directory?
    #[must_use]
    pub fn means_directory(&self) -> bool {
        self.ending == Ending::Slash
            || self.type_code == Some(TypeCode::Directory)
            || self.segments.last().is_none_or(|s| s.ends_with(b"/"))
    }

    /// The URL with its password in it: for a configuration file, never for a person or a log.
    #[must_use]
    pub fn with_password(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(self.password.as_ref(), &mut out);
        out
    }

    fn write(&self, password: Option<&Secret>, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{}://", self.scheme.name())?;
        if let Some(user) = &self.user {
            percent::encode(user, b"", out)?;
            if let Some(password) = password {
                out.write_char(':')?;
                percent::encode(password.expose(), b":", out)?;
            }
            out.write_char('@')?;
        }
        match &self.host {
            Host::V6(address, None) => write!(out, "[{address}]")?,
            Host::V6(address, Some(zone)) => write!(out, "[{address}%25{zone}]")?,
            other => write!(out, "{other}")?,
        }
        if let Some(port) = self.port {
            write!(out, ":{port}")?;
        }
        for segment in &self.segments {
            out.write_char('/')?;
            percent::encode(segment, b":@", out)?;
        }
        if self.ending == Ending::Slash {
            out.write_char('/')?;
        }
        match self.type_code {
            Some(TypeCode::Ascii) => out.write_str(";type=a"),
            Some(TypeCode::Image) => out.write_str(";type=i"),
            Some(TypeCode::Directory) => out.write_str(";type=d"),
            None => Ok(()),
        }
    }
}

impl core::str::FromStr for FtpUrl {
    type Err = UrlError;
    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for FtpUrl {
    /// The URL without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(None, f)
    }
}

impl fmt::Debug for FtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FtpUrl({self})")
    }
}

fn scheme_of(name: &str) -> Result<Scheme, UrlError> {
    let known = [Scheme::Ftp, Scheme::Ftps, Scheme::Ftpes];
    if let Some(scheme) = known.into_iter().find(|s| name.eq_ignore_ascii_case(s.name())) {
        return Ok(scheme);
    }
    // `host/path?x=a://b` has no scheme; what stands before `://` is then no scheme's name.
    let is_name = name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    Err(if is_name { UrlError::Scheme(name.to_ascii_lowercase()) } else { UrlError::NoScheme })
}

fn login_of(text: &str) -> Result<(Option<Vec<u8>>, Option<Secret>), UrlError> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(percent::decoded(password, Part::Password).map(Secret::new)?)),
        None => (text, None),
    };
    let user = percent::decoded(user, Part::User)?;
    match (user.is_empty(), password) {
        (true, Some(_)) => Err(UrlError::NoUser),
        (true, None) => Ok((None, None)),
        (false, password) => Ok((Some(user), password)),
    }
}

fn host_and_port(text: &str) -> Result<(Host, Option<u16>), UrlError> {
    if text.bytes().any(|b| matches!(b, b'\r' | b'\n' | b'\0')) {
        return Err(UrlError::LineEnd(Part::Host));
    }
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (inner, port) = rest.split_once(']').ok_or(UrlError::Host)?;
        let (address, zone) = match inner.split_once("%25") {
            Some((address, zone)) => (address, Some(zone)),
            None => (inner, None),
        };
        let plain = |zone: &str| {
            !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        if zone.is_some_and(|z| !plain(z)) {
            return Err(UrlError::Host);
        }
        let address = address.parse().map_err(|_| UrlError::Host)?;
        (Host::V6(address, zone.map(ToOwned::to_owned)), port)
    } else {
        let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        (host_of(name)?, port)
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return Err(UrlError::Host),
        // RFC 3986 3.2.3 lets the number be missing.
        Some("") => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|p| *p > 0).ok_or(UrlError::Port)?)
        }
        // A second colon is an IPv6 address without its brackets, not a port.
        Some(more) if more.contains(':') => return Err(UrlError::Host),
        Some(_) => return Err(UrlError::Port),
    };
    Ok((host, port))
}

fn host_of(name: &str) -> Result<Host, UrlError> {
    if name.is_empty() {
        return Err(UrlError::NoHost);
    }
    if let Ok(address) = name.parse() {
        return Ok(Host::V4(address));
    }
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "-._".contains(c)
            || !c.is_ascii() && !c.is_control() && !c.is_whitespace()
    };
    if name.len() > 255 || !name.chars().all(allowed) {
        return Err(UrlError::Host);
    }
    Ok(Host::Name(name.to_owned()))
}

fn type_of(path: &str) -> Result<(&str, Option<TypeCode>), UrlError> {
    let Some((before, last)) = path.rsplit_once(';') else { return Ok((path, None)) };
    let Some((_, value)) = last.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("type")) else {
        return Ok((path, None));
    };
    let code = match value {
        "a" | "A" => TypeCode::Ascii,
        "i" | "I" => TypeCode::Image,
        "d" | "D" => TypeCode::Directory,
        _ => return Err(UrlError::Type),
    };
    Ok((before, Some(code)))
}

fn segments_of(path: &str) -> Result<(Vec<Vec<u8>>, Ending), UrlError> {
    let mut segments = Vec::new();
    for (n, text) in path.split('/').enumerate() {
        match percent::decoded(text, Part::Path)? {
            // The quirk *double slash*; the path "" of a URL without one is a single empty segment too.
            empty if empty.is_empty() => {
                if n == 0 && !path.is_empty() {
                    segments.push(b"/".to_vec());
                }
            }
            segment => segments.push(segment),
        }
    }
    let ending = if segments.is_empty() || path.ends_with('/') { Ending::Slash } else { Ending::Plain };
    Ok((segments, ending))
}

#[cfg(test)]
mod tests;
