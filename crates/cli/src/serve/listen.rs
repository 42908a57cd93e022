//! At which addresses and ports is a folder shared? `--listen`, `--port`, `--listen-tls`.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use crate::talk::words;

/// A value of `--listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    /// None of them: every address of this machine.
    addresses: Vec<IpAddr>,
    /// None: the default port.
    port: Option<u16>,
}

impl Listen {
    /// Every address at this port, or at the default one.
    pub(super) fn everywhere(port: Option<u16>) -> Self {
        Self { addresses: Vec::new(), port }
    }

    /// Does it name a port?
    pub(super) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// The addresses, with `port` where none is named.
    pub(super) fn sockets(&self, port: u16) -> impl Iterator<Item = SocketAddr> {
        let addresses = if self.addresses.is_empty() { vec![any()] } else { self.addresses.clone() };
        let port = self.port.unwrap_or(port);
        addresses.into_iter().map(move |address| SocketAddr::new(address, port))
    }
}

/// Reads an address, a name of this machine, a port, or one of the former with a port behind it.
pub(super) fn parse(text: &str) -> Result<Listen, String> {
    if let Ok(at) = text.parse::<SocketAddr>() {
        return Ok(Listen { addresses: vec![at.ip()], port: Some(at.port()) });
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok(Listen { addresses: vec![address], port: None });
    }
    if let Ok(port) = text.parse() {
        return Ok(Listen::everywhere(Some(port)));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, digits)) => {
            let port = digits.parse().map_err(|_| format!("{digits:?} is not a port; {FORMS}"))?;
            (host, Some(port))
        }
        None => (text, None),
    };
    match host {
        "" if port.is_none() => Err(FORMS.to_owned()),
        "" | "*" => Ok(Listen::everywhere(port)),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Err(format!("{digits} is not a port: ports are 0 to 65535; {FORMS}"))
        }
        name => Ok(Listen { addresses: look_up(name)?, port }),
    }
}

const FORMS: &str =
    "write an address of this machine, a port, or both: 192.0.2.1, 2121, 192.0.2.1:2121, [::1]:2121";

/// The addresses of a name, IPv6 only where this machine has it.
fn look_up(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = (name, 0)
        .to_socket_addrs()
        .map_err(|e| format!("cannot resolve {name:?}: {}; {FORMS}", words(&e)))?;
    let six = net::own::has_ipv6();
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|at| at.ip()).filter(|address| six || address.is_ipv4()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(format!("{name:?} has no address here; {FORMS}")) } else { Ok(addresses) }
}

/// One socket for both families where there are both.
fn any() -> IpAddr {
    if net::own::has_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        parse(text)
            .unwrap_or_else(|why| panic!("{text}: {why}"))
            .sockets(2121)
            .map(|at| at.to_string())
            .collect()
    }

    #[test]
    fn addresses_names_and_ports_are_understood() {
        let any = SocketAddr::new(any(), 99).to_string();
        for text in ["99", ":99", "*:99"] {
            assert_eq!(read(text), [any.as_str()], "{text}");
        }
        assert_eq!(read("*"), [SocketAddr::new(super::any(), 2121).to_string()]);
        assert_eq!(read("127.0.0.1"), ["127.0.0.1:2121"]);
        assert_eq!(read("127.0.0.1:0"), ["127.0.0.1:0"]);
        for text in ["::1", "[::1]"] {
            assert_eq!(read(text), ["[::1]:2121"], "{text}");
        }
        assert_eq!(read("[::1]:99"), ["[::1]:99"]);
        assert!(read("localhost").contains(&"127.0.0.1:2121".to_owned()), "{:?}", read("localhost"));
        assert!(read("localhost:99").iter().all(|at| at.ends_with(":99")));
    }

    #[test]
    fn what_is_not_understood_is_answered_with_what_to_write() {
        for (text, words) in [
            ("", "write an address"),
            (":", "\"\" is not a port"),
            ("127.0.0.1:ftp", "\"ftp\" is not a port"),
            ("99999", "99999 is not a port"),
            ("no such name", "cannot resolve \"no such name\""),
            ("no-such-name.invalid:21", "cannot resolve \"no-such-name.invalid\""),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(words) && said.contains("192.0.2.1:2121"), "{text}: {said}");
        }
    }
}
