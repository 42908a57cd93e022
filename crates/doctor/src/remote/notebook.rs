//! Where do probes that run side by side write down what they see?
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use std::borrow::Cow;

use wire::{Reply, Secret};

use tokio::time::Instant;

use super::facts::Facts;
use super::target::Watch;
use client::event::Event;
use client::secrets::{SHORTEST, without};

/// Lines of a transcript: twenty sessions of a hundred lines each, and some more. A server that talks without
/// end does not fill our memory.
const LINES: usize = 4000;
/// Bytes of one reply in the transcript.
const LONGEST: usize = 4096;

/// Facts and transcript of one visit. The locks are held for one step, never across a wait.
pub(super) struct Notebook {
    facts: Mutex<Facts>,
    transcript: Mutex<Vec<String>>,
    begun: Instant,
    /// Password and account: never written, even if a server repeats them.
    secrets: Vec<Secret>,
    asking: Mutex<Asking>,
    watch: Watch,
}

/// What a person is asked takes time that is not the probes'.
#[derive(Debug, Default)]
struct Asking {
    /// Of questions that were answered.
    taken: Duration,
    /// Of the one that is not.
    since: Option<Instant>,
}

impl Notebook {
    /// `watch` is told of each probe that does something.
    pub(super) fn new(facts: Facts, secrets: Vec<Secret>, watch: Watch) -> Self {
        let secrets = secrets.into_iter().filter(|secret| secret.expose().len() >= SHORTEST).collect();
        let (facts, transcript, asking) = (Mutex::new(facts), Mutex::default(), Mutex::default());
        Self { facts, transcript, begun: Instant::now(), secrets, asking, watch }
    }

    /// The facts, to write in or to look at.
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of the transcript.
    pub(super) fn say(&self, lane: &str, line: String) {
        (self.watch)(lane);
        let line = self.quoted(line);
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
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push_str(" ...");
        }
        text.lines().for_each(|line| self.say(lane, line.to_owned()));
    }

    /// The reply without our secrets. Whatever is quoted of it later holds none; what is read in it, numbers,
    /// stays.
    pub(super) fn masked(&self, mut reply: Reply) -> Reply {
        let numbers = reply.code.get() == 213;
        for secret in self.secrets.iter().map(Secret::expose) {
            if numbers || secret.iter().all(u8::is_ascii_digit) {
                continue;
            }
            for line in &mut reply.lines {
                if let Some(masked) = without(line, secret) {
                    *line = Cow::Owned(masked);
                }
            }
        }
        reply
    }

    /// Words that hold what the other side has said, without our secrets.
    pub(super) fn quoted(&self, words: String) -> String {
        self.secrets.iter().fold(words, |words, secret| {
            let shown = wire::pathname::show(secret.expose());
            let masked = without(words.as_bytes(), shown.as_bytes());
            masked.and_then(|masked| String::from_utf8(masked).ok()).unwrap_or(words)
        })
    }

    /// A person is asked: what that takes is nobody's delay.
    pub(super) async fn asking<T>(&self, question: impl Future<Output = T>) -> T {
        self.lock_asking().since = Some(Instant::now());
        let answer = question.await;
        let mut asking = self.lock_asking();
        let taken = asking.since.take().map(|since| since.elapsed());
        asking.taken += taken.unwrap_or_default();
        drop(asking);
        answer
    }

    /// How long a person has been asked until now.
    pub(super) fn asked(&self) -> Duration {
        let asking = self.lock_asking();
        asking.taken + asking.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn lock_asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is written at the end.
    pub(super) fn close(self) -> (Facts, Vec<String>) {
        let facts = self.facts.into_inner().unwrap_or_else(PoisonError::into_inner);
        (facts, self.transcript.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notebook(secrets: &[&'static str]) -> Notebook {
        let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Notebook::new(Facts::default(), secrets, Box::new(|_| ()))
    }

    #[test]
    fn a_password_that_a_server_repeats_is_masked_and_a_flood_is_cut() {
        let notebook = notebook(&["hunter2", "acc0unt"]);
        let reply = notebook.masked(Reply::new(230, "welcome, your password is hunter2"));
        assert_eq!(reply.text(), b"welcome, your password is ***");
        notebook.hear("clear", &reply);
        notebook.say("clear", "* EPSV: Refused(\"500 HUNTER2, acc0unt?\")".to_owned());
        for _ in 0..LINES * 2 {
            notebook.say("clear", "x".to_owned());
        }
        let (_, lines) = notebook.close();
        assert!(lines[0].ends_with("< 230 welcome, your password is ***"), "{}", lines[0]);
        assert!(lines[1].ends_with("500 ***, ***?\")"), "{}", lines[1]);
        assert_eq!(lines.len(), LINES + 1);
    }

    #[test]
    fn numbers_stay_readable_whatever_the_password_is() {
        let notebook = notebook(&["118", "abc"]);
        let announced = notebook.masked(Reply::new(227, "come (127,0,0,1,118,215)"));
        assert_eq!(announced.text(), b"come (127,0,0,1,118,215)");
        let digest = notebook.masked(Reply::new(213, "SHA-256 0-9 00abcd x"));
        assert_eq!(digest.text(), b"SHA-256 0-9 00abcd x");
        notebook.hear("clear", &digest);
        let (_, lines) = notebook.close();
        assert!(lines[0].ends_with("00***d x"), "{}", lines[0]);
    }
}
