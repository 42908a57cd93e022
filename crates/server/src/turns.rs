//! Whose password is checked next? Pure: the order alone.
//!
//! A check keeps a core busy for tens of milliseconds, so there are as many places as cores, and logins wait
//! for them. They wait by address: each address has one turn, then the next one has, so that nine hundred
//! connections of one of them are one that waits for the others.
//!
//! ```text
//!   ask --> the address's own line --> known: users who have logged in from there of late  \
//!             (two of it at once,  --> new:   addresses that come for the first time         --> a place
//!              one of a user)                 (more than a crowd: the last one first)       /
//!                                  --> again: those that had a turn, or have failed before /
//! ```
//!
//! When thousands of addresses come at once, a line that is served in order makes everybody wait for all of
//! them; so the newest is first then, and who comes once and has never failed hardly waits at all. All lines
//! have a bound.
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

pub(crate) use waiting::Logins;

/// Checks of one address at once. The other cores are for other addresses.
const EACH: usize = 2;
/// Addresses in a line for each place, from which on the newest is served first: half a second of work.
const CROWD: usize = 20;
/// Addresses in a line for each place at the most: some seconds of work.
const MOST: usize = 128;

/// Which line of addresses a login waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// This user has logged in from this address of late.
    Known,
    /// Nothing is known of the address.
    New,
    /// The address had a turn while it waited, or a login from it has failed of late.
    Again,
}

/// Which line is looked at first, in turn, so that none of them waits without end.
const ORDER: [[Lane; 3]; 8] = {
    use Lane::{Again, Known, New};
    [
        [Known, New, Again],
        [Known, New, Again],
        [Known, New, Again],
        [Known, New, Again],
        [New, Known, Again],
        [New, Known, Again],
        [New, Known, Again],
        [Again, New, Known],
    ]
};

/// Stands for a user's name.
type User = u64;

/// A line of logins: those of users who are known at an address have one of their own.
type Key = (IpAddr, bool);

/// The logins that wait; `T` is how one of them is told that its turn has come.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    places: usize,
    taken: usize,
    known: VecDeque<Key>,
    new: VecDeque<Key>,
    again: VecDeque<Key>,
    /// Where in [`ORDER`] we are.
    turn: usize,
    of: HashMap<Key, Line<T>>,
}

/// The logins of an address.
#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(User, T)>,
    checked: Vec<User>,
    /// Where it stands, or would.
    lane: Lane,
    stands: bool,
}

impl<T> Line<T> {
    /// The first whose user is not being checked already: the next of that user may be spared it, or refused,
    /// by the outcome.
    fn ready(&self) -> Option<usize> {
        let room = self.checked.len() < EACH;
        self.waiting.iter().position(|(user, _)| room && !self.checked.contains(user))
    }
}

impl<T> Turns<T> {
    /// So many checks at once.
    pub(crate) fn new(places: usize) -> Self {
        let places = places.max(1);
        Self {
            places,
            taken: 0,
            known: VecDeque::new(),
            new: VecDeque::new(),
            again: VecDeque::new(),
            turn: 0,
            of: HashMap::new(),
        }
    }

    /// A login waits for its turn. What is returned waits no longer: there are too many.
    #[must_use]
    pub(crate) fn ask(&mut self, who: IpAddr, user: User, lane: Lane, waiter: T) -> Vec<T> {
        let key = (who, lane == Lane::Known);
        let line = self.of.entry(key).or_insert_with(|| Line {
            waiting: VecDeque::new(),
            checked: Vec::new(),
            lane,
            stands: false,
        });
        line.waiting.push_back((user, waiter));
        self.stand(key);
        let most = self.places.saturating_mul(MOST);
        // Of the new ones who has waited longest is last to be served; of the others who came last is.
        let left = [Lane::Known, Lane::New, Lane::Again].into_iter().find_map(|lane| {
            let line = self.line(lane);
            match lane {
                _ if line.len() <= most => None,
                Lane::New => line.pop_front(),
                Lane::Known | Lane::Again => line.pop_back(),
            }
        });
        left.map_or_else(Vec::new, |key| self.dismiss(key))
    }

    /// The login that is checked now, if there is a place. [`Turns::done`] must follow.
    pub(crate) fn next(&mut self) -> Option<(Key, User, T)> {
        if self.taken >= self.places {
            return None;
        }
        let crowd = self.new.len() > self.places.saturating_mul(CROWD);
        let order = ORDER[self.turn % ORDER.len()];
        let key = order.into_iter().find_map(|lane| match lane {
            Lane::New if crowd => self.new.pop_back(),
            lane => self.line(lane).pop_front(),
        })?;
        self.turn = (self.turn + 1) % ORDER.len();
        let line = self.of.get_mut(&key)?;
        line.stands = false;
        if line.lane == Lane::New {
            line.lane = Lane::Again;
        }
        let (user, waiter) = line.waiting.remove(line.ready()?)?;
        line.checked.push(user);
        self.taken += 1;
        self.stand(key);
        Some((key, user, waiter))
    }

    /// A check is over.
    pub(crate) fn done(&mut self, key: Key, user: User) {
        let Some(line) = self.of.get_mut(&key) else { return };
        let Some(at) = line.checked.iter().position(|checked| *checked == user) else { return };
        line.checked.swap_remove(at);
        self.taken -= 1;
        if line.checked.is_empty() && line.waiting.is_empty() {
            self.of.remove(&key);
        } else {
            self.stand(key);
        }
    }

    /// Logins of an address that wait or are being checked.
    pub(crate) fn pending(&self, who: IpAddr) -> usize {
        let count = |line: &Line<T>| line.waiting.len() + line.checked.len();
        [true, false].iter().filter_map(|known| self.of.get(&(who, *known)).map(count)).sum()
    }

    fn line(&mut self, lane: Lane) -> &mut VecDeque<Key> {
        match lane {
            Lane::Known => &mut self.known,
            Lane::New => &mut self.new,
            Lane::Again => &mut self.again,
        }
    }

    /// Puts an address into its line, if it is not in it and one of its logins could be checked.
    fn stand(&mut self, key: Key) {
        let Some(line) = self.of.get_mut(&key) else { return };
        if !line.stands && line.ready().is_some() {
            line.stands = true;
            let lane = line.lane;
            self.line(lane).push_back(key);
        }
    }

    /// All logins of an address that wait.
    fn dismiss(&mut self, key: Key) -> Vec<T> {
        let Some(line) = self.of.get_mut(&key) else { return Vec::new() };
        line.stands = false;
        let waiters = line.waiting.drain(..).map(|(_, waiter)| waiter).collect();
        if line.checked.is_empty() {
            self.of.remove(&key);
        }
        waiters
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    /// Asks, where that makes nobody leave.
    fn ask(turns: &mut Turns<u32>, n: u32, user: User, call: u32) {
        assert!(turns.ask(address(n), user, Lane::New, call).is_empty());
    }

    /// Serves as many as there are, one after the other; their calls.
    fn serve(turns: &mut Turns<u32>) -> Vec<u32> {
        let mut served = Vec::new();
        while let Some((who, user, call)) = turns.next() {
            served.push(call);
            turns.done(who, user);
        }
        served
    }

    #[test]
    fn nine_hundred_of_one_address_are_one_that_waits() {
        let mut turns = Turns::new(1);
        for n in 0..900 {
            ask(&mut turns, 1, u64::from(n), n);
        }
        assert_eq!(turns.pending(address(1)), 900);
        let (who, user, first) = turns.next().unwrap();
        assert_eq!(first, 0);
        ask(&mut turns, 2, 0, 1000);
        turns.done(who, user);
        let (who, user, call) = turns.next().unwrap();
        assert_eq!(call, 1000, "the other address has its turn after the one that was under way");
        turns.done(who, user);
        assert_eq!(serve(&mut turns).len(), 899);
        assert!(turns.of.is_empty());
    }

    #[test]
    fn addresses_take_turns() {
        let mut turns = Turns::new(1);
        for n in 0..3_u64 {
            for address in 1..=3 {
                ask(&mut turns, address, n, address);
            }
        }
        assert_eq!(serve(&mut turns), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn one_address_has_two_places_and_a_user_of_it_one() {
        let mut turns = Turns::new(8);
        for (call, user) in [7, 7, 8, 9].into_iter().enumerate() {
            ask(&mut turns, 1, user, call as u32);
        }
        let (who, user, call) = turns.next().unwrap();
        assert_eq!((user, call), (7, 0));
        assert_eq!(turns.next().unwrap().2, 2, "the second of the same user waits, the other does not");
        assert!(turns.next().is_none());
        ask(&mut turns, 2, 7, 10);
        assert_eq!(turns.next().unwrap().2, 10, "the same name at another address is another matter");
        turns.done(who, user);
        assert_eq!(turns.next().unwrap().2, 1);
        assert!(turns.next().is_none());
    }

    #[test]
    fn whoever_comes_once_waits_neither_for_thousands_nor_for_those_that_have_failed() {
        let mut turns = Turns::new(2);
        let mut left = 0;
        for n in 0..3000 {
            let lane = if n % 2 == 0 { Lane::Again } else { Lane::New };
            left += turns.ask(address(n), 0, lane, n).len();
        }
        assert_eq!((turns.new.len(), turns.again.len()), (2 * MOST, 2 * MOST));
        assert_eq!(left, 3000 - 4 * MOST);
        assert_eq!(turns.of.len(), 4 * MOST);
        ask_full(&mut turns, 5000);
        assert!(turns.ask(address(6000), 0, Lane::Known, 6000).is_empty());
        assert_eq!(turns.next().unwrap().2, 6000);
        assert_eq!(turns.next().unwrap().2, 5000);
        assert!(turns.next().is_none());
        turns.done((address(6000), true), 0);
        // Of those that have failed the first that came is the first.
        let served: Vec<_> = serve(&mut turns).into_iter().filter(|n| n % 2 == 0).take(3).collect();
        assert_eq!(served, [0, 2, 4]);
    }

    /// Asks where the one that has waited longest leaves for it.
    fn ask_full(turns: &mut Turns<u32>, n: u32) {
        assert_eq!(turns.ask(address(n), 0, Lane::New, n).len(), 1);
    }

    #[test]
    fn nobody_waits_for_others_without_end() {
        let mut turns = Turns::new(1);
        for n in 0..8 {
            for (lane, call) in [(Lane::Known, n), (Lane::New, 100 + n), (Lane::Again, 200 + n)] {
                assert!(turns.ask(address(call), 0, lane, call).is_empty());
            }
        }
        assert_eq!(serve(&mut turns)[..12], [0, 1, 2, 3, 100, 101, 102, 200, 4, 5, 6, 7]);
    }

    /// Somebody guesses from an address at which others are known.
    #[test]
    fn who_is_known_does_not_wait_in_the_line_of_the_address() {
        let mut turns = Turns::new(1);
        for n in 0..900 {
            ask(&mut turns, 1, u64::from(n), n);
        }
        assert!(turns.ask(address(1), 7, Lane::Known, 1000).is_empty());
        assert_eq!(turns.pending(address(1)), 901);
        assert_eq!(turns.next().unwrap().2, 1000);
    }

    proptest! {
        /// Nobody is lost, nobody waits while there is a place for them, and no place is given twice.
        #[test]
        fn every_login_is_served_or_sent_away(
            places in 1_usize..4,
            steps in prop::collection::vec((0_u32..6, 0_u64..3, 0_usize..3, any::<bool>()), 1..300),
        ) {
            let mut turns = Turns::new(places);
            let (mut asked, mut gone, mut checked) = (0, 0, Vec::new());
            for (n, user, lane, asks) in steps {
                if asks {
                    let lane = [Lane::Known, Lane::New, Lane::Again][lane];
                    gone += turns.ask(address(n), user, lane, ()).len();
                    asked += 1;
                } else if !checked.is_empty() {
                    let (who, user) = checked.swap_remove(n as usize % checked.len());
                    turns.done(who, user);
                    gone += 1;
                }
                while let Some((who, user, ())) = turns.next() {
                    prop_assert!(!checked.contains(&(who, user)));
                    checked.push((who, user));
                    prop_assert!(checked.iter().filter(|(of, _)| *of == who).count() <= EACH);
                }
                prop_assert!(checked.len() <= places);
                prop_assert!(checked.len() == places || turns.of.values().all(|line| line.ready().is_none()));
                let pending: usize = (0..6).map(|n| turns.pending(address(n))).sum();
                prop_assert_eq!(asked, gone + pending);
            }
            while let Some((who, user)) = checked.pop() {
                turns.done(who, user);
                while let Some((who, user, ())) = turns.next() {
                    checked.push((who, user));
                }
            }
            prop_assert!(turns.of.is_empty());
            prop_assert!(turns.known.is_empty() && turns.new.is_empty() && turns.again.is_empty());
        }
    }
}
