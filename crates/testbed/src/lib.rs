//! What do the tests of all crates stand on?
//!
//! Only tests use it: programs that end with their handle, files to move and compare, ports that nobody else has, and a way
//! to say that a test cannot run here.
#![forbid(unsafe_code)]

pub mod files;
pub mod need;
pub mod ports;
pub mod process;
