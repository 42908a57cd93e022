//! What does a user trust, and what is remembered from one session to the next?
//!
//! ```text
//!   SessionSpec --prepare--> the same with the user's trust, and with what is known of the server
//!   Watcher -----prepare--> the same, and what its sessions find out is remembered
//! ```
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::Client;
use crate::error::Error;
use crate::event::{Event, Watcher};
use crate::memory::folder;
use crate::memory::methods::{Finding, Methods, Network};
use crate::method::{DataMethod, Mode};
use crate::options::Endpoint;
use crate::pool::Pool;
use crate::spec::{Known, SessionSpec};
use crate::trust::{Policy, Trust, TrustError};
use crate::upload::Records;

/// A user's trust and memory. Its clones are one: what a session of this run has found out counts for all
/// later ones.
///
/// ```no_run
/// use client::{Client, Credentials, Endpoint, Profile, SessionSpec};
///
/// # async fn example() -> Result<(), client::Error> {
/// let server = SessionSpec::new(Endpoint::new("ftp.example.org", 21), Credentials::anonymous());
/// let client = Profile::of_user().open(server, client::no_watcher()).await?;
/// client.quit().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Profile {
    /// Which certificates are accepted.
    pub trust: Trust,
    /// Where the data connection methods that worked are remembered; none: nowhere.
    pub methods: Option<Methods>,
    /// Where uploads that are under way are recorded; none: nowhere.
    pub uploads: Option<Records>,
    protected: Protected,
}

/// A session that is prepared by a [`Profile`].
#[derive(Clone)]
pub struct Prepared {
    /// How it is opened.
    pub spec: SessionSpec,
    /// Who is told, and remembers.
    pub watch: Watcher,
    /// What was decided about TLS.
    pub policy: Policy,
}

impl Profile {
    /// With the files of this user, below [`folder`]; where there is no home, nothing is remembered.
    #[must_use]
    pub fn of_user() -> Self {
        Self {
            trust: Trust::default(),
            methods: Methods::find(),
            uploads: folder().map(|folder| Records::in_folder(folder.join("uploads"))),
            protected: Protected::default(),
        }
    }

    /// A session as `spec` describes it, under this trust and with what is remembered. `spec.options.tls` is
    /// what was asked for; where TLS was seen before, [`TlsMode::Offered`](crate::TlsMode::Offered) requires
    /// it.
    ///
    /// # Errors
    /// When the file of known certificates cannot be used.
    pub fn prepare(&self, mut spec: SessionSpec, watch: Watcher) -> Result<Prepared, TrustError> {
        let policy = self.trust.policy(&spec.endpoint, spec.options.tls, &watch)?;
        spec.options.tls = policy.mode;
        spec.security.clone_from(&policy.security);
        spec.uploads.clone_from(&self.uploads);
        spec.recall = Some(self.recall(&spec.endpoint));
        let watch = self.remembering(&spec.endpoint, spec.options.mode, watch);
        Ok(Prepared { spec, watch, policy })
    }

    /// Opens a session, see [`Client::open`].
    ///
    /// # Errors
    /// Those of [`Profile::prepare`] and of [`Client::open`].
    pub async fn open(&self, spec: SessionSpec, watch: Watcher) -> Result<Client, Error> {
        let Prepared { spec, watch, .. } = self.prepare(spec, watch)?;
        Client::open(spec, watch).await
    }

    /// At most so many sessions as `spec` describes, see [`Pool`]. None is opened yet.
    ///
    /// # Errors
    /// See [`Profile::prepare`].
    pub fn pool(&self, spec: SessionSpec, watch: Watcher, most: usize) -> Result<Pool, TrustError> {
        let Prepared { spec, watch, .. } = self.prepare(spec, watch)?;
        Ok(Pool::new(spec, watch, most))
    }

    fn recall(&self, server: &Endpoint) -> crate::spec::Recall {
        let (methods, protected, server) = (self.methods.clone(), self.protected.clone(), server.clone());
        Arc::new(move |local: SocketAddr, peer: SocketAddr| {
            let known = methods.as_ref().map(|methods| methods.look(&server, &Network::of(local.ip())));
            Known { tls_required: protected.has(&server.host, peer), ..known.unwrap_or_default() }
        })
    }

    /// Remembers the method that has worked, where it was not the first that was tried, that large packets
    /// get lost, and who has agreed to TLS.
    fn remembering(&self, server: &Endpoint, mode: Mode, watch: Watcher) -> Watcher {
        let (methods, protected, server) = (self.methods.clone(), self.protected.clone(), server.clone());
        Arc::new(move |event: &Event| {
            watch(event);
            let (local, finding) = match event {
                // Also where the login fails after that: the next one would send its password unencrypted.
                Event::TlsAgreed { peer } => return protected.add(&server.host, *peer),
                // What every session begins with need not be remembered.
                Event::MethodFound { method: DataMethod::Epsv, local } => (local, Finding::Method(None)),
                // Of passive mode, which is better where both work, this session knows nothing.
                Event::MethodFound { method, .. } if mode == Mode::Active && !method.is_passive() => return,
                Event::MethodFound { method, local } => (local, Finding::Method(Some(*method))),
                Event::SmallSegmentsFound { local } => (local, Finding::SmallSegments),
                Event::FeaturesUnasked { local } => (local, Finding::NoFeatures),
                Event::NoMethod { local } => (local, Finding::Nothing),
                _ => return,
            };
            let Some(methods) = &methods else { return };
            if let Err(error) = methods.put(&server, &Network::of(local.ip()), finding) {
                watch(&Event::Note(format!("the connection mode is not remembered: {error}")));
            }
        })
    }
}

/// The servers that have agreed to TLS in this run, each by its name and by its address, with the port, as
/// another port may be another server: none may be spoken to unencrypted after that, unless that is asked
/// for.
#[derive(Clone, Debug, Default)]
struct Protected(Arc<Mutex<(HashSet<String>, HashSet<SocketAddr>)>>);

impl Protected {
    fn add(&self, host: &str, peer: SocketAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.insert(named(host, peer));
        known.1.insert(plain(peer));
    }

    fn has(&self, host: &str, peer: SocketAddr) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.contains(&named(host, peer)) || known.1.contains(&plain(peer))
    }
}

fn named(host: &str, peer: SocketAddr) -> String {
    Endpoint::new(host, usual(peer.port())).to_string()
}

/// An IPv4 address as one, also where the system tells it in IPv6.
fn plain(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), usual(peer.port()))
}

/// The two usual ports are one server's, as in the file of known sites.
fn usual(port: u16) -> u16 {
    if port == 990 { 21 } else { port }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::no_watcher;

    #[test]
    fn a_server_is_known_by_its_name_and_by_its_address() {
        let protected = Protected::default();
        let peer = |text: &str| text.parse::<SocketAddr>().unwrap();
        protected.add("A.example", peer("192.0.2.1:21"));
        for (host, at, known) in [
            ("a.EXAMPLE", "192.0.2.9:21", true),
            ("a.EXAMPLE.", "192.0.2.9:990", true),
            ("a.example", "192.0.2.9:2121", false),
            ("a.example", "192.0.2.1:2121", false),
            ("b.example", "192.0.2.1:990", true),
            ("b.example", "192.0.2.1:21", true),
            ("b.example", "[::ffff:192.0.2.1]:21", true),
            ("b.example", "192.0.2.1:2121", false),
            ("b.example", "192.0.2.2:21", false),
        ] {
            assert_eq!(protected.has(host, peer(at)), known, "{host} {at}");
        }
    }

    /// One session in active mode, where EPRT was refused and PORT was not, had all later ones begin with
    /// PORT.
    #[test]
    fn what_active_mode_found_is_not_how_other_sessions_begin() {
        let local = "127.0.0.1:50000".parse().unwrap();
        let (server, here) = (Endpoint::new("a.example", 21), Network::of([127, 0, 0, 1].into()));
        for (mode, method, known) in [
            (Mode::Active, DataMethod::Port, None),
            (Mode::Active, DataMethod::Pasv, Some(DataMethod::Pasv)),
            (Mode::Auto, DataMethod::Port, Some(DataMethod::Port)),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let methods = Methods::in_folder(folder.path());
            let profile = Profile { methods: Some(methods.clone()), ..Profile::of_user() };
            profile.remembering(&server, mode, no_watcher())(&Event::MethodFound { method, local });
            assert_eq!(methods.look(&server, &here).method, known, "{mode:?} {method}");
        }
    }
}
