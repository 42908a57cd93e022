//! When does the work on a tree go on in a new session?
//!
//! ```text
//!   the session is lost --> a new one --> the same thing once more --lost again, and nothing gained--> once more
//!                                                                      '--twice--> skip it, in a new session
//!                                                                                  '--the next one as well--> it is over
//! ```
//! A server may end a session after an hour, after a number of files, or at one file that it cannot read: the
//! rest of the tree is none the worse for that. As long as something is gained between two sessions (bytes
//! that were not there before, a listing, a file that is done) there may be any number of them; without that
//! there are five at the most.
use std::time::Duration;

use crate::client::Client;
use crate::error::{CUT, Error};
use crate::event::Event;

/// How often one thing is tried again without gaining anything.
const TRIES: u32 = 2;

/// How long a server that refuses all logins is left alone, before it is asked once more: it may be starting
/// again.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be done after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// There is a new session: the same thing once more.
    Again,
    /// There is a new session: leave this thing out and go on with the next.
    Skip,
    /// The error is the end.
    Over,
}

/// Counts the new sessions since something was gained.
#[derive(Debug, Default)]
pub struct GoingOn {
    fruitless: u32,
    skipped: bool,
}

impl GoingOn {
    /// Nothing has been lost.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something was gained.
    pub fn gained(&mut self) {
        *self = Self::default();
    }

    /// After `error`: begins a new session where that may help, and says what to do in it.
    pub async fn after(&mut self, client: &mut Client, error: &Error) -> Next {
        let next = match self.next(error) {
            Next::Over => return Next::Over,
            next => next,
        };
        match error {
            // All data connection methods that were tried after that say nothing more.
            Error::Unreachable(_) => client.warn(format!("{CUT}: reconnecting")),
            error => client.warn(format!("{error}: reconnecting")),
        }
        let Err(why) = client.begin_anew().await else { return next };
        // Another server would not be the one that was trusted.
        if matches!(why, Error::Insecure { .. } | Error::NoTls { .. }) {
            client.warn(format!("could not reconnect: {why}"));
            return Next::Over;
        }
        (client.watch)(&Event::Note(format!("could not reconnect: {why}")));
        tokio::time::sleep(PAUSE).await;
        match client.begin_anew().await {
            Ok(()) => next,
            Err(why) => {
                client.warn(format!("could not reconnect: {why}"));
                Next::Over
            }
        }
    }

    /// What to do, if a new session can be had.
    fn next(&mut self, error: &Error) -> Next {
        if !error.calls_for_a_new_session() {
            return Next::Over;
        }
        if self.fruitless < TRIES {
            self.fruitless += 1;
            return Next::Again;
        }
        if std::mem::replace(&mut self.skipped, true) {
            return Next::Over;
        }
        self.fruitless = 0;
        Next::Skip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gains_nothing_is_tried_twice_more_and_skipped_once() {
        let lost = Error::Broken { what: "421".to_owned(), moved: 0 };
        let mut going = GoingOn::new();
        let all: Vec<_> = (0..6).map(|_| going.next(&lost)).collect();
        assert_eq!(all, [Next::Again, Next::Again, Next::Skip, Next::Again, Next::Again, Next::Over]);
        going.gained();
        assert_eq!(going.next(&lost), Next::Again);
        // Any number, as long as something is gained.
        for _ in 0..1000 {
            going.gained();
            assert_eq!(going.next(&lost), Next::Again);
        }
        let other = Error::Nonsense { what: "HTTP".to_owned() };
        assert_eq!(GoingOn::new().next(&other), Next::Over);
    }
}
