//! Which of the connections at a passive port is the client's own, under TLS?
//!
//! ```text
//!   arrival      one has come, or was turned away and may have been the client's only one: 150
//!   connection   its hello resumes
//!                 - our control connection's session: taken, whatever else is there
//!                 - another's: given to that one's claim, or refused, and ours goes on; that of one that is
//!                   sibling (`tls::siblings`) is taken where only our claim can be meant
//!                 - nothing: refused under `require`, or where one has resumed before; held back where
//!                   another may be the client's own; refused where there are two; else taken
//! ```
//! The hub gives each claim the hellos that may be its own ([`tls::owner`](crate::tls::owner) decides); which
//! of them is taken, and how long others are waited for, is decided here.
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::candidates::{Handshakes, HeldBack, Released};
use super::claim::{ClaimedPort, Reservation};
use super::demand::Refused;
use super::hub::{ArrivalEvent, Awaits, HelloEvent};
use super::refusals::Cause;
use crate::data::{Data, Hello};
use crate::tls::owner::{Answer, Flow, Policy, Reuse, owner};
use crate::tls::server::Binding;
use crate::tls::{DataTlsError, HandshakeError};

/// How much longer the client's own connection is waited for once another was refused that can have been for
/// no other claim. A client that does not resume has made its only one, and is to get a reply that says why
/// it was refused.
const GRACE: Duration = Duration::from_secs(2);

/// Connections of one claim that are being sent an alert at once. A client has made two at most; each takes
/// a descriptor for up to a second, of which there are few.
const REFUSING: usize = 8;

/// A port where one connection is waited for that says whose it is. The port is shared with other such claims
/// of the same address, but each connection is given to the claim whose session it resumes. Dropping the
/// claim gives up its port, and closes (with FIN) what has come for it.
#[derive(Debug)]
pub struct ProtectedClaim {
    reservation: Reservation,
    binding: Binding,
    reuse: Reuse,
    refusing: Arc<Semaphore>,
}

/// A connection has come to a claim, be it the client's or not.
#[derive(Debug, Default)]
pub struct Arrival {
    /// Why an earlier one was refused.
    why: Option<NoConnection>,
    /// Until when others are waited for, where that was the client's only one, as far as can be known.
    until: Option<Instant>,
}

/// Why a protected claim has no connection.
#[derive(Debug)]
pub enum NoConnection {
    /// None came that may be the client's.
    NoneCame,
    /// The claim had not been used for long, and another claim of the address waited: that one has the port.
    Yielded,
    /// Several may be the client's, and which cannot be known.
    Ambiguous,
    /// The last one that came was turned away.
    Refused(Refused),
    /// The handshake of the last one failed.
    Tls(DataTlsError),
}

impl ProtectedClaim {
    pub(super) fn new(reservation: Reservation, binding: Binding, reuse: Reuse) -> Self {
        Self { reservation, binding, reuse, refusing: Arc::new(Semaphore::new(REFUSING)) }
    }

    /// The port to announce to the client.
    pub fn port(&self) -> u16 {
        self.reservation.port
    }

    /// Where it is waited for, and whose connection.
    pub fn claimed_port(&self) -> ClaimedPort {
        self.reservation.claimed_port()
    }

    /// Its client is about to get a reply that nothing comes of it, and need not begin TLS: that is not
    /// logged.
    pub fn dismiss(&self) {
        self.reservation.hub.dismiss(self.reservation.id);
    }

    /// Waits until a connection is there that is the client's own, or may be: one that has said nothing yet,
    /// since some clients (Python's ftplib) begin TLS only after the 150 reply. Cancel-safe.
    ///
    /// # Errors
    /// [`NoConnection::Yielded`]; [`NoConnection::Refused`] for the last that was turned away,
    /// [`NoConnection::NoneCame`] where none came.
    pub async fn arrival(&mut self, until: Instant) -> Result<Arrival, NoConnection> {
        let mut why = None;
        loop {
            let Ok(event) = timeout_at(until, self.arrival_event()).await else { break };
            match event {
                ArrivalEvent::Comes => return Ok(Arrival { why, until: None }),
                ArrivalEvent::Refused(refused) => {
                    self.owe_a_ticket(&refused);
                    let alone = refused.alone;
                    why = Some(NoConnection::Refused(refused));
                    // Whether it was refused before or after 150 is a matter of moments, and should make no
                    // difference.
                    if alone {
                        return Ok(Arrival { why, until: Some(Instant::now() + GRACE) });
                    }
                }
                ArrivalEvent::Yielded => return Err(NoConnection::Yielded),
                ArrivalEvent::Expired => break,
            }
        }
        Err(why.unwrap_or(NoConnection::NoneCame))
    }

    /// The client's own connection, under TLS, within a time. The claim lapses then, and not before.
    ///
    /// # Errors
    /// See [`NoConnection`].
    pub async fn connection(
        mut self,
        arrival: Arrival,
        flow: Flow,
        within: Duration,
    ) -> Result<Data, NoConnection> {
        let Arrival { mut why, until } = arrival;
        let deadline = Instant::now() + within;
        let mut until = until.map_or(deadline, |until| until.min(deadline));
        self.keep_until(deadline);
        // One that resumes nothing though it must is refused behind those that are held back.
        let policy = Policy { reuse: self.reuse, must_resume: false, lends: self.binding.lends(flow) };
        let mut held = HeldBack::new(self.reuse);
        let mut handshakes = Handshakes::new(self.binding.clone(), self.reuse, flow, deadline);
        loop {
            match held.release(Instant::now(), || self.has_candidates()) {
                Released::Nothing => {}
                Released::TheOne(hello) => handshakes.take(hello),
                Released::Ambiguous(hellos) => {
                    for hello in hellos {
                        self.refuse(*hello, Cause::Ambiguous);
                    }
                    return Err(NoConnection::Ambiguous);
                }
            }
            let alarm = held.until().or_else(|| handshakes.is_empty().then_some(until));
            let awaits = if held.waits_for_others() { Awaits::Silence } else { Awaits::Nothing };
            let event = tokio::select! {
                biased;
                done = handshakes.next(), if !handshakes.is_empty() => match done {
                    Ok(data) => {
                        self.reservation.served = true;
                        return Ok(data);
                    }
                    Err(error) => {
                        why = Some(NoConnection::Tls(error));
                        until = until.min(Instant::now() + GRACE);
                        continue;
                    }
                },
                event = self.hello_event(awaits) => event,
                () = sleep_until(alarm.unwrap_or(deadline)), if alarm.is_some() => {
                    if held.is_empty() {
                        break;
                    }
                    held.overdue(Instant::now());
                    continue;
                }
            };
            match event {
                HelloEvent::Hello(hello) => match owner(hello.shows(self.binding.session()), policy) {
                    Answer::Own => {
                        for other in held.give_up() {
                            self.refuse(*other, Cause::Unbound);
                        }
                        if let Some(other) = handshakes.resume(hello) {
                            self.note(Cause::Unbound, other);
                        }
                    }
                    Answer::Foreign => {
                        why = Some(NoConnection::Tls(DataTlsError::Foreign));
                        until = until.min(Instant::now() + GRACE);
                        self.refuse(*hello, Cause::Foreign);
                    }
                    // Another has been taken for the client's.
                    Answer::Perhaps | Answer::Unbound if !handshakes.is_empty() => {
                        self.refuse(*hello, Cause::Unbound);
                    }
                    Answer::Perhaps | Answer::Unbound => {
                        if let Some(one_too_many) = held.add(hello, Instant::now()) {
                            self.refuse(*one_too_many, Cause::Ambiguous);
                        }
                    }
                },
                HelloEvent::Refused(refused) => {
                    if refused.alone {
                        until = until.min(Instant::now() + GRACE);
                    }
                    self.owe_a_ticket(&refused);
                    why = Some(NoConnection::Refused(refused));
                }
                HelloEvent::Alone => {}
                HelloEvent::Expired => break,
            }
        }
        Err(why.unwrap_or_else(|| {
            // One that was there and said nothing may well have been the client's.
            if self.has_candidates() {
                NoConnection::Tls(HandshakeError::Late(within).into())
            } else {
                NoConnection::NoneCame
            }
        }))
    }

    /// What happens before the transfer is said to begin. Cancel-safe.
    async fn arrival_event(&mut self) -> ArrivalEvent {
        self.reservation.take_waiting();
        let Reservation { hub, id, peer, port, until, .. } = &self.reservation;
        let event = poll_fn(|context| {
            hub.arrival_event(*id, (*peer, *port), context.waker()).map_or(Poll::Pending, Poll::Ready)
        });
        if let Ok(event) = timeout_at(*until, event).await {
            return event;
        }
        hub.expire(*peer);
        ArrivalEvent::Expired
    }

    /// What happens after that, however long it takes. Cancel-safe.
    async fn hello_event(&self, awaits: Awaits) -> HelloEvent {
        let Reservation { hub, id, peer, port, .. } = &self.reservation;
        poll_fn(|context| {
            let event = hub.hello_event(*id, (*peer, *port), awaits, context.waker());
            event.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// It lapses at this time, and not before it.
    fn keep_until(&mut self, until: Instant) {
        self.reservation.until = self.reservation.until.max(until);
        self.reservation.hub.extend(self.reservation.id, self.reservation.until);
    }

    /// Does another connection wait that may be this claim's? It is looked for in the kernel, too.
    fn has_candidates(&self) -> bool {
        let Reservation { hub, id, peer, port, .. } = &self.reservation;
        self.reservation.take_waiting();
        hub.has_candidates(*id, (*peer, *port))
    }

    /// A client whose connection was refused because it resumes nothing may have no ticket left.
    fn owe_a_ticket(&self, refused: &Refused) {
        if refused.cause == Cause::Unbound {
            self.binding.owes_a_ticket();
        }
    }

    /// Counts a connection of this claim's that was not taken in the end.
    fn note(&self, cause: Cause, from: SocketAddr) {
        self.reservation.hub.note(cause, from, self.reservation.port);
    }

    /// Turns a connection of this claim's away, and counts it. It is sent an alert unless there are too many
    /// of them.
    fn refuse(&self, hello: Hello, cause: Cause) {
        self.note(cause, hello.data().peer());
        match (Handle::try_current(), Arc::clone(&self.refusing).try_acquire_owned()) {
            // It has a second to take it.
            (Ok(runtime), Ok(turn)) => drop(runtime.spawn(async move {
                hello.refuse().await;
                drop(turn);
            })),
            _ => hello.drain_and_close(),
        }
    }
}

impl Drop for ProtectedClaim {
    fn drop(&mut self) {
        // As with an unencrypted claim: a connection that waits at the port already is closed with FIN.
        if !self.reservation.served {
            self.reservation.take_waiting();
        }
    }
}
