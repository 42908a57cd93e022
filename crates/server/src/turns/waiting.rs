//! How does a session wait for the turn of its login?
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Key, Lane, Turns};
use crate::limits::{User, Who};

/// The logins of a site that wait. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Logins(Arc<Mutex<Turns<oneshot::Sender<Turn>>>>);

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
        Self(Arc::new(Mutex::new(Turns::new(places))))
    }

    /// Waits for the turn of a login. None: too many wait.
    pub(crate) async fn turn(&self, who: Who, user: User, lane: Lane) -> Option<Turn> {
        let (call, called) = oneshot::channel();
        let dismissed = self.turns().ask(who, user, lane, call);
        // Whoever is waited for there hears that nobody will call.
        drop(dismissed);
        self.call();
        called.await.ok()
    }

    /// Logins of an address that wait or are being checked.
    pub(crate) fn pending(&self, who: Who) -> usize {
        self.turns().pending(who)
    }

    /// Gives every free place to whoever is next.
    fn call(&self) {
        loop {
            // A statement of its own, so that the lock is not held while anybody is called.
            let next = self.turns().next();
            let Some((key, user, call)) = next else { return };
            let turn = Turn { of: Some(self.clone()), key, user };
            if let Err(mut turn) = call.send(turn) {
                // That session has ended. Not by dropping it, which would call from within this call.
                turn.of = None;
                self.turns().done(key, user);
            }
        }
    }

    /// Nothing panics under the lock.
    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<Turn>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(logins) = self.of.take() {
            logins.turns().done(self.key, self.user);
            logins.call();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_turn_that_is_dropped_is_the_next_ones() {
        let logins = Logins::new(1);
        let first = logins.turn(HERE, 1, Lane::New).await.unwrap();
        let mut second = Box::pin(logins.turn(HERE, 2, Lane::New));
        let mut third = Box::pin(logins.turn(HERE, 3, Lane::New));
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
