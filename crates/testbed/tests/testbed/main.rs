//! Do our stores and gates keep their promises, and do our client and server understand each other?
mod gates;
mod pair;
mod remote;
mod trees;
