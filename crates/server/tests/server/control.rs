//! How does a client of the tests talk to a site? Its control connection, in any TLS mode.
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use net::control::{Control, Explicit};
use net::tls::client::Session;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::tls_mode::{Tls, TlsMode};

/// How long a handshake may take, and what may stand still.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where a site is, and in which TLS mode one comes.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) clear: SocketAddr,
    /// Where TLS begins with the connection.
    pub(crate) implicit: Option<SocketAddr>,
    /// What AUTH begins, where the site has it.
    pub(crate) tls: Option<Tls>,
    pub(crate) tls_mode: TlsMode,
}

impl Address {
    pub(crate) fn ip(&self) -> IpAddr {
        self.clear.ip()
    }
}

/// A control connection, from the client's side.
pub(crate) struct ClientControl {
    wire: Wire,
    door: Address,
    /// The site's first words, where they had to be read before the client was secured.
    greeting: Option<Vec<u8>>,
    heard: Vec<u8>,
    /// The TLS that data connections go on with.
    session: Option<Session>,
    /// PROT P was agreed on.
    private: bool,
}

enum Wire {
    Clear(TcpStream),
    /// It can be protected, and may be.
    Tls(Box<Control>),
}

impl ClientControl {
    /// Connects, and TLS modes.
    pub(crate) async fn connect(door: &Address) -> io::Result<Self> {
        Self::connect_from(door, None).await
    }

    /// The same from an address of one's own, for a site with TLS.
    pub(crate) async fn connect_from(door: &Address, from: Option<IpAddr>) -> io::Result<Self> {
        let to = match door.tls_mode {
            TlsMode::Implicit(_) => door.implicit.expect("a site of this tls_mode listens for it"),
            TlsMode::Clear | TlsMode::Explicit(_) => door.clear,
        };
        let wire = match &door.tls {
            None => Wire::Clear(TcpStream::connect(to).await?),
            Some(_) => {
                let from = from.map(|from| SocketAddr::new(from, 0));
                Wire::Tls(Box::new(Control::connect(to, from, None).await?))
            }
        };
        let mut line = Self {
            wire,
            door: door.clone(),
            greeting: None,
            heard: Vec::new(),
            session: None,
            private: false,
        };
        line.tls_mode().await.map_err(io::Error::other)?;
        Ok(line)
    }

    async fn tls_mode(&mut self) -> Result<(), String> {
        match self.door.tls_mode {
            TlsMode::Clear => return Ok(()),
            TlsMode::Implicit(_) => self.shake(false).await?,
            TlsMode::Explicit(_) => {}
        }
        // Whom the site does not let in hears why, without_tls.
        let Some(greeting) = self.next().await? else { return Ok(()) };
        if greeting.starts_with(b"220 ") {
            if let TlsMode::Explicit(_) = self.door.tls_mode {
                self.ask("AUTH TLS", "234 ").await?;
                self.shake(true).await?;
            }
            self.protect_data().await?;
        }
        self.greeting = Some(greeting);
        Ok(())
    }

    async fn protect_data(&mut self) -> Result<(), String> {
        self.ask("PBSZ 0", "200 ").await?;
        self.ask("PROT P", "200 ").await?;
        self.private = true;
        Ok(())
    }

    async fn ask(&mut self, line: &str, code: &str) -> Result<(), String> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        match self.next().await? {
            Some(reply) if reply.starts_with(code.as_bytes()) => Ok(()),
            other => Err(format!("expected {code}to {line}, got {other:?}")),
        }
    }

    async fn shake(&mut self, explicit: bool) -> Result<(), String> {
        let (Wire::Tls(control), Some(tls)) = (&self.wire, &self.door.tls) else {
            return Err("this site has no TLS".to_owned());
        };
        let explicit = explicit.then_some(Explicit { read_ahead: &self.heard, answer: b"" });
        // Boxed: handshakes are long, and few.
        let session = Box::pin(control.connect_tls(&tls.client, "localhost", explicit, PATIENCE)).await;
        self.session = Some(session.map_err(|e| e.to_string())?);
        Ok(())
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &mut self.wire {
            Wire::Clear(stream) => stream.write_all(bytes).await,
            Wire::Tls(control) => control.write_all(bytes).await,
        }
        .map_err(|e| e.to_string())
    }

    /// As TCP urgent data. Under TLS there is none: a client sends the same bytes in their place (Python's
    /// `FTP_TLS.abort` does).
    pub(crate) async fn urgent(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &self.wire {
            Wire::Clear(stream) => match SockRef::from(stream).send_out_of_band(bytes) {
                Ok(sent) if sent == bytes.len() => Ok(()),
                Ok(sent) => Err(format!("the kernel took {sent} urgent bytes of {}", bytes.len())),
                Err(error) => Err(error.to_string()),
            },
            Wire::Tls(_) => self.write(bytes).await,
        }
    }

    /// The next line without its end; none when the site has closed, in order.
    pub(crate) async fn line(&mut self) -> Result<Option<Vec<u8>>, String> {
        if let Some(greeting) = self.greeting.take() {
            return Ok(Some(greeting));
        }
        let line = self.next().await?;
        if let Some(line) = &line {
            self.told(line).await?;
        }
        Ok(line)
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            if let Some(at) = self.heard.windows(2).position(|w| w == b"\r\n") {
                let rest = self.heard.split_off(at + 2);
                let mut line = std::mem::replace(&mut self.heard, rest);
                line.truncate(at);
                return Ok(Some(line));
            }
            if self.read().await.map_err(|e| e.to_string())? == 0 {
                return Ok(None);
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        match &mut self.wire {
            Wire::Clear(stream) => stream.read_buf(&mut self.heard).await,
            Wire::Tls(control) => control.read(&mut self.heard).await,
        }
    }

    /// Waits until there is something to be heard, or the end. Cancel-safe.
    pub(crate) async fn hears(&mut self) -> io::Result<()> {
        if self.heard.is_empty() && self.greeting.is_none() {
            self.read().await?;
        }
        Ok(())
    }

    /// Has something been heard that was not asked for yet? Looks, and does not wait.
    pub(crate) async fn has_heard(&mut self) -> bool {
        let mut first = [std::mem::MaybeUninit::uninit(); 1];
        let waiting = match &self.wire {
            Wire::Clear(stream) => SockRef::from(stream).peek(&mut first),
            Wire::Tls(control) => SockRef::from(&**control).peek(&mut first),
        };
        if !self.heard.is_empty() || waiting.is_ok_and(|count| count > 0) {
            return true;
        }
        // Under TLS it may have been taken from the socket already.
        let mut reading = std::pin::pin!(self.read());
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(reading.as_mut().poll(cx))).await;
        matches!(first, std::task::Poll::Ready(Ok(1..)))
    }

    /// Does what a reply means.
    async fn told(&mut self, line: &[u8]) -> Result<(), String> {
        match line {
            b"200 Data connections will be encrypted." => self.private = true,
            b"200 Data connections will not be encrypted." => self.private = false,
            b"200 The control connection is now unencrypted." => {
                if let Wire::Tls(control) = &self.wire {
                    control.clear_tls(b"", PATIENCE).await.map_err(|e| e.to_string())?;
                }
            }
            // REIN forgets what was agreed on for data (RFC 2228 4).
            line if line.starts_with(b"220 ") && self.door.tls_mode != TlsMode::Clear => {
                self.protect_data().await?;
            }
            line if line.starts_with(b"234 ") => self.shake(true).await?,
            _ => {}
        }
        Ok(())
    }

    /// Says something, and hears so many bytes meanwhile.
    pub(crate) async fn converse(&mut self, said: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
        let mut heard = Vec::new();
        match &mut self.wire {
            Wire::Clear(stream) => {
                let (mut from, mut to) = stream.split();
                let listen = async {
                    while heard.len() < bytes && from.read_buf(&mut heard).await? > 0 {}
                    io::Result::Ok(())
                };
                tokio::try_join!(to.write_all(said), listen)?;
            }
            Wire::Tls(control) => {
                let listen = async {
                    while heard.len() < bytes && control.read(&mut heard).await? > 0 {}
                    io::Result::Ok(())
                };
                tokio::try_join!(control.write_all(said), listen)?;
            }
        }
        Ok(heard)
    }

    /// Ends our direction: a transfer that runs keeps its data connection.
    pub(crate) async fn shutdown(&mut self) {
        match &mut self.wire {
            Wire::Clear(stream) => drop(stream.shutdown().await),
            Wire::Tls(control) => control.shutdown(),
        }
    }

    /// A reset, not an end.
    pub(crate) fn reset(self) -> io::Result<()> {
        match &self.wire {
            Wire::Clear(stream) => SockRef::from(stream).set_linger(Some(Duration::ZERO)),
            Wire::Tls(control) => SockRef::from(&**control).set_linger(Some(Duration::ZERO)),
        }
    }

    /// Where data connections go to.
    pub(crate) fn ip(&self) -> IpAddr {
        self.door.ip()
    }

    /// A session that resumes nothing at this site.
    pub(crate) async fn unknown_session(&self) -> Result<Session, String> {
        match &self.door.tls {
            Some(tls) => Ok(tls.nobodys().await),
            None => Err("this site has no TLS".to_owned()),
        }
    }

    /// The TLS of data connections, if they have any.
    pub(crate) fn protection(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| self.private)
    }
}
