//! What does a session remember?
use std::borrow::Cow;

use storage::VPath;
use wire::command::Mechanism;
use wire::digest::Algorithm;
use wire::facts::Wanted;
use wire::{Command, CommandError, Pathname, Protection, RepresentationType, Stamp, Verb};

use super::pass::Pass;
use crate::reason::Reason;

/// Where a login stands.
#[derive(Debug)]
pub(super) enum Phase {
    AwaitUser,
    /// `anonymous`: any password will do.
    AwaitPassword {
        user: Vec<u8>,
        anonymous: bool,
    },
    Ready {
        pass: Pass,
        cwd: VPath,
    },
}

/// The short work that the session waits for.
#[derive(Debug)]
pub(super) enum Busy {
    Nothing,
    Greeting,
    /// `anonymous`: the name is that of anonymous logins, and this server has none.
    Admitting {
        anonymous: bool,
    },
    File(Pending),
    Listening(Listening),
    Securing(Mechanism),
}

/// Where a transfer stands.
#[derive(Debug)]
pub(super) enum Transfer {
    None,
    Opening(Running),
    Moving(Running),
    Aborting(Running),
}

/// Is the session about to end, and how?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    No,
    /// QUIT came during a transfer: 221 after it.
    Quit,
    /// It is to end for this reason: 421 after the transfer.
    Stop(Reason),
    /// [`Output::Close`](crate::effect::Output::Close) was said.
    Closed,
}

#[derive(Debug)]
pub(super) enum About {
    /// A pathname as sent.
    File(Verb, Pathname),
    /// The user named in USER.
    User(Vec<u8>),
}

/// What is said, and done, when the outcome of a short effect has come.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) verb: Verb,
    pub(super) path: VPath,
    pub(super) then: Then,
}

#[derive(Debug)]
pub(super) enum Then {
    Cwd,
    RenameFrom,
    Size,
    ModificationTime {
        set: Option<(Stamp, VPath)>,
    },
    Facts,
    /// `begun`: some of the reply has been sent.
    Lines {
        begun: bool,
    },
    Available,
    Made,
    Renamed {
        from: VPath,
    },
    Said(u16, Cow<'static, str>),
}

/// Which reply the claimed port is told in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Listening {
    Pasv,
    Epsv,
}

/// A transfer that has been started and has not had its final reply.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) verb: Verb,
    pub(super) path: VPath,
    pub(super) ascii: bool,
    pub(super) digest: Option<Digest>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Digest {
    pub(super) algorithm: Algorithm,
    pub(super) start: u64,
}

/// How the control connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Level {
    #[default]
    Clear,
    Protected,
    /// It was, until CCC.
    Cleared,
}

/// What has been agreed on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreed {
    pub(super) control: Level,
    /// PBSZ was sent.
    pub(super) buffer: bool,
    pub(super) data: Protection,
}

/// A line that was no command worth handling, kept in its place among the others.
#[derive(Debug)]
pub(super) enum Refused {
    Line,
    /// Words of another protocol.
    Foreign(Reason),
    Command(CommandError),
}

/// A command that waits for the end of a transfer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) command: Result<Command, Refused>,
    /// Bytes that it holds.
    pub(super) weight: usize,
}

/// Bytes that waiting commands may hold, beside their number: pipelining clients send a handful of some dozen
/// bytes each.
pub(super) const QUEUED: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) kind: RepresentationType,
    /// The offset of REST, for the next transfer.
    pub(super) restart: u64,
    /// The bytes of RANG, both inclusive, for the next download.
    pub(super) range: Option<(u64, u64)>,
    pub(super) rename_from: Option<VPath>,
    pub(super) wanted: Wanted,
    pub(super) hash: Algorithm,
    pub(super) umask: Option<u32>,
    pub(super) epsv_only: bool,
    pub(super) host: Option<Vec<u8>>,
}

impl Parameters {
    /// The bytes that RANG or REST has asked for: the first, and the end (exclusive) where there is one.
    pub(super) fn bytes(&self) -> (u64, Option<u64>) {
        match self.range {
            Some((first, last)) => (first, Some(last.saturating_add(1))),
            None => (self.restart, None),
        }
    }
}

/// Bytes that a waiting command of a line of this length holds.
pub(super) fn weight(line: usize) -> usize {
    line + size_of::<Waiting>()
}
