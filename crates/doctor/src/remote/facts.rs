//! What was seen of a site, before anybody judges it?
//!
//! Plain data: the probes write it, [`diagnose`](super::diagnose) reads it, and a test can make it up. What
//! was not looked at is `None` or missing, so that nothing is concluded from it.
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use net::half_open::Attempt;

use client::DataMethod;

/// All that the probes have seen.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The host as it was named.
    pub host: String,
    /// The control port.
    pub port: u16,
    /// TLS was to come before the first word (`ftps://`).
    pub implicit: bool,
    /// The login is one for everybody.
    pub anonymous: bool,
    /// Where TLS was seen on an earlier visit, in words, if a server without TLS is to be refused for that.
    pub seen: Option<String>,
    /// Why the name has no address; none where it has.
    pub no_name: Option<String>,
    /// The addresses that were dialled at the control port.
    pub addresses: Vec<AddressSeen>,
    /// What answers at the control port.
    pub answer: Option<Answer>,
    /// The address of the sessions that follow, and ours as this machine knows it.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// The address that the server sees us at, where its STAT tells.
    pub seen_as: Option<IpAddr>,
    /// The lines of FEAT, without the first and the last.
    pub features: Vec<String>,
    /// The answer to SYST.
    pub system: Option<String>,
    /// We had a certificate of our own to show.
    pub identity: bool,
    /// What became of the logins without TLS, and with it.
    pub logins: Vec<(Cover, Login)>,
    /// The last refusal for a limit of sessions, whether or not there was room later.
    pub full: Option<String>,
    /// A further connection to this address was not taken, though others had been: how.
    pub banned: Option<(SocketAddr, String)>,
    /// Verbs that ended or silenced their session, and how.
    pub breaks: Vec<(String, String)>,
    /// Probes that had no session, for a limit or a fault of it.
    pub left_out: Vec<&'static str>,
    /// The directory of the URL was refused: the answer. Listings are then of where the login starts.
    pub no_directory: Option<String>,
    /// What TLS is spoken.
    pub tls: TlsSeen,
    /// The listings that were tried, each by its own method.
    pub trials: Vec<Trial>,
    /// What the server said of a passive port that was not reached, after it had waited for us there.
    pub passive_word: Option<String>,
    /// A second port of EPSV, which no 227 has announced, and what came of a call there; without TLS, where
    /// the first was not reached and one of PASV was.
    pub epsv_again: Option<(u16, Dial)>,
    /// Data connections that resumed nothing, and those of one session that resumed, in order.
    pub reuse: ReuseSeen,
    /// What came of files.
    pub files: FilesSeen,
    /// How long a silent control connection was left alone, and whether it lived; only when that was asked
    /// for.
    pub idle: Vec<(Duration, Alive)>,
    /// Probes that did not end in time.
    pub unfinished: Vec<&'static str>,
}

/// Without TLS or with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cover {
    /// Both connections without TLS.
    Clear,
    /// Both connections under TLS.
    Tls,
}

impl Cover {
    /// For a sentence: `unencrypted`, `under TLS`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Clear => "unencrypted",
            Self::Tls => "under TLS",
        }
    }
}

/// One address, dialled at the control port.
#[derive(Clone, Debug)]
pub struct AddressSeen {
    /// The address.
    pub address: SocketAddr,
    /// What came of it.
    pub dial: Dial,
    /// How long that took.
    pub elapsed: Duration,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dial {
    /// It stands.
    Connected,
    /// Nothing came back in the time given.
    Silent,
    /// A reset: nobody listens, or a firewall says so.
    Refused,
    /// Something on the way, or the far host, said by ICMP that it cannot be reached or is forbidden.
    Rejected {
        /// Who said so.
        by: IpAddr,
        /// What.
        says: String,
    },
    /// This machine has no way there: no route, no such family, no neighbour of that address.
    NoRoute(String),
    /// Anything else.
    Failed(String),
}

/// What speaks at the control port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// FTP: its greeting, a 220.
    Ftp(String),
    /// FTP that takes nobody now: its greeting, a 4yz or 5yz.
    Turned(String),
    /// TLS, before any word.
    TlsFirst,
    /// FTP without TLS, where TLS was to come first: its greeting.
    ClearFirst(String),
    /// TLS, whose server demands a certificate of ours: its words.
    WantsCertificate(String),
    /// SSH.
    Ssh(String),
    /// A web server.
    Http(String),
    /// It takes the connection, and says nothing to anything.
    Nothing,
    /// It takes the connection, and nothing of what we say on it is acknowledged.
    NoAck,
    /// It takes the connection and ends it.
    HangsUp,
    /// A greeting as FTP has it, which does not end in its time: its first words.
    Endless(String),
    /// Another protocol, which its first words show: its name, and those words.
    Foreign(&'static str, String),
    /// Something else: its first words.
    Other(String),
}

/// How a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// We are in.
    Done,
    /// It was left out, since the password would have gone unencrypted.
    KeptBack,
    /// The server has no AUTH TLS: its answer.
    NoTls(String),
    /// AUTH TLS was not answered, or with the end of the connection: in which words.
    NoAuth(String),
    /// TLS was not established: why.
    NoHandshake(Handshake),
    /// The server demands a certificate of ours, and takes none or not this one: its words.
    WantsCertificate(String),
    /// TLS stands, and the server refuses PROT P: its answer.
    Unprotected(String),
    /// The certificate was not taken, so that the password was not said: why.
    Untrusted(String),
    /// The server wants TLS first: its answer.
    NeedsTls(String),
    /// User or password were refused: the answer.
    Refused(String),
    /// The server takes no more sessions, of this address or of all: its answer.
    Full(String),
    /// It was left out, since the same password was refused before: the answer to that one.
    NotRepeated(String),
    /// The port that had answered before answered no more: how.
    Banned(String),
    /// It broke off, or was not answered.
    Broken(String),
}

/// How a TLS handshake on a control connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// TLS stands.
    Works,
    /// It was not over in the time given; how many of our bytes the other end has not acknowledged, where
    /// that is known.
    Stalled(Option<u64>),
    /// The other end closed or broke the connection: how.
    Cut(String),
    /// It went on without TLS: how that begins.
    Clear(String),
    /// A certificate of ours is demanded: the words for it.
    WantsCertificate(String),
    /// An alert, or something that TLS forbids.
    Failed(String),
}

/// What TLS is spoken on the control connection.
#[derive(Clone, Debug, Default)]
pub struct TlsSeen {
    /// What became of a handshake that offers all versions; none where none was begun.
    pub both: Option<Handshake>,
    /// Of the same in small segments, begun beside one that did not come to its end.
    pub small_segments: Option<Handshake>,
    /// Of one with TLS 1.2 only; none where it was not tried.
    pub v12: Option<Handshake>,
    /// And with TLS 1.3 only.
    pub v13: Option<Handshake>,
    /// Is AUTH TLS among the features without TLS, where AUTH was refused? None: not asked, or not answered.
    pub offered: Option<bool>,
    /// What the port for implicit TLS says under TLS, where AUTH TLS leads to none.
    pub implicit: Option<ImplicitSeen>,
    /// How many authorities this machine knows.
    pub authorities: usize,
    /// The certificate's fingerprint.
    pub fingerprint: Option<String>,
    /// By what lftp and curl pin it: the SHA-1 of the certificate, the SHA-256 of its key.
    pub pins: Option<([u8; 20], [u8; 32])>,
    /// Its fingerprint was given beforehand (`--pin`).
    pub pinned: bool,
    /// Its subject.
    pub subject: Option<String>,
    /// A listing in small packets, where one over a passive data connection under TLS stood still.
    pub small_listing: Option<End>,
    /// Why the system's authorities do not vouch for it.
    pub doubt: Option<String>,
}

/// A server at the port for implicit TLS of the same address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImplicitSeen {
    /// Its greeting.
    pub greeting: String,
    /// Is AUTH TLS among its features? None where it does not tell them.
    pub offers_auth: Option<bool>,
}

/// One transfer by one method.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Without TLS or not.
    pub cover: Cover,
    /// The verb that opened the data connection.
    pub method: DataMethod,
    /// The server's end of the control connection.
    pub peer: SocketAddr,
    /// Passive: the address and port that the server announced, the control connection's peer for EPSV.
    /// Active: ours.
    pub announced: Option<SocketAddr>,
    /// How it ended.
    pub end: End,
    /// Under TLS: did the data connection resume the control connection's session?
    pub resumed: Option<bool>,
    /// Both connections had small segments, as large ones had been found to be lost.
    pub small_segments: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All came, and the server said so.
    Works {
        /// How many bytes.
        bytes: u64,
    },
    /// Enough came, and what would have followed was cut off.
    Cut {
        /// How many bytes had come.
        bytes: u64,
        /// Has the server said something to it? If not, the session still owes an answer.
        answered: bool,
    },
    /// The verb of the method was not answered.
    Unanswered,
    /// The control connection ended at the verb of the method.
    HungUp(String),
    /// The verb of the method was refused.
    Refused(String),
    /// Its answer could not be read.
    Unreadable(String),
    /// Passive: the server's data port was not reached.
    NotReached(Dial),
    /// Active: the server's call did not come in the time given.
    NeverCame {
        /// What the server said to it, if it did.
        said: Option<String>,
        /// Had it begun? Then its SYN arrived here, and our answer did not get back.
        call: Attempt,
        /// Who called in its place, from another address.
        stranger: Option<IpAddr>,
    },
    /// The data connection stands, and the server refused the transfer itself.
    CommandRefused(String),
    /// The data connection stood, and the server or TLS refused it.
    DataRefused(String),
    /// The data connection stood, and then nothing moved.
    Stalled {
        /// What had moved before.
        bytes: u64,
    },
    /// All came, and the server's last word did not.
    NoLastWord,
    /// The session ended in the middle.
    Broken(String),
}

impl End {
    /// Has a data connection been made?
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(
            self,
            Self::Works { .. }
                | Self::Cut { .. }
                | Self::CommandRefused(_)
                | Self::DataRefused(_)
                | Self::Stalled { .. }
                | Self::NoLastWord
        )
    }

    /// Did bytes come?
    #[must_use]
    pub fn has_content(&self) -> bool {
        matches!(self, Self::Works { bytes: 1.. } | Self::Cut { bytes: 1.., .. })
    }

    /// Did the network let everything through, whatever the server made of the command?
    #[must_use]
    pub fn is_through(&self) -> bool {
        matches!(self, Self::Works { .. } | Self::Cut { .. } | Self::CommandRefused(_))
    }
}

/// Of the TLS sessions of data connections.
#[derive(Clone, Debug, Default)]
pub struct ReuseSeen {
    /// A data connection that resumed nothing, of a session where none did; none where it was not tried.
    pub fresh: Option<End>,
    /// Transfers of one session, in order.
    pub repeated: Vec<(End, Option<bool>)>,
}

/// What came of files.
#[derive(Clone, Debug, Default)]
pub struct FilesSeen {
    /// The dialect of LIST, the number of entries, and the lines that nobody could read.
    pub listing: Option<(Option<String>, usize, u64)>,
    /// What MLSD came to.
    pub mlsd: Option<End>,
    /// A whole file by REST 0.
    pub rest_zero: Option<Rest>,
    /// The rest of a file by REST in its middle.
    pub rest_middle: Option<Rest>,
    /// SIZE of that file and what came.
    pub size: Option<(Option<u64>, u64)>,
    /// How far LIST's times are from MDTM's, in seconds; none where both were not to be had.
    pub clock: Option<i64>,
    /// How far the server's clock is from ours, in seconds (of a file that was just stored).
    pub drift: Option<i64>,
    /// A file that does not fit into a few packets.
    pub bulk: Option<End>,
    /// The same with small packets, where it stalled.
    pub bulk_small: Option<End>,
    /// And with large ones once more, beside that.
    pub bulk_again: Option<End>,
    /// What came of an upload; none where it was not asked for.
    pub upload: Option<Upload>,
    /// The files of the upload that may still be there, and why.
    pub left: Option<(Vec<String>, String)>,
    /// Whether one of them can be stored again under its name; none where that was not tried.
    pub replaces: Option<bool>,
}

/// What came of a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The right bytes came.
    Right,
    /// The file came from its start, as if nothing had been said.
    Ignored,
    /// Other bytes came.
    Wrong,
    /// REST was refused.
    Refused(String),
    /// The transfer after it failed.
    Failed(String),
}

/// What came of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upload {
    /// What was stored is what was sent, and this proves it.
    Proven(&'static str),
    /// It was taken, and the server proves nothing.
    Unproven,
    /// The server has another size, or other bytes, than were sent.
    Differs(String),
    /// The user may not write there.
    Refused(String),
    /// The nth transfer of the session failed.
    Failed(u8, String),
}

/// Did a control connection live through its silence?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alive {
    /// NOOP was answered.
    Yes,
    /// The server had ended it, and said so (421).
    Ended(String),
    /// NOOP was not answered, or with a reset: something on the way has forgotten the connection.
    Lost,
}

impl Facts {
    /// Is the server refused, as its certificate is not the expected one, or TLS is gone?
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let refused = |(_, login): &(Cover, Login)| match login {
            Login::Untrusted(_) => true,
            Login::NoTls(_) => self.seen.is_some(),
            _ => false,
        };
        self.logins.iter().any(refused)
    }

    /// Has any transfer moved a byte? A data connection that opens and closes proves less.
    #[must_use]
    pub fn moved(&self) -> bool {
        let files = &self.files;
        self.trials.iter().any(|trial| trial.end.has_content())
            || [&files.mlsd, &files.bulk].into_iter().flatten().any(End::has_content)
            || matches!(files.upload, Some(Upload::Proven(_) | Upload::Unproven | Upload::Differs(_)))
    }

    /// The trials of a cover.
    pub fn of(&self, cover: Cover) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(move |trial| trial.cover == cover)
    }

    /// The trial of a method, at the address of the sessions.
    #[must_use]
    pub fn trial(&self, cover: Cover, method: DataMethod) -> Option<&Trial> {
        let main = self.ends.map(|(_, peer)| peer.ip());
        self.of(cover).find(|trial| trial.method == method && main.is_none_or(|ip| ip == trial.peer.ip()))
    }

    /// The best method that works: TLS before clear, passive before active, EPSV before PASV.
    #[must_use]
    pub fn best(&self) -> Option<&Trial> {
        let methods = [DataMethod::Epsv, DataMethod::Pasv, DataMethod::Eprt, DataMethod::Port];
        let all =
            [Cover::Tls, Cover::Clear].into_iter().flat_map(|cover| methods.map(|method| (cover, method)));
        all.filter_map(|(cover, method)| self.trial(cover, method)).find(|trial| trial.end.is_through())
    }

    /// What became of a login.
    #[must_use]
    pub fn login(&self, cover: Cover) -> Option<&Login> {
        self.logins.iter().find(|(of, _)| *of == cover).map(|(_, login)| login)
    }

    /// Is this verb among the features, with or without parameters?
    #[must_use]
    pub fn offers(&self, name: &str) -> bool {
        self.features
            .iter()
            .any(|line| line.split(' ').next().is_some_and(|first| first.eq_ignore_ascii_case(name)))
    }
}

/// Does a line of FEAT offer AUTH TLS? Some name several mechanisms, divided by semicolons (RFC 4217 6).
pub(super) fn is_offer(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    line.strip_prefix("AUTH ").is_some_and(|rest| rest.contains("TLS"))
}
