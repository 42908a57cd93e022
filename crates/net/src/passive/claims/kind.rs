//! How is one claim told from another?
use crate::session_id::SessionId;

/// Names one claim; its maker never uses a name twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClaimId(pub(crate) u64);

/// How a claim's connection is told from others of the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not at all: it is the only claim at its slot.
    Clear,
    /// It may be one that does not say whose it is, and so might another's beside it: it is the only claim at
    /// its slot.
    Lone(SessionId),
    /// It says so.
    Bound(SessionId),
}

impl Kind {
    pub(crate) fn binding(self) -> Option<SessionId> {
        match self {
            Self::Clear => None,
            Self::Lone(binding) | Self::Bound(binding) => Some(binding),
        }
    }

    /// Does it need a slot for itself, and wait its turn?
    pub(super) fn is_alone(self) -> bool {
        !matches!(self, Self::Bound(_))
    }
}
