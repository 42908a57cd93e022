//! With which TLS is a folder shared? The flags, the certificates, and what becomes of them while the site runs.
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use acme::Acme;
use clap::Args;
use config::{Reuse, Tls, TlsEnd};
use net::tls::client::Roots;
use net::tls::identity::Identity;
use net::tls::server::{ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{Fingerprint, Versions};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::acme::AcmeFlags;
use super::clients::{ClientFlags, Owners};
use super::listen::{self, Listen};
use crate::talk::{Exit, Failure};
use crate::{flags, state};

/// How often the files of certificates are looked at: nobody waits for a renewed one, and a look costs nothing.
const LOOK: Duration = Duration::from_secs(10);

/// Where implicit TLS is usually spoken.
const IMPLICIT: u16 = 990;

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsFlags {
    /// TLS on the addresses of --listen (explicit TLS, ftpes://)
    #[arg(long, value_enum, default_value = "offered")]
    pub(super) tls: Tls,
    /// Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = listen::parse)]
    listen_tls: Vec<Listen>,
    /// The addresses of `listen_tls`.
    #[arg(skip)]
    sockets: OnceLock<Vec<SocketAddr>>,
    /// Certificate chain, in PEM; reloaded when the file changes
    ///
    /// Without it, a self-signed certificate is generated at the first start and kept. Can be repeated, each with its
    /// --key: the host name that a client asks for decides.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) cert: Vec<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(super) key: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) acme: AcmeFlags,
    /// Whether data connections must resume the TLS session of their control connection
    #[arg(hide_short_help = true, long, value_enum, default_value = "learn")]
    pub(super) data_reuse: Reuse,
    /// Let clients end TLS on the control connection (CCC), for firewalls that read it
    #[arg(long, hide_short_help = true)]
    pub(super) allow_ccc: bool,
    /// Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it.
    #[arg(long, value_enum, default_value = "learn")]
    pub(super) tls_end: TlsEnd,
    #[command(flatten)]
    pub(super) clients: ClientFlags,
    /// TLS handshakes from one address at the same time
    #[arg(hide_short_help = true, long, value_name = "N", value_parser = flags::at_least::<1>, default_value_t = config::Limits::default().handshakes_per_address)]
    pub(super) max_handshakes_per_address: usize,
}

/// The TLS of a site that is being opened.
pub(super) struct Opened {
    pub(super) tls: Arc<ServerTls>,
    /// The certificate that is shown to clients that ask for no name.
    pub(super) certificate: Shown,
    /// Where an authority is asked for a certificate.
    pub(super) acme: Option<Acme>,
    /// Where certificates are users'.
    pub(super) owners: Option<Owners>,
}

/// A certificate, for people.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) fingerprint: Fingerprint,
    /// By what clients can pin it. None where it is only there until an authority has given another.
    pub(super) pins: Option<Pins>,
    /// Where it is not self-signed by ourselves: what an authority may vouch for.
    pub(super) identity: Option<Identity>,
}

impl Shown {
    /// By what clients must pin it at this host, as no authority that this system trusts vouches for it there.
    pub(super) fn pins_at(&self, host: &str) -> Option<Pins> {
        let now = SystemTime::now();
        let vouched = |identity: &Identity| Roots::system().vouch_for(identity, host, now).is_ok();
        self.pins.filter(|_| !self.identity.as_ref().is_some_and(vouched))
    }
}

/// Digests that other programs know a certificate by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pins {
    /// The SHA-1 of the certificate.
    pub(super) sha1: [u8; 20],
    /// The SHA-256 of its key.
    pub(super) key: [u8; 32],
}

impl TlsFlags {
    /// Where are the questions of an authority answered, if one is asked for a certificate?
    pub(super) fn asked_at(&self) -> Option<SocketAddr> {
        self.acme.is_used().then(|| self.acme.listen())
    }

    /// Where TLS is spoken at once.
    pub(super) fn listens(&self) -> &[SocketAddr] {
        self.sockets.get_or_init(|| self.listen_tls.iter().flat_map(|at| at.sockets(IMPLICIT)).collect())
    }

    /// The files of the certificates that are given, each with its key's.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&PathBuf, &PathBuf)> {
        self.cert.iter().zip(&self.key)
    }

    /// What is asked of an authority.
    pub(super) fn acme(&self) -> &AcmeFlags {
        &self.acme
    }

    /// Has anybody TLS?
    pub(super) fn is_used(&self) -> bool {
        self.tls != Tls::Off || !self.listen_tls.is_empty()
    }

    /// What cannot be followed, as a sentence.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        if !self.is_used() && self.acme.is_used() {
            return Some("--acme gets a certificate for TLS, and TLS is off");
        }
        if !self.is_used() && self.clients.is_used() {
            return Some("client certificates are part of TLS, and TLS is off");
        }
        (self.cert.len() != self.key.len()).then_some("each --cert needs its --key")
    }

    /// For a site of these users. None where nobody is to have TLS.
    pub(super) fn open(&self, users: impl Iterator<Item = String>) -> Result<Option<Opened>, Failure> {
        if let Some(conflict) = self.conflict() {
            let failure = Failure::usage(conflict);
            return Err(if self.is_used() { failure } else { failure.hint("leave out --tls off") });
        }
        if !self.is_used() {
            return Ok(None);
        }
        let acme = self.acme.open()?;
        let settings = self.settings(acme.as_ref().and_then(Acme::identity))?;
        let shown = settings.identities.first().ok_or_else(|| cannot("no certificate"))?;
        let own = self.cert.is_empty() && acme.as_ref().and_then(Acme::identity).is_none();
        let stays = !own || acme.is_none();
        let pins = stays.then(|| Pins { sha1: shown.sha1(), key: shown.key_sha256() });
        let identity = (!own).then(|| shown.clone());
        let certificate = Shown { fingerprint: shown.fingerprint(), pins, identity };
        let sessions = Sessions::new().map_err(cannot)?;
        let tls = Arc::new(ServerTls::new(settings, &sessions).map_err(cannot)?);
        let owners = self.clients.owners(users)?;
        Ok(Some(Opened { tls, certificate, acme, owners }))
    }

    fn settings(&self, obtained: Option<Identity>) -> Result<Settings, Failure> {
        let mut identities = Vec::new();
        for (certificate, key) in self.cert.iter().zip(&self.key) {
            let pair = Identity::from_pem(&read(certificate)?, &read(key)?);
            identities.push(pair.map_err(|e| {
                Failure::new(Exit::Usage, format!("{} and {}: {e}", certificate.display(), key.display()))
            })?);
        }
        identities.extend(obtained);
        if identities.is_empty() {
            identities.push(own()?);
        }
        let clients = self.clients.certificates()?;
        Ok(Settings { identities, versions: Versions::Both, clients })
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.cert.iter().chain(&self.key).chain(self.clients.files())
    }

    fn changed(&self) -> Vec<Option<SystemTime>> {
        self.files().map(|file| fs::metadata(file).and_then(|about| about.modified()).ok()).collect()
    }

    /// Reads the files again whenever one has changed and when told to, and takes what ACME has brought; what cannot be used
    /// leaves all as it was.
    pub(super) async fn follow(&self, opened: Opened, told: &Notify) {
        let Opened { tls, acme, owners, .. } = opened;
        let (fresh, mut obtained) = watch::channel(acme.as_ref().and_then(Acme::identity));
        // Ends with this.
        let mut renewing = JoinSet::new();
        if let Some(acme) = acme {
            renewing.spawn(acme.run(fresh));
        }
        let mut known = self.changed();
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let at_once = tokio::select! {
                _ = looks.tick() => false,
                () = told.notified() => true,
                Ok(()) = obtained.changed() => true,
            };
            let now = self.changed();
            if now == known && !at_once {
                continue;
            }
            let identity = obtained.borrow_and_update().clone();
            let read = self.settings(identity).map_err(|f| f.text.unwrap_or_default());
            let listed = self.clients.read_again(owners.as_ref()).map_err(|f| f.text.unwrap_or_default());
            let both = read.and_then(|settings| Ok((settings, listed?)));
            let replaced = both.and_then(|(settings, list)| {
                tls.replace(settings).map(|()| list()).map_err(|e| e.to_string())
            });
            match replaced {
                Ok(()) => tracing::info!("certificates reloaded"),
                // The other file of a pair may be on its way; it is looked at again when it has come.
                Err(error) => {
                    tracing::error!(error, "cannot use the changed certificates; still using the old ones")
                }
            }
            known = now;
        }
    }
}

pub(super) fn cannot(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("cannot set up TLS: {error}"))
        .hint("use --tls off to serve without TLS")
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|e| Failure::file(path, &e))
}

/// The certificate that is ours where none is given: kept, so that who pinned it finds it again.
fn own() -> Result<Identity, Failure> {
    let Some(folder) = state::folder() else {
        tracing::warn!("HOME is not set, so the certificate is not saved and will change at the next start");
        return Ok(Identity::self_signed(&names()).map_err(cannot)?.identity);
    };
    // Two first starts at once would each keep one half of the pair. Held until the end of this function.
    let locked = state::make(&folder).and_then(|()| fs::File::open(&folder)).and_then(|lock| {
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(lock)
    });
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if certificate.exists() && key.exists() {
        let pair = Identity::from_pem(&read(&certificate)?, &read(&key)?);
        return pair.map_err(|e| cannot(format!("{}: {e}", certificate.display())));
    }
    let made = Identity::self_signed(&names()).map_err(cannot)?;
    let kept = locked
        .and_then(|lock| state::keep(&key, made.key.expose(), 0o600).map(|()| lock))
        .and_then(|_lock| state::keep(&certificate, made.certificate.as_bytes(), 0o644));
    if let Err(error) = kept {
        tracing::warn!(%error, folder = %folder.display(), "cannot save the certificate; a new one will be generated at the next start");
    }
    Ok(made.identity)
}

fn names() -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut names = vec!["localhost".to_owned()];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if !host.is_empty() && host != "localhost" && host.chars().all(plain) {
        names.insert(0, host);
    }
    names
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use storage::Certificate;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tls: TlsFlags,
    }

    /// Nobody tells: the files are looked at from time to time.
    #[tokio::test(start_paused = true)]
    async fn a_changed_file_is_read_again_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let own = Identity::self_signed(&["localhost".to_owned()]).unwrap();
        let (cert, key) = (file("cert.pem", own.certificate.as_bytes()), file("key.pem", own.key.expose()));
        let list = file("owners", b"");
        let line = Line::parse_from(["serve", "--cert", &cert, "--key", &key, "--client-cert-users", &list]);
        let opened = line.tls.open(["anna".to_owned()].into_iter()).ok().flatten().unwrap();
        let certificates = Arc::clone(&opened.owners.as_ref().unwrap().certificates);
        let told = Notify::new();
        let follow = line.tls.follow(opened, &told);
        let change = async {
            let shown = Certificate { fingerprint: [0xab; 32], subject: None };
            assert!(!certificates.is_of(b"anna", &shown));
            // A look or two that find nothing; then another date, whatever the resolution of the disk's.
            tokio::time::sleep(LOOK * 2).await;
            file("owners", format!("anna sha256:{}\n", "ab".repeat(32)).as_bytes());
            let later = SystemTime::now() + Duration::from_secs(60);
            fs::File::open(&list).unwrap().set_modified(later).unwrap();
            assert!(!certificates.is_of(b"anna", &shown));
            tokio::time::sleep(LOOK + Duration::from_secs(1)).await;
            assert!(certificates.is_of(b"anna", &shown));
        };
        tokio::select! {
            () = follow => unreachable!("it goes on as long as the site"),
            () = change => {}
        }
    }
}
