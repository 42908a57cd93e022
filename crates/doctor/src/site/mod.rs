//! What is wrong with a server's own configuration, on its own machine?
//!
//! ```text
//!   SiteConfig --> gather (asks the machine) --> judge (pure) --> Findings --> Report
//! ```
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use config::SiteConfig;
use wire::Secret;

use crate::finding::{Finding, Findings, Report};
use crate::verdict::{Verdict, Weight};

mod active;
mod address;
mod authority;
mod certificates;
mod firewall;
mod ports;
mod settings;

/// What is to be checked.
#[derive(Debug, Default)]
pub struct Target {
    /// The configuration of the server.
    pub config: SiteConfig,
    /// The file of the certificate that the server generates for itself where it is given none.
    pub own_certificate: Option<PathBuf>,
    /// The file of what an authority gave last, and what is in it.
    pub obtained: Option<(PathBuf, io::Result<Secret>)>,
}

/// Checks a server on its own machine. It listens for a moment on each of the server's ports, and changes
/// nothing.
#[must_use]
pub fn examine(target: &Target) -> Report {
    let config = &target.config;
    let mut findings = Findings::default();
    settings::judge(config, &settings::gather(config), &mut findings);
    ports::judge(&ports::gather(config), &mut findings);
    address::judge(&address::gather(config), &mut findings);
    certificates::judge(&certificates::gather(target), &mut findings);
    let filter = firewall::gather(target);
    if let Some(here) = authority::gather(config) {
        authority::judge(&here, filter.as_ref(), &mut findings);
    }
    if let Some(here) = active::gather(config) {
        active::judge(&here, &mut findings);
    }
    if let Some(filter) = &filter {
        firewall::judge(filter, &mut findings);
    }
    findings.report(Weight::Note, |unclear| match unclear.first() {
        None => Verdict::AllIsWell.says("No errors."),
        Some(first) => {
            let sentence = format!("No errors, but it is unclear {}.", first.what);
            Verdict::NotKnown.says(sentence).weight(Weight::Note)
        }
    })
}

/// What is wrong, in one sentence that comes before all others.
#[must_use]
pub fn summary(report: &Report) -> String {
    let number = |weight| report.findings().filter(|finding| finding.weight == weight).count();
    let several = |number| if number == 1 { "" } else { "s" };
    let Finding { verdict, weight, sentence, .. } = &report.verdict;
    match weight {
        _ if !verdict.is_of_site() => sentence.clone(),
        Weight::Blocks | Weight::Hinders => {
            let errors = number(Weight::Hinders);
            format!("{errors} error{}: {sentence}.", several(errors))
        }
        Weight::Note | Weight::Fine => {
            let warnings = number(Weight::Note);
            format!("No errors, {warnings} warning{}: {sentence}.", several(warnings))
        }
    }
}

fn show_path(path: &Path) -> String {
    wire::pathname::show(path.as_os_str().as_bytes())
}

/// Several as one: the first few, and how many more.
fn few(all: &[String]) -> String {
    /// Enough to see which; of a hundred ports nobody wants to read all.
    const SHOWN: usize = 3;
    let mut text = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = all.len().checked_sub(SHOWN) {
        // Writing to a String cannot fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use config::Listener;

    use super::*;

    /// A server with this listener.
    pub(super) fn site(listener: Listener) -> SiteConfig {
        SiteConfig { listeners: vec![listener], ..SiteConfig::default() }
    }

    /// Verdict and weight of each, in the order in which they were found.
    pub(super) fn names(findings: &Findings) -> Vec<(Verdict, Weight)> {
        findings.found.iter().map(|finding| (finding.verdict, finding.weight)).collect()
    }

    /// All of it, a line each.
    pub(super) fn text(findings: &Findings) -> String {
        let found = findings.found.iter().map(|finding| {
            let Finding { sentence, evidence, server, .. } = finding;
            format!("{sentence} ({})\nto do: {}", evidence.concat(), server.concat())
        });
        let unclear =
            findings.unclear.iter().map(|open| format!("unclear {}: {}", open.what, open.decided_by));
        found.chain(unclear).collect::<Vec<_>>().join("\n")
    }

    impl Findings {
        /// What is not known.
        pub(super) fn unknown(&self) -> Vec<&str> {
            self.unclear.iter().map(|open| open.what.as_str()).collect()
        }

        /// Is there an error?
        pub(super) fn is_wrong(&self) -> bool {
            self.found.iter().any(|finding| finding.weight == Weight::Hinders)
        }
    }

    #[test]
    fn errors_come_first_and_what_is_not_known_last() {
        let report = |add: fn(&mut Findings)| {
            let mut findings = Findings::default();
            findings.ok(Verdict::Ports, "it is fine", "seen");
            add(&mut findings);
            findings.report(Weight::Note, |_| Verdict::AllIsWell.says("No errors."))
        };
        assert_eq!(summary(&report(|_| ())), "No errors.");
        let warned =
            |findings: &mut Findings| findings.warn(Verdict::Limits, "it is odd", "seen", "look there");
        assert_eq!(summary(&report(warned)), "No errors, 1 warning: it is odd.");
        let both = report(|findings| {
            findings.warn(Verdict::Limits, "it is odd", "seen", "look there");
            findings.error(Verdict::Ports, "it is broken", "seen", "repair it");
        });
        assert_eq!(summary(&both), "1 error: it is broken.");
        let object = both.json();
        assert_eq!((&object["verdict"], &object["weight"]), (&"ports".into(), &"hinders".into()));
        assert_eq!(object["server"], serde_json::json!(["repair it"]));
        let also: Vec<_> = both.also.iter().map(|one| (one.verdict, one.weight)).collect();
        assert_eq!(also, [(Verdict::Limits, Weight::Note), (Verdict::Ports, Weight::Fine)]);
    }

    #[test]
    fn of_many_a_few_are_told() {
        let all: Vec<String> = (1..=5).map(|n| n.to_string()).collect();
        assert_eq!(few(&all), "1, 2, 3 and 2 more");
        assert_eq!(few(&all[..3]), "1, 2, 3");
    }
}
