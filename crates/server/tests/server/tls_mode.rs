//! Which TLS do the clients of a story use? None, or one version, begun by AUTH or with the connection.
//!
//! A story tells nothing of its TLS mode. A client in one says AUTH TLS, PBSZ 0 and PROT P before the story's
//! first word (and PBSZ and PROT again behind REIN, which forgets them), each of its data connections resumes
//! its control connection's session, and the site takes nothing less.
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use config::{Reuse, SiteConfig, Tls as Policy};
use net::control::Control;
use net::listener::Listener;
use net::tls::Versions;
use net::tls::client::{ClientTls, Session, Settings as ClientSettings, Trust};
use net::tls::identity::Identity;
use net::tls::server::{ClientCertificates, ClientTrust, ServerTls, Settings as ServerSettings};
use net::tls::sessions::Sessions;

use crate::control::PATIENCE;
use crate::story::Story;

/// How a client's connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Clear,
    /// By AUTH.
    Explicit(Versions),
    /// From the first byte on.
    Implicit(Versions),
}

/// A deadline that a story has set to see it pass.
const SHORT: Duration = Duration::from_secs(2);

/// One certificate is enough for all sites of a process.
static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::self_signed(&["localhost".to_owned()]).expect("a certificate").identity);

impl TlsMode {
    /// Those that differ to what goes on behind the handshake.
    pub(crate) const KINDS: [Self; 3] =
        [Self::Clear, Self::Explicit(Versions::Tls12), Self::Explicit(Versions::Tls13)];

    /// A site that takes no other, and lets its clients put it on.
    pub(crate) fn put_on(self, settings: &mut SiteConfig) {
        // What a client says before the story begins: PBSZ and PROT, and AUTH.
        let said = match self {
            Self::Clear => 0,
            Self::Implicit(_) => 2,
            Self::Explicit(_) => 3,
        };
        settings.limits.commands_before_login += said;
        if self != Self::Clear {
            // The short deadlines of stories are for clear text: handshakes take processor time out of them,
            // of which a busy machine has little to give.
            let d = &mut settings.deadlines;
            for deadline in [&mut d.login, &mut d.idle, &mut d.data, &mut d.stall, &mut d.port] {
                if *deadline < SHORT {
                    *deadline *= 3;
                }
            }
            settings.listeners[0].tls = Policy::RequiredForData;
            settings.listeners[0].data_reuse = Reuse::Require;
        }
    }

    /// Why a story cannot be played in it.
    pub(crate) fn spares(self, story: &Story) -> Option<&'static str> {
        let implicit = matches!(self, Self::Implicit(_));
        match story.name.as_str() {
            _ if self == Self::Clear => None,
            name if name.starts_with("tls/") => Some("it tells of TLS itself"),
            "help/what-is-on" => Some("TLS is on"),
            "reinitialise/after-a-transfer" => {
                Some("what is agreed on for data again has its turn after the transfer")
            }
            "passive/ambiguous" => Some("the session that a connection resumes tells whose it is"),
            "upload/client-vanishes" | "upload/client-vanishes-at-once" => {
                Some("close_notify says that the upload is whole")
            }
            "passive/every-port-taken" => Some("for the same reason sessions of one address share a port"),
            "limits/sessions-in-all" | "limits/sessions-of-an-address" if implicit => {
                Some("without a handshake nothing can be said, and who is not let in gets none")
            }
            _ => None,
        }
    }
}

/// Both sides of a site's TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerTls>,
    pub(crate) client: Arc<ClientTls>,
    /// Another server with the same certificate: what it gives to resume means nothing here.
    other: Arc<ServerTls>,
}

impl Tls {
    /// With a certificate that its clients know.
    pub(crate) fn new(versions: Versions) -> Self {
        Self::showing(versions, None)
    }

    /// The same, and clients are asked for a certificate and show this one, where there is one.
    pub(crate) fn showing(versions: Versions, identity: Option<Identity>) -> Self {
        let trust = Trust::Pinned(vec![IDENTITY.fingerprint()]);
        let sessions = Sessions::new().expect("random bytes");
        let clients = match identity {
            Some(_) => ClientCertificates::Ask(ClientTrust::Any),
            None => ClientCertificates::Off,
        };
        let settings = ServerSettings { identities: vec![IDENTITY.clone()], versions, clients };
        let others = Sessions::new().expect("random bytes");
        let other = ServerTls::new(settings.clone(), &others).expect("settings that fit");
        let server = ServerTls::new(settings, &sessions).expect("settings that fit");
        let client = ClientTls::new(ClientSettings { trust, identity, versions });
        Self { server: Arc::new(server), client: Arc::new(client), other: Arc::new(other) }
    }

    /// A session whose data connections resume nothing.
    pub(crate) async fn nobodys(&self) -> Session {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).expect("loopback has free ports");
        let (called, accepted) =
            tokio::join!(Control::connect(listener.local(), None, None), listener.accept());
        let (client, server) = (called.expect("a connection"), accepted.expect("a connection"));
        let (_, session) = tokio::join!(
            server.accept_tls(&self.other, None, PATIENCE),
            client.connect_tls(&self.client, "localhost", None, PATIENCE)
        );
        session.expect("TLS")
    }

    /// What a TLS mode needs, if anything.
    pub(crate) fn of(tls_mode: TlsMode) -> Option<Self> {
        match tls_mode {
            TlsMode::Clear => None,
            TlsMode::Explicit(versions) | TlsMode::Implicit(versions) => Some(Self::new(versions)),
        }
    }
}
