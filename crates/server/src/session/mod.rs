//! What does each command mean? The Server-PI (RFC 959 2.3) as a pure state machine.
//!
//! Lines and outcomes go in by [`Session::handle`], replies and effects come out by [`Session::poll`]; time is an
//! argument. Nothing here waits, reads or writes.
//!
//! ```text
//!   phase:   AwaitUser --USER--> AwaitPassword --PASS ok, or certificate--> Ready --REIN--> AwaitUser
//!
//!   busy:    Nothing --short effect--> Greeting | Admitting | File | Listening | Securing --outcome--> Nothing
//!
//!   transfer: None --RETR, STOR, LIST ...--> Opening --Opened/150--> Moving --Transferred/226--> None
//!                                                \--ABOR--> Aborting --Transferred/426, 226--> None
//! ```
//!
//! Invariants, tested as properties: every command gets exactly one final reply and at most one 1yz before it;
//! during a transfer ABOR, STAT, NOOP and QUIT act at once, USER, PASS and REIN too where no other command waits (RFC 959
//! 4.1.1: the transfer completes under the old login), and the rest waits in a bounded queue; RNFR dies at anything but
//! RNTO; REST survives PASV, EPSV, PORT, EPRT and TYPE and dies at the next service verb.

mod files;
mod information;
mod login;
mod parameters;
mod pass;
mod protection;
mod transfers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::{Certificate, Rights, VPath};
use wire::command::Mechanism;
use wire::digest::Algorithm;
use wire::facts::Wanted;
use wire::{Command, CommandError, Pathname, Reply, RepresentationType, Verb};

use crate::effect::{Change, DataPlan, Effect, Event, Input, Output};
use crate::policy;
use crate::reason::Reason;
use crate::settings::Settings;

use protection::Level;

pub use pass::Pass;
pub(crate) use protection::is_tls;

/// One control connection's dialogue, from the server's side.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    peer: SocketAddr,
    local: SocketAddr,
    phase: Phase,
    busy: Busy,
    /// Beside a transfer only a login may be under way.
    transfer: Transfer,
    /// What the client has set; as of RFC 959 5.1 at the start and after REIN.
    parameters: Parameters,
    data: DataPlan,
    agreed: protection::Agreed,
    /// What the client has shown under TLS.
    certificate: Option<Certificate>,
    /// Commands that wait for the end of a transfer.
    queue: VecDeque<Waiting>,
    /// Bytes that they hold.
    queued: usize,
    out: VecDeque<Output>,
    begun: Instant,
    heard: Instant,
    idle: Duration,
    commands_before_login: u32,
    leaving: Leaving,
    /// What the command under way is about, for the line in the log that tells of its refusal.
    about: Option<About>,
    /// What the last command that was executed was to set.
    change: Option<Change>,
}

#[derive(Debug)]
enum About {
    /// A pathname as sent.
    File(Verb, Pathname),
    /// The user named in USER.
    User(Vec<u8>),
}

/// Where a login stands.
#[derive(Debug)]
enum Phase {
    AwaitUser,
    /// `anonymous`: any password will do.
    AwaitPassword {
        user: Vec<u8>,
        anonymous: bool,
    },
    Ready {
        pass: Pass,
        cwd: VPath,
    },
}

/// The short work that the session waits for.
#[derive(Debug)]
enum Busy {
    Nothing,
    Greeting,
    /// `anonymous`: the name is that of anonymous logins, and this server has none.
    Admitting {
        anonymous: bool,
    },
    File(files::Pending),
    Listening(parameters::Listening),
    Securing(Mechanism),
}

/// Where a transfer stands.
#[derive(Debug)]
enum Transfer {
    None,
    Opening(transfers::Running),
    Moving(transfers::Running),
    Aborting(transfers::Running),
}

/// Is the session about to end, and how?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// QUIT came during a transfer: 221 after it.
    Quit,
    /// It is to end for this reason: 421 after the transfer.
    Stop(Reason),
    /// [`Output::Close`] was said.
    Closed,
}

/// A line that was no command worth handling, kept in its place among the others.
#[derive(Debug)]
enum Refused {
    Line,
    /// Words of another protocol.
    Alien(Reason),
    Command(CommandError),
}

/// A command that waits for the end of a transfer.
#[derive(Debug)]
struct Waiting {
    command: Result<Command, Refused>,
    /// Bytes that it holds.
    weight: usize,
}

/// Bytes that waiting commands may hold, beside their number: pipelining clients send a handful of some dozen bytes each.
const QUEUED: usize = 16 * 1024;

#[derive(Debug)]
struct Parameters {
    kind: RepresentationType,
    /// The offset of REST, for the next transfer.
    restart: u64,
    /// The bytes of RANG, both inclusive, for the next download.
    range: Option<(u64, u64)>,
    rename_from: Option<VPath>,
    wanted: Wanted,
    hash: Algorithm,
    umask: Option<u32>,
    epsv_only: bool,
    host: Option<Vec<u8>>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            kind: RepresentationType::Ascii,
            restart: 0,
            range: None,
            rename_from: None,
            wanted: Wanted::default(),
            hash: Algorithm::default(),
            umask: None,
            epsv_only: false,
            host: None,
        }
    }
}

impl Session {
    /// A session that has just been accepted; the greeting is its first output.
    #[must_use]
    pub fn new(settings: Settings, peer: SocketAddr, local: SocketAddr, now: Instant) -> Self {
        let greeting = Reply::new(220, settings.site.greeting.clone());
        let idle = settings.site.deadlines.idle;
        let control = if settings.listener.implicit { Level::Protected } else { Level::Clear };
        Self {
            settings,
            peer,
            local,
            phase: Phase::AwaitUser,
            busy: Busy::Nothing,
            transfer: Transfer::None,
            parameters: Parameters::default(),
            data: DataPlan::None,
            agreed: protection::Agreed { control, ..protection::Agreed::default() },
            certificate: None,
            queue: VecDeque::new(),
            queued: 0,
            out: VecDeque::from([Output::Reply(greeting)]),
            begun: now,
            heard: now,
            idle,
            commands_before_login: 0,
            leaving: Leaving::No,
            about: None,
            change: None,
        }
    }

    /// The same, of a client that has shown a certificate before the greeting, under implicit TLS.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<Certificate>) -> Self {
        Self { certificate, ..self }
    }

    /// Takes what has happened.
    pub fn handle(&mut self, input: Input, now: Instant) {
        if self.leaving == Leaving::Closed {
            return;
        }
        match input {
            Input::Line(line) => self.line(line, now),
            Input::Greeted(prompt) => self.greeted(prompt, now),
            Input::Admitted(answer) => self.admitted(answer, now),
            Input::Banned => self.banned(),
            Input::File(outcome) => self.file_done(outcome),
            Input::Listening(outcome) => self.listening(outcome),
            Input::Secured(outcome) => {
                if let Busy::Securing(mechanism) = self.busy {
                    self.secured(mechanism, outcome, now);
                }
            }
            Input::Opened(opened) => self.opened(opened),
            Input::Transferred(end) => self.transferred(end, now),
            Input::Progress(bytes) => self.progress(bytes),
            Input::Tick => self.tick(now),
            Input::Stop(reason) => self.stop(reason),
        }
        self.go_on(now);
        // Only for what is refused at once; a session that idles holds nothing.
        self.about = None;
    }

    /// The next thing to do, until there is nothing.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// May the next line be given? Not while a short effect is under way, nor with a full queue.
    #[must_use]
    pub fn wants_line(&self) -> bool {
        match self.leaving {
            Leaving::Quit | Leaving::Closed => return false,
            // Until the transfer is over, the client may ask for it and give it up.
            Leaving::No | Leaving::Stop(_) => {}
        }
        match (&self.busy, &self.transfer) {
            (Busy::Nothing, Transfer::None) => true,
            (Busy::Nothing, Transfer::Opening(_) | Transfer::Moving(_)) => {
                let limits = &self.settings.site.limits;
                let fits = self.queue.is_empty() || self.queued + weight(limits.line) <= QUEUED;
                self.queue.len() < limits.queue && fits
            }
            (_, Transfer::Aborting(_))
            | (
                Busy::Greeting
                | Busy::Admitting { .. }
                | Busy::File(_)
                | Busy::Listening(_)
                | Busy::Securing(_),
                _,
            ) => false,
        }
    }

    /// Is nothing under way, neither short work nor a transfer?
    fn is_at_rest(&self) -> bool {
        matches!((&self.busy, &self.transfer), (Busy::Nothing, Transfer::None))
    }

    /// When [`Input::Tick`] is due, if nothing else comes first. The idle clock rests during a transfer.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            _ if !self.is_at_rest() => None,
            Phase::Ready { .. } => Some(self.heard + self.idle),
            Phase::AwaitUser | Phase::AwaitPassword { .. } => {
                Some(self.begun + self.settings.site.deadlines.login)
            }
        }
    }

    /// Has QUIT been said? Then the client may close as it likes.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving == Leaving::Quit
    }

    /// The user's name once logged in, for the log.
    #[must_use]
    pub fn user(&self) -> Option<&Arc<str>> {
        match &self.phase {
            Phase::Ready { pass, .. } => Some(pass.user()),
            _ => None,
        }
    }

    /// Is an anonymous user logged in?
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.logged_in().is_some_and(|(pass, _)| pass.is_anonymous())
    }

    fn line(&mut self, line: Result<wire::Line, wire::LineTooLong>, now: Instant) {
        self.heard = now;
        let command = match &line {
            Ok(line) if protection::is_http(line) => Err(Refused::Alien(Reason::Http)),
            Ok(line) if protection::is_proxy(line) => Err(Refused::Alien(Reason::ProxyHeader)),
            Ok(line) if is_tls(line) => Err(Refused::Alien(Reason::TlsTooSoon)),
            Ok(line) => Command::parse(line).map_err(Refused::Command),
            Err(_) => Err(Refused::Line),
        };
        let length = line.as_ref().map_or(0, Vec::len);
        let transferring = !matches!(self.transfer, Transfer::None);
        let is_ready = matches!(self.busy, Busy::Nothing) && self.queue.is_empty();
        match command {
            // A login behind commands that wait has its turn after them: they were said under the old one.
            Ok(command @ (Command::User(_) | Command::Pass(_) | Command::Rein)) if is_ready => {
                self.execute(Ok(command), now);
            }
            // STAT with a pathname is as long a work as others.
            Ok(command)
                if transferring
                    && command.verb().row().mid_transfer
                    && !matches!(
                        command,
                        Command::Stat(Some(_)) | Command::User(_) | Command::Pass(_) | Command::Rein
                    ) =>
            {
                self.during_transfer(command);
            }
            command if is_ready && !transferring => self.execute(command, now),
            // The driver asks `wants_line` first, so this is bounded by it.
            command => {
                // Where a pathname may be meant in two ways, both are kept.
                let copies =
                    if matches!(command, Ok(Command::Mdtm(_) | Command::Digest(..))) { 2 } else { 1 };
                let weight = weight(copies * length);
                self.queued += weight;
                self.queue.push_back(Waiting { command, weight });
            }
        }
    }

    /// Takes waiting commands up once nothing is under way, and leaves when that was asked for.
    fn go_on(&mut self, now: Instant) {
        while self.is_at_rest() && self.leaving != Leaving::Closed {
            match self.leaving {
                // What was said before QUIT has its answer before it.
                Leaving::Quit if self.queue.is_empty() => return self.close(Reply::new(221, "Goodbye.")),
                Leaving::Stop(reason) => {
                    self.event(None, None, Err(reason));
                    return self.close(reason.reply());
                }
                Leaving::Quit | Leaving::No | Leaving::Closed => {}
            }
            let Some(Waiting { command, weight }) = self.queue.pop_front() else { return };
            self.queued -= weight;
            if self.queue.is_empty() {
                // A session that idles holds no room for commands.
                self.queue = VecDeque::new();
            }
            self.execute(command, now);
        }
    }

    fn execute(&mut self, command: Result<Command, Refused>, now: Instant) {
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
            Err(Refused::Alien(reason)) => {
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

    /// A transfer uses its data connection up, also one that is refused before it begins: the client may sit at the
    /// passive port already, and is let go with FIN (some clients report a reset in place of the reply).
    fn give_up_plan(&mut self, verb: Verb) {
        let refused = self.is_at_rest() && verb.row().direction.is_some();
        if refused && self.data != DataPlan::None {
            self.data = DataPlan::None;
            self.effect(Effect::Unlisten);
        }
    }

    /// REST and RANG die at the next service verb; the verbs that only prepare a transfer leave them.
    fn forget_markers(&mut self, verb: Verb) {
        let keeps = matches!(
            verb,
            Verb::Rest
                | Verb::Rang
                | Verb::Pasv
                | Verb::Epsv
                | Verb::Port
                | Verb::Eprt
                | Verb::Type
                | Verb::Mode
                | Verb::Stru
                | Verb::Noop
                | Verb::Feat
                | Verb::Opts
                | Verb::Size
                | Verb::Mdtm
                | Verb::Allo
                | Verb::Pbsz
                | Verb::Prot
        );
        if !keeps {
            self.parameters.restart = 0;
            self.parameters.range = None;
        }
    }

    fn tick(&mut self, now: Instant) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        let reason = if self.user().is_some() { Reason::IdleTimeout } else { Reason::LoginTimeout };
        self.event(None, None, Err(reason));
        self.close(reason.reply());
    }

    fn stop(&mut self, reason: Reason) {
        if self.leaving == Leaving::No {
            self.leaving = Leaving::Stop(reason);
        }
    }

    /// The directory and the bearer; only called behind the policy, which lets nobody else through.
    fn logged_in(&self) -> Option<(&Pass, &VPath)> {
        match &self.phase {
            Phase::Ready { pass, cwd } => Some((pass, cwd)),
            _ => None,
        }
    }

    /// Resolves a pathname from the current directory, or refuses the command.
    fn resolve(&mut self, verb: Verb, path: &[u8]) -> Option<VPath> {
        let (pass, cwd) = self.logged_in()?;
        let refused = match cwd.join(path) {
            Ok(there) => {
                match policy::check(verb.row(), Some(pass.rights().at(&there)), &self.settings.listener) {
                    Ok(()) => return Some(there),
                    Err(reason) => reason,
                }
            }
            Err(error) => error.kind.into(),
        };
        self.refuse(Some(verb), None, refused);
        None
    }

    /// What the user may do at a pathname, or in the current directory; None before the login.
    fn rights_at(&self, path: Option<&Pathname>) -> Option<Rights> {
        let (pass, cwd) = self.logged_in()?;
        let rights = pass.rights();
        if rights.is_uniform() {
            return Some(rights.everywhere());
        }
        let there = path.and_then(|path| cwd.join(path.as_bytes()).ok());
        Some(rights.at(there.as_ref().unwrap_or(cwd)))
    }

    /// The login's pass, for an effect on files.
    fn pass(&self) -> Option<Pass> {
        self.logged_in().map(|(pass, _)| pass.clone())
    }

    fn say(&mut self, reply: Reply) {
        self.out.push_back(Output::Reply(reply));
    }

    fn reply(&mut self, code: u16, text: impl Into<std::borrow::Cow<'static, str>>) {
        self.say(Reply::new(code, text));
    }

    fn refuse(&mut self, verb: Option<Verb>, path: Option<VPath>, reason: Reason) {
        self.refuse_with(verb, path, reason, reason.text().to_owned());
    }

    fn refuse_with(&mut self, verb: Option<Verb>, path: Option<VPath>, reason: Reason, text: String) {
        self.event(verb, path, Err(reason));
        self.say(Reply::new(reason.code(), text));
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

    fn effect(&mut self, effect: Effect) {
        self.out.push_back(Output::Effect(effect));
    }

    /// The code of a success, or the reason of a refusal.
    fn event(&mut self, verb: Option<Verb>, path: Option<VPath>, outcome: Result<u16, Reason>) {
        let (code, reason) = (outcome.unwrap_or_else(Reason::code), outcome.err());
        let (mut named, mut detail) = (None, None);
        let mut path = path;
        match &self.about {
            Some(About::User(name)) if verb == Some(Verb::User) => named = Some(name.clone()),
            Some(About::File(of, about)) if verb == Some(*of) && path.is_none() => {
                let cwd = self.logged_in().map_or_else(VPath::root, |(_, cwd)| cwd.clone());
                path = cwd.join(about.as_bytes()).ok();
                // What can be no path is shown as it was sent, as far as a line of the log goes.
                detail = path
                    .is_none()
                    .then(|| wire::pathname::show(about.as_bytes()).chars().take(200).collect());
            }
            // Without a pathname a listing is of the current directory.
            _ if path.is_none() && verb.is_some_and(lists) => {
                path = self.logged_in().map(|(_, cwd)| cwd.clone())
            }
            _ => {}
        }
        let event = Event {
            verb,
            path,
            from: None,
            named,
            code,
            reason,
            bytes: None,
            change: self.change_by(verb),
            detail,
        };
        self.out.push_back(Output::Event(event));
    }

    /// What a command of this verb, the last one, was to set.
    fn change_by(&self, verb: Option<Verb>) -> Option<Change> {
        self.change.filter(|_| matches!(verb, Some(Verb::Site | Verb::Mfmt | Verb::Mff)))
    }

    fn close(&mut self, reply: Reply) {
        self.say(reply);
        self.out.push_back(Output::Close);
        self.leaving = Leaving::Closed;
        (self.queue, self.queued) = (VecDeque::new(), 0);
    }
}

fn lists(verb: Verb) -> bool {
    matches!(verb, Verb::List | Verb::Nlst | Verb::Mlsd | Verb::Mlst | Verb::Avbl)
}

/// Bytes that a waiting command of a line of this length holds.
fn weight(line: usize) -> usize {
    line + size_of::<Waiting>()
}
