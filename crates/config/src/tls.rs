//! Which certificates does the server show, and which does it ask of clients?
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The certificates of a server. Where TLS may be used is up to each [`Listener`](crate::Listener).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificates of the server. Without any, and without ACME, one is generated at the first start and
    /// kept.
    #[serde(rename = "certificate")]
    pub certificates: Vec<CertificateFiles>,
    /// A certificate from an authority.
    pub acme: Acme,
    /// Certificates of clients.
    pub clients: ClientCertificates,
}

/// A certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The certificate chain, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// A certificate from an authority, by ACME (RFC 8555).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acme {
    /// The host names of the certificate; none: no authority is asked.
    pub names: Vec<String>,
    /// The ACME directory of the authority.
    pub directory: String,
    /// Mail addresses for the authority.
    pub contact: Vec<String>,
    /// Where the authority's questions are answered (HTTP-01).
    pub listen: SocketAddr,
    /// Authorities to trust for the directory itself, in PEM; `None`: those of the system.
    pub ca: Option<PathBuf>,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            // Let's Encrypt, the authority of most servers that have none of their own.
            directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            contact: Vec::new(),
            listen: SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 80),
            ca: None,
        }
    }
}

impl Acme {
    /// Is an authority asked for a certificate?
    #[must_use]
    pub fn is_used(&self) -> bool {
        !self.names.is_empty()
    }

    /// At which port does an authority ask, where it does not ask another program of this machine first?
    #[must_use]
    pub fn port_asked(&self) -> Option<u16> {
        (self.is_used() && !self.listen.ip().is_loopback()).then(|| self.listen.port())
    }
}

/// Certificates of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientCertificates {
    /// Are clients asked for a certificate? `None`: they are where there is a list of users' certificates.
    pub ask: Option<AskClients>,
    /// Authorities that sign client certificates, in PEM; `None`: a certificate counts by its fingerprint
    /// only.
    pub ca: Option<PathBuf>,
    /// Revocation lists, in PEM.
    pub crl: Option<PathBuf>,
    /// The file that says which certificates belong to which users.
    pub users: Option<PathBuf>,
    /// Does a user's certificate replace the password?
    pub login: ClientLogin,
}

impl ClientCertificates {
    /// Are clients asked for a certificate?
    #[must_use]
    pub fn asked(&self) -> AskClients {
        let listed = if self.users.is_some() { AskClients::Ask } else { AskClients::Off };
        self.ask.unwrap_or(listed)
    }

    /// Is anything configured that takes TLS?
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.asked() != AskClients::Off || self.users.is_some()
    }
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum AskClients {
    /// Do not ask
    Off,
    /// Ask; clients without one are accepted
    Ask,
    /// Refuse TLS without one
    Require,
}

/// Whether a user's certificate replaces the password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum ClientLogin {
    /// Users need both their certificate and their password
    #[default]
    WithPassword,
    /// Users with their certificate need no password; others are asked for it
    WithoutPassword,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_asks_where_the_server_answers() {
        let acme = |listen: &str| Acme {
            names: vec!["ftp.example.org".into()],
            listen: listen.parse().unwrap(),
            ..Acme::default()
        };
        assert_eq!(Acme::default().port_asked(), None);
        assert_eq!(acme("[::]:8080").port_asked(), Some(8080));
        // A web server of this machine leads there, and is open already.
        assert_eq!(acme("127.0.0.1:8080").port_asked(), None);
    }
}
