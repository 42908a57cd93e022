//! How does a data connection come under TLS, and what is said where it does not?
use std::sync::Arc;

use net::data::Data;
use net::passive::{Arrival, Cause, NoConnection, ProtectedClaim};
use net::tls::server::{Binding, ServerTls};
use net::tls::{DataTlsError, Flow, HandshakeError};
use tokio::time::Instant;

use super::diagnosis;
use crate::effect::Outcome;
use crate::reason::Reason;
use crate::settings::Settings;

/// What binds data connections to their control connection.
pub(crate) struct Guard {
    pub(crate) binding: Binding,
    pub(crate) tls: Arc<ServerTls>,
}

impl Guard {
    /// Protects the one connection there is.
    pub(super) async fn protect(self, data: Data, settings: &Settings, flow: Flow) -> Result<Data, Outcome> {
        data.accept_tls(&self.binding, settings.reuse(), flow, settings.site.deadlines.handshake)
            .await
            .map_err(|error| failed(&error))
    }
}

/// Waits until a connection is there that is the client's own, or may be. The claim comes back where none
/// came.
pub(super) async fn arrival(
    mut claim: ProtectedClaim,
    settings: &Settings,
) -> Result<(ProtectedClaim, Arrival), (ProtectedClaim, Outcome)> {
    let patience = settings.site.deadlines.data;
    let port = claim.claimed_port();
    let arrival = claim.arrival(Instant::now() + patience);
    let (arrived, seen) = diagnosis::watched(port.clone(), arrival).await;
    match arrived {
        Ok(arrival) => Ok((claim, arrival)),
        Err(NoConnection::NoneCame) => Err((claim, diagnosis::no_arrival(&port, seen, patience).await)),
        Err(why) => Err((claim, none(&why))),
    }
}

/// The client's own connection, under TLS.
pub(super) async fn connection(
    (claim, arrival): (ProtectedClaim, Arrival),
    settings: &Settings,
    flow: Flow,
) -> Result<Data, Outcome> {
    claim.connection(arrival, flow, settings.site.deadlines.handshake).await.map_err(|why| none(&why))
}

/// Why there is no connection.
fn none(why: &NoConnection) -> Outcome {
    match why {
        NoConnection::NoneCame => Reason::DataNotMade.into(),
        NoConnection::Yielded => Reason::PortYielded.into(),
        NoConnection::Ambiguous => Reason::Ambiguous.into(),
        NoConnection::Refused(refused) => {
            let reason = match refused.cause {
                Cause::Foreign | Cause::Unbound => Reason::NotResumed,
                Cause::Stranger | Cause::Ambiguous | Cause::NoHello => Reason::DataTlsFailed,
            };
            Outcome { detail: Some(refused.detail.to_string()), ..reason.into() }
        }
        NoConnection::Tls(error) => failed(error),
    }
}

fn failed(error: &DataTlsError) -> Outcome {
    let reason = match error {
        DataTlsError::Unbound | DataTlsError::Foreign => Reason::NotResumed,
        // A reset is a reset, also when it comes with the last word of the handshake.
        DataTlsError::Handshake(HandshakeError::Io(_)) => Reason::PeerBroke,
        DataTlsError::AnotherCertificate | DataTlsError::Handshake(_) => Reason::DataTlsFailed,
    };
    Outcome { detail: Some(error.to_string()), ..reason.into() }
}
