//! Whose password is checked next? Pure: the order alone.
//!
//! A check keeps a core busy for tens of milliseconds, so there are as many places as cores, and logins wait for them. They
//! wait by address: each address has one turn, then the next one has, so that nine hundred connections of one of them are one
//! that waits for the others.
//!
//! ```text
//!   ask --> the address's own line --> new:   addresses that come for the first time      \  three of four
//!             (two of it at once,             (more than a crowd: the last one first)       --> a place
//!              one of a user)      --> again: those that had a turn, or have failed before  /  one of four
//! ```
//!
//! When thousands of addresses come at once, a line that is served in order makes everybody wait for all of them; so the
//! newest is first then, and who comes once and has never failed hardly waits at all. Both lines have a bound.
mod waiting;

use std::collections::{HashMap, VecDeque};

pub(crate) use waiting::Logins;

use crate::limits::{User, Who};

/// Checks of one address at once. The other cores are for other addresses.
const EACH: usize = 2;
/// Addresses in a line for each place, from which on the newest is served first: half a second of work.
const CROWD: usize = 20;
/// Addresses in a line for each place at the most: some seconds of work.
const MOST: usize = 256;
/// New addresses in a row while others wait for a turn of theirs.
const ROW: u32 = 3;

/// The logins that wait; `T` is what calls one of them.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    places: usize,
    taken: usize,
    new: VecDeque<Who>,
    again: VecDeque<Who>,
    /// New addresses that were served since the last of the others.
    row: u32,
    of: HashMap<Who, Line<T>>,
}

/// The logins of an address.
#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(User, T)>,
    checked: Vec<User>,
    /// It has had a turn, or failed before.
    again: bool,
    /// It stands in one of the two lines of addresses.
    stands: bool,
}

impl<T> Line<T> {
    /// The first whose user is not being checked already: the next of that user may be spared it, or refused, by the outcome.
    fn ready(&self) -> Option<usize> {
        let room = self.checked.len() < EACH;
        self.waiting.iter().position(|(user, _)| room && !self.checked.contains(user))
    }
}

impl<T> Turns<T> {
    /// So many checks at once.
    pub(crate) fn new(places: usize) -> Self {
        let places = places.max(1);
        Self { places, taken: 0, new: VecDeque::new(), again: VecDeque::new(), row: 0, of: HashMap::new() }
    }

    /// A login waits for its turn. `failed`: another of its address has failed of late. What is returned waits no longer:
    /// there are too many.
    #[must_use]
    pub(crate) fn ask(&mut self, who: Who, user: User, failed: bool, call: T) -> Vec<T> {
        let line = self.of.entry(who).or_insert_with(|| Line {
            waiting: VecDeque::new(),
            checked: Vec::new(),
            again: failed,
            stands: false,
        });
        line.waiting.push_back((user, call));
        self.stand(who);
        let most = self.places.saturating_mul(MOST);
        // Of the new ones who has waited longest is last to be served; of the others who came last is.
        let left = if self.new.len() > most {
            self.new.pop_front()
        } else if self.again.len() > most {
            self.again.pop_back()
        } else {
            None
        };
        left.map_or_else(Vec::new, |who| self.dismiss(who))
    }

    /// The login that is checked now, if there is a place. [`Turns::done`] must follow.
    pub(crate) fn next(&mut self) -> Option<(Who, User, T)> {
        if self.taken >= self.places {
            return None;
        }
        let first = self.again.is_empty() || self.row < ROW;
        let who = if first && !self.new.is_empty() {
            self.row = if self.again.is_empty() { 0 } else { self.row + 1 };
            let crowd = self.new.len() > self.places.saturating_mul(CROWD);
            if crowd { self.new.pop_back() } else { self.new.pop_front() }
        } else {
            self.row = 0;
            self.again.pop_front()
        }?;
        let line = self.of.get_mut(&who)?;
        (line.stands, line.again) = (false, true);
        let (user, call) = line.waiting.remove(line.ready()?)?;
        line.checked.push(user);
        self.taken += 1;
        self.stand(who);
        Some((who, user, call))
    }

    /// A check is over.
    pub(crate) fn done(&mut self, who: Who, user: User) {
        let Some(line) = self.of.get_mut(&who) else { return };
        let Some(at) = line.checked.iter().position(|checked| *checked == user) else { return };
        line.checked.swap_remove(at);
        self.taken -= 1;
        if line.checked.is_empty() && line.waiting.is_empty() {
            self.of.remove(&who);
        } else {
            self.stand(who);
        }
    }

    /// Logins of an address that wait or are being checked.
    pub(crate) fn pending(&self, who: Who) -> usize {
        self.of.get(&who).map_or(0, |line| line.waiting.len() + line.checked.len())
    }

    /// Puts an address into its line, if it is not in it and one of its logins could be checked.
    fn stand(&mut self, who: Who) {
        let Some(line) = self.of.get_mut(&who) else { return };
        if !line.stands && line.ready().is_some() {
            line.stands = true;
            if line.again { self.again.push_back(who) } else { self.new.push_back(who) }
        }
    }

    /// All logins of an address that wait.
    fn dismiss(&mut self, who: Who) -> Vec<T> {
        let Some(line) = self.of.get_mut(&who) else { return Vec::new() };
        line.stands = false;
        let calls = line.waiting.drain(..).map(|(_, call)| call).collect();
        if line.checked.is_empty() {
            self.of.remove(&who);
        }
        calls
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(n: u32) -> Who {
        Who::from(n.to_be_bytes())
    }

    /// Asks, where that makes nobody leave.
    fn ask(turns: &mut Turns<u32>, n: u32, user: User, call: u32) {
        assert!(turns.ask(address(n), user, false, call).is_empty());
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
            left += turns.ask(address(n), 0, n % 2 == 0, n).len();
        }
        assert_eq!((turns.new.len(), turns.again.len()), (2 * MOST, 2 * MOST));
        assert_eq!(left, 3000 - 4 * MOST);
        assert_eq!(turns.of.len(), 4 * MOST);
        ask_full(&mut turns, 5000);
        assert_eq!(turns.next().unwrap().2, 5000);
        // Those that have failed have every fourth turn, the first that came first.
        let served: Vec<_> = serve(&mut turns).into_iter().filter(|n| n % 2 == 0).take(3).collect();
        assert_eq!(served, [0, 2, 4]);
    }

    /// Asks where the one that has waited longest leaves for it.
    fn ask_full(turns: &mut Turns<u32>, n: u32) {
        assert_eq!(turns.ask(address(n), 0, false, n).len(), 1);
    }

    #[test]
    fn those_that_have_failed_have_every_fourth_turn() {
        let mut turns = Turns::new(1);
        for n in 0..8 {
            assert!(turns.ask(address(100 + n), 0, true, 100 + n).is_empty());
            ask(&mut turns, n, 0, n);
        }
        assert_eq!(serve(&mut turns)[..9], [0, 1, 2, 100, 3, 4, 5, 101, 6]);
    }

    proptest! {
        /// Nobody is lost, nobody waits while there is a place for them, and no place is given twice.
        #[test]
        fn every_login_is_served_or_sent_away(
            places in 1_usize..4,
            steps in prop::collection::vec((0_u32..6, 0_u64..3, any::<bool>(), any::<bool>()), 1..300),
        ) {
            let mut turns = Turns::new(places);
            let (mut asked, mut gone, mut checked) = (0, 0, Vec::new());
            for (n, user, failed, asks) in steps {
                if asks {
                    gone += turns.ask(address(n), user, failed, ()).len();
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
            prop_assert!(turns.of.is_empty() && turns.new.is_empty() && turns.again.is_empty());
        }
    }
}
