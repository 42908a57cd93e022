//! Does the server do what its stories tell, and what its invariants promise?
//!
//! ```text
//!   tests/sessions/*/*.txt --story--> play --> loopback: a real Server, real sockets, in five dresses
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
//!   shared, reuse, kin, cut: whose a data connection is under TLS, and what becomes of an upload whose TLS is cut
//!   turns: whose turn it is where ports are few
//!   dress, line, way: the clients of all these, in clear or under TLS
//! ```
mod balanced;
mod client;
mod cut;
mod dress;
mod ends;
mod fault;
mod floods;
mod gone;
mod ground;
mod hangups;
mod hostile;
mod kin;
mod line;
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
mod shared;
mod story;
mod turns;
mod way;
