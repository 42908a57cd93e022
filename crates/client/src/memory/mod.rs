//! What does a client remember between two runs, and what do other programs remember for it?
//!
//! ```text
//!   known_sites   host:port --> its certificate, and since when TLS was seen there
//!   methods       host:port, network --> which data connection method worked
//!   netrc         host --> user and password; another program's file, never written
//! ```
//! All of it is small text files below [`folder`], one line for each server.
pub(crate) mod file;
pub mod known_sites;
pub mod methods;
pub mod netrc;

pub use file::folder;
