//! How are addresses shown?
use std::net::SocketAddr;

/// The address without the IPv4-in-IPv6 mapping that a dual-stack socket shows.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        // A new address only where the family changed: an IPv6 address keeps its scope, which link-local
        // needs.
        ip if ip.is_ipv4() => SocketAddr::new(ip, address.port()),
        _ => address,
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
}
