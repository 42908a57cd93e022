//! How does a transfer run, from its command to its final reply? (RFC 959 4.1.3, RFC 3659 5)
use std::time::Instant;

use storage::{Create, Rights, VPath};
use wire::command::DigestOf;
use wire::digest::Algorithm;
use wire::{Command, Pathname, Protection, Reply, Verb};

use super::Session;
use super::state::{Digest, Leaving, Phase, Running, Transfer};
use crate::effect::{DataPlan, Effect, Event, Form, Opened, Outcome, Output, Plan, What};
use crate::reason::Reason;

impl Session {
    pub(super) fn retrieve(&mut self, path: &Pathname) {
        let (start, end) = self.parameters.bytes();
        let Some(there) = self.resolve(Verb::Retr, path.as_bytes()) else { return };
        self.transfer(Verb::Retr, there, What::Retrieve { start, end });
    }

    pub(super) fn store(&mut self, path: &Pathname) {
        let stores_only = self.rights_at(Some(path)) == Some(Rights::Drop);
        let how = match self.parameters.restart {
            0 if stores_only => Create::New,
            0 => Create::Replace,
            // What would be continued may be somebody else's.
            _ if stores_only => return self.refuse(Some(Verb::Stor), None, Reason::WholeOnly),
            _ if self.is_ascii() => return self.refuse(Some(Verb::Stor), None, Reason::RestInAscii),
            at => Create::Resume { at },
        };
        self.upload(Verb::Stor, path.as_bytes(), how);
    }

    pub(super) fn store_unique(&mut self, path: Option<&Pathname>) {
        if self.parameters.restart > 0 {
            // A new name has nothing to restart.
            return self.refuse(Some(Verb::Stou), None, Reason::BadOffset);
        }
        self.upload(Verb::Stou, path.map_or(b"upload", Pathname::as_bytes), Create::Unique);
    }

    pub(super) fn append(&mut self, path: &Pathname) {
        let at = match self.parameters.restart {
            0 => None,
            _ if self.is_ascii() => return self.refuse(Some(Verb::Appe), None, Reason::RestInAscii),
            at => Some(at),
        };
        self.upload(Verb::Appe, path.as_bytes(), Create::Append { at });
    }

    fn upload(&mut self, verb: Verb, path: &[u8], how: Create) {
        if self.parameters.range.is_some() {
            return self.refuse(Some(verb), None, Reason::RangeOfUpload);
        }
        let mode = self.parameters.umask.map(|mask| 0o666 & !mask);
        let Some(there) = self.resolve(verb, path) else { return };
        self.transfer(verb, there, What::Store { how, mode });
    }

    pub(super) fn list(&mut self, verb: Verb, path: Option<&Pathname>) {
        let Some(there) = self.resolve(verb, path.map_or(b"", Pathname::as_bytes)) else { return };
        let form = match verb {
            Verb::Nlst => Form::Names,
            Verb::Mlsd => Form::Facts(self.parameters.wanted),
            _ => Form::Long,
        };
        let given = path.map(|p| p.as_bytes().to_vec()).unwrap_or_default();
        self.transfer(verb, there, What::List { given, form });
    }

    pub(super) fn hash(&mut self, path: &Pathname) {
        let Some(there) = self.resolve(Verb::Hash, path.as_bytes()) else { return };
        let (start, end) = self.parameters.bytes();
        self.start_digest(Verb::Hash, there, self.parameters.hash, start, end);
    }

    /// `XCRC name`, or `XCRC "name" start end`. A quoted form is the more likely meaning: no client sends
    /// quotes that are part of a name, and all that send a range send quotes.
    pub(super) fn digest(&mut self, verb: Verb, algorithm: Algorithm, of: &DigestOf) {
        let (path, start, end) = match &of.range {
            Some((path, start, end)) => (path, *start, *end),
            None => (&of.whole, 0, None),
        };
        let Some(there) = self.resolve(verb, path.as_bytes()) else { return };
        self.start_digest(verb, there, algorithm, start, end);
    }

    fn start_digest(&mut self, verb: Verb, path: VPath, algorithm: Algorithm, start: u64, end: Option<u64>) {
        self.start(verb, path, What::Digest { algorithm, start, end }, DataPlan::None);
    }

    fn transfer(&mut self, verb: Verb, path: VPath, what: What) {
        // A data plan serves one transfer, whatever becomes of it.
        match std::mem::replace(&mut self.data, DataPlan::None) {
            DataPlan::None => self.refuse(Some(verb), Some(path), Reason::NoDataPlan),
            data => self.start(verb, path, what, data),
        }
    }

    fn start(&mut self, verb: Verb, path: VPath, what: What, data: DataPlan) {
        let Some(pass) = self.pass() else { return };
        let digest = match what {
            What::Digest { algorithm, start, .. } => Some(Digest { algorithm, start }),
            _ => None,
        };
        // Listings are lines that end in CR LF under either type; MLSD is never converted (RFC 3659 7.2).
        let ascii = self.is_ascii() && matches!(what, What::Retrieve { .. } | What::Store { .. });
        let protection = if data == DataPlan::None { Protection::Clear } else { self.agreed.data };
        self.transfer = Transfer::Opening(Running { verb, path: path.clone(), ascii, digest });
        self.effect(Effect::Transfer(Plan { verb, pass, path, what, ascii, data, protection }));
    }

    pub(super) fn opened(&mut self, opened: Opened) {
        let running = match std::mem::replace(&mut self.transfer, Transfer::None) {
            Transfer::Opening(running) => running,
            other => {
                self.transfer = other;
                return;
            }
        };
        if running.digest.is_none() {
            let kind = if running.ascii { "ASCII" } else { "binary" };
            match (&opened.name, opened.size) {
                // RFC 1123 4.1.2.9 fixes this form, so that clients can read the name.
                (Some(name), _) => {
                    let mut text = b"FILE: ".to_vec();
                    text.extend_from_slice(name.as_bytes());
                    self.say(Reply::from_lines(150, vec![text.into()]));
                }
                (None, Some(size)) => {
                    self.reply(150, format!("Data connection open, sending {kind} data ({size} bytes)."))
                }
                (None, None) => self.reply(150, "Data connection open."),
            }
        }
        let path = opened.name.unwrap_or(running.path);
        self.transfer = Transfer::Moving(Running { path, ..running });
    }

    pub(super) fn transferred(&mut self, end: Outcome, now: Instant) {
        let (running, aborting) = match std::mem::replace(&mut self.transfer, Transfer::None) {
            Transfer::Opening(running) | Transfer::Moving(running) => (running, false),
            Transfer::Aborting(running) => (running, true),
            Transfer::None => return,
        };
        // The idle clock rests during a transfer, and so does that of a login which began in it.
        self.heard = now;
        if !matches!(self.phase, Phase::Ready { .. }) {
            self.begun = now;
        }
        let reply = match (end.broken, &end.digest, running.digest) {
            (Some(reason), _, _) => match &end.told {
                Some(text) => Reply::new(reason.code(), text.clone()),
                None => store_reply(reason, running.verb),
            },
            (None, Some((hex, to)), Some(digest)) => {
                let path = running.path.as_bytes();
                if running.verb == Verb::Hash {
                    let last = to.saturating_sub(1).max(digest.start);
                    let mut text =
                        format!("{} {}-{last} {hex} ", digest.algorithm.name(), digest.start).into_bytes();
                    text.extend_from_slice(path);
                    Reply::from_lines(213, vec![text.into()])
                } else {
                    Reply::new(250, hex.clone())
                }
            }
            (None, ..) => Reply::new(226, format!("Transfer complete: {} bytes.", end.bytes)),
        };
        let detail = match end.unlisted {
            0 => end.detail,
            n => Some(format!("{n} names with line ends were left out")),
        };
        self.out.push_back(Output::Event(Event {
            verb: Some(running.verb),
            path: Some(running.path),
            code: reply.code.get(),
            reason: end.broken,
            bytes: Some(end.bytes),
            detail,
            ..Event::default()
        }));
        self.say(reply);
        if aborting {
            self.reply(
                226,
                if end.broken.is_some() {
                    "Abort successful."
                } else {
                    "Too late to abort: the transfer had completed."
                },
            );
        }
    }

    /// ABOR, STAT, NOOP and QUIT while a transfer runs.
    pub(super) fn during_transfer(&mut self, command: Command) {
        match command {
            Command::Abor => match std::mem::replace(&mut self.transfer, Transfer::None) {
                Transfer::Opening(running) | Transfer::Moving(running) => {
                    self.transfer = Transfer::Aborting(running);
                    self.effect(Effect::Abort);
                }
                other => self.transfer = other,
            },
            Command::Stat(_) => self.effect(Effect::Progress),
            Command::Quit => self.leaving = Leaving::Quit,
            _ => self.reply(200, "OK; transfer in progress."),
        }
    }

    pub(super) fn progress(&mut self, bytes: u64) {
        self.status(Some(bytes));
    }
}

/// The words of a broken transfer. A name that cannot be stored is 553 (RFC 959 5.4), where reading it is
/// 550.
fn store_reply(reason: Reason, verb: Verb) -> Reply {
    let naming = matches!(
        reason,
        Reason::Exists
            | Reason::IsADirectory
            | Reason::Outside
            | Reason::Loop
            | Reason::NotRegular
            | Reason::Denied
    );
    let stores = matches!(verb, Verb::Stor | Verb::Stou | Verb::Appe);
    if stores && naming { Reply::new(553, reason.text()) } else { reason.reply() }
}
