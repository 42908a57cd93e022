//! Which session does a connection at a shared passive port belong to?
//!
//! The pure part of the shared ports: no sockets, no clock, no luck (the choice of a port is the caller's function).
//! A claim is for one (peer address, port); its life:
//!
//! ```text
//!              every port claimed        a port is freed, in order
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
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use tokio::time::Instant;

/// Names one claim; its maker never uses a name twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) u64);

/// What a claim is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) owner: Owner,
    /// Canonical.
    pub(crate) peer: IpAddr,
    /// Which set of ports serves it: an index into those given to [`Claims::new`].
    pub(crate) group: usize,
    /// When it lapses.
    pub(crate) until: Instant,
}

/// The answer to a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This port is claimed.
    Port(u16),
    /// Every port is claimed for this peer; a [`Grant`] will come when one is freed.
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
    /// This claim's. Its port is free again, and went to the grant if somebody was waiting.
    Handed(Owner, Option<Grant>),
    /// It might be any of these, whose connections came earlier and are not taken up: none may be trusted.
    Contested(Vec<Owner>),
    /// Nobody's.
    Stranger,
}

/// What has lapsed, and who gained by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lapsed {
    pub(crate) expired: Vec<Owner>,
    pub(crate) granted: Vec<Grant>,
}

#[derive(Debug)]
enum Place {
    Queued { peer: IpAddr },
    Live { peer: IpAddr, port: u16 },
    Arrived { peer: IpAddr, port: u16 },
}

#[derive(Debug)]
struct Live {
    owner: Owner,
    until: Instant,
}

/// The claims of all sessions. Its size is bounded by theirs: every claim has an owner that is held by one.
#[derive(Debug)]
pub(crate) struct Claims {
    groups: Vec<Vec<u16>>,
    /// Of all groups, each once.
    ports: Vec<u16>,
    places: HashMap<Owner, Place>,
    live: HashMap<(IpAddr, u16), Live>,
    arrived: HashMap<(IpAddr, u16), Vec<Owner>>,
    queues: HashMap<IpAddr, VecDeque<Wish>>,
}

impl Claims {
    /// An empty table over sets of ports.
    pub(crate) fn new(groups: Vec<Vec<u16>>) -> Self {
        let mut ports: Vec<u16> = groups.iter().flatten().copied().collect();
        ports.sort_unstable();
        ports.dedup();
        let (places, live, arrived, queues) = Default::default();
        Self { groups, ports, places, live, arrived, queues }
    }

    /// Claims a port, or queues the wish. `choose(n)` gives a number below `n` (`n` is never 0); anything else counts
    /// as 0. Ports at which a connection of this peer still waits to be taken up are chosen last, since a second
    /// connection there could be either's.
    pub(crate) fn claim(&mut self, wish: Wish, choose: impl FnMut(usize) -> usize) -> Answer {
        match self.free_port(&wish, choose) {
            Some(port) => {
                self.hold(&wish, port);
                Answer::Port(port)
            }
            None => {
                self.places.insert(wish.owner, Place::Queued { peer: wish.peer });
                self.queues.entry(wish.peer).or_default().push_back(wish);
                Answer::Queued
            }
        }
    }

    /// A connection from `peer` (canonical) at `port`. A claim whose time has passed gets nothing, even where
    /// nobody has called [`Claims::expire`] yet.
    pub(crate) fn arrive(&mut self, peer: IpAddr, port: u16, now: Instant) -> Outcome {
        let key = (peer, port);
        match self.live.get(&key) {
            Some(live) if live.until > now => {
                let owner = live.owner;
                self.live.remove(&key);
                self.places.insert(owner, Place::Arrived { peer, port });
                self.arrived.entry(key).or_default().push(owner);
                Outcome::Handed(owner, self.pass_on(peer, port))
            }
            _ => match self.arrived.remove(&key) {
                Some(owners) => {
                    for owner in &owners {
                        self.places.remove(owner);
                    }
                    Outcome::Contested(owners)
                }
                None => Outcome::Stranger,
            },
        }
    }

    /// The owner has taken up its connection: what comes later at that place is not its business.
    pub(crate) fn take(&mut self, owner: Owner) {
        if matches!(self.places.get(&owner), Some(Place::Arrived { .. })) {
            self.release(owner);
        }
    }

    /// Ends a claim wherever it stands; unknown owners are nothing. A freed port goes to the longest waiting wish.
    pub(crate) fn release(&mut self, owner: Owner) -> Option<Grant> {
        match self.places.remove(&owner)? {
            Place::Queued { peer } => {
                if let Some(queue) = self.queues.get_mut(&peer) {
                    queue.retain(|wish| wish.owner != owner);
                    if queue.is_empty() {
                        self.queues.remove(&peer);
                    }
                }
                None
            }
            Place::Live { peer, port } => {
                self.live.remove(&(peer, port));
                self.pass_on(peer, port)
            }
            Place::Arrived { peer, port } => {
                if let Some(owners) = self.arrived.get_mut(&(peer, port)) {
                    owners.retain(|other| *other != owner);
                    if owners.is_empty() {
                        self.arrived.remove(&(peer, port));
                    }
                }
                None
            }
        }
    }

    /// Ends the claims of one peer whose time has passed. Its cost is that peer's ports, not the site's sessions.
    pub(crate) fn expire(&mut self, peer: IpAddr, now: Instant) -> Lapsed {
        let mut lapsed = Lapsed::default();
        let late: Vec<Owner> =
            self.of_peer(peer).filter(|live| live.until <= now).map(|live| live.owner).collect();
        for owner in late {
            lapsed.granted.extend(self.release(owner));
            lapsed.expired.push(owner);
        }
        lapsed
    }

    /// When the next live claim of a peer lapses.
    pub(crate) fn next_expiry(&self, peer: IpAddr) -> Option<Instant> {
        self.of_peer(peer).map(|live| live.until).min()
    }

    fn of_peer(&self, peer: IpAddr) -> impl Iterator<Item = &Live> {
        self.ports.iter().filter_map(move |port| self.live.get(&(peer, *port)))
    }

    fn hold(&mut self, wish: &Wish, port: u16) {
        self.live.insert((wish.peer, port), Live { owner: wish.owner, until: wish.until });
        self.places.insert(wish.owner, Place::Live { peer: wish.peer, port });
    }

    /// Gives a port that was just freed to the first queued wish that it serves.
    fn pass_on(&mut self, peer: IpAddr, port: u16) -> Option<Grant> {
        let queue = self.queues.get_mut(&peer)?;
        let groups = &self.groups;
        let first = queue
            .iter()
            .position(|wish| groups.get(wish.group).is_some_and(|ports| ports.contains(&port)))?;
        let wish = queue.remove(first)?;
        if queue.is_empty() {
            self.queues.remove(&peer);
        }
        self.hold(&wish, port);
        Some(Grant { owner: wish.owner, port })
    }

    fn free_port(&self, wish: &Wish, mut choose: impl FnMut(usize) -> usize) -> Option<u16> {
        let ports = self.groups.get(wish.group).filter(|ports| !ports.is_empty())?;
        let free = |port: u16| !self.live.contains_key(&(wish.peer, port));
        let quiet = |port: u16| free(port) && !self.arrived.contains_key(&(wish.peer, port));
        // Most ports are free for most peers: a few throws save going through a range of thousands. A throw that
        // finds a free port is as even a choice among the free ones as counting them all.
        for _ in 0..4 {
            if let Some(port) = ports.get(choose(ports.len())).copied().filter(|port| quiet(*port)) {
                return Some(port);
            }
        }
        let mut pick = |candidates: Vec<u16>| {
            let first = candidates.first().copied()?;
            Some(candidates.get(choose(candidates.len())).copied().unwrap_or(first))
        };
        pick(ports.iter().copied().filter(|port| quiet(*port)).collect())
            .or_else(|| pick(ports.iter().copied().filter(|port| free(*port)).collect()))
    }
}
