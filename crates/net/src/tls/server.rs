//! How does a listener speak TLS?
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{DistinguishedName, RootCertStore, ServerConfig};

use super::error::TlsConfigError;
use super::established::Established;
use super::fingerprint::Fingerprint;
use super::identity::{Choice, Identity, certificates};
use super::owner::{Flow, Reuse};
use super::provider::{Versions, provider, signatures};
use super::reissue;
use super::resumption::{Issuer, Resumption};
use super::sessions::{ControlSession, Sessions};
use super::siblings::{Pool, User};
use super::subject::Subject;
use super::tickets::{AT_LOGIN, ON_DATA};
use crate::session_id::SessionId;

/// The names by which FTP may be asked for in ALPN (RFC 7301), each connection's own first: some clients use
/// one of them for both. FileZilla's `x-filezilla-ftp` is none of them, since who takes it promises more than
/// FTP; it asks for `ftp` beside it. A client that asks only for something else (a browser, a mail client
/// that was sent here) is refused by the handshake; one that does not ask is served.
const CONTROL: [&[u8]; 2] = [b"ftp", b"ftp-data"];
const DATA: [&[u8]; 2] = [b"ftp-data", b"ftp"];

/// What a listener's TLS is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// At least one. Which is shown is decided by the name that the client asks for (SNI), else the first.
    pub identities: Vec<Identity>,
    /// The versions that are spoken.
    pub versions: Versions,
    /// Whether clients show certificates.
    pub clients: ClientCertificates,
}

/// Whether clients show certificates.
#[derive(Clone, Debug, Default)]
pub enum ClientCertificates {
    /// They are not asked for one.
    #[default]
    Off,
    /// They are asked, and may have none. One that is not trusted ends the handshake.
    Ask(ClientTrust),
    /// Without one the handshake fails.
    Require(ClientTrust),
}

/// Which certificates of clients are taken.
#[derive(Clone, Debug)]
pub enum ClientTrust {
    /// Those of these authorities that are not revoked.
    Authorities {
        /// The authorities' own certificates.
        authorities: Vec<CertificateDer<'static>>,
        /// Lists of revoked certificates. What no list speaks of is not revoked; a list past its date still
        /// counts.
        revoked: Vec<CertificateRevocationListDer<'static>>,
    },
    /// Any: the user of this knows the fingerprints that it trusts. That the client has the key is proven.
    Any,
}

impl ClientTrust {
    /// Authorities and lists of revoked certificates from PEM.
    ///
    /// # Errors
    /// When there is no authority, or something is damaged.
    pub fn from_pem(authorities: &[u8], revoked: &[u8]) -> Result<Self, TlsConfigError> {
        let damaged = |error: &dyn fmt::Display| TlsConfigError::Clients(error.to_string());
        let authorities = certificates(authorities).map_err(|error| damaged(&error))?;
        let revoked = CertificateRevocationListDer::pem_slice_iter(revoked)
            .collect::<Result<_, _>>()
            .map_err(|error| damaged(&error))?;
        Ok(Self::Authorities { authorities, revoked })
    }
}

/// A listener's TLS. What it is made of can be exchanged while it is used: connections that are there keep
/// what they began with, data connections too.
#[derive(Debug)]
pub struct ServerTls {
    current: RwLock<Arc<Current>>,
    sessions: Sessions,
}

#[derive(Debug)]
struct Current {
    control: ServerConfig,
    data: ServerConfig,
    /// Authorities vouch for the certificates that clients show.
    vouched: bool,
}

/// What a client has proven of itself by its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Of the certificate whose key it has.
    pub fingerprint: Fingerprint,
    /// Who it is; none where no authority vouches for it, since any name can be written into a certificate.
    pub subject: Option<Subject>,
}

impl ServerTls {
    /// # Errors
    /// See [`TlsConfigError`].
    pub fn new(settings: Settings, sessions: &Sessions) -> Result<Self, TlsConfigError> {
        let current = RwLock::new(Arc::new(Current::new(settings)?));
        Ok(Self { current, sessions: sessions.clone() })
    }

    /// Speaks with other settings from now on.
    ///
    /// # Errors
    /// See [`TlsConfigError`]; then nothing has changed.
    pub fn replace(&self, settings: Settings) -> Result<(), TlsConfigError> {
        let fresh = Arc::new(Current::new(settings)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// For a control connection from an address.
    pub(crate) fn opening(&self, from: IpAddr) -> Result<(Opening, Arc<ServerConfig>), TlsConfigError> {
        let current = self.current();
        let session = self.sessions.open(from)?;
        let issuer = Arc::new(Issuer(Arc::clone(&session)));
        let mut config = current.control.clone();
        config.ticketer = Arc::clone(&issuer) as _;
        config.session_storage = issuer;
        Ok((Opening { session, current }, Arc::new(config)))
    }

    /// A data connection of whichever session.
    pub(crate) fn any(&self) -> (Arc<Resumption>, Arc<ServerConfig>) {
        let resumption = Resumption::any(&self.sessions);
        let config = self.current().data(&resumption);
        (resumption, config)
    }
}

impl Current {
    fn new(settings: Settings) -> Result<Self, TlsConfigError> {
        if settings.identities.is_empty() {
            return Err(TlsConfigError::NoIdentity);
        }
        let vouched = settings.clients.vouched();
        let verifier = settings.clients.verifier()?;
        let identities = Arc::new(Choice(settings.identities));
        let config = |provider| {
            let builder = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(settings.versions.list())?
                .with_client_cert_verifier(Arc::clone(&verifier));
            Ok::<_, TlsConfigError>(builder.with_cert_resolver(Arc::clone(&identities) as _))
        };
        let mut control = config(reissue::provider())?;
        control.send_tls13_tickets = AT_LOGIN;
        control.alpn_protocols = CONTROL.map(<[u8]>::to_vec).to_vec();
        let mut data = config(provider())?;
        data.send_tls13_tickets = ON_DATA;
        data.alpn_protocols = DATA.map(<[u8]>::to_vec).to_vec();
        Ok(Self { control, data, vouched })
    }

    fn data(&self, resumption: &Arc<Resumption>) -> Arc<ServerConfig> {
        let mut config = self.data.clone();
        config.ticketer = Arc::clone(resumption) as _;
        config.session_storage = Arc::clone(resumption) as _;
        Arc::new(config)
    }
}

/// A binding before its handshake.
pub(crate) struct Opening {
    session: Arc<ControlSession>,
    current: Arc<Current>,
}

impl Opening {
    pub(crate) fn established(self, established: Established) -> Binding {
        let Self { session, current } = self;
        let lifetime = Arc::new(Lifetime { session, pool: Mutex::default() });
        Binding { lifetime, current, established: Arc::new(established) }
    }
}

/// The TLS of one control connection, to which its data connections are bound. As long as it, or a clone of
/// it, lives, what the client was given can be resumed. Cheap to clone.
#[derive(Clone)]
pub struct Binding {
    lifetime: Arc<Lifetime>,
    current: Arc<Current>,
    established: Arc<Established>,
}

/// Lives as long as its control connection.
struct Lifetime {
    session: Arc<ControlSession>,
    /// Where its client shares sessions among several control connections.
    pool: Mutex<Option<Arc<Pool<ControlSession>>>>,
}

impl Lifetime {
    /// The pool of its user and address, from now on.
    fn join(&self) {
        let pool = self.session.registry.pools.of(&self.session.sibling);
        let before = std::mem::replace(&mut *self.pool.lock().unwrap_or_else(PoisonError::into_inner), pool);
        drop(before);
    }
}

impl Drop for Lifetime {
    fn drop(&mut self) {
        self.session.sibling.end();
        // Its client may go on with its session on the data connections of others; if there are none, nothing
        // is kept.
        if let Some(pool) = self.session.registry.pools.of(&self.session.sibling) {
            pool.keep(Arc::clone(&self.session));
        }
    }
}

impl Binding {
    /// Its name among all of the process.
    pub fn id(&self) -> SessionId {
        self.session().id()
    }

    /// Who is logged in on the control connection now. Without one it has no siblings (see
    /// [`Shows::Sibling`](super::Shows::Sibling)).
    pub fn belongs(&self, user: Option<User>) {
        self.session().sibling.belongs(user);
        self.lifetime.join();
    }

    /// May a data connection resume the session of a sibling? Not for an anonymous user and an upload.
    pub fn lends(&self, flow: Flow) -> bool {
        self.session().sibling.lends(flow)
    }

    /// A data connection has resumed another's session, and has proven that it knows it.
    pub(crate) fn adopt(&self, other: &ControlSession) {
        self.session().learn();
        self.session().sibling.share(&other.sibling);
        self.lifetime.join();
    }

    /// A data connection was refused that resumes nothing. Its client may have no ticket any more (a Go
    /// program discards its only one when a handshake fails), and is given one with what is said next
    /// ([`Control::replenish`](crate::control::Control)).
    pub fn owes_a_ticket(&self) {
        self.session().owe();
    }

    /// An upload has ended with close_notify.
    pub fn notified(&self) {
        self.session().notified();
    }

    /// Has an upload ended with close_notify? Then all of them must.
    pub fn notifies(&self) -> bool {
        self.session().notifies()
    }

    /// What was agreed on for the control connection, and the client's certificates.
    pub fn established(&self) -> &Established {
        &self.established
    }

    /// What the client has proven by its certificate; none where it showed none.
    pub fn client(&self) -> Option<ClientCertificate> {
        let fingerprint = self.established.fingerprint()?;
        let subject = self.established.subject().filter(|_| self.current.vouched);
        Some(ClientCertificate { fingerprint, subject })
    }

    /// A data connection has resumed it.
    pub fn has_resumed(&self) -> bool {
        self.session().has_learned()
    }

    /// Under [`Reuse::Learn`] the next data connection must resume it: one has done so, and the client
    /// is not one that can have no ticket left.
    pub fn must_resume(&self) -> bool {
        self.session().has_learned() && !self.session().is_spent()
    }

    pub(crate) fn session(&self) -> &Arc<ControlSession> {
        &self.lifetime.session
    }

    pub(crate) fn resumption(&self, reuse: Reuse) -> (Arc<Resumption>, Arc<ServerConfig>) {
        let resumption = Resumption::only(self.session(), reuse != Reuse::Require);
        let config = self.current.data(&resumption);
        (resumption, config)
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("id", &self.id())
            .field("established", &self.established)
            .finish_non_exhaustive()
    }
}

impl ClientCertificates {
    fn vouched(&self) -> bool {
        matches!(
            self,
            Self::Ask(ClientTrust::Authorities { .. }) | Self::Require(ClientTrust::Authorities { .. })
        )
    }

    fn verifier(self) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
        let (trust, mandatory) = match self {
            Self::Off => return Ok(Arc::new(NoClientAuth)),
            Self::Ask(trust) => (trust, false),
            Self::Require(trust) => (trust, true),
        };
        let ClientTrust::Authorities { authorities, revoked } = trust else {
            return Ok(Arc::new(AnyCertificate { mandatory }));
        };
        let clients = |error: &dyn fmt::Display| TlsConfigError::Clients(error.to_string());
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(|error| clients(&error))?;
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .with_crls(revoked)
            .allow_unknown_revocation_status();
        if !mandatory {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map_err(|error| clients(&error))
    }
}

/// Takes any client's certificate, if the client has its key.
#[derive(Debug)]
struct AnyCertificate {
    mandatory: bool,
}

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}
