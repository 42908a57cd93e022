//! How should a session behave?
use std::fmt;
use std::time::Duration;

use crate::charset::Charset;
use crate::method::Mode;
use crate::security::TlsMode;
use crate::session::Patience;

/// Where a server is. As text it is `host:port` in one spelling: lower case, no dot at the end of the host,
/// an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name, or an address without brackets.
    pub host: String,
    /// The control port; 21 unless said otherwise.
    pub port: u16,
}

impl Endpoint {
    /// This port of this host.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", canonical(&self.host), self.port)
    }
}

/// A host in one spelling.
pub(crate) fn canonical(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host.contains(':') { format!("[{host}]") } else { host }
}

/// Which local port data connections use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPort {
    /// Any that is free.
    #[default]
    Any,
    /// The control connection's local port plus one: the client's n and n+1 of the classic description.
    Next,
}

/// What proves an upload, beside the server's own word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// SIZE is ours, where the server tells sizes.
    #[default]
    Size,
    /// And HASH too, where the server offers it; both sides read the file for that.
    Hash,
    /// Nothing: the server's 2yz is believed.
    Off,
}

/// Is the end of a data connection believed, under TLS, that comes without close_notify?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsEnd {
    /// Of a file as long as its SIZE, which the server has confirmed.
    #[default]
    Strict,
    /// Of listings, text and files of unknown size too, where the server has confirmed them: somebody in
    /// between may have cut them.
    Lenient,
}

/// The behaviour of a session.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Who opens data connections.
    pub mode: Mode,
    /// From, or at, which of our ports.
    pub data_port: DataPort,
    /// How long each wait of the dialogue lasts.
    pub patience: Patience,
    /// How long the control connection may take to stand, over all addresses of the host.
    pub connect: Duration,
    /// How the session is protected.
    pub tls: TlsMode,
    /// Which ends of TLS are believed.
    pub tls_end: TlsEnd,
    /// What proves an upload.
    pub verify: Verify,
    /// How the server writes names, where that is not to be taken as it comes.
    pub charset: Option<Charset>,
    /// How long a transfer may stand still before it counts as broken.
    pub stall: Duration,
}

impl Default for Options {
    /// A person who waits gives up after about half a minute; a network that can still recover does so in
    /// less.
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            data_port: DataPort::Any,
            tls: TlsMode::Off,
            tls_end: TlsEnd::Strict,
            verify: Verify::Size,
            charset: None,
            patience: Patience::default(),
            connect: Duration::from_secs(20),
            stall: Duration::from_secs(60),
        }
    }
}
