//! How does somebody get in? USER, PASS, HOST, REIN (RFC 959 4.1.1, RFC 7151).
use std::time::Instant;

use storage::{Admission, Attempt, Denied, Rights};
use wire::{Protection, Secret, Verb};

use super::{Busy, Parameters, Pass, Phase, Session};
use crate::effect::{DataPlan, Effect};
use crate::reason::Reason;

impl Session {
    pub(super) fn user_named(&mut self, name: Vec<u8>, now: Instant) {
        if matches!(self.phase, Phase::Ready { .. }) {
            // RFC 959 lets a user change; the old login is gone with the USER, so that nothing is done under two names.
            self.begun = now;
        }
        if let Some(certificate) = self.certificate.clone() {
            self.phase = Phase::AwaitPassword { user: name.clone() };
            self.busy = Busy::Admitting { anonymous: false };
            return self.effect(Effect::Recognise(name, certificate));
        }
        self.ask_password(name);
    }

    /// RFC 4217 11 leaves it to the site whether a certificate is enough: then it is 232, and no password is asked for.
    pub(super) fn recognised(&mut self, user: Option<Admission>, now: Instant) {
        self.busy = Busy::Nothing;
        match (user, std::mem::replace(&mut self.phase, Phase::AwaitUser)) {
            (Some(admission), _) => self.enter(admission, Verb::User, 232, now),
            (None, Phase::AwaitPassword { user }) => self.ask_password(user),
            // Nothing is taken up while the gate is asked, so the phase is as it was.
            (None, other) => self.phase = other,
        }
    }

    fn ask_password(&mut self, name: Vec<u8>) {
        let anonymous = self.settings.anonymous && is_anonymous(&name);
        let text = if anonymous { "Anonymous login: any password will do." } else { "Password required." };
        self.phase = Phase::AwaitPassword { user: name };
        self.reply(331, text);
    }

    pub(super) fn password(&mut self, secret: Secret) {
        match std::mem::replace(&mut self.phase, Phase::AwaitUser) {
            Phase::AwaitPassword { user } => {
                let anonymous = !self.settings.anonymous && is_anonymous(&user);
                self.busy = Busy::Admitting { anonymous };
                self.effect(Effect::Admit(Attempt {
                    user,
                    password: secret.expose().to_vec().into(),
                    certificate: self.certificate.clone(),
                    peer: self.peer.ip(),
                    host: self.parameters.host.clone(),
                }));
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
        match answer {
            Ok(admission) => self.enter(admission, Verb::Pass, 230, now),
            Err(Denied::Unavailable) => self.refuse(Some(Verb::Pass), None, Reason::AccountsUnavailable),
            Err(Denied::UnknownUser | Denied::WrongPassword | Denied::NoCertificate) => {
                // Said of whatever is wrong, so that nobody learns whether there is a user of that name.
                let anonymous = matches!(busy, Busy::Admitting { anonymous: true });
                let reason = if anonymous { Reason::NoAnonymous } else { Reason::LoginFailed };
                self.refuse(Some(Verb::Pass), None, reason);
            }
        }
    }

    fn enter(&mut self, admission: Admission, verb: Verb, code: u16, now: Instant) {
        let pass = Pass::new(admission);
        let access = match pass.rights() {
            Rights::Read => "you may read",
            Rights::Write => "you may read and write",
            Rights::Drop => "you may upload new files",
        };
        let text = format!("Welcome, {}: {access}.", wire::pathname::show(pass.user().as_bytes()));
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
        // RFC 2228 4: the protection of data is agreed on anew; that of the control connection stays.
        (self.agreed.buffer, self.agreed.data) = (false, Protection::Clear);
        self.idle = self.settings.site.deadlines.idle;
        self.effect(Effect::Unlisten);
        self.reply(220, "Ready for a new user.");
    }
}

/// One of the two names that anonymous logins have by custom (RFC 1635).
fn is_anonymous(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"anonymous") || name.eq_ignore_ascii_case(b"ftp")
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
    fn starting_anew_puts_the_login_deadline_off_only_for_who_had_logged_in() {
        let (settings, begun) = (Settings::from(SiteConfig::default()), Instant::now());
        let login = settings.site.deadlines.login;
        let here = ([127, 0, 0, 1], 21).into();
        let mut session = Session::new(settings, here, here, begun);
        let later = begun + Duration::from_secs(30);
        session.handle(Input::Line(Ok(b"USER somebody".to_vec())), later);
        session.handle(Input::Line(Ok(b"REIN".to_vec())), later);
        assert_eq!(session.deadline(), Some(begun + login));
    }
}
