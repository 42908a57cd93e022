//! What does a long or narrow way do to a transfer?
use std::time::Duration;

use super::shared::{by, names_the_place, seconds};
use crate::addresses::{HIGH, LOW};
use crate::client::{Job, Manner, Mode};
use crate::relay::Way;
use crate::site::Serve;
use crate::trial::{Pair, Trial};

/// As on a tunnel in a tunnel. IPv6 would need 1280, and is not asked here.
const NARROW: u16 = 1300;

pub(super) fn latency(trial: &mut Trial<'_>) {
    trial.serve();
    trial.lab.relay(true, Way { delay: Duration::from_millis(50), ..Way::default() });
    // Nine round trips for us, up to twelve for those whose server or client is another's.
    let limit = Duration::from_millis(if trial.pair == Pair::Ours { 1200 } else { 2500 });
    // A round trip more is there every time; what a busy machine adds is not.
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(trial.lists(Manner::default(), seconds(10)).took);
        if best <= limit {
            break;
        }
    }
    assert!(best <= limit, "the listing took {:.1} s at best", best.as_secs_f64());
    trial.slowest = best;
}

/// Under TLS, as clients and our server have it by default: the handshake is the first thing that does not
/// pass.
pub(super) fn mtu_black_hole(trial: &mut Trial<'_>) {
    trial.lab.mtu_black_hole(NARROW);
    trial.serve_with(Serve { tls: true, ..Serve::default() });
    let manner = Manner { tls: true, ..Manner::default() };
    trial.fetches(manner, seconds(12));
    trial.lists(manner, seconds(2));
    trial.fetches(manner, seconds(2));
    trial.stores(manner, seconds(2));
}

pub(super) fn mtu_clear(trial: &mut Trial<'_>) {
    trial.lab.mtu_black_hole(NARROW);
    trial.serve();
    trial.lists(Manner::default(), seconds(2));
    // The first large packets on the way may be those of either: our server's are cut.
    trial.fetches(Manner::default(), seconds(12));
    trial.stores(Manner::default(), seconds(12));
    trial.fetches(Manner::default(), seconds(2));
    trial.stores(Manner::default(), seconds(2));
}

pub(super) fn mtu_download(trial: &mut Trial<'_>) {
    trial.lab.mtu_black_hole(NARROW);
    trial.serve();
    trial.lists(Manner::default(), seconds(3));
    trial.fetches(Manner::default(), seconds(12));
}

pub(super) fn mtu_option(trial: &mut Trial<'_>) {
    trial.lab.mtu_black_hole(NARROW);
    trial.serve_with(Serve { flags: &["--data-mss", "1200"], ..Serve::default() });
    trial.moves_files(Manner::default(), seconds(3));
}

pub(super) fn stall(trial: &mut Trial<'_>) {
    trial.serve();
    trial.lab.drop(&format!("tcp sport {LOW}-{HIGH} meta length > 400"));
    let to = trial.here("down.bin");
    let manner = Manner { flags: &["--stall", "4s"], ..by(Mode::Passive) };
    let said = trial.attempt(Job::Get("down.bin", &to), manner);
    assert!(!said.succeeded(), "nothing can come through: {}", said.err);
    assert!(said.took < seconds(20), "it took {:.1} s: {}", said.took.as_secs_f64(), said.err);
    names_the_place(trial, &said.err);
}
