//! Which cryptography and which versions of TLS are used?
use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};

use super::error::TlsConfigError;

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
    pub(super) fn list(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
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

/// The cryptography: aws-lc-rs, all of rustls' suites, no choice to get wrong.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
}

/// How signatures are verified.
pub(super) fn algorithms() -> WebPkiSupportedAlgorithms {
    provider().signature_verification_algorithms
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], TlsConfigError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| TlsConfigError::Random)?;
    Ok(bytes)
}

/// That the peer has its certificate's key: the same for servers and for clients, and nothing to decide
/// about.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &rustls::pki_types::CertificateDer<'_>,
            dss: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls12_signature(message, cert, dss, &super::provider::algorithms())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &rustls::pki_types::CertificateDer<'_>,
            dss: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls13_signature(message, cert, dss, &super::provider::algorithms())
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            super::provider::algorithms().supported_schemes()
        }
    };
}
pub(super) use signatures;
