//! How are connections protected by TLS (RFC 4217), and the data connections bound to their control connection?
//!
//! ```text
//!   server   Sessions --one per process--> ServerTls --one per listener--> Control::accept_tls -> Binding
//!                                                                          Data::hello, accept_tls(&Binding)
//!   client   ClientTls --one per site--> Control::connect_tls -> Session    Data::connect_tls(&Session)
//! ```
//! A [`Binding`](server::Binding) is the server's side of one control connection: what it issued can be resumed by data
//! connections, and only by those that it verifies; with a [`User`] it lends its session to others of the same client. A [`Session`](client::Session) is the client's: the tickets it was
//! given, and the certificate that every data connection must show again.
//!
//! TLS 1.2 and 1.3; older versions do not exist here, nor do renegotiation, compression and early data. The TLS itself is
//! rustls'; this module feeds it from our sockets and decides who may resume what.
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

pub mod client;
mod control;
mod data;
pub mod identity;
mod kin;
mod layer;
mod reissue;
pub mod server;
pub mod sessions;
mod store;
mod subject;
mod verify;

pub use control::{Explicit, UpgradeError};
pub(crate) use data::Shown;
pub use data::{DataTlsError, Flow, Hello, Outcome, Reuse};
pub use kin::User;
pub(crate) use layer::{AHEAD, Layer, Pending, Room};
pub use subject::{NotASubject, Subject};
pub use verify::CertificateRefused;

/// The protocol versions that are offered or taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// TLS 1.3 where the peer has it, else 1.2.
    #[default]
    Both,
    /// TLS 1.2 only, for peers that fail at 1.3, and for tests.
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

impl Versions {
    fn list(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        const BOTH: &[&rustls::SupportedProtocolVersion] =
            &[&rustls::version::TLS13, &rustls::version::TLS12];
        let (newer, older) = BOTH.split_at(1);
        match self {
            Self::Both => BOTH,
            Self::Tls12 => older,
            Self::Tls13 => newer,
        }
    }
}

/// The SHA-256 of a certificate, by which people compare and pin it: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        // A SHA-256 is 32 bytes long.
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is `sha256:` and 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Takes upper and lower case, and colons between the bytes as openssl prints them.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let (name, digits) = text.split_once(':').ok_or(NotAFingerprint)?;
        if !name.eq_ignore_ascii_case("sha256") {
            return Err(NotAFingerprint);
        }
        let mut bytes = [0; 32];
        let mut digits = digits.chars().filter(|digit| *digit != ':').map(|digit| digit.to_digit(16));
        for byte in &mut bytes {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(NotAFingerprint);
            };
            *byte = (high << 4 | low) as u8;
        }
        if digits.next().is_some() { Err(NotAFingerprint) } else { Ok(Self(bytes)) }
    }
}

/// Why TLS was not established.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It took longer than this.
    #[error("the TLS handshake took longer than {0:?}")]
    Late(Duration),
    /// The peer does not speak TLS: the first bytes that it sent, at most 64.
    #[error("the peer does not speak TLS here")]
    NotTls(Vec<u8>),
    /// The peer closed the connection in the middle.
    #[error("the peer closed the connection during the TLS handshake")]
    Closed,
    /// The peer sent an alert, or something that TLS forbids, or offered nothing that we take; or its certificate
    /// was refused.
    #[error("the TLS handshake failed: {0}")]
    Tls(#[source] rustls::Error),
    /// The server's certificate is not one that we were told to take.
    #[error(transparent)]
    Refused(CertificateRefused),
    /// The connection broke.
    #[error("the connection broke during the TLS handshake: {0}")]
    Io(#[source] io::Error),
}

impl From<rustls::Error> for HandshakeError {
    fn from(error: rustls::Error) -> Self {
        use rustls::{CertificateError::Other, Error::InvalidCertificate};
        let refused = match &error {
            InvalidCertificate(Other(rustls::OtherError(ours))) => ours.downcast_ref(),
            _ => None,
        };
        refused.copied().map_or(Self::Tls(error), Self::Refused)
    }
}

impl HandshakeError {
    /// Is it the peer's certificate that was not taken, whether by the authorities or by a pin?
    pub fn is_certificate(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Tls(rustls::Error::InvalidCertificate(_)))
    }

    /// Is it our certificate, or that we showed none, which the peer does not take?
    pub fn is_about_ours(&self) -> bool {
        matches!(self, Self::Tls(error) if is_about_ours(error))
    }

    pub(crate) fn of(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Closed;
        }
        match error.downcast::<layer::LayerError>() {
            Ok(layer::LayerError::Tls(error)) => error.into(),
            Ok(layer::LayerError::NotTls(bytes)) => Self::NotTls(bytes),
            Err(error) => Self::Io(error),
        }
    }
}

fn is_about_ours(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::{
        BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked, CertificateUnknown,
        UnknownCA, UnsupportedCertificate,
    };
    let rustls::Error::AlertReceived(alert) = error else { return false };
    matches!(
        alert,
        BadCertificate
            | CertificateExpired
            | CertificateRequired
            | CertificateRevoked
            | CertificateUnknown
            | UnknownCA
            | UnsupportedCertificate
    )
}

/// The same of an error of [`Control::read`](crate::control::Control::read): under TLS 1.3 a server looks at a client's
/// certificate when the client is done with the handshake.
pub fn is_about_our_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(layer::LayerError::Tls(error)) if is_about_ours(error))
}

/// What a protected connection is, once it is established.
#[derive(Clone, Debug)]
pub struct Established {
    /// As `1.2` or `1.3`.
    pub version: &'static str,
    /// The name of the cipher suite, as the registry of TLS parameters has it.
    pub suite: String,
    /// It resumed an earlier session; no certificate was sent then, and the ones here are that session's.
    pub resumed: bool,
    /// The peer's certificates, its own first; none where it showed none.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The protocol that was agreed on by ALPN (RFC 7301).
    pub alpn: Option<Vec<u8>>,
}

impl Established {
    /// The fingerprint of the peer's own certificate.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.certificates.first().map(Fingerprint::of)
    }

    /// By what other programs pin the peer's own certificate: its SHA-1 (lftp), and the SHA-256 of its key (curl). Nothing is
    /// trusted for them here.
    pub fn pins(&self) -> Option<([u8; 20], [u8; 32])> {
        let own = self.certificates.first()?;
        Some((identity::sha1(own), identity::key_sha256(own)))
    }

    /// The subject of the peer's own certificate; none where it is empty or damaged. It is what the certificate says, and
    /// true only where an authority vouches for it.
    pub fn subject(&self) -> Option<Subject> {
        self.certificates.first().and_then(Subject::of)
    }

    pub(crate) fn of(connection: &rustls::Connection) -> Self {
        Self {
            version: match connection.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
                _ => "1.2",
            },
            suite: connection
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str())
                .unwrap_or("unknown")
                .to_owned(),
            resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            certificates: connection
                .peer_certificates()
                .map(|chain| chain.iter().map(|der| der.clone().into_owned()).collect())
                .unwrap_or_default(),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        }
    }
}

/// The cryptography: aws-lc-rs, all of rustls' suites, no choice to get wrong.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_and_read() {
        let print = Fingerprint::of(&CertificateDer::from(b"abc".to_vec()));
        let text = print.to_string();
        assert_eq!(text, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(text.parse(), Ok(print));
        let colons: Vec<String> = print.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(format!("SHA256:{}", colons.join(":")).parse(), Ok(print));
        for wrong in ["", "sha256:", "sha1:ba78", &text[..70], &format!("{text}0"), &text.replace('a', "g")] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(NotAFingerprint), "{wrong}");
        }
    }
}
