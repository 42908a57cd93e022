//! The sockets of FTP: the only crate that opens them, for both sides.
//!
//! ```text
//!            control connection                       data connection
//!   listener --accept--> Control <--connect    PassivePorts --claim--> Claim --+
//!                        read, write                     dial (to a listener) -+-> Data --pump--> file or bytes
//!                                                 Awaited (one expected peer) -+
//! ```
//!
//! A [`Control`] carries lines and knows nothing of them. A [`Data`] carries one file; there are three ways to get
//! one: a server's passive ports ([`passive`]), a call ([`dial`](mod@dial), active mode and every passive client),
//! and a port of our own that waits for one call ([`dial::Awaited`], a client in active mode). [`pump`] moves the
//! bytes, by the cheapest route the kernel offers.
//!
//! Rules of the house: nothing blocks the event loop on a disk; a socket is registered with the loop only when it has
//! to wait; every wait has an end; dropping a future stops what it did. `unsafe` is four lines, in
//! `watch`, `unsent`, `departure` and `memory`: rustix, socket2 and nix have the rest.
#![deny(unsafe_code)]

pub mod buffer;
pub mod control;
pub mod data;
#[expect(unsafe_code, reason = "the kernel is asked for numbers that no crate reads")]
pub mod departure;
pub mod dial;
pub mod half_open;
pub mod icmp;
mod keepalive;
pub mod listener;
#[expect(unsafe_code, reason = "the allocator's settings are a function of the C library")]
pub mod memory;
pub mod os_error;
pub mod own;
pub mod passive;
pub mod proxy;
pub mod pump;
pub mod reserve;
pub mod segments;
pub mod tls;
#[expect(unsafe_code, reason = "the kernel is asked for a number by an ioctl")]
mod unsent;
#[expect(unsafe_code, reason = "registering a descriptor with the event loop asks for a proof")]
mod watch;

pub use control::Control;
pub use data::{Data, UploadEnd};
pub use departure::Departure;
pub use dial::{Awaited, Source, dial, dial_narrow};
pub use half_open::Call;
pub use listener::Listener;
pub use passive::{Claim, ClaimError, NoPort, PassivePorts};
pub use pump::{Progress, PumpError};

use std::io;
use std::net::SocketAddr;

/// The address without the IPv4-in-IPv6 mapping that a dual-stack socket shows.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        // Made anew only where the family changed: an IPv6 address keeps its scope, which link-local needs.
        ip if ip.is_ipv4() => SocketAddr::new(ip, address.port()),
        _ => address,
    }
}

/// What a failed `accept` says about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptFailure {
    /// That connection is gone, or the network had a moment (accept(2), "Error handling"): accept again.
    Passing,
    /// No descriptors or memory left: again at once would spin, as the connection stays in the queue.
    Exhausted,
    /// The listening socket itself is no good.
    Fatal,
}

impl AcceptFailure {
    pub(crate) fn of(error: &io::Error) -> Self {
        use rustix::io::Errno;
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Self::Exhausted,
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::FAULT) | None => Self::Fatal,
            Some(_) => Self::Passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_shown_as_ipv4() {
        let shown = |text: &str| canonical(text.parse().unwrap()).to_string();
        assert_eq!(shown("[::ffff:192.0.2.7]:21"), "192.0.2.7:21");
        assert_eq!(shown("[2001:db8::7]:21"), "[2001:db8::7]:21");
        assert_eq!(shown("[fe80::7%3]:21"), "[fe80::7%3]:21");
        assert_eq!(shown("192.0.2.7:21"), "192.0.2.7:21");
    }

    #[test]
    fn a_full_table_is_told_from_a_lost_connection() {
        let of = |errno: rustix::io::Errno| AcceptFailure::of(&errno.into());
        assert_eq!(of(rustix::io::Errno::MFILE), AcceptFailure::Exhausted);
        assert_eq!(of(rustix::io::Errno::NFILE), AcceptFailure::Exhausted);
        assert_eq!(of(rustix::io::Errno::CONNABORTED), AcceptFailure::Passing);
        assert_eq!(of(rustix::io::Errno::PERM), AcceptFailure::Passing);
        assert_eq!(of(rustix::io::Errno::INVAL), AcceptFailure::Fatal);
    }
}
