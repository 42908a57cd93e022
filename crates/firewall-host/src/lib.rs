//! What does the firewall of this machine let through, and how is it changed?
//!
//! ```text
//!   nft, iptables-save --machine--> Ruleset --check--> Findings       missing, too wide, not known
//!   ufw, firewall-cmd      |           +------plan---> Plan           a script for nft
//!                          +--recognise--> Recognised                 which firewall runs here
//! ```
//!
//! [`machine`] runs the programs, [`listeners`] reads `/proc`; everything else is pure. The rules that a
//! server needs come from the crate `firewall`.
#![forbid(unsafe_code)]

mod apply;
mod check;
pub mod listeners;
pub mod machine;
mod packets;
mod recognise;
mod ruleset;
mod said;
mod walk;

pub use apply::{Plan, opened, plan, removal};
pub use check::{Findings, Missing, Wide, check};
pub use recognise::{Filters, OURS, Recognised, Seen, recognise};
pub use ruleset::{Ruleset, Unreadable};
