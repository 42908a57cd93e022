//! What do several rows ask for?
use std::time::Duration;

use crate::addresses::{HIGH, LOW};
use crate::client::{Manner, Mode};
use crate::trial::Trial;

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) fn by(mode: Mode) -> Manner<'static> {
    Manner { mode, ..Manner::default() }
}

/// The limits of a network that swallows something: a person waits once, and not again.
#[track_caller]
pub(super) fn finds_a_way(trial: &mut Trial<'_>) {
    trial.fetches(Manner::default(), seconds(12));
    trial.fetches(Manner::default(), seconds(2));
    trial.stores(Manner::default(), seconds(2));
}

/// Does `error` name what a person needs to repair it: host, data port, mode and time?
#[track_caller]
pub(super) fn names_the_place(trial: &Trial<'_>, error: &str) {
    let host = trial.at().to_string();
    assert!(error.contains(&host), "the host {host} is not named: {error}");
    assert!(
        (LOW..=HIGH).any(|port| error.contains(&port.to_string())),
        "the data port is not named: {error}"
    );
    assert!(error.contains("passive"), "the mode is not named: {error}");
    assert!(error.contains(" s"), "the time is not named: {error}");
}
