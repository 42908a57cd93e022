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
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "TLS"))]
#[serde(default, deny_unknown_fields)]
pub struct ClientCertificates {
    /// Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]
    #[cfg_attr(feature = "clap", arg(id = "client_cert", long = "client-cert", value_name = "CLIENT_CERT"))]
    #[cfg_attr(feature = "clap", arg(value_enum, hide_short_help = true))]
    pub ask: Option<AskClients>,
    /// Authorities that sign client certificates, in PEM
    ///
    /// Without it, any certificate is accepted and counts by its fingerprint only.
    #[cfg_attr(feature = "clap", arg(id = "client_ca", long = "client-ca", value_name = "FILE"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    pub ca: Option<PathBuf>,
    /// Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are
    #[cfg_attr(feature = "clap", arg(long = "client-crl", value_name = "FILE", requires = "client_ca"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    pub crl: Option<PathBuf>,
    /// File that says which certificates belong to which users
    ///
    /// One per line: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as
    /// `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a
    /// user can have several.
    #[cfg_attr(feature = "clap", arg(id = "client_cert_users", long = "client-cert-users"))]
    #[cfg_attr(feature = "clap", arg(value_name = "FILE", hide_short_help = true))]
    pub users: Option<PathBuf>,
    /// Whether a user's certificate replaces the password [default: with-password]
    #[cfg_attr(feature = "clap", arg(id = "client_cert_login", long = "client-cert-login"))]
    #[cfg_attr(feature = "clap", arg(value_name = "CLIENT_CERT_LOGIN", hide_short_help = true, value_enum))]
    #[cfg_attr(feature = "clap", arg(default_value_t = ClientLogin::default(), hide_default_value = true))]
    #[cfg_attr(feature = "clap", arg(requires = "client_cert_users"))]
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
