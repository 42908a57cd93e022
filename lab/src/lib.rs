//! What do the lab and the tests over loopback have in common?
#![forbid(unsafe_code)]

pub mod peers;
