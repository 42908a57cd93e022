//! What does a person at the terminal answer to a yes-or-no question?
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use client::trust::Answer;

use crate::talk::say;

/// Prints something and asks a question about it, until the answer is a whole `yes` or `no`.
pub(crate) fn ask(text: &str, question: &str) -> Answer {
    if !io::stderr().is_terminal() {
        return Answer::Nobody;
    }
    let mut input: Box<dyn BufRead> = if io::stdin().is_terminal() {
        Box::new(BufReader::new(io::stdin()))
    } else {
        // What is uploaded may come through stdin meanwhile.
        match File::open("/dev/tty") {
            Ok(terminal) => Box::new(BufReader::new(terminal)),
            Err(_) => return Answer::Nobody,
        }
    };
    say(format_args!("{text}"));
    answer(&mut input, question, &mut io::stderr())
}

fn answer(input: &mut dyn BufRead, question: &str, out: &mut dyn Write) -> Answer {
    let mut question = question;
    loop {
        // A terminal that cannot be written to shows no question.
        if out.write_all(question.as_bytes()).and_then(|()| out.flush()).is_err() {
            return Answer::Nobody;
        }
        let mut line = String::new();
        match Read::take(&mut *input, LONGEST).read_line(&mut line) {
            Ok(0) | Err(_) => return Answer::No,
            Ok(_) => {}
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "yes" => return Answer::Yes,
            "no" => return Answer::No,
            _ => question = "Please type yes or no: ",
        }
    }
}

/// No answer is longer.
const LONGEST: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_yes_and_no_is_asked_again() {
        for (typed, meant, questions) in [
            ("yes\n", Answer::Yes, 1),
            ("No\n", Answer::No, 1),
            ("y\n\nYES\n", Answer::Yes, 3),
            ("y\n", Answer::No, 2),
            ("", Answer::No, 1),
        ] {
            let mut out = Vec::new();
            assert_eq!(answer(&mut typed.as_bytes(), "Trust it? ", &mut out), meant, "{typed:?}");
            let out = String::from_utf8(out).unwrap();
            assert_eq!(out.matches("? ").count() + out.matches("Please type").count(), questions, "{out}");
        }
    }
}
