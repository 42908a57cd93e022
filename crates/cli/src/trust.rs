//! Is this the right server, and may the session be unencrypted?
//!
//! ```text
//!   --pin        one of them, else refused
//!   known        pinned: that certificate and no other         verified: any that a trusted authority has signed
//!   unknown      verifies --> remembered      else ftp:// pins it with a warning; TLS that was asked for asks the person
//!   --insecure   accepts what would be pinned or asked about, loudly, and remembers nothing
//! ```
//! A certificate that has changed is refused, whatever else the flags say, until `--pin` names the new one or the server is
//! forgotten. An unencrypted session is refused where TLS was once seen at that port, until the person says `--tls off`.
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use client::security::{Refusal, Shown};
use client::{Error, Security, TlsMode, Unreachable};
use net::tls::client::{Roots, Settings, Trust};
use net::tls::identity::Identity;
use net::tls::{Fingerprint, Versions};
use wire::url::{FtpUrl, Scheme};

use crate::client_flags::{Talk, TlsFlag};
use crate::question::{Answer, ask};
use crate::talk::{Failure, say, show_path};
use client::memory::known_sites::{Basis, Known, KnownSites, Place, Put};

/// How to talk to a server.
pub(crate) struct Policy {
    pub(crate) mode: TlsMode,
    pub(crate) port: u16,
    /// None if unencrypted.
    pub(crate) security: Option<Security>,
    /// Plain `ftp://` would do without TLS, but it was seen here, since this time.
    seen: Option<(String, String)>,
}

/// What may a visit do to the memory?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    /// Learn: what is accepted is remembered.
    Learn,
    /// Read only, where nothing secret is sent: what is known to be wrong is refused, and nothing is remembered or asked.
    Read,
}

impl Policy {
    /// Where TLS was seen before and since when, where it is no longer optional for that reason.
    pub(crate) fn seen(&self) -> Option<String> {
        let (place, since) = self.seen.as_ref()?;
        Some(format!("TLS was seen at {place}, first at {since}"))
    }

    /// What an error means for a server that is known.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        if let (Error::Unreachable(Unreachable::Control { .. }), TlsMode::Implicit) = (&error, self.mode) {
            return Failure::from(error).hint(
                "ftps:// means TLS from the first byte, usually at port 990; most servers offer TLS at their ordinary port: use \
                 ftpes://",
            );
        }
        let (Error::NoTls { answer }, Some((place, since))) = (&error, &self.seen) else {
            return error.into();
        };
        let answer = answer.trim_end_matches(['.', ' ']);
        let said = format!(
            "the server does not offer TLS ({answer}), but TLS was seen at {place}, first at {since}"
        );
        let hint = format!(
            "an attacker may be blocking TLS. If the server no longer offers it, use --tls off once, or `pasv forget {place}` for \
             good"
        );
        Failure::from(error).saying(said).hint(hint)
    }
}

/// What flags, URL and memory say.
pub(crate) fn policy(url: &FtpUrl, talk: &Talk) -> Result<Policy, Failure> {
    weigh(url, talk, Memory::Learn)
}

/// The same for a visit that sends nothing secret: it refuses what [`policy`] refuses, but asks nothing and remembers nothing.
pub(crate) fn reading_policy(url: &FtpUrl, talk: &Talk) -> Result<Policy, Failure> {
    weigh(url, talk, Memory::Read)
}

fn weigh(url: &FtpUrl, talk: &Talk, memory: Memory) -> Result<Policy, Failure> {
    let flags = &talk.tls;
    let asked = match flags.tls {
        Some(TlsFlag::Off) => TlsMode::Off,
        Some(TlsFlag::Offered) => TlsMode::Offered,
        Some(TlsFlag::Required) => TlsMode::Required,
        Some(TlsFlag::Implicit) => TlsMode::Implicit,
        None => match url.scheme {
            // A pin that clear text would pass by is no pin.
            Scheme::Ftp if !flags.pin.is_empty() => TlsMode::Required,
            Scheme::Ftp => TlsMode::Offered,
            Scheme::Ftpes => TlsMode::Required,
            Scheme::Ftps => TlsMode::Implicit,
        },
    };
    let port = url.port.unwrap_or(if asked == TlsMode::Implicit { 990 } else { 21 });
    let place = Place::new(&url.host.to_string(), port);
    if asked == TlsMode::Off {
        if !flags.pin.is_empty() {
            return Err(Failure::usage("--pin needs TLS: it cannot be combined with --tls off"));
        }
        return Ok(Policy { mode: asked, port, security: None, seen: None });
    }
    let sites = KnownSites::find();
    let seen = match &sites {
        Some(sites) => recall(sites, &place, talk)?,
        None => None,
    };
    let seen = seen.filter(|_| asked == TlsMode::Offered);
    let mode = if seen.is_some() { TlsMode::Required } else { asked };
    let identity = match (&flags.cert, &flags.key) {
        (Some(cert), key) => Some(identity(cert, key.as_deref().unwrap_or(cert))?),
        (None, _) => None,
    };
    let settings = Settings { trust: Trust::Report(Roots::system()), versions: Versions::Both, identity };
    let case = Case {
        place,
        sites,
        asked,
        pins: flags.pin.clone(),
        insecure: flags.insecure,
        quiet: talk.quiet,
        memory,
        taken: Mutex::default(),
        warned: Mutex::default(),
    };
    let judge = Arc::new(move |shown: &Shown| case.judge(shown));
    Ok(Policy { mode, port, security: Some(Security { settings, judge }), seen })
}

/// Where and since when TLS was seen; a damaged file is an error.
fn recall(sites: &KnownSites, place: &Place, talk: &Talk) -> Result<Option<(String, String)>, Failure> {
    let memory = sites.look(place).map_err(|error| Failure::file(sites.path(), &error))?;
    let file = show_path(sites.path());
    if let Some(line) = memory.damaged.filter(|_| talk.tls.pin.is_empty()) {
        return Err(Failure::usage(format!("line {line} of {file}, about {place}, is damaged")).hint(
            format_args!("repair it, or start over with `pasv forget {place}`; --pin names the certificate"),
        ));
    }
    if !memory.unread.is_empty() && !talk.quiet {
        let lines: Vec<_> = memory.unread.iter().take(4).map(usize::to_string).collect();
        let more = if memory.unread.len() > lines.len() { ", ..." } else { "" };
        say(format_args!("warning: line {}{more} of {file} is ignored: not understood", lines.join(", ")));
    }
    Ok(memory.seen)
}

fn identity(cert: &Path, key: &Path) -> Result<Identity, Failure> {
    let read = |path: &Path| fs::read(path).map_err(|error| Failure::file(path, &error));
    Identity::from_pem(&read(cert)?, &read(key)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", show_path(cert))))
}

/// What is known before a certificate is seen.
struct Case {
    place: Place,
    sites: Option<KnownSites>,
    asked: TlsMode,
    pins: Vec<Fingerprint>,
    insecure: bool,
    quiet: bool,
    memory: Memory,
    /// What this very run has taken: a session that is begun anew may not end at somebody else.
    taken: Mutex<Option<Known>>,
    /// The last one that was taken blindly: one warning for each is enough.
    warned: Mutex<Option<Fingerprint>>,
}

/// What to do with a certificate.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is the one that was known.
    Take,
    /// And from now on no other.
    Remember(Basis),
    /// The same, with a warning.
    Pin,
    /// The person decides.
    Ask,
    /// Accept it, whoever it is.
    Blindly,
    Refuse(Refusal),
}

impl Case {
    fn decide(&self, known: Option<&Known>, shown: &Shown) -> Verdict {
        let print = shown.fingerprint;
        let verified = shown.doubt.is_none();
        if !self.pins.is_empty() {
            if self.pins.contains(&print) {
                return Verdict::Remember(Basis::Pinned);
            }
            return Verdict::Refuse(Refusal {
                why: format!("{} presented the certificate {print}, which matches no --pin", self.place),
                todo: "ask the server's administrator for its fingerprint before you continue".to_owned(),
            });
        }
        match known {
            Some(known) if known.fingerprint == print && known.basis == Basis::Pinned => Verdict::Take,
            Some(known) if known.basis == Basis::Verified && verified => Verdict::Remember(Basis::Verified),
            Some(known) if known.fingerprint != print => Verdict::Refuse(self.changed(known, shown)),
            None if verified => Verdict::Remember(Basis::Verified),
            _ if self.insecure => Verdict::Blindly,
            None if self.asked == TlsMode::Offered => Verdict::Pin,
            _ => Verdict::Ask,
        }
    }

    fn changed(&self, known: &Known, shown: &Shown) -> Refusal {
        let (place, print) = (&self.place, shown.fingerprint);
        let insecure = if self.insecure { "; --insecure does not override this" } else { "" };
        let now = match &shown.doubt {
            Some(doubt) => format!("now it is {print} ({doubt})"),
            None => format!("now it is {print}"),
        };
        Refusal {
            why: format!(
                "the certificate of {place} has CHANGED: possible man-in-the-middle attack; it was {} (known since {}), {now}",
                known.fingerprint, known.since
            ),
            todo: format!(
                "ask the administrator for the fingerprint by another way; if it is the new one, run `pasv forget {place}`{insecure}"
            ),
        }
    }

    /// Decides, and remembers. What another pasv has learned meanwhile counts.
    fn judge(&self, shown: &Shown) -> Result<(), Refusal> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = match (&*taken, &self.sites) {
            (Some(taken), _) => Some(taken.clone()),
            (None, Some(sites)) => {
                sites
                    .look(&self.place)
                    .map_err(|error| Refusal {
                        why: format!("{}: {error}", show_path(sites.path())),
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
                Verdict::Refuse(refusal) => return Err(refusal),
                _ if self.memory == Memory::Read => return Ok(()),
                Verdict::Take => {
                    *taken = known;
                    return Ok(());
                }
                Verdict::Blindly => {
                    self.warn_loudly(shown);
                    return Ok(());
                }
                Verdict::Remember(basis) => basis,
                Verdict::Pin => {
                    if !std::mem::replace(&mut asked, true) {
                        self.warn_of_pinning(shown);
                    }
                    Basis::Pinned
                }
                Verdict::Ask => {
                    if !std::mem::replace(&mut asked, true) {
                        self.consult(shown)?;
                    }
                    Basis::Pinned
                }
            };
            let fresh = Known { basis, fingerprint: shown.fingerprint, since: "this visit".to_owned() };
            match self.remember(&fresh, known.as_ref()) {
                Put::Done => {
                    *taken = Some(fresh);
                    return Ok(());
                }
                Put::Meanwhile(other) => known = other,
            }
        }
    }

    fn warn_of_pinning(&self, shown: &Shown) {
        if !self.quiet && !self.is_known_by_another_name(shown.fingerprint) {
            let (place, doubt) = (&self.place, doubt(shown));
            say(format_args!(
                "warning: first connection to {place}: its certificate is not trusted ({doubt}). Only this one will be \
                 accepted from now on: {}",
                shown.fingerprint
            ));
        }
    }

    /// This computer has several names, and is the same under each.
    fn is_known_by_another_name(&self, print: Fingerprint) -> bool {
        const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
        let ours = NAMES.map(|name| Place::new(name, self.place.port()));
        let Some(sites) = self.sites.as_ref().filter(|_| ours.contains(&self.place)) else { return false };
        let known = |place: &Place| sites.look(place).ok().and_then(|memory| memory.known);
        ours.iter().filter_map(known).any(|known| known.fingerprint == print)
    }

    fn warn_loudly(&self, shown: &Shown) {
        let before = self.warned.lock().unwrap_or_else(PoisonError::into_inner).replace(shown.fingerprint);
        if before == Some(shown.fingerprint) {
            return;
        }
        say(format_args!(
            "warning: INSECURE: the identity of {} is not verified ({}); an attacker could read your password and files: {}",
            self.place,
            doubt(shown),
            shown.fingerprint
        ));
    }

    fn consult(&self, shown: &Shown) -> Result<(), Refusal> {
        let (place, print, doubt) = (&self.place, shown.fingerprint, doubt(shown));
        let told = format!("The certificate of {place} is not trusted: {doubt}.\nFingerprint: {print}");
        match ask(&told, "Trust it from now on? [yes/no] ") {
            Answer::Yes => Ok(()),
            Answer::No => Err(Refusal {
                why: format!("the certificate of {place} was rejected"),
                todo: "ask the server's administrator for its fingerprint".to_owned(),
            }),
            Answer::Nobody => Err(Refusal {
                why: format!("the certificate of {place} is not trusted ({doubt}): {print}"),
                todo: format!("if the server's administrator confirms it, use --pin {print}"),
            }),
        }
    }

    fn remember(&self, fresh: &Known, believed: Option<&Known>) -> Put {
        if believed.is_some_and(|k| k.basis == fresh.basis && k.fingerprint == fresh.fingerprint) {
            return Put::Done;
        }
        let Some(sites) = &self.sites else {
            say(format_args!(
                "warning: HOME is not set, so the certificate of {} is not remembered",
                self.place
            ));
            return Put::Done;
        };
        sites.put(&self.place, fresh.basis, fresh.fingerprint, believed).unwrap_or_else(|error| {
            say(format_args!(
                "warning: the certificate is not remembered: {}: {error}",
                show_path(sites.path())
            ));
            Put::Done
        })
    }
}

fn doubt(shown: &Shown) -> &str {
    shown.doubt.as_deref().unwrap_or("it is not trusted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(digit: char) -> Fingerprint {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    fn known(basis: Basis, digit: char) -> Known {
        Known { basis, fingerprint: print(digit), since: "2026-11-24T15:00:00Z".to_owned() }
    }

    fn case(asked: TlsMode) -> Case {
        Case {
            place: Place::new("a", 21),
            sites: None,
            asked,
            pins: Vec::new(),
            insecure: false,
            quiet: true,
            memory: Memory::Learn,
            taken: Mutex::default(),
            warned: Mutex::default(),
        }
    }

    fn shown(digit: char, verified: bool) -> Shown {
        let doubt = (!verified).then(|| "unknown issuer".to_owned());
        Shown { host: "a".to_owned(), port: 21, fingerprint: print(digit), doubt }
    }

    #[track_caller]
    fn refused(verdict: Verdict) -> String {
        let Verdict::Refuse(refusal) = verdict else { panic!("{verdict:?}") };
        format!("{} {}", refusal.why, refusal.todo)
    }

    #[test]
    fn a_first_visit() {
        for asked in [TlsMode::Offered, TlsMode::Required, TlsMode::Implicit] {
            assert_eq!(case(asked).decide(None, &shown('a', true)), Verdict::Remember(Basis::Verified));
        }
        assert_eq!(case(TlsMode::Offered).decide(None, &shown('a', false)), Verdict::Pin);
        assert_eq!(case(TlsMode::Required).decide(None, &shown('a', false)), Verdict::Ask);
        assert_eq!(case(TlsMode::Implicit).decide(None, &shown('a', false)), Verdict::Ask);
    }

    #[test]
    fn a_change_is_refused_with_both_fingerprints() {
        for (basis, verified) in [(Basis::Pinned, false), (Basis::Pinned, true), (Basis::Verified, false)] {
            for insecure in [false, true] {
                let case = Case { insecure, ..case(TlsMode::Offered) };
                let told = refused(case.decide(Some(&known(basis, 'a')), &shown('b', verified)));
                assert!(told.contains(&print('a').to_string()), "{told}");
                assert!(told.contains(&print('b').to_string()) && !told.contains("--pin"), "{told}");
                assert!(told.contains("pasv forget a:21"), "{told}");
                assert_eq!(told.contains("--insecure does not override this"), insecure, "{told}");
            }
        }
    }

    #[test]
    fn what_is_known_is_taken() {
        let case = case(TlsMode::Required);
        assert_eq!(case.decide(Some(&known(Basis::Pinned, 'a')), &shown('a', false)), Verdict::Take);
        // An authority's new certificate is an ordinary renewal.
        let verified = known(Basis::Verified, 'a');
        assert_eq!(case.decide(Some(&verified), &shown('b', true)), Verdict::Remember(Basis::Verified));
        // The same one, and no longer vouched for: expired, for example.
        assert_eq!(case.decide(Some(&verified), &shown('a', false)), Verdict::Ask);
    }

    #[test]
    fn a_pin_is_stronger_than_everything_and_insecure_only_answers_the_question() {
        let pins = Case { pins: vec![print('b')], insecure: true, ..case(TlsMode::Required) };
        let pinned = known(Basis::Pinned, 'a');
        assert_eq!(pins.decide(Some(&pinned), &shown('b', false)), Verdict::Remember(Basis::Pinned));
        refused(pins.decide(Some(&pinned), &shown('a', true)));
        for asked in [TlsMode::Offered, TlsMode::Required] {
            let insecure = Case { insecure: true, ..case(asked) };
            assert_eq!(insecure.decide(None, &shown('b', false)), Verdict::Blindly);
            assert_eq!(insecure.decide(None, &shown('b', true)), Verdict::Remember(Basis::Verified));
            assert_eq!(insecure.decide(Some(&pinned), &shown('a', false)), Verdict::Take);
        }
    }

    /// A reconnect in the middle of a run, with and without a file to remember in.
    #[test]
    fn what_was_taken_on_this_visit_may_not_change_on_it() {
        let folder = tempfile::tempdir().unwrap();
        for sites in [None, Some(KnownSites::at(folder.path().join("pasv/known_sites")))] {
            let case = Case { sites, ..case(TlsMode::Offered) };
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
            let reader = Case { sites: Some(sites.clone()), memory: Memory::Read, ..case(asked) };
            reader.judge(&shown('a', false)).unwrap();
            assert!(!sites.path().exists(), "it was remembered");
        }
        Case { sites: Some(sites.clone()), ..case(TlsMode::Offered) }.judge(&shown('a', false)).unwrap();
        let before = fs::read(sites.path()).unwrap();
        let reader = Case { sites: Some(sites.clone()), memory: Memory::Read, ..case(TlsMode::Offered) };
        reader.judge(&shown('a', false)).unwrap();
        assert!(reader.judge(&shown('b', true)).unwrap_err().why.contains("CHANGED"));
        assert_eq!(fs::read(sites.path()).unwrap(), before);
    }

    #[test]
    fn what_another_run_has_learned_meanwhile_counts() {
        let folder = tempfile::tempdir().unwrap();
        let sites = KnownSites::at(folder.path().join("pasv/known_sites"));
        let ours = Case { sites: Some(sites.clone()), ..case(TlsMode::Offered) };
        let theirs = Case { sites: Some(sites), ..case(TlsMode::Offered) };
        theirs.judge(&shown('b', false)).unwrap();
        ours.judge(&shown('a', false)).unwrap_err();
        ours.judge(&shown('b', false)).unwrap();
    }
}
