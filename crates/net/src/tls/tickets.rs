//! Which tickets has a client left, and when is it given another?
use std::collections::VecDeque;

use super::owner::Flow;

/// Tickets given at a TLS 1.3 login. Clients that use a ticket once, as they should, live on these as long as
/// they only upload and never read what comes back. No client is relied on to keep more than these: after
/// many downloads, which bring two each, the oldest are gone.
pub(super) const AT_LOGIN: usize = 8;

/// Tickets given on a data connection, at most: one more than it has cost, so that a client that ran low
/// recovers.
pub(super) const ON_DATA: usize = 2;

/// A client that has this many unused tickets or fewer is given another on the control connection.
const LOW: usize = 2;

/// Tickets that are remembered as used, to find out whether a client uses them again.
const REMEMBERED: usize = 32;

pub(super) const NONCE: usize = 12;

/// Names a ticket: it is sealed with this nonce, and no other is.
pub(super) type Nonce = [u8; NONCE];

/// The tickets of one control connection's client, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    issued: u32,
    /// Not used yet, and most likely kept by the client.
    unused: usize,
    newest: Option<Nonce>,
    newest_used: bool,
    /// This client has more than the newest ticket.
    keeps_several: bool,
    /// Used tickets.
    recent: VecDeque<Nonce>,
    /// This client uses tickets more than once.
    reuses: bool,
    /// This client has shown none where it had to: it may have discarded them.
    owed: bool,
}

impl Tickets {
    /// One was given.
    pub(super) fn issued(&mut self, nonce: Nonce) {
        self.issued += 1;
        self.unused = (self.unused + 1).min(AT_LOGIN);
        (self.newest, self.newest_used) = (Some(nonce), false);
    }

    /// One was used by a peer that has proven to know its session. (An eavesdropper can show one too, which
    /// is not to change what is thought of the client.)
    pub(super) fn used(&mut self, nonce: Nonce) {
        if self.recent.contains(&nonce) {
            self.reuses = true;
            return;
        }
        if self.newest == Some(nonce) {
            self.newest_used = true;
        } else {
            self.keeps_several = true;
        }
        self.unused = self.unused.saturating_sub(1);
        self.recent.push_front(nonce);
        self.recent.truncate(REMEMBERED);
    }

    /// The client has not resumed where it must.
    pub(super) fn owe(&mut self) {
        self.owed = true;
    }

    /// The client may have no ticket left: it has used the newest one, and was never seen with another. curl
    /// (to 7.88 at least) keeps one ticket, OpenSSL uses it once, and an upload brings no other. It is one
    /// connection that may be so: a client that keeps more of the tickets of a login shows it with the next.
    /// A session of TLS 1.2 is never used up.
    pub(super) fn are_spent(&self) -> bool {
        self.issued > 1 && self.newest_used && !self.keeps_several && !self.reuses
    }

    /// Is the client to be given another on the control connection? What is owed is owed once.
    pub(super) fn are_short(&mut self) -> bool {
        std::mem::take(&mut self.owed) || self.are_spent() || (!self.reuses && self.unused <= LOW)
    }

    /// How many may be given on a data connection, which uses one itself.
    ///
    /// A download ends when the client has read everything, the tickets too. An upload is different: many
    /// clients never read from it, and close it with the tickets unread, whereupon their kernel sends a reset
    /// and discards the end of the file. So there is one only for a client that would have none left, which
    /// is one that could not be given any on its control connection (see [`Tickets::are_short`]): that has
    /// gone on unencrypted.
    pub(super) fn allowance(&self, flow: Flow) -> usize {
        match flow {
            Flow::Sends => ON_DATA,
            Flow::Receives if !self.reuses && self.unused <= 1 => 1,
            Flow::Receives => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(n: u8) -> Nonce {
        [n; NONCE]
    }

    fn login() -> Tickets {
        let mut tickets = Tickets::default();
        (1..=8).for_each(|n| tickets.issued(nonce(n)));
        tickets
    }

    #[test]
    fn a_client_that_keeps_one_ticket_has_none_left_after_one_upload() {
        let mut curl = login();
        assert!(!curl.are_short() && !curl.are_spent());
        curl.used(nonce(8));
        assert!(curl.are_spent() && curl.are_short());
        curl.issued(nonce(9));
        assert!(!curl.are_spent() && !curl.are_short());
    }

    #[test]
    fn a_client_that_keeps_several_is_given_more_when_few_are_left() {
        let mut tickets = login();
        for n in 1..=5 {
            tickets.used(nonce(n));
            assert!(!tickets.are_short(), "{n} used");
        }
        assert_eq!(tickets.allowance(Flow::Receives), 0);
        tickets.used(nonce(6));
        assert!(tickets.are_short() && !tickets.are_spent());
        tickets.used(nonce(7));
        assert_eq!((tickets.allowance(Flow::Receives), tickets.allowance(Flow::Sends)), (1, ON_DATA));
    }

    #[test]
    fn a_client_that_uses_one_ticket_for_all_is_given_no_more() {
        let mut lftp = login();
        (0..9).for_each(|_| lftp.used(nonce(8)));
        assert!(!lftp.are_short() && !lftp.are_spent() && lftp.allowance(Flow::Receives) == 0);
        lftp.owe();
        assert!(lftp.are_short() && !lftp.are_short());
    }
}
