//! Does the server do what its stories tell, and what its invariants promise?
//!
//! ```text
//!   tests/sessions/*/*.txt --story--> play --Stage--> pure:     the Session alone, no sockets, time made up
//!                                          \-Stage--> loopback: a real Site, real sockets
//!   pure::coverage: do the stories tell all there is?     pure::model: the Session under random interleavings
//!   hostile: the real Site and clients that no story can tell of
//!   log: what a site writes down of all this
//! ```
mod client;
mod fault;
mod floods;
mod ground;
mod hostile;
mod log;
mod loopback;
mod play;
mod pure;
mod scene;
mod story;
