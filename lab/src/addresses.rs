//! Which addresses and ports has the lab?
use std::net::{Ipv4Addr, Ipv6Addr};

/// The site's ports: those by the book, and those that `pasv serve` takes by default.
pub(crate) const CONTROL: u16 = 21;
pub(crate) const LOW: u16 = 61210;
pub(crate) const HIGH: u16 = 61219;

pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// The router's address for the clients: where a site behind it is reached.
pub(crate) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
pub(crate) const PRIVATE_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
pub(crate) const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2);
