//! How do lines for a firewall become text that can be pasted, with or without explanations?

use crate::rules::Rule;

/// Remarks are broken before this column, so that they fit a terminal of 80.
const WIDTH: usize = 79;

/// Lines in the words of one firewall.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// What starts a remark there.
    mark: &'static str,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    text: String,
    why: Why,
}

/// Why a line is there.
#[derive(Debug)]
enum Why {
    /// It says so itself, or the firewall's syntax wants it.
    Plain,
    /// Told when reasons are asked for.
    Told(String),
}

impl Sheet {
    pub(crate) fn new(mark: &'static str) -> Self {
        Self { mark, lines: Vec::new() }
    }

    /// A remark, broken into lines.
    pub(crate) fn say(&mut self, words: &str) {
        for line in wrapped(words, WIDTH.saturating_sub(self.mark.len() + 1)) {
            self.plain(format!("{} {line}", self.mark));
        }
    }

    /// A command inside a remark: on a line of its own, whole.
    pub(crate) fn command(&mut self, words: &str) {
        self.plain(format!("{}   {words}", self.mark));
    }

    pub(crate) fn blank(&mut self) {
        self.plain("");
    }

    /// Syntax around the rules. May be several lines.
    pub(crate) fn plain(&mut self, text: impl Into<String>) {
        self.lines.push(Line { text: text.into(), why: Why::Plain });
    }

    /// A line that serves all four rules.
    pub(crate) fn support(&mut self, text: impl Into<String>, why: &str) {
        self.lines.push(Line { text: text.into(), why: Why::Told(why.to_owned()) });
    }

    /// The line of one rule or of several.
    pub(crate) fn rule(&mut self, text: impl Into<String>, rules: &[&Rule]) {
        self.lines.push(Line { text: text.into(), why: Why::Told(reasons(rules)) });
    }

    /// The text. With reasons, a remark above each line that has one.
    pub(crate) fn text(&self, explain: bool) -> String {
        let mut text = String::new();
        for line in &self.lines {
            if let (Why::Told(why), true) = (&line.why, explain) {
                let indent: String = line.text.chars().take_while(|c| c.is_whitespace()).collect();
                for words in wrapped(why, WIDTH.saturating_sub(indent.len() + 2)) {
                    text.push_str(format!("{indent}{} {words}", self.mark).trim_end());
                    text.push('\n');
                }
            }
            text.push_str(line.text.trim_end());
            text.push('\n');
        }
        text
    }
}

/// `rule 1, in: the client opens the control connection`.
fn reasons(rules: &[&Rule]) -> String {
    let reason = |rule: &&Rule| {
        let way = rule.direction.either("in", "out");
        format!("rule {}, {way}: {}", rule.number, rule.why)
    };
    let mut told: Vec<String> = rules.iter().map(reason).collect();
    told.dedup();
    told.join("; ")
}

/// The tag by which a rule of ours is found again: `pasv rule 1`.
pub fn tag(rule: &Rule) -> String {
    format!("{TAG}{}", rule.number)
}

/// What the comments of our rules start with.
pub const TAG: &str = "pasv rule ";

fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in unbroken(words) {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(&word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// The words; what stands in backquotes is one, so that it can be copied.
fn unbroken(words: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match all.last_mut() {
            Some(last) if last.matches('`').count() % 2 == 1 => {
                last.push(' ');
                last.push_str(word);
            }
            _ => all.push(word.to_owned()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_above_their_lines_and_as_deep() {
        let mut sheet = Sheet::new("#");
        sheet.support("\tlo accept", "this machine with itself");
        sheet.plain("end");
        assert_eq!(sheet.text(false), "\tlo accept\nend\n");
        assert_eq!(sheet.text(true), "\t# this machine with itself\n\tlo accept\nend\n");
    }

    #[test]
    fn remarks_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("longer than wide", 3), ["longer", "than", "wide"]);
        assert_eq!(wrapped("try `a b c`. Or not", 9), ["try", "`a b c`.", "Or not"]);
    }
}
