//! The User-PI: a client's side of FTP.
//!
//! ```text
//!   copy                                        files and trees of a site that become ours
//!      |
//!   Client (session) ---- list, stat, walk ---- download, upload        what a person wants
//!      |
//!   dialogue: Login, Exchange, Transfer        pure: what to say next, and how long to wait for what
//!      |
//!   connection, connect                        thin: net's sockets under a goal
//! ```
//!
//! A server is trusted with nothing: data goes to and comes from the control connection's peer only, replies and
//! listings are bounded, names are checked ([`name`]) before they may touch a disk, and bytes without a 2yz and the
//! promised size are no file.
#![forbid(unsafe_code)]

pub mod charset;
mod connect;
mod connection;
pub mod copy;
mod cwd;
pub mod dialogue;
pub mod directory;
pub mod download;
pub mod error;
pub mod event;
pub mod features;
pub mod going_on;
pub mod memory;
pub mod name;
mod narrow;
pub mod options;
mod proof;
pub mod removal;
pub mod secrets;
pub mod security;
pub mod session;
mod source;
pub mod upload;
pub mod walk;

pub use dialogue::{Credentials, Mode, Patience, Way};
pub use download::Sink;
pub use error::{Attempt, Error, Place, Unreachable};
pub use event::{Dialled, Event, Watcher};
pub use net::pump::Progress;
pub use options::{DataPort, Options, Site, TlsEnd, Verify};
pub use security::{Security, TlsMode};
pub use session::Client;
