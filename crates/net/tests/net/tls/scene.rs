//! Who plays the two sides under TLS?
use std::fmt::Debug;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use net::active::ActivePort;
use net::control::Control;
use net::data::Data;
use net::dial::dial;
use net::listener::Listener;
use net::tls::client::{ClientTls, Session, Settings as ClientSettings, Trust};
use net::tls::identity::Identity;
use net::tls::server::{Binding, ClientCertificates, ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{DataTlsError, Flow, HandshakeError, Reuse, Versions};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use tokio::task::spawn_blocking;

use crate::scene::{HERE, LONG};

pub(crate) const NAME: &str = "ftp.example";
pub(crate) const BOTH: [Versions; 2] = [Versions::Tls12, Versions::Tls13];

/// A server with one certificate of its own making.
pub(crate) struct Site {
    pub(crate) identity: Identity,
    pub(crate) sessions: Sessions,
    pub(crate) tls: ServerTls,
}

pub(crate) fn identity(name: &str) -> Identity {
    Identity::self_signed(&[name.to_owned()]).unwrap().identity
}

pub(crate) fn settings(identity: &Identity) -> Settings {
    Settings {
        identities: vec![identity.clone()],
        versions: Versions::Both,
        clients: ClientCertificates::Off,
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        let (identity, sessions) = (identity(NAME), Sessions::new().unwrap());
        let tls = ServerTls::new(settings(&identity), &sessions).unwrap();
        Self { identity, sessions, tls }
    }

    /// A client that trusts this site by its fingerprint.
    pub(crate) fn client(&self, versions: Versions) -> ClientTls {
        let trust = Trust::Pinned(vec![self.identity.fingerprint()]);
        ClientTls::new(ClientSettings { trust, versions, identity: None })
    }

    /// A login: both ends of a protected control connection, with what the server gave first taken in.
    pub(crate) async fn login(&self, versions: Versions) -> Login {
        let (server, client) = controls().await;
        let tls = self.client(versions);
        let (binding, session) = tokio::join!(
            server.accept_tls(&self.tls, None, LONG),
            client.connect_tls(&tls, NAME, None, LONG)
        );
        let login = Login { server, client, binding: binding.unwrap(), session: session.unwrap() };
        login.server.write_all(b"220 ").await.unwrap();
        while login.client.read(&mut Vec::new()).await.unwrap() == 0 {}
        login
    }
}

pub(crate) struct Login {
    pub(crate) server: Control,
    pub(crate) client: Control,
    pub(crate) binding: Binding,
    pub(crate) session: Session,
}

impl Login {
    /// The server says something, with a ticket before it where the client is short of them. What the client
    /// has then.
    pub(crate) async fn replenished(&self) -> usize {
        self.server.replenish(&self.binding);
        self.server.write_all(b"2").await.unwrap();
        let mut said = Vec::new();
        self.client.read(&mut said).await.unwrap();
        assert_eq!(said, b"2");
        self.session.tickets()
    }

    /// A data connection, from the client's end to the server's.
    pub(crate) async fn data(&self, reuse: Reuse, flow: Flow) -> (Data, Data) {
        let (server, client) = self.attempt(&self.session, reuse, flow).await;
        (server.unwrap(), client.unwrap())
    }

    /// The same, with a session that may be another's.
    pub(crate) async fn attempt(
        &self,
        session: &Session,
        reuse: Reuse,
        flow: Flow,
    ) -> (Result<Data, DataTlsError>, Result<Data, HandshakeError>) {
        let (server, client) = datas().await;
        tokio::join!(server.accept_tls(&self.binding, reuse, flow, LONG), client.connect_tls(session, LONG))
    }
}

/// Two unencrypted ends: the server's, the client's.
pub(crate) async fn controls() -> (Control, Control) {
    let listener = Listener::bind((HERE, 0).into()).unwrap();
    let (connected, accepted) =
        tokio::join!(Control::connect(listener.local(), None, None), listener.accept());
    (accepted.unwrap(), connected.unwrap())
}

/// The same for data connections.
pub(crate) async fn datas() -> (Data, Data) {
    let awaited = ActivePort::bind(HERE, None, None).unwrap();
    let (connected, accepted) = tokio::join!(dial(awaited.local(), None, None), awaited.connection(HERE));
    (accepted.unwrap(), connected.unwrap())
}

/// A control connection of ours, and a stranger's blocking end of it.
pub(crate) async fn stranger() -> (Control, TcpStream) {
    let listener = Listener::bind((HERE, 0).into()).unwrap();
    let peer = crate::scene::connect(HERE, listener.local());
    (listener.accept().await.unwrap(), peer)
}

/// A TLS client that is not ours: trusts any certificate, and keeps every ticket it can get, for all its
/// connections.
pub(crate) struct Stranger(pub(crate) Arc<ClientConfig>);

impl Stranger {
    pub(crate) fn new(alpn: &[&str], version: &'static rustls::SupportedProtocolVersion) -> Self {
        Self::with(alpn, version, rustls::crypto::aws_lc_rs::default_provider())
    }

    pub(crate) fn with(
        alpn: &[&str],
        version: &'static rustls::SupportedProtocolVersion,
        provider: rustls::crypto::CryptoProvider,
    ) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.resumption = Resumption::in_memory_sessions(64);
        Self(Arc::new(config))
    }

    pub(crate) fn begin(&self) -> ClientConnection {
        let name = ServerName::try_from(NAME).unwrap();
        ClientConnection::new(Arc::clone(&self.0), name).unwrap()
    }

    /// Does the handshake, and reads to the server's end if asked to; blocking. Whether it resumed.
    pub(crate) fn visit(&self, mut socket: TcpStream, reads: bool) -> std::io::Result<bool> {
        socket.set_read_timeout(Some(LONG)).unwrap();
        let mut tls = self.begin();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        while reads && tls.complete_io(&mut socket).is_ok_and(|(read, _)| read > 0) {}
        Ok(tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed))
    }
}

impl Stranger {
    /// Makes a data connection for a control connection, and reads to the server's end if asked to. What it
    /// is for the server, which has ended it in order, and for the client: whether it resumed.
    pub(crate) async fn comes(
        &self,
        binding: &Binding,
        reuse: Reuse,
        flow: Flow,
        reads: bool,
    ) -> (Result<bool, DataTlsError>, std::io::Result<bool>) {
        let awaited = ActivePort::bind(HERE, None, None).unwrap();
        let socket = crate::scene::connect(HERE, awaited.local());
        let data = awaited.connection(HERE).await.unwrap();
        let client = Self(Arc::clone(&self.0));
        let visit = spawn_blocking(move || client.visit(socket, reads));
        let accepted = match data.accept_tls(binding, reuse, flow, LONG).await {
            Ok(data) => {
                let resumed = data.established().unwrap().resumed;
                data.finish(LONG).await;
                Ok(resumed)
            }
            Err(refused) => Err(refused),
        };
        (accepted, visit.await.unwrap())
    }
}

/// Why a data connection was refused.
pub(crate) fn refusal<T: Debug>(result: Result<T, DataTlsError>) -> &'static str {
    match result {
        Err(DataTlsError::Foreign) => "foreign",
        Err(DataTlsError::Unbound) => "unbound",
        Err(DataTlsError::AnotherCertificate) => "another certificate",
        other => panic!("{other:?}"),
    }
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The version that rustls calls so.
pub(crate) fn version(versions: Versions) -> &'static rustls::SupportedProtocolVersion {
    match versions {
        Versions::Tls12 => &rustls::version::TLS12,
        Versions::Tls13 | Versions::Both => &rustls::version::TLS13,
    }
}

pub(crate) const STALL: Duration = Duration::from_secs(30);
