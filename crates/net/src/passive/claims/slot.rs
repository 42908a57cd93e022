//! What does one passive port hold for one address? One unencrypted claim, or protected ones that can be told
//! apart.
use tokio::time::Instant;

use super::kind::{ClaimId, Kind};

/// A claim that holds a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) id: ClaimId,
    pub(crate) kind: Kind,
    /// When it lapses.
    pub(crate) until: Instant,
    /// From when on it makes room for one that waits. None while its owner uses it.
    pub(crate) yields: Option<Instant>,
    /// When it got the port, among all that happens.
    pub(super) since: u64,
}

/// In the order of coming.
#[derive(Debug, Default)]
pub(super) struct Slot(Vec<Live>);

impl Slot {
    /// Whether there is room for one more.
    pub(super) fn fits(&self, kind: Kind) -> bool {
        let beside = |other: Kind| match (kind, other) {
            (Kind::Clear | Kind::Lone(_), _) | (_, Kind::Clear | Kind::Lone(_)) => false,
            // A session has one connection at a time; two of its claims could not be told apart.
            (one, other) => one.binding() != other.binding(),
        };
        self.0.iter().all(|live| beside(live.kind))
    }

    pub(super) fn add(&mut self, live: Live) {
        self.0.push(live);
    }

    pub(super) fn remove(&mut self, id: ClaimId) {
        self.0.retain(|live| live.id != id);
    }

    pub(super) fn find(&mut self, id: ClaimId) -> Option<&mut Live> {
        self.0.iter_mut().find(|live| live.id == id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Live> {
        self.0.iter()
    }

    /// Those whose time has not passed.
    pub(super) fn live(&self, now: Instant) -> impl Iterator<Item = &Live> {
        self.0.iter().filter(move |live| live.until > now)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
