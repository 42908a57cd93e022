//! The Server-PI and its transfers: decide what each command means, and drive it.
//!
//! ```text
//!   control --line--> session (pure) --Reply--> control
//!                        |   ^
//!                 Effect |   | Input                       policy: may this verb be used? (pure)
//!                        v   |                             reason: why not, in one table
//!                      driver ---------> files             limits: how often a login may fail (pure)
//!                        |                                 turns: whose password is checked next (pure)
//!                        |
//!                        +-------------> transfer --- storage Source/Sink --- net::pump --- data connection
//! ```
//!
//! One task owns one session; nothing else touches it, so there is no lock in it. A transfer is a future of
//! its own beside the control connection, and ABOR drops it. To add a verb: its row and parse arm in `wire`,
//! its handler in [`session`], its transcript in `tests/sessions`.
#![forbid(unsafe_code)]

pub mod effect;
pub mod files;
pub mod limits;
pub mod policy;
pub mod reason;
pub mod registry;
pub mod session;
pub mod settings;
pub mod transfer;
pub mod xferlog;

mod driver;
mod log_rate;
mod server;
mod shared;
mod turns;

pub use reason::Reason;
pub use registry::{Registry, Stop};
pub use server::{BindError, Builder, Refusals, Server};
pub use session::Session;
pub use settings::Settings;
