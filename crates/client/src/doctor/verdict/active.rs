//! Why does the server's call not come?
//!
//! ```text
//!   client                              server
//!   ours  <----- 4, its SYN ----------- its port        arrived here?  then rule 4 is fine, and our answer does not get back
//!         ------ 3, our answer ------->                 has it left?   only the server knows, and ours says so in its 425
//! ```
use net::Call;

use super::data::weight;
use super::{Remark, Sheet, Verdict, Weight, named_in};
use crate::doctor::findings::{End, Findings, Trial};

/// What is open as long as nobody has looked at the server.
const ON_THE_SERVER: &str = "on the server: `pasv firewall --check --mode active` compares its own rules; on this machine, while it is tried: \
     `tcpdump tcp src port 20` shows whether the call arrives";

pub(super) fn judge(findings: &Findings, sheet: &mut Sheet) {
    let trials: Vec<&Trial> = findings.trials.iter().filter(|trial| !trial.way.is_passive()).collect();
    if trials.is_empty() || trials.iter().any(|trial| trial.end.is_connected()) {
        return;
    }
    let never: Vec<(Option<&str>, Call)> = trials
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
    let weight = if findings.best().is_some() { Weight::Note } else { weight(findings) };
    let remark = |why: String| {
        Remark::new(Verdict::ActiveImpossible, weight, format!("Active mode does not work from here: {why}."))
    };
    match (never.is_empty(), refused) {
        (true, Some(said)) => {
            return sheet.add(remark(format!("the server refuses it ({said})")).client(PASSIVE));
        }
        (true, None) => return,
        (false, Some(said)) => {
            return sheet
                .add(remark(format!("its call does not come, or it refuses ({said})")).client(PASSIVE));
        }
        (false, None) => {}
    }
    let said = never.iter().find_map(|(said, _)| *said);
    let named = said.map(named_in).unwrap_or_default();
    if never.iter().any(|(_, call)| *call == Call::HalfOpen) {
        sheet.add(
            remark(
                "the server's call arrives, and our answer does not get back to it: rule 3 (clients to the port that the server \
                 calls from, answers only) is missing"
                    .to_owned(),
            )
            .rules(&[3])
            .server("let in what answers its own calls: `pasv firewall --mode active --stateless` prints the rule")
            .client(NO_CALL),
        );
        sheet.ask(
            "whether rule 3 is missing at the server, or a filter on this side stops our answer",
            "on the server: `pasv firewall --check --mode active` compares its own rules; here: a try from another network",
        );
    } else if let Some((stranger, peer)) = stranger {
        sheet.add(
            remark(format!(
                "a call comes from {stranger} and none from {peer}: rule 4 (the server's own call out to clients) is missing on a \
                 router before the server, which does not translate the address"
            ))
            .rules(&[4])
            .server(
                "let the server's calls leave from the address that clients dial: `pasv firewall --for nftables-router --mode \
                 active` prints the rule",
            )
            .client(NO_CALL),
        );
    } else if let (Some(said), [4]) = (said, &named[..]) {
        sheet.add(
            remark(format!(
                "rule 4 (the server's own call out to clients) is missing at the server, as it says itself ({said})"
            ))
            .rules(&[4])
            .server("let the call out: `pasv firewall --mode active --output-drop` prints the rule")
            .client(NO_CALL),
        );
    } else {
        let unseen = never.iter().any(|(_, call)| *call == Call::None);
        let (rules, what): (&[u8], _) = if unseen {
            (
                &[4],
                "the server agrees, and its call never arrives: rule 4 (the server's own call out to clients) is missing on",
            )
        } else {
            (
                &[3, 4],
                "the server agrees, and its call never comes: rule 4 (the server's own call out to clients) or rule 3 (our answer) is missing on",
            )
        };
        let said = said.map(|said| format!(" (it says {said})")).unwrap_or_default();
        sheet.add(
            remark(format!(
                "{what} the server's side, or a firewall or NAT on this side stops calls from outside{said}"
            ))
            .rules(rules)
            .server("let the call out: `pasv firewall --mode active` prints the rules")
            .client(PASSIVE),
        );
        sheet.ask("who stops the server's call", ON_THE_SERVER);
    }
}

const NO_CALL: &str = "passive mode: there the server calls nobody";
const PASSIVE: &str = "a firewall or NAT on this side stops calls from outside; passive mode needs none";
