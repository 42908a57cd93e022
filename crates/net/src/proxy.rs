//! Who is behind a balancer? The PROXY protocol, versions 1 and 2, from sources that are trusted.
//!
//! A balancer that passes TCP on hides its clients: all come from its own address. With the PROXY protocol it
//! says first whose connection it is. Any peer could say so; hence it is believed only from the networks that
//! the configuration names, and there it must be said, since without it every client would be the balancer.
//!
//! ```text
//!   version 1: PROXY TCP4 192.0.2.7 198.51.100.1 50210 21 CR LF            at most 107 bytes
//!   version 2: 12 bytes of signature, version and command, family, length (2 bytes), addresses, more fields
//! ```
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

pub use ipnet::IpNet;
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::address::canonical;
use crate::socket::receive;

/// How long a balancer may take for its header. It has it ready when it connects.
const PATIENCE: Duration = Duration::from_secs(5);

/// Headers awaited at once. Each costs a descriptor and is over in a round trip; this is for a burst, and a
/// balancer that hangs cannot take all descriptors with it.
const AT_ONCE: usize = 1024;

/// The longest header of version 1, its line end included (specification, 2.1).
const LONGEST_LINE: usize = 107;
const VERSION_1: &[u8] = b"PROXY ";

const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED: usize = 16;
/// Bytes behind those: addresses, and the fields of balancers, certificates among them. 64 KiB would be
/// possible and are not used.
const MOST_FIELDS: usize = 4096;

/// The balancers that are trusted.
#[derive(Clone, Debug)]
pub struct Proxies {
    from: Arc<[IpNet]>,
    turns: Arc<Semaphore>,
}

impl Proxies {
    /// Those of the given networks; None where there are none.
    #[must_use]
    pub fn new(from: Vec<IpNet>) -> Option<Self> {
        let some = !from.is_empty();
        some.then(|| Self { from: from.into(), turns: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Is what comes from this address to begin with a header?
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.from.iter().any(|net| net.contains(&peer))
    }

    /// A header that is to be read from a connection.
    pub(crate) fn header(&self) -> Result<HeaderReader, NotIntroduced> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| NotIntroduced::TooMany)?;
        Ok(HeaderReader { header: Header::default(), until: Instant::now() + PATIENCE, _turn: turn })
    }
}

/// A header that is being read.
pub(crate) struct HeaderReader {
    header: Header,
    until: Instant,
    _turn: OwnedSemaphorePermit,
}

impl HeaderReader {
    /// When it must be there.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// Reads as far as the socket allows; `WouldBlock` where more is to come. Not a byte of the client's is
    /// taken.
    pub(crate) fn step(&mut self, fd: BorrowedFd<'_>) -> io::Result<Result<Behind, NotIntroduced>> {
        loop {
            let wants = match self.header.wants() {
                Ok(0) => return Ok(self.header.says()),
                Ok(wants) => wants,
                Err(error) => return Ok(Err(error)),
            };
            let mut scratch = [0; Header::READ];
            match receive(fd, scratch.get_mut(..wants).unwrap_or_default())? {
                0 => return Ok(Err(NotIntroduced::Ended)),
                count => self.header.take(scratch.get(..count).unwrap_or_default()),
            }
        }
    }
}

/// Whose connection a header says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A client's, who connected to the second address.
    Client(SocketAddr, SocketAddr),
    /// The balancer's own, as its health check is (LOCAL, UNKNOWN).
    Balancer,
}

/// Who has been introduced by a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introduced {
    /// A client.
    Client,
    /// It is the balancer's own connection.
    Balancer,
}

/// Why a trusted source's connection has no usable header.
#[derive(Debug, thiserror::Error)]
pub enum NotIntroduced {
    /// What came is no header. The source speaks for itself, or another version.
    #[error("no PROXY header")]
    Missing,
    /// What came begins like a header and is none.
    #[error("a malformed PROXY header")]
    Malformed,
    /// It is longer than any that is used.
    #[error("a PROXY header of more than {MOST_FIELDS} bytes")]
    TooLong,
    /// It did not come in time.
    #[error("no PROXY header within {PATIENCE:?}")]
    Late,
    /// The connection ended before it.
    #[error("the connection ended before its PROXY header")]
    Ended,
    /// So many are awaited that this one is not.
    #[error("{AT_ONCE} PROXY headers are awaited already")]
    TooMany,
    /// The connection's own trouble.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A header that is being read, never further than its end: what follows is the client's.
#[derive(Debug, Default)]
struct Header {
    bytes: Vec<u8>,
}

impl Header {
    /// Room for one read.
    const READ: usize = 512;

    /// How many bytes may be read next, at most [`Header::READ`]; 0: it is whole.
    fn wants(&self) -> Result<usize, NotIntroduced> {
        let (bytes, length) = (self.bytes.as_slice(), self.bytes.len());
        let begins = |signature: &[u8]| {
            let common = length.min(signature.len());
            bytes.get(..common) == signature.get(..common)
        };
        let wants = if begins(VERSION_2) {
            match bytes.get(FIXED - 2..FIXED) {
                Some(&[high, low]) => {
                    let fields = usize::from(u16::from_be_bytes([high, low]));
                    if fields > MOST_FIELDS {
                        return Err(NotIntroduced::TooLong);
                    }
                    (FIXED + fields).saturating_sub(length)
                }
                // Only the signature is known to be there.
                _ => FIXED - length,
            }
        } else if begins(VERSION_1) {
            match bytes.last() {
                Some(b'\n') => 0,
                _ if length >= LONGEST_LINE => return Err(NotIntroduced::Malformed),
                _ if length < VERSION_1.len() => VERSION_1.len() - length,
                // Its end is not known before it is seen.
                _ => 1,
            }
        } else {
            return Err(NotIntroduced::Missing);
        };
        // Before the first byte either may come, and this is less than the shortest of both.
        Ok(if length == 0 { VERSION_1.len() } else { wants.min(Self::READ) })
    }

    /// Takes what was read.
    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What it says, once it is whole.
    fn says(&self) -> Result<Behind, NotIntroduced> {
        let config = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };
        let (header, length) =
            ProxyHeader::parse(&self.bytes, config).map_err(|_| NotIntroduced::Malformed)?;
        if length != self.bytes.len() {
            return Err(NotIntroduced::Malformed);
        }
        match header.proxied_address() {
            None => Ok(Behind::Balancer),
            Some(address) if address.protocol == Protocol::Stream => {
                Ok(Behind::Client(canonical(address.source), canonical(address.destination)))
            }
            // FTP is not spoken by datagrams.
            Some(_) => Err(NotIntroduced::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads as a socket would give it, `at_once` bytes at most; what is left is the client's.
    fn read(mut sent: &[u8], at_once: usize) -> Result<(Behind, &[u8]), NotIntroduced> {
        let mut header = Header::default();
        loop {
            let wants = header.wants()?;
            if wants == 0 {
                return Ok((header.says()?, sent));
            }
            let (now, rest) = sent.split_at(wants.min(at_once).min(sent.len()));
            if now.is_empty() {
                return Err(NotIntroduced::Ended);
            }
            header.take(now);
            sent = rest;
        }
    }

    fn version_2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [VERSION_2, &[0x20 | command, family], &length, addresses].concat()
    }

    const FOUR: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xc4, 0x22, 0, 21];

    fn client() -> Behind {
        Behind::Client("192.0.2.7:50210".parse().unwrap(), "198.51.100.1:21".parse().unwrap())
    }

    #[test]
    fn both_versions_name_the_client_and_nothing_of_its_own_is_taken() {
        let one = b"PROXY TCP4 192.0.2.7 198.51.100.1 50210 21\r\nUSER x\r\n";
        let mut two = version_2(1, 0x11, FOUR);
        two.extend_from_slice(b"USER x\r\n");
        // Fields behind the addresses are passed over.
        let mut more = version_2(1, 0x11, &[FOUR, &[4, 0, 2, 0, 0]].concat());
        more.extend_from_slice(b"USER x\r\n");
        for at_once in [1, 5, 1000] {
            for sent in [&one[..], &two, &more] {
                let (behind, rest) = read(sent, at_once).unwrap();
                assert_eq!((behind, rest), (client(), &b"USER x\r\n"[..]));
            }
        }
        let six = b"PROXY TCP6 2001:db8::7 2001:db8::1 50210 21\r\n";
        let expected =
            Behind::Client("[2001:db8::7]:50210".parse().unwrap(), "[2001:db8::1]:21".parse().unwrap());
        assert_eq!(read(six, 1000).unwrap().0, expected);
    }

    #[test]
    fn a_health_check_is_the_balancers_own() {
        assert_eq!(read(&version_2(0, 0, b""), 1000).unwrap().0, Behind::Balancer);
        assert_eq!(read(&version_2(0, 0x11, FOUR), 1000).unwrap().0, Behind::Balancer);
        assert_eq!(read(b"PROXY UNKNOWN\r\n", 1000).unwrap().0, Behind::Balancer);
    }

    #[test]
    fn what_is_no_header_is_known_by_its_first_bytes() {
        for sent in [&b"USER anonymous\r\n"[..], b"\x16\x03\x01\x02\x00\x01", b"\r\nUSER", b"PROXI"] {
            assert!(matches!(read(sent, 1000), Err(NotIntroduced::Missing)), "{sent:?}");
        }
    }

    #[test]
    fn a_header_has_an_end_and_a_sense() {
        let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        assert!(matches!(read(&endless, 1000), Err(NotIntroduced::Malformed)));
        let long = [VERSION_2, &[0x21, 0x11, 0xff, 0xff]].concat();
        assert!(matches!(read(&long, 1000), Err(NotIntroduced::TooLong)));
        assert!(matches!(read(&version_2(1, 0x12, FOUR), 1000), Err(NotIntroduced::Malformed)), "UDP");
        assert!(matches!(read(&version_2(1, 0x11, &FOUR[..11]), 1000), Err(NotIntroduced::Malformed)));
        assert!(matches!(read(b"PROXY TCP4 a b c d\r\n", 1000), Err(NotIntroduced::Malformed)));
        assert!(matches!(read(b"PROXY TCP4 192.0", 1000), Err(NotIntroduced::Ended)));
    }

    #[test]
    fn only_the_networks_that_were_named_are_trusted() {
        assert!(Proxies::new(vec![]).is_none());
        let proxies = Proxies::new(vec!["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()]).unwrap();
        assert!(proxies.trusts("10.1.2.3".parse().unwrap()) && proxies.trusts("::1".parse().unwrap()));
        assert!(proxies.trusts("::ffff:10.1.2.3".parse().unwrap()), "as a dual-stack socket shows it");
        assert!(!proxies.trusts("10.2.0.1".parse().unwrap()));
    }
}
