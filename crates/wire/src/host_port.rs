//! How is the address of a data connection written? (RFC 959 4.1.2, RFC 2428)
//!
//! Parsing is strict: six numbers below 256, three delimiters, a port that is one. What a reply of a *server*
//! may look like is wider than that, see [`HostPort::from_227`] and [`port_from_229`].
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::types::decimal;

/// A network protocol as RFC 2428 numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// 1: IPv4.
    V4,
    /// 2: IPv6.
    V6,
}

impl Family {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }

    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// Private (RFC 1918, RFC 4193), shared by the customers of a provider (RFC 6598), link-local or loopback: an
/// address that means nothing in other networks.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = matches!(v4.octets(), [100, 64..=127, ..]);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The host-port of RFC 959 4.1.2: an IPv4 address and a port as six numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The address.
    pub address: Ipv4Addr,
    /// The port.
    pub port: u16,
}

impl HostPort {
    /// Reads `h1,h2,h3,h4,p1,p2` and nothing else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut numbers = text.split(|b| *b == b',').map(octet);
        let mut next = || numbers.next().flatten();
        let (a, b, c, d, p, q) = (next()?, next()?, next()?, next()?, next()?, next()?);
        if numbers.next().is_some() {
            return None;
        }
        Some(Self { address: Ipv4Addr::new(a, b, c, d), port: u16::from_be_bytes([p, q]) })
    }

    /// Finds the host-port in the text of a 227 reply.
    ///
    /// RFC 1123 4.1.2.6 tells clients to look for the digits and to rely on nothing around them: some servers
    /// leave the parentheses out. The first run of six comma-separated numbers counts; others write a blank
    /// behind each comma.
    #[must_use]
    pub fn from_227(text: &[u8]) -> Option<Self> {
        let is_part = |at: usize| match text.get(at) {
            Some(b' ') => at > 0 && text.get(at - 1) == Some(&b','),
            Some(byte) => byte.is_ascii_digit() || *byte == b',',
            None => false,
        };
        let mut begin = 0;
        for end in 0..=text.len() {
            if is_part(end) {
                continue;
            }
            let run: Vec<u8> = text
                .get(begin..end)
                .unwrap_or_default()
                .iter()
                .copied()
                .filter(|byte| *byte != b' ')
                .collect();
            if let Some(found) = Self::parse(run.strip_suffix(b",").unwrap_or(&run)) {
                return Some(found);
            }
            begin = end + 1;
        }
        None
    }

    /// As a socket address.
    #[must_use]
    pub fn socket(self) -> SocketAddr {
        SocketAddr::from((self.address, self.port))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.address.octets();
        let [p, q] = self.port.to_be_bytes();
        write!(f, "{a},{b},{c},{d},{p},{q}")
    }
}

fn octet(text: &[u8]) -> Option<u8> {
    if text.len() > 3 { None } else { decimal(text).and_then(|n| u8::try_from(n).ok()) }
}

/// Why an `EPRT` argument was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EprtError {
    /// It does not have the form `<d>protocol<d>address<d>port<d>`.
    Form,
    /// The protocol is a number other than 1 and 2: answer 522 (RFC 2428 2).
    Protocol,
}

/// Reads the argument of `EPRT`: `<d>1<d>132.235.1.2<d>6275<d>`, any delimiter in ASCII 33 to 126 (RFC 2428
/// 2).
pub fn parse_eprt(text: &[u8]) -> Result<SocketAddr, EprtError> {
    let (&delimiter, rest) = text.split_first().ok_or(EprtError::Form)?;
    if !(33..=126).contains(&delimiter) {
        return Err(EprtError::Form);
    }
    let mut parts = rest.split(|b| *b == delimiter);
    let mut next = || parts.next().ok_or(EprtError::Form);
    let (protocol, address, port, tail) = (next()?, next()?, next()?, next()?);
    if !tail.is_empty() || parts.next().is_some() {
        return Err(EprtError::Form);
    }
    let port = decimal(port).and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0).ok_or(EprtError::Form)?;
    let address = core::str::from_utf8(address).map_err(|_| EprtError::Form)?;
    let address: IpAddr = match decimal(protocol).ok_or(EprtError::Form)? {
        1 => IpAddr::V4(address.parse().map_err(|_| EprtError::Form)?),
        2 => IpAddr::V6(address.parse().map_err(|_| EprtError::Form)?),
        _ => return Err(EprtError::Protocol),
    };
    Ok(SocketAddr::new(address, port))
}

/// Writes the argument of `EPRT`.
#[must_use]
pub fn eprt(target: SocketAddr) -> String {
    alloc::format!("|{}|{}|{}|", Family::of(target.ip()).number(), target.ip(), target.port())
}

/// Finds the port in the text of a 229 reply, `(<d><d><d>port<d>)` (RFC 2428 3). An address between the
/// delimiters, which some servers send, is ignored: the control connection's peer is meant. Parentheses
/// before it that hold something else are passed over.
#[must_use]
pub fn port_from_229(text: &[u8]) -> Option<u16> {
    // Room for four delimiters, a family, an address and a port, so that many parentheses cost no more than a
    // few.
    const LONGEST: usize = 80;
    let opened = text.iter().enumerate().filter(|(_, b)| **b == b'(').map(|(at, _)| &text[at + 1..]);
    opened.map(|rest| &rest[..rest.len().min(LONGEST)]).find_map(|rest| {
        let inner = &rest[..rest.iter().position(|b| *b == b')')?];
        let &delimiter = inner.first()?;
        if !(33..=126).contains(&delimiter) || delimiter.is_ascii_digit() {
            return None;
        }
        let mut fields = inner.split(|b| *b == delimiter);
        let (Some(b""), Some(_), Some(_), Some(port), Some(b""), None) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return None;
        };
        decimal(port).and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0)
    })
}
