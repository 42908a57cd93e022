//! What was found at a site, and how is it told: to a person, and to a program?
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::columns::wrap;
use crate::doctor::coloured;

/// The names of what can be found, which do not change: each has its place in docs/doctor.md.
const NAMES: [&str; 42] = [
    "folder",
    "settings-conflict",
    "settings-agree",
    "limits",
    "few-ports",
    "ports-enough",
    "ports-free",
    "site-runs",
    "port-taken",
    "port-needs-privilege",
    "address-not-here",
    "port-fails",
    "ephemeral-apart",
    "ephemeral-overlap",
    "address-useless",
    "address-told",
    "address-private",
    "certificate-own",
    "certificate-unusable",
    "certificate-early",
    "certificate-expired",
    "certificate-expires",
    "certificate-good",
    "certificate-nameless",
    "certificate-vouched",
    "certificate-self-signed",
    "certificate-chain",
    "acme-port-free",
    "acme-port-taken",
    "acme-port-needs-privilege",
    "acme-port-closed",
    "acme-port-open",
    "active-any-port",
    "active-port",
    "active-port-needs-privilege",
    "active-port-taken",
    "rule-too-wide",
    "firewall-passes",
    "firewall-open",
    "active-rule-missing",
    "rule-for-some",
    "rule-missing",
];

/// How much does it matter?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Somebody who comes fails for it.
    Wrong,
    /// It may be meant so, or it will be wrong one day: the administrator has to know.
    Look,
    /// As it should be.
    Fine,
}

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    /// One of [`NAMES`].
    pub(super) verdict: &'static str,
    pub(super) weight: Weight,
    /// A sentence without its full stop.
    pub(super) says: String,
    pub(super) evidence: String,
    pub(super) fix: Option<String>,
}

/// What could not be found out from here.
#[derive(Debug)]
pub(super) struct Open {
    what: String,
    decided_by: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    open: Vec<Open>,
}

impl Findings {
    pub(super) fn wrong(
        &mut self,
        verdict: &'static str,
        says: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(verdict, Weight::Wrong, says.into(), evidence.into(), Some(fix.into()));
    }

    pub(super) fn look(
        &mut self,
        verdict: &'static str,
        says: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(verdict, Weight::Look, says.into(), evidence.into(), Some(fix.into()));
    }

    pub(super) fn fine(
        &mut self,
        verdict: &'static str,
        says: impl Into<String>,
        evidence: impl Into<String>,
    ) {
        self.add(verdict, Weight::Fine, says.into(), evidence.into(), None);
    }

    /// What is not known, and what would decide it.
    pub(super) fn open(&mut self, what: impl Into<String>, decided_by: impl Into<String>) {
        self.open.push(Open { what: what.into(), decided_by: decided_by.into() });
    }

    fn add(
        &mut self,
        verdict: &'static str,
        weight: Weight,
        says: String,
        evidence: String,
        fix: Option<String>,
    ) {
        debug_assert!(NAMES.contains(&verdict), "{verdict} is no name that is known");
        self.found.push(Finding { verdict, weight, says, evidence, fix });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.found.iter().any(|finding| finding.weight == Weight::Wrong)
    }

    /// How bad it is, in the words of the other look.
    fn weight(&self) -> doctor::Weight {
        use doctor::Weight::{Blocks, Hinders, Note};
        match self.ordered().next().map(|finding| finding.weight) {
            Some(Weight::Wrong) => Blocks,
            Some(Weight::Look) => Hinders,
            _ if !self.open.is_empty() => Hinders,
            _ => Note,
        }
    }

    fn number(&self, weight: Weight) -> usize {
        self.found.iter().filter(|finding| finding.weight == weight).count()
    }

    /// The heaviest first, else in the order in which they were looked at.
    fn ordered(&self) -> impl Iterator<Item = &Finding> {
        let of = |weight| self.found.iter().filter(move |finding| finding.weight == weight);
        of(Weight::Wrong).chain(of(Weight::Look)).chain(of(Weight::Fine))
    }

    /// The one sentence that comes before all others.
    pub(super) fn sentence(&self) -> String {
        match (self.ordered().next(), self.open.first()) {
            (Some(first), _) if first.weight == Weight::Wrong => {
                let errors = self.number(Weight::Wrong);
                format!("{errors} error{}: {}.", plural(errors), first.says)
            }
            (Some(first), _) if first.weight == Weight::Look => {
                let warnings = self.number(Weight::Look);
                format!("No errors, {warnings} warning{}: {}.", plural(warnings), first.says)
            }
            (_, Some(open)) => {
                format!("No errors, but it is unclear {}.", open.what)
            }
            _ => "No errors.".to_owned(),
        }
    }

    /// What a person reads.
    pub(super) fn report(&self, width: usize) -> Vec<String> {
        const REST: &str = "         ";
        const DEEPER: &str = "           ";
        let mut lines = wrap(&self.sentence(), "", "", width);
        coloured(&mut lines, self.weight());
        let mut push = |text: &str, first: &str, rest: &str| lines.extend(wrap(text, first, rest, width));
        for finding in self.ordered() {
            let mark = match finding.weight {
                Weight::Wrong => "error",
                Weight::Look => "warn",
                Weight::Fine => "ok",
            };
            push(&format!("{} ({})", finding.says, finding.evidence), &format!("  {mark:<7}"), REST);
            if let Some(fix) = &finding.fix {
                push(&format!("to do: {fix}"), REST, DEEPER);
            }
        }
        for Open { what, decided_by } in &self.open {
            push(&format!("unclear {what}"), "  ?      ", REST);
            push(&format!("how to find out: {decided_by}"), REST, DEEPER);
        }
        push("To test reachability, run `pasv doctor ftp://...` from a client.", "", "");
        lines
    }

    /// What a program reads: the shape of `pasv doctor --json ftp://...`, with the weight `fine` more.
    pub(super) fn object(&self) -> Value {
        let one = |finding: &Finding| {
            let weight = match finding.weight {
                Weight::Wrong => "hinders",
                Weight::Look => "note",
                Weight::Fine => "fine",
            };
            json!({
                "verdict": finding.verdict,
                "weight": weight,
                "sentence": finding.says,
                "evidence": [finding.evidence],
                "server": finding.fix.iter().collect::<Vec<_>>(),
                "client": [],
            })
        };
        let mut ordered = self.ordered().peekable();
        let first = ordered.next_if(|finding| finding.weight != Weight::Fine);
        let mut object = first.map_or_else(
            || {
                let verdict = if self.open.is_empty() { "all-is-well" } else { "not-known" };
                json!({"verdict": verdict, "weight": "note", "sentence": self.sentence(), "evidence": [], "server": [], "client": []})
            },
            one,
        );
        let open: Vec<Value> =
            self.open.iter().map(|open| json!({"what": open.what, "decided_by": open.decided_by})).collect();
        if let Some(fields) = object.as_object_mut() {
            fields.insert("also".to_owned(), ordered.map(one).collect());
            fields.insert("not_known".to_owned(), json!(open));
        }
        object
    }
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// Several as one: the first few, and how many more.
pub(super) fn few(all: &[String]) -> String {
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
impl Findings {
    /// Verdict and weight of each, in the order in which they were found.
    pub(super) fn names(&self) -> Vec<(&'static str, Weight)> {
        self.found.iter().map(|finding| (finding.verdict, finding.weight)).collect()
    }

    /// What is not known.
    pub(super) fn unknown(&self) -> Vec<&str> {
        self.open.iter().map(|open| open.what.as_str()).collect()
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        self.report(1000).join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_comes_first_and_what_is_not_known_last() {
        let mut findings = Findings::default();
        assert_eq!(findings.sentence(), "No errors.");
        assert_eq!(findings.object()["verdict"], "all-is-well");
        findings.fine("ports-free", "it is fine", "seen");
        findings.open("whether it rains", "a window");
        assert!(findings.sentence().ends_with("it is unclear whether it rains."), "{findings:?}");
        assert_eq!(findings.object()["verdict"], "not-known");
        findings.look("limits", "it is odd", "seen", "look there");
        assert_eq!(findings.sentence(), "No errors, 1 warning: it is odd.");
        assert!(!findings.is_wrong());
        findings.wrong("port-taken", "it is broken", "seen", "repair it");
        assert_eq!(findings.sentence(), "1 error: it is broken.");
        let lines = findings.report(1000);
        let marks: Vec<_> = lines.iter().filter_map(|line| line.get(2..6)).collect();
        assert_eq!(
            &marks[1..],
            ["erro", "    ", "warn", "    ", "ok  ", "?   ", "    ", " tes"],
            "{lines:?}"
        );
        let object = findings.object();
        assert_eq!((&object["verdict"], &object["weight"]), (&json!("port-taken"), &json!("hinders")));
        assert_eq!(object["sentence"], "it is broken");
        assert_eq!((&object["server"], &object["evidence"]), (&json!(["repair it"]), &json!(["seen"])));
        let also: Vec<_> =
            object["also"].as_array().unwrap().iter().map(|one| (&one["verdict"], &one["weight"])).collect();
        assert_eq!(also, [(&json!("limits"), &json!("note")), (&json!("ports-free"), &json!("fine"))]);
        assert_eq!(object["not_known"], json!([{"what": "whether it rains", "decided_by": "a window"}]));
    }

    #[test]
    fn every_finding_has_its_place_in_the_documents() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/doctor.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, page) = page.split_once("\n## On the server\n").unwrap();
        let rows = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once(" |"))
            .map(|(names, _)| names);
        let mut told: Vec<&str> =
            rows.flat_map(|names| names.split(['`', ',', ' '])).filter(|n| !n.is_empty()).collect();
        let mut names = NAMES.to_vec();
        told.sort_unstable();
        names.sort_unstable();
        assert_eq!(told, names);
    }

    #[test]
    fn of_many_a_few_are_told() {
        let all: Vec<String> = (1..=5).map(|n| n.to_string()).collect();
        assert_eq!(few(&all), "1, 2, 3 and 2 more");
        assert_eq!(few(&all[..3]), "1, 2, 3");
    }
}
