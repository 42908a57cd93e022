//! What does a client say? (RFC 959 5.3; read in `parse`, written in `encode`)
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use crate::digest::Algorithm;
use crate::host_port::{Family, HostPort};
use crate::option::Opt;
use crate::pathname::Pathname;
use crate::secret::Secret;
use crate::stamp::Stamp;
use crate::types::{Marker, Protection, RepresentationType, Structure, TransferMode};
use crate::verb::Verb;

mod encode;
mod parse;

/// Makes [`Command`] of the verbs by the shape of their arguments, with what that alone decides.
macro_rules! commands {
    (
        no argument { $($(#[$bare_doc:meta])* $bare:ident,)+ }
        a pathname { $($(#[$path_doc:meta])* $path:ident,)+ }
        a pathname or none { $($(#[$maybe_doc:meta])* $maybe:ident,)+ }
        other { $($(#[$other_doc:meta])* $other:ident($($of:ty),+),)+ }
    ) => {
        /// A command with its argument understood.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $($(#[$bare_doc])* $bare,)+
            $($(#[$path_doc])* $path(Pathname),)+
            $($(#[$maybe_doc])* $maybe(Option<Pathname>),)+
            $($(#[$other_doc])* $other($($of),+),)+
            /// `LIST -a`: what a client says to a Unix server, to see names that start with a dot. Parsing
            /// gives [`Command::List`].
            ListAll,
            /// `XCRC`, `XMD5`, `XSHA1`, `XSHA256`, `XSHA512`.
            Digest(Algorithm, DigestOf),
            /// A verb of the table that is not served: 502.
            Unserved(Verb),
        }

        impl Command {
            /// The verb. The X forms of RFC 775 count as the verbs they stand for.
            #[must_use]
            pub fn verb(&self) -> Verb {
                match self {
                    $(Self::$bare => Verb::$bare,)+
                    $(Self::$path(_) => Verb::$path,)+
                    $(Self::$maybe(_) => Verb::$maybe,)+
                    $(Self::$other(..) => Verb::$other,)+
                    Self::ListAll => Verb::List,
                    Self::Digest(Algorithm::Crc32, _) => Verb::Xcrc,
                    Self::Digest(Algorithm::Md5, _) => Verb::Xmd5,
                    Self::Digest(Algorithm::Sha1, _) => Verb::Xsha1,
                    Self::Digest(Algorithm::Sha256, _) => Verb::Xsha256,
                    Self::Digest(Algorithm::Sha512, _) => Verb::Xsha512,
                    Self::Unserved(verb) => *verb,
                }
            }

            /// The pathname that is the whole argument.
            fn whole_pathname(&self) -> Option<&Pathname> {
                match self {
                    $(Self::$path(path) => Some(path),)+
                    $(Self::$maybe(path) => path.as_ref(),)+
                    _ => None,
                }
            }

            /// The command of a verb without an argument, or whose whole argument is a pathname.
            fn simple(
                verb: Verb,
                pathname: impl FnOnce() -> Result<Pathname, CommandError>,
                maybe: impl FnOnce() -> Result<Option<Pathname>, CommandError>,
            ) -> Option<Result<Self, CommandError>> {
                Some(match verb {
                    $(Verb::$bare => Ok(Self::$bare),)+
                    $(Verb::$path => pathname().map(Self::$path),)+
                    $(Verb::$maybe => maybe().map(Self::$maybe),)+
                    _ => return None,
                })
            }
        }
    };
}

commands! {
    no argument {
        /// `CDUP`, `XCUP`.
        Cdup,
        /// `REIN`.
        Rein,
        /// `QUIT`.
        Quit,
        /// `PASV`.
        Pasv,
        /// `ABOR`.
        Abor,
        /// `PWD`, `XPWD`.
        Pwd,
        /// `SYST`.
        Syst,
        /// `NOOP`.
        Noop,
        /// `FEAT`.
        Feat,
        /// `CCC` (RFC 2228 3).
        Ccc,
    }
    a pathname {
        /// `CWD`, `XCWD`.
        Cwd,
        /// `RETR`.
        Retr,
        /// `STOR`.
        Stor,
        /// `APPE`.
        Appe,
        /// `RNFR`.
        Rnfr,
        /// `RNTO`.
        Rnto,
        /// `DELE`.
        Dele,
        /// `RMD`, `XRMD`.
        Rmd,
        /// `MKD`, `XMKD`.
        Mkd,
        /// `SIZE`.
        Size,
        /// `HASH`, with the algorithm that OPTS HASH selected.
        Hash,
    }
    a pathname or none {
        /// `STOU`; the pathname, if any, is a suggestion.
        Stou,
        /// `LIST`, with `ls` options dropped.
        List,
        /// `NLST`, with `ls` options dropped.
        Nlst,
        /// `STAT`, with `ls` options dropped.
        Stat,
        /// `MLST`.
        Mlst,
        /// `MLSD`.
        Mlsd,
        /// `AVBL`.
        Avbl,
    }
    other {
        /// `USER name`; the name is bytes without line ends.
        User(Vec<u8>),
        /// `PASS password`, blanks and all.
        Pass(Secret),
        /// `ACCT account`.
        Acct(Secret),
        /// `HOST name` (RFC 7151).
        Host(Vec<u8>),
        /// `PORT`.
        Port(HostPort),
        /// `EPRT`.
        Eprt(SocketAddr),
        /// `EPSV`.
        Epsv(Epsv),
        /// `TYPE`.
        Type(RepresentationType),
        /// `STRU`.
        Stru(Structure),
        /// `MODE`.
        Mode(TransferMode),
        /// `ALLO bytes`, a record size is read and dropped.
        Allo(u64),
        /// `REST`.
        Rest(Marker),
        /// `RANG first last`, both inclusive; `RANG 1 0` clears it and is `None`.
        Rang(Option<(u64, u64)>),
        /// `SITE`.
        Site(Site),
        /// `HELP`.
        Help(Option<Vec<u8>>),
        /// `OPTS`.
        Opts(Opt),
        /// `MDTM pathname`; with a time in front it may be the two-argument form that sets it: see [`Mdtm`].
        Mdtm(Mdtm),
        /// `MFMT`: set the time of modification.
        Mfmt(Stamp, Pathname),
        /// `MFCT`: set the time of creation.
        Mfct(Stamp, Pathname),
        /// `MFF`: set facts.
        Mff(Vec<Fact>, Pathname),
        /// `CLNT`.
        Clnt(Vec<u8>),
        /// `AUTH` (RFC 4217 4).
        Auth(Mechanism),
        /// `PBSZ size` (RFC 2228 3).
        Pbsz(u32),
        /// `PROT` (RFC 2228 3); whether a level is served is the session's to say, as the answers differ.
        Prot(Protection),
    }
}

/// The argument of `AUTH`, where TLS is meant (RFC 4217 4; the older names are those of the drafts before
/// it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `TLS`: data connections are clear until PROT P.
    Tls,
    /// `TLS-C`: the same by its older name.
    TlsC,
    /// `TLS-P`: data connections are protected at once.
    TlsP,
    /// `SSL`: the same by its oldest name.
    Ssl,
}

impl Mechanism {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Tls, Self::TlsC, Self::TlsP, Self::Ssl];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls => "TLS",
            Self::TlsC => "TLS-C",
            Self::TlsP => "TLS-P",
            Self::Ssl => "SSL",
        }
    }

    /// Are data connections protected at once, without PROT P?
    #[must_use]
    pub fn protects_data(self) -> bool {
        matches!(self, Self::TlsP | Self::Ssl)
    }
}

/// The argument of `EPSV` (RFC 2428 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epsv {
    /// None: the family of the control connection.
    Any,
    /// `1` or `2`.
    Only(Family),
    /// `ALL`: nothing but EPSV from now on.
    All,
}

/// The argument of `MDTM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mdtm {
    /// The whole argument as a pathname: what RFC 3659 3 says it is.
    pub whole: Pathname,
    /// A time and the pathname after it, where the argument reads so: some clients (ncftp) set the time so. A
    /// file of the whole name goes first.
    pub set: Option<(Stamp, Pathname)>,
}

/// A fact that `MFF` can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `modify=`.
    Modify(Stamp),
    /// `create=`.
    Create(Stamp),
    /// `UNIX.mode=`, in octal.
    UnixMode(u32),
}

/// The argument of the `X` digests: `pathname`, `"pathname" start end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestOf {
    /// The whole argument as a pathname.
    pub whole: Pathname,
    /// A quoted pathname with an optional first byte and an optional end (exclusive), where the argument
    /// reads so.
    pub range: Option<(Pathname, u64, Option<u64>)>,
}

/// A `SITE` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// `SITE HELP`.
    Help,
    /// `SITE UMASK [octal]`.
    Umask(Option<u32>),
    /// `SITE CHMOD octal pathname`.
    Chmod(u32, Pathname),
    /// `SITE UTIME`, in its two forms: `pathname atime mtime ctime UTC` and `YYYYMMDDhhmm[ss] pathname`.
    Utime(Stamp, Pathname),
    /// `SITE IDLE [seconds]`.
    Idle(Option<u64>),
}

/// Why a line is not a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// There is no verb, or one nobody has heard of: 500.
    Unknown,
    /// The argument is missing, one too many, or not understood: 501.
    Argument(Verb, &'static str),
    /// `EPRT` names a network protocol other than 1 and 2: 522 (RFC 2428 2).
    Protocol,
    /// The parameter is understood and not served: 504.
    Parameter(Verb, &'static str),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown command"),
            Self::Argument(verb, why) | Self::Parameter(verb, why) => write!(f, "{verb}: {why}"),
            Self::Protocol => f.write_str("EPRT: network protocol not supported, use (1,2)"),
        }
    }
}

impl core::error::Error for CommandError {}

impl Command {
    /// The pathname that it names, if it names one; of two possible meanings the likelier.
    #[must_use]
    pub fn pathname(&self) -> Option<&Pathname> {
        self.whole_pathname().or(match self {
            Self::Mfmt(_, path)
            | Self::Mfct(_, path)
            | Self::Mff(_, path)
            | Self::Site(Site::Chmod(_, path) | Site::Utime(_, path)) => Some(path),
            Self::Mdtm(mdtm) => Some(mdtm.set.as_ref().map_or(&mdtm.whole, |(_, path)| path)),
            Self::Digest(_, of) => Some(of.range.as_ref().map_or(&of.whole, |(path, ..)| path)),
            _ => None,
        })
    }
}
