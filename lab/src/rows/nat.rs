//! What happens where addresses are translated, and by boxes that forget?
use std::time::Duration;

use super::shared::{by, seconds};
use crate::addresses::{CLIENT, OUTSIDE};
use crate::client::{Client, Job, Manner, Mode};
use crate::site::Serve;
use crate::talk;
use crate::trial::{Trial, content};

pub(super) fn dnat(trial: &mut Trial<'_>) {
    trial.lab.dnat();
    let outside = OUTSIDE.to_string();
    // vsftpd is not told its address, and knows no EPSV: what its 227 says leads nowhere.
    trial.serve_with(Serve { flags: &["--external", &outside], no_epsv: true, ..Serve::default() });
    trial.moves_files(by(Mode::Pasv), seconds(5));
}

pub(super) fn dnat_lan(trial: &mut Trial<'_>) {
    trial.lab.dnat();
    let outside = OUTSIDE.to_string();
    trial.serve_with(Serve { flags: &["--external", &outside], ..Serve::default() });
    let neighbour = trial.lab.add("lan", "10.0.3");
    let login = trial.site().login();
    let mut inside = talk::open(trial.lab.other(neighbour), [10, 0, 2, 2].into(), login);
    let told = inside.ask("PASV");
    assert!(told.contains("(10,0,2,2,"), "the neighbour is told {told}");
    let mut from_outside = talk::open(&trial.lab.client, OUTSIDE.into(), login);
    let told = from_outside.ask("PASV");
    assert!(told.contains("(198,51,100,1,"), "those outside are told {told}");
}

pub(super) fn active(trial: &mut Trial<'_>) {
    trial.lab.nat();
    trial.serve();
    if trial.pair.client() == Client::Ours {
        return trial.moves_files(Manner::default(), seconds(2));
    }
    let to = trial.here("down.bin");
    let said = trial.attempt(Job::Get("down.bin", &to), by(Mode::Active));
    assert!(!said.succeeded(), "nobody can dial {CLIENT} from there: {}", said.err);
    assert!(said.took < seconds(2), "it took {:.1} s: {}", said.took.as_secs_f64(), said.err);
    for word in ["198.51.100.2", "203.0.113.1", "passive"] {
        assert!(said.err.contains(word), "{word} is not in the refusal: {}", said.err);
    }
}

pub(super) fn helper(trial: &mut Trial<'_>) {
    trial.lab.nat();
    trial.lab.helper();
    trial.serve();
    trial.moves_files(Manner::default(), seconds(5));
    trial.moves_files(by(Mode::Active), seconds(5));
}

pub(super) fn helper_tls(trial: &mut Trial<'_>) {
    trial.lab.nat();
    trial.lab.helper();
    trial.serve_with(Serve { tls: true, ..Serve::default() });
    trial.moves_files(Manner { tls: true, ..Manner::default() }, seconds(8));
}

pub(super) fn idle_control(trial: &mut Trial<'_>) {
    trial.patience = seconds(120);
    trial.serve();
    trial.lab.forgets_after(20);
    // A server has said its last word when the kernel has taken the rest of the file, which is up to 200 kB
    // here: before that, too, the control connection is to be idle for longer than the router remembers it.
    trial.lab.slow("60kbit");
    let manner = Manner { flags: &["-v"], ..Manner::default() };
    let said = trial.fetches(manner, moving(60_000) + seconds(30));
    // Our client could do without its last word; here it is to have come.
    assert!(!said.err.contains("asking again"), "the last word was lost: {}", said.err);
}

pub(super) fn final_reply_lost(trial: &mut Trial<'_>) {
    trial.patience = seconds(60);
    trial.serve();
    // Keepalive comes after 15 s, too late for this router.
    trial.lab.forgets_after(3);
    trial.lab.slow("400kbit");
    trial.fetches(Manner::default(), moving(400_000) + seconds(15));
}

/// How long the file is on its way at so many bits a second.
fn moving(rate: u32) -> Duration {
    Duration::from_secs_f64(content(1).len() as f64 * 8.0 / f64::from(rate))
}
