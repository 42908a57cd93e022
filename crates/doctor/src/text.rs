//! How is a report shown, to a person and to a program?
use serde_json::{Value, json};
use wire::url::{FtpUrl, Scheme};

use crate::finding::{ClientSettings, Finding, Report, Unclear};
use crate::remote::{Cover, Facts};
use crate::verdict::{Verdict, Weight};

/// A line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The answer, the first line: how good it is, for its colour.
    Answer(Weight, String),
    /// Text that may be broken between words. The first line of it begins with `first`, the others with
    /// `rest`.
    Text {
        /// What it begins with.
        first: &'static str,
        /// What the lines after a break begin with.
        rest: &'static str,
        /// The text.
        text: String,
    },
    /// A title, a command to copy, or an empty line: never broken.
    Whole(String),
}

fn text(first: &'static str, rest: &'static str, text: impl Into<String>) -> Line {
    Line::Text { first, rest, text: text.into() }
}

/// The report about a server: the answer, why, what to do, and how to use it at `url`.
#[must_use]
pub fn report(url: &FtpUrl, report: &Report) -> Vec<Line> {
    let mut lines = vec![Line::Answer(report.verdict.weight, report.verdict.sentence.clone())];
    lines.extend(report.verdict.detail.iter().map(|detail| text("", "", detail)));
    let mut section = |title: &str, inner: Vec<Line>| {
        if !inner.is_empty() {
            lines.extend([Line::Whole(String::new()), Line::Whole(format!("{title}:"))]);
            lines.extend(inner);
        }
    };
    let indented = |all: Vec<String>| all.into_iter().map(|line| text("  ", "      ", line)).collect();
    section("Also", indented(report.also.iter().map(|finding| finding.sentence.clone()).collect()));
    section("What was seen", indented(report.verdict.evidence.clone()));
    section("To do at the server", indented(fixes(report, |finding| &finding.server)));
    section("To do at the client", indented(fixes(report, |finding| &finding.client)));
    section("To use", report.settings.iter().flat_map(|settings| to_use(url, settings)).collect());
    let unclear = report.unclear.iter().flat_map(|Unclear { what, decided_by }| {
        [text("  ", "    ", what), text("    ", "      ", format!("How to find out: {decided_by}"))]
    });
    section("Unclear", unclear.collect());
    lines
}

/// What to type and to set in four clients.
fn to_use(url: &FtpUrl, settings: &ClientSettings) -> [Line; 4] {
    // curl and lftp know no ftpes://, and the settings say the same.
    let theirs = if url.scheme == Scheme::Ftps { "ftps" } else { "ftp" };
    let (ours, at) = (url.scheme.name(), address(url));
    let line = |of: &Option<String>, how: &dyn Fn(&str) -> String| {
        of.as_deref().map_or_else(|| "(none: it supports no method that works)".to_owned(), how)
    };
    let (verb, file, upload, put) =
        if settings.upload { ("put", " FILE", " -T FILE", "; put FILE") } else { ("ls", "", "", "") };
    let curl = |flags: &str| {
        let space = if flags.is_empty() { "" } else { " " };
        format!("curl{upload} {flags}{space}{theirs}://{at}/")
    };
    let lftp = |set: &str| format!("lftp -e '{set}{put}' {theirs}://{at}/");
    [
        format!("  pasv       pasv {verb} {}{file} {ours}://{at}/", settings.pasv),
        format!("  curl       {}", line(&settings.curl, &curl)),
        format!("  lftp       {}", line(&settings.lftp, &lftp)),
        format!("  FileZilla  {}", line(&settings.filezilla, &str::to_owned)),
    ]
    .map(Line::Whole)
}

/// The report about a server's own machine: each finding with its evidence and what to do.
#[must_use]
pub fn checklist(report: &Report) -> Vec<Line> {
    const REST: &str = "         ";
    const DEEPER: &str = "           ";
    let weight = match report.verdict.weight {
        // An error is red here: clients fail for it.
        Weight::Hinders => Weight::Blocks,
        Weight::Note if report.verdict.verdict != Verdict::AllIsWell => Weight::Hinders,
        weight => weight,
    };
    let mut lines = vec![Line::Answer(weight, crate::site::summary(report))];
    for finding in report.findings().filter(|finding| finding.verdict.is_of_site()) {
        let mark = match finding.weight {
            Weight::Blocks | Weight::Hinders => "  error  ",
            Weight::Note => "  warn   ",
            Weight::Fine => "  ok     ",
        };
        lines.push(text(mark, REST, format!("{} ({})", finding.sentence, finding.evidence.join("; "))));
        lines.extend(finding.server.iter().map(|todo| text(REST, DEEPER, format!("to do: {todo}"))));
    }
    for Unclear { what, decided_by } in &report.unclear {
        lines.push(text("  ?      ", REST, format!("unclear {what}")));
        lines.push(text(REST, DEEPER, format!("how to find out: {decided_by}")));
    }
    lines.push(text("", "", "To test reachability, run `pasv doctor ftp://...` from a client."));
    lines
}

/// What is to be done, the heaviest first. Where something hinders, the mere notes' advice would only be in
/// the way.
fn fixes(report: &Report, side: impl Fn(&Finding) -> &Vec<String>) -> Vec<String> {
    let hinders = report.verdict.weight != Weight::Note;
    let also = report.also.iter().filter(|finding| !hinders || finding.weight != Weight::Note);
    let mut all: Vec<String> = Vec::new();
    for fix in std::iter::once(&report.verdict).chain(also).flat_map(side) {
        if !all.contains(fix) {
            all.push(fix.clone());
        }
    }
    all
}

/// `user@host:port` of a URL, without its password.
#[must_use]
pub fn address(url: &FtpUrl) -> String {
    let host = url.host.to_string();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let user = url.user.as_deref().map(|user| format!("{}@", wire::pathname::show(user))).unwrap_or_default();
    url.port.map_or_else(|| format!("{user}{host}"), |port| format!("{user}{host}:{port}"))
}

/// What a program reads: the report, with what was tried.
#[must_use]
pub fn object(facts: &Facts, report: &Report) -> Value {
    let methods = facts.trials.iter().map(|trial| {
        json!({
            "tls": trial.cover == Cover::Tls,
            "way": trial.method.to_string(),
            "server": trial.peer.to_string(),
            "told": trial.announced.map(|announced| announced.to_string()),
            "works": trial.end.is_through(),
            "resumed": trial.resumed,
            "small_segments": trial.small_segments,
            "seconds": trial.elapsed.as_secs_f64(),
        })
    });
    let settings = report.settings.as_ref();
    let mut object = report.json();
    object["host"] = json!(facts.host);
    object["port"] = json!(facts.port);
    object["ways"] = methods.collect();
    object["use"] = json!(settings.map(|settings| {
        json!({
            "pasv": settings.pasv,
            "curl": settings.curl,
            "lftp": settings.lftp,
            "filezilla": settings.filezilla,
        })
    }));
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command that is broken over lines is another command.
    #[test]
    fn commands_to_use_are_never_broken() {
        let url = FtpUrl::parse("ftp://ftp.example.org/").unwrap();
        let settings = ClientSettings {
            pasv: "--mode passive --tls required".to_owned(),
            curl: Some("--ssl-reqd --insecure".to_owned()),
            lftp: Some("set ftp:ssl-force yes; ".to_owned()),
            filezilla: None,
            upload: false,
        };
        let mut found = Report {
            verdict: Finding::new(Verdict::AllIsWell, "All is well."),
            also: Vec::new(),
            unclear: Vec::new(),
            settings: Some(settings.clone()),
        };
        let whole = |found: &Report| -> Vec<String> {
            let lines = report(&url, found).into_iter();
            lines.filter_map(|line| if let Line::Whole(text) = line { Some(text) } else { None }).collect()
        };
        let expected = [
            "",
            "To use:",
            "  pasv       pasv ls --mode passive --tls required ftp://ftp.example.org/",
            "  curl       curl --ssl-reqd --insecure ftp://ftp.example.org/",
            "  lftp       lftp -e 'set ftp:ssl-force yes; ' ftp://ftp.example.org/",
            "  FileZilla  (none: it supports no method that works)",
        ];
        assert_eq!(whole(&found)[whole(&found).len() - 6..], expected);
        found.settings = Some(ClientSettings { upload: true, curl: Some(String::new()), ..settings });
        assert!(whole(&found).contains(&"  curl       curl -T FILE ftp://ftp.example.org/".to_owned()));
    }
}
