//! What has to be known to open a session with a server?
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use wire::url::{FtpUrl, Scheme};

use crate::method::DataMethod;
use crate::options::{Endpoint, Options};
use crate::security::{Security, TlsMode};
use crate::session::Credentials;
use crate::upload::record::Records;

/// How a server is reached: all that [`Client::open`](crate::Client::open) needs. Cloned, it opens another
/// session.
///
/// ```no_run
/// # async fn example() -> Result<(), client::Error> {
/// use client::{Client, Credentials, Endpoint, SessionSpec};
///
/// let server = Endpoint { host: "ftp.example.org".to_owned(), port: 21 };
/// let client = Client::open(SessionSpec::new(server, Credentials::anonymous()), client::no_watcher()).await?;
/// client.quit().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionSpec {
    /// The server.
    pub endpoint: Endpoint,
    /// The user.
    pub credentials: Credentials,
    /// How the session behaves.
    pub options: Options,
    /// Which certificates are accepted under TLS. None: those that the system's authorities vouch for.
    pub security: Option<Security>,
    /// What earlier sessions have found out, see [`Client::learned`](crate::Client::learned).
    pub known: Known,
    /// What is known only once it is known from which address the server is reached.
    pub recall: Option<Recall>,
    /// Where uploads that are under way are recorded, so that a later
    /// [`Client::store_rest`](crate::Client::store_rest) knows that a partial file at the server is ours.
    pub uploads: Option<Records>,
}

/// Given our own address and the server's, of the control connection that has just been established: what is
/// known of this server from this network.
pub type Recall = Arc<dyn Fn(SocketAddr, SocketAddr) -> Known + Send + Sync>;

/// What sessions find out about a server, so that the next one need not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The data connection method that worked. One that [`Options::mode`] does not begin with is ignored.
    pub method: Option<DataMethod>,
    /// Large packets get lost: use small segments from the start.
    pub small_segments: bool,
    /// The server does not survive FEAT: do not ask it.
    pub no_features: bool,
    /// The server has offered TLS before: it is an error when it does not any more.
    pub tls_required: bool,
}

impl Known {
    /// Both together; where they differ in the method, this one's.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            method: self.method.or(other.method),
            small_segments: self.small_segments || other.small_segments,
            no_features: self.no_features || other.no_features,
            tls_required: self.tls_required || other.tls_required,
        }
    }
}

impl SessionSpec {
    /// A session as [`Options::default`] describes it, of which nothing is known.
    #[must_use]
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoint,
            credentials,
            options: Options::default(),
            security: None,
            known: Known::default(),
            recall: None,
            uploads: None,
        }
    }

    /// What a URL says: the server, the user (else anonymous), and TLS: `ftp://` uses it if it is offered,
    /// `ftpes://` requires it, `ftps://` begins with it.
    #[must_use]
    pub fn of_url(url: &FtpUrl) -> Self {
        let anonymous = Credentials::anonymous();
        let credentials = Credentials {
            user: url.user.clone().unwrap_or(anonymous.user),
            password: url.password.clone().unwrap_or(anonymous.password),
            account: None,
        };
        let mut spec = Self::new(Endpoint::new(url.host.to_string(), url.port_or_default()), credentials);
        spec.options.tls = match url.scheme {
            Scheme::Ftp => TlsMode::Offered,
            Scheme::Ftpes => TlsMode::Required,
            Scheme::Ftps => TlsMode::Implicit,
        };
        spec
    }
}

impl fmt::Debug for SessionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSpec")
            .field("endpoint", &self.endpoint)
            .field("credentials", &self.credentials)
            .field("options", &self.options)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
