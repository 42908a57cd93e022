//! How does a session begin?
//!
//! ```text
//!   AwaitGreeting --220--> [AwaitHost] --> AwaitUser --331--> AwaitPassword --332--> AwaitAccount
//!        | 120                                | 230               | 230                 | 230
//!        v                                    +---------+---------+---------------------+
//!   AwaitReadiness --220--> as above                    v
//!                                        AwaitFeatures --211--> [AwaitUtf8] --> AwaitType --200--> done
//! ```
//! With AUTH TLS the greeting leads to AwaitAuth --234--> AwaitTls, and only then to the host or the user;
//! with implicit TLS AwaitTls comes first. Under TLS the login leads to AwaitPbsz --> AwaitProt --200-->
//! AwaitFeatures. Nothing is ever said unencrypted once TLS was agreed on, in this session or in an earlier
//! one of the same run, and no data goes unencrypted because PROT was refused. Any 2yz accepts AUTH: servers
//! are known that say 200 in place of 234.
//!
//! A port that says nothing for a while is asked on another connection whether it waits for TLS.
//!
//! A 4yz or 5yz ends it where the login needs a yes; FEAT and OPTS may be refused by old servers without
//! harm. Some never answer FEAT, or hang up at it: [`Login::failed_at_features`] says so, and another session
//! does without. AUTH that is not answered, or ends the session, is an error: what is asked for unencrypted
//! after that would be what an attacker wants.
use std::time::{Duration, Instant};

use wire::command::Mechanism;
use wire::option::Opt;
use wire::pathname::show;
use wire::{Command, Protection, Reply, RepresentationType, Severity};

use super::credentials::Credentials;
use super::{Goal, Input, Outbox, Output, Patience, TlsAtOnce};
use crate::charset::Charset;
use crate::error::{Error, Unreachable, says_full};
use crate::event::{Event, said};
use crate::features::Features;
use crate::security::{Start, TlsMode, insecure};

/// RFC 959 lets a server say "ready in nnn minutes" (120) and then greet. Longer than this nobody waits for a
/// greeting by accident.
const READY: Duration = Duration::from_secs(120);

/// From the greeting to a session that is ready for files.
#[derive(Debug)]
pub struct Login {
    out: Outbox<Features>,
    credentials: Credentials,
    host: Option<Vec<u8>>,
    /// The server as it was named, and its port.
    server: (String, u16),
    tls: TlsMode,
    /// An earlier session of this run has agreed to TLS.
    agreed: bool,
    /// Names are not to be UTF-8.
    other_charset: bool,
    wire: Wire,
    features: Features,
    /// Is FEAT asked at all?
    asks_features: bool,
    /// It was said in an earlier session that there is no TLS.
    clear_is_told: bool,
    /// The session was lost at FEAT, or at OPTS, which follows from it.
    failed_at_features: bool,
    patience: Patience,
    /// What was said last, for the error.
    said: String,
    /// When that was.
    since: Instant,
    /// The longest time that an answer has taken.
    slowest: Duration,
    state: State,
    by: Instant,
    /// When the port is asked whether it waits for TLS; none where that is no question, or was one.
    probe: Option<Instant>,
}

/// What the control connection is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Clear,
    Protected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitGreeting,
    AwaitReadiness,
    AwaitAuth,
    /// The driver's handshake, within a time of its own.
    AwaitTls(Start),
    AwaitHost,
    AwaitUser,
    AwaitPassword,
    AwaitAccount,
    AwaitPbsz,
    AwaitProt,
    AwaitFeatures,
    AwaitUtf8,
    AwaitType,
    Ended,
}

impl Login {
    /// Logs in as `credentials`. `host` is said with HOST (RFC 7151) where a site of several names asks for
    /// it.
    #[must_use]
    pub fn new(credentials: Credentials, host: Option<Vec<u8>>, patience: Patience, now: Instant) -> Self {
        Self {
            out: Outbox::new(),
            credentials,
            host,
            server: ("the server".to_owned(), 21),
            tls: TlsMode::Off,
            agreed: false,
            other_charset: false,
            wire: Wire::Clear,
            features: Features::default(),
            asks_features: true,
            clear_is_told: false,
            failed_at_features: false,
            patience,
            said: "the connection".to_owned(),
            since: now,
            slowest: Duration::ZERO,
            state: State::AwaitGreeting,
            by: now + patience.reply,
            probe: Some(now + patience.greeting),
        }
    }

    /// Names the server in errors and warnings: its host as it was given, and its port.
    #[must_use]
    pub fn at(mut self, host: &str, port: u16) -> Self {
        self.server = (host.to_owned(), port);
        self
    }

    /// The server's host and port, an IPv6 address in brackets.
    fn endpoint(&self) -> String {
        match &self.server {
            (host, port) if host.contains(':') => format!("[{host}]:{port}"),
            (host, port) => format!("{host}:{port}"),
        }
    }

    /// Under TLS, as `tls` has it.
    #[must_use]
    pub fn under(mut self, tls: TlsMode) -> Self {
        self.tls = tls;
        if tls == TlsMode::Implicit {
            self.protect(Start::AtOnce);
        }
        self
    }

    /// Requires TLS of a server that agreed to it in an earlier session of this run: only an attacker takes
    /// it back.
    #[must_use]
    pub fn agreed_before(mut self, agreed: bool) -> Self {
        self.agreed = agreed;
        self
    }

    /// Does not say again that there is no TLS.
    #[must_use]
    pub fn clear_told_before(mut self, told: bool) -> Self {
        self.clear_is_told = told;
        self
    }

    /// Does not ask FEAT, of a server that does not survive it.
    #[must_use]
    pub fn without_features(mut self, without: bool) -> Self {
        self.asks_features = !without;
        self
    }

    /// Has it ended since FEAT, or OPTS UTF8 after it, was not answered, or has cut the session? Another
    /// session may come in
    /// [without](Self::without_features).
    #[must_use]
    pub fn failed_at_features(&self) -> bool {
        self.failed_at_features
    }

    /// Leaves a server that speaks UTF-8 too in its own charset, where names are written in that.
    #[must_use]
    pub fn naming_in(mut self, charset: Option<Charset>) -> Self {
        self.other_charset = charset.is_some();
        self
    }

    fn protect(&mut self, start: Start) {
        self.probe = None;
        self.out.push(Output::Protect(start));
        self.state = State::AwaitTls(start);
    }

    fn say(&mut self, command: Command, then: State, now: Instant) {
        self.said = said(&command);
        self.out.push(Output::Send(command));
        self.state = then;
        self.since = now;
        self.by = now + self.patience.reply;
    }

    /// Asks FEAT, where it is asked.
    fn ask_features(&mut self, now: Instant) {
        if !self.asks_features {
            self.typed(now);
            return;
        }
        self.say(Command::Feat, State::AwaitFeatures, now);
        self.by = now + self.patience.reply.min(self.patience.features + self.slowest * 3);
    }

    /// What was said last is not answered.
    fn silent(&mut self, now: Instant) {
        let waited = now.saturating_duration_since(self.since);
        match self.state {
            State::AwaitGreeting => {
                let (at, seconds) = (self.endpoint(), self.patience.reply.as_secs());
                self.no_greeting(format!("{at} sent no FTP greeting within {seconds} s"));
            }
            State::AwaitAuth => {
                self.auth_failed(&format!("it was not answered within {} s", waited.as_secs()))
            }
            _ => {
                self.failed_at_features = self.is_at_features();
                let error = Error::silent(&self.said, waited);
                self.end(Err(error));
            }
        }
    }

    /// The control connection is gone.
    fn lost(&mut self, error: Error) {
        if self.state == State::AwaitAuth {
            self.auth_failed(&error.to_string());
            return;
        }
        if self.state == State::AwaitGreeting {
            self.not_greeted(error);
            return;
        }
        self.failed_at_features = self.is_at_features();
        self.end(Err(error));
    }

    fn no_greeting(&mut self, what: String) {
        self.end(Err(Error::Unreachable(Unreachable::NoGreeting { what })));
    }

    /// The connection ended in place of a greeting, or something else came.
    fn not_greeted(&mut self, error: Error) {
        let at = self.endpoint();
        match error {
            Error::Broken { what, .. } => self.no_greeting(format!("{at} sent no FTP greeting: {what}")),
            Error::Nonsense { what } => {
                let text = what.split_once('"').and_then(|(_, text)| text.strip_suffix('"'));
                match text.and_then(|text| Some((protocol(text)?, text))) {
                    Some((protocol, text)) => self.other_protocol(protocol, text),
                    None => self.no_greeting(format!("{at} is not an FTP server: {what}")),
                }
            }
            other => self.end(Err(other)),
        }
    }

    fn other_protocol(&mut self, protocol: &str, text: &str) {
        let what = format!("{} is {protocol}, not FTP: \"{text}\"", self.endpoint());
        self.end(Err(Error::Unreachable(Unreachable::OtherProtocol { what })));
    }

    fn is_at_features(&self) -> bool {
        matches!(self.state, State::AwaitFeatures | State::AwaitUtf8)
    }

    fn auth_failed(&mut self, why: &str) {
        self.end(Err(insecure(
            format!("asking for TLS (AUTH TLS) failed: {why}"),
            "--tls off connects without TLS: the password and the files are then sent unencrypted",
        )));
    }

    fn end(&mut self, result: Result<Features, Error>) {
        self.state = State::Ended;
        self.out.push(Output::Done(result));
    }

    fn refuse(&mut self, reply: Reply) {
        let said = std::mem::take(&mut self.said);
        // A 421 before the login is a site that says no (too many sessions, banned), not a session that
        // broke.
        self.end(Err(Error::Refused { said, reply }));
    }

    fn user(&mut self, now: Instant) {
        let user = std::mem::take(&mut self.credentials.user);
        self.say(Command::User(user), State::AwaitUser, now);
    }

    fn greeted(&mut self, now: Instant) {
        match (self.wire, self.tls) {
            (Wire::Clear, TlsMode::Offered | TlsMode::Required) => {
                self.say(Command::Auth(Mechanism::Tls), State::AwaitAuth, now);
            }
            _ => self.introduce(now),
        }
    }

    /// The server has no TLS for us.
    fn no_auth(&mut self, reply: &Reply, now: Instant) {
        let answer = format!("{} {}", reply.code, show(reply.text()));
        if self.agreed {
            self.end(Err(insecure(
                format!("{} used TLS earlier in this command and now refuses it ({answer})", self.endpoint()),
                "someone between you and the server may be blocking TLS; the password was not sent again",
            )));
        } else if self.tls == TlsMode::Offered {
            if !self.clear_is_told {
                let anonymous = self.credentials.is_anonymous();
                let (host, port) = self.server.clone();
                self.out.push(Output::Tell(Event::Clear { host, port, anonymous, why: answer }));
            }
            self.introduce(now);
        } else {
            self.end(Err(Error::NoTls { answer }));
        }
    }

    fn logged_in(&mut self, now: Instant) {
        match self.wire {
            // The size has no meaning under TLS, but RFC 4217 8 wants it said before PROT.
            Wire::Protected => self.say(Command::Pbsz(0), State::AwaitPbsz, now),
            Wire::Clear => self.ask_features(now),
        }
    }

    fn introduce(&mut self, now: Instant) {
        match self.host.take() {
            Some(host) => self.say(Command::Host(host), State::AwaitHost, now),
            None => self.user(now),
        }
    }

    fn password(&mut self, now: Instant) {
        let password = self.credentials.password.clone();
        self.say(Command::Pass(password), State::AwaitPassword, now);
    }

    fn account(&mut self, reply: Reply, now: Instant) {
        match self.credentials.account.take() {
            Some(account) => self.say(Command::Acct(account), State::AwaitAccount, now),
            None => self.refuse(reply),
        }
    }

    fn typed(&mut self, now: Instant) {
        self.say(Command::Type(RepresentationType::Image), State::AwaitType, now);
    }

    fn heard(&mut self, reply: Reply, now: Instant) {
        use Severity::{Completion, Intermediate, Permanent, Preliminary, Transient};
        let (code, severity) = (reply.code.get(), reply.code.severity());
        if self.state == State::AwaitGreeting
            && let Some(protocol) = protocol(&show(reply.text()))
        {
            self.other_protocol(protocol, &format!("{code} {}", show(reply.text())));
            return;
        }
        if code == 421 && !matches!(self.state, State::Ended | State::AwaitTls(_)) {
            if self.state == State::AwaitAuth && !says_full(&reply) {
                self.auth_failed(&format!("the server ended the session: 421 {}", show(reply.text())));
                return;
            }
            self.failed_at_features = self.is_at_features();
            self.refuse(reply);
            return;
        }
        if severity != Preliminary && self.state != State::AwaitGreeting {
            self.slowest = self.slowest.max(now.saturating_duration_since(self.since));
        }
        match (self.state, severity) {
            (State::AwaitGreeting, Preliminary) if code == 120 => {
                self.state = State::AwaitReadiness;
                self.by = now + READY;
            }
            (_, Preliminary) => {}
            (State::AwaitGreeting | State::AwaitReadiness, Completion) => self.greeted(now),
            (State::AwaitAuth, Completion) => self.protect(Start::AfterAuth),
            // Servers from before RFC 4217: TLS follows it as it does a 234.
            (State::AwaitAuth, Intermediate) if code == 334 => self.protect(Start::AfterAuth),
            // 335 and the like ask for security data (RFC 2228), of which TLS has none.
            (State::AwaitAuth, Intermediate) => {
                self.auth_failed(&format!("{code} {} is no answer to it", show(reply.text())));
            }
            (State::AwaitAuth, Transient | Permanent) => self.no_auth(&reply, now),
            (State::AwaitHost, Completion) => self.user(now),
            (State::AwaitPbsz, _) => {
                self.say(Command::Prot(Protection::Private), State::AwaitProt, now);
            }
            (State::AwaitProt, Completion) => self.ask_features(now),
            (State::AwaitProt, _) => self.end(Err(insecure(
                format!(
                    "the server refuses to protect data connections: PROT P was answered with {code} {}",
                    show(reply.text())
                ),
                "--tls off connects without TLS: the password and the files are then sent unencrypted",
            ))),
            // 332 asks for the account, 331 and 336 for the password.
            (State::AwaitUser, Intermediate) if code == 332 => self.account(reply, now),
            (State::AwaitUser, Intermediate) => self.password(now),
            (State::AwaitPassword, Intermediate) if code == 332 => self.account(reply, now),
            (State::AwaitUser | State::AwaitPassword | State::AwaitAccount, Completion) => {
                self.logged_in(now)
            }
            (State::AwaitFeatures, _) => {
                if severity == Completion {
                    self.features = Features::from_reply(&reply);
                }
                if self.features.has("UTF8") && !self.other_charset {
                    self.say(Command::Opts(Opt::Utf8(true)), State::AwaitUtf8, now);
                } else {
                    self.typed(now);
                }
            }
            // Names are sent as the bytes they are; a server that does not switch to UTF-8 gets the same
            // bytes.
            (State::AwaitUtf8, _) => self.typed(now),
            (State::AwaitType, Completion) => {
                let features = std::mem::take(&mut self.features);
                self.end(Ok(features));
            }
            (_, Transient | Permanent) => self.refuse(reply),
            // Nothing is heard during the handshake.
            (State::Ended | State::AwaitTls(_), _) => {}
            (_, Intermediate) => {
                let error = Error::nonsense(&self.said, &reply);
                self.end(Err(error));
            }
        }
    }
}

/// The protocol that a first line shows, where it is another one than FTP: before anything is said to it.
fn protocol(line: &str) -> Option<&'static str> {
    let upper = line.to_ascii_uppercase();
    match () {
        () if upper.starts_with("SSH-") => Some("an SSH server"),
        () if upper.starts_with("HTTP/") || upper.starts_with("<HTML") || upper.starts_with("<!DOCTYPE") => {
            Some("a web server (HTTP)")
        }
        () if upper.starts_with("+OK") => Some("a mail server (POP3)"),
        () if upper.starts_with("* OK") || upper.starts_with("* PREAUTH") => Some("a mail server (IMAP)"),
        // A server of FTP may speak of mail in its greeting.
        () if upper.contains("SMTP") && !upper.contains("FTP") => Some("a mail server (SMTP)"),
        () => None,
    }
}

impl Goal for Login {
    type Gain = Features;

    fn handle(&mut self, input: Input, now: Instant) {
        if self.state == State::Ended {
            return;
        }
        match input {
            Input::Reply(reply) => {
                self.probe = None;
                self.heard(reply, now);
            }
            Input::Probed(TlsAtOnce::Yes) if self.state == State::AwaitGreeting => self.end(Err(insecure(
                "no greeting came, and the port answers TLS: it is one for implicit TLS",
                "write ftps:// with this port, or --tls implicit",
            ))),
            Input::Lost(error) => self.lost(error),
            Input::NotProtected(error) => self.end(Err(error)),
            Input::Protected => {
                if let State::AwaitTls(start) = self.state {
                    self.wire = Wire::Protected;
                    self.by = now + self.patience.reply;
                    match start {
                        Start::AtOnce => self.state = State::AwaitGreeting,
                        Start::AfterAuth => self.introduce(now),
                    }
                }
            }
            _ if matches!(self.state, State::AwaitTls(_)) => {}
            _ if now >= self.by => self.silent(now),
            _ if self.probe.is_some_and(|at| now >= at) => {
                self.probe = None;
                self.out.push(Output::Probe);
            }
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Output<Features>> {
        self.out.pop()
    }

    fn deadline(&self) -> Option<Instant> {
        let by = self.probe.map_or(self.by, |probe| probe.min(self.by));
        (!matches!(self.state, State::Ended | State::AwaitTls(_))).then_some(by)
    }
}

#[cfg(test)]
mod tests;
