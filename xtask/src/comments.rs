//! Are the comments of the source narrow enough to be read beside each other?
//!
//! rustfmt (stable) breaks code at 110 columns and leaves comments as they are.

use std::path::Path;

use crate::project;

/// As `max_width` in `rustfmt.toml`.
const WIDTH: usize = 110;

/// Every line of a comment below `root` that is wider, as `file:line: its width`.
pub(crate) fn too_wide(root: &Path) -> Vec<String> {
    project::complaints(root, "rs", |_, text| {
        wide(text)
            .map(|(line, width)| (line, format!("a comment of {width} columns, more than {WIDTH}")))
            .collect()
    })
}

/// The numbers and widths of lines that are too wide. Drawings (between fences), rows of tables and lines
/// without a blank are left as they are.
fn wide(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut drawing = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            drawing = false;
            return None;
        };
        let words = comment.trim_start_matches(['/', '!']).trim_start();
        drawing ^= words.starts_with("```");
        let width = line.chars().count();
        let breaks = words.contains(' ') && !words.starts_with('|') && !drawing;
        (width > WIDTH && breaks).then_some((index + 1, width))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comments_that_could_be_broken_are_too_wide() {
        let (long, word) = ("word ".repeat(30), "x".repeat(150));
        let text = format!(
            "// {long}\n    /// {long}\nlet a = \"{long}\";\n//! {word}\n//! | {long} |\n// short\n//! ```text\n//! {long}\n//! ```\n"
        );
        let found: Vec<_> = wide(&text).map(|(line, _)| line).collect();
        assert_eq!(found, [1, 2]);
    }
}
