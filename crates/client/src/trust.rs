//! Is this the right server, and may the session be unencrypted?
//!
//! ```text
//!   --pin        one of them, else refused
//!   known        pinned: that certificate and no other   verified: any that a trusted authority has signed
//!   unknown      verifies --> remembered   else ftp:// pins it with a warning; ftps:// asks the person
//!   --insecure   accepts what would be pinned or asked about, loudly, and remembers nothing
//! ```
//! A certificate that has changed is refused, whatever else the flags say, until `--pin` names the new one or
//! the server is forgotten. An unencrypted session is refused where TLS was once seen at that port, until the
//! person says `--tls off`.
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use net::tls::client::{Roots, Settings, Trust as Checks};
use net::tls::identity::Identity;
use net::tls::{Fingerprint, Versions};
use wire::pathname::show;

use crate::error::Error;
use crate::event::{Event, Watcher};
use crate::memory::known_sites::{Basis, Known, KnownSites, Put};
use crate::options::Endpoint;
use crate::security::{Refusal, Security, Shown, TlsMode, insecure};

/// What a person decides about trust, for all servers of a run.
#[derive(Clone)]
pub struct Trust {
    /// Where certificates are remembered; none: nowhere.
    pub known_sites: Option<KnownSites>,
    /// Only these certificates are accepted, if there are any.
    pub pins: Vec<Fingerprint>,
    /// Certificates that would be pinned or asked about are accepted, and not remembered.
    pub insecure: bool,
    /// Our own certificate, for servers that ask for one.
    pub identity: Option<Identity>,
    /// False where nothing secret is sent: what is known to be wrong is refused, and nothing is asked or
    /// remembered.
    pub learns: bool,
    /// Asked about a certificate that nothing vouches for.
    pub ask: Ask,
}

/// Asks a person about a certificate. May block.
pub type Ask = Arc<dyn Fn(&Question) -> Answer + Send + Sync>;

/// An untrusted certificate of a server that is to have TLS.
#[derive(Clone, Debug)]
pub struct Question {
    /// The server, as `host:port`.
    pub server: String,
    /// The certificate's.
    pub fingerprint: Fingerprint,
    /// Why it is not trusted.
    pub doubt: String,
}

/// What a person says to a yes-or-no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No; also the end of input.
    No,
    /// There is no person to ask.
    Nobody,
}

impl Default for Trust {
    /// Certificates are remembered in the user's file, and no person is asked.
    fn default() -> Self {
        Self {
            known_sites: KnownSites::find(),
            pins: Vec::new(),
            insecure: false,
            identity: None,
            learns: true,
            ask: Arc::new(|_| Answer::Nobody),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("known_sites", &self.known_sites)
            .field("pins", &self.pins)
            .finish_non_exhaustive()
    }
}

/// How to talk to one server.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What was asked for, or more where TLS was seen before.
    pub mode: TlsMode,
    /// The control port.
    pub port: u16,
    /// None if unencrypted.
    pub security: Option<Security>,
    /// Why TLS is required though it was only to be used if offered: the server (`host:port`) that was seen
    /// with it, and since when.
    pub seen_at: Option<(String, String)>,
}

impl Policy {
    /// Where TLS was seen before and since when, where it is no longer optional for that reason.
    #[must_use]
    pub fn seen(&self) -> Option<String> {
        let (server, since) = self.seen_at.as_ref()?;
        Some(format!("TLS was seen at {server}, first at {since}"))
    }
}

/// Why the memory of certificates cannot be used.
#[derive(Debug)]
pub enum TrustError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The line about this very server is damaged: it may have held a pin.
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line's number.
        line: usize,
        /// The server, as `host:port`.
        server: String,
    },
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Damaged { path, line, server } => {
                write!(f, "line {line} of {}, about {server}, is damaged", path.display())
            }
        }
    }
}

impl std::error::Error for TrustError {}

impl From<TrustError> for Error {
    fn from(error: TrustError) -> Self {
        match error {
            TrustError::Unreadable { path, error } => {
                Self::local(format!("reading {}", path.display()), error)
            }
            TrustError::Damaged { .. } => insecure(
                error.to_string(),
                "repair it, or remove the line if the certificate is known to be good",
            ),
        }
    }
}

impl Trust {
    /// How to talk to the server at a control port, where `asked` is wanted. Warnings go to `watch`.
    ///
    /// # Errors
    /// When the file of known sites cannot be read, or not what it says of this server.
    pub fn policy(&self, server: &Endpoint, asked: TlsMode, watch: &Watcher) -> Result<Policy, TrustError> {
        // A pin that an unencrypted session would bypass is no pin.
        let pinned = asked == TlsMode::Offered && !self.pins.is_empty();
        let asked = if pinned { TlsMode::Required } else { asked };
        if asked == TlsMode::Off {
            return Ok(Policy { mode: asked, port: server.port, security: None, seen_at: None });
        }
        let seen_at = match &self.known_sites {
            Some(sites) => self.recall(sites, server, watch)?,
            None => None,
        };
        let seen_at = seen_at.filter(|_| asked == TlsMode::Offered);
        let mode = if seen_at.is_some() { TlsMode::Required } else { asked };
        let settings = Settings {
            trust: Checks::Report(Roots::system()),
            versions: Versions::Both,
            identity: self.identity.clone(),
        };
        let case = Case {
            server: server.clone(),
            trust: self.clone(),
            asked,
            watch: Arc::clone(watch),
            accepted: Mutex::default(),
            warned: Mutex::default(),
        };
        let judge = Arc::new(move |shown: &Shown| case.judge(shown));
        Ok(Policy { mode, port: server.port, security: Some(Security { settings, judge }), seen_at })
    }

    /// Where and since when TLS was seen; a damaged line about this server is an error.
    fn recall(
        &self,
        sites: &KnownSites,
        server: &Endpoint,
        watch: &Watcher,
    ) -> Result<Option<(String, String)>, TrustError> {
        let path = || sites.path().to_owned();
        let memory = sites.look(server).map_err(|error| TrustError::Unreadable { path: path(), error })?;
        if let Some(line) = memory.damaged.filter(|_| self.pins.is_empty()) {
            return Err(TrustError::Damaged { path: path(), line, server: server.to_string() });
        }
        if !memory.unread.is_empty() {
            let lines: Vec<_> = memory.unread.iter().take(4).map(usize::to_string).collect();
            let more = if memory.unread.len() > lines.len() { ", ..." } else { "" };
            let file = name_of(sites);
            let text = format!("line {}{more} of {file} is ignored: not understood", lines.join(", "));
            watch(&Event::Identity { text, insecure: false });
        }
        Ok(memory.seen)
    }
}

fn name_of(sites: &KnownSites) -> String {
    show(sites.path().as_os_str().as_encoded_bytes())
}

/// What is known before a certificate is seen.
struct Case {
    server: Endpoint,
    trust: Trust,
    asked: TlsMode,
    watch: Watcher,
    /// What this very run has accepted: a later session may not end at another server.
    accepted: Mutex<Option<Known>>,
    /// The last one that was accepted unverified: one warning for each is enough.
    warned: Mutex<Option<Fingerprint>>,
}

/// What to do with a certificate.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// It is the one that is known.
    Accept,
    /// Accept it, and remember it.
    Remember(Basis),
    /// Accept it with a warning, and from now on no other.
    Pin,
    /// The person decides.
    Ask,
    /// Accept it unverified, and remember nothing.
    Insecure,
    Refuse(Refusal),
}

impl Case {
    fn decide(&self, known: Option<&Known>, shown: &Shown) -> Decision {
        let print = shown.fingerprint;
        let verified = shown.doubt.is_none();
        if !self.trust.pins.is_empty() {
            if self.trust.pins.contains(&print) {
                return Decision::Remember(Basis::Pinned);
            }
            return Decision::Refuse(Refusal {
                why: format!("{} presented the certificate {print}, which matches no --pin", self.server),
                todo: "ask the server's administrator for its fingerprint before you continue".to_owned(),
            });
        }
        match known {
            Some(known) if known.fingerprint == print && known.basis == Basis::Pinned => Decision::Accept,
            Some(known) if known.basis == Basis::Verified && verified => Decision::Remember(Basis::Verified),
            Some(known) if known.fingerprint != print => Decision::Refuse(self.changed(known, shown)),
            None if verified => Decision::Remember(Basis::Verified),
            _ if self.trust.insecure => Decision::Insecure,
            None if self.asked == TlsMode::Offered => Decision::Pin,
            _ => Decision::Ask,
        }
    }

    fn changed(&self, known: &Known, shown: &Shown) -> Refusal {
        let (server, print) = (&self.server, shown.fingerprint);
        let insecure = if self.trust.insecure { "; --insecure does not override this" } else { "" };
        let now = match &shown.doubt {
            Some(doubt) => format!("now it is {print} ({doubt})"),
            None => format!("now it is {print}"),
        };
        Refusal {
            why: format!(
                "the certificate of {server} has CHANGED: possible man-in-the-middle attack; it was {} (known since {}), {now}",
                known.fingerprint, known.since
            ),
            todo: format!(
                "ask the administrator for the fingerprint by another way; if it is the new one, run `pasv forget {server}`{insecure}"
            ),
        }
    }

    /// Decides, and remembers. What another pasv has learned meanwhile counts.
    fn judge(&self, shown: &Shown) -> Result<(), Refusal> {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = match (&*accepted, &self.trust.known_sites) {
            (Some(accepted), _) => Some(accepted.clone()),
            (None, Some(sites)) => {
                sites
                    .look(&self.server)
                    .map_err(|error| Refusal {
                        why: format!("{}: {error}", name_of(sites)),
                        todo: "it holds the known certificates, and nothing is accepted without it"
                            .to_owned(),
                    })?
                    .known
            }
            (None, None) => None,
        };
        let mut asked = false;
        // A second time where another pasv was faster; the answer of a person holds.
        loop {
            let basis = match self.decide(known.as_ref(), shown) {
                Decision::Refuse(refusal) => return Err(refusal),
                _ if !self.trust.learns => return Ok(()),
                Decision::Accept => {
                    *accepted = known;
                    return Ok(());
                }
                Decision::Insecure => {
                    self.warn_loudly(shown);
                    return Ok(());
                }
                Decision::Remember(basis) => basis,
                Decision::Pin => {
                    if !std::mem::replace(&mut asked, true) {
                        self.warn_of_pinning(shown);
                    }
                    Basis::Pinned
                }
                Decision::Ask => {
                    if !std::mem::replace(&mut asked, true) {
                        self.consult(shown)?;
                    }
                    Basis::Pinned
                }
            };
            let fresh = Known { basis, fingerprint: shown.fingerprint, since: "this visit".to_owned() };
            match self.remember(&fresh, known.as_ref()) {
                Put::Done => {
                    *accepted = Some(fresh);
                    return Ok(());
                }
                Put::Meanwhile(other) => known = other,
            }
        }
    }

    fn warn(&self, insecure: bool, text: String) {
        (self.watch)(&Event::Identity { text, insecure });
    }

    fn warn_of_pinning(&self, shown: &Shown) {
        if !self.is_known_by_another_name(shown.fingerprint) {
            let (server, doubt) = (&self.server, doubt(shown));
            let text = format!(
                "first connection to {server}: its certificate is not trusted ({doubt}). Only this one will be \
                 accepted from now on: {}",
                shown.fingerprint
            );
            self.warn(false, text);
        }
    }

    /// This computer has several names, and is the same under each.
    fn is_known_by_another_name(&self, print: Fingerprint) -> bool {
        const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
        let ours = NAMES.map(|name| Endpoint::new(name, self.server.port));
        let here = self.server.to_string();
        let is_ours = ours.iter().any(|name| name.to_string() == here);
        let Some(sites) = self.trust.known_sites.as_ref().filter(|_| is_ours) else { return false };
        let known = |server: &Endpoint| sites.look(server).ok().and_then(|memory| memory.known);
        ours.iter().filter_map(known).any(|known| known.fingerprint == print)
    }

    fn warn_loudly(&self, shown: &Shown) {
        let before = self.warned.lock().unwrap_or_else(PoisonError::into_inner).replace(shown.fingerprint);
        if before == Some(shown.fingerprint) {
            return;
        }
        let text = format!(
            "INSECURE: the identity of {} is not verified ({}); an attacker could read your password and files: {}",
            self.server,
            doubt(shown),
            shown.fingerprint
        );
        self.warn(true, text);
    }

    fn consult(&self, shown: &Shown) -> Result<(), Refusal> {
        let (server, print, doubt) = (&self.server, shown.fingerprint, doubt(shown));
        let question = Question { server: server.to_string(), fingerprint: print, doubt: doubt.to_owned() };
        match (self.trust.ask)(&question) {
            Answer::Yes => Ok(()),
            Answer::No => Err(Refusal {
                why: format!("the certificate of {server} was rejected"),
                todo: "ask the server's administrator for its fingerprint".to_owned(),
            }),
            Answer::Nobody => Err(Refusal {
                why: format!("the certificate of {server} is not trusted ({doubt}): {print}"),
                todo: format!("if the server's administrator confirms it, use --pin {print}"),
            }),
        }
    }

    fn remember(&self, fresh: &Known, believed: Option<&Known>) -> Put {
        if believed.is_some_and(|k| k.basis == fresh.basis && k.fingerprint == fresh.fingerprint) {
            return Put::Done;
        }
        let Some(sites) = &self.trust.known_sites else {
            let text = format!("HOME is not set, so the certificate of {} is not remembered", self.server);
            self.warn(true, text);
            return Put::Done;
        };
        sites.put(&self.server, fresh.basis, fresh.fingerprint, believed).unwrap_or_else(|error| {
            self.warn(true, format!("the certificate is not remembered: {}: {error}", name_of(sites)));
            Put::Done
        })
    }
}

fn doubt(shown: &Shown) -> &str {
    shown.doubt.as_deref().unwrap_or("it is not trusted")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn print(digit: char) -> Fingerprint {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    fn known(basis: Basis, digit: char) -> Known {
        Known { basis, fingerprint: print(digit), since: "2026-11-24T15:00:00Z".to_owned() }
    }

    fn case_of(asked: TlsMode, trust: Trust) -> Case {
        let watch: Watcher = Arc::new(|_: &Event| {});
        Case {
            server: Endpoint::new("a", 21),
            trust,
            asked,
            watch,
            accepted: Mutex::default(),
            warned: Mutex::default(),
        }
    }

    fn trust(known_sites: Option<KnownSites>) -> Trust {
        Trust { known_sites, ..Trust::default() }
    }

    fn shown(digit: char, verified: bool) -> Shown {
        let doubt = (!verified).then(|| "unknown issuer".to_owned());
        Shown { host: "a".to_owned(), port: 21, fingerprint: print(digit), doubt }
    }

    #[track_caller]
    fn refused(verdict: Decision) -> String {
        let Decision::Refuse(refusal) = verdict else { panic!("{verdict:?}") };
        format!("{} {}", refusal.why, refusal.todo)
    }

    #[test]
    fn a_change_is_refused_with_both_fingerprints() {
        for (basis, verified) in [(Basis::Pinned, false), (Basis::Pinned, true), (Basis::Verified, false)] {
            for insecure in [false, true] {
                let case = case_of(TlsMode::Offered, Trust { insecure, ..trust(None) });
                let told = refused(case.decide(Some(&known(basis, 'a')), &shown('b', verified)));
                assert!(told.contains(&print('a').to_string()), "{told}");
                assert!(told.contains(&print('b').to_string()) && !told.contains("--pin"), "{told}");
                assert!(told.contains("pasv forget a:21"), "{told}");
                assert_eq!(told.contains("--insecure does not override this"), insecure, "{told}");
            }
        }
    }

    #[test]
    fn what_is_accepted_without_a_pin_and_what_is_remembered() {
        use TlsMode::{Implicit, Offered, Required};
        let (pinned, verified) = (known(Basis::Pinned, 'a'), known(Basis::Verified, 'a'));
        for (asked, insecure, known, shown, wanted) in [
            (Offered, false, None, shown('a', true), Decision::Remember(Basis::Verified)),
            (Required, false, None, shown('a', true), Decision::Remember(Basis::Verified)),
            (Implicit, false, None, shown('a', true), Decision::Remember(Basis::Verified)),
            (Offered, false, None, shown('a', false), Decision::Pin),
            (Required, false, None, shown('a', false), Decision::Ask),
            (Implicit, false, None, shown('a', false), Decision::Ask),
            (Required, false, Some(&pinned), shown('a', false), Decision::Accept),
            // An authority's new certificate is an ordinary renewal.
            (Required, false, Some(&verified), shown('b', true), Decision::Remember(Basis::Verified)),
            // The same one, and no longer vouched for: expired, for example.
            (Required, false, Some(&verified), shown('a', false), Decision::Ask),
            // --insecure only answers the question.
            (Offered, true, None, shown('b', false), Decision::Insecure),
            (Required, true, None, shown('b', false), Decision::Insecure),
            (Offered, true, None, shown('b', true), Decision::Remember(Basis::Verified)),
            (Required, true, Some(&pinned), shown('a', false), Decision::Accept),
        ] {
            let case = case_of(asked, Trust { insecure, ..trust(None) });
            assert_eq!(case.decide(known, &shown), wanted, "{asked:?} {insecure} {known:?} {shown:?}");
        }
    }

    #[test]
    fn a_pin_is_stronger_than_everything() {
        let pins =
            case_of(TlsMode::Required, Trust { pins: vec![print('b')], insecure: true, ..trust(None) });
        let pinned = known(Basis::Pinned, 'a');
        assert_eq!(pins.decide(Some(&pinned), &shown('b', false)), Decision::Remember(Basis::Pinned));
        refused(pins.decide(Some(&pinned), &shown('a', true)));
    }

    /// A reconnect in the middle of a run, with and without a file to remember in.
    #[test]
    fn what_this_run_has_accepted_may_not_change_in_it() {
        let folder = tempfile::tempdir().unwrap();
        for sites in [None, Some(KnownSites::at(folder.path().join("pasv/known_sites")))] {
            let case = case_of(TlsMode::Offered, trust(sites));
            case.judge(&shown('a', false)).unwrap();
            case.judge(&shown('a', false)).unwrap();
            let refusal = case.judge(&shown('b', false)).unwrap_err();
            assert!(refusal.why.contains("CHANGED"), "{refusal:?}");
        }
    }

    #[test]
    fn a_visit_that_only_reads_refuses_what_changed_and_remembers_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().join("pasv/known_sites"));
        // Without a terminal the second of these would be refused if it were asked.
        for asked in [TlsMode::Offered, TlsMode::Required] {
            let reader = case_of(asked, Trust { learns: false, ..trust(Some(sites.clone())) });
            reader.judge(&shown('a', false)).unwrap();
            assert!(!sites.path().exists(), "it was remembered");
        }
        case_of(TlsMode::Offered, trust(Some(sites.clone()))).judge(&shown('a', false)).unwrap();
        let before = fs::read(sites.path()).unwrap();
        let reader = case_of(TlsMode::Offered, Trust { learns: false, ..trust(Some(sites.clone())) });
        reader.judge(&shown('a', false)).unwrap();
        assert!(reader.judge(&shown('b', true)).unwrap_err().why.contains("CHANGED"));
        assert_eq!(fs::read(sites.path()).unwrap(), before);
    }

    #[test]
    fn what_another_run_has_learned_meanwhile_counts() {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().join("pasv/known_sites"));
        let ours = case_of(TlsMode::Offered, trust(Some(sites.clone())));
        let theirs = case_of(TlsMode::Offered, trust(Some(sites)));
        theirs.judge(&shown('b', false)).unwrap();
        ours.judge(&shown('a', false)).unwrap_err();
        ours.judge(&shown('b', false)).unwrap();
    }
}
