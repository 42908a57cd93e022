//! What do several judges say in the same words?
use std::net::IpAddr;

use crate::finding::Finding;
use crate::remote::facts::{End, Facts, Trial};
use crate::verdict::{Verdict, Weight};

/// The rules that a server names in its words, as ours does: `... (rule 4)`.
pub(super) fn named_in(said: &str) -> Vec<u8> {
    let mut rules: Vec<u8> = said
        .split("rule ")
        .skip(1)
        .filter_map(|rest| rest.bytes().next().filter(|digit| (b'1'..=b'4').contains(digit)))
        .map(|digit| digit - b'0')
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Of one that is not the host, nothing tells whose it is.
pub(super) const MAY_BE_OURS: &str = "try from another network: a firewall of this one may reject it";

/// Who rejects, in words.
pub(super) fn rejecter(by: IpAddr, host: IpAddr) -> &'static str {
    if by == host { "the host itself or its own firewall" } else { "a router or firewall in between" }
}

/// Nothing gets through, or something does.
pub(super) fn weight(facts: &Facts) -> Weight {
    if facts.best().is_some() { Weight::Hinders } else { Weight::Blocks }
}

pub(super) fn helper(sentence: String) -> Finding {
    Verdict::FtpHelper.says(sentence)
        .server("switch the FTP helper off: it is not needed where the passive range is open and the server's external address is configured, and it cannot read TLS")
}

pub(super) fn black_hole(seen: String) -> Finding {
    let why = "large packets are lost without an error message (an MTU black hole)";
    Verdict::MtuBlackHole.says(format!("{seen}: {why}."))
}

/// Did it connect, and come to no end in its time?
pub(super) fn is_slow(trial: &Trial) -> bool {
    matches!(trial.end, End::Stalled { bytes: 0 })
}

/// The server requires a client certificate.
pub(super) fn demanded(facts: &Facts, why: &str) -> Finding {
    let demanded = "The server requires a client certificate";
    if facts.identity {
        Verdict::CertificateDemanded
            .says(format!("{demanded}, and rejects this one: {why}."))
            .server("read its log: the issuer, the dates or the subject of the certificate may be wrong")
            .client(
                "use another certificate with --cert; check that this one has not expired and is from the right authority",
            )
    } else {
        Verdict::CertificateDemanded
            .says(format!("{demanded}: {why}."))
            .client("give one with --cert FILE, and --key FILE if its key is not in the same file")
    }
}

/// Passive mode was tried, and nothing came through.
pub(super) fn passive_fails(facts: &Facts) -> bool {
    let mut passive = facts.trials.iter().filter(|trial| trial.method.is_passive()).peekable();
    passive.peek().is_some() && passive.all(|trial| !trial.end.is_through())
}
