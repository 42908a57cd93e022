//! Which firewall runs on this machine, going by what its programs say?

use crate::packets::Packets;
use crate::ruleset::{Listed, Ruleset};
use crate::walk::{Fate, decisions};
use firewall::Target;
use firewall::nftables::TABLE;
use firewall::{Chain, Family};

/// What was said. None: the program is not there, or says nothing to who asks (most of them speak to root
/// only).
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// `nft -j list ruleset`, read.
    pub ruleset: Option<Ruleset>,
    /// `firewall-cmd --state`.
    pub firewalld: Option<String>,
    /// `ufw status`.
    pub ufw: Option<String>,
    /// `iptables-save -t filter`.
    pub iptables: Option<String>,
}

/// Does a firewall filter what comes in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filters {
    /// Yes.
    Active,
    /// No: everything passes.
    Inactive,
    /// Its programs are not there, or answer root only.
    NotKnown,
}

/// What it is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// For which the rules are written.
    pub target: Target,
    /// The chain that decides, where it is one of nftables.
    pub chain: Option<Chain>,
    /// Why, as a sentence.
    pub why: String,
    /// Does a firewall filter what comes in here?
    pub filters: Filters,
}

/// The front ends first: they write rules of nftables or iptables themselves, and overwrite what others put
/// there.
pub fn recognise(seen: &Seen) -> Recognised {
    let found =
        |target, why: &str| Recognised { target, chain: None, why: why.to_owned(), filters: Filters::Active };
    let open = |target, why| Recognised { filters: Filters::Inactive, ..found(target, why) };
    match front_end_of(seen.ufw.as_deref(), seen.firewalld.as_deref()) {
        Some(Target::Ufw) => return found(Target::Ufw, "ufw is active on this machine"),
        Some(front_end) => return found(front_end, "firewalld runs on this machine"),
        None => {}
    }
    let ruleset = seen.ruleset.as_ref();
    if ruleset.is_some_and(|ruleset| ruleset.chains.iter().any(|chain| chain.table == "firewalld")) {
        return found(Target::Firewalld, "the rules on this machine are firewalld's");
    }
    match ruleset.and_then(closing) {
        Some(chain) if chain.family != "inet" && chain.table == "filter" && chain.name == "INPUT" => {
            return found(Target::IptablesInsert, "iptables has rules on this machine");
        }
        Some(chain) => {
            return Recognised {
                target: Target::NftablesInsert,
                why: format!("nftables decides in the chain `{}` of this machine", chain.place()),
                chain: Some(Chain {
                    family: chain.family.clone(),
                    table: chain.table.clone(),
                    name: chain.name.clone(),
                }),
                filters: Filters::Active,
            };
        }
        None => {}
    }
    let iptables = seen.iptables.as_deref().unwrap_or_default();
    if iptables.lines().any(|line| line.starts_with("-A INPUT ") || line.starts_with(":INPUT DROP")) {
        return found(Target::IptablesInsert, "iptables has rules on this machine");
    }
    match (&seen.ruleset, &seen.iptables) {
        (Some(_), _) if ruleset.is_some_and(has_ours) => open(Target::Nftables, OURS),
        (Some(_), _) => open(Target::Nftables, "no firewall is active on this machine"),
        (None, Some(_)) => {
            open(Target::Iptables, "iptables on this machine has no rules for incoming connections")
        }
        (None, None) => Recognised {
            filters: Filters::NotKnown,
            ..found(Target::Nftables, "the firewall of this machine cannot be read; --for selects another")
        },
    }
}

/// The front end that is active, by what `ufw status` and `firewall-cmd --state` say.
pub(crate) fn front_end_of(ufw: Option<&str>, firewalld: Option<&str>) -> Option<Target> {
    if firewalld.is_some_and(|said| said.trim() == "running") {
        return Some(Target::Firewalld);
    }
    let active = ufw.is_some_and(|said| said.lines().any(|line| line.trim() == "Status: active"));
    active.then_some(Target::Ufw)
}

/// Why: there are no rules but those that `pasv firewall --apply` has made.
pub const OURS: &str = "the only rules on this machine are pasv's own";

fn is_ours(chain: &Listed) -> bool {
    chain.family == "inet" && chain.table == TABLE
}

fn has_ours(ruleset: &Ruleset) -> bool {
    ruleset.chains.iter().any(is_ours)
}

/// The chain of somebody else that drops what comes in and that no rule of its own names. Lists of addresses
/// that are refused (fail2ban's) are none: what they leave passes.
fn closing(ruleset: &Ruleset) -> Option<&Listed> {
    let theirs = |chain: &&Listed| !is_ours(chain);
    let closed = [Family::V4, Family::V6].into_iter().flat_map(|family| {
        let decisions = decisions(ruleset, &Packets::stranger(family)).into_iter();
        decisions.filter(|decision| decision.fate == Fate::Dropped).map(|decision| decision.chain)
    });
    let input = |chain: &Listed| chain.base.as_ref().is_some_and(|base| base.hook == "input");
    let mut chains: Vec<&Listed> = closed.filter(theirs).filter(|chain| input(chain)).collect();
    // That of both families before that of one, which would leave the other to be looked after.
    chains.sort_by_key(|chain| chain.family != "inet");
    chains.first().copied()
}
