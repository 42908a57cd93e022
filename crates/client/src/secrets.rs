//! What is shown in place of a password that a server repeats?
//!
//! Stars, in everything that a person may see or a log may keep: replies, errors, events. What is read in a
//! reply (a port, a size) is read before that, so that a password such as `227` changes no meaning.
use std::borrow::Cow;

use wire::pathname::show;
use wire::{Reply, Secret};

use crate::error::{Error, Unreachable};
use crate::event::Event;
use crate::session::Credentials;

/// A password of one or two letters would mask the words of everybody.
pub const SHORTEST: usize = 3;

/// The password and the account of a login.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Those of `credentials`; everybody knows that of an anonymous login.
    pub(crate) fn of(credentials: &Credentials) -> Self {
        if credentials.is_anonymous() {
            return Self::default();
        }
        let all = [Some(&credentials.password), credentials.account.as_ref()];
        let long = |secret: &&Secret| secret.expose().len() >= SHORTEST;
        Self(all.into_iter().flatten().filter(long).cloned().collect())
    }

    /// A reply as it may be shown.
    pub(crate) fn reply(&self, mut reply: Reply) -> Reply {
        for secret in &self.0 {
            for line in &mut reply.lines {
                if let Some(masked) = without(line, secret.expose()) {
                    *line = Cow::Owned(masked);
                }
            }
        }
        reply
    }

    /// Words that hold what the server has said, escaped as [`show`] does.
    fn words(&self, words: String) -> String {
        self.0.iter().fold(words, |words, secret| {
            let masked = without(words.as_bytes(), show(secret.expose()).as_bytes());
            masked.and_then(|masked| String::from_utf8(masked).ok()).unwrap_or(words)
        })
    }

    /// An error as it may be shown.
    pub(crate) fn error(&self, error: Error) -> Error {
        if self.0.is_empty() {
            return error;
        }
        match error {
            Error::Refused { said, reply } => Error::Refused { said, reply: self.reply(reply) },
            Error::Nonsense { what } => Error::Nonsense { what: self.words(what) },
            Error::Broken { what, moved } => Error::Broken { what: self.words(what), moved },
            Error::NoTls { answer } => Error::NoTls { answer: self.words(answer) },
            Error::Insecure { what, todo } => Error::Insecure { what: self.words(what), todo },
            Error::Unreachable(Unreachable::Data { server, mut attempts }) => {
                for attempt in &mut attempts {
                    attempt.why = self.words(std::mem::take(&mut attempt.why));
                }
                Error::Unreachable(Unreachable::Data { server, attempts })
            }
            other => other,
        }
    }

    /// An event as it may be shown.
    pub(crate) fn event(&self, event: Event) -> Event {
        match event {
            Event::Answered(reply) => Event::Answered(self.reply(reply)),
            Event::Fallback { from, to, why } => Event::Fallback { from, to, why: self.words(why) },
            Event::NewSession { from, to, why } => Event::NewSession { from, to, why: self.words(why) },
            other => other,
        }
    }
}

/// The text with stars in place of a secret, in whatever case it stands there; none where it does not.
pub fn without(text: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let (mut masked, mut at, mut found) = (Vec::with_capacity(text.len()), 0, false);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let here = rest.get(..secret.len()).is_some_and(|words| words.eq_ignore_ascii_case(secret));
        if here && !secret.is_empty() {
            masked.extend_from_slice(b"***");
            (at, found) = (at + secret.len(), true);
        } else {
            masked.extend(rest.first());
            at += 1;
        }
    }
    found.then_some(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(user: &str, password: &str) -> Secrets {
        let user = user.as_bytes().to_vec();
        Secrets::of(&Credentials {
            user,
            password: Secret::new(password),
            account: Some(Secret::new("acc0unt")),
        })
    }

    #[test]
    fn what_a_server_repeats_is_masked_wherever_it_is_shown() {
        let secrets = secrets("ada", "s3cr3tX");
        let reply = Reply::new(530, "Login incorrect for password s3cr3tX (S3CR3TX), acc0unt");
        let shown = "530 Login incorrect for password *** (***), ***";
        assert_eq!(secrets.event(Event::Answered(reply.clone())).to_string(), format!("< {shown}"));
        let error = secrets.error(Error::refused("PASS ***", reply));
        assert!(error.to_string().ends_with(shown), "{error}");
        let lost = Error::Broken { what: "the server ended the session: 421 s3cr3tX".to_owned(), moved: 0 };
        assert_eq!(secrets.error(lost).to_string(), "the server ended the session: 421 ***");
    }

    #[test]
    fn short_and_public_passwords_mask_nothing() {
        let reply = || Reply::new(230, "ok, pasv@");
        for secrets in [secrets("ada", "ok"), secrets("anonymous", "pasv@"), Secrets::default()] {
            assert_eq!(secrets.reply(reply()), reply());
        }
    }
}
