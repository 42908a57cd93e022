//! Why did a transfer end before its time, and what is said and logged of it?
use net::pump::PumpError;

use crate::effect::Outcome;
use crate::reason::Reason;

/// Why moving bytes ended before its time: the reason, and for the log what the system said.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(super) reason: Reason,
    pub(super) detail: Option<String>,
}

impl From<PumpError> for Broken {
    fn from(error: PumpError) -> Self {
        let detail = Some(error.to_string());
        let reason = match &error {
            PumpError::Stalled(_) => Reason::Stalled,
            PumpError::Truncated => Reason::Truncated,
            PumpError::Peer(_) => Reason::PeerBroke,
            PumpError::File(error) => match error.raw_os_error() {
                // ENOSPC, EDQUOT, EFBIG
                Some(28 | 122 | 27) => Reason::Full,
                Some(number) if is_exhausted(number) => Reason::TooManyFiles,
                _ => Reason::DiskError,
            },
            // The file was cut while it was being sent: the client must not take what it has for the whole.
            PumpError::Short { .. } => Reason::DiskError,
        };
        Self { reason, detail }
    }
}

impl From<storage::Error> for Broken {
    fn from(error: storage::Error) -> Self {
        let detail = error.source.as_ref().map(ToString::to_string);
        Self { reason: error.kind.into(), detail }
    }
}

impl From<Reason> for Broken {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None }
    }
}

impl From<Broken> for Outcome {
    fn from(broken: Broken) -> Self {
        Self { detail: broken.detail, ..broken.reason.into() }
    }
}

impl From<storage::Error> for Outcome {
    fn from(error: storage::Error) -> Self {
        Broken::from(error).into()
    }
}

impl From<Reason> for Outcome {
    fn from(reason: Reason) -> Self {
        Self { broken: Some(reason), ..Self::default() }
    }
}

impl From<Result<(), Broken>> for Outcome {
    fn from(result: Result<(), Broken>) -> Self {
        result.map_or_else(Self::from, |()| Self::default())
    }
}

/// Is this the system's number for too many open files, of the process (EMFILE) or of the machine (ENFILE)?
pub(super) fn is_exhausted(number: i32) -> bool {
    matches!(number, 24 | 23)
}
