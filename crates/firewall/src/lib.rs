//! Which four rules does a server need in the firewalls between it and its clients?
//!
//! ```text
//!   Exposure (ports, active or not) --Rules::of--> Rules (values) --explain--> words and a drawing
//!                                                  |
//!                                                  +--> each kind of firewall, one module apiece
//! ```
//!
//! The rules are worked out once, as values, and the writers of them (in words here, for a particular
//! firewall elsewhere) reads those values: so that what is explained and what is applied cannot differ.
//! No I/O: nothing here looks at the machine or changes it.
#![forbid(unsafe_code)]

mod explain;
mod exposure;
mod name;
mod request;
mod rules;
mod sheet;
mod target;

pub use exposure::{Active, Exposure, Families};
pub use ipnet::IpNet;
pub use name::Name;
pub use request::{Authority, Chain, Ephemeral, Family, Modes, Output, Request, Tracking};
pub use rules::{Direction, Mode, Ports, Role, Rule, Rules};
pub use sheet::{TAG, tag};
pub use target::{Target, Unfit, nftables};
