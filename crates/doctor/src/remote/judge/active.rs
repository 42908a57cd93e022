//! Why does the server's call not come?
//!
//! ```text
//!   client                              server
//!   ours  <----- 4, its SYN ----------- its port        arrived here?  then rule 4 is fine, and our answer does not get back
//!         ------ 3, our answer ------->                 has it left?   only the server knows, and ours says so in its 425
//! ```
use net::half_open::Attempt;

use super::data::weight;
use super::{Finding, Findings, Verdict, Weight, named_in};
use crate::remote::facts::{End, Facts, Trial};

/// What is open as long as nobody has looked at the server.
const ON_THE_SERVER: &str = "on the server, `pasv firewall --check --mode active` compares its rules; on this machine, during a try, `tcpdump tcp src port 20` shows whether the connection attempt arrives";

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    let trials: Vec<&Trial> = facts.trials.iter().filter(|trial| !trial.way.is_passive()).collect();
    if trials.is_empty() || trials.iter().any(|trial| trial.end.is_connected()) {
        return;
    }
    let never: Vec<(Option<&str>, Attempt)> = trials
        .iter()
        .filter_map(|trial| match &trial.end {
            End::NeverCame { said, call, .. } => Some((said.as_deref(), *call)),
            _ => None,
        })
        .collect();
    let stranger = trials.iter().find_map(|trial| match &trial.end {
        End::NeverCame { stranger, .. } => stranger.map(|stranger| (stranger, trial.peer.ip())),
        _ => None,
    });
    let refused = trials.iter().find_map(|trial| match &trial.end {
        End::Refused(said) => Some(said.as_str()),
        _ => None,
    });
    // Where passive mode works, active mode is missed by nobody.
    let weight = if facts.best().is_some() { Weight::Note } else { weight(facts) };
    // Nobody is to be sent from one mode that fails to another.
    let (no_call, passive): (&[&str], &[&str]) =
        if passive_fails(facts) { (&[], &[ALLOW]) } else { (&[NO_CALL], &[PASSIVE]) };
    let finding = |why: String| {
        Finding::new(
            Verdict::ActiveImpossible,
            weight,
            format!("Active mode does not work from here: {why}."),
        )
    };
    match (never.is_empty(), refused) {
        (true, Some(said)) => {
            return findings.add(finding(format!("the server refuses it ({said})")).clients(no_call));
        }
        (true, None) => return,
        (false, Some(said)) => {
            return findings.add(
                finding(format!(
                    "the server's connection does not arrive, or the server refuses it ({said})"
                ))
                .clients(passive),
            );
        }
        (false, None) => {}
    }
    let said = never.iter().find_map(|(said, _)| *said);
    let named = said.map(named_in).unwrap_or_default();
    if never.iter().any(|(_, call)| *call == Attempt::HalfOpen) {
        findings.add(
            finding(
                "the server's connection attempt arrives, but the answer is lost: rule 3 (clients to the port that the server calls from, answers only) is missing"
                    .to_owned(),
            )
            .rules(&[3])
            .server("allow the answers to the server's own connections: `pasv firewall --mode active --stateless` prints the rule")
            .clients(no_call),
        );
        findings.ask(
            "whether rule 3 is missing at the server, or a firewall on this side blocks the answer",
            "on the server, `pasv firewall --check --mode active` compares its rules; here, try from another network",
        );
    } else if let Some((stranger, peer)) = stranger {
        findings.add(
            finding(format!(
                "a connection comes from {stranger} and none from {peer}: rule 4 (the server's own call out to clients) is missing on the router in front of the server, which does not translate the address"
            ))
            .rules(&[4])
            .server(
                "translate the server's own connections to the address that clients use: `pasv firewall --for nftables-router --mode active` prints the rule",
            )
            .clients(no_call),
        );
    } else if let (Some(said), [4]) = (said, &named[..]) {
        findings.add(
            finding(format!(
                "rule 4 (the server's own call out to clients) is missing at the server, as it reports itself ({said})"
            ))
            .rules(&[4])
            .server("allow the server's own connections to clients: `pasv firewall --mode active --output-drop` prints the rule")
            .clients(no_call),
        );
    } else {
        let unseen = never.iter().any(|(_, call)| *call == Attempt::None);
        let (rules, what): (&[u8], _) = if unseen {
            (
                &[4],
                "the server agrees, but its connection never arrives: rule 4 (the server's own call out to clients) is missing on",
            )
        } else {
            (
                &[3, 4],
                "the server agrees, but its connection never arrives: rule 4 (the server's own call out to clients) or rule 3 (the client's answer) is missing on",
            )
        };
        let said = said.map(|said| format!(" (it reports {said})")).unwrap_or_default();
        findings.add(
            finding(format!(
                "{what} the server's side, or a firewall or NAT on this side blocks connections from outside{said}"
            ))
            .rules(rules)
            .server("allow the server's own connections to clients: `pasv firewall --mode active` prints the rules")
            .clients(passive),
        );
        findings.ask("who blocks the server's connection", ON_THE_SERVER);
    }
}

/// Passive mode was tried, and nothing came through.
pub(super) fn passive_fails(facts: &Facts) -> bool {
    let mut passive = facts.trials.iter().filter(|trial| trial.way.is_passive()).peekable();
    passive.peek().is_some() && passive.all(|trial| !trial.end.is_through())
}

const NO_CALL: &str = "use passive mode";
const ALLOW: &str = "allow connections from outside in the firewall or NAT on this side";
const PASSIVE: &str =
    "use passive mode; or allow connections from outside in the firewall or NAT on this side";
