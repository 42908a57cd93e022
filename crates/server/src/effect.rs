//! What does a session ask to be done, and what comes back?
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use storage::{Admission, Attempt, Certificate, Create, Denied, Entries, Prompt, Stat, Time, VPath};
use wire::command::{Fact, Site};
use wire::digest::Algorithm;
use wire::facts::Wanted;
use wire::reply::Part;
use wire::{Command, Protection, Reply, Stamp, Verb};

use crate::reason::Reason;
use crate::session::pass::Pass;

/// What a session says, in order.
#[derive(Debug)]
pub enum Output {
    /// Write this to the control connection.
    Reply(Reply),
    /// Write this piece of a reply to the control connection.
    Part(Reply, Part),
    /// Do this; its outcome comes back as an [`Input`].
    Effect(Effect),
    /// Log this.
    Event(Event),
    /// Write what is pending and close the control connection.
    Close,
}

/// Something to do for a session. Those that touch files carry a [`Pass`], which only a login lends.
#[derive(Debug)]
pub enum Effect {
    /// Ask the gate what is asked of this user, who has shown this certificate; [`Input::Greeted`] follows.
    Greet(Vec<u8>, Option<Certificate>),
    /// Ask the gate to let a user in; [`Input::Admitted`] or [`Input::Banned`] follows.
    Admit {
        /// Who, and with which password.
        attempt: Attempt,
        /// The gate has said that any password will do.
        anonymous: bool,
    },
    /// Do something short with files.
    File(Pass, FileOp),
    /// Claim a passive port, for a data connection of this protection.
    Listen(Protection),
    /// Begin TLS on the control connection, with this as the last unencrypted reply; [`Input::Secured`]
    /// follows. Where the handshake fails the session just ends.
    Secure(Reply),
    /// End TLS on the control connection, with this as the last encrypted reply.
    Unsecure(Reply),
    /// Give the passive port up, with whatever waits in it.
    Unlisten,
    /// Start a transfer; the session takes [`Input::Opened`], then [`Input::Transferred`].
    Transfer(Plan),
    /// Stop the transfer now; [`Input::Transferred`] follows with [`Reason::Aborted`], or with what came of
    /// an upload that was being published already.
    Abort,
    /// Tell how far the transfer is: [`Input::Progress`].
    Progress,
}

/// Something short to do with files.
#[derive(Debug)]
pub enum FileOp {
    /// What is known of what a path leads to.
    Stat(VPath),
    /// What is known of a name itself, a link at it not followed.
    Entry(VPath),
    /// What a restart may begin at: the length of the file, or for a user who may write that of the part that
    /// a broken upload has left; `true` for such a user.
    Length(VPath, bool),
    /// May the directory be entered?
    Enter(VPath),
    /// Rename the first to the second.
    Rename(VPath, VPath),
    /// Remove a file.
    Remove(VPath),
    /// Remove an empty directory.
    RemoveDir(VPath),
    /// Make a directory, with permission bits where the client set a mask.
    MakeDir(VPath, Option<u32>),
    /// Set a time, a mode, or both.
    Set(VPath, Option<Time>, Option<u32>),
    /// What can still be stored.
    Space(VPath),
    /// The listing that STAT sends on the control connection, up to so many lines.
    Lines(VPath, usize),
    /// What follows in it.
    MoreLines(Listing),
}

/// What came of a [`FileOp`].
#[derive(Debug)]
pub enum FileDone {
    /// It is done.
    Done,
    /// What is known of the path.
    Stat(Stat),
    /// The length of a broken upload's part.
    Kept(u64),
    /// Bytes that can still be stored.
    Space(u64),
    /// Some hundred lines of a listing at the most.
    Lines(Vec<Vec<u8>>, Follows),
}

/// What follows the lines of a listing.
#[derive(Debug)]
pub enum Follows {
    /// Nothing.
    Nothing,
    /// More than may be told.
    TooMany,
    /// Others, perhaps: [`FileOp::MoreLines`] tells.
    Others(Listing),
}

/// A listing that STAT has begun to send.
pub struct Listing {
    pub(crate) entries: Box<dyn Entries>,
    /// Lines that may still be told.
    pub(crate) left: usize,
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Everything about one transfer.
#[derive(Debug)]
pub struct Plan {
    /// The command.
    pub verb: Verb,
    /// Whose.
    pub pass: Pass,
    /// The file or the directory; of a listing with a pattern, what may be either.
    pub path: VPath,
    /// What moves.
    pub what: What,
    /// Is it converted as text (TYPE A)?
    pub ascii: bool,
    /// Who dials.
    pub data: DataPlan,
    /// How the data connection is protected: C or P.
    pub protection: Protection,
}

/// What moves in a transfer.
#[derive(Debug)]
pub enum What {
    /// A file to the client: from byte `start` to `end` (exclusive), of the data as sent.
    Retrieve {
        /// The first byte.
        start: u64,
        /// The end, where RANG gave one.
        end: Option<u64>,
    },
    /// A file from the client.
    Store {
        /// How it starts.
        how: Create,
        /// Permission bits, where the client set a mask.
        mode: Option<u32>,
    },
    /// A listing to the client.
    List {
        /// The pathname as sent, for the names of NLST.
        given: Vec<u8>,
        /// Its form.
        form: Form,
    },
    /// A digest of a file; no data connection, yet it may take as long and be aborted the same.
    Digest {
        /// The algorithm.
        algorithm: Algorithm,
        /// The first byte.
        start: u64,
        /// The end, exclusive.
        end: Option<u64>,
    },
}

/// The form of a listing.
#[derive(Clone, Debug)]
pub enum Form {
    /// LIST.
    Long,
    /// NLST.
    Names,
    /// MLSD, with the facts wanted.
    Facts(Wanted),
}

/// Who dials the data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPlan {
    /// Nobody: none is needed, or none was agreed on.
    None,
    /// The client, to the passive port claimed for it.
    Listening,
    /// The server, to this address of the client.
    Target(SocketAddr),
}

/// What reaches a session. A line prints as its length: it may be a password's.
pub enum Input {
    /// A line, or one over the limit.
    Line(Result<wire::Line, wire::LineTooLong>),
    /// What is asked of the user.
    Greeted(Prompt),
    /// The gate's answer.
    Admitted(Result<Admission, Denied>),
    /// The gate was not asked: too many failures of this address.
    Banned,
    /// The outcome of a [`FileOp`].
    File(Result<FileDone, storage::Error>),
    /// A passive port was claimed; the address and port to tell.
    Listening(Result<(IpAddr, u16), Reason>),
    /// TLS protects the control connection, and the client has shown this certificate; or unencrypted bytes
    /// followed AUTH, and nothing was said.
    Secured(Result<Option<Certificate>, Reason>),
    /// The file and the data connection of the transfer are open: data is about to move.
    Opened(Opened),
    /// The transfer has ended.
    Transferred(Outcome),
    /// How far the transfer is.
    Progress(u64),
    /// Time has passed.
    Tick,
    /// The session is to end for this reason, when the running transfer has.
    Stop(Reason),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "Line({:?})", line.as_ref().map(Vec::len)),
            Self::Greeted(prompt) => write!(f, "Greeted({prompt:?})"),
            Self::Admitted(answer) => write!(f, "Admitted({answer:?})"),
            Self::Banned => f.write_str("Banned"),
            Self::File(outcome) => write!(f, "File({outcome:?})"),
            Self::Listening(outcome) => write!(f, "Listening({outcome:?})"),
            Self::Secured(outcome) => write!(f, "Secured({outcome:?})"),
            Self::Opened(opened) => write!(f, "Opened({opened:?})"),
            Self::Transferred(end) => write!(f, "Transferred({end:?})"),
            Self::Progress(bytes) => write!(f, "Progress({bytes})"),
            Self::Tick => f.write_str("Tick"),
            Self::Stop(reason) => write!(f, "Stop({reason:?})"),
        }
    }
}

/// What is known when data is about to move.
#[derive(Debug)]
pub struct Opened {
    /// Bytes that will be sent, where known.
    pub size: Option<u64>,
    /// The name STOU chose.
    pub name: Option<VPath>,
}

/// How a transfer ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Bytes moved on the data connection.
    pub bytes: u64,
    /// Names that were left out of a listing since they cannot be put on a line.
    pub unlisted: u64,
    /// The digest, in lower-case hexadecimal, and the end of the range it covers.
    pub digest: Option<(String, u64)>,
    /// Why it did not end well.
    pub broken: Option<Reason>,
    /// What the client is told of it, where that is more than the reason's own words.
    pub told: Option<String>,
    /// Which of our own parts failed how, for the log alone.
    pub detail: Option<String>,
}

/// A line of the log: one for each command that did or refused something.
#[derive(Debug, Default)]
pub struct Event {
    /// The verb; `None` for what was no command.
    pub verb: Option<Verb>,
    /// The path in the tree.
    pub path: Option<VPath>,
    /// Of a rename, the path before it.
    pub from: Option<VPath>,
    /// The user's name as sent, where USER was refused.
    pub named: Option<Vec<u8>>,
    /// The final reply's code.
    pub code: u16,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// Bytes moved.
    pub bytes: Option<u64>,
    /// What was to be set.
    pub change: Option<Change>,
    /// More for the log alone.
    pub detail: Option<String>,
}

/// What SITE CHMOD, SITE UTIME, MFMT or MFF sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The command, where its verb alone does not name it.
    pub command: Option<&'static str>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// The time of the last change.
    pub modified: Option<Stamp>,
}

impl Change {
    /// What a command is to set.
    #[must_use]
    pub fn of(command: &Command) -> Option<Self> {
        let mut change = Self::default();
        match command {
            Command::Site(Site::Chmod(mode, _)) => {
                (change.command, change.mode) = (Some("SITE CHMOD"), Some(*mode));
            }
            Command::Site(Site::Utime(stamp, _)) => {
                (change.command, change.modified) = (Some("SITE UTIME"), Some(*stamp));
            }
            Command::Site(Site::Umask(_)) => change.command = Some("SITE UMASK"),
            Command::Site(Site::Idle(_)) => change.command = Some("SITE IDLE"),
            Command::Mfmt(stamp, _) => change.modified = Some(*stamp),
            Command::Mff(facts, _) => {
                for fact in facts {
                    match fact {
                        Fact::Modify(stamp) => change.modified = Some(*stamp),
                        Fact::UnixMode(mode) => change.mode = Some(*mode),
                        Fact::Create(_) => {}
                    }
                }
            }
            _ => return None,
        }
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_does_not_print() {
        let printed = format!("{:?}", Input::Line(Ok(b"PASS s".to_vec())));
        assert_eq!(printed, "Line(Ok(6))");
    }
}
