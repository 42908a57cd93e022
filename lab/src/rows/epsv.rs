//! What do middleboxes make of EPSV (RFC 2428), which some have never heard of?
use super::shared::{finds_a_way, seconds};
use crate::addresses::{HIGH, LOW};
use crate::client::Manner;
use crate::relay::{Epsv, Way};
use crate::trial::Trial;

pub(super) fn eaten(trial: &mut Trial<'_>) {
    between(trial, Epsv::Eaten);
    finds_a_way(trial);
}

pub(super) fn reset(trial: &mut Trial<'_>) {
    between(trial, Epsv::Reset);
    finds_a_way(trial);
}

pub(super) fn refused(trial: &mut Trial<'_>) {
    between(trial, Epsv::Refused);
    trial.moves_files(Manner::default(), seconds(3));
}

pub(super) fn only_pasv(trial: &mut Trial<'_>) {
    between(trial, Epsv::OnlyPasvOpens);
    trial.lab.drop(&format!("tcp dport {LOW}-{HIGH}"));
    finds_a_way(trial);
}

fn between(trial: &mut Trial<'_>, epsv: Epsv) {
    trial.serve();
    trial.lab.relay(false, Way { epsv, ..Way::default() });
}
