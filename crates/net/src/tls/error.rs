//! What can go wrong with TLS, and by whose fault?
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, OtherError};
use tokio::time::{Instant, timeout_at};

use super::fingerprint::Fingerprint;

/// Why TLS cannot be spoken with some settings.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// No identity was given.
    #[error("TLS needs a certificate")]
    NoIdentity,
    /// The authorities for clients' certificates, or the lists of revoked ones, are no good.
    #[error("the authorities for client certificates are no good: {0}")]
    Clients(String),
    /// The system has no random bytes.
    #[error("the system has no random bytes")]
    Random,
    /// The library refuses the combination.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
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
    /// The peer sent an alert, or something that TLS forbids, or offered nothing that we take; or its
    /// certificate was refused.
    #[error("the TLS handshake failed: {0}")]
    Tls(#[source] rustls::Error),
    /// The server's certificate is not one that we trust.
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
            InvalidCertificate(Other(OtherError(ours))) => ours.downcast_ref(),
            _ => None,
        };
        refused.copied().map_or(Self::Tls(error), Self::Refused)
    }
}

impl HandshakeError {
    /// A step of a handshake, which has to end by a time: `within` after it began.
    pub(crate) async fn in_time<T>(
        until: Instant,
        within: Duration,
        step: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Self> {
        match timeout_at(until, step).await {
            Ok(done) => done.map_err(Self::of),
            Err(_) => Err(Self::Late(within)),
        }
    }

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
        match error.downcast::<LayerError>() {
            Ok(LayerError::Tls(error)) => error.into(),
            Ok(LayerError::NotTls(bytes)) => Self::NotTls(bytes),
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

/// The same of an error of `Control::read`: under TLS 1.3 a server looks at a client's
/// certificate when the client is done with the handshake.
pub fn is_about_our_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(LayerError::Tls(error)) if is_about_ours(error))
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
    /// There is no authority to vouch for any.
    #[error("this system has no certificate authorities to trust")]
    NoRoots,
}

impl From<CertificateRefused> for rustls::Error {
    fn from(refused: CertificateRefused) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
    }
}

/// Why a certificate does not verify, in words for people who do not know rustls.
pub(crate) fn words(error: &rustls::Error) -> String {
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
            // The library's name for what `openssl req -x509` makes, which is what most guides tell people to
            // do.
            "CaUsedAsEndEntity" => "self-signed".to_owned(),
            other => other.to_owned(),
        },
        other => other.to_string(),
    }
}

/// Why TLS did not start or end on a control connection.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// Unencrypted bytes came behind the AUTH command, or behind the reply to it: an attacker's, put there to
    /// be taken for protected ones. Nothing was sent; the connection is still unencrypted, so that a server
    /// can say 503 and close.
    #[error("unencrypted bytes wait to be read where TLS was to begin")]
    PendingClear,
    /// It is protected already, or it is not.
    #[error("the connection is not in the state for that")]
    WrongState,
    /// TLS was not established. The connection is of no use any more.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// TLS cannot be set up. Nothing was sent.
    #[error(transparent)]
    Config(#[from] TlsConfigError),
    /// The host's name cannot stand in TLS. Nothing was sent.
    #[error("{0:?} is not a host name")]
    Name(String),
    /// The client continued under TLS where it should have ended it. The connection is of no use any more.
    #[error("protected bytes came where TLS was to end")]
    PendingProtected,
}

/// Why a data connection was not taken, or not made.
#[derive(Debug, thiserror::Error)]
pub enum DataTlsError {
    /// It resumes nothing, and must. A server says 522 and that the client has to resume its control
    /// connection's session.
    #[error("the data connection does not resume the TLS session of its control connection")]
    Unbound,
    /// It resumes another control connection's session. A server says 522.
    #[error("the data connection resumes the TLS session of another control connection")]
    Foreign,
    /// It resumes nothing, and shows another certificate than the client showed on the control connection, or
    /// none. A server says 522.
    #[error("the data connection does not show the client certificate of its control connection")]
    AnotherCertificate,
    /// TLS was not established.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

/// Errors of ours that travel inside an `io::Error`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayerError {
    #[error("{0}")]
    Tls(#[source] rustls::Error),
    #[error("the peer does not speak TLS here")]
    NotTls(Vec<u8>),
}

impl From<LayerError> for io::Error {
    fn from(error: LayerError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn a_doubt_is_said_in_words() {
        let said = |error| words(&rustls::Error::InvalidCertificate(error));
        assert!(said(CertificateError::UnknownIssuer).contains("authority"));
        let (time, not_after) = (UnixTime::since_unix_epoch(Duration::from_secs(2)), 1_795_532_400);
        let not_after = UnixTime::since_unix_epoch(Duration::from_secs(not_after));
        assert_eq!(said(CertificateError::ExpiredContext { time, not_after }), "it expired on 2026-11-24");
        let expected = ServerName::try_from("a.example").unwrap();
        let presented = vec!["DnsName(\"b.example\")".to_owned()];
        let error = CertificateError::NotValidForNameContext { expected, presented };
        assert_eq!(said(error), "it is for another name: b.example");
    }
}
