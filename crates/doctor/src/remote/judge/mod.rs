//! What can be concluded from what was seen, and what can not?
//!
//! ```text
//!   Facts --control, data, protection, files--> Remarks --the heaviest--> the verdict
//! ```
//! A rule speaks only where its evidence suffices. Where it is short of that, it says what is open and what would decide
//! it. All is pure: a test makes facts up and looks at the names.
mod active;
mod config;
mod control;
mod data;

mod files;
mod protection;
#[cfg(test)]
mod tests;

use super::facts::{Answer, End, Facts, Trial, Upload};

pub(super) use crate::remote::evidence::end as words;
pub use config::Config;

/// What is wrong, or that nothing is. The names are for programs and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Transfers work, and nothing else is wrong.
    AllIsWell,
    /// The evidence is short of any verdict.
    NotKnown,
    /// The host's name has no address.
    NoSuchName,
    /// The control port is silent: rule 1 (clients to the control port) or 2 (the way back) is missing.
    Rule1Or2,
    /// The control port is refused: nobody listens, or a firewall says so.
    ControlRefused,
    /// Somebody on the way, or the host, says that it cannot be reached or may not be.
    Rejected,
    /// This machine has no way to the host.
    NoRoute,
    /// One family of addresses is dead.
    FamilyDead,
    /// The port speaks TLS before the first word.
    TlsFirst,
    /// The port speaks FTP in clear, and TLS was to come first.
    ClearFirst,
    /// The port speaks SSH.
    Ssh,
    /// The port speaks HTTP.
    Http,
    /// The port takes connections and says nothing.
    SilentPort,
    /// The port takes connections, and what follows their first packet is lost.
    OnlyFirstPacket,
    /// The port takes connections and ends them.
    HangsUp,
    /// The port speaks something else.
    NotFtp,
    /// The server takes nobody now.
    TurnedAway,
    /// User or password were refused.
    LoginRefused,
    /// The login breaks off.
    LoginBroken,
    /// There is a limit of sessions or connections for each address.
    SessionsLimited,
    /// The directory of the URL is refused.
    NoDirectory,
    /// Data connections open, and every listing is refused.
    ListingRefused,
    /// The server wants TLS before the login.
    TlsRequired,
    /// The server has no TLS.
    NoTls,
    /// AUTH TLS is swallowed, or ends the session.
    AuthEaten,
    /// FEAT offers AUTH TLS, and it is refused.
    AuthContradicted,
    /// TLS stands, and data is not to be protected.
    ProtRefused,
    /// TLS is offered, and cannot be established.
    TlsBroken,
    /// TLS is agreed on, and the handshake is never answered.
    TlsStalls,
    /// The server demands a certificate of the client's.
    CertificateDemanded,
    /// The certificate was not taken.
    CertificateRefused,
    /// No authority vouches for the certificate.
    CertificateUnverified,
    /// One version of TLS only, the older one.
    TlsOld,
    /// Data ports are silent: rule 3 (clients to the passive range) or 4 (the way back) is missing.
    Rule3Or4,
    /// Some data ports are reached and others are not.
    RangeInPart,
    /// Data ports are refused.
    DataPortsRefused,
    /// Data ports are rejected on the way.
    DataPortsRejected,
    /// The server tells an address that is not its own in 227.
    AddressNotTold,
    /// EPSV is swallowed on the way.
    EpsvEaten,
    /// EPSV ends the control connection.
    EpsvReset,
    /// EPSV is refused.
    EpsvRefused,
    /// Something on the way opens ports that it reads in 227, and not those in 229.
    AlgKnows227Only,
    /// Something on the way reads the control connection to open ports, and TLS blinds it.
    TlsBlindsHelper,
    /// The server cannot call us.
    ActiveImpossible,
    /// The client is behind a NAT.
    ClientBehindNat,
    /// Something on the way rewrites what is said.
    HelperInPath,
    /// Data connections must resume the TLS session.
    ReuseRequired,
    /// Data connections stop to resume, and fail then.
    ReuseRunsOut,
    /// Data connections under TLS are refused, whatever they show.
    DataTlsRefused,
    /// Data connections stand, and nothing comes.
    DataStalls,
    /// Large packets are lost on the way, and nobody says so.
    MtuBlackHole,
    /// Something on the way forgets idle control connections.
    IdleNat,
    /// The server ends idle control connections.
    IdleServer,
    /// Uploads do not arrive as they were sent.
    UploadDiffers,
    /// Uploads fail.
    UploadFails,
    /// The user may not write.
    UploadRefused,
    /// The file of our own upload is not deleted.
    FileLeft,
    /// Transfers come a few bytes at a time.
    Crawls,
    /// Restarts are ignored or wrong.
    RestIgnored,
    /// Restarts are refused.
    RestRefused,
    /// SIZE is not what comes.
    SizeWrong,
    /// FEAT offers what does not work, or leaves out what does.
    FeatDiffers,
    /// FEAT or SYST is not answered, or ends the session.
    CommandEaten,
    /// There are no machine-readable listings.
    NoMlsd,
    /// The listing has lines that nobody can read.
    ListingUnread,
    /// Times in listings are not in UTC.
    ClockOffset,
    /// The server's clock is wrong.
    ClockDrift,
}

impl Verdict {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::AllIsWell,
        Self::NotKnown,
        Self::NoSuchName,
        Self::Rule1Or2,
        Self::ControlRefused,
        Self::Rejected,
        Self::NoRoute,
        Self::FamilyDead,
        Self::TlsFirst,
        Self::ClearFirst,
        Self::Ssh,
        Self::Http,
        Self::SilentPort,
        Self::OnlyFirstPacket,
        Self::HangsUp,
        Self::NotFtp,
        Self::TurnedAway,
        Self::LoginRefused,
        Self::LoginBroken,
        Self::SessionsLimited,
        Self::NoDirectory,
        Self::ListingRefused,
        Self::TlsRequired,
        Self::NoTls,
        Self::AuthEaten,
        Self::AuthContradicted,
        Self::ProtRefused,
        Self::TlsBroken,
        Self::TlsStalls,
        Self::CertificateDemanded,
        Self::CertificateRefused,
        Self::CertificateUnverified,
        Self::TlsOld,
        Self::Rule3Or4,
        Self::RangeInPart,
        Self::DataPortsRefused,
        Self::DataPortsRejected,
        Self::AddressNotTold,
        Self::EpsvEaten,
        Self::EpsvReset,
        Self::EpsvRefused,
        Self::AlgKnows227Only,
        Self::TlsBlindsHelper,
        Self::ActiveImpossible,
        Self::ClientBehindNat,
        Self::HelperInPath,
        Self::ReuseRequired,
        Self::ReuseRunsOut,
        Self::DataTlsRefused,
        Self::DataStalls,
        Self::MtuBlackHole,
        Self::IdleNat,
        Self::IdleServer,
        Self::UploadDiffers,
        Self::UploadFails,
        Self::UploadRefused,
        Self::FileLeft,
        Self::Crawls,
        Self::RestIgnored,
        Self::RestRefused,
        Self::SizeWrong,
        Self::FeatDiffers,
        Self::CommandEaten,
        Self::NoMlsd,
        Self::ListingUnread,
        Self::ClockOffset,
        Self::ClockDrift,
    ];

    /// Its name, as `--json` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AllIsWell => "all-is-well",
            Self::NotKnown => "not-known",
            Self::NoSuchName => "no-such-name",
            Self::Rule1Or2 => "rule-1-or-2",
            Self::ControlRefused => "control-refused",
            Self::Rejected => "rejected",
            Self::NoRoute => "no-route",
            Self::FamilyDead => "family-dead",
            Self::TlsFirst => "tls-first",
            Self::ClearFirst => "clear-first",
            Self::Ssh => "ssh",
            Self::Http => "http",
            Self::SilentPort => "silent-port",
            Self::OnlyFirstPacket => "only-first-packet",
            Self::HangsUp => "hangs-up",
            Self::NotFtp => "not-ftp",
            Self::TurnedAway => "turned-away",
            Self::LoginRefused => "login-refused",
            Self::LoginBroken => "login-broken",
            Self::SessionsLimited => "sessions-limited",
            Self::NoDirectory => "no-directory",
            Self::ListingRefused => "listing-refused",
            Self::TlsRequired => "tls-required",
            Self::NoTls => "no-tls",
            Self::AuthEaten => "auth-eaten",
            Self::AuthContradicted => "auth-contradicted",
            Self::ProtRefused => "prot-refused",
            Self::TlsBroken => "tls-broken",
            Self::TlsStalls => "tls-stalls",
            Self::CertificateDemanded => "certificate-demanded",
            Self::CertificateRefused => "certificate-refused",
            Self::CertificateUnverified => "certificate-unverified",
            Self::TlsOld => "tls-old",
            Self::Rule3Or4 => "rule-3-or-4",
            Self::RangeInPart => "range-in-part",
            Self::DataPortsRefused => "data-ports-refused",
            Self::DataPortsRejected => "data-ports-rejected",
            Self::AddressNotTold => "address-not-told",
            Self::EpsvEaten => "epsv-eaten",
            Self::EpsvReset => "epsv-reset",
            Self::EpsvRefused => "epsv-refused",
            Self::AlgKnows227Only => "alg-knows-227-only",
            Self::TlsBlindsHelper => "tls-blinds-helper",
            Self::ActiveImpossible => "active-impossible",
            Self::ClientBehindNat => "client-behind-nat",
            Self::HelperInPath => "helper-in-path",
            Self::ReuseRequired => "reuse-required",
            Self::ReuseRunsOut => "reuse-runs-out",
            Self::DataTlsRefused => "data-tls-refused",
            Self::DataStalls => "data-stalls",
            Self::MtuBlackHole => "mtu-black-hole",
            Self::IdleNat => "idle-nat",
            Self::IdleServer => "idle-server",
            Self::UploadDiffers => "upload-differs",
            Self::UploadFails => "upload-fails",
            Self::FileLeft => "file-left",
            Self::UploadRefused => "upload-refused",
            Self::Crawls => "crawls",
            Self::RestIgnored => "rest-ignored",
            Self::RestRefused => "rest-refused",
            Self::SizeWrong => "size-wrong",
            Self::FeatDiffers => "feat-differs",
            Self::CommandEaten => "command-eaten",
            Self::NoMlsd => "no-mlsd",
            Self::ListingUnread => "listing-unread",
            Self::ClockOffset => "clock-offset",
            Self::ClockDrift => "clock-drift",
        }
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing gets through.
    Blocks,
    /// Some ways fail, and another works.
    Hinders,
    /// Good to know.
    Note,
}

/// What a rule concludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub verdict: Verdict,
    /// How much it matters.
    pub weight: Weight,
    /// Which of the four rules of a firewall it is about, as `pasv firewall --explain` counts them: one where it is known, all
    /// that it may be where it is not, and none where it is about something else.
    pub rules: Vec<u8>,
    /// In one sentence, or two.
    pub sentence: String,
    /// What may be behind it, for those who know firewalls.
    pub detail: Option<String>,
    /// What the server's administrator can do.
    pub server: Vec<String>,
    /// What whoever sits at the client can do.
    pub client: Vec<String>,
}

impl Finding {
    fn new(verdict: Verdict, weight: Weight, sentence: impl Into<String>) -> Self {
        let (rules, server, client) = (Vec::new(), Vec::new(), Vec::new());
        Self { verdict, weight, rules, sentence: sentence.into(), detail: None, server, client }
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn rules(mut self, rules: &[u8]) -> Self {
        self.rules = rules.to_vec();
        self
    }

    fn server(mut self, todo: impl Into<String>) -> Self {
        self.server.push(todo.into());
        self
    }

    fn client(mut self, todo: impl Into<String>) -> Self {
        self.client.push(todo.into());
        self
    }

    fn clients(mut self, todo: &[&str]) -> Self {
        self.client.extend(todo.iter().map(|todo| (*todo).to_owned()));
        self
    }
}

/// What is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The question.
    pub what: String,
    /// What would decide it.
    pub decided_by: String,
}

impl Open {
    fn new(what: impl Into<String>, decided_by: impl Into<String>) -> Self {
        Self { what: what.into(), decided_by: decided_by.into() }
    }
}

/// What the doctor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The first sentence is the answer.
    pub verdict: Finding,
    /// What else was concluded, the heavier first.
    pub also: Vec<Finding>,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
    /// What is not known, and what would decide it.
    pub open: Vec<Open>,
    /// What to use, if anything works.
    pub config: Option<Config>,
}

/// What the rules write into.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<Finding>,
    open: Vec<Open>,
}

impl Findings {
    fn add(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    fn ask(&mut self, what: impl Into<String>, decided_by: impl Into<String>) {
        let open = Open::new(what, decided_by);
        if !self.open.contains(&open) {
            self.open.push(open);
        }
    }

    fn has(&self, verdict: Verdict) -> bool {
        self.found.iter().any(|finding| finding.verdict == verdict)
    }
}

/// Judges what was seen.
#[must_use]
pub fn diagnose(facts: &Facts) -> Diagnosis {
    let mut findings = Findings::default();
    control::judge(facts, &mut findings);
    if matches!(facts.answer, Some(Answer::Ftp(_))) {
        control::logins(facts, &mut findings);
        control::breaks(facts, &mut findings);
        protection::judge(facts, &mut findings);
        data::judge(facts, &mut findings);
        files::judge(facts, &mut findings);
    }
    for what in &facts.unfinished {
        findings.ask(
            format!("what the test of {what} would have shown: it did not end in time"),
            "try again, when the network or the server is less busy",
        );
    }
    let Findings { mut found, open } = findings;
    // Stable: among those of one weight the order of the rules stands.
    found.sort_by_key(|finding| finding.weight);
    let heavy = found.first().is_some_and(|finding| finding.weight != Weight::Note);
    let verdict = if heavy { found.remove(0) } else { without_trouble(facts) };
    Diagnosis {
        verdict,
        also: found,
        evidence: crate::remote::evidence::lines(facts),
        open,
        config: config::config(facts),
    }
}

/// The rules that a server names in its words, as ours does: `... (rule 4)`.
fn named_in(said: &str) -> Vec<u8> {
    let mut rules: Vec<u8> = said
        .split("rule ")
        .skip(1)
        .filter_map(|rest| rest.bytes().next().filter(|digit| (b'1'..=b'4').contains(digit)))
        .map(|digit| digit - b'0')
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// No rule has found anything that hinders: then all is well, or we know too little.
fn without_trouble(facts: &Facts) -> Finding {
    let passive_fails = facts.trials.iter().any(|trial| trial.way.is_passive());
    match facts.best() {
        Some(trial) if !trial.way.is_passive() && passive_fails => Finding::new(
            Verdict::NotKnown,
            Weight::Hinders,
            format!(
                "Only active transfers work {}; it is unclear why passive ones fail.",
                trial.cover.words()
            ),
        ),
        Some(trial) if !unexplained(facts).is_empty() => Finding::new(
            Verdict::NotKnown,
            Weight::Hinders,
            format!(
                "{} transfers work {}, by {}; it is unclear why others fail: {}.",
                capital(trial.way.mode()),
                trial.cover.words(),
                trial.way,
                unexplained(facts).join("; ")
            ),
        )
        .server("read its log for those transfers")
        .client("use the settings below; try again to see whether the others always fail"),
        Some(trial) if matches!(trial.end, End::CommandRefused(_)) => nothing_listed(facts, trial),
        Some(trial) => Finding::new(
            Verdict::AllIsWell,
            Weight::Note,
            format!(
                "All is well: {} transfers work {}, by {}.{}",
                trial.way.mode(),
                trial.cover.words(),
                trial.way,
                if facts.moved() {
                    ""
                } else {
                    " The directory is empty: only data connections without content were tested."
                }
            ),
        ),
        None => Finding::new(Verdict::NotKnown, Weight::Blocks, "No transfer works, and it is unclear why."),
    }
}

/// The best way opens data connections, and the server refuses to list over it: nothing is proven but that.
fn nothing_listed(facts: &Facts, best: &Trial) -> Finding {
    let End::CommandRefused(said) = &best.end else {
        return Finding::new(Verdict::NotKnown, Weight::Blocks, "No transfer works, and it is unclear why.");
    };
    let refused = |weight, sentence| Finding::new(Verdict::ListingRefused, weight, sentence);
    let (way, covered) = (best.way, best.cover.words());
    let other = facts.trials.iter().find(|trial| trial.end.has_content());
    if let Some(other) = other {
        return refused(
            Weight::Hinders,
            format!(
                "Transfers work {} by {}, but {covered} by {way} the listing is refused ({said}).",
                other.cover.words(),
                other.way
            ),
        )
        .server("read its log for why it refuses that listing");
    }
    // What we see is a refused listing; that it is the same for downloads, such a server says itself.
    let drop_box = said.to_ascii_lowercase().contains("upload");
    let may_not = if drop_box { "neither list nor download" } else { "not list files" };
    match &facts.files.upload {
        Some(Upload::Proven(_) | Upload::Unproven) => refused(
            Weight::Note,
            format!("Uploads work {covered}, by {way}; this user may {may_not} ({said})."),
        ),
        Some(Upload::Refused(upload)) => refused(
            Weight::Hinders,
            format!(
                "The login works, but this user may {may_not} ({said}), and not upload ({upload}): only the opening of data connections was tested."
            ),
        )
        .server("give this user a right, or check the directory and its permissions"),
        _ => refused(
            Weight::Hinders,
            format!(
                "The login works, but this user may {may_not} ({said}): only the opening of data connections was tested. Use -w to test an upload."
            ),
        ),
    }
}

/// The passive trials that failed. Where no rule has a word for one, that is to be said too.
fn unexplained(facts: &Facts) -> Vec<String> {
    let passive = facts.trials.iter().filter(|trial| trial.way.is_passive());
    passive
        .filter(|trial| !trial.end.is_through() && !files::is_slow(trial))
        .map(crate::remote::evidence::trial)
        .collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
