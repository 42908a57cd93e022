//! Do large packets get lost on the way, and what then?
//!
//! A tunnel that is narrower than both ends believe, behind a router that does not say so (or whose word is
//! filtered), swallows every full packet: replies and small listings pass, files hang (an MTU black hole, RFC
//! 2923 2.1), and so does TLS, whose first words fill a packet. Where a transfer stands still before it is
//! well under way, or a handshake does, it is taken up once more in a new session, over connections whose
//! segments are small from the start, in both directions.

use std::time::{Duration, Instant};

use net::data::WeakData;
use net::pump::Progress;

use crate::driver::now;
use crate::options::Options;

/// Fits through any tunnel of IPv4 in use and, with IPv6's headers, through its smallest MTU of 1280 (RFC
/// 8200 5).
pub(crate) const SMALL_SEGMENT: u16 = 1200;

/// What has carried more than this carries large packets: the first window of a sender is ten of them.
const WELL_UNDER_WAY: u64 = 64 * 1024;

/// How often an upload's acknowledgements are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long a transfer may stand still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    /// Before it is well under way.
    first: Duration,
    /// After that.
    pub(crate) later: Duration,
    /// It is well under way when more than this has come.
    under_way: u64,
}

impl Stall {
    pub(crate) fn new(first: Duration, later: Duration) -> Self {
        Self { first, later, under_way: WELL_UNDER_WAY }
    }

    /// The same for what can only start over, as a listing and text: to have its first byte is all it can be
    /// tried for.
    pub(crate) fn until_the_first_byte(self) -> Self {
        Self { under_way: 0, ..self }
    }

    pub(crate) fn after(&self, moved: u64) -> Duration {
        if moved > self.under_way { self.later } else { self.first }
    }

    /// Is a shorter wait than the usual one over, though there is no reason for it any more?
    pub(crate) fn is_early(&self, after: Duration, moved: u64) -> bool {
        after < self.after(moved)
    }
}

/// Watches an upload from beside its data connection: the kernel takes a small file at once, so that what it
/// has been given proves nothing.
#[derive(Debug)]
pub(crate) struct Swallowed {
    pub(crate) stall: Stall,
    /// Of the progress, before this upload.
    before: u64,
    /// How many bytes were acknowledged, and since when no more.
    seen: u64,
    since: Instant,
    look: tokio::time::Instant,
}

impl Swallowed {
    /// `progress`: the bytes that were counted before this upload.
    pub(crate) fn new(stall: Stall, progress: u64) -> Self {
        Self { stall, before: progress, seen: 0, since: now(), look: tokio::time::Instant::now() + LOOK }
    }

    /// Ends when what we have sent has not been acknowledged for too long, and the upload is not well under
    /// way.
    pub(crate) async fn lost(&mut self, outlook: &WeakData, progress: &Progress) -> Duration {
        let Stall { first, later, under_way } = self.stall;
        loop {
            tokio::time::sleep_until(self.look).await;
            self.look = tokio::time::Instant::now() + LOOK;
            let waiting = outlook.unacknowledged().unwrap_or(0);
            let through = (progress.bytes() - self.before).saturating_sub(waiting);
            if first >= later || through > under_way {
                // The pump reports it.
                return std::future::pending().await;
            }
            if waiting == 0 || through != self.seen {
                (self.seen, self.since) = (through, now());
            } else if now().saturating_duration_since(self.since) >= first {
                return first;
            }
        }
    }
}

/// How long a TLS handshake may take: its first packets are large, so that it may have to be tried once more
/// with small ones, and then there is nothing else to try.
pub(crate) fn handshake_limit(options: &Options, segment: Option<u16>) -> Duration {
    let reply = options.patience.reply;
    if segment.is_some() { reply } else { options.patience.quiet.min(reply) }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};

    use net::dial::dial;
    use net::pump;
    use socket2::SockRef;

    use super::*;

    const STALL: Stall =
        Stall { first: Duration::from_secs(5), later: Duration::from_secs(60), under_way: WELL_UNDER_WAY };

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_the_kernel_has_taken_and_nobody_acknowledges_is_seen() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
        let mut data = dial(listener.local_addr().unwrap(), None, None).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let (progress, outlook) = (Progress::default(), data.downgrade());
        let begun = now();
        let mut watch = Swallowed::new(STALL, 0);
        let mut watched = std::pin::pin!(watch.lost(&outlook, &progress));
        // The watch begins before the first byte.
        assert!(is_pending(watched.as_mut()));
        pump::send(&mut data, &vec![7; 40 * 1024], STALL.later, &progress).await.unwrap();
        assert_eq!(watched.await, STALL.first);
        assert!(now() - begun >= STALL.first);
        assert!(outlook.unacknowledged().unwrap() > 0);
        // What has not arrived does not arrive any more, and is no end of a file.
        outlook.reset_at_close();
        drop(data);
        assert_eq!(outlook.unacknowledged(), None);
        let error = peer.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    fn is_pending<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
    }

    #[test]
    fn a_pause_in_the_middle_is_no_sign_of_anything() {
        let few = 10_000;
        assert_eq!((STALL.after(few), STALL.after(1 << 20)), (STALL.first, STALL.later));
        assert!(STALL.is_early(STALL.first, 1 << 20) && !STALL.is_early(STALL.first, few));
        assert!(!STALL.is_early(STALL.later, 1 << 20));
        // What cannot be taken up in its middle is not given up there either.
        let whole = STALL.until_the_first_byte();
        assert_eq!((whole.after(0), whole.after(1)), (STALL.first, STALL.later));
        assert!(whole.is_early(STALL.first, 1));
    }
}
