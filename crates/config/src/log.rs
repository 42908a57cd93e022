//! Where do the logs go, and what is in them?
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The log of events, and the classic transfer log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Logs"))]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Append the log to this file instead of stderr; SIGHUP reopens it
    #[cfg_attr(feature = "clap", arg(long = "log-file", value_name = "FILE"))]
    pub file: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default:
    /// info; warn with -q]
    #[cfg_attr(feature = "clap", arg(long = "log-level", value_name = "LEVEL", env = "PASV_LOG"))]
    #[cfg_attr(feature = "clap", arg(hide_env_values = true, hide_short_help = true))]
    pub level: Option<String>,
    /// Format of the log
    #[cfg_attr(feature = "clap", arg(id = "log_format", long = "log-format", value_name = "LOG_FORMAT"))]
    #[cfg_attr(feature = "clap", arg(value_enum, default_value_t = LogFormat::default(), hide_short_help = true))]
    pub format: LogFormat,
    /// Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", hide_short_help = true))]
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
