//! By which digests are certificates compared and pinned?
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// The SHA-256 of a certificate, by which people compare and pin it: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(digest(&SHA256, certificate))
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

/// Of a certificate in DER.
pub(super) fn sha1(certificate: &[u8]) -> [u8; 20] {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate)
}

/// Of the key of a certificate in DER.
pub(super) fn key_sha256(certificate: &[u8]) -> [u8; 32] {
    let parsed = X509Certificate::from_der(certificate);
    digest(&SHA256, parsed.map_or(&[], |(_, certificate)| certificate.tbs_certificate.subject_pki.raw))
}

/// The first bytes of a digest: all of them, for an algorithm of that length.
fn digest<const N: usize>(algorithm: &'static Algorithm, of: &[u8]) -> [u8; N] {
    aws_lc_rs::digest::digest(algorithm, of).as_ref().first_chunk().copied().unwrap_or([0; N])
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
