//! Which rules is a kernel following now?
//!
//! Read from `nft -j list ruleset`; where iptables made them, parts of them are opaque there and are taken
//! from `iptables-save`. What is not understood stays, as a test that may hold or not: the caller gets "it
//! depends" instead of a guess.

use core::net::IpAddr;
use core::ops::RangeInclusive;

mod iptables;
mod read;
mod show;

pub use read::Unreadable;
pub(crate) use read::ends;

/// All chains.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    pub(crate) chains: Vec<Listed>,
}

/// A chain as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// `inet`, `ip`, `ip6` and others.
    pub(crate) family: String,
    pub(crate) table: String,
    pub(crate) name: String,
    /// For those that packets enter by themselves.
    pub(crate) base: Option<Base>,
    pub(crate) lines: Vec<Line>,
}

/// Where packets enter a chain.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// `filter`, `nat` or `route`.
    pub(crate) kind: String,
    pub(crate) hook: String,
    /// What becomes of a packet that no rule decided about.
    pub(crate) drops: bool,
}

/// A rule as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) handle: u64,
    pub(crate) comment: Option<String>,
    pub(crate) steps: Vec<Step>,
    /// For people.
    pub(crate) text: String,
    /// Has it parts that only iptables can name?
    pub(crate) opaque: bool,
}

/// One after the other, until a test fails or a verdict ends it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Test(Test),
    /// The verdict of the first test that holds, if any does.
    Map(Vec<(Test, Verdict)>),
    End(Verdict),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    /// Dropped, or refused with an answer.
    Drop,
    Return,
    Jump(String),
    Goto(String),
    /// To a program, or to something that is not known here.
    Unclear,
}

/// What is asked of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Of TCP, at one end, one of these.
    Port(End, Vec<RangeInclusive<u16>>),
    /// At one end, one of these, or none of them.
    Address { end: End, among: Vec<(IpAddr, IpAddr)>, not: bool },
    /// The state of its connection.
    State { among: Vec<String>, not: bool },
    /// The protocol above IP.
    Protocol { among: Vec<String>, not: bool },
    /// IPv4, or IPv6.
    Version { v6: bool, not: bool },
    /// The flags of TCP that `mask` leaves: one of these values, or for `any` one of these bits.
    Flags { mask: u8, among: Vec<u8>, not: bool, any: bool },
    /// The interface it comes by (source) or leaves by.
    Interface { end: End, among: Vec<String>, not: bool },
    /// Is it sent to an address of this machine?
    LocalTarget,
    /// Holds for every packet that is asked about here.
    Always,
    /// Holds for none of them: other protocols.
    Never,
    /// May hold or not; in words.
    Unclear(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Source,
    Destination,
}

/// The flags of TCP by their names (RFC 9293 3.1).
pub(crate) fn flag(name: &str) -> u8 {
    match name.to_ascii_lowercase().as_str() {
        "fin" => 1,
        "syn" => SYN,
        "rst" => 4,
        "psh" => 8,
        "ack" => ACK,
        "urg" => 32,
        "ecn" | "ece" => 64,
        "cwr" => 128,
        "all" => 63,
        _ => 0,
    }
}

pub(crate) const SYN: u8 = 2;
pub(crate) const ACK: u8 = 16;

/// What a target of iptables decides; None where it decides nothing.
fn target(name: &str, is_chain: impl Fn(&str) -> bool) -> Option<Verdict> {
    Some(match name {
        "ACCEPT" => Verdict::Accept,
        "DROP" | "REJECT" | "TARPIT" => Verdict::Drop,
        "RETURN" => Verdict::Return,
        "LOG" | "NFLOG" | "ULOG" | "MARK" | "CONNMARK" | "TCPMSS" | "CT" | "SET" | "SECMARK"
        | "CONNSECMARK" | "CLASSIFY" | "TRACE" | "AUDIT" | "CHECKSUM" | "DSCP" | "TOS" | "TTL" | "HL"
        | "TEE" | "NOTRACK" => return None,
        name if is_chain(name) => Verdict::Jump(name.to_owned()),
        _ => Verdict::Unclear,
    })
}

impl Listed {
    /// `inet filter input`.
    pub(crate) fn place(&self) -> String {
        format!("{} {} {}", self.family, self.table, self.name)
    }
}

impl Line {
    /// Was it made by pasv?
    pub(crate) fn is_ours(&self) -> bool {
        self.comment.as_deref().is_some_and(|words| words.starts_with(firewall::TAG))
    }
}

impl Ruleset {
    /// Are there rules of `family` (`ip` or `ip6`) that only `iptables-save` tells in full?
    pub fn has_opaque(&self, family: &str) -> bool {
        let of_family = self.chains.iter().filter(|chain| chain.family == family);
        of_family.flat_map(|chain| &chain.lines).any(|line| line.opaque)
    }

    pub(crate) fn chain(&self, like: &Listed, name: &str) -> Option<&Listed> {
        self.chains.iter().find(|c| c.family == like.family && c.table == like.table && c.name == name)
    }
}
