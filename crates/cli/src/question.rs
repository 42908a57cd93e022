//! What does a person at the terminal say to a question of yes or no?
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};

use crate::talk::say;

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    /// Anything but yes, the end of input too.
    No,
    /// There is no terminal to ask at.
    Nobody,
}

/// Tells something and asks a question about it. Only a whole `yes` is one.
pub(crate) fn ask(told: &str, question: &str) -> Answer {
    if !io::stderr().is_terminal() {
        return Answer::Nobody;
    }
    let mut input: Box<dyn BufRead> = if io::stdin().is_terminal() {
        Box::new(BufReader::new(io::stdin()))
    } else {
        // What is stored may come through stdin meanwhile.
        match File::open("/dev/tty") {
            Ok(terminal) => Box::new(BufReader::new(terminal)),
            Err(_) => return Answer::Nobody,
        }
    };
    say(format_args!("{told}"));
    // A terminal that cannot be written to shows no question.
    if io::stderr().write_all(question.as_bytes()).is_err() {
        return Answer::Nobody;
    }
    let mut answer = String::new();
    match input.read_line(&mut answer) {
        Ok(_) if answer.trim().eq_ignore_ascii_case("yes") => Answer::Yes,
        _ => Answer::No,
    }
}
