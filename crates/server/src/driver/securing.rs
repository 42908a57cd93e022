//! How does TLS begin and end on a control connection, and which user is it bound to?
use std::sync::Arc;

use net::control::{Control, Explicit};
use net::tls::server::Binding;
use net::tls::{UpgradeError, User};
use storage::Certificate;
use wire::Reply;

use super::state::Driver;
use crate::reason::Reason;
use crate::registry::Registration;
use crate::settings::Settings;
use crate::shared::Shared;

/// Why there is no TLS on a control connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTls {
    #[error("{}", .0.text())]
    Refused(Reason),
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
}

/// Begins TLS, within the address's budget.
pub(super) async fn secure(
    control: &Control,
    shared: &Shared,
    registration: &Registration,
    settings: &Settings,
    explicit: Option<Explicit<'_>>,
) -> Result<Binding, NoTls> {
    let Some(tls) = &shared.tls else { return Err(NoTls::Refused(Reason::TlsOff)) };
    let _turn = registration.handshake(&settings.site.limits).map_err(NoTls::Refused)?;
    let binding = control.accept_tls(tls, explicit, settings.site.deadlines.handshake).await?;
    registration.secured(Some(binding.established().version));
    Ok(binding)
}

/// Why TLS did not come about, for a line of the log that says already that it did not.
pub(super) fn why(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("the TLS handshake failed: ").unwrap_or(&text);
    // By the names of RFC 8446 6.2.
    match text.strip_prefix("received fatal alert: ") {
        Some("UnknownCA") => "the client does not trust this certificate".to_owned(),
        Some("BadCertificate" | "CertificateUnknown" | "UnsupportedCertificate" | "CertificateRevoked") => {
            "the client refused this certificate".to_owned()
        }
        Some("CertificateExpired") => "to the client this certificate has expired".to_owned(),
        Some("ProtocolVersion") => "the client does not support this version of TLS".to_owned(),
        Some("HandshakeFailure" | "InsufficientSecurity") => {
            "the client found no cipher suite that it accepts".to_owned()
        }
        Some("CloseNotify" | "UserCanceled") => "the client ended the handshake".to_owned(),
        Some(alert) => format!("the client sent the alert {alert}"),
        None => text.to_owned(),
    }
}

/// What a client has shown under TLS, for the session and for the log.
pub(super) fn shown(id: u64, binding: &Binding) -> Option<Certificate> {
    let (now, client) = (binding.established(), binding.client());
    let fingerprint = client.as_ref().map(|client| client.fingerprint.to_string());
    let subject = client.as_ref().and_then(|client| client.subject.as_ref()).map(ToString::to_string);
    tracing::debug!(
        session = id,
        version = now.version,
        suite = now.suite,
        fingerprint,
        subject,
        "under TLS"
    );
    client.map(|client| Certificate { fingerprint: *client.fingerprint.as_bytes(), subject })
}

impl Driver<'_> {
    /// Begins TLS. None: the handshake failed, and the session ends without a reply.
    pub(super) async fn secure(
        &mut self,
        answer: &Reply,
    ) -> std::io::Result<Option<Result<Option<Certificate>, Reason>>> {
        self.flush().await?;
        // What has been read and not been heard: whole lines, or the beginning of one.
        let behind = self.is_behind() || !self.decoder.is_empty();
        let mut said = Vec::new();
        answer.encode(&mut said);
        let explicit = Explicit { read_ahead: if behind { b"?" } else { b"" }, answer: &said };
        match secure(self.control, self.shared, self.registration, &self.settings, Some(explicit)).await {
            Ok(binding) => {
                let certificate = shown(self.id, &binding);
                self.binding = Some(binding);
                self.user = None;
                Ok(Some(Ok(certificate)))
            }
            Err(NoTls::Upgrade(UpgradeError::PendingClear)) => Ok(Some(Err(Reason::ClearBehindAuth))),
            Err(NoTls::Refused(reason)) => Ok(Some(Err(reason))),
            Err(NoTls::Upgrade(error)) => {
                if self.shared.log_rate.allows(Some(self.id), self.peer) {
                    tracing::info!(session = self.id, peer = %self.peer, error = why(&error), "TLS handshake failed");
                }
                self.closing = true;
                Ok(None)
            }
        }
    }

    /// Ends TLS. The binding lives on: data connections are protected as before.
    pub(super) async fn unsecure(&mut self, answer: &Reply) -> std::io::Result<()> {
        self.flush().await?;
        let mut said = Vec::new();
        answer.encode(&mut said);
        self.control
            .clear_tls(&said, self.settings.site.deadlines.handshake)
            .await
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        self.registration.secured(None);
        Ok(())
    }

    /// Tells the registry who is logged in, when that has changed, and the binding: TLS sessions of one user
    /// may stand for each other.
    pub(super) fn note_user(&mut self) {
        let now = self.session.user();
        if now != self.noted.as_ref() {
            self.noted = now.cloned();
            self.registration.set_user(now, None);
        }
        let Some(binding) = &self.binding else { return };
        // A transfer that completes under an old login stays that user's.
        let running = self.running.as_ref().map(|running| &running.log.user);
        let now = self.session.user().filter(|now| running.is_none_or(|user| user == *now));
        if now == self.user.as_ref() {
            return;
        }
        self.user = now.cloned();
        binding.belongs(self.user.as_ref().map(|name| {
            let anonymous = self.session.is_anonymous();
            User { name: if anonymous { "anonymous".into() } else { Arc::clone(name) }, anonymous }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_told_in_words_and_once() {
        for (error, words) in [
            (
                "the TLS handshake failed: received fatal alert: UnknownCA",
                "the client does not trust this certificate",
            ),
            (
                "the TLS handshake failed: received fatal alert: DecodeError",
                "the client sent the alert DecodeError",
            ),
            ("the TLS handshake failed: peer is incompatible", "peer is incompatible"),
            ("the TLS handshake took longer than 9s", "the TLS handshake took longer than 9s"),
        ] {
            assert_eq!(why(&error), words);
        }
    }
}
