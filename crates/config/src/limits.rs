//! How much may clients use, and how long are they waited for?
//!
//! A person with eight connections, and an office of fifty such people behind one NAT address, never meet the
//! defaults. Why each is what it is stands beside its value.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text;
#[cfg(feature = "clap")]
use crate::text::show_duration;

/// How long the server waits for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Timeouts"))]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// From the connection to the login.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(id = "login_timeout", long = "login-timeout", value_name = "TIME"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().login)))]
    pub login: Duration,
    /// Between two commands, outside transfers.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(long = "idle-timeout", value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().idle)))]
    pub idle: Duration,
    /// The longest idle timeout that a client can ask for (SITE IDLE).
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(long = "idle-timeout-most", value_name = "TIME"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().idle_most)))]
    pub idle_most: Duration,
    /// From a transfer command to its data connection.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(long = "data-timeout", value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().data)))]
    pub data: Duration,
    /// Without any data during a transfer.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(long = "stall-timeout", value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().stall)))]
    pub stall: Duration,
    /// How long PASV and EPSV wait for a free port.
    #[serde(with = "text::time")]
    #[cfg_attr(feature = "clap", arg(id = "port_wait", long = "port-wait", value_name = "TIME"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::duration, default_value = show_duration(&Self::default().port)))]
    pub port: Duration,
    /// From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(long = "claim-timeout", value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().claim)))]
    pub claim: Duration,
    /// How long checksums and the like continue after the client has closed the control connection.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(long = "gone-timeout", value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::nonzero, default_value = show_duration(&Self::default().gone)))]
    pub gone: Duration,
    /// How long SIGTERM and Ctrl-C wait for running transfers.
    #[serde(with = "text::time")]
    #[cfg_attr(feature = "clap", arg(long = "drain-timeout", value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::duration, default_value = show_duration(&Self::default().drain)))]
    pub drain: Duration,
    /// How long a TLS handshake may take.
    #[serde(with = "text::timeout")]
    #[cfg_attr(feature = "clap", arg(skip = Self::default().handshake))]
    pub handshake: Duration,
    /// How long a verified password is remembered, so that eight connections are not verified eight times.
    #[serde(with = "text::time")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::duration, default_value = show_duration(&Self::default().remember_logins)))]
    pub remember_logins: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            // A person types a password in it.
            login: Duration::from_secs(60),
            // As most servers have.
            idle: Duration::from_secs(300),
            idle_most: Duration::from_secs(7200),
            // Longer than any honest network takes, shorter than a person's patience.
            data: Duration::from_secs(10),
            // What a TCP connection needs to live through a lost route.
            stall: Duration::from_secs(60),
            // A claim rarely lives longer than a round trip.
            port: Duration::from_secs(3),
            claim: Duration::from_secs(60),
            // Enough to answer a script that closes its side as soon as it has sent its commands.
            gone: Duration::from_secs(5),
            // Service managers kill after one minute or more.
            drain: Duration::from_secs(30),
            // Three round trips of the slowest honest network.
            handshake: Duration::from_secs(10),
            remember_logins: Duration::from_secs(300),
        }
    }
}

/// How much of what there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Limits"))]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions in total.
    #[cfg_attr(feature = "clap", arg(long = "max-sessions", value_name = "N", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::at_least::<1>, default_value_t = Self::default().sessions))]
    pub sessions: usize,
    /// Sessions from one address.
    #[cfg_attr(feature = "clap", arg(long = "max-sessions-per-address", value_name = "N"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::at_least::<1>, default_value_t = Self::default().sessions_per_address))]
    pub sessions_per_address: usize,
    /// TLS handshakes from one address at the same time.
    #[cfg_attr(
        feature = "clap",
        arg(long = "max-handshakes-per-address", value_name = "N", help_heading = "TLS")
    )]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::at_least::<1>, default_value_t = Self::default().handshakes_per_address))]
    pub handshakes_per_address: usize,
    /// Length of a command line.
    #[cfg_attr(feature = "clap", arg(long = "max-line", value_name = "BYTES", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::at_least::<64>, default_value_t = Self::default().line))]
    pub line: usize,
    /// Commands before the login.
    #[cfg_attr(feature = "clap", arg(long = "max-commands-before-login", value_name = "N"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value_t = Self::default().commands_before_login))]
    pub commands_before_login: u32,
    /// Lines in the answer to STAT with a pathname.
    #[cfg_attr(feature = "clap", arg(long = "max-stat-lines", value_name = "N", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value_t = Self::default().stat_lines))]
    pub stat_lines: usize,
    /// Commands that wait for the end of a transfer.
    #[cfg_attr(feature = "clap", arg(long = "max-queue", value_name = "N", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value_t = Self::default().queue))]
    pub queue: usize,
    /// Failed logins of a user from one address before answers are delayed
    ///
    /// Failures of that many different users from one address count as well.
    #[cfg_attr(feature = "clap", arg(long = "delay-after-failures", value_name = "N"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value_t = Self::default().failures_before_delay))]
    pub failures_before_delay: u32,
    /// How long they are delayed.
    #[serde(with = "text::time")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::duration, default_value = show_duration(&Self::default().failure_delay)))]
    pub failure_delay: Duration,
    /// Failed logins of a user from one address before that user is refused there
    ///
    /// Failures of that many different users refuse the whole address, except users who have logged in from
    /// it within a day.
    #[cfg_attr(feature = "clap", arg(long = "refuse-after-failures", value_name = "N"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value_t = Self::default().failures_before_refusal))]
    pub failures_before_refusal: u32,
    /// Failed logins from one address in total before the address is refused.
    #[cfg_attr(feature = "clap", arg(long = "refuse-address-after-failures", value_name = "N"))]
    #[cfg_attr(feature = "clap", arg(hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value_t = Self::default().failures_of_address))]
    pub failures_of_address: u32,
    /// How long a failed login counts.
    #[serde(with = "text::time")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(value_parser = text::duration, default_value = show_duration(&Self::default().failure_window)))]
    pub failure_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Each costs some kilobytes and one descriptor.
            sessions: 20_000,
            // Fifty people with eight connections each, and room.
            sessions_per_address: 1_000,
            // Each costs a signature and some 50 KiB. Fifty people who start at the same moment, and room.
            handshakes_per_address: 100,
            // A path of 4096 bytes, a verb, and room for doubled bytes.
            line: 8192,
            // Real clients send ten.
            commands_before_login: 50,
            // They travel on the control connection.
            stat_lines: 1_000,
            // Pipelining clients send a handful.
            queue: 64,
            failures_before_delay: 3,
            failure_delay: Duration::from_secs(2),
            failures_before_refusal: 50,
            // Ten devices with old passwords, each of which is refused by then.
            failures_of_address: 500,
            failure_window: Duration::from_secs(600),
        }
    }
}
