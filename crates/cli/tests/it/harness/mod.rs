//! What do the tests stand on? Processes that end with their handle, sites to talk to, and files to compare.

pub(crate) mod certificates;
pub(crate) mod dialogue;
pub(crate) mod files;
pub(crate) mod need;
pub(crate) mod ours;
pub(crate) mod pebble;
pub(crate) mod peer;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod site;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod url;
