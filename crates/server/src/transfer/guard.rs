//! Which of the connections that come is the client's own? Under TLS the session that it resumes tells (RFC 4217 10).
//!
//! ```text
//!   at the claim's port --hello--> resumes its own control connection's session --> taken, whatever else is there
//!                                  resumes another's     --> given to that one's claim, or refused; ours goes on;
//!                                                            that of one that is kin (`net::tls`) --> taken where
//!                                                            only our claim can be meant
//!                                  resumes nothing:
//!                                    `require`, or resumed before      --> refused, the claim goes on
//!                                    another may be the client's own   --> held back for it
//!                                    two of them                       --> refused: nothing tells which is the client's
//!                                    else                              --> taken
//! ```
//! The passive ports read the hellos, and give a session those that are its own (`net::passive`). What is left to decide
//! here is for whom it is waited, and for how long.
use std::sync::Arc;
use std::time::Duration;

use net::data::{Data, Outcome};
use net::passive::{Cause, Next, ProtectedClaim, Refused, Stir};
use net::tls::server::{Binding, ServerTls};
use net::tls::{DataTlsError, Flow, HandshakeError};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::contest::{HeldBack, Released, Shakes};
use super::silence;
use crate::effect::Transferred;
use crate::reason::Reason;
use crate::settings::Settings;

/// How much longer the client's own connection is waited for once another was refused that can have been nobody else's. A
/// client that does not resume has made its only one, and is to hear why it was refused.
const GRACE: Duration = Duration::from_secs(2);

/// What binds data connections to their control connection.
pub(crate) struct Guard {
    pub(crate) binding: Binding,
    pub(crate) tls: Arc<ServerTls>,
}

/// A claim at which a connection is, be it the client's or not.
pub(crate) struct Awaited {
    guard: Guard,
    claim: ProtectedClaim,
    settings: Settings,
    flow: Flow,
    /// Why an earlier one was refused.
    why: Option<Transferred>,
    /// When that was the client's only one, as far as can be known.
    until: Option<Instant>,
}

impl Guard {
    /// Protects the one connection there is.
    pub(super) async fn protect(
        self,
        data: Data,
        settings: &Settings,
        flow: Flow,
    ) -> Result<Data, Transferred> {
        data.accept_tls(&self.binding, settings.reuse(), flow, settings.site.deadlines.handshake)
            .await
            .map_err(|error| failed(&error))
    }

    /// Waits until a connection is there that is the client's own, or may be: one that has said nothing yet, since some
    /// clients (Python's ftplib) begin TLS only when they have heard 150. The claim comes back where nothing came.
    pub(super) async fn awaits(
        self,
        mut claim: ProtectedClaim,
        settings: &Settings,
        flow: Flow,
    ) -> Result<Awaited, (ProtectedClaim, Transferred)> {
        let until = Instant::now() + settings.site.deadlines.data;
        let mut why = None;
        let place = claim.claimed_port();
        let stirring = stirs(&mut claim, &self.binding, until, &mut why);
        let (stirred, seen) = silence::watched(place.clone(), stirring).await;
        match stirred {
            Some(until) => {
                let settings = settings.clone();
                Ok(Awaited { guard: self, claim, settings, flow, why, until })
            }
            None => {
                let why = match why {
                    Some(why) => why,
                    None => silence::nobody_came(&place, seen, settings.site.deadlines.data).await,
                };
                Err((claim, why))
            }
        }
    }
}

/// Waits until a connection has come, be it the client's or not, and says until when others are waited for, if that is sooner than
/// usual. None: nothing came that may be the client's; `why` is the last that was refused.
async fn stirs(
    claim: &mut ProtectedClaim,
    binding: &Binding,
    until: Instant,
    why: &mut Option<Transferred>,
) -> Option<Option<Instant>> {
    loop {
        let stir = timeout_at(until, claim.stirs()).await;
        if matches!(&stir, Ok(Stir::Refused(refused)) if refused.cause == Cause::Unbound) {
            binding.owes_a_ticket();
        }
        match stir {
            Ok(Stir::Comes) => return Some(None),
            // Whether it was refused before or behind 150 is a matter of moments that nobody should have to see.
            Ok(Stir::Refused(refused)) if refused.alone => {
                *why = Some(turned_away(&refused));
                return Some(Some(Instant::now() + GRACE));
            }
            Ok(Stir::Refused(refused)) => *why = Some(turned_away(&refused)),
            Ok(Stir::Yielded) => {
                *why = Some(Reason::PortYielded.into());
                return None;
            }
            Ok(Stir::Expired) | Err(_) => return None,
        }
    }
}

impl Awaited {
    /// The client's own connection, under TLS.
    pub(super) async fn connection(self) -> Result<Data, Transferred> {
        let Self { guard: Guard { binding, .. }, mut claim, settings, flow, mut why, until } = self;
        let deadline = Instant::now() + settings.site.deadlines.handshake;
        let mut until = until.map_or(deadline, |until| until.min(deadline));
        claim.keep_until(deadline);
        let mut held = HeldBack::new(settings.reuse());
        let mut shakes = Shakes::new(binding, settings.reuse(), flow, deadline);
        loop {
            match held.release(Instant::now(), || claim.is_contended()) {
                Released::Nothing => {}
                Released::TheOne(hello) => shakes.take_unbound(hello),
                Released::Contested(hellos) => {
                    for hello in hellos {
                        claim.refuse(hello, Cause::Contested);
                    }
                    return Err(Reason::Contested.into());
                }
            }
            let alarm = held.until().or_else(|| shakes.is_empty().then_some(until));
            let next = async {
                if held.waits_for_others() { claim.next_unless_alone().await } else { claim.next().await }
            };
            let next = tokio::select! {
                biased;
                shaken = shakes.next(), if !shakes.is_empty() => match shaken {
                    Ok(data) => {
                        claim.served();
                        return Ok(data);
                    }
                    Err(error) => {
                        why = Some(failed(&error));
                        until = until.min(Instant::now() + GRACE);
                        continue;
                    }
                },
                next = next => next,
                () = sleep_until(alarm.unwrap_or(deadline)), if alarm.is_some() => {
                    if held.is_empty() {
                        break;
                    }
                    held.overdue(Instant::now());
                    continue;
                }
            };
            match next {
                Next::Hello(hello) if shakes.is_lent_in_vain(&hello) => {
                    why = Some(failed(&DataTlsError::Foreign));
                    until = until.min(Instant::now() + GRACE);
                    claim.refuse(*hello, Cause::Foreign);
                }
                Next::Hello(hello)
                    if matches!(hello.outcome(shakes.binding()), Outcome::Bound | Outcome::Kin) =>
                {
                    for other in held.give_up() {
                        claim.refuse(other, Cause::Unbound);
                    }
                    if let Some(other) = shakes.take_bound(hello) {
                        claim.note(Cause::Unbound, other);
                    }
                }
                // Another has been taken for the client's.
                Next::Hello(hello) if !shakes.is_empty() => claim.refuse(*hello, Cause::Unbound),
                Next::Hello(hello) => {
                    if let Some(one_too_many) = held.add(hello, Instant::now()) {
                        claim.refuse(*one_too_many, Cause::Contested);
                    }
                }
                Next::Refused(refused) => {
                    until = shortened(until, &refused);
                    if refused.cause == Cause::Unbound {
                        shakes.binding().owes_a_ticket();
                    }
                    why = Some(turned_away(&refused));
                }
                Next::Alone => {}
                Next::Expired => break,
            }
        }
        Err(why.unwrap_or_else(|| {
            // One that was there and said nothing may well have been the client's.
            if claim.is_contended() {
                failed(&HandshakeError::Late(settings.site.deadlines.handshake).into())
            } else {
                Reason::DataNotMade.into()
            }
        }))
    }
}

fn shortened(until: Instant, refused: &Refused) -> Instant {
    if refused.alone { until.min(Instant::now() + GRACE) } else { until }
}

fn turned_away(refused: &Refused) -> Transferred {
    let reason = match refused.cause {
        Cause::Foreign | Cause::Unbound => Reason::NotResumed,
        Cause::Stranger | Cause::Contested | Cause::Unspoken => Reason::DataTlsFailed,
    };
    Transferred { detail: Some(refused.detail.to_string()), ..reason.into() }
}

fn failed(error: &DataTlsError) -> Transferred {
    let reason = match error {
        DataTlsError::Unbound | DataTlsError::Foreign => Reason::NotResumed,
        // A reset is a reset, also when it comes with the last word of the handshake.
        DataTlsError::Handshake(HandshakeError::Io(_)) => Reason::PeerBroke,
        DataTlsError::AnotherCertificate | DataTlsError::Handshake(_) => Reason::DataTlsFailed,
    };
    Transferred { detail: Some(error.to_string()), ..reason.into() }
}
