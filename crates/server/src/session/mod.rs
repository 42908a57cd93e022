//! What does each command mean? The Server-PI (RFC 959 2.3) as a pure state machine.
//!
//! Lines and outcomes go in by [`Session::handle`], replies and effects come out by [`Session::poll`]; time
//! is an argument. Nothing here waits, reads or writes.
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
//! Invariants, tested as properties: every command gets exactly one final reply and at most one 1yz before
//! it; during a transfer ABOR, STAT, NOOP and QUIT act at once, USER, PASS and REIN too where no other
//! command waits (RFC 959 4.1.1: the transfer completes under the old login), and the rest waits in a bounded
//! queue; RNFR dies at anything but RNTO; REST survives PASV, EPSV, PORT, EPRT and TYPE and dies at the next
//! service verb.

mod commands;
mod files;
mod foreign;
mod information;
mod login;
mod parameters;
pub(crate) mod pass;
mod protection;
mod state;
mod transfers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::{Certificate, Rights, VPath};
use wire::{Command, Pathname, Reply, Verb};

use crate::effect::{Change, DataPlan, Effect, Event, Input, Output};
use crate::policy;
use crate::reason::Reason;
use crate::settings::Settings;

use state::{
    About, Agreed, Busy, Leaving, Level, Parameters, Phase, QUEUED, Refused, Transfer, Waiting, weight,
};

pub(crate) use foreign::is_tls;
pub use pass::Pass;

/// One control connection's dialogue, from the server's side.
///
/// # How to drive it
///
/// It does no I/O and has no clock. Its driver calls four kinds of method, in this order, again and
/// again:
///
/// 1. [`Session::poll`] until it gives nothing: write the replies, carry out the effects, log the events,
///    close.
/// 2. [`Session::wants_line`]: if so, and a line has come, [`Session::handle`] it as [`Input::Line`]. Lines
///    are not given otherwise: the socket is to be left unread, so that the client waits.
/// 3. [`Session::handle`] what comes of an effect. Short ones ([`Effect::File`], [`Effect::Listen`] ...) have
///    one outcome each, and at most one is under way. [`Effect::Transfer`] has [`Input::Opened`] and then
///    [`Input::Transferred`], or the latter alone; commands may come meanwhile.
/// 4. [`Session::deadline`]: when that time has come, [`Session::handle`] an [`Input::Tick`].
///
/// A transfer that is stopped for [`Effect::Abort`] has an [`Input::Transferred`] too. After
/// [`Output::Close`] nothing follows. `driver.rs` drives it with sockets, the tests of this crate without.
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
    agreed: Agreed,
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
            agreed: Agreed { control, ..Agreed::default() },
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
                self.queue.len() < limits.queue.max(1) && fits
            }
            _ => false,
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
            Ok(line) => match foreign::protocol(line) {
                Some(reason) => Err(Refused::Foreign(reason)),
                None => Command::parse(line).map_err(Refused::Command),
            },
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

    /// The login and its current directory; only asked for behind the policy, which refuses everybody else.
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
        let change = self.change_by(verb);
        let event = Event { verb, path, named, code, reason, change, detail, ..Event::default() };
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
