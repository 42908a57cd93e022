//! Where do the logs go, and what is in them?
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The log of events, and the classic transfer log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The file that the log is appended to; `None`: stderr.
    pub file: Option<PathBuf>,
    /// A level, or a filter such as `server=debug`; `None`: `info`.
    pub level: Option<String>,
    /// The form of the lines.
    pub format: LogFormat,
    /// The file that the transfer log (xferlog of wu-ftpd) is appended to.
    pub xferlog: Option<PathBuf>,
}

/// The form of the lines of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Human-readable lines
    #[default]
    Text,
    /// One JSON object per line
    Json,
}
