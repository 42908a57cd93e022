//! Addresses of data connections.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use proptest::prelude::*;
use wire::HostPort;
use wire::host_port::{EprtError, eprt, parse_eprt, port_from_229};

use crate::values::{bytes, config};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_host_port_comes_back(address in any::<Ipv4Addr>(), port in any::<u16>()) {
        let host_port = HostPort { address, port };
        let text = host_port.to_string();
        prop_assert_eq!(HostPort::parse(text.as_bytes()), Some(host_port));
        for around in [format!("Entering Passive Mode ({text})."), format!("={text}"), format!("ok {text}, go"), text] {
            prop_assert_eq!(HostPort::from_227(around.as_bytes()), Some(host_port), "{}", around);
        }
    }

    #[test]
    fn an_eprt_comes_back(address in any::<IpAddr>(), port in 1..=u16::MAX, delimiter in 33..=126_u8) {
        let target = SocketAddr::from((address, port));
        let text = eprt(target);
        prop_assert_eq!(parse_eprt(text.as_bytes()), Ok(target));
        // Any delimiter does that is not in the fields themselves.
        let inside = text.bytes().any(|b| b == delimiter);
        let other: Vec<u8> = text.bytes().map(|b| if b == b'|' { delimiter } else { b }).collect();
        if !inside || delimiter == b'|' {
            prop_assert_eq!(parse_eprt(&other), Ok(target));
        }
    }

    #[test]
    fn a_port_comes_back(port in 1..=u16::MAX, delimiter in 33..=126_u8) {
        let d = char::from(delimiter);
        let text = format!("Entering (the) Extended Passive Mode ({d}{d}{d}{port}{d})");
        let expected = if delimiter.is_ascii_digit() || d == ')' { None } else { Some(port) };
        prop_assert_eq!(port_from_229(text.as_bytes()), expected);
    }

    #[test]
    fn nonsense_is_none(text in bytes(40)) {
        // Whatever is read is written as something that is read alike.
        if let Some(host_port) = HostPort::parse(&text) {
            prop_assert_eq!(HostPort::parse(host_port.to_string().as_bytes()), Some(host_port));
        }
        if let Ok(target) = parse_eprt(&text) {
            prop_assert_eq!(parse_eprt(eprt(target).as_bytes()), Ok(target));
        }
        prop_assert_ne!(port_from_229(&text), Some(0));
    }
}

#[test]
fn addresses_that_are_nearly_right() {
    let expected = HostPort::parse(b"127,0,0,1,4,210");
    for text in ["Entering Passive Mode (127, 0, 0, 1, 4, 210)", " =127, 0, 0, 1, 4, 210,"] {
        assert_eq!(HostPort::from_227(text.as_bytes()), expected, "{text}");
    }
    for text in ["|1|127.0.0.1|0|", "|1|127.0.0.1|5|x", "|1|127.0.0.1|5||"] {
        assert_eq!(parse_eprt(text.as_bytes()), Err(EprtError::Form), "{text}");
    }
    assert_eq!(port_from_229(b"(|||0|)"), None);
}
