//! Which transfers are under way? For the log, when the site is to stop.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use net::pump::Progress;

/// A transfer that is under way.
#[derive(Clone, Debug)]
pub struct UnderWay {
    /// The session's number in the log.
    pub session: u64,
    /// Whose.
    pub peer: SocketAddr,
    /// The user's name, as the log shows it.
    pub user: String,
    /// `download`, `upload`, `listing` or `digest`.
    pub what: &'static str,
    /// The path in the tree, as the log shows it.
    pub path: String,
    /// Bytes that have moved so far.
    pub bytes: u64,
}

/// The transfers of a site. Cheap to clone. One session has one at the most, so this is bounded by the sessions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transfers(Arc<Mutex<All>>);

/// By session.
type All = BTreeMap<u64, (UnderWay, Arc<Progress>)>;

impl Transfers {
    /// Counts a transfer until what is returned is dropped.
    pub(crate) fn begin(&self, transfer: UnderWay, progress: &Arc<Progress>) -> Begun {
        let session = transfer.session;
        self.all().insert(session, (transfer, Arc::clone(progress)));
        Begun { transfers: self.clone(), session }
    }

    /// Those that are under way now, the oldest session first.
    pub(crate) fn list(&self) -> Vec<UnderWay> {
        let all = self.all();
        all.values().map(|(one, progress)| UnderWay { bytes: progress.bytes(), ..one.clone() }).collect()
    }

    /// Nothing panics under the lock.
    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transfer's place in the list, given back however it ends.
#[derive(Debug)]
pub(crate) struct Begun {
    transfers: Transfers,
    session: u64,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.transfers.all().remove(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_listed_as_long_as_it_runs() {
        let (transfers, progress) = (Transfers::default(), Arc::new(Progress::default()));
        let one = UnderWay {
            session: 7,
            peer: ([127, 0, 0, 1], 4000).into(),
            user: "alice".into(),
            what: "download",
            path: "/x".into(),
            bytes: 0,
        };
        let begun = transfers.begin(one, &progress);
        progress.add(5);
        assert_eq!(transfers.list().iter().map(|t| (t.session, t.bytes)).collect::<Vec<_>>(), [(7, 5)]);
        drop(begun);
        assert!(transfers.list().is_empty());
    }
}
