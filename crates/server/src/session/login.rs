//! How does somebody get in? USER, PASS, HOST, REIN (RFC 959 4.1.1, RFC 7151).
use std::time::Instant;

use storage::gate::is_anonymous;
use storage::{Admission, Attempt, Denied, Prompt, Rights};
use wire::{Protection, Secret, Verb};

use super::state::{Busy, Parameters, Phase};
use super::{Pass, Session};
use crate::effect::{DataPlan, Effect};
use crate::reason::Reason;

impl Session {
    pub(super) fn user_named(&mut self, name: Vec<u8>, now: Instant) {
        if matches!(self.phase, Phase::Ready { .. }) {
            // RFC 959 lets a user change; the old login is gone with the USER, so that nothing is done under
            // two names.
            self.begun = now;
        }
        self.phase = Phase::AwaitPassword { user: name.clone(), anonymous: false };
        self.busy = Busy::Greeting;
        self.effect(Effect::Greet(name, self.certificate.clone()));
    }

    /// RFC 4217 11 leaves it to the server whether a certificate is enough: then it is 232, and no password
    /// is asked for.
    pub(super) fn greeted(&mut self, prompt: Prompt, now: Instant) {
        self.busy = Busy::Nothing;
        match prompt {
            Prompt::Admitted(admission) => self.enter(*admission, Verb::User, 232, now),
            Prompt::Password => self.reply(331, "Password required."),
            Prompt::Anonymous => {
                if let Phase::AwaitPassword { anonymous, .. } = &mut self.phase {
                    *anonymous = true;
                }
                self.reply(331, "Anonymous login: any password will do.");
            }
        }
    }

    pub(super) fn password(&mut self, secret: Secret) {
        match std::mem::replace(&mut self.phase, Phase::AwaitUser) {
            Phase::AwaitPassword { user, anonymous } => {
                self.busy = Busy::Admitting { anonymous: !anonymous && is_anonymous(&user) };
                let attempt = Attempt {
                    user,
                    password: secret.expose().to_vec().into(),
                    certificate: self.certificate.clone(),
                    peer: self.peer.ip(),
                    host: self.parameters.host.clone(),
                };
                self.effect(Effect::Admit { attempt, anonymous });
            }
            Phase::AwaitUser => {
                self.refuse_with(Some(Verb::Pass), None, Reason::BadSequence, "Send USER first.".into())
            }
            ready @ Phase::Ready { .. } => {
                self.phase = ready;
                self.reply(202, "Already logged in.");
            }
        }
    }

    pub(super) fn admitted(&mut self, answer: Result<Admission, Denied>, now: Instant) {
        let busy = std::mem::replace(&mut self.busy, Busy::Nothing);
        // A certificate may have been enough, and the user have too many sessions all the same.
        let verb = if matches!(busy, Busy::Greeting) { Verb::User } else { Verb::Pass };
        let denied = match answer {
            Ok(admission) => return self.enter(admission, verb, 230, now),
            Err(denied) => denied,
        };
        self.phase = Phase::AwaitUser;
        let reason = match denied {
            Denied::Unavailable => Reason::AccountsUnavailable,
            Denied::TooManySessions => Reason::UserFull,
            // The same for whatever is wrong, so that nobody learns whether there is a user of that name.
            Denied::UnknownUser | Denied::WrongPassword | Denied::NoCertificate => match busy {
                Busy::Admitting { anonymous: true } => Reason::NoAnonymous,
                _ => Reason::LoginFailed,
            },
        };
        self.refuse(Some(verb), None, reason);
    }

    fn enter(&mut self, mut admission: Admission, verb: Verb, code: u16, now: Instant) {
        if self.settings.listener.read_only {
            admission.rights = admission.rights.without_writing();
        }
        let pass = Pass::new(admission);
        let access = match pass.rights().everywhere() {
            Rights::Read => "you may read",
            Rights::Write => "you may read and write",
            Rights::Drop => "you may upload new files",
        };
        let but = if pass.rights().is_uniform() { "" } else { "; some directories have other rights" };
        let text = format!("Welcome, {}: {access}{but}.", wire::pathname::show(pass.user().as_bytes()));
        self.phase = Phase::Ready { cwd: pass.home().clone(), pass };
        self.commands_before_login = 0;
        self.heard = now;
        self.event(Some(verb), None, Ok(code));
        self.reply(code, text);
    }

    pub(super) fn banned(&mut self) {
        self.busy = Busy::Nothing;
        self.event(Some(Verb::Pass), None, Err(Reason::TooManyFailures));
        self.close(Reason::TooManyFailures.reply());
    }

    pub(super) fn host(&mut self, name: Vec<u8>) {
        // RFC 7151 3.1: only before the login.
        if matches!(self.phase, Phase::AwaitUser) {
            self.parameters.host = Some(name);
            self.reply(220, "Host accepted.");
        } else {
            self.refuse_with(Some(Verb::Host), None, Reason::BadSequence, "Send HOST before USER.".into());
        }
    }

    pub(super) fn reinitialise(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Ready { .. }) {
            self.begun = now;
        }
        self.phase = Phase::AwaitUser;
        self.parameters = Parameters::default();
        self.data = DataPlan::None;
        // RFC 2228 4: the protection of data starts over; that of the control connection stays.
        (self.agreed.buffer, self.agreed.data) = (false, Protection::Clear);
        self.idle = self.settings.site.deadlines.idle;
        self.effect(Effect::Unlisten);
        self.reply(220, "Ready for a new user.");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::SiteConfig;

    use super::*;
    use crate::effect::Input;
    use crate::settings::Settings;

    /// Each REIN gave a stranger another minute: fifty commands without a login were fifty minutes.
    #[test]
    fn rein_puts_the_login_deadline_off_only_after_a_login() {
        let (settings, begun) = (Settings::from(SiteConfig::default()), Instant::now());
        let login = settings.site.deadlines.login;
        let here = ([127, 0, 0, 1], 21).into();
        let mut session = Session::new(settings, here, here, begun);
        let later = begun + Duration::from_secs(30);
        session.handle(Input::Line(Ok(b"USER somebody".to_vec())), later);
        session.handle(Input::Greeted(Prompt::Password), later);
        session.handle(Input::Line(Ok(b"REIN".to_vec())), later);
        assert_eq!(session.deadline(), Some(begun + login));
    }
}
