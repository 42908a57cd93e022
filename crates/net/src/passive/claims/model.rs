//! Does the table of claims do what its rules say?
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const GROUPS: [&[u16]; 2] = [&[7001, 7002, 7003, 7004], &[7004, 7005]];
const PORTS: std::ops::Range<u16> = 7001..7006;

fn table() -> Claims {
    table_with(false)
}

fn table_with(protected: bool) -> Claims {
    Claims::new(GROUPS.iter().map(|ports| ports.to_vec()).collect(), protected)
}

fn peer(n: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, n).into()
}

fn bound(n: u8) -> Kind {
    Kind::Bound(SessionId(n.into()))
}

fn lone(n: u8) -> Kind {
    Kind::Lone(SessionId(n.into()))
}

fn wish(id: u64, kind: Kind, until: Instant) -> Wish {
    Wish { id: ClaimId(id), peer: peer(1), group: 0, kind, until }
}

fn first(_: usize) -> usize {
    0
}

/// The same rules, written as plainly as possible: one list of claims in the order of asking, and how often
/// anything has happened.
#[derive(Default)]
struct Model {
    claims: Vec<(Wish, State)>,
    /// From when on which claims make room.
    yields: BTreeMap<ClaimId, Instant>,
    happened: usize,
    /// There are protected claims, which slots are kept for.
    protected: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Queued,
    Live { port: u16, since: usize },
    Arrived(u16),
}

/// What [`Outcome`] says, without the stamp.
#[derive(Debug, PartialEq)]
enum Expected {
    Handed(ClaimId, Vec<Grant>),
    Ambiguous(Vec<ClaimId>),
    Protected,
    Stranger,
}

impl Model {
    fn live(&self, peer: IpAddr, port: u16) -> Vec<(Wish, usize)> {
        let here = self.claims.iter().filter_map(|(wish, stand)| match stand {
            State::Live { port: at, since } if wish.peer == peer && *at == port => Some((*wish, *since)),
            _ => None,
        });
        let mut here: Vec<_> = here.collect();
        here.sort_by_key(|(_, since)| *since);
        here
    }

    fn arrived(&self, peer: IpAddr, port: u16) -> Vec<ClaimId> {
        let here = |(w, s): &&(Wish, State)| w.peer == peer && *s == State::Arrived(port);
        self.claims.iter().filter(here).map(|(w, _)| w.id).collect()
    }

    fn fits(&self, peer: IpAddr, port: u16, kind: Kind) -> bool {
        let here = self.live(peer, port);
        match kind {
            Kind::Clear | Kind::Lone(_) => here.is_empty(),
            Kind::Bound(id) => here.iter().all(|(w, _)| matches!(w.kind, Kind::Bound(other) if other != id)),
        }
    }

    /// Claims of a group that are alone at their slots: unencrypted ones, and all.
    fn alone(&self, peer: IpAddr, group: usize) -> (usize, usize) {
        let here = GROUPS[group].iter().flat_map(|port| self.live(peer, *port)).map(|(w, _)| w.kind);
        let kinds: Vec<_> = here.filter(|kind| in_order(*kind)).collect();
        (kinds.iter().filter(|kind| **kind == Kind::Clear).count(), kinds.len())
    }

    /// Does it leave enough slots to others, where so many are alone?
    fn admits(&self, wish: &Wish, (clear, all): (usize, usize)) -> bool {
        let most = match GROUPS[wish.group].len() {
            _ if !self.protected => (9, 9),
            4 => (2, 3),
            2 => (1, 2),
            _ => unreachable!("these are all"),
        };
        match wish.kind {
            Kind::Clear => clear < most.0 && all < most.1,
            Kind::Lone(_) => all < most.1,
            Kind::Bound(_) => true,
        }
    }

    fn admitted(&self, wish: &Wish) -> bool {
        self.admits(wish, self.alone(wish.peer, wish.group))
    }

    /// A wish that waits its turn waits for this port.
    fn awaited(&self, peer: IpAddr, port: u16) -> bool {
        let waits = |(w, s): &(Wish, State)| {
            w.peer == peer
                && *s == State::Queued
                && GROUPS[w.group].contains(&port)
                && in_order(w.kind)
                && self.admitted(w)
        };
        self.claims.iter().any(waits)
    }

    fn may(&self, wish: &Wish, port: u16) -> bool {
        self.admitted(wish)
            && self.fits(wish.peer, port, wish.kind)
            && !(in_order(wish.kind) && self.awaited(wish.peer, port))
    }

    fn hold(&mut self, index: usize, port: u16) {
        self.happened += 1;
        self.claims[index].1 = State::Live { port, since: self.happened };
    }

    fn freed(&mut self, peer: IpAddr, port: u16) -> Vec<Grant> {
        let (mut grants, mut waits) = (Vec::new(), false);
        for index in 0..self.claims.len() {
            let (wish, stand) = self.claims[index];
            if wish.peer != peer || stand != State::Queued || !GROUPS[wish.group].contains(&port) {
                continue;
            }
            let admitted = self.admitted(&wish);
            if admitted && self.fits(peer, port, wish.kind) && !(waits && in_order(wish.kind)) {
                self.hold(index, port);
                grants.push(Grant { id: wish.id, port });
            } else if in_order(wish.kind) && admitted {
                waits = true;
            }
        }
        grants
    }

    fn remove(&mut self, id: ClaimId) -> Vec<Grant> {
        let Some(index) = self.claims.iter().position(|(w, _)| w.id == id) else { return Vec::new() };
        match self.claims.remove(index) {
            (wish, State::Live { port, .. }) => self.freed(wish.peer, port),
            (wish, State::Queued) => {
                GROUPS[wish.group].iter().flat_map(|port| self.freed(wish.peer, *port)).collect()
            }
            (_, State::Arrived(_)) => Vec::new(),
        }
    }

    fn arrive(&mut self, peer: IpAddr, port: u16, now: Instant) -> Expected {
        let here: Vec<_> = self.live(peer, port).into_iter().filter(|(w, _)| w.until > now).collect();
        if let [(Wish { id, kind: Kind::Clear, .. }, _)] = here[..] {
            let index = self.claims.iter().position(|(w, _)| w.id == id).unwrap();
            // Those who have arrived are notified in the order of arriving.
            let (wish, _) = self.claims.remove(index);
            self.claims.push((wish, State::Arrived(port)));
            return Expected::Handed(id, self.freed(peer, port));
        }
        if !here.is_empty() {
            self.happened += 1;
            return Expected::Protected;
        }
        let unsure = self.arrived(peer, port);
        if unsure.is_empty() {
            return Expected::Stranger;
        }
        self.claims.retain(|(w, _)| !unsure.contains(&w.id));
        Expected::Ambiguous(unsure)
    }

    fn whose(&self, at: &Arrival, says: Option<SessionId>, now: Instant) -> Option<ClaimId> {
        let mut here = self.live(at.peer, at.port).into_iter();
        let fits = |w: &Wish| match (w.kind, says) {
            (Kind::Clear, _) | (Kind::Bound(_), None) => false,
            (Kind::Lone(_), None) => true,
            (Kind::Lone(id) | Kind::Bound(id), Some(says)) => id == says,
        };
        here.find(|(w, since)| *since < at.when && w.until > now && fits(w)).map(|(w, _)| w.id)
    }

    fn expire(&mut self, peer: IpAddr, now: Instant) -> Lapsed {
        let mut lapsed = Lapsed::default();
        let late: Vec<ClaimId> = PORTS
            .flat_map(|port| self.live(peer, port))
            .filter(|(w, _)| w.until <= now)
            .map(|(w, _)| w.id)
            .collect();
        for id in late {
            lapsed.granted.extend(self.remove(id));
            lapsed.expired.push(id);
        }
        let queued = |(w, s): &&(Wish, State)| w.peer == peer && *s == State::Queued;
        let waiting: Vec<Wish> = self.claims.iter().filter(queued).map(|(w, _)| *w).collect();
        for wish in waiting {
            if !self.claims.iter().any(|(w, s)| w.id == wish.id && *s == State::Queued) {
                continue;
            }
            let (clear, all) = self.alone(peer, wish.group);
            let here = GROUPS[wish.group].iter().flat_map(|port| self.live(peer, *port));
            let first = here
                .filter(|(w, _)| in_order(w.kind))
                .filter(|(w, _)| self.admits(&wish, (clear - usize::from(w.kind == Kind::Clear), all - 1)))
                .filter_map(|(w, since)| Some((*self.yields.get(&w.id)?, since, w.id)))
                .filter(|(from, ..)| *from <= now)
                .min();
            if let Some((_, _, id)) = first {
                lapsed.granted.extend(self.remove(id));
                lapsed.yielded.push(id);
            }
        }
        lapsed
    }
}

fn in_order(kind: Kind) -> bool {
    matches!(kind, Kind::Clear | Kind::Lone(_))
}

/// A connection at a protected slot that has not spoken.
#[derive(Clone, Copy)]
struct Arrival {
    peer: IpAddr,
    port: u16,
    stamp: Stamp,
    /// The model's stamp.
    when: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Claim { peer: u8, group: usize, kind: Kind, seconds: u64, luck: usize },
    Arrive { peer: u8, port: u16 },
    Speak { arrival: usize, says: Option<u8> },
    Take { id: u64 },
    Extend { id: u64, seconds: u64 },
    Yields { id: u64, seconds: Option<u64> },
    Release { id: u64 },
    Expire { peer: u8 },
    Pass { seconds: u64 },
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![2 => Just(Kind::Clear), 1 => (0..6u8).prop_map(lone), 3 => (0..6u8).prop_map(bound)]
}

fn step() -> impl Strategy<Value = Step> {
    let arrive = (0..2u8, PORTS).prop_map(|(peer, port)| Step::Arrive { peer, port });
    let says = proptest::option::weighted(0.7, 0..6u8);
    prop_oneof![
        6 => (0..2u8, 0..2usize, kind(), 1..20u64, any::<usize>()).prop_map(
            |(peer, group, kind, seconds, luck)| Step::Claim { peer, group, kind, seconds, luck }
        ),
        4 => arrive,
        4 => (any::<usize>(), says).prop_map(|(arrival, says)| Step::Speak { arrival, says }),
        1 => (0..40u64).prop_map(|id| Step::Take { id }),
        1 => (0..40u64, 1..20u64).prop_map(|(id, seconds)| Step::Extend { id, seconds }),
        3 => (0..40u64, proptest::option::weighted(0.8, 0..9u64))
            .prop_map(|(id, seconds)| Step::Yields { id, seconds }),
        3 => (0..40u64).prop_map(|id| Step::Release { id }),
        2 => (0..2u8).prop_map(|peer| Step::Expire { peer }),
        1 => (1..10u64).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// Is this port a right choice for the wish?
fn fair(model: &Model, wish: &Wish, port: u16) -> Result<(), TestCaseError> {
    let here = |port: u16| model.live(wish.peer, port);
    let may: Vec<u16> = GROUPS[wish.group].iter().copied().filter(|p| model.may(wish, *p)).collect();
    prop_assert!(may.contains(&port), "{port} has no slot for it");
    let (empty, shared): (Vec<u16>, Vec<u16>) = may.into_iter().partition(|p| here(*p).is_empty());
    let held = PORTS.filter(|p| !here(*p).is_empty()).count();
    let spreads = wish.kind == Kind::Clear || held * 2 < GROUPS[wish.group].len();
    let better = if spreads { &empty } else { &shared };
    prop_assert!(better.is_empty() || better.contains(&port), "{port}, and not one of {better:?}");
    let quiet: Vec<u16> = empty.iter().copied().filter(|p| model.arrived(wish.peer, *p).is_empty()).collect();
    prop_assert!(!empty.contains(&port) || quiet.is_empty() || quiet.contains(&port), "{port} is in doubt");
    Ok(())
}

proptest! {
    #[test]
    fn the_table_does_what_the_model_does(
        protected: bool,
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let (mut table, mut model) = (table_with(protected), Model { protected, ..Model::default() });
        let mut now = Instant::now();
        let (mut next, mut silent) = (0, Vec::<Arrival>::new());
        for step in steps {
            match step {
                Step::Claim { peer: n, group, kind, seconds, luck } => {
                    let until = now + Duration::from_secs(seconds);
                    let wish = Wish { id: ClaimId(next), peer: peer(n), group, kind, until };
                    next += 1;
                    let mut luck = luck;
                    let answer = table.claim(wish, |below| {
                        luck = luck.wrapping_mul(31).wrapping_add(7);
                        luck % below
                    });
                    match answer {
                        Answer::Port(port) => {
                            fair(&model, &wish, port)?;
                            model.claims.push((wish, State::Queued));
                            model.hold(model.claims.len() - 1, port);
                        }
                        Answer::Queued => {
                            prop_assert!(!GROUPS[group].iter().any(|p| model.may(&wish, *p)), "there is room");
                            let clear = |p: &u16| model.live(wish.peer, *p).iter().any(|(w, _)| {
                                in_order(w.kind) || w.kind.binding() == kind.binding()
                            });
                            let bound = matches!(kind, Kind::Bound(_));
                            prop_assert!(!bound || GROUPS[group].iter().all(clear), "a bound one waits");
                            model.claims.push((wish, State::Queued));
                        }
                    }
                }
                Step::Arrive { peer: n, port } => {
                    let outcome = match table.arrive(peer(n), port, now) {
                        Outcome::Handed(id, grants) => Expected::Handed(id, grants),
                        Outcome::Ambiguous(ids) => Expected::Ambiguous(ids),
                        Outcome::Stranger => Expected::Stranger,
                        Outcome::Protected(stamp) => {
                            silent.push(Arrival { peer: peer(n), port, stamp, when: model.happened + 1 });
                            Expected::Protected
                        }
                    };
                    prop_assert_eq!(outcome, model.arrive(peer(n), port, now));
                }
                Step::Speak { arrival, says } => {
                    let Some(arrival) = arrival.checked_rem(silent.len()).map(|n| silent[n]) else { continue };
                    let says = says.map(|n| SessionId(n.into()));
                    let whose = table.whose((arrival.peer, arrival.port), arrival.stamp, says, now);
                    prop_assert_eq!(whose, model.whose(&arrival, says, now));
                    let all = table.meant((arrival.peer, arrival.port), arrival.stamp, now).count();
                    let known = |w: &(Wish, usize)| w.1 < arrival.when && w.0.until > now && w.0.kind != Kind::Clear;
                    prop_assert_eq!(all, model.live(arrival.peer, arrival.port).iter().filter(|w| known(w)).count());
                }
                Step::Take { id } => {
                    table.take(ClaimId(id));
                    model.claims.retain(|(w, s)| w.id != ClaimId(id) || !matches!(s, State::Arrived(_)));
                }
                Step::Extend { id, seconds } => {
                    let until = now + Duration::from_secs(seconds);
                    table.extend(ClaimId(id), until);
                    for (w, s) in &mut model.claims {
                        if w.id == ClaimId(id) && matches!(s, State::Live { .. }) {
                            w.until = w.until.max(until);
                        }
                    }
                }
                Step::Yields { id, seconds } => {
                    let from = seconds.map(|seconds| now + Duration::from_secs(seconds));
                    table.yields(ClaimId(id), from);
                    let live = |(w, s): &(Wish, State)| {
                        w.id == ClaimId(id) && matches!(s, State::Live { .. })
                    };
                    if model.claims.iter().any(live) {
                        model.yields.remove(&ClaimId(id));
                        model.yields.extend(from.map(|from| (ClaimId(id), from)));
                    }
                }
                Step::Release { id } => {
                    prop_assert_eq!(table.release(ClaimId(id)), model.remove(ClaimId(id)));
                }
                Step::Expire { peer: n } => {
                    prop_assert_eq!(table.expire(peer(n), now), model.expire(peer(n), now));
                }
                Step::Pass { seconds } => now += Duration::from_secs(seconds),
            }
            prop_assert_eq!(table.ids.len(), model.claims.len());
            for n in 0..2 {
                for port in PORTS {
                    let live = model.live(peer(n), port);
                    let alone = live.iter().filter(|(w, _)| in_order(w.kind)).count();
                    prop_assert!(alone == 0 || live.len() == 1, "a claim that must be alone is not");
                    let slot = table.peers.get(&peer(n)).and_then(|there| there.slots.get(&port));
                    let ids: Vec<ClaimId> =
                        slot.into_iter().flat_map(|p| p.all().map(|live| live.id)).collect();
                    prop_assert_eq!(ids, live.iter().map(|(w, _)| w.id).collect::<Vec<_>>());
                }
                let awaited = model.claims.iter().any(|(w, s)| w.peer == peer(n) && *s == State::Queued);
                let ends = PORTS.flat_map(|port| model.live(peer(n), port)).map(|(w, _)| {
                    let from = model.yields.get(&w.id).filter(|from| awaited && **from > now);
                    from.map_or(w.until, |from| w.until.min(*from))
                });
                prop_assert_eq!(table.next_expiry(peer(n), now), ends.min());
                for (group, ports) in GROUPS.iter().enumerate() {
                    // Claims by way of another set of ports are counted where these are held, and not where
                    // those are.
                    let mut here = ports.iter().flat_map(|port| model.live(peer(n), *port));
                    if protected && here.all(|(w, _)| w.group == group) {
                        let (clear, all) = model.alone(peer(n), group);
                        prop_assert!(clear < ports.len(), "no slot is left under TLS");
                        prop_assert!(ports.len() < 4 || all < ports.len(), "nor for what says whose it is");
                    }
                }
            }
        }
        for id in 0..next {
            table.release(ClaimId(id));
        }
        prop_assert!(table.ids.is_empty() && table.peers.is_empty(), "something stays behind");
    }
}

#[test]
fn every_port_is_chosen_some_time() {
    let (now, mut seen) = (Instant::now(), BTreeSet::new());
    for luck in 0..4 {
        if let Answer::Port(port) = table().claim(wish(1, Kind::Clear, now), |_| luck) {
            seen.insert(port);
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [7001, 7002, 7003, 7004]);
}

#[test]
fn two_hundred_that_say_whose_they_are_leave_a_port_for_one_in_clear() {
    let (mut table, now) = (table(), Instant::now());
    let until = now + Duration::from_secs(9);
    let mut used = BTreeSet::new();
    for n in 0..200 {
        let Answer::Port(port) = table.claim(wish(n.into(), bound(n), until), first) else {
            panic!("{n} waits");
        };
        used.insert(port);
    }
    assert_eq!(used.len(), 2, "the first two have ports of their own, and then half of them are taken");
    assert!(matches!(table.claim(wish(200, Kind::Clear, until), first), Answer::Port(_)));
    assert!(matches!(table.claim(wish(201, Kind::Clear, until), first), Answer::Port(_)));
    assert_eq!(table.claim(wish(202, Kind::Clear, until), first), Answer::Queued);
}

/// A claim that may be for a connection that says nothing does not slip past an unencrypted one that has
/// waited longer, and has its turn when that one gives up.
#[test]
fn who_waits_its_turn_has_it_also_when_the_one_before_gives_up() {
    let mut table = Claims::new(vec![vec![7001]], false);
    let until = Instant::now() + Duration::from_secs(9);
    assert_eq!(table.claim(wish(1, bound(1), until), first), Answer::Port(7001));
    assert_eq!(table.claim(wish(2, Kind::Clear, until), first), Answer::Queued);
    assert_eq!(table.claim(wish(3, lone(3), until), first), Answer::Queued);
    assert_eq!(table.claim(wish(4, bound(4), until), first), Answer::Port(7001), "it passes by");
    assert_eq!(table.release(ClaimId(2)), []);
    assert_eq!(table.release(ClaimId(1)), []);
    assert_eq!(table.release(ClaimId(4)), [Grant { id: ClaimId(3), port: 7001 }], "its slot is empty");
    assert_eq!(table.claim(wish(5, bound(5), until), first), Answer::Queued, "nobody comes beside it");
}

/// Ten unencrypted sessions took all ten ports of an address, also from those under TLS; so did ten under TLS
/// that had not resumed yet.
#[test]
fn claims_that_are_alone_leave_places_to_the_others() {
    let mut table = Claims::new(vec![(7001..7011).collect()], true);
    let until = Instant::now() + Duration::from_secs(9);
    let mut ask = |id, kind| table.claim(wish(id, kind, until), first);
    for n in 0..8 {
        assert!(matches!(ask(n, Kind::Clear), Answer::Port(_)));
    }
    assert_eq!(ask(8, Kind::Clear), Answer::Queued);
    assert!(matches!(ask(9, lone(9)), Answer::Port(_)), "the unencrypted one that waits is not in its way");
    assert_eq!(ask(10, lone(10)), Answer::Queued);
    for n in 11..200 {
        assert!(matches!(ask(n, bound(n as u8)), Answer::Port(_)));
    }
}

/// What is not used makes room for others, the one that has waited longest first, and only for as many as
/// there are.
#[test]
fn a_claim_that_is_not_used_yields_to_one_that_waits() {
    let mut table = table();
    let now = Instant::now();
    let (until, later) = (now + Duration::from_secs(60), now + Duration::from_secs(10));
    for n in 0..4 {
        table.claim(wish(n, Kind::Clear, until), first);
        table.yields(ClaimId(n), Some(later - Duration::from_secs(n)));
    }
    table.yields(ClaimId(3), None);
    assert_eq!(table.expire(peer(1), later), Lapsed::default(), "nobody waits");
    assert_eq!(table.claim(wish(4, Kind::Clear, until), first), Answer::Queued);
    assert_eq!(table.next_expiry(peer(1), now), Some(later - Duration::from_secs(2)));
    let lapsed = table.expire(peer(1), later);
    assert_eq!((lapsed.yielded, lapsed.expired), (vec![ClaimId(2)], vec![]));
    assert_eq!(lapsed.granted, [Grant { id: ClaimId(4), port: 7003 }]);
    assert_eq!(table.next_expiry(peer(1), later), Some(until));
}
