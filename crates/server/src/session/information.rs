//! What does the server tell of itself? FEAT, HELP, SITE HELP, STAT without a pathname.
//!
//! RFC 2389, RFC 959 4.1.3.
use std::borrow::Cow;
use std::time::Duration;

use config::{Listener, Tls};
use storage::Rights;
use wire::digest::Algorithm;
use wire::verb::TABLE;
use wire::{Protection, Reply, Verb};

use super::Session;
use super::state::{Level, Transfer};
use crate::effect::DataPlan;
use crate::policy;
use crate::reason::Reason;

impl Session {
    pub(super) fn features(&mut self) {
        // Before the login the user's rights are not known; the modes are the same for all.
        let rights = self.logged_in().map_or(vec![Rights::Write], |(pass, _)| pass.rights().all().collect());
        let may =
            |verb: Verb, rights| policy::check(verb.row(), Some(rights), &self.settings.listener).is_ok();
        let allowed = |verb: Verb| rights.iter().any(|rights| may(verb, *rights));
        let mut lines: Vec<Cow<'static, [u8]>> = vec![Cow::Borrowed(b"Features:")];
        for row in TABLE {
            match (row.verb, row.feat) {
                (Verb::Mlst | Verb::Hash, _) if !allowed(row.verb) => {}
                (Verb::Mlst, _) => lines.push(self.parameters.wanted.feat().into_bytes().into()),
                (Verb::Hash, _) => lines.push(self.hash_feature().into_bytes().into()),
                (verb, Some(feature)) if self.is_on(verb) && allowed(verb) => {
                    lines.push(Cow::Borrowed(feature.as_bytes()))
                }
                _ => {}
            }
        }
        lines.push(Cow::Borrowed(b"TVFS"));
        lines.push(Cow::Borrowed(b"UTF8"));
        lines.push(Cow::Borrowed(b"End"));
        self.say(Reply::from_lines(211, lines));
    }

    /// Is a verb served, and not switched off for everybody?
    fn is_on(&self, verb: Verb) -> bool {
        let Listener { active, passive, tls, implicit, allow_ccc, .. } = *self.settings.listener;
        verb.row().served
            && match verb {
                Verb::Pasv | Verb::Epsv => passive,
                Verb::Port | Verb::Eprt => active,
                Verb::Auth => tls != Tls::Off && !implicit,
                Verb::Pbsz | Verb::Prot => tls != Tls::Off,
                Verb::Ccc => tls != Tls::Off && allow_ccc,
                _ => true,
            }
    }

    /// `HASH SHA-256*;SHA-512;...`, the selected one starred.
    fn hash_feature(&self) -> String {
        let mut text = "HASH ".to_owned();
        for algorithm in Algorithm::ALL {
            text.push_str(algorithm.name());
            text.push_str(if algorithm == self.parameters.hash { "*;" } else { ";" });
        }
        text
    }

    pub(super) fn help(&mut self, about: Option<&[u8]>) {
        let Some(about) = about else { return self.help_all() };
        match Verb::parse(about.trim_ascii()) {
            Some(Verb::Site) => self.site_help(),
            Some(verb) => {
                let row = verb.row();
                let served = match (row.served, self.is_on(verb)) {
                    (false, _) => ", not supported",
                    (true, false) => ", disabled on this server",
                    (true, true) => "",
                };
                let text = format!("{} {}", row.name, row.usage);
                self.reply(214, format!("{} ({}{served})", text.trim_end(), row.rfc));
            }
            None => self.refuse_with(
                Some(Verb::Help),
                None,
                Reason::BadArgument,
                "Unknown command; HELP lists all commands.".into(),
            ),
        }
    }

    fn help_all(&mut self) {
        let served: Vec<&str> = TABLE.iter().filter(|row| self.is_on(row.verb)).map(|row| row.name).collect();
        let mut lines: Vec<Cow<'static, [u8]>> = vec![Cow::Borrowed(b"Commands (HELP name describes one):")];
        for eight in served.chunks(8) {
            let line = eight.iter().map(|name| format!("{name:<8}")).collect::<String>();
            lines.push(line.trim_end().as_bytes().to_vec().into());
        }
        lines.push(Cow::Borrowed(b"End of help."));
        self.say(Reply::from_lines(214, lines));
    }

    pub(super) fn site_help(&mut self) {
        let lines = [
            "SITE commands:",
            "HELP",
            "UMASK [octal]",
            "CHMOD octal pathname",
            "UTIME YYYYMMDDhhmmss pathname",
            "IDLE [seconds]",
            "End of help.",
        ];
        self.say(Reply::from_lines(214, lines.iter().map(|l| Cow::Borrowed(l.as_bytes())).collect()));
    }

    /// STAT without a pathname; `moved` is how far a running transfer is.
    pub(super) fn status(&mut self, moved: Option<u64>) {
        let mut lines = vec![
            "Status:".to_owned(),
            // Behind a NAT our own address is told to users only.
            match self.user() {
                Some(_) => format!("Connected from {} to {}.", self.peer, self.local),
                None => format!("Connected from {}.", self.peer),
            },
            match self.user() {
                Some(user) => format!("Logged in as {}.", wire::pathname::show(user.as_bytes())),
                None => "Not logged in.".to_owned(),
            },
            format!("TYPE: {}, STRU: F, MODE: S.", self.parameters.kind),
            match (&self.transfer, self.data) {
                (Transfer::Opening(running) | Transfer::Moving(running) | Transfer::Aborting(running), _) => {
                    format!("{} in progress: {} bytes so far.", running.verb, moved.unwrap_or(0))
                }
                (Transfer::None, DataPlan::Listening) => {
                    "No transfer; a passive port is open for your connection.".to_owned()
                }
                (Transfer::None, DataPlan::Target(target)) => {
                    format!("No transfer; data will go to {target}.")
                }
                (Transfer::None, DataPlan::None) => "No transfer.".to_owned(),
            },
        ];
        lines.extend([self.protection(), self.modes_and_times()]);
        lines.push("End of status.".to_owned());
        self.say(Reply::from_lines(211, lines.into_iter().map(|l| l.into_bytes().into()).collect()));
    }

    fn protection(&self) -> String {
        let control = match self.agreed.control {
            Level::Protected => "encrypted with TLS",
            _ => "not encrypted",
        };
        let data = if self.agreed.data == Protection::Private { "encrypted" } else { "not encrypted" };
        format!("The control connection is {control}; data connections are {data}.")
    }

    /// Which side may open data connections, and how long is waited for what.
    fn modes_and_times(&self) -> String {
        let modes = match (self.settings.listener.passive, self.settings.listener.active) {
            (true, true) => "Passive and active mode",
            (true, false) => "Passive mode only",
            (false, true) => "Active mode only",
            (false, false) => "No data connections",
        };
        let deadlines = &self.settings.site.deadlines;
        format!(
            "{modes}. Timeouts: {} idle, {} to open a data connection, {} without data in a transfer.",
            shown(self.idle),
            shown(deadlines.data),
            shown(deadlines.stall)
        )
    }
}

/// Whole seconds, or milliseconds.
fn shown(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
