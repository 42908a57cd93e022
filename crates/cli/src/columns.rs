//! How wide may lines be, and where do they break?
use std::io;
use std::os::fd::AsFd;

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter};

/// The columns of a terminal, 0 where it does not know them; none where it is no terminal.
pub(crate) fn terminal_columns(of: impl AsFd) -> Option<usize> {
    Some(usize::from(rustix::termios::tcgetwinsize(of).ok()?.ws_col))
}

/// The columns of the terminal that stdout is; in a pipe or a file those of the variable COLUMNS, where it is
/// set.
pub(crate) fn columns() -> Option<usize> {
    let variable = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
    let known = |columns: &usize| *columns > 0;
    terminal_columns(io::stdout()).filter(known).or_else(variable).filter(known)
}

/// A line as lines of at most `width` columns, which begin with `first` and `rest`; it breaks between words,
/// and a word where it is longer than a line.
pub(crate) fn wrap(line: &str, first: &str, rest: &str, width: usize) -> Vec<String> {
    let options = options(width).initial_indent(first).subsequent_indent(rest);
    textwrap::wrap(line, options).iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Text as lines for a terminal of this width, which breaks longer words itself.
pub(crate) fn fold(text: &str, width: usize) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            let options = options(width).subsequent_indent("  ").break_words(false);
            textwrap::wrap(line.trim_end_matches('\n'), options).join("\n") + end
        })
        .collect()
}

fn options(width: usize) -> Options<'static> {
    Options::new(width)
        .word_separator(WordSeparator::Custom(|line| Box::new(words(line))))
        .word_splitter(WordSplitter::NoHyphenation)
}

/// The words; a command in backquotes is one, so that it can be copied.
fn words(line: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut quoted = false;
        let end = rest.char_indices().find_map(|(at, c)| {
            quoted ^= c == '`';
            (c == ' ' && !quoted).then_some(at + 1)
        });
        // A backquote alone begins no command.
        let end = if quoted { rest.find(' ').map(|at| at + 1) } else { end };
        let (word, more) = rest.split_at(end.unwrap_or(rest.len()));
        rest = more;
        Some(Word::from(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_between_words_and_longer_words_within() {
        let lines = wrap(&"word ".repeat(50), "  ", "      ", 100);
        assert!(lines.len() == 3 && lines.iter().all(|line| line.chars().count() <= 100), "{lines:?}");
        assert!(lines[0].starts_with("  word") && lines[1].starts_with("      word"), "{lines:?}");
        assert_eq!(lines.join(" ").split_whitespace().count(), 50);
        let name = "x".repeat(200);
        let lines = wrap(&format!("the name {name} is long"), "", "  ", 50);
        assert!(lines.iter().all(|line| line.chars().count() <= 50), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), format!("thename{name}islong"));
        assert_eq!(wrap("", "  ", "", 100), [""]);
        let command = wrap("and run `a long command` here", "", "  ", 20);
        assert_eq!(command, ["and run", "  `a long command`", "  here"]);
        assert_eq!(wrap("one ` two three", "", "", 9), ["one ` two", "three"]);
    }

    #[test]
    fn lines_of_a_terminal_end_between_words_and_commands_stay_whole() {
        assert_eq!(fold("short\n", 40), "short\n");
        let text = "hint: it must be so; run `pasv doctor ftp://example.org/` for more of it\n";
        let lines = "hint: it must be so; run\n  `pasv doctor ftp://example.org/` for\n  more of it\n";
        assert_eq!(fold(text, 40), lines);
        let print = "x".repeat(60);
        assert_eq!(fold(&format!("certificate {print} here"), 40), format!("certificate\n  {print}\n  here"));
    }
}
