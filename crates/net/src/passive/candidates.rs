//! Where several connections may be the client's own, which of them wins?
//!
//! One that resumes the control connection's session, or that of a sibling, at once and always. One
//! that resumes nothing is held back where there is another, for as long as that may turn out to resume; of
//! two that resume nothing neither is taken.
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::data::{Data, Hello};
use crate::tls::DataTlsError;
use crate::tls::owner::{Flow, Reuse};
use crate::tls::server::Binding;

/// How long a connection that resumes nothing is held back for one that does, where there is another: longer
/// than a client takes from the one to the other, and bearable for clients that never resume.
const HELD: Duration = Duration::from_millis(300);

/// Connections that resume the session at once, and go on until their time is over: the client's, and such as
/// an attacker makes from a hello that was overheard, which come to nothing but take their time.
const FIRST: usize = 4;

/// Those that came last, beside them: each new one takes the place of the eldest of these. The client's own
/// needs its place for a round trip.
const LAST: usize = 2;

/// Connections that resume nothing, as many as it takes to be in doubt.
#[derive(Debug)]
pub(super) struct HeldBack<T> {
    held: Vec<T>,
    until: Option<Instant>,
    hold: Duration,
}

/// What need not be held back any longer.
#[derive(Debug, PartialEq)]
pub(super) enum Released<T> {
    Nothing,
    TheOne(T),
    /// Which of them is the client's cannot be known, and a guess could give a file to a stranger.
    Ambiguous(Vec<T>),
}

impl<T> HeldBack<T> {
    pub(super) fn new(reuse: Reuse) -> Self {
        // Where no session has to be resumed, none is waited for.
        let hold = if reuse == Reuse::Off { Duration::ZERO } else { HELD };
        Self { held: Vec::new(), until: None, hold }
    }

    /// Holds one back; it comes back when it makes no difference any more.
    pub(super) fn add(&mut self, one: T, now: Instant) -> Option<T> {
        self.until.get_or_insert(now + self.hold);
        if self.held.len() > 1 {
            return Some(one);
        }
        self.held.push(one);
        None
    }

    /// Releases what is held back when its time is over, or when it is alone.
    pub(super) fn release(&mut self, now: Instant, others: impl FnOnce() -> bool) -> Released<T> {
        let Some(until) = self.until else { return Released::Nothing };
        if now < until && (self.held.len() > 1 || others()) {
            return Released::Nothing;
        }
        let mut held = self.give_up();
        match held.pop() {
            Some(one) if held.is_empty() => Released::TheOne(one),
            Some(one) => {
                held.push(one);
                Released::Ambiguous(held)
            }
            None => Released::Nothing,
        }
    }

    /// All that is held back, whether its time has come or not.
    pub(super) fn give_up(&mut self) -> Vec<T> {
        self.until = None;
        std::mem::take(&mut self.held)
    }

    /// Its time is over, whatever the clock says of fractions.
    pub(super) fn overdue(&mut self, now: Instant) {
        self.until = self.until.map(|until| until.min(now));
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Would it make a difference if no other connection were silent any more?
    pub(super) fn waits_for_others(&self) -> bool {
        self.held.len() == 1
    }
}

type Handshake = Pin<Box<dyn Future<Output = Result<Data, DataTlsError>> + Send>>;

/// The handshakes that are under way.
pub(super) struct Handshakes {
    binding: Binding,
    reuse: Reuse,
    flow: Flow,
    deadline: Instant,
    resuming: Vec<Handshake>,
    other: Option<(SocketAddr, Handshake)>,
}

impl Handshakes {
    pub(super) fn new(binding: Binding, reuse: Reuse, flow: Flow, deadline: Instant) -> Self {
        Self { binding, reuse, flow, deadline, resuming: Vec::new(), other: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.resuming.is_empty() && self.other.is_none()
    }

    /// Goes on with one that resumes a session. The one that resumes nothing is dropped, however far it was:
    /// whose it was comes back.
    pub(super) fn resume(&mut self, hello: Box<Hello>) -> Option<SocketAddr> {
        let handshake = self.begin(hello);
        if self.resuming.len() >= FIRST + LAST {
            drop(self.resuming.remove(FIRST));
        }
        self.resuming.push(handshake);
        self.other.take().map(|(from, _)| from)
    }

    /// Goes on with one that resumes nothing.
    pub(super) fn take(&mut self, hello: Box<Hello>) {
        self.other = Some((hello.data().peer(), self.begin(hello)));
    }

    /// The first that succeeds or fails. Cancel-safe; never ends when there is none.
    pub(super) async fn next(&mut self) -> Result<Data, DataTlsError> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Data, DataTlsError>> {
        for index in 0..self.resuming.len() {
            if let Poll::Ready(done) = self.resuming[index].as_mut().poll(context) {
                drop(self.resuming.remove(index));
                return Poll::Ready(done);
            }
        }
        if let Some((_, handshake)) = &mut self.other
            && let Poll::Ready(done) = handshake.as_mut().poll(context)
        {
            self.other = None;
            return Poll::Ready(done);
        }
        Poll::Pending
    }

    fn begin(&self, hello: Box<Hello>) -> Handshake {
        let (binding, reuse, flow) = (self.binding.clone(), self.reuse, self.flow);
        let within = self.deadline.saturating_duration_since(Instant::now());
        Box::pin(async move { hello.accept(&binding, reuse, flow, within).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_alone_is_released_at_once_and_two_are_contested_when_their_time_is_over() {
        let now = Instant::now();
        let mut held = HeldBack::new(Reuse::Learn);
        assert_eq!(held.release(now, || true), Released::Nothing);
        assert_eq!(held.add(1, now), None);
        assert!(held.waits_for_others());
        assert_eq!(held.release(now, || true), Released::Nothing, "another may turn out to resume");
        assert_eq!(held.release(now, || false), Released::TheOne(1));
        assert_eq!((held.add(2, now), held.add(3, now), held.add(4, now)), (None, None, Some(4)));
        assert_eq!(held.release(now, || false), Released::Nothing);
        assert_eq!(held.release(now + HELD, || false), Released::Ambiguous(vec![2, 3]));
        assert!(held.is_empty() && held.until().is_none());
        assert_eq!(held.add(5, now), None);
        assert_eq!(held.release(now + HELD, || true), Released::TheOne(5), "it has waited long enough");
    }

    #[test]
    fn nothing_is_waited_for_where_no_session_has_to_be_resumed() {
        let (mut held, now) = (HeldBack::new(Reuse::Off), Instant::now());
        assert_eq!(held.add(1, now), None);
        assert_eq!(held.release(now, || true), Released::TheOne(1));
    }
}
