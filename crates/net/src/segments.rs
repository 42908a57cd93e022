//! How large are the packets of a connection? For a path on which larger ones are lost silently.
//!
//! A small listing passes such a path, and the first full packet of a file or of a TLS handshake does not:
//! the router that cannot pass it on says so by ICMP ("fragmentation needed"), and a firewall drops that. Two
//! things help, and this does both:
//!
//! - TCP_MAXSEG: neither side sends larger segments. Ours are cut to it, and the SYN announces it to the
//!   peer.
//! - No DF: with IP_PMTUDISC_DONT, Linux leaves the "don't fragment" bit of IPv4 away, so that a router may
//!   cut what is still too large. IPv6 has no such bit and its routers do not cut; there the segments must be
//!   small enough.
use std::io;
use std::ops::RangeInclusive;

use rustix::io::Errno;
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, set_ip_mtu_discover};
use socket2::Socket;

/// What Linux takes for TCP_MAXSEG (tcp(7), `TCP_MIN_MSS` to `MAX_TCP_WINDOW`).
pub const SIZES: RangeInclusive<u16> = 88..=32767;

/// Before `listen` or `connect`; what is accepted inherits it.
pub(crate) fn limit(socket: &Socket, mss: u16) -> io::Result<()> {
    socket.set_tcp_mss(u32::from(mss))?;
    allow_fragments(socket)
}

/// Only the second of the two, before `accept` or `connect`. It costs nothing where nothing is lost, so every
/// port of a server has it: a router before a smaller MTU fragments the packets of a file or of a
/// certificate, where it would drop them and its ICMP message be dropped too.
pub(crate) fn allow_fragments(socket: &Socket) -> io::Result<()> {
    match set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::DONT) {
        // An IPv6 socket that takes no IPv4 has no such option on some kernels, and no use for it.
        Err(Errno::NOPROTOOPT | Errno::INVAL) => Ok(()),
        set => Ok(set?),
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::ip_mtu_discover;
    use socket2::{Domain, Type};

    use super::*;

    #[test]
    fn both_are_set_on_sockets_of_either_family() {
        for domain in [Domain::IPV4, Domain::IPV6] {
            let Ok(socket) = Socket::new(domain, Type::STREAM.cloexec(), None) else {
                testbed::need::skip(&format!("{domain:?}"), "this machine has none");
                continue;
            };
            limit(&socket, 1200).unwrap();
            assert_eq!(socket.tcp_mss().unwrap(), 1200);
            assert_eq!(ip_mtu_discover(&socket).unwrap(), Ipv4PathMtuDiscovery::DONT);
        }
    }

    #[test]
    fn the_kernel_takes_just_these_sizes() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.cloexec(), None).unwrap();
        for good in [*SIZES.start(), *SIZES.end()] {
            limit(&socket, good).unwrap();
        }
        for bad in [*SIZES.start() - 1, *SIZES.end() + 1] {
            limit(&socket, bad).unwrap_err();
        }
    }
}
