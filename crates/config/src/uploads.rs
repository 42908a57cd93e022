//! When is an upload stored, and what happens to one that is cut?
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text;

/// How uploads are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Uploads"))]
#[serde(default, deny_unknown_fields)]
pub struct Uploads {
    /// Permission bits that uploads do not get.
    #[serde(with = "text::umask_text")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "OCTAL", value_parser = text::umask))]
    #[cfg_attr(feature = "clap", arg(default_value = text::show_umask(&Self::default().umask), hide_short_help = true))]
    pub umask: u32,
    /// When an upload counts as stored.
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t = Self::default().sync, hide_short_help = true))]
    pub sync: Sync,
    /// How long a partial upload is kept for the client to resume.
    #[serde(with = "text::time")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", value_parser = text::duration, hide_short_help = true))]
    #[cfg_attr(feature = "clap", arg(default_value = text::show_duration(&Self::default().keep_parts)))]
    pub keep_parts: Duration,
    /// What to do with an unencrypted upload whose client closes everything at its end, without QUIT
    ///
    /// A client that was killed looks the same as a client that does not wait for the reply, as some cameras
    /// do.
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t = Self::default().hang_up, hide_short_help = true))]
    pub hang_up: HangUp,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            sync: Sync::Always,
            umask: 0o022,
            keep_parts: Duration::from_secs(86_400),
            hang_up: HangUp::Keep,
        }
    }
}

/// When an upload counts as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// When the file and its name are on the disk
    Always,
    /// When the kernel has it; a power cut may lose it
    Never,
}

/// What to do with an upload on an unencrypted data connection whose client closes the control connection
/// without QUIT, and without waiting for the reply. A process that is killed looks like that, and so does a
/// camera that ignores replies. Under TLS, close_notify tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum HangUp {
    /// Keep it hidden, to be resumed
    Keep,
    /// Publish it under its name, if its data ended with FIN
    #[cfg_attr(feature = "clap", value(help = "Publish it under its name"))]
    Publish,
}
