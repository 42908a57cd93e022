//! Which servers does a client trust?
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};

use super::error::{CertificateRefused, TlsConfigError, words};
use super::fingerprint::Fingerprint;
use super::identity::{Identity, IdentityError, certificates};
use super::provider::{Versions, provider};

/// Which certificate of a server is taken. In every case the server must have its key, and every data
/// connection must show the control connection's certificate again.
#[derive(Clone, Debug)]
pub enum Trust {
    /// One that these authorities vouch for, for the name that was connected to.
    Roots(Roots),
    /// One of these, whatever its issuer, name and date.
    Pinned(Vec<Fingerprint>),
    /// Any: the user of this decides, before anything secret is sent.
    /// [`Session::doubt`](super::client::Session::doubt) says what these authorities think.
    Report(Roots),
}

/// The certificate authorities that vouch for servers.
#[derive(Clone)]
pub struct Roots(pub(super) Arc<RootCertStore>);

impl Roots {
    /// The system's, or those that SSL_CERT_FILE and SSL_CERT_DIR name. Read once in a process, from a
    /// hundred files or more: the first call blocks for some milliseconds. A system without any gives an
    /// empty store, which verifies nobody.
    pub fn system() -> Self {
        static SYSTEM: OnceLock<Roots> = OnceLock::new();
        let load = || {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::debug!(%error, "a certificate authority of the system could not be read");
            }
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            Self(Arc::new(roots))
        };
        SYSTEM.get_or_init(load).clone()
    }

    /// From PEM.
    ///
    /// # Errors
    /// When there is no certificate, or one is damaged.
    pub fn from_pem(pem: &[u8]) -> Result<Self, IdentityError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(pem)? {
            roots.add(authority).map_err(|error| IdentityError::Damaged(error.to_string()))?;
        }
        Ok(Self(Arc::new(roots)))
    }

    /// Both these and those.
    #[must_use]
    pub fn and(&self, those: &Self) -> Self {
        let mut roots = RootCertStore::clone(&self.0);
        roots.extend(those.0.roots.iter().cloned());
        Self(Arc::new(roots))
    }

    /// TLS for another protocol than FTP, by its name in ALPN (RFC 7301), towards servers that these vouch
    /// for.
    ///
    /// # Errors
    /// When the library refuses its own defaults.
    pub fn client_config(&self, protocol: &[u8]) -> Result<ClientConfig, TlsConfigError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(Versions::Both.list())?
            .with_root_certificates(Arc::clone(&self.0))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(config)
    }

    /// Does one of these vouch for a server's own certificate, through the others of its chain, at this time
    /// and for this name, as a client would ask?
    ///
    /// # Errors
    /// Why not, in words.
    pub fn vouch_for(&self, identity: &Identity, name: &str, at: SystemTime) -> Result<(), String> {
        let Some((own, others)) = identity.chain().split_first() else {
            return Err("there is no certificate".into());
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.0), provider());
        // Refused only where there is no authority at all.
        let verifier = verifier.build().map_err(|_| CertificateRefused::NoRoots.to_string())?;
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| "its name is none of a server".to_owned())?;
        let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let verified = verifier.verify_server_cert(own, others, &name, &[], at);
        verified.map(drop).map_err(|error| words(&error))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roots").field(&self.count()).finish()
    }
}
