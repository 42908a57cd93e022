//! What can be concluded from what was seen, and what can not?
//!
//! ```text
//!   Facts --control, data, protection, files--> Findings --the heaviest first--> Report
//! ```
//! A rule speaks only where its evidence suffices. Where it is short of that, it says what is open and what
//! would decide it. All is pure: a test makes facts up and looks at the names.
mod active;
mod control;
mod data;
mod files;
mod protection;
mod settings;
mod shared;
#[cfg(test)]
mod tests;

use super::evidence;
use super::facts::{Answer, End, Facts, Trial, Upload};
use crate::finding::{Finding, Findings, Report};
use crate::verdict::{Verdict, Weight};
use shared::{capital, is_slow};

/// Judges what was seen.
#[must_use]
pub fn diagnose(facts: &Facts) -> Report {
    let mut findings = Findings::default();
    control::judge(facts, &mut findings);
    if matches!(facts.answer, Some(Answer::Ftp(_))) {
        control::logins(facts, &mut findings);
        control::breaks(facts, &mut findings);
        protection::judge(facts, &mut findings);
        data::judge(facts, &mut findings);
        files::judge(facts, &mut findings);
    }
    for what in &facts.unfinished {
        findings.ask(
            format!("what the test of {what} would have shown: it did not end in time"),
            "try again, when the network or the server is less busy",
        );
    }
    let mut report = findings.report(Weight::Hinders, |_| without_trouble(facts));
    report.verdict.evidence = evidence::lines(facts);
    report.settings = settings::settings(facts);
    report
}

/// No rule has found anything that hinders: then all is well, or we know too little.
fn without_trouble(facts: &Facts) -> Finding {
    let passive_fails = facts.trials.iter().any(|trial| trial.method.is_passive());
    match facts.best() {
        Some(trial) if !trial.method.is_passive() && passive_fails => Verdict::NotKnown
            .says(format!(
                "Only active transfers work {}; it is unclear why passive ones fail.",
                trial.cover.words()
            ))
            .weight(Weight::Hinders),
        Some(trial) if !unexplained(facts).is_empty() => Verdict::NotKnown
            .says(format!(
                "{} transfers work {}, by {}; it is unclear why others fail: {}.",
                capital(trial.method.mode()),
                trial.cover.words(),
                trial.method,
                unexplained(facts).join("; ")
            ))
            .weight(Weight::Hinders)
            .server("read its log for those transfers")
            .client("use the settings below; try again to see whether the others always fail"),
        Some(trial) if matches!(trial.end, End::CommandRefused(_)) => nothing_listed(facts, trial),
        Some(trial) => Verdict::AllIsWell.says(format!(
            "All is well: {} transfers work {}, by {}.{}",
            trial.method.mode(),
            trial.cover.words(),
            trial.method,
            if facts.moved() {
                ""
            } else {
                " The directory is empty: only data connections without content were tested."
            }
        )),
        None => Verdict::NotKnown.says("No transfer works, and it is unclear why."),
    }
}

/// The best method opens data connections, and the server refuses to list over it: nothing is proven but
/// that.
fn nothing_listed(facts: &Facts, best: &Trial) -> Finding {
    let End::CommandRefused(said) = &best.end else {
        return Verdict::NotKnown.says("No transfer works, and it is unclear why.");
    };
    let refused = |weight, sentence| Verdict::ListingRefused.says(sentence).weight(weight);
    let (method, covered) = (best.method, best.cover.words());
    let other = facts.trials.iter().find(|trial| trial.end.has_content());
    if let Some(other) = other {
        return refused(
            Weight::Hinders,
            format!(
                "Transfers work {} by {}, but {covered} by {method} the listing is refused ({said}).",
                other.cover.words(),
                other.method
            ),
        )
        .server("read its log for why it refuses that listing");
    }
    // What we see is a refused listing; that it is the same for downloads, such a server says itself.
    let drop_box = said.to_ascii_lowercase().contains("upload");
    let may_not = if drop_box { "neither list nor download" } else { "not list files" };
    match &facts.files.upload {
        Some(Upload::Proven(_) | Upload::Unproven) => refused(
            Weight::Note,
            format!("Uploads work {covered}, by {method}; this user may {may_not} ({said})."),
        ),
        Some(Upload::Refused(upload)) => refused(
            Weight::Hinders,
            format!(
                "The login works, but this user may {may_not} ({said}), and not upload ({upload}): only the opening of data connections was tested."
            ),
        )
        .server("give this user a right, or check the directory and its permissions"),
        _ => refused(
            Weight::Hinders,
            format!(
                "The login works, but this user may {may_not} ({said}): only the opening of data connections was tested. Use -w to test an upload."
            ),
        ),
    }
}

/// The passive trials that failed. Where no rule has a word for one, that is to be said too.
fn unexplained(facts: &Facts) -> Vec<String> {
    let passive = facts.trials.iter().filter(|trial| trial.method.is_passive());
    passive.filter(|trial| !trial.end.is_through() && !is_slow(trial)).map(evidence::trial).collect()
}
