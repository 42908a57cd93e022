//! Which certificates does the server show, and how do they stay up to date while it runs?
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use acme::{Acme, Terms};
use config::{CertificateFiles, SiteConfig};
use net::tls::client::Roots;
use net::tls::identity::Identity;
use net::tls::server::{ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{Fingerprint, Versions};
use storage::accounts::certificates::Certificates as UserCertificates;
use tempfile::NamedTempFile;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clients::{self, Owners};
use crate::error::{Error, cannot, read, show};

/// How often the files of certificates are checked for changes: nobody waits for a renewed one, and checking
/// is cheap.
const LOOK: Duration = Duration::from_secs(10);

/// The certificates of a server.
pub(crate) struct Certificates {
    site: SiteConfig,
    /// Where generated and obtained certificates are kept.
    state: Option<PathBuf>,
    tls: Arc<ServerTls>,
    shown: Shown,
    acme: Option<Acme>,
    owners: Option<Owners>,
}

/// A certificate of the server, as people see it.
#[derive(Debug)]
pub struct Shown {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// By what clients can pin it. `None` if it is replaced as soon as an authority has issued another.
    pub pins: Option<Pins>,
    /// The certificate, unless it was generated here: an authority may vouch for it.
    pub identity: Option<Identity>,
}

impl Shown {
    /// By what clients must pin it at this host; `None` if an authority that this system trusts vouches for
    /// it there.
    #[must_use]
    pub fn pins_at(&self, host: &str) -> Option<Pins> {
        let now = SystemTime::now();
        let vouched = |identity: &Identity| Roots::system().vouch_for(identity, host, now).is_ok();
        self.pins.filter(|_| !self.identity.as_ref().is_some_and(vouched))
    }
}

/// Digests that other programs know a certificate by.
#[derive(Clone, Copy, Debug)]
pub struct Pins {
    /// The SHA-1 of the certificate.
    pub sha1: [u8; 20],
    /// The SHA-256 of its key.
    pub key: [u8; 32],
}

impl Certificates {
    /// `None` where no listener has TLS.
    pub(crate) fn open(site: &SiteConfig, state: Option<&Path>) -> Result<Option<Self>, Error> {
        if let Some(conflict) = site.conflict() {
            return Err(Error::new(conflict).hint("leave out --tls off"));
        }
        if !site.has_tls() {
            return Ok(None);
        }
        let acme = open_acme(&site.tls.acme, state)?;
        let obtained = acme.as_ref().and_then(Acme::identity);
        let generated = site.tls.certificates.is_empty() && obtained.is_none();
        let settings = settings(site, state, obtained)?;
        let first = settings.identities.first().ok_or_else(|| cannot("no certificate"))?;
        let stays = !generated || acme.is_none();
        let shown = Shown {
            fingerprint: first.fingerprint(),
            pins: stays.then(|| Pins { sha1: first.sha1(), key: first.key_sha256() }),
            identity: (!generated).then(|| first.clone()),
        };
        let sessions = Sessions::new().map_err(cannot)?;
        let tls = Arc::new(ServerTls::new(settings, &sessions).map_err(cannot)?);
        let owners = Owners::open(site)?;
        Ok(Some(Self { site: site.clone(), state: state.map(Path::to_owned), tls, shown, acme, owners }))
    }

    pub(crate) fn tls(&self) -> Arc<ServerTls> {
        Arc::clone(&self.tls)
    }

    /// The certificate that clients see who ask for no name.
    pub(crate) fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Which certificates belong to which users, where there is a list.
    pub(crate) fn of_users(&self) -> Option<Arc<UserCertificates>> {
        self.owners.as_ref().map(|owners| Arc::clone(&owners.certificates))
    }

    /// When each file was changed.
    fn changed(&self) -> Vec<Option<SystemTime>> {
        let pairs = self.site.tls.certificates.iter().flat_map(|pair| [&pair.cert, &pair.key]);
        let files = pairs.chain(clients::files(&self.site.tls.clients));
        files.map(|file| fs::metadata(file).and_then(|about| about.modified()).ok()).collect()
    }

    /// Reads the files again whenever one has changed and when `reload` is notified, and takes what the
    /// authority has issued. If something cannot be used, all stays as it was. Never ends.
    pub(crate) async fn follow(mut self, reload: &Notify) {
        let acme = self.acme.take();
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
                () = reload.notified() => true,
                Ok(()) = obtained.changed() => true,
            };
            let now = self.changed();
            if now == known && !at_once {
                continue;
            }
            let identity = obtained.borrow_and_update().clone();
            match self.replace(identity) {
                Ok(()) => tracing::info!("certificates reloaded"),
                // The other file of a pair may be on its way; it is looked at again when it has come.
                Err(error) => {
                    let error = error.text;
                    tracing::error!(error, "cannot use the changed certificates; still using the old ones");
                }
            }
            known = now;
        }
    }

    fn replace(&self, obtained: Option<Identity>) -> Result<(), Error> {
        let settings = settings(&self.site, self.state.as_deref(), obtained)?;
        let list =
            self.owners.as_ref().map(|owners| owners.read_again(&self.site.tls.clients)).transpose()?;
        self.tls.replace(settings).map_err(Error::new)?;
        if let Some(put_in_place) = list {
            put_in_place();
        }
        Ok(())
    }
}

fn settings(site: &SiteConfig, state: Option<&Path>, obtained: Option<Identity>) -> Result<Settings, Error> {
    let mut identities = Vec::new();
    for CertificateFiles { cert, key } in &site.tls.certificates {
        let pair = Identity::from_pem(&read(cert)?, &read(key)?);
        identities.push(
            pair.map_err(|e| Error::new(format_args!("{} and {}: {e}", cert.display(), key.display())))?,
        );
    }
    identities.extend(obtained);
    if identities.is_empty() {
        identities.push(generated(state)?);
    }
    let clients = clients::asked(&site.tls.clients)?;
    Ok(Settings { identities, versions: Versions::Both, clients })
}

/// `None` where no authority is asked. Reads what is kept, and asks nobody yet.
fn open_acme(config: &config::Acme, state: Option<&Path>) -> Result<Option<Acme>, Error> {
    if !config.is_used() {
        return Ok(None);
    }
    let state = state.ok_or_else(|| {
        Error::new("--acme: there is no home to keep the certificate in").hint(
            "set XDG_STATE_HOME or HOME: without, every start would order again, and authorities count orders",
        )
    })?;
    let extra = config.ca.as_deref().map(|file| {
        Roots::from_pem(&read(file)?).map_err(|error| Error::new(format_args!("{}: {error}", file.display())))
    });
    let terms = Terms {
        names: config.names.clone(),
        directory: config.directory.clone(),
        contact: config.contact.clone(),
        listen: config.listen,
    };
    Ok(Acme::open(terms, state, extra.transpose()?))
}

/// The self-signed certificate where none is given: kept, so that clients that pinned it find it again.
fn generated(state: Option<&Path>) -> Result<Identity, Error> {
    let Some(folder) = state else {
        tracing::warn!("HOME is not set, so the certificate is not saved and will change at the next start");
        return Ok(Identity::self_signed(&names()).map_err(cannot)?.identity);
    };
    // Two first starts at once would each keep one half of the pair. Held until the end of this function.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let locked = made.and_then(|()| File::open(folder)).and_then(|lock| lock.lock().map(|()| lock));
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if certificate.exists() && key.exists() {
        let pair = Identity::from_pem(&read(&certificate)?, &read(&key)?);
        return pair.map_err(|e| cannot(format_args!("{}: {e}", show(&certificate))));
    }
    let made = Identity::self_signed(&names()).map_err(cannot)?;
    let kept = locked
        .and_then(|lock| keep(&key, made.key.expose(), 0o600).map(|()| lock))
        .and_then(|_lock| keep(&certificate, made.certificate.as_bytes(), 0o644));
    if let Err(error) = kept {
        tracing::warn!(%error, folder = %folder.display(), "cannot save the certificate; a new one will be generated at the next start");
    }
    Ok(made.identity)
}

/// Writes a file whole or not at all.
fn keep(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(path))?;
    file.write_all(content)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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
    use config::User;
    use storage::Certificate;

    use super::*;

    #[test]
    fn a_generated_key_is_kept_for_its_owner_only() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        let first = generated(Some(&folder)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("key.pem"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert_eq!(generated(Some(&folder)).unwrap().fingerprint(), first.fingerprint());
        // Half of a pair is replaced by a new pair.
        fs::remove_file(folder.join("certificate.pem")).unwrap();
        assert_ne!(generated(Some(&folder)).unwrap().fingerprint(), first.fingerprint());
        assert_eq!(mode(&folder.join("key.pem")), 0o600);
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
        let mut site = SiteConfig {
            users: vec![User { name: "anna".to_owned(), password_file: None }],
            ..SiteConfig::default()
        };
        site.tls.certificates.push(CertificateFiles { cert: cert.into(), key: key.into() });
        site.tls.clients.users = Some(list.clone().into());
        let opened = Certificates::open(&site, None).unwrap().unwrap();
        let certificates = opened.of_users().unwrap();
        let told = Notify::new();
        let follow = opened.follow(&told);
        let change = async {
            let shown = Certificate { fingerprint: [0xab; 32], subject: None };
            assert!(!certificates.is_of(b"anna", &shown));
            // A look or two that find nothing; then another date, whatever the resolution of the disk's.
            tokio::time::sleep(LOOK * 2).await;
            file("owners", format!("anna sha256:{}\n", "ab".repeat(32)).as_bytes());
            let later = SystemTime::now() + Duration::from_secs(60);
            File::open(&list).unwrap().set_modified(later).unwrap();
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
