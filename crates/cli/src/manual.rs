//! What stands in the help and in the manual page of a verb beside its options: examples, exit codes, files,
//! environment?
//!
//! `manual.txt` says it for both, so that they say the same.
use std::fmt::Write as _;
use std::sync::LazyLock;

use clap::Command;

/// What is said of one verb.
#[derive(Clone, Default)]
pub(crate) struct Page {
    /// The verb; empty for the program itself.
    pub(crate) verb: &'static str,
    /// What it does, and the line that does it.
    pub(crate) examples: Rows,
    pub(crate) exit: Rows,
    pub(crate) environment: Rows,
    pub(crate) files: Rows,
}

type Rows = Vec<(&'static str, &'static str)>;

const TEXT: &str = include_str!("manual.txt");

/// All of them, in the order of the text.
pub(crate) static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let mut pages: Vec<Page> = Vec::new();
    for line in TEXT.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "page" {
            pages.push(Page { verb: rest, ..Page::default() });
            continue;
        }
        let row = rest.split_once(" | ").unwrap_or((rest, ""));
        let group = pages.iter().find(|page| word == "as" && page.verb == rest).cloned().unwrap_or_default();
        let Some(page) = pages.last_mut() else { continue };
        match word {
            "example" => page.examples.push(row),
            "exit" => page.exit.push(row),
            "environment" => page.environment.push(row),
            "file" => page.files.push(row),
            _ => {
                page.exit.extend(group.exit);
                page.environment.extend(group.environment);
                page.files.extend(group.files);
            }
        }
    }
    pages.retain(|page| !page.verb.starts_with('('));
    pages
});

/// The page of a verb.
pub(crate) fn page(verb: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.verb == verb)
}

/// The program with what the table says below the options of its help.
pub(crate) fn with_pages(command: Command) -> Command {
    // `pasv doctor --site` is parsed by itself, and has its own text.
    if !command.has_subcommands() {
        return command;
    }
    PAGES.iter().fold(command, |command, page| match page.verb {
        "" => below(command, page),
        verb => command.mut_subcommand(verb, |command| below(command, page)),
    })
}

/// What a verb itself says below its options, where that has examples: it knows better than the table.
pub(crate) fn own_text(command: &Command) -> Option<String> {
    let text = command.get_after_long_help().or(command.get_after_help())?.to_string();
    text.starts_with("Examples:").then_some(text)
}

fn below(command: Command, page: &Page) -> Command {
    if own_text(&command).is_some() {
        return command;
    }
    command.after_help(page.short()).after_long_help(page.long())
}

impl Page {
    fn short(&self) -> String {
        let shown: usize = if self.verb.is_empty() { self.examples.len() } else { 2 };
        let lines = self.examples.iter().take(shown).map(|(_, line)| format!("\n  {line}"));
        format!("Examples:{}", lines.collect::<String>())
    }

    /// What `--help` shows.
    pub(crate) fn long(&self) -> String {
        let mut text = "Examples:".to_owned();
        for (what, line) in &self.examples {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {what}:\n      {line}");
        }
        text.push_str("\n\nExit codes:");
        for (code, meaning) in &self.exit {
            let _ = write!(text, "\n  {code:>3}  {meaning}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Arguments;

    #[test]
    fn every_verb_has_its_page_and_no_page_is_of_none() {
        let command = Arguments::command();
        let shown: Vec<_> =
            command.get_subcommands().filter(|v| !v.is_hide_set()).map(Command::get_name).collect();
        for verb in &shown {
            assert!(page(verb).is_some_and(|page| !page.examples.is_empty()), "{verb}");
        }
        assert_eq!(PAGES.len(), shown.len() + 1);
        let known = ["", "#", "page", "as", "example", "exit", "environment", "file"];
        for line in TEXT.lines() {
            assert!(known.contains(&line.split(' ').next().unwrap()), "{line}");
        }
    }

    /// Their flags hold those of `serve`, whose text must not come along.
    #[test]
    fn verbs_with_the_flags_of_the_server_keep_their_own_examples() {
        let mut command = with_pages(Arguments::command());
        command.build();
        for verb in ["doctor", "firewall"] {
            let command = command.find_subcommand_mut(verb).unwrap();
            for help in [command.render_help().to_string(), command.render_long_help().to_string()] {
                assert!(help.contains(&format!("  pasv {verb} ")), "{verb}: {help}");
                assert!(
                    !help.contains("\n  pasv serve") && !help.contains("pasv serve --help"),
                    "{verb}: {help}"
                );
                assert_eq!(help.matches("Exit codes:").count(), 1, "{verb}: {help}");
            }
        }
    }

    /// What the examples show can be typed.
    #[test]
    fn the_parser_understands_every_example() {
        for (_, line) in PAGES.iter().flat_map(|page| &page.examples) {
            let line = line.rsplit(['|', '&']).next().unwrap().split('>').next().unwrap();
            let words: Vec<_> = line.split_whitespace().map(std::ffi::OsString::from).collect();
            let read = match crate::doctor::site::arguments(&words) {
                Some(words) => crate::doctor::site::Flags::command().try_get_matches_from(words),
                None => Arguments::command().try_get_matches_from(words),
            };
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
        }
    }

    #[test]
    fn short_help_fits_a_screen_and_nothing_is_wider_than_eighty_columns() {
        for verb in PAGES
            .iter()
            .map(|page| page.verb)
            .filter(|verb| !matches!(*verb, "serve" | "doctor" | "firewall"))
        {
            let mut command = with_pages(Arguments::command()).term_width(80);
            command.build();
            let command = match verb {
                "" => &mut command,
                verb => command.find_subcommand_mut(verb).unwrap(),
            };
            let short = command.render_help().to_string();
            assert!(short.lines().count() <= 48, "{verb}: {}\n{short}", short.lines().count());
            let long = command.render_long_help().to_string();
            let widest = long.lines().chain(short.lines()).max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= 90, "{widest}");
            assert!(verb.is_empty() || long.contains("Examples:") && long.contains("Exit codes:"), "{long}");
        }
    }
}
