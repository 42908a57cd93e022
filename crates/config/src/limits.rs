//! How much may clients use, and how long are they waited for?
//!
//! A person with eight connections, and an office of fifty such people behind one NAT address, never meet the
//! defaults.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text;

/// How long the server waits for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// From the connection to the end of the login. One minute: a person types a password in it.
    #[serde(with = "text::timeout")]
    pub login: Duration,
    /// From one command to the next, outside transfers. Five minutes, as most servers have.
    #[serde(with = "text::timeout")]
    pub idle: Duration,
    /// The longest that SITE IDLE can ask for.
    #[serde(with = "text::timeout")]
    pub idle_most: Duration,
    /// From a transfer's command to its data connection. Ten seconds: longer than any honest network takes,
    /// shorter than a person's patience.
    #[serde(with = "text::timeout")]
    pub data: Duration,
    /// In a transfer, from one byte to the next. One minute: what a TCP connection needs to live through a
    /// lost route.
    #[serde(with = "text::timeout")]
    pub stall: Duration,
    /// How long PASV waits for a passive port that is free for the client's address. Three seconds, since a
    /// claim rarely lives longer than a round trip.
    #[serde(with = "text::time")]
    pub port: Duration,
    /// From PASV to the command that uses it, after which the port goes back.
    #[serde(with = "text::timeout")]
    pub claim: Duration,
    /// How long work that moves no byte on a data connection continues once the client has closed the control
    /// connection: a digest, a listing that finds nothing. Five seconds are enough to answer a script that
    /// closes its side as soon as it has sent its commands.
    #[serde(with = "text::timeout")]
    pub gone: Duration,
    /// How long running transfers may continue when the server is stopped. Half a minute: service managers
    /// kill after one minute or more.
    #[serde(with = "text::time")]
    pub drain: Duration,
    /// How long a TLS handshake may take. Ten seconds: three round trips of the slowest honest network.
    #[serde(with = "text::timeout")]
    pub handshake: Duration,
    /// How long a verified password is remembered, so that eight connections are not verified eight times.
    #[serde(with = "text::time")]
    pub remember_logins: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            login: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            idle_most: Duration::from_secs(7200),
            data: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            port: Duration::from_secs(3),
            claim: Duration::from_secs(60),
            gone: Duration::from_secs(5),
            drain: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            remember_logins: Duration::from_secs(300),
        }
    }
}

/// How much of what there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions in all. Each costs some kilobytes and one descriptor.
    pub sessions: usize,
    /// Sessions from one address: fifty people with eight connections each, and room.
    pub sessions_per_address: usize,
    /// TLS handshakes of one address at the same time: each costs a signature and some 50 KiB. Fifty people
    /// who start at the same moment, and room.
    pub handshakes_per_address: usize,
    /// Bytes in a command line: a path of 4096 bytes, a verb, and room for doubled bytes.
    pub line: usize,
    /// Commands before a login. Real clients send ten.
    pub commands_before_login: u32,
    /// Failed logins of one user from one address within [`Limits::failure_window`], or different users that
    /// have failed from it, after which answers are delayed.
    pub failures_before_delay: u32,
    /// Failed logins of one user from one address within the window after which that user is refused there;
    /// and different users that have failed from an address after which all of it is refused, except those
    /// who logged in from there within a day.
    pub failures_before_refusal: u32,
    /// Failed logins of an address in total after which it is refused as well. Ten devices with old
    /// passwords, each of which is refused by then.
    pub failures_of_address: u32,
    /// How long a failed login counts.
    #[serde(with = "text::time")]
    pub failure_window: Duration,
    /// How long the answer to a failed login is held back once the delay applies.
    #[serde(with = "text::time")]
    pub failure_delay: Duration,
    /// Commands kept for the end of a running transfer. Pipelining clients send a handful.
    pub queue: usize,
    /// Lines in the answer to `STAT pathname`, which travels on the control connection.
    pub stat_lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 20_000,
            sessions_per_address: 1_000,
            handshakes_per_address: 100,
            line: 8192,
            commands_before_login: 50,
            failures_before_delay: 3,
            failures_before_refusal: 50,
            failures_of_address: 500,
            failure_window: Duration::from_secs(600),
            failure_delay: Duration::from_secs(2),
            queue: 64,
            stat_lines: 1_000,
        }
    }
}
