//! The sockets of FTP: the only crate that opens them, for both sides.
//!
//! ```text
//!           control connection                      data connection
//!   listener --accept--> Control <--connect   PassivePorts --claim--> Claim --+
//!                        read, write                dial (to a listener) -----+-> Data --pump--> file, bytes
//!                                             ActivePort (one expected peer) -+
//! ```
//!
//! A [`Control`](control::Control) carries lines and knows nothing of them. A [`Data`](data::Data) carries
//! one file; there are three ways to get one: a server's passive ports ([`passive`]), connecting to the peer
//! ([`dial`](mod@dial), active mode and every passive client), and a port of our own that waits for one
//! connection ([`active`], a client in active mode). [`pump`] moves the bytes, by the cheapest route the
//! kernel offers.
//!
//! Rules of the house: nothing blocks the event loop on a disk; a socket is registered with the loop only
//! when it has to wait; every wait has an end; dropping a future stops what it did. `unsafe` is five lines,
//! in `watch`, `unsent`, `departure` and `memory`: rustix, socket2 and nix have the rest.
#![deny(unsafe_code)]

pub mod active;
mod address;
pub mod buffer;
pub mod control;
pub mod data;
#[expect(unsafe_code, reason = "the kernel is asked for numbers that no crate reads")]
pub mod departure;
pub mod dial;
pub mod half_open;
pub mod icmp;
mod keepalive;
pub mod listener;
mod listening;
#[expect(unsafe_code, reason = "the allocator's settings are a function of the C library")]
pub mod memory;
pub mod os_error;
pub mod own;
pub mod passive;
pub mod proc_net;
pub mod proxy;
pub mod pump;
pub mod reserve;
pub mod segments;
mod session_id;
mod socket;
pub mod tls;
mod transport;
#[expect(unsafe_code, reason = "the kernel is asked for a number by an ioctl")]
mod unsent;
#[expect(unsafe_code, reason = "registering a descriptor with the event loop asks for a proof")]
mod watch;
