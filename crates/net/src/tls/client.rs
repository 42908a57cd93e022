//! How does a client speak TLS, and whom does it trust?
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};

use super::identity::{Identity, IdentityError, certificates};
use super::server::TlsConfigError;
use super::store::{Store, View};
use super::verify::{CertificateRefused, Verifier};
use super::{Established, HandshakeError, Versions, provider};

/// The certificate authorities that vouch for servers.
#[derive(Clone)]
pub struct Roots(pub(super) Arc<RootCertStore>);

impl Roots {
    /// The system's, or those that SSL_CERT_FILE and SSL_CERT_DIR name. Read once in a process, from a hundred files or
    /// more: the first call blocks for some milliseconds. A system without any gives an empty store, which verifies nobody.
    pub fn system() -> Self {
        static SYSTEM: OnceLock<Roots> = OnceLock::new();
        let load = || {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::debug!(%error, "a certificate authority of the system could not be read");
            }
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            Self(Arc::new(roots))
        };
        SYSTEM.get_or_init(load).clone()
    }

    /// From PEM.
    ///
    /// # Errors
    /// When there is no certificate, or one is damaged.
    pub fn from_pem(pem: &[u8]) -> Result<Self, IdentityError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(pem)? {
            roots.add(authority).map_err(|error| IdentityError::Damaged(error.to_string()))?;
        }
        Ok(Self(Arc::new(roots)))
    }

    /// Both these and those.
    #[must_use]
    pub fn and(&self, those: &Self) -> Self {
        let mut roots = RootCertStore::clone(&self.0);
        roots.extend(those.0.roots.iter().cloned());
        Self(Arc::new(roots))
    }

    /// TLS for another protocol than FTP, by its name in ALPN (RFC 7301), towards servers that these vouch for.
    ///
    /// # Errors
    /// When the library refuses its own defaults.
    pub fn client_config(&self, protocol: &[u8]) -> Result<ClientConfig, TlsConfigError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(Versions::Both.list())?
            .with_root_certificates(Arc::clone(&self.0))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(config)
    }

    /// Does one of these vouch for a server's own certificate, through the others of its chain, at this time and for this
    /// name, as a client would ask?
    ///
    /// # Errors
    /// Why not, in words.
    pub fn vouch_for(&self, identity: &Identity, name: &str, at: SystemTime) -> Result<(), String> {
        let Some((own, others)) = identity.chain().split_first() else {
            return Err("there is no certificate".into());
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.0), provider());
        // Refused only where there is no authority at all.
        let verifier = verifier.build().map_err(|_| CertificateRefused::NoRoots.to_string())?;
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| "its name is none of a server".to_owned())?;
        let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let verified = verifier.verify_server_cert(own, others, &name, &[], at);
        verified.map(drop).map_err(|error| super::verify::words(&error))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roots").field(&self.count()).finish()
    }
}

/// Which certificate of a server is taken. In every case the server must have its key, and every data connection must show
/// the control connection's certificate again.
#[derive(Clone, Debug)]
pub enum Trust {
    /// One that these authorities vouch for, for the name that was dialled.
    Roots(Roots),
    /// One of these, whoever made it, for whatever name and date.
    Pinned(Vec<super::Fingerprint>),
    /// Any: the caller decides, before it says anything secret. [`Session::doubt`] says what these authorities think.
    Report(Roots),
}

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

/// A client's TLS towards one site; makes a [`Session`] for each control connection.
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

    pub(super) fn opening(&self, host: &str) -> Result<Opening, OpeningError> {
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
        // So that a server of another protocol, to which somebody has led us, refuses (RFC 7301; the ALPACA attack). On the
        // data connection nothing is asked for: servers know that name there by two names, or refuse it.
        let mut control = config.clone();
        control.alpn_protocols = vec![b"ftp".to_vec()];
        Ok(Opening { control: Arc::new(control), config, name, store, verifier })
    }
}

/// Why a session cannot begin.
#[derive(Debug)]
pub(super) enum OpeningError {
    Name,
    Config(TlsConfigError),
}

impl From<TlsConfigError> for OpeningError {
    fn from(error: TlsConfigError) -> Self {
        Self::Config(error)
    }
}

/// A session before its handshake.
pub(super) struct Opening {
    pub(super) control: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    config: ClientConfig,
    store: Arc<Store>,
    verifier: Arc<Verifier>,
}

impl Opening {
    pub(super) fn established(self, established: Established) -> Session {
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

    /// Under [`Trust::Report`]: why the certificate does not verify; none if it does, and under every other trust.
    pub fn doubt(&self) -> Option<rustls::Error> {
        self.verifier.doubt()
    }

    /// The same in words for a person.
    pub fn doubt_in_words(&self) -> Option<String> {
        self.doubt().map(|doubt| super::verify::words(&doubt))
    }

    /// How many data connections can resume this session now; `usize::MAX` under TLS 1.2. A TLS 1.3 server gives its first
    /// tickets after the handshake, so they count once something has been read.
    pub fn tickets(&self) -> usize {
        self.store.left()
    }

    /// Data connections have resumed this session, and no other can: a TLS 1.3 server that gives tickets at the login, and
    /// none for those that uploads use up (ProFTPD). The library's tickets cannot be used twice (RFC 8446 C.4 advises
    /// against it, too).
    pub fn ran_dry(&self) -> bool {
        self.store.ran_dry()
    }

    /// The same control connection, with nothing to resume: a data connection made with it shakes hands from the beginning.
    /// To find out whether a server insists.
    #[must_use]
    pub fn without_tickets(&self) -> Self {
        Self { store: Arc::default(), ..self.clone() }
    }

    /// A data connection's TLS, and its view of the store.
    pub(super) fn data(&self) -> Result<(rustls::ClientConnection, Arc<View>), HandshakeError> {
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
