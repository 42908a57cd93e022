//! Is this certificate the server's?
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, OtherError};

use super::client::Trust;
use super::{Fingerprint, provider};

/// That the peer has its certificate's key: the same for servers and for clients, and nothing to decide about.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &rustls::pki_types::CertificateDer<'_>,
            dss: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls12_signature(
                message,
                cert,
                dss,
                &super::provider().signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &rustls::pki_types::CertificateDer<'_>,
            dss: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls13_signature(
                message,
                cert,
                dss,
                &super::provider().signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            super::provider().signature_verification_algorithms.supported_schemes()
        }
    };
}
pub(super) use signatures;

/// Decides for one control connection and its data connections. (rustls resumes a session only under the very verifier
/// that it was made under, so that it must be one for both.)
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// The control connection's certificate, once it was taken.
    first: OnceLock<CertificateDer<'static>>,
    doubt: Mutex<Option<rustls::Error>>,
}

/// Why a server's certificate was not taken, where it is not the authorities who say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefused {
    /// Another one was pinned.
    #[error("the certificate is {shown}, not the pinned one")]
    NotPinned {
        /// The one that the server has now.
        shown: Fingerprint,
    },
    /// The data connection does not lead to the server that the control connection leads to.
    #[error("the data connection shows another certificate ({data}) than the control connection ({control})")]
    NotTheSame {
        /// The control connection's.
        control: Fingerprint,
        /// The data connection's.
        data: Fingerprint,
    },
    /// Nobody can vouch for any.
    #[error("this system has no certificate authorities to trust")]
    NoRoots,
}

impl From<CertificateRefused> for rustls::Error {
    fn from(refused: CertificateRefused) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
    }
}

/// Why a certificate does not verify, in words for a person who has never heard of rustls.
pub(super) fn words(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(error) = error else { return error.to_string() };
    let day = |time: &UnixTime| {
        let civil = wire::Stamp::from_seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)).civil();
        format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
    };
    match error {
        CertificateError::UnknownIssuer => "not signed by a trusted authority".to_owned(),
        CertificateError::Expired => "it has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => format!("it expired on {}", day(not_after)),
        CertificateError::NotValidYet => "it is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", day(not_before))
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // As `DnsName("ftp.example.org")`.
            let names: Vec<_> =
                presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).take(4).collect();
            format!("it is for another name: {}", wire::pathname::show(names.join(", ").as_bytes()))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is not for this name".to_owned()
        }
        CertificateError::Other(OtherError(other)) => match other.to_string().as_str() {
            // The library's name for what `openssl req -x509` makes, which is what most guides tell people to do.
            "CaUsedAsEndEntity" => "self-signed".to_owned(),
            other => other.to_owned(),
        },
        other => other.to_string(),
    }
}

impl Verifier {
    pub(super) fn new(trust: Trust) -> Self {
        let roots = match &trust {
            Trust::Pinned(_) => None,
            // Refused only where there is no root at all.
            Trust::Roots(roots) | Trust::Report(roots) => {
                WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots.0), provider()).build().ok()
            }
        };
        Self { trust, roots, first: OnceLock::new(), doubt: Mutex::default() }
    }

    /// Why the certificate would not have been taken, had the caller not asked to decide itself.
    pub(super) fn doubt(&self) -> Option<rustls::Error> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(first) = self.first.get() {
            return if first == own {
                Ok(ServerCertVerified::assertion())
            } else {
                let (control, data) = (Fingerprint::of(first), Fingerprint::of(own));
                Err(CertificateRefused::NotTheSame { control, data }.into())
            };
        }
        let by_roots = || match &self.roots {
            Some(roots) => roots.verify_server_cert(own, chain, name, ocsp, now).map(drop),
            None => Err(CertificateRefused::NoRoots.into()),
        };
        match &self.trust {
            Trust::Roots(_) => by_roots()?,
            Trust::Pinned(pins) => {
                let shown = Fingerprint::of(own);
                if !pins.contains(&shown) {
                    return Err(CertificateRefused::NotPinned { shown }.into());
                }
            }
            Trust::Report(_) => {
                *self.doubt.lock().unwrap_or_else(PoisonError::into_inner) = by_roots().err();
            }
        }
        // Nobody else sets it: a control connection has one handshake.
        let _ = self.first.set(own.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_is_said_in_words() {
        let said = |error| words(&rustls::Error::InvalidCertificate(error));
        assert!(said(CertificateError::UnknownIssuer).contains("authority"));
        let (time, not_after) =
            (UnixTime::since_unix_epoch(std::time::Duration::from_secs(2)), 1_795_532_400);
        let not_after = UnixTime::since_unix_epoch(std::time::Duration::from_secs(not_after));
        assert_eq!(said(CertificateError::ExpiredContext { time, not_after }), "it expired on 2026-11-24");
        let expected = ServerName::try_from("a.example").unwrap();
        let presented = vec!["DnsName(\"b.example\")".to_owned()];
        let error = CertificateError::NotValidForNameContext { expected, presented };
        assert_eq!(said(error), "it is for another name: b.example");
    }
}
