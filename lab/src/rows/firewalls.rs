//! What do firewalls let through that nobody translates for?
use std::time::Instant;

use super::shared::{by, finds_a_way, names_the_place, seconds};
use crate::addresses::{HIGH, LOW};
use crate::client::{Job, Manner, Mode};
use crate::rules::Shape;
use crate::site::Serve;
use crate::talk;
use crate::trial::{Pair, Trial};

pub(super) fn none(trial: &mut Trial<'_>) {
    trial.serve();
    trial.moves_files(Manner::default(), seconds(5));
    trial.moves_files(by(Mode::Active), seconds(5));
}

pub(super) fn stateful(trial: &mut Trial<'_>) {
    trial.lab.server.nft(&trial.rules(Shape::default()));
    trial.serve();
    trial.moves_files(by(Mode::Passive), seconds(5));
}

pub(super) fn stateless(trial: &mut Trial<'_>) {
    trial.lab.server.nft(&trial.rules(Shape { stateless: true, ..Shape::default() }));
    trial.serve();
    trial.moves_files(by(Mode::Passive), seconds(5));
}

pub(super) fn data_port_closed(trial: &mut Trial<'_>) {
    trial.serve();
    trial.lab.drop(&format!("tcp dport {LOW}-{HIGH}"));
    let to = trial.here("down.bin");
    let said = trial.attempt(Job::Get("down.bin", &to), by(Mode::Passive));
    assert!(!said.succeeded(), "nothing can come through: {}", said.err);
    assert!(said.took < seconds(20), "it took {:.1} s: {}", said.took.as_secs_f64(), said.err);
    names_the_place(trial, &said.err);
    assert!(said.err.contains("rule"), "no rule is named: {}", said.err);
}

pub(super) fn active_not_allowed(trial: &mut Trial<'_>) {
    trial.lab.server.nft(&trial.rules(Shape { stateless: true, output_drop: true, ..Shape::default() }));
    trial.serve();
    falls_back_to_passive(trial);
}

pub(super) fn client_firewall(trial: &mut Trial<'_>) {
    trial.serve();
    shut_the_client(trial);
    falls_back_to_passive(trial);
}

pub(super) fn active_unanswered(trial: &mut Trial<'_>) {
    trial.serve_with(Serve { flags: &["--data-timeout", "2s"], ..Serve::default() });
    shut_the_client(trial);
    let at = trial.at();
    let mut talk = talk::open(&trial.lab.client, at, trial.site().login());
    let own = talk.local().ip();
    let told = talk.ask(&format!("EPRT |1|{own}|40001|"));
    assert!(told.starts_with("200"), "{told}");
    let started = Instant::now();
    let mut told = talk.ask("LIST");
    // It may be told after a mark.
    if told.starts_with('1') {
        told = talk.reply();
    }
    assert!(started.elapsed() < seconds(3), "after {:?}: {told}", started.elapsed());
    assert!(told.starts_with("425"), "{told}");
    assert!(told.contains("40001"), "the port is not named: {told}");
    trial.slowest = started.elapsed();
}

pub(super) fn range_in_closed(trial: &mut Trial<'_>) {
    trial.serve();
    trial.lab.drop(&format!("tcp dport {LOW}-{HIGH}"));
    finds_a_way(trial);
}

pub(super) fn range_out_closed(trial: &mut Trial<'_>) {
    trial.serve();
    trial.lab.drop(&format!("tcp sport {LOW}-{HIGH}"));
    finds_a_way(trial);
}

pub(super) fn names_the_rule(trial: &mut Trial<'_>) {
    for (rule, what) in [("rule 4", "sport"), ("rule 3", "dport")] {
        trial.lab.router.nft("flush chain inet lab forward\n");
        trial.lab.drop(&format!("tcp {what} {LOW}-{HIGH}"));
        trial.serve_with(Serve { flags: &["--data-timeout", "3s"], ..Serve::default() });
        let told = trial.lab.client.within(|| {
            let mut talk = talk::open(&trial.lab.client, trial.lab.site(), trial.site().login());
            talk::fetches_in_vain(&mut talk, "pub/down.bin")
        });
        assert!(told.starts_with("425"), "{told}");
        assert!(told.contains(rule), "{rule} is not named: {told}");
    }
}

/// The client's own firewall: nothing comes in that was not asked for.
fn shut_the_client(trial: &Trial<'_>) {
    trial.lab.client.nft(
        "table inet own { chain in { type filter hook input priority filter; policy drop;\n\
         iif lo accept\nct state established,related accept\nmeta l4proto icmpv6 accept\n}\n}\n",
    );
}

fn falls_back_to_passive(trial: &mut Trial<'_>) {
    let said = trial.fetches(by(Mode::Active), seconds(12));
    if trial.pair == Pair::Ours {
        assert!(said.err.contains("passive"), "the way back is not told: {}", said.err);
    }
}
