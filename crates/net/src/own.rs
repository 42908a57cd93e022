//! Which addresses does this machine have towards the network?
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The addresses that this machine would use towards the outside, one of each family that has a route; best
/// first.
///
/// Nothing is sent: connecting a datagram socket only asks the kernel which route, and so which address, it
/// would take.
#[must_use]
pub fn addresses() -> Vec<IpAddr> {
    // Addresses set aside for documentation (RFC 5737, RFC 3849), which take the default route.
    ["192.0.2.1:9", "[2001:db8::1]:9"].iter().filter_map(|far| towards(far)).collect()
}

/// Does this machine have IPv6? Where the kernel was configured without it, `[::]` cannot be listened on.
#[must_use]
pub fn has_ipv6() -> bool {
    UdpSocket::bind("[::]:0").is_ok()
}

fn towards(far: &str) -> Option<IpAddr> {
    let far: SocketAddr = far.parse().ok()?;
    let any: SocketAddr = if far.is_ipv4() { "0.0.0.0:0".parse().ok()? } else { "[::]:0".parse().ok()? };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(far).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}
