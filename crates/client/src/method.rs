//! Which data connection methods are there, and in which order are they tried?
use std::fmt;
use std::net::IpAddr;

/// Who opens data connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// We do, where that works, else the server.
    #[default]
    Auto,
    /// We do, always.
    Passive,
    /// The server does, where that works, else we.
    Active,
}

impl Mode {
    /// All its methods, in their order.
    pub(crate) fn methods(self) -> &'static [DataMethod] {
        match self {
            Self::Auto => &[DataMethod::Epsv, DataMethod::Pasv, DataMethod::Eprt, DataMethod::Port],
            Self::Passive => &[DataMethod::Epsv, DataMethod::Pasv],
            Self::Active => &[DataMethod::Eprt, DataMethod::Port, DataMethod::Epsv, DataMethod::Pasv],
        }
    }
}

/// A data connection method, named by its verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataMethod {
    /// RFC 2428: passive, the server tells a port only.
    Epsv,
    /// RFC 959: passive, IPv4 only.
    Pasv,
    /// RFC 2428: active.
    Eprt,
    /// RFC 959: active, IPv4 only.
    Port,
}

impl DataMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Epsv, Self::Pasv, Self::Eprt, Self::Port];

    /// Do we dial?
    #[must_use]
    pub fn is_passive(self) -> bool {
        matches!(self, Self::Epsv | Self::Pasv)
    }

    /// The word for it.
    #[must_use]
    pub fn mode(self) -> &'static str {
        if self.is_passive() { "passive" } else { "active" }
    }

    /// The first method of a mode.
    #[must_use]
    pub fn first(mode: Mode) -> Self {
        match mode {
            Mode::Auto | Mode::Passive => Self::Epsv,
            Mode::Active => Self::Eprt,
        }
    }

    /// PASV and PORT cannot name an IPv6 address.
    pub(crate) fn can_reach(self, server: IpAddr) -> bool {
        server.is_ipv4() || matches!(self, Self::Epsv | Self::Eprt)
    }
}

impl fmt::Display for DataMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epsv => "EPSV",
            Self::Pasv => "PASV",
            Self::Eprt => "EPRT",
            Self::Port => "PORT",
        })
    }
}
