//! How does a client of the tests speak TLS?
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net::control::Control;
use net::data::{Data, UploadEnd};
use net::dial::dial;
use net::pump::{self, Progress};
use net::tls::client::{ClientTls, Session, Settings as ClientSettings, Trust};
use net::tls::identity::Identity;
use net::tls::server::{ClientCertificates, ClientTrust, ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{Explicit, Versions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How long a handshake may take, and what may stand still.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Both sides of a site's TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerTls>,
    pub(crate) client: Arc<ClientTls>,
}

impl Tls {
    /// With a certificate made for it, which its clients know.
    pub(crate) fn new(versions: Versions) -> Self {
        Self::showing(versions, None)
    }

    /// The same, and clients are asked for a certificate and show this one, where there is one.
    pub(crate) fn showing(versions: Versions, identity: Option<Identity>) -> Self {
        let made = Identity::self_signed(&["localhost".to_owned()]).expect("a certificate");
        let trust = Trust::Pinned(vec![made.identity.fingerprint()]);
        let sessions = Sessions::new().expect("random bytes");
        let clients = match identity {
            Some(_) => ClientCertificates::Ask(ClientTrust::Any),
            None => ClientCertificates::Off,
        };
        let settings = Settings { identities: vec![made.identity], versions, clients };
        let server = ServerTls::new(settings, &sessions).expect("settings that fit");
        let client = ClientTls::new(ClientSettings { trust, identity, versions });
        Self { server: Arc::new(server), client: Arc::new(client) }
    }
}

/// A control connection.
pub(crate) enum Line {
    Clear(TcpStream),
    Tls(Box<Talk>),
}

/// One that can be protected.
pub(crate) struct Talk {
    pub(crate) control: Control,
    pub(crate) session: Option<Session>,
    /// What has been agreed on for data.
    pub(crate) private: bool,
}

impl Talk {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self, String> {
        let control = Control::connect(to, None).await.map_err(|e| e.to_string())?;
        Ok(Self { control, session: None, private: false })
    }

    /// Does what a reply means; `behind` is what was read behind it.
    pub(crate) async fn told(&mut self, line: &[u8], tls: &Tls, behind: &[u8]) -> Result<(), String> {
        if line.starts_with(b"234 ") {
            let explicit = Explicit { read_ahead: behind, answer: b"" };
            let protected =
                self.control.connect_tls(&tls.client, "localhost", Some(explicit), PATIENCE).await;
            self.session = Some(protected.map_err(|e| e.to_string())?);
        } else if line == b"200 Data is protected." {
            self.private = true;
        } else if line == b"200 Data is in clear." {
            self.private = false;
        } else if line == b"200 The control connection is in clear now." {
            self.control.clear_tls(b"", PATIENCE).await.map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

/// A data connection.
pub(crate) enum Way {
    Clear(TcpStream),
    /// The server answers the hello when its transfer begins.
    Shaking(JoinHandle<Result<Data, String>>),
    Tls(Box<Data>),
    /// All has been sent; the server's end is to come.
    Ending(JoinHandle<UploadEnd>),
    Gone,
}

impl Way {
    pub(crate) async fn dial(to: SocketAddr, talk: &Talk) -> Result<Self, String> {
        let session = talk.session.clone().ok_or("no TLS yet")?;
        let data = dial(to, None).await.map_err(|e| e.to_string())?;
        Ok(Self::Shaking(tokio::spawn(async move {
            data.connect_tls(&session, PATIENCE).await.map_err(|e| e.to_string())
        })))
    }

    async fn shaken(&mut self) -> Result<(), String> {
        if let Self::Shaking(task) = self {
            *self = Self::Tls(Box::new(task.await.map_err(|e| e.to_string())??));
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.shaken().await?;
        match self {
            Self::Clear(data) => data.write_all(bytes).await.map_err(|e: io::Error| e.to_string()),
            Self::Tls(data) => {
                pump::send(data, bytes, PATIENCE, &Progress::default()).await.map_err(|e| e.to_string())
            }
            _ => Err("all was sent".to_owned()),
        }
    }

    pub(crate) async fn end(&mut self) -> Result<(), String> {
        self.shaken().await?;
        match std::mem::replace(self, Self::Gone) {
            Self::Clear(mut data) => {
                data.shutdown().await.map_err(|e| e.to_string())?;
                *self = Self::Clear(data);
            }
            Self::Tls(data) => *self = Self::Ending(tokio::spawn(data.end_upload(PATIENCE))),
            _ => return Err("all was sent".to_owned()),
        }
        Ok(())
    }

    pub(crate) async fn all(mut self) -> Result<Vec<u8>, String> {
        self.shaken().await?;
        let mut all = Vec::new();
        match self {
            Self::Clear(mut data) => {
                data.read_to_end(&mut all)
                    .await
                    .map_err(|e| format!("the data connection did not end with FIN: {e}"))?;
            }
            Self::Tls(mut data) => {
                let progress = Progress::default();
                // An end without close_notify is an error here.
                while pump::receive(&mut data, &mut all, PATIENCE, &progress)
                    .await
                    .map_err(|e| e.to_string())?
                    > 0
                {}
            }
            Self::Ending(end) => match end.await.map_err(|e| e.to_string())? {
                UploadEnd::Whole => {}
                other => return Err(format!("the server ended as {other:?}")),
            },
            _ => return Err("there is no data connection (D+)".to_owned()),
        }
        Ok(all)
    }
}
