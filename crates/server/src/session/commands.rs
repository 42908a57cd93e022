//! May a command be carried out now, and which handler does it?
use std::time::Instant;

use wire::{Command, CommandError, Reply, Verb};

use super::Session;
use super::state::{About, Phase, Refused};
use crate::effect::{Change, DataPlan, Effect};
use crate::policy;
use crate::reason::Reason;

impl Session {
    pub(super) fn execute(&mut self, command: Result<Command, Refused>, now: Instant) {
        if !matches!(self.phase, Phase::Ready { .. }) {
            self.commands_before_login += 1;
            if self.commands_before_login > self.settings.site.limits.commands_before_login {
                self.event(None, None, Err(Reason::TooManyCommands));
                return self.close(Reason::TooManyCommands.reply());
            }
        }
        // RNFR dies at anything but RNTO; it is taken out here so that no path can forget it.
        let rename_from = self.parameters.rename_from.take();
        let command = match command {
            Ok(command) => command,
            Err(Refused::Line) => {
                let limit = self.settings.site.limits.line;
                return self.refuse_with(
                    None,
                    None,
                    Reason::LineTooLong,
                    format!("Line longer than {limit} bytes; it was skipped."),
                );
            }
            Err(Refused::Foreign(reason)) => {
                self.event(None, None, Err(reason));
                return self.close(reason.reply());
            }
            Err(Refused::Command(error)) => return self.refuse_command(&error),
        };
        let verb = command.verb();
        let row = verb.row();
        self.change = Change::of(&command);
        self.about = match (&command, command.pathname()) {
            (Command::User(name), _) => Some(About::User(name.clone())),
            (_, path) => path.map(|path| About::File(verb, path.clone())),
        };
        if !row.served {
            self.forget_markers(verb);
            return self.refuse_with(Some(verb), None, Reason::Unserved, format!("{verb} is not supported."));
        }
        let rights = self.rights_at(command.pathname());
        let allowed = policy::check_command(&command, rights, &self.settings.listener);
        if let Err(reason) = allowed.and_then(|()| self.demands(&command)) {
            self.forget_markers(verb);
            self.refuse(Some(verb), None, reason);
            return self.give_up_plan(verb);
        }
        match command {
            Command::User(name) => self.user_named(name, now),
            Command::Pass(secret) => self.password(secret),
            Command::Acct(_) => self.reply(202, "No account needed."),
            Command::Host(name) => self.host(name),
            Command::Rein => self.reinitialise(now),
            Command::Quit => self.close(Reply::new(221, "Goodbye.")),
            Command::Cwd(path) => self.change_directory(&path),
            Command::Cdup => self.change_up(),
            Command::Pwd => self.print_directory(),
            Command::Mkd(path) => self.make_directory(&path),
            Command::Rmd(path) => self.remove_directory(&path),
            Command::Dele(path) => self.delete(&path),
            Command::Rnfr(path) => self.rename_from(&path),
            Command::Rnto(path) => self.rename_to(rename_from, &path),
            Command::Size(path) => self.size(&path),
            Command::Mdtm(mdtm) => self.modification_time(mdtm),
            Command::Mlst(path) => self.facts_of(path.as_ref()),
            Command::Mfmt(stamp, path) => self.set_modified(Verb::Mfmt, stamp, &path),
            Command::Mfct(..) => self.refuse(Some(verb), None, Reason::Unsupported),
            Command::Mff(facts, path) => self.set_facts(&facts, &path),
            Command::Avbl(path) => self.available(path.as_ref()),
            Command::Stat(None) => self.status(None),
            Command::Stat(Some(path)) => self.status_of(&path),
            Command::Pasv => self.passive(),
            Command::Epsv(which) => self.extended_passive(which),
            Command::Port(host_port) => self.active(Verb::Port, host_port.socket()),
            Command::Eprt(target) => self.active(Verb::Eprt, target),
            Command::Type(kind) => self.representation_type(kind),
            Command::Stru(_) => self.reply(200, "Structure set to F (file)."),
            Command::Mode(_) => self.reply(200, "Mode set to S (stream)."),
            Command::Allo(_) => self.reply(200, "No allocation needed."),
            Command::Rest(marker) => self.restart(marker),
            Command::Rang(range) => self.range(range),
            Command::Opts(option) => self.option(option),
            Command::Clnt(_) => self.reply(200, "Noted."),
            Command::Retr(path) => self.retrieve(&path),
            Command::Stor(path) => self.store(&path),
            Command::Stou(path) => self.store_unique(path.as_ref()),
            Command::Appe(path) => self.append(&path),
            Command::List(path) => self.list(Verb::List, path.as_ref()),
            Command::ListAll => self.list(Verb::List, None),
            Command::Nlst(path) => self.list(Verb::Nlst, path.as_ref()),
            Command::Mlsd(path) => self.list(Verb::Mlsd, path.as_ref()),
            Command::Hash(path) => self.hash(&path),
            Command::Digest(algorithm, of) => self.digest(verb, algorithm, &of),
            Command::Site(site) => self.site(site),
            Command::Syst => self.reply(215, "UNIX Type: L8"),
            Command::Help(about) => self.help(about.as_deref()),
            Command::Noop => self.reply(200, "OK."),
            Command::Feat => self.features(),
            Command::Abor => self.reply(226, "No transfer in progress."),
            Command::Auth(mechanism) => self.authenticate(mechanism),
            Command::Pbsz(_) => self.protection_buffer(),
            Command::Prot(level) => self.protection_level(level),
            Command::Ccc => self.clear_control(),
            Command::Unserved(verb) => self.refuse(Some(verb), None, Reason::Unserved),
        }
        self.forget_markers(verb);
        self.give_up_plan(verb);
    }

    /// A transfer uses its data connection up, also one that is refused before it begins: the client may sit
    /// at the passive port already, and is let go with FIN (some clients report a reset in place of the
    /// reply).
    fn give_up_plan(&mut self, verb: Verb) {
        let refused = self.is_at_rest() && verb.row().direction.is_some();
        if refused && self.data != DataPlan::None {
            self.data = DataPlan::None;
            self.effect(Effect::Unlisten);
        }
    }

    /// REST and RANG die at the next service verb; the verbs that only prepare a transfer leave them.
    fn forget_markers(&mut self, verb: Verb) {
        if !verb.row().keeps_restart {
            self.parameters.restart = 0;
            self.parameters.range = None;
        }
    }

    fn refuse_command(&mut self, error: &CommandError) {
        let (verb, reason) = match error {
            CommandError::Unknown => (None, Reason::UnknownCommand),
            CommandError::Argument(verb, _) => (Some(*verb), Reason::BadArgument),
            CommandError::Parameter(verb, _) => (Some(*verb), Reason::BadParameter),
            CommandError::Protocol => (Some(Verb::Eprt), Reason::WrongFamily),
        };
        match verb {
            // What the client has just tried to set is not what was set before.
            Some(Verb::Rest | Verb::Rang) => (self.parameters.restart, self.parameters.range) = (0, None),
            Some(verb) => self.forget_markers(verb),
            None => {}
        }
        let text = match error {
            CommandError::Unknown => reason.text().to_owned(),
            CommandError::Protocol => {
                format!(
                    "Network protocol not supported, use ({}).",
                    wire::Family::of(self.local.ip()).number()
                )
            }
            other => {
                let mut text = other.to_string();
                text.push('.');
                text
            }
        };
        self.refuse_with(verb, None, reason, text);
        if let Some(verb) = verb {
            self.give_up_plan(verb);
        }
    }
}
