//! How does a server get its certificate from an authority (ACME, RFC 8555), and renew it?
//!
//! ```text
//!   start     saved and not expired? --> used at once        else other certificates are used until it comes
//!   then      a third of its time remains, or there is none: order --> saved --> used, without a restart
//!             the order fails: logged, and retried at growing intervals; the server keeps what it has
//!
//!   order     https to the authority  ....  the authority connects to port 80 of each name: responder
//! ```
#![forbid(unsafe_code)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use net::tls::client::Roots;
use net::tls::identity::Identity;
use tokio::sync::watch;
use tokio::time::sleep;
use wire::{Secret, Stamp};

use self::certificate::Certificate;
use self::error::OrderError;
use self::store::Store;

mod certificate;
mod error;
mod https;
mod order;
mod plan;
mod responder;
mod store;

/// Let's Encrypt.
pub const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// What is ordered, and where.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The names to be proven, in lower case: see [`host`]. At least one; duplicates are ordered once.
    pub names: Vec<String>,
    /// The URL of the authority's directory: [`DIRECTORY`], or another that [`directory`] accepts.
    pub directory: String,
    /// Mail addresses for the authority, as `mailto:` URLs: see [`contact`].
    pub contact: Vec<String>,
    /// Where the authority's HTTP-01 requests are answered, while it asks.
    pub listen: SocketAddr,
}

/// The certificate of a server that orders its own.
pub struct Acme {
    terms: Terms,
    extra: Option<Roots>,
    store: Store,
    current: Option<Certificate>,
}

/// The file of the last certificate below the folder `state`, and its content. None if there is none yet.
pub fn saved(state: &Path, directory: &str, first: &str) -> Option<(PathBuf, io::Result<Secret>)> {
    let store = Store::new(state, directory, first);
    Some((store.file().to_owned(), store.certificate().transpose()?))
}

impl Acme {
    /// Reads what is saved below the folder `state`, and makes no connection. `extra` are authorities to
    /// trust for the directory itself, beside the system's. None if there is no name.
    pub fn open(mut terms: Terms, state: &Path, extra: Option<Roots>) -> Option<Self> {
        let store = Store::new(state, &terms.directory, terms.names.first()?);
        // An authority may refuse an order that names one twice.
        let mut names: Vec<String> = Vec::new();
        for name in terms.names {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        terms.names = names;
        let mut acme = Self { terms, extra, store, current: None };
        acme.look();
        if let Some(certificate) = &acme.current {
            let (names, until) = (acme.names(), day(certificate.validity.until));
            tracing::info!(names, until, "using the saved certificate");
        }
        Some(acme)
    }

    /// The certificate, if there is one that has not expired.
    pub fn identity(&self) -> Option<Identity> {
        self.current.as_ref().map(|certificate| certificate.identity.clone())
    }

    /// Renews for ever, and sends each new certificate to `fresh`.
    pub async fn run(mut self, fresh: watch::Sender<Option<Identity>>) {
        // Hundreds of files: read once.
        let Ok(system) = tokio::task::spawn_blocking(Roots::system).await else { return };
        let roots = self.extra.as_ref().map_or_else(|| system.clone(), |extra| system.and(extra));
        let mut failures = 0_u32;
        loop {
            let until_due = self.until_due();
            if !until_due.is_zero() {
                sleep(until_due.min(plan::LOOK)).await;
                continue;
            }
            let renewed = self.renew(&roots).await;
            // Used even if it expires soon: nothing else is better.
            fresh.send_if_modified(|shown| {
                let print = |identity: &Option<Identity>| identity.as_ref().map(Identity::fingerprint);
                let before = std::mem::replace(shown, self.identity());
                print(&before) != print(shown)
            });
            let Err(error) = renewed else {
                failures = 0;
                continue;
            };
            failures = failures.saturating_add(1);
            let validity = self.current.as_ref().map(|certificate| certificate.validity);
            let rest = plan::rest(failures, validity).max(error.rest());
            tracing::error!(
                names = self.names(),
                hint = error.hint(),
                again_in = format!("{} min", rest.as_secs() / 60),
                "cannot get a certificate: {error}"
            );
            sleep(rest).await;
        }
    }

    /// Gets a certificate that is not due for renewal.
    async fn renew(&mut self, roots: &Roots) -> Result<(), OrderError> {
        // Another server on this machine may have renewed it.
        self.look();
        if !self.until_due().is_zero() {
            return Ok(());
        }
        tracing::info!(names = self.names(), directory = self.terms.directory, "ordering a certificate");
        let certificate = order::obtain(&self.terms, roots, &self.store).await?;
        let until = day(certificate.validity.until);
        tracing::info!(names = self.names(), until, "received a certificate");
        self.current = Some(certificate);
        // Else a certificate that expires at once would be ordered without end.
        if self.until_due().is_zero() {
            return Err(OrderError::Useless(format!(
                "it expires on {until}, so soon that it would have to be renewed at once"
            )));
        }
        Ok(())
    }

    /// Takes the saved certificate, unless it has expired.
    fn look(&mut self) {
        let read = self.store.certificate().map_err(|error| error.to_string());
        let read = read.and_then(|pem| pem.map(|pem| Certificate::from_pem(pem.expose())).transpose());
        match read {
            Ok(Some(certificate)) if !certificate.validity.is_over(SystemTime::now()) => {
                self.current = Some(certificate);
            }
            Ok(_) => {}
            Err(error) => {
                let folder = self.store.folder().display();
                tracing::warn!(error, %folder, "cannot use the saved certificate");
            }
        }
    }

    /// How long until an order is due.
    fn until_due(&self) -> Duration {
        let whole = self.current.as_ref().filter(|certificate| certificate.covers(&self.terms.names));
        whole.map_or(Duration::ZERO, |whole| plan::until_renewal(SystemTime::now(), whole.validity))
    }

    fn names(&self) -> String {
        self.terms.names.join(", ")
    }
}

fn day(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Stamp::from_seconds(i64::try_from(seconds).unwrap_or(0)).rfc3339()
}

/// Reads a host name that can be in a certificate and be proven by HTTP-01.
pub fn host(text: &str) -> Result<String, String> {
    if text.parse::<IpAddr>().is_ok() {
        return Err(
            "write a host name: certificate authorities rarely issue certificates for IP addresses".into()
        );
    }
    if text.contains('*') {
        return Err(
            "wildcards need a DNS challenge, which pasv does not support: name the hosts one by one".into()
        );
    }
    let label = |label: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // RFC 1035 2.3.4.
    if text.len() > 253 || !text.split('.').all(label) {
        return Err("write a host name such as ftp.example.org; letters other than ASCII as xn--...".into());
    }
    Ok(text.to_ascii_lowercase())
}

/// Reads the URL of a directory.
pub fn directory(text: &str) -> Result<String, String> {
    if https::is_url(text) { Ok(text.to_owned()) } else { Err("write an https:// URL".into()) }
}

/// Reads a mail address, with or without `mailto:`.
pub fn contact(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    let plain = address.chars().all(|c| c.is_ascii_graphic() && c != ',' && c != '?');
    match address.split_once('@') {
        Some((user, host)) if plain && !user.is_empty() && !host.is_empty() => {
            Ok(format!("mailto:{address}"))
        }
        _ => Err("write one mail address, such as anna@example.org".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_proven() {
        assert_eq!(host("FTP.Example.org").as_deref(), Ok("ftp.example.org"));
        assert_eq!(host("xn--bcher-kva.example").as_deref(), Ok("xn--bcher-kva.example"));
        assert!(host("192.0.2.7").is_err_and(|why| why.contains("name")));
        assert!(host("*.example.org").is_err_and(|why| why.contains("wildcard")));
        for wrong in [
            "",
            ".",
            "a..b",
            "ftp.example.org.",
            "-a.example",
            "a/b",
            "..",
            "b\u{fc}cher.example",
            &"a.".repeat(127),
        ] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn contacts_and_directories() {
        assert_eq!(contact("anna@example.org").as_deref(), Ok("mailto:anna@example.org"));
        assert_eq!(contact("mailto:anna@example.org").as_deref(), Ok("mailto:anna@example.org"));
        assert!(contact("anna").is_err() && contact("a@b,c@d").is_err() && contact("a@b\n").is_err());
        assert!(directory(DIRECTORY).is_ok() && directory("http://ca.example/dir").is_err());
    }
}
