//! What do the tests stand on? Processes that end with their handle, sites to talk to, and files to compare.

pub(crate) mod certificates;
pub(crate) mod ours;
pub(crate) mod pebble;
pub(crate) mod peer;
pub(crate) mod site;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod url;

pub(crate) use testbed::{files, need, ports, process};
