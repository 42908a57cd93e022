//! Where several connections may be the client's own, which of them wins?
//!
//! One that resumes the control connection's session, or that of one that is kin, at once and always. One that resumes nothing is held back where there
//! is another, for as long as that may turn out to resume; and of two that resume nothing neither is taken.
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use net::data::{Data, Hello, Outcome};
use net::tls::server::Binding;
use net::tls::{DataTlsError, Flow, Reuse};
use tokio::time::Instant;

/// How long a connection that resumes nothing is held back for one that does, where there is another: longer than a client
/// takes from the one to the other, and bearable for clients that never resume.
const HELD: Duration = Duration::from_millis(300);

/// Connections that resume the session at once, and go on until their time is over: the client's, and such as somebody makes
/// from a hello that was overheard, which come to nothing but take their time.
const FIRST_BOUND: usize = 4;

/// Those that came last, beside them: each new one takes the place of the eldest of these. The client's own needs its place for
/// a round trip.
const LAST_BOUND: usize = 2;

/// Connections that resume nothing, as many as it takes to be in doubt.
#[derive(Debug)]
pub(super) struct HeldBack {
    hellos: Vec<Hello>,
    until: Option<Instant>,
    hold: Duration,
}

/// What need not be held back any longer.
#[derive(Debug)]
pub(super) enum Released {
    Nothing,
    TheOne(Box<Hello>),
    /// Nothing tells which of them is the client's, and a guess could give a file to a stranger.
    Contested(Vec<Hello>),
}

impl HeldBack {
    pub(super) fn new(reuse: Reuse) -> Self {
        // Who never asks for a session to be resumed does not wait for that.
        let hold = if reuse == Reuse::Off { Duration::ZERO } else { HELD };
        Self { hellos: Vec::new(), until: None, hold }
    }

    /// Holds one back; it comes back when it makes no difference any more.
    pub(super) fn add(&mut self, hello: Box<Hello>, now: Instant) -> Option<Box<Hello>> {
        self.until.get_or_insert(now + self.hold);
        if self.hellos.len() > 1 {
            return Some(hello);
        }
        self.hellos.push(*hello);
        None
    }

    /// Lets go of what is held back when its time is over, or when it is alone.
    pub(super) fn release(&mut self, now: Instant, contended: impl FnOnce() -> bool) -> Released {
        let Some(until) = self.until else { return Released::Nothing };
        if now < until && (self.hellos.len() > 1 || contended()) {
            return Released::Nothing;
        }
        let mut hellos = self.give_up();
        match hellos.pop() {
            Some(hello) if hellos.is_empty() => Released::TheOne(Box::new(hello)),
            Some(hello) => {
                hellos.push(hello);
                Released::Contested(hellos)
            }
            None => Released::Nothing,
        }
    }

    /// All that is held back, for its time has not come.
    pub(super) fn give_up(&mut self) -> Vec<Hello> {
        self.until = None;
        std::mem::take(&mut self.hellos)
    }

    /// Its time is over, whatever the clock says of fractions.
    pub(super) fn overdue(&mut self, now: Instant) {
        self.until = self.until.map(|until| until.min(now));
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hellos.is_empty()
    }

    /// Would it make a difference if no other connection were silent any more?
    pub(super) fn waits_for_others(&self) -> bool {
        self.hellos.len() == 1
    }
}

type Shake = Pin<Box<dyn Future<Output = Result<Data, DataTlsError>> + Send>>;

/// The handshakes that are under way.
pub(super) struct Shakes {
    binding: Binding,
    reuse: Reuse,
    flow: Flow,
    deadline: Instant,
    bound: Vec<Shake>,
    unbound: Option<(SocketAddr, Shake)>,
}

impl Shakes {
    pub(super) fn new(binding: Binding, reuse: Reuse, flow: Flow, deadline: Instant) -> Self {
        Self { binding, reuse, flow, deadline, bound: Vec::new(), unbound: None }
    }

    pub(super) fn binding(&self) -> &Binding {
        &self.binding
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bound.is_empty() && self.unbound.is_none()
    }

    /// Does it resume another's session that is no good for this transfer?
    pub(super) fn is_lent_in_vain(&self, hello: &Hello) -> bool {
        match hello.outcome(&self.binding) {
            Outcome::Kin => !self.binding.lends(self.flow),
            Outcome::Foreign => self.reuse != Reuse::Off,
            Outcome::Bound | Outcome::Unbound => false,
        }
    }

    /// Goes on with one that resumes the session. The one that resumes nothing is dropped, however far it was: whose it was
    /// comes back.
    pub(super) fn take_bound(&mut self, hello: Box<Hello>) -> Option<SocketAddr> {
        let shake = self.shake(hello);
        if self.bound.len() >= FIRST_BOUND + LAST_BOUND {
            drop(self.bound.remove(FIRST_BOUND));
        }
        self.bound.push(shake);
        self.unbound.take().map(|(from, _)| from)
    }

    /// Goes on with one that resumes nothing.
    pub(super) fn take_unbound(&mut self, hello: Box<Hello>) {
        self.unbound = Some((hello.data().peer(), self.shake(hello)));
    }

    /// The first that succeeds or fails. Cancel-safe; never ends when there is none.
    pub(super) async fn next(&mut self) -> Result<Data, DataTlsError> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Data, DataTlsError>> {
        for index in 0..self.bound.len() {
            if let Poll::Ready(shaken) = self.bound[index].as_mut().poll(context) {
                drop(self.bound.remove(index));
                return Poll::Ready(shaken);
            }
        }
        if let Some((_, shake)) = &mut self.unbound
            && let Poll::Ready(shaken) = shake.as_mut().poll(context)
        {
            self.unbound = None;
            return Poll::Ready(shaken);
        }
        Poll::Pending
    }

    fn shake(&self, hello: Box<Hello>) -> Shake {
        let (binding, reuse, flow) = (self.binding.clone(), self.reuse, self.flow);
        let within = self.deadline.saturating_duration_since(Instant::now());
        Box::pin(async move { hello.accept(&binding, reuse, flow, within).await })
    }
}
