//! The User-PI: a client's side of FTP.
//!
//! ```text
//!   copy                                        files and trees of a site that become ours
//!      |
//!   Client ----------- list, stat, walk ---- download, upload        what a person wants
//!      |
//!   session: Login, Exchange, Transfer         pure: what to say next, and how long to wait for what
//!      |
//!   driver, connect                            thin: net's sockets under a goal
//! ```
//!
//! A server is trusted with nothing: data goes to and comes from the control connection's peer only, replies
//! and listings are bounded, names are checked ([`name`]) before they may touch a disk, and bytes without a
//! 2yz and the promised size are no file.
//!
//! A complete program, which remembers the server's certificate, leaves alone what is complete already, and
//! resumes the rest:
//!
//! ```no_run
#![doc = include_str!("../examples/download_tree.rs")]
//! ```
#![forbid(unsafe_code)]

pub mod charset;
mod client;
mod connect;
pub mod control_line;
pub mod copy;
mod cwd;
pub mod directory;
pub mod download;
mod driver;
pub mod error;
pub mod event;
pub mod features;
pub mod going_on;
pub mod memory;
mod method;
pub mod name;
pub mod options;
mod paths;
mod pool;
pub mod profile;
mod proof;
mod remote;
pub mod removal;
pub mod secrets;
pub mod security;
mod sending;
pub mod session;
mod small_segments;
mod spec;
mod transfer;
pub mod trust;
pub mod upload;
pub mod walk;

pub use client::Client;
pub use download::{Download, Sink};
pub use error::{Attempt, DataConnection, Error, Unreachable};
pub use event::{Dialled, Direction, Event, Watcher, no_watcher};
pub use method::{DataMethod, Mode};
pub use net::pump::Progress;
pub use options::{DataPort, Endpoint, Options, TlsEnd, Verify};
pub use pool::{Pool, Pooled};
pub use profile::Profile;
pub use remote::Remote;
pub use security::{Security, TlsMode};
pub use sending::{Upload, WriteMode};
pub use session::{Credentials, Patience};
pub use spec::{Known, Recall, SessionSpec};
pub use trust::Trust;
