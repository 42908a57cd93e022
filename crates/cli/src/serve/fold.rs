//! How is a long command broken into lines that a shell still takes for one?

/// What a continued line begins with, outside of quotes.
const INDENT: &str = "    ";

/// Breaks `command` after at most `width` characters where it can: at a blank by a backslash, and within
/// single quotes, behind a blank or a colon, by closing and opening the quotes around one. Pasted into a
/// shell the lines are the command again.
pub(super) fn command(command: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    // Where the line may end, and whether that is within quotes.
    let mut cut: Option<(usize, bool)> = None;
    let mut quoted = false;
    for c in command.chars() {
        line.push(c);
        if c == '\'' {
            quoted = !quoted;
        }
        // Room for ` \` or `'\`.
        let fits = line.chars().count() + 2 <= width;
        if !fits && let Some((at, within)) = cut.take() {
            let rest = line.split_off(at);
            line.push_str(if within { "'\\" } else { "\\" });
            lines.push(std::mem::replace(&mut line, format!("{}{rest}", if within { "'" } else { INDENT })));
        }
        let ends = c == ' ' || quoted && c == ':';
        if ends && line.trim() != "'" && !line.trim().is_empty() {
            cut = Some((line.len(), quoted));
        }
    }
    // The last line needs no room for what would break it.
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of the lines.
    fn joined(lines: &[String]) -> String {
        lines.join("\n").replace("'\\\n'", "").replace(&format!("\\\n{INDENT}"), "")
    }

    #[test]
    fn lines_are_short_and_one_command() {
        let pin = ["AB"; 20].join(":");
        for text in [
            format!("lftp -e 'set ftp:ssl-force yes; set ssl:verify-certificate/{pin} no; mirror; exit' ftp://al@192.0.2.17:2121"),
            "curl --ssl-reqd -k --pinnedpubkey sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= -u alice ftp://192.0.2.17:2121/".to_owned(),
            "pasv get -r ftp://h/".to_owned(),
        ] {
            for width in [60, 78, 118] {
                let lines = command(&text, width);
                assert_eq!(joined(&lines), text);
                let long = lines.iter().find(|line| line.chars().count() > width);
                assert_eq!(long, None, "{width}: {lines:#?}");
            }
            assert_eq!(command(&text, usize::MAX - 2), [text]);
        }
    }
}
