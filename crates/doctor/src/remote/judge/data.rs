//! What do the data connections say?
use std::net::{IpAddr, SocketAddr};

use firewall::Name;

use super::active;
use super::shared::{MAY_BE_OURS, helper, named_in, passive_fails, rejecter, weight};
use crate::finding::Findings;
use crate::remote::facts::{Cover, Dial, End, Facts, Trial};
use crate::verdict::{Verdict, Weight};
use client::DataMethod;
use wire::host_port::is_private;

const COVERS: [Cover; 2] = [Cover::Clear, Cover::Tls];

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    // Before the rest, since it explains what the others would see.
    in_part(facts, findings);
    blinded(facts, findings);
    epsv(facts, findings);
    passive(facts, findings);
    address(facts, findings);
    active::judge(facts, findings);
    translated(facts, findings);
}

/// Did the call get no answer? One that is taken and then silent has another reason.
fn is_silent(end: &End) -> bool {
    matches!(end, End::NotReached(Dial::Silent) | End::NeverCame { .. })
}

/// Some ports are reached and others are not, and it cannot be for what was read on the way: it is the same
/// verb, or TLS.
fn in_part(facts: &Facts, findings: &mut Findings) {
    let main = facts.ends.map(|(_, peer)| peer.ip());
    let passive: Vec<&Trial> = facts
        .trials
        .iter()
        .filter(|trial| trial.method.is_passive() && main.is_none_or(|ip| ip == trial.peer.ip()))
        .collect();
    let is_closed = |trial: &&&Trial| matches!(trial.end, End::NotReached(Dial::Silent | Dial::Refused));
    let explains = |closed: &Trial, open: &Trial| {
        // What a 227 has opened may stay open for whom 229 announces the same port.
        let by_227 =
            passive.iter().filter(|other| other.method == DataMethod::Pasv && other.cover == Cover::Clear);
        let announced = |trial: &Trial| trial.announced.map(|announced| announced.port());
        open.end.is_connected()
            && by_227
                .clone()
                .all(|other| open.method == DataMethod::Pasv || announced(other) != announced(open))
            && (open.cover == Cover::Tls || (open.method == closed.method && open.cover == closed.cover))
    };
    let contradicted =
        passive.iter().filter(is_closed).any(|closed| passive.iter().any(|open| explains(closed, open)));
    let again = match &facts.epsv_again {
        Some((port, Dial::Connected)) => Some(port.to_string()),
        _ => None,
    };
    if !contradicted && again.is_none() {
        return;
    }
    let ports = |wanted: &dyn Fn(&&&Trial) -> bool, more: Option<String>| {
        let ports = passive.iter().filter(wanted).filter_map(|trial| trial.announced);
        let mut ports: Vec<String> = ports.map(|announced| announced.port().to_string()).collect();
        ports.extend(more);
        ports.sort_unstable();
        ports.dedup();
        ports.join(", ")
    };
    let closed = ports(&is_closed, None);
    let open = ports(&|trial| trial.end.is_connected(), again);
    findings.add(
        Verdict::RangeInPart.says(format!("Some of the server's data ports are reachable ({open}), others are not ({closed}): its passive range is only partly open."))
        .rules(&[Name::PassiveIn]),
    );
}

/// A method works without TLS and times out with it: something on the way reads the control connection to
/// open ports.
fn blinded(facts: &Facts, findings: &mut Findings) {
    let blinded: Vec<DataMethod> = [DataMethod::Epsv, DataMethod::Pasv, DataMethod::Eprt, DataMethod::Port]
        .into_iter()
        .filter(|method| {
            let (clear, tls) = (facts.trial(Cover::Clear, *method), facts.trial(Cover::Tls, *method));
            clear.is_some_and(|trial| trial.end.is_through())
                && tls.is_some_and(|trial| is_silent(&trial.end))
        })
        .collect();
    // What TLS does not stop cannot be what it stops.
    let goes = |method: DataMethod| {
        let mut others =
            facts.of(Cover::Tls).filter(|trial| trial.method.is_passive() == method.is_passive());
        others.any(|trial| trial.end.is_connected())
    };
    let blinded: Vec<DataMethod> = blinded.into_iter().filter(|method| !goes(*method)).collect();
    if blinded.is_empty() {
        return;
    }
    let passive = blinded.iter().any(|method| method.is_passive());
    findings.add(
        Verdict::FtpHelper.says(format!(
                "{} works unencrypted and times out under TLS: a firewall or NAT in between opens ports by reading the control connection, which TLS prevents.",
                join(&blinded)
            )).weight(if passive { weight(facts) } else { Weight::Note })
        .server("open the passive range with a rule of its own instead of an FTP helper: `pasv firewall` prints it")
        .client("until then use the settings below, or --tls off, which sends everything unencrypted"),
    );
}

fn epsv(facts: &Facts, findings: &mut Findings) {
    for cover in COVERS {
        let Some(epsv) = facts.trial(cover, DataMethod::Epsv) else { continue };
        let pasv = facts.trial(cover, DataMethod::Pasv);
        let pasv_works = pasv.is_some_and(|trial| trial.end.is_through());
        let covered = cover.words();
        const INSPECTED: &str = "set a firewall that inspects FTP to pass EPSV, or switch its inspection off";
        const BY_ITSELF: &str = "use PASV; pasv does so by itself after some seconds";
        let (what, server, client) = match &epsv.end {
            End::Unanswered => (
                format!("EPSV is never answered {covered}; a new session with PASV works"),
                INSPECTED,
                BY_ITSELF,
            ),
            End::HungUp(said) if said.starts_with("421") => (
                format!("The server ends the session at EPSV {covered} ({said}); a new one with PASV works"),
                "read its log for why it ends the session there",
                "use PASV; pasv does so by itself",
            ),
            End::HungUp(_) => {
                (format!("EPSV ends the session {covered}; a new one with PASV works"), INSPECTED, BY_ITSELF)
            }
            End::Refused(said) => (
                format!("EPSV is refused {covered} ({said}); PASV works"),
                "enable EPSV (RFC 2428): IPv6 needs it, and behind NAT it works without an address",
                "use PASV; pasv and curl do so by themselves",
            ),
            // Under TLS nobody in between could have read either.
            End::NotReached(Dial::Silent | Dial::Refused) if cover == Cover::Clear && pasv_works => {
                only_227(facts, findings);
                continue;
            }
            _ => continue,
        };
        if !pasv_works {
            findings.ask(
                format!("why EPSV fails {covered}: PASV fails too, so EPSV need not be the reason"),
                "try from another network, or read the server's log",
            );
        } else if !findings.has(Verdict::EpsvFails) {
            findings.add(Verdict::EpsvFails.says(format!("{what}.")).server(server).client(client));
        }
    }
}

/// The port of EPSV is not reached, that of PASV is: something in between may open the ports that it reads in
/// 227.
fn only_227(facts: &Facts, findings: &mut Findings) {
    if findings.has(Verdict::FtpHelper) || findings.has(Verdict::RangeInPart) {
        return;
    }
    if !is_the_verb(facts) {
        return findings.ask(
            "whether the command or the port is the reason: the port of EPSV was not reachable, the port of PASV was, and one of each is not enough to tell",
            "try again: if EPSV always fails and PASV never does, something in between reads 227 only; else the range is only partly open",
        );
    }
    let sentence = "The port that EPSV announces is not reachable, the one that PASV announces is: something in between opens ports that it reads in 227 replies, and does not know 229.";
    findings.add(
        Verdict::FtpHelper
            .says(sentence)
            .weight(Weight::Hinders)
            .server("open the passive range by a rule of its own: `pasv firewall` prints it")
            .client("use PASV"),
    );
}

/// Without TLS no port of EPSV was reached, two at least, and each of PASV was.
fn is_the_verb(facts: &Facts) -> bool {
    let main = facts.ends.map(|(_, peer)| peer.ip());
    let mut clear = facts.of(Cover::Clear).filter(|trial| main.is_none_or(|ip| ip == trial.peer.ip()));
    let again = matches!(&facts.epsv_again, Some((_, dial)) if *dial != Dial::Connected);
    again
        && clear.all(|trial| match trial.method {
            DataMethod::Epsv => !trial.end.is_connected(),
            DataMethod::Pasv => trial.end.is_connected(),
            DataMethod::Eprt | DataMethod::Port => true,
        })
}

/// The server's data ports, where none of them is reached.
fn passive(facts: &Facts, findings: &mut Findings) {
    let trials: Vec<&Trial> = facts.trials.iter().filter(|trial| trial.method.is_passive()).collect();
    if trials.iter().any(|trial| trial.end.is_connected()) {
        let stalls = trials.iter().any(|trial| matches!(trial.end, End::Stalled { .. }));
        // Under TLS it is judged with the rest of that.
        let clear = trials.iter().all(|trial| trial.cover == Cover::Clear);
        if stalls && clear && facts.best().is_none() {
            findings.add(
                Verdict::DataStalls
                    .says("Passive transfers fail: the data connection opens, but nothing comes through it.")
                    .weight(Weight::Blocks)
                    .server("check whether the server is overloaded or hangs: read its log"),
            );
        }
        return;
    }
    let dialled: Vec<(&Dial, u16)> = trials
        .iter()
        .filter_map(|trial| match &trial.end {
            End::NotReached(dial) => Some((dial, trial.announced?.port())),
            _ => None,
        })
        .collect();
    let mut ports: Vec<u16> = dialled.iter().map(|(_, port)| *port).collect();
    ports.sort_unstable();
    ports.dedup();
    let named = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let all = |wanted: fn(&Dial) -> bool| !dialled.is_empty() && dialled.iter().all(|(dial, _)| wanted(dial));
    let control = facts.port;
    let word = facts.passive_word.as_deref().map(named_in).unwrap_or_default();
    if all(|dial| *dial == Dial::Silent) {
        if dialled.len() < 2 {
            findings.ask(
                format!("whether the server's passive ports are closed: one was tried ({named}), and did not answer"),
                "try again: a second data port that does not answer would show it",
            );
            return;
        }
        let silent = format!(
            "Passive transfers fail: port {control} works, but the server's data ports ({named}) do not answer."
        );
        let (rule_3, rule_4) = (Name::PassiveIn, Name::PassiveOut);
        let (rules, why): (&[Name], _) = match &word[..] {
            [3] => (
                &[rule_3],
                format!(
                    "The server reports that no connection attempt arrives: {rule_3} is missing, or a firewall of this network blocks those ports."
                ),
            ),
            [4] => (
                &[rule_4],
                format!(
                    "The server reports that the connection attempt arrives, but its answer is lost: {rule_4} is missing."
                ),
            ),
            _ => {
                (&[rule_3, rule_4], format!("A firewall drops the packets: {rule_3} or {rule_4} is missing."))
            }
        };
        let finding = Verdict::Rule3Or4.says(format!("{silent} {why}")).weight(weight(facts)).rules(rules);
        if rules == [rule_4] {
            return findings.add(finding.server(
                "allow the answers of the passive range to leave: `pasv firewall --stateless` or `--output-drop` prints the rules of a firewall that filters outgoing packets",
            ));
        }
        findings.add(
            finding
                .server(
                    "open the passive range for new connections: `pasv firewall` prints the rules; on a router, forward the same ports to the server",
                )
                .client("try from another network: a firewall of this one may allow known ports only"),
        );
        if rules == [rule_3] {
            findings.ask(
                format!("whether rule {} is missing at the server, or a firewall on the client's side blocks the connection", rule_3.number()),
                "on the server, `pasv doctor --site` compares its rules with what it needs; here, try from another network",
            );
            return;
        }
        findings.ask(
            "which of the two rules is missing, or whether a firewall on the client's side blocks the connection",
            format!("on the server, `pasv doctor --site` compares its rules; while a client tries, `ss -tn state syn-recv` shows the data port if rule {} (the answers) is missing, and nothing if rule {} is, or the client's firewall blocks it", rule_4.number(), rule_3.number()),
        );
    } else if all(|dial| *dial == Dial::Refused) {
        findings.add(
            Verdict::DataPortsRefused.says(format!(
                    "Passive transfers fail: the server's data ports ({named}) are refused: {} is missing{}.", Name::PassiveIn,
                    if word == [3] {
                        " in a firewall that rejects, or a router does not forward them: the server reports that no connection attempt arrives"
                    } else {
                        " in a firewall that rejects, a router does not forward them, or no program listens there"
                    }
                )).weight(weight(facts))
            .rules(&[Name::PassiveIn])
            .server(
                "open the passive range in the firewall that rejects it, or forward it on the router, with the same port numbers on both sides",
            ),
        );
        if word == [3] {
            return;
        }
        findings.ask(
            "who refuses: a firewall with a reject rule, or a machine where no program listens on that port",
            "on the server, while a client tries, `ss -tln` shows the data port if the server listens",
        );
    } else if all(|dial| matches!(dial, Dial::Rejected { .. })) {
        let who = dialled.iter().find_map(|(dial, _)| match dial {
            Dial::Rejected { by, says } => Some((*by, says.as_str())),
            _ => None,
        });
        let (Some((by, says)), Some(host)) = (who, trials.first().map(|trial| trial.peer.ip())) else {
            return;
        };
        let finding = Verdict::DataPortsRefused
            .says(format!(
                "Passive transfers fail: the server's data ports ({named}) are rejected by {}: {says}.",
                rejecter(by, host)
            ))
            .weight(weight(facts))
            .rules(&[Name::PassiveIn])
            .server("allow new connections to the passive range in the firewall that rejects them");
        findings.add(if by == host { finding } else { finding.client(MAY_BE_OURS) });
    } else if !dialled.is_empty() {
        findings.ask(
            format!("why the data ports ({named}) are not reachable: they do not all fail in the same way"),
            "try again: ports that differ point to a range that is only partly open",
        );
    }
}

/// The address in 227.
fn address(facts: &Facts, findings: &mut Findings) {
    let foreign = facts.trials.iter().filter(|trial| trial.method == DataMethod::Pasv).filter_map(|trial| {
        let announced = trial.announced?;
        (!announced.ip().is_unspecified() && announced.ip() != trial.peer.ip()).then_some((trial, announced))
    });
    for (trial, announced) in foreign {
        if findings.has(Verdict::AddressNotTold) {
            return;
        }
        let (told_ip, peer) = (announced.ip(), trial.peer.ip());
        if !trial.end.is_connected() {
            findings.ask(
                format!(
                    "whether the address in the 227 reply ({told_ip}) is right: it is not the server's ({peer}), where the port does not answer"
                ),
                format!("check the external address in the server's configuration, and open the passive range: {}", Name::PassiveIn),
            );
            continue;
        }
        if !is_private(told_ip) {
            findings.ask(
                format!(
                    "whether the address in the 227 reply ({told_ip}) is the server's too: the same port connects at {peer}"
                ),
                "ask the administrator, or try the same port there",
            );
            continue;
        }
        findings.add(
            Verdict::AddressNotTold.says(format!(
                    "The server announces the address {told_ip} in its answer to PASV, but the same port connects at {peer}: its external address is not configured."
                ))
            .server(format!(
                "set its external address: `--external` in pasv, pasv_address in vsftpd, MasqueradeAddress in ProFTPD, \
                 ForcePassiveIP in Pure-FTPd; it is {peer} from here"
            )),
        );
    }
    let announced = |cover| {
        facts.trial(cover, DataMethod::Pasv).and_then(|trial| trial.announced).map(|announced| announced.ip())
    };
    if let (Some(clear), Some(tls)) = (announced(Cover::Clear), announced(Cover::Tls))
        && clear != tls
    {
        findings.add(helper(format!(
            "Something in between rewrites the server's replies: its 227 has {clear} unencrypted and {tls} under TLS."
        )));
    }
}

/// Our own address, as we and as the server see it.
fn translated(facts: &Facts, findings: &mut Findings) {
    let (Some((own, _)), Some(seen)) = (facts.ends, facts.seen_as) else { return };
    let own: IpAddr = own.ip().to_canonical();
    if own == seen {
        return;
    }
    if is_private(seen) && !is_private(own) {
        findings.ask(
            format!("who translates addresses: this machine is {own}, but the server sees {seen}, which is an address of its own network"),
            "ask the administrator: a balancer or NAT in front of the server hides its clients (`pasv serve --proxy-from` sees them)",
        );
        return;
    }
    findings.add(
        Verdict::ClientBehindNat
            .says(format!("This machine is behind NAT: its address is {own}, the server sees {seen}."))
            .clients(
                (!passive_fails(facts))
                    .then_some("use passive mode: the server cannot connect to this address"),
            ),
    );
    let arrived = facts.of(Cover::Clear).find(|trial| {
        let ours = |announced: SocketAddr| announced.ip() == own;
        !trial.method.is_passive() && trial.announced.is_some_and(ours) && trial.end.is_connected()
    });
    if let Some(trial) = arrived
        && !findings.has(Verdict::FtpHelper)
    {
        findings.add(helper(format!(
            "Something in between rewrites the client's commands: {} with {own} works although the server sees {seen}.",
            trial.method
        )));
    }
}

fn join(methods: &[DataMethod]) -> String {
    methods.iter().map(DataMethod::to_string).collect::<Vec<_>>().join(", ")
}
