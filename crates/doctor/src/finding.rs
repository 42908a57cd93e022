//! What is one thing that was found, and what is all of it together?
use firewall::Name;
use serde_json::{Value, json};

use crate::verdict::{Verdict, Weight};

/// One conclusion: what is so, why we think so, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which one it is.
    pub verdict: Verdict,
    /// How much it matters.
    pub weight: Weight,
    /// Which of the four rules of a firewall it is about, as `pasv firewall --explain` counts them: one where
    /// it is known, all candidates where it is not, and none where it is about something else.
    pub rules: Vec<u8>,
    /// In one sentence, or two.
    pub sentence: String,
    /// What may be behind it, for those who know firewalls.
    pub detail: Option<String>,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
    /// What the server's administrator can do.
    pub server: Vec<String>,
    /// What can be done at the client.
    pub client: Vec<String>,
}

impl Finding {
    /// A finding of its usual weight, with the advice that always helps.
    pub fn new(verdict: Verdict, sentence: impl Into<String>) -> Self {
        let row = verdict.row();
        let advice = |advice: Option<&str>| advice.map(str::to_owned).into_iter().collect();
        Self {
            verdict,
            weight: row.weight,
            rules: Vec::new(),
            sentence: sentence.into(),
            detail: None,
            evidence: Vec::new(),
            server: advice(row.server),
            client: advice(row.client),
        }
    }

    /// With another weight than the usual one.
    #[must_use]
    pub fn weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// With more about it.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// About these rules.
    #[must_use]
    pub fn rules(self, rules: &[Name]) -> Self {
        Self { rules: rules.iter().map(|rule| rule.number()).collect(), ..self }
    }

    /// Because of this.
    #[must_use]
    pub fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// With something to do at the server.
    #[must_use]
    pub fn server(mut self, todo: impl Into<String>) -> Self {
        self.server.push(todo.into());
        self
    }

    /// With something to do at the client.
    #[must_use]
    pub fn client(mut self, todo: impl Into<String>) -> Self {
        self.client.push(todo.into());
        self
    }

    /// The same, where there is any.
    #[must_use]
    pub fn clients(mut self, todo: Option<&str>) -> Self {
        self.client.extend(todo.map(str::to_owned));
        self
    }

    /// For a program.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "verdict": self.verdict.name(),
            "weight": self.weight.name(),
            "rules": self.rules,
            "sentence": self.sentence,
            "detail": self.detail,
            "evidence": self.evidence,
            "server": self.server,
            "client": self.client,
        })
    }
}

impl Verdict {
    /// A [`Finding::new`] of this verdict.
    pub(crate) fn says(self, sentence: impl Into<String>) -> Finding {
        Finding::new(self, sentence)
    }
}

/// What could not be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The question.
    pub what: String,
    /// What would decide it.
    pub decided_by: String,
}

/// What has been concluded so far.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order in which it was found.
    pub found: Vec<Finding>,
    /// What is not known.
    pub unclear: Vec<Unclear>,
}

impl Findings {
    /// Adds a finding, once.
    pub fn add(&mut self, finding: Finding) {
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    /// Adds what makes clients fail.
    pub(crate) fn error(
        &mut self,
        verdict: Verdict,
        sentence: impl Into<String>,
        evidence: impl Into<String>,
        todo: impl Into<String>,
    ) {
        let finding = Finding::new(verdict, sentence).evidence(evidence).server(todo);
        self.add(finding.weight(Weight::Hinders));
    }

    /// Adds what may be intended, or will fail one day.
    pub(crate) fn warn(
        &mut self,
        verdict: Verdict,
        sentence: impl Into<String>,
        evidence: impl Into<String>,
        todo: impl Into<String>,
    ) {
        let finding = Finding::new(verdict, sentence).evidence(evidence).server(todo);
        self.add(finding.weight(Weight::Note));
    }

    /// Adds what is as it should be.
    pub(crate) fn ok(&mut self, verdict: Verdict, sentence: impl Into<String>, evidence: impl Into<String>) {
        self.add(Finding::new(verdict, sentence).evidence(evidence).weight(Weight::Fine));
    }

    /// Adds what is not known, and what would decide it; once.
    pub fn ask(&mut self, what: impl Into<String>, decided_by: impl Into<String>) {
        let unclear = Unclear { what: what.into(), decided_by: decided_by.into() };
        if !self.unclear.contains(&unclear) {
            self.unclear.push(unclear);
        }
    }

    /// Is there a finding of this kind?
    #[must_use]
    pub fn has(&self, verdict: Verdict) -> bool {
        self.found.iter().any(|finding| finding.verdict == verdict)
    }

    /// The heaviest finding comes first, else the order stays. `otherwise` is the first one where nothing
    /// found is at least as heavy as `least`.
    #[must_use]
    pub fn report(mut self, least: Weight, otherwise: impl FnOnce(&[Unclear]) -> Finding) -> Report {
        self.found.sort_by_key(|finding| finding.weight);
        let heavy = self.found.first().is_some_and(|finding| finding.weight <= least);
        let verdict = if heavy { self.found.remove(0) } else { otherwise(&self.unclear) };
        Report { verdict, also: self.found, unclear: self.unclear, settings: None }
    }
}

/// What an examination comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub verdict: Finding,
    /// What else was found, the heavier first.
    pub also: Vec<Finding>,
    /// What is not known.
    pub unclear: Vec<Unclear>,
    /// What clients should use, if anything works from here.
    pub settings: Option<ClientSettings>,
}

impl Report {
    /// All findings, the verdict first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.verdict).chain(&self.also)
    }

    /// For a program: one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut object = self.verdict.json();
        let unclear = self.unclear.iter();
        let unclear = unclear.map(|open| json!({"what": open.what, "decided_by": open.decided_by}));
        object["also"] = self.also.iter().map(Finding::json).collect();
        object["not_known"] = unclear.collect();
        object
    }
}

/// How to set up clients; none for those that do not support a method that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Flags of pasv's client.
    pub pasv: String,
    /// Flags of curl; empty where its defaults work.
    pub curl: Option<String>,
    /// Settings of lftp.
    pub lftp: Option<String>,
    /// Settings of FileZilla.
    pub filezilla: Option<String>,
    /// Only uploads may work: the server lists nothing.
    pub upload: bool,
}
