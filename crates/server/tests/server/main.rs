//! Does the server do what its stories tell, and what its invariants promise?
//!
//! ```text
//!   tests/sessions/*/*.txt --story--> play --Stage--> pure:     Session alone, no sockets, time made up
//!                                          \-Stage--> loopback: a real Site, real sockets
//!   model: the Session under random interleavings         hostile: what no story can tell
//! ```
mod coverage;
mod fault;
mod ground;
mod loopback;
mod model;
mod play;
mod pure;
mod story;
