//! Is this certificate the server's?
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::error::CertificateRefused;
use super::fingerprint::Fingerprint;
use super::provider::{provider, signatures};
use super::trust::Trust;

/// Decides for one control connection and its data connections. (rustls resumes a session only under the very
/// verifier that it was made under, so that it must be one for both.)
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// The control connection's certificate, once it was taken.
    first: OnceLock<CertificateDer<'static>>,
    doubt: Mutex<Option<rustls::Error>>,
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

    /// Why the certificate would not have been taken, were it not for the user of this to decide.
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
        // It is set once: a control connection has one handshake.
        let _ = self.first.set(own.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}
