//! How is a data connection protected, and bound to its control connection?
//!
//! ```text
//!   server   ClientHello --read, nothing written--> whose session? --refused--> alert, FIN; no ticket given
//!                                                        '--taken--> handshake, checked once more --> Data
//! ```
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::SendFlags;
use rustls::server::Acceptor;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::Interest;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Data;
use crate::session_id::SessionId;
use crate::tls::client::Session;
use crate::tls::error::LayerError;
use crate::tls::layer::{Inbox, Layer, Outlet, Room};
use crate::tls::owner::{Answer, Policy, Shows, owner};
use crate::tls::resumption::{Offered, Resumption};
use crate::tls::server::{Binding, ServerTls};
use crate::tls::sessions::ControlSession;
use crate::tls::siblings::Standing;
use crate::tls::{DataTlsError, Established, Flow, HandshakeError, Reuse};
use crate::transport::Transport;

/// Which session a hello would resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// That of this control connection, which lives.
    Session(SessionId),
    /// One that we have given out, and that cannot be resumed any more.
    Lost,
    /// None that we know.
    Nothing,
}

/// A data connection whose hello has been read and not been answered. Dropped, it is closed.
#[derive(Debug)]
pub struct Hello {
    data: Data,
    layer: Layer,
    resumption: Arc<Resumption>,
}

impl Data {
    /// Reads a client's hello, to find out whose data connection this is. Nothing has been written when it
    /// returns (but, with TLS 1.3, a request for a better hello where the first one was of no use).
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn hello(self, tls: &ServerTls, within: Duration) -> Result<Hello, HandshakeError> {
        let (resumption, config) = tls.any();
        Hello::read(self, resumption, config, within).await
    }

    /// Protects a server's end, for a control connection: [`Data::hello`] and [`Hello::accept`] in one, where
    /// it is known whose the connection must be. All within a time.
    ///
    /// # Errors
    /// See [`DataTlsError`]. The client has then been sent an alert, and an end.
    pub async fn accept_tls(
        self,
        binding: &Binding,
        reuse: Reuse,
        flow: Flow,
        within: Duration,
    ) -> Result<Self, DataTlsError> {
        let begun = Instant::now();
        let (resumption, config) = binding.resumption(reuse);
        let hello = Hello::read(self, resumption, config, within).await?;
        hello.accept(binding, reuse, flow, within.saturating_sub(begun.elapsed())).await
    }

    /// Protects a client's end: resumes the control connection's session where a ticket is left, and demands
    /// its certificate where it is not resumed. Whether it was: [`Data::established`].
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn connect_tls(mut self, session: &Session, within: Duration) -> Result<Self, HandshakeError> {
        let (connection, view) = session.data()?;
        let mut layer = Layer::new(connection);
        handshake(&mut self, &mut layer, Instant::now() + within, within).await?;
        view.decide(layer.connection().handshake_kind() == Some(HandshakeKind::Resumed));
        Ok(self.protect(layer))
    }

    fn protect(self, layer: Layer) -> Self {
        let established = Some(Box::new(Established::of(layer.connection())));
        Self { transport: Transport::Tls(Box::new(layer)), established, ..self }
    }
}

impl Hello {
    async fn read(
        mut data: Data,
        resumption: Arc<Resumption>,
        config: Arc<ServerConfig>,
        within: Duration,
    ) -> Result<Self, HandshakeError> {
        let until = Instant::now() + within;
        let mut reading = Reading::default();
        let read = data.socket.attempt(Interest::READABLE, |fd| reading.step(fd));
        let accepted = HandshakeError::in_time(until, within, read).await?;
        let connection = match accepted.into_connection(config) {
            Ok(connection) => connection,
            Err((error, mut alert)) => {
                let _ = alert.write_all(&mut Outlet(data.as_fd()));
                return Err(error.into());
            }
        };
        let mut layer = Layer::with_inbox(connection, reading.inbox);
        if layer.connection().handshake_kind() == Some(HandshakeKind::FullWithHelloRetryRequest) {
            let again = data.socket.attempt(Interest::READABLE | Interest::WRITABLE, |fd| layer.retry(fd));
            HandshakeError::in_time(until, within, again).await?;
        }
        Ok(Self { data, layer, resumption })
    }

    /// The connection, for its addresses.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The control connection whose session it resumes, if that one is known. (That the client knows the
    /// session, and has not only seen its ticket, is proven by [`Hello::accept`].)
    pub fn owner(&self) -> Option<SessionId> {
        match self.offered() {
            Offered::Known(owner) => Some(owner.id()),
            Offered::Nothing | Offered::Another => None,
        }
    }

    pub(crate) fn shown(&self) -> Shown {
        match self.offered() {
            Offered::Known(owner) => Shown::Session(owner.id()),
            Offered::Another => Shown::Lost,
            Offered::Nothing => Shown::Nothing,
        }
    }

    /// Where it resumes the session of a control connection from this address on which nobody is logged in
    /// yet: when somebody is, or it has ended.
    pub(crate) fn awaits_login(&self, address: IpAddr) -> Option<watch::Receiver<Standing>> {
        let Offered::Known(owner) = self.offered() else { return None };
        owner.sibling.awaited(address)
    }

    /// Closes one that was not taken up, without an alert.
    pub(crate) fn drain_and_close(self) {
        self.data.drain_and_close();
    }

    /// Does it resume the session of a sibling, so that it can be meant for a claim of this one's at a
    /// port? Not where it may be for an earlier claim of that one's, unless the client was seen to share
    /// sessions.
    pub(crate) fn is_lent(&self, to: &ControlSession, port: u16) -> bool {
        let Offered::Known(owner) = self.offered() else { return false };
        let shared = to.sibling.shares() && owner.sibling.shares();
        to.sibling.is_of(&owner.sibling) && (shared || !owner.sibling.has_left(port, Instant::now()))
    }

    /// Whose session it resumes, seen from this control connection.
    pub fn outcome(&self, binding: &Binding) -> Shows {
        self.shows(binding.session())
    }

    pub(crate) fn shows(&self, to: &ControlSession) -> Shows {
        match self.offered() {
            Offered::Known(owner) if owner.id() == to.id() => Shows::Own,
            Offered::Known(owner) if to.sibling.is_of(&owner.sibling) => Shows::Sibling,
            Offered::Known(_) => Shows::Other,
            Offered::Another => Shows::Lost,
            Offered::Nothing => Shows::Nothing,
        }
    }

    /// What is offered, and taken.
    fn offered(&self) -> Offered {
        match self.resumption.offered() {
            // Ours, and not resumed: another name (SNI) or cipher suite than the control connection's.
            Offered::Known(_) if self.layer.connection().handshake_kind() != Some(HandshakeKind::Resumed) => {
                Offered::Nothing
            }
            offered => offered,
        }
    }

    /// Takes it for a control connection, or refuses it (see `tls/owner.rs`).
    ///
    /// # Errors
    /// [`DataTlsError::Foreign`] where it is another's, and [`DataTlsError::Unbound`] where it resumes
    /// nothing and must; the client is sent an alert, and an end. [`DataTlsError::AnotherCertificate`] where
    /// the client has shown one on the control connection, and not this one here.
    pub async fn accept(
        self,
        binding: &Binding,
        reuse: Reuse,
        flow: Flow,
        within: Duration,
    ) -> Result<Data, DataTlsError> {
        let shows = self.outcome(binding);
        let policy = Policy { reuse, must_resume: binding.must_resume(), lends: binding.lends(flow) };
        let refused = match owner(shows, policy) {
            Answer::Own | Answer::Perhaps => None,
            Answer::Foreign => Some(DataTlsError::Foreign),
            Answer::Unbound => Some(DataTlsError::Unbound),
        };
        if let Some(refused) = refused {
            self.refuse().await;
            return Err(refused);
        }
        let lender = match self.offered() {
            Offered::Known(owner) if shows == Shows::Sibling => Some(owner),
            _ => None,
        };
        let Self { mut data, mut layer, resumption } = self;
        match (&lender, flow) {
            _ if shows == Shows::Own => resumption.give(binding.session(), binding.session().allowance(flow)),
            (Some(lender), Flow::Sends) => resumption.give(lender, lender.allowance(flow)),
            // The lender's next reply brings one, where it is short of them.
            (Some(lender), Flow::Receives) => resumption.give(lender, 0),
            (None, _) => resumption.give_nothing(),
        }
        handshake(&mut data, &mut layer, Instant::now() + within, within).await?;
        if shows == Shows::Own || lender.is_some() {
            if layer.connection().handshake_kind() != Some(HandshakeKind::Resumed) {
                return Err(DataTlsError::Unbound);
            }
            resumption.proven();
        }
        if shows != Shows::Own
            && let Some(own) = binding.established().certificates.first()
            && layer.connection().peer_certificates().and_then(<[_]>::first) != Some(own)
        {
            // Dropped without close_notify, so that no client takes it for the end of a file.
            return Err(DataTlsError::AnotherCertificate);
        }
        if let Some(lender) = lender {
            // Another user may have logged in meanwhile.
            if !binding.session().sibling.is_of(&lender.sibling) {
                return Err(DataTlsError::Foreign);
            }
            binding.adopt(&lender);
        }
        Ok(data.protect(layer))
    }

    /// Refuses it, with an alert that says so, and an end.
    pub async fn refuse(self) {
        // access_denied, fatal (RFC 8446 6.2), unencrypted: nothing has been agreed on.
        const DENIED: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x31];
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        // It fails where the client is gone.
        let _ = rustix::net::send(self.data.as_fd(), &DENIED, flags);
        self.data.finish(Duration::from_secs(1)).await;
    }
}

async fn handshake(
    data: &mut Data,
    layer: &mut Layer,
    until: Instant,
    within: Duration,
) -> Result<(), HandshakeError> {
    // Tickets, a short file and close_notify are small writes one behind the other: Nagle's algorithm would
    // hold the second back until the peer's delayed acknowledgment of the first, 40 ms for each transfer. It
    // is a hint, and may fail.
    let _ = rustix::net::sockopt::set_tcp_nodelay(data.as_fd(), true);
    let handshake = data.socket.attempt(Interest::READABLE | Interest::WRITABLE, |fd| layer.handshake(fd));
    HandshakeError::in_time(until, within, handshake).await
}

/// A hello that is being read.
#[derive(Default)]
struct Reading {
    acceptor: Acceptor,
    inbox: Inbox,
}

impl Reading {
    fn step(&mut self, socket: BorrowedFd<'_>) -> io::Result<rustls::server::Accepted> {
        loop {
            while let Some(mut piece) = self.inbox.piece()? {
                let given = self.acceptor.read_tls(&mut piece)?;
                self.inbox.take(given);
                match self.acceptor.accept() {
                    Ok(Some(accepted)) => return Ok(accepted),
                    Ok(None) => {}
                    Err((error, mut alert)) => {
                        // The alert says why; whether it arrives changes nothing.
                        let _ = alert.write_all(&mut Outlet(socket));
                        return Err(LayerError::Tls(error).into());
                    }
                }
            }
            if self.inbox.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.inbox.fill(socket, Room::Control)?;
        }
    }
}
