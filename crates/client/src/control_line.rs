//! What is said on a control connection, and when does a reply end?
//!
//! The one reader of a control connection: the driver follows goals on it, and programs that look closer,
//! such as a diagnosis, read it reply by reply.
use std::io;
use std::time::Duration;

use net::control::{Control, Explicit};
use net::tls::UpgradeError;
use net::tls::client::{ClientTls, Session};
use wire::{Reply, ReplyDecoder, ReplyError};

use crate::error::words;

/// Why there is no reply.
#[derive(Debug)]
pub enum Lost {
    /// The server has closed the connection.
    Closed,
    /// The connection failed.
    Broken(io::Error),
    /// What came is no reply.
    Nonsense(ReplyError),
}

/// A control connection and the replies that come on it.
#[derive(Debug)]
pub struct ControlLine {
    control: Control,
    decoder: ReplyDecoder,
    /// What was read and not decoded yet: at most one read's worth.
    unread: Vec<u8>,
    /// How much of `unread` has been decoded.
    decoded: usize,
}

impl ControlLine {
    /// Reads replies from `control`.
    #[must_use]
    pub fn new(control: Control) -> Self {
        Self { control, decoder: ReplyDecoder::new(), unread: Vec::new(), decoded: 0 }
    }

    /// The connection.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What was read last, decoded or not: it may not be FTP at all.
    #[must_use]
    pub fn last_read(&self) -> &[u8] {
        &self.unread
    }

    /// The next reply, of any kind. Cancel-safe: what was read is kept.
    pub async fn next(&mut self) -> Result<Reply, Lost> {
        loop {
            let mut rest = self.unread.get(self.decoded..).unwrap_or_default();
            let reply = self.decoder.decode(&mut rest);
            self.decoded = self.unread.len() - rest.len();
            if let Some(reply) = reply {
                return reply.map_err(Lost::Nonsense);
            }
            match self.read().await {
                Ok(0) => return Err(Lost::Closed),
                Ok(_) => {}
                Err(error) => return Err(Lost::Broken(error)),
            }
        }
    }

    /// Reads some bytes in place of those read before, and decodes nothing; 0 is the end. Cancel-safe.
    pub async fn read(&mut self) -> io::Result<usize> {
        self.unread.clear();
        self.decoded = 0;
        self.control.read(&mut self.unread).await
    }

    /// Writes bytes within a time. A server that has hung up is no error: it may have said why, which is yet
    /// to be read.
    ///
    /// # Errors
    /// In words.
    pub async fn write(&self, bytes: &[u8], within: Duration) -> Result<(), String> {
        match tokio::time::timeout(within, self.control.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Ok(Err(error)) => Err(format!("the control connection broke: {}", words(&error))),
            Err(_) => Err("the control connection broke: it takes no more".to_owned()),
        }
    }

    /// Begins TLS: after the answer to AUTH, or at once.
    ///
    /// # Errors
    /// The handshake failed, or plain text came where TLS was agreed on.
    pub async fn start_tls(
        &mut self,
        tls: &ClientTls,
        host: &str,
        after_auth: bool,
        within: Duration,
    ) -> Result<Session, UpgradeError> {
        let read_ahead = self.unread.get(self.decoded..).unwrap_or_default();
        let explicit = after_auth.then_some(Explicit { read_ahead, answer: b"" });
        // A zone is this machine's own affair, and no part of a name.
        let name = host.split('%').next().unwrap_or_default();
        let session = self.control.connect_tls(tls, name, explicit, within).await?;
        self.unread.clear();
        self.decoded = 0;
        self.decoder = ReplyDecoder::new();
        Ok(session)
    }
}
