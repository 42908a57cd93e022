//! FTP text as values, and values as FTP text.
//!
//! ```text
//!   bytes --LineDecoder--> Line --Command::parse--> Command     what a client says
//!   bytes --ReplyDecoder-------------------------> Reply       what a server says
//!   bytes --Listing / Facts----------------------> Entry       what a directory holds
//! ```
//!
//! The ground floor: no I/O, no clock, no runtime; both sides use it. Every type here turns into bytes and
//! back without loss, and no value can be built that would put a line end where none belongs. All decoders
//! take their input in pieces of any size, keep a bounded amount of it, and never panic.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod ascii;
pub mod command;
pub mod digest;
mod digits;
pub mod facts;
pub mod host_port;
pub mod line;
pub mod listing;
pub mod option;
pub mod pathname;
pub mod reply;
mod scan;
pub mod secret;
pub mod stamp;
pub mod types;
pub mod url;
pub mod verb;

pub use command::{Command, CommandError};
pub use facts::{Entry, EntryType, Facts, Perm, Wanted};
pub use host_port::{Family, HostPort};
pub use line::{Line, LineDecoder, LineTooLong};
pub use pathname::Pathname;
pub use reply::{Code, Reply, ReplyDecoder, ReplyError, Severity};
pub use secret::Secret;
pub use stamp::Stamp;
pub use types::{Marker, Protection, RepresentationType, Structure, TransferMode};
pub use url::FtpUrl;
pub use verb::Verb;
