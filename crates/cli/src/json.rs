//! How is JSON written where a terminal may be reading it?
use std::fmt::Write as _;

use serde_json::Value;
use wire::pathname::misleads;

/// One line of JSON. What serde_json leaves as it is and a terminal obeys, or a person is misled by, is
/// written as `\uXXXX`: DEL, the C1 controls, bidirectional and zero-width marks. A program reads the same
/// text from it.
pub(crate) fn line(value: &Value) -> String {
    let text = value.to_string();
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of strings JSON is plain ASCII, and C0 controls are escaped already.
        if misleads(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_or_misleads_is_escaped_and_reads_the_same() {
        let marks = "\u{7f}\u{80}\u{9b}2J\u{9f}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}\u{1b}\n";
        let text = format!("a\"\\{marks}\u{e4}\u{1f600}");
        let value = serde_json::json!({ text.clone(): [text.clone()] });
        let line = line(&value);
        assert!(!line.chars().any(|c| c.is_control() || misleads(c)), "{line:?}");
        assert!(
            line.contains("\\u009b2J") && line.contains("\\udb40\\udc41") && line.contains('\u{e4}'),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
