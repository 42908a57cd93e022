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
        if let Some(port) = self.free_port(&wish, choose) {
            self.hold(&wish, port);
            return Answer::Port(port);
        }
        self.places.insert(wish.owner, Place::Queued { peer: wish.peer });
        self.queues.entry(wish.peer).or_default().push_back(wish);
        Answer::Queued
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const GROUPS: [&[u16]; 2] = [&[7001, 7002, 7003], &[7003, 7004]];

    fn table() -> Claims {
        Claims::new(GROUPS.iter().map(|ports| ports.to_vec()).collect())
    }

    fn peer(n: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, n).into()
    }

    fn wish(owner: u64, n: u8, until: Instant) -> Wish {
        Wish { owner: Owner(owner), peer: peer(n), group: 0, until }
    }

    fn first(_: usize) -> usize {
        0
    }

    /// The same rules, written as plainly as possible: one list of claims in the order of asking.
    #[derive(Default)]
    struct Model(Vec<(Wish, Stand)>);

    #[derive(Clone, Copy, PartialEq)]
    enum Stand {
        Queued,
        Live(u16),
        Arrived(u16),
    }

    impl Model {
        fn stands(&self, peer: IpAddr, stand: Stand) -> Vec<Owner> {
            self.0.iter().filter(|(w, s)| w.peer == peer && *s == stand).map(|(w, _)| w.owner).collect()
        }

        fn freed(&mut self, peer: IpAddr, port: u16) -> Option<Grant> {
            let waits =
                |w: &Wish, s: Stand| w.peer == peer && s == Stand::Queued && GROUPS[w.group].contains(&port);
            let (wish, stand) = self.0.iter_mut().find(|(w, s)| waits(w, *s))?;
            *stand = Stand::Live(port);
            Some(Grant { owner: wish.owner, port })
        }

        fn remove(&mut self, owner: Owner) -> Option<Grant> {
            let index = self.0.iter().position(|(w, _)| w.owner == owner)?;
            match self.0.remove(index) {
                (wish, Stand::Live(port)) => self.freed(wish.peer, port),
                _ => None,
            }
        }

        fn arrive(&mut self, peer: IpAddr, port: u16, now: Instant) -> Outcome {
            let here = |w: &Wish, s: Stand| w.peer == peer && s == Stand::Live(port) && w.until > now;
            if let Some((wish, stand)) = self.0.iter_mut().find(|(w, s)| here(w, *s)) {
                *stand = Stand::Arrived(port);
                let owner = wish.owner;
                return Outcome::Handed(owner, self.freed(peer, port));
            }
            let unsure = self.stands(peer, Stand::Arrived(port));
            if unsure.is_empty() {
                return Outcome::Stranger;
            }
            self.0.retain(|(w, _)| !unsure.contains(&w.owner));
            Outcome::Contested(unsure)
        }

        fn expire(&mut self, peer: IpAddr, now: Instant) -> Lapsed {
            let mut late: Vec<(u16, Owner)> = Vec::new();
            for (wish, stand) in &self.0 {
                if let Stand::Live(port) = stand
                    && wish.peer == peer
                    && wish.until <= now
                {
                    late.push((*port, wish.owner));
                }
            }
            late.sort_unstable();
            let mut lapsed = Lapsed::default();
            for (_, owner) in late {
                lapsed.granted.extend(self.remove(owner));
                lapsed.expired.push(owner);
            }
            lapsed
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Claim { peer: u8, group: usize, seconds: u64, luck: usize },
        Arrive { peer: u8, port: u16 },
        Take { owner: u64 },
        Release { owner: u64 },
        Expire { peer: u8 },
        Pass { seconds: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let arrive = (0..3u8, 7001..7005u16).prop_map(|(peer, port)| Step::Arrive { peer, port });
        prop_oneof![
            4 => (0..3u8, 0..2usize, 1..20u64, any::<usize>())
                .prop_map(|(peer, group, seconds, luck)| Step::Claim { peer, group, seconds, luck }),
            4 => arrive,
            1 => (0..40u64).prop_map(|owner| Step::Take { owner }),
            2 => (0..40u64).prop_map(|owner| Step::Release { owner }),
            1 => (0..3u8).prop_map(|peer| Step::Expire { peer }),
            1 => (1..10u64).prop_map(|seconds| Step::Pass { seconds }),
        ]
    }

    proptest! {
        #[test]
        fn the_table_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..120)) {
            let (mut table, mut model) = (table(), Model::default());
            let mut now = Instant::now();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Claim { peer: n, group, seconds, luck } => {
                        let until = now + Duration::from_secs(seconds);
                        let wish = Wish { owner: Owner(next), peer: peer(n), group, until };
                        next += 1;
                        let mut luck = luck;
                        let answer = table.claim(wish, |below| {
                            luck = luck.wrapping_mul(31).wrapping_add(7);
                            luck % below
                        });
                        let is_free = |p: &u16| model.stands(peer(n), Stand::Live(*p)).is_empty();
                        let is_quiet = |p: &u16| model.stands(peer(n), Stand::Arrived(*p)).is_empty();
                        let free: Vec<u16> = GROUPS[group].iter().copied().filter(is_free).collect();
                        let quiet: Vec<u16> = free.iter().copied().filter(is_quiet).collect();
                        match answer {
                            Answer::Port(port) => {
                                prop_assert!(free.contains(&port), "{port} is claimed");
                                prop_assert!(quiet.is_empty() || quiet.contains(&port), "{port} is in doubt");
                                model.0.push((wish, Stand::Live(port)));
                            }
                            Answer::Queued => {
                                prop_assert!(free.is_empty(), "{free:?} are free");
                                model.0.push((wish, Stand::Queued));
                            }
                        }
                    }
                    Step::Arrive { peer: n, port } => {
                        prop_assert_eq!(table.arrive(peer(n), port, now), model.arrive(peer(n), port, now));
                    }
                    Step::Take { owner } => {
                        table.take(Owner(owner));
                        model.0.retain(|(w, s)| w.owner != Owner(owner) || !matches!(s, Stand::Arrived(_)));
                    }
                    Step::Release { owner } => {
                        prop_assert_eq!(table.release(Owner(owner)), model.remove(Owner(owner)));
                    }
                    Step::Expire { peer: n } => {
                        prop_assert_eq!(table.expire(peer(n), now), model.expire(peer(n), now));
                    }
                    Step::Pass { seconds } => now += Duration::from_secs(seconds),
                }
                prop_assert_eq!(table.places.len(), model.0.len());
                for n in 0..3 {
                    for port in 7001..7005 {
                        let live = model.stands(peer(n), Stand::Live(port));
                        prop_assert!(live.len() <= 1, "two claims for one place");
                        prop_assert_eq!(table.live.get(&(peer(n), port)).map(|live| live.owner), live.first().copied());
                    }
                    let ends = model.0.iter().filter(|(w, s)| w.peer == peer(n) && matches!(s, Stand::Live(_)));
                    prop_assert_eq!(table.next_expiry(peer(n)), ends.map(|(w, _)| w.until).min());
                }
            }
            for owner in 0..next {
                table.release(Owner(owner));
            }
            prop_assert!(table.places.is_empty() && table.live.is_empty());
            prop_assert!(table.arrived.is_empty() && table.queues.is_empty(), "something stays behind");
        }
    }

    #[test]
    fn a_stranger_changes_nothing() {
        let (mut table, now) = (table(), Instant::now());
        let until = now + Duration::from_secs(9);
        assert_eq!(table.claim(wish(1, 1, until), first), Answer::Port(7001));
        assert_eq!(table.arrive(peer(2), 7001, now), Outcome::Stranger);
        assert_eq!(table.arrive(peer(1), 7002, now), Outcome::Stranger);
        assert_eq!(table.arrive(peer(1), 7001, now), Outcome::Handed(Owner(1), None));
    }

    #[test]
    fn a_late_connection_is_a_strangers() {
        let (mut table, now) = (table(), Instant::now());
        table.claim(wish(1, 1, now + Duration::from_secs(9)), first);
        assert_eq!(table.arrive(peer(1), 7001, now + Duration::from_secs(9)), Outcome::Stranger);
    }

    #[test]
    fn every_port_is_chosen_some_time() {
        let (now, mut seen) = (Instant::now(), std::collections::BTreeSet::new());
        for luck in 0..3 {
            if let Answer::Port(port) = table().claim(wish(1, 1, now), |_| luck) {
                seen.insert(port);
            }
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [7001, 7002, 7003]);
    }
}
