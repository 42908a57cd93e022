//! Is this the site, and may we speak with it in clear?
//!
//! ```text
//!   --pin        one of them, else refused                     --insecure   anybody, loudly, and nothing is remembered
//!   known        pinned: that certificate and no other         verified: any that the authorities vouch for
//!   unknown      verifies --> remembered      else ftp:// pins it with a warning; TLS that was asked for asks the person
//! ```
//! Clear text is refused to a site that was once seen with TLS, until the person says `--tls off`.
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use client::security::{Judge, Refusal, Shown};
use client::{Security, TlsMode};
use net::tls::client::{Roots, Settings, Trust};
use net::tls::identity::Identity;
use net::tls::{Fingerprint, Versions};
use wire::url::{FtpUrl, Scheme};

use crate::client_flags::{TlsFlag, TlsFlags};
use crate::known_sites::{Basis, Known, KnownSites, name};
use crate::talk::{Failure, say, show_path};

/// How a site is spoken with.
pub(crate) struct Policy {
    pub(crate) mode: TlsMode,
    pub(crate) port: u16,
    /// None in clear.
    pub(crate) security: Option<Security>,
    /// The plain `ftp://` would do without TLS, but the site was seen with it.
    pub(crate) seen: Option<Known>,
}

/// What flags, URL and memory say.
pub(crate) fn policy(url: &FtpUrl, flags: &TlsFlags) -> Result<Policy, Failure> {
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
    if asked == TlsMode::Off {
        if !flags.pin.is_empty() {
            return Err(Failure::usage("--pin is about TLS, and --tls off does without"));
        }
        return Ok(Policy { mode: asked, port, security: None, seen: None });
    }
    let site = name(&url.host.to_string(), port);
    let sites = KnownSites::find();
    let known = match &sites {
        Some(sites) => sites.get(&site).map_err(|error| Failure::file(sites.path(), &error))?,
        None => None,
    };
    let seen = known.clone().filter(|_| asked == TlsMode::Offered);
    let mode = if seen.is_some() { TlsMode::Required } else { asked };
    let identity = match (&flags.cert, &flags.key) {
        (Some(cert), key) => Some(identity(cert, key.as_deref().unwrap_or(cert))?),
        (None, _) => None,
    };
    let settings = Settings { trust: Trust::Report(Roots::system()), versions: Versions::Both, identity };
    let judge = judge(Case { site, sites, known, asked, pins: flags.pin.clone(), insecure: flags.insecure });
    Ok(Policy { mode, port, security: Some(Security { settings, judge }), seen })
}

fn identity(cert: &Path, key: &Path) -> Result<Identity, Failure> {
    let read = |path: &Path| fs::read(path).map_err(|error| Failure::file(path, &error));
    Identity::from_pem(&read(cert)?, &read(key)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", show_path(cert))))
}

/// What is known before a certificate is seen.
struct Case {
    site: String,
    sites: Option<KnownSites>,
    known: Option<Known>,
    asked: TlsMode,
    pins: Vec<Fingerprint>,
    insecure: bool,
}

/// What becomes of a certificate.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is the one that was known, or pinned on the command line.
    Take,
    /// And from now on no other.
    Remember(Basis),
    /// The same, with a word to the person.
    Pin,
    /// The person decides.
    Ask,
    /// Whoever it is.
    Blindly,
    Refuse(Refusal),
}

impl Case {
    fn decide(&self, shown: &Shown) -> Verdict {
        let print = shown.fingerprint;
        let verified = shown.doubt.is_none();
        if !self.pins.is_empty() {
            if self.pins.contains(&print) {
                return Verdict::Remember(Basis::Pinned);
            }
            return Verdict::Refuse(Refusal {
                why: format!("{} shows the certificate {print}, which no --pin names", self.site),
                todo: "ask whoever runs the site for its fingerprint, and do not go on before you know it"
                    .to_owned(),
            });
        }
        if self.insecure {
            return Verdict::Blindly;
        }
        match &self.known {
            Some(known) if known.fingerprint == print && known.basis == Basis::Pinned => Verdict::Take,
            Some(known) if known.basis == Basis::Verified && verified => Verdict::Remember(Basis::Verified),
            Some(known) if known.fingerprint != print => Verdict::Refuse(self.changed(known, print)),
            None if verified => Verdict::Remember(Basis::Verified),
            None if self.asked == TlsMode::Offered => Verdict::Pin,
            _ => Verdict::Ask,
        }
    }

    fn changed(&self, known: &Known, print: Fingerprint) -> Refusal {
        let file = self.sites.as_ref().map_or_else(String::new, |sites| show_path(sites.path()));
        Refusal {
            why: format!(
                "the certificate of {} has changed: it was {} since {}, now it is {print}. Somebody may be in between.",
                self.site, known.fingerprint, known.since
            ),
            todo: format!(
                "ask whoever runs the site. If the new one is right, give it with --pin {print}, or remove the line \
                 \"{}\" from {file}",
                self.site
            ),
        }
    }

    fn judge(&self, shown: &Shown) -> Result<(), Refusal> {
        let (site, print) = (&self.site, shown.fingerprint);
        let doubt = shown.doubt.as_deref().unwrap_or("it does not verify");
        match self.decide(shown) {
            Verdict::Take => Ok(()),
            Verdict::Remember(basis) => {
                self.remember(basis, print);
                Ok(())
            }
            Verdict::Pin => {
                say(format_args!(
                    "warning: the certificate of {site} is not vouched for ({doubt}); it is {print}, and from now on no \
                     other is taken"
                ));
                self.remember(Basis::Pinned, print);
                Ok(())
            }
            Verdict::Ask => {
                if !ask(site, doubt, print) {
                    return Err(Refusal {
                        why: format!("the certificate of {site} is not vouched for ({doubt}); it is {print}"),
                        todo: format!("if that is the site's certificate, give it with --pin {print}"),
                    });
                }
                self.remember(Basis::Pinned, print);
                Ok(())
            }
            Verdict::Blindly => {
                say(format_args!(
                    "warning: INSECURE: {site} shows {print} and --insecure takes any certificate; whoever is in between \
                     reads the password and the files"
                ));
                Ok(())
            }
            Verdict::Refuse(refusal) => Err(refusal),
        }
    }

    fn remember(&self, basis: Basis, print: Fingerprint) {
        let known = self.known.as_ref().is_some_and(|k| k.basis == basis && k.fingerprint == print);
        if known {
            return;
        }
        match &self.sites {
            None => {
                say(format_args!("warning: there is no HOME to remember the certificate of {} in", self.site))
            }
            Some(sites) => {
                if let Err(error) = sites.put(&self.site, basis, print) {
                    say(format_args!("warning: {}: {error}", show_path(sites.path())));
                }
            }
        }
    }
}

fn judge(case: Case) -> Judge {
    Arc::new(move |shown| case.judge(shown))
}

/// Asks at the terminal. Without one the answer is no.
fn ask(site: &str, doubt: &str, print: Fingerprint) -> bool {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    say(format_args!("The certificate of {site} is not vouched for: {doubt}.\nIts fingerprint is {print}"));
    // A terminal that cannot be written to shows no question, and then the answer is no.
    if io::stderr().write_all(b"Is that the site's? Type yes to take it, now and from now on: ").is_err() {
        return false;
    }
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(digit: char) -> Fingerprint {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    fn case(known: Option<(Basis, char)>, asked: TlsMode) -> Case {
        let known = known.map(|(basis, digit)| Known {
            basis,
            fingerprint: print(digit),
            since: "2026-11-24T15:00:00Z".to_owned(),
        });
        Case { site: "a:21".to_owned(), sites: None, known, asked, pins: Vec::new(), insecure: false }
    }

    fn shown(digit: char, verified: bool) -> Shown {
        let doubt = (!verified).then(|| "unknown issuer".to_owned());
        Shown { host: "a".to_owned(), port: 21, fingerprint: print(digit), doubt }
    }

    #[test]
    fn a_first_visit() {
        for asked in [TlsMode::Offered, TlsMode::Required, TlsMode::Implicit] {
            assert_eq!(case(None, asked).decide(&shown('a', true)), Verdict::Remember(Basis::Verified));
        }
        assert_eq!(case(None, TlsMode::Offered).decide(&shown('a', false)), Verdict::Pin);
        assert_eq!(case(None, TlsMode::Required).decide(&shown('a', false)), Verdict::Ask);
        assert_eq!(case(None, TlsMode::Implicit).decide(&shown('a', false)), Verdict::Ask);
    }

    #[test]
    fn a_change_is_refused_with_both_fingerprints() {
        for (basis, verified) in [(Basis::Pinned, false), (Basis::Pinned, true), (Basis::Verified, false)] {
            let verdict = case(Some((basis, 'a')), TlsMode::Offered).decide(&shown('b', verified));
            let Verdict::Refuse(refusal) = verdict else { panic!("{verdict:?}") };
            let told = format!("{} {}", refusal.why, refusal.todo);
            assert!(
                told.contains(&print('a').to_string()) && told.contains(&print('b').to_string()),
                "{told}"
            );
        }
    }

    #[test]
    fn what_is_known_is_taken() {
        let pinned = case(Some((Basis::Pinned, 'a')), TlsMode::Required);
        assert_eq!(pinned.decide(&shown('a', false)), Verdict::Take);
        // An authority's new certificate is an ordinary renewal.
        let verified = case(Some((Basis::Verified, 'a')), TlsMode::Required);
        assert_eq!(verified.decide(&shown('b', true)), Verdict::Remember(Basis::Verified));
        // The same one, and no longer vouched for: expired, for example.
        assert_eq!(verified.decide(&shown('a', false)), Verdict::Ask);
    }

    #[test]
    fn a_pin_is_stronger_than_everything_and_insecure_takes_all() {
        let mut pins = case(Some((Basis::Pinned, 'a')), TlsMode::Required);
        pins.pins = vec![print('b')];
        pins.insecure = true;
        assert_eq!(pins.decide(&shown('b', false)), Verdict::Remember(Basis::Pinned));
        assert!(matches!(pins.decide(&shown('a', true)), Verdict::Refuse(_)));
        let mut insecure = case(Some((Basis::Pinned, 'a')), TlsMode::Required);
        insecure.insecure = true;
        assert_eq!(insecure.decide(&shown('b', false)), Verdict::Blindly);
    }
}
