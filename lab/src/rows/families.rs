//! Which family of addresses works, and who finds out in time?
use super::shared::seconds;
use crate::addresses::SERVER_V6;
use crate::client::{Job, Manner};
use crate::site::Serve;
use crate::talk;
use crate::trial::{Pair, Trial};

/// In the lab's table of hosts with both addresses of the server.
const NAME: &str = "dual.lab";

pub(super) fn v6_only(trial: &mut Trial<'_>) {
    trial.lab.v6_only();
    trial.serve();
    trial.moves_files(Manner::default(), seconds(5));
    if trial.pair == Pair::Ours {
        let mut talk = talk::open(&trial.lab.client, SERVER_V6.into(), trial.site().login());
        let told = talk.ask("PASV");
        assert!(told.starts_with('5') && told.contains("EPSV"), "{told}");
    }
}

pub(super) fn dual_stack(trial: &mut Trial<'_>) {
    by_name(trial);
}

pub(super) fn v6_dead(trial: &mut Trial<'_>) {
    trial.lab.drop("meta nfproto ipv6");
    by_name(trial);
}

pub(super) fn v4_dead(trial: &mut Trial<'_>) {
    trial.lab.drop("meta nfproto ipv4");
    by_name(trial);
}

pub(super) fn nat64(trial: &mut Trial<'_>) {
    trial.lab.nat64();
    trial.serve();
    trial.moves_files(Manner::default(), seconds(5));
}

fn by_name(trial: &mut Trial<'_>) {
    trial.serve_with(Serve { dual: true, ..Serve::default() });
    let (to, from) = (trial.here("down.bin"), trial.here("up.bin"));
    for job in [Job::List, Job::Get("down.bin", &to), Job::Put(&from, "up.bin")] {
        let said = trial.attempt_at(NAME, job, Manner::default());
        assert!(said.succeeded(), "{job:?}: {}\n{}", said.status, said.err);
        assert!(said.took < seconds(3), "{job:?} took {:.1} s: {}", said.took.as_secs_f64(), said.err);
    }
    let read = |path| std::fs::read(path).expect("a file that was moved");
    assert!(read(to) == read(trial.site().files().join("down.bin")), "the download differs");
    assert!(read(from) == read(trial.site().files().join("up.bin")), "the upload differs");
}
