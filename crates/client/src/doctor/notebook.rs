//! Where do probes that run side by side write down what they see?
use std::sync::{Mutex, MutexGuard, PoisonError};

use wire::{Reply, Secret};

use super::findings::Findings;
use crate::event::Event;

/// Lines of a transcript: twenty sessions of a hundred lines each, and some more. A server that talks without end does
/// not fill our memory.
const LINES: usize = 4000;
/// Bytes of one reply in the transcript.
const LONGEST: usize = 4096;

/// Findings and transcript of one visit. The locks are held for one step, never across a wait.
#[derive(Debug)]
pub(super) struct Notebook {
    findings: Mutex<Findings>,
    transcript: Mutex<Vec<String>>,
    begun: tokio::time::Instant,
    /// Never written, even if a server repeats it.
    secret: Secret,
}

impl Notebook {
    pub(super) fn new(findings: Findings, secret: Secret) -> Self {
        let begun = tokio::time::Instant::now();
        Self { findings: Mutex::new(findings), transcript: Mutex::default(), begun, secret }
    }

    /// The findings, to write in or to look at.
    pub(super) fn findings(&self) -> MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of the transcript.
    pub(super) fn say(&self, lane: &str, line: String) {
        let mut lines = self.transcript.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES {
            lines.push(format!("{:7.3} {lane:<14} {line}", self.begun.elapsed().as_secs_f64()));
        } else if lines.len() == LINES {
            lines.push("        (and more, which is left out)".to_owned());
        }
    }

    /// A reply, every line of it.
    pub(super) fn hear(&self, lane: &str, reply: &Reply) {
        let mut text = Event::Answered(reply.clone()).to_string();
        let secret = wire::pathname::show(self.secret.expose());
        // A password of one or two letters would mask the words of everybody.
        if secret.len() > 2 {
            text = text.replace(&secret, "***");
        }
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push_str(" ...");
        }
        text.lines().for_each(|line| self.say(lane, line.to_owned()));
    }

    /// What is written at the end.
    pub(super) fn close(self) -> (Findings, Vec<String>) {
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        (findings, self.transcript.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_a_server_repeats_is_masked_and_a_flood_is_cut() {
        let notebook = Notebook::new(Findings::default(), Secret::new("hunter2"));
        notebook.hear("clear", &Reply::new(230, "welcome, your password is hunter2"));
        for _ in 0..LINES * 2 {
            notebook.say("clear", "x".to_owned());
        }
        let (_, lines) = notebook.close();
        assert!(lines[0].ends_with("< 230 welcome, your password is ***"), "{}", lines[0]);
        assert_eq!(lines.len(), LINES + 1);
    }
}
