//! Which ports may another server use, so that tests running at once do not meet?
//!
//! The other servers cannot take a port from the kernel and say which, so they are given a block of ports
//! below the range from which the kernel serves others. The block is held by a UDP socket on its first port:
//! a lock that every process sees and that ends with its owner. TCP is not touched by it.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;
/// One control port, and passive ports enough for a client with a few parallel transfers.
const SIZE: u16 = 20;

/// A block of ports on 127.0.0.1 that nobody else uses while this lives.
pub struct Block {
    first: u16,
    _lock: UdpSocket,
}

impl Block {
    /// Takes a free one.
    pub fn take() -> Self {
        // A start of its own for each process spares most of them the search.
        let count = (LAST - FIRST) / SIZE;
        let start = std::process::id() as u16 % count;
        (0..count)
            .map(|step| FIRST + (start + step) % count * SIZE)
            .find_map(|first| {
                let lock = UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok()?;
                let free =
                    (first..first + SIZE).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
                free.then_some(Self { first, _lock: lock })
            })
            .expect("a free block of ports on 127.0.0.1")
    }

    /// Its port for control connections.
    pub fn control(&self) -> u16 {
        self.first
    }

    /// Its ports for passive data connections.
    pub fn passive(&self) -> RangeInclusive<u16> {
        self.first + 1..=self.first + SIZE - 1
    }
}
