//! What is true of an entry? (RFC 3659 7)
/// An entry of a directory. (being written)
pub struct Entry;
/// Facts. (being written)
pub struct Facts;
