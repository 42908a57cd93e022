//! Which connections at protected slots have sent no hello yet?
//!
//! ```text
//!   arrival --> Reading --hello--> a claim's
//!                  |   '--hello--> no claim's --alert, FIN--> (gone)
//!                  '--- no claim left that was there before it, or too many --FIN--> (gone)
//! ```
use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use tokio::task::AbortHandle;

use super::claims::Stamp;
use crate::session_id::SessionId;
use crate::socket::drain;

/// Connections at one slot that have not spoken, beside two for each claim: the client's, and another that it
/// made in doubt.
const AT_A_SLOT: usize = 8;

/// Sessions that are remembered of those whose claims have gone while a connection was silent: a session
/// makes any number of claims in that time, and there is any number of sessions. For one that is forgotten a
/// refusal is reported where there was none.
const MOST_GONE: usize = 16;

/// Names one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadingId(u64);

/// A connection whose hello is waited for.
#[derive(Debug)]
pub(super) struct Reading {
    id: ReadingId,
    pub(super) stamp: Stamp,
    /// Its hello has come and no claim takes it: it is being sent an alert.
    refused: bool,
    socket: Arc<OwnedFd>,
    task: Option<AbortHandle>,
    /// Whose claims were there before it and have gone since, unused.
    gone: Vec<SessionId>,
}

impl Reading {
    /// Was it meant for a claim of this session that is no more?
    pub(super) fn is_late_for(&self, binding: SessionId) -> bool {
        self.gone.contains(&binding)
    }

    /// Has a claim gone, unused, for which it may have come?
    pub(super) fn has_seen_others_go(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Ends it, with FIN.
    pub(super) fn end(self) {
        drain(self.socket.as_fd());
        if let Some(task) = self.task {
            task.abort();
        }
    }
}

/// All of them, by slot; each slot's in the order of coming.
#[derive(Debug, Default)]
pub(super) struct Readings {
    at: HashMap<(IpAddr, u16), Vec<Reading>>,
    next: u64,
}

impl Readings {
    /// One more, at a slot with so many claims. When there are too many, the one that has been silent longest
    /// makes room: an honest client speaks within a round trip.
    pub(super) fn add(
        &mut self,
        slot: (IpAddr, u16),
        stamp: Stamp,
        claims: usize,
        socket: Arc<OwnedFd>,
    ) -> (ReadingId, Option<Reading>) {
        let id = ReadingId(self.next);
        self.next += 1;
        let here = self.at.entry(slot).or_default();
        let full = here.len() >= AT_A_SLOT + 2 * claims;
        let out = if full { Some(here.remove(0)) } else { None };
        here.push(Reading { id, stamp, refused: false, socket, task: None, gone: Vec::new() });
        (id, out)
    }

    /// Its task has begun. False: it has been ended meanwhile.
    pub(super) fn begun(&mut self, slot: (IpAddr, u16), id: ReadingId, task: &AbortHandle) -> bool {
        let reading = self.at.get_mut(&slot).and_then(|here| here.iter_mut().find(|r| r.id == id));
        let there = reading.is_some();
        if let Some(reading) = reading {
            reading.task = Some(task.clone());
        }
        there
    }

    /// Its hello was read.
    pub(super) fn take(&mut self, slot: (IpAddr, u16), id: ReadingId) -> Option<Reading> {
        let here = self.at.get_mut(&slot)?;
        let reading = here.iter().position(|reading| reading.id == id).map(|index| here.remove(index));
        if here.is_empty() {
            self.at.remove(&slot);
        }
        reading
    }

    /// It is being refused, which takes a slot as long as it lasts.
    pub(super) fn refuse(&mut self, slot: (IpAddr, u16), reading: Reading) {
        self.at.entry(slot).or_default().push(Reading { refused: true, ..reading });
    }

    /// Those that have not spoken of those that came when `meant` says.
    pub(super) fn silent(&self, slot: (IpAddr, u16), meant: impl Fn(Stamp) -> bool) -> bool {
        let here = self.at.get(&slot).into_iter().flatten();
        here.into_iter().any(|reading| !reading.refused && meant(reading.stamp))
    }

    /// A claim has gone, and with it those that no other claim can be waiting for; they are to be ended.
    pub(super) fn leave(
        &mut self,
        slot: (IpAddr, u16),
        unused: Option<SessionId>,
        mut meant: impl FnMut(Stamp) -> bool,
    ) -> Vec<Reading> {
        let Some(here) = self.at.get_mut(&slot) else { return Vec::new() };
        let ended = here.extract_if(.., |reading| !meant(reading.stamp)).collect();
        if let Some(binding) = unused {
            for reading in here.iter_mut().filter(|reading| !reading.is_late_for(binding)) {
                if reading.gone.len() == MOST_GONE {
                    reading.gone.remove(0);
                }
                reading.gone.push(binding);
            }
        }
        if here.is_empty() {
            self.at.remove(&slot);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_claims_that_have_gone_is_bounded() {
        let slot = ([127, 0, 0, 1].into(), 2121);
        let mut readings = Readings::default();
        let socket: OwnedFd = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into();
        let (id, _) = readings.add(slot, Stamp::default(), 1, Arc::new(socket));
        for n in 0..=u8::try_from(MOST_GONE).unwrap() {
            for _ in 0..3 {
                assert!(readings.leave(slot, Some(SessionId(n.into())), |_| true).is_empty());
            }
        }
        let reading = readings.take(slot, id).unwrap();
        assert_eq!(reading.gone.len(), MOST_GONE);
        assert!(reading.is_late_for(SessionId(1)) && !reading.is_late_for(SessionId(0)));
    }
}
