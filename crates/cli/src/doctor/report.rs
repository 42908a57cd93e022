//! How is a report shown: to a person, to a program, by the exit code?
use std::io::{self, IsTerminal as _, Write as _};

use doctor::text::Line;
use doctor::{Report, Verdict, Weight};
use serde_json::Value;

use crate::columns::{columns, wrap};
use crate::talk::{Exit, Failure};

/// Prints the object, or else the lines, and ends with the exit code of the verdict.
pub(super) fn print(
    report: &Report,
    object: Option<Value>,
    lines: impl FnOnce() -> Vec<Line>,
) -> Result<(), Failure> {
    let mut out = io::stdout();
    match object {
        Some(object) => writeln!(out, "{}", crate::json::line(&object))?,
        None => lines_of(lines()).iter().try_for_each(|line| writeln!(out, "{line}"))?,
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

/// As lines of the terminal.
fn lines_of(report: Vec<Line>) -> Vec<String> {
    let width = width();
    let lines = report.into_iter().flat_map(|line| match line {
        Line::Answer(weight, text) => {
            let mut lines = wrap(&text, "", "", width);
            coloured(&mut lines, weight);
            lines
        }
        Line::Text { first, rest, text } => wrap(&text, first, rest, width),
        // The terminal breaks it where it must.
        Line::Whole(text) => vec![text],
    });
    lines.collect()
}

/// How wide may lines be? As the terminal is, unless that is hard to read; in a pipe or a file as most texts
/// are.
fn width() -> usize {
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
