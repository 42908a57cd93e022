//! What does the site tell of itself? FEAT, HELP, SITE HELP, STAT without a pathname (RFC 2389, RFC 959 4.1.3).
use std::borrow::Cow;
use std::time::Duration;

use storage::Rights;
use wire::digest::Algorithm;
use wire::verb::TABLE;
use wire::{Protection, Reply, Verb};

use super::protection::Level;
use super::{Busy, Session};
use crate::effect::DataPlan;
use crate::policy;
use crate::reason::Reason;
use crate::settings::{Security, Tls};

impl Session {
    pub(super) fn features(&mut self) {
        // Before the login nobody knows what the user may do; the modes are the same for everybody.
        let rights = self.logged_in().map_or(Rights::Write, |(pass, _)| pass.rights());
        let allowed = |verb: Verb| policy::check(verb.row(), Some(rights), self.settings.modes).is_ok();
        let Security { tls, implicit, ccc, .. } = self.settings.security;
        let mut lines: Vec<Cow<'static, [u8]>> = vec![Cow::Borrowed(b"Features:")];
        for row in TABLE {
            match (row.verb, row.feat) {
                (Verb::Mlst | Verb::Hash, _) if !allowed(row.verb) => {}
                (Verb::Mlst, _) => lines.push(self.parameters.wanted.feat().into_bytes().into()),
                (Verb::Hash, _) => lines.push(self.hash_feature().into_bytes().into()),
                (Verb::Auth, _) if tls == Tls::Off || implicit => {}
                (Verb::Pbsz | Verb::Prot, _) if tls == Tls::Off => {}
                (Verb::Ccc, _) if tls == Tls::Off || !ccc => {}
                (_, Some(feature)) if row.served && allowed(row.verb) => {
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
                let served = if row.served { "" } else { ", not served here" };
                let text = format!("{} {}", row.name, row.usage);
                self.reply(214, format!("{} ({}{served})", text.trim_end(), row.rfc));
            }
            None => self.refuse_with(
                Some(Verb::Help),
                None,
                Reason::BadArgument,
                "No such command; HELP lists them.".into(),
            ),
        }
    }

    fn help_all(&mut self) {
        let served: Vec<&str> = TABLE.iter().filter(|row| row.served).map(|row| row.name).collect();
        let mut lines: Vec<Cow<'static, [u8]>> =
            vec![Cow::Borrowed(b"Commands served (HELP name tells of one):")];
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
            // Behind a NAT our own address is nobody's business but who may log in.
            match self.user() {
                Some(_) => format!("You are seen as {} and reached the site at {}.", self.peer, self.local),
                None => format!("You are seen as {}.", self.peer),
            },
            match self.user() {
                Some(user) => format!("Logged in as {}.", wire::pathname::show(user.as_bytes())),
                None => "Not logged in.".to_owned(),
            },
            format!("TYPE: {}, STRU: F, MODE: S.", self.parameters.kind),
            match (&self.busy, moved, self.data) {
                (Busy::Opening(running) | Busy::Moving(running) | Busy::Aborting(running), moved, _) => {
                    format!("{} under way: {} bytes so far.", running.verb(), moved.unwrap_or(0))
                }
                (_, _, DataPlan::Listening) => "No transfer; a passive port is waiting for you.".to_owned(),
                (_, _, DataPlan::Target(target)) => format!("No transfer; data will go to {target}."),
                (_, _, DataPlan::None) => "No transfer.".to_owned(),
            },
        ];
        lines.extend([self.protection(), self.modes_and_times()]);
        lines.push("End of status.".to_owned());
        self.say(Reply::from_lines(211, lines.into_iter().map(|l| l.into_bytes().into()).collect()));
    }

    fn protection(&self) -> String {
        let control = match self.agreed.control {
            Level::Protected => "under TLS",
            _ => "in clear",
        };
        let data = if self.agreed.data == Protection::Private { "protected" } else { "in clear" };
        format!("The control connection is {control}, data will be {data}.")
    }

    /// Which side may open data connections, and how long is waited for what.
    fn modes_and_times(&self) -> String {
        let modes = match (self.settings.modes.passive, self.settings.modes.active) {
            (true, true) => "Passive and active mode",
            (true, false) => "Passive mode only",
            (false, true) => "Active mode only",
            (false, false) => "No data connections",
        };
        let deadlines = &self.settings.deadlines;
        format!(
            "{modes}. Time-outs: {} for a command, {} for a data connection, {} without a byte.",
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
