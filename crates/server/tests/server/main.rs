//! Does the server do what its stories tell, and what its invariants promise?
//!
//! ```text
//!   tests/sessions/*/*.txt --story--> play --Stage--> pure:     the Session alone, no sockets, time made up
//!                                          \-Stage--> loopback: a real Site, real sockets
//!   pure::coverage: do the stories tell all there is?     pure::model: the Session under random interleavings
//!   hostile: the real Site and clients that no story can tell of
//!   floods, ends, races: the real Site under clients that never pause, when it ends, and when two things meet
//!   log: what a site writes down of all this
//! ```
mod bound;
mod client;
mod ends;
mod fault;
mod floods;
mod ground;
mod hostile;
mod listening;
mod log;
mod loopback;
mod play;
mod pure;
mod races;
mod scene;
mod story;
mod wrapped;
