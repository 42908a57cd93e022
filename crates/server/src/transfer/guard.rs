//! Which of the connections that come is the client's own? Under TLS the session that it resumes tells (RFC 4217 10).
//!
//! ```text
//!   at the claim's port --hello--> resumes its own control connection's session   --> taken
//!                                  resumes another session                        --> refused, the claim goes on
//!                                  resumes nothing: `require`, or resumed before  --> refused, the claim goes on
//!                                                   else held back for the first  --> taken if that does not come
//! ```
use std::sync::Arc;
use std::time::Duration;

use net::data::Data;
use net::passive::Claim;
use net::tls::server::{Binding, ServerTls};
use net::tls::{DataTlsError, Flow, HandshakeError, Hello, Outcome, Reuse};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::effect::Transferred;
use crate::reason::Reason;
use crate::settings::Settings;

/// How long a connection that resumes nothing is held back for one that does: longer than a client takes from the one
/// connection to the other, and bearable for clients that never resume.
const HELD: Duration = Duration::from_millis(300);

/// How much longer the client's own connection is waited for once another was refused. A client that does not resume has
/// made its only one, and is to hear why it was refused.
const GRACE: Duration = Duration::from_secs(2);

/// What binds data connections to their control connection.
pub(crate) struct Guard {
    pub(crate) binding: Binding,
    pub(crate) tls: Arc<ServerTls>,
}

impl Guard {
    /// Protects the one connection there is.
    pub(super) async fn protect(
        self,
        data: Data,
        settings: &Settings,
        flow: Flow,
    ) -> Result<Data, Transferred> {
        let security = &settings.security;
        data.accept_tls(&self.binding, security.reuse, flow, security.handshake)
            .await
            .map_err(|e| refused(&e))
    }

    /// Waits for the client's own connection among those that come.
    pub(super) async fn awaited(
        self,
        first: Data,
        mut claim: Claim,
        settings: &Settings,
        flow: Flow,
    ) -> Result<Data, Transferred> {
        let (reuse, within) = (settings.security.reuse, settings.security.handshake);
        let mut until = Instant::now() + settings.deadlines.data;
        let mut why: Option<Transferred> = None;
        let mut hellos = JoinSet::new();
        let tls = Arc::clone(&self.tls);
        hellos.spawn(async move { first.hello(&tls, within).await });
        let mut held: Option<(Hello, Instant)> = None;
        loop {
            let release = held.as_ref().map_or(until, |(_, at)| *at);
            let hello = tokio::select! {
                biased;
                Some(read) = hellos.join_next() => match read {
                    Ok(Ok(hello)) => hello,
                    Ok(Err(error)) => {
                        why = Some(refused(&DataTlsError::Handshake(error)));
                        until = until.min(Instant::now() + GRACE);
                        continue;
                    }
                    // A task that panicked is a bug of ours, and this connection's end.
                    Err(_) => continue,
                },
                data = claim.next() => {
                    let tls = Arc::clone(&self.tls);
                    hellos.spawn(async move { data.hello(&tls, within).await });
                    continue;
                }
                () = sleep_until(release) => match held.take() {
                    Some((hello, _)) => {
                        match hello.accept(&self.binding, reuse, flow, within).await {
                            Ok(data) => return Ok(data),
                            Err(error) => why = Some(refused(&error)),
                        }
                        continue;
                    }
                    None => return Err(why.unwrap_or_else(|| Reason::DataNotMade.into())),
                },
            };
            let peer = hello.data().peer();
            let may_be = reuse == Reuse::Learn && !self.binding.must_resume();
            if hello.outcome(&self.binding) == Outcome::Unbound && may_be && held.is_none() {
                held = Some((hello, Instant::now() + HELD));
                continue;
            }
            match hello.accept(&self.binding, reuse, flow, within).await {
                Ok(data) => return Ok(data),
                Err(error) => {
                    tracing::warn!(%peer, %error, "a data connection was refused");
                    why = Some(refused(&error));
                    until = until.min(Instant::now() + GRACE);
                }
            }
        }
    }
}

fn refused(error: &DataTlsError) -> Transferred {
    let reason = match error {
        DataTlsError::Unbound | DataTlsError::Foreign => Reason::NotResumed,
        // A reset is a reset, also when it comes with the last word of the handshake.
        DataTlsError::Handshake(HandshakeError::Io(_)) => Reason::PeerBroke,
        DataTlsError::AnotherCertificate | DataTlsError::Handshake(_) => Reason::DataTlsFailed,
    };
    Transferred { detail: Some(error.to_string()), ..reason.into() }
}
