//! Why does FTP fail, and what helps?
//!
//! ```text
//!   remote: a server, examined from a client's side --+
//!                                                     +--> Findings --> Report
//!   site: a server's own machine ---------------------+
//! ```
//! Each finding is one of the [`verdict`] table, with a weight, a sentence, evidence and what to do at either
//! side.
#![forbid(unsafe_code)]

pub mod finding;
pub mod remote;
pub mod site;
pub mod text;
pub mod verdict;

pub use finding::{ClientSettings, Finding, Findings, Report, Unclear};
pub use verdict::{Verdict, Weight};
