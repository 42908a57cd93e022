//! Why does the server's connection not come?
//!
//! ```text
//!   client                              server
//!   ours  <----- 4, its SYN ----------- its port        arrived here?  then our answer is lost (rule 3)
//!         ------ 3, our answer ------->                 has it left?   the server's 425 says so (rule 4)
//! ```
use firewall::Name;
use net::half_open::Attempt;

use super::shared::{named_in, passive_fails, weight};
use crate::finding::Findings;
use crate::remote::facts::{End, Facts, Trial};
use crate::verdict::{Verdict, Weight};

/// What is open as long as nobody has looked at the server.
const ON_THE_SERVER: &str = "on the server, `pasv firewall --check --mode active` compares its rules; on this machine, during a try, `tcpdump tcp src port 20` shows whether the connection attempt arrives";

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    let trials: Vec<&Trial> = facts.trials.iter().filter(|trial| !trial.method.is_passive()).collect();
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
    // Where passive mode works, nobody needs active mode.
    let weight = if facts.best().is_some() { Weight::Note } else { weight(facts) };
    // Nobody is to be sent from one mode that fails to another.
    let passive = (!passive_fails(facts)).then_some("use passive mode");
    let allow = "allow connections from outside in the firewall or NAT on this side";
    let finding = |why: String| {
        let sentence = format!("Active mode does not work from here: {why}.");
        Verdict::ActiveImpossible.says(sentence).weight(weight)
    };
    match (never.is_empty(), refused) {
        (true, Some(said)) => {
            return findings.add(finding(format!("the server refuses it ({said})")).clients(passive));
        }
        (true, None) => return,
        (false, Some(said)) => {
            let why = format!("the server's connection does not arrive, or the server refuses it ({said})");
            return findings.add(finding(why).clients(passive).client(allow));
        }
        (false, None) => {}
    }
    let said = never.iter().find_map(|(said, _)| *said);
    let named = said.map(named_in).unwrap_or_default();
    let (rule_3, rule_4) = (Name::ActiveIn, Name::ActiveOut);
    if never.iter().any(|(_, call)| *call == Attempt::HalfOpen) {
        findings.add(
            finding(format!("the server's connection attempt arrives, but the answer is lost: {rule_3} is missing"))
                .rules(&[rule_3])
                .server("allow the answers to the server's own connections: `pasv firewall --mode active --stateless` prints the rule")
                .clients(passive),
        );
        findings.ask(
            format!("whether rule {} is missing at the server, or a firewall on this side blocks the answer", rule_3.number()),
            "on the server, `pasv firewall --check --mode active` compares its rules; here, try from another network",
        );
    } else if let Some((stranger, peer)) = stranger {
        findings.add(
            finding(format!(
                "a connection comes from {stranger} and none from {peer}: {rule_4} is missing on the router in front of the server, which does not translate the address"
            ))
            .rules(&[rule_4])
            .server(
                "translate the server's own connections to the address that clients use: `pasv firewall --for nftables-router --mode active` prints the rule",
            )
            .clients(passive),
        );
    } else if let (Some(said), [4]) = (said, &named[..]) {
        findings.add(
            finding(format!("{rule_4} is missing at the server, as it reports itself ({said})"))
                .rules(&[rule_4])
                .server("allow the server's own connections to clients: `pasv firewall --mode active --output-drop` prints the rule")
                .clients(passive),
        );
    } else {
        let unseen = never.iter().any(|(_, call)| *call == Attempt::None);
        let (rules, or): (&[Name], _) =
            if unseen { (&[rule_4], String::new()) } else { (&[rule_3, rule_4], format!(" or {rule_3}")) };
        let said = said.map(|said| format!(" (it reports {said})")).unwrap_or_default();
        findings.add(
            finding(format!(
                "the server agrees, but its connection never arrives: {rule_4}{or} is missing on the server's side, or a firewall or NAT on this side blocks connections from outside{said}"
            ))
            .rules(rules)
            .server("allow the server's own connections to clients: `pasv firewall --mode active` prints the rules")
            .clients(passive)
            .client(allow),
        );
        findings.ask("who blocks the server's connection", ON_THE_SERVER);
    }
}
