//! Why was something refused, and how is it said?
//!
//! One table: the reply, the log and the metrics all take their words from here, so that a reason has one
//! name everywhere and keeps it.
use storage::Kind;
use wire::Reply;

macro_rules! reasons {
    ($($(#[$doc:meta])+ $reason:ident $name:literal $code:literal $text:literal;)+) => {
        /// Why something was refused or broke off.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])+ $reason,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$reason,)+];

            /// Its stable name, in the log.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$reason => $name,)+ }
            }

            /// The reply code that goes with it.
            #[must_use]
            pub fn code(self) -> u16 {
                match self { $(Self::$reason => $code,)+ }
            }

            /// What a person is told.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$reason => $text,)+ }
            }
        }
    };
}

reasons! {
    // The dialogue.
    /// A verb that is not known.
    UnknownCommand "unknown-command" 500 "Unknown command; HELP lists all commands.";
    /// A line over the limit.
    LineTooLong "line-too-long" 500 "Line too long; it was skipped.";
    /// A known verb that is not served.
    Unserved "not-served" 502 "Command not supported.";
    /// An argument that is missing or not understood.
    BadArgument "bad-argument" 501 "Invalid argument.";
    /// A parameter that is understood and not served.
    BadParameter "bad-parameter" 504 "Parameter not supported.";
    /// A command that needs another before it.
    BadSequence "bad-sequence" 503 "Bad sequence of commands.";
    /// RNTO without RNFR.
    RenameFromFirst "rename-from-first" 503 "Send RNFR first.";
    /// A network protocol that is not that of the control connection.
    WrongFamily "wrong-family" 522 "Network protocol not supported.";
    /// After EPSV ALL only EPSV is allowed (RFC 2428 4).
    OnlyEpsv "only-epsv" 503 "Only EPSV is allowed after EPSV ALL.";
    // Who.
    /// A command that needs a login.
    NotLoggedIn "not-logged-in" 530 "Please log in with USER and PASS.";
    /// Unknown user or wrong password; which of them is not said.
    LoginFailed "login-failed" 530 "Login incorrect.";
    /// An anonymous login where there is none.
    NoAnonymous "no-anonymous" 530 "This server accepts no anonymous logins.";
    /// The store of accounts does not answer.
    AccountsUnavailable "accounts-unavailable" 451 "Cannot check logins right now; try again later.";
    /// The user has as many sessions as may be.
    UserFull "user-full" 530 "You have too many sessions; close some of them.";
    /// Too many failed logins from this address.
    TooManyFailures "too-many-failures" 421 "Too many failed logins; try again in a few minutes.";
    /// Too many commands without a login.
    TooManyCommands "too-many-commands" 421 "Too many commands before login; closing.";
    /// Too many sessions in all.
    SiteFull "site-full" 421 "Too many connections; try again later.";
    /// Too many sessions from one address.
    AddressFull "address-full" 421 "Too many connections from your address; close some of them.";
    /// No login in time.
    LoginTimeout "login-timeout" 421 "Login timed out; closing.";
    /// No command in time.
    IdleTimeout "idle-timeout" 421 "Idle timeout; closing.";
    /// The site is being stopped.
    Stopping "stopping" 421 "The server is shutting down.";
    /// The administrator ended this session.
    Ended "ended" 421 "The administrator ended this session.";
    // TLS.
    /// TLS is switched off.
    TlsOff "tls-off" 502 "TLS is not enabled on this server.";
    /// Unencrypted bytes came behind AUTH: somebody may have put them there to be taken for protected ones.
    ClearBehindAuth "clear-behind-auth" 503 "Unencrypted data followed AUTH; closing.";
    /// AUTH under TLS, or after CCC.
    ProtectedAlready "protected-already" 503 "TLS is already active.";
    /// PBSZ, PROT or CCC without AUTH before it.
    AuthFirst "auth-first" 503 "Send AUTH TLS first.";
    /// PROT without PBSZ before it.
    BufferFirst "buffer-first" 503 "Send PBSZ 0 first.";
    /// PROT S and E, which TLS does not have.
    NoSuchLevel "no-such-level" 536 "Only PROT C (clear) and PROT P (private) are supported.";
    /// PROT C where data must be protected.
    LevelDenied "level-denied" 534 "This server requires encrypted data connections: send PROT P.";
    /// CCC where it is not allowed.
    ClearDenied "clear-denied" 534 "This server keeps the control connection encrypted: CCC is not allowed.";
    /// Too many handshakes of one address at once.
    TooManyHandshakes "too-many-handshakes" 421 "Too many TLS handshakes from your address; try again.";
    /// An unencrypted login where TLS is required.
    TlsForLogin "tls-for-login" 530 "This server requires TLS for logins: send AUTH TLS first.";
    /// An unencrypted transfer where TLS is required.
    TlsForData "tls-for-data" 521 "This server requires encrypted data connections: send PBSZ 0 and PROT P first.";
    /// A data connection that does not resume its control connection's session, and must.
    NotResumed "not-resumed" 522 "The data connection must resume the TLS session of its own control connection: enable TLS session reuse in your client.";
    /// TLS did not come about on a data connection.
    DataTlsFailed "data-tls-failed" 522 "The TLS handshake failed on the data connection.";
    /// An upload under TLS that ended without close_notify.
    Truncated "truncated" 426 "The upload ended without TLS close_notify: the file was not stored.";
    /// A line of HTTP.
    Http "http" 500 "This is an FTP server, not HTTP; closing.";
    /// A PROXY header from an address that is not trusted to speak for others.
    ProxyHeader "proxy-header" 421 "PROXY headers are not accepted from your address; closing.";
    /// No PROXY header where one is expected.
    NoProxyHeader "no-proxy-header" 421 "Connections from your address must begin with a PROXY header; closing.";
    /// A TLS handshake on a port without implicit TLS.
    TlsTooSoon "tls-too-soon" 500 "This port does not accept TLS directly; use AUTH TLS.";
    // May they.
    /// The user may read only.
    ReadOnly "read-only" 550 "This server is read-only for you.";
    /// A user who may only store new files asks for something else.
    UploadOnly "upload-only" 550 "Anonymous users may only upload here.";
    /// A user who may only store new files asks to add to one.
    WholeOnly "whole-only" 550 "Anonymous users may only upload new, whole files: no appending or resuming.";
    /// Active mode is switched off.
    ActiveOff "active-off" 502 "Active mode is disabled: use EPSV or PASV.";
    /// Passive mode is switched off.
    PassiveOff "passive-off" 502 "Passive mode is disabled: use EPRT or PORT.";
    /// PORT names another address than the control connection's.
    ForeignAddress "foreign-address" 504 "That is not your address: use passive mode (EPSV or PASV).";
    /// PORT names a port that is not above 1023 (RFC 2577 3).
    LowPort "low-port" 504 "Data ports must be above 1023.";
    // The data connection.
    /// A transfer without PASV, EPSV, PORT or EPRT before it.
    NoDataPlan "no-data-plan" 425 "Send EPSV or PASV (or EPRT or PORT) first.";
    /// No connection reached the passive port in time.
    DataNotMade "data-not-made" 425 "No data connection reached the passive port in time.";
    /// The client's active port did not answer.
    DialFailed "dial-failed" 425 "Cannot connect to your data port: use passive mode.";
    /// Two connections from one address, and no way to tell which is the client's.
    Ambiguous "ambiguous" 425 "Two connections from your address reached the passive port: try again.";
    /// The passive port was not used, and others of the address waited.
    PortYielded "port-yielded" 425 "Your passive port was unused for too long and went to another session from your address: send PASV or EPSV again.";
    /// Every passive port is claimed for this address.
    NoPort "no-port" 425 "No passive port is free for your address: try again.";
    /// A transfer that stood still.
    Stalled "stalled" 426 "Transfer timed out.";
    /// The peer broke the data connection.
    PeerBroke "peer-broke" 426 "The client broke the data connection.";
    /// The client closed both connections at the end of an upload, without QUIT and without waiting for the
    /// reply.
    HungUp "hung-up" 426 "The client disconnected without QUIT: the file was not stored, the partial upload can be resumed.";
    /// ABOR.
    Aborted "aborted" 426 "Transfer aborted.";
    // The files.
    /// No such file or directory.
    NotFound "not-found" 550 "No such file or directory.";
    /// The site's file permissions forbid it.
    Denied "denied" 550 "Permission denied.";
    /// The name is taken.
    Exists "exists" 550 "That name already exists.";
    /// A directory was needed.
    NotADirectory "not-a-directory" 550 "Not a directory.";
    /// A file was needed.
    IsADirectory "is-a-directory" 550 "That is a directory.";
    /// The directory holds something.
    NotEmpty "not-empty" 550 "The directory is not empty.";
    /// A pipe, a socket or a device.
    NotRegular "not-regular" 550 "Not a regular file.";
    /// A link that leads out of the site.
    Outside "outside" 550 "That link points outside the shared folder.";
    /// A link that leads back to itself.
    Loop "loop" 550 "Too many levels of symbolic links: that link loops.";
    /// A name or a path over the limit.
    NameTooLong "name-too-long" 553 "Name too long (limits: 255 bytes per name, 4096 per path).";
    /// A name that cannot be used.
    BadName "bad-name" 553 "That name is not allowed.";
    /// Resuming past the end.
    BadOffset "bad-offset" 554 "The restart offset is past the end of the file.";
    /// Another upload to this file is in progress.
    Busy "busy" 450 "Another upload to this file is in progress.";
    /// The file that an upload continues was changed, moved or removed meanwhile.
    Changed "changed" 450 "The file changed in the meantime; nothing was stored. Check its size and try again.";
    /// No space is left.
    Full "full" 452 "No space left on the server; the file was not stored.";
    /// No descriptor is left, for a file or for a data connection.
    TooManyFiles "too-many-files" 451 "The server has too many files open; try again later.";
    /// The store does not do this.
    Unsupported "unsupported" 504 "Not supported by this server.";
    /// Our own disk failed.
    DiskError "disk-error" 451 "Server disk error; see the server log.";
    /// SIZE under TYPE A would have to read the whole file (RFC 3659 4).
    SizeInAscii "size-in-ascii" 550 "SIZE is not available in ASCII mode: send TYPE I first.";
    /// REST with an upload under TYPE A.
    RestInAscii "rest-in-ascii" 554 "Uploads in ASCII mode cannot be resumed: send TYPE I first.";
    /// RANG with an upload: there is a first byte for an upload, and no last one.
    RangeOfUpload "range-of-upload" 503 "RANG works with RETR and HASH only: use REST with STOR or APPE.";
    /// No name matches a pattern.
    NoMatch "no-match" 550 "No file matches the pattern.";
}

impl Reason {
    /// The reply that says it.
    #[must_use]
    pub fn reply(self) -> Reply {
        Reply::new(self.code(), self.text())
    }
}

impl From<Kind> for Reason {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::NotFound => Self::NotFound,
            Kind::Denied => Self::Denied,
            Kind::ReadOnly => Self::ReadOnly,
            Kind::Exists => Self::Exists,
            Kind::NotADirectory => Self::NotADirectory,
            Kind::IsADirectory => Self::IsADirectory,
            Kind::NotEmpty => Self::NotEmpty,
            Kind::NotRegular => Self::NotRegular,
            Kind::Outside => Self::Outside,
            Kind::Loop => Self::Loop,
            Kind::TooLong => Self::NameTooLong,
            Kind::BadName => Self::BadName,
            Kind::BadOffset => Self::BadOffset,
            Kind::Busy => Self::Busy,
            Kind::Changed => Self::Changed,
            Kind::Full => Self::Full,
            Kind::TooManyFiles => Self::TooManyFiles,
            Kind::Unsupported => Self::Unsupported,
            Kind::Io => Self::DiskError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_reason_has_a_name_of_its_own_and_a_code_that_refuses() {
        let names: HashSet<_> = Reason::ALL.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|r| (400..600).contains(&r.code())));
    }
}
