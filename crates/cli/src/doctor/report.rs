//! How is a report shown: to a person, to a program, by the exit code?
use std::io::{self, IsTerminal as _, Write as _};

use doctor::remote::{Cover, Facts};
use doctor::{Finding, Report, Unclear, Verdict, Weight};
use serde_json::{Value, json};
use wire::url::{FtpUrl, Scheme};

use crate::columns::{self, columns, wrap};
use crate::talk::{Exit, Failure};

/// Prints the object, or else the lines, and ends with the exit code of the verdict.
pub(super) fn print(
    report: &Report,
    object: Option<Value>,
    lines: impl FnOnce() -> Vec<String>,
) -> Result<(), Failure> {
    let mut out = io::stdout();
    match object {
        Some(object) => writeln!(out, "{}", crate::json::line(&object))?,
        None => lines().iter().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    out.flush()?;
    match exit(report) {
        Exit::Done => Ok(()),
        other => Err(Failure::told(other)),
    }
}

fn exit(report: &Report) -> Exit {
    let verdict = &report.verdict;
    match (verdict.weight, verdict.verdict) {
        (Weight::Note | Weight::Fine, _) => Exit::Done,
        (Weight::Hinders, _)
        | (_, Verdict::LoginRefused | Verdict::TlsRequired | Verdict::TurnedAway | Verdict::UploadFails) => {
            Exit::Refused
        }
        (Weight::Blocks, _) => Exit::Unreachable,
    }
}

/// What a person reads: the answer, why, what to do, what to use.
pub(super) fn lines(url: &FtpUrl, report: &Report, width: usize) -> Vec<String> {
    let wrap = |line: &str, indent: &str| {
        let rest = if indent.is_empty() { "" } else { "      " };
        wrap(line, indent, rest, width)
    };
    let mut lines = wrap(&report.verdict.sentence, "");
    coloured(&mut lines, report.verdict.weight);
    lines.extend(report.verdict.detail.iter().flat_map(|detail| wrap(detail, "")));
    let section = |lines: &mut Vec<String>, title: &str, inner: Vec<String>| {
        if !inner.is_empty() {
            lines.push(String::new());
            lines.push(format!("{title}:"));
            lines.extend(inner.iter().flat_map(|line| wrap(line, "  ")));
        }
    };
    section(&mut lines, "Also", report.also.iter().map(|finding| finding.sentence.clone()).collect());
    section(&mut lines, "What was seen", report.verdict.evidence.clone());
    section(&mut lines, "To do at the server", fixes(report, |finding| &finding.server));
    section(&mut lines, "To do at the client", fixes(report, |finding| &finding.client));
    if let Some(config) = &report.settings {
        // curl and lftp know no ftpes://, and the settings say the same.
        let (ours, theirs) = (scheme(url), if url.scheme == Scheme::Ftps { "ftps" } else { "ftp" });
        let at = address(url);
        let line = |of: &Option<String>, how: &dyn Fn(&str) -> String| {
            of.as_deref().map_or_else(|| "(none: it supports no method that works)".to_owned(), how)
        };
        let curl =
            |flags: &str| format!("curl {flags}{}{theirs}://{at}/", if flags.is_empty() { "" } else { " " });
        let (verb, upload, put) =
            if config.upload { ("put", " -T FILE", "; put FILE") } else { ("ls", "", "") };
        let file = if config.upload { " FILE" } else { "" };
        let curl = |flags: &str| curl(flags).replacen("curl", &format!("curl{upload}"), 1);
        let inner = vec![
            format!("pasv       pasv {verb} {}{file} {ours}://{at}/", config.pasv),
            format!("curl       {}", line(&config.curl, &curl)),
            format!(
                "lftp       {}",
                line(&config.lftp, &|set| format!("lftp -e '{set}{put}' {theirs}://{at}/"))
            ),
            format!("FileZilla  {}", line(&config.filezilla, &str::to_owned)),
        ];
        // Whole, so that each can be pasted: the terminal breaks them where it must.
        lines.extend([String::new(), "To use:".to_owned()]);
        lines.extend(inner.into_iter().map(|line| format!("  {line}")));
    }
    if !report.unclear.is_empty() {
        lines.extend([String::new(), "Unclear:".to_owned()]);
    }
    for Unclear { what, decided_by } in &report.unclear {
        lines.extend(columns::wrap(what, "  ", "    ", width));
        lines.extend(columns::wrap(&format!("How to find out: {decided_by}"), "    ", "      ", width));
    }
    lines
}

/// The same for a server's own machine: each finding with its evidence and what to do.
pub(super) fn checklist(report: &Report, width: usize) -> Vec<String> {
    const REST: &str = "         ";
    const DEEPER: &str = "           ";
    let weight = match report.verdict.weight {
        // An error is red here: clients fail for it.
        Weight::Hinders => Weight::Blocks,
        Weight::Note if report.verdict.verdict != Verdict::AllIsWell => Weight::Hinders,
        weight => weight,
    };
    let mut lines = wrap(&doctor::site::summary(report), "", "", width);
    coloured(&mut lines, weight);
    let mut push = |text: &str, first: &str, rest: &str| lines.extend(wrap(text, first, rest, width));
    for finding in report.findings().filter(|finding| finding.verdict.is_of_site()) {
        let mark = match finding.weight {
            Weight::Blocks | Weight::Hinders => "error",
            Weight::Note => "warn",
            Weight::Fine => "ok",
        };
        let evidence = finding.evidence.join("; ");
        push(&format!("{} ({evidence})", finding.sentence), &format!("  {mark:<7}"), REST);
        for todo in &finding.server {
            push(&format!("to do: {todo}"), REST, DEEPER);
        }
    }
    for Unclear { what, decided_by } in &report.unclear {
        push(&format!("unclear {what}"), "  ?      ", REST);
        push(&format!("how to find out: {decided_by}"), REST, DEEPER);
    }
    push("To test reachability, run `pasv doctor ftp://...` from a client.", "", "");
    lines
}

/// How wide may lines be? As the terminal is, unless that is hard to read; in a pipe or a file as most texts
/// are.
pub(super) fn width() -> usize {
    columns().map_or(100, |columns| columns.clamp(40, 120))
}

/// Green, yellow or red, for a terminal that has colours.
fn coloured(lines: &mut [String], weight: Weight) {
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    if !colours {
        return;
    }
    let colour = match weight {
        Weight::Blocks => "31",
        Weight::Hinders => "33",
        Weight::Note | Weight::Fine => "32",
    };
    for line in lines {
        *line = format!("\x1b[1;{colour}m{line}\x1b[0m");
    }
}

/// What is to be done, the heaviest first. Where something hinders, the mere notes' advice would only be in
/// the way.
fn fixes(report: &Report, side: impl Fn(&Finding) -> &Vec<String>) -> Vec<String> {
    let hinders = report.verdict.weight != Weight::Note;
    let also = report.also.iter().filter(|finding| !hinders || finding.weight != Weight::Note);
    let mut all: Vec<String> = Vec::new();
    for finding in std::iter::once(&report.verdict).chain(also) {
        for fix in side(finding) {
            if !all.contains(fix) {
                all.push(fix.clone());
            }
        }
    }
    all
}

pub(super) fn scheme(url: &FtpUrl) -> &'static str {
    match url.scheme {
        Scheme::Ftp => "ftp",
        Scheme::Ftpes => "ftpes",
        Scheme::Ftps => "ftps",
    }
}

pub(super) fn address(url: &FtpUrl) -> String {
    let host = url.host.to_string();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let user = url.user.as_deref().map(|user| format!("{}@", wire::pathname::show(user))).unwrap_or_default();
    url.port.map_or_else(|| format!("{user}{host}"), |port| format!("{user}{host}:{port}"))
}

/// What a program reads.
pub(super) fn object(facts: &Facts, report: &Report) -> Value {
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
    fn commands_to_use_are_never_wrapped() {
        let url = FtpUrl::parse("ftp://ftp.example.org/").unwrap();
        let pin = format!("--mode passive --tls required --pin sha256:{}", "0".repeat(64));
        let settings = doctor::ClientSettings {
            pasv: pin.clone(),
            curl: Some("--ssl-reqd --insecure".to_owned()),
            lftp: Some("set ftp:ssl-force yes; ".repeat(6)),
            filezilla: None,
            upload: false,
        };
        let verdict = Finding::new(Verdict::AllIsWell, "All is well.");
        let report = Report {
            verdict: verdict.detail("word ".repeat(40)).evidence("word ".repeat(40)),
            also: Vec::new(),
            unclear: Vec::new(),
            settings: Some(settings),
        };
        let lines = lines(&url, &report, 60);
        assert!(lines.contains(&format!("  pasv       pasv ls {pin} ftp://ftp.example.org/")), "{lines:#?}");
        let lftp = lines.iter().find(|line| line.starts_with("  lftp ")).unwrap();
        assert!(lftp.ends_with("' ftp://ftp.example.org/"), "{lines:#?}");
        let text = lines.iter().filter(|line| !line.contains("ftp://"));
        assert!(text.clone().all(|line| line.chars().count() <= 60), "{lines:#?}");
    }
}
