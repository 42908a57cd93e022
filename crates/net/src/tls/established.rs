//! What was agreed on in a TLS handshake?
use rustls::pki_types::CertificateDer;

use super::fingerprint::{Fingerprint, key_sha256, sha1};
use super::subject::Subject;

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

    /// By what other programs pin the peer's own certificate: its SHA-1 (lftp), and the SHA-256 of its key
    /// (curl). Nothing is trusted for them here.
    pub fn pins(&self) -> Option<([u8; 20], [u8; 32])> {
        let own = self.certificates.first()?;
        Some((sha1(own), key_sha256(own)))
    }

    /// The subject of the peer's own certificate; none where it is empty or damaged. It is what the
    /// certificate says, and true only where an authority vouches for it.
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
