//! Why does FTP fail, and what helps?
//!
//! [`remote`] examines a server from a client's side.
#![forbid(unsafe_code)]

pub mod remote;
