//! Which session does a connection at a shared passive port belong to?
//!
//! The pure part of the shared ports: no sockets, no clock, no randomness (the choice of a port is an
//! argument). A claim is for one (peer address, port). An unencrypted claim has that *slot* alone; its life:
//!
//! ```text
//!              no slot for it           a slot for it, in order
//!   claim() ---------------------> Queued ---------+
//!      |                                           v
//!      +---------------------------------------> Live --arrive--> Arrived --take--> (gone)
//!                                                  |                 |
//!                                expire, release --+                 +--second arrival--> ambiguous (gone)
//! ```
//!
//! Only `Live` holds the port: from the arrival on it is free for the next claim of that address. An arrival
//! that no live claim wants, while earlier ones at the same slot have not been taken up, is ambiguous: all of
//! those are ambiguous. An arrival from any other address is a stranger, and changes nothing.
//!
//! Where there are protected claims, those that need a slot for themselves leave some to the others (see
//! [`Quota`]): clients without TLS cannot take every port of an address from those under TLS.
//!
//! A claim whose owner has not used it for long *yields* where another waits for its slot: [`Claims::expire`]
//! ends it then. Without TLS, a connection that comes for it after that is the next claim's, as it is after a
//! claim has lapsed.
//!
//! Protected claims share a slot, as their connections say whose they are: an arrival there changes nothing,
//! and [`Claims::whose`] is asked when it has spoken. They are live until they are released, or lapse.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use tokio::time::Instant;

use crate::session_id::SessionId;

mod kind;
#[cfg(test)]
mod model;
mod quota;
mod slot;

pub(crate) use kind::{ClaimId, Kind};
use quota::Quota;
use slot::{Live, Slot};

/// What a claim is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) id: ClaimId,
    /// Canonical.
    pub(crate) peer: IpAddr,
    /// Which set of ports serves it: an index into those given to [`Claims::new`].
    pub(crate) group: usize,
    pub(crate) kind: Kind,
    /// When it lapses.
    pub(crate) until: Instant,
}

/// The answer to a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This port is claimed.
    Port(u16),
    /// No port has a slot for it; a [`Grant`] will come when one has.
    Queued,
}

/// A queued wish got its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) id: ClaimId,
    pub(crate) port: u16,
}

/// Whose a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This claim's. Its port is free again, and went to the grants if others were waiting.
    Handed(ClaimId, Vec<Grant>),
    /// It might be any of these, whose connections came earlier and are not taken up: none may be trusted.
    Ambiguous(Vec<ClaimId>),
    /// That of a protected claim: it has yet to say which.
    Protected(Stamp),
    /// No claim's.
    Stranger,
}

/// When a connection came, among all that happens at the ports. It can only be meant for a claim that was
/// there before it, since no port is announced earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// What has lapsed, and who gained by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lapsed {
    pub(crate) expired: Vec<ClaimId>,
    /// Had to make room for others before their time.
    pub(crate) yielded: Vec<ClaimId>,
    pub(crate) granted: Vec<Grant>,
}

#[derive(Debug)]
enum State {
    Queued { peer: IpAddr },
    Live { peer: IpAddr, port: u16 },
    Arrived { peer: IpAddr, port: u16 },
}

/// What there is of one address.
#[derive(Debug, Default)]
struct Peer {
    slots: BTreeMap<u16, Slot>,
    arrived: HashMap<u16, Vec<ClaimId>>,
    queue: VecDeque<Wish>,
}

/// The claims of all sessions. Its size is bounded by theirs: every claim has an owner that is held by one.
#[derive(Debug)]
pub(crate) struct Claims {
    groups: Vec<Group>,
    ids: HashMap<ClaimId, State>,
    peers: HashMap<IpAddr, Peer>,
    events: u64,
}

/// Ports that serve the same wishes.
#[derive(Debug)]
struct Group {
    ports: Vec<u16>,
    quota: Quota,
}

impl Claims {
    /// An empty table over sets of ports. `protected`: there are protected claims, too.
    pub(crate) fn new(groups: Vec<Vec<u16>>, protected: bool) -> Self {
        let quota = |ports: &[u16]| if protected { Quota::of(ports.len()) } else { Quota::NONE };
        let groups = groups.into_iter().map(|ports| Group { quota: quota(&ports), ports }).collect();
        Self { groups, ids: HashMap::new(), peers: HashMap::new(), events: 0 }
    }

    /// Claims a port, or queues the wish. `choose(n)` gives a number below `n` (`n` is never 0); anything
    /// else counts as 0.
    ///
    /// An unencrypted claim needs an empty slot; those where a connection of this peer still waits to be
    /// taken up are chosen last, since a second connection there could be either's. Protected claims have
    /// slots of their own as long as most are empty, which spares them each other's connections, and then
    /// share, so that the rest stays for claims without TLS.
    pub(crate) fn claim(&mut self, wish: Wish, mut choose: impl FnMut(usize) -> usize) -> Answer {
        let Self { groups, ids, peers, events } = self;
        let ports = groups.get(wish.group).map_or(&[][..], |group| group.ports.as_slice());
        let peer = peers.entry(wish.peer).or_default();
        let port = match wish.kind {
            Kind::Clear => peer.empty(ports, &wish, groups, &mut choose),
            Kind::Lone(_) | Kind::Bound(_) if peer.slots.len() * 2 < ports.len() => {
                let empty = peer.empty(ports, &wish, groups, &mut choose);
                empty.or_else(|| peer.shared(ports, &wish, groups, &mut choose))
            }
            Kind::Lone(_) | Kind::Bound(_) => {
                let shared = peer.shared(ports, &wish, groups, &mut choose);
                shared.or_else(|| peer.empty(ports, &wish, groups, &mut choose))
            }
        };
        if let Some(port) = port {
            peer.hold(&wish, port, tick(events));
            ids.insert(wish.id, State::Live { peer: wish.peer, port });
            return Answer::Port(port);
        }
        ids.insert(wish.id, State::Queued { peer: wish.peer });
        peer.queue.push_back(wish);
        Answer::Queued
    }

    /// A connection from `peer` (canonical) at `port`. A claim whose time has passed gets nothing, even
    /// before [`Claims::expire`] has ended it.
    pub(crate) fn arrive(&mut self, peer: IpAddr, port: u16, now: Instant) -> Outcome {
        let Some(there) = self.peers.get_mut(&peer) else { return Outcome::Stranger };
        match there.slots.get(&port).and_then(|slot| slot.live(now).next()) {
            Some(&Live { id, kind: Kind::Clear, .. }) => {
                there.slots.remove(&port);
                there.arrived.entry(port).or_default().push(id);
                self.ids.insert(id, State::Arrived { peer, port });
                Outcome::Handed(id, self.pass_on(peer, port))
            }
            Some(_) => Outcome::Protected(Stamp(tick(&mut self.events))),
            None => match there.arrived.remove(&port) {
                Some(ids) => {
                    for id in &ids {
                        self.ids.remove(id);
                    }
                    self.tidy(peer);
                    Outcome::Ambiguous(ids)
                }
                None => Outcome::Stranger,
            },
        }
    }

    /// The protected claim that a connection is for which has said whose session it resumes, or that it
    /// resumes none.
    pub(crate) fn whose(
        &self,
        (peer, port): (IpAddr, u16),
        stamp: Stamp,
        says: Option<SessionId>,
        now: Instant,
    ) -> Option<ClaimId> {
        let fits = |live: &&Live| match says {
            Some(binding) => live.kind.binding() == Some(binding),
            None => matches!(live.kind, Kind::Lone(_)),
        };
        self.meant((peer, port), stamp, now).find(fits).map(|live| live.id)
    }

    /// The protected claims that a connection may be for, as long as it has said nothing.
    pub(crate) fn meant(
        &self,
        (peer, port): (IpAddr, u16),
        stamp: Stamp,
        now: Instant,
    ) -> impl Iterator<Item = &Live> {
        let slot = self.peers.get(&peer).and_then(|there| there.slots.get(&port));
        let live = slot.into_iter().flat_map(move |slot| slot.live(now));
        live.filter(move |live| live.kind != Kind::Clear && live.since < stamp.0)
    }

    /// The claim at a slot that may be for a connection which does not say whose it is.
    pub(crate) fn lone(&self, (peer, port): (IpAddr, u16)) -> Option<ClaimId> {
        let slot = self.peers.get(&peer)?.slots.get(&port)?;
        slot.all().find(|live| matches!(live.kind, Kind::Lone(_))).map(|live| live.id)
    }

    /// Was this claim there when a connection came?
    pub(crate) fn precedes(&self, id: ClaimId, stamp: Stamp) -> bool {
        self.find(id).is_some_and(|live| live.since < stamp.0)
    }

    /// The owner has taken up its connection: what comes later at that slot is not its business.
    pub(crate) fn take(&mut self, id: ClaimId) {
        if matches!(self.ids.get(&id), Some(State::Arrived { .. })) {
            self.release(id);
        }
    }

    /// A live claim lapses at this time and not before.
    pub(crate) fn extend(&mut self, id: ClaimId, until: Instant) {
        let Some(&State::Live { peer, port }) = self.ids.get(&id) else { return };
        let slot = self.peers.get_mut(&peer).and_then(|there| there.slots.get_mut(&port));
        if let Some(live) = slot.and_then(|slot| slot.find(id)) {
            live.until = live.until.max(until);
        }
    }

    /// A live claim yields to others from this time on; with none it does not, since its owner uses it.
    pub(crate) fn yields(&mut self, id: ClaimId, from: Option<Instant>) {
        let Some(&State::Live { peer, port }) = self.ids.get(&id) else { return };
        let slot = self.peers.get_mut(&peer).and_then(|there| there.slots.get_mut(&port));
        if let Some(live) = slot.and_then(|slot| slot.find(id)) {
            live.yields = from;
        }
    }

    /// Ends a claim wherever it stands; unknown owners are nothing. What it makes room for goes to those who
    /// wait.
    pub(crate) fn release(&mut self, id: ClaimId) -> Vec<Grant> {
        let Some(stand) = self.ids.remove(&id) else { return Vec::new() };
        let (State::Queued { peer } | State::Live { peer, .. } | State::Arrived { peer, .. }) = stand;
        let mut grants = Vec::new();
        if let Some(there) = self.peers.get_mut(&peer) {
            match stand {
                State::Queued { .. } => {
                    let left = there.queue.iter().position(|wish| wish.id == id);
                    let left = left.and_then(|index| there.queue.remove(index));
                    // Others may have waited behind it for a slot that was good enough for them.
                    if let Some(group) = left.and_then(|wish| self.groups.get(wish.group))
                        && !there.queue.is_empty()
                    {
                        for port in group.ports.clone() {
                            grants.extend(self.pass_on(peer, port));
                        }
                    }
                }
                State::Live { port, .. } => {
                    if let Some(slot) = there.slots.get_mut(&port) {
                        slot.remove(id);
                        if slot.is_empty() {
                            there.slots.remove(&port);
                        }
                    }
                    grants = self.pass_on(peer, port);
                }
                State::Arrived { port, .. } => {
                    if let Some(ids) = there.arrived.get_mut(&port) {
                        ids.retain(|other| *other != id);
                        if ids.is_empty() {
                            there.arrived.remove(&port);
                        }
                    }
                }
            }
        }
        self.tidy(peer);
        grants
    }

    /// Ends the claims of one peer whose time has passed, and of those that yield as many as others wait. Its
    /// cost is that peer's claims, not everybody's.
    pub(crate) fn expire(&mut self, peer: IpAddr, now: Instant) -> Lapsed {
        let mut lapsed = Lapsed::default();
        let late: Vec<ClaimId> =
            self.of_peer(peer).filter(|live| live.until <= now).map(|live| live.id).collect();
        for id in late {
            lapsed.granted.extend(self.release(id));
            lapsed.expired.push(id);
        }
        let waiting: Vec<ClaimId> = self
            .peers
            .get(&peer)
            .map_or_else(Vec::new, |there| there.queue.iter().map(|wish| wish.id).collect());
        for wish in waiting {
            let Some(id) = self.in_the_way(peer, wish, now) else { continue };
            lapsed.granted.extend(self.release(id));
            lapsed.yielded.push(id);
        }
        lapsed
    }

    /// The claim that has to yield for a queued wish: the one that might have since longest.
    fn in_the_way(&self, peer: IpAddr, wish: ClaimId, now: Instant) -> Option<ClaimId> {
        let there = self.peers.get(&peer)?;
        // It may have its port by now.
        let wish = there.queue.iter().find(|queued| queued.id == wish)?;
        let group = self.groups.get(wish.group)?;
        let held = there.held(group);
        let makes_room =
            |live: &&Live| live.kind.is_alone() && group.quota.admits(held.without(live.kind), wish.kind);
        let here = group.ports.iter().filter_map(|port| there.slots.get(port)).flat_map(Slot::all);
        let yielding = here.filter(makes_room).filter_map(|live| {
            live.yields.filter(|from| *from <= now).map(|from| (from, live.since, live.id))
        });
        yielding.min().map(|(_, _, id)| id)
    }

    /// When the next live claim of a peer lapses, or yields to one that waits.
    pub(crate) fn next_expiry(&self, peer: IpAddr, now: Instant) -> Option<Instant> {
        let awaited = self.peers.get(&peer).is_some_and(|there| !there.queue.is_empty());
        let yields = |live: &Live| live.yields.filter(|from| awaited && *from > now);
        self.of_peer(peer).map(|live| yields(live).map_or(live.until, |from| from.min(live.until))).min()
    }

    fn of_peer(&self, peer: IpAddr) -> impl Iterator<Item = &Live> {
        self.peers.get(&peer).into_iter().flat_map(|there| there.slots.values().flat_map(Slot::all))
    }

    fn find(&self, id: ClaimId) -> Option<&Live> {
        let Some(State::Live { peer, port }) = self.ids.get(&id) else { return None };
        self.peers.get(peer)?.slots.get(port)?.all().find(|live| live.id == id)
    }

    /// Gives what is free at a port to the queued wishes that it serves.
    fn pass_on(&mut self, peer: IpAddr, port: u16) -> Vec<Grant> {
        let Self { groups, ids, peers, events } = self;
        let mut grants = Vec::new();
        let Some(there) = peers.get_mut(&peer) else { return grants };
        let (mut index, mut waits) = (0, false);
        while let Some(wish) = there.queue.get(index).copied() {
            index += 1;
            if !serves(groups, &wish, port) {
                continue;
            }
            let ordered = wish.kind.is_alone();
            let admitted = there.admits(&wish, groups);
            if admitted && there.fits(port, wish.kind) && !(ordered && waits) {
                index -= 1;
                there.queue.remove(index);
                there.hold(&wish, port, tick(events));
                ids.insert(wish.id, State::Live { peer, port });
                grants.push(Grant { id: wish.id, port });
            } else {
                // One that others' slots are kept from does not wait for this one.
                waits |= ordered && admitted;
            }
        }
        grants
    }

    /// Forgets an address of which there is nothing.
    fn tidy(&mut self, peer: IpAddr) {
        let gone =
            |there: &Peer| there.slots.is_empty() && there.arrived.is_empty() && there.queue.is_empty();
        if self.peers.get(&peer).is_some_and(gone) {
            self.peers.remove(&peer);
        }
    }
}

impl Peer {
    fn fits(&self, port: u16, kind: Kind) -> bool {
        self.slots.get(&port).is_none_or(|slot| slot.fits(kind))
    }

    /// Does it leave enough slots to the others?
    fn admits(&self, wish: &Wish, groups: &[Group]) -> bool {
        !wish.kind.is_alone()
            || groups.get(wish.group).is_some_and(|group| group.quota.admits(self.held(group), wish.kind))
    }

    /// How many slots of a group are held by claims that are alone there.
    fn held(&self, group: &Group) -> quota::Held {
        let mut held = quota::Held::default();
        if group.quota != Quota::NONE {
            for live in
                self.slots.iter().filter(|(port, _)| group.ports.contains(port)).flat_map(|(_, p)| p.all())
            {
                held.add(live.kind);
            }
        }
        held
    }

    /// A wish that waits its turn does not go before those that have waited for the same port.
    fn may(&self, port: u16, wish: &Wish, groups: &[Group]) -> bool {
        let waits =
            |other: &Wish| other.kind.is_alone() && serves(groups, other, port) && self.admits(other, groups);
        self.fits(port, wish.kind) && !(wish.kind.is_alone() && self.queue.iter().any(waits))
    }

    fn hold(&mut self, wish: &Wish, port: u16, since: u64) {
        let live = Live { id: wish.id, kind: wish.kind, until: wish.until, yields: None, since };
        self.slots.entry(port).or_default().add(live);
    }

    /// One of the protected slots that have room.
    fn shared(
        &self,
        ports: &[u16],
        wish: &Wish,
        groups: &[Group],
        choose: &mut impl FnMut(usize) -> usize,
    ) -> Option<u16> {
        let open = |port: &u16| ports.contains(port) && self.may(*port, wish, groups);
        pick(self.slots.keys().copied().filter(open).collect(), choose)
    }

    /// One of the empty slots.
    fn empty(
        &self,
        ports: &[u16],
        wish: &Wish,
        groups: &[Group],
        choose: &mut impl FnMut(usize) -> usize,
    ) -> Option<u16> {
        if ports.is_empty() || !self.admits(wish, groups) {
            return None;
        }
        let free = |port: u16| !self.slots.contains_key(&port) && self.may(port, wish, groups);
        let quiet = |port: u16| free(port) && !self.arrived.contains_key(&port);
        // Most ports are free for most peers: a few random tries save going through a range of thousands. A
        // try that finds a free port is as even a choice among the free ones as counting them all.
        for _ in 0..4 {
            if let Some(port) = ports.get(choose(ports.len())).copied().filter(|port| quiet(*port)) {
                return Some(port);
            }
        }
        pick(ports.iter().copied().filter(|port| quiet(*port)).collect(), choose)
            .or_else(|| pick(ports.iter().copied().filter(|port| free(*port)).collect(), choose))
    }
}

fn pick(candidates: Vec<u16>, choose: &mut impl FnMut(usize) -> usize) -> Option<u16> {
    let first = candidates.first().copied()?;
    Some(candidates.get(choose(candidates.len())).copied().unwrap_or(first))
}

fn serves(groups: &[Group], wish: &Wish, port: u16) -> bool {
    groups.get(wish.group).is_some_and(|group| group.ports.contains(&port))
}

fn tick(events: &mut u64) -> u64 {
    *events += 1;
    *events
}
