//! When is a session protected by TLS, and whose certificate is taken?
//!
//! ```text
//!   Options.tls --> Login: AUTH TLS, or TLS at once --> handshake --> Shown --> Security.judge --yes--> USER, PASS ...
//! ```
//! The judge is asked before anything secret is said; what it knows and whom it asks is the program's affair.
use std::fmt;
use std::sync::Arc;

use net::tls::client::{Roots, Session, Settings, Trust};
use net::tls::{Fingerprint, HandshakeError, UpgradeError, Versions};
use wire::pathname::show;

use crate::error::Error;

/// How the control connection is protected, and with it the data connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Unencrypted.
    #[default]
    Off,
    /// By AUTH TLS where the server takes it, else unencrypted, which is told
    /// ([`Event::Clear`](crate::Event::Clear)).
    Offered,
    /// By AUTH TLS (RFC 4217), or not at all.
    Required,
    /// From the first byte.
    Implicit,
}

/// What a server has shown in a handshake.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The host as it was named.
    pub host: String,
    /// The control port.
    pub port: u16,
    /// Of its certificate.
    pub fingerprint: Fingerprint,
    /// Why the certificate does not verify by the authorities; none if it does.
    pub doubt: Option<String>,
}

/// Why a certificate is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong with it.
    pub why: String,
    /// What a person can do about it.
    pub todo: String,
}

/// Decides whether a certificate is taken. Called on the blocking pool, as it may read files and ask a
/// person.
pub type Judge = Arc<dyn Fn(&Shown) -> Result<(), Refusal> + Send + Sync>;

/// The TLS of a session.
#[derive(Clone)]
pub struct Security {
    /// What a handshake is made of. Under [`Trust::Report`] the judge has the word.
    pub settings: Settings,
    /// Asked about every certificate that the settings let pass.
    pub judge: Judge,
}

impl Security {
    /// Only certificates that the system's authorities vouch for.
    #[must_use]
    pub fn by_roots() -> Self {
        let trust = Trust::Roots(Roots::system());
        let settings = Settings { trust, versions: Versions::Both, identity: None };
        Self { settings, judge: Arc::new(|_| Ok(())) }
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What stands before the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// AUTH, and its 234.
    AfterAuth,
    /// Nothing.
    AtOnce,
}

/// Asks the judge.
pub async fn judged(
    security: &Security,
    host: &str,
    port: u16,
    session: &Session,
) -> Result<Fingerprint, Error> {
    let Some(fingerprint) = session.established().fingerprint() else {
        // Neither version of TLS that we speak has suites without a certificate.
        return Err(insecure("the server has shown no certificate", "the server is broken"));
    };
    let doubt = session.doubt_in_words();
    let shown = Shown { host: host.to_owned(), port, fingerprint, doubt };
    let judge = Arc::clone(&security.judge);
    let judged = tokio::task::spawn_blocking(move || judge(&shown)).await;
    match judged {
        Ok(Ok(())) => Ok(fingerprint),
        Ok(Err(Refusal { why, todo })) => Err(Error::Insecure { what: why, todo }),
        Err(_) => Err(insecure("the certificate could not be judged", "this is a fault of the program")),
    }
}

/// A handshake that failed, in words that say what to do.
pub(crate) fn explain(error: UpgradeError, start: Start) -> Error {
    match (error, start) {
        (UpgradeError::Handshake(HandshakeError::NotTls(bytes)), Start::AtOnce) => insecure(
            format!(
                "expected TLS from the first byte, but the server sent plain text: \"{}\"",
                first(&bytes)
            ),
            "this port expects AUTH TLS: use ftpes:// instead of ftps://, or --tls required",
        ),
        (UpgradeError::Handshake(HandshakeError::NotTls(bytes)), Start::AfterAuth) => insecure(
            format!("the server accepted AUTH TLS but then sent plain text: \"{}\"", first(&bytes)),
            "the server, or a firewall in front of it, does not handle TLS; --tls off connects without TLS, unencrypted",
        ),
        (UpgradeError::PendingClear, _) => insecure(
            "unencrypted data followed the server's reply to AUTH TLS: someone between you and the server may have inserted it",
            "try again, or from another network",
        ),
        (UpgradeError::Name(name), _) => {
            insecure(format!("{} cannot be a name in TLS", show(name.as_bytes())), "use the host's name")
        }
        (UpgradeError::Handshake(error), _) if error.is_about_ours() => not_us(&error),
        (other, _) => insecure(other.to_string(), "--tls off connects without TLS, unencrypted"),
    }
}

/// The server wants to see a certificate of ours, or another one.
pub(crate) fn not_us(error: &dyn fmt::Display) -> Error {
    insecure(
        format!("the server asks for a client certificate, and takes none or not this one: {error}"),
        "--cert FILE shows one, with --key FILE where its key is not in the same file",
    )
}

pub(crate) fn insecure(what: impl Into<String>, todo: impl Into<String>) -> Error {
    Error::Insecure { what: what.into(), todo: todo.into() }
}

/// The first line of what came, at most.
fn first(bytes: &[u8]) -> String {
    show(bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default())
}
