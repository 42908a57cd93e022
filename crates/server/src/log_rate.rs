//! How much of the log may one client fill? The first lines in each second, and then a count.
//!
//! A client that pipelines commands that are refused could write some 200,000 lines a second, and the lines
//! of everybody else would be lost among them, or dropped by whatever keeps the log.
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::limits::origin;

/// After it the lines that were held back are told as one, with their count.
const WINDOW: Duration = Duration::from_secs(1);
/// Lines of a session in that time.
const OF_SESSION: u32 = 10;
/// Lines of an address in that time: many people may stand behind it, and one of them may open session after
/// session.
const OF_ADDRESS: u32 = 50;
/// Sessions and addresses that are counted one by one at the same time.
const MOST: usize = 10_000;

/// Verbs that are told apart in what was held back: more than write, or ask for an active data connection.
const KINDS: usize = 16;
/// All others.
const OTHER: &str = "others";

/// By what lines are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Session(u64),
    Address(IpAddr),
    /// All those for which there is no room.
    Others,
}

impl Source {
    fn lines(self) -> u32 {
        match self {
            Self::Session(_) => OF_SESSION,
            Self::Address(_) | Self::Others => OF_ADDRESS,
        }
    }
}

/// The lines since a window began.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    lines: u32,
    held: u64,
    /// Those of `held` that are refusals, by verb: the first kinds, and how many there were of others.
    refused: Vec<(&'static str, u64)>,
    /// Whose the first of these was.
    user: String,
    session: Option<u64>,
    peer: SocketAddr,
}

impl Window {
    /// Tells how many lines were held back, and refusals of what.
    fn tell(&self) {
        let Self { held, refused, user, session, peer, .. } = self;
        let refusals: u64 = refused.iter().map(|(_, count)| count).sum();
        if refusals > 0 {
            let verbs: Vec<_> = refused.iter().map(|(verb, count)| format!("{verb} {count}")).collect();
            let verbs = verbs.join(", ");
            tracing::warn!(session, %peer, user, count = refusals, verbs, "more refusals were left out");
        }
        let others = held.saturating_sub(refusals);
        if others > 0 {
            tracing::warn!(session, %peer, count = others, "more lines of this client were left out");
        }
    }

    /// Counts a refusal among those that are held back.
    fn hold(&mut self, verb: &'static str, user: &str) {
        if self.refused.is_empty() {
            user.clone_into(&mut self.user);
        } else if self.user != user {
            "-".clone_into(&mut self.user);
        }
        let known = self.refused.iter().any(|(known, _)| *known == verb);
        let verb = if known || self.refused.len() < KINDS { verb } else { OTHER };
        match self.refused.iter_mut().find(|(known, _)| *known == verb) {
            Some((_, count)) => *count += 1,
            None => self.refused.push((verb, 1)),
        }
    }
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
enum Share {
    /// It is written, and a window begins with it, which is to be closed.
    First,
    Written,
    Held,
}

/// Pure: when a window ends is another's business.
#[derive(Debug, Default)]
struct Windows(HashMap<Source, Window>);

impl Windows {
    fn take(&mut self, source: Source, session: Option<u64>, peer: SocketAddr) -> (Source, Share) {
        let room = self.0.len() < MOST || self.0.contains_key(&source);
        let source = if room { source } else { Source::Others };
        let window = self.0.entry(source).or_insert(Window {
            lines: 0,
            held: 0,
            refused: Vec::new(),
            user: String::new(),
            session,
            peer,
        });
        let share = if window.lines >= source.lines() {
            window.held += 1;
            Share::Held
        } else {
            window.lines += 1;
            if window.lines == 1 { Share::First } else { Share::Written }
        };
        (source, share)
    }
}

/// The lines of a site's log that anybody can cause at will. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogRate(Arc<Mutex<Windows>>);

impl LogRate {
    /// May another such line be written, of this session, or before there is one? What is held back is told
    /// within a second.
    pub(crate) fn allows(&self, session: Option<u64>, peer: SocketAddr) -> bool {
        let of_session = session.is_none_or(|id| self.take(Source::Session(id), session, peer, None));
        of_session && self.take(Source::Address(origin(peer.ip())), None, peer, None)
    }

    /// The same of a refusal. Those that are held back are told by their verbs.
    pub(crate) fn allows_refusal(
        &self,
        session: u64,
        peer: SocketAddr,
        verb: &'static str,
        user: &str,
    ) -> bool {
        self.take(Source::Session(session), Some(session), peer, Some((verb, user)))
            && self.take(Source::Address(origin(peer.ip())), None, peer, Some((verb, user)))
    }

    fn take(
        &self,
        source: Source,
        session: Option<u64>,
        peer: SocketAddr,
        refused: Option<(&'static str, &str)>,
    ) -> bool {
        let (source, share) = {
            let mut windows = self.windows();
            let (source, share) = windows.take(source, session, peer);
            if share == Share::Held
                && let Some((verb, user)) = refused
                && let Some(window) = windows.0.get_mut(&source)
            {
                window.hold(verb, user);
            }
            (source, share)
        };
        if share == Share::First {
            let rate = self.clone();
            tokio::spawn(async move {
                sleep(WINDOW).await;
                let window = rate.windows().0.remove(&source);
                if let Some(window) = window {
                    window.tell();
                }
            });
        }
        share != Share::Held
    }

    /// Tells what is held back now, at the end of the site.
    pub(crate) fn finish(&self) {
        let windows = std::mem::take(&mut self.windows().0);
        windows.values().for_each(Window::tell);
    }

    /// Nothing panics under the lock.
    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as the log has it.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u32) -> SocketAddr {
        (n.to_be_bytes(), 4000).into()
    }

    #[test]
    fn the_first_lines_are_written_and_the_others_counted() {
        let mut windows = Windows::default();
        let mut take = || windows.take(Source::Session(1), Some(1), peer(1)).1;
        assert_eq!(take(), Share::First);
        assert!((1..OF_SESSION).all(|_| take() == Share::Written));
        assert!((0..1000).all(|_| take() == Share::Held));
        let window = windows.0.remove(&Source::Session(1)).unwrap();
        assert_eq!((window.held, window.session), (1000, Some(1)));
        assert_eq!(windows.take(Source::Session(1), Some(1), peer(1)).1, Share::First);
    }

    /// A scan is seen by what it tried, also where its lines are left out.
    #[test]
    fn refusals_that_are_left_out_are_counted_by_their_verbs() {
        let mut windows = Windows::default();
        let _ = windows.take(Source::Session(1), Some(1), peer(1));
        let mut window = windows.0.remove(&Source::Session(1)).unwrap();
        for verb in ["PORT", "RNTO", "PORT", "PORT"] {
            window.hold(verb, "alice");
        }
        assert_eq!(
            (window.refused.as_slice(), window.user.as_str()),
            (&[("PORT", 3), ("RNTO", 1)][..], "alice")
        );
        for row in wire::verb::TABLE {
            window.hold(row.name, "bob");
        }
        assert_eq!((window.refused.len(), window.user.as_str()), (KINDS + 1, "-"));
    }

    #[test]
    fn those_for_whom_there_is_no_room_share_one_window() {
        let mut windows = Windows::default();
        for n in 0..MOST as u32 + OF_ADDRESS + 7 {
            let _ = windows.take(Source::Address(peer(n).ip()), None, peer(n));
        }
        assert_eq!(windows.0.len(), MOST + 1);
        assert_eq!(windows.0[&Source::Others].held, 7);
        assert_eq!(windows.take(Source::Address(peer(3).ip()), None, peer(3)).1, Share::Written);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_session_each_time_gains_nothing() {
        let rate = LogRate::default();
        let written = (0..200).filter(|n| rate.allows(Some(*n), peer(1))).count();
        assert_eq!(written, OF_ADDRESS as usize);
        assert!(rate.allows(None, peer(2)), "another address has lines of its own");
        sleep(WINDOW * 2).await;
        assert!(rate.windows().0.is_empty());
        assert!(rate.allows(Some(201), peer(1)));
    }
}
