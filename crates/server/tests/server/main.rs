//! Does the server do what its stories tell, and what its invariants promise?
//!
//! ```text
//!   tests/sessions/*/*.txt --story--> play --> loopback: a real Server, real sockets, in five TLS modes
//!   pure: the Session alone, without sockets, under random interleavings
//!   hostile: the real Server and clients that no story can tell of
//!   floods, ends, races: the real Server under clients that never pause, when it ends, and when two things meet
//!   hangups: what becomes of an upload whose client closes everything at its end
//!   gone: work that nobody waits for any more, and files that change meanwhile
//!   rights: what a user may do where, and in how many sessions
//!   registry: sessions are listed, watched and ended
//!   order: the reply to a refused transfer comes before the end of its data connection
//!   relogin: what becomes of a transfer when another user logs in meanwhile
//!   log: what a site writes down of all this
//!   shared, reuse, siblings, cut: which session a data connection belongs to under TLS, and uploads whose TLS is cut
//!   turns: whose turn it is where ports are few
//!   tls_mode, control, data: the clients of all these, without TLS or with it
//! ```
mod balanced;
mod client;
mod control;
mod cut;
mod data;
mod ends;
mod fault;
mod floods;
mod gone;
mod hangups;
mod hostile;
mod listening;
mod log;
mod loopback;
mod order;
mod play;
mod pure;
mod races;
mod registry;
mod relogin;
mod reuse;
mod rights;
mod scene;
mod setup;
mod shared;
mod siblings;
mod story;
mod tls_mode;
mod turns;
