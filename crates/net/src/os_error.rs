//! How does an error of the system read for people?
use std::fmt::Display;

/// The text of `error` without the number that [`std::io::Error`] adds for programmers.
#[must_use]
pub fn words(error: &dyn Display) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, number)) if number.ends_with(')') => words.to_owned(),
        _ => text,
    }
}
