//! What do the commands mean that are short work on files? (RFC 959 4.1.1, 4.1.3, RFC 3659, SITE)
use std::borrow::Cow;
use std::time::Duration;

use storage::{FileType, Kind, Rights, Stat, Time, VPath};
use wire::command::{Fact, Mdtm, Site};
use wire::reply::Part;
use wire::{Pathname, Reply, Stamp, Verb};

use super::Session;
use super::state::{Busy, Pending, Phase, Then};
use crate::effect::{Effect, Event, FileDone, FileOp, Follows, Output};
use crate::reason::Reason;
use crate::transfer::facts;

/// Those bits are never given: the server would hand out its own rights.
const SPECIAL: &str = "Set-user-ID, set-group-ID and sticky bits are not allowed: use a mode from 0 to 777.";

impl Session {
    fn file(&mut self, verb: Verb, path: &[u8], then: Then, op: impl FnOnce(VPath) -> FileOp) {
        if let Some(there) = self.resolve(verb, path) {
            self.begin_file(verb, there.clone(), then, op(there));
        }
    }

    /// `path` is what the log is told.
    fn begin_file(&mut self, verb: Verb, path: VPath, then: Then, op: FileOp) {
        let Some(pass) = self.pass() else { return };
        self.busy = Busy::File(Pending { verb, path, then });
        self.effect(Effect::File(pass, op));
    }

    pub(super) fn change_directory(&mut self, path: &Pathname) {
        self.file(Verb::Cwd, path.as_bytes(), Then::Cwd, FileOp::Enter);
    }

    pub(super) fn change_up(&mut self) {
        self.file(Verb::Cdup, b"..", Then::Cwd, FileOp::Enter);
    }

    pub(super) fn print_directory(&mut self) {
        let Some((_, cwd)) = self.logged_in() else { return };
        let mut text = Pathname::quoted(cwd.as_bytes());
        text.extend_from_slice(b" is the current directory.");
        self.say(Reply::from_lines(257, vec![text.into()]));
    }

    pub(super) fn make_directory(&mut self, path: &Pathname) {
        let mode = self.parameters.umask.map(|mask| 0o777 & !mask);
        self.file(Verb::Mkd, path.as_bytes(), Then::Made, |there| FileOp::MakeDir(there, mode));
    }

    pub(super) fn remove_directory(&mut self, path: &Pathname) {
        let then = Then::Said(250, "Directory removed.".into());
        self.file(Verb::Rmd, path.as_bytes(), then, FileOp::RemoveDir);
    }

    pub(super) fn delete(&mut self, path: &Pathname) {
        self.file(Verb::Dele, path.as_bytes(), Then::Said(250, "File deleted.".into()), FileOp::Remove);
    }

    pub(super) fn rename_from(&mut self, path: &Pathname) {
        let Some(there) = self.resolve(Verb::Rnfr, path.as_bytes()) else { return };
        if self.logged_in().is_some_and(|(pass, _)| !pass.rights().may_move(&there)) {
            return self.refuse(Some(Verb::Rnfr), Some(there), Reason::ReadOnly);
        }
        self.begin_file(Verb::Rnfr, there.clone(), Then::RenameFrom, FileOp::Entry(there));
    }

    pub(super) fn rename_to(&mut self, from: Option<VPath>, path: &Pathname) {
        let Some(from) = from else { return self.refuse(Some(Verb::Rnto), None, Reason::RenameFromFirst) };
        let Some(to) = self.resolve(Verb::Rnto, path.as_bytes()) else { return };
        // What is moved along could come to where it may not be stored.
        if self.logged_in().is_some_and(|(pass, _)| !pass.rights().may_move(&to)) {
            return self.refuse(Some(Verb::Rnto), Some(to), Reason::ReadOnly);
        }
        let then = Then::Renamed { from: from.clone() };
        self.begin_file(Verb::Rnto, to.clone(), then, FileOp::Rename(from, to));
    }

    pub(super) fn size(&mut self, path: &Pathname) {
        if self.is_ascii() {
            return self.refuse(Some(Verb::Size), None, Reason::SizeInAscii);
        }
        let writes = self.rights_at(Some(path)).is_some_and(Rights::writes);
        self.file(Verb::Size, path.as_bytes(), Then::Size, |there| FileOp::Length(there, writes));
    }

    /// A file of the whole name goes first; only where there is none may a time in front be meant to be set.
    pub(super) fn modification_time(&mut self, mdtm: Mdtm) {
        let set = match mdtm.set {
            Some((stamp, path)) => match self.resolve(Verb::Mdtm, path.as_bytes()) {
                Some(there) => Some((stamp, there)),
                None => return,
            },
            None => None,
        };
        self.file(Verb::Mdtm, mdtm.whole.as_bytes(), Then::ModificationTime { set }, FileOp::Stat);
    }

    pub(super) fn facts_of(&mut self, path: Option<&Pathname>) {
        self.file(Verb::Mlst, path.map_or(b"", Pathname::as_bytes), Then::Facts, FileOp::Entry);
    }

    pub(super) fn set_modified(&mut self, verb: Verb, stamp: Stamp, path: &Pathname) {
        let mut text = format!("Modify={stamp}; ").into_bytes();
        text.extend_from_slice(path.as_bytes());
        let then = Then::Said(213, wire::pathname::show(&text).into());
        self.file(verb, path.as_bytes(), then, |there| FileOp::Set(there, Some(time(stamp)), None));
    }

    pub(super) fn set_facts(&mut self, facts: &[Fact], path: &Pathname) {
        let (mut modified, mut mode, mut said) = (None, None, String::new());
        for fact in facts {
            match fact {
                Fact::Modify(stamp) => {
                    modified = Some(time(*stamp));
                    said.push_str(&format!("Modify={stamp};"));
                }
                Fact::UnixMode(bits) if is_special(*bits) => {
                    let text = SPECIAL.to_owned();
                    return self.refuse_with(Some(Verb::Mff), None, Reason::BadParameter, text);
                }
                Fact::UnixMode(bits) => {
                    mode = Some(*bits);
                    said.push_str(&format!("UNIX.mode={bits:04o};"));
                }
                // No file system here keeps a time of creation that can be set.
                Fact::Create(_) => return self.refuse(Some(Verb::Mff), None, Reason::Unsupported),
            }
        }
        let then = Then::Said(213, format!("{said} {path}").into());
        self.file(Verb::Mff, path.as_bytes(), then, |there| FileOp::Set(there, modified, mode));
    }

    pub(super) fn available(&mut self, path: Option<&Pathname>) {
        self.file(Verb::Avbl, path.map_or(b"", Pathname::as_bytes), Then::Available, FileOp::Space);
    }

    pub(super) fn status_of(&mut self, path: &Pathname) {
        let most = self.settings.site.limits.stat_lines;
        self.file(Verb::Stat, path.as_bytes(), Then::Lines { begun: false }, |there| {
            FileOp::Lines(there, most)
        });
    }

    pub(super) fn site(&mut self, site: Site) {
        match site {
            Site::Help => self.site_help(),
            Site::Umask(None) => match self.parameters.umask {
                Some(mask) => self.reply(200, format!("The umask is {mask:03o}.")),
                None => self.reply(200, "The umask is the server's default."),
            },
            Site::Chmod(mode, _) if is_special(mode) => {
                self.refuse_with(Some(Verb::Site), None, Reason::BadParameter, SPECIAL.to_owned());
            }
            Site::Umask(Some(mask)) => {
                self.parameters.umask = Some(mask);
                self.reply(200, format!("The umask is {mask:03o}."));
            }
            Site::Chmod(mode, path) => {
                let then = Then::Said(200, "Mode changed.".into());
                self.file(Verb::Site, path.as_bytes(), then, |there| FileOp::Set(there, None, Some(mode)));
            }
            Site::Utime(stamp, path) => {
                let then = Then::Said(200, "Time changed.".into());
                self.file(Verb::Site, path.as_bytes(), then, |there| {
                    FileOp::Set(there, Some(time(stamp)), None)
                });
            }
            Site::Idle(None) => {
                let (now, most) = (self.idle.as_secs(), self.settings.site.deadlines.idle_most.as_secs());
                self.reply(200, format!("The idle timeout is {now} seconds (maximum {most})."));
            }
            Site::Idle(Some(seconds)) => {
                let most = self.settings.site.deadlines.idle_most.as_secs();
                if (30..=most).contains(&seconds) {
                    self.idle = Duration::from_secs(seconds);
                    self.reply(200, format!("Idle timeout set to {seconds} seconds."));
                } else {
                    let text = format!("The idle timeout must be 30 to {most} seconds.");
                    self.refuse_with(Some(Verb::Site), None, Reason::BadArgument, text);
                }
            }
        }
    }

    pub(super) fn file_done(&mut self, outcome: Result<FileDone, storage::Error>) {
        let Busy::File(Pending { verb, path, then }) = std::mem::replace(&mut self.busy, Busy::Nothing)
        else {
            return;
        };
        match outcome {
            Ok(done) => self.file_succeeded(verb, path, then, done),
            Err(error) => {
                if let (Kind::NotFound, Then::ModificationTime { set: Some((stamp, there)) }) =
                    (error.kind, &then)
                {
                    return self.set_time_by_mdtm(*stamp, there.clone());
                }
                let source =
                    error.source.as_ref().filter(|_| matches!(error.kind, Kind::Io | Kind::TooManyFiles));
                let detail = source.map(ToString::to_string);
                let reason = Reason::from(error.kind);
                let begun = matches!(then, Then::Lines { begun: true });
                // A user who may only store does not learn from the reason what is there; the log tells.
                let hidden = matches!(then, Then::Cwd)
                    && self.logged_in().is_some_and(|(pass, _)| pass.rights().at(&path) == Rights::Drop);
                let reply = if hidden { Reply::new(550, "No such directory.") } else { reason.reply() };
                self.out.push_back(Output::Event(Event {
                    verb: Some(verb),
                    path: Some(path),
                    from: match then {
                        Then::Renamed { from } => Some(from),
                        _ => None,
                    },
                    code: reply.code.get(),
                    reason: Some(reason),
                    change: self.change_by(Some(verb)),
                    detail,
                    ..Event::default()
                }));
                if begun {
                    // The code was given with the first line.
                    let last = Cow::Borrowed(b"Error reading the rest of the directory.".as_slice());
                    let reply = Reply::from_lines(213, vec![last]);
                    return self.out.push_back(Output::Part(reply, Part::Last));
                }
                self.say(reply);
            }
        }
    }

    fn set_time_by_mdtm(&mut self, stamp: Stamp, path: VPath) {
        if !self.writes(&path) {
            return self.refuse(Some(Verb::Mdtm), Some(path), Reason::ReadOnly);
        }
        let then = Then::Said(213, stamp.whole().into());
        self.begin_file(Verb::Mdtm, path.clone(), then, FileOp::Set(path, Some(time(stamp)), None));
    }

    fn file_succeeded(&mut self, verb: Verb, path: VPath, then: Then, done: FileDone) {
        match (then, done) {
            (Then::Cwd, _) => {
                let mut text = b"Directory changed to ".to_vec();
                text.extend_from_slice(&Pathname::quoted(path.as_bytes()));
                text.push(b'.');
                if let Phase::Ready { cwd, .. } = &mut self.phase {
                    *cwd = path;
                }
                self.say(Reply::from_lines(250, vec![text.into()]));
            }
            (Then::RenameFrom, _) => {
                self.parameters.rename_from = Some(path);
                self.reply(350, "Send RNTO with the new name.");
            }
            (Then::Size, FileDone::Kept(bytes)) => self.reply(213, bytes.to_string()),
            (Then::Size, FileDone::Stat(stat)) => match stat.kind {
                FileType::File => self.reply(213, stat.size.to_string()),
                FileType::Directory => self.refuse(Some(verb), Some(path), Reason::IsADirectory),
                FileType::Link | FileType::Other => self.refuse(Some(verb), Some(path), Reason::NotRegular),
            },
            (Then::ModificationTime { .. }, FileDone::Stat(stat)) => {
                self.reply(213, facts::stamp(stat.modified).to_string());
            }
            (Then::Facts, FileDone::Stat(stat)) => self.facts_told(&path, &stat),
            (Then::Available, FileDone::Space(bytes)) => self.reply(213, bytes.to_string()),
            (Then::Lines { begun }, FileDone::Lines(lines, follows)) => {
                self.lines_told(path, begun, lines, follows);
            }
            (Then::Made, _) => {
                let mut text = Pathname::quoted(path.as_bytes());
                text.extend_from_slice(b" created.");
                self.event(Some(verb), Some(path), Ok(257));
                self.say(Reply::from_lines(257, vec![text.into()]));
            }
            (Then::Renamed { from }, _) => {
                self.out.push_back(Output::Event(Event {
                    verb: Some(verb),
                    path: Some(path),
                    from: Some(from),
                    code: 250,
                    ..Event::default()
                }));
                self.reply(250, "Renamed.");
            }
            (Then::Said(code, text), _) => {
                self.event(Some(verb), Some(path), Ok(code));
                self.reply(code, text);
            }
            // The driver answered an effect with the outcome of another: our own mistake, and the client
            // hears so.
            _ => self.refuse(Some(verb), Some(path), Reason::DiskError),
        }
    }

    fn writes(&self, path: &VPath) -> bool {
        self.logged_in().is_some_and(|(pass, _)| pass.rights().at(path).writes())
    }

    /// A directory is told piece by piece, so that a client that does not read holds up the reading of its
    /// directory.
    fn lines_told(&mut self, path: VPath, begun: bool, lines: Vec<Vec<u8>>, follows: Follows) {
        let mut all: Vec<Cow<'static, [u8]>> = Vec::with_capacity(lines.len() + 2);
        if !begun {
            all.push(Cow::Borrowed(b"Status follows:"));
        }
        all.extend(lines.into_iter().map(Cow::Owned));
        let last: &[u8] = match follows {
            Follows::Nothing => b"End of status.",
            Follows::TooMany => b"There are more entries: use LIST.",
            Follows::Others(listing) => {
                // A piece may be without a line, where all of its names have line ends.
                if !all.is_empty() {
                    let part = if begun { Part::Middle } else { Part::First };
                    self.out.push_back(Output::Part(Reply::from_lines(213, all), part));
                }
                let then = Then::Lines { begun: true };
                return self.begin_file(Verb::Stat, path, then, FileOp::MoreLines(listing));
            }
        };
        all.push(Cow::Borrowed(last));
        let part = if begun { Part::Last } else { Part::Whole };
        self.out.push_back(Output::Part(Reply::from_lines(213, all), part));
    }

    fn facts_told(&mut self, path: &VPath, stat: &Stat) {
        let writes = self.writes(path);
        let mut line = b" ".to_vec();
        facts::of(stat, writes).encode(&self.parameters.wanted, &mut line);
        line.push(b' ');
        line.extend_from_slice(path.as_bytes());
        self.say(Reply::from_lines(
            250,
            vec![b"Facts follow:".as_slice().into(), line.into(), b"End of facts.".as_slice().into()],
        ));
    }
}

fn is_special(mode: u32) -> bool {
    mode & !0o777 != 0
}

fn time(stamp: Stamp) -> Time {
    Time { seconds: stamp.seconds, nanos: stamp.nanos }
}
