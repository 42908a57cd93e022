//! What do the tests of all crates stand on?
//!
//! Only tests use it: programs that end with their handle, files to move and compare, ports that nobody else
//! has, a way to say that a test cannot run here, and the promises that any [`storage::Tree`] has to keep.
#![forbid(unsafe_code)]

pub mod conformance;
pub mod files;
pub mod hooked;
pub mod memory;
pub mod need;
pub mod peer;
pub mod ports;
pub mod process;
pub mod talk;
pub mod tree;
