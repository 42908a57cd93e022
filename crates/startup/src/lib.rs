//! How does a configuration become a server that runs?
//!
//! ```text
//!   SiteConfig --open--> Opened (folder or upstream, users, certificates) --start--> Running --run--> its end
//!                          |                                                 ports, signals, ready file
//!                          +--bind--> Server, for programs that run it themselves
//! ```
//!
//! [`process::run`] makes what the process needs beforehand: log, threads, limits. While a server runs, its
//! certificates are renewed and read again, and old partial uploads are removed; not so where a program runs
//! the [`Server`] of `bind` itself.
#![forbid(unsafe_code)]

mod binding;
mod certificates;
mod clients;
mod error;
mod log;
pub mod process;
mod ready;
mod root;
mod running;
mod signals;
mod upstream;
mod users;
mod warnings;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use config::{Root, SiteConfig};
use net::os_error::words;
use server::xferlog::Xferlog;
use server::{BindError, Server};
use storage::Tree;
use storage::accounts::Accounts;
use storage::local::{Local, LocalOptions, Sync};
use tokio::sync::Notify;

use certificates::Certificates;
pub use certificates::{Pins, Shown};
pub use error::{Error, Fault};
pub use log::Log;
pub use root::check_root;
pub use running::Running;
pub use upstream::Upstream;
pub use users::Generated;
pub use warnings::warnings;

/// What a server needs, opened.
pub struct Opened {
    /// Where the files are in a folder.
    local: Option<Arc<Local>>,
    /// Where they are on another server.
    pub upstream: Option<Upstream>,
    accounts: Arc<Accounts>,
    certificates: Option<Certificates>,
    /// Users with the passwords that were generated for them.
    pub generated: Vec<Generated>,
}

/// Opens the folder (an upstream is not connected to yet), the users' passwords and the certificates. `state`
/// is the folder where generated and obtained certificates are kept; `None`: there is none.
///
/// # Errors
/// When a file or the folder cannot be used, or settings exclude each other.
pub fn open(site: &SiteConfig, state: Option<&Path>) -> Result<Opened, Error> {
    let (mut local, mut upstream) = (None, None);
    let tree: Arc<dyn Tree> = match &site.root {
        Root::Folder(folder) => Arc::clone(local.insert(open_folder(site, folder)?)) as _,
        Root::Upstream(url) => upstream.insert(Upstream::open(url)?).tree(),
    };
    let (accounts, generated) = users::accounts(site, &tree)?;
    let certificates = Certificates::open(site, state)?;
    let accounts = match certificates.as_ref().and_then(Certificates::of_users) {
        Some(of_users) => accounts.with_certificates(of_users),
        None => accounts,
    };
    Ok(Opened { local, upstream, accounts: Arc::new(accounts), certificates, generated })
}

impl Opened {
    /// The certificate that clients see who ask for no name; `None`: there is no TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&Shown> {
        self.certificates.as_ref().map(Certificates::shown)
    }

    /// Binds the addresses and ports.
    ///
    /// # Errors
    /// As [`server::Builder::bind`].
    pub fn bind(&self, site: &SiteConfig, xferlog: Option<Xferlog>) -> Result<Server, BindError> {
        Server::builder(site.clone(), Arc::clone(&self.accounts) as _)
            .tls(self.certificates.as_ref().map(Certificates::tls))
            .xferlog(xferlog)
            .bind()
    }

    /// Does what has to be done beside a running server: reloads certificates when their files change and
    /// when `reload` is notified, renews that of an authority, and removes old partial uploads. Never ends.
    async fn maintain(self, reload: &Notify) {
        let follow = async {
            match self.certificates {
                Some(certificates) => certificates.follow(reload).await,
                None => std::future::pending().await,
            }
        };
        let sweep = async {
            if let Some(local) = &self.local {
                sweep(local).await;
            }
        };
        tokio::join!(follow, sweep);
    }
}

fn open_folder(site: &SiteConfig, folder: &Path) -> Result<Arc<Local>, Error> {
    let options = LocalOptions {
        read_only: !site.changes_files(),
        sync: match site.uploads.sync {
            config::Sync::Always => Sync::Always,
            config::Sync::Never => Sync::Never,
        },
        umask: site.uploads.umask,
        keep_parts: site.uploads.keep_parts,
    };
    Local::open(folder, options).map(Arc::new).map_err(|e| {
        // The system's words where there are any; the kind is for the log.
        let why = std::error::Error::source(&e).map_or_else(|| words(&e), |source| words(&source));
        Error::new(format!("cannot share {}: {why}", folder.display()))
    })
}

/// Removes the parts of broken uploads whose time is over, at the start and every hour.
async fn sweep(tree: &Local) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hourly.tick().await;
        match tree.sweep(SystemTime::now()).await {
            Ok(swept) if swept.removed > 0 => {
                tracing::info!(removed = swept.removed, bytes = swept.bytes, "removed old partial uploads");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "cannot remove old partial uploads"),
        }
    }
}

#[cfg(test)]
mod tests {
    use config::{Listener, User};

    use super::*;

    #[tokio::test]
    async fn a_configuration_becomes_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let here =
            Listener { address: [127, 0, 0, 1].into(), port: 0, passive: false, ..Listener::default() };
        let implicit = Listener { implicit: true, ..here.clone() };
        let site = SiteConfig {
            root: folder.path().into(),
            users: vec![User { name: "alice".into(), password_file: None }],
            listeners: vec![here, implicit],
            ..SiteConfig::default()
        };
        let state = folder.path().join("state");
        let opened = open(&site, Some(&state)).unwrap();
        assert_eq!(
            opened.generated.first().map(|(name, password)| (name.as_str(), password.len())),
            Some(("alice", 20))
        );
        let shown = opened.certificate().unwrap().fingerprint;
        let server = opened.bind(&site, None).unwrap();
        assert_eq!((server.control().len(), server.implicit().len()), (1, 1));
        assert!(server.config().listeners.iter().all(|listener| listener.port != 0));
        // The certificate is kept.
        assert_eq!(open(&site, Some(&state)).unwrap().certificate().unwrap().fingerprint, shown);
        let missing = SiteConfig { root: folder.path().join("missing").into(), ..site };
        assert!(open(&missing, None).is_err_and(|error| error.text.starts_with("cannot share")));
    }
}
