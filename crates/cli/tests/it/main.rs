//! Does the program do, from outside, what its users expect of it?
//!
//! One binary for all of it, so that it is linked once. The tests under `interop::` run other people's
//! programs and are a step of their own (`cargo xtask test interop`); all others need nothing but pasv.

mod budget;
mod client;
mod generated;
mod harness;
mod interop;
mod memory;
mod protected;
mod proxy;
mod resources;
mod serve;
