//! Who on the way reported that a connection attempt cannot get through? (RFC 792, RFC 4443; ip(7),
//! `IP_RECVERR`)
//!
//! An ICMP message that ends a connection attempt becomes an error number, which says neither who sent it nor
//! why. The kernel keeps both in the socket's error queue if that was asked for before; no privilege is
//! needed.
use std::fmt;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};

/// The origin of an entry of the error queue (linux/errqueue.h): ICMP and ICMPv6; the others are this machine
/// itself.
const ICMP: u8 = 2;
const ICMP6: u8 = 3;

/// An ICMP message that ended a connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Who sent it: a router, a firewall or the host itself.
    pub by: IpAddr,
    /// Its type: 3 (ICMP) or 1 (ICMPv6) is "unreachable".
    pub kind: u8,
    /// Its code: of type 3 the codes 9, 10 and 13 say that it is prohibited, of ICMPv6's type 1 the codes 1,
    /// 5 and 6.
    pub code: u8,
}

impl Rejection {
    /// Does it say that a rule forbids the connection, and not that there is no route?
    #[must_use]
    pub fn is_prohibition(&self) -> bool {
        match self.by {
            IpAddr::V4(_) => self.kind == 3 && matches!(self.code, 9 | 10 | 13),
            IpAddr::V6(_) => self.kind == 1 && matches!(self.code, 1 | 5 | 6),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.by, self.kind, self.code) {
            _ if self.is_prohibition() => "prohibited",
            (IpAddr::V4(_), 3, 3) | (IpAddr::V6(_), 1, 4) => "port unreachable",
            (IpAddr::V4(_), 3, 1) | (IpAddr::V6(_), 1, 3) => "host unreachable",
            (IpAddr::V4(_), 3, 0) | (IpAddr::V6(_), 1, 0) => "network unreachable",
            _ => "unreachable",
        };
        write!(f, "{} says \"{what}\" (ICMP type {} code {})", self.by, self.kind, self.code)
    }
}

/// Asks the kernel to keep what comes for this socket. Where it does not, nothing is known later.
pub(crate) fn keep(socket: &impl AsFd, is_v6: bool) {
    // An error here means a kernel without the option: then we connect all the same, and no sender is known.
    let _ =
        if is_v6 { setsockopt(socket, Ipv6RecvErr, &true) } else { setsockopt(socket, Ipv4RecvErr, &true) };
}

/// What came, if anything did. Does not wait.
pub(crate) fn take(socket: &impl AsRawFd) -> Option<Rejection> {
    let mut text = [0; 64];
    let mut parts = [IoSliceMut::new(&mut text)];
    let mut control = nix::cmsg_space!([u8; 256]);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags).ok()?;
    message.cmsgs().ok()?.find_map(|entry| match entry {
        ControlMessageOwned::Ipv4RecvErr(error, Some(by)) if error.ee_origin == ICMP => {
            let by = IpAddr::V4(Ipv4Addr::from(u32::from_be(by.sin_addr.s_addr)));
            Some(Rejection { by, kind: error.ee_type, code: error.ee_code })
        }
        ControlMessageOwned::Ipv6RecvErr(error, Some(by)) if error.ee_origin == ICMP6 => {
            let by = IpAddr::V6(Ipv6Addr::from(by.sin6_addr.s6_addr));
            Some(Rejection { by, kind: error.ee_type, code: error.ee_code })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn the_sender_and_its_reason_are_known() {
        // A port where nobody listens, on loopback: the kernel itself sends the message.
        let gone = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = gone.local_addr().unwrap();
        drop(gone);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        keep(&socket, false);
        socket.connect(at).unwrap();
        socket.send(b"x").unwrap();
        // The message comes before `send` returns on loopback, and this read meets it.
        socket.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        assert!(socket.recv(&mut [0; 8]).is_err());
        let taken = take(&socket).unwrap();
        assert_eq!(taken, Rejection { by: Ipv4Addr::LOCALHOST.into(), kind: 3, code: 3 });
        assert_eq!(taken.to_string(), "127.0.0.1 says \"port unreachable\" (ICMP type 3 code 3)");
        assert_eq!(take(&socket), None);
    }

    #[test]
    fn prohibitions_are_told_from_missing_routes() {
        let by = |text: &str, kind, code| Rejection { by: text.parse().unwrap(), kind, code };
        for code in [9, 10, 13] {
            assert!(by("192.0.2.1", 3, code).is_prohibition());
        }
        for code in [1, 5, 6] {
            assert!(by("2001:db8::1", 1, code).is_prohibition());
        }
        assert!(!by("192.0.2.1", 3, 1).is_prohibition() && !by("2001:db8::1", 1, 3).is_prohibition());
    }
}
