//! When is an upload stored, and what happens to one that is cut?
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text;

/// How uploads are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Uploads {
    /// When an upload counts as stored.
    pub sync: Sync,
    /// Permission bits that uploads do not get.
    #[serde(with = "text::umask_text")]
    pub umask: u32,
    /// How long a partial upload is kept for the client to resume.
    #[serde(with = "text::time")]
    pub keep_parts: Duration,
    /// What to do with an unencrypted upload whose client closes everything at its end, without QUIT.
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
