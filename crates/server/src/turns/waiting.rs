//! How does a session wait for the turn of its login?
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Key, Lane, Turns, User};

/// The logins of a site that wait. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Logins {
    turns: Arc<Mutex<Turns<oneshot::Sender<Turn>>>>,
    /// Names may be of any length, so their hashes stand for them.
    hasher: RandomState,
}

/// A place for one check; dropped, it is the next login's.
#[derive(Debug)]
pub(crate) struct Turn {
    /// None: it was given back already.
    of: Option<Logins>,
    key: Key,
    user: User,
}

impl Logins {
    /// So many checks at once.
    pub(crate) fn new(places: usize) -> Self {
        Self { turns: Arc::new(Mutex::new(Turns::new(places))), hasher: RandomState::new() }
    }

    /// Waits for the turn of a login. None: too many wait.
    pub(crate) async fn turn(&self, address: IpAddr, user: &[u8], lane: Lane) -> Option<Turn> {
        let (sender, turn) = oneshot::channel();
        let dismissed = self.turns().ask(address, self.hasher.hash_one(user), lane, sender);
        // Those that wait for one of these senders get an error.
        drop(dismissed);
        self.serve();
        turn.await.ok()
    }

    /// Logins of an address that wait or are being checked.
    pub(crate) fn pending(&self, address: IpAddr) -> usize {
        self.turns().pending(address)
    }

    /// Gives every free place to the login that is next.
    fn serve(&self) {
        loop {
            // A statement of its own, so that the lock is not held while a turn is sent.
            let next = self.turns().next();
            let Some((key, user, sender)) = next else { return };
            let turn = Turn { of: Some(self.clone()), key, user };
            if let Err(mut turn) = sender.send(turn) {
                // That session has ended. Not by dropping it, which would serve from within this call.
                turn.of = None;
                self.turns().done(key, user);
            }
        }
    }

    /// Nothing panics under the lock.
    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<Turn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(logins) = self.of.take() {
            logins.turns().done(self.key, self.user);
            logins.serve();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_turn_that_is_dropped_is_the_next_ones() {
        let logins = Logins::new(1);
        let first = logins.turn(HERE, b"1", Lane::New).await.unwrap();
        let mut second = Box::pin(logins.turn(HERE, b"2", Lane::New));
        let mut third = Box::pin(logins.turn(HERE, b"3", Lane::New));
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is one place"),
            _ = &mut third => panic!("there is one place"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(logins.pending(HERE), 3);
        // Who has gone is left out.
        drop(second);
        drop(first);
        drop(third.await.unwrap());
        assert_eq!(logins.pending(HERE), 0);
    }
}
