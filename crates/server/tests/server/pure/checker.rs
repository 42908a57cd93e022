//! What does the model know, and how does it judge?
use super::*;

/// Commands that may wait for the end of a transfer.
pub(super) const QUEUE: usize = 5;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A session never looks into the tree: that is for those who do what it asks. Any tree will do.
static TREE: LazyLock<Arc<dyn Tree>> = LazyLock::new(|| {
    Arc::new(
        Local::open(&std::env::temp_dir(), LocalOptions::default()).expect("the folder for temporary files"),
    )
});

/// A session, the model beside it, and what is owed.
pub(super) struct Checker {
    session: Session,
    now: Instant,
    waiting: Option<Waiting>,
    /// A login is checked beside a transfer.
    admitting: bool,
    /// Lines whose final reply is owed, in the order they are carried out; those that act in a transfer at
    /// once are not among them.
    owed: VecDeque<Result<Command, Bad>>,
    abort: Abort,
    /// The transfer has had its 1yz.
    begun: bool,
    /// The command whose reply is owed first has begun a transfer, under the login of that moment.
    under_way: bool,
    /// QUIT was said in a transfer.
    quit: bool,
    stopped: bool,
    closed: bool,
    model: Model,
}

/// How far is an ABOR? Its transfer is answered first, and then it, with 226.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Abort {
    No,
    /// Its transfer ends with this code.
    Stopping(u16),
    Stopped,
}

/// What a line was that was no command.
#[derive(Debug)]
pub(super) enum Bad {
    TooLong,
    /// It speaks another protocol.
    Alien,
    Command(CommandError),
}

/// What the session waits for.
#[derive(Debug)]
enum Waiting {
    Admit,
    File(FileOp),
    Listen,
    Opening { digest: bool },
    Moving { digest: bool },
    Abort,
}

/// What the standards say a session remembers.
#[derive(Debug, Default)]
struct Model {
    logged_in: bool,
    /// USER was said, and no PASS behind it.
    named: bool,
    image: bool,
    rename: bool,
    restart: u64,
    range: Option<(u64, u64)>,
}

impl Checker {
    pub(super) fn new() -> Self {
        let mut settings = plain();
        settings.limits.queue = QUEUE;
        let now = Instant::now();
        let session =
            Session::new(settings.into(), SocketAddr::new(PEER, 50_000), SocketAddr::new(LOCAL, 21), now);
        let mut checker = Self {
            session,
            now,
            waiting: None,
            admitting: false,
            owed: VecDeque::new(),
            abort: Abort::No,
            begun: false,
            under_way: false,
            quit: false,
            stopped: false,
            closed: false,
            model: Model::default(),
        };
        let Some(Output::Reply(greeting)) = checker.session.poll() else {
            panic!("a session begins with its greeting")
        };
        assert_eq!(greeting.code.get(), 220);
        checker.drain(None);
        checker
    }

    /// Does it wait for the outcome of something?
    pub(super) fn waits(&self) -> bool {
        self.waiting.is_some() || self.admitting
    }

    fn transferring(&self) -> bool {
        matches!(self.waiting, Some(Waiting::Opening { .. } | Waiting::Moving { .. } | Waiting::Abort))
    }

    /// A line, if the session would have one.
    pub(super) fn line(&mut self, line: Result<wire::Line, LineTooLong>) {
        if !self.session.wants_line() {
            // It may refuse to read for a reason only: something is under way, or it is about to end.
            assert!(self.closed || self.quit || self.stopped || self.waits(), "nothing is under way");
            return;
        }
        let command = match &line {
            Ok(line) if is_alien(line) => Err(Bad::Alien),
            Ok(line) => Command::parse(line).map_err(Bad::Command),
            Err(_) => Err(Bad::TooLong),
        };
        let at_once = match &command {
            Ok(Command::Abor | Command::Quit | Command::Noop | Command::Stat(None)) => self.transferring(),
            // RFC 959 4.1.1; behind commands that wait it has its turn after them.
            Ok(Command::User(_) | Command::Pass(_) | Command::Rein) => {
                self.transferring() && self.owed.len() == 1
            }
            _ => false,
        };
        let input = Input::Line(line);
        if !at_once {
            self.owed.push_back(command);
            self.session.handle(input, self.now);
            return self.drain(None);
        }
        self.session.handle(input, self.now);
        match command {
            Ok(Command::Abor) => {
                self.drain(None);
                assert!(matches!(self.waiting, Some(Waiting::Abort)), "ABOR stops a transfer at once");
                self.abort = Abort::Stopping(426);
            }
            Ok(Command::Quit) => {
                self.drain(None);
                self.quit = true;
                assert!(!self.closed, "QUIT lets a transfer finish");
            }
            Ok(Command::Noop) => self.drain(Some(200)),
            Ok(Command::Pass(_)) if self.model.named => {
                self.model.named = false;
                self.drain(None);
                assert!(self.closed || self.admitting, "a login begins beside a transfer");
            }
            Ok(Command::Pass(_)) => self.drain(Some(if self.model.logged_in { 202 } else { 503 })),
            Ok(Command::User(_)) => self.beside(&command, 331),
            Ok(Command::Rein) => self.beside(&command, 220),
            _ => self.drain(Some(211)),
        }
        assert!(self.closed || self.transferring(), "the transfer goes on");
    }

    fn beside(&mut self, command: &Result<Command, Bad>, code: u16) {
        self.drain(Some(code));
        self.model.finished(command, code);
    }

    /// The login that was begun beside a transfer.
    fn admitted(&mut self, choice: u8) {
        self.admitting = false;
        let input = admission(choice);
        let code = match &input {
            Input::Admitted(Ok(_)) => 230,
            Input::Admitted(Err(Denied::Unavailable)) => 451,
            Input::Admitted(Err(_)) => 530,
            _ => 421,
        };
        self.session.handle(input, self.now);
        self.drain((code != 421).then_some(code));
        self.model.logged_in |= code == 230;
    }

    /// What is waited for comes; `choice` says how.
    pub(super) fn outcome(&mut self, choice: u8) {
        if self.admitting && (self.waiting.is_none() || !choice.is_multiple_of(3)) {
            return self.admitted(choice);
        }
        let Some(waiting) = self.waiting.take() else { return };
        let (good, even) = (choice < 200, choice.is_multiple_of(2));
        let input = match waiting {
            Waiting::Admit => admission(choice),
            Waiting::File(_) if !good => {
                let kinds = [Kind::NotFound, Kind::Denied, Kind::Io, Kind::NotEmpty, Kind::Outside];
                Input::File(Err(kinds[usize::from(choice) % kinds.len()].into()))
            }
            Waiting::File(op) => Input::File(Ok(match op {
                FileOp::Stat(_) => {
                    FileDone::Stat(stat(if even { FileType::Directory } else { FileType::File }))
                }
                FileOp::Space(_) => FileDone::Space(1 << 40),
                FileOp::Lines(..) => {
                    let follows = if even { Follows::TooMany } else { Follows::Nothing };
                    FileDone::Lines(vec![b"a line".to_vec()], follows)
                }
                _ => FileDone::Done,
            })),
            Waiting::Listen if good => Input::Listening(Ok((LOCAL, 60_000))),
            Waiting::Listen => Input::Listening(Err(Reason::NoPort)),
            Waiting::Opening { digest } if good => {
                self.waiting = Some(Waiting::Moving { digest });
                Input::Opened(Opened { size: (even).then_some(9), name: None })
            }
            Waiting::Moving { digest } if good => {
                let digest = digest.then(|| ("d".repeat(64), 9));
                Input::Transferred(Outcome { digest, ..ended(9, None) })
            }
            Waiting::Opening { .. } => Input::Transferred(ended(0, Some(Reason::NotFound))),
            Waiting::Moving { .. } => Input::Transferred(ended(4, Some(Reason::PeerBroke))),
            Waiting::Abort => {
                // An upload that was being published already cannot be stopped any more.
                let up = matches!(
                    self.owed.front(),
                    Some(Ok(Command::Stor(_) | Command::Appe(_) | Command::Stou(_)))
                );
                let late = up && !even;
                self.abort = Abort::Stopping(if late { 226 } else { 426 });
                Input::Transferred(ended(4, (!late).then_some(Reason::Aborted)))
            }
        };
        self.session.handle(input, self.now);
        self.drain(None);
    }

    pub(super) fn time(&mut self, passes: Duration) {
        self.now += passes;
        let due = self.session.deadline().is_some_and(|at| at <= self.now);
        self.session.handle(Input::Tick, self.now);
        self.drain(None);
        assert!(self.closed || !due, "a deadline that is due ends the session");
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.session.handle(Input::Stop(Reason::Stopping), self.now);
        self.drain(None);
        assert!(self.closed || self.waits(), "only what is under way holds the end up");
    }

    /// Nothing is under way: then nothing is owed either.
    pub(super) fn at_rest(&self) {
        assert!(!self.waits());
        assert!(self.closed || self.owed.is_empty(), "no reply came to {:?}", self.owed);
        assert!(self.closed || !self.quit && !self.stopped, "it should have ended");
    }

    /// Takes all outputs and judges them. `aside` is the reply to a command that acts in a transfer at once.
    fn drain(&mut self, mut aside: Option<u16>) {
        let mut goodbye = None;
        while let Some(output) = self.session.poll() {
            assert!(!self.closed, "{output:?} after the end");
            match output {
                Output::Event(_) | Output::Part(_, Part::First | Part::Middle) => {}
                Output::Effect(Effect::Progress) => {
                    assert!(self.transferring());
                    self.session.handle(Input::Progress(7), self.now);
                }
                Output::Effect(Effect::Greet(..)) => {
                    self.session.handle(Input::Greeted(Prompt::Password), self.now);
                }
                Output::Effect(effect) => self.effect(effect),
                Output::Reply(reply) | Output::Part(reply, Part::Whole | Part::Last) => {
                    let code = reply.code.get();
                    assert!(goodbye.is_none(), "{code} after {goodbye:?}");
                    match code {
                        // These end a session, the reply to a command or not.
                        221 | 421 => goodbye = Some(code),
                        // A client that speaks something else is told so once.
                        500 if matches!(self.owed.front(), Some(Err(Bad::Alien))) => goodbye = Some(code),
                        _ if aside == Some(code) => aside = None,
                        _ => self.reply(&reply),
                    }
                }
                Output::Close => {
                    assert!(goodbye.is_some(), "closed without a word");
                    assert!(
                        matches!(goodbye, Some(421 | 500))
                            || self.owed.is_empty()
                            || self.only_quit_is_owed(),
                        "no reply came to {:?}",
                        self.owed
                    );
                    (goodbye, self.closed, self.waiting) = (None, true, None);
                    self.admitting = false;
                }
            }
        }
        assert!(goodbye.is_none(), "{goodbye:?} and no end");
        assert!(self.closed || aside.is_none(), "{aside:?} did not come at once");
        assert!(self.owed.len() <= 1 + QUEUE, "the queue has no bound");
        assert!(self.closed || self.waits() || self.abort == Abort::No, "ABOR has no answer");
        assert!(self.closed || self.waits() || self.owed.is_empty(), "no reply came to {:?}", self.owed);
    }

    fn only_quit_is_owed(&self) -> bool {
        self.owed.len() == 1 && matches!(self.owed.front(), Some(Ok(Command::Quit)))
    }

    fn reply(&mut self, reply: &Reply) {
        let code = reply.code.get();
        if code < 200 {
            assert!(
                matches!(self.waiting, Some(Waiting::Moving { digest: false })),
                "{code} belongs to a transfer"
            );
            let verb = self.owed.front().and_then(|c| c.as_ref().ok()).map(Command::verb);
            assert!(verb.is_some_and(|v| v.row().direction.is_some()), "{code} to {verb:?}");
            assert!(!std::mem::replace(&mut self.begun, true), "two marks");
            return;
        }
        match self.abort {
            Abort::No => {}
            Abort::Stopping(wanted) => {
                assert_eq!(code, wanted, "a transfer that ABOR stops");
                self.abort = Abort::Stopped;
            }
            Abort::Stopped => {
                assert_eq!(code, 226, "ABOR is answered right behind its transfer");
                self.abort = Abort::No;
                return;
            }
        }
        let command = self.owed.pop_front().unwrap_or_else(|| panic!("{reply:?} to nothing"));
        // A transfer ends under the login that it was begun under.
        let now = self.model.logged_in;
        self.model.logged_in |= self.under_way;
        self.model.finished(&command, code);
        if std::mem::take(&mut self.under_way) {
            self.model.logged_in = now;
        }
    }

    fn effect(&mut self, effect: Effect) {
        // The port is given up beside or behind a reply.
        if matches!(effect, Effect::Unlisten) {
            return;
        }
        if matches!(effect, Effect::Admit { .. }) && self.transferring() {
            assert!(!std::mem::replace(&mut self.admitting, true), "two logins at once");
            return;
        }
        let command = match self.owed.front() {
            Some(Ok(command)) => command.clone(),
            // ABOR is not among those that are owed.
            other => panic!("{effect:?} for {other:?}"),
        };
        let waiting = match effect {
            Effect::Admit { .. } => Waiting::Admit,
            Effect::Listen(_) => {
                assert!(self.model.logged_in);
                Waiting::Listen
            }
            Effect::File(_, op) => {
                assert!(self.model.logged_in, "{op:?} before a login");
                assert!(!matches!(op, FileOp::Rename(..)) || self.model.rename, "RNTO without RNFR");
                Waiting::File(op)
            }
            Effect::Transfer(plan) => {
                assert!(self.model.logged_in, "{plan:?} before a login");
                self.begun = false;
                self.under_way = true;
                Waiting::Opening { digest: self.model.judge(&command, &plan) }
            }
            Effect::Abort => {
                assert!(self.transferring());
                Waiting::Abort
            }
            Effect::Progress | Effect::Unlisten => return,
            Effect::Secure(_) | Effect::Unsecure(_) | Effect::Greet(..) => {
                panic!("TLS is off in this site, and a greeting is answered at once")
            }
        };
        assert!(matches!(waiting, Waiting::Abort) || self.waiting.is_none(), "two things at once");
        self.waiting = Some(waiting);
    }
}

impl Model {
    /// Is it the transfer that the commands before it have prepared? True for a digest.
    fn judge(&self, command: &Command, plan: &Plan) -> bool {
        let text = !self.image;
        let stores = matches!(plan.what, What::Store { .. });
        match plan.pass.rights().everywhere() {
            Rights::Read => assert!(!stores, "a reader stores nothing"),
            Rights::Drop => assert!(stores, "a drop box shows nothing"),
            Rights::Write => {}
        }
        match (&plan.what, command) {
            (What::Retrieve { start, end, .. }, Command::Retr(_)) => {
                assert_eq!((*start, *end), self.bytes());
                assert_eq!(plan.ascii, text);
            }
            (What::Store { how, .. }, Command::Stor(_)) => {
                assert!(!text || self.restart == 0, "an upload of text is not restarted");
                let wanted = match (self.restart, plan.pass.rights().everywhere()) {
                    (0, Rights::Drop) => Create::New,
                    (_, Rights::Drop) => panic!("a drop box continues nothing"),
                    (0, _) => Create::Replace,
                    (at, _) => Create::Resume { at },
                };
                assert_eq!((*how, plan.ascii), (wanted, text));
            }
            (What::Store { how, .. }, Command::Appe(_)) => {
                assert!(!text || self.restart == 0, "an upload of text is not restarted");
                assert_eq!(*how, Create::Append { at: Some(self.restart).filter(|at| *at > 0) });
            }
            (What::Store { how, .. }, Command::Stou(_)) => assert_eq!(*how, Create::Unique),
            (What::List { .. }, Command::List(_) | Command::Nlst(_) | Command::Mlsd(_)) => {
                assert!(!plan.ascii)
            }
            (What::Digest { start, end, .. }, Command::Hash(_)) => {
                assert_eq!((*start, *end), self.bytes());
                assert_eq!(plan.data, DataPlan::None);
                return true;
            }
            (What::Digest { .. }, Command::Digest(..)) => return true,
            (what, command) => panic!("{what:?} for {command:?}"),
        }
        assert_ne!(plan.data, DataPlan::None);
        false
    }

    fn bytes(&self) -> (u64, Option<u64>) {
        self.range.map_or((self.restart, None), |(first, last)| (first, Some(last + 1)))
    }

    /// A line has had its final reply.
    fn finished(&mut self, line: &Result<Command, Bad>, code: u16) {
        let verb = match line {
            Ok(command) => Some(command.verb()),
            Err(Bad::Command(CommandError::Argument(verb, _) | CommandError::Parameter(verb, _))) => {
                Some(*verb)
            }
            Err(Bad::Command(CommandError::Protocol)) => Some(Verb::Eprt),
            Err(Bad::Command(CommandError::Unknown) | Bad::TooLong) => None,
            Err(Bad::Alien) => panic!("{code} to another protocol, and no end"),
        };
        if let Ok(command) = line {
            let row = command.verb().row();
            if row.served && row.needs_login && !self.logged_in {
                assert_eq!(code, 530, "{command:?} before a login");
            }
            if matches!(command, Command::Rnto(_)) && self.logged_in && !self.rename {
                assert!(matches!(code, 503 | 550), "RNTO without RNFR: {code}");
            }
        }
        self.rename = matches!((line, code), (Ok(Command::Rnfr(_)), 350));
        if verb.is_some_and(|verb| !survives(verb)) {
            (self.restart, self.range) = (0, None);
        }
        match (line, code) {
            (Ok(Command::User(_)), 331) => (self.logged_in, self.named) = (false, true),
            (Ok(Command::Pass(_)), _) => {
                self.named = false;
                self.logged_in |= code == 230;
            }
            (Ok(Command::Rein), 220) => *self = Self::default(),
            (Ok(Command::Type(kind)), 200) => self.image = *kind != wire::RepresentationType::Ascii,
            (Ok(Command::Rest(marker)), 350) => (self.restart, self.range) = (marker.0, None),
            (Ok(Command::Rang(range)), 350) => (self.restart, self.range) = (0, *range),
            // One that is not understood leaves none that was set before.
            (Err(Bad::Command(CommandError::Argument(Verb::Rest | Verb::Rang, _))), _) => {
                (self.restart, self.range) = (0, None);
            }
            _ => {}
        }
    }
}

/// What becomes of a login.
fn admission(choice: u8) -> Input {
    match choice {
        0..200 => {
            let rights = [Rights::Write, Rights::Drop, Rights::Write, Rights::Read][usize::from(choice % 4)];
            let admission = Admission::new("anonymous", rights, Arc::clone(&TREE));
            Input::Admitted(Ok(Admission { anonymous: true, ..admission }))
        }
        200..225 => Input::Admitted(Err(Denied::WrongPassword)),
        225..250 => Input::Admitted(Err(Denied::Unavailable)),
        _ => Input::Banned,
    }
}

/// Is it the beginning of TLS, a line of HTTP, or a header of the PROXY protocol (of version 2: the end of
/// its signature)?
fn is_alien(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let http = ["GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "CONNECT "];
    line.starts_with(b"\x16\x03")
        || line == b"\0"
        || text.starts_with("PROXY TCP")
        || text.starts_with("PROXY UNKNOWN")
        || http.iter().any(|method| text.strip_prefix(method).is_some_and(|rest| rest.contains('/')))
}

/// Does REST live through it? Through what prepares a transfer it must; through what only asks it may.
fn survives(verb: Verb) -> bool {
    use Verb::{Allo, Eprt, Epsv, Feat, Mdtm, Mode, Noop, Opts, Pasv, Port, Rang, Rest, Size, Stru, Type};
    matches!(
        verb,
        Pasv | Epsv
            | Port
            | Eprt
            | Type
            | Mode
            | Stru
            | Rest
            | Rang
            | Noop
            | Feat
            | Opts
            | Size
            | Mdtm
            | Allo
    )
}

pub(super) fn ended(bytes: u64, broken: Option<Reason>) -> Outcome {
    Outcome { bytes, broken, ..Outcome::default() }
}

fn stat(kind: FileType) -> Stat {
    Stat {
        target: None,
        access: storage::Access::ALL,
        kind,
        size: 9,
        modified: Time::default(),
        created: None,
        posix: None,
        unique: None,
    }
}
