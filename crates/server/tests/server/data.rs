//! How does a client of the tests move data? Its data connection, without TLS or with it.
use std::future::Future;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use net::active::ActivePort;
use net::data::{Data, UploadEnd};
use net::dial::dial;
use net::pump::{self, Progress, PumpError};
use net::tls::HandshakeError;
use net::tls::client::Session;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::control::PATIENCE;

type Shaken = Result<Data, HandshakeError>;

/// A data connection.
pub(crate) enum ClientData {
    Clear(TcpStream),
    /// The server answers the hello when its transfer begins.
    Shaking(JoinSet<Shaken>),
    Tls(Box<Data>),
    /// All has been sent; the server's end is to come.
    Ending(JoinHandle<UploadEnd>),
    Gone,
}

/// How the server has ended a data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With FIN; without TLS that is all there is.
    Fin,
    /// With close_notify, and FIN.
    Notified,
    /// Without close_notify, though TLS had begun: what came is not the whole.
    Cut,
}

/// Where a client listens.
pub(crate) enum DataListener {
    Clear(TcpListener),
    Tls(ActivePort),
}

impl DataListener {
    pub(crate) async fn open(at: IpAddr, protected: bool) -> io::Result<Self> {
        if protected {
            return Ok(Self::Tls(ActivePort::bind(at, None, None)?));
        }
        Ok(Self::Clear(TcpListener::bind((at, 0)).await?))
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Clear(listener) => listener.local_addr(),
            Self::Tls(awaited) => Ok(awaited.local()),
        }
    }

    pub(crate) async fn accept(&self, session: Option<&Session>) -> io::Result<ClientData> {
        match (self, session) {
            (Self::Clear(listener), _) => Ok(ClientData::Clear(listener.accept().await?.0)),
            (Self::Tls(awaited), Some(session)) => {
                Ok(ClientData::shaking(awaited.connection(awaited.local().ip()).await?, session).await)
            }
            (Self::Tls(_), None) => Err(io::Error::other("data is unencrypted again")),
        }
    }
}

impl ClientData {
    /// To a passive port.
    pub(crate) async fn dial(to: SocketAddr, session: Option<&Session>) -> io::Result<Self> {
        match session {
            None => Ok(Self::Clear(TcpStream::connect(to).await?)),
            Some(session) => Ok(Self::shaking(dial(to, None, None).await?, session).await),
        }
    }

    async fn shaking(data: Data, session: &Session) -> Self {
        let session = session.clone();
        let shaken = async move { data.connect_tls(&session, PATIENCE).await };
        let mut tasks = JoinSet::new();
        tasks.spawn(begun(shaken).await);
        Self::Shaking(tasks)
    }

    /// TLS stands now. (The server has answered, that is; it may not have read our last word yet.)
    async fn shaken(&mut self) -> Result<(), HandshakeError> {
        if let Self::Shaking(tasks) = self {
            let data = tasks.join_next().await.expect("there is one").expect("it does not panic")?;
            *self = Self::Tls(Box::new(data));
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.shaken().await.map_err(said)?;
        match self {
            Self::Clear(data) => data.write_all(bytes).await.map_err(said),
            Self::Tls(data) => pump::send(data, bytes, PATIENCE, &Progress::default()).await.map_err(said),
            _ => Err("all was sent".to_owned()),
        }
    }

    /// Says that this was all.
    pub(crate) async fn end(&mut self) -> Result<(), String> {
        self.shaken().await.map_err(said)?;
        match std::mem::replace(self, Self::Gone) {
            Self::Clear(mut data) => {
                data.shutdown().await.map_err(said)?;
                *self = Self::Clear(data);
            }
            Self::Tls(data) => *self = Self::Ending(tokio::spawn(begun(data.end_upload(PATIENCE)).await)),
            _ => return Err("all was sent".to_owned()),
        }
        Ok(())
    }

    /// Closes, in order.
    pub(crate) async fn close(self) {
        if let Self::Tls(data) = self {
            data.finish(Duration::ZERO).await;
        }
    }

    /// A reset, not an end.
    pub(crate) async fn reset(mut self) -> Result<(), String> {
        self.shaken().await.map_err(said)?;
        let linger = Some(Duration::ZERO);
        match &self {
            Self::Clear(data) => SockRef::from(data).set_linger(linger).map_err(said),
            Self::Tls(data) => SockRef::from(&**data).set_linger(linger).map_err(said),
            _ => Err("all was sent".to_owned()),
        }
    }

    /// Ends as somebody in between could, who has no keys: with FIN, and no close_notify. What the server
    /// still says is read, since to close over it would be a reset.
    pub(crate) async fn cut(mut self) -> Result<(), String> {
        self.shaken().await.map_err(said)?;
        let Self::Tls(data) = &self else { return Err("nothing can be cut here but TLS".to_owned()) };
        SockRef::from(&**data).shutdown(Shutdown::Write).map_err(said)?;
        tokio::spawn(self.all());
        Ok(())
    }

    /// All that comes up to the server's end.
    pub(crate) async fn all(mut self) -> Result<(Vec<u8>, End), String> {
        match self.shaken().await {
            Ok(()) => {}
            // Nobody took it up.
            Err(HandshakeError::Closed) => return Ok((Vec::new(), End::Fin)),
            // Broken off (ABOR) before our last word of the handshake was read.
            Err(HandshakeError::Io(_)) => return Ok((Vec::new(), End::Cut)),
            Err(error) => return Err(error.to_string()),
        }
        let mut all = Vec::new();
        match self {
            Self::Clear(mut data) => match data.read_to_end(&mut all).await {
                Ok(_) => Ok((all, End::Fin)),
                Err(error) => Err(format!("the data connection did not end with FIN: {error}")),
            },
            Self::Tls(mut data) => loop {
                match pump::receive(&mut data, &mut all, PATIENCE, &Progress::default()).await {
                    Ok(0) => return Ok((all, End::Notified)),
                    Ok(_) => {}
                    // Broken off (ABOR) with our last word of the handshake unread, it ends with a reset.
                    Err(PumpError::Truncated | PumpError::Peer(_)) => return Ok((all, End::Cut)),
                    Err(error) => return Err(error.to_string()),
                }
            },
            Self::Ending(end) => match end.await.map_err(said)? {
                UploadEnd::Whole => Ok((all, End::Notified)),
                UploadEnd::Cut => Ok((all, End::Cut)),
                other => Err(format!("the server ended as {other:?}")),
            },
            Self::Shaking(_) | Self::Gone => Err("there is no data connection (D+)".to_owned()),
        }
    }

    /// The first bytes that come, so that the transfer is known to run.
    pub(crate) async fn first(&mut self) -> Result<Vec<u8>, String> {
        self.shaken().await.map_err(said)?;
        let mut some = Vec::new();
        match self {
            Self::Clear(data) => data.read_buf(&mut some).await.map(drop).map_err(said)?,
            Self::Tls(data) => {
                pump::receive(data, &mut some, PATIENCE, &Progress::default())
                    .await
                    .map(drop)
                    .map_err(said)?;
            }
            _ => return Err("there is no data connection".to_owned()),
        }
        Ok(some)
    }
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

/// A future that has had its first turn: what it can do at once is done when this returns, before the next
/// word of the story.
async fn begun<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    let mut future = Box::pin(future);
    let first = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(done) => Box::pin(std::future::ready(done)),
        Poll::Pending => future,
    }
}
