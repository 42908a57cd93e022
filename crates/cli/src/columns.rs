//! How wide may lines be, and where do they break?
use std::io;

/// The columns of the terminal that stdout is; in a pipe or a file those of the variable COLUMNS, where it is set.
pub(crate) fn columns() -> Option<usize> {
    let terminal = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    match terminal {
        0 => std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|columns| *columns > 0),
        columns => Some(columns),
    }
}

/// A line as lines of at most `width` columns, which begin with `first` and `rest`; it breaks between words, and a word where
/// it is longer than a line.
pub(crate) fn wrap(line: &str, first: &str, rest: &str, width: usize) -> Vec<String> {
    let (mut lines, mut current, mut used) = (Vec::new(), first.to_owned(), count(first));
    let mut empty = true;
    for word in words(line) {
        let mut word = word;
        loop {
            let columns = count(word.trim_end());
            if used + columns <= width {
                break;
            }
            if !empty {
                lines.push(current.trim_end().to_owned());
            } else if let Some((at, _)) = word.char_indices().nth(width.saturating_sub(used).max(1)) {
                let (head, tail) = word.split_at(at);
                lines.push(current + head);
                word = tail;
            } else {
                break;
            }
            (current, used, empty) = (rest.to_owned(), count(rest), true);
        }
        current.push_str(word);
        used += count(word);
        empty = false;
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// The words with the blanks behind them; a command in backquotes is one, so that it can be copied.
fn words(line: &str) -> impl Iterator<Item = &str> {
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
        Some(word)
    })
}

fn count(text: &str) -> usize {
    text.chars().count()
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
        assert!(wrap(&"word ".repeat(50), "  ", "    ", 40).iter().all(|line| line.chars().count() <= 40));
        // Never without end, also where there is no room at all.
        assert_eq!(wrap("abc", "  ", "  ", 1).len(), 3);
    }
}
