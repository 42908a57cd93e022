//! How is a directory written for `LIST`, and how is what others write read? (RFC 959 4.1.3 leaves it open)
//!
//! ```text
//!   ours     LongEntry --unix_line--> "-rw-r--r--    1 owner    group           4161 Nov 24 10:00 name"
//!   others'  bytes --ListingReader--> lines --mlsd, unix, dos, eplf, vms--> Entry
//! ```
//!
//! Reading never guesses: each line is tried as each dialect, first as the one of the line before, and what
//! is of none is counted. To add a dialect: a file here with `parse(line, now) -> Option<Entry>`, a row in
//! `reader`, and samples in `tests/listings`.

mod date;
mod dos;
mod eplf;
mod long;
mod reader;
mod unix;
mod vms;

pub use long::{FileKind, LongEntry, permissions, unix_line};
pub use reader::{Dialect, ListingReader};
