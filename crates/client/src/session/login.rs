//! How does a session begin?
//!
//! ```text
//!   AwaitGreeting --220--> [AwaitHost] --> AwaitUser --331--> AwaitPassword --332--> AwaitAccount
//!        | 120                                | 230               | 230                 | 230
//!        v                                    +---------+---------+---------------------+
//!   AwaitReadiness --220--> as above                    v
//!                                        AwaitFeatures --211--> [AwaitUtf8] --> AwaitType --200--> done
//! ```
//! With AUTH TLS the greeting leads to AwaitAuth --234--> AwaitTls, and only then to the host or the user; with implicit TLS
//! AwaitTls comes first. Under TLS the login leads to AwaitPbsz --> AwaitProt --200--> AwaitFeatures. Nothing is ever said
//! unencrypted once TLS was agreed on, in this session or in an earlier one of the same run, and no data goes unencrypted
//! because PROT was refused. Any 2yz accepts AUTH: servers are known that say 200 in place of 234.
//!
//! A port that says nothing for a while is asked on another connection whether it waits for TLS.
//!
//! A 4yz or 5yz ends it where the login needs a yes; FEAT and OPTS may be refused by old servers without harm. Some never answer
//! FEAT, or hang up at it: [`Login::failed_at_features`] says so, and another session does without. AUTH that is not answered, or
//! ends the session, is an error: what is asked for unencrypted after that would be what an attacker wants.
use std::time::{Duration, Instant};

use wire::command::Mechanism;
use wire::option::Opt;
use wire::pathname::show;
use wire::{Command, Protection, Reply, RepresentationType, Secret, Severity};

use super::{Goal, Input, Outbox, Output, Patience, TlsAtOnce};
use crate::charset::Charset;
use crate::error::{Error, Unreachable, says_full};
use crate::event::{Event, said};
use crate::features::Features;
use crate::security::{Start, TlsMode, insecure};

/// RFC 959 lets a server say "ready in nnn minutes" (120) and then greet. Longer than this nobody waits for a
/// greeting by accident.
const READY: Duration = Duration::from_secs(120);

/// Who we say we are.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name, as bytes.
    pub user: Vec<u8>,
    /// The password.
    pub password: Secret,
    /// The account, where a site asks for one.
    pub account: Option<Secret>,
}

impl Credentials {
    /// Anonymous, with a password that says which program it is, as is the custom.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { user: b"anonymous".to_vec(), password: Secret::new("pasv@"), account: None }
    }

    /// Is it one of the two names that everybody may use (RFC 1635)?
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.user.eq_ignore_ascii_case(b"anonymous") || self.user.eq_ignore_ascii_case(b"ftp")
    }
}

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
    /// The driver shakes hands, within a time of its own.
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
    /// Logs in as `credentials`. `host` is said with HOST (RFC 7151) where a site of several names asks for it.
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
    fn place(&self) -> String {
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

    /// Requires TLS of a server that agreed to it in an earlier session of this run: only an attacker takes it back.
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

    /// Has it ended since FEAT, or OPTS UTF8 after it, was not answered, or has cut the session? Another session may come in
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
                let (at, seconds) = (self.place(), self.patience.reply.as_secs());
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
        let at = self.place();
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
        let what = format!("{} is {protocol}, not FTP: \"{text}\"", self.place());
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
        // A 421 before the login is a site that says no (too many sessions, banned), not a session that broke.
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
                format!("{} used TLS earlier in this command and now refuses it ({answer})", self.place()),
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
            // Names are sent as the bytes they are; a server that does not switch to UTF-8 gets the same bytes.
            (State::AwaitUtf8, _) => self.typed(now),
            (State::AwaitType, Completion) => {
                let features = std::mem::take(&mut self.features);
                self.end(Ok(features));
            }
            (_, Transient | Permanent) => self.refuse(reply),
            // Nothing is heard while hands are shaken.
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
mod tests {
    use super::*;
    use std::time::Duration;

    fn login(account: Option<&str>) -> (Login, Instant) {
        let now = Instant::now();
        let credentials = Credentials {
            user: b"ada".to_vec(),
            password: Secret::new("hunter2"),
            account: account.map(Secret::new),
        };
        (Login::new(credentials, None, Patience::default(), now), now)
    }

    /// What the machine says to a reply; `done` and `failed` for its end.
    fn answer(login: &mut Login, now: Instant, code: u16) -> String {
        login.handle(Input::Reply(Reply::new(code, "x")), now);
        match login.poll() {
            Some(Output::Send(command)) => said(&command),
            Some(Output::Done(Ok(_))) => "done".to_owned(),
            Some(Output::Done(Err(_))) => "failed".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_way_through_a_login() {
        let ways: &[&[(u16, &str)]] = &[
            &[(220, "USER ada"), (331, "PASS ***"), (230, "FEAT"), (500, "TYPE I"), (200, "done")],
            &[(220, "USER ada"), (230, "FEAT"), (211, "TYPE I"), (200, "done")],
            &[(120, "None"), (220, "USER ada"), (332, "ACCT ***"), (230, "FEAT")],
            &[(220, "USER ada"), (331, "PASS ***"), (332, "ACCT ***"), (202, "FEAT")],
            &[(421, "failed")],
            &[(220, "USER ada"), (331, "PASS ***"), (530, "failed")],
            &[(350, "failed")],
        ];
        for way in ways {
            let (mut login, now) = login(Some("books"));
            for (code, want) in *way {
                assert_eq!(answer(&mut login, now, *code), *want, "after {code} in {way:?}");
            }
        }
    }

    /// AUTH TLS and USER were said to mail servers, and the end was a refused login.
    #[test]
    fn another_protocol_is_told_by_its_first_line_and_nothing_is_said_to_it() {
        let reply = |code, text: &'static str| Input::Reply(Reply::new(code, text));
        let sent = |text: &str| {
            let what = format!("the server sent something that is no FTP reply: \"{text}\"");
            Input::Lost(Error::Nonsense { what })
        };
        let closed = || Input::Lost(Error::Broken { what: "closed".to_owned(), moved: 0 });
        for (input, wanted) in [
            (
                reply(220, "mail.example.org ESMTP"),
                "[::1]:2525 is a mail server (SMTP), not FTP: \"220 mail.example.org ESMTP\"",
            ),
            (
                reply(554, "No SMTP service here"),
                "[::1]:2525 is a mail server (SMTP), not FTP: \"554 No SMTP service here\"",
            ),
            (sent("+OK ready"), "[::1]:2525 is a mail server (POP3), not FTP: \"+OK ready\""),
            (sent("* OK IMAP4rev1"), "[::1]:2525 is a mail server (IMAP), not FTP: \"* OK IMAP4rev1\""),
            (sent("SSH-2.0-x"), "[::1]:2525 is an SSH server, not FTP: \"SSH-2.0-x\""),
            (sent("HTTP/1.1 408"), "[::1]:2525 is a web server (HTTP), not FTP: \"HTTP/1.1 408\""),
            (closed(), "[::1]:2525 sent no FTP greeting: closed"),
        ] {
            let (login, now) = login(None);
            let mut login = login.under(TlsMode::Offered).at("::1", 2525);
            login.handle(input, now);
            let Some(Output::Done(Err(error @ Error::Unreachable(_)))) = login.poll() else {
                panic!("{wanted}");
            };
            assert_eq!(error.to_string(), wanted);
        }
        let (mut login, now) = login(None);
        let greeting = Reply::new(220, "FTP beside SMTP, both of them");
        login.handle(Input::Reply(greeting), now);
        assert!(matches!(login.poll(), Some(Output::Send(Command::User(_)))));
    }

    #[test]
    fn auth_is_refused_by_4yz_and_5yz_only() {
        for (code, agreed, want) in [
            (234, false, "Some(Protect(AfterAuth))"),
            (200, true, "Some(Protect(AfterAuth))"),
            (202, false, "Some(Protect(AfterAuth))"),
            (232, false, "Some(Protect(AfterAuth))"),
            (334, false, "Some(Protect(AfterAuth))"),
            (331, false, "failed"),
            (335, false, "failed"),
            (502, true, "failed"),
            (421, false, "failed"),
            (502, false, "USER ada"),
        ] {
            let (login, now) = login(None);
            let mut login = login.under(TlsMode::Offered).agreed_before(agreed);
            assert_eq!(answer(&mut login, now, 220), "AUTH TLS");
            let mut said = answer(&mut login, now, code);
            if said.contains("Tell") {
                said = answer(&mut login, now, 120);
            }
            assert_eq!(said, want, "{code} {agreed}");
        }
    }

    /// A silent or lost AUTH is what somebody on the way would make of it to get the password unencrypted.
    #[test]
    fn auth_that_is_silent_or_fatal_ends_it_with_a_way_out() {
        let broken = || Input::Lost(Error::Broken { what: "reset".to_owned(), moved: 0 });
        let far = |now: Instant| now + Patience::default().reply;
        let after: [(&dyn Fn() -> Input, bool); 4] = [
            (&broken, false),
            (&|| Input::TimePassed, true),
            (&|| Input::Reply(Reply::new(421, "closing")), false),
            (&|| Input::Reply(Reply::new(335, "data")), false),
        ];
        for (input, late) in after {
            let (login, now) = login(None);
            let mut login = login.under(TlsMode::Offered);
            assert_eq!(answer(&mut login, now, 220), "AUTH TLS");
            login.handle(input(), if late { far(now) } else { now });
            match login.poll() {
                Some(Output::Done(Err(Error::Insecure { what, todo }))) => {
                    assert!(what.contains("AUTH TLS") && todo.contains("--tls off"), "{what} {todo}");
                }
                other => panic!("{other:?}"),
            }
            assert!(!login.failed_at_features());
        }
    }

    #[test]
    fn feat_is_waited_for_as_long_as_the_answers_before_it_make_likely() {
        let patience = Patience::default();
        for (slow, wanted) in [(0, 5), (2, 11), (20, 30)] {
            let (mut login, now) = login(None);
            answer(&mut login, now, 220);
            let now = now + Duration::from_secs(slow);
            assert_eq!(answer(&mut login, now, 230), "FEAT");
            let by = now + Duration::from_secs(wanted);
            assert_eq!(login.deadline(), Some(by), "{slow} s, {patience:?}");
            login.handle(Input::TimePassed, by);
            let Some(Output::Done(Err(error))) = login.poll() else { panic!("it goes on") };
            assert!(error.to_string().contains(&format!("within {wanted} s")), "{error}");
            assert!(login.failed_at_features());
        }
        let (mut login, now) = login(None);
        answer(&mut login, now, 220);
        assert_eq!(answer(&mut login, now, 230), "FEAT");
        assert_eq!(answer(&mut login, now, 421), "failed");
        assert!(login.failed_at_features());
        let (login, now) = self::login(None);
        let mut login = login.without_features(true);
        answer(&mut login, now, 220);
        assert_eq!(answer(&mut login, now, 230), "TYPE I");
    }

    #[test]
    fn the_host_is_said_where_it_was_asked_for() {
        let now = Instant::now();
        let host = Some(b"ftp.example".to_vec());
        let mut login = Login::new(Credentials::anonymous(), host, Patience::default(), now);
        assert_eq!(answer(&mut login, now, 220), "HOST ftp.example");
        assert_eq!(answer(&mut login, now, 220), "USER anonymous");
    }

    #[test]
    fn an_account_that_we_do_not_have_is_a_refusal() {
        let (mut login, now) = login(None);
        answer(&mut login, now, 220);
        assert_eq!(answer(&mut login, now, 332), "failed");
    }

    #[test]
    fn a_120_waits_longer_and_silence_ends() {
        let (mut login, now) = login(None);
        login.handle(Input::Reply(Reply::new(120, "ready in two minutes")), now);
        assert_eq!(login.deadline(), Some(now + READY), "and a server that has spoken waits for no TLS");
        login.handle(Input::TimePassed, now + READY + Duration::from_secs(1));
        assert!(matches!(login.poll(), Some(Output::Done(Err(Error::Broken { .. })))));
    }

    #[test]
    fn a_silent_port_is_asked_once_whether_it_waits_for_tls() {
        for answer in [TlsAtOnce::Yes, TlsAtOnce::No] {
            let (mut login, now) = login(None);
            let patience = Patience::default();
            let silent = now + patience.greeting;
            assert_eq!(login.deadline(), Some(silent));
            login.handle(Input::TimePassed, silent);
            assert!(matches!(login.poll(), Some(Output::Probe)));
            assert_eq!(login.deadline(), Some(now + patience.reply));
            login.handle(Input::Probed(answer), silent);
            if answer == TlsAtOnce::Yes {
                assert!(matches!(login.poll(), Some(Output::Done(Err(Error::Insecure { .. })))));
            } else {
                assert!(login.poll().is_none());
                login.handle(Input::Reply(Reply::new(220, "slow, and here")), silent);
                assert!(matches!(login.poll(), Some(Output::Send(Command::User(_)))));
            }
        }
    }
}
