//! How does a client speak TLS?
use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;

use super::error::{HandshakeError, TlsConfigError, words};
use super::established::Established;
use super::identity::Identity;
use super::provider::{Versions, provider};
use super::store::{Store, View};
use super::verify::Verifier;

pub use super::trust::{Roots, Trust};

/// What a client's TLS is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which certificate of the server is taken.
    pub trust: Trust,
    /// The versions that are offered.
    pub versions: Versions,
    /// The client's own certificate, for servers that ask for one.
    pub identity: Option<Identity>,
}

/// A client's TLS towards one server; makes a [`Session`] for each control connection.
#[derive(Debug)]
pub struct ClientTls {
    settings: Settings,
}

impl ClientTls {
    /// TLS with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// What it is made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn opening(&self, host: &str) -> Result<Opening, OpeningError> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| OpeningError::Name)?;
        let (store, verifier) = (Arc::default(), Arc::new(Verifier::new(self.settings.trust.clone())));
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(self.settings.versions.list())
            .map_err(TlsConfigError::from)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut config = match &self.settings.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_cert_resolver(Arc::new(
                rustls::sign::SingleCertAndKey::from(Arc::clone(&identity.key)),
            )),
        };
        config.resumption = Resumption::store(Arc::new(View::control(&store)));
        // So that a server of another protocol, to which an attacker has led us, refuses (RFC 7301; the
        // ALPACA attack). On the data connection nothing is asked for: servers know that name there by two
        // names, or refuse it.
        let mut control = config.clone();
        control.alpn_protocols = vec![b"ftp".to_vec()];
        Ok(Opening { control: Arc::new(control), config, name, store, verifier })
    }
}

/// Why a session cannot begin.
#[derive(Debug)]
pub(crate) enum OpeningError {
    Name,
    Config(TlsConfigError),
}

impl From<TlsConfigError> for OpeningError {
    fn from(error: TlsConfigError) -> Self {
        Self::Config(error)
    }
}

/// A session before its handshake.
pub(crate) struct Opening {
    pub(crate) control: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
    config: ClientConfig,
    store: Arc<Store>,
    verifier: Arc<Verifier>,
}

impl Opening {
    pub(crate) fn established(self, established: Established) -> Session {
        let Self { config, name, store, verifier, .. } = self;
        Session { config: Arc::new(config), name, store, verifier, established: Arc::new(established) }
    }
}

/// The TLS of one control connection, as its data connections go on with it. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    store: Arc<Store>,
    verifier: Arc<Verifier>,
    established: Arc<Established>,
}

impl Session {
    /// What was agreed on for the control connection, and the server's certificates.
    pub fn established(&self) -> &Established {
        &self.established
    }

    /// Under [`Trust::Report`]: why the certificate does not verify; none if it does, and under every other
    /// trust.
    pub fn doubt(&self) -> Option<rustls::Error> {
        self.verifier.doubt()
    }

    /// The same in words for a person.
    pub fn doubt_in_words(&self) -> Option<String> {
        self.doubt().map(|doubt| words(&doubt))
    }

    /// How many data connections can resume this session now; `usize::MAX` under TLS 1.2. A TLS 1.3 server
    /// gives its first tickets after the handshake, so they count once something has been read.
    pub fn tickets(&self) -> usize {
        self.store.left()
    }

    /// Data connections have resumed this session, and no other can: a TLS 1.3 server that gives tickets at
    /// the login, and none for those that uploads use up (ProFTPD). The library's tickets cannot be used
    /// twice (RFC 8446 C.4 advises against it, too).
    pub fn ran_dry(&self) -> bool {
        self.store.ran_dry()
    }

    /// The same control connection, with nothing to resume: a data connection made with it does a full
    /// handshake. To find out whether a server insists.
    #[must_use]
    pub fn without_tickets(&self) -> Self {
        Self { store: Arc::default(), ..self.clone() }
    }

    /// A data connection's TLS, and its view of the store.
    pub(crate) fn data(&self) -> Result<(rustls::ClientConnection, Arc<View>), HandshakeError> {
        let view = Arc::new(View::data(&self.store));
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::store(Arc::clone(&view) as _);
        Ok((rustls::ClientConnection::new(Arc::new(config), self.name.clone())?, view))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.name)
            .field("store", &self.store)
            .field("established", &self.established)
            .finish_non_exhaustive()
    }
}
