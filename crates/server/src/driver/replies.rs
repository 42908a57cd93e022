//! How do replies reach the client, and in which order with the end of a data connection?
use net::tls::Reuse;
use tokio::time::timeout;

use super::state::Driver;
use crate::transfer::left_open::{Held, LeftOpen};

/// Bytes of read-ahead kept between commands; more is given back, so that an idle session is small.
pub(super) const KEPT: usize = 512;

/// Bytes of replies that gather before they are written, so that a packet full of `STAT directory` does not
/// fill our memory with its answers: the rest of an answer, and the next command, wait until the client has
/// taken what it asked for.
pub(super) const FULL: usize = 16 * 1024;

impl Driver<'_> {
    /// Lets the data connection of a transfer end that failed, once its reply is written.
    pub(super) async fn close_left_open(&mut self) -> std::io::Result<()> {
        let Some(left_open) = self.left_open.take() else { return Ok(()) };
        if let LeftOpen::Claim(Held::Protected(claim)) = &left_open {
            claim.dismiss();
        }
        self.flush().await?;
        if self.control.has_unsent() {
            timeout(self.shared.site.deadlines.stall, self.control.write_all(b"")).await??;
        }
        match left_open {
            LeftOpen::Claim(_) => self.closing_claim = Some(left_open.end()),
            LeftOpen::Cut(_) | LeftOpen::Refused(_) => self.closing_data = Some(left_open.end()),
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> std::io::Result<()> {
        match self.send_replies().await {
            Err(_) if self.outlives_its_control() => {
                self.out.clear();
                Ok(())
            }
            sent => sent,
        }
    }

    async fn send_replies(&mut self) -> std::io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        // A client that does not read its replies is as idle as one that sends nothing.
        let patience = self.shared.site.deadlines.stall;
        if let Some(binding) = &self.binding
            && self.settings.reuse() != Reuse::Off
        {
            self.control.replenish(binding);
        }
        let written = match self.control.try_write(&self.out) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => 0,
            Err(e) => return Err(e),
        };
        if written < self.out.len() {
            timeout(patience, self.control.write_all(&self.out[written..])).await??;
        }
        let full = self.out.len() >= FULL;
        self.out.clear();
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
        if full && self.control.has_unsent() {
            // TLS has taken it, and the client has not.
            timeout(patience, self.control.write_all(b"")).await??;
        }
        Ok(())
    }
}
