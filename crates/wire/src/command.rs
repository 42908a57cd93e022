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

/// A command with its argument understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `USER name`; the name is bytes without line ends.
    User(Vec<u8>),
    /// `PASS password`, blanks and all.
    Pass(Secret),
    /// `ACCT account`.
    Acct(Secret),
    /// `HOST name` (RFC 7151).
    Host(Vec<u8>),
    /// `CWD`, `XCWD`.
    Cwd(Pathname),
    /// `CDUP`, `XCUP`.
    Cdup,
    /// `REIN`.
    Rein,
    /// `QUIT`.
    Quit,
    /// `PORT`.
    Port(HostPort),
    /// `PASV`.
    Pasv,
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
    /// `RETR`.
    Retr(Pathname),
    /// `STOR`.
    Stor(Pathname),
    /// `STOU`; the pathname, if any, is a suggestion.
    Stou(Option<Pathname>),
    /// `APPE`.
    Appe(Pathname),
    /// `ALLO bytes`, a record size is read and dropped.
    Allo(u64),
    /// `REST`.
    Rest(Marker),
    /// `RANG first last`, both inclusive; `RANG 1 0` clears it and is `None`.
    Rang(Option<(u64, u64)>),
    /// `RNFR`.
    Rnfr(Pathname),
    /// `RNTO`.
    Rnto(Pathname),
    /// `ABOR`.
    Abor,
    /// `DELE`.
    Dele(Pathname),
    /// `RMD`, `XRMD`.
    Rmd(Pathname),
    /// `MKD`, `XMKD`.
    Mkd(Pathname),
    /// `PWD`, `XPWD`.
    Pwd,
    /// `LIST`, with `ls` options dropped.
    List(Option<Pathname>),
    /// `LIST -a`: what a client says to a Unix server, to see names that start with a dot. Parsing gives
    /// [`Command::List`].
    ListAll,
    /// `NLST`, with `ls` options dropped.
    Nlst(Option<Pathname>),
    /// `SITE`.
    Site(Site),
    /// `SYST`.
    Syst,
    /// `STAT`, with `ls` options dropped.
    Stat(Option<Pathname>),
    /// `HELP`.
    Help(Option<Vec<u8>>),
    /// `NOOP`.
    Noop,
    /// `FEAT`.
    Feat,
    /// `OPTS`.
    Opts(Opt),
    /// `SIZE`.
    Size(Pathname),
    /// `MDTM pathname`; with a time in front it may be the two-argument form that sets it: see [`Mdtm`].
    Mdtm(Mdtm),
    /// `MLST`.
    Mlst(Option<Pathname>),
    /// `MLSD`.
    Mlsd(Option<Pathname>),
    /// `MFMT`: set the time of modification.
    Mfmt(Stamp, Pathname),
    /// `MFCT`: set the time of creation.
    Mfct(Stamp, Pathname),
    /// `MFF`: set facts.
    Mff(Vec<Fact>, Pathname),
    /// `HASH`, with the algorithm that OPTS HASH selected.
    Hash(Pathname),
    /// `XCRC`, `XMD5`, `XSHA1`, `XSHA256`, `XSHA512`.
    Digest(Algorithm, DigestOf),
    /// `AVBL`.
    Avbl(Option<Pathname>),
    /// `CLNT`.
    Clnt(Vec<u8>),
    /// `AUTH` (RFC 4217 4).
    Auth(Mechanism),
    /// `PBSZ size` (RFC 2228 3).
    Pbsz(u32),
    /// `PROT` (RFC 2228 3); whether a level is served is the session's to say, as the answers differ.
    Prot(Protection),
    /// `CCC` (RFC 2228 3).
    Ccc,
    /// A verb of the table that is not served: 502.
    Unserved(Verb),
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
    /// The verb. The X forms of RFC 775 count as the verbs they stand for.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::User(_) => Verb::User,
            Self::Pass(_) => Verb::Pass,
            Self::Acct(_) => Verb::Acct,
            Self::Host(_) => Verb::Host,
            Self::Cwd(_) => Verb::Cwd,
            Self::Cdup => Verb::Cdup,
            Self::Rein => Verb::Rein,
            Self::Quit => Verb::Quit,
            Self::Port(_) => Verb::Port,
            Self::Pasv => Verb::Pasv,
            Self::Eprt(_) => Verb::Eprt,
            Self::Epsv(_) => Verb::Epsv,
            Self::Type(_) => Verb::Type,
            Self::Stru(_) => Verb::Stru,
            Self::Mode(_) => Verb::Mode,
            Self::Retr(_) => Verb::Retr,
            Self::Stor(_) => Verb::Stor,
            Self::Stou(_) => Verb::Stou,
            Self::Appe(_) => Verb::Appe,
            Self::Allo(_) => Verb::Allo,
            Self::Rest(_) => Verb::Rest,
            Self::Rang(_) => Verb::Rang,
            Self::Rnfr(_) => Verb::Rnfr,
            Self::Rnto(_) => Verb::Rnto,
            Self::Abor => Verb::Abor,
            Self::Dele(_) => Verb::Dele,
            Self::Rmd(_) => Verb::Rmd,
            Self::Mkd(_) => Verb::Mkd,
            Self::Pwd => Verb::Pwd,
            Self::List(_) | Self::ListAll => Verb::List,
            Self::Nlst(_) => Verb::Nlst,
            Self::Site(_) => Verb::Site,
            Self::Syst => Verb::Syst,
            Self::Stat(_) => Verb::Stat,
            Self::Help(_) => Verb::Help,
            Self::Noop => Verb::Noop,
            Self::Feat => Verb::Feat,
            Self::Opts(_) => Verb::Opts,
            Self::Size(_) => Verb::Size,
            Self::Mdtm(_) => Verb::Mdtm,
            Self::Mlst(_) => Verb::Mlst,
            Self::Mlsd(_) => Verb::Mlsd,
            Self::Mfmt(..) => Verb::Mfmt,
            Self::Mfct(..) => Verb::Mfct,
            Self::Mff(..) => Verb::Mff,
            Self::Hash(_) => Verb::Hash,
            Self::Digest(Algorithm::Crc32, _) => Verb::Xcrc,
            Self::Digest(Algorithm::Md5, _) => Verb::Xmd5,
            Self::Digest(Algorithm::Sha1, _) => Verb::Xsha1,
            Self::Digest(Algorithm::Sha256, _) => Verb::Xsha256,
            Self::Digest(Algorithm::Sha512, _) => Verb::Xsha512,
            Self::Avbl(_) => Verb::Avbl,
            Self::Clnt(_) => Verb::Clnt,
            Self::Auth(_) => Verb::Auth,
            Self::Pbsz(_) => Verb::Pbsz,
            Self::Prot(_) => Verb::Prot,
            Self::Ccc => Verb::Ccc,
            Self::Unserved(verb) => *verb,
        }
    }

    /// The pathname that it names, if it names one; of two possible meanings the likelier.
    #[must_use]
    pub fn pathname(&self) -> Option<&Pathname> {
        match self {
            Self::Cwd(path)
            | Self::Retr(path)
            | Self::Stor(path)
            | Self::Appe(path)
            | Self::Rnfr(path)
            | Self::Rnto(path)
            | Self::Dele(path)
            | Self::Rmd(path)
            | Self::Mkd(path)
            | Self::Size(path)
            | Self::Mfmt(_, path)
            | Self::Mfct(_, path)
            | Self::Mff(_, path)
            | Self::Hash(path)
            | Self::Site(Site::Chmod(_, path) | Site::Utime(_, path)) => Some(path),
            Self::Stou(path)
            | Self::List(path)
            | Self::Nlst(path)
            | Self::Stat(path)
            | Self::Mlst(path)
            | Self::Mlsd(path)
            | Self::Avbl(path) => path.as_ref(),
            Self::Mdtm(mdtm) => Some(mdtm.set.as_ref().map_or(&mdtm.whole, |(_, path)| path)),
            Self::Digest(_, of) => Some(of.range.as_ref().map_or(&of.whole, |(path, ..)| path)),
            _ => None,
        }
    }
}
