//! Which session does a connection at a shared passive port belong to?
//!
//! The pure part of the shared ports: no sockets, no clock, no luck (the choice of a port is the caller's function).
//! A claim is for one (peer address, port). An unencrypted claim has that *place* alone; its life:
//!
//! ```text
//!              no place for it           a place for it, in order
//!   claim() ---------------------> Queued ---------+
//!      |                                           v
//!      +---------------------------------------> Live --arrive--> Arrived --take--> (gone)
//!                                                  |                 |
//!                                expire, release --+                 +--second arrival--> contested (gone)
//! ```
//!
//! Only `Live` holds the port: from the arrival on it is free for the next claim of that address. An arrival that no
//! live claim wants, while earlier ones at the same place have not been taken up, leaves nobody sure whose is whose:
//! all of those are contested. An arrival from anybody else is a stranger, and changes nothing.
//!
//! Where there are protected claims, those that need a place for themselves leave some to the others (see [`Quota`]): clients in
//! clear cannot take every port of an address from those under TLS.
//!
//! A claim whose owner has not used it for long *yields* where another waits for its place: [`Claims::expire`] ends it then. In
//! clear, a connection that comes for it after that is the next claim's, as it is after a claim has lapsed.
//!
//! Protected claims share a place, as their connections say whose they are: an arrival there changes nothing, and
//! [`Claims::whose`] is asked when it has spoken. They are live until they are released, or lapse.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use tokio::time::Instant;

use crate::tls::sessions::BindingId;

#[cfg(test)]
mod model;
mod place;
mod quota;

use place::{Live, Place};
use quota::Quota;

/// Names one claim; its maker never uses a name twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) u64);

/// How a claim's connection is told from others of the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not at all: it is the only claim at its place.
    Clear,
    /// It may be one that does not say whose it is, and so might another's beside it: it is the only claim at its place.
    Lone(BindingId),
    /// It says so.
    Bound(BindingId),
}

impl Kind {
    pub(crate) fn binding(self) -> Option<BindingId> {
        match self {
            Self::Clear => None,
            Self::Lone(binding) | Self::Bound(binding) => Some(binding),
        }
    }

    /// Does it need a place for itself, and wait its turn?
    fn is_alone(self) -> bool {
        !matches!(self, Self::Bound(_))
    }
}

/// What a claim is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) owner: Owner,
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
    /// No port has a place for it; a [`Grant`] will come when one has.
    Queued,
}

/// A queued wish got its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) owner: Owner,
    pub(crate) port: u16,
}

/// Whose a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This claim's. Its port is free again, and went to the grants if somebody was waiting.
    Handed(Owner, Vec<Grant>),
    /// It might be any of these, whose connections came earlier and are not taken up: none may be trusted.
    Contested(Vec<Owner>),
    /// That of a protected claim: it has yet to say which.
    Protected(Stamp),
    /// Nobody's.
    Stranger,
}

/// When a connection came, among all that happens at the ports. It can only be meant for a claim that was there before
/// it, since nobody is told of a port earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// What has lapsed, and who gained by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lapsed {
    pub(crate) expired: Vec<Owner>,
    /// Had to make room for others before their time.
    pub(crate) yielded: Vec<Owner>,
    pub(crate) granted: Vec<Grant>,
}

#[derive(Debug)]
enum Stand {
    Queued { peer: IpAddr },
    Live { peer: IpAddr, port: u16 },
    Arrived { peer: IpAddr, port: u16 },
}

/// What there is of one address.
#[derive(Debug, Default)]
struct Peer {
    places: BTreeMap<u16, Place>,
    arrived: HashMap<u16, Vec<Owner>>,
    queue: VecDeque<Wish>,
}

/// The claims of all sessions. Its size is bounded by theirs: every claim has an owner that is held by one.
#[derive(Debug)]
pub(crate) struct Claims {
    groups: Vec<Group>,
    owners: HashMap<Owner, Stand>,
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
        Self { groups, owners: HashMap::new(), peers: HashMap::new(), events: 0 }
    }

    /// Claims a port, or queues the wish. `choose(n)` gives a number below `n` (`n` is never 0); anything else counts
    /// as 0.
    ///
    /// An unencrypted claim needs an empty place; those where a connection of this peer still waits to be taken up are chosen
    /// last, since a second connection there could be either's. Protected claims have places of their own as long as
    /// most are empty, which spares them each other's connections, and then share, so that the rest stays for claims in
    /// clear.
    pub(crate) fn claim(&mut self, wish: Wish, mut choose: impl FnMut(usize) -> usize) -> Answer {
        let Self { groups, owners, peers, events } = self;
        let ports = groups.get(wish.group).map_or(&[][..], |group| group.ports.as_slice());
        let peer = peers.entry(wish.peer).or_default();
        let port = match wish.kind {
            Kind::Clear => peer.empty(ports, &wish, groups, &mut choose),
            Kind::Lone(_) | Kind::Bound(_) if peer.places.len() * 2 < ports.len() => {
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
            owners.insert(wish.owner, Stand::Live { peer: wish.peer, port });
            return Answer::Port(port);
        }
        owners.insert(wish.owner, Stand::Queued { peer: wish.peer });
        peer.queue.push_back(wish);
        Answer::Queued
    }

    /// A connection from `peer` (canonical) at `port`. A claim whose time has passed gets nothing, even where
    /// nobody has called [`Claims::expire`] yet.
    pub(crate) fn arrive(&mut self, peer: IpAddr, port: u16, now: Instant) -> Outcome {
        let Some(there) = self.peers.get_mut(&peer) else { return Outcome::Stranger };
        match there.places.get(&port).and_then(|place| place.live(now).next()) {
            Some(&Live { owner, kind: Kind::Clear, .. }) => {
                there.places.remove(&port);
                there.arrived.entry(port).or_default().push(owner);
                self.owners.insert(owner, Stand::Arrived { peer, port });
                Outcome::Handed(owner, self.pass_on(peer, port))
            }
            Some(_) => Outcome::Protected(Stamp(tick(&mut self.events))),
            None => match there.arrived.remove(&port) {
                Some(owners) => {
                    for owner in &owners {
                        self.owners.remove(owner);
                    }
                    self.tidy(peer);
                    Outcome::Contested(owners)
                }
                None => Outcome::Stranger,
            },
        }
    }

    /// The protected claim that a connection is for which has said whose session it resumes, or that it resumes none.
    pub(crate) fn whose(
        &self,
        (peer, port): (IpAddr, u16),
        stamp: Stamp,
        says: Option<BindingId>,
        now: Instant,
    ) -> Option<Owner> {
        let fits = |live: &&Live| match says {
            Some(binding) => live.kind.binding() == Some(binding),
            None => matches!(live.kind, Kind::Lone(_)),
        };
        self.meant((peer, port), stamp, now).find(fits).map(|live| live.owner)
    }

    /// The protected claims that a connection may be for, as long as it has said nothing.
    pub(crate) fn meant(
        &self,
        (peer, port): (IpAddr, u16),
        stamp: Stamp,
        now: Instant,
    ) -> impl Iterator<Item = &Live> {
        let place = self.peers.get(&peer).and_then(|there| there.places.get(&port));
        let live = place.into_iter().flat_map(move |place| place.live(now));
        live.filter(move |live| live.kind != Kind::Clear && live.since < stamp.0)
    }

    /// The claim at a place that may be for a connection which does not say whose it is.
    pub(crate) fn lone(&self, (peer, port): (IpAddr, u16)) -> Option<Owner> {
        let place = self.peers.get(&peer)?.places.get(&port)?;
        place.all().find(|live| matches!(live.kind, Kind::Lone(_))).map(|live| live.owner)
    }

    /// Was this claim there when a connection came?
    pub(crate) fn precedes(&self, owner: Owner, stamp: Stamp) -> bool {
        self.find(owner).is_some_and(|live| live.since < stamp.0)
    }

    /// The owner has taken up its connection: what comes later at that place is not its business.
    pub(crate) fn take(&mut self, owner: Owner) {
        if matches!(self.owners.get(&owner), Some(Stand::Arrived { .. })) {
            self.release(owner);
        }
    }

    /// A live claim lapses at this time and not before.
    pub(crate) fn extend(&mut self, owner: Owner, until: Instant) {
        let Some(&Stand::Live { peer, port }) = self.owners.get(&owner) else { return };
        let place = self.peers.get_mut(&peer).and_then(|there| there.places.get_mut(&port));
        if let Some(live) = place.and_then(|place| place.find(owner)) {
            live.until = live.until.max(until);
        }
    }

    /// A live claim yields to others from this time on; with none it does not, since its owner uses it.
    pub(crate) fn yields(&mut self, owner: Owner, from: Option<Instant>) {
        let Some(&Stand::Live { peer, port }) = self.owners.get(&owner) else { return };
        let place = self.peers.get_mut(&peer).and_then(|there| there.places.get_mut(&port));
        if let Some(live) = place.and_then(|place| place.find(owner)) {
            live.yields = from;
        }
    }

    /// Ends a claim wherever it stands; unknown owners are nothing. What it makes room for goes to those who wait.
    pub(crate) fn release(&mut self, owner: Owner) -> Vec<Grant> {
        let Some(stand) = self.owners.remove(&owner) else { return Vec::new() };
        let (Stand::Queued { peer } | Stand::Live { peer, .. } | Stand::Arrived { peer, .. }) = stand;
        let mut grants = Vec::new();
        if let Some(there) = self.peers.get_mut(&peer) {
            match stand {
                Stand::Queued { .. } => {
                    let left = there.queue.iter().position(|wish| wish.owner == owner);
                    let left = left.and_then(|index| there.queue.remove(index));
                    // Others may have waited behind it for a place that was good enough for them.
                    if let Some(group) = left.and_then(|wish| self.groups.get(wish.group))
                        && !there.queue.is_empty()
                    {
                        for port in group.ports.clone() {
                            grants.extend(self.pass_on(peer, port));
                        }
                    }
                }
                Stand::Live { port, .. } => {
                    if let Some(place) = there.places.get_mut(&port) {
                        place.remove(owner);
                        if place.is_empty() {
                            there.places.remove(&port);
                        }
                    }
                    grants = self.pass_on(peer, port);
                }
                Stand::Arrived { port, .. } => {
                    if let Some(owners) = there.arrived.get_mut(&port) {
                        owners.retain(|other| *other != owner);
                        if owners.is_empty() {
                            there.arrived.remove(&port);
                        }
                    }
                }
            }
        }
        self.tidy(peer);
        grants
    }

    /// Ends the claims of one peer whose time has passed, and of those that yield as many as others wait. Its cost is that peer's claims, not the site's.
    pub(crate) fn expire(&mut self, peer: IpAddr, now: Instant) -> Lapsed {
        let mut lapsed = Lapsed::default();
        let late: Vec<Owner> =
            self.of_peer(peer).filter(|live| live.until <= now).map(|live| live.owner).collect();
        for owner in late {
            lapsed.granted.extend(self.release(owner));
            lapsed.expired.push(owner);
        }
        let waiting: Vec<Owner> = self
            .peers
            .get(&peer)
            .map_or_else(Vec::new, |there| there.queue.iter().map(|wish| wish.owner).collect());
        for wish in waiting {
            let Some(owner) = self.in_the_way(peer, wish, now) else { continue };
            lapsed.granted.extend(self.release(owner));
            lapsed.yielded.push(owner);
        }
        lapsed
    }

    /// The claim that has to yield for a queued wish: the one that might have since longest.
    fn in_the_way(&self, peer: IpAddr, wish: Owner, now: Instant) -> Option<Owner> {
        let there = self.peers.get(&peer)?;
        // It may have its port by now.
        let wish = there.queue.iter().find(|queued| queued.owner == wish)?;
        let group = self.groups.get(wish.group)?;
        let held = there.held(group);
        let makes_room =
            |live: &&Live| live.kind.is_alone() && group.quota.admits(held.without(live.kind), wish.kind);
        let here = group.ports.iter().filter_map(|port| there.places.get(port)).flat_map(Place::all);
        let yielding = here.filter(makes_room).filter_map(|live| {
            live.yields.filter(|from| *from <= now).map(|from| (from, live.since, live.owner))
        });
        yielding.min().map(|(_, _, owner)| owner)
    }

    /// When the next live claim of a peer lapses, or yields to one that waits.
    pub(crate) fn next_expiry(&self, peer: IpAddr, now: Instant) -> Option<Instant> {
        let awaited = self.peers.get(&peer).is_some_and(|there| !there.queue.is_empty());
        let yields = |live: &Live| live.yields.filter(|from| awaited && *from > now);
        self.of_peer(peer).map(|live| yields(live).map_or(live.until, |from| from.min(live.until))).min()
    }

    fn of_peer(&self, peer: IpAddr) -> impl Iterator<Item = &Live> {
        self.peers.get(&peer).into_iter().flat_map(|there| there.places.values().flat_map(Place::all))
    }

    fn find(&self, owner: Owner) -> Option<&Live> {
        let Some(Stand::Live { peer, port }) = self.owners.get(&owner) else { return None };
        self.peers.get(peer)?.places.get(port)?.all().find(|live| live.owner == owner)
    }

    /// Gives what is free at a port to the queued wishes that it serves.
    fn pass_on(&mut self, peer: IpAddr, port: u16) -> Vec<Grant> {
        let Self { groups, owners, peers, events } = self;
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
                owners.insert(wish.owner, Stand::Live { peer, port });
                grants.push(Grant { owner: wish.owner, port });
            } else {
                // One that others' places are kept from does not wait for this one.
                waits |= ordered && admitted;
            }
        }
        grants
    }

    /// Forgets an address of which there is nothing.
    fn tidy(&mut self, peer: IpAddr) {
        let gone =
            |there: &Peer| there.places.is_empty() && there.arrived.is_empty() && there.queue.is_empty();
        if self.peers.get(&peer).is_some_and(gone) {
            self.peers.remove(&peer);
        }
    }
}

impl Peer {
    fn fits(&self, port: u16, kind: Kind) -> bool {
        self.places.get(&port).is_none_or(|place| place.fits(kind))
    }

    /// Does it leave enough places to the others?
    fn admits(&self, wish: &Wish, groups: &[Group]) -> bool {
        !wish.kind.is_alone()
            || groups.get(wish.group).is_some_and(|group| group.quota.admits(self.held(group), wish.kind))
    }

    /// How many places of a group are held by claims that are alone there.
    fn held(&self, group: &Group) -> quota::Held {
        let mut held = quota::Held::default();
        if group.quota != Quota::NONE {
            for live in
                self.places.iter().filter(|(port, _)| group.ports.contains(port)).flat_map(|(_, p)| p.all())
            {
                held.add(live.kind);
            }
        }
        held
    }

    /// Whoever waits its turn does not go before those who have waited for the same port.
    fn may(&self, port: u16, wish: &Wish, groups: &[Group]) -> bool {
        let waits =
            |other: &Wish| other.kind.is_alone() && serves(groups, other, port) && self.admits(other, groups);
        self.fits(port, wish.kind) && !(wish.kind.is_alone() && self.queue.iter().any(waits))
    }

    fn hold(&mut self, wish: &Wish, port: u16, since: u64) {
        let live = Live { owner: wish.owner, kind: wish.kind, until: wish.until, yields: None, since };
        self.places.entry(port).or_default().add(live);
    }

    /// One of the protected places that have room.
    fn shared(
        &self,
        ports: &[u16],
        wish: &Wish,
        groups: &[Group],
        choose: &mut impl FnMut(usize) -> usize,
    ) -> Option<u16> {
        let open = |port: &u16| ports.contains(port) && self.may(*port, wish, groups);
        pick(self.places.keys().copied().filter(open).collect(), choose)
    }

    /// One of the empty places.
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
        let free = |port: u16| !self.places.contains_key(&port) && self.may(port, wish, groups);
        let quiet = |port: u16| free(port) && !self.arrived.contains_key(&port);
        // Most ports are free for most peers: a few throws save going through a range of thousands. A throw that
        // finds a free port is as even a choice among the free ones as counting them all.
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
