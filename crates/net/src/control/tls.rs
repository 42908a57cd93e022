//! How does TLS start and end on a control connection (RFC 4217 4, 2228)?
use std::os::fd::AsFd as _;
use std::time::Duration;

use tokio::io::Interest;
use tokio::time::Instant;

use super::{Control, Waiting};
use crate::tls::client::{ClientTls, OpeningError, Session};
use crate::tls::layer::Layer;
use crate::tls::server::{Binding, ServerTls};
use crate::tls::{Established, HandshakeError, TlsConfigError, UpgradeError};
use crate::transport::Transport;

/// What precedes TLS on a port that starts unencrypted.
#[derive(Clone, Copy, Debug)]
pub struct Explicit<'a> {
    /// What was read behind the AUTH command, or behind the reply to it. It must be nothing.
    pub read_ahead: &'a [u8],
    /// The reply to the AUTH command, the last thing that a server says unencrypted. Empty for a client.
    pub answer: &'a [u8],
}

impl Control {
    /// Protects a server's end: says the answer unencrypted, then does the handshake, all within a time.
    ///
    /// From the first byte of the answer on nothing is read as unencrypted text any more, not even by
    /// [`Control::read`]: the client's first TLS record cannot be taken for a command, however early it
    /// comes. Dropped, the connection is of no use any more.
    ///
    /// `explicit` is none on a port that speaks TLS at once.
    ///
    /// # Errors
    /// See [`UpgradeError`].
    pub async fn accept_tls(
        &self,
        tls: &ServerTls,
        explicit: Option<Explicit<'_>>,
        within: Duration,
    ) -> Result<Binding, UpgradeError> {
        let (opening, config) = tls.opening(self.peer().ip())?;
        let connection = rustls::ServerConnection::new(config).map_err(TlsConfigError::from)?;
        let established = self.protect(Layer::new(connection), explicit, within).await?;
        Ok(opening.established(established))
    }

    /// Protects a client's end, after the server has agreed to it where `explicit` is given. `host` is the
    /// name that was connected to, or the address.
    ///
    /// # Errors
    /// See [`UpgradeError`]. A certificate that is not trusted is [`HandshakeError::Tls`].
    pub async fn connect_tls(
        &self,
        tls: &ClientTls,
        host: &str,
        explicit: Option<Explicit<'_>>,
        within: Duration,
    ) -> Result<Session, UpgradeError> {
        let opening = tls.opening(host).map_err(|error| match error {
            OpeningError::Name => UpgradeError::Name(host.to_owned()),
            OpeningError::Config(error) => UpgradeError::Config(error),
        })?;
        let connection = rustls::ClientConnection::new(opening.control.clone(), opening.name.clone())
            .map_err(TlsConfigError::from)?;
        let established = self.protect(Layer::new(connection), explicit, within).await?;
        Ok(opening.established(established))
    }

    async fn protect(
        &self,
        mut layer: Layer,
        explicit: Option<Explicit<'_>>,
        within: Duration,
    ) -> Result<Established, UpgradeError> {
        if self.is_protected() {
            return Err(UpgradeError::WrongState);
        }
        if let Some(Explicit { read_ahead, .. }) = explicit
            && (!read_ahead.is_empty() || self.waiting() == Waiting::Bytes)
        {
            return Err(UpgradeError::PendingClear);
        }
        *self.transport() = Transport::Handshake;
        let answer = explicit.map_or(&[][..], |explicit| explicit.answer);
        let handshake = async {
            self.send_plain(answer).await?;
            self.when(Interest::READABLE | Interest::WRITABLE, |socket| layer.handshake(socket)).await
        };
        HandshakeError::in_time(Instant::now() + within, within, handshake).await?;
        let established = Established::of(layer.connection());
        *self.transport() = Transport::Tls(Box::new(layer));
        Ok(established)
    }

    /// Gives a client that may be short of tickets another one, in front of what is said next. A server's
    /// end, under TLS 1.3; nothing otherwise.
    pub fn replenish(&self, binding: &Binding) {
        if let Some(layer) = self.transport().layer_mut()
            && layer.gives_tickets()
            && let Some(ticket) = binding.session().another()
        {
            layer.give(&ticket);
        }
    }

    /// Ends TLS and goes on unencrypted (CCC, RFC 4217 4.1; 12.3): says the answer under TLS, and
    /// close_notify, and waits for the peer's. A client gives no answer. What comes behind the peer's
    /// close_notify is the first thing to be read.
    ///
    /// # Errors
    /// See [`UpgradeError`].
    pub async fn clear_tls(&self, answer: &[u8], within: Duration) -> Result<(), UpgradeError> {
        if !self.is_protected() {
            return Err(UpgradeError::WrongState);
        }
        let part = async {
            self.write_all(answer).await?;
            // Where the kernel takes none of it now, the flush does the rest; where the connection is gone,
            // that says so.
            let _ = self.transport().close_notify(self.stream.as_fd());
            self.flush().await?;
            let mut unwanted = Vec::new();
            self.read(&mut unwanted).await
        };
        if HandshakeError::in_time(Instant::now() + within, within, part).await? > 0 {
            return Err(UpgradeError::PendingProtected);
        }
        self.transport().end_tls();
        Ok(())
    }
}
