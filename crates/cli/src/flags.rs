//! How are values on the command line written? Ports, addresses, numbers.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Reads a port.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "write a port from 0 to 65535".into())
}

/// Reads `ADDR:PORT`, `[V6]:PORT`, `:PORT` or `PORT`; the latter two listen on every address of both
/// families.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let port = text.strip_prefix(':').unwrap_or(text);
    match port.parse::<u16>() {
        Ok(port) => Ok(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)),
        Err(_) => Err("write ADDRESS:PORT, as 192.0.2.1:2121 or [::1]:2121, or a port alone".into()),
    }
}

/// Reads the address that PASV announces.
pub(crate) fn external(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| match text.parse::<Ipv6Addr>() {
        Ok(_) => {
            "PASV can announce only an IPv4 address; EPSV, which IPv6 clients use, announces none".into()
        }
        Err(_) => "write an IPv4 address, as 192.0.2.1".into(),
    })
}

/// Reads the largest segment of a data connection.
pub(crate) fn mss(text: &str) -> Result<u16, String> {
    let sizes = net::segments::SIZES;
    let size = text.parse().ok().filter(|size| sizes.contains(size));
    size.ok_or_else(|| format!("write a number from {} to {}, as 1200", sizes.start(), sizes.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_their_forms() {
        assert!(
            ["abc", "99999", ""].iter().all(|text| port(text).is_err_and(|why| why.contains("0 to 65535")))
        );
        assert_eq!(listen(":2121").unwrap().to_string(), "[::]:2121");
        assert_eq!(listen("127.0.0.1:0").unwrap().to_string(), "127.0.0.1:0");
        assert_eq!(mss("1200"), Ok(1200));
        assert!(mss("87").is_err() && mss("40000").is_err());
        assert!(external("2001:db8::1").is_err_and(|why| why.contains("EPSV")));
    }
}
