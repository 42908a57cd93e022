//! Which certificate and key are ours?
use std::fmt;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::fingerprint::{Fingerprint, key_sha256, sha1};
use super::provider::provider;

/// A certificate chain, our own first, and the private key of the first. Cheap to clone; shows no key.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

/// Why there is no identity in some bytes.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no certificate in PEM.
    #[error("no certificate in PEM was found")]
    NoCertificate,
    /// There is no private key in PEM, or one of a kind that we cannot use.
    #[error("no usable private key in PEM was found: {0}")]
    Key(String),
    /// The PEM, or what is in it, is damaged.
    #[error("the certificate could not be read: {0}")]
    Damaged(String),
    /// The key is not the certificate's.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(String),
}

/// A certificate made here, as it is to be kept.
pub struct SelfSigned {
    /// Ready to be used.
    pub identity: Identity,
    /// The certificate in PEM.
    pub certificate: String,
    /// The private key in PEM (PKCS #8). For a file that only its owner may read.
    pub key: wire::Secret,
}

impl Identity {
    /// From PEM: the chain, our own certificate first, and the key (PKCS #8, PKCS #1 or SEC 1, not
    /// encrypted). Both may be in one file; other sections are passed over.
    ///
    /// # Errors
    /// When one is missing, damaged, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = certificates(chain)?;
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| IdentityError::Key(error.to_string()))?;
        Self::new(chain, key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, IdentityError> {
        let fingerprint = Fingerprint::of(chain.first().ok_or(IdentityError::NoCertificate)?);
        let key = provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                Err(IdentityError::Mismatch)
            }
            Err(rustls::Error::InvalidCertificate(error)) => {
                Err(IdentityError::Damaged(format!("{error:?}")))
            }
            // Kinds of keys that cannot tell what their public half is are believed.
            _ => Ok(Self { key: Arc::new(key), fingerprint }),
        }
    }

    /// Makes a certificate that signs itself, for these names (host names and addresses): ECDSA on P-256,
    /// valid from a day ago until the year 4096, since it is trusted by its fingerprint and not by a date.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate, or the system has no random bytes.
    pub fn self_signed(names: &[String]) -> Result<SelfSigned, IdentityError> {
        let make = |error: rcgen::Error| IdentityError::Make(error.to_string());
        let mut params = rcgen::CertificateParams::new(names).map_err(make)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let name = names.first().map_or("pasv", String::as_str);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let pair = rcgen::KeyPair::generate().map_err(make)?;
        let certificate = params.self_signed(&pair).map_err(make)?.pem();
        let key = pair.serialize_pem();
        let identity = Self::from_pem(certificate.as_bytes(), key.as_bytes())?;
        Ok(SelfSigned { identity, certificate, key: wire::Secret::new(key) })
    }

    /// The fingerprint of our own certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The SHA-1 of our own certificate, by which some programs still name one: nothing is trusted for it
    /// here.
    pub fn sha1(&self) -> [u8; 20] {
        sha1(self.chain().first().map(AsRef::as_ref).unwrap_or_default())
    }

    /// The SHA-256 of our own certificate's key (SubjectPublicKeyInfo in DER), by which curl and others pin
    /// one.
    pub fn key_sha256(&self) -> [u8; 32] {
        key_sha256(self.chain().first().map(AsRef::as_ref).unwrap_or_default())
    }

    /// The certificates, our own first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.key.cert
    }

    fn serves(&self, name: &ServerName<'_>) -> bool {
        self.chain()
            .first()
            .and_then(|own| ParsedCertificate::try_from(own).ok())
            .is_some_and(|own| verify_server_name(&own, name).is_ok())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.fingerprint).finish()
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity.fmt(f)
    }
}

/// The certificates in PEM, in their order.
///
/// # Errors
/// When there is none, or one is damaged.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| IdentityError::Damaged(error.to_string()))?;
    if all.is_empty() { Err(IdentityError::NoCertificate) } else { Ok(all) }
}

/// Chooses among identities: the first that serves the name asked for (SNI, RFC 6066 3) and whose key the
/// client can check, else the first whose key it can check. A client that asks for a name we have not gets a
/// certificate that it will refuse, and can show; a handshake that just fails would be no help to its user.
#[derive(Debug)]
pub(super) struct Choice(pub(super) Vec<Identity>);

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let usable =
            |identity: &&Identity| identity.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let named = name
            .as_ref()
            .and_then(|name| self.0.iter().filter(usable).find(|identity| identity.serves(name)));
        named
            .or_else(|| self.0.iter().find(usable))
            .or(self.0.first())
            .map(|identity| Arc::clone(&identity.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_ours_is_kept_and_read_again() {
        let made = Identity::self_signed(&["ftp.example".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        let again = Identity::from_pem(made.certificate.as_bytes(), made.key.expose()).unwrap();
        assert_eq!(again.fingerprint(), made.identity.fingerprint());
        for (name, serves) in [("ftp.example", true), ("192.0.2.7", true), ("www.example", false)] {
            assert_eq!(again.serves(&ServerName::try_from(name).unwrap()), serves, "{name}");
        }
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }

    #[test]
    fn what_is_wrong_with_a_pair_is_said() {
        let one = Identity::self_signed(&["one.example".to_owned()]).unwrap();
        let two = Identity::self_signed(&["two.example".to_owned()]).unwrap();
        let (certificate, key) = (one.certificate.as_bytes(), two.key.expose());
        assert!(matches!(Identity::from_pem(certificate, key), Err(IdentityError::Mismatch)));
        assert!(matches!(Identity::from_pem(b"", key), Err(IdentityError::NoCertificate)));
        assert!(matches!(Identity::from_pem(certificate, certificate), Err(IdentityError::Key(_))));
        let broken = one.certificate.replace("MII", "@@@");
        assert!(matches!(Identity::from_pem(broken.as_bytes(), key), Err(IdentityError::Damaged(_))));
    }
}
