//! Whose is a data connection under TLS? That of the session that it resumes (RFC 4217 10), as far as the
//! policy asks for it.
//!
//! | it resumes | `Require` | `Learn` | `Off` |
//! |---|---|---|---|
//! | the control connection's session | its own | its own | its own |
//! | that of a sibling | another's | its own, where it may be lent | its own, where it may be lent |
//! | that of another control connection | another's | another's | another's |
//! | one that is no more | another's | another's | perhaps its own |
//! | nothing | unknown | perhaps its own, unknown once it must resume | perhaps its own |

/// Whether data connections must resume their control connection's session (`data-reuse`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Always.
    Require,
    /// A client that has done it once must from then on; one that never does is taken. The session of
    /// [a sibling](Shows::Sibling) does as well, where only one claim can be meant.
    #[default]
    Learn,
    /// Never asked for.
    Off,
}

/// Which way the bytes of the transfer go, from where we sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A download, or a listing.
    Sends,
    /// An upload.
    Receives,
}

/// What a data connection's hello shows, seen from one control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// It resumes this control connection's session.
    Own,
    /// It resumes the session of another of the same user and the same address. That one lives, or its client
    /// was seen to share sessions among its control connections, and another of these lives.
    Sibling,
    /// It resumes the session of another control connection.
    Other,
    /// It would resume a session of ours that cannot be resumed here, or any more.
    Lost,
    /// It resumes nothing that we know.
    Nothing,
}

/// What a control connection asks of its data connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) reuse: Reuse,
    /// Its client has resumed before, and has a ticket left.
    pub(crate) must_resume: bool,
    /// The session of [a sibling](Shows::Sibling) is good enough for this transfer.
    pub(crate) lends: bool,
}

/// Is it this control connection's?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes, if it proves in its handshake that it knows the session.
    Own,
    /// It may be, if no other connection is.
    Perhaps,
    /// No: it belongs to another control connection.
    Foreign,
    /// No: it resumes nothing, and must.
    Unbound,
}

/// Does a connection that shows this belong to a control connection with this policy?
pub(crate) fn owner(shows: Shows, policy: Policy) -> Answer {
    let Policy { reuse, must_resume, lends } = policy;
    match (shows, reuse) {
        (Shows::Own, _) => Answer::Own,
        (Shows::Sibling, Reuse::Learn | Reuse::Off) if lends => Answer::Own,
        (Shows::Lost, Reuse::Off) => Answer::Perhaps,
        // A session of another login is never resumed.
        (Shows::Sibling | Shows::Other | Shows::Lost, _) => Answer::Foreign,
        (Shows::Nothing, Reuse::Require) => Answer::Unbound,
        (Shows::Nothing, Reuse::Learn) if must_resume => Answer::Unbound,
        (Shows::Nothing, Reuse::Learn | Reuse::Off) => Answer::Perhaps,
    }
}

#[cfg(test)]
mod tests {
    use super::Answer::{Foreign, Own, Perhaps, Unbound};
    use super::*;

    /// By policy: must it resume, and are sessions lent?
    fn answers(reuse: Reuse, shows: Shows) -> [Answer; 4] {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(must_resume, lends)| owner(shows, Policy { reuse, must_resume, lends }))
    }

    #[test]
    fn each_row_of_the_table_holds() {
        for (shows, require, learn, off) in [
            (Shows::Own, [Own; 4], [Own; 4], [Own; 4]),
            (Shows::Sibling, [Foreign; 4], [Foreign, Own, Foreign, Own], [Foreign, Own, Foreign, Own]),
            (Shows::Other, [Foreign; 4], [Foreign; 4], [Foreign; 4]),
            (Shows::Lost, [Foreign; 4], [Foreign; 4], [Perhaps; 4]),
            (Shows::Nothing, [Unbound; 4], [Perhaps, Perhaps, Unbound, Unbound], [Perhaps; 4]),
        ] {
            assert_eq!(answers(Reuse::Require, shows), require, "{shows:?} under Require");
            assert_eq!(answers(Reuse::Learn, shows), learn, "{shows:?} under Learn");
            assert_eq!(answers(Reuse::Off, shows), off, "{shows:?} under Off");
        }
    }
}
