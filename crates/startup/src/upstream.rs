//! How does a server become a proxy of another one, and as whom does it log in there?
//!
//! ```text
//!   user        the URL, ~/.netrc, else anonymous
//!   password    the URL, PASV_UPSTREAM_PASSWORD, ~/.netrc
//! ```
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::memory::netrc;
use client::{Credentials, Event, Pool, Profile, Remote, SessionSpec, Watcher};
use net::os_error::words;
use storage::Tree;
use wire::facts::EntryType;
use wire::url::FtpUrl;
use wire::{Pathname, Secret};

use crate::error::{Error, show};

/// How many sessions with the upstream serve all clients: enough for several transfers at once, and no more
/// than most servers allow one address. Where it allows fewer, the pool finds out.
const SESSIONS: usize = 8;

/// The environment variable.
const VARIABLE: &str = "PASV_UPSTREAM_PASSWORD";

/// Another server, whose files this one serves.
pub struct Upstream {
    url: FtpUrl,
    anonymous: bool,
    pool: Pool,
    root: Option<Pathname>,
    remote: Arc<Remote>,
}

impl Upstream {
    pub(crate) fn open(url: &FtpUrl) -> Result<Self, Error> {
        let path = url.path();
        let root = if path.is_empty() { None } else { Some(Pathname::new(path).map_err(Error::new)?) };
        let mut spec = SessionSpec::of_url(url);
        spec.credentials = credentials(url)?;
        let anonymous = spec.credentials.is_anonymous();
        let pool = Profile::of_user().pool(spec, watcher(url), SESSIONS).map_err(Error::new)?;
        let remote = Arc::new(Remote::new(pool.clone(), root.clone()));
        Ok(Self { url: url.clone(), anonymous, pool, root, remote })
    }

    pub(crate) fn tree(&self) -> Arc<dyn Tree> {
        Arc::clone(&self.remote) as _
    }

    /// Its URL. It may hold the password, which is not shown when it is printed.
    #[must_use]
    pub fn url(&self) -> &FtpUrl {
        &self.url
    }

    /// Is the login an anonymous one?
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    /// Logs in and looks at the directory: what would fail for every client is found out at the start.
    ///
    /// # Errors
    /// The client's.
    pub async fn connect(&self) -> Result<(), client::Error> {
        let entry = self.pool.get().await?.stat(self.root.as_ref()).await?;
        if entry.facts.kind == Some(EntryType::File) {
            let source = io::ErrorKind::NotADirectory.into();
            return Err(client::Error::Local { doing: format!("sharing {}", self.url), source });
        }
        Ok(())
    }
}

/// What the administrator should know goes to the log.
fn watcher(url: &FtpUrl) -> Watcher {
    let upstream = url.host.to_string();
    let told = AtomicBool::new(false);
    Arc::new(move |event: &Event| match event {
        // Each session would say the same.
        Event::Clear { .. } if told.swap(true, Ordering::Relaxed) => {}
        Event::Clear { .. } => tracing::warn!(upstream, "{event}"),
        Event::Warning(_) | Event::Identity { insecure: true, .. } => {
            tracing::warn!(upstream, "{event}");
        }
        Event::Identity { .. } | Event::Fallback { .. } | Event::NewSession { .. } => {
            tracing::info!(upstream, "{event}");
        }
        _ => {}
    })
}

fn credentials(url: &FtpUrl) -> Result<Credentials, Error> {
    let anonymous = Credentials::anonymous();
    if let (Some(user), Some(password)) = (&url.user, &url.password) {
        return Ok(Credentials { user: user.clone(), password: password.clone(), account: None });
    }
    let host = url.host.to_string();
    let known = of_netrc(&host, url.user.as_deref()).unwrap_or_default();
    let Some(user) = url.user.clone().or(known.user) else { return Ok(anonymous) };
    let mut found = Credentials { user, password: anonymous.password, account: known.account };
    let of_variable = std::env::var_os(VARIABLE).filter(|text| !text.is_empty() && !found.is_anonymous());
    match of_variable.map(|text| Secret::new(text.into_vec())).or(known.password) {
        Some(password) if password.expose().iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) => {
            return Err(Error::new(format!(
                "the password for {host} ({VARIABLE}) contains a line end or a NUL byte"
            )));
        }
        Some(password) => found.password = password,
        None if found.is_anonymous() => {}
        None => {
            let who = wire::pathname::show(&found.user);
            return Err(Error::new(format!("no password for {who}@{host}"))
                .hint(format!("set the environment variable {VARIABLE}, or add a line to ~/.netrc")));
        }
    }
    Ok(found)
}

fn of_netrc(host: &str, user: Option<&[u8]>) -> Option<netrc::Login> {
    let path = netrc::path()?;
    match netrc::read(&path) {
        Ok((text, _)) => netrc::find(&text, host, user),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let file = show(&path);
            tracing::warn!(file, "cannot read it, so it is ignored: {}", words(&error));
            None
        }
    }
}
